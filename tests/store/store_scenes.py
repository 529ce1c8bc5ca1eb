"""What the store's tests share: a clock, effects that crash or fail on purpose, steps, and a small true history."""

from __future__ import annotations

import contextlib
import errno
import gc
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from crmstate.core.address import address
from crmstate.core.diagnostic import Problem
from crmstate.core.event import AnyEvent, Created, Held, Intended, Settled, Settlement, StepRef
from crmstate.core.fold import fold
from crmstate.core.record import State, step_id
from crmstate.core.words import Kind, Outcome, Proof, Undo, Verb
from crmstate.store import Store

NAME = "zoho-exit"
BORN = Created("2026-01-01T00:00:00+00:00", NAME, "lineage-1", "sandbox", "acme")


class Ticking:
    """A clock that moves one second at each look."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Real:
    """Effects that happen, as in production."""

    def do(self, kind, what, act, torn=None):
        return act()


class Plain:
    """Effects that happen, but for fsync, which no test of one running machine can tell from nothing, and which is
    slow."""

    def do(self, kind, what, act, torn=None):
        return None if kind == "fsync" else act()


class Listing(Plain):
    """Effects that happen, and are written down."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def do(self, kind, what, act, torn=None):
        self.seen.append((kind, Path(what).name))
        return super().do(kind, what, act)


class Crash(BaseException):
    """The process ended here."""


class Crashing(Plain):
    """Ends the process before, after or in the middle of the effect number `at`; every effect after that is a mistake
    of the code."""

    def __init__(self, at: int, mode: str) -> None:
        self.left, self.mode, self.dead, self.torn = at, mode, False, False

    def do(self, kind, what, act, torn=None):
        if self.dead:
            raise Crash(f"{kind} {what} after the end")
        self.left -= 1
        if self.left >= 0:
            return super().do(kind, what, act)
        self.dead = True
        if self.mode == "after":
            super().do(kind, what, act)
        elif self.mode == "torn" and torn is not None:
            self.torn = True
            torn()
        raise Crash(f"{self.mode} {kind} {what}")


class Failing(Plain):
    """From the effect number `at` on, `times` effects of these kinds fail with an error of the operating system."""

    def __init__(
        self, at: int, number: int = errno.ENOSPC, kinds: Sequence[str] = ("write",), times: int = 10**9
    ) -> None:
        self.at, self.number, self.kinds, self.times = at, number, kinds, times

    def do(self, kind, what, act, torn=None):
        self.at -= 1
        if self.at < 0 and kind in self.kinds and self.times > 0:
            self.times -= 1
            if torn is not None:
                torn()
            raise OSError(self.number, "on purpose")
        return super().do(kind, what, act)


def open_store(folder: Path, effects=None, name: str = NAME, scrub=None) -> Store:
    return Store.open(folder, name, effects or Plain(), Ticking(), "anna", scrub)


def step(number: int, undo: Undo = Undo.NEVER, label: str = "") -> StepRef:
    place = address(Kind.USER, str(number))
    return StepRef(step_id(place, Verb.DELETE), place, Verb.DELETE, undo, label or f"User {number}")


def intended(*numbers: int, undo: Undo = Undo.NEVER, at: str = "2026-01-01T00:00:01+00:00") -> Intended:
    return Intended(at, "run", "batch", tuple(step(number, undo) for number in numbers))


def settled(*numbers: int, outcome: Outcome = Outcome.DONE, at: str = "2026-01-01T00:00:02+00:00") -> Settled:
    results = tuple(Settlement(step(number).id, outcome, Proof.OBSERVED) for number in numbers)
    return Settled(at, "run", "batch", results)


HISTORY: list[list[AnyEvent]] = [
    [BORN],
    [intended(1, 2)],
    [settled(1, 2)],
    [intended(3), Held("2026-01-01T00:00:03+00:00", "Contacts", "law", "a suit")],
]


def record(folder: Path, history: Sequence[Sequence[AnyEvent]] = HISTORY, name: str = NAME) -> None:
    """A state with this history, closed."""
    with open_store(folder, name=name) as store:
        for events in history:
            store.append(events)


def truth(history: Sequence[Sequence[AnyEvent]] = HISTORY) -> State:
    """The state that a history of chunks gives, by the core's own fold."""
    state = fold(NAME, [event for events in history for event in events])
    state.serial = len(history)
    return state


def prefixes(history: Sequence[Sequence[AnyEvent]] = HISTORY) -> list[State]:
    return [truth(history[:length]) for length in range(len(history) + 1)]


def copy(state: State) -> State:
    return msgspec.json.decode(msgspec.json.encode(state), type=State)


def home(folder: Path, name: str = NAME) -> Path:
    return folder / ".crmstate" / name


def chunks(folder: Path, name: str = NAME) -> list[Path]:
    return sorted((home(folder, name) / "journal").glob("*.jsonl"))


def crash_everywhere(
    make: Callable[[int], Path], act: Callable[[Path, Crashing], None], check: Callable[[Path, str], None]
) -> int:
    """Runs `act` in a fresh folder for each of its effects and each way to end there, then `check`. Returns how many
    effects there are."""
    count = 0
    while True:
        for mode in ("before", "after", "torn"):
            folder = make(count)
            effects = Crashing(count, mode)
            with contextlib.suppress(Crash):
                act(folder, effects)
            gc.collect(0)
            if mode == "torn" and not effects.torn:
                continue
            check(folder, f"{mode} effect {count}")
        if not effects.dead:
            return count
        count += 1


def code_of(problem: Problem) -> str:
    return problem.diagnostics[0].code
