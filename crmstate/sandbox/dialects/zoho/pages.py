"""What listings share: parameters, page numbers, `info`, who a row names, and the faults that only a listing can have.

204 with no body is a listing without rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from ... import listings
from ...acts import Caller
from ...exchange import Call
from ...wire import Reply
from ...world import World
from . import errors, ids

MOST = 200
T = TypeVar("T")


def parameters(call: Call) -> dict[str, str]:
    return dict(call.request.parameters())


def caller(call: Call) -> Caller:
    assert call.caller is not None
    return call.caller


def whole(given: dict[str, str], name: str, otherwise: int, most: int) -> int:
    """A whole number of the query, from 1 to `most`."""
    text = given.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit()) or not text.strip("0"):
        raise errors.refusal("INVALID_DATA", param_name=name, expected_data_type="integer")
    if len(text) > 9 or int(text) > most:
        raise errors.refusal("LIMIT_EXCEEDED", param_name=name, limit=most)
    return int(text)


class Window:
    """Which rows of a listing a page is: `start` of them left out, at most `size` after that."""

    def __init__(self, call: Call, given: dict[str, str], most: int = MOST) -> None:
        self.page = whole(given, "page", 1, 10**8)
        self.per_page = whole(given, "per_page", most, most)
        self.stuck = "repeated_page" in call.fired
        fault = call.fired.get("wrong_page_size")
        self.size = min(self.per_page, max(1, int(fault["size"]))) if fault else self.per_page
        step = self.per_page if fault is None or fault["lose"] else self.size
        self.step = step
        self.start = 0 if self.stuck else (self.page - 1) * step

    def info(self, count: int, more: bool) -> dict[str, Any]:
        return {"per_page": self.step, "count": count, "page": self.page, "more_records": more or self.stuck}


def paged(call: Call, name: str, rows: Sequence[T], window: Window) -> tuple[list[T], dict[str, Any]]:
    """The page of a listing that is there as a whole, and its `info`."""
    shown = list(rows[window.start : window.start + window.size])
    return shown, window.info(len(shown), len(rows) > window.start + window.step)


def listing(call: Call, name: str, rows: list[dict[str, Any]], info: dict[str, Any] | None) -> Reply:
    """The rows and their `info`, or 204 when there are none."""
    if not rows or "hollow" in call.fired:
        return errors.nothing()
    return errors.json({name: rows} if info is None else {name: rows, "info": info})


def shift(call: Call, kind: str, dataset: str | None, first_page: bool, shown: Sequence[str]) -> None:
    """Somebody else changes a listing whose first page went out, where a fault asks for it; `shown` are World ids."""
    fault = call.fired.get("shifting_listing")
    if fault is not None and first_page and shown:
        known = listings.LISTINGS[kind]
        ends = min(shown), max(shown)
        listings.somebody_else(call.world, known, dataset, *ends, fault["how"], fault["where"])


def person(world: World, id: str | None, email: bool = False) -> dict[str, Any]:
    """A user as rows name it; nobody's rows are the owner's."""
    row = world.one("SELECT id, name, email FROM users WHERE id = ?", id) or world.one(
        "SELECT id, name, email FROM users WHERE role = 'owner' ORDER BY id LIMIT 1"
    )
    if row is None:
        return {"name": "", "id": ids.written("nobody")}
    return {"name": row[1], "id": ids.written(row[0]), **({"email": row[2]} if email else {})}


def moment(time: str) -> str:
    """A time of the World's as the vendor writes it, with an offset."""
    return f"{time.removesuffix('Z')}+00:00"
