"""Backup: the vendor's own copy of the whole account, ordered once, waited for, and kept as it came: each of its files
whole, under its digest, like an attachment of a dataset without rows.

It is ordered like an export job (`bulk`): what is sent is durable before it is sent, and a backup costs one of the few
that a vendor makes, so that one which failed or is gone ends the step and is ordered again by the next run alone. A file
that is finished is not asked for again, and an address that has ended is asked for anew. A zip is read on its way: one
that is cut short is fetched once more. That its files can be read proves nothing of any dataset, and is not said to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from msgspec.structs import replace

from crmstate.archive import attachments, bulk
from crmstate.archive.coverage import KEPT, Described
from crmstate.archive.damaged import Damaged
from crmstate.archive.layout import SCHEMA_FILE, Place
from crmstate.archive.marks import canonical
from crmstate.archive.press import press
from crmstate.archive.restore import attachments as entries_of
from crmstate.archive.seal import Seal
from crmstate.archive.segments import Work
from crmstate.archive.zips import Records, Unreadable, Zip
from crmstate.core.diagnostic import problem
from crmstate.core.event import Check
from crmstate.core.failure import Code, Failure
from crmstate.core.ports import Jobs, ReadSession
from crmstate.core.provider import File, FilePage, Job, Order, Part
from crmstate.core.words import Exit, JobStatus, Kind, Packing, Verb

ORDER = Order(Kind.ACCOUNT)
_LOST, _DAMAGED = "backup.lost", "backup.damaged"
_MIME = "application/zip"


def take(work: Work, jobs: Jobs) -> Described:
    """Takes every file that is not durable yet; what the vendor says of them, for whoever verifies. Raises Failure as the
    vendor does, Problem CRM-A104 where only a person can tell whether one was ordered, CRM-A105 where a file of it is
    damaged each time."""
    standing = bulk.submitted(work, jobs, bulk.standing(work) or bulk.Standing(), ORDER, "CRM-A104")
    if standing.pages:
        work.begin(work.progress.purpose)
        raise Failure(Code.REJECTED, "the vendor takes no order for a backup")
    if not work.progress.files_end:
        job = jobs.awaited(ORDER, standing.id or "")
        if job.status is not JobStatus.DONE:
            raise _given_up(work, standing, job)
        standing = bulk.note(work, replace(standing, parts=_parts(work, job)))
    try:
        attachments.files(work, cast(ReadSession, _Files(jobs, job) if not work.progress.files_end else None))
    except Failure as failure:
        if failure.vendor == _DAMAGED:
            raise problem(Exit.ERROR, "CRM-A105", job=standing.id or "", why=failure.summary) from failure
        if failure.vendor == _LOST:
            raise _given_up(work, standing, Job(standing.id or "", JobStatus.GONE)) from failure
        raise
    if not work.progress.rows_end:
        with press(work) as segments:
            segments.end(None, True)
    said = {"job": standing.id, "files": [{"file": name, "rows": rows} for name, rows in standing.parts]}
    return Described(canonical(said), KEPT)


def _given_up(work: Work, standing: bulk.Standing, job: Job) -> Failure:
    """A backup that failed, or is not kept any more: what there is of it counts no more, and the journal says why."""
    bulk.note(work, replace(standing, id=None, parts=(), why=job.status.value))
    work.begin(work.progress.purpose)
    return Failure(Code.UNAVAILABLE, f"the backup is {job.status.value}: {job.summary}".rstrip(": "))


def _parts(work: Work, job: Job) -> tuple[tuple[str, int | None], ...]:
    """The files of a backup, with the records that the vendor says are in each. None at all would prove nothing."""
    names = [part.name for part in job.parts]
    if not names or len(set(names)) != len(names):
        why = "no file" if not names else "two files of one name"
        raise problem(Exit.ERROR, "CRM-A105", job=job.id, why=why)
    return tuple((part.name, part.rows) for part in job.parts)


@dataclass
class _Files:
    """The files of a backup as a session shows attachments (`ReadSession.files` and `fetch`)."""

    jobs: Jobs
    job: Job
    fresh: bool = True

    def files(self, dataset: str, cursor: str | None = None) -> FilePage:
        """All of them. Whoever asks again does so because an address did not do."""
        if not self.fresh:
            self.job = self.jobs.awaited(ORDER, self.job.id)
        self.fresh = False
        if self.job.status is not JobStatus.DONE:
            raise Failure(Code.EXPIRED, "the backup is not kept any more", vendor=_LOST)
        mime = _MIME if self._zipped else ""
        parts = self.job.parts
        return FilePage(tuple(File(p.name, self.job.id, p.name, p.url, p.size, mime, p.sha256) for p in parts), None)

    def fetch(self, file: File) -> Iterator[bytes]:
        """One of them. Raises UNAVAILABLE where it is not whole."""
        pieces = self.jobs.collect(ORDER, Part(file.name, file.url, None, file.size, file.sha256))
        return _looked_at(pieces) if self._zipped else pieces

    @property
    def _zipped(self) -> bool:
        cell = self.jobs.provider.cell(Kind.ACCOUNT, Verb.EXPORT)
        return cell is not None and cell.bulk is not None and cell.bulk.packing is Packing.ZIP


def _looked_at(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes of a zip, which is read as they pass. One of a kind that cannot be read so passes unread."""
    found: Zip | None = Zip()
    try:
        for piece in pieces:
            try:
                for _ in found.feed(piece) if found is not None else ():
                    pass
            except Unreadable:
                found = None
            yield piece
        if found is not None:
            found.end()
    except Damaged as damaged:
        raise Failure(Code.UNAVAILABLE, str(damaged), vendor=_DAMAGED) from None


def checked(place: Place, seal: Seal) -> tuple[Check, ...]:
    """What the files of a sealed backup show: each zip is read to its end, and the records in it are counted where the
    vendor says how many there are. Raises Problem CRM-A106 where one cannot be read or has another number of records."""
    said = _said(place, seal)
    files = bytes = records = unread = compared = 0
    for entry in entries_of(place, seal):
        wanted = said.get(entry.name)
        try:
            found, rows = _read(place, entry.sha256) if entry.mime == _MIME else (None, 0)
        except Unreadable:
            found, rows = None, 0
        except Damaged as damaged:
            raise problem(Exit.ERROR, "CRM-A106", file=entry.name, why=str(damaged)) from None
        if found is None:
            unread += 1
            continue
        if wanted is not None and wanted != rows:
            why = f"{rows} records, where the vendor says {wanted}"
            raise problem(Exit.ERROR, "CRM-A106", file=entry.name, why=why)
        files, bytes, records = files + found.files, bytes + found.bytes, records + rows
        compared += wanted or 0
    checks = [Check("zips", "odd" if unread else "read", rows=records, files=files, bytes=bytes, odd=unread)]
    if any(each is not None for each in said.values()):
        checks.append(Check("zip_records", "equal", rows=compared))
    return tuple(checks)


def _read(place: Place, digest: str) -> tuple[Zip, int]:
    """One file, read from the archive to its end, and the records of the CSVs in it."""
    name, found, records, current, rows = place.content(digest), Zip(), Records(), b"", 0
    for piece in place.wrap.off(name, place.store.pieces(name)):
        for member, part in found.feed(piece):
            if not part:
                current, rows, records = member, rows + records.count, Records()
            elif current.lower().endswith(b".csv"):
                records.feed(part)
    found.end()
    return found, rows + records.count


def _said(place: Place, seal: Seal) -> dict[str, int | None]:
    """How many records the vendor says are in each file."""
    names = sorted(each.file for each in seal.files if SCHEMA_FILE.fullmatch(each.file.rpartition("/")[2]))
    data = b"".join(place.wrap.off(names[-1], place.store.pieces(names[-1]))) if names else b"{}"
    found: dict[str, Any] = json.loads(data)
    return {each["file"]: each["rows"] for each in found.get("files", [])}
