"""Pace: how fast requests may go out, over all threads, and how many went out today.

It waits; it never drops a request. A vendor's "too fast" holds everybody, not only the thread that was told.
"""

from __future__ import annotations

import threading
from collections import deque
from datetime import UTC, datetime, time, timedelta

from crmstate.core.failure import Code, Failure
from crmstate.core.ports import Clock
from crmstate.core.provider import Limits


class _Bucket:
    """One second's worth of requests, refilled as time goes by. Not safe between threads by itself."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._most = self._tokens = max(1.0, rate)
        self._filled = now

    def lacks(self, now: float) -> float:
        """The seconds until it has a token; 0 where it has one."""
        self._tokens = min(self._most, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        return 0.0 if self._tokens >= 1.0 - 1e-9 else (1.0 - self._tokens) / self._rate

    def take(self) -> None:
        self._tokens -= 1.0


class _Window:
    """So many requests in any so many seconds. Not safe between threads by itself."""

    def __init__(self, most: int, seconds: float) -> None:
        self._seconds = seconds
        self._went: deque[float] = deque(maxlen=most)
        self._now = 0.0

    def lacks(self, now: float) -> float:
        """The seconds until one more may go; 0 where one may."""
        self._now = now
        full = len(self._went) == self._went.maxlen
        return max(0.0, self._went[0] + self._seconds - now) if full else 0.0

    def take(self) -> None:
        self._went.append(self._now)


class Pace:
    """Token buckets, one for everything and one for each request that has a limit of its own, windows for those that are
    counted so, and a count of the day where the vendor has a day's quota."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        now = clock.monotonic()
        self._overall = _Bucket(limits.per_second, now) if limits.per_second is not None else None
        self._single: dict[str, _Bucket | _Window] = {
            **{name: _Bucket(rate, now) for name, rate in limits.per_request.items()},
            **{name: _Window(most, seconds) for name, (most, seconds) in limits.per_window.items()},
        }
        self._held = float("-inf")
        self._day = ""
        self._today = 0

    def wait(self, name: str = "") -> None:
        """Returns when one request, known to the limits by this name, may go out. Raises Failure(EXHAUSTED) when the
        day's quota is known to be used up."""
        self._count()
        while (delay := self._take(name)) > 0:
            self._clock.sleep(delay)

    def spend(self, calls: int) -> None:
        """A request counted as so many more of the day's quota."""
        with self._lock:
            self._today += calls if self._limits.per_day is not None else 0

    def hold(self, seconds: float) -> None:
        """Nothing goes out for so long: the vendor asked for it."""
        with self._lock:
            self._held = max(self._held, self._clock.monotonic() + seconds)

    @property
    def today(self) -> int:
        """Requests of this session on the vendor's present day; counted only where the vendor has a day's quota."""
        return self._today

    def _take(self, name: str) -> float:
        """Takes a token of every bucket that counts and returns 0, or takes none and returns the seconds to wait."""
        with self._lock:
            now = self._clock.monotonic()
            if now < self._held:
                return self._held - now
            buckets = [each for each in (self._overall, self._single.get(name)) if each is not None]
            delay = max((bucket.lacks(now) for bucket in buckets), default=0.0)
            if delay == 0.0:
                for bucket in buckets:
                    bucket.take()
            return delay

    def _count(self) -> None:
        if self._limits.per_day is None:
            return
        with self._lock:
            day = self._there().date().isoformat()
            if day != self._day:
                self._day, self._today = day, 0
            if self._today >= self._limits.per_day:
                raise Failure(
                    Code.EXHAUSTED, "the day's calls are used up", until=self.midnight(), vendor="kit.per_day"
                )
            self._today += 1

    def midnight(self) -> str:
        """When the vendor's next day begins, and with it the day's quota: ISO 8601, UTC."""
        there = datetime.combine(self._there().date() + timedelta(days=1), time(), UTC)
        return (there - timedelta(hours=self._limits.ahead)).isoformat().replace("+00:00", "Z")

    def _there(self) -> datetime:
        """Now, as the vendor's clock shows it."""
        return self._clock.now().astimezone(UTC) + timedelta(hours=self._limits.ahead)
