"""crmstate watch: looks whether anything came back after the end, and puts each look on record. Holds sessions that cannot
write."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from crmstate.cli.commands.drift import drifted
from crmstate.cli.compose import House
from crmstate.cli.opening import open_house, state_of
from crmstate.cli.options import (
    HERE,
    ByOption,
    ColorOption,
    Format,
    FormatOption,
    LangOption,
    ManifestArgument,
    QuietOption,
)
from crmstate.cli.screen import Screen
from crmstate.cli.signals import two_stages
from crmstate.core import watching
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import Sight, Watched
from crmstate.core.failure import Failure
from crmstate.core.record import State
from crmstate.core.words import Exit
from crmstate.engine.observe import stamp
from crmstate.engine.stop import Abandoned, Stop

_PERIOD = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d|w)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
SLICE = 3600.0
"""The longest sleep at once."""


def _period(text: str | None) -> float | None:
    if text is None:
        return None
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise typer.BadParameter("a number and s, m, h, d or w, such as 12h")
    return float(int(found[1]) * _SECONDS[found[2]])


def watch(
    manifest: ManifestArgument = HERE,
    every: Annotated[
        str | None,
        typer.Option("--every", metavar="PERIOD", help="Look again and again, such as 1h; once if left out."),
    ] = None,
    for_: Annotated[
        str | None, typer.Option("--for", metavar="PERIOD", help="Until this much time is over, such as 30d.")
    ] = None,
    by: ByOption = None,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    quiet: QuietOption = False,
    no_color: ColorOption = False,
) -> int:
    """Look whether access, people, keys or charges came back after the end. Ends with 2 where something did."""
    pause, whole = _period(every), _period(for_)
    if whole is not None and pause is None:
        raise typer.BadParameter("--for needs --every")
    screen = Screen(format.value, lang, quiet, no_color)
    house = open_house(manifest, screen)
    if not house.state().lineage:
        raise problem(Exit.REFUSED, "CRM-C130", name=house.desired.name)
    if pause is None:
        return int(_round(house, screen, by))
    return int(_rounds(house, screen, by, pause, whole))


def _rounds(house: House, screen: Screen, by: str | None, pause: float, whole: float | None) -> Exit:
    """Looks until the time is over or somebody asks to stop, which ends a pause at once and lets a look come to its end."""
    stop, exits = Stop(), [Exit.OK]
    start = due = house.real.monotonic()
    with two_stages(stop, lambda: screen.say("watch.stopping")):
        try:
            while True:
                exits.append(_round(house, screen, by))
                due = max(due + pause, house.real.monotonic())
                if stop.asked:
                    return Exit.INTERRUPTED
                if whole is not None and due > start + whole:
                    return _worst(exits)
                stop.idle = True
                while (left := due - house.real.monotonic()) > 0:
                    house.real.sleep(min(left, SLICE))
                stop.idle = False
        except Abandoned:
            return Exit.INTERRUPTED


def _worst(exits: list[Exit]) -> Exit:
    """What came back in any look matters more than a look that saw nothing."""
    return Exit.CHANGES if Exit.CHANGES in exits else max(exits)


def _round(house: House, screen: Screen, by: str | None) -> Exit:
    """One look, told once it is on record."""
    from crmstate.views.watching import watch_json, watch_text

    state = state_of(house, screen)
    event = watching.watched(stamp(house.now()), by or house.by, _looked(house, state))
    with house.store() as store:
        store.append([event])
        seen = store.state.watch
    assert seen is not None
    if screen.json:
        screen.out(watch_json(house.desired.name, event, seen, screen.catalogue))
    elif not (screen.quiet and event.outcome == "clear"):
        screen.out(watch_text(event, seen, screen.catalogue, color=screen.color))
    return _exit(event)


def _exit(event: Watched) -> Exit:
    if event.outcome == "back":
        return Exit.CHANGES
    if event.outcome != "unknown":
        return Exit.OK
    strange = any(each.said == "refused_strangely" for each in event.sights)
    return Exit.CREDENTIALS if strange else Exit.ERROR


def _looked(house: House, state: State) -> list[Sight]:
    """What every credential is answered, and where one is let in, what the vendor shows."""
    now, sights, alive = stamp(house.now()), [], False
    sessions = house.readers()
    uses = list(house.credentials) or ["read"]
    try:
        for use, session in zip(uses, sessions, strict=False):
            try:
                sights.append(watching.works(use, session.whoami(), state, now))
                alive = True
            except Failure as failure:
                sights.append(watching.refused(use, failure.code, state))
    finally:
        for session in sessions:
            session.close()
    if alive:
        try:
            sights += watching.back(drifted(house, state))
        except Problem as found:
            code = found.diagnostics[0].code
            if code == "CRM-V001":
                raise
            sights.append(Sight("listing", "unknown", code=code))
    return sights + watching.rechecks(house.desired, state, now)
