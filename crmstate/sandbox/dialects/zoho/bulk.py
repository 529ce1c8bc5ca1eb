"""Bulk read: a job that writes the rows of a module into one CSV in a zip, 200,000 at most, and goes on by page or token.

The trait `bulk_rows` makes jobs smaller; `no_bulk` names datasets that bulk read refuses; `bulk_refuses` names fields
(API names) that it refuses although the listing of fields shows them. A result is kept for a day.
"""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta
from typing import Any

from ... import times
from ...exchange import Call
from ...wire import Refused, Reply
from ...world import World
from . import errors, ids, jobs, layout, pages, rows, tokens

ROWS, PAGES, FIELDS = 200_000, 50, 200
KEPT = timedelta(days=1)
CREDITS = 50
STAMP = (2026, 1, 1, 0, 0, 0)


def submit(call: Call) -> Reply:
    query = call.body.get("query")
    if not isinstance(query, dict) or not isinstance(query.get("module"), dict):
        raise errors.refusal("INVALID_REQUEST")
    world, name = call.world, query["module"].get("api_name")
    module = layout.listed(world, name) if isinstance(name, str) else None
    if module is None or not module.exportable or module.dataset in world.traits.get("no_bulk", ()):
        raise errors.refusal("MODULE_NOT_SUPPORTED", "the module is not supported")
    if call.body.get("file_type", "csv") != "csv":
        raise errors.refusal(
            "INVALID_DATA", "the file type is not supported here", api_name="file_type", supported_values=["ics", "csv"]
        )
    if query.get("cvid") not in (None, layout.view_id(module)):
        raise errors.refusal("CVID_NOT_SUPPORTED", "the custom view is not supported")
    if query.get("criteria"):
        raise errors.refusal("CRITERIA_NOT_SUPPORTED", "criteria are not simulated")
    wanted = _fields(world, module, query.get("fields"))
    page = query.get("page") or 1
    most = int(world.traits.get("bulk_pages", PAGES))
    if not isinstance(page, int) or isinstance(page, bool) or page < 1:
        raise errors.refusal("INVALID_REQUEST")
    if page > most:
        raise errors.refusal("PAGE_RANGE_EXCEEDED", "the page is out of range", max_limit=most)
    last, start = _start(call, module, wanted, page, query.get("page_token"))
    job = jobs.start(
        call,
        "read",
        dataset=module.dataset,
        fields=wanted,
        asked=query.get("fields"),
        page=page if start is None else start // _size(world) + 1,
        start=(page - 1) * _size(world) if start is None else start,
        last=last,
        bound=_bound(call, module, wanted),
        viewer=pages.caller(call).viewer,
        by=pages.caller(call).user_id,
    )
    made = {"id": job["id"], "operation": "read", "state": "ADDED", **_made(world, job)}
    done = {"status": "success", "code": "ADDED_SUCCESSFULLY", "message": "Added successfully.", "details": made}
    return errors.json({"data": [done], "info": {}}, 201)


def state(call: Call, number: str) -> Reply:
    job = _job(call, number)
    if "job_vanishes" in call.fired:
        jobs.forget(call.world, job)
        job = _job(call, number)
    if "job_fails" in call.fired:
        jobs.end(call.world, job, result=None)
    elif jobs.ends(call, job, look=True):
        finish(call.world, job)
    module = layout.listed(call.world, ids.module_name(job["dataset"]))
    query: dict[str, Any] = {
        "module": {"api_name": ids.module_name(job["dataset"]), "id": ids.written(job["dataset"])},
        "page": job["page"],
    }
    if module is not None and job["asked"]:
        query["fields"] = job["asked"]
    found = {
        "id": job["id"],
        "operation": "read",
        "state": "IN PROGRESS" if job["ended"] is None else "COMPLETED" if job["result"] else "FAILURE",
        "query": query,
        **_made(call.world, job),
        "file_type": "csv",
    }
    if job["ended"] and job["result"]:
        found["result"] = job["result"]
    return errors.json({"data": [found]})


def result(call: Call, number: str) -> Reply:
    job = _job(call, number)
    kept = bool(job["ended"] and job["result"]) and times.later(job["ended"], KEPT) > call.world.now
    if not kept or "result_ends" in call.fired:
        raise errors.refusal("RESOURCE_NOT_FOUND", "the resource is not found", status=404, resource=number)
    (body,) = call.world.one("SELECT value FROM meta WHERE name = ?", f"zoho/result/{job['id']}")
    body = bytes(body)
    if "short_result" in call.fired:
        body = _shortened(body)
    if "cut_result" in call.fired:
        body = body[: len(body) * 2 // 3]
    headers = {"Content-Type": "application/zip", "Content-Disposition": f"attachment; filename={job['id']}.zip"}
    return Reply(200, body, headers)


def _shortened(body: bytes) -> bytes:
    """A valid zip whose CSV has lost its last lines."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        (name,) = archive.namelist()
        lines = list(csv.reader(io.StringIO(archive.read(name).decode(), newline="")))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines[: 1 + (len(lines) - 1) // 2])
    return zipped({name: text.getvalue().encode()})


def _job(call: Call, number: str) -> dict[str, Any]:
    job = jobs.find(call.world, "read", number) if number.isdigit() else None
    if job is None or pages.caller(call).viewer not in (None, job["by"]):
        raise errors.refusal("RESOURCE_NOT_FOUND", "the resource is not found", status=404, resource=number)
    return job


def _made(world: World, job: dict[str, Any]) -> dict[str, Any]:
    return {"created_by": pages.person(world, job["by"]), "created_time": pages.moment(job["at"])}


def _size(world: World) -> int:
    return int(world.traits.get("bulk_rows", ROWS))


def _fields(world: World, module: layout.Module, asked: Any) -> list[str]:
    """The columns: what was asked for, or everything that bulk read gives."""
    known = rows.Shape(world, module.dataset).names
    refused = {layout.NEARBY, *world.traits.get("bulk_refuses", ())}
    if not asked:
        return [name for name in known if name not in refused]
    if not isinstance(asked, list) or not all(isinstance(each, str) for each in asked):
        raise errors.refusal("INVALID_REQUEST")
    if len(asked) > FIELDS:
        raise errors.refusal("INVALID_REQUEST", f"at most {FIELDS} fields")
    for name in asked:
        if name in refused:
            raise errors.refusal("FIELD_NOT_SUPPORTED", "the field is not supported", api_name=name, module=module.name)
        if name not in known:
            raise errors.refusal("FIELD_NOT_AVAILABLE", "the field is not available")
    return ["id", *(name for name in asked if name != "id")]


def _bound(call: Call, module: layout.Module, wanted: list[str]) -> str:
    return tokens.bound(pages.caller(call).user_id, module.dataset, wanted)


def _start(
    call: Call, module: layout.Module, wanted: list[str], page: int, token: Any
) -> tuple[str | None, int | None]:
    """The World's id to go on after and how many rows lie before, where a token says so."""
    if token is None:
        return None, None
    if not isinstance(token, str) or token.count("-") != 4:
        raise errors.refusal("INVALID_REQUEST")
    try:
        number, served = tokens.read(call.world, token, _bound(call, module, wanted))
    except Refused as refused:
        raise errors.refusal("EXPIRED_VALUE" if refused.code == "EXPIRED_VALUE" else "INVALID_REQUEST") from refused
    return (None if number is None else rows.read(call.world, module.dataset, number)), served


def finish(world: World, job: dict[str, Any]) -> None:
    """The rows as they are when the job ends; none of a dataset in the trait `bulk_fails`."""
    if job["dataset"] in world.traits.get("bulk_fails", ()):
        jobs.end(world, job, result=None)
        return
    size, found, more, last = _size(world), [], False, job["last"]
    skip = job["start"] if last is None else 0
    shape = rows.Shape(world, job["dataset"])
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["Id" if name == "id" else name for name in job["fields"]])
    there = rows.every(
        world, job["dataset"], job["viewer"], last, states=rows.USUAL
    )  # whether what hides comes is not said
    for place, row in enumerate(there):
        if place < skip:
            continue
        if place >= skip + size:
            more = True
            break
        out.writerow(shape.line(row, job["fields"]))
        found.append(row[0])
    body = zipped({f"{job['id']}.csv": text.getvalue().encode()})
    world.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", f"zoho/result/{job['id']}", body)
    outcome: dict[str, Any] = {
        "page": job["page"],
        "per_page": size,
        "count": len(found),
        "download_url": f"/crm/bulk/v8/read/{job['id']}/result",
        "more_records": more,
    }
    if more:
        outcome["next_page_token"], _ = tokens.written(world, ids.written(found[-1]), job["start"] + size, job["bound"])
    jobs.end(world, job, result=outcome)


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip that is the same for the same files."""
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as out:
        for name, body in files.items():
            out.writestr(zipfile.ZipInfo(name, STAMP), body, zipfile.ZIP_DEFLATED)
    return place.getvalue()
