"""Event: what all events have."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event"):
    """One event; every one has a time."""

    at: str
