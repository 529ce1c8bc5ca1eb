"""Export: reads a dataset's rows page by page into segments. One function serves the first export, one that goes on
after a crash, one that begins again because the vendor gave up its cursor, and the delta: rows that are held already
are only noted as met.

While a page is being fetched, the one before it is digested and compressed by a thread of its own, which does nothing
else: everything that touches the world happens in the caller's thread, in the same order each time. So there are never
more than two pages that are not in a segment's making.
"""

from __future__ import annotations

import ctypes
import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain

from crmstate.archive.journal import ADDITION, GONE, ROWS
from crmstate.archive.pack import Packer, packed_all
from crmstate.archive.segments import Work
from crmstate.core.diagnostic import problem
from crmstate.core.failure import Code, Failure
from crmstate.core.ports import ReadSession
from crmstate.core.provider import Row
from crmstate.core.words import Exit

SEGMENT_BYTES = 8_000_000
SEGMENT_ROWS = 100_000
RESTARTS = 3
REFUSED = frozenset({Code.MISSING, Code.REJECTED})

_ARENA_MAX = -8
with suppress(AttributeError, OSError, TypeError):
    ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
"""glibc keeps what is freed apart for each thread: with eight datasets side by side a third of all memory. There is no
other way to tell it, and no other C library that needs to be told."""


@dataclass
class Segment:
    """One in the making: whole pages only, compressed as they come."""

    lines: Packer = field(default_factory=Packer)
    index: list[bytes] = field(default_factory=list)
    seen: int = 0
    written: int = 0
    size: int = 0

    @property
    def full(self) -> bool:
        return self.size >= SEGMENT_BYTES or self.seen >= SEGMENT_ROWS

    def packed(self) -> dict[str, bytes]:
        """Its files."""
        return {"jsonl": self.lines.done(), "index": b"".join(packed_all(self.index)) if self.index else b""}


def joined(lines: list[bytes]) -> bytes:
    """Lines with their line breaks."""
    return b"\n".join((*lines, b""))


def _apart(lines: bytes) -> list[bytes]:
    return lines[:-1].split(b"\n")


class Press:
    """Makes pages into segments, one page behind the caller."""

    def __init__(self, work: Work, thread: ThreadPoolExecutor) -> None:
        self._work = work
        self._thread = thread
        self._page: Future[None] | None = None
        self._segment = Segment()

    def take(self, rows: tuple[Row, ...], cursor: str | None) -> None:
        """Takes the page that `cursor` led to, whole. A segment that is full without it is made durable meanwhile.
        Raises Problem where the page before was no page of rows."""
        self._settle()
        before, files = self._segment, None
        if before.full:
            self._segment, files = Segment(), self._thread.submit(before.packed)
        segment, waiting = self._segment, before.index if files else []
        ids, raws = [row.id for row in rows], [row.raw for row in rows]
        self._work.holding.expect(ids, lambda: self._work.lines(map(_apart, chain(waiting, segment.index))))
        self._page = self._thread.submit(_press, self._work, segment, ids, raws)
        if files is not None:
            self._work.segment(ROWS, files.result(), before.seen, before.written, cursor, False)

    def end(self, cursor: str | None, whole: bool) -> None:
        """Makes durable what is not; `cursor` is the one that follows, `whole`: nothing does."""
        self._settle()
        last = self._segment
        if last.seen or whole:
            self._work.segment(ROWS, last.packed(), last.seen, last.written, cursor, whole)
            self._segment = Segment()

    def _settle(self) -> None:
        page, self._page = self._page, None
        if page is not None:
            page.result()


def _press(work: Work, segment: Segment, ids: list[str], raws: list[bytes]) -> None:
    """Takes a page whole, or refuses it whole."""
    text = b"\n".join(raws)
    if not (all(ids) and all(raws)) or text.count(b"\n") >= max(1, len(raws)) or b"\r" in text:
        raise problem(Exit.ERROR, "CRM-A019", dataset=work.place.dataset)
    sha256 = hashlib.sha256
    lines, places = work.holding.take(ids, [sha256(raw).digest() for raw in raws])
    segment.seen += len(raws)
    segment.size += len(text)
    if lines:
        segment.index.append(joined(lines))
    if places is not None:
        raws = [raws[place] for place in places]
        text = b"\n".join(raws)
    if raws:
        segment.written += len(raws)
        segment.lines.add(text)
        segment.lines.add(b"\n")


class Passed:
    """Refuses cursors that lead in a circle: their pages would never end. It keeps one of them, which it replaces ever
    more seldom, and meets it again within three rounds of any circle."""

    def __init__(self, dataset: str) -> None:
        self._dataset = dataset
        self._kept: str | None = None
        self._steps, self._most = 0, 1

    def step(self, cursor: str) -> None:
        """One page further. Raises Problem CRM-A018."""
        if cursor == self._kept:
            raise problem(Exit.ERROR, "CRM-A018", dataset=self._dataset)
        self._steps += 1
        if self._steps == self._most:
            self._kept, self._steps, self._most = cursor, 0, self._most * 2


def rows(work: Work, source: ReadSession) -> None:
    """Reads every row that is not durable yet, and notes the ids that vanished. Raises Failure as the vendor does,
    with what was read before it made durable; Problem where the vendor's pages lead in a circle or a row is no
    line."""
    restarts = 0
    while not work.progress.rows_end:
        refused = _read(work, source)
        if refused is None:
            break
        restarts += 1
        if restarts > RESTARTS:
            raise refused
        _again(work, source)
    _vanished(work)


def _again(work: Work, source: ReadSession) -> None:
    """Begins the reading again, once the vendor has shown that it can be begun: a dataset that is gone keeps its
    place."""
    source.read(work.place.dataset)
    work.begin(work.progress.purpose)


def _read(work: Work, source: ReadSession) -> Failure | None:
    """Reads on from the last durable cursor to the end; the Failure where the vendor refuses a cursor."""
    cursor, passed = work.progress.rows_next, Passed(work.place.dataset)
    with ThreadPoolExecutor(1, "archive") as thread:
        press = Press(work, thread)
        while True:
            try:
                page = source.read(work.place.dataset, cursor)
            except Failure as failure:
                press.end(cursor, False)
                if cursor is not None and failure.code in REFUSED:
                    return failure
                raise
            press.take(page.rows, cursor)
            cursor = page.next
            if cursor is None:
                press.end(None, True)
                return None
            passed.step(cursor)


def _vanished(work: Work) -> None:
    """Notes the ids that are held and were not met."""
    if work.progress.gone_end or work.progress.purpose == ADDITION:
        return
    held = work.holding.count
    index = b"".join(packed_all(map(joined, work.holding.gone(work.lines))))
    gone = held - work.holding.count
    if gone:
        work.segment(GONE, {"index": index}, 0, gone, None, True)
