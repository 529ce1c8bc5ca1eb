"""What this vendor calls apps, people, companies, objects and files, from the World's ids, and the way back."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from functools import lru_cache

from ... import hexids
from ...world import World

_API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*Obj|[A-Za-z][A-Za-z0-9_]*__c")
_WORD = re.compile(r"[A-Za-z0-9]+")
_CUSTOM = re.compile(r"object_([A-Za-z0-9]+)__c")
_USER, _CORP, _APP, _FILE = "FSUID_", "FSCID_", "FSAID_", "N_"


def app(key: str) -> str:
    """The `appId` of a key."""
    return _APP + hexids.written(key)


def corp(world: World) -> str:
    """The company's `corpId`."""
    return _CORP + hexids.written(world.tenant["id"])


def open_user(id: str) -> str:
    """A person's `openUserId`."""
    return _USER + hexids.written(id)


@lru_cache(maxsize=4096)
def number(id: str, what: str = "employee") -> int:
    """A number that is always the same for the same id."""
    return int.from_bytes(hashlib.blake2b(f"{what}/{id}".encode(), digest_size=6, person=b"fxiaoke").digest())


def employee(id: str) -> str:
    """A person's id in the CRM: a number, as text, from 1000 up."""
    return str(1000 + number(id) % 100_000_000)


def user_of(world: World, open_id: str) -> str | None:
    """The World's user behind an `openUserId`."""
    return _behind(world, open_id, _USER, "SELECT id FROM users WHERE deleted_at IS NULL")


def key_of(world: World, app_id: str) -> str | None:
    """The World's key behind an `appId`."""
    return _behind(world, app_id, _APP, "SELECT id FROM api_keys")


def user_numbered(world: World, wanted: str) -> str | None:
    """The World's user behind an employee's number."""
    everybody = world.all("SELECT id FROM users WHERE deleted_at IS NULL ORDER BY id")
    return next((id for (id,) in everybody if employee(id) == wanted), None)


def _behind(world: World, given: str, mark: str, everything: str) -> str | None:
    hex_id = given.removeprefix(mark)
    if hex_id == given:
        return None
    others = [id for (id,) in world.all(everything)] if hexids.is_other(hex_id) else ()
    found = hexids.read(hex_id, others)
    known = everything + (" AND id = ?" if "WHERE" in everything else " WHERE id = ?")
    if found is None or world.one(known, found) is None:
        return None
    return found


def api_name(world: World, dataset: str) -> str:
    """What an object is called: by the trait `api_names` (`{dataset: name}`), by its own id where that is such a name, or
    else as a custom object."""
    given = (world.traits.get("api_names") or {}).get(dataset)
    if given:
        return str(given)
    if _API_NAME.fullmatch(dataset):
        return dataset
    return f"object_{dataset if _WORD.fullmatch(dataset) else hexids.written(dataset)}__c"


def dataset_of(world: World, name: str) -> str | None:
    """The dataset that is called so."""
    given: dict[str, str] = world.traits.get("api_names") or {}
    found = [dataset for dataset, each in given.items() if each == name]
    if inner := _CUSTOM.fullmatch(name):
        found.append(inner[1])
        others = [id for (id,) in world.all("SELECT id FROM datasets")] if hexids.is_other(inner[1]) else ()
        found.append(hexids.read(inner[1], others) or "")
    for dataset in (*found, name):
        if world.one("SELECT 1 FROM datasets WHERE id = ?", dataset) and api_name(world, dataset) == name:
            return dataset
    return None


def row_of(world: World, dataset: str, given: str) -> str | None:
    """The row behind an `_id`, whether there is one or not (any more)."""
    sql = f"SELECT id FROM rows WHERE dataset = ? AND NOT {hexids.PLAIN}"
    others = [id for (id,) in world.all(sql, dataset)] if hexids.is_other(given) else ()
    return hexids.read(given, others)


def npath(dataset: str, attachment: str) -> str:
    """Where a file lies."""
    return _FILE + base64.urlsafe_b64encode(f"{dataset}\0{attachment}".encode()).decode().rstrip("=")


def file_of(given: str) -> tuple[str, str] | None:
    """Dataset and attachment behind an npath."""
    packed = given.removeprefix(_FILE)
    if packed == given:
        return None
    try:
        text = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    dataset, _, attachment = text.partition("\0")
    return dataset, attachment
