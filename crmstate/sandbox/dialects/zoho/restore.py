"""Out of the recycle bin again: some records by their ids, those that fit a filter, or all. More than a thousand are a job.

Of filters only the record's module and its shown name are simulated; which fields there are is described nowhere.
"""

from __future__ import annotations

from typing import Any

from ... import acts
from ...exchange import Call
from ...wire import Refused, Reply
from ...world import World
from . import bin, errors, ids, jobs, pages, records, rows

MOST, AT_ONCE = 200, 1000
WAYS = ("ids", "filters", "restore_all_records")
DONE = "record restored"


def restore_one(call: Call, number: str) -> Reply:
    found = _restored(call, number, 1)
    if found["status"] == "error":
        raise errors.refusal(found["code"], found["message"], resource_path_index=0)
    return errors.json({"recycle_bin": [found]})


def restore_many(call: Call) -> Reply:
    given = [way for way in WAYS if call.body.get(way)]
    if len(given) > 1:
        raise errors.refusal("AMBIGUITY_DURING_PROCESSING", f"only one of {', '.join(WAYS)} is to be given")
    if not given:
        raise errors.refusal("MANDATORY_NOT_FOUND", api_name="ids")
    if given[0] != "ids":
        return _all_of(call, _fitting(call, call.body.get("filters")))
    numbers = call.body["ids"]
    if not isinstance(numbers, list) or not all(isinstance(each, str) for each in numbers):
        raise errors.refusal("INVALID_DATA", api_name="ids", expected_data_type="jsonarray")
    if len(numbers) > MOST:
        raise errors.refusal("LIMIT_EXCEEDED", api_name="ids", limit=MOST)
    found = [_restored(call, number, n) for n, number in enumerate(numbers, 1)]
    if (status := records.partly(found)) == 207:
        found = [{"id": number, **each} for number, each in zip(numbers, found, strict=True)]
    return errors.json({"recycle_bin": found}, status)


def _all_of(call: Call, places: list[tuple[str, str]]) -> Reply:
    """200 when it is done at once, 202 when there is too much for that."""
    if not places:
        return errors.json({"recycle_bin": [errors.item("NO_RECORDS_FOUND", bin.NONE)]})
    if len(places) > int(call.world.traits.get("restore_at_once", AT_ONCE)) or "accepted" in call.fired:
        jobs.start(call, "restore", places=places)
        done = {"code": "SCHEDULED", "details": {}, "message": "the restoring is scheduled", "status": "success"}
        return errors.json({"recycle_bin": [done]}, 202)
    call.ids = [id for _, id in places]
    _take_out(call.world, places)
    return errors.json({"recycle_bin": [errors.done(DONE, id=ids.written(id)) for _, id in places[:MOST]]})


def finish(world: World, job: dict[str, Any]) -> None:
    _take_out(world, [(dataset, id) for dataset, id in job["places"]])
    jobs.end(world, job)


def _take_out(world: World, places: list[tuple[str, str]]) -> None:
    for dataset, id in places:
        try:
            acts.perform(world, None, "row", "restore", id, {"dataset": dataset})
        except Refused:
            continue  # somebody else was there first


def _restored(call: Call, number: str, n: int) -> dict[str, Any]:
    """How it went with one record. Ids of the World are each module's own: the first one that lies in the bin is meant."""
    partial = call.fired.get("partial")
    if partial and n % partial["item"] == 0:
        return errors.item(*errors.ITEMS[partial["code"]], id=number)
    bin.forget(call.world)
    for (dataset,) in call.world.all("SELECT id FROM datasets WHERE binned > 0 ORDER BY id"):
        id = rows.read(call.world, dataset, number)
        try:
            acts.perform(call.world, pages.caller(call), "row", "restore", id or "", {"dataset": dataset})
        except Refused:
            continue
        call.ids = [*(call.ids or []), str(id)]
        return errors.done(DONE, id=number)
    return errors.item("INVALID_DATA", errors.INVALID_ID, id=number)


def _fitting(call: Call, filters: Any) -> list[tuple[str, str]]:
    """What lies in the bin and fits all conditions: dataset and id. No filters: all of it."""
    bin.forget(call.world)
    there = bin.binned(call.world, None)
    terms = [] if filters is None else _terms(filters)
    shown = [
        ({"module": ids.module_name(where), "display_name": bin.display(fields) or ids.written(id)}, (where, id))
        for id, where, _, _, fields in there
    ]
    return [place for facts, place in shown if all(_holds(facts[name], how, value) for name, how, value in terms)]


def _terms(filters: Any) -> list[tuple[str, str, str]]:
    try:
        if filters["group_operator"] != "AND":
            raise errors.refusal("INVALID_DATA", api_name="group_operator", json_path="$.filters.group_operator")
        terms = [(each["field"]["api_name"], each["comparator"], str(each["value"])) for each in filters["group"]]
    except (KeyError, TypeError):
        raise errors.refusal("INVALID_DATA", api_name="filters", json_path="$.filters") from None
    for name, how, _ in terms:
        if name not in ("module", "display_name") or how not in ("equal", "contains"):
            raise errors.refusal("INVALID_DATA", api_name="filters", json_path="$.filters.group")
    return terms


def _holds(fact: str, how: str, value: str) -> bool:
    return fact == value if how == "equal" else value in fact
