"""纷享销客 (fxiaoke) over the World, from the fact sheet and the documented examples alone: POST only, every answer in HTTP
200 with an `errorCode`, two ways to sign in, pages by keyset, invalidate before delete (`docs/reference/sandbox-dialects.md`
says what is simulated, what is a guess, and what is not there).

Datasets are objects: those named `...Obj` are preset, all others custom. What the sources do not settle is not here: such a
path answers as one that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import adopting
from ...world import World
from . import errors, ids
from .objects import PERSONNEL
from .vendor import Fxiaoke

CODES = frozenset(str(code) for code in errors.TEXTS if code)
"""Every error of the vendor's table; `refused_as` may name any."""

LACKS = {"dead_cursor": "a page goes on from the id of a row, which nothing ends"}
"""The faults that this vendor cannot have, and why."""

_NAMES = {"contacts": "ContactObj", "deals": "NewOpportunityObj", "activities": "ActiveRecordObj"}
_SALES, _REST = 1001, 1002


def dialect() -> Fxiaoke:
    """The dialect `fxiaoke`, as `dialects.load` makes it."""
    return Fxiaoke()


def credential(key: Any) -> dict[str, str]:
    """A self-built app as this vendor's users know it, and the employee it works as, by both of his ids."""
    return {
        "app_id": ids.app(key.id),
        "app_secret": key.token,
        "permanent_code": key.refresh_token,
        "user_id": ids.employee(key.user_id),
        "open_user_id": ids.open_user(key.user_id),
    }


def furnish(world: World) -> None:
    """What a freshly seeded world needs to look like this vendor's: preset objects beside custom ones, and two
    departments, so that sharing rules have something to hide."""
    people = [id for (id,) in world.all("SELECT id FROM users ORDER BY id")]
    world.set_traits(
        api_names=_NAMES,
        departments={
            str(_SALES): {"name": "销售部", "users": people[1::2]},
            str(_REST): {"name": "综合部", "users": people[0::2]},
        },
    )


def adopt(world: World, found: Mapping[str, Any]) -> adopting.Shown:
    """A world like a company that was observed. Objects keep their names and the company its account; people get ids of the
    World's, which are written in the vendor's way."""
    named = [each["id"] for each in found["users"]]
    named += [each["user"] for each in found["own"].values() if each["user"] is not None]
    users = {id: f"u{number}" for number, id in enumerate(dict.fromkeys(named))}
    own = {use: {"user": users.get(each["user"]), "key": None} for use, each in found["own"].items()}
    known = [{**each, "id": users[each["id"]]} for each in found["users"]]
    adopting.people(world, {**found, "users": known, "own": own, "sessions": [], "keys": []})
    objects = [each for each in found["datasets"] if each["id"] != PERSONNEL]
    for each in objects:
        adopting.filled(world, each, each["id"])
    world.set_traits(api_names={each["id"]: each["id"] for each in objects})
    adopting.contract(world, found)
    shown = {id: ids.open_user(user) for id, user in users.items()}
    return {"user": shown, "world.user": {shown[id]: user for id, user in users.items()}}
