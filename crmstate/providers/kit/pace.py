"""Pace: how fast requests may go out, over all threads, and how many went out today.

It waits; it never drops a request. A vendor's "too fast" holds everybody, not only the thread that was told.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time, timedelta

from crmstate.core.failure import Code, Failure
from crmstate.core.ports import Clock
from crmstate.core.provider import Limits


class Pace:
    """A token bucket that holds one second's worth of requests, and a count of the day where the vendor has a day's
    quota."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = max(1.0, limits.per_second or 1.0)
        self._filled = clock.monotonic()
        self._held = float("-inf")
        self._day = ""
        self._today = 0

    def wait(self) -> None:
        """Returns when one request may go out. Raises Failure(EXHAUSTED) when the day's quota is known to be used
        up."""
        self._count()
        while (delay := self._take()) > 0:
            self._clock.sleep(delay)

    def hold(self, seconds: float) -> None:
        """Nothing goes out for so long: the vendor asked for it."""
        with self._lock:
            self._held = max(self._held, self._clock.monotonic() + seconds)

    @property
    def today(self) -> int:
        """Requests of this session on the present day (UTC); counted only where the vendor has a day's quota."""
        return self._today

    def _take(self) -> float:
        """Takes a token and returns 0, or returns the seconds to wait."""
        with self._lock:
            now = self._clock.monotonic()
            if now < self._held:
                return self._held - now
            rate = self._limits.per_second
            if rate is None:
                return 0.0
            most = max(1.0, rate)
            self._tokens = min(most, self._tokens + (now - self._filled) * rate)
            self._filled = now
            if self._tokens >= 1.0 - 1e-9:
                self._tokens -= 1.0
                return 0.0
            return (1.0 - self._tokens) / rate

    def _count(self) -> None:
        if self._limits.per_day is None:
            return
        now = self._clock.now()
        with self._lock:
            day = now.date().isoformat()
            if day != self._day:
                self._day, self._today = day, 0
            if self._today >= self._limits.per_day:
                midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
                until = midnight.isoformat().replace("+00:00", "Z")
                raise Failure(Code.EXHAUSTED, "the day's calls are used up", until=until, vendor="kit.per_day")
            self._today += 1
