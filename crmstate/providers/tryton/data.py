"""What a Tryton database holds of its owner's, and reading it.

A dataset is a model of a module (not of the server's own `ir` and `res`, except what people attach to records) that can
be called from outside and has, or had, rows that people wrote: rows which the modules brought along were written by
root, user 0. Reports that are computed, and settings of which there is just one row, are none. What no call reaches
(link tables) is seen through the records that it links.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import REDACTED, Count, File, FilePage, Page, Row
from crmstate.core.survey import DatasetFacts, Gap, Listing, Resource
from crmstate.core.words import Kind, Verb
from crmstate.providers.kit import Call, own_text
from crmstate.providers.kit.pages import Resources, texts
from crmstate.providers.tryton.vendor import (
    AS_WRITTEN,
    DOOR,
    EVERYTHING,
    MEASURED,
    SEEN,
    Said,
    body,
    count,
    look,
    methods,
    numbers,
    provider,
    search,
)
from crmstate.providers.tryton.view import concerns_us

ATTACHMENTS = "ir.attachment"
NOT_OURS = frozenset({"res.user", "res.user.application", "ir.trigger"})
"""Listed as kinds of their own."""

BY_PEOPLE: list[Any] = [["create_uid", ">", 0]]
_SOMEBODY_MAY: list[Any] = ["OR", ["perm_create", "=", True], ["perm_delete", "=", True]]
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_-]+)+")
_SECRET = re.compile(r"password|passwd|secret|token|api_?key|private_?key|access_?key|credential")
_RELATIONS = frozenset({"one2many", "many2many", "reference", "multiselection", "dict"})


def model_of(dataset: str) -> str:
    """The dataset's id as the name of a model. Raises Failure(REJECTED) for one that is no dataset of ours: a manifest
    may name anything, and the table of keys is a model too."""
    if not _NAME.fullmatch(dataset) or not concerns_us(dataset) or dataset in NOT_OURS:
        raise Failure(Code.REJECTED, "no dataset has this name", vendor="kit.id")
    return dataset


class _Id(msgspec.Struct, gc=False):
    id: int


class _Access(msgspec.Struct):
    model: str


_IDS = msgspec.json.Decoder(list[_Id])


@provider.reads(
    Kind.DATASET,
    Verb.LIST,
    *methods(
        "system.listMethods",
        "model.ir.model.access.get_access",
        "model.ir.model.access.search_read",
        "model.*.search_count",
        "model.*.fields_get",
    ),
    source=MEASURED,
    verified_on=SEEN,
    note="Models with rows that people wrote, emptied ones that are asked for by name included.",
)
def datasets(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Every dataset with its exact count. One that we may not read makes the listing incomplete."""
    callable_ = _callable(call)
    wanted = sorted(callable_ if ids is None else callable_.intersection(ids))
    if not wanted:
        return []
    access = look(call, "model.ir.model.access.get_access", wanted, into=dict[str, dict[str, Any]])
    kept = {each.model for each in search(call, "ir.model.access", _SOMEBODY_MAY, ["model"], _Access)}
    found: list[Resource] = []
    unread: list[str] = []
    for model in wanted:
        rights = access.get(model, {})
        if not rights.get("read"):
            unread.append(model)
            continue
        rows = _rows(call, model, rights, model in kept, always=ids is not None)
        if rows is not None:
            files = count(call, ATTACHMENTS, attached(model)) if rows else 0
            found.append(Resource(Kind.DATASET, model, model, facts=DatasetFacts(rows, True, files)))
    if unread:
        return Listing(Kind.DATASET, tuple(found), False, Gap(Kind.DATASET, "gap.denied", ", ".join(unread)[:150]))
    return found if ids is not None else _ordered(call, found)


def _ordered(call: Call, found: list[Resource]) -> list[Resource]:
    """The datasets, each with those whose rows need one of its own: Tryton refuses to delete what is required."""
    needed: dict[str, set[str]] = defaultdict(set)
    for row in found:
        fields = look(call, f"model.{row.id}.fields_get", into=dict[str, _Field])
        for each in fields.values():
            if each.type == "many2one" and each.required and each.relation:
                needed[each.relation].add(row.id)
    return [
        msgspec.structs.replace(
            row, facts=msgspec.structs.replace(row.facts, purge_after=tuple(sorted(needed[row.id] - {row.id})))
        )
        for row in found
    ]


def _callable(call: Call) -> set[str]:
    """The models whose rows can be read, counted and deleted from outside."""
    has: dict[str, set[str]] = defaultdict(set)
    listed = call.look(DOOR, body("system.listMethods"), into=Said[list[str]]).result
    for each in listed:
        family, _, rest = each.partition(".")
        model, _, method = rest.rpartition(".")
        if family == "model":
            has[model].add(method)
    needed = {"search_read", "search_count", "delete"}
    return {model for model, named in has.items() if needed <= named and _is_dataset(model)}


def _is_dataset(model: str) -> bool:
    try:
        return bool(model_of(model))
    except Failure:
        return False


def _rows(call: Call, model: str, rights: dict[str, Any], kept: bool, always: bool) -> int | None:
    """How many rows a model has; None where it holds nothing of its owner's. Where nobody may make or delete rows
    (`kept` false), and we may not, it is a report or a setting."""
    if not (kept or rights.get("create") or rights.get("delete")):
        return None
    return count(call, model, []) if always or count(call, model, BY_PEOPLE) else None


@provider.reads(Kind.DATASET, Verb.COUNT, *methods("model.*.search_count"), source=MEASURED, verified_on=SEEN)
def how_many(call: Call, dataset: str) -> Count:
    """Inactive rows and those of modules included: `read` reads them too."""
    return Count(count(call, model_of(dataset), []))


def attached(model: str) -> list[Any]:
    """Which attachments belong to a dataset: those of its records; to that of the attachments itself all, so that none
    is left out whose record is no dataset's."""
    ours = [] if model == ATTACHMENTS else [["resource", "like", model + ",%"]]
    return [["type", "=", "data"], *ours]


class _Attachment(msgspec.Struct):
    id: int
    name: str | None
    resource: str | None
    data: int | None
    file_id: str | None = None


def files(call: Call, dataset: str, cursor: str | None) -> FilePage:
    """One page of attachments. Their contents are asked for as sizes here."""
    model = model_of(dataset)
    after = [["id", ">", int(cursor)]] if cursor else []
    context = {**EVERYTHING, f"{ATTACHMENTS}.data": "size"}
    fields = ["name", "resource", "data", "file_id"]
    rows = search(call, ATTACHMENTS, [*attached(model), *after], fields, _Attachment, call.page, context)
    found = tuple(
        File(
            str(row.id),
            str(row.id) if model == ATTACHMENTS else (row.resource or "").partition(",")[2],
            row.name or str(row.id),
            f"{ATTACHMENTS},{row.id}",
            row.data or (None if row.file_id else 0),
        )
        for row in rows
    )
    return FilePage(found, str(rows[-1].id) if rows else None)


class _Bytes(msgspec.Struct):
    base64: str


class _Data(msgspec.Struct):
    id: int
    data: _Bytes | None
    file_id: str | None = None


def fetch(call: Call, file: File) -> Iterator[bytes]:
    """The bytes of an attachment. Anything else than what `files` gives is an address, and goes nowhere. Contents lie
    in files beside the database; where one is missing the server says that there are none, without an error."""
    model, _, remote = file.url.partition(",")
    if model != ATTACHMENTS or not remote.isdecimal():
        yield from call.stream(file.url)
        return
    found = search(call, ATTACHMENTS, [["id", "=", int(remote)]], ["data", "file_id"], _Data, context=AS_WRITTEN)
    if not found:
        raise Failure(Code.MISSING, "the attachment is gone")
    if found[0].data is None and found[0].file_id:
        raise Failure(Code.REJECTED, "the server has lost the file of this attachment", vendor="tryton.no_file")
    try:
        yield base64.b64decode(found[0].data.base64) if found[0].data else b""
    except binascii.Error:
        raise Failure(Code.UNAVAILABLE, "an attachment that is not whole", vendor="kit.malformed") from None


class _Field(msgspec.Struct):
    type: str
    relation: str | None = None
    required: bool | int | None = False
    searchable: bool = True
    sortable: bool = True


def columns(call: Call, model: str) -> tuple[list[str], list[str]]:
    """The fields that a record keeps: what can be searched and sorted by, relations, and contents. Others are computed
    anew each time, and an attachment's contents are fetched as a file. Those of them that look like secrets stand apart:
    they are not asked for."""
    found = look(call, f"model.{model}.fields_get", into=dict[str, _Field], context=EVERYTHING)
    kept = sorted(
        name
        for name, each in found.items()
        if (model, name) != (ATTACHMENTS, "data")
        and ((each.searchable and (each.sortable or each.type in _RELATIONS)) or each.type == "binary")
    )
    secret = [name for name in kept if _SECRET.search(name)]
    return [name for name in kept if name not in secret], secret


def described(call: Call, dataset: str) -> bytes:
    """The model's fields with labels and choices in the user's own language, as its screen shows them."""
    found = look(call, f"model.{model_of(dataset)}.fields_get", into=msgspec.Raw, context=AS_WRITTEN)
    return own_text(found, dict[str, _Field])


@provider.reads(
    Kind.DATASET,
    Verb.READ,
    *methods("model.*.search_read", "model.*.fields_get"),
    source=MEASURED,
    verified_on=SEEN,
    files=files,
    fetch=fetch,
    fields=described,
    behind=str,  # a cursor is the last id
    note="Rows in Tryton's own JSON, with its tagged dates, decimals and bytes; fields that look like secrets are not asked for.",
)
def rows(call: Call, dataset: str, cursor: str | None, ids: tuple[str, ...] | None) -> Page:
    """One page of rows from the last id on; the end is a page without rows. Or exactly the rows of `ids`."""
    model = model_of(dataset)
    fields, secret = (["id"], []) if ids is not None and not numbers(ids) else columns(call, model)
    if ids is not None:
        wanted: list[Any] = [["id", "in", numbers(ids)]]
        return _page(search(call, model, wanted, fields, msgspec.Raw, context=AS_WRITTEN), secret, last=True)
    after = [["id", ">", int(cursor)]] if cursor else []
    return _page(search(call, model, after, fields, msgspec.Raw, call.page, AS_WRITTEN), secret, last=False)


def _page(found: list[msgspec.Raw], secret: list[str], last: bool) -> Page:
    """The rows in Tryton's own text, and behind its fields those that were not asked for, with a mark for a value."""
    raws, ids = texts(found, _IDS)
    if secret:
        marks = b"".join(b',"%s":"%s"' % (name.encode(), REDACTED.encode()) for name in secret) + b"}"
        raws = [raw[:-1] + marks for raw in raws]
    rows = tuple([Row(str(each.id), raw) for each, raw in zip(ids, raws, strict=True)])
    return Page(rows, None if last or not rows else rows[-1].id)
