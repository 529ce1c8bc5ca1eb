"""Listings in the native dialect: parameters, cursors, the shape of each row, and the faults that only a listing can
have.

It reads; the one thing it changes is what the fault `shifting_listing` has somebody else do.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

import msgspec

from . import files, listings, times
from .exchange import Call
from .listings import Listing, Wanted
from .wire import Refused, Reply

COLUMNS = {
    "user": ("id", "email", "name", "role", "status", "licence", "last_login_at", "sessions", "modified_at"),
    "session": ("id", "user_id", "created_at", "agent"),
    "api_key": ("id", "name", "user_id", "prefix", "scopes", "created_at", "last_used_at", "status"),
    "integration": ("id", "type", "name", "target", "status", "last_used_at"),
    "module": ("id", "name", "status", "data_effect"),
    "setting": ("id", "name", "customised", "modified_at"),
    "dataset": ("id", "name", "rows", "attachments", "bin_rows", "exportable", "modified_at", "fields"),
    "bin": ("id", "rows"),
    "row": ("id", "owner_id", "created_at", "modified_at", "fields"),
    "attachment": ("id", "row_id", "name", "size", "mime", "sha256"),
}
_SHAPED: dict[str, Callable[[Any], Any]] = {
    "scopes": msgspec.Raw,
    "fields": msgspec.Raw,
    "customised": bool,
    "exportable": bool,
}
MOST, MOST_IDS = 1000, 100


def no_parameters(call: Call) -> None:
    if call.request.query:
        raise Refused("invalid", "This call has no parameters.")


def listing(call: Call, kind: str, dataset: str | None) -> Reply:
    """One page of a listing."""
    assert call.caller is not None
    given = _parameters(call, ("limit", "cursor", "ids", *(("modified_since", "after") if kind == "row" else ())))
    found = listings.LISTINGS[kind]
    ids = _ids(given)
    limit = _limit(given)
    asked = Wanted(
        viewer=call.caller.viewer,
        dataset=dataset,
        after=given["after"] if "after" in given else _position(call, given.get("cursor")),
        limit=_rows_shown(call, limit),
        since=_since(given),
        ids=ids,
        with_bin=kind == "row"
        and ids is not None
        and ("soft_delete" in call.fired or bool(call.world.traits.get("soft_delete"))),
    )
    page = listings.page(call.world, found, asked)
    rows = [_shape(kind, row) for row in page.rows]
    _show_pending(call, kind, dataset, rows)
    if kind == "attachment" and dataset is not None:
        for row in rows:
            row["url"] = files.address(call.world, dataset, row["id"])
    after = _strange_next(call, found, asked, limit, page.after)
    _shift(call, found, given, dataset, page.rows)
    body = {"data": rows, "next": None if after is None else _cursor(after), "total": page.total}
    return Reply(200, msgspec.json.encode(body))


def _parameters(call: Call, known: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in call.request.parameters():
        if name not in known:
            raise Refused("invalid", f"Unknown parameter {name[:100]}.")
        if name in found:
            raise Refused("invalid", f"{name} is given twice.")
        found[name] = value
    if "ids" in found and len(found) > 1 and set(found) != {"ids", "limit"}:
        raise Refused("invalid", "ids goes with no other parameter.")
    if {"after", "cursor"} <= set(found):
        raise Refused("invalid", "after begins where a cursor would go on.")
    return found


def _limit(given: dict[str, str]) -> int:
    text = given.get("limit", "100")
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= MOST:
        raise Refused("invalid", f"limit is 1 to {MOST}.")
    return int(text)


def _ids(given: dict[str, str]) -> list[str] | None:
    if "ids" not in given:
        return None
    ids = [id for id in given["ids"].split(",") if id]
    if len(ids) > MOST_IDS:
        raise Refused("invalid", f"At most {MOST_IDS} ids, not {len(ids)}.")
    return ids


def _since(given: dict[str, str]) -> str | None:
    if "modified_since" not in given:
        return None
    try:
        return times.stamp(times.moment(given["modified_since"].replace(" ", "+")))
    except (ValueError, OverflowError) as error:
        raise Refused("invalid", "modified_since is a time.") from error


def _cursor(after: str) -> str:
    return base64.urlsafe_b64encode(f"after:{after}".encode()).decode().rstrip("=")


def _position(call: Call, cursor: str | None) -> str:
    if cursor is None:
        return ""
    if "dead_cursor" in call.fired:
        raise Refused("invalid", "This cursor has ended.")
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Refused("invalid", "This cursor is not one of ours.") from error
    if not text.startswith("after:"):
        raise Refused("invalid", "This cursor is not one of ours.")
    return text.removeprefix("after:")


def _shape(kind: str, row: tuple[Any, ...]) -> dict[str, Any]:
    found = dict(zip(COLUMNS[kind], row, strict=True))
    for name in ("scopes", "fields", "customised", "exportable"):
        if name in found:
            found[name] = _SHAPED[name](found[name])
    return found


def _show_pending(call: Call, kind: str, dataset: str | None, rows: list[dict[str, Any]]) -> None:
    if not rows or call.world.one("SELECT 1 FROM pending WHERE kind = ? LIMIT 1", kind) is None:
        return
    before = f"{dataset}/" if kind == "row" else ""
    sql = "SELECT id, action, completes_at FROM pending WHERE kind = ? AND id >= ? AND id <= ?"
    found = call.world.all(sql, kind, before + rows[0]["id"], before + rows[-1]["id"])
    waiting = {id: {"action": action, "completes_at": at} for id, action, at in found}
    for row in rows:
        if (pending := waiting.get(before + row["id"])) is not None:
            row["pending"] = pending


# Faults of listings


def _rows_shown(call: Call, limit: int) -> int:
    fault = call.fired.get("wrong_page_size")
    return limit if fault is None else max(1, int(fault["size"]))


def _strange_next(call: Call, found: Listing, asked: Wanted, limit: int, after: str | None) -> str | None:
    """Where `next` leads: as it should, or where a fault makes it lead."""
    if "repeated_page" in call.fired and asked.ids is None:
        return asked.after
    fault = call.fired.get("wrong_page_size")
    if fault is None or not fault["lose"] or asked.ids is not None:
        return after
    honest = Wanted(viewer=asked.viewer, dataset=asked.dataset, after=asked.after, limit=limit, since=asked.since)
    return listings.page(call.world, found, honest).after


def _shift(call: Call, found: Listing, given: dict[str, str], dataset: str | None, rows: list[tuple[Any, ...]]) -> None:
    fault = call.fired.get("shifting_listing")
    if fault is not None and rows and "cursor" not in given and "ids" not in given:
        listings.somebody_else(call.world, found, dataset, rows[0][0], rows[-1][0], fault["how"], fault["where"])
