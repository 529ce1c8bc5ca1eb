"""Users: listed by types, switched off and on, deleted, and deleted with their records passed on.

`inactive` is written and `disabled` is read. The primary contact (the World's owner) and the logged-in user stay. Who
is no administrator sees itself alone (a guess) and may change nobody.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ... import acts
from ...exchange import Call
from ...wire import Refused, Reply
from ...world import World
from . import errors, ids, jobs, pages

COLUMNS = "id, email, name, role, status, licence, last_login_at, modified_at, deleted_at"
THERE = "deleted_at IS NULL"
TYPES = {
    "AllUsers": THERE,
    "ActiveUsers": f"{THERE} AND status = 'active'",
    "AllActiveUsers": f"{THERE} AND status = 'active'",
    "DeactiveUsers": f"{THERE} AND status = 'inactive'",
    "ConfirmedUsers": THERE,
    "NotConfirmedUsers": "0",
    "DeletedUsers": "deleted_at IS NOT NULL",
    "ActiveConfirmedUsers": f"{THERE} AND status = 'active'",
    "AdminUsers": f"{THERE} AND role IN ('owner', 'admin')",
    "ActiveConfirmedAdmins": f"{THERE} AND role IN ('owner', 'admin') AND status = 'active'",
    "ActiveLiteUser": f"{THERE} AND status = 'active' AND licence = 'light'",
    "DeveloperUsers": "0",
    "CurrentUser": "id = :viewer",
}
PROFILES = {"admin": ("Administrator", "profile-a"), "member": ("Standard", "profile-s")}
ROLES = {"admin": ("CEO", "role-ceo"), "member": ("Manager", "role-man")}
PERMISSION = "Crm_Implied_Manage_Users"
ZOHO_ONE = "Cannot add user for ZohoOne account from CRM. Kindly add user through ZohoOne"
TRIAL = "Either trial is expired or user does not have sufficient previlege to perform this action"
NO_DELETING = "User does not have sufficient previlege to delete users"
DIGITAL = "Digital Employee cannot be deleted/deactivated/activated"
OWN = "You can't perform this action over logged in user"
MOST_DELETED = 10
CAPPED = (
    "User deletion is not allowed for the org because of CrmKeyValue entry RESTRICT_USER_DELETION_FOR_THE_ORG & "
    "deleted users count exceeded 10"
)


def user_list(call: Call) -> Reply:
    given = pages.parameters(call)
    window = pages.Window(call, given)
    where, values = _wanted(call, given)
    rows = call.world.all_named(
        f"SELECT {COLUMNS} FROM users WHERE {where} ORDER BY NOT {ids.PLAIN}, id LIMIT :most OFFSET :start",
        {**values, "most": window.step + 1, "start": window.start},
    )
    shown = rows[: window.size]
    found = [_user(call.world, row) for row in shown]
    pages.shift(call, "user", None, window.page == 1, [row[0] for row in shown])
    return pages.listing(call, "users", found, window.info(len(shown), len(rows) > window.step))


def user_count(call: Call) -> Reply:
    where, values = _wanted(call, pages.parameters(call))
    count = call.world.all_named(f"SELECT count(*) FROM users WHERE {where}", values)[0][0]
    return errors.json({"count": 0 if "hollow" in call.fired else count})


def _wanted(call: Call, given: dict[str, str]) -> tuple[str, dict[str, Any]]:
    type, me = given.get("type", "AllUsers"), pages.caller(call)
    if type not in TYPES:
        raise errors.refusal("INVALID_DATA", param_name="type", supported_values=sorted(TYPES))
    where, values = TYPES[type], {"viewer": me.user_id}
    if me.viewer is not None:
        where += " AND id = :viewer"
    if "ids" in given:
        named = [_read(call.world, number) or "" for number in given["ids"].split(",")]
        where += f" AND id IN ({', '.join(f':id{n}' for n in range(len(named)))})"
        values |= {f"id{n}": id for n, id in enumerate(named)}
    return where, values


def user_get(call: Call, number: str) -> Reply:
    id, viewer = _read(call.world, number), pages.caller(call).viewer
    row = call.world.one(f"SELECT {COLUMNS} FROM users WHERE id = ?", id)
    if row is None or viewer not in (None, id):
        return errors.nothing()
    return errors.json({"users": [_user(call.world, row)]})


def user_put(call: Call, number: str) -> Reply:
    rows = call.body.get("users")
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], dict):
        raise errors.refusal("INVALID_DATA", api_name="users", json_path="$.users")
    _manages(call)
    try:
        return errors.json({"users": [_put(call, number, rows[0].get("status"), 1)]})
    except Refused as refused:
        return errors.inside("users", refused)


def user_put_many(call: Call) -> Reply:
    """Up to ten at once, each with its id."""
    rows = call.body.get("users")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise errors.refusal("INVALID_DATA", api_name="users", json_path="$.users")
    if len(rows) > 10:
        raise errors.refusal("LIMIT_EXCEEDED", api_name="users", limit=10)
    _manages(call)
    found = []
    for n, row in enumerate(rows, 1):
        try:
            found.append(_put(call, str(row.get("id", "")), row.get("status"), n))
        except Refused as refused:
            found.append(errors.item(refused.code, refused.message, **refused.extra.get("details", {})))  # type: ignore[arg-type]
    return errors.json({"users": found})


def _put(call: Call, number: str, status: Any, n: int) -> dict[str, Any]:
    _in_time(call, "changed")
    id, role, now, gone = _known(call, number)
    if status not in ("active", "inactive"):
        raise errors.refusal("INVALID_DATA", api_name="status", json_path="$.users[0].status")
    _may_fail(call, n)
    _manageable(call, id, "activated" if status == "active" else "deactivated")
    if gone:
        raise errors.refusal("CANNOT_UPDATE_DELETED_USER", "Deleted user cannot be updated")
    if status == "active":
        if now == "active":
            raise errors.refusal("ID_ALREADY_ACTIVE", "User is already active")
        if _seats_left(call.world) < 1:
            raise errors.refusal("LICENSE_LIMIT_EXCEEDED", "License Limit is Exceeded")
    else:
        if now == "inactive":
            raise errors.refusal("ID_ALREADY_DEACTIVATED", "User is already deactivated")
        _stays(call, id, role, "Primary Contact cannot be deactivated")
    acts.perform(call.world, None, "user", "activate" if status == "active" else "deactivate", id, {})
    return errors.done("User updated", id=number)


def user_delete(call: Call, number: str) -> Reply:
    _manages(call)
    try:
        _in_time(call, "deleted")
    except Refused as refused:
        return errors.inside("users", refused)
    try:
        id, role, _, gone = _known(call, number)
    except Refused:
        raise errors.refusal("INVALID_DATA", errors.INVALID_ID, resource_path_index=0) from None
    deleted = call.world.one("SELECT count(*) FROM users WHERE deleted_at IS NOT NULL")[0]
    if call.world.traits.get("restrict_deletion") and deleted >= MOST_DELETED:
        raise errors.refusal("NO_PERMISSION", CAPPED, permissions=[PERMISSION])
    try:
        _may_fail(call, 1)
        _manageable(call, id, "deleted")
        if gone:
            raise errors.refusal("ID_ALREADY_DELETED", "User is already deleted", id=number)
        _stays(call, id, role, "Primary contact cannot be deleted")
        acts.perform(call.world, None, "user", "delete", id, {})
    except Refused as refused:
        return errors.inside("users", refused)
    return errors.json({"users": [errors.done("User deleted", id=number)]})


# Deleted with what was theirs passed on


def transfer_and_delete(call: Call, number: str) -> Reply:
    _manages(call)
    rows = call.body.get("transfer_and_delete")
    row = rows[0] if isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], dict) else None
    if row is None:
        raise errors.refusal(
            "INVALID_DATA", api_name="transfer_and_delete", json_path="$.transfer_and_delete", maximum_length=1
        )
    try:
        _in_time(call, "deleted")
        heir = _other(call, row, "transfer")
        _other(call, row, "move_subordinate")
        id, role, _, gone = _known(call, number)
        if gone:
            raise errors.refusal("NOT_ALLOWED", id=number)
        _may_fail(call, 1)
        _manageable(call, id, "deleted")
        if role == "owner" or pages.caller(call).user_id == id:
            raise errors.refusal(
                "NOT_ALLOWED", "Primary contact cannot be deleted" if role == "owner" else OWN, id=number
            )
        if heir == id:
            raise errors.refusal("NOT_ALLOWED", id=number)
    except Refused as refused:
        return errors.inside("transfer_and_delete", refused)
    job = jobs.start(call, "transfer", user=id, heir=heir)
    if job["due"] is not None:
        acts.accept(call.world, pages.caller(call), "user", "delete", id, {"transfer_to": heir}, job["due"])
    details = {"job_id": job["id"], "id": number}
    done = {"status": "success", "code": "SUCCESS", "message": "User deleted", "details": details}
    return errors.json({"transfer_and_delete": [done]})


def _other(call: Call, row: dict[str, Any], name: str) -> str:
    """The user that `transfer` or `move_subordinate` names; both have to be there."""
    given = row.get(name)
    path = f"$.transfer_and_delete[0].{name}.id"
    if not isinstance(given, dict) or not isinstance(given.get("id"), str):
        expected = [{"api_name": "id", "json_path": path}]
        raise errors.refusal("EXPECTED_FIELD_MISSING", "Expected field missing", expected_data=expected)
    found = call.world.one(f"SELECT id FROM users WHERE id = ? AND {THERE}", _read(call.world, given["id"]))
    if found is None:
        raise errors.refusal("INVALID_DATA", errors.INVALID_ID, api_name="id", json_path=path)
    return str(found[0])


def transfer_state(call: Call) -> Reply:
    given = pages.parameters(call)
    if "job_id" not in given:
        raise errors.refusal("REQUIRED_PARAM_MISSING", "mandatory param missing", param_name="job_id")
    job = jobs.find(call.world, "transfer", given["job_id"])
    if job is None:
        return errors.nothing()
    if jobs.ends(call, job, look=True):
        finish(call.world, job)
    state = "in_progress" if job["ended"] is None else job["state"]
    return errors.json({"transfer_and_delete": [{"status": state}]})


def finish(world: World, job: dict[str, Any]) -> None:
    """What the job was for happens, if it did not by the World's own clock."""
    gone = world.one("SELECT deleted_at FROM users WHERE id = ?", job["user"])
    try:
        if gone is None or gone[0] is None:
            acts.perform(world, None, "user", "delete", job["user"], {"transfer_to": job["heir"]})
        jobs.end(world, job, state="completed")
    except Refused:
        jobs.end(world, job, state="failed")


# Rules


def _manages(call: Call) -> None:
    if pages.caller(call).role == "member":
        raise errors.refusal("NO_PERMISSION", permissions=[PERMISSION])


def _in_time(call: Call, done: str) -> None:
    """Nobody is changed once a trial is over. That this is looked at before the id is a guess."""
    last = call.world.traits.get("trial")
    if last is not None and call.world.now[:10] > last:
        raise errors.refusal("AUTHORIZATION_FAILED", NO_DELETING if done == "deleted" else TRIAL)


def _read(world: World, number: str) -> str | None:
    others = [id for (id,) in world.all("SELECT id FROM users")] if ids.is_other(number) else ()
    return ids.read(number, others)


def _known(call: Call, number: str) -> tuple[str, str, str, bool]:
    """Id, role, status and whether it is deleted."""
    id = _read(call.world, number)
    call.ids = [*(call.ids or []), id or number]
    row = call.world.one("SELECT id, role, status, deleted_at FROM users WHERE id = ?", id)
    if row is None:
        raise errors.refusal("INVALID_DATA", errors.INVALID_ID, resource_path_index=0)
    return row[0], row[1], row[2], row[3] is not None


def _may_fail(call: Call, n: int) -> None:
    partial = call.fired.get("partial")
    if partial and n % partial["item"] == 0:
        raise errors.refusal(*errors.ITEMS[partial["code"]])


def _manageable(call: Call, id: str, done: str) -> None:
    """Nobody of a suite's console, and no user of the vendor's own, is changed here."""
    traits = call.world.traits
    if traits.get("console"):
        raise errors.refusal("NOT_ALLOWED", ZOHO_ONE)
    special = traits.get("user_types", {}).get(id)
    if special is not None:
        text = DIGITAL if special == "Digital Employee" else f"{special.capitalize()} cannot be {done}"
        raise errors.refusal("NOT_ALLOWED", text)
    if waiting := acts.pending(call.world, "user", id):
        raise errors.refusal("NOT_ALLOWED", f"A job runs for this user until {waiting[1]}")


def _stays(call: Call, id: str, role: str, message: str) -> None:
    if role == "owner":
        raise errors.refusal("INVALID_REQUEST", message)
    if pages.caller(call).user_id == id:
        raise errors.refusal("INVALID_REQUEST", OWN)


def _seats_left(world: World) -> int:
    return int(world.get("subscription")["seats"]) - seats_used(world)


def seats_used(world: World) -> int:
    return int(world.one(f"SELECT count(*) FROM users WHERE {THERE} AND status = 'active'")[0])


# Shapes


def zuid(id: str) -> str:
    return str(60_000_000 + ids.digits(f"zuid {id}", 10_000_000))


def rank(role: str) -> str:
    return "member" if role == "member" else "admin"


def _user(world: World, row: tuple[Any, ...]) -> dict[str, Any]:
    id, email, name, role, status, licence, _, modified, deleted = row
    first, _, last = name.partition(" ")
    state = "deleted" if deleted else "active" if status == "active" else "disabled"
    profile, work = PROFILES[rank(role)], ROLES[rank(role)]
    boss = pages.person(world, None)
    special = world.traits.get("user_types", {}).get(id)
    made = msgspec.json.decode(_FIXED)
    return {
        **made,
        "id": ids.written(id),
        "zuid": zuid(id),
        "full_name": name,
        "first_name": first if last else "",
        "last_name": last or first,
        "email": email,
        "status": state,
        "status_reason__s": "disabled manually" if state == "disabled" else None,
        "confirm": True,
        "type__s": special or ("Lite User" if licence == "light" else "Regular User"),
        "profile": {"name": profile[0], "id": ids.written(profile[1])},
        "role": {"name": work[0], "id": ids.written(work[1])},
        "created_by": boss,
        "created_time": pages.moment(modified),
        "Modified_By": boss,
        "Modified_Time": pages.moment(modified),
        "time_zone": "Europe/Berlin",
    }


_FIXED = msgspec.json.encode(
    {
        "alias": None,
        "city": None,
        "country": None,
        "country_locale": "de_DE",
        "decimal_separator": "Period",
        "default_tab_group": "0",
        "dob": None,
        "fax": None,
        "language": "en_US",
        "locale": "en_US",
        "microsoft": False,
        "mobile": None,
        "personal_account": False,
        "phone": None,
        "sandboxDeveloper": False,
        "signature": None,
        "sort_order_preference__s": "First Name,Last Name",
        "state": None,
        "street": None,
        "time_format": "HH:mm",
        "website": None,
        "zip": None,
    }
)
