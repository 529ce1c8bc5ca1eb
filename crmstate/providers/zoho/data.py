"""Zoho's records and their attachments: reading them.

Records come in the order of their ids, with all their fields. A call takes at most 50 fields: a module with more is
asked again, by the ids of the page, for the others, and so are formatted texts, of which a call of their own gives the whole;
a row is put together from the vendor's own texts. Paging by
tokens ends at 100,000 records, and a token after a day: from there on the ids are asked for in COQL, each from the last
one on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import File, FilePage, Page, Row
from crmstate.core.words import Kind, Verb
from crmstate.providers.kit import HANDED_OUT, Call, own_text
from crmstate.providers.kit.pages import chunks
from crmstate.providers.zoho.addresses import API, FIELDS
from crmstate.providers.zoho.answers import Info, Listed, converted, look, numeric, rows_in
from crmstate.providers.zoho.errors import NOT_THERE
from crmstate.providers.zoho.limits import IDS, PAGE
from crmstate.providers.zoho.listings import all_of, module_of
from crmstate.providers.zoho.sources import CHECKED, SPEC
from crmstate.providers.zoho.vendor import provider

COQL = f"{API}/coql"
COLUMNS, WIDTH = 50, 1024
"""Fields in one call, and characters that their names may have together."""
RICH, RICH_IDS = 8, 100
"""Fields of formatted text in one call for their whole contents, and records: half as many as are allowed, so that no address
gets too long."""

_NO_MORE = frozenset(
    {"EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH", "DISCRETE_PAGINATION_LIMIT_EXCEEDED", "PAGINATION_LIMIT_EXCEEDED"}
)
"""Refusals of a page that say that paging leads no further, not that something is wrong with the module."""

_FILED = frozenset({"fileupload", "imageupload"})
"""Types of fields that hold files, as the vendor's SDK has them."""

_PHOTO = "profileimage"
"""The type of the field that says whether a record has a photo, as the vendor's SDK has it."""

_PHOTOS = "photo"
"""How the ids of photos begin, which have none of the vendor's."""

_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LINK = "link:"


class _Id(msgspec.Struct):
    id: str


_ID = msgspec.json.Decoder(_Id)
_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Text(msgspec.Struct):
    type: str | None = None


class _Field(msgspec.Struct):
    api_name: str
    data_type: str | None = None
    textarea: _Text | None = None


class Columns(NamedTuple):
    """A module's fields: their names in calls' worth, joined (`id` comes in every answer); those of formatted text; those
    that hold files or pictures; and those that say whether there is a photo."""

    sets: list[str]
    rich: list[str]
    filed: list[str]
    photo: list[str]


class _Fields(msgspec.Struct):
    fields: list[_Field]


class _Place(msgspec.Struct, frozen=True):
    """Where a reading is: rows a page, the last id so far, and the number or token of the next page (`p2`, `t…`), or `i`
    for going on by ids."""

    size: int
    last: str
    next: str

    def text(self) -> str:
        return f"{self.size}|{self.last}|{self.next}"


def _place(cursor: str | None, size: int) -> _Place:
    if cursor is None:
        return _Place(size, "", "p1")
    found = re.fullmatch(r"([0-9]{1,4})\|([0-9]{0,20})\|(p[0-9]{1,6}|i|t.+)", cursor, re.S)
    if found is None:
        raise Failure(Code.REJECTED, "a place in the records that nobody gave", vendor="kit.cursor")
    return _Place(size if found[3] == "i" else int(found[1]), found[2], found[3])  # pages and tokens keep their size


def fields(call: Call, dataset: str) -> bytes:
    """The vendor's description of a module's fields, as it sends it; `api_name` is what records call them."""
    return own_text(call.get(FIELDS, {"module": module_of(dataset), "type": "all"}, into=msgspec.Raw), _Fields)


def behind(id: str) -> str:
    """The place behind a record, from which its ids are asked for."""
    return _Place(PAGE, id, "i").text()


def columns(call: Call, module: str) -> Columns:
    """What the vendor's list of a module's fields says."""
    rows, _ = look(call, FIELDS, {"module": module, "type": "all"}, "fields")
    found = [converted(_Field, raw) for raw in rows]
    names = sorted({each.api_name for each in found} - {"id"})
    rich = sorted({each.api_name for each in found if each.textarea and each.textarea.type == "rich_text"})
    filed = sorted({each.api_name for each in found if each.data_type in _FILED})
    photo = sorted({each.api_name for each in found if each.data_type == _PHOTO})
    sets: list[str] = []
    some = ["id"]
    for name in names:
        if not _FIELD.fullmatch(name):
            raise Failure(Code.REJECTED, "a field whose name cannot be asked for", vendor="kit.malformed")
        if len(some) == COLUMNS or len(",".join((*some, name))) > WIDTH:
            sets.append(",".join(some))
            some = ["id"]
        some.append(name)
    return Columns([*sets, ",".join(some)], rich, filed, photo)


def files(call: Call, dataset: str, cursor: str | None) -> FilePage:
    """The attachments of one page of records, asked for record by record: Zoho lists them in no other way; what their
    fields for files and pictures hold; and their photos."""
    module = module_of(dataset)
    _, _, filed, photo = call.known(("columns", module), lambda: columns(call, module))
    if len((*filed, *photo)) >= COLUMNS:
        raise Failure(Code.REJECTED, "more fields for files than one call takes", vendor="kit.malformed")
    rows, next_ = _page(call, module, cursor, ",".join(("id", *filed, *photo)))
    found: list[File] = []
    for row in map(bytes, rows):
        found += _attached(call, module, _identified(row))
        found += _in_fields(module, row, filed)
        found += _photos(module, row, photo)
    return FilePage(tuple({each.id: each for each in found}.values()), next_)


class _Filed(msgspec.Struct):
    id: str
    name: str | None = msgspec.field(default=None, name="File_Name__s")
    size: str | int | None = msgspec.field(default=None, name="Size__s")


_EMPTY = (b"null", b'""')
_FILES = msgspec.json.Decoder(list[_Filed] | None)


def _in_fields(module: str, row: bytes, filed: Sequence[str]) -> Iterator[File]:
    """The files that a record's fields hold. Of another shape than the vendor's SDK has it they are refused, not left out."""
    parts = _PARTS.decode(row) if filed else {}
    place = f"{API}/{module}/{_identified(row)}/actions/download_fields_attachment"
    for name in filed:
        try:
            found = _FILES.decode(bytes(parts.get(name, b"null"))) or []
        except msgspec.DecodeError as error:
            raise Failure(
                Code.REJECTED, f"{type(error).__name__} in a field for files", vendor="kit.malformed"
            ) from None
        for each in found:
            if not each.id.isdecimal():
                raise Failure(Code.REJECTED, "a file without an id", vendor="kit.malformed")
            size = int(each.size) if each.size is not None and str(each.size).isdecimal() else None
            yield File(each.id, _identified(row), each.name or each.id, f"{place}?fields_attachment_id={each.id}", size)


def _photos(module: str, row: bytes, photo: Sequence[str]) -> Iterator[File]:
    """A record's photo, where its field for it says anything: what it says is no name and no address."""
    parts = _PARTS.decode(row) if photo else {}
    if any(bytes(parts.get(name, b"null")) not in _EMPTY for name in photo):
        id = _identified(row)
        yield File(f"{_PHOTOS}{id}", id, "photo", f"{API}/{module}/{id}/photo")


class _Attachment(msgspec.Struct):
    id: str
    name: str | None = msgspec.field(default=None, name="File_Name")
    size: str | int | None = msgspec.field(default=None, name="Size")
    link: str | None = msgspec.field(default=None, name="$link_url")


def _attached(call: Call, module: str, row: str) -> Iterator[File]:
    """One record's attachments. A link has no contents at Zoho: what is kept of it is its address."""
    path = f"{API}/{module}/{row}/Attachments"
    page: int | None = None
    token: str | None = None
    while True:
        asked = {"fields": "id,File_Name,Size,$link_url", "page": page, "page_token": token}
        raws, info = look(call, path, asked, "data")
        for raw in raws:
            each = converted(_Attachment, raw)
            if not each.id.isdecimal():
                raise Failure(Code.REJECTED, "an attachment without an id", vendor="kit.malformed")
            name = each.name or each.id
            if each.link:
                link = each.link.encode()
                yield File(each.id, row, name, _LINK + each.link, len(link), "text/uri-list")
                continue
            size = int(each.size) if each.size is not None and str(each.size).isdecimal() else None
            yield File(each.id, row, name, f"{path}/{each.id}", size)
        if not info.more_records or not raws:
            return
        page, token = (None, info.next_page_token) if info.next_page_token else ((page or 1) + 1, None)


def fetch(call: Call, file: File) -> Iterator[bytes]:
    """The bytes. An id that is none is answered with nothing at all, which is no empty file. A photo may be named and not be given
    out: no word of the vendor's tells one that is gone from one that waits for a check, so that both are looked for again."""
    if file.url.startswith(_LINK):
        yield file.url.removeprefix(_LINK).encode()
        return
    empty = True
    try:
        for piece in call.stream(file.url):
            empty = empty and not piece
            yield piece
    except Failure as failure:
        if failure.vendor == NOT_THERE:
            failure.code = Code.MISSING
        if file.id.startswith(_PHOTOS) and failure.code in _WITHHELD:
            raise Failure(Code.MISSING, _withheld(file, failure.summary), vendor=failure.vendor) from None
        raise
    if empty and file.size != 0:
        raise Failure(Code.MISSING, _withheld(file, "") if file.id.startswith(_PHOTOS) else "the attachment is gone")


_WITHHELD = frozenset({Code.MISSING, Code.CONFLICT, Code.REJECTED})


def _withheld(file: File, said: str) -> str:
    """What a person can do about a photo that never comes."""
    why = f" ({said})" if said else ""
    way = "have it approved, or take it away, in Zoho, or `discard` the attachments of this module (`attachments: all`)"
    return f"the photo of record {file.row} is named and not given out{why}: {way}"


@provider.reads(
    Kind.DATASET,
    Verb.READ,
    f"GET {API}/*",
    f"GET {FIELDS}",
    f"GET {API}/*/*/Attachments",
    f"GET {API}/*/actions/fetch_full_data",
    f"POST {COQL}",
    HANDED_OUT,
    source=f"{SPEC} (record, fields, attachments, coql, fetch-full-data, record-photo)",
    verified_on=CHECKED,
    files=files,
    fetch=fetch,
    fields=fields,
    behind=behind,
    note={
        "en": "In the order of the ids, 200 a page, converted leads included; 100,000 by token, the others by COQL. Attachments "
        "cost one call a record and one each: for many records the vendor's own backup is cheaper. Records that "
        "wait for approval are asked for too (`approved`; where a module does not give them, its count says so). Notes are a "
        "module of their own; e-mails are not among the records: the vendor's backup may have them (unconfirmed). "
        "Photos, and what fields for files and pictures hold, come with the attachments. Formatted texts are asked for "
        "again, whole (`fetch_full_data`).",
        "zh-CN": "按 ID 升序，每页 200 条，包含已转换的线索；前十万条用 page_token，其余用 COQL。附件需逐条记录查询、逐个下载，"
        "记录很多时用厂商自带的备份更省额度。待审批的记录也会请求（approved 参数；若某模块不返回，则与计数不符而报错）。"
        "备注（Notes）是单独的模块；邮件不在其中，厂商备份可能包含（未经证实）；头像以及文件、图片字段的内容随附件一并归档。"
        "富文本字段会另行请求完整内容（fetch_full_data）。",
    },
)
def rows(call: Call, dataset: str, cursor: str | None, ids: tuple[str, ...] | None) -> Page:
    """One page of records, each in the vendor's own JSON text; or exactly those of `ids`."""
    module = module_of(dataset)
    sets, rich, *_ = call.known(("columns", module), lambda: columns(call, module))
    if ids is not None:
        wanted = sorted(numeric(ids), key=int)
        found = (row for some in chunks(wanted, IDS) for row in _by_ids(call, module, some, sets, rich))
        return Page(tuple(found), None)
    first, next_ = _page(call, module, cursor, sets[0])
    return Page(tuple(_joined(call, module, first, sets[1:], rich)), next_)


def _page(call: Call, module: str, cursor: str | None, names: str) -> tuple[list[msgspec.Raw], str | None]:
    """The records of one page, with these fields, and the place after them."""
    at = _place(cursor, min(PAGE, call.page))
    if at.next == "i":
        return _onwards(call, module, at, names)
    asked: dict[str, str | int | None] = {
        "fields": names,
        "sort_by": "id",
        "sort_order": "asc",
        "per_page": at.size,
        **all_of(module),
    }
    asked["page" if at.next[0] == "p" else "page_token"] = at.next[1:]
    try:
        found, info = look(call, f"{API}/{module}", asked, "data")
    except Failure as failure:
        if failure.vendor not in _NO_MORE or not at.last:
            raise
        return _onwards(call, module, at, names)
    last = _ascending(found, at.last)
    return found, _after(at, last, info)


def _after(at: _Place, last: str, info: Info) -> str | None:
    """Where the next page is; None for the end, which the vendor says."""
    if not info.more_records:
        return None
    if info.next_page_token:
        return _Place(at.size, last, f"t{info.next_page_token}").text()
    if at.next[0] == "t":
        return _Place(at.size, last, "i").text()
    return _Place(at.size, last, f"p{int(at.next[1:]) + 1}").text()


def _onwards(call: Call, module: str, at: _Place, names: str) -> tuple[list[msgspec.Raw], str | None]:
    """The page of records after the last id, whatever became of the paging."""
    query = f"select id from {module} where id > {at.last} order by id asc limit {at.size}"
    body = call.look(COQL, {"select_query": query}, into=Listed)
    raws, info = rows_in(call, body, "data")
    wanted = [_identified(bytes(raw)) for raw in raws]
    last = _ascending(raws, at.last)
    found = _with(call, module, wanted, names) if wanted else []
    return found, _Place(at.size, last, "i").text() if info.more_records and wanted else None


def _by_ids(call: Call, module: str, ids: Sequence[str], sets: Sequence[str], rich: Sequence[str]) -> Iterator[Row]:
    first = _with(call, module, ids, sets[0])
    yield from _joined(call, module, first, sets[1:], rich)


def _with(call: Call, module: str, ids: Sequence[str], names: str) -> list[msgspec.Raw]:
    """The records of these ids, with these fields; what is not there is left out."""
    found: dict[str, msgspec.Raw] = {}
    for some in chunks(ids, IDS):
        asked = {"fields": names, "ids": ",".join(some), **all_of(module)}
        raws, _ = look(call, f"{API}/{module}", asked, "data")
        found.update((_identified(bytes(raw)), raw) for raw in raws)
    order = [*ids, *(id for id in found if id not in set(ids))]
    return [found[each] for each in order if each in found]


def _joined(
    call: Call, module: str, first: Sequence[msgspec.Raw], others: Sequence[str], rich: Sequence[str]
) -> Iterator[Row]:
    """Rows from a page's records and, where there are more fields or formatted texts, from further calls by their ids. A
    record that is gone by then is raised: half of it is none."""
    raws = [bytes(raw) for raw in first]
    ids = [_identified(raw) for raw in raws]
    if (others or rich) and ids:
        parts = {id: _PARTS.decode(raw) for id, raw in zip(ids, raws, strict=True)}
        for names in others:
            more = {_identified(bytes(raw)): raw for raw in _with(call, module, ids, names)}
            for id, part in parts.items():
                if id not in more:
                    raise Failure(Code.UNAVAILABLE, _GONE, vendor="kit.moving")
                part.update(_PARTS.decode(bytes(more[id])))
        for some in chunks(rich, RICH):
            _whole_texts(call, module, parts, some)
        raws = [msgspec.json.encode(part) for part in parts.values()]
    for id, raw in zip(ids, raws, strict=True):
        yield Row(id, _one_line(raw))


_GONE = "a record went while its fields were read"
_NOT_WHOLE = "the whole formatted texts of a record that is there are not given out"
_NOTHING = frozenset({b"", b"null", b'""'})


def _whole_texts(call: Call, module: str, parts: dict[str, dict[str, msgspec.Raw]], names: Sequence[str]) -> None:
    """Puts the whole contents of fields of formatted text into the place of what a page gives of them. A record that is not
    answered for has none, or has gone."""
    missing = {id for id, part in parts.items() if any(bytes(part.get(name, b"")) not in _NOTHING for name in names)}
    for ids in chunks(list(parts), RICH_IDS):
        asked = {"fields": ",".join(names), "ids": ",".join(ids)}
        for raw in look(call, f"{API}/{module}/actions/fetch_full_data", asked, "data")[0]:
            id = _identified(bytes(raw))
            missing.discard(id)
            if id in parts:
                parts[id].update(_PARTS.decode(bytes(raw)))
    if not missing:
        return
    there = {_identified(bytes(raw)) for raw in _with(call, module, sorted(missing, key=int), "id")}
    if missing <= there:
        raise Failure(Code.REJECTED, f"{_NOT_WHOLE}: {min(there, key=int)}", vendor="kit.partial")
    raise Failure(Code.UNAVAILABLE, _GONE, vendor="kit.moving")


def _identified(raw: bytes) -> str:
    try:
        raw.decode()
        found = _ID.decode(raw).id
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(Code.REJECTED, type(error).__name__ + " in a row", vendor="kit.malformed") from None
    if not found.isdecimal():
        raise Failure(Code.REJECTED, "a row without an id", vendor="kit.malformed")
    return found


def _one_line(raw: bytes) -> bytes:
    """Line breaks can only stand between the tokens of a row, and are taken out."""
    return raw.replace(b"\r", b"").replace(b"\n", b"") if b"\n" in raw or b"\r" in raw else raw


def _ascending(found: Sequence[msgspec.Raw], last: str) -> str:
    """The last id of a page. Raises Failure where the ids do not ascend from the one before: then pages repeat, or lose
    rows."""
    before = int(last or -1)
    for raw in found:
        id = int(_identified(bytes(raw)))
        if id <= before:
            raise Failure(Code.UNAVAILABLE, "the records do not come in the order of their ids", vendor="kit.loop")
        before = id
    return str(before) if found else last
