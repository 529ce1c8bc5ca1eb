"""Plan files: saving a plan so that nobody else reads it and nothing else is lost, and loading it with a limit.

Knows only that a plan is a JSON object with a `plan_id`; what else is in it is the caller's. Refuses to write over a
file that is no plan, over a link, and into a state's folder.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from crmstate.core.diagnostic import problem
from crmstate.core.ports import Effects
from crmstate.core.words import Exit
from crmstate.store import files
from crmstate.store.home import ROOT

LIMIT = 256 * 1024 * 1024


class _Stamp(msgspec.Struct):
    plan_id: str


def save(path: Path, payload: bytes, effects: Effects) -> None:
    """Writes a plan, mode 0600, whole or not at all. Raises Problem where something other than a plan lies there."""
    _outside(path)
    if not files.is_folder_or_link(path.parent):
        raise problem(Exit.ERROR, "CRM-S045", file=str(path), folder=str(path.parent))
    old = files.read(path, LIMIT)
    if old is not None and not is_plan(old):
        raise problem(Exit.ERROR, "CRM-S040", file=str(path))
    files.Disk(effects).replace(path, payload)


def load(path: Path) -> bytes:
    """A saved plan's bytes. Raises Problem where there is none, where it is too large, or no plan (exit 64)."""
    data = files.read(path, LIMIT)
    if data is None:
        raise problem(Exit.ERROR, "CRM-S042", file=str(path))
    if not is_plan(data):
        raise problem(Exit.USAGE, "CRM-S044", file=str(path))
    return data


def is_plan(data: bytes) -> bool:
    """Whether these bytes are a JSON object with a `plan_id`."""
    try:
        return bool(msgspec.json.decode(data, type=_Stamp).plan_id)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


def _outside(path: Path) -> None:
    try:
        real = path.parent.resolve() / path.name
    except (OSError, RuntimeError) as error:
        raise problem(Exit.ERROR, "CRM-S002", file=str(path)) from error
    if ROOT in real.parts:
        raise problem(Exit.ERROR, "CRM-S041", file=str(path))
