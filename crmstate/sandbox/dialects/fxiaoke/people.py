"""The directory: people, departments, roles; and the same people as records of `PersonnelObj`, which sharing rules thin out
even for administrators.

Everybody is in the company (999999), or where the trait `departments` puts them (`{number: {"name", "parent", "users"}}`).
The lists of a department leave out who is stopped (a guess: only `batchByUpdTime` is said to have them all). Nobody is ever
deleted. An app may be shown only some departments (scopes `department:<number>`); the others answer 20023.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ... import acts, hexids, listings
from ...exchange import Call
from ...wire import Refused
from ...world import World
from . import body, errors, ids
from .objects import PERSONNEL, milliseconds, smaller

ROOT = 999_999
MOST, OWN = 1000, 100
COLUMNS = "id, email, name, role, status"
_ROLES = {"owner": "系统管理员", "admin": "CRM管理员", "member": "销售人员"}
_CREATED = 1_500_000_000_000


def user_list(call: Call) -> dict[str, Any]:
    """Everybody in a department, at once: there are no pages."""
    detail = body.flag(call.body, "showDepartmentIdsDetail")
    shown = _there(call)
    homes = _homes(_tree(call.world))
    found = [_person(call.world, row, homes, detail) for row in shown]
    _move(call, shown)
    return {"userList": found}


def user_simple_list(call: Call) -> dict[str, Any]:
    """The shape is a guess: only the name of the call is documented."""
    shown = _there(call)
    found = [{"openUserId": ids.open_user(row[0]), "name": row[2], "isStop": False} for row in shown]
    _move(call, shown)
    return {"userList": found}


def user_get(call: Call) -> dict[str, Any]:
    """One person, stopped or not, at the top level of the answer (a guess)."""
    id = _named(call, _open_user_id(call))
    row = call.world.one(f"SELECT {COLUMNS} FROM users WHERE id = ?", id)
    return _person(call.world, row, _homes(_tree(call.world)), True)


def user_get_by_mobile(call: Call) -> dict[str, Any]:
    wanted, homes = body.text(call.body, "mobile"), _homes(_tree(call.world))
    rows = _everybody(call.world)
    return {"empList": [_person(call.world, row, homes, True) for row in rows if _mobile(row[0]) == wanted]}


def users_by_time(call: Call) -> dict[str, Any]:
    """Everybody who was changed between two moments, who is stopped too; by page numbers, in the order of ids (a guess). A
    page shorter than asked for is the last."""
    start, end = body.number(call.body, "startTime", 0, None), body.number(call.body, "endTime", 0, None)
    size = body.number(call.body, "pageSize", 1, MOST, OWN)
    page = body.number(call.body, "pageNumber", 1, None, 1)
    rows = call.world.all("SELECT id, name, status, modified_at FROM users WHERE deleted_at IS NULL ORDER BY id")
    found = [row for row in rows if start <= milliseconds(row[3]) <= end]
    fault = call.fired.get("wrong_page_size")
    if fault and not fault["lose"]:
        size = min(size, max(1, int(fault["size"])))
    first = 0 if "repeated_page" in call.fired else (page - 1) * size
    shown = smaller(call, found[first : first + size])
    if page == 1:
        _move(call, shown)
    return {
        "employees": [
            {"openUserId": ids.open_user(row[0]), "name": row[1], "isStop": row[2] != "active"} for row in shown
        ]
    }


def user_set_status(call: Call) -> dict[str, Any]:
    _set_status(call, [_open_user_id(call)])
    return {}


def user_batch_set_status(call: Call) -> dict[str, Any]:
    """One person who does not exist refuses the whole (a guess); how many there may be is not documented."""
    _set_status(call, body.texts(call.body, "openUserIds"))
    return {}


def _set_status(call: Call, given: list[str]) -> None:
    """0 lets people in, 1 stops them; who is so already stays so (a guess). The owner cannot be stopped (a guess)."""
    verb = "deactivate" if body.number(call.body, "status", 0, 1) else "activate"
    call.ids = [_named(call, each) for each in given]
    partial = call.fired.get("partial")
    for n, id in enumerate(call.ids, 1):
        if partial and n % partial["item"] == 0:
            if len(given) == 1:
                raise Refused(partial["code"], "This item failed.")
            continue  # and the answer says nothing of it
        try:
            acts.perform(call.world, None, "user", verb, id, {})
        except Refused as refused:
            if refused.code != "conflict":
                raise


# Departments and roles


def department_list(call: Call) -> dict[str, Any]:
    """The shape is a guess: only the name of the call is known."""
    tree = _tree(call.world)
    return {
        "departments": [
            {"id": no, "name": tree[no]["name"], "parentId": tree[no]["parent"], "isStop": False} for no in sorted(tree)
        ]
    }


def role_list(call: Call) -> dict[str, Any]:
    """The shape is a guess: only the name of the call is documented."""
    return {"data": {"roles": [{"roleCode": code, "roleName": name} for code, name in _ROLES.items()]}}


def roles_by_users(call: Call) -> dict[str, Any]:
    """By employees' numbers; the shape is a guess, as that of `role_list`."""
    found = {}
    for number in body.texts(body.inner(call.body), "userIds"):
        id = ids.user_numbered(call.world, number)
        if id is None:
            raise errors.refusal(errors.NO_EMPLOYEE)
        found[number] = [call.world.one("SELECT role FROM users WHERE id = ?", id)[0]]
    return {"data": {"userRoles": found}}


# PersonnelObj


def personnel(call: Call) -> Iterator[dict[str, Any]]:
    """Whom sharing rules show: the people of one's own departments, or those of the trait `personnel_shared`. That they go
    by departments is a guess; that they hide people is not."""
    assert call.caller is not None
    me = call.caller.user_id
    tree = _tree(call.world)
    homes = _homes(tree)
    mine = {place for home in homes.get(me, [ROOT]) for place in (home, *_below(tree, home))}
    shared = call.world.traits.get("personnel_shared")
    rows = sorted(_everybody(call.world), key=lambda row: hexids.written(row[0]))
    for id, _, name, _, status in rows:
        if id == me or (id in shared if shared is not None else mine.intersection(homes.get(id, [ROOT]))):
            yield {
                "_id": hexids.written(id),
                "object_describe_api_name": PERSONNEL,
                "is_deleted": False,
                "name": name,
                "user_id": ids.employee(id),
                "status": "0" if status == "active" else "1",
            }


# Who and where


def _open_user_id(call: Call) -> str:
    return body.text(call.body, "openUserId", errors.NO_OPEN_USER_ID, errors.NO_FORM_OPEN_USER_ID)


def _named(call: Call, open_id: str) -> str:
    found = ids.user_of(call.world, open_id)
    if found is None:
        raise errors.refusal(errors.NO_OPEN_USER)
    return found


def _everybody(world: World) -> list[tuple[Any, ...]]:
    return world.all(f"SELECT {COLUMNS} FROM users WHERE deleted_at IS NULL ORDER BY id")


def _there(call: Call) -> list[tuple[Any, ...]]:
    """Who is in the department that the body names, and not stopped."""
    wanted = call.body.get("departmentId")
    if isinstance(wanted, bool) or not isinstance(wanted, int):
        raise errors.refusal(errors.BAD_DEPARTMENT)
    tree = _tree(call.world)
    if wanted != ROOT and wanted not in tree:
        raise errors.refusal(errors.NO_DEPARTMENT)
    places = {wanted, *(_below(tree, wanted) if body.flag(call.body, "fetchChild") else ())}
    _shown_to(call, places, tree)
    homes = _homes(tree)
    rows = [row for row in _everybody(call.world) if row[4] == "active"]
    return [row for row in rows if places.intersection(homes.get(row[0], [ROOT]))]


def _shown_to(call: Call, places: set[int], tree: dict[int, dict[str, Any]]) -> None:
    assert call.caller is not None
    named = [scope.removeprefix("department:") for scope in call.caller.scopes if scope.startswith("department:")]
    shown = {below for each in named for below in (int(each), *_below(tree, int(each)))}
    if named and not places <= shown:
        raise errors.refusal(errors.NO_RIGHT_TO_DEPARTMENT)


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


# Shapes


def _person(world: World, row: tuple[Any, ...], homes: dict[str, list[int]], detail: bool) -> dict[str, Any]:
    id, email, name, role, status = row
    places = homes.get(id, [ROOT])
    found = {
        "openUserId": ids.open_user(id),
        "account": email.partition("@")[0],
        "name": name,
        "nickName": name,
        "isStop": status != "active",
        "email": email,
        "mobile": _mobile(id),
        "gender": "M" if ids.number(id, "gender") % 2 else "F",
        "position": "",
        "departmentIds": places,
        "employeeNumber": str(1 + ids.number(id, "badge") % 100_000),
        "createTime": _CREATED,  # the World does not know
    }
    if detail:
        found |= {"mainDepartmentId": places[0], "attachingDepartmentIds": places[1:]}
    boss = world.one("SELECT id FROM users WHERE role = 'owner' ORDER BY id LIMIT 1")
    if boss is not None and role != "owner":
        found["leaderId"] = ids.open_user(boss[0])
    return found


def _mobile(id: str) -> str:
    return f"138{ids.number(id, 'mobile') % 100_000_000:08d}"


def _move(call: Call, shown: list[tuple[Any, ...]]) -> None:
    fault = call.fired.get("shifting_listing")
    if fault is not None and shown:
        kind, first, last = listings.LISTINGS["user"], shown[0][0], shown[-1][0]
        listings.somebody_else(call.world, kind, None, first, last, fault["how"], fault["where"])
