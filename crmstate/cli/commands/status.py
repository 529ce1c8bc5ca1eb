"""crmstate status: where everything stands, with proof, and what is waited for, from whom, since when."""

from __future__ import annotations

from typing import Annotated

import typer

from crmstate.cli.compose import House
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
from crmstate.cli.survey import planned
from crmstate.core.course import course
from crmstate.core.goal import ArchiveGoal
from crmstate.core.life import Life, life
from crmstate.core.plan import Deadline
from crmstate.core.planning.afterwards import afterwards
from crmstate.core.planning.dates import contract_dates
from crmstate.core.planning.retention import deadlines
from crmstate.core.record import State
from crmstate.engine.observe import stamp


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
    house = open_house(manifest, screen, as_of)
    state = house.state()
    made = None if offline else planned(house, state, house.readers())
    dates = made.deadlines if made is not None else _dates(house, state)
    about = _life(house, state) if made is None else None
    if screen.json:
        screen.out(status_json(state, made, screen.catalogue, dates, about))
    elif screen.format == "markdown":
        screen.out(status_markdown(state, made, screen.catalogue, dates, about))
    else:
        screen.out(status_text(state, made, screen.catalogue, dates, about, color=screen.color))
    return 0


def _dates(house: House, state: State) -> tuple[Deadline, ...]:
    """The dates by the record and the manifest alone; those of the archive that have come are in it as well."""
    goal = house.desired.archive
    now = stamp(house.clock.now())
    found = [*contract_dates(house.desired, state, now), *afterwards(house.desired, state, now)]
    if isinstance(goal, ArchiveGoal):
        found += deadlines(goal, state, "")
    return tuple(sorted(found, key=lambda each: each.at))


def _life(house: House, state: State) -> Life | None:
    """Where the subscription stands by the record and the contract alone."""
    now = stamp(house.clock.now())
    return life(house.desired, None, state, course(house.desired, None, state, now), house.provider.title)
