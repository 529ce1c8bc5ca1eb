"""Attachments' bytes behind signed addresses, in the native dialect. An address is its own permission: no token is
looked at.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from urllib.parse import quote

from . import times
from .exchange import Call
from .wire import Refused, Reply
from .world import World

SIGNED_FOR = timedelta(seconds=900)


def address(world: World, dataset: str, id: str) -> str:
    """The relative address of an attachment's bytes, good for `SIGNED_FOR`."""
    ends = times.later(world.now, SIGNED_FOR)
    place = f"/v1/files/{quote(dataset, safe='')}/{quote(id, safe='')}"
    return f"{place}?expires={quote(ends)}&signature={_signature(world, dataset, id, ends)}"


def _signature(world: World, dataset: str, id: str, ends: str) -> str:
    key = world.secret("files").encode()
    return hmac.new(key, f"{dataset}\0{id}\0{ends}".encode(), hashlib.sha256).hexdigest()[:40]


def fetch(call: Call, dataset: str, id: str) -> Reply:
    """The bytes; 403 for a wrong or ended signature, 404 when the file (or its row) is gone."""
    given = dict(call.request.parameters())
    ends = given.get("expires", "")
    if not hmac.compare_digest(given.get("signature", "").encode(), _signature(call.world, dataset, id, ends).encode()):
        raise Refused("forbidden", "The signature of this address is wrong.")
    if ends <= call.world.now:
        raise Refused("forbidden", f"This address ended at {ends}.")
    found = call.world.one("SELECT mime, binned FROM attachments WHERE dataset = ? AND id = ?", dataset, id)
    if found is None or found[1]:
        raise Refused("not_found", "This file is gone.")
    mime = found[0] if found[0] and found[0].isascii() and found[0].isprintable() else "application/octet-stream"
    return Reply(200, call.world.attachment(dataset, id), {"Content-Type": mime})
