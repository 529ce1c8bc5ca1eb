"""Odoo 19 over the World, from its fact sheet, measured on a real server, alone: JSON-2, where every method of every model is a
POST, bare answers, keys that are revoked in two calls, archived rows and files of fields that hide, and pages about databases
whose statuses mislead (`docs/reference/sandbox-dialects.md` says what is simulated, what is a guess, and what is not there).

Datasets are models, named by the dataset. What the sources do not settle is not here: such a path, model or method answers as
one that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ... import adopting
from ...world import World
from . import errors, numbers
from .machine import INCOMING
from .people import THE_SERVERS, password_of
from .tables import TALK, THREADS
from .vendor import Odoo

CODES = frozenset(errors.EXCEPTIONS)
"""Every exception by name; `refused_as` may name any."""

LACKS = {
    "quota_exhausted": "a server of one's own has no quota",
    "accepted": "whatever a call does is done when it answers",
    "soft_delete": "what is deleted is gone: there is no bin",
    "dead_cursor": "a page goes on from the id of a row, which nothing ends",
}
"""The faults that this vendor cannot have, and why."""

_MODELS = {
    "contacts": ("res.partner", {"company": "company_name", "born": "x_born", "tags": "x_tags"}),
    "deals": ("crm.lead", {"title": "name", "amount": "expected_revenue", "closes_on": "date_deadline", "contact": "partner_id"}),
    "activities": ("calendar.event", {"subject": "name", "at": "start", "done": "x_done"}),
    "surveys": ("survey.survey", {"subject": "title", "at": "x_at", "done": "x_done"}),
    "dashboards": ("board.board", {}),
}  # fmt: skip
"""What a seeded dataset is here, and what its fields are called."""


def dialect() -> Odoo:
    """The dialect `odoo`, as `dialects.load` makes it."""
    return Odoo()


def credential(key: Any) -> dict[str, str]:
    """A key as this vendor's users know it, with what its user signs in with, which revoking keys asks for."""
    return {"api_key": key.token, "password": password_of(key.user_id)}


def furnish(world: World) -> None:
    """What a freshly seeded world needs to look like this vendor's: models for datasets, archived rows where others have a
    bin, a picture that is a field's, a webhook that comes in, and an administrator of its own for each key of ours."""
    for dataset, (model, names) in _MODELS.items():
        _renamed(world, dataset, model, names)
    world.run("UPDATE modules SET datasets = replace(datasets, 'surveys', 'survey.survey')")
    world.run("UPDATE rows SET fields = json_set(fields, '$.active', json('true')) WHERE dataset = 'res.partner'")
    world.run(
        "UPDATE rows SET fields = json_set(fields, '$.active', json('false')) "
        "WHERE dataset = 'res.partner' AND CAST(substr(id, 2) AS INTEGER) % 97 = 5"
    )
    binned = world.run(
        "UPDATE rows SET binned = 0, fields = json_set(fields, '$.active', json('false')) WHERE binned = 1"
    )
    world.count_in("calendar.event", live=binned, binned=-binned)
    picture = next((row["id"] for row in world.rows("res.partner")), None)
    if picture is not None:
        world.add_attachment("res.partner", "image-1", picture, name="image_1920", size=512, mime="image/png")
        world.set_traits(field_files={"res.partner/image-1": "image_1920"})
    _talk(world, "crm.lead", [row["id"] for row in world.rows("crm.lead")][:6])
    world.add_integration("i7", type=INCOMING, name="Order desk", target="")
    world.run("UPDATE api_keys SET user_id = 'u4' WHERE user_id IN ('u2', 'u3') AND id NOT IN ('k1', 'k2')")
    world.run("""UPDATE api_keys SET user_id = 'u3', scopes = '["read","write"]' WHERE id = 'k1'""")


_SAID = (
    {"name": "body", "type": "html", "label": "Contents"},
    {"name": "model", "type": "text", "label": "Related Document Model"},
    {"name": "res_id", "type": "record", "label": "Related Document ID"},
    {"name": "message_type", "type": "text", "label": "Type"},
)
_TO_DO = (
    {"name": "summary", "type": "text", "label": "Summary"},
    {"name": "res_model", "type": "text", "label": "Related Document Model"},
    {"name": "res_id", "type": "record", "label": "Related Document ID"},
)


_ACTIVE = {"name": "active", "type": "bool", "label": "Active"}
ARCHIVING = THREADS | {"crm.team", "product.template", "product.product", "res.bank"}
"""Models whose rows can be archived, of those that an adopted database may have."""


def _talk(world: World, model: str, rows: Sequence[str], count: int = 0) -> None:
    """Comments on some rows of a model: one each, or so many in turn."""
    world.add_dataset("mail.message", "Message", _SAID)
    said = [
        {
            "body": f"<p>Called, {number}</p>",
            "model": model,
            "res_id": rows[number % len(rows)],
            "message_type": "comment",
        }
        for number in range((count or len(rows)) if rows else 0)
    ]
    world.add_rows("mail.message", ({"id": f"m{number:06d}", "fields": each} for number, each in enumerate(said)))


def _renamed(world: World, dataset: str, model: str, names: Mapping[str, str]) -> None:
    for old, new in names.items():
        world.run(
            f"UPDATE rows SET fields = json_remove(json_set(fields, '$.{new}', json(fields -> '$.{old}')), '$.{old}') "
            "WHERE dataset = ?",
            dataset,
        )
    fields: list[dict[str, str]] = [
        {**each, "name": names.get(each["name"], each["name"])} for each in _declared(world, dataset)
    ]
    for each in fields:
        if each["name"] == "partner_id":
            each["relation"] = "res.partner"
    if model == "calendar.event":
        fields.append({"name": "active", "type": "bool", "label": "Active"})
    world.run(
        "UPDATE datasets SET id = ?, fields = ? WHERE id = ?", model, msgspec.json.encode(fields).decode(), dataset
    )
    for table in ("rows", "attachments"):
        world.run(f"UPDATE {table} SET dataset = ? WHERE dataset = ?", model, dataset)


def _declared(world: World, dataset: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = msgspec.json.decode(world.one("SELECT fields FROM datasets WHERE id = ?", dataset)[0])
    return found


def adopt(world: World, found: Mapping[str, Any]) -> adopting.Shown:
    """A world like a database that was observed. Everything keeps its number, and datasets their models' names.

    The server's own users are there already. Whose the writing key is nobody asked the vendor, and a user of two keys could not
    tell its own, so that one key does both.
    """
    numbers.ready(world)
    own = found["own"]
    if own["write"]["user"] is None and own["read"]["key"] is not None:
        own["write"] = own["read"]
    servers = {str(number) for number in THE_SERVERS}
    people = [each for each in found["users"] if each["id"] not in servers or each["status"] == "active"]
    first = sorted(people, key=lambda each: (not each["id"].isdecimal(), len(each["id"]), each["id"]))
    adopting.people(world, {**found, "users": first})
    for each in found["integrations"]:
        world.add_integration(**each)
    for each in found["modules"]:
        world.add_module(**each)
    _datasets(world, found["datasets"])
    adopting.contract(world, found)
    return {}


def _datasets(world: World, found: Sequence[Mapping[str, Any]]) -> None:
    """Models with so many rows; some of them archived where a model archives. What is said about records is about some that
    are there; a file that is nobody's is a row of its own."""
    talked = next((each for each in found if each["id"] in THREADS and each["rows"]), None)
    for each in found:
        if each["id"] in TALK:
            _said_about(world, each, talked)
            continue
        fields = (*adopting.FIELDS, _ACTIVE) if each["id"] in ARCHIVING else adopting.FIELDS
        files = each["rows"] if each["id"] == numbers.FILES else each["attachments"]
        adopting.filled(world, {**each, "attachments": files}, each["id"], fields)


def _said_about(world: World, dataset: Mapping[str, Any], talked: Mapping[str, Any] | None) -> None:
    about = TALK[dataset["id"]]
    fields = _SAID if dataset["id"] == "mail.message" else _TO_DO
    world.add_dataset(dataset["id"], dataset["name"], fields)
    for number in range(dataset["rows"] if talked else 0):
        assert talked is not None
        said = {"message_type": "comment", "body": f"<p>{number}</p>", "summary": f"To do {number}"}
        values = {each["name"]: said[each["name"]] for each in fields if each["name"] in said}
        values |= {about: talked["id"], "res_id": f"r{number % talked['rows']:08d}"}
        world.add_rows(dataset["id"], [{"id": f"r{number:08d}", "fields": values}])
