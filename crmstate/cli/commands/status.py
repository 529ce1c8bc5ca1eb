"""crmstate status: where everything stands, with proof, and what is waited for, from whom, since when."""

from __future__ import annotations

from typing import Annotated

import typer

from crmstate.cli.compose import House
from crmstate.cli.opening import opened
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
from crmstate.cli.survey import owed, planned
from crmstate.core.course import course
from crmstate.core.goal import ArchiveGoal
from crmstate.core.life import life
from crmstate.core.plan import Deadline, Plan
from crmstate.core.planning.retention import deadlines
from crmstate.core.planning.timeline import timeline
from crmstate.core.record import State
from crmstate.core.reminders import late
from crmstate.engine.observe import stamp
from crmstate.views.status_text import Moment

ARCHIVE = ("recheck", "keep_until")


def status(
    manifest: ManifestArgument = HERE,
    format: FormatOption = Format.text,
    offline: Annotated[
        bool, typer.Option("--offline", help="From the record alone, without asking the vendor.")
    ] = False,
    as_of: AsOfOption = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
    no_color: ColorOption = False,
) -> int:
    """Show what is done and proved, and what is waited for."""
    from crmstate.views.status_text import status_json, status_markdown, status_text

    screen = Screen(format.value, lang, quiet, no_color)
    house, state = opened(manifest, screen, as_of)
    made = None if offline else planned(house, state)
    dates = made.deadlines if made is not None else _dates(house, state)
    at = _moment(house, state, made)
    if screen.json:
        screen.out(status_json(state, made, screen.catalogue, dates, at))
    elif screen.format == "markdown":
        screen.out(status_markdown(state, made, screen.catalogue, dates, at))
    else:
        screen.out(status_text(state, made, screen.catalogue, dates, at, color=screen.color))
    return 0


def _moment(house: House, state: State, made: Plan | None) -> Moment:
    """What time it is, and what is late by then. Without a plan it is what people and papers have to prove; a simulator's
    time only it knows, and it is not asked then."""
    if made is not None:
        return Moment(made.observed_at, late(house.desired, made.steps, state, made.observed_at))
    if house.as_of is None and house.provider.own_clock:
        last = max((entry.at for entry in state.entries.values()), default="")
        days, vendor = course(house.desired, None, state, last), house.desired.vendor
        return Moment(life=life(house.desired, None, state, days, vendor or house.provider.title), vendor=vendor)
    now = stamp(house.clock.now())
    found = owed(house, state)
    return Moment(
        now, late(house.desired, found.steps, state, now), found.life, found.vendor, bool(found.steps or found.blocked)
    )


def _dates(house: House, state: State) -> tuple[Deadline, ...]:
    """The dates by the record and the manifest alone; those of the archive that have come are in it as well."""
    goal, now = house.desired.archive, stamp(house.clock.now())
    found = [each for each in timeline(house.desired, state, now, house.laws).dates if each.what not in ARCHIVE]
    if isinstance(goal, ArchiveGoal):
        found += deadlines(goal, state, "")
    return tuple(sorted(found, key=lambda each: (each.at, each.what)))
