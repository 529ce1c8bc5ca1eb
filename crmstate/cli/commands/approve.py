"""crmstate approve: records a person's approval of exactly the irreversible steps of a saved plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.masking import masked
from crmstate.cli.options import ByOption, LangOption, QuietOption
from crmstate.cli.planfile import read_plan
from crmstate.cli.screen import Screen
from crmstate.cli.survey import begin
from crmstate.core.event import Approved
from crmstate.engine.observe import stamp


def approve(
    plan: Annotated[Path, typer.Argument(help="A plan saved by `crmstate plan --out`.")],
    by: ByOption = None,
    source: Annotated[
        str, typer.Option("--source", help="Where it was given: a pull request, a mail, a meeting.")
    ] = "command line",
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Record an approval of a plan's irreversible steps."""
    screen = Screen(lang=lang, quiet=quiet)
    made, house = read_plan(plan, screen)
    with house.store() as store:
        begin(store, house, made.tenant)
        name = by or house.by
        store.append([Approved(stamp(house.clock.now()), made.approval, made.plan_id, name, source)])
        masked(house, store.state, screen)
        have = len({each.by for each in store.state.approvals if each.digest == made.approval})
    screen.say("approve.recorded", by=name, count=made.summary.irreversible, have=have, need=made.approvals_needed)
    return 0
