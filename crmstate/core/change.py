"""Change: one thing that the vendor shows otherwise than the record, and the words for what happened to it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from crmstate.core.address import Address
from crmstate.core.words import Kind, Verb


class Turn(StrEnum):
    """What happened: something ended is back; the subscription runs on; rows or attachments are there again, or other rows than were
    archived; the vendor
    did what it had only accepted; something is gone further than we took it, or that stays by the manifest, or of our own; something
    that the record does not know."""

    CAME_BACK = "came_back"
    RENEWED = "renewed"
    ROWS_BACK = "rows_back"
    FILES_BACK = "files_back"
    MOVED = "moved"
    THROUGH = "through"
    GONE = "gone"
    KEPT_GONE = "kept_gone"
    OWN_GONE = "own_gone"
    UNRECORDED = "unrecorded"


BACK = frozenset({Turn.CAME_BACK, Turn.RENEWED, Turn.ROWS_BACK, Turn.FILES_BACK, Turn.UNRECORDED})
"""What must not happen after an end."""


class Change(msgspec.Struct, frozen=True):
    """One difference. `recorded` and `observed`: phases, days or counts as text, empty where there is none; `since`: when it was
    recorded; `next`: the verb that the plan has for it now, None for none."""

    what: Turn
    address: Address
    kind: Kind
    label: str
    recorded: str
    since: str
    observed: str
    next: Verb | None = None
