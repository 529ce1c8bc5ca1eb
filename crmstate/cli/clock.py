"""Clocks: this machine's, a simulator's, and one that stands at `--as-of`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from crmstate.core.diagnostic import problem
from crmstate.core.failure import Failure
from crmstate.core.words import Exit

FRESH = 1.0
YEARS = (1900, 9998)
"""As in a manifest: what lies before or behind has no day before it in some zone, or no day after it."""


class RealClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class VendorClock(RealClock):
    """The time of a vendor that has a clock of its own: asked for at most once a second. Where it does not answer any
    more, the last time that it told stands: a run that has begun must be able to record how it ends."""

    def __init__(self, ask: Callable[[], datetime]) -> None:
        self._ask = ask
        self._known: tuple[float, datetime] | None = None

    def now(self) -> datetime:
        if self._known is None or self.monotonic() - self._known[0] > FRESH:
            try:
                found = self._ask()
            except Failure:
                if self._known is None:
                    raise
                found = self._known[1]
            self._known = (self.monotonic(), found)
        return self._known[1]


class FixedClock(RealClock):
    """A time that somebody asked about. What is planned by it is hypothetical."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment


def moment(text: str) -> datetime:
    """`2026-12-15`, `2026-12-15T18:00` or with a zone; without one it is UTC. Raises Problem."""
    try:
        found = datetime.fromisoformat(text)
        if not YEARS[0] <= found.year <= YEARS[1]:
            raise ValueError(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise problem(Exit.USAGE, "CRM-C014", text=text) from None
