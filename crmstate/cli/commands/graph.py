"""crmstate graph: draws the plan: what waits for what, for whom, and what cannot be taken back. Holds sessions that cannot
write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmstate.cli.opening import open_house, state_of
from crmstate.cli.options import (
    HERE,
    AsOfOption,
    ExcludeOption,
    LangOption,
    ManifestArgument,
    OfflineOption,
    QuietOption,
    TargetOption,
)
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit

LARGEST = 64 * 1024 * 1024
MARK = b"%% crmstate "


def graph(
    manifest: ManifestArgument = HERE,
    out: Annotated[
        Path | None, typer.Option("--out", help="A file to write; an earlier diagram there is replaced.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Every step in a box of its own, however many.")] = False,
    target: TargetOption = None,
    exclude: ExcludeOption = None,
    as_of: AsOfOption = None,
    offline: OfflineOption = False,
    lang: LangOption = None,
    quiet: QuietOption = False,
) -> int:
    """Draw the plan as a Mermaid flowchart."""
    from crmstate.cli.survey import planned
    from crmstate.store import files
    from crmstate.store.home import refuse_inside
    from crmstate.views.plan_mermaid import plan_mermaid

    screen = Screen(lang=lang, quiet=quiet)
    house = open_house(manifest, screen, as_of)
    if out is not None:
        refuse_inside(out)
        old = files.read(out, LARGEST)
        if old and not old.startswith(MARK):
            raise problem(Exit.REFUSED, "CRM-C120", path=out)
    made = planned(house, state_of(house, screen), target=target or (), exclude=exclude or (), offline=offline)
    screen.show(made.errors)
    text = plan_mermaid(made, screen.catalogue, full=full)
    if out is None:
        screen.out(text)
    else:
        files.Disk(house.effects).replace(out, screen.scrubber.scrub(text).encode("utf-8"))
        screen.say("graph.written", path=out)
    return int(Exit.REFUSED) if made.errors else 0
