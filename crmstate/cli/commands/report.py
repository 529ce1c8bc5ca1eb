"""crmstate report: where everything stands, as one page that can be sent to whoever answers for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.compose import House
from crmstate.cli.opening import open_house
from crmstate.cli.options import HERE, AsOfOption, LangOption, ManifestArgument, QuietOption
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.failure import Failure
from crmstate.core.plan import Plan
from crmstate.core.record import State
from crmstate.core.reminders import late
from crmstate.core.words import Exit
from crmstate.engine.observe import stamp

LARGEST = 256 * 1024 * 1024


def report(
    manifest: ManifestArgument = HERE,
    out: Annotated[Path, typer.Option("--out", help="The page; an earlier report there is replaced.")] = Path(
        "report.html"
    ),
    offline: Annotated[
        bool, typer.Option("--offline", help="From the record alone, without asking the vendor.")
    ] = False,
    as_of: AsOfOption = None,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Write one HTML page: what is done and proved, what waits, on whom, and what is next due."""
    from crmstate import __version__
    from crmstate.cli.bundles import learn
    from crmstate.cli.survey import planned
    from crmstate.store import files
    from crmstate.store.home import Home, refuse_inside
    from crmstate.store.load import read
    from crmstate.store.papers import told
    from crmstate.views.page import MARK
    from crmstate.views.report import report as page

    screen = Screen(lang=lang, quiet=quiet)
    house = open_house(manifest, screen, as_of)
    house.state()  # refuses a state that does not lie here
    refuse_inside(out)
    old = files.read(out, LARGEST)
    if old is not None and MARK not in old[:4096]:
        raise problem(Exit.REFUSED, "CRM-S080", file=str(out))
    learn(house)
    loaded = read(house.folder, house.desired.name)
    made = None if offline else planned(house, loaded.state)
    owed = made if made is not None else _owed(house, loaded.state)
    happened = told(Home(house.folder, house.desired.name), loaded.seq) if loaded.seq else []
    data = page(
        loaded.state,
        made,
        tuple(each.event for each in happened),
        screen.catalogue,
        now=stamp(house.now()),
        tool=__version__,
        dates=owed.deadlines if owed is not None else (),
        life=owed.life if owed is not None else None,
        cost=owed.cost if owed is not None else None,
        masked=house.desired.mask_people,
        vendor=house.desired.vendor,
        late=late(house.desired, owed.steps, loaded.state, owed.observed_at) if owed is not None else {},
        owed=owed is not None and bool(owed.steps or owed.blocked),
    )
    files.Disk(house.effects).replace(out, data)
    screen.say("report.written", path=out)
    return 0


def _owed(house: House, state: State) -> Plan | None:
    """What record and manifest say alone of dates and of the subscription; None where not even the time can be known."""
    from crmstate.cli.survey import owed

    try:
        return owed(house, state)
    except (Failure, Problem):
        return None
