"""Departments and members. Everybody is in the root department (1), or where the trait `departments` puts them
(`{number: {"name", "parent", "users"}}`).

Deleting a member moves it to 离职: no listing shows it any more, and where rows name it, its status is -1. In a corp
with an integrated directory (trait `integrated`, its platform's name) members are removed there and not here.
"""

from __future__ import annotations

from typing import Any

from ... import acts, listings
from ...exchange import Call
from ...wire import Refused
from ...world import World
from . import body, errors

ROOT = 1
COLUMNS = "id, name, status, deleted_at"


def department_list(call: Call) -> dict[str, Any]:
    wanted, deep = _department(call)
    tree = _tree(call.world)
    found = _below(tree, wanted) if deep else [no for no in sorted(tree) if tree[no]["parent"] == wanted]
    return {
        "departments": [
            {"dept_no": no, "name": tree[no]["name"], "parent_no": tree[no]["parent"], "type": 0, "status": 1}
            for no in found
        ]
    }


def user_list(call: Call) -> dict[str, Any]:
    """Everybody in a department, at once: there are no pages."""
    wanted, deep = _department(call)
    tree = _tree(call.world)
    places = {wanted, *(_below(tree, wanted) if deep else ())}
    homes = _homes(tree)
    rows = call.world.all(f"SELECT {COLUMNS} FROM users WHERE deleted_at IS NULL ORDER BY id")
    shown = [row for row in rows if places.intersection(homes.get(row[0], (ROOT,)))]
    found = [_member(call.world, row, homes) for row in shown]
    fault = call.fired.get("shifting_listing")
    if fault is not None and shown:
        first, last = shown[0][0], shown[-1][0]
        listings.somebody_else(call.world, listings.LISTINGS["user"], None, first, last, fault["how"], fault["where"])
    return {"users": found}


def user_get(call: Call) -> dict[str, Any]:
    username = body.text(call.body, "username")
    row = call.world.one(f"SELECT {COLUMNS} FROM users WHERE id = ? AND deleted_at IS NULL", username)
    if row is None:
        raise errors.refusal(errors.NO_MEMBER)
    return {"user": _member(call.world, row, _homes(_tree(call.world)))}


def user_delete(call: Call) -> dict[str, Any]:
    call.ids = [body.text(call.body, "username")]
    _leave(call, call.ids)
    return {"status": "success"}


def user_batch_delete(call: Call) -> dict[str, Any]:
    """One member that does not exist refuses the whole (a guess); how many there may be is not documented."""
    call.ids = body.texts(call.body, "usernames")
    _leave(call, call.ids)
    return {"status": "success"}


def _leave(call: Call, usernames: list[str]) -> None:
    if call.world.traits.get("integrated"):
        raise errors.refusal(errors.NOT_ALLOWED)
    partial = call.fired.get("partial")
    for n, username in enumerate(dict.fromkeys(usernames), 1):
        if partial and n % partial["item"] == 0:
            if len(usernames) == 1:
                raise errors.refusal(errors.DELETE_FAILED)
            continue  # and the answer says nothing of it
        try:
            acts.perform(call.world, None, "user", "delete", username, {})
        except Refused as refused:
            missing = refused.code == "not_found"
            raise errors.refusal(errors.NO_MEMBER if missing else errors.NOT_ALLOWED) from refused


# Shapes


def person(world: World, id: str | None) -> dict[str, Any]:
    """A member as a row names it (`creator`, `updater`); a row of nobody's is the owner's."""
    row = world.one(f"SELECT {COLUMNS} FROM users WHERE id = ?", id)
    row = row or world.one(f"SELECT {COLUMNS} FROM users WHERE role = 'owner' ORDER BY id LIMIT 1")
    if row is None:
        return {"name": "", "username": "", "status": -1, "type": 0, "departments": []}
    found = _member(world, row, _homes(_tree(world)))
    return {name: found[name] for name in ("name", "username", "status", "type", "departments")}


def _member(world: World, row: tuple[Any, ...], homes: dict[str, list[int]]) -> dict[str, Any]:
    id, name, status, left = row
    found = {
        "username": id,
        "name": name,
        "departments": homes.get(id, [ROOT]),
        "type": 0,
        "status": -1 if left else 1 if status == "active" else 0,
    }
    platform = world.traits.get("integrated")
    return {**found, "integrate_id": f"{platform}-{id}"} if platform else found


def _department(call: Call) -> tuple[int, bool]:
    wanted = body.number(call.body, "dept_no", -(2**53), None, ROOT)
    deep = call.body.get("has_child", False)
    if not isinstance(deep, bool):
        raise errors.refusal(errors.BAD_PARAMETERS)
    if wanted != ROOT and wanted not in _tree(call.world):
        raise errors.refusal(errors.NO_DEPARTMENT)
    return wanted, deep


def _tree(world: World) -> dict[int, dict[str, Any]]:
    given = world.traits.get("departments") or {}
    return {int(no): {"parent": ROOT, "users": [], **each} for no, each in given.items()}


def _below(tree: dict[int, dict[str, Any]], top: int) -> list[int]:
    found: list[int] = []
    for no in sorted(tree):
        if tree[no]["parent"] == top:
            found += [no, *_below(tree, no)]
    return found


def _homes(tree: dict[int, dict[str, Any]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for no in sorted(tree):
        for user in tree[no]["users"]:
            found.setdefault(user, []).append(no)
    return found
