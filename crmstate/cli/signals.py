"""Signals: the first Ctrl-C or SIGTERM asks to finish what runs, the second one leaves at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from crmstate.engine.stop import Stop


@contextmanager
def two_stages(stop: Stop, told: Callable[[], None]) -> Iterator[None]:
    """While inside, signals go to `stop`; `told` is called at the first one."""

    def ask(number: int, frame: FrameType | None) -> None:
        if not stop.asked and not stop.idle:
            told()
        stop.ask()

    before = {each: signal.signal(each, ask) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
