"""Zoho's bulk read: a module's records as CSV in a zip, 200,000 a job, kept for a day. A job counts as 50 calls.

Fields that the list of fields shows and bulk read refuses are left out one by one, and said to be. Leads are read by pages
alone: nothing says that a job brings the converted ones. So are modules with formatted texts: nothing says that a job brings
the whole of them, and no count would show that it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Bulk, Job, Order, Part
from crmstate.core.words import JobStatus, Kind, Packing
from crmstate.providers.kit import HANDED_OUT, Call
from crmstate.providers.kit.text import segment
from crmstate.providers.zoho.addresses import FIELDS
from crmstate.providers.zoho.answers import Listed, converted, rows_in
from crmstate.providers.zoho.data import columns
from crmstate.providers.zoho.errors import Trouble, refusal
from crmstate.providers.zoho.limits import RESULT
from crmstate.providers.zoho.listings import LEADS, module_of
from crmstate.providers.zoho.sources import CHECKED, SPEC_2025
from crmstate.providers.zoho.vendor import provider

READ = "/crm/bulk/v8/read"
ROWS, LEAST, MOST_FIELDS, DAY = 200_000, 100_000, 200, 86_400
CREDITS = 50
REFUSED_FIELD = "FIELD_NOT_SUPPORTED"
NEVER = frozenset({"nearby_distance__s"})
"""Fields that were seen to be refused in every module: a distance from whoever asks, which is no value of a record:
nobody has to give it up."""

_NO_JOB = frozenset({"MODULE_NOT_SUPPORTED", "MODULE_NOT_AVAILABLE", "JOB_NOT_SUPPORTED", "INVALID_BULK_OPERATION"})
"""Refusals of a module, which is then read by pages."""

_STATES = {
    "ADDED": JobStatus.RUNNING,
    "QUEUED": JobStatus.RUNNING,
    "IN PROGRESS": JobStatus.RUNNING,
    "COMPLETED": JobStatus.DONE,
    "FAILURE": JobStatus.FAILED,
}


class _Made(msgspec.Struct):
    count: int | None = None
    page: int | None = None
    more_records: bool = False
    next_page_token: str | None = None


class _Job(msgspec.Struct):
    id: str
    state: str
    result: _Made | None = None


class _Added(msgspec.Struct):
    code: str
    status: str
    details: dict[str, Any] = msgspec.field(default_factory=dict)
    message: str | None = ""


def _poll(call: Call, id: str) -> Job:
    rows, _ = rows_in(call, call.get(f"{READ}/{segment(id)}", into=Listed), "data")
    if len(rows) != 1:
        raise Failure(Code.UNAVAILABLE, "not one job", vendor="kit.malformed")
    found = converted(_Job, rows[0])
    status = _STATES.get(found.state)
    if status is None:
        raise Failure(Code.UNAVAILABLE, f"a job is {found.state}", vendor="kit.malformed")
    if status is not JobStatus.DONE:
        return Job(
            found.id, status, summary="the vendor says FAILURE, and not why" if status is JobStatus.FAILED else ""
        )
    made = found.result or _Made()
    part = Part(f"{found.id}.zip", f"{READ}/{segment(found.id)}/result", made.count)
    return Job(found.id, status, made.count, (part,), _more(made))


def _more(made: _Made) -> str | None:
    if not made.more_records:
        return None
    return f"t{made.next_page_token}" if made.next_page_token else f"p{(made.page or 1) + 1}"


def _collect(call: Call, part: Part) -> Iterator[bytes]:
    """The zip. An answer without anything is no empty file."""
    empty = True
    for piece in call.stream(part.url, RESULT):
        empty = empty and not piece
        yield piece
    if empty:
        raise Failure(Code.MISSING, "the result is gone")


@provider.exports(
    Kind.DATASET,
    f"GET {READ}/*",
    RESULT,
    f"GET {FIELDS}",
    HANDED_OUT,
    bulk=Bulk(
        submits=(f"POST {READ}",),
        poll=_poll,
        collect=_collect,
        repeatable=True,
        packing=Packing.CSV_IN_ZIP,
        key="Id",
        most=ROWS,
        parts=ROWS,
        cost=CREDITS,
        lasts=DAY,
        least=LEAST,
    ),
    source=f"{SPEC_2025} (bulk-read)",
    verified_on=CHECKED,
    note={
        "en": "Modules of 100,000 records and more, others where a manifest asks for it; never Leads, of which nobody says that "
        "converted ones come, nor modules with formatted texts, of which nobody says that they come whole. CSV: what people, lists and "
        "lookups look like in it is Zoho's business. Jobs are listed nowhere; one "
        "whose answer was lost is submitted again, which costs 50 credits. Ten results a minute. Whether records "
        "that wait for an approval come is not said: a number that differs from the count is refused.",
        "zh-CN": "10 万条及以上的模块，或清单指定的模块；线索（Leads）和含富文本字段的模块除外，因为没有资料说明任务会包含已转换的线索、"
        "会给出完整的富文本。结果为 CSV，"
        "人员、列表和关联字段的写法由 Zoho 决定。任务无法列出，应答丢失时会重新提交，每次消耗 50 个额度。每分钟最多下载 10 个结果。"
        "是否包含待审批的记录没有说明：条数与计数不符时拒绝采用。",
    },
)
def submit(call: Call, order: Order) -> Job | None:
    """Submits a job for a module's records; None where Zoho takes none for it."""
    module = module_of(order.dataset)
    found = columns(call, module)
    names = sorted({name for some in found.sets for name in some.split(",")} - {"id"})
    if module == LEADS or found.rich or len(names) > MOST_FIELDS:
        return None
    dropped: list[str] = []
    names = [name for name in names if name not in NEVER]
    while True:
        try:
            return _submitted(call, module, order.more, names, tuple(dropped))
        except Failure as failure:
            word, _, name = (failure.vendor or "").partition(":")
            if word in _NO_JOB:
                return None
            if word != REFUSED_FIELD or name not in names:
                raise
            names.remove(name)
            dropped.append(name)


def _submitted(call: Call, module: str, more: str | None, names: list[str], dropped: tuple[str, ...]) -> Job:
    query: dict[str, Any] = {"module": {"api_name": module}, "fields": names}
    if more is not None:
        query |= {"page_token": more[1:]} if more.startswith("t") else {"page": int(more[1:])}
    reply = call.post(READ, {"query": query, "file_type": "csv"}, into=Listed)
    found = converted(list[_Added], reply.value["data"]) if reply.value and "data" in reply.value else []
    if len(found) != 1:
        raise Failure(Code.AMBIGUOUS, "not one job", vendor="kit.malformed")
    if found[0].status != "success":
        failure = refusal(Trouble(found[0].code, found[0].status, found[0].message))
        if found[0].code == REFUSED_FIELD:
            failure.vendor = f"{REFUSED_FIELD}:{found[0].details.get('api_name')}"
        raise call.cleaned(failure)
    return Job(str(found[0].details.get("id") or ""), JobStatus.RUNNING, dropped=dropped)
