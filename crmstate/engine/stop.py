"""Stop: the two stages of being asked to end. First nothing new is started; then nothing is waited for either."""

from __future__ import annotations


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
