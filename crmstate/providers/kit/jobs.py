"""Jobs: exports that the vendor makes beside us. Submitting one is an act; looking at it and fetching what it made are
not.

A submission whose answer was lost is looked for among the jobs that the vendor lists, and never sent again on a guess. A
job is polled ever more seldom, and never given up: whoever has its id may wait for it again.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from crmstate.core.failure import UNSURE, Code, Failure
from crmstate.core.provider import Bulk, Cell, Job, Order, Part
from crmstate.core.words import JobStatus
from crmstate.providers.kit.call import Call, call_for
from crmstate.providers.kit.line import Line
from crmstate.providers.kit.wire import Gate

FIRST_PAUSE, LAST_PAUSE, GROWTH = 1.0, 60.0, 1.6
NO_MORE = "null"
"""How some vendors write that nothing follows: as a text."""
LOOKS_UP = 0.5
"""Seconds after which whoever waits looks whether to stop."""
PATIENCE = 3600.0
"""Seconds for which a job is waited for at a stretch."""


def bulk_of(cell: Cell) -> Bulk:
    """How a cell exports. Raises Failure for one that does not."""
    if cell.bulk is None or cell.run is None:
        raise Failure(Code.REJECTED, f"{cell.kind.value} {cell.verb.value} is not offered", vendor="kit.not_offered")
    return cell.bulk


def call_to_submit(line: Line, cell: Cell) -> Call:
    """The Call that a job is submitted through: everything but GET, and what the function calls a look, acts."""
    patterns = (*bulk_of(cell).submits, *cell.requests, *line.dialect.login_requests)
    return Call(line, Gate(patterns), acts=True)


def known(line: Line, cell: Cell, order: Order) -> tuple[str, ...] | None:
    """The ids of the jobs for an order that the vendor shows."""
    jobs = _listed(line, cell, order)
    return None if jobs is None else tuple(job.id for job in jobs)


def submit(line: Line, cell: Cell, order: Order, known: tuple[str, ...] | None) -> Job | None:
    """Submits a job; see `core.ports.Jobs`."""
    line.pace.spend(bulk_of(cell).cost - 1)  # whatever comes of it: too few is better than too many
    try:
        job: Job | None = cell.run(call_to_submit(line, cell), order)  # type: ignore[misc]
    except Failure as failure:
        if failure.vendor == "kit.malformed":  # an answer, and nobody can read of which job
            failure.vendor = UNSURE
        if failure.code is not Code.AMBIGUOUS:
            raise
        job = _looked(line, cell, order, known)
        if job is None:
            raise Failure(Code.UNAVAILABLE, "the answer was lost, and the job is not there", vendor=UNSURE) from None
    if job is None:
        return None
    if not job.id:
        raise Failure(Code.AMBIGUOUS, "accepted, without saying under which id", vendor="kit.malformed")
    return _clean(line, job)


def _looked(line: Line, cell: Cell, order: Order, known: tuple[str, ...] | None) -> Job | None:
    """The same as `found`, right after the answer was lost. Where looking fails as well, as it does without a network, it
    stays unknown whether the job is there."""
    try:
        return found(line, cell, order, known)
    except Failure as failure:
        failure.vendor = UNSURE
        raise


def found(line: Line, cell: Cell, order: Order, known: tuple[str, ...] | None) -> Job | None:
    """The job of a submission that nobody has an answer to; see `core.ports.Jobs`."""
    jobs = None if known is None else _listed(line, cell, order)
    if jobs is not None:
        fresh = [job for job in jobs if job.id not in set(known or ())]
        return _clean(line, fresh[-1]) if fresh else None
    if bulk_of(cell).repeatable:
        return None
    raise Failure(Code.AMBIGUOUS, "nobody can know whether the job was submitted", vendor="kit.lost_job")


def awaited(line: Line, cell: Cell, id: str, stopped: Callable[[], bool] | None = None) -> Job:
    """The job, once it is over; see `core.ports.Jobs`."""
    end, pause = line.clock.monotonic() + PATIENCE, FIRST_PAUSE
    while True:
        job = _polled(line, cell, id)
        if job.status is not JobStatus.RUNNING:
            return job
        if line.clock.monotonic() >= end:
            raise Failure(Code.UNAVAILABLE, "the job is still running", vendor="kit.running")
        _pause(line, random.uniform(pause / 2, pause), stopped)
        pause = min(LAST_PAUSE, pause * GROWTH)


def _pause(line: Line, seconds: float, stopped: Callable[[], bool] | None) -> None:
    """Lets time pass; whoever may be asked to stop looks up every now and then."""
    while stopped is not None and seconds > 0:
        if stopped():
            raise Failure(Code.UNAVAILABLE, "stopped; the job goes on at the vendor", vendor="kit.stopped")
        line.clock.sleep(min(seconds, LOOKS_UP))
        seconds -= LOOKS_UP
    if seconds > 0:
        line.clock.sleep(seconds)


def collect(line: Line, cell: Cell, part: Part) -> Iterator[bytes]:
    """A part's bytes; see `core.ports.Jobs`."""
    size, digest = 0, hashlib.sha256()
    pieces: Iterator[bytes] = bulk_of(cell).collect(call_for(line, cell), part)
    try:
        for piece in pieces:
            size += len(piece)
            if part.size is not None and size > part.size:
                break
            if part.sha256 is not None:
                digest.update(piece)
            yield piece
    except Failure as failure:
        if failure.code is Code.MISSING:
            raise Failure(Code.EXPIRED, failure.summary, vendor=failure.vendor) from None
        raise
    if part.size is not None and size != part.size:
        raise Failure(Code.UNAVAILABLE, "the file has another size than its job says", vendor="kit.size")
    if part.sha256 is not None and digest.hexdigest() != part.sha256.lower():
        raise Failure(Code.UNAVAILABLE, "the file has another digest than its job says", vendor="kit.digest")


def _polled(line: Line, cell: Cell, id: str) -> Job:
    try:
        job: Job = bulk_of(cell).poll(call_for(line, cell), id)
    except Failure as failure:
        if failure.code is Code.MISSING:
            return Job(id, JobStatus.GONE)
        raise
    if job.id != id:
        raise Failure(Code.UNAVAILABLE, "the answer is about another job", vendor="kit.malformed")
    if job.more == "":
        raise Failure(Code.UNAVAILABLE, "more is said to follow, and not where", vendor="kit.malformed")
    return _clean(line, replace(job, more=None) if job.more == NO_MORE else job)


def _listed(line: Line, cell: Cell, order: Order) -> tuple[Job, ...] | None:
    """The jobs for an order, oldest first."""
    ask: Any = bulk_of(cell).listed
    return None if ask is None else tuple(ask(call_for(line, cell), order))


def _clean(line: Line, job: Job) -> Job:
    return replace(job, summary=line.clean(job.summary)) if job.summary else job
