"""Load: the state of a home, proved by hash over its whole journal, parsed only where the snapshot does not reach.

Takes no lock and writes nothing. A state comes out only if the journal is whole; everything else is a Problem with the
command that mends it. A snapshot that cannot be used is no Problem: the journal says the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic, problem
from crmstate.core.record import State
from crmstate.core.words import Exit, Severity
from crmstate.store import chain, files, mark, replay, snapshot
from crmstate.store.chunk import Chunk, Damaged
from crmstate.store.home import Home
from crmstate.store.snapshot import Head, Snapshot

_TRIES = 5


@dataclass
class Loaded:
    """A state and where the journal stood. `tail`: bytes of events that the snapshot does not hold; `cached`: the
    snapshot's size."""

    state: State
    seq: int = 0
    sha256: str = ""
    lineage: str = ""
    tail: int = 0
    cached: int = 0
    notes: list[Diagnostic] = field(default_factory=list)


def read(folder: Path, name: str) -> Loaded:
    """The state as it stands, for who only looks: no lock; a chunk that a writer adds in between is no harm. Where
    nothing was ever recorded, an empty state with serial 0. Raises Problem on damage."""
    home = Home(folder, name)
    for _ in range(_TRIES):
        before = _listing(home)
        try:
            return load(home)
        except Problem:
            if _listing(home) == before:
                raise
    return load(home)


def load(home: Home) -> Loaded:
    """One attempt. The snapshot and the mark are read before the journal is listed: the journal only grows, so it
    reaches both."""
    found = Loaded(State(home.name))
    cached = _snapshot(home, found)
    reached = mark.read(home)
    part = chain.segment(home)
    if part.base is not None:
        found.state = part.base.snapshot.state
    for one in chain.walk(home, part):
        _take(home, found, one, cached.head if cached else None)
        if cached is not None and one.header.seq == cached.head.seq:
            found.state, found.tail = cached.state, 0
        if reached is not None and one.header.seq == reached.seq:
            _agree(home, one, reached)
    for head in (cached.head if cached else None, reached):
        if head is not None and head.seq > part.end:
            raise problem(Exit.ERROR, "CRM-S015", name=home.name, known=head.seq, end=found.seq)
    return found


def _take(home: Home, found: Loaded, one: Chunk, cached: Head | None) -> None:
    header = one.header
    found.seq, found.sha256, found.lineage = header.seq, one.sha256, header.lineage
    if cached is not None and header.seq <= cached.seq:
        if header.seq == cached.seq:
            _agree(home, one, cached)
        return
    found.state = replay.take(home, found.state, chain.events(home, one), header.seq)
    found.tail += len(one.body)
    if found.state.lineage != header.lineage:
        raise chain.damaged(home, "CRM-S014", header.seq)


def _agree(home: Home, one: Chunk, head: Head) -> None:
    if one.sha256 != head.sha256:
        raise problem(Exit.ERROR, "CRM-S016", name=home.name, chunk=one.header.seq)


def _snapshot(home: Home, found: Loaded) -> Snapshot | None:
    data = files.read(home.snapshot)
    if data is None:
        return None
    try:
        cached = snapshot.decode(data, str(home.snapshot))
    except Damaged:
        found.notes.append(diagnostic("CRM-S018", Severity.NOTE, name=home.name, file=str(home.snapshot)))
        return None
    found.cached = len(data)
    return cached


def _listing(home: Home) -> tuple[list[int], list[int], bytes]:
    return *home.numbers(), files.read(home.mark) or b""
