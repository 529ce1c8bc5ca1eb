"""What is really so in a World, for tests and for `sandbox world`: state, log and effects. It changes nothing and
shows no secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from .world import World

_TABLES: dict[str, tuple[str, ...]] = {
    "users": ("id", "email", "name", "role", "status", "licence", "last_login_at", "modified_at", "deleted_at"),
    "sessions": ("id", "user_id", "created_at", "agent", "ended_at"),
    "api_keys": ("id", "name", "user_id", "prefix", "scopes", "created_at", "last_used_at", "status", "orphaned"),
    "integrations": ("id", "type", "name", "target", "status", "last_used_at", "deleted_at"),
    "modules": ("id", "name", "status", "data_effect", "true_effect", "datasets"),
    "settings": ("id", "name", "customised", "modified_at"),
    "datasets": ("id", "name", "exportable", "modified_at", "fields", "live", "binned", "files"),
    "pending": ("kind", "id", "action", "params", "requested_at", "completes_at"),
}
_JSON = {"scopes", "datasets", "fields", "params", "ids"}
_BOOL = {"orphaned", "customised", "exportable", "irreversible"}
_RENAMED = {"live": "rows", "binned": "bin_rows", "files": "attachments"}


def truth(world: World, *, log: bool) -> dict[str, Any]:
    """See `World.truth`. Every table in one consistent moment; ended and deleted things are in it, with when they
    ended.
    """
    with world.transaction():
        found: dict[str, Any] = {
            name: world.get(name) for name in ("now", "tenant", "subscription", "account", "traits")
        }
        for table, columns in _TABLES.items():
            order = "kind, id" if table == "pending" else "id"
            rows = world.all(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}")
            found[table] = [_shape(columns, row) for row in rows]
        found["effects"] = world.one("SELECT count(*) FROM effects")[0]
        found["requests"] = world.one("SELECT count(*) FROM requests")[0]
        if log:
            found["log"] = _log(world, 0)
    return found


def log(world: World, since: int) -> list[dict[str, Any]]:
    with world.transaction():
        return _log(world, since)


def _log(world: World, since: int) -> list[dict[str, Any]]:
    happened: dict[int, list[list[str]]] = {}
    for seq, verb, kind, id in world.all("SELECT seq, verb, kind, id FROM effects WHERE seq > ? ORDER BY n", since):
        happened.setdefault(seq, []).append([verb, kind, id])
    columns = ("seq", "at", "method", "target", "key_id", "ids", "body", "status", "fault")
    rows = world.all(f"SELECT {', '.join(columns)} FROM requests WHERE seq > ? ORDER BY seq", since)
    return [{**_shape(columns, row), "effects": happened.get(row[0], [])} for row in rows]


def effects(world: World, verb: str | None, kind: str | None, id: str | None) -> list[dict[str, Any]]:
    columns = ("seq", "at", "verb", "kind", "id", "irreversible")
    wanted = {"verb": verb, "kind": kind, "id": id}
    given = {name: value for name, value in wanted.items() if value is not None}
    where = " AND ".join(f"{name} = ?" for name in given) or "1"
    rows = world.all(f"SELECT {', '.join(columns)} FROM effects WHERE {where} ORDER BY n", *given.values())
    return [_shape(columns, row) for row in rows]


def _shape(columns: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in zip(columns, row, strict=True):
        if name in _JSON and value is not None:
            value = msgspec.json.decode(value)
        elif name in _BOOL:
            value = bool(value)
        found[_RENAMED.get(name, name)] = value
    return found
