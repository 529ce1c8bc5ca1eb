"""The sandbox's export jobs and backups. docs/reference/sandbox-api.md, Jobs.

Datasets are read by pages unless a manifest asks for jobs: below a few hundred thousand rows pages are faster, and they
keep the rows' own JSON.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Bulk, Job, Order, Part
from crmstate.core.words import JobStatus, Kind, Packing
from crmstate.providers.kit import Call, instant
from crmstate.providers.kit.text import segment
from crmstate.providers.kit.wire import HANDED_OUT
from crmstate.providers.sandbox.vendor import PAGE, provider

JOBS = f"{PAGE}#jobs"
DAY = 86_400


class _Part(msgspec.Struct):
    name: str
    url: str
    rows: int | None
    size: int


class _Job(msgspec.Struct):
    id: str
    dataset: str | None
    cursor: str | None
    status: str
    error: str | None
    rows: int | None
    next: str | None
    expires_at: str | None
    files: list[_Part]


class _Jobs(msgspec.Struct):
    data: list[_Job]
    next: None


_STATUS = {
    "running": JobStatus.RUNNING,
    "done": JobStatus.DONE,
    "failed": JobStatus.FAILED,
    "expired": JobStatus.GONE,
}


def _job(found: _Job) -> Job:
    """A status that the page does not know is no status that anything could be concluded from."""
    status = _STATUS.get(found.status)
    if status is None:
        raise Failure(Code.UNAVAILABLE, f"a job is {found.status}", vendor="kit.malformed")
    parts = tuple(Part(each.name, each.url, each.rows, each.size) for each in found.files)
    return Job(found.id, status, found.rows, parts, found.next, instant(found.expires_at), summary=found.error or "")


def _collect(call: Call, part: Part) -> Iterator[bytes]:
    """The bytes. A signed address that has ended answers 403."""
    try:
        yield from call.resumed(part.url)
    except Failure as failure:
        if failure.code is Code.DENIED:
            failure.code = Code.EXPIRED
        raise failure from None


def _poll_export(call: Call, id: str) -> Job:
    return _job(call.get(f"/v1/exports/{segment(id)}", into=_Job))


def _exports(call: Call, order: Order) -> tuple[Job, ...]:
    found = call.get("/v1/exports", into=_Jobs).data
    return tuple(_job(each) for each in found if (each.dataset, each.cursor) == (order.dataset, order.more))


def _poll_backup(call: Call, id: str) -> Job:
    return _job(call.get(f"/v1/backups/{segment(id)}", into=_Job))


def _backups(call: Call, order: Order) -> tuple[Job, ...]:
    return tuple(_job(each) for each in call.get("/v1/backups", into=_Jobs).data)


@provider.exports(
    Kind.DATASET,
    "GET /v1/exports",
    "GET /v1/exports/*",
    HANDED_OUT,
    bulk=Bulk(
        submits=("POST /v1/exports",),
        poll=_poll_export,
        collect=_collect,
        listed=_exports,
        packing=Packing.CSV_IN_ZIP,
        key="id",
        most=200_000,
        parts=50_000,
        lasts=DAY,
    ),
    source=JOBS,
    note="By pages unless a manifest asks for jobs.",
)
def submit_export(call: Call, order: Order) -> Job:
    """Submits an export of one dataset."""
    body = {"dataset": order.dataset, **({"cursor": order.more} if order.more is not None else {})}
    return _job(call.post("/v1/exports", body, into=_Job).value)


@provider.exports(
    Kind.ACCOUNT,
    "GET /v1/backups",
    "GET /v1/backups/*",
    HANDED_OUT,
    bulk=Bulk(
        submits=("POST /v1/backups",),
        poll=_poll_backup,
        collect=_collect,
        listed=_backups,
        packing=Packing.ZIP,
        lasts=7 * DAY,
    ),
    source=JOBS,
    note="At most 2 in 30 days.",
)
def submit_backup(call: Call, order: Order) -> Job:
    """Submits a backup of the whole account."""
    return _job(call.post("/v1/backups", {}, into=_Job).value)
