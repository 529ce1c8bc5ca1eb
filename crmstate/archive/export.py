"""Export: reads a dataset's rows page by page into segments. One function serves the first export, one that goes on
after a crash, one that begins again because the vendor gave up its cursor, and the delta: rows that are held already
are only noted as met."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from crmstate.archive.holding import gone_line
from crmstate.archive.journal import ADDITION, GONE, ROWS
from crmstate.archive.pack import Packer, packed
from crmstate.archive.segments import Work
from crmstate.core.diagnostic import problem
from crmstate.core.failure import Code, Failure
from crmstate.core.ports import ReadSession
from crmstate.core.provider import Page, Row
from crmstate.core.words import Exit

SEGMENT_BYTES = 8_000_000
SEGMENT_ROWS = 100_000
RESTARTS = 3
REFUSED = frozenset({Code.MISSING, Code.REJECTED})


@dataclass
class Buffer:
    """The pages that are not durable yet: whole pages only, compressed as they come."""

    lines: Packer = field(default_factory=Packer)
    index: Packer = field(default_factory=Packer)
    seen: int = 0
    written: int = 0
    bytes: int = 0

    def flush(self, work: Work, next: str | None, end: bool) -> None:
        """Makes them durable as one segment; `next` is the cursor that follows them."""
        if not self.seen and not end:
            return
        parts = {"jsonl": self.lines.done(), "index": self.index.done()}
        seen, written = self.seen, self.written
        self.lines, self.index, self.seen, self.written, self.bytes = Packer(), Packer(), 0, 0, 0
        work.segment(ROWS, parts, seen, written, next, end)

    @property
    def full(self) -> bool:
        return self.bytes >= SEGMENT_BYTES or self.seen >= SEGMENT_ROWS


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
    buffer, cursor = Buffer(), work.progress.rows_next
    passed: set[bytes] = set()
    while True:
        try:
            page = source.read(work.place.dataset, cursor)
        except Failure as failure:
            buffer.flush(work, cursor, False)
            if cursor is not None and failure.code in REFUSED:
                return failure
            raise
        _take(work, buffer, page)
        cursor = page.next
        if cursor is None:
            buffer.flush(work, None, True)
            return None
        step(passed, cursor, work.place.dataset)
        if buffer.full:
            buffer.flush(work, cursor, False)


def step(passed: set[bytes], cursor: str, dataset: str) -> None:
    """Refuses a cursor that was passed before: its pages would never end."""
    digest = hashlib.blake2b(cursor.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if digest in passed:
        raise problem(Exit.ERROR, "CRM-A018", dataset=dataset)
    passed.add(digest)


def _take(work: Work, buffer: Buffer, page: Page) -> None:
    """Takes a page whole, or refuses it whole."""
    lines: list[bytes] = []
    index: list[bytes] = []
    take = work.holding.row
    for row in page.rows:
        _refuse(work, row)
        entry = take(row.id, hashlib.sha256(row.raw).digest())
        if entry:
            index.append(entry)
            if entry[:1] == b"+":
                lines += (row.raw, b"\n")
        buffer.bytes += len(row.raw)
    buffer.lines.add(b"".join(lines))
    buffer.index.add(b"".join(index))
    buffer.written += len(lines) // 2
    buffer.seen += len(page.rows)


def _refuse(work: Work, row: Row) -> None:
    if not row.id or not row.raw or b"\n" in row.raw or b"\r" in row.raw:
        raise problem(Exit.ERROR, "CRM-A019", dataset=work.place.dataset)


def _vanished(work: Work) -> None:
    """Notes the ids that are held and were not met."""
    gone = [] if work.progress.gone_end or work.progress.purpose == ADDITION else work.holding.gone()
    if gone:
        work.segment(GONE, {"index": packed(b"".join(map(gone_line, gone)))}, 0, len(gone), None, True)
    for id in gone:
        del work.holding.rows[id]
