"""Out of the recycle bin again: some records by their ids, those that fit a filter, or all. More than a thousand, files counted
in (trait `restore_at_once`), are a job, and so is what a filter names, and all of them, however little that is.
"""

from __future__ import annotations

from typing import Any

from ... import acts
from ...exchange import Call
from ...wire import Refused, Reply
from ...world import World
from . import binned, errors, filters, ids, jobs, pages, records, rows

MOST = 200
WAYS = ("ids", "filters", "restore_all_records")
DONE, SCHEDULED = "record restored", "record has been scheduled for restoration"
NONE = "no record found to update"


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
        there = (
            filters.fitting(call, call.body["filters"]) if given[0] == "filters" else binned.listed(call.world, None)
        )
        return _all_of(call, [(dataset, id) for id, dataset, *_ in there])
    numbers = call.body["ids"]
    if not isinstance(numbers, list) or not all(isinstance(each, str) for each in numbers):
        raise errors.refusal("INVALID_DATA", api_name="ids", expected_data_type="jsonarray")
    if len(numbers) > MOST:
        raise errors.refusal("LIMIT_EXCEEDED", api_name="ids", limit=MOST)
    if _too_many(call.world, numbers):
        return _later(call, [place for number in numbers if (place := binned.place(call.world, number))])
    found = [_restored(call, number, n) for n, number in enumerate(numbers, 1)]
    if (status := records.partly(found)) == 207:
        found = [{"id": number, **each} for number, each in zip(numbers, found, strict=True)]
    return errors.json({"recycle_bin": found}, status)


def _all_of(call: Call, places: list[tuple[str, str]]) -> Reply:
    if not places:
        return errors.json({"recycle_bin": [errors.item("NO_RECORDS_FOUND", NONE)]})
    return _later(call, places)


def _too_many(world: World, numbers: list[str]) -> bool:
    there = [place for number in numbers if (place := binned.place(world, number))]
    total = sum(binned.with_files(world, *place) for place in there)
    return total > int(world.traits.get("restore_at_once", binned.AT_ONCE))


def _later(call: Call, places: list[tuple[str, str]]) -> Reply:
    """202: in a job."""
    jobs.start(call, "restore", places=places)
    call.ids = [id for _, id in places]
    done = [
        {"code": "SCHEDULED", "details": {"id": ids.written(id)}, "message": SCHEDULED, "status": "success"}
        for _, id in places[:MOST]
    ]
    return errors.json({"recycle_bin": done}, 202)


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
    binned.forget(call.world)
    for (dataset,) in call.world.all("SELECT id FROM datasets WHERE binned > 0 ORDER BY id"):
        id = rows.read(call.world, dataset, number)
        try:
            acts.perform(call.world, pages.caller(call), "row", "restore", id or "", {"dataset": dataset})
        except Refused:
            continue
        call.ids = [*(call.ids or []), str(id)]
        return errors.done(DONE, id=number)
    return errors.item("INVALID_DATA", errors.INVALID_ID, id=number)
