"""Export: reads a dataset's rows page by page. One function serves the first export, one that goes on after a crash, one
that goes on behind the last row, or begins again, because the vendor gave up its cursor, and the delta: rows that are
held already are only noted as met. What makes segments of the pages is `press`.
"""

from __future__ import annotations

from crmstate.archive.index import joined
from crmstate.archive.journal import ADDITION, GONE
from crmstate.archive.pack import packed_all
from crmstate.archive.press import press
from crmstate.archive.segments import Work
from crmstate.core.diagnostic import problem
from crmstate.core.failure import Code, Failure
from crmstate.core.ports import ReadSession
from crmstate.core.words import Exit, Kind, Verb

RESTARTS = 3
REFUSED = frozenset({Code.MISSING, Code.REJECTED})


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
    restarts, cursor, tried = 0, work.progress.rows_next, set[str]()
    while not work.progress.rows_end:
        refused = _read(work, source, cursor)
        if refused is None:
            break
        cursor = _behind(work, source)
        if cursor is not None and cursor not in tried and cursor != work.progress.rows_next:
            tried.add(cursor)
            continue
        restarts += 1
        if restarts > RESTARTS:
            raise refused
        _again(work, source)
        cursor, tried = None, set()
    _vanished(work)


def _behind(work: Work, source: ReadSession) -> str | None:
    """The cursor that leads behind the last durable row, where the vendor lists by key; None where it does not, or no row
    is durable yet. Rows that it gives again are met again, and not written twice."""
    cell = source.provider.cell(Kind.DATASET, Verb.READ) if source.provider is not None else None
    last = work.last() if cell is not None and cell.behind is not None else None
    return cell.behind(last) if cell is not None and cell.behind is not None and last is not None else None


def _again(work: Work, source: ReadSession) -> None:
    """Begins the reading again, once the vendor has shown that it can be begun: a dataset that is gone keeps its
    place."""
    source.read(work.place.dataset)
    work.begin(work.progress.purpose)


def _read(work: Work, source: ReadSession, cursor: str | None) -> Failure | None:
    """Reads on from a cursor to the end; the Failure where the vendor refuses one."""
    passed = Passed(work.place.dataset)
    with press(work) as segments:
        while True:
            try:
                page = source.read(work.place.dataset, cursor)
            except Failure as failure:
                segments.end(cursor, False)
                if cursor is not None and failure.code in REFUSED:
                    return failure
                raise
            segments.take(page.rows, cursor)
            cursor = page.next
            if cursor is None:
                segments.end(None, True)
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
