"""Stop: the two stages of being asked to end. First nothing new is started; then nothing is waited for either."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crmstate.core.ports import Jobs
from crmstate.core.provider import Job, Order, Part, Provider


class Abandoned(BaseException):
    """The second stage: leave now. Intents are durable; the next run looks and goes on."""


class Stop:
    """Raised from outside (a signal) by `ask`; read by the walk. `idle`: nothing runs that could be finished, only an
    answer is waited for."""

    def __init__(self) -> None:
        self.level = 0
        self.idle = False

    @property
    def asked(self) -> bool:
        return self.level > 0

    def ask(self) -> None:
        """The first call asks to finish what runs; a second one, or one while idle, raises `Abandoned` where it is
        called (the main thread)."""
        self.level += 1
        if self.level > 1 or self.idle:
            raise Abandoned


class Stoppable:
    """`Jobs` of a run that may be asked to end: a job is waited for until then. It goes on at the vendor, and the next run
    waits for it again."""

    def __init__(self, jobs: Jobs, stop: Stop) -> None:
        self.provider: Provider = jobs.provider
        self._jobs, self._stop = jobs, stop

    def known(self, order: Order) -> tuple[str, ...] | None:
        return self._jobs.known(order)

    def submit(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        return self._jobs.submit(order, known)

    def found(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        return self._jobs.found(order, known)

    def awaited(self, order: Order, id: str, stopped: Callable[[], bool] | None = None) -> Job:
        return self._jobs.awaited(order, id, lambda: self._stop.asked or (stopped is not None and stopped()))

    def masked(self, raw: bytes) -> bytes:
        return self._jobs.masked(raw)

    def collect(self, order: Order, part: Part) -> Iterator[bytes]:
        return self._jobs.collect(order, part)
