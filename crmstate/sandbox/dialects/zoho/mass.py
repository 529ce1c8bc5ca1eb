"""Deleting by the hundred: up to 500 records by their ids at once, or those of a view in a job, which takes 50,000 of them.
Views go in the larger editions alone.

Whether rules run that hang on deleting is not said, and cannot be chosen here, unlike in `DELETE /{module}`.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from ... import acts
from ...exchange import Call
from ...wire import Refused, Reply
from ...world import World
from . import company, errors, jobs, layout, pages, records, rows

MOST, OF_A_VIEW = 500, 50_000
NONE = "no record found to update"
WITH_VIEWS = ("enterprise", "ultimate")


def mass_delete(call: Call, name: str) -> Reply:
    module, given = layout.module(call.world, name, resource_path_index=0), call.body
    wanted = given.get("ids")
    if wanted is None and isinstance(given.get("cvid"), str):
        return _mass_delete_view(call, module, given["cvid"])
    if not isinstance(wanted, list) or not wanted or not all(isinstance(each, str) for each in wanted):
        raise errors.refusal("MANDATORY_NOT_FOUND", api_name="ids", expected_data_type="jsonarray")
    if len(wanted) > MOST:
        raise errors.refusal("LIMIT_EXCEEDED", api_name="ids", limit=MOST)
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
    if company.edition(call.world) not in WITH_VIEWS:
        raise errors.refusal("NOT_SUPPORTED", "the view is not supported in this edition", resource_path_index=0)
    total = min(OF_A_VIEW, rows.count(call.world, module.dataset, pages.caller(call).viewer))
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
    """What of the view is there when the job ends goes to the bin."""
    gone = 0
    for row in list(islice(rows.every(world, job["dataset"], job["viewer"]), OF_A_VIEW)):
        try:
            acts.perform(world, None, "row", "delete", row[0], {"dataset": job["dataset"]})
            gone += 1
        except Refused:
            continue
    jobs.end(world, job, deleted=gone)
