"""The rows of an Odoo dataset: reading them, and deleting them."""

from __future__ import annotations

import re

import msgspec

from crmstate.core.provider import REDACTED, Batch, Page, Result, Row
from crmstate.core.words import Kind, Phase, Undo, Verb
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import texts
from crmstate.providers.odoo.access import results_of, there_of
from crmstate.providers.odoo.files import fetch, files
from crmstate.providers.odoo.models import ATTACHMENTS, foreign, model_of, ours
from crmstate.providers.odoo.purge import by_halves
from crmstate.providers.odoo.vendor import BATCH, MEASURED, SEEN, act, look, methods, numbers, provider, search

_SECRET = re.compile(r"password|passwd|secret|token|api_?key|private_?key|access_?key|credential")


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
