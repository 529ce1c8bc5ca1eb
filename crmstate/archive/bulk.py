"""Bulk: a dataset's rows by the vendor's export jobs instead of pages. Submitted, waited for, fetched file by file into the
same segments.

What is durable, in this order: the order before it is submitted, the job's id before it is polled, the rows of each file
with the file itself as it was downloaded. So a job is never submitted again because a run ended, and a file that is
finished is not asked for again; one that is not is read again up to where its rows are durable, and must begin with the
same rows. Where the vendor has lost a job or its result, the same order is submitted again, and the journal says why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from crmstate.archive import export
from crmstate.archive.damaged import Damaged
from crmstate.archive.marks import FileMark, Measured, canonical
from crmstate.archive.press import Press, press
from crmstate.archive.results import Rows
from crmstate.archive.segments import Work
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.failure import UNSURE, Code, Failure
from crmstate.core.ports import Jobs, ReadSession
from crmstate.core.provider import Bulk, Job, Order, Row
from crmstate.core.words import Exit, JobStatus, Kind, Packing, Verb

TRIES = 3
"""For one file."""
BATCH_ROWS, BATCH_BYTES = 1000, 1_000_000
"""Rows that are made into a segment at once, as if they were a page."""
AGAIN = 3
"""How often jobs that failed or are gone are submitted again in one run."""
ENDINGS = {Packing.CSV: "csv", Packing.CSV_IN_ZIP: "zip", Packing.JSONL: "jsonl", Packing.JSONL_GZ: "jsonl.gz"}


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where an export by jobs stands, as the journal keeps it. `more`: what the job begins with; `asked`: it is being
    submitted, and these were `known` before; `id`: it is submitted; `why` the one before did not do; `pages`: the vendor
    takes no job for this dataset; `parts`: the files of a backup, with the records that are said to be in each."""

    more: str | None = None
    asked: bool = False
    known: tuple[str, ...] | None = None
    id: str | None = None
    why: str = ""
    dropped: tuple[str, ...] = ()
    pages: bool = False
    parts: tuple[tuple[str, int | None], ...] = ()


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the files of a job are read: `part` is the one that goes on, behind its first `rows`, whose texts have the
    digest `sum`; `total`: rows of the parts before it. `files`: a digest of the parts' names, by whose order `part` counts."""

    job: str
    part: int = 0
    rows: int = 0
    sum: str = ""
    total: int = 0
    files: str = ""


_STANDINGS = msgspec.json.Decoder(Standing)
_PLACES = msgspec.json.Decoder(Place)
"""Built while one thread is there: msgspec 0.22 crashes the interpreter where two meet a type for the first time."""


def read(work: Work, source: ReadSession, jobs: Jobs | None) -> None:
    """Reads every row that is not durable yet: by jobs where there are some, by pages where not, or where the vendor takes
    none; and notes the ids that vanished. A reading that was begun in the other way begins again."""
    begun = standing(work)
    if jobs is None and begun is not None and not begun.pages and not work.progress.rows_end:
        work.begin(work.progress.purpose)
    elif jobs is not None and (begun is not None or work.progress.rows_next is None):
        _read(work, jobs, begun or Standing())
    export.rows(work, source)


def by_jobs(work: Work) -> bool:
    """Whether the rows of this dataset came by jobs: then its delta must, too, or every row would look like another
    one."""
    if work.seal is not None:
        return work.seal.last.by_jobs
    begun = standing(work)
    return begun is not None and not begun.pages


def dropped(work: Work) -> tuple[str, ...]:
    """The columns that the present reading is without."""
    begun = standing(work)
    return begun.dropped if begun is not None else ()


def standing(work: Work) -> Standing | None:
    """Where the present reading stands; None where no job was asked for."""
    return None if work.progress.job is None else _STANDINGS.decode(work.progress.job)


def note(work: Work, standing: Standing) -> Standing:
    """Makes durable where it stands."""
    work.job(canonical(standing).decode())
    return standing


def _read(work: Work, jobs: Jobs, standing: Standing) -> None:
    again, passed, begun = 0, {standing.more}, False
    while not work.progress.rows_end:
        try:
            standing = submitted(work, jobs, standing, _order(work, standing), "CRM-A100")
        except Failure as failure:
            if begun or standing.more is None or failure.code not in export.REFUSED or failure.vendor == UNSURE:
                raise
            work.begin(work.progress.purpose)  # what the job begins with has ended: once a run from the first
            standing, passed, begun = Standing(), {None}, True
            continue
        if standing.pages:
            return
        order = _order(work, standing)
        job = jobs.awaited(order, standing.id or "")
        why: str | None = job.status.value
        if job.status is JobStatus.DONE:
            with press(work) as segments:
                why = _Files(work, segments, jobs, order, job).take()
        gone = replace(standing, asked=False, known=None, id=None, why=why or "")
        if why is None:
            if job.more is not None and job.more in passed:
                raise problem(Exit.ERROR, "CRM-A018", dataset=work.place.dataset)
            passed.add(job.more)
            gone = replace(gone, more=job.more)
        else:
            again += 1
            if again > AGAIN:
                raise Failure(Code.UNAVAILABLE, f"the export job is {why}: {job.summary}".rstrip(": "))
        if not work.progress.rows_end:
            standing = note(work, gone)


def _order(work: Work, standing: Standing) -> Order:
    return Order(Kind.DATASET, work.place.dataset, standing.more)


def submitted(work: Work, jobs: Jobs, standing: Standing, order: Order, unsure: str) -> Standing:
    """The job in hand: the one whose id is durable, the one of an earlier run whose id is not, or a new one. `unsure`: the
    code of the Problem where only a person can tell whether there is one."""
    if standing.id is not None or standing.pages:
        return standing
    job = None
    if standing.asked:
        job = _found(work, jobs, order, standing.known, unsure)
    if job is None:
        known = jobs.known(order)
        standing = note(work, replace(standing, asked=True, known=known))
        try:
            job = jobs.submit(order, known)
        except Failure as failure:
            if failure.code is not Code.AMBIGUOUS and failure.vendor != UNSURE:
                note(work, replace(standing, asked=False, known=None))
            raise
    if job is None and standing.more is not None:
        raise Failure(Code.REJECTED, "the vendor takes no job for the rest of the dataset")
    if job is None:
        if work.progress.rows_next is not None:  # a place in a job's files leads nowhere in pages
            work.begin(work.progress.purpose)
        return note(work, Standing(pages=True))
    columns = tuple(sorted({*standing.dropped, *job.dropped}))
    return note(work, replace(standing, asked=False, known=None, id=job.id, dropped=columns))


def _found(work: Work, jobs: Jobs, order: Order, known: tuple[str, ...] | None, unsure: str) -> Job | None:
    """The job of a submission that an earlier run did not get an answer to."""
    try:
        return jobs.found(order, known)
    except Failure as failure:
        if failure.code is not Code.AMBIGUOUS:
            raise
        raise problem(Exit.ERROR, unsure, dataset=work.place.dataset) from failure


class _Gone(Exception):
    """The vendor does not keep the result any more."""


@dataclass
class _Files:
    """The files of one job on their way into segments."""

    work: Work
    segments: Press
    jobs: Jobs
    order: Order
    job: Job

    def __post_init__(self) -> None:
        cell = self.jobs.provider.cell(self.order.kind, Verb.EXPORT)
        assert cell is not None and cell.bulk is not None, "only cells that export by jobs have jobs"
        self._bulk: Bulk = cell.bulk
        place = self.work.progress.rows_next
        held, first = None if place is None else _PLACES.decode(place), _first(self.job)
        self._place = held if held is not None and (held.job, held.files) == (first.job, first.files) else first

    def take(self) -> str | None:
        """Takes every row that is not durable yet; why the job does not do, where it does not. Raises Failure as the
        vendor does, Problem CRM-A101 where a file is damaged or short each time; what was read before is durable then."""
        try:
            if not self.job.parts and self.job.rows is None:
                self._refuse("no file, and nothing says that there are no rows")
            while self._place.part < len(self.job.parts):
                self._part()
            self._counted(self._place.total, self.job.rows)
            self._end(whole=self.job.more is None)
        except _Gone:
            self._end(whole=False)
            return JobStatus.GONE.value
        except (Failure, Problem):
            self._end(whole=False)
            raise
        return None

    def _end(self, whole: bool) -> None:
        self.segments.end(None if whole else self._shown(), whole)

    def _shown(self) -> str:
        return canonical(self._place).decode()

    def _counted(self, rows: int, said: int | None) -> None:
        if said is not None and rows != said:
            self._refuse(f"{rows} rows, where the job says {said}")

    def _refuse(self, why: str) -> None:
        raise problem(Exit.ERROR, "CRM-A101", dataset=self.work.place.dataset, job=self.job.id, why=why)

    def _part(self) -> None:
        """One file, with a few tries."""
        for left in reversed(range(TRIES)):
            try:
                self._download()
                return
            except Damaged as damaged:
                if not left:
                    self._refuse(str(damaged))
            except Failure as failure:
                if failure.code is Code.EXPIRED:
                    self._renew()
                elif failure.code is not Code.UNAVAILABLE or not left:
                    raise
        raise _Gone  # its addresses end before they can be used

    def _renew(self) -> None:
        """The job again, whose addresses have ended. Raises _Gone where it has ended as well."""
        fresh = self.jobs.awaited(self.order, self.job.id)
        if fresh.status is not JobStatus.DONE or len(fresh.parts) != len(self.job.parts):
            raise _Gone
        if _first(fresh).files != self._place.files:
            self._place = _first(fresh)
        self.job = fresh

    def _download(self) -> None:
        """One file: its rows into segments, and the file itself into the archive, unless it shows what is redacted."""
        part, bulk, work = self.job.parts[self._place.part], self._bulk, self.work
        rows, begin = Rows(bulk.packing, bulk.key, bulk.secret), _Begin(self._place)

        batch = _Batch()

        shown = _Shown(self.jobs)

        def passing() -> Iterator[bytes]:
            for piece in self.jobs.collect(self.order, part):
                if batch.add(begin.behind(shown.off(rows.feed(piece)))):
                    self._rows(batch.taken(), begin)
                yield piece
            batch.add(begin.behind(shown.off(rows.end())))
            self._rows(batch.taken(), begin)
            if begin.left or part.rows not in (None, rows.count):
                raise Damaged(f"{rows.count} rows, where the job says {part.rows}")

        if bulk.secret:
            for _ in passing():
                pass
        else:
            kept = _kept(work, f"source.{ENDINGS[bulk.packing]}", passing(), lambda: not shown.own)
            work.sources += [kept] if kept is not None else []
        done = self._place
        self._place = replace(done, part=done.part + 1, rows=0, sum="", total=done.total + rows.count)
        if self._place.part < len(self.job.parts):
            self._end(whole=False)

    def _rows(self, rows: list[Row], begin: _Begin) -> None:
        if rows:
            self.segments.take(tuple(rows), self._shown())
            self._place = replace(self._place, rows=self._place.rows + len(rows), sum=begin.digest.hexdigest())


def _first(job: Job) -> Place:
    """Where the files of a job begin. A vendor may show them in another order the next time: then nothing is known to be
    read of them."""
    return Place(job.id, files=hashlib.sha256(canonical([part.name for part in job.parts])).hexdigest())


class _Shown:
    """Takes our own credential out of rows. `own`: some showed it, so that their file, which does too, is not kept."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self.own = False

    def off(self, rows: list[Row]) -> list[Row]:
        """These rows without it."""
        whole = b"\n".join([row.raw for row in rows])
        if self._jobs.masked(whole) == whole:
            return rows
        self.own = True
        return [replace(row, raw=self._jobs.masked(row.raw)) for row in rows]


class _Batch:
    """Rows that wait for others. Where a file breaks off they are forgotten, and come again with it."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._size = 0

    def add(self, rows: list[Row]) -> bool:
        """More of them; whether they are enough."""
        self._rows += rows
        self._size += sum(len(row.raw) for row in rows)
        return len(self._rows) >= BATCH_ROWS or self._size >= BATCH_BYTES

    def taken(self) -> list[Row]:
        """All of them, which wait no longer."""
        rows, self._rows, self._size = self._rows, [], 0
        return rows


class _Begin:
    """The rows of a file that are taken already: when it is read again it must begin with them."""

    def __init__(self, place: Place) -> None:
        self.left = place.rows
        self._sum = place.sum
        self.digest = hashlib.sha256()

    def behind(self, rows: list[Row]) -> list[Row]:
        """Those of these rows that come after it. Raises Damaged where the file begins with others."""
        skipped, fresh = rows[: self.left], rows[self.left :]
        if skipped:
            self._add(skipped)
            self.left -= len(skipped)
            if not self.left and self.digest.hexdigest() != self._sum:
                raise Damaged("another file than before")
        if fresh:
            self._add(fresh)
        return fresh

    def _add(self, rows: list[Row]) -> None:
        self.digest.update(b"\n".join([*(row.raw for row in rows), b""]))


def _kept(work: Work, ending: str, pieces: Iterator[bytes], wanted: Callable[[], bool]) -> FileMark | None:
    """A file as it is downloaded, in the archive under its final name; it counts once a line of the journal knows it. None
    where it turned out to be one that is not kept."""
    plain, wrap, stored = work.place.data(f"{work.next_number():06d}.{ending}"), work.place.wrap, Measured()
    incoming = work.store.receive(stored.passing(wrap.streamed(plain, pieces)), work.place.folder)
    if not wanted():
        incoming.drop()
        return None
    name = work.place.data(f"{work.next_number():06d}.{ending}")  # segments were written meanwhile
    incoming.keep(wrap.name(name))
    work.store.flush([work.place.folder])
    return FileMark(wrap.name(name), stored.size, stored.digest.hexdigest())
