"""What an Odoo database holds of its owner's, and reading it.

A dataset is a model with rows that no module brought along, but for the server's own machinery: what begins with one of
`MACHINERY`. Rows of modules carry an external id of theirs; they go with the database, and their names stand in the rows
that refer to them. Contacts that are a user's or a company's own belong to those, and are none of the dataset's: the
server refuses to delete them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import REDACTED, Batch, Count, File, FilePage, Page, Result, Row
from crmstate.core.survey import DatasetFacts, Gap, Listing, Resource
from crmstate.core.words import Kind, Phase, Undo, Verb
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import Resources, texts
from crmstate.providers.odoo.access import results_of, there_of
from crmstate.providers.odoo.purge import by_halves
from crmstate.providers.odoo.vendor import (
    BATCH,
    MEASURED,
    SEEN,
    act,
    count,
    look,
    methods,
    numbers,
    provider,
    search,
)

ATTACHMENTS = "ir.attachment"
CONTACTS = "res.partner"
KEPT = frozenset({ATTACHMENTS, CONTACTS, "res.partner.bank", "res.partner.category", "res.bank"})
"""What people write among the server's own."""

MACHINERY: tuple[str, ...] = (
    "ir.",
    "res.",
    "base",
    "bus.",
    "report.",
    "web",
    "iap.",
    "onboarding.",
    "digest.",
    "publisher_warranty",
)
MACHINERY += (
    "fetchmail.",
    "auth",
    "mail.",
    "discuss.",
    "sms.",
    "snailmail.",
    "phone.",
    "privacy.",
    "properties.",
    "resource.",
    "certificate.",
)
MACHINERY += ("crm.lead.scoring", "crm.iap.")
TALK = {"mail.message": "model", "mail.activity": "res_model"}
"""What was said about a record and is to be done for it, and the field that says of which model the record is."""

SAID_BY_PEOPLE = ["email", "comment"]

EXPORTED = ["__export__", "__import__"]
"""External ids that are no module's: exports and imports give them to what people wrote. Nor are those whose first word is
no module's name: an import takes whatever its file says (`sap.customer_17`)."""

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_SECRET = re.compile(r"password|passwd|secret|token|api_?key|private_?key|access_?key|credential")


def model_of(dataset: str) -> str:
    """The dataset's id as the name of a model. Raises Failure(REJECTED) for one that is no dataset of ours: a manifest
    may name anything, and the table of keys is a model too."""
    if not is_dataset(dataset):
        raise Failure(Code.REJECTED, "no dataset has this name", vendor="kit.id")
    return dataset


def is_dataset(model: str) -> bool:
    """Whether a model may hold what its owner wrote."""
    return bool(_NAME.fullmatch(model)) and (model in KEPT or model in TALK or not model.startswith(MACHINERY))


class _Model(msgspec.Struct):
    id: int
    model: str
    name: str | bool
    count: int


class _Brought(msgspec.Struct):
    model: str
    res_id: int
    module: str


class _Reference(msgspec.Struct):
    model: str
    relation: str | bool


@provider.reads(
    Kind.DATASET,
    Verb.LIST,
    *methods(
        "ir.model/search_read",
        "ir.model/search_count",
        "ir.model.data/search_read",
        "ir.model.fields/search_read",
        "*/search_count",
        "res.users/search_read",
        "res.company/search_read",
    ),
    source=MEASURED,
    verified_on=SEEN,
    note="Models with rows that no module brought along, emptied ones that are asked for by name included.",
)
def datasets(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Every dataset with its exact count. One of which the server has more rows than it shows makes the listing
    incomplete."""
    wanted: list[Any] = [["transient", "=", False], ["abstract", "=", False]]
    wanted += [["model", "in", sorted(ids)]] if ids is not None else []
    models = search(call, "ir.model", wanted, ["model", "name", "count"], _Model)
    if len(models) != count(call, "ir.model", wanted):
        raise Failure(Code.UNAVAILABLE, "not every model came", vendor="kit.short")
    models = [each for each in models if is_dataset(each.model) and (each.count or ids is not None)]
    brought = _brought(call, [each.model for each in models])
    found: list[Resource] = []
    hidden: list[str] = []
    for each in models:
        if ids is None and _only_brought(call, each, brought[each.model]):
            continue
        try:
            row, whole = _dataset(call, each, brought[each.model])
        except Failure as failure:
            if failure.code is not Code.DENIED:
                raise
            hidden.append(each.model)
            continue
        hidden += [] if whole else [each.model]
        if row.facts.rows or ids is not None:  # type: ignore[union-attr]
            found.append(row)
    if ids is None:
        found = _ordered(call, found)
    if hidden:
        gap = Gap(Kind.DATASET, "gap.partial_view", ", ".join(hidden)[:150])
        return Listing(Kind.DATASET, tuple(found), False, gap)
    return found


def _only_brought(call: Call, model: _Model, brought: list[int]) -> bool:
    """Whether a model has no rows but those that modules brought along. External ids stay behind rows that are gone, so that
    their number alone does not tell."""
    if model.count > len(brought):
        return False
    try:
        return count(call, model.model, [["id", "not in", brought]]) == 0
    except Failure as failure:
        if failure.code is not Code.DENIED:
            raise
        return True


def _dataset(call: Call, model: _Model, brought: list[int]) -> tuple[Resource, bool]:
    """A dataset, and whether we see every row that the server has."""
    others = foreign(call, model.model, brought)
    whole = model.model in TALK or count(call, model.model, ANY) >= model.count
    rows = count(call, model.model, ours(call, model.model, others))
    files = count(call, ATTACHMENTS, attached(call, model.model, others)) if rows else 0
    label = model.name if isinstance(model.name, str) else model.model
    return Resource(Kind.DATASET, model.model, label, facts=DatasetFacts(rows, True, files)), whole


ANY: list[Any] = [["id", "!=", 0]]
"""Every row: a domain that says nothing of `id` leaves out attachments of fields."""


class _Company(msgspec.Struct):
    partner_id: tuple[int, Any]


def foreign(call: Call, model: str, brought: list[int] | None = None) -> list[int]:
    """The rows of a model that are none of its owner's: what modules brought along (asked for where it is not known), and
    the contacts of users and companies."""
    found = _brought(call, [model])[model] if brought is None else brought
    if model != CONTACTS:
        return found
    whose = [search(call, each, [], ["partner_id"], _Company) for each in ("res.users", "res.company")]
    return sorted({*found, *(each.partner_id[0] for some in whose for each in some)})


def ours(call: Call, model: str, foreign: list[int]) -> list[Any]:
    """Which rows of a model are its owner's; of attachments those that are no record's, and not made by the server."""
    others: list[Any] = [["id", "not in", foreign]]
    if model in TALK:
        return [*others, *_talk(call, model)]
    if model != ATTACHMENTS:
        return others
    return [*others, ["create_uid", "!=", 1], "|", ["res_model", "=", False], ["res_id", "=", False]]


class _Named(msgspec.Struct):
    model: str


def _talk(call: Call, model: str) -> list[Any]:
    """What is about records of datasets, and was not noted by the server itself. Who sees a record sees what is said about
    it. Private chats are nobody's but theirs: not even administrators are shown them."""
    threads = search(call, "ir.model", [["is_mail_thread", "=", True]], ["model"], _Named)
    about = TALK[model]
    wanted: list[Any] = [[about, "in", [each.model for each in threads if is_dataset(each.model)]]]
    wanted += ["|", [about, "!=", CONTACTS], ["res_id", "not in", foreign(call, CONTACTS)]]
    if model == "mail.message":
        wanted += ["|", ["create_uid", "!=", 1], ["message_type", "in", SAID_BY_PEOPLE]]
    return wanted


def attached(call: Call, model: str, foreign: list[int]) -> list[Any]:
    """Which attachments belong to a dataset: those of its rows and of their fields; to that of the attachments its own."""
    if model == ATTACHMENTS:
        return [["type", "=", "binary"], *ours(call, model, foreign)]
    return [
        *ANY,
        ["type", "=", "binary"],
        ["res_model", "=", model],
        ["res_id", "!=", False],
        ["res_id", "not in", foreign],
    ]


def _brought(call: Call, models: list[str]) -> dict[str, list[int]]:
    """The rows that modules brought along, by their model, each once."""
    known = call.known("modules", lambda: _modules(call))
    found: dict[str, set[int]] = defaultdict(set)
    wanted = [["model", "in", models], ["module", "not in", EXPORTED]]
    for each in search(call, "ir.model.data", wanted, ["model", "res_id", "module"], _Brought):
        if each.module in known:
            found[each.model].add(each.res_id)
    return defaultdict(list, {model: sorted(ids) for model, ids in found.items()})


class _Module(msgspec.Struct):
    name: str


def _modules(call: Call) -> frozenset[str]:
    """The names of the server's modules, each of which has an external id of its own: `base.module_crm`. Raises
    Failure(DENIED) where they are not shown: every row would be its owner's then."""
    wanted = [["model", "=", "ir.module.module"], ["module", "=", "base"]]
    found = search(call, "ir.model.data", wanted, ["name"], _Module)
    names = frozenset(each.name.removeprefix("module_") for each in found)
    if "base" not in names:
        raise Failure(Code.DENIED, "which modules the server has is not shown")
    return names


def _ordered(call: Call, found: list[Resource]) -> list[Resource]:
    """The datasets, each with those whose rows keep its own from being deleted. What was said about records goes with
    them, and much of it not without them: it comes last."""
    models = [row.id for row in found]
    wanted = [
        ["model", "in", models],
        ["relation", "in", models],
        ["ttype", "=", "many2one"],
        ["on_delete", "=", "restrict"],
    ]
    needed: dict[str, set[str]] = defaultdict(set)
    for each in search(call, "ir.model.fields", [*wanted, ["store", "=", True]], ["model", "relation"], _Reference):
        needed[str(each.relation)].add(each.model)
    for model in TALK:
        needed[model] = set(models) - set(TALK)
    return [
        msgspec.structs.replace(
            row, facts=msgspec.structs.replace(row.facts, purge_after=tuple(sorted(needed[row.id] - {row.id})))
        )
        for row in found
    ]


@provider.reads(
    Kind.DATASET,
    Verb.COUNT,
    *methods("*/search_count", "*/search_read"),
    source=MEASURED,
    verified_on=SEEN,
)
def how_many(call: Call, dataset: str) -> Count:
    """Archived rows included: `read` reads them too."""
    model = model_of(dataset)
    return Count(count(call, model, ours(call, model, foreign(call, model))))


class _Attachment(msgspec.Struct):
    id: int
    name: str | bool
    res_id: int | bool
    file_size: int
    mimetype: str | bool


def files(call: Call, dataset: str, cursor: str | None) -> FilePage:
    """One page of attachments, without their contents."""
    model = model_of(dataset)
    after = [["id", ">", int(cursor)]] if cursor else []
    fields = ["name", "res_id", "file_size", "mimetype"]
    rows = search(
        call, ATTACHMENTS, [*attached(call, model, foreign(call, model)), *after], fields, _Attachment, call.page
    )
    found = tuple(
        File(
            str(row.id),
            str(row.id) if model == ATTACHMENTS else str(row.res_id or ""),
            row.name if isinstance(row.name, str) else str(row.id),
            f"{ATTACHMENTS},{row.id}",
            row.file_size,
            row.mimetype if isinstance(row.mimetype, str) else "",
        )
        for row in rows
    )
    return FilePage(found, str(rows[-1].id) if rows else None)


class _Content(msgspec.Struct):
    id: int
    datas: str | bool
    checksum: str | bool
    file_size: int


def fetch(call: Call, file: File) -> Iterator[bytes]:
    """The bytes of an attachment, which have to have the server's own digest. Anything else than what `files` gives is an
    address, and goes nowhere. Contents lie in files beside the database; where one is missing the server says that there
    are none, without an error."""
    model, _, remote = file.url.partition(",")
    if model != ATTACHMENTS or not remote.isdecimal():
        yield from call.stream(file.url)
        return
    wanted = [["id", "=", int(remote)]]
    found = search(call, ATTACHMENTS, wanted, ["datas", "checksum", "file_size"], _Content)
    if not found:
        raise Failure(Code.MISSING, "the attachment is gone")
    (row,) = found
    try:
        content = base64.b64decode(row.datas, validate=True) if isinstance(row.datas, str) else b""
    except binascii.Error:
        raise Failure(Code.UNAVAILABLE, "an attachment that is not whole", vendor="kit.malformed") from None
    if row.file_size and not content:
        raise Failure(Code.REJECTED, "the server has lost the file of this attachment", vendor="odoo.no_file")
    if row.checksum and hashlib.sha1(content).hexdigest() != row.checksum:
        raise Failure(
            Code.UNAVAILABLE, "the attachment has another digest than the server says", vendor="odoo.checksum"
        )
    yield content


def fields(call: Call, dataset: str) -> bytes:
    """The vendor's own description of a model's fields."""
    attributes = ["string", "type", "required", "readonly", "store", "relation", "selection", "help"]
    return bytes(look(call, model_of(dataset), "fields_get", msgspec.Raw, attributes=attributes))


class _Field(msgspec.Struct):
    type: str
    store: bool = False


class _Group(msgspec.Struct):
    res_field: str | bool


def columns(call: Call, model: str) -> tuple[list[str], list[str]]:
    """The fields that a record keeps; others are computed anew each time, some at length, and contents that lie in
    attachments are fetched as files. Those of them that look like secrets stand apart: they are not asked for."""
    found = look(call, model, "fields_get", dict[str, _Field], attributes=["type", "store"])
    kept = {name: each.type for name, each in found.items() if each.store and each.type != "one2many"}
    files = _as_files(call, model) if "binary" in kept.values() else set()
    secret = sorted(name for name in kept if _SECRET.search(name))
    return sorted(kept.keys() - files - set(secret)), secret


def _as_files(call: Call, model: str) -> set[str | bool]:
    """The fields whose contents are attachments; of an attachment its own."""
    if model == ATTACHMENTS:
        return {"db_datas"}
    whose = [["res_model", "=", model], ["res_field", "!=", False]]
    said = {"domain": whose, "groupby": ["res_field"], "aggregates": []}
    return {each.res_field for each in look(call, ATTACHMENTS, "formatted_read_group", list[_Group], **said)}


@provider.reads(
    Kind.DATASET,
    Verb.READ,
    *methods("*/search_read", "*/fields_get", "ir.attachment/formatted_read_group"),
    source=MEASURED,
    verified_on=SEEN,
    files=files,
    fetch=fetch,
    fields=fields,
    behind=str,  # a cursor is the last id
    note="Stored fields, in Odoo's own JSON; references come with the names of what they refer to. Fields that look like "
    "secrets are not asked for, and of translated texts the English one is read.",
)
def rows(call: Call, dataset: str, cursor: str | None, ids: tuple[str, ...] | None) -> Page:
    """One page of rows from the last id on; the end is a page without rows. Or exactly the rows of `ids`, whoever
    wrote them."""
    model = model_of(dataset)
    names, secret = (["id"], []) if ids is not None and not numbers(ids) else columns(call, model)
    if ids is not None:
        return _page(search(call, model, [["id", "in", numbers(ids)]], names, msgspec.Raw), secret, last=True)
    domain = [["id", ">", int(cursor or 0)], *ours(call, model, foreign(call, model))]
    return _page(search(call, model, domain, names, msgspec.Raw, call.page), secret, last=False)


class _Id(msgspec.Struct, gc=False):
    id: int


_IDS = msgspec.json.Decoder(list[_Id])


def _page(found: list[msgspec.Raw], secret: list[str], last: bool) -> Page:
    """The rows in Odoo's own text, and behind their fields those that were not asked for, with a mark for a value."""
    raws, ids = texts(found, _IDS)
    if secret:
        marks = b"".join(b',"%s":"%s"' % (name.encode(), REDACTED.encode()) for name in secret) + b"}"
        raws = [raw[:-1] + marks for raw in raws]
    rows = tuple([Row(str(each.id), raw) for each, raw in zip(ids, raws, strict=True)])
    return Page(rows, None if last or not rows else rows[-1].id)


@provider.acts(
    Kind.DATASET,
    Verb.PURGE,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    batch=BATCH,
    calls=2,
    requests=methods("*/unlink", "*/search_read"),
    source=MEASURED,
    verified_on=SEEN,
    note="Takes attachments, messages and activities of the rows along. Rows that others need are refused: purge what "
    "refers to them first.",
)
def purge(call: Call, batch: Batch) -> list[Result]:
    """Deletes rows of the dataset `parent`. What is not there any more counts as deleted."""
    if batch.parent is None:
        raise ValueError("a purge names its dataset")
    model = model_of(batch.parent)
    there = there_of(call, model, batch)
    done = by_halves(there, lambda some: act(call, model, "unlink", ids=some))
    return results_of(batch, dict(zip(there, done, strict=True)))
