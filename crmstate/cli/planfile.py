"""Saved plans: read back, and joined with the manifest that they were made from, which must not have changed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from crmstate.cli.compose import House
from crmstate.cli.opening import open_house
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import problem
from crmstate.core.plan import Plan
from crmstate.core.words import Exit


def is_plan(path: Path) -> bool:
    """Whether a file is a saved plan: a JSON object with a plan id."""
    from crmstate.store import planfile

    try:
        with path.open("rb") as file:
            if file.read(1) != b"{":
                return False
        return planfile.is_plan(path.read_bytes())
    except OSError:
        return False


def read_plan(path: Path, screen: Screen) -> tuple[Plan, House]:
    """A saved plan and the House of its manifest, whose safeguards hold, whatever the file says of them. Raises
    Problem (exit 5) where the manifest says something else now."""
    from crmstate.store import planfile
    from crmstate.views.plan_json import decode_plan

    if not path.exists():
        raise problem(Exit.USAGE, "CRM-C002", path=path)
    made = decode_plan(planfile.load(path), str(path))
    manifest = Path(made.manifest)
    if not manifest.exists() and (path.parent / manifest.name).exists():
        manifest = path.parent / manifest.name
    house = open_house(manifest, screen)
    if house.desired.digest != made.digest:
        raise problem(Exit.STALE, "CRM-E017", path=manifest, plan_id=made.plan_id)
    guards = house.desired.safeguards
    return msgspec.structs.replace(
        made, approvals_needed=guards.approvals, require_plan_id=guards.require_plan_id
    ), house
