"""Repair: makes a damaged state load again, without claiming anything that cannot be proved.

Keeps what reaches furthest: the journal's whole beginning, or an intact snapshot of the same lineage with the chunks
that follow from it. Everything behind that is moved to `journal/quarantine/`, never deleted and never folded; but the
steps that it speaks of, and those that were only intended, become unknown, and holds in it are kept. The result is a
base (a state in a file) and one new chunk that stands on it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import AnyEvent, Intended, Repaired, StepRef
from crmstate.core.fold import advance
from crmstate.core.ports import Clock, Effects
from crmstate.core.words import Exit, Outcome
from crmstate.store import chain, files, load, salvage, snapshot, wreck
from crmstate.store.files import Disk
from crmstate.store.journal import ChunkJournal, Pen
from crmstate.store.lines import Scrub
from crmstate.store.lock import FileLock
from crmstate.store.salvage import Ground, Remains
from crmstate.store.snapshot import Head
from crmstate.store.surgery import known
from crmstate.store.wreck import Mentions


class Mended(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a repair did. `what`: empty where nothing was damaged. `kept`: the last chunk whose content the state has;
    `serial`: the chunk that the repair added; `lost`: numbers of chunks set aside or missing; `unknown`: steps to be
    looked at again."""

    what: str = ""
    kept: int = 0
    serial: int = 0
    lost: tuple[int, ...] = ()
    unknown: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()


def repair(folder: Path, name: str, effects: Effects, clock: Clock, by: str, scrub: Scrub | None = None) -> Mended:
    """Mends a state under its lock; a whole one is left alone, but for leftovers. Raises Problem: exit 4 when locked;
    CRM-S025 where nothing at all says whose state this was; and whatever only a newer version can read is left alone.
    """
    home, disk = known(folder, name), Disk(effects)
    home.make(disk)
    lock = FileLock(home, effects, clock)
    lock.acquire()
    try:
        home.sweep(disk)
        pen = Pen(home, disk, clock, by, scrub)
        try:
            found = load.load(home)
        except Problem as damage:
            if damage.diagnostics[0].code not in chain.DAMAGE:
                raise
            return _mend(pen)
        if found.notes:
            disk.replace(home.snapshot, snapshot.encode(found.state, Head(found.seq, found.sha256)))
        return Mended(kept=found.seq, serial=found.seq)
    finally:
        lock.release()


def _mend(pen: Pen) -> Mended:
    home, at = pen.home, pen.clock.now().isoformat()
    remains = salvage.survey(home)
    ground = remains.ground
    lost = [seq for seq in remains.numbers if seq > ground.head.seq]
    wrecks = wreck.mentions([files.read(home.chunk(seq)) or b"" for seq in lost])
    salvage.name(ground.state, wrecks.created, remains.lineage)
    if not ground.state.lineage:
        raise problem(Exit.ERROR, "CRM-S025", name=home.name, file=str(home.path))
    events = _events(ground, salvage.doubted(remains, wrecks), wrecks, at, pen.by)
    serial = remains.last + 1
    tip = _anchor(pen, ground, events, serial)
    moved = _quarantine(pen, remains, lost)
    pen.disk.replace(home.snapshot, snapshot.encode(ground.state, tip))
    unknown = next((event.unknown for event in events if isinstance(event, Repaired)), ())
    return Mended(ground.what, ground.head.seq, serial, _gone(ground, lost, serial), unknown, moved)


def _events(ground: Ground, refs: dict[str, StepRef], wrecks: Mentions, at: str, by: str) -> list[AnyEvent]:
    """What the repair records: steps and holds that only the wreck names, and everything that is unknown from now
    on."""
    entries = ground.state.entries
    intended = {key for key, entry in entries.items() if entry.outcome is Outcome.INTENDED}
    unknown = tuple(sorted(intended | refs.keys() | (wrecks.ids & entries.keys())))
    fresh = tuple(one for key, one in sorted(refs.items()) if key not in entries)
    events: list[AnyEvent] = [Intended(at, "repair", "repair", fresh)] if fresh else []
    events += [held for held in wrecks.holds if held.dataset not in ground.state.holds]
    return [*events, Repaired(at, ground.what, by, unknown)]


def _anchor(pen: Pen, ground: Ground, events: list[AnyEvent], serial: int) -> Head:
    """Writes the base, then the chunk that stands on it. The base has the chunk's events in it already, so that it
    alone claims nothing too much."""
    state = ground.state
    for event in events:
        advance(state, event)
    state.serial = ground.head.seq
    data = snapshot.encode(state, ground.head)
    pen.disk.create(pen.home.base(serial), data)
    journal = ChunkJournal(pen, ground.head, state.lineage)
    journal.write(events, serial, hashlib.sha256(data).hexdigest())
    state.serial = serial
    return journal.tip


def _gone(ground: Ground, lost: list[int], serial: int) -> tuple[int, ...]:
    """The numbers that the state does without, those of chunks that are nowhere included."""
    count = serial - ground.head.seq
    return tuple(range(ground.head.seq + 1, serial)) if count <= 1_000_000 else tuple(lost)


def _quarantine(pen: Pen, remains: Remains, lost: list[int]) -> tuple[str, ...]:
    """Sets aside what is not part of the provable history. Each file keeps its name, with a number behind it where
    that is taken."""
    home = pen.home
    away = [home.chunk(seq) for seq in sorted({*lost, *remains.altered})]
    away += [home.base(seq) for seq in remains.bases if seq not in remains.numbers]
    if remains.foreign:
        away.append(home.snapshot)
    if away:
        pen.disk.folder(home.quarantine)
    moved = []
    for path in away:
        target = home.quarantine / path.name
        while os.path.lexists(target):
            target = target.with_name(f"{target.name}.again")
        pen.disk.move(path, target)
        moved.append(target.name)
    return tuple(moved)
