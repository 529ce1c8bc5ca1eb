"""Salvage: what of a damaged state is still proved, and which steps that leaves in doubt. Looks only; `mend.py`
acts.

Proved is the journal as far as its chain holds, from its beginning or from an intact base; and an intact snapshot of
the same lineage, with the chunks whose chain goes on from it. Whichever reaches further is the ground that a repair
builds on.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import msgspec

from crmstate.core.diagnostic import Problem
from crmstate.core.event import Created, StepRef
from crmstate.core.record import State
from crmstate.store import chain, files, mark, replay, snapshot, wreck
from crmstate.store.chain import Segment
from crmstate.store.chunk import Chunk, Damaged
from crmstate.store.home import Home
from crmstate.store.snapshot import Head, Snapshot
from crmstate.store.surgery import ref
from crmstate.store.wreck import Mentions

FROM_JOURNAL = "CRM-S050"
FROM_SNAPSHOT = "CRM-S051"


class Ground(msgspec.Struct):
    """A state that is proved, how far it reaches, and by what: a code of the catalogue."""

    state: State
    head: Head
    what: str


class Remains(msgspec.Struct):
    """What was found. `written`: what the journal alone proves; `altered`: chunks that are not what was written;
    `foreign`: the snapshot is damaged or another state's; `raw`: its bytes then; `last`: the highest number that was
    ever seen."""

    ground: Ground
    written: Ground
    cached: Snapshot | None
    raw: bytes
    foreign: bool
    numbers: list[int]
    bases: list[int]
    altered: list[int]
    lineage: str
    last: int


def survey(home: Home) -> Remains:
    """Looks at everything that is there. Raises Problem only on what a newer version wrote."""
    numbers, bases = home.numbers()
    intact = _intact(home, numbers)
    lineage = Counter(one.lineage for one in intact.values()).most_common(1)[0][0] if intact else ""
    cached, raw = _snapshot(home)
    if cached is not None and lineage and cached.state.lineage != lineage:
        cached, raw = None, b""
    written = _journal(home, bases)
    ground = written
    if cached is not None and cached.head.seq > written.head.seq:
        ground = _onwards(home, cached, intact)
    reached = mark.read(home)
    seen = [ground.head.seq, *numbers, *bases, cached.head.seq if cached else 0, reached.seq if reached else 0]
    return Remains(
        ground=ground,
        written=written,
        cached=cached,
        raw=raw,
        foreign=cached is None and files.read(home.snapshot) is not None,
        numbers=numbers,
        bases=bases,
        altered=[seq for seq in numbers if seq not in intact],
        lineage=lineage,
        last=max(seen),
    )


def name(state: State, created: Created | None, lineage: str) -> None:
    """Gives a state that has lost its beginning the names that are still to be read: they claim nothing."""
    if not state.lineage and created is not None and lineage in ("", created.lineage):
        state.name, state.provider, state.tenant = created.name, created.provider, created.tenant
        lineage = created.lineage
    state.lineage = state.lineage or lineage


def doubted(remains: Remains, wrecks: Mentions) -> dict[str, StepRef]:
    """The steps that something other than the ground speaks of, in a way that the ground does not know."""
    state = remains.ground.state
    found = dict(wrecks.refs)
    found |= _beyond(state, remains.written.state)
    if remains.cached is not None:
        found |= _beyond(state, remains.cached.state)
    else:
        found |= {key: one for key, one in wreck.entries(remains.raw).items() if key not in state.entries}
    return found


class _Seen(NamedTuple):
    """An intact chunk, without its events."""

    prev: str
    sha256: str
    lineage: str
    base: str


def _intact(home: Home, numbers: list[int]) -> dict[int, _Seen]:
    found = {}
    for seq in numbers:
        one = _tried(home, seq)
        if one is not None:
            found[seq] = _Seen(one.header.prev, one.sha256, one.header.lineage, one.header.base)
    return found


def _tried(home: Home, seq: int) -> Chunk | None:
    """A chunk that is what was written, or None."""
    try:
        one = chain.read(home, seq)
        chain.events(home, one)
    except Problem as damage:
        _mendable(damage)
        return None
    return one


def _snapshot(home: Home) -> tuple[Snapshot | None, bytes]:
    raw = files.read(home.snapshot)
    try:
        return (snapshot.decode(raw, str(home.snapshot)) if raw is not None else None), raw or b""
    except Damaged:
        return None, raw or b""


def _journal(home: Home, bases: list[int]) -> Ground:
    """What the chain alone proves: the last segment whose base is intact, as far as it holds."""
    part = _segment(home, bases)
    state, head = State(home.name), Head(0, "")
    if part.base is not None:
        state, head = part.base.snapshot.state, part.base.snapshot.head
    try:
        for one in chain.walk(home, part):
            state = replay.take(home, state, chain.events(home, one), one.header.seq)
            head = Head(one.header.seq, one.sha256)
    except Problem as damage:
        _mendable(damage)
    return Ground(state, head, FROM_JOURNAL)


def _segment(home: Home, bases: list[int]) -> Segment:
    for upto in (None, *(base - 1 for base in reversed(bases))):
        try:
            return chain.segment(home, upto)
        except Problem as damage:
            _mendable(damage)
    raise AssertionError("a segment without a base cannot be damaged")


def _onwards(home: Home, cached: Snapshot, intact: dict[int, _Seen]) -> Ground:
    """A snapshot, and the chunks whose chain goes on from it."""
    state, head = msgspec.json.decode(msgspec.json.encode(cached.state), type=State), cached.head
    try:
        while (seen := intact.get(head.seq + 1)) and seen.prev == head.sha256 and not seen.base:
            one = chain.read(home, head.seq + 1)
            state = replay.take(home, state, chain.events(home, one), head.seq + 1)
            head = Head(head.seq + 1, seen.sha256)
    except Problem as damage:
        _mendable(damage)
    return Ground(state, head, FROM_SNAPSHOT)


def _beyond(state: State, other: State) -> dict[str, StepRef]:
    """Steps that `other` has and the state has not, or not as late: only where the two are no stages of one history."""
    found = {}
    for key, entry in other.entries.items():
        mine = state.entries.get(key)
        if mine is None or entry.at > mine.at:
            found[key] = ref(key, entry)
    return found


def _mendable(damage: Problem) -> None:
    """Lets damage pass and raises everything else: what a newer version wrote is not damaged."""
    if damage.diagnostics[0].code not in chain.DAMAGE:
        raise damage
