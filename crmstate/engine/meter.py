"""Meter: how far the reading of a dataset has come, told while it goes on: rows, bytes, rate, time left, of each dataset
and of all together.

It counts what a session hands out and changes nothing of it. What it tells is for whoever watches: nothing of it is in
the journal, and nothing of a record's content is in it. It tells at most once a second for each dataset, and at the
end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from crmstate.core.event import Pace, Progressed
from crmstate.core.plan import Step
from crmstate.core.ports import Clock, Jobs, ReadSession
from crmstate.core.provider import Count, File, FilePage, Job, Order, Page, Part, Provider
from crmstate.core.survey import DatasetFacts, Identity, Listing, Resource
from crmstate.core.words import Kind, Verb
from crmstate.engine.observe import stamp
from crmstate.engine.pool import alone

EVERY = 1.0
Tell = Callable[[Progressed], None]


@dataclass
class _Run:
    """One reading. `held`: rows that an earlier run had made durable; `rows` counts them in."""

    step: Step
    began: float
    told: float
    total: int | None
    held: int
    rows: int
    files: int = 0
    bytes: int = 0
    over: bool = False


@dataclass
class Meter:
    """One for a run of apply; used from several threads. `planned`: the rows of each step that reads a dataset whole,
    as far as they are known before it begins."""

    clock: Clock
    tell: Tell
    planned: Mapping[str, int] = field(default_factory=dict)
    _runs: dict[str, _Run] = field(default_factory=dict)
    _lock: AbstractContextManager[object] = field(default_factory=alone)

    def watched(self, step: Step, row: Resource, source: ReadSession, held: int) -> Watched:
        """The session, counted for a step. `held`: rows of an interrupted reading that are not asked for again."""
        facts = row.facts if isinstance(row.facts, DatasetFacts) else DatasetFacts()
        now = self.clock.monotonic()
        with self._lock:
            self._runs[step.id] = _Run(step, now, now, facts.rows, held, held)
        return Watched(self, step.id, source)

    def watched_jobs(self, step: Step, jobs: Jobs) -> WatchedJobs:
        """The jobs of a step that is watched, counted."""
        return WatchedJobs(self, step.id, jobs)

    def add(self, key: str, rows: int = 0, files: int = 0, bytes: int = 0) -> None:
        """So much more of a step's dataset was read."""
        now = self.clock.monotonic()
        with self._lock:
            run = self._runs[key]
            run.rows, run.files, run.bytes = run.rows + rows, run.files + files, run.bytes + bytes
            due = now - run.told >= EVERY
            if due:
                run.told = now
        if due:
            self._tell(key, now)

    def again(self, key: str) -> None:
        """A reading begins at the first page: of rows, what was read before does not count."""
        with self._lock:
            self._runs[key].rows = self._runs[key].held = 0

    def done(self, key: str) -> None:
        """A step has read its last."""
        with self._lock:
            self._runs[key].over = True
        self._tell(key, self.clock.monotonic())

    def _tell(self, key: str, now: float) -> None:
        at = stamp(self.clock.now())
        with self._lock:
            run = self._runs[key]
            found = Progressed(at, run.step.address, run.step.verb, _pace(run, now), self._all(now), run.over)
        self.tell(found)

    def _all(self, now: float) -> Pace:
        runs = self._runs.values()
        total = sum(rows for key, rows in self.planned.items() if key not in self._runs)
        known = all(run.total is not None for run in runs)
        total += sum(run.rows if run.over else max(run.total or 0, run.rows) for run in runs)
        rows, fresh = sum(run.rows for run in runs), sum(run.rows - run.held for run in runs)
        seconds = now - min(run.began for run in runs)
        return _paced(
            rows,
            total if known else None,
            sum(run.files for run in runs),
            sum(run.bytes for run in runs),
            fresh,
            seconds,
        )


def _pace(run: _Run, now: float) -> Pace:
    total = run.rows if run.over else run.total
    return _paced(run.rows, total, run.files, run.bytes, run.rows - run.held, now - run.began)


def _paced(rows: int, total: int | None, files: int, bytes: int, fresh: int, seconds: float) -> Pace:
    """The rate is that of this run; what it leaves to do at this rate takes `seconds_left`."""
    rate = fresh / seconds if seconds > 0 else 0.0
    left = None
    if total is not None and total <= rows:
        left = 0
    elif total is not None and rate > 0:
        left = math.ceil((total - rows) / rate)
    return Pace(rows, bytes, files, total, round(rate), left)


def planned_rows(steps: Sequence[Step]) -> dict[str, int]:
    """The rows that each step of a plan will read: of a delta as many as of the export before it."""
    exports = {
        step.address: step.rows or 0 for step in steps if step.kind is Kind.ARCHIVE and step.verb is Verb.ARCHIVE
    }
    reading = [step for step in steps if step.kind is Kind.ARCHIVE and step.verb in (Verb.ARCHIVE, Verb.DELTA)]
    return {step.id: step.rows or exports.get(step.address, 0) for step in reading}


class Watched:
    """A `ReadSession` that counts what it hands out."""

    def __init__(self, meter: Meter, key: str, source: ReadSession) -> None:
        self.provider: Provider = source.provider
        self._meter, self._key, self._source = meter, key, source

    @property
    def calls(self) -> int:
        return self._source.calls

    def read(self, dataset: str, cursor: str | None = None, ids: Sequence[str] | None = None) -> Page:
        page = self._source.read(dataset, cursor, ids)
        if ids is None:
            if cursor is None:
                self._meter.again(self._key)
            self._meter.add(self._key, len(page.rows), bytes=sum(len(row.raw) for row in page.rows))
        return page

    def fetch(self, file: File) -> Iterator[bytes]:
        for piece in self._source.fetch(file):
            self._meter.add(self._key, bytes=len(piece))
            yield piece
        self._meter.add(self._key, files=1)

    def whoami(self) -> Identity:
        return self._source.whoami()

    def list(self, kind: Kind, ids: Sequence[str] | None = None) -> Listing:
        return self._source.list(kind, ids)

    def count(self, dataset: str) -> Count:
        return self._source.count(dataset)

    def files(self, dataset: str, cursor: str | None = None) -> FilePage:
        return self._source.files(dataset, cursor)

    def fields(self, dataset: str) -> bytes | None:
        return self._source.fields(dataset)

    def alive(self) -> bool:
        return self._source.alive()

    def close(self) -> None:
        self._source.close()


class WatchedJobs:
    """Jobs whose results are counted: bytes as they come, rows file by file."""

    def __init__(self, meter: Meter, key: str, jobs: Jobs) -> None:
        self.provider: Provider = jobs.provider
        self._meter, self._key, self._jobs = meter, key, jobs

    def known(self, order: Order) -> tuple[str, ...] | None:
        return self._jobs.known(order)

    def submit(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        return self._jobs.submit(order, known)

    def found(self, order: Order, known: tuple[str, ...] | None) -> Job | None:
        return self._jobs.found(order, known)

    def awaited(self, order: Order, id: str, stopped: Callable[[], bool] | None = None) -> Job:
        return self._jobs.awaited(order, id, stopped)

    def masked(self, raw: bytes) -> bytes:
        return self._jobs.masked(raw)

    def collect(self, order: Order, part: Part) -> Iterator[bytes]:
        for piece in self._jobs.collect(order, part):
            self._meter.add(self._key, bytes=len(piece))
            yield piece
        self._meter.add(self._key, rows=part.rows or 0)
