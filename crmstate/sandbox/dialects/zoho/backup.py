"""The backup of the whole account, rows and files: a job for administrators, two a month, none in the free edition (which
is unconfirmed). Its zips are fetched at an address of their own (here on the same host), for seven days.

What the files inside are called is a guess. The traits `backup_files` and `backup_modules` say how many attachments and
modules go into one zip. A backup on a schedule stands in the way of another one until it is cancelled; what it makes in its
time is not simulated.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

from ... import times
from ...exchange import Call
from ...wire import Reply
from ...world import World
from . import bulk, company, errors, ids, jobs, pages, people, rows, scopes

A_MONTH, IN_ULTIMATE = 2, 4
LIVE = timedelta(days=7)
FILES = 1000
DOWNLOAD = re.compile(r"/v2/crm/(\d+)/backup/(\d+)/((?:Data|Attachments)_\d{3}\.zip)")
FILES_SCOPE = "ZohoFiles.files.ALL"


def create(call: Call) -> Reply:
    _administers(call)
    world = call.world
    given = call.body.get("backup")
    if given is not None and not isinstance(given, dict):
        raise errors.refusal("INVALID_DATA", api_name="backup", json_path="$.backup")
    made = list(jobs.every(world, "backup"))
    running = next((job for job in made if job["ended"] is None), None)
    if running is not None:
        code = "BACKUP_ALREADY_SCHEDULED" if running["rrule"] else "INPROGRESS"
        return _refused(code, "a backup is scheduled or under way already", running["id"])
    edition = company.edition(world)
    if edition == "free":
        raise errors.refusal("NO_PERMISSION", permissions=["Crm_Implied_Backup"])
    most = int(world.traits.get("backups_a_month", IN_ULTIMATE if edition == "ultimate" else A_MONTH))
    this_month = [job for job in made if job["at"][:7] == world.now[:7] and not job.get("cancelled")]
    if len(this_month) >= most:
        return _refused("LIMIT_EXCEEDED", "the backups of this month are used up", made[-1]["id"])
    job = jobs.start(call, "backup", by=pages.caller(call).user_id, rrule=(given or {}).get("rrule"))
    return errors.json({"backup": errors.done("backup scheduled", id=job["id"])})


def _refused(code: str, message: str, id: str) -> Reply:
    return errors.json({"backup": errors.item(code, message, id=id)}, 400)


def state(call: Call) -> Reply:
    _administers(call)
    job = _last(call, look=True)
    if job is None:
        return errors.nothing()
    found = {
        "id": job["id"],
        "rrule": job["rrule"],
        "start_date": pages.moment(job["at"]),
        "scheduled_date": pages.moment(job["at"]),
        "status": _status(job),
        "requester": _requester(call.world, job),
    }
    return errors.json({"backup": found})


def history(call: Call) -> Reply:
    _administers(call)
    made = list(jobs.every(call.world, "backup"))
    shown, info = pages.paged(call, "history", made, pages.Window(call, pages.parameters(call)))
    found = [
        {
            "id": job["id"],
            "log_time": pages.moment(job["ended"] or job["at"]),
            "action": "cancelled" if job.get("cancelled") else "created",
            "repeat_type": None,
            "count": len(job.get("files", ())),
            "file_name": next(iter(job.get("files", ())), None),
            "state": _status(job),
            "done_by": _requester(call.world, job),
        }
        for job in shown
    ]
    return pages.listing(call, "history", found, info)


def urls(call: Call) -> Reply:
    """Links while they live, else 204."""
    _administers(call)
    job = _last(call, look=True)
    if job is None or not job.get("files") or "hollow" in call.fired:
        return errors.nothing()
    ends = times.later(job["ended"], LIVE)
    if ends <= call.world.now:
        return errors.nothing()
    host = f"{call.request.scheme}://{call.request.headers.get('host', '127.0.0.1')}"
    base = f"{host}/v2/crm/{company.zgid(call.world)}/backup/{job['id']}"
    links = {
        "data_links": [f"{base}/{name}" for name in job["files"] if name.startswith("Data")],
        "attachment_links": [f"{base}/{name}" for name in job["files"] if name.startswith("Attachments")],
        "expiry_date": pages.moment(ends),
    }
    return errors.json({"urls": links})


def cancel(call: Call, number: str) -> Reply:
    _administers(call)
    job = jobs.find(call.world, "backup", number)
    if job is None:
        raise errors.refusal("RESOURCE_NOT_FOUND", "the resource is not found")
    if job["ended"] is not None:
        return _refused("ALREADY_CANCELLED", "the backup is over already", number)
    jobs.end(call.world, job, cancelled=True, files=[])
    return errors.json({"backup": errors.done("backup cancelled", id=number)})


def download(call: Call, path: str) -> Reply:
    """One of the zips. A wrong address or one that has ended is a plain 404 (a guess)."""
    scopes.check(pages.caller(call), FILES_SCOPE)
    _administers(call)
    found = DOWNLOAD.fullmatch(path)
    job = jobs.find(call.world, "backup", found[2]) if found and found[1] == company.zgid(call.world) else None
    live = job is not None and job["ended"] is not None and times.later(job["ended"], LIVE) > call.world.now
    if found is None or job is None or not live or found[3] not in job["files"]:
        return Reply(404, b"Not Found", {"Content-Type": "text/plain"})
    (body,) = call.world.one("SELECT value FROM meta WHERE name = ?", f"zoho/backup/{job['id']}/{found[3]}")
    body = bytes(body)
    if "cut_result" in call.fired:
        body = body[: len(body) * 2 // 3]
    return Reply(200, body, {"Content-Type": "application/zip"})


def _last(call: Call, *, look: bool) -> dict[str, Any] | None:
    made = list(jobs.every(call.world, "backup"))
    if made and "job_vanishes" in call.fired:
        jobs.forget(call.world, made.pop())
    if made and "job_fails" in call.fired:
        jobs.end(call.world, made[-1], failed=True, files=[])
    elif made and not made[-1]["rrule"] and jobs.ends(call, made[-1], look=look):
        finish(call.world, made[-1])
    return made[-1] if made else None


def finish(world: World, job: dict[str, Any]) -> None:
    """Everything as it is when the job ends: a CSV a module, and the files with a list of them."""
    data = _data(world)
    modules = int(world.traits.get("backup_modules", 0)) or max(1, len(data))
    files = {
        f"Data_{number:03}.zip": bulk.zipped({f"{name}.csv": body for name, body in data[start : start + modules]})
        for number, start in enumerate(range(0, max(1, len(data)), modules), 1)
    }
    rows_of = world.all("SELECT dataset, id, row_id, name FROM attachments WHERE binned = 0 ORDER BY dataset, id")
    at_once = int(world.traits.get("backup_files", FILES))
    links = world.traits.get("links", {})
    there = [each for each in rows_of if each[1] not in links]
    for number, start in enumerate(range(0, len(there), at_once), 1):
        files[f"Attachments_{number:03}.zip"] = _attachments(world, there[start : start + at_once])
    for name, body in files.items():
        world.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", f"zoho/backup/{job['id']}/{name}", body)
    jobs.end(world, job, files=sorted(files, key=lambda name: (not name.startswith("Data"), name)))


def _data(world: World) -> list[tuple[str, bytes]]:
    found = []
    for (dataset,) in world.all("SELECT id FROM datasets WHERE exportable = 1 ORDER BY id"):
        shape, text = rows.Shape(world, dataset), io.StringIO()
        out = csv.writer(text, lineterminator="\n")
        out.writerow(["Id", *shape.names[1:]])
        out.writerows(shape.line(row, shape.names) for row in rows.every(world, dataset, None))
        found.append((f"{ids.module_name(dataset)}_001", text.getvalue().encode()))
    return found


def _attachments(world: World, there: list[tuple[str, str, str, str]]) -> bytes:
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["Id", "Parent_Id", "Module", "File_Name"])
    files: dict[str, bytes] = {}
    for dataset, id, row, name in there:
        out.writerow([ids.written(id), ids.written(row), ids.module_name(dataset), name])
        files[f"Attachments/{ids.written(id)}"] = world.attachment(dataset, id)
    return bulk.zipped({"Attachments.csv": text.getvalue().encode(), **files})


def _status(job: dict[str, Any]) -> str:
    """Which words the vendor has for these states is not documented."""
    if job.get("cancelled"):
        return "CANCELLED"
    if job.get("failed"):
        return "FAILED"
    return "COMPLETED" if job["ended"] else "SCHEDULED" if job["rrule"] else "IN PROGRESS"


def _requester(world: World, job: dict[str, Any]) -> dict[str, str]:
    return {**pages.person(world, job["by"]), "zuid": people.zuid(job["by"])}


def _administers(call: Call) -> None:
    if pages.caller(call).role == "member":
        raise errors.refusal("NO_PERMISSION", permissions=["Crm_Implied_Backup"])
