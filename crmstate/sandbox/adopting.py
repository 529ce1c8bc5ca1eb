"""Adopting: a world with as much in it as a tenant that was observed. Counts, roles, states and who owns what are kept;
the rows are made up.

A dialect whose ids are not free brings `adopt(world, found)`, which does the same in its own way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import dialects
from .seeding import write_keys
from .world import SUBSCRIPTION, World

Shown = dict[str, dict[str, str]]
"""By kind: how the simulator calls what the observed tenant calls so; by `world.KIND`: the World's id of what the simulator
shows. What is missing keeps its name."""
FIELDS = (
    {"name": "name", "type": "text", "label": "Name"},
    {"name": "amount", "type": "money", "label": "Amount"},
    {"name": "changed", "type": "datetime", "label": "Changed"},
)
WORDS = ("Aster", "Birke", "Cedar", "Dahlie", "Erle", "Farn", "Ginster", "Hasel")


def adopt(
    data: str | os.PathLike[str], found: Mapping[str, Any], dialect: str = dialects.NATIVE, now: str = ""
) -> Shown:
    """Writes the world to `data` and its credentials, `read` and `write`, to `<data>.keys.json`.

    `found`: `tenant` {id, name}, `subscription`, `account` {id, status}; lists `users` {id, email, name, role, status},
    `sessions` {id, user}, `keys` {id, user, name, status}, `integrations` {id, type, name, target, status}, `modules`
    {id, name, status, data_effect}, `datasets` {id, name, rows, attachments, binned, exportable}; `own`: for `read` and
    `write` the {user, key} that they are, None where that is not known. `now`: ISO 8601.
    """
    place = Path(data)
    own_way: Callable[[World, Mapping[str, Any]], Shown] | None = dialects.adopt(dialect)
    with World.create(place, now=now, tenant=dict(found["tenant"])) as world:
        if dialect != dialects.NATIVE:
            world.set_traits(dialect=dialect)
        with world.transaction():
            shown = (own_way or as_found)(world, found)
        keys = {use: world.credentials()[own_key(found, use)] for use in ("read", "write")}
    write_keys(Path(f"{place}.keys.json"), keys, dialects.credential(dialect))
    return shown


def as_found(world: World, found: Mapping[str, Any]) -> Shown:
    """Everything under the ids that it has."""
    people(world, found)
    for each in found["integrations"]:
        world.add_integration(**each)
    for each in found["modules"]:
        world.add_module(**each)
    for each in found["datasets"]:
        filled(world, each, each["id"])
    contract(world, found)
    return {}


def contract(world: World, found: Mapping[str, Any]) -> None:
    """The subscription and the account, as far as they were seen."""
    seen = {key: value for key, value in found["subscription"].items() if key in SUBSCRIPTION and value is not None}
    if seen:
        world.set_subscription(**seen)
    world.put("account", {**world.get("account"), **found["account"]})


def people(world: World, found: Mapping[str, Any]) -> None:
    """Users, sessions and keys. There is always an owner; a credential of ours whose user is not known is the owner's, and sees
    everything."""
    users: list[dict[str, Any]] = [dict(each) for each in found["users"]]
    known = {each["id"] for each in users}
    head = next((each["id"] for role in ("owner", "admin", "member") for each in users if each["role"] == role), "u1")
    ours = {found["own"][use]["user"] or head for use in ("read", "write")}
    for id in sorted(ours - known):
        users.append({"id": id, "email": f"{id}@example.com", "name": id, "role": "admin", "status": "active"})
    for each in users:
        if each["id"] in ours and each["role"] == "member":
            each["role"] = "admin"
    if users and not any(each["role"] == "owner" for each in users):
        users[0]["role"] = "owner"
    for each in users:
        world.add_user(**each)
    for each in found["sessions"]:
        world.add_session(each["id"], each["user"])
    mine = {own_key(found, use): found["own"][use]["user"] or head for use in ("read", "write")}
    names = {each["id"]: each for each in found["keys"]}
    for id, user in mine.items():
        world.add_key(id, user, name=names[id]["name"] if id in names else "crmstate")
    for id, each in names.items():
        if id not in mine:
            world.add_key(id, each["user"] or head, name=each["name"], status=each["status"])


def own_key(found: Mapping[str, Any], use: str) -> str:
    """The World's id of one of our own keys: the vendor's, where it lists keys."""
    return found["own"][use]["key"] or f"own-{use}"


def filled(world: World, dataset: Mapping[str, Any], id: str, fields: Sequence[Mapping[str, str]] = FIELDS) -> None:
    """A dataset under this id, with so many made-up rows, files and rows in its bin."""
    world.add_dataset(id, dataset["name"], fields, dataset["exportable"])
    world.add_rows(id, _rows(dataset["rows"], fields, "r", False))
    world.add_rows(id, _rows(dataset["binned"], fields, "b", True))
    for number in range(min(dataset["attachments"], dataset["rows"])):
        world.add_attachment(id, f"f{number:06d}", f"r{number:08d}", name=f"file {number}.bin", size=1 + number % 5000)


def _rows(count: int, fields: Sequence[Mapping[str, str]], letter: str, binned: bool) -> Iterator[dict[str, Any]]:
    for number in range(count):
        values = {each["name"]: _value(each["type"], number) for each in fields}
        yield {"id": f"{letter}{number:08d}", "fields": values, "binned": binned}


def _value(kind: str, number: int) -> Any:
    if kind in ("money", "number"):
        return f"{number}.{number % 100:02d}" if kind == "money" else number
    if kind in ("date", "datetime"):
        return f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}" + ("T10:00:00Z" if kind == "datetime" else "")
    if kind == "bool":
        return number % 2 == 0
    return f"{WORDS[number % len(WORDS)]} {number}" if kind == "text" else None
