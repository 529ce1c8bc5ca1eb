"""What lies deleted: the list of a module's deleted records, the recycle bin of the org, and deleting by the hundred or all
at once.

A record lies in the bin for 60 days. Emptying more than a thousand is a job, as is deleting a whole view; `jobs` says
when such a job ends.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from ... import acts, times
from ...exchange import Call
from ...wire import Refused, Reply
from ...world import World
from . import errors, ids, jobs, layout, pages, records, rows

KEPT, AT_ONCE, MASS = timedelta(days=60), 1000, 500
NONE = "no record found to update"


def deleted(call: Call, name: str) -> Reply:
    module, given = layout.module(call.world, name, resource_path_index=0), pages.parameters(call)
    kind = given.get("type", "all")
    if kind not in ("all", "recycle", "permanent"):
        raise errors.refusal("INVALID_DATA", param_name="type")
    window = pages.Window(call, given)
    forget(call.world)
    found: list[tuple[str, str, str, str | None]] = []
    if kind != "permanent":
        found += [(id, at, "recycle", owner) for id, _, at, owner, _ in binned(call.world, module.dataset)]
    if kind != "recycle":
        found += [(id, at, "permanent", None) for id, at in _purged(call.world, module.dataset)]
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


def mass_delete(call: Call, name: str) -> Reply:
    module, given = layout.module(call.world, name, resource_path_index=0), call.body
    wanted = given.get("ids")
    if wanted is None and isinstance(given.get("cvid"), str):
        return _mass_delete_view(call, module, given["cvid"])
    if not isinstance(wanted, list) or not wanted or not all(isinstance(each, str) for each in wanted):
        raise errors.refusal("MANDATORY_NOT_FOUND", api_name="ids", expected_data_type="jsonarray")
    if len(wanted) > MASS:
        raise errors.refusal("LIMIT_EXCEEDED", api_name="ids", limit=MASS)
    call.ids = [rows.read(call.world, module.dataset, number) or number for number in wanted]
    found = [
        records.delete(call, module.dataset, id, number, n, "record is deleted")
        for n, (id, number) in enumerate(zip(call.ids, wanted, strict=True), 1)
    ]
    return errors.json({"data": found}, 207 if any(each["status"] == "error" for each in found) else 200)


def _mass_delete_view(call: Call, module: layout.Module, view: str) -> Reply:
    if view != layout.view_id(module):
        raise errors.refusal(
            "INVALID_DATA", "the cvid given seems to be invalid", api_name="cvid", json_path="$.cvid", id=view
        )
    total = rows.count(call.world, module.dataset, pages.caller(call).viewer)
    if not total:
        raise errors.refusal("NO_RECORDS_FOUND", NONE)
    job = jobs.start(call, "mass", dataset=module.dataset, total=total, viewer=pages.caller(call).viewer)
    return errors.json({"data": [errors.done("mass delete scheduled successfully", job_id=job["id"])]})


def mass_state(call: Call, name: str) -> Reply:
    module, given = layout.module(call.world, name, resource_path_index=0), pages.parameters(call)
    if "job_id" not in given:
        raise errors.refusal("MANDATORY_NOT_FOUND", "mandatory param missing", param_name="job_id")
    job = jobs.find(call.world, "mass", given["job_id"])
    if job is None or job["dataset"] != module.dataset:
        raise errors.refusal("INVALID_DATA", "The jobid given seems to be invalid", param_name="job_id")
    if jobs.ends(call, job, look=True):
        finish_mass(call.world, job)
    ended = job["ended"] is not None
    counts = {"Total_Count": job["total"], "Deleted_Count": job["deleted"] if ended else 0, "Failed_Count": 0}
    return errors.json({"data": [{"Status": "COMPLETED" if ended else "RUNNING", **counts}]})


def finish_mass(world: World, job: dict[str, Any]) -> None:
    """Every record of the view that is there when the job ends goes to the bin."""
    gone = 0
    for row in list(rows.every(world, job["dataset"], job["viewer"])):
        try:
            acts.perform(world, None, "row", "delete", row[0], {"dataset": job["dataset"]})
            gone += 1
        except Refused:
            continue
    jobs.end(world, job, deleted=gone)


# The bin


def bin_list(call: Call) -> Reply:
    window = pages.Window(call, pages.parameters(call))
    forget(call.world)
    found = binned(call.world, None)
    shown, info = pages.paged(call, "recycle_bin", found, window)
    boss = pages.person(call.world, None)
    data = [
        {
            "id": ids.written(id),
            "display_name": display(fields) or ids.written(id),
            "module": ids.module_name(dataset),
            "owner": pages.person(call.world, owner),
            "deleted_by": boss,
            "deleted_time": pages.moment(at),
        }
        for id, dataset, at, owner, fields in shown
    ]
    return pages.listing(call, "recycle_bin", data, info)


def bin_count(call: Call) -> Reply:
    for job in list(jobs.every(call.world, "empty")):
        if jobs.ends(call, job, look=True):
            finish_empty(call.world, job)
    forget(call.world)
    count = call.world.one("SELECT coalesce(sum(binned), 0) FROM datasets")[0]
    return errors.json({"count": 0 if "hollow" in call.fired else count})


def bin_empty(call: Call) -> Reply:
    """200 when it is done at once, 202 when there is too much for that. An empty bin is emptied, too (a guess)."""
    world = call.world
    found = [id for (id,) in world.all("SELECT id FROM datasets WHERE binned > 0 ORDER BY id")]
    call.ids = found
    total = int(world.one("SELECT coalesce(sum(binned), 0) FROM datasets")[0])
    later = call.fired.get("accepted")
    if total > int(world.traits.get("empty_at_once", AT_ONCE)) or later is not None:
        job = jobs.start(call, "empty", datasets=found)
        for dataset in found if later is not None else ():
            acts.accept(world, pages.caller(call), "bin", "empty", dataset, {}, job["due"])
        done = {"code": "SCHEDULED", "details": {}, "message": "recycle bin empty is scheduled", "status": "success"}
        return errors.json(done, 202)
    _empty(world, found)
    return errors.json(errors.done("recycle bin emptied"))


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
    text = given.get("ids")
    if not text:
        raise errors.refusal("REQUIRED_PARAM_MISSING", param_name="ids")
    numbers = [each for each in text.split(",") if each]
    if len(numbers) > MASS:
        raise errors.refusal("LIMIT_EXCEEDED", param_name="ids", limit=MASS)
    found = [_purge(call, number, n) for n, number in enumerate(numbers, 1)]
    if (status := records.partly(found)) == 207:
        found = [{"id": number, **each} for number, each in zip(numbers, found, strict=True)]
    return errors.json({"recycle_bin": found}, status)


def bin_delete(call: Call, number: str) -> Reply:
    found = _purge(call, number, 1)
    if found["status"] == "error":
        raise errors.refusal(found["code"], found["message"], resource_path_index=0)
    return errors.json({"recycle_bin": [found]})


def _purge(call: Call, number: str, n: int) -> dict[str, Any]:
    """A record goes for good. Ids of the World are each module's own: the first one that lies in the bin is meant."""
    partial = call.fired.get("partial")
    if partial and n % partial["item"] == 0:
        code, message = errors.ITEMS[partial["code"]]
        return errors.item(code, message, id=number)
    world = call.world
    for dataset in [id for (id,) in world.all("SELECT id FROM datasets WHERE binned > 0 ORDER BY id")]:
        id = rows.read(world, dataset, number)
        if id is not None and _purge_row(world, dataset, id):
            call.ids = [*(call.ids or []), id]
            return errors.done("record deleted", id=number)
    return errors.item("INVALID_DATA", errors.INVALID_ID, id=number)


def _purge_row(world: World, dataset: str, id: str) -> bool:
    if not world.run("DELETE FROM rows WHERE dataset = ? AND id = ? AND binned = 1", dataset, id):
        return False
    world.run("DELETE FROM attachments WHERE dataset = ? AND row_id = ? AND binned = 1", dataset, id)
    world.count_in(dataset, binned=-1)
    world.effect("purge", "row", f"{dataset}/{id}", irreversible=True)
    return True


def forget(world: World) -> None:
    """What lies in the bin longer than it is kept goes by itself. Rows that lay there from the beginning stay."""
    since = times.stamp(times.moment(world.now) - KEPT)
    sql = "SELECT DISTINCT id FROM effects WHERE kind = 'row' AND verb = 'delete' AND at < ?"
    if not world.one("SELECT 1 FROM datasets WHERE binned > 0 LIMIT 1"):
        return
    for (place,) in world.all(sql, since):
        dataset, _, id = place.partition("/")
        _purge_row(world, dataset, id)


def binned(world: World, dataset: str | None) -> list[tuple[str, str, str, str | None, str]]:
    """What lies in the bin: id, dataset, when it was deleted (when it was changed, where nobody saw it), owner, fields."""
    where = "binned = 1" if dataset is None else "binned = 1 AND dataset = ?"
    sql = f"SELECT id, dataset, modified_at, owner_id, fields FROM rows WHERE {where} ORDER BY dataset, id"
    found = world.all(sql, *(() if dataset is None else (dataset,)))
    if not found:
        return []
    seen = dict(world.all("SELECT id, max(at) FROM effects WHERE kind = 'row' AND verb = 'delete' GROUP BY id"))
    return [(id, where, seen.get(f"{where}/{id}", at), owner, fields) for id, where, at, owner, fields in found]


def _purged(world: World, dataset: str) -> list[tuple[str, str]]:
    """What was deleted here and is in no bin any more."""
    sql = "SELECT id, max(at) FROM effects WHERE kind = 'row' AND verb = 'delete' GROUP BY id ORDER BY id"
    left = {id for (id,) in world.all("SELECT id FROM rows WHERE dataset = ?", dataset)}
    found = [(place.partition("/")[2], at) for place, at in world.all(sql) if place.partition("/")[0] == dataset]
    return [(id, at) for id, at in found if id not in left]


def display(fields: str) -> str:
    values = msgspec.json.decode(fields)
    return str(next((value for value in values.values() if isinstance(value, str) and value), ""))[:500]
