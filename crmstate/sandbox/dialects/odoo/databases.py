"""The pages about databases, which a person opens with the server's master password: a whole backup, and the end of the
database. Their statuses mislead: a refusal is a page in HTTP 200, a drop that was done is a 303, and the list goes on naming
what is gone, because the server's configuration does.
"""

from __future__ import annotations

import io
import zipfile
from html import escape
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ...exchange import Call
from ...wire import Refused, Reply
from ...world import World
from . import errors, tables

MANAGER = "/web/database/manager"
VERSION = {"version_info": [19, 0, 0, "final", 0, ""], "version": "19.0"}
_HTML = {"Content-Type": "text/html; charset=utf-8"}


def name_of(world: World) -> str:
    """The database's name: the trait `database`, else the one that the fact sheet's server has."""
    return str(world.traits.get("database", "crm"))


def gone(world: World) -> bool:
    return bool(world.get("account")["status"] == "closed")


def health(call: Call) -> Reply:
    return _json({"status": "pass"})


def version(call: Call) -> Reply:
    return _json(VERSION)


def listing(call: Call) -> Reply:
    """Names the database whether it is there or not."""
    return _json({"jsonrpc": "2.0", "id": None, "result": [name_of(call.world)]})


def backup(call: Call) -> Reply:
    """A zip with `dump.sql` and the file store; a page where it is refused."""
    given = _form(call)
    if (why := _refusal(call, given)) is not None:
        return _page(f"Database backup error: {why}")
    call.world.effect("backup", "account", call.world.get("account")["id"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as whole:
        for name, content in _contents(call.world):
            whole.writestr(zipfile.ZipInfo(name), content)
    name = f"{name_of(call.world)}_{call.world.now[:10]}.zip"
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
    }
    return Reply(200, packed.getvalue(), headers)


def _contents(world: World) -> list[tuple[str, bytes]]:
    """What is in it [g]: a dump that counts each table, a manifest, and a file a file."""
    counts = world.all("SELECT id, live FROM datasets ORDER BY id")
    dump = "".join(f"-- {tables.model_name(id).replace('.', '_')}: {live} rows\n" for id, live in counts)
    said = {"odoo_dump": "1", "db_name": name_of(world), **VERSION, "major_version": "19.0", "modules": {}}
    found = [("dump.sql", dump.encode()), ("manifest.json", msgspec.json.encode(said))]
    for number, (dataset, id) in enumerate(world.all("SELECT dataset, id FROM attachments WHERE binned = 0")):
        found.append((f"filestore/{number // 256:02x}/{number:06x}", world.attachment(dataset, id)))
    return found


def drop(call: Call) -> Reply:
    """Ends the database: 303 when it is done."""
    given = _form(call)
    if (why := _refusal(call, given)) is not None:
        return _page(f"Database deletion error: {why}")
    account: dict[str, Any] = call.world.get("account")
    call.world.put("account", {**account, "status": "closed"})
    call.world.effect("close", "account", account["id"], irreversible=True)
    return Reply(303, b"", {**_HTML, "Location": MANAGER})


def _form(call: Call) -> dict[str, str]:
    """The form, of which nothing is noted: it has the master password."""
    return dict(parse_qsl(call.request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _refusal(call: Call, given: dict[str, str]) -> str | None:
    if given.get("master_pwd") != call.world.traits.get("master_password", "admin"):
        return "Access Denied"
    if given.get("name") != name_of(call.world) or gone(call.world):
        return f"Database {given.get('name', '')!r:.100} not found"  # a guess
    return None


def _page(text: str) -> Reply:
    body = f"<!DOCTYPE html>\n<html><body><div class='alert alert-danger'>{escape(text)}</div></body></html>"
    return Reply(200, body.encode(), dict(_HTML))


def _json(found: Any) -> Reply:
    return Reply(200, msgspec.json.encode(found), {"Content-Type": "application/json; charset=utf-8"})


def there(call: Call) -> None:
    """Raises `Refused` where no database answers: it was dropped, or another one is asked for."""
    asked = call.request.headers.get("x-odoo-database")
    if gone(call.world) or (asked is not None and asked != name_of(call.world)):
        raise Refused(errors.NO_DATABASE, "")
