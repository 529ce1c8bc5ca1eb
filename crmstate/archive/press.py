"""Press: the pipeline behind whatever gives rows page by page. It makes pages into segments, one page behind the caller,
and knows neither vendors nor cursors' meaning.

While a page is being fetched, the one before it is digested and compressed by a thread of its own, which does nothing
else: everything that touches the world happens in the caller's thread, in the same order each time. So there are never
more than two pages that are not in a segment's making.
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


class Press:
    """Makes pages into segments, one page behind the caller."""

    def __init__(self, work: Work, thread: ThreadPoolExecutor) -> None:
        self._work = work
        self._thread = thread
        self._page: Future[None] | None = None
        self._segment = Segment(Packer())
        self._torn = False

    def take(self, rows: tuple[Row, ...], cursor: str | None) -> None:
        """Takes the page that `cursor` led to, whole. A segment that is full without it is made durable meanwhile.
        Raises Problem where the page before was no page of rows, or the segment could not be kept: some of what was taken
        is lost then, and `end` makes nothing durable that would lie behind it."""
        self._settle()
        before, files = self._segment, None
        if before.full:
            self._segment, files = Segment(before.lines), self._thread.submit(before.packed)
        segment, waiting = self._segment, before.index if files else []
        ids, raws = [row.id for row in rows], [row.raw for row in rows]
        self._work.holding.expect(ids, lambda: self._work.lines(map(_apart, chain(waiting, segment.index))))
        self._page = self._thread.submit(_press, self._work, segment, ids, raws)
        if files is not None:
            self._torn = True  # until it is durable
            self._work.segment(ROWS, files.result(), before.seen, before.written, cursor, False, before.redacted)
            self._torn = False

    def end(self, cursor: str | None, whole: bool) -> None:
        """Makes durable what is not; `cursor` is the one that follows, `whole`: nothing does. Does nothing where something
        taken before is lost: a cursor that leads behind it would never lead to it again."""
        if self._torn:
            return
        self._settle()
        last = self._segment
        if last.seen or whole or self._work.sources:
            self._torn = True
            self._work.segment(ROWS, last.packed(), last.seen, last.written, cursor, whole, last.redacted)
            self._segment, self._torn = Segment(last.lines), False

    def _settle(self) -> None:
        page, self._page = self._page, None
        if page is not None:
            torn, self._torn = self._torn, True
            page.result()
            self._torn = torn


@contextmanager
def press(work: Work) -> Iterator[Press]:
    """One for this work. Whatever was taken and not ended is forgotten with the block."""
    with ThreadPoolExecutor(1, "archive") as thread:
        yield Press(work, thread)


def _press(work: Work, segment: Segment, ids: list[str], raws: list[bytes]) -> None:
    """Takes a page whole, or refuses it whole."""
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
