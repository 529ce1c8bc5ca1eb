"""The World's datasets as models, each with a table of its own: rows by number, what a World's type of value is here, and
deleting them, which takes their files along.

`res.partner` is one of them, and has a contact for the company and for each user besides: those stay while their user does.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from heapq import merge
from typing import Any

import msgspec

from ... import acts
from ...wire import Refused
from ...world import World
from . import errors, numbers, people
from .domains import Row, Span
from .models import COMPANY, INTERNAL, NOBODY, ROOT, SYSTEM, Env, Field, Model, moment, with_magic

TYPES = {
    "date": "date",
    "datetime": "datetime",
    "money": "monetary",
    "number": "float",
    "bool": "boolean",
    "list": "json",
    "html": "html",
}
"""The World's types of fields as the vendor's; whatever is not here is `char`, or `many2one` where it says to what."""
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_CONTACT = {
    "name": Field("char", "Name"),
    "email": Field("char", "Email"),
    "active": Field("boolean", "Active"),
    "complete_name": Field("char", "Complete Name"),
    "user_ids": Field("one2many", "Users", numbers.USERS),
    "ref_company_ids": Field("one2many", "Companies that refers to partner", "res.company"),
}

_COMPANYS_CONTACT = 1
THREADS = frozenset({"res.partner", "crm.lead", "calendar.event", "survey.survey"})
"""Models whose records people write messages and plan activities about."""
ORDERS = {"res.partner": "complete_name, id desc", "crm.lead": "id desc"}
"""How rows of some models come where nobody says; those of others by id."""
TALK = {"mail.message": "model", "mail.activity": "res_model"}
"""What is about a record of another model, and goes with it: the field that says of which; `res_id` says which row."""


def model_name(dataset: str) -> str:
    """The model of a dataset: named by it, or where that cannot be a model's name, by a digest."""
    if _NAME.fullmatch(dataset) and len(dataset) < 64:
        return dataset
    return "x_" + hashlib.blake2b(dataset.encode(), digest_size=8, person=b"odoo").hexdigest()


def datasets(world: World) -> dict[str, str]:
    """Every dataset by the name of its model."""
    return {model_name(id): id for (id,) in world.all("SELECT id FROM datasets ORDER BY id")}


def model_of(env: Env, name: str) -> Model | None:
    """The model of a dataset; `res.partner` is there without one."""
    dataset = datasets(env.world).get(name)
    contacts = name == numbers.PARTNERS
    if dataset is None and not contacts:
        return None
    found = env.world.one("SELECT name, exportable, fields FROM datasets WHERE id = ?", dataset)
    label, exportable, declared = found or ("Contact", 1, b"[]")
    own = {each["name"]: _field(each) for each in msgspec.json.decode(declared)}
    pictures = {field: Field("binary", "Image") for field in _pictures(env.world, dataset).values()}
    fields = {
        **own,
        "user_id": Field("many2one", "Salesperson", numbers.USERS),
        **(_CONTACT if contacts else {}),
        **pictures,
    }
    if contacts:
        fields |= {key: field for key, field in own.items() if key not in _CONTACT}
    else:
        fields.setdefault("name", Field("char", "Name", store=False))
    may = {"read": INTERNAL, "write": INTERNAL, "create": INTERNAL, "unlink": SYSTEM}
    return Model(
        name,
        label,
        with_magic({**fields, "my_activity_count": Field("integer", "My Activities", store=False, readonly=True)}),
        rows=lambda env, span: _rows(env, dataset, span, contacts, own),
        count=lambda env: _count(env, dataset, contacts),
        modules=_home(env.world, dataset or name),
        order=ORDERS.get(name, "id"),
        may=may if exportable else dict.fromkeys(may, NOBODY),
        abstract=not exportable,
        write=lambda env, rows, vals: _write(env, dataset, rows, vals),
        unlink=lambda env, rows, given: _unlink(env, name, rows),
    )


def _field(each: Mapping[str, str]) -> Field:
    if each["type"] == "reference" and each.get("relation"):
        return Field("many2one", each["label"], each["relation"])
    if each["type"] == "record":
        return Field("many2one_reference", each["label"])
    return Field(TYPES.get(each["type"], "char"), each["label"])


def _home(world: World, dataset: str) -> str:
    """The modules that a model is from: that of the World which has the dataset, or one called by its first word."""
    found = world.one("SELECT m.id FROM modules m, json_each(m.datasets) d WHERE d.value = ? ORDER BY 1", dataset)
    return found[0] if found else dataset.partition(".")[0]


def _count(env: Env, dataset: str | None, contacts: bool) -> int:
    found = env.world.one("SELECT live FROM datasets WHERE id = ?", dataset)
    accounts = people.USER.count(env) + 1 if contacts else 0  # everybody's, and the company's
    return (int(found[0]) if found else 0) + accounts


def _rows(env: Env, dataset: str | None, span: Span, contacts: bool, own: Mapping[str, Field]) -> Iterator[Row]:
    found = iter(()) if dataset is None else _table(env, dataset, span, contacts, own)
    if not contacts:
        return found
    return merge(found, _accounts(env, span), key=lambda row: int(row["id"]))


def _table(env: Env, dataset: str, span: Span, contacts: bool, own: Mapping[str, Field]) -> Iterator[Row]:
    """A member sees what is its own; of contacts, all. Nobody sees what a rule hides from everybody (the trait `ruled_out`,
    `{model: [rows]}`)."""
    where = "n.model = ? AND r.dataset = n.model AND r.id = n.key AND r.binned = 0"
    values: list[Any] = [dataset]
    if env.viewer is not None and not contacts:
        where, values = f"{where} AND r.owner_id = ?", [*values, env.viewer]
    if span.last is not None:
        where, values = f"{where} AND n.number <= ?", [*values, span.last]
    if ruled_out := env.world.traits.get("ruled_out", {}).get(dataset):
        where = f"{where} AND r.id NOT IN (SELECT value FROM json_each(?))"
        values = [*values, msgspec.json.encode(ruled_out).decode()]
    sql = (
        "SELECT n.number, r.id, r.owner_id, r.created_at, r.modified_at, r.fields FROM odoo_numbers n CROSS JOIN rows r "
        f"WHERE {where} AND n.number"
    )
    shape = _shaper(env, dataset, contacts, own)
    if span.only is not None:
        for number in sorted(span.only):
            if number > span.after and (row := env.world.one(f"{sql} = ?", *values, number)) is not None:
                yield shape(row)
        return
    last = span.after
    while page := env.world.all(f"{sql} > ? ORDER BY n.number LIMIT 500", *values, last):
        yield from map(shape, page)
        last = page[-1][0]


def _shaper(env: Env, dataset: str, contacts: bool, own: Mapping[str, Field]) -> Callable[[tuple[Any, ...]], Row]:
    owners: dict[str | None, int | bool] = {None: False}
    pictures = _pictures(env.world, dataset)
    listed = "SELECT id, row_id FROM attachments WHERE dataset = ? AND binned = 0"
    files = dict(env.world.all(listed, dataset)) if pictures else {}

    def user(id: str | None) -> int | bool:
        if id not in owners:
            there = env.world.one("SELECT 1 FROM users WHERE id = ? AND deleted_at IS NULL", id)
            owners[id] = (numbers.of(env.world, numbers.USERS, id or "") or False) if there else False
        return owners[id]

    def shape(found: tuple[Any, ...]) -> Row:
        number, id, owner, created, changed, text = found
        values = msgspec.json.decode(text)
        row = {name: _value(env, field, values.get(name)) for name, field in own.items()}
        made = user(owner) if owner else numbers.ADMIN
        row |= {
            "id": number, "key": id, "dataset": dataset, "user_id": user(owner), "create_uid": made, "write_uid": made,
            "create_date": moment(created), "write_date": moment(changed), "my_activity_count": 0,
        }  # fmt: skip
        for name, field in own.items():
            if field.type == "many2one_reference":
                row[name] = (
                    numbers.of(env.world, str(row.get(TALK.get(dataset, "")) or ""), str(values.get(name))) or False
                )
        for place, picture in pictures.items():
            row.setdefault(picture, False)
            if files.get(place) == id:
                row[picture] = partial(_picture, env.world, dataset, place)
        if "active" in own or contacts:
            row["active"] = values.get("active") is not False
        if contacts:
            row |= {"complete_name": row.get("name"), "user_ids": [], "ref_company_ids": []}
        return row

    return shape


def _value(env: Env, field: Field, found: Any) -> Any:
    """A value of the World's in the vendor's type; a reference by the other's number."""
    if field.type in ("monetary", "float"):
        return float(found or 0)  # the vendor's numbers are never nothing
    if found is None:
        return False
    if field.type == "datetime" and isinstance(found, str):
        return moment(found)
    if field.type == "many2one" and isinstance(found, str) and field.relation is not None:
        return numbers.of(env.world, field.relation, found) or False
    return found


def _pictures(world: World, dataset: str | None) -> dict[str, str]:
    """The fields of a dataset that lie in attachments, by those (the trait `field_files`)."""
    found: dict[str, str] = world.traits.get("field_files", {})
    places = {place.rpartition("/")[2]: field for place, field in found.items() if place.rpartition("/")[0] == dataset}
    return dict(sorted(places.items()))


def _picture(world: World, dataset: str, id: str) -> str:
    return b64encode(world.attachment(dataset, id)).decode()


def _accounts(env: Env, span: Span) -> Iterator[Row]:
    """The contacts of the company and of every user, which are no rows of the World's."""
    found = [_contact(env, _COMPANYS_CONTACT, env.world.tenant["name"], None, [], True)]
    for row in people.user_rows(env, _users_of(env, span)):
        number = people.servers_partner(row["id"]) if row["key"] is None else people.partner_of(env.world, row["key"])
        found.append(_contact(env, number, row["name"], row["email"], [row["id"]], row["active"]))
    return iter(sorted((row for row in found if people.within(span, row["id"])), key=lambda row: int(row["id"])))


def _users_of(env: Env, span: Span) -> Span:
    """Whose contacts can be among these."""
    if span.only is None:
        return Span()
    keys = [numbers.key(env.world, numbers.PARTNERS, number) or "" for number in span.only]
    left = [key.removeprefix("left-") for key in keys if key.startswith("left-")]
    found = {numbers.of(env.world, numbers.USERS, user) for user in left}
    found |= {number for number in people.THE_SERVERS if people.servers_partner(number) in span.only}
    return Span(only=frozenset(number for number in found if number is not None))


def _contact(env: Env, number: int, name: str, email: Any, users: list[int], active: bool) -> Row:
    return {
        "id": number, "key": None, "dataset": numbers.PARTNERS, "name": name, "complete_name": name,
        "email": email or False, "active": active, "user_ids": users, "create_uid": ROOT, "write_uid": ROOT,
        "ref_company_ids": [] if users else [COMPANY], "my_activity_count": 0,
    }  # fmt: skip


def _write(env: Env, dataset: str | None, rows: list[Row], vals: Mapping[str, Any]) -> None:
    """Archives rows or brings them back."""
    if strange := sorted(vals.keys() - {"active"}):
        raise errors.refusal("UserError", f"Writing {strange[0]} is not simulated.")
    for row in rows if "active" in vals else ():
        if row["key"] is None:
            raise errors.refusal("RedirectWarning", _LINKED.format(row["name"]))
        world, on = env.world, bool(vals["active"])
        changed = "json_set(fields, '$.active', json(?))"
        sql = f"UPDATE rows SET fields = {changed}, modified_at = ? WHERE dataset = ? AND id = ?"
        world.run(sql, "true" if on else "false", world.now, dataset, row["key"])
        if row["active"] != on:
            world.effect("restore" if on else "archive", "row", f"{dataset}/{row['key']}")


_LINKED = (
    "You cannot delete contacts linked to an active user.\nYou should rather archive them after archiving their associated "
    "user.\n\nLinked active users : {}"
)


def _unlink(env: Env, name: str, rows: list[Row]) -> None:
    """All of them, or none: the exchange takes back what was done before a refusal. What is deleted is gone, with its files;
    there is no bin."""
    for row in rows:
        if row["key"] is None:
            active = [each for each in row["user_ids"] if row["active"]]
            if active:
                raise errors.refusal("RedirectWarning", _LINKED.format(env.name_of(numbers.USERS, active[0])))
            raise errors.refusal("ValidationError", errors.IN_USE)
    for row in rows:
        dataset, world = row["dataset"], env.world
        try:
            acts.perform(world, env.caller, "row", "delete", row["key"], {"dataset": dataset})
        except Refused as refused:
            raise errors.missing(name, [row["id"]], env.uid) from refused
        world.run("DELETE FROM rows WHERE dataset = ? AND id = ?", dataset, row["key"])
        world.run("DELETE FROM attachments WHERE dataset = ? AND row_id = ?", dataset, row["key"])
        world.count_in(dataset, binned=-1)
        _hush(world, dataset, row["key"])


def _hush(world: World, dataset: str, id: str) -> None:
    """What was said about a row, and is to be done for it, goes with it."""
    for talk, about in TALK.items():
        said = f"fields ->> '$.{about}' = ? AND fields ->> '$.res_id' = ?"
        gone = world.run(f"DELETE FROM rows WHERE dataset = ? AND {said}", talk, model_name(dataset), id)
        world.count_in(talk, live=-gone)
