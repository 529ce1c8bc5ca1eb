"""Attachments: streams each file that a dataset's records have to the store, hashed on the way, and notes which record
has which.

Contents are stored once, under their SHA-256. Names are the vendor's text and never become paths. Addresses expire:
then the page is listed again. Refuses a file whose size or digest is not what the vendor says, after a second try.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from crmstate.archive.export import REFUSED, RESTARTS, Passed
from crmstate.archive.holding import lost_line
from crmstate.archive.journal import ADDITION, FILES, LOST
from crmstate.archive.layout import content
from crmstate.archive.marks import Entry, Measured
from crmstate.archive.pack import packed
from crmstate.archive.seal import Content
from crmstate.archive.segments import Work
from crmstate.core.diagnostic import problem
from crmstate.core.failure import Code, Failure
from crmstate.core.ports import ReadSession
from crmstate.core.provider import File, FilePage
from crmstate.core.words import Exit

FILES_NAME = "attachments.jsonl"
CUT_BYTES = 64_000_000
CUT_FILES = 500
TRIES = 3
PASSING = frozenset({Code.EXPIRED, Code.MISSING, Code.UNAVAILABLE})
_PIECE = 1 << 20
Listed = dict[tuple[str, str], File]


@dataclass
class Buffer:
    """The attachments whose contents are stored and whose lines are not durable yet."""

    lines: list[bytes] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    written: int = 0
    bytes: int = 0

    def flush(self, work: Work, next: str | None, end: bool) -> None:
        """Makes them durable; `next` is the cursor of the page that holds what follows."""
        if not self.lines and not end:
            return
        work.store.flush(sorted(self.folders))
        parts = {FILES_NAME: packed(b"".join(self.lines))} if self.lines else {}
        seen, written = len(self.lines), self.written
        self.lines, self.written, self.bytes = [], 0, 0
        self.folders.clear()
        work.segment(FILES, parts, seen, written, next, end)


def files(work: Work, source: ReadSession) -> None:
    """Takes every attachment that is not durable yet, and notes those that vanished. Raises Failure as the vendor
    does."""
    restarts = 0
    while not work.progress.files_end:
        refused = _read(work, source, work.progress.files_next if not restarts else None)
        if refused is None:
            break
        restarts += 1
        if restarts > RESTARTS:
            raise refused
    lost = [] if work.progress.lost_end or work.progress.purpose == ADDITION else work.holding.lost()
    if lost:
        work.segment(LOST, {FILES_NAME: packed(b"".join(map(lost_line, lost)))}, 0, len(lost), None, True)
    for key in lost:
        del work.holding.files[key]


def _read(work: Work, source: ReadSession, cursor: str | None) -> Failure | None:
    """Takes the attachments from this page on; the Failure where the vendor refuses a cursor."""
    buffer = Buffer()
    passed = Passed(work.place.dataset)
    while True:
        try:
            page = source.files(work.place.dataset, cursor)
        except Failure as failure:
            buffer.flush(work, cursor, False)
            if cursor is not None and failure.code in REFUSED:
                return failure
            raise
        try:
            _page(work, source, buffer, page, cursor)
        except Failure:
            buffer.flush(work, cursor, False)
            raise
        if page.next is None:
            buffer.flush(work, None, True)
            return None
        passed.step(page.next)
        cursor = page.next
        if len(buffer.lines) >= CUT_FILES or buffer.bytes >= CUT_BYTES:
            buffer.flush(work, cursor, False)


def _page(work: Work, source: ReadSession, buffer: Buffer, page: FilePage, cursor: str | None) -> None:
    listed = {(file.row, file.id): file for file in page.files}
    pending = deque(listed)
    while pending:
        key, known = pending.popleft(), len(listed)
        if work.holding.met(*key):
            continue
        entry = _unchanged(work, listed[key]) or _fetched(work, source, listed, key, cursor)
        pending.extend(list(listed)[known:])
        if entry is None:
            continue
        line = work.holding.file(entry)
        buffer.lines.append(line)
        if b'"op":"+"' in line:
            buffer.written += 1
            buffer.folders.add(work.place.content(entry.sha256).rpartition("/")[0])
        buffer.bytes += entry.size
        if len(buffer.lines) >= CUT_FILES or buffer.bytes >= CUT_BYTES:
            buffer.flush(work, cursor, False)


def _unchanged(work: Work, file: File) -> Entry | None:
    """What is held of a file, where the vendor says enough to know that it is the same; else it is fetched again."""
    held = work.holding.files.get((file.row, file.id))
    if held is None or (file.size is None and file.sha256 is None):
        return None
    size = held.size if file.size is None else file.size
    same = (file.name, file.mime, size, (file.sha256 or held.sha256).lower())
    return held if same == (held.name, held.mime, held.size, held.sha256) else None


def _fetched(work: Work, source: ReadSession, listed: Listed, key: tuple[str, str], cursor: str | None) -> Entry | None:
    """An attachment's content, stored; None where it vanished from the vendor's listing meanwhile. What a new listing
    of the page shows is added to `listed`."""
    wrong = 0
    for attempt in range(TRIES):
        if attempt:
            fresh = source.files(work.place.dataset, cursor).files
            listed.update({(file.row, file.id): file for file in fresh})
            if key not in {(file.row, file.id) for file in fresh}:
                return None
        try:
            entry = _store(work, source, listed[key])
        except Failure as failure:
            if failure.code not in PASSING or attempt == TRIES - 1:
                raise
            continue
        if entry is not None:
            return entry
        wrong += 1
        if wrong == 2:
            break
    raise problem(Exit.ERROR, "CRM-A020", dataset=work.place.dataset, id=key[1])


def _store(work: Work, source: ReadSession, file: File) -> Entry | None:
    """Streams one content to the store; None where it is not what the vendor says it is."""
    within, stored, wrap = Measured(), Measured(), work.place.wrap
    parts = wrap.streamed(content("-"), within.passing(_pieces(source.fetch(file))))
    incoming = work.store.receive(stored.passing(parts), work.place.folder)
    digest = within.digest.hexdigest()
    if file.size not in (None, within.size) or (file.sha256 or "").lower() not in ("", digest):
        incoming.drop()
        return None
    if not wrap.locked:
        incoming.keep(content(digest))
    elif digest in work.holding.contents:  # encrypted anew it would differ from what journal and manifest know
        incoming.drop()
    else:
        name = wrap.content(work.place.dataset, digest)
        incoming.keep(content(name))
        work.loose.append(Content(stored.digest.hexdigest(), stored.size, name))
    return Entry(file.row, file.id, file.name, file.mime, within.size, digest)


def _pieces(stream: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of about a mebibyte, so that small pieces cost few writes."""
    held: list[bytes] = []
    size = 0
    for piece in stream:
        held.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
