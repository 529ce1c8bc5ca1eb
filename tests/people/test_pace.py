"""The pace of a server holds for everybody who sends to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crmstate.cli.effects import Straight
from crmstate.people.outbox import Pace


@dataclass
class Hand:
    """A clock that moves as it is slept on."""

    at: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime(2026, 12, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.at += seconds


@given(st.lists(st.integers(1, 8), min_size=1, max_size=40), st.integers(1, 600))
def test_no_minute_has_more_messages_than_it_may(rounds: list[int], per_minute: int) -> None:
    clock = Hand()
    around: Any = SimpleNamespace(clock=clock, effects=Straight())
    pace, sent = Pace(around, per_minute), list[tuple[float, int]]()
    for messages in rounds:
        pace.wait(messages)
        sent.append((clock.at, messages))
    for start, _ in sent:
        inside = [messages for at, messages in sent if start <= at < start + 60 - 1e-6]
        assert sum(inside) <= per_minute + inside[-1]
