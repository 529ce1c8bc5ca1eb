"""Zoho CRM v8 over the World, from its fact sheet and its published descriptions alone: an accounts host for tokens, items
with a status each, 204 for nothing, jobs for what is much (`docs/reference/sandbox-dialects.md` says what is simulated).

Datasets are modules. What the sources leave unconfirmed is marked there as a guess or is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import adopting
from ...world import World
from . import ids, portals
from .signin import client_id
from .vendor import Zoho

LACKS: dict[str, str] = {}
"""The faults that this vendor cannot have: none."""
JOBS = True
"""This vendor has export jobs, and whatever can go wrong with them."""


def dialect() -> Zoho:
    """The dialect `zoho`, as `dialects.load` makes it."""
    return Zoho()


def credential(key: Any) -> dict[str, str]:
    """A key as this vendor's users know it: a client of theirs, and a refresh token made with it."""
    return {"client_id": client_id(key.id), "client_secret": key.token, "refresh_token": key.refresh_token}


def furnish(world: World) -> None:
    """What a freshly seeded world needs to look like this vendor's: a workflow rule that uses a webhook, a channel, and a
    portal."""
    world.set_traits(uses={"i5": ["i1"]}, channels={"i7": "u2"})
    world.add_integration("i7", type="channel", name="Order watch", target="https://i7.example.com/notify")
    world.add_integration("i8", type="portal", name="Customers", target="https://customers.example.com/login")


def adopt(world: World, found: Mapping[str, Any]) -> adopting.Shown:
    """A world like an org that was observed. Modules keep their API names and the org its number; people and automation get
    ids of the World's, which are written in the vendor's way."""
    names = [each["id"] for each in found["users"]]
    names += [each["user"] for each in found["own"].values() if each["user"] is not None]
    users = {id: f"u{number}" for number, id in enumerate(dict.fromkeys(names))}
    own = {use: {**each, "user": users.get(each["user"])} for use, each in found["own"].items()}
    known = [{**each, "id": users[each["id"]]} for each in found["users"]]
    adopting.people(world, {**found, "users": known, "own": own, "sessions": [], "keys": []})
    hooks: dict[str, str] = {}
    for number, each in enumerate(found["integrations"]):
        world.add_integration(**{**each, "id": f"i{number}"})
        before, slash, _ = each["id"].rpartition("/")
        last = each["name"][: portals.LONGEST] if each["type"] == "portal" else ids.written(f"i{number}")
        hooks[each["id"]] = f"{before}{slash}{last}"
    modules = {each["id"]: ids.dataset_id(each["id"]) for each in found["datasets"]}
    for each in found["datasets"]:
        adopting.filled(world, each, modules[each["id"]])
    adopting.contract(world, found)
    here = {id: ids.written(user) for id, user in users.items()}
    return {
        "user": here,
        "integration": hooks,
        "world.user": {here[id]: user for id, user in users.items()},
        "world.integration": {new: f"i{number}" for number, new in enumerate(hooks.values())},
        "world.dataset": modules,
    }
