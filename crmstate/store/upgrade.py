"""Upgrades of what older versions wrote: one function a format, from the raw value to the next format's raw value.

Files are never rewritten for an upgrade: a chunk keeps its bytes and its digest for ever and is upgraded as it is
read. A format newer than ours is refused. Those from FIRST on differ in nothing but the events that they may hold, and
need no upgrade.

A chunk's raw value is `{"header": {...}, "events": [{...}, ...]}`; a snapshot's is the object in the file without its
digest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crmstate.core.diagnostic import Problem, problem
from crmstate.core.record import FIRST, FORMAT
from crmstate.core.words import Exit

Raw = dict[str, Any]
Upgrade = Callable[[Raw], Raw]

CHUNKS: dict[int, Upgrade] = {}
SNAPSHOTS: dict[int, Upgrade] = {}


def upgrade(table: dict[int, Upgrade], found: int, raw: Raw, file: str) -> Raw:
    """The raw value in today's format. Raises Problem where the format is newer than ours, or no way leads up from
    it."""
    check(found, file)
    while found < FIRST:
        step = table.get(found)
        if step is None:
            raise problem(Exit.ERROR, "CRM-S021", file=file, format=found, known=FORMAT)
        raw, found = step(raw), found + 1
    return raw


def check(found: int, file: str) -> None:
    """Refuses a format that only a newer version knows."""
    if found > FORMAT:
        raise newer(found, file)


def newer(found: int, file: str) -> Problem:
    """What is whole, and says what only a newer version knows."""
    return problem(Exit.ERROR, "CRM-S020", file=file, format=found, known=FORMAT)
