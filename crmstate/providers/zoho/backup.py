"""Zoho's backup of the whole account: data and attachments in zips of up to 1 GB, two a month (four in Ultimate, none in
Free, which is unconfirmed), kept for seven days.

Which words its states have is published nowhere. So nothing is concluded from them but failure: a backup is over when there
are links that name its id, and one without any is running. That the number in a link is the order's id is how the
documentation writes it, and was not seen. The zips lie at a host of Zoho's own that wants the token, and the scope for
files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Bulk, Job, Order, Part
from crmstate.core.words import JobStatus, Kind, Packing
from crmstate.providers.kit import HANDED_OUT, Call, instant
from crmstate.providers.zoho.errors import Trouble, refusal
from crmstate.providers.zoho.sources import DOCS, SPEC_2025
from crmstate.providers.zoho.vendor import provider

PLACE = "/crm/bulk/v8/backup"
WEEK = 7 * 86_400
FAILED = frozenset({"FAILED", "FAILURE", "CANCELLED", "CANCELED"})
OVER = frozenset({"COMPLETED", "COMPLETE", "SUCCESS", "DONE"})
"""Guesses. One of `OVER` without links means that they have ended, seven days after it."""
USED_UP = "LIMIT_EXCEEDED"
SECOND_LOOK = 2.0
IN_THE_WAY = {
    "BACKUP_ALREADY_SCHEDULED": "a backup on a schedule stands in the way: somebody has to cancel it at Zoho",
    "INPROGRESS": "somebody's backup is under way: apply again once it is over",
}


class _Backup(msgspec.Struct):
    id: str
    status: str


class _State(msgspec.Struct):
    backup: _Backup


class _Links(msgspec.Struct):
    data_links: list[str]
    attachment_links: list[str]
    expiry_date: str | None = None


class _Urls(msgspec.Struct):
    urls: _Links


_Seen: Any = _State | None
_Given: Any = _Urls | None
"""204 for none."""


class _Details(msgspec.Struct):
    id: str | None = None


class _Answer(msgspec.Struct):
    code: str | None = None
    status: str | None = None
    message: str | None = ""
    details: _Details = msgspec.field(default_factory=_Details)


class _Taken(msgspec.Struct):
    backup: _Answer


def _state(call: Call) -> _Backup | None:
    """The last backup that was ordered, by whomever; None for none."""
    found: _State | None = call.get(PLACE, into=_Seen)
    return found.backup if found is not None else None


def _links(call: Call, id: str) -> tuple[tuple[Part, ...], str | None]:
    """The files of this backup, while there are links to them, and when those end."""
    found: _Urls | None = call.get(f"{PLACE}/urls", into=_Given)
    if found is None:
        return (), None
    links = [*found.urls.data_links, *found.urls.attachment_links]
    mine = [each for each in links if f"/backup/{id}/" in urlsplit(each).path]
    return tuple(Part(urlsplit(each).path.rpartition("/")[2], each) for each in mine), found.urls.expiry_date


def _poll(call: Call, id: str) -> Job:
    parts, ends = _links(call, id)
    if parts:
        return Job(id, JobStatus.DONE, None, parts, until=instant(ends))
    last = _state(call)
    if last is None or last.id != id:
        return Job(id, JobStatus.GONE)
    word = last.status.upper().replace("_", " ")
    if word in FAILED:
        return Job(id, JobStatus.FAILED, summary=f"the vendor says {last.status}, and not why")
    if word not in OVER:
        return Job(id, JobStatus.RUNNING)
    call.pause(SECOND_LOOK)  # they may just have come
    parts, ends = _links(call, id)
    return Job(id, JobStatus.DONE if parts else JobStatus.GONE, None, parts, until=instant(ends))


def _collect(call: Call, part: Part) -> Iterator[bytes]:
    """The zip. An address that has ended is not found."""
    try:
        yield from call.resumed(part.url)
    except Failure as failure:
        if (failure.vendor or "") == "http.404":
            failure.code = Code.MISSING
        raise failure from None


def _listed(call: Call, order: Order) -> tuple[Job, ...]:
    """The last one: only one can be under way, and what the history calls its rows by is not said."""
    last = _state(call)
    return () if last is None else (Job(last.id, JobStatus.RUNNING),)


@provider.exports(
    Kind.ACCOUNT,
    f"GET {PLACE}",
    f"GET {PLACE}/urls",
    HANDED_OUT,
    bulk=Bulk(
        submits=(f"POST {PLACE}",), poll=_poll, collect=_collect, listed=_listed, packing=Packing.ZIP, lasts=WEEK
    ),
    source=f"{SPEC_2025} (backup); {DOCS}",
    note={
        "en": "For administrators. Two a month are free on paid editions, four on Ultimate, none on Free (unconfirmed). Which words "
        "its states have is published nowhere: it counts as done once there are links with its id. The zips lie at "
        "download-accl.zoho.* and want the token with the scope ZohoFiles.files.ALL; the name of the backup's own scope is "
        "unconfirmed. Links live for 7 days.",
        "zh-CN": "须由管理员执行。付费版每月两次免费，Ultimate 四次，Free 版没有（尚未证实）。"
        "其状态用词没有公开说明：出现带有其编号的链接即视为完成。"
        "压缩包位于 download-accl.zoho.*，需要带 ZohoFiles.files.ALL 的令牌；备份自身的 scope 名称尚未证实。链接 7 天内有效。",
    },
)
def submit(call: Call, order: Order) -> Job:
    """Orders a backup, now."""
    try:
        taken: _Answer = call.post(PLACE, None, into=_Taken).value.backup
    except Failure as failure:
        raise _meant(failure) from None
    if taken.status != "success":
        raise _meant(call.cleaned(refusal(Trouble(taken.code or "", taken.status or "", taken.message))))
    return Job(str(taken.details.id or ""), JobStatus.RUNNING)


def _meant(failure: Failure) -> Failure:
    """The refusal of a backup, with what to do about it where that is known."""
    if failure.vendor == USED_UP:
        failure.code = Code.EXHAUSTED
    elif failure.vendor in IN_THE_WAY:
        failure.summary = f"{failure.summary} ({IN_THE_WAY[failure.vendor]})"
    return failure
