"""Store: one state, opened for writing by one process: its record, its journal, its lock.

Appending makes events durable first and folds them into the state after that. The snapshot is written when the events
since the last one outweigh it, so that its cost per step stays constant, and at the end. Reading without writing:
`load.read`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic, problem
from crmstate.core.event import AnyEvent, Created
from crmstate.core.ports import Clock, Effects
from crmstate.core.record import State
from crmstate.core.words import Exit, Severity
from crmstate.store import load, mark, replay, snapshot
from crmstate.store.files import Disk
from crmstate.store.home import Home
from crmstate.store.journal import ChunkJournal, Pen
from crmstate.store.lines import Scrub
from crmstate.store.load import Loaded
from crmstate.store.lock import FileLock
from crmstate.store.snapshot import Head

SMALL = 64 * 1024


def due(tail: int, cached: int) -> bool:
    """Whether a snapshot is worth its bytes: when the events since the last one outweigh it."""
    return tail > max(cached, SMALL)


class Store:
    """An open state; also `core.ports.Journal`, so that who appends through it has the state folded. `notes` are for
    the person."""

    def __init__(self, pen: Pen, lock: FileLock, found: Loaded) -> None:
        self.name = pen.home.name
        self.home = pen.home
        self.pen = pen
        self.lock = lock
        self.state: State = found.state
        self.notes: list[Diagnostic] = list(found.notes)
        self.journal = ChunkJournal(pen, Head(found.seq, found.sha256), found.lineage)
        self._tail = found.tail
        self._cached = found.cached
        self._turn = threading.Lock()
        self._warned = self._closed = False

    @classmethod
    def open(
        cls, folder: Path, name: str, effects: Effects, clock: Clock, by: str, scrub: Scrub | None = None
    ) -> Store:
        """Takes the lock, cleans up after whoever was interrupted, and loads. Where nothing was recorded yet, the
        state is empty and waits for `create`. Raises Problem: exit 4 when locked, otherwise damage; the lock is free
        again then."""
        home, disk = Home(folder, name), Disk(effects)
        home.make(disk)
        lock = FileLock(home, effects, clock)
        lock.acquire()
        return cls.under(lock, Pen(home, disk, clock, by, scrub))

    @classmethod
    def under(cls, lock: FileLock, pen: Pen) -> Store:
        """Opens under a lock that is held already, and owns it from then on."""
        home, disk = pen.home, pen.disk
        try:
            home.sweep(disk)
            found = load.load(home)
            if found.seq == 0:
                home.settle(disk)
            elif mark.read(home) != Head(found.seq, found.sha256):
                mark.write(home, disk, Head(found.seq, found.sha256))
        except Exception:
            lock.release()
            raise
        return cls(pen, lock, found)

    @property
    def head(self) -> int:
        """The number of the journal's last chunk; 0 for none."""
        return self.journal.head

    def create(self, lineage: str, provider: str, tenant: str) -> int:
        """Begins the record. `lineage`: unique for ever, made by the caller. Raises Problem where the record has begun
        already."""
        if self.head:
            raise problem(Exit.ERROR, "CRM-S023", name=self.name)
        return self.append([Created(self.pen.clock.now().isoformat(), self.name, lineage, provider, tenant)])

    def append(self, events: Sequence[AnyEvent]) -> int:
        """Makes events durable as one chunk, folds them, returns the chunk's number. Raises Problem as
        `ChunkJournal.append` does; the state is unchanged then. May be called from several threads."""
        with self._turn:
            if self._closed:
                raise ValueError("this store is closed, and its lock given back")
            if self.head and any(isinstance(event, Created) for event in events):
                raise problem(Exit.ERROR, "CRM-S023", name=self.name)
            written = self.journal.write(events)
            self.state = replay.take(self.home, self.state, written.events, written.seq)
            self._tail += written.size
            if due(self._tail, self._cached):
                self._cache()
            return written.seq

    def close(self) -> None:
        """Writes the snapshot, where it is behind, and gives the lock back."""
        with self._turn:
            if self._tail and not self._closed:
                self._cache()
            self._closed = True
            self.lock.release()

    def _cache(self) -> None:
        """The journal holds everything: that the snapshot cannot be written is worth a warning and no more. A state
        that is not what the journal says, because an error met it between the two, is never cached."""
        if self.state.serial != self.journal.head:
            return
        data = snapshot.encode(self.state, self.journal.tip)
        try:
            self.pen.disk.replace(self.home.snapshot, data)
        except Problem as found:
            self._cached = 2 * max(self._cached, self._tail)
            if not self._warned:
                why = found.diagnostics[0].code
                self.notes.append(diagnostic("CRM-S019", Severity.WARNING, name=self.name, why=why))
            self._warned = True
            return
        self._tail, self._cached = 0, len(data)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Whoever is told to leave at once, by Ctrl-C or a second signal, leaves as a killed process does: an append
        may be half folded, and threads may still be at work, so nothing more is written, and the lock goes with the
        process."""
        if kind is None or issubclass(kind, Exception):
            self.close()
