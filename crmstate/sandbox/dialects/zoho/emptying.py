"""Out of the recycle bin for good: all of it, some records by their ids, or those that fit a filter.

More than a thousand at once, files counted in, are a job, and so is what a filter names, however little: 202, with
`SCHEDULED` for each record. The traits `empty_at_once` and `delete_at_once` make that fewer. A listing or a count is a look
at such jobs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import acts
from ...exchange import Call
from ...wire import Refused, Reply
from ...world import World
from . import binned, errors, filters, ids, jobs, pages, records

MOST, SHOWN = 100, 200
NOT_ADMIN = "Non admin user can't empty the recycle bin"
SCHEDULED = "record has been scheduled for deletion"
WAYS = ("filters", "ids")


def bin_empty(call: Call) -> Reply:
    """200 when it is done at once, 202 when there is too much for that. An empty bin is emptied, too (a guess)."""
    if pages.caller(call).role == "member":
        raise errors.refusal("AUTHORIZATION_FAILED", NOT_ADMIN)
    world = call.world
    found = [id for (id,) in world.all("SELECT id FROM datasets WHERE binned > 0 ORDER BY id")]
    call.ids = found
    later = call.fired.get("accepted")
    if later is not None or binned.everything(world) > int(world.traits.get("empty_at_once", binned.AT_ONCE)):
        job = jobs.start(call, "empty", datasets=found)
        for dataset in found if later is not None else ():
            acts.accept(world, pages.caller(call), "bin", "empty", dataset, {}, job["due"])
        done = {"code": "SCHEDULED", "details": {}, "message": "recycle bin empty is scheduled", "status": "success"}
        return errors.json(done, 202)
    _empty(world, found)
    return errors.json(errors.done("recyclebin is cleared"))


def finish_empty(world: World, job: dict[str, Any]) -> None:
    _empty(world, job["datasets"])
    jobs.end(world, job)


def _empty(world: World, datasets: list[str]) -> None:
    for dataset in datasets:
        try:
            acts.perform(world, None, "bin", "empty", dataset, {})
        except Refused:
            continue  # somebody else was there first


def bin_delete_many(call: Call) -> Reply:
    given = pages.parameters(call)
    used = [way for way in WAYS if given.get(way)]
    if len(used) > 1:
        both = [{"param_name": way} for way in used]
        raise errors.refusal(
            "AMBIGUITY_DURING_PROCESSING", "either filters or ids is to be given", ambiguity_due_to=both
        )
    if not used:
        raise errors.refusal(
            "EXPECTED_PARAM_MISSING", "one of the expected parameter is missing", param_names=list(WAYS)
        )
    if used == ["filters"]:
        places = [(dataset, id) for id, dataset, *_ in filters.of_query(call, given["filters"])]
        if not places:
            return errors.json({"recycle_bin": [errors.item("NO_RECORDS_FOUND", "no record found to update")]})
        call.ids = [id for _, id in places]
        jobs.start(call, "take", places=places)
        return errors.json({"recycle_bin": [_later(ids.written(id)) for _, id in places[:SHOWN]]}, 202)
    numbers = [each for each in given["ids"].split(",") if each]
    if len(numbers) > MOST:
        raise errors.refusal("LIMIT_EXCEEDED", param_name="ids", limit=MOST)
    return _taken_out(call, numbers)


def bin_delete(call: Call, number: str) -> Reply:
    return _taken_out(call, [number], alone=True)


def _taken_out(call: Call, numbers: list[str], *, alone: bool = False) -> Reply:
    """Records go for good, now or in a job."""
    world, partial = call.world, call.fired.get("partial")
    found: list[dict[str, Any]] = []
    places: list[tuple[str, str]] = []
    for n, number in enumerate(numbers, 1):
        place = binned.place(world, number, places)
        if partial and n % partial["item"] == 0:
            code, message = errors.ITEMS[partial["code"]]
            found.append(errors.item(code, message, id=number))
        elif place is None:
            found.append(errors.item("INVALID_DATA", errors.INVALID_ID, id=number))
        else:
            places.append(place)
            found.append(errors.done("record deleted", id=number))
    call.ids = [id for _, id in places] or None
    if alone and found[0]["status"] == "error":
        raise errors.refusal(found[0]["code"], found[0]["message"], resource_path_index=0)
    total = sum(binned.with_files(world, *place) for place in places)
    if places and (total > int(world.traits.get("delete_at_once", binned.AT_ONCE)) or "accepted" in call.fired):
        jobs.start(call, "take", places=places)
        found = [each if each["status"] == "error" else _later(each["details"]["id"]) for each in found]
        return errors.json({"recycle_bin": found}, 202)
    for place in places:
        binned.end(world, *place)
    if (status := records.partly(found)) == 207:
        found = [{"id": number, **each} for number, each in zip(numbers, found, strict=True)]
    return errors.json({"recycle_bin": found}, status)


def _later(number: str) -> dict[str, Any]:
    return {"code": "SCHEDULED", "details": {"id": number}, "message": SCHEDULED, "status": "success"}


def finish_take(world: World, job: dict[str, Any]) -> None:
    for dataset, id in job["places"]:
        binned.end(world, dataset, id)
    jobs.end(world, job)


def looked_at(call: Call, kind: str = "take", finish: Callable[[World, dict[str, Any]], None] = finish_take) -> None:
    """Somebody looks into the bin: jobs that were to end by then have."""
    for job in list(jobs.every(call.world, kind)):
        if jobs.ends(call, job, look=True):
            finish(call.world, job)


def counted(call: Call) -> None:
    """Somebody counts the bin, which is a look at its emptying, too."""
    looked_at(call, "empty", finish_empty)
    looked_at(call)
