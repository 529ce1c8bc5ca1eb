"""What may be done to one thing in the World, whoever the vendor is: check the rule, change the truth, note the
effect.

An act takes the World, the one who acts (None: the clock completes an accepted request), the thing's id and
parameters; it raises `Refused` before it changes anything. It decides neither who may call it nor how the answer
looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from .wire import Refused

if TYPE_CHECKING:
    from .world import World


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a key, and the user it belongs to. A `member` sees and touches only what is its own."""

    key_id: str
    key_name: str
    scopes: tuple[str, ...]
    user_id: str
    email: str
    role: str

    @property
    def viewer(self) -> str | None:
        """The user whose things alone are visible, or None when everything is."""
        return self.user_id if self.role == "member" else None


Act = Callable[["World", Caller | None, str, Mapping[str, Any]], None]


def _missing(what: str, id: str) -> Refused:
    return Refused("not_found", f"No {what} {id}.")


def _user(world: World, caller: Caller | None, id: str) -> tuple[str, str]:
    found = world.one("SELECT role, status FROM users WHERE id = ? AND deleted_at IS NULL", id)
    if found is None or (caller and caller.viewer not in (None, id)):
        raise _missing("user", id)
    return found[0], found[1]


def _guard_person(world: World, caller: Caller | None, id: str, role: str) -> None:
    if role == "owner":
        raise Refused("rejected", "The owner stays.")
    if caller is not None and caller.user_id == id:
        raise Refused("rejected", "A key cannot do this to its own user.")
    others = "role IN ('owner', 'admin') AND status = 'active' AND deleted_at IS NULL AND id <> ?"
    sql = f"SELECT 1 FROM users WHERE {others} LIMIT 1"
    if role == "admin" and world.one(sql, id) is None:
        raise Refused("rejected", "The last administrator stays.")


def _end_sessions(world: World, user: str) -> None:
    for (session,) in world.all("SELECT id FROM sessions WHERE user_id = ? AND ended_at IS NULL ORDER BY id", user):
        world.run("UPDATE sessions SET ended_at = ? WHERE id = ?", world.now, session)
        world.effect("end", "session", session, irreversible=True)


def deactivate_user(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
    role, status = _user(world, caller, id)
    _guard_person(world, caller, id, role)
    if status == "inactive":
        raise Refused("conflict", f"User {id} is inactive already.")
    world.run("UPDATE users SET status = 'inactive', modified_at = ? WHERE id = ?", world.now, id)
    world.effect("deactivate", "user", id)
    _end_sessions(world, id)


def activate_user(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
    _, status = _user(world, caller, id)
    if status == "active":
        raise Refused("conflict", f"User {id} is active already.")
    world.run("UPDATE users SET status = 'active', modified_at = ? WHERE id = ?", world.now, id)
    world.effect("activate", "user", id)


def delete_user(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
    """The keys of a deleted user stay alive, but nobody can list or revoke them any more."""
    role, _ = _user(world, caller, id)
    _guard_person(world, caller, id, role)
    heir = params.get("transfer_to")
    if heir == id:
        raise Refused("rejected", "A user cannot inherit from itself.")
    if heir is not None and world.one("SELECT 1 FROM users WHERE id = ? AND deleted_at IS NULL", heir) is None:
        raise _missing("user", heir)
    now = world.now
    world.run("UPDATE users SET deleted_at = ?, modified_at = ? WHERE id = ?", now, now, id)
    world.effect("delete", "user", id, irreversible=True)
    _end_sessions(world, id)
    world.run("UPDATE api_keys SET orphaned = 1 WHERE user_id = ?", id)
    if heir is not None:
        world.run("UPDATE rows SET owner_id = ?, modified_at = ? WHERE owner_id = ? AND binned = 0", heir, now, id)


def end_session(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
    found = world.one("SELECT user_id FROM sessions WHERE id = ? AND ended_at IS NULL", id)
    if found is None or (caller and caller.viewer not in (None, found[0])):
        raise _missing("session", id)
    world.run("UPDATE sessions SET ended_at = ? WHERE id = ?", world.now, id)
    world.effect("end", "session", id, irreversible=True)


def revoke_key(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
    found = world.one("SELECT user_id, status FROM api_keys WHERE id = ? AND orphaned = 0", id)
    if found is None or (caller and caller.viewer not in (None, found[0])):
        raise _missing("API key", id)
    if found[1] == "revoked":
        raise Refused("conflict", f"API key {id} is revoked already.")
    world.run("UPDATE api_keys SET status = 'revoked' WHERE id = ?", id)
    world.effect("revoke", "api_key", id, irreversible=True)


def _integration(world: World, id: str) -> str:
    found = world.one("SELECT status FROM integrations WHERE id = ? AND deleted_at IS NULL", id)
    if found is None:
        raise _missing("integration", id)
    return str(found[0])


def _switch_integration(to: str, verb: str) -> Act:
    def act(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
        if _integration(world, id) == to:
            raise Refused("conflict", f"Integration {id} is {to} already.")
        world.run("UPDATE integrations SET status = ? WHERE id = ?", to, id)
        world.effect(verb, "integration", id)

    return act


def delete_integration(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
    _integration(world, id)
    world.run("UPDATE integrations SET deleted_at = ? WHERE id = ?", world.now, id)
    world.effect("delete", "integration", id, irreversible=True)


def _switch_module(to: str, verb: str) -> Act:
    def act(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
        found = world.one("SELECT status, true_effect, datasets FROM modules WHERE id = ?", id)
        if found is None:
            raise _missing("module", id)
        if found[0] == to:
            raise Refused("conflict", f"Module {id} is {to} already.")
        world.run("UPDATE modules SET status = ? WHERE id = ?", to, id)
        clears = verb == "disable" and found[1] == "clears"
        world.effect(verb, "module", id, irreversible=clears)
        for dataset in msgspec.json.decode(found[2]) if clears else ():
            _clear(world, dataset)

    return act


def _clear(world: World, dataset: str) -> None:
    world.run("DELETE FROM rows WHERE dataset = ? AND binned = 0", dataset)
    world.run("DELETE FROM attachments WHERE dataset = ? AND binned = 0", dataset)
    world.run("UPDATE datasets SET live = 0, files = 0, modified_at = ? WHERE id = ?", world.now, dataset)
    world.effect("clear", "dataset", dataset, irreversible=True)


def reset_setting(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
    found = world.one("SELECT customised FROM settings WHERE id = ?", id)
    if found is None:
        raise _missing("setting", id)
    if not found[0]:
        raise Refused("conflict", f"Setting {id} is not customised.")
    world.run("UPDATE settings SET customised = 0, modified_at = ? WHERE id = ?", world.now, id)
    world.effect("reset", "setting", id, irreversible=True)


def delete_row(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
    """Moves a row and its attachments to the bin; `params` names the dataset, and says `recoverable` where the vendor
    has a way back."""
    dataset = params["dataset"]
    viewer = caller.viewer if caller else None
    mine = "" if viewer is None else " AND owner_id = ?"
    sql = f"UPDATE rows SET binned = 1 WHERE dataset = ? AND id = ? AND binned = 0{mine}"
    if not world.run(sql, dataset, id, *([] if viewer is None else [viewer])):
        raise _missing("row", id)
    files = world.run("UPDATE attachments SET binned = 1 WHERE dataset = ? AND row_id = ? AND binned = 0", dataset, id)
    world.run(
        "UPDATE datasets SET live = live - 1, binned = binned + 1, files = files - ?, modified_at = ? WHERE id = ?",
        files,
        world.now,
        dataset,
    )
    world.effect("delete", "row", f"{dataset}/{id}", irreversible=not params.get("recoverable"))


def _binned(world: World, caller: Caller | None, dataset: str, id: str) -> None:
    sql = "SELECT owner_id FROM rows WHERE dataset = ? AND id = ? AND binned = 1"
    found = world.one(sql, dataset, id)
    if found is None or (caller and caller.viewer not in (None, found[0])):
        raise _missing("row in the bin", id)


def restore_row(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
    """Takes a row and its attachments out of the bin; `params` names the dataset."""
    dataset = params["dataset"]
    _binned(world, caller, dataset, id)
    world.run("UPDATE rows SET binned = 0 WHERE dataset = ? AND id = ?", dataset, id)
    files = world.run("UPDATE attachments SET binned = 0 WHERE dataset = ? AND row_id = ?", dataset, id)
    world.count_in(dataset, live=1, binned=-1, files=files)
    world.run("UPDATE datasets SET modified_at = ? WHERE id = ?", world.now, dataset)
    world.effect("restore", "row", f"{dataset}/{id}")


def purge_row(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
    """Ends a row of the bin for good, with its attachments; `params` names the dataset."""
    dataset = params["dataset"]
    _binned(world, caller, dataset, id)
    world.run("DELETE FROM rows WHERE dataset = ? AND id = ?", dataset, id)
    world.run("DELETE FROM attachments WHERE dataset = ? AND row_id = ?", dataset, id)
    world.count_in(dataset, binned=-1)
    world.effect("purge", "row", f"{dataset}/{id}", irreversible=True)


def empty_bin(world: World, caller: Caller | None, id: str, params: Mapping[str, Any]) -> None:
    found = world.one("SELECT binned FROM datasets WHERE id = ?", id)
    if found is None:
        raise _missing("dataset", id)
    if not found[0]:
        raise Refused("conflict", f"The bin of {id} is empty already.")
    world.run("DELETE FROM rows WHERE dataset = ? AND binned = 1", id)
    world.run("DELETE FROM attachments WHERE dataset = ? AND binned = 1", id)
    world.run("UPDATE datasets SET binned = 0 WHERE id = ?", id)
    world.effect("empty", "bin", id, irreversible=True)


ACTS: dict[tuple[str, str], Act] = {
    ("user", "deactivate"): deactivate_user,
    ("user", "activate"): activate_user,
    ("user", "delete"): delete_user,
    ("session", "end"): end_session,
    ("api_key", "revoke"): revoke_key,
    ("integration", "disable"): _switch_integration("disabled", "disable"),
    ("integration", "enable"): _switch_integration("active", "enable"),
    ("integration", "delete"): delete_integration,
    ("module", "disable"): _switch_module("disabled", "disable"),
    ("module", "enable"): _switch_module("enabled", "enable"),
    ("setting", "reset"): reset_setting,
    ("row", "delete"): delete_row,
    ("row", "restore"): restore_row,
    ("row", "purge"): purge_row,
    ("bin", "empty"): empty_bin,
}


def perform(world: World, caller: Caller | None, kind: str, verb: str, id: str, params: Mapping[str, Any]) -> None:
    """One act on one thing. Raises `Refused`; a thing with an accepted request under way refuses every other act."""
    if caller is not None and (waiting := pending(world, kind, pending_id(kind, id, params))):
        raise Refused("conflict", f"A request to {waiting[0]} {id} is under way until {waiting[1]}.")
    ACTS[kind, verb](world, caller, id, params)


def accept(
    world: World, caller: Caller, kind: str, verb: str, id: str, params: Mapping[str, Any], completes_at: str
) -> None:
    """Takes an act on as a request that completes later, if its rule allows it now."""
    with world.rehearsal():
        perform(world, caller, kind, verb, id, params)
    world.run(
        "INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?)",
        kind,
        pending_id(kind, id, params),
        verb,
        msgspec.json.encode({**params, "id": id}).decode(),
        world.now,
        completes_at,
    )
    world.effect(f"accept {verb}", kind, pending_id(kind, id, params))


def pending(world: World, kind: str, id: str) -> tuple[str, str] | None:
    """The action under way on a thing and when it completes."""
    found = world.one("SELECT action, completes_at FROM pending WHERE kind = ? AND id = ?", kind, id)
    return None if found is None else (found[0], found[1])


def pending_id(kind: str, id: str, params: Mapping[str, Any]) -> str:
    return f"{params['dataset']}/{id}" if kind == "row" else id
