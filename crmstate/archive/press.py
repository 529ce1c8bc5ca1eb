"""Press: the pipeline behind whatever gives rows page by page. It makes pages into segments, one batch behind the caller,
and knows neither vendors nor cursors' meaning.

Small pages wait for each other until they are a batch: to hand one over costs as much as it takes to compress it. While
one batch is being fetched, the one before it is digested and compressed by a thread of its own, which does nothing else:
everything that touches the world happens in the caller's thread, in the same order each time. So there are never more than
two batches, or pages that are larger, that are not in a segment's making.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain

from crmstate.archive import heap
from crmstate.archive.fields import fields
from crmstate.archive.index import joined
from crmstate.archive.journal import ROWS
from crmstate.archive.pack import Packer, packed_all
from crmstate.archive.segments import Work
from crmstate.core.diagnostic import problem
from crmstate.core.provider import REDACTED, Row
from crmstate.core.words import Exit

SEGMENT_BYTES = 8_000_000
_MARK = f'{REDACTED}"'.encode()
SEGMENT_ROWS = 100_000
BATCH_BYTES, BATCH_ROWS = 1_000_000, 2000
"""Of rows that are handed over at once, by all datasets that are exported side by side together: what waits takes memory."""

heap.settle()


@dataclass
class Segment:
    """One in the making: whole pages only, compressed as they come. `lines`: of all segments, one after the other."""

    lines: Packer
    index: list[bytes] = field(default_factory=list)
    seen: int = 0
    written: int = 0
    size: int = 0
    redacted: dict[str, int] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return self.size >= SEGMENT_BYTES or self.seen >= SEGMENT_ROWS

    def packed(self) -> dict[str, bytes]:
        """Its files."""
        return {"jsonl": self.lines.done(), "index": b"".join(packed_all(self.index)) if self.index else b""}


def _apart(lines: bytes) -> list[bytes]:
    return lines[:-1].split(b"\n")


@dataclass
class Batch:
    """Whole pages that wait for others. `cursor`: the one that led to the first of them."""

    cursor: str | None = None
    rows: list[Row] = field(default_factory=list)
    size: int = 0
    pages: int = 0

    def add(self, rows: tuple[Row, ...], cursor: str | None) -> None:
        """One more page."""
        if not self.pages:
            self.cursor = cursor
        self.pages += 1
        self.rows += rows
        self.size += sum([len(row.raw) for row in rows])

    @property
    def full(self) -> bool:
        """Whether no more pages are waited for."""
        most = min(BATCH_BYTES // max(1, len(_AT_WORK)), SEGMENT_BYTES)
        return self.size >= most or len(self.rows) >= min(BATCH_ROWS, SEGMENT_ROWS)


class Press:
    """Makes pages into segments, one batch behind the caller."""

    def __init__(self, work: Work, thread: ThreadPoolExecutor) -> None:
        self._work = work
        self._thread = thread
        self._waiting = Batch()
        self._batch: Future[None] | None = None
        self._segment = Segment(Packer())
        self._torn = False

    def take(self, rows: tuple[Row, ...], cursor: str | None) -> None:
        """Takes the page that `cursor` led to, whole. A segment that is full without it is made durable meanwhile.
        Raises Problem where a page before was no page of rows, or the segment could not be kept: some of what was taken is
        lost then, and `end` makes nothing durable that would lie behind it."""
        self._waiting.add(rows, cursor)
        if self._waiting.full:
            self._hand_over()

    def _hand_over(self) -> None:
        """Gives the thread what waits, once it is done with the batch before."""
        self._settle()
        batch, self._waiting, self._torn = self._waiting, Batch(), True
        before, files = self._segment, None
        if before.full:
            self._segment, files = Segment(before.lines), self._thread.submit(before.packed)
        segment, waiting = self._segment, before.index if files else []
        ids, raws = [row.id for row in batch.rows], [row.raw for row in batch.rows]
        self._work.holding.expect(ids, lambda: self._work.lines(map(_apart, chain(waiting, segment.index))))
        self._batch = self._thread.submit(_press, self._work, segment, ids, raws)
        if files is not None:
            self._work.segment(ROWS, files.result(), before.seen, before.written, batch.cursor, False, before.redacted)
        self._torn = False

    def end(self, cursor: str | None, whole: bool) -> None:
        """Makes durable what is not; `cursor` is the one that follows, `whole`: nothing does. Does nothing where something
        taken before is lost: a cursor that leads behind it would never lead to it again."""
        if self._torn:
            return
        if self._waiting.pages:
            self._hand_over()
        self._settle()
        last = self._segment
        if last.seen or whole or self._work.sources:
            self._torn = True
            self._work.segment(ROWS, last.packed(), last.seen, last.written, cursor, whole, last.redacted)
            self._segment, self._torn = Segment(last.lines), False

    def _settle(self) -> None:
        batch, self._batch = self._batch, None
        if batch is not None:
            torn, self._torn = self._torn, True
            batch.result()
            self._torn = torn


_AT_WORK: set[Press] = set()


@contextmanager
def press(work: Work) -> Iterator[Press]:
    """One for this work. Whatever was taken and not ended is forgotten with the block."""
    with ThreadPoolExecutor(1, "archive") as thread:
        made = Press(work, thread)
        _AT_WORK.add(made)
        try:
            yield made
        finally:
            _AT_WORK.discard(made)


def _press(work: Work, segment: Segment, ids: list[str], raws: list[bytes]) -> None:
    """Takes a batch whole, or refuses it whole."""
    whole = b"".join(raws)
    if not (all(ids) and all(raws)) or b"\n" in whole or b"\r" in whole:
        raise problem(Exit.ERROR, "CRM-A019", dataset=work.place.dataset)
    sha256 = hashlib.sha256
    lines, places = work.holding.take(ids, [sha256(raw).digest() for raw in raws])
    segment.seen += len(raws)
    segment.size += len(whole) + len(raws)
    del whole
    if lines:
        segment.index.append(joined(lines))
    if places is not None:
        raws = [raws[place] for place in places]
    if raws:
        text = joined(raws)
        if _MARK[:1] in text and _MARK in text:  # to look for one byte costs next to nothing
            _count(raws, segment.redacted)
        segment.written += len(raws)
        segment.lines.add(text)


def _count(raws: list[bytes], redacted: dict[str, int]) -> None:
    """Counts the rows that keep a value out, by the field in which they say so."""
    for raw in raws:
        for name, value in (fields(raw) or {}).items() if _MARK in raw else ():
            if _MARK in value:
                redacted[name] = redacted.get(name, 0) + 1
