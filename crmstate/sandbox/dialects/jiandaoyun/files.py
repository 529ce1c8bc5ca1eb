"""The files of rows, behind signed addresses that are good for fifteen days. An address is its own permission: no key is
looked at, and the vendor gives no digest.

Source: hc.jiandaoyun.com/open/14220. The real host is another one than the API's; here it is the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from ... import times
from ...exchange import Call
from ...wire import Reply
from ...world import World

SIGNED_FOR = timedelta(days=15)


def of_row(call: Call, dataset: str, row: str) -> list[dict[str, Any]]:
    """What the upload field of a row holds."""
    sql = "SELECT id, name, size, mime FROM attachments WHERE dataset = ? AND row_id = ? AND binned = 0 ORDER BY id"
    return [
        {"name": name, "size": size, "mime": mime, "url": _address(call, dataset, id, name)}
        for id, name, size, mime in call.world.all(sql, dataset, row)
    ]


def _address(call: Call, dataset: str, id: str, name: str) -> str:
    key = base64.urlsafe_b64encode(f"{dataset}\0{id}".encode()).decode().rstrip("=")
    ends = int((times.moment(call.world.now) + SIGNED_FOR).timestamp())
    host = call.request.headers.get("host", "127.0.0.1")
    given = f"attname={quote(name, safe='')}&e={ends}&token={_signature(call.world, key, ends)}"
    return f"http://{host}/{key}?{given}"


def _signature(world: World, key: str, ends: int) -> str:
    return hmac.new(world.secret("files").encode(), f"{key}\0{ends}".encode(), hashlib.sha256).hexdigest()[:40]


def fetch(call: Call) -> Reply:
    """The bytes; 403 for a wrong or ended signature, 404 when the file (or its row) is gone."""
    given, key = dict(call.request.parameters()), call.request.path.removeprefix("/")
    ends = given.get("e", "")
    ends_at = int(ends) if ends.isascii() and ends.isdigit() and len(ends) < 12 else 0
    signed = hmac.compare_digest(given.get("token", "").encode(), _signature(call.world, key, ends_at).encode())
    if not signed or ends_at <= times.moment(call.world.now).timestamp():
        return _plain(403, "Forbidden")
    try:
        dataset, _, id = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)).decode().partition("\0")
    except (binascii.Error, ValueError):
        return _plain(404, "Not Found")
    found = call.world.one("SELECT mime, binned FROM attachments WHERE dataset = ? AND id = ?", dataset, id)
    if found is None or found[1]:
        return _plain(404, "Not Found")
    mime = found[0] if found[0] and found[0].isascii() and found[0].isprintable() else "application/octet-stream"
    return Reply(200, call.world.attachment(dataset, id), {"Content-Type": mime})


def _plain(status: int, text: str) -> Reply:
    return Reply(status, text.encode(), {"Content-Type": "text/plain"})
