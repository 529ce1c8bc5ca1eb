"""Of a state itself: it began, and what surgery did to it."""

from __future__ import annotations

from crmstate.core.events.event import Event


class Created(Event, frozen=True, tag="created"):
    """A state began. `lineage` is unique to it for ever."""

    name: str
    lineage: str
    provider: str
    tenant: str


class Repaired(Event, frozen=True, tag="repaired"):
    """Surgery: `what` is a catalogue code; steps whose intents were lost are unknown from now on."""

    what: str
    by: str
    unknown: tuple[str, ...] = ()


class Restored(Event, frozen=True, tag="restored"):
    """The state was set back to what it was at `serial`; everything later stays in the journal as history."""

    serial: int
    by: str


class Unlocked(Event, frozen=True, tag="unlocked"):
    """A lock was taken away from `holder`."""

    by: str
    holder: str
