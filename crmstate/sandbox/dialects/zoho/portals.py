"""Portals, through which customers sign in: listed and deleted, by administrators. They are the World's integrations of the type
`portal`, known by their names.

What becomes of the people who sign in there is not simulated: they are no users of the org.
"""

from __future__ import annotations

from typing import Any

from ... import acts
from ...exchange import Call
from ...wire import Reply
from ...world import World
from . import errors, ids, pages

LONGEST = 60
COLUMNS = "id, name, target, status"
THERE = "type = 'portal' AND deleted_at IS NULL"


def portal_list(call: Call) -> Reply:
    _administers(call)
    found = call.world.all(f"SELECT {COLUMNS} FROM integrations WHERE {THERE} ORDER BY id")
    pages.shift(call, "integration", None, True, [row[0] for row in found])
    return pages.listing(call, "portals", [_portal(call.world, row) for row in found], None)


def portal_delete(call: Call, name: str) -> Reply:
    _administers(call)
    found = call.world.all(f"SELECT id FROM integrations WHERE {THERE} AND substr(name, 1, {LONGEST}) = ?", name)
    if not found:
        raise errors.refusal("INVALID_DATA", errors.INVALID_ID, resource_path_index=0)
    partial = call.fired.get("partial")
    if partial and partial["item"] == 1:
        raise errors.refusal(*errors.ITEMS[partial["code"]])
    call.ids = [found[0][0]]
    acts.perform(call.world, pages.caller(call), "integration", "delete", found[0][0], {})
    return errors.json({"portals": [errors.done("portal deleted", name=name)]})


def _administers(call: Call) -> None:
    if pages.caller(call).role == "member":
        raise errors.refusal("NO_PERMISSION", permissions=["Crm_Implied_Manage_Portals"])


def _portal(world: World, row: tuple[Any, ...]) -> dict[str, Any]:
    id, name, target, status = row
    boss, made = pages.person(world, None), pages.moment(f"{world.get('subscription')['term']['start']}T00:00:00Z")
    return {
        "name": name[:LONGEST],
        "zaid": str(80_000_000 + ids.digits(f"portal {id}", 10_000_000)),
        "active": status == "active",
        "login_url": target or "",
        "created_time": made,
        "modified_time": made,
        "created_by": boss,
        "modified_by": boss,
    }
