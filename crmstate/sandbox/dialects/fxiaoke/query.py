"""`data/query`: pages of an object's records, by offset up to ten thousand and by keyset beyond.

The order is what is asked for, else the newest ids first (a guess: nothing documents it). A total is 0 unless it is asked
for in `data.find_explicit_total_num`; the two other switches that pages of the manual name do nothing here (a guess), and
with the trait `no_totals` not even that one does anything. Of the operators only GT is documented by an example; EQ, N, GTE,
LT, LTE, IN and NIN are guesses, and any other is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ... import hexids, listings
from ...exchange import Call
from ...wire import Request
from ...world import World
from . import body, errors, ids, objects, people
from .objects import Object

MOST, FARTHEST, OWN = 100, 10_000, 20
_MANY = {"IN", "NIN"}
_OPERATORS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "EQ": lambda one, values: bool(one == values[0]),
    "N": lambda one, values: bool(one != values[0]),
    "GT": lambda one, values: bool(one > values[0]),
    "GTE": lambda one, values: bool(one >= values[0]),
    "LT": lambda one, values: bool(one < values[0]),
    "LTE": lambda one, values: bool(one <= values[0]),
    "IN": lambda one, values: one in values,
    "NIN": lambda one, values: one not in values,
}


@dataclass(frozen=True)
class Condition:
    """One filter."""

    field: str
    operator: str
    values: tuple[Any, ...]

    def holds(self, record: dict[str, Any]) -> bool:
        """What a record does not have is like nothing."""
        one = record.get(self.field)
        if one is None:
            return self.operator in ("N", "NIN")
        values = [_like(one, each) for each in self.values]
        return all(type(each) is type(one) or _numbers(each, one) for each in values) and _OPERATORS[self.operator](
            one, values
        )


@dataclass(frozen=True)
class Asked:
    """What is asked for."""

    limit: int
    offset: int
    conditions: list[Condition]
    orders: list[tuple[str, bool]]
    fields: list[str]
    total: bool

    @property
    def after(self) -> str | None:
        """The id that a keyset page goes on after."""
        found = [str(each.values[0]) for each in self.conditions if (each.field, each.operator) == ("_id", "GT")]
        return max(found, default=None)

    @property
    def named(self) -> list[str] | None:
        """The ids that alone are asked for."""
        found = [each.values for each in self.conditions if each.field == "_id" and each.operator in ("EQ", "IN")]
        return [str(each) for each in found[0]] if found else None


def by_ids(request: Request) -> bool:
    """Whether a request asks for records by their ids."""
    found: Any = body.tolerant(request)
    for name in ("data", "search_query_info"):
        found = found.get(name) if isinstance(found, dict) else None
    filters = found.get("filters") if isinstance(found, dict) else None
    return isinstance(filters, list) and any(
        isinstance(each, dict) and each.get("field_name") == "_id" and each.get("operator") in ("EQ", "IN")
        for each in filters
    )


def data_query(call: Call, custom: bool) -> dict[str, Any]:
    found = objects.of_call(call, custom)
    asked = _spoilt(call, _asked(call, found))
    records = _records(call, found, asked)
    page = list(islice(records, asked.offset, asked.offset + asked.limit))
    shown = [objects.projected(each, asked.fields) for each in objects.smaller(call, page)]
    total = _total(call, found, asked) if asked.total and not call.world.traits.get("no_totals") else 0
    if page and asked.offset == 0 and asked.after is None and asked.named is None:
        _shift(call, found, page)
    return {"data": {"dataList": shown, "offset": asked.offset, "limit": asked.limit, "total": total}}


# What is asked for


def _asked(call: Call, found: Object) -> Asked:
    data = body.inner(call.body)
    info = body.inner(data, "search_query_info")
    limit = body.number(info, "limit", 1, MOST, OWN)
    offset = body.number(info, "offset", 0, None, 0)
    if offset % limit or offset > FARTHEST:
        raise errors.refusal(errors.OFFSET, "offset out of range 10000", "offset 不能超过10000")
    known = {*found.fields, *objects.SYSTEM}
    orders = [
        (_known(body.text(each, "fieldName"), known), body.flag(each, "isAsc", True))
        for each in body.objects(info, "orders")
    ]
    fields = body.texts(info, "fieldProjection") if info.get("fieldProjection") else []
    conditions = [_condition(each, known) for each in body.objects(info, "filters")]
    return Asked(limit, offset, conditions, orders, fields, body.flag(data, "find_explicit_total_num"))


def _known(name: str, known: set[str]) -> str:
    if name not in known:
        raise errors.refusal(errors.BAD_PARAMETERS, f"字段不存在: {name[:100]}")
    return name


def _condition(given: dict[str, Any], known: set[str]) -> Condition:
    operator, values = body.text(given, "operator"), given.get("field_values")
    if operator not in _OPERATORS or not isinstance(values, list) or not values:
        raise errors.refusal(errors.BAD_PARAMETERS)
    if (len(values) > 1 and operator not in _MANY) or not all(isinstance(each, str | int | float) for each in values):
        raise errors.refusal(errors.BAD_PARAMETERS)
    return Condition(_known(body.text(given, "field_name"), known), operator, tuple(values))


def _spoilt(call: Call, asked: Asked) -> Asked:
    """What faults make of it: a page that always comes again, or paging that is not heard."""
    if "no_paging" not in call.fired and "repeated_page" not in call.fired:
        return asked
    limit = OWN if "no_paging" in call.fired else asked.limit
    conditions = [each for each in asked.conditions if (each.field, each.operator) != ("_id", "GT")]
    return Asked(limit, 0, conditions, asked.orders, asked.fields, asked.total)


# Records, lazily where the order allows it


def _records(call: Call, found: Object, asked: Asked) -> Iterator[dict[str, Any]]:
    """What matches, in the order that is asked for."""
    keyset = asked.orders == [("_id", True)]
    records = _candidates(call, found, asked, asked.after if keyset else None)
    kept = (each for each in records if all(condition.holds(each) for condition in asked.conditions))
    if keyset:
        return kept
    ordered = sorted(kept, key=lambda record: str(record["_id"]), reverse=True)
    for name, up in reversed(asked.orders):
        ordered.sort(key=lambda record: _rank(record.get(name)), reverse=not up)
    return iter(ordered)


def _candidates(call: Call, found: Object, asked: Asked, after: str | None) -> Iterator[dict[str, Any]]:
    """Records in the order of their ids, at least all that match."""
    if found.dataset is None:
        yield from people.personnel(call)
        return
    shaped = objects.shaper(call.world, found)
    if asked.named is not None:
        yield from (shaped(row) for row in _by_id(call, found.dataset, asked.named))
        return
    start = after if after is not None and _readable(after) else None
    while page := _page(call, found.dataset, start):
        yield from map(shaped, page)
        start = hexids.written(page[-1][0])


def _readable(hex_id: str) -> bool:
    return hexids.read(hex_id, ()) is not None or (hexids.is_other(hex_id) and len(hex_id) == 24)


def _mine(call: Call) -> tuple[str, list[str]]:
    assert call.caller is not None
    viewer = call.caller.viewer
    return ("", []) if viewer is None else (" AND owner_id = ?", [viewer])


def _by_id(call: Call, dataset: str, wanted: list[str]) -> list[tuple[Any, ...]]:
    """Rows by their ids; what lies in the bin answers only where deleting is soft."""
    soft = "soft_delete" in call.fired or call.world.traits.get("soft_delete")
    mine, viewer = _mine(call)
    sql = f"SELECT {objects.COLUMNS} FROM rows WHERE dataset = ? AND id = ?{mine}"
    rows = [
        call.world.one(sql, dataset, ids.row_of(call.world, dataset, each), *viewer) for each in sorted(set(wanted))
    ]
    return [row for row in rows if row and (soft or not row[3])]


def _page(call: Call, dataset: str, after: str | None) -> list[tuple[Any, ...]]:
    """The next rows in the order of the vendor's ids: plain ones by key, then the others by digest."""
    world, found = call.world, []
    mine, viewer = _mine(call)
    what = f"SELECT {objects.COLUMNS} FROM rows WHERE dataset = ? AND binned = 0{mine}"
    if after is None or not hexids.is_other(after):
        start = "" if after is None else hexids.read(after, ())
        sql = f"{what} AND {hexids.PLAIN} AND id > ? ORDER BY id LIMIT {MOST}"
        found = world.all(sql, dataset, *viewer, start)
    if len(found) < MOST:
        rest = sorted(
            (hexids.written(row[0]), row) for row in world.all(f"{what} AND NOT {hexids.PLAIN}", dataset, *viewer)
        )
        found += [row for written, row in rest if after is None or written > after][: MOST - len(found)]
    return found


def _total(call: Call, found: Object, asked: Asked) -> int:
    """How many match."""
    others = [each for each in asked.conditions if (each.field, each.operator) != ("_id", "GT")]
    after = asked.after
    if found.dataset is None or others or (after is not None and not _readable(after)):
        return sum(1 for _ in _records(call, found, asked))
    return _count(call.world, found.dataset, after, *_mine(call))


def _count(world: World, dataset: str, after: str | None, mine: str, viewer: list[str]) -> int:
    what = f"FROM rows WHERE dataset = ? AND binned = 0{mine}"
    if after is None:
        return int(world.one(f"SELECT count(*) {what}", dataset, *viewer)[0])
    others = world.all(f"SELECT id {what} AND NOT {hexids.PLAIN}", dataset, *viewer)
    found = sum(1 for (id,) in others if hexids.written(id) > after)
    if not hexids.is_other(after):
        sql = f"SELECT count(*) {what} AND {hexids.PLAIN} AND id > ?"
        found += int(world.one(sql, dataset, *viewer, hexids.read(after, ()))[0])
    return found


def _shift(call: Call, found: Object, page: list[dict[str, Any]]) -> None:
    fault = call.fired.get("shifting_listing")
    if fault is None or found.dataset is None:
        return
    first, last = (ids.row_of(call.world, found.dataset, each["_id"]) or "" for each in (page[0], page[-1]))
    kind = listings.LISTINGS["row"]
    listings.somebody_else(call.world, kind, found.dataset, first, last, fault["how"], fault["where"])


# Comparing


def _like(one: Any, given: Any) -> Any:
    """A value of a filter in the type of what it is compared with: numbers and yes and no may come as text."""
    if isinstance(one, bool):
        return {"true": True, "false": False}.get(str(given).lower(), given)
    if isinstance(one, int | float) and isinstance(given, str):
        try:
            return float(given)
        except ValueError:
            return given
    return str(given) if isinstance(one, str) else given


def _numbers(*values: Any) -> bool:
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)


def _rank(given: Any) -> tuple[bool, float, str]:
    number = float(given) if isinstance(given, int | float) else 0.0
    return given is not None, number, str(given)
