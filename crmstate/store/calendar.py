"""Calendar files: saved whole or not at all, and never over anything that is no calendar, over a link, or into a state's
folder."""

from __future__ import annotations

from pathlib import Path

from crmstate.core.diagnostic import problem
from crmstate.core.ports import Effects
from crmstate.core.words import Exit
from crmstate.store import files
from crmstate.store.home import ROOT

LIMIT = 16 * 1024 * 1024
_HEAD = b"BEGIN:VCALENDAR"


def save(path: Path, payload: bytes, effects: Effects) -> None:
    """Writes a calendar, mode 0600. Raises Problem where something else lies there, or where it may not lie."""
    try:
        real = path.parent.resolve() / path.name
    except (OSError, RuntimeError) as error:
        raise problem(Exit.ERROR, "CRM-S002", file=str(path)) from error
    if ROOT in real.parts:
        raise problem(Exit.ERROR, "CRM-S111", file=str(path))
    if not files.is_folder_or_link(path.parent):
        raise problem(Exit.ERROR, "CRM-S112", file=str(path), folder=str(path.parent))
    old = files.read(path, LIMIT)
    if old is not None and not old.lstrip(b"\xef\xbb\xbf").upper().startswith(_HEAD):
        raise problem(Exit.ERROR, "CRM-S110", file=str(path))
    files.Disk(effects).replace(path, payload)
