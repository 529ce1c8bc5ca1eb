"""FXiaoke's rows and their files. developer.fxiaoke.com/openapi_v2, FAQ/deep-paging: by the last `_id`, never by an offset.

Rows are asked for by their ids in the same way, since `GT` is the one comparison that the transcriptions show: the page that
begins right before an id begins with its row, or the row is not there.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import File, FilePage, Page, Row
from crmstate.core.words import Kind, Verb
from crmstate.providers.fxiaoke.listings import is_custom
from crmstate.providers.fxiaoke.vendor import CHECKED, CUSTOM_QUERY, DEEP_PAGING, DESCRIBE, MEDIA, QUERY, provider
from crmstate.providers.kit import Call

MOST = 100
"""Rows a page (a client of 2019 says 1000 for preset objects)."""


class _Listed(msgspec.Struct, rename="camel"):
    data_list: list[msgspec.Raw]


class _Rows(msgspec.Struct):
    data: _Listed


class _Id(msgspec.Struct):
    id: str = msgspec.field(name="_id")


class _Described(msgspec.Struct):
    describe: msgspec.Raw


class _Description(msgspec.Struct):
    data: _Described


_ID = msgspec.json.Decoder(_Id)


def page_after(call: Call, dataset: str, after: str, most: int = MOST) -> list[Row]:
    """One page of at most so many rows in the order of their ids, from the one after `after` on. Raises Failure(UNAVAILABLE) where they come in
    another order, or where what was asked for was ignored: pages by the last id would lose rows then."""
    filters = [{"field_name": "_id", "field_values": [after], "operator": "GT"}] if after else []
    search = {
        "limit": min(MOST, call.page, most),
        "offset": 0,
        "filters": filters,
        "orders": [{"fieldName": "_id", "isAsc": True}],
    }
    path = CUSTOM_QUERY if is_custom(dataset) else QUERY
    body = {"data": {"dataObjectApiName": dataset, "search_query_info": search}}
    found = [_row(raw) for raw in call.look(path, body, into=_Rows).data.data_list]
    before = after
    for row in found:
        if row.id <= before:
            raise Failure(Code.UNAVAILABLE, "the rows do not come in the order of their ids", vendor="kit.loop")
        before = row.id
    return found


def rows_of(call: Call, dataset: str, ids: Sequence[str]) -> list[Row]:
    """Exactly those of these rows that are there, in the order of their ids."""
    wanted = sorted(set(ids))
    found: list[Row] = []
    place, after = 0, ""
    while place < len(wanted):
        after = max(after, _right_before(wanted[place]))
        page = page_after(call, dataset, after, len(wanted) - place)
        if not page:
            break
        asked = frozenset(wanted[place:])
        found += [row for row in page if row.id in asked]
        after = page[-1].id
        place = bisect_right(wanted, after)
    return found


_HEX = re.compile(r"[0-9a-f]{24}")


def _right_before(id: str) -> str:
    """What is less than this id, with no other id in between; of the vendor's ids one of the same shape."""
    if _HEX.fullmatch(id) and int(id, 16):
        return f"{int(id, 16) - 1:024x}"
    return id[:-1]


def _row(given: msgspec.Raw) -> Row:
    """A row as it came, on one line."""
    raw = bytes(given)
    try:
        raw.decode()
        found = _ID.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(Code.REJECTED, type(error).__name__ + " in a row", vendor="kit.malformed") from None
    if not found.id:
        raise Failure(Code.REJECTED, "a row without an id", vendor="kit.malformed")
    return Row(found.id, raw.replace(b"\r", b"").replace(b"\n", b""))


def files(call: Call, dataset: str, cursor: str | None) -> FilePage:
    """The files and pictures of one page of rows, each known by its npath."""
    found: list[File] = []
    rows = page_after(call, dataset, cursor or "")
    for row in rows:
        found += [File(each.path, row.id, each.called, each.path, each.size) for each in _files_in(row.raw)]
    return FilePage(tuple(found), rows[-1].id if rows else None)


_ADDRESS = re.compile(r"[/:]|^$")
"""What no npath has."""


class _File(msgspec.Struct):
    path: str
    name: str | None = None
    filename: str | None = None
    size: int | None = None

    @property
    def called(self) -> str:
        return self.name or self.filename or self.path


def _files_in(raw: bytes) -> list[_File]:
    """The files of a row: file_attachment `[{name, path}]` and image `[{ext, filename, path, size}]`. What has the marks of one
    and another shape is not left out but refused."""
    if b'"path"' not in raw:
        return []
    try:
        found = [msgspec.convert(each, _File) for each in _marked(list(msgspec.json.decode(raw).values()))]
    except msgspec.DecodeError as error:
        raise Failure(Code.REJECTED, f"{type(error).__name__} in a file", vendor="kit.malformed") from None
    return list({each.path: each for each in found}.values())


def _marked(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "path" in value and value.keys() & {"name", "filename", "ext"}:
            if not isinstance(value["path"], str) or not _ADDRESS.search(value["path"]):
                yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _marked(each)


def fetch(call: Call, file: File) -> Iterator[bytes]:
    """The bytes of a file. An npath is a name; whatever looks like an address is none, and goes nowhere."""
    if _ADDRESS.search(file.url):
        yield from call.stream(file.url)
        return
    yield from call.download(
        MEDIA, {"mediaTypeDesc": "DOCUMENT", "igonreMediaIdConvert": True, "mediaId": file.url}, _is_file
    )


def _is_file(headers: Mapping[str, str]) -> bool:
    return "content-disposition" in headers


def describe(call: Call, dataset: str) -> bytes:
    """The vendor's description of an object: its fields with their types, labels and options."""
    body = {"includeDetail": True, "data": {"apiName": dataset}}
    return bytes(call.look(DESCRIBE, body, into=_Description).data.describe)


@provider.reads(
    Kind.DATASET,
    Verb.READ,
    f"POST {CUSTOM_QUERY}",
    f"POST {QUERY}",
    f"POST {DESCRIBE}",
    f"POST {MEDIA}",
    source=DEEP_PAGING,
    verified_on=CHECKED,
    files=files,
    fetch=fetch,
    fields=describe,
    behind=str,  # a cursor is the last id
    note={
        "en": "By the last _id, 100 rows a page. Empty fields are left out by the vendor. Whether rows in the recycle bin are shown "
        "is undocumented. The download of files is known from a sample in the older style of signing in, and is asked for in "
        "that.",
        "zh-CN": "按 _id 升序、以最后一条 _id 为游标逐页读取，每页 100 条。值为空的字段不返回。回收站中的数据是否返回没有说明。"
        "附件下载只见于旧版传参的示例代码，因此按旧版传参请求。",
    },
)
def rows(call: Call, dataset: str, cursor: str | None, ids: tuple[str, ...] | None) -> Page:
    """One page of rows, each in the vendor's own JSON text, until an empty one; or exactly the rows of `ids`."""
    if ids is not None:
        return Page(tuple(rows_of(call, dataset, ids)), None)
    found = page_after(call, dataset, cursor or "")
    return Page(tuple(found), found[-1].id if found else None)
