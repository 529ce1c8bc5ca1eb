"""What lies deleted, listed: the deleted records of a module, and the recycle bin of the org with its count, all of it or what
fits a filter."""

from __future__ import annotations

from typing import Any

from ...exchange import Call
from ...wire import Reply
from . import binned, emptying, errors, filters, ids, layout, pages

SORTS = ("display_name", "deleted_time", "deleted_by")


def deleted(call: Call, name: str) -> Reply:
    module, given = layout.module(call.world, name, resource_path_index=0), pages.parameters(call)
    kind = given.get("type", "all")
    if kind not in ("all", "recycle", "permanent"):
        raise errors.refusal("INVALID_DATA", param_name="type")
    window = pages.Window(call, given)
    emptying.looked_at(call)
    found: list[tuple[str, str, str, str | None]] = []
    if kind != "permanent":
        found += [(id, at, "recycle", owner) for id, _, at, owner, _ in binned.listed(call.world, module.dataset)]
    if kind != "recycle":
        found += [(id, at, "permanent", None) for id, at in binned.purged(call.world, module.dataset)]
    shown, info = pages.paged(call, "data", found, window)
    data = [
        {
            "id": ids.written(id),
            "type": state,
            "deleted_time": pages.moment(at),
            "deleted_by": pages.person(call.world, None),
            "created_by": pages.person(call.world, owner),
            "display_name": ids.written(id),
        }
        for id, at, state, owner in shown
    ]
    return pages.listing(call, "data", data, info)


def bin_list(call: Call) -> Reply:
    given = pages.parameters(call)
    window = pages.Window(call, given)
    emptying.looked_at(call)
    found = [_record(call, each) for each in _wanted(call, given)]
    if "ids" in given:
        wanted = set(given["ids"].split(","))
        found = [each for each in found if each["id"] in wanted]
    by, order = given.get("sort_by", "deleted_time"), given.get("sort_order", "desc")
    if by not in SORTS or order not in ("asc", "desc"):
        raise errors.refusal("INVALID_DATA", param_name="sort_by" if by not in SORTS else "sort_order")
    found.sort(key=lambda each: str(each[by]), reverse=order == "desc")
    shown, info = pages.paged(call, "recycle_bin", found, window)
    return pages.listing(call, "recycle_bin", shown, info)


def bin_get(call: Call, number: str) -> Reply:
    """One record."""
    emptying.looked_at(call)
    found = next((each for each in binned.listed(call.world, None) if ids.written(each[0]) == number), None)
    if found is None:
        raise errors.refusal("INVALID_DATA", errors.INVALID_ID, resource_path_index=0)
    info = {"per_page": pages.MOST, "count": 1, "page": 1, "more_records": False}
    return errors.json({"recycle_bin": [_record(call, found)], "info": info})


def bin_count(call: Call) -> Reply:
    emptying.counted(call)
    count = len(_wanted(call, pages.parameters(call)))
    return errors.json({"count": 0 if "hollow" in call.fired else count})


def _wanted(call: Call, given: dict[str, str]) -> list[binned.Binned]:
    if "filters" in given:
        return list(filters.of_query(call, given["filters"]))
    return binned.listed(call.world, None)


def _record(call: Call, found: binned.Binned) -> dict[str, Any]:
    id, dataset, at, owner, fields = found
    return {
        "id": ids.written(id),
        "display_name": binned.display(fields) or ids.written(id),
        "module": {"api_name": ids.module_name(dataset), "id": ids.written(dataset)},
        "owner": pages.person(call.world, owner),
        "deleted_by": pages.person(call.world, None),
        "deleted_time": pages.moment(at),
    }
