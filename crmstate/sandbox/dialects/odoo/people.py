"""Users, the contacts that they are, and their API keys.

A user is archived by writing `active`; its keys are dead while it is, and work again afterwards. Deleting a user takes its keys
along and leaves its contact. A key is revoked in two calls: `remove` answers 200 with a wizard and does nothing, and only the
wizard, told the caller's password, does what was asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from ...world import World
from . import errors, groups, numbers
from .domains import Row, Span
from .models import COMPANY, EVERYBODY, INTERNAL, NOBODY, ROOT, Env, Field, Model, counted, moment, with_magic

CHECK = "res.users.identitycheck"
WIZARDS = "odoo/wizards"
PUBLIC, TEMPLATE = 3, 4
"""The user whom nobody signed in as, and the pattern of portal users."""
THE_SERVERS = {
    ROOT: ("__system__", "OdooBot", "user_root", False),
    PUBLIC: ("public", "Public user", "public_user", True),
    TEMPLATE: ("portaltemplate", "Portal User Template", "template_portal_user_id", True),
}
"""By number: login, name, external id, and whether it is somebody from outside. All of them are archived."""
_THERE = "u.deleted_at IS NULL"
_COLUMNS = "n.number, u.id, u.email, u.name, u.role, u.status, u.last_login_at, u.modified_at"


def password_of(user: str) -> str:
    """What a World's user signs in with."""
    return "Pw-" + hashlib.blake2b(user.encode(), digest_size=12, person=b"odoo").hexdigest()


def partner_of(world: World, user: str) -> int:
    return numbers.of(world, numbers.PARTNERS, numbers.partner_key(user)) or 0


def servers_partner(number: int) -> int:
    """The contact of one of the server's own users: the company's is 1, the administrator's 3."""
    return number + 1


def user_rows(env: Env, span: Span) -> Iterator[Row]:
    """Everybody, by number, whoever asks."""
    own = [
        _servers_user(n) for n in THE_SERVERS if within(span, n) and numbers.key(env.world, numbers.USERS, n) is None
    ]
    yield from sorted([*own, *_people(env, span)], key=lambda row: int(row["id"]))


def _people(env: Env, span: Span) -> Iterator[Row]:
    sql = f"SELECT {_COLUMNS} FROM odoo_numbers n CROSS JOIN users u WHERE n.model = ? AND u.id = n.key AND {_THERE}"
    if span.only is None:
        found = env.world.all(f"{sql} AND n.number > ?", numbers.USERS, span.after)
    else:
        found = [each for n in span.only for each in env.world.all(f"{sql} AND n.number = ?", numbers.USERS, n)]
    return (_user(env, each) for each in found if within(span, each[0]))


def within(span: Span, number: int) -> bool:
    """Whether a number is among those that are looked for."""
    if number <= span.after or (span.last is not None and number > span.last):
        return False
    return span.only is None or number in span.only


def _servers_user(number: int) -> Row:
    login, name, _, share = THE_SERVERS[number]
    given = groups.OF["public" if share else "root"]
    return {
        "id": number, "key": None, "login": login, "name": name, "email": False, "active": False, "share": share,
        "login_date": False, "group_ids": list(given), "all_group_ids": list(given), "api_key_ids": [],
        "partner_id": servers_partner(number), "company_id": COMPANY, "company_ids": [COMPANY],
        "create_uid": ROOT, "write_uid": ROOT, "lang": "en_US", "tz": False, "role": False,
    }  # fmt: skip


def _user(env: Env, found: tuple[Any, ...]) -> Row:
    number, id, email, name, role, status, login, changed = found
    given = groups.OF[role]
    return {
        "id": number, "key": id, "login": email, "name": name, "email": email, "active": status == "active",
        "share": False, "login_date": moment(login), "group_ids": list(given), "all_group_ids": list(given),
        "api_key_ids": lambda: list(_keys_by_user(env).get(number, ())),
        "partner_id": lambda: partner_of(env.world, id), "company_id": COMPANY, "company_ids": [COMPANY],
        "create_uid": ROOT, "write_uid": ROOT, "create_date": moment(changed), "write_date": moment(changed),
        "lang": "en_US", "tz": False, "role": "group_user" if role == "member" else "group_system",
    }  # fmt: skip


def write_users(env: Env, rows: list[Row], vals: Mapping[str, Any]) -> None:
    """Archives people or brings them back. Nobody archives themselves; the last administrator stays."""
    if strange := sorted(vals.keys() - {"active"}):
        raise errors.refusal("UserError", f"Writing {strange[0]} is not simulated.")
    for row in rows if "active" in vals else ():
        _archive(env, row) if not vals["active"] else _bring_back(env, row)


def _archive(env: Env, row: Row) -> None:
    if row["id"] == env.uid:
        raise errors.refusal("UserError", "You cannot deactivate the user you're currently logged in as.")
    if not row["active"]:
        return
    if row["role"] == "group_system" and not _other_administrators(env.world, row["key"]):
        raise errors.refusal("ValidationError", "You must have at least an administrator user.")
    env.world.run("UPDATE users SET status = 'inactive', modified_at = ? WHERE id = ?", env.world.now, row["key"])
    env.world.effect("deactivate", "user", row["key"])
    _sign_out(env.world, row["key"])


def _bring_back(env: Env, row: Row) -> None:
    if row["key"] is None:
        raise errors.refusal("ValidationError", "You cannot activate the superuser.")
    if row["active"]:
        return
    env.world.run("UPDATE users SET status = 'active', modified_at = ? WHERE id = ?", env.world.now, row["key"])
    env.world.effect("activate", "user", row["key"])


def _other_administrators(world: World, user: str) -> bool:
    sql = "SELECT 1 FROM users WHERE role <> 'member' AND status = 'active' AND deleted_at IS NULL AND id <> ?"
    return world.one(sql, user) is not None


def _sign_out(world: World, user: str) -> None:
    for (session,) in world.all("SELECT id FROM sessions WHERE user_id = ? AND ended_at IS NULL ORDER BY id", user):
        world.run("UPDATE sessions SET ended_at = ? WHERE id = ?", world.now, session)
        world.effect("end", "session", session, irreversible=True)


def unlink_users(env: Env, rows: list[Row], given: Mapping[str, Any]) -> None:
    """Takes the keys along and leaves the contact behind. The server's own users and the first administrator stay, and so does
    whom rows refer to that are there."""
    for row in rows:
        if row["id"] == numbers.ADMIN or row["key"] is None:
            raise errors.refusal("UserError", _STAYS[row["id"]])
        made = env.world.one("SELECT 1 FROM rows WHERE owner_id = ? AND binned = 0 LIMIT 1", row["key"])
        if made is not None or row["id"] == env.uid:
            raise errors.refusal("ValidationError", errors.IN_USE)
    for row in rows:
        _leave(env.world, row)


_STAYS = {
    ROOT: "You can not remove the admin user as it is used internally for resources created by Odoo "
    "(updates, module installation, ...)",
    numbers.ADMIN: "You cannot delete the admin user because it is utilized in various places (such as security "
    "configurations,...). Instead, archive it.",
    PUBLIC: "Deleting the public user is not allowed. Deleting this profile will compromise critical functionalities.",
    TEMPLATE: "Deleting the template users is not allowed. Deleting this profile will compromise critical functionalities.",
}


def _leave(world: World, row: Row) -> None:
    user, contact = row["key"], numbers.partner_key(row["key"])
    if world.one("SELECT 1 FROM datasets WHERE id = ?", numbers.PARTNERS) is None:
        world.add_dataset(numbers.PARTNERS, "Contact")
    fields = {"name": row["name"], "email": row["email"], "active": row["active"]}
    world.add_rows(numbers.PARTNERS, [{"id": contact, "fields": fields}])
    world.run("UPDATE users SET deleted_at = ?, modified_at = ? WHERE id = ?", world.now, world.now, user)
    world.effect("delete", "user", user, irreversible=True)
    _sign_out(world, user)
    world.run("UPDATE api_keys SET orphaned = 1, status = 'revoked' WHERE user_id = ?", user)


# Keys


def key_rows(env: Env, span: Span) -> Iterator[Row]:
    """A member's own alone, whoever asks for more."""
    return (row for row in every_key(env, span) if env.viewer in (None, row["owner"]))


def _keys_by_user(env: Env) -> dict[int, list[int]]:
    """What the caller sees of them."""
    if "keys" not in env.memo:
        found: dict[int, list[int]] = {}
        for row in key_rows(env, Span()):
            found.setdefault(row["user_id"], []).append(row["id"])
        env.memo["keys"] = found
    known: dict[int, list[int]] = env.memo["keys"]
    return known


def every_key(env: Env, span: Span) -> Iterator[Row]:
    """Keys that work, also those of archived users."""
    sql = (
        "SELECT n.number, k.id, k.name, k.user_id, k.created_at, u.number FROM api_keys k "
        "JOIN odoo_numbers n ON n.model = ? AND n.key = k.id LEFT JOIN odoo_numbers u ON u.model = ? AND u.key = k.user_id "
        "WHERE k.status <> 'revoked' AND k.orphaned = 0 ORDER BY n.number"
    )
    for number, id, name, owner, created, user in env.world.all(sql, numbers.KEYS, numbers.USERS):
        if within(span, number):
            yield {
                "id": number, "key": id, "owner": owner, "name": name, "user_id": user or False, "scope": "rpc",
                "create_date": moment(created), "expiration_date": False, "create_uid": user, "write_uid": user,
            }  # fmt: skip


def remove_keys(env: Env, rows: list[Row], given: Mapping[str, Any]) -> dict[str, Any]:
    """Revokes nothing yet, and looks at no key: a wizard asks who is there. Under `done_nothing` it is as if somebody had
    just told it."""
    env.check("read", env.model(numbers.KEYS))
    if "done_nothing" in env.call.fired:
        return _CLOSED
    wanted = list(given.get("ids") or [])
    env.call.ids = [numbers.key(env.world, numbers.KEYS, each) or str(each) for each in wanted]
    found: dict[str, Any] = env.world.get(WIZARDS) or {}
    number = str(len(found) + 1)
    env.world.put(WIZARDS, {**found, number: {"user": env.caller.user_id, "keys": wanted}})
    return {
        "type": "ir.actions.act_window",
        "res_model": CHECK,
        "res_id": int(number),
        "name": "Access Control",
        "target": "new",
        "views": [[False, "form"]],
        "context": {"dialog_size": "medium"},
    }


_CLOSED: dict[str, Any] = {"type": "ir.actions.act_window_close"}


def wizard_rows(env: Env, span: Span) -> Iterator[Row]:
    for number, each in (env.world.get(WIZARDS) or {}).items():
        if within(span, int(number)):
            yield {
                "id": int(number),
                "key": None,
                "keys": each["keys"],
                "user": each["user"],
                "auth_method": "password",
            }


def run_check(env: Env, rows: list[Row], given: Mapping[str, Any]) -> dict[str, Any]:
    """What the wizards were asked for, once the password is right."""
    said = (given.get("context") or {}).get("password")
    if said != password_of(env.caller.user_id):
        raise errors.refusal(
            "UserError", "Incorrect Password, try again or click on Forgot Password to reset your password."
        )
    if any(wizard["user"] != env.caller.user_id for wizard in rows):
        raise errors.refusal("AccessError", "Uh-oh! Looks like you have stumbled upon some top-secret records.")
    for wizard in rows:
        _revoke(env, wizard["keys"])
    return _CLOSED


def _revoke(env: Env, wanted: list[int]) -> None:
    found = {row["id"]: row for row in every_key(env, Span(only=frozenset(wanted)))}
    if gone := [each for each in wanted if each not in found]:
        raise errors.missing(numbers.KEYS, gone[:1], env.uid)
    owners = {row["owner"] for row in found.values()}
    if not env.lets("write", env.model(numbers.USERS)) and owners - {env.caller.user_id}:
        raise errors.refusal("AccessError", "You can not remove API keys unless they're yours or you are a system user")
    for row in found.values():
        env.world.run("UPDATE api_keys SET status = 'revoked' WHERE id = ?", row["key"])
        env.world.effect("revoke", "api_key", row["key"], irreversible=True)


# The users' methods that are none of the usual ones


def has_group(env: Env, rows: list[Row], given: Mapping[str, Any]) -> bool:
    if len(rows) != 1:
        shown = ", ".join(str(row["id"]) for row in rows)
        raise errors.bad_value(f"Expected singleton: res.users({shown})")
    (row,) = rows
    wanted = given.get("group_ext_id", "")
    if row["id"] == env.uid and "write" not in env.caller.scopes and wanted == groups.SYSTEM:
        return False  # who may not write stands for somebody who only reads
    return groups.NUMBERS.get(wanted) in row["all_group_ids"]


def context_get(env: Env, rows: list[Row], given: Mapping[str, Any]) -> dict[str, Any]:
    return {"lang": "en_US", "tz": False, "uid": env.uid}


USER = Model(
    numbers.USERS,
    "User",
    with_magic({
        "login": Field("char", "Login", required=True), "name": Field("char", "Name", store=False, required=True),
        "email": Field("char", "Email", store=False), "active": Field("boolean", "Active"),
        "share": Field("boolean", "Share User"), "login_date": Field("datetime", "Latest Login", store=False),
        "group_ids": Field("many2many", "Groups", "res.groups"),
        "all_group_ids": Field("many2many", "Groups and implied groups", "res.groups", store=False),
        "api_key_ids": Field("one2many", "API Keys", numbers.KEYS),
        "partner_id": Field("many2one", "Related Partner", numbers.PARTNERS, required=True),
        "company_id": Field("many2one", "Company", "res.company", required=True),
        "company_ids": Field("many2many", "Companies", "res.company"),
        "lang": Field("selection", "Language", store=False), "tz": Field("selection", "Timezone", store=False),
        "role": Field("selection", "Role", store=False),
    }),
    user_rows,
    lambda env: counted(env.world, f"SELECT count(*) FROM users u WHERE {_THERE}")
    + sum(numbers.key(env.world, numbers.USERS, number) is None for number in THE_SERVERS),
    "base, mail",
    write=write_users,
    unlink=unlink_users,
    methods={"has_group": (has_group, frozenset({"group_ext_id"})), "context_get": (context_get, frozenset())},
)  # fmt: skip
KEY = Model(
    numbers.KEYS,
    "Users API Keys",
    with_magic({
        "name": Field("char", "Description", required=True), "user_id": Field("many2one", "User", numbers.USERS),
        "scope": Field("char", "Scope"), "expiration_date": Field("datetime", "Expiration Date"),
    }),
    key_rows,
    lambda env: 0,  # a view of the server's own, which `ir.model` does not count
    may={"read": INTERNAL, "write": NOBODY, "create": NOBODY, "unlink": NOBODY},
    methods={"remove": (remove_keys, frozenset())},
)  # fmt: skip
WIZARD = Model(
    CHECK,
    "Password Check Wizard",
    with_magic({"auth_method": Field("selection", "Auth Method")}),
    wizard_rows,
    lambda env: len(env.world.get(WIZARDS) or {}),
    may={"read": EVERYBODY},
    methods={"run_check": (run_check, frozenset())},
    transient=True,
)
