"""Segments: the immutable files that an export is cut into, and the work on one dataset that they are added to.

A segment becomes durable in this order: its files under their final names, their folder, then its line in the journal.
Only then are its pages forgotten. `open_work` takes up what an earlier run left: whole segments stay, everything else
goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from msgspec import structs

from crmstate.archive import manifest, pack
from crmstate.archive.holding import Holding
from crmstate.archive.index import parsed
from crmstate.archive.journal import BEGIN, FILES, GONE, JOB, ROWS, Journal, Line
from crmstate.archive.layout import FILES_END, INDEX_END, OURS, SCHEMA, SCHEMA_FILE, Place, bare, content
from crmstate.archive.marks import FileMark, Measured, mark, sha256
from crmstate.archive.seal import Content, Seal
from crmstate.archive.store import TEMPORARY, Store
from crmstate.archive.wrap import Wrap
from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit


@dataclass(frozen=True)
class Progress:
    """How far the present reading has come. `began`: when, or None where none is under way; `purpose`: archive, delta,
    last (a delta after the freeze) or addition; `job`: where an export by jobs stands, None where none was begun."""

    began: str | None = None
    purpose: str = ""
    job: str | None = None
    rows_next: str | None = None
    rows_end: bool = False
    gone_end: bool = False
    files_next: str | None = None
    files_end: bool = False
    lost_end: bool = False

    def after(self, line: Line) -> Progress:
        """One line of the journal further."""
        if line.what == BEGIN:
            return Progress(self.began or line.at, line.purpose)
        if line.what == ROWS:
            return replace(self, rows_next=line.next, rows_end=line.end)
        if line.what == FILES:
            return replace(self, files_next=line.next, files_end=line.end)
        if line.what == GONE:
            return replace(self, gone_end=True)
        if line.what == JOB:
            return replace(self, job=line.next)
        return replace(self, lost_end=True)

    def shown(self, wrap: Wrap) -> Progress:
        """With its cursors as the vendor wrote them."""
        shown = wrap.shown
        return replace(self, job=shown(self.job), rows_next=shown(self.rows_next), files_next=shown(self.files_next))


@dataclass
class Work:
    """One dataset, opened for writing. `seal`: what is sealed of it; `sealed`: how many lines of the journal the last
    seal covers; `loose`: encrypted attachments that are stored, and in no line of the journal yet; `sources`: downloaded
    files of which the same is true."""

    place: Place
    store: Store
    now: Callable[[], str]
    journal: Journal
    holding: Holding
    seal: Seal | None
    sealed: int = 0
    progress: Progress = field(default_factory=Progress)
    loose: list[Content] = field(default_factory=list)
    sources: list[FileMark] = field(default_factory=list)

    @property
    def fresh(self) -> list[Line]:
        """The lines that no seal covers yet."""
        return self.journal.lines[self.sealed :]

    @property
    def changed(self) -> bool:
        """Whether what is held differs from what is sealed."""
        return self.seal is None or any(line.written for line in self.fresh)

    def begin(self, purpose: str) -> None:
        """A reading of the whole dataset begins, or begins again."""
        self._line(Line(BEGIN, self.now(), dataset=self.place.dataset, purpose=purpose))
        self.holding.begin(self.lines)

    def lines(self, more: Iterable[list[bytes]] = ()) -> Iterator[list[bytes]]:
        """The lines of the index so far, in blocks; `more`: those that are not durable yet."""
        left = self.holding.lines
        for block in chain(_blocks(self, self.journal.lines), more):
            yield block[:left]
            left -= len(block)
            if left <= 0:
                return

    def job(self, standing: str) -> None:
        """Makes durable where an export by jobs stands."""
        self._line(Line(JOB, self.now(), next=standing))

    def next_number(self) -> int:
        """The number of the next segment."""
        return 1 + max((line.number for line in self.journal.lines), default=-1)

    def segment(
        self,
        what: str,
        parts: dict[str, bytes],
        seen: int,
        written: int,
        next: str | None,
        end: bool,
        redacted: dict[str, int] | None = None,
    ) -> None:
        """Makes a segment durable: packed files by the ending of their names; those without a byte are left out."""
        number = self.next_number()
        wrap = self.place.wrap
        plain = {self.place.data(f"{number:06d}.{ending}.zst"): data for ending, data in parts.items() if data}
        files = {wrap.name(name): wrap.on(name, data) for name, data in plain.items()}
        if files:
            self.store.put(files, once=True)
        marks = [*(mark(name, data) for name, data in files.items()), *self.sources]
        number = number if marks else -1
        contents, self.loose, self.sources = tuple(self.loose), [], []
        line = Line(what, self.now(), number, "", tuple(marks), seen, written, contents, next, end)
        self._line(structs.replace(line, redacted=redacted or {}))

    def _line(self, line: Line) -> None:
        self.journal.append(structs.replace(line, next=self.place.wrap.hidden(line.next)))
        self.progress = self.progress.after(line)

    def contents(self) -> tuple[Content, ...]:
        """Every attachment's content that lies in the archive for this dataset."""
        if self.place.wrap.locked:
            return tuple(sorted(each for line in self.journal.lines for each in line.contents))
        return tuple(sorted(Content(digest, size) for digest, size in self.holding.contents.items()))

    def last(self) -> str | None:
        """The id of the last row that the present reading has made durable; None where there is none."""
        for line in reversed(self.journal.lines):
            if line.what == BEGIN:
                return None
            end: list[bytes] = []
            for block in _blocks(self, [line] if line.what == ROWS else ()):
                end = block[-1:] or end
            if end:
                return parsed(end).ids[0]
        return None

    def files(self) -> tuple[FileMark, ...]:
        """Every file that the journal knows."""
        return tuple(each for line in self.journal.lines for each in line.files)

    def streamed(self, plain: str, parts: Iterable[bytes]) -> FileMark:
        """Makes a new file of these parts durable, however large it is. `plain`: its name without what it is wrapped
        in."""
        stored, name = Measured(), self.place.wrap.name(plain)
        wrapped = self.place.wrap.streamed(plain, iter(parts))
        self.store.receive(stored.passing(wrapped), self.place.folder).keep(name, once=True)
        self.store.flush([self.place.folder])
        return FileMark(name, stored.size, stored.digest.hexdigest())


def open_work(place: Place, store: Store, now: Callable[[], str]) -> Work:
    """Takes up the work on a dataset where its journal ends. Raises Problem where something sealed is damaged."""
    work = Work(place, store, now, Journal(place.journal, store), Holding(), manifest.seal_of(place))
    store.folders([place.folder])
    work.journal.load()
    work.sealed = _sealed_lines(work)
    keep = len(work.journal.lines)
    for number, line in enumerate(work.journal.lines):
        if number == work.sealed:
            work.progress = Progress()
        if number >= work.sealed and not _whole(work, line):
            keep = number
            break
        _fold(work, line)
        work.progress = work.progress.after(line)
    work.journal.cut(keep)
    work.progress = Progress() if keep <= work.sealed else work.progress.shown(place.wrap)
    _tidy(work)
    return work


def _sealed_lines(work: Work) -> int:
    """How many lines the last seal covers."""
    if work.journal.lines and work.journal.lines[0].dataset != work.place.dataset:
        raise problem(Exit.ERROR, "CRM-A023", file=work.store.path(work.place.journal))
    if work.seal is None:
        return 0
    known = work.seal.journal
    if sha256(work.journal.data[: known.bytes]) != known.sha256 or known.bytes not in work.journal.sizes:
        raise problem(Exit.ERROR, "CRM-A002", file=known.file)
    return work.journal.sizes.index(known.bytes) + 1


def _whole(work: Work, line: Line) -> bool:
    """Whether the files of a line that no seal covers yet are as they were written."""
    store, first = work.store, line.files[0].file if line.files else ""
    if any(store.measure(each.file) != (each.bytes, each.sha256) for each in line.files):
        return False
    if work.place.wrap.locked:
        return all(store.size(each.file) == each.bytes for each in line.contents)
    if line.what != FILES or not first:
        return True
    lines = pack.lines(work.place.wrap.off(first, iter([store.read(first) or b""])))
    found = (re.search(rb'"sha256":"([0-9a-f]{64})","size":(\d+)}', each) for each in lines)
    return all(store.size(content(each[1].decode())) == int(each[2]) for each in found if each)


def _fold(work: Work, line: Line) -> None:
    """Folds a line's index into what is held."""
    if line.what == BEGIN:
        work.holding.begin(work.lines)
        return
    for each in line.files:
        if bare(each.file).endswith(INDEX_END):
            for block in pack.blocks(_read(work, each)):
                work.holding.fold(parsed(block), work.lines)
        elif bare(each.file).endswith(FILES_END):
            work.holding.apply_files(pack.lines(_read(work, each)))


def _blocks(work: Work, lines: Iterable[Line]) -> Iterator[list[bytes]]:
    for line in lines:
        for each in line.files:
            if bare(each.file).endswith(INDEX_END):
                yield from pack.blocks(_read(work, each))


def _read(work: Work, each: FileMark) -> Iterator[bytes]:
    """What is within a file, which is as it was written."""
    data = work.store.read(each.file)
    if data is None:
        raise problem(Exit.ERROR, "CRM-A001", file=each.file)
    if sha256(data) != each.sha256:
        raise problem(Exit.ERROR, "CRM-A002", file=each.file)
    return work.place.wrap.off(each.file, iter([data]))


def _tidy(work: Work) -> None:
    """Removes what an interrupted run left: files of ours that neither journal nor manifest knows."""
    place, store = work.place, work.store
    known = {each.file for each in work.files()} | {each.file for each in (work.seal.marks if work.seal else ())}
    for name in store.names(place.folder):
        file = place.data(name)
        if file not in known and OURS.fullmatch(name) and store.size(file) is not None:
            store.remove(file)
    if store.size(place.journal + TEMPORARY) is not None:
        store.remove(place.journal + TEMPORARY)
    for name in store.names(SCHEMA):
        match = SCHEMA_FILE.fullmatch(name.removesuffix(TEMPORARY))
        if match is not None and match[1] == place.slug and f"{SCHEMA}/{name}" not in known:
            store.remove(f"{SCHEMA}/{name}")
