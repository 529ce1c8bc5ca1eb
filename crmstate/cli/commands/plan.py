"""crmstate plan: shows what apply would do. Holds sessions that cannot write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.opening import opened
from crmstate.cli.options import (
    HERE,
    AsOfOption,
    BriefOption,
    ColorOption,
    ExcludeOption,
    Format,
    FormatOption,
    LangOption,
    ManifestArgument,
    OfflineOption,
    TargetOption,
)
from crmstate.cli.screen import Screen
from crmstate.cli.survey import planned
from crmstate.core.plan import Plan
from crmstate.core.words import Exit


def plan(
    manifest: ManifestArgument = HERE,
    format: FormatOption = Format.text,
    out: Annotated[Path | None, typer.Option("--out", help="Save the plan, to be applied as it is.")] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="0 nothing to do, 2 changes, 9 waiting.")
    ] = False,
    target: TargetOption = None,
    exclude: ExcludeOption = None,
    as_of: AsOfOption = None,
    offline: OfflineOption = False,
    full: Annotated[bool, typer.Option("--full", help="Every step, however many.")] = False,
    lang: LangOption = None,
    quiet: BriefOption = False,
    no_color: ColorOption = False,
) -> int:
    """Show what apply would do, and why."""
    screen = Screen(format.value, lang, quiet, no_color)
    house, state = opened(manifest, screen, as_of)
    made = planned(house, state, target=target or (), exclude=exclude or (), offline=offline)
    house.check_place(made)
    if out is not None:
        from crmstate.store import planfile
        from crmstate.views.plan_json import encode_plan

        planfile.save(out, screen.scrubber.scrub(encode_plan(made, screen.catalogue).decode()).encode(), house.effects)
    show(made, screen, full, str(out) if out is not None else None)
    if made.errors:
        return int(Exit.REFUSED)
    return int(changes(made)) if detailed_exitcode else 0


def show(made: Plan, screen: Screen, full: bool = False, saved: str | None = None, brief: bool | None = None) -> None:
    """The plan in the format that was asked for. `brief`: only what somebody must act on; as --quiet says where it is
    None. Whoever is asked a question about a plan sees it whole."""
    if screen.json:
        from crmstate.views.plan_json import encode_plan

        screen.out(encode_plan(made, screen.catalogue).decode())
    elif screen.format == "markdown":
        from crmstate.views.plan_markdown import plan_markdown

        screen.out(plan_markdown(made, screen.catalogue))
    elif screen.quiet if brief is None else brief:
        from crmstate.views.plan_text import plan_brief

        screen.out(plan_brief(made, screen.catalogue, color=screen.color))
    else:
        from crmstate.views.plan_text import plan_text

        screen.out(plan_text(made, screen.catalogue, color=screen.color, full=full, saved=saved))


def changes(made: Plan) -> Exit:
    """What `--detailed-exitcode` answers."""
    if made.summary.ready:
        return Exit.CHANGES
    return Exit.WAITING if made.steps or made.blocked else Exit.OK
