"""crmstate schema: prints a JSON Schema, or writes them all (`--write`), which tests hold fresh."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from crmstate.cli.screen import Screen


class Which(str, Enum):  # noqa: UP042
    """The published schemas."""

    manifest = "manifest"
    plan = "plan"
    state = "state"
    deadlines = "deadlines"
    drift = "drift"
    watch = "watch"
    rules = "rules"
    bundle = "bundle"
    evidence = "evidence"
    rehearsal = "rehearsal"


def schema(
    which: Annotated[
        Which,
        typer.Argument(
            help="manifest, plan, state, deadlines, drift, watch, rules, bundle (bundle.json), evidence (evidence verify) or "
            "rehearsal."
        ),
    ] = Which.manifest,
    write: Annotated[Path | None, typer.Option("--write", help="Write all schemas into this folder.")] = None,
) -> int:
    """Print a JSON Schema."""
    screen = Screen()
    if write is None:
        screen.out(text_of(which))
        return 0
    for each in Which:
        (write / f"{each.value}.schema.json").write_text(text_of(each), encoding="utf-8")
    return 0


def text_of(which: Which) -> str:
    """A schema as it is committed."""
    return json.dumps(_schema(which), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _schema(which: Which) -> dict[str, Any]:
    if which is Which.manifest:
        from crmstate.manifest.schema import generated_schema

        return generated_schema()
    if which is Which.plan:
        from crmstate.views.plan_json import plan_schema

        return plan_schema()
    if which is Which.deadlines:
        from crmstate.views.deadlines_json import deadlines_schema

        return deadlines_schema()
    if which is Which.drift:
        from crmstate.views.drift import drift_schema

        return drift_schema()
    if which is Which.watch:
        from crmstate.views.watching import watch_schema

        return watch_schema()
    if which is Which.rules:
        from crmstate.rules import rules_schema

        return rules_schema()
    if which is Which.bundle:
        from crmstate.store.bundle import sheet_schema

        return sheet_schema()
    if which is Which.rehearsal:
        from crmstate.views.rehearsal_json import rehearsal_schema

        return rehearsal_schema()
    if which is Which.evidence:
        from crmstate.views.bundle_text import verification_schema

        return verification_schema()
    from crmstate.store.snapshot import state_schema

    return state_schema()
