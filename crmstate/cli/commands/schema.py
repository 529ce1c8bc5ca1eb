"""crmstate schema: prints a JSON Schema, or writes them all (`--write`), which tests hold fresh."""

from __future__ import annotations

import json
from enum import Enum
from importlib import import_module
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


SCHEMAS = {
    Which.manifest: ("manifest.schema", "generated_schema"),
    Which.plan: ("views.plan_json", "plan_schema"),
    Which.state: ("store.snapshot", "state_schema"),
    Which.deadlines: ("views.deadlines_json", "deadlines_schema"),
    Which.drift: ("views.drift", "drift_schema"),
    Which.watch: ("views.watching", "watch_schema"),
    Which.rules: ("rules", "rules_schema"),
    Which.bundle: ("store.bundle", "sheet_schema"),
    Which.evidence: ("views.bundle_text", "verification_schema"),
    Which.rehearsal: ("views.rehearsal_json", "rehearsal_schema"),
}
"""Where each is made; only the one that is asked for is loaded."""


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
    module, name = SCHEMAS[which]
    found: dict[str, Any] = getattr(import_module(f"crmstate.{module}"), name)()
    return found
