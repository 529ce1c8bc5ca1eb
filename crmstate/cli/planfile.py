"""Saved plans: read back, and joined with the manifest that they were made from, which must not have changed."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec

from crmstate.cli.compose import House
from crmstate.cli.opening import open_house
from crmstate.cli.screen import Screen
from crmstate.core.diagnostic import problem
from crmstate.core.plan import Plan
from crmstate.core.safeguard import approvals_needed
from crmstate.core.words import Exit

HEAD = 4096
LARGEST = 5 * 1024 * 1024
"""Of a manifest."""
_BLANK = b"\xef\xbb\xbf \t\r\n"


def is_plan(path: Path) -> bool:
    """Whether a file is meant as a saved plan: it begins like a JSON object, and either names a plan id at its head or
    cannot be a manifest, which is called .yaml or names its `apiVersion`. One that was cut short is still meant as a
    plan, and is refused as one."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            head = file.read(HEAD).lstrip(_BLANK)
            if head[:1] != b"{" or b'"plan_id"' in head:
                return head[:1] == b"{"
            return path.suffix not in (".yaml", ".yml") and b"apiVersion" not in head + file.read(LARGEST)
    except OSError:
        return False


def read_plan(path: Path, screen: Screen) -> tuple[Plan, House]:
    """A saved plan and the House of its manifest, whose safeguards hold, whatever the file says of them. Raises
    Problem (exit 5) where the manifest says something else now."""
    from crmstate.store import planfile
    from crmstate.views.plan_json import decode_plan

    if not path.exists():
        raise problem(Exit.USAGE, "CRM-C002", path=path)
    if path.is_dir():
        raise problem(Exit.USAGE, "CRM-C003", path=path, why="it is a folder")
    made = decode_plan(planfile.load(path), str(path))
    manifest = Path(made.manifest)
    if not manifest.exists() and (path.parent / manifest.name).exists():
        manifest = path.parent / manifest.name
    house = open_house(manifest, screen)
    if house.desired.digest != made.digest:
        raise problem(Exit.STALE, "CRM-E017", path=manifest, plan_id=made.plan_id)
    need = approvals_needed(house.desired, made.steps)
    named = house.desired.safeguards.require_plan_id
    return msgspec.structs.replace(made, approvals_needed=need, require_plan_id=named), house
