"""Credits of 24 hours that roll, and how many calls run at once and how many results are fetched in a minute.

Credits follow from the edition and the licences and are always counted, by the World's clock. Calls at once and results
in a minute are kept only where the world asks for it (trait `rates`), in real seconds: the World's clock stands still
between two calls. Over any of them it is 429 without a word about when.

Source: the fact sheet, section 7.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from ... import times
from ...world import World
from . import bulk, company, errors

DAY = timedelta(hours=24)
# Per edition: credits of the org, of each licence, the most (ultimate: as many as there are), and calls at once.
EDITIONS = {
    "free": (5000, 0, 5000, 5),
    "standard": (50_000, 250, 100_000, 10),
    "professional": (50_000, 500, 3_000_000, 15),
    "enterprise": (50_000, 1000, 5_000_000, 20),
    "ultimate": (50_000, 2000, 10**12, 25),
}
DOWNLOADS, MINUTE = 10, 60.0


def allowed(world: World) -> int:
    """The credits of 24 hours; the trait `credits` says otherwise."""
    base, each, most, _ = EDITIONS[company.edition(world)]
    return int(world.traits.get("credits", min(most, base + each * int(world.get("subscription")["seats"]))))


def left(world: World, seq: int) -> int | None:
    """The credits that are left after this call, from half of them used on; else None. Raises when there are none."""
    most, jobs = allowed(world), int(world.get("zoho/jobs") or 0)
    if seq + jobs * bulk.CREDITS <= most // 2:
        return None
    since = times.stamp(times.moment(world.now) - DAY)
    used = int(world.one("SELECT count(*) FROM requests WHERE at > ? AND coalesce(status, 0) <> 429", since)[0]) + 1
    sql = "SELECT count(*) FROM requests WHERE at > ? AND method = 'POST' AND target = '/crm/bulk/v8/read' AND status = 201"
    used += int(world.one(sql, since)[0]) * (bulk.CREDITS - 1)
    if used > most:
        found = errors.refusal("TOO_MANY_REQUESTS")
        found.headers[errors.REMAINING] = "0"
        raise found
    return most - used if used * 2 > most else None


class Rates:
    """Calls under way, and results fetched in the last minute."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._fetched: deque[float] = deque()
        self._running = 0
        self._guard = threading.Lock()
        self._mine = threading.local()

    @contextmanager
    def running(self) -> Iterator[None]:
        """A call is under way; how many were when it came is remembered for its thread."""
        with self._guard:
            self._running += 1
            self._mine.place = self._running
        try:
            yield
        finally:
            with self._guard:
                self._running -= 1

    def check(self, world: World) -> None:
        """Refuses the call that came as one too many at once."""
        most = int(world.traits.get("at_once", EDITIONS[company.edition(world)][3]))
        if getattr(self._mine, "place", 1) > most:
            raise errors.refusal("TOO_MANY_REQUESTS")

    def fetch(self) -> None:
        """Counts a result that is fetched; refuses the eleventh in a minute."""
        now = self._seconds()
        while self._fetched and self._fetched[0] <= now - MINUTE:
            self._fetched.popleft()
        if len(self._fetched) >= DOWNLOADS:
            raise errors.refusal("TOO_MANY_REQUESTS")
        self._fetched.append(now)
