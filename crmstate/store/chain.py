"""Chain: the journal's chunks in order, each proved by its digest, its number and the digest of the one before.

A journal is one segment, or several after repairs: a repair's chunk stands on a base (a state in a file whose digest
it holds) and not on the chunks before it, which are history from then on. Reading only; every break raises a Problem
that names the chunk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import AnyEvent
from crmstate.core.words import Exit
from crmstate.store import chunk as chunks
from crmstate.store import files, snapshot
from crmstate.store.chunk import Chunk, Damaged
from crmstate.store.home import Home
from crmstate.store.snapshot import Snapshot

DAMAGE = frozenset({"CRM-S010", "CRM-S011", "CRM-S012", "CRM-S013", "CRM-S014", "CRM-S015", "CRM-S016", "CRM-S017"})


class Base(NamedTuple):
    """The state that a segment stands on, and the digest of its file."""

    snapshot: Snapshot
    sha256: str


class Segment(NamedTuple):
    """Chunks that follow each other: from `start` to `end` (below `start` for none), on a base or on nothing."""

    start: int
    end: int
    base: Base | None
    numbers: tuple[int, ...]


def segment(home: Home, upto: int | None = None) -> Segment:
    """The last segment; with `upto` the one that holds this number, cut there. Raises Problem on a damaged base."""
    numbers, bases = home.numbers()
    start = max((base for base in bases if upto is None or base <= upto), default=0)
    kept = tuple(number for number in numbers if number >= max(start, 1) and (upto is None or number <= upto))
    return Segment(max(start, 1), kept[-1] if kept else max(start, 1) - 1, _base(home, start) if start else None, kept)


def walk(home: Home, part: Segment) -> Iterator[Chunk]:
    """A segment's chunks, proved one by one. Raises Problem at the first that is missing, altered, misplaced or
    foreign."""
    last: Chunk | None = None
    if part.base is not None and not part.numbers:
        raise damaged(home, "CRM-S011", part.start)
    for place, number in enumerate(part.numbers):
        expected = part.start + place
        if number != expected:
            raise damaged(home, "CRM-S011", expected)
        found = read(home, number)
        if last is None:
            _first(home, part, found)
        else:
            _next(home, last, found)
        yield found
        last = found


def read(home: Home, seq: int) -> Chunk:
    """One chunk, proved by its own digest alone. Raises Problem."""
    path = home.chunk(seq)
    data = files.read(path)
    if data is None:
        raise damaged(home, "CRM-S011", seq)
    try:
        return chunks.decode(data, seq, str(path))
    except Damaged as found:
        raise damaged(home, found.code, seq, found.said) from found


def events(home: Home, found: Chunk) -> list[AnyEvent]:
    """A chunk's events. Raises Problem."""
    seq = found.header.seq
    try:
        return chunks.events(found, str(home.chunk(seq)))
    except Damaged as error:
        raise damaged(home, error.code, seq) from error


def damaged(home: Home, code: str, seq: int, said: int = 0) -> Problem:
    """The Problem of one damaged chunk."""
    return problem(Exit.ERROR, code, name=home.name, chunk=seq, file=str(home.chunk(seq)), said=said)


def _first(home: Home, part: Segment, found: Chunk) -> None:
    header, seq = found.header, found.header.seq
    if part.base is None:
        if header.base:
            raise damaged(home, "CRM-S017", seq)
        if header.prev:
            raise damaged(home, "CRM-S013", seq)
        return
    if header.base != part.base.sha256 or header.prev != part.base.snapshot.head.sha256:
        raise damaged(home, "CRM-S017", seq)
    if header.lineage != part.base.snapshot.state.lineage:
        raise damaged(home, "CRM-S014", seq)


def _next(home: Home, last: Chunk, found: Chunk) -> None:
    if found.header.base:
        raise damaged(home, "CRM-S017", found.header.seq)
    if found.header.lineage != last.header.lineage:
        raise damaged(home, "CRM-S014", found.header.seq)
    if found.header.prev != last.sha256:
        raise damaged(home, "CRM-S013", found.header.seq)


def _base(home: Home, seq: int) -> Base:
    path = home.base(seq)
    data = files.read(path)
    try:
        if data is None:
            raise Damaged("CRM-S017")
        return Base(snapshot.decode(data, str(path)), hashlib.sha256(data).hexdigest())
    except Damaged as found:
        raise damaged(home, "CRM-S017", seq) from found
