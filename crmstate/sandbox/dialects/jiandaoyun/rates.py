"""How many calls a second a corp has, where the world asks for it (trait `rates`). Real seconds: the World's clock stands
still between two calls.

Source: hc.jiandaoyun.com/open/11261 and the pages of the calls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from . import errors

CORP = 50
LIMITS = {
    "/v5/app/list": 30,
    "/v5/app/entry/list": 30,
    "/v5/app/entry/widget/list": 30,
    "/v5/app/entry/data/list": 30,
    "/v5/app/entry/data/get": 30,
    "/v5/app/entry/data/delete": 20,
    "/v5/app/entry/data/batch_delete": 10,
    "/v5/corp/department/list": 10,
    "/v5/corp/department/user/list": 10,
    "/v5/corp/user/get": 30,
    "/v5/corp/user/delete": 20,
    "/v5/corp/user/batch_delete": 10,
    "/v1/corp_usage/overview": 1,
    "/v1/corp_usage/app_metrics": 1,
}


class Rates:
    """The calls of the last second, over all and by path."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._seen: dict[str, deque[float]] = {}

    def count(self, path: str) -> None:
        """Counts a call; refuses the one too many, which then does not count. The smaller limit wins."""
        now = self._seconds()
        whole, here = self._recent("", now), self._recent(path, now)
        if len(here) >= LIMITS.get(path, CORP):
            raise errors.refusal(errors.TOO_FAST_HERE)
        if len(whole) >= CORP:
            raise errors.refusal(errors.TOO_FAST)
        whole.append(now)
        here.append(now)

    def _recent(self, path: str, now: float) -> deque[float]:
        found = self._seen.setdefault(path, deque())
        while found and found[0] <= now - 1:
            found.popleft()
        return found
