"""crmstate remind: who is to be told today that a step is due, overdue, or waited for too long. Each is told once.

Where a manifest masks people, what is printed names nobody: it goes to a log, a ticket or a chat as any other page does. Who
sends it on to the people themselves needs their names, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from crmstate.cli.compose import House
from crmstate.cli.masking import masked
from crmstate.cli.opening import open_house
from crmstate.cli.options import (
    HERE,
    AsOfOption,
    ColorOption,
    Format,
    FormatOption,
    LangOption,
    ManifestArgument,
    QuietOption,
)
from crmstate.cli.screen import Screen
from crmstate.cli.survey import begin, planned
from crmstate.core.event import Reminded
from crmstate.core.record import State
from crmstate.core.reminders import Nudge, nudges, untold
from crmstate.engine.observe import stamp


def remind(
    manifest: ManifestArgument = HERE,
    all: Annotated[bool, typer.Option("--all", help="Also what was told before; records nothing.")] = False,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Without the vendor: only what people and papers have to prove."),
    ] = False,
    as_of: AsOfOption = None,
    name_people: Annotated[
        bool,
        typer.Option("--name-people", help="Name them where the manifest masks people: to send the reminders to them."),
    ] = False,
    format: FormatOption = Format.text,
    lang: LangOption = None,
    quiet: QuietOption = False,
    no_color: ColorOption = False,
) -> int:
    """Print the reminders and escalations that are due, each once, for whoever sends them on."""
    screen = Screen(format.value, lang, quiet, no_color)
    house = open_house(manifest, screen, as_of)
    if all or as_of is not None:
        state = house.state()
        if not name_people:
            masked(house, state, screen)
        found, _ = _due(house, state, offline)
        _show(house, screen, found if all else untold(found, state), as_of is not None)
        return 0
    with house.store() as store:
        if not name_people:
            masked(house, store.state, screen)
        found, tenant = _due(house, store.state, offline)
        new = untold(found, store.state)
        if new:  # on record before it is told: what a crash keeps from being told, `status` and `plan` still show
            begin(store, house, tenant)
            at = stamp(house.clock.now())
            store.append(
                [
                    Reminded(
                        at=at, step=each.step, address=each.address, verb=each.verb, what=each.what, to=each.to,
                        due=each.due, by=house.by,
                    )
                    for each in new
                ]
            )  # fmt: skip
    _show(house, screen, new, False)
    return 0


def _due(house: House, state: State, offline: bool) -> tuple[list[Nudge], str]:
    """Everything that somebody should know by now, and the tenant that it is about."""
    made = planned(house, state, offline=offline, by_word=True)
    return nudges(house.desired, made.steps, state, made.observed_at), made.tenant


def _show(house: House, screen: Screen, found: Sequence[Nudge], hypothetical: bool) -> None:
    from crmstate.views import reminders_text

    if screen.json:
        screen.out(reminders_text.reminders_json(found, screen.catalogue, hypothetical))
    elif screen.format == "markdown":
        screen.out(reminders_text.reminders_markdown(found, screen.catalogue, house.desired.name, hypothetical))
    else:
        screen.out(reminders_text.reminders_text(found, screen.catalogue, hypothetical))
