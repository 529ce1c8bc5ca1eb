"""Which rows of an Odoo database are its owner's.

A dataset is a model with rows that no module brought along, but for the server's own machinery: what begins with one of
`MACHINERY`. Rows of modules carry an external id of theirs; they go with the database, and their names stand in the rows
that refer to them. Contacts that are a user's or a company's own belong to those, and are none of the dataset's: the
server refuses to delete them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.providers.kit import Call
from crmstate.providers.odoo.vendor import search

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


def model_of(dataset: str) -> str:
    """The dataset's id as the name of a model. Raises Failure(REJECTED) for one that is no dataset of ours: a manifest
    may name anything, and the table of keys is a model too."""
    if not is_dataset(dataset):
        raise Failure(Code.REJECTED, "no dataset has this name", vendor="kit.id")
    return dataset


def is_dataset(model: str) -> bool:
    """Whether a model may hold what its owner wrote."""
    return bool(_NAME.fullmatch(model)) and (model in KEPT or model in TALK or not model.startswith(MACHINERY))


class _Brought(msgspec.Struct):
    model: str
    res_id: int
    module: str


ANY: list[Any] = [["id", "!=", 0]]
"""Every row: a domain that says nothing of `id` leaves out attachments of fields."""


class _Company(msgspec.Struct):
    partner_id: tuple[int, Any]


def foreign(call: Call, model: str, brought: list[int] | None = None) -> list[int]:
    """The rows of a model that are none of its owner's: what modules brought along (asked for where it is not known), and
    the contacts of users and companies."""
    found = brought_along(call, [model])[model] if brought is None else brought
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


def brought_along(call: Call, models: list[str]) -> dict[str, list[int]]:
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
