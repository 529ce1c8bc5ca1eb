"""Pool: runs vendor and archive work beside the walk. The only module that knows threads.

With one worker everything runs in the caller's own thread, in order, which is what crash tests enumerate.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Any

POLL = 0.2


def alone() -> AbstractContextManager[object]:
    """Something that only one piece of work holds at a time, for what several share."""
    return threading.Lock()


class Pool:
    """At most `workers` pieces of work at a time."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = max(1, workers)
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="crmstate") if workers > 1 else None

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        """Starts work; its result or exception is in the future."""
        if self._threads is not None:
            return self._threads.submit(work)
        future: Future[Any] = Future()
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)
        return future

    def any_of(self, futures: Collection[Future[Any]]) -> list[Future[Any]]:
        """Waits until at least one is finished; wakes often enough for signals to be served."""
        while True:
            done, _ = wait(futures, timeout=POLL, return_when=FIRST_COMPLETED)
            if done:
                return [future for future in futures if future in done]

    def close(self, abandon: bool = False) -> None:
        """Ends the threads; `abandon` does not wait for them."""
        if self._threads is not None:
            self._threads.shutdown(wait=not abandon, cancel_futures=True)
