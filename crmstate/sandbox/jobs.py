"""Export jobs and backups in the native dialect: submitted, polled, fetched behind signed addresses, and gone some time
later.

What a job exports is taken when it is submitted and kept in the World's file. It runs for as many polls as the trait
`job_polls` says; how many rows a job and a file hold are traits, too.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from . import listings, times
from .exchange import Call
from .listings import LISTINGS, Wanted
from .wire import Refused, Reply
from .world import World

TRAITS = {"job_rows": 200_000, "job_file_rows": 50_000, "job_polls": 1}
LASTS = {"export": timedelta(days=1), "backup": timedelta(days=7)}
LISTED_FOR = timedelta(days=30)
BACKUPS = 2
"""In `LISTED_FOR`."""
FAULTS = ("job_fails", "job_vanishes", "result_ends", "short_result", "cut_result")
"""The faults that only jobs can have."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, kind TEXT NOT NULL, dataset TEXT, cursor TEXT, key_id TEXT, "
    "submitted_at TEXT NOT NULL, polls INTEGER NOT NULL, status TEXT NOT NULL, rows INTEGER NOT NULL, next TEXT, "
    "expires_at TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS job_files (job TEXT NOT NULL, n INTEGER NOT NULL, name TEXT NOT NULL, rows INTEGER, "
    "content BLOB NOT NULL, PRIMARY KEY (job, n)) WITHOUT ROWID",
)
_COLUMNS = "id, kind, dataset, cursor, submitted_at, polls, status, rows, next, expires_at"
Line = list[str]
File = tuple[str, int | None, bytes]
"""Its name, its rows where it has some, and its bytes."""


def submit(call: Call, kind: str, dataset: str | None, cursor: str | None) -> Reply:
    """Takes a job on: 202."""
    world = call.world
    _prepare(world)
    if kind == "backup":
        _backup_allowed(world)
    number = world.one("SELECT count(*) + 1 FROM jobs")[0]
    id = f"{kind}-{number:06d}"
    viewer = call.caller.viewer if call.caller else None
    made: list[File]
    if dataset is None:
        made, rows, more = list(_everything(world)), 0, None
    else:
        made, rows, more = _rows(world, dataset, cursor, viewer)
    until = times.later(world.now, LASTS[kind])
    polls = _trait(world, "job_polls")
    key = call.caller.key_id if call.caller else None
    world.run(
        "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        id, kind, dataset, cursor, key, world.now, polls, "running", rows, more, until,
    )  # fmt: skip
    for n, (name, count, content) in enumerate(made, 1):
        world.run("INSERT INTO job_files VALUES (?, ?, ?, ?, ?)", id, n, name, count, content)
    world.effect("submit", kind, id)
    call.ids = [id]
    return _reply(_shown(world, _job(world, kind, id)), 202)


def poll(call: Call, kind: str, id: str) -> Reply:
    """Where a job stands; each look brings it on."""
    world = call.world
    _prepare(world)
    if "job_vanishes" in call.fired:
        world.run("DELETE FROM jobs WHERE id = ?", id)
    if "result_ends" in call.fired:
        world.run("UPDATE jobs SET status = 'done', polls = 0, expires_at = ? WHERE id = ?", world.now, id)
    found = _job(world, kind, id)
    if "job_fails" in call.fired:
        found["status"] = "failed"
    elif found["status"] == "running" and found["polls"] == 0:
        found["status"] = "done"
    else:
        found["polls"] = max(0, found["polls"] - 1)
    world.run("UPDATE jobs SET status = ?, polls = ? WHERE id = ?", found["status"], found["polls"], id)
    return _reply(_shown(world, found))


def listed(call: Call, kind: str) -> Reply:
    """The jobs of the last days, oldest first, in one answer; looking at the list brings none of them on."""
    world = call.world
    _prepare(world)
    since = times.later(world.now, -LISTED_FOR)
    rows = world.all(f"SELECT {_COLUMNS} FROM jobs WHERE kind = ? AND submitted_at > ? ORDER BY id", kind, since)
    found = [_shown(world, _named(row)) for row in rows]
    return _reply({"data": found, "next": None, "total": len(found)})


def fetch(call: Call, kind: str, id: str, n: str) -> Reply:
    """The bytes of a file of a result, behind its signed address."""
    world = call.world
    _prepare(world)
    given = dict(call.request.parameters())
    ends = given.get("expires", "")
    if not hmac.compare_digest(given.get("signature", "").encode(), _signature(world, id, n, ends).encode()):
        raise Refused("forbidden", "The signature of this address is wrong.")
    if "result_ends" in call.fired:
        world.run("UPDATE jobs SET expires_at = ? WHERE id = ?", world.now, id)
    if ends <= world.now or _job(world, kind, id)["expires_at"] <= world.now:
        raise Refused("forbidden", f"This address ended at {ends}.")
    row = world.one("SELECT content FROM job_files WHERE job = ? AND n = ?", id, int(n) if n.isdigit() else 0)
    if row is None:
        raise Refused("not_found", "There is no such file.")
    body = bytes(row[0])
    if "short_result" in call.fired and kind == "export":
        body = _shortened(body)
    if "cut_result" in call.fired:
        body = body[: len(body) * 2 // 3]
    return Reply(200, body, {"Content-Type": "application/zip"})


def _prepare(world: World) -> None:
    for sql in _TABLES:
        world.run(sql)


def _trait(world: World, name: str) -> int:
    return int(world.traits.get(name, TRAITS[name]))


def _backup_allowed(world: World) -> None:
    since = times.later(world.now, -LISTED_FOR)
    lately = world.all("SELECT status FROM jobs WHERE kind = 'backup' AND submitted_at > ?", since)
    if ("running",) in lately:
        raise Refused("conflict", "A backup is under way.")
    if len(lately) >= BACKUPS:
        raise Refused("rejected", f"There are {BACKUPS} backups in 30 days.")


def _job(world: World, kind: str, id: str) -> dict[str, Any]:
    row = world.one(f"SELECT {_COLUMNS} FROM jobs WHERE kind = ? AND id = ?", kind, id)
    if row is None:
        raise Refused("not_found", f"No {kind} {id[:200]}.")
    return _named(row)


def _named(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(_COLUMNS.split(", "), row, strict=True))


def _shown(world: World, job: dict[str, Any]) -> dict[str, Any]:
    """A job as its answers show it. What is not known before it is done is null."""
    done = job["status"] == "done"
    status = "expired" if done and job["expires_at"] <= world.now else job["status"]
    shown = {name: job[name] for name in ("id", "dataset", "cursor", "submitted_at")}
    shown["status"] = status
    shown["error"] = "The job failed." if status == "failed" else None
    shown |= {"rows": None, "next": None, "expires_at": None, "files": []}
    if status == "done":
        files = world.all("SELECT n, name, rows, length(content) FROM job_files WHERE job = ? ORDER BY n", job["id"])
        shown["rows"] = job["rows"] if job["kind"] == "export" else None
        shown |= {"next": job["next"], "expires_at": job["expires_at"]}
        shown["files"] = [
            {"name": name, "rows": rows, "size": size, "url": _address(world, job, n)} for n, name, rows, size in files
        ]
    return shown


def _address(world: World, job: dict[str, Any], n: int) -> str:
    ends = job["expires_at"]
    place = f"/v1/{job['kind']}s/{job['id']}/files/{n}"
    return f"{place}?expires={quote(ends)}&signature={_signature(world, job['id'], str(n), ends)}"


def _signature(world: World, id: str, n: str, ends: str) -> str:
    return hmac.new(world.secret("jobs").encode(), f"{id}\0{n}\0{ends}".encode(), hashlib.sha256).hexdigest()[:40]


def _reply(value: object, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(value))


# What is exported


def _rows(world: World, dataset: str, cursor: str | None, viewer: str | None) -> tuple[list[File], int, str | None]:
    """The files of an export from a cursor on, how many rows they hold, and the cursor that follows."""
    most, a_file = _trait(world, "job_rows"), _trait(world, "job_file_rows")
    columns = _columns(world, dataset)
    lines = _lines(world, dataset, columns, cursor or "", viewer, most)
    files: list[File] = []
    for start in range(0, max(1, len(lines)), a_file):
        some = lines[start : start + a_file]
        content = _zipped(f"{start // a_file + 1:03d}.csv", _csv(columns, some))
        files.append((f"rows_{start // a_file + 1:03d}.zip", len(some), content))
    more = lines[-1][0] if len(lines) == most and _lines(world, dataset, columns, lines[-1][0], viewer, 1) else None
    return files, len(lines), more


def _columns(world: World, dataset: str) -> list[str]:
    declared = msgspec.json.decode(world.one("SELECT fields FROM datasets WHERE id = ?", dataset)[0])
    return ["id", "owner_id", "created_at", "modified_at", *(f"fields.{each['name']}" for each in declared)]


def _lines(world: World, dataset: str, columns: list[str], after: str, viewer: str | None, most: int) -> list[Line]:
    found: list[Line] = []
    while len(found) < most:
        asked = Wanted(viewer=viewer, dataset=dataset, after=after, limit=min(1000, most - len(found)))
        page = listings.page(world, LISTINGS["row"], asked)
        for row in page.rows:
            fields = msgspec.json.decode(row[4])
            values = [*row[:4], *(fields.get(name.removeprefix("fields.")) for name in columns[4:])]
            found.append([_text(value) for value in values])
        if page.after is None:
            break
        after = page.after
    return found


def _text(value: object) -> str:
    """A cell: text as it is, nothing for null, everything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _csv(columns: Line, lines: list[Line]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(lines)
    return out.getvalue().encode()


def _zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _shortened(body: bytes) -> bytes:
    """A valid zip whose CSV has lost its last lines."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        (name,) = archive.namelist()
        rows = list(csv.reader(io.StringIO(archive.read(name).decode(), newline="")))
    return _zipped(name, _csv(rows[0], rows[1 : 1 + (len(rows) - 1) // 2]))


def _everything(world: World) -> Iterator[File]:
    """A backup: a zip for each dataset that can be exported and has rows, and one for each dataset's attachments."""
    ids = [row[0] for row in world.all("SELECT id FROM datasets WHERE exportable = 1 ORDER BY id")]
    for number, dataset in enumerate(ids, 1):
        columns = _columns(world, dataset)
        if lines := _lines(world, dataset, columns, "", None, 10**9):
            yield f"Data_{number:03d}.zip", len(lines), _zipped(f"{dataset}.csv", _csv(columns, lines))
    for number, dataset in enumerate(ids, 1):
        sql = (
            "SELECT id, row_id, name, size, mime, sha256 FROM attachments WHERE dataset = ? AND binned = 0 ORDER BY id"
        )
        if files := world.all(sql, dataset):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as archive:
                head = ["dataset", "id", "row_id", "name", "size", "mime", "sha256"]
                lines = [[dataset, *(_text(each) for each in row)] for row in files]
                archive.writestr(zipfile.ZipInfo("attachments.csv"), _csv(head, lines))
                for row in files:
                    archive.writestr(zipfile.ZipInfo(f"files/{row[5]}"), world.attachment(dataset, row[0]))
            yield f"Attachments_{number:03d}.zip", None, out.getvalue()
