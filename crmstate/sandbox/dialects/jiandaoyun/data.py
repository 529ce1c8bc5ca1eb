"""The rows of a form: pages by the id of the last row, one row, and deleting one or up to a hundred.

There is no count. A page shorter than its limit is the last one. Deleted rows go to the World's bin, which no call of
this vendor shows, empties or restores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ... import acts, listings
from ...exchange import Call
from ...wire import Refused
from ...world import World
from . import body, errors, files, ids, members
from .apps import App, Field, fields_of, form_of, moment, smaller, upload_name

MOST = 100
COLUMNS = "id, owner_id, created_at, modified_at, fields"
SYSTEM = {"_id", "appId", "entryId", "creator", "updater", "createTime", "updateTime"}
THERE = "dataset = ? AND binned = 0"


def data_list(call: Call) -> dict[str, Any]:
    app, dataset = form_of(call)
    limit = body.number(call.body, "limit", 1, MOST, 10)
    after = call.body.get("data_id")
    if after is not None and not isinstance(after, str):
        raise errors.refusal(errors.BAD_PARAMETERS)
    wanted = call.body.get("fields") or []
    if not (isinstance(wanted, list) and all(isinstance(each, str) for each in wanted)):
        raise errors.refusal(errors.BAD_PARAMETERS)
    shaped = _shaper(call, app, dataset)
    keeps = _filter(call.body.get("filter"))
    start = None if "repeated_page" in call.fired else after
    found: list[tuple[str, dict[str, Any]]] = []
    while len(found) < limit and (page := _page(call.world, dataset, start, limit)):
        found += [(row[0], seen) for row in page if keeps(seen := shaped(row))]
        start = ids.written(page[-1][0])
    rows = smaller(call, found[:limit])
    fault = call.fired.get("shifting_listing")
    if fault is not None and rows and after is None:
        kind = listings.LISTINGS["row"]
        listings.somebody_else(call.world, kind, dataset, rows[0][0], rows[-1][0], fault["how"], fault["where"])
    return {"data": [_thin(seen, wanted) for _, seen in rows]}


def data_get(call: Call) -> dict[str, Any]:
    app, dataset = form_of(call)
    id = _row_id(call.world, dataset, body.text(call.body, "data_id"))
    row = call.world.one(f"SELECT {COLUMNS} FROM rows WHERE {THERE} AND id = ?", dataset, id)
    if row is None:
        raise errors.refusal(errors.NO_DATA)
    return {"data": _shaper(call, app, dataset)(row)}


def data_delete(call: Call) -> dict[str, Any]:
    _, dataset = form_of(call)
    given = body.text(call.body, "data_id")
    call.ids = [_row_id(call.world, dataset, given) or given]
    if not _deleted(call, dataset, call.ids[0], 1):
        raise errors.refusal(errors.DELETE_FAILED)
    return {"status": "success"}


def data_batch_delete(call: Call) -> dict[str, Any]:
    """What is not there any more is not counted, and not an error (a guess: the manual only says what is counted)."""
    _, dataset = form_of(call)
    given = body.texts(call.body, "data_ids")
    if len(given) > MOST:
        raise errors.refusal(errors.TOO_MANY_TO_DELETE)
    call.ids = [_row_id(call.world, dataset, each) or each for each in given]
    done = 0
    for n, id in enumerate(call.ids, 1):
        try:
            done += _deleted(call, dataset, id, n)
        except Refused:
            continue
    return {"status": "success", "success_count": done}


def _deleted(call: Call, dataset: str, id: str, n: int) -> bool:
    """Whether the n-th row of a call was deleted; 数据不存在 where there is none."""
    partial = call.fired.get("partial")
    if partial and n % partial["item"] == 0:
        return False
    try:
        acts.perform(call.world, None, "row", "delete", id, {"dataset": dataset})
    except Refused as refused:
        raise errors.refusal(errors.NO_DATA) from refused
    return True


# Ids and pages


def _others(world: World, dataset: str) -> list[str]:
    sql = f"SELECT id FROM rows WHERE {THERE} AND NOT {ids.PLAIN}"
    return [id for (id,) in world.all(sql, dataset)]


def _row_id(world: World, dataset: str, given: str) -> str | None:
    return ids.read(given, _others(world, dataset) if ids.is_other(given) else ())


def _page(world: World, dataset: str, after: str | None, limit: int) -> list[tuple[Any, ...]]:
    """The next rows in the order of the vendor's ids, after one of them: plain ones by key, then the others by digest."""
    found: list[tuple[Any, ...]] = []
    if after is None or not ids.is_other(after):
        start = "" if after is None else ids.read(after, ())
        if start is None:
            raise errors.refusal(errors.NO_DATA)
        sql = f"SELECT {COLUMNS} FROM rows WHERE {THERE} AND {ids.PLAIN} AND id > ? ORDER BY id LIMIT {limit}"
        found = world.all(sql, dataset, start)
    if len(found) < limit:
        rest = sorted((ids.written(id), id) for id in _others(world, dataset))
        sql = f"SELECT {COLUMNS} FROM rows WHERE {THERE} AND id = ?"
        wanted = [id for written, id in rest if after is None or written > after][: limit - len(found)]
        found += [world.one(sql, dataset, id) for id in wanted]
    return found


# Rows


def _shaper(call: Call, app: App, dataset: str) -> Callable[[tuple[Any, ...]], dict[str, Any]]:
    """How a row of the World looks here."""
    declared, upload = fields_of(call.world, dataset), upload_name(dataset)
    known: dict[str | None, dict[str, Any]] = {}

    def shaped(row: tuple[Any, ...]) -> dict[str, Any]:
        id, owner, created, changed, fields = row
        if owner not in known:
            known[owner] = members.person(call.world, owner)
        values = msgspec.json.decode(fields)
        own = {each.name: _value(each, values.get(each.source)) for each in declared}
        own[upload] = files.of_row(call, dataset, id)
        return {
            "_id": ids.written(id),
            "appId": ids.written(app.id),
            "entryId": ids.written(dataset),
            "creator": known[owner],
            "updater": known[owner],
            "createTime": moment(created),
            "updateTime": moment(changed),
            **own,
        }

    return shaped


def _thin(row: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    """The row with what the system says of it and the fields that are wanted. Whether an empty list thins is not known,
    so it does not."""
    return {name: value for name, value in row.items() if not wanted or name in SYSTEM or name in wanted}


def _value(field: Field, value: Any) -> Any:
    """A value of the World's in the vendor's type: times in UTC, numbers as numbers, yes and no as a choice."""
    if value is None:
        return None
    if field.kind == "datetime" and isinstance(value, str):
        return moment(value if "T" in value else f"{value}T00:00:00Z")
    if field.kind == "number" and isinstance(value, str):
        return float(value)
    if field.kind == "radiogroup" and isinstance(value, bool):
        return "是" if value else "否"
    return value


def _filter(given: Any) -> Callable[[dict[str, Any]], bool]:
    """The one condition that is understood here is `not_empty`; any other is an invalid filter."""
    if given is None:
        return lambda row: True
    conditions = given.get("cond") if isinstance(given, dict) else None
    if not isinstance(conditions, list) or given.get("rel") not in ("and", "or"):
        raise errors.refusal(errors.BAD_FILTER)
    names = [each.get("field") for each in conditions if isinstance(each, dict) and each.get("method") == "not_empty"]
    if len(names) != len(conditions):
        raise errors.refusal(errors.BAD_FILTER)
    needed = all if given["rel"] == "and" else any
    return lambda row: needed(row.get(str(name)) not in (None, "", []) for name in names)
