"""Journal: numbered, immutable, hash-chained chunks; one append, one chunk, durable when it returns.

The number is the fence: a chunk is created only where that number is free, so of two writers one learns at once that
it is not alone. Nothing here changes or removes a chunk.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crmstate import __version__
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import AnyEvent, Created, since
from crmstate.core.ports import Clock
from crmstate.core.words import Exit
from crmstate.store import chunk, mark
from crmstate.store.chunk import Header
from crmstate.store.files import Disk
from crmstate.store.home import Home
from crmstate.store.lines import Scrub, sound, written
from crmstate.store.snapshot import Head


class Written(NamedTuple):
    """One append as it reads on disk. `size`: bytes of its events."""

    seq: int
    events: list[AnyEvent]
    size: int


@dataclass
class Pen:
    """What every chunk of a writer shares: where, with what, and who. `scrub` is the last net over each text."""

    home: Home
    disk: Disk
    clock: Clock
    by: str
    scrub: Scrub | None = None


class ChunkJournal:
    """`core.ports.Journal` on a local disk."""

    def __init__(self, pen: Pen, head: Head, lineage: str) -> None:
        self._pen = pen
        self._head = head
        self._lineage = lineage
        self._uncertain = False

    @property
    def head(self) -> int:
        """The number of the last chunk; 0 for none."""
        return self._head.seq

    @property
    def tip(self) -> Head:
        """The last chunk's number and digest."""
        return self._head

    def append(self, events: Sequence[AnyEvent]) -> int:
        """Makes the next chunk and returns its number. Raises Problem: exit 5 when somebody else wrote; otherwise the
        disk's reason, and then nothing was appended, except with CRM-S008: after that this journal takes nothing more,
        and opening it again tells."""
        return self.write(events).seq

    def write(self, events: Sequence[AnyEvent], seq: int | None = None, base: str = "") -> Written:
        """As `append`, and says what was written. A repair gives its own number and the digest of the base that the
        chunk stands on."""
        pen = self._pen
        number = self._head.seq + 1 if seq is None else seq
        path = pen.home.chunk(number)
        if self._uncertain:
            raise problem(Exit.ERROR, "CRM-S008", file=str(path), name=pen.home.name)
        lines, said = written(events, pen.scrub)
        lineage = self._lineage or _lineage(said)
        data, digest = chunk.encode(self._header(number, lineage, said, base), lines)
        try:
            pen.disk.create(path, data)
        except FileExistsError as error:
            raise problem(Exit.STALE, "CRM-S007", name=pen.home.name, chunk=number) from error
        except Problem as found:
            self._uncertain = found.diagnostics[0].code == "CRM-S008"
            raise
        self._head, self._lineage = Head(number, digest), lineage
        self._remember()
        return Written(number, said, sum(map(len, lines)))

    def _header(self, number: int, lineage: str, said: Sequence[AnyEvent], base: str) -> Header:
        clean = self._pen.scrub or str
        return Header(
            format=since(said),
            seq=number,
            prev=self._head.sha256,
            lineage=lineage,
            by=clean(sound(self._pen.by)),
            host=socket.gethostname(),
            pid=os.getpid(),
            tool=__version__,
            at=self._pen.clock.now().isoformat(),
            events=len(said),
            base=base,
        )

    def _remember(self) -> None:
        """The mark is a help and no proof: that it cannot be written loses nothing."""
        try:
            mark.write(self._pen.home, self._pen.disk, self._head)
        except Problem:
            return


def _lineage(events: Sequence[AnyEvent]) -> str:
    match events:
        case [Created(lineage=lineage), *_] if lineage:
            return lineage
    raise ValueError("a journal begins with Created")
