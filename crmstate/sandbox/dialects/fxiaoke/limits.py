"""How many calls there are: a hundred in twenty seconds for each interface, ten in a minute for a token (real seconds, where
the trait `rates` asks for it: the World's clock stands still between two calls), and so many a day (the trait `daily_quota`, in
the World's days; 0: none was bought).

Sources: developer.fxiaoke.com/openapi_v2/start/guide/rate.html, .../start/auth/app-info.html. That a token must not be asked
for concurrently cannot be broken here: the World answers one request after the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import timedelta

from ... import times
from ...exchange import Call
from . import errors, signin

EACH, SECONDS = 100, 20.0
TOKENS, MINUTE = 10, 60.0
PACK = 100_000
ZONE = timedelta(hours=8)
"""Whose midnight begins the day: Beijing's (a guess)."""


class Rates:
    """The calls of the last seconds, by interface."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._seen: dict[str, deque[float]] = {}

    def count(self, path: str, who: str = "") -> None:
        """Counts a call; refuses the one too many, which then does not count (a guess). `who`: the app, for a token."""
        most, span = (TOKENS, MINUTE) if path in (signin.NEW, signin.OLD) else (EACH, SECONDS)
        now = self._seconds()
        recent = self._seen.setdefault(f"{path} {who}", deque())
        while recent and recent[0] <= now - span:
            recent.popleft()
        if len(recent) >= most:
            raise errors.refusal(errors.TOO_FAST_HERE)
        recent.append(now)


def count_day(call: Call) -> None:
    """Refuses the call that is one too many for this day. Every request of the day counts, a refused one too (a guess)."""
    quota = call.world.traits.get("daily_quota")
    if quota is None:
        return
    if quota == 0:
        raise errors.refusal(errors.NO_QUOTA)
    sql = "SELECT count(*) FROM requests WHERE at >= ?"
    if call.world.one(sql, midnight_before(call.world.now))[0] >= quota:
        raise errors.refusal(errors.DAY_USED_UP)


def midnight_before(now: str) -> str:
    """When this day began."""
    there = times.moment(now) + ZONE
    return times.stamp(there.replace(hour=0, minute=0, second=0) - ZONE)
