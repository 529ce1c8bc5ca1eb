"""Jiandaoyun's rows and their files: reading, and purging. hc.jiandaoyun.com/open/14220, 14221 and 14527.

A row carries its files with signed addresses that are new each time it is read and open the file to whoever has them.
What is kept of such an address is where the file lies, and a mark for what signs it; everything else of a row stays as the
vendor wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import REDACTED, Batch, File, FilePage, Page, Result, Row
from crmstate.core.words import Kind, Outcome, Phase, Proof, Undo, Verb
from crmstate.providers.jiandaoyun.vendor import (
    BATCH_DELETE,
    CHECKED,
    DATA_LIST,
    DELETE_ROWS,
    NO_ROW,
    NOT_DELETED,
    ROW,
    ROWS,
    WIDGETS,
    provider,
)
from crmstate.providers.kit import HANDED_OUT, Call, own_text


class _Rows(msgspec.Struct):
    data: list[msgspec.Raw]


class _One(msgspec.Struct):
    data: msgspec.Raw


class _Id(msgspec.Struct):
    id: str = msgspec.field(name="_id")


class _File(msgspec.Struct):
    name: str
    size: int | None
    mime: str | None
    url: str


_ID = msgspec.json.Decoder(_Id)
_MARKS = frozenset({"name", "size", "mime"})
_URL = re.compile(rb'("url"[ \t]*:[ \t]*)("(?:[^"\\]|\\.)*")')
_ENDED = frozenset({"http.401", "http.404", "http.410"})


def files(call: Call, dataset: str, cursor: str | None) -> FilePage:
    """The files of one page of rows. A file is known by where it lies, whatever its address is signed with."""
    found: list[File] = []
    last: str | None = None
    for raw in _raw(call, dataset, cursor):
        last = _decoded(bytes(raw)).id
        for each in _files_in(bytes(raw)):
            found.append(File(_lies(each.url), last, each.name, each.url, each.size, each.mime or ""))
    return FilePage(tuple(found), last)


def fetch(call: Call, file: File) -> Iterator[bytes]:
    """The bytes. An address that has ended is EXPIRED: list again to get a new one."""
    try:
        yield from call.stream(file.url)
    except Failure as failure:
        if failure.code is Code.DENIED or failure.vendor in _ENDED:
            failure.code = Code.EXPIRED
        raise failure from None


class _Widget(msgspec.Struct):
    name: str
    type: str


class _Widgets(msgspec.Struct):
    widgets: list[_Widget]


def fields(call: Call, dataset: str) -> bytes:
    """The form's fields, and those of the system. A field's `name` is what rows call it: its alias, or its widget."""
    return own_text(call.look(WIDGETS, _place(dataset), into=msgspec.Raw), _Widgets)


@provider.reads(
    Kind.DATASET,
    Verb.READ,
    f"POST {ROWS}",
    f"POST {ROW}",
    f"POST {WIDGETS}",
    HANDED_OUT,
    source=DATA_LIST,
    verified_on=CHECKED,
    files=files,
    fetch=fetch,
    fields=fields,
    behind=str,  # a cursor is the last id
    note={
        "en": "By the last id, in the order of the ids. Addresses of files end after 15 days and are fetched without the "
        "key. Workflow history, dashboards, automations and the design of forms are not among the rows.",
        "zh-CN": "按数据 ID 升序、以最后一条 ID 为游标逐页读取。附件链接 15 天内有效，下载时不带密钥。流程记录、仪表盘、"
        "自动化和表单设计不在其中。",
    },
)
def rows(call: Call, dataset: str, cursor: str | None, ids: tuple[str, ...] | None) -> Page:
    """One page of rows, each in the vendor's own JSON text; or exactly the rows of `ids`, asked for one by one."""
    if ids is None:
        found = [_row(raw) for raw in _raw(call, dataset, cursor)]
        _ascending(found, cursor)
        return Page(tuple(found), found[-1].id if found else None)
    there = (_one(call, dataset, each) for each in sorted(ids))
    return Page(tuple(row for row in there if row is not None), None)


def _lies(url: str) -> str:
    """Where a file lies: its address without what signs it."""
    try:
        return urlsplit(url).path or url
    except ValueError:
        raise Failure(Code.REJECTED, "a file with an address that is none", vendor="kit.malformed") from None


def _place(dataset: str) -> dict[str, Any]:
    app, _, form = dataset.partition("/")
    return {"app_id": app, "entry_id": form}


def _raw(call: Call, dataset: str, cursor: str | None) -> list[msgspec.Raw]:
    body = {**_place(dataset), "limit": min(100, call.page)}
    return call.look(ROWS, body if cursor is None else {**body, "data_id": cursor}, into=_Rows).data


def _one(call: Call, dataset: str, id: str) -> Row | None:
    """One row, or None where the vendor says that it is not there."""
    try:
        found = call.look(ROW, {**_place(dataset), "data_id": id}, into=_One)
    except Failure as failure:
        if failure.vendor != NO_ROW:
            raise
        return None
    return _row(found.data)


def _ascending(found: list[Row], cursor: str | None) -> None:
    """Pages by the last id lose rows where the ids do not ascend, or where the cursor was ignored."""
    before = cursor or ""
    for row in found:
        if row.id <= before:
            raise Failure(Code.UNAVAILABLE, "the rows do not come in the order of their ids", vendor="kit.loop")
        before = row.id


def _decoded(raw: bytes) -> _Id:
    try:
        raw.decode()
        found = _ID.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(Code.REJECTED, type(error).__name__ + " in a row", vendor="kit.malformed") from None
    if not found.id:
        raise Failure(Code.REJECTED, "a row without an id", vendor="kit.malformed")
    return found


def _row(given: msgspec.Raw) -> Row:
    """A row as it came, on one line, without what signs the addresses of its files."""
    raw = bytes(given)
    found = _decoded(raw)
    if b"\n" in raw or b"\r" in raw:
        raw = raw.replace(b"\r", b"").replace(b"\n", b"")
    signed = {each.url for each in _files_in(raw)}
    return Row(found.id, _unsigned(raw, signed) if signed else raw)


def _unsigned(raw: bytes, signed: set[str]) -> bytes:
    def cut(match: re.Match[bytes]) -> bytes:
        url: str = msgspec.json.decode(match[2])
        where, mark, _ = url.partition("?")
        return match[1] + msgspec.json.encode(where + mark + REDACTED) if mark and url in signed else match[0]

    return _URL.sub(cut, raw)


def _files_in(raw: bytes) -> list[_File]:
    """The files of a row, in its fields and the rows of its subforms. What has a file's name, size and type, and no
    address, is not left out but refused."""
    if b'"mime"' not in raw:
        return []
    try:
        return [msgspec.convert(each, _File) for each in _marked(msgspec.json.decode(raw))]
    except msgspec.DecodeError as error:
        raise Failure(Code.REJECTED, f"{type(error).__name__} in a file", vendor="kit.malformed") from None


def _marked(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if _MARKS <= value.keys():
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _marked(each)


class _Deleted(msgspec.Struct):
    status: Literal["success"]
    success_count: int


NO_ID = "0" * 24
"""The id of a row that nobody has: it would have been made in 1970."""


def may_purge(call: Call, datasets: tuple[str, ...]) -> None:
    """The trial of the deletion of rows, in one form of each app, since apps are in a key's scope one by one: 4001, no
    such row, where the key may; 17053 or 17054 where it may not."""
    for dataset in {dataset.partition("/")[0]: dataset for dataset in datasets}.values():
        try:
            call.post(DELETE_ROWS, {**_place(dataset), "data_ids": [NO_ID]}, into=_Deleted)
        except Failure as failure:
            if failure.code in (Code.DENIED, Code.EXPIRED):
                raise


@provider.acts(
    Kind.DATASET,
    Verb.PURGE,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    batch=100,
    trial=may_purge,
    requests=(f"POST {DELETE_ROWS}", f"POST {ROW}"),
    source=BATCH_DELETE,
    verified_on=CHECKED,
    note={
        "en": "Whether rows go to the recycle bin (回收站) is undocumented: empty it by hand. No push (数据推送) is sent.",
        "zh-CN": "通过 API 删除的数据是否进入回收站没有公开说明，须人工清空回收站。不会触发数据推送。",
    },
)
def purge(call: Call, batch: Batch) -> list[Result]:
    """Deletes rows of the dataset `parent`. The vendor says how many it deleted and not which: where they are fewer than
    asked for, each is looked for by its id."""
    if batch.parent is None:
        raise ValueError("a purge names its dataset")
    ids = [item.id for item in batch.items]
    try:
        reply = call.post(DELETE_ROWS, {**_place(batch.parent), "data_ids": ids}, into=_Deleted)
    except Failure as failure:
        if failure.vendor not in {NO_ROW, NOT_DELETED}:
            raise
        return _looked_for(call, batch.parent, ids, failure)
    if reply.value.success_count == len(ids):
        return [Result(each, Outcome.DONE, request_id=reply.request_id) for each in ids]
    why = Failure(Code.REJECTED, f"{reply.value.success_count} of {len(ids)} rows deleted", request_id=reply.request_id)
    return _looked_for(call, batch.parent, ids, why)


def _looked_for(call: Call, dataset: str, ids: list[str], why: Failure) -> list[Result]:
    """What is known of each row after a deletion that did not do everything: those that are gone are done, those that
    are there were not deleted; unknown where looking fails."""
    try:
        there = {each for each in ids if _one(call, dataset, each) is not None}
    except Failure as failure:
        code, text = Code.AMBIGUOUS.value, f"{why.summary}; {failure.summary}"
        return [Result(each, Outcome.UNKNOWN, code, text, None, why.request_id, Proof.NONE) for each in ids]
    return [
        Result(each, Outcome.FAILED, Code.REJECTED.value, why.summary, request_id=why.request_id)
        if each in there
        else Result(each, Outcome.DONE, request_id=why.request_id)
        for each in ids
    ]
