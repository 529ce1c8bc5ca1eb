"""Replay: from chunks to state. The one place that knows what `Restored` means: the state as it was at that chunk,
then what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crmstate.core.diagnostic import problem
from crmstate.core.event import AnyEvent, Restored
from crmstate.core.fold import advance
from crmstate.core.record import State
from crmstate.core.words import Exit
from crmstate.store import chain
from crmstate.store.chain import Segment
from crmstate.store.home import Home


class _Stretch(NamedTuple):
    """Chunks to be folded one after another. `base`: where they begin, unless they follow another stretch."""

    start: int
    end: int
    base: State | None


def take(home: Home, state: State, found: Sequence[AnyEvent], seq: int) -> State:
    """The state after one more chunk. `state` is used up: what is returned takes its place."""
    last = _last_restore(found)
    if last is not None:
        state = state_at(home, _target(home, found, last, seq))
        found = found[last + 1 :]
    return _fold(state, found, seq)


def state_at(home: Home, serial: int) -> State:
    """The state as it was after the chunk number `serial`. Raises Problem where the history does not hold that number,
    or not whole."""
    state = State(home.name)
    for stretch in reversed(_path(home, serial)):
        if stretch.base is not None:
            state = stretch.base
        for seq in range(stretch.start, stretch.end + 1):
            found = chain.events(home, chain.read(home, seq))
            if seq == stretch.start and (last := _last_restore(found)) is not None:
                found = found[last + 1 :]
            state = _fold(state, found, seq)
    return state


def _path(home: Home, serial: int) -> list[_Stretch]:
    """The stretches that lead to a chunk, the last one first: what a `Restored` set aside is not among them."""
    stretches = []
    cursor = serial
    while True:
        part = chain.segment(home, cursor)
        if part.end != cursor or cursor < 1:
            raise problem(Exit.ERROR, "CRM-S024", name=home.name, serial=cursor)
        restores = [found.header.seq for found in chain.walk(home, part) if found.restores]
        while cursor >= part.start:
            last = max((seq for seq in restores if seq <= cursor), default=None)
            if last is None:
                stretches.append(_Stretch(part.start, cursor, _beginning(home, part)))
                return stretches
            stretches.append(_Stretch(last, cursor, None))
            found = chain.events(home, chain.read(home, last))
            index = _last_restore(found)
            assert index is not None
            cursor = _target(home, found, index, last)


def _beginning(home: Home, part: Segment) -> State:
    return part.base.snapshot.state if part.base else State(home.name)


def _fold(state: State, found: Sequence[AnyEvent], seq: int) -> State:
    for event in found:
        advance(state, event)
    state.serial = seq
    return state


def _last_restore(found: Sequence[AnyEvent]) -> int | None:
    return max((place for place, event in enumerate(found) if isinstance(event, Restored)), default=None)


def _target(home: Home, found: Sequence[AnyEvent], place: int, seq: int) -> int:
    event = found[place]
    if not isinstance(event, Restored) or not 1 <= event.serial < seq:
        raise chain.damaged(home, "CRM-S010", seq)
    return event.serial
