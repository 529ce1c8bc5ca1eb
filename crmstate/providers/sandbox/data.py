"""The sandbox's rows and attachments: reading them, and purging. docs/reference/sandbox-api.md, Data."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Count, File, FilePage, Page, Result, Row
from crmstate.core.words import Kind, Phase, Undo, Verb
from crmstate.providers.kit import Call, instant, own_text
from crmstate.providers.kit.pages import chunks, texts
from crmstate.providers.kit.text import segment
from crmstate.providers.kit.wire import HANDED_OUT
from crmstate.providers.sandbox.acts import batch_of_ids
from crmstate.providers.sandbox.listings import Listed
from crmstate.providers.sandbox.vendor import DATA, IDS, provider


class _Count(msgspec.Struct):
    rows: int


class _Rows(msgspec.Struct):
    data: list[msgspec.Raw]
    next: str | None


class _Accepted(msgspec.Struct):
    completes_at: str


class _Id(msgspec.Struct, gc=False):
    id: str
    pending: _Accepted | None = None


class _Field(msgspec.Struct):
    name: str
    type: str


class _Described(msgspec.Struct):
    fields: list[_Field]


class _File(msgspec.Struct):
    id: str
    row_id: str
    name: str | None
    url: str
    size: int | None = None
    mime: str | None = None
    sha256: str | None = None


@provider.reads(Kind.DATASET, Verb.COUNT, "GET /v1/datasets/*/count", source=DATA)
def count(call: Call, dataset: str) -> Count:
    return Count(call.get(f"/v1/datasets/{segment(dataset)}/count", into=_Count).rows)


def files(call: Call, dataset: str, cursor: str | None) -> FilePage:
    """One page of attachments."""
    path = f"/v1/datasets/{segment(dataset)}/attachments"
    found = call.get(path, {"limit": call.page, "cursor": cursor}, into=Listed[_File])
    rows = (File(f.id, f.row_id, f.name or f.id, f.url, f.size, f.mime or "", f.sha256) for f in found.data)
    return FilePage(tuple(rows), found.next)


def fetch(call: Call, file: File) -> Iterator[bytes]:
    """The bytes. A signed address that has ended answers 403: list again to get a new one."""
    try:
        yield from call.stream(file.url)
    except Failure as failure:
        if failure.code is Code.DENIED:
            failure.code = Code.EXPIRED
        raise failure from None


BEHIND = "after:"
"""A cursor of our own: the vendor's hold no colon."""


def behind(id: str) -> str:
    """The cursor that leads behind a row."""
    return BEHIND + id


def fields(call: Call, dataset: str) -> bytes:
    """The description of the dataset's fields."""
    return own_text(call.get(f"/v1/datasets/{segment(dataset)}/fields", into=msgspec.Raw), _Described)


@provider.reads(
    Kind.DATASET,
    Verb.READ,
    "GET /v1/datasets/*/rows",
    "GET /v1/datasets/*/attachments",
    "GET /v1/datasets/*/fields",
    HANDED_OUT,
    source=DATA,
    files=files,
    fetch=fetch,
    fields=fields,
    behind=behind,
)
def rows(call: Call, dataset: str, cursor: str | None, ids: tuple[str, ...] | None) -> Page:
    """One page of rows, each in the vendor's own JSON text; or exactly the rows of `ids`, in the order of the
    vendor."""
    path = f"/v1/datasets/{segment(dataset)}/rows"
    if ids is None:
        here = cursor is not None and cursor.startswith(BEHIND)
        asked = {"after": cursor.removeprefix(BEHIND)} if cursor is not None and here else {"cursor": cursor}
        return _whole(call.get(path, {"limit": call.page, **asked}, into=_Rows))
    if any("," in each for each in ids):
        raise Failure(Code.REJECTED, "an id with a comma cannot be asked for", vendor="kit.id")
    found = (_whole(call.get(path, {"ids": ",".join(some)}, into=_Rows)) for some in chunks(ids, IDS))
    return Page(tuple(row for page in found for row in page.rows), None)


_IDS = msgspec.json.Decoder(list[_Id])


def _whole(found: _Rows) -> Page:
    raws, ids = texts(found.data, _IDS)
    if not all(each.id for each in ids):
        raise Failure(Code.REJECTED, "a row without an id", vendor="kit.malformed")
    return Page(tuple([Row(each.id, raw, _doomed(each)) for each, raw in zip(ids, raws, strict=True)]), found.next)


def _doomed(row: _Id) -> str | None:
    return None if row.pending is None else instant(row.pending.completes_at) or ""


@provider.acts(
    Kind.DATASET,
    Verb.PURGE,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    batch=500,
    requests=("POST /v1/datasets/*/rows/delete",),
    note="Rows move to the bin, with their attachments; some tenants go on showing them by id until it is emptied.",
    source=DATA,
)
def purge(call: Call, batch: Batch) -> list[Result]:
    """Deletes rows of the dataset `parent`."""
    if batch.parent is None:
        raise ValueError("a purge names its dataset")
    return batch_of_ids(call, f"/v1/datasets/{segment(batch.parent)}/rows/delete", batch)
