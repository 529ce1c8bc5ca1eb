"""FolderArchive: the first archive, a folder on this machine. Carries out `core.ports.Archiver`.

Different datasets may be archived from several threads at once; one dataset only by one at a time, and one archive
only by one process at a time (the state's lock sees to that). Refuses a folder that holds anything else.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import Path

from msgspec.structs import replace

from crmstate.archive import attachments as attached
from crmstate.archive import commit, disk, export, layout, reading, seal, verify
from crmstate.archive.disk import TEMPORARY, Disk
from crmstate.archive.journal import ADDITION
from crmstate.archive.layout import Place
from crmstate.archive.seal import Sealed
from crmstate.archive.segments import Work, open_work
from crmstate.core.diagnostic import problem
from crmstate.core.event import Evidence
from crmstate.core.ports import Clock, Effects, ReadSession
from crmstate.core.provider import Row
from crmstate.core.survey import Resource
from crmstate.core.words import Exit, Proof

ARCHIVE, DELTA = "archive", "delta"


class FolderArchive:
    """The archive at `root`, a folder of its own (`<to>/<archive name>`). `by`: who takes it, for the seals and the
    evidence."""

    def __init__(self, root: Path, effects: Effects, clock: Clock, by: str) -> None:
        self.root = root
        self._disk = Disk(effects)
        self._clock = clock
        self._by = by
        self._ground = threading.Lock()

    def archive(self, source: ReadSession, dataset: Resource, attachments: bool) -> Evidence:
        """Exports a dataset whole, or goes on where an earlier run stopped. One that is sealed is not read again,
        unless its attachments are asked for now and were not then: then they are added as a further generation."""
        work = self._open(dataset.id)
        if work.seals and (work.seals[-1].seal.complete or not attachments):
            return seal.evidence(work.place, work.seals[-1], self._by)
        found = self._take(work, source, dataset, attachments, ARCHIVE)
        return seal.evidence(work.place, found, self._by)

    def verify(self, source: ReadSession, dataset: Resource, expected: str | None = None) -> Evidence:
        """Reads everything back from the disk and asks the vendor for its count. `expected`: the seal's SHA-256 on
        record; with it even an archive that was rewritten in itself consistently is noticed. Raises Problem with
        everything that is wrong."""
        place = Place(self.root, dataset.id)
        seals = verify.chain(place, expected)
        verify.check(place, seals)
        return self._counted(place, seals[-1], source)

    def delta(
        self,
        source: ReadSession,
        dataset: Resource,
        attachments: bool,
        expected: str | None = None,
        purging: bool = False,
    ) -> Evidence:
        """Reads the dataset again, adds what is new or changed and notes what vanished as a further generation, and
        verifies the whole. Where nothing changed no generation is added. `purging`: a purge of ours has begun, so what
        the vendor no longer has is held all the same, and it may have fewer rows than the archive. Raises Problem
        CRM-A009 where the dataset was never sealed."""
        place = Place(self.root, dataset.id)
        if not seal.load(place):
            raise problem(Exit.ERROR, "CRM-A009", dataset=dataset.id)
        if expected is not None and expected not in [each.sha256 for each in seal.load(place)]:
            verify.chain(place, expected)
        purpose = ADDITION if purging else DELTA
        found = self._take(self._open(dataset.id), source, dataset, attachments, purpose)
        verify.check(place, verify.chain(place, found.sha256))
        return self._counted(place, found, source, fewer=purging)

    def ids(self, dataset: str, expected: str | None = None) -> Sequence[str]:
        """The ids that the sealed archive holds, in the order in which they first came: the same for the same
        generation. Raises Problem where there is no seal, or the list is not the sealed one."""
        place = Place(self.root, dataset)
        found = verify.chain(place, expected)[-1].seal
        data = disk.read(self.root / found.ids.file)
        if data is None:
            raise problem(Exit.ERROR, "CRM-A001", file=found.ids.file)
        if (len(data), hashlib.sha256(data).hexdigest()) != (found.ids.bytes, found.ids.sha256):
            raise problem(Exit.ERROR, "CRM-A002", file=found.ids.file)
        return reading.ids(data)

    def rows(self, dataset: str) -> Iterator[Row]:
        """The rows that the sealed archive holds, in the order of its segments, byte for byte as the vendor wrote
        them. Checks nothing."""
        place = Place(self.root, dataset)
        return reading.rows(place, verify.chain(place, None)[-1].seal)

    def _open(self, dataset: str) -> Work:
        """The work on a dataset, its ground prepared."""
        with self._ground:
            self._prepare()
        return open_work(Place(self.root, dataset), self._disk, self._now)

    def _take(self, work: Work, source: ReadSession, dataset: Resource, attachments: bool, purpose: str) -> Sealed:
        """Reads and seals; the last seal again where a reading of a sealed dataset found nothing new. A delta goes on
        with no reading but one that a delta began: an earlier one may have met rows before access was frozen."""
        complete = bool(work.seals and work.seals[-1].seal.complete)
        if work.progress.began is None or (purpose != ARCHIVE and work.progress.purpose != purpose):
            work.begin(purpose)
        export.rows(work, source)
        if attachments:
            attached.files(work, source)
        if not work.changed and complete == (complete or attachments):
            work.journal.cut(work.sealed)
            return self._open(dataset.id).seals[-1]
        return commit.seal(work, dataset, complete or attachments, self._by)

    def _counted(self, place: Place, found: Sealed, source: ReadSession, fewer: bool = False) -> Evidence:
        """The evidence of a verified dataset. Raises Problem CRM-A006 where the vendor counts another number of
        rows."""
        count = source.count(place.dataset)
        sealed = found.seal
        fits = (
            count.rows is None or not count.exact or count.rows == sealed.rows or (fewer and count.rows < sealed.rows)
        )
        if not fits:
            raise problem(Exit.ERROR, "CRM-A006", dataset=place.dataset, archived=sealed.rows, vendor=count.rows)
        exact = count.rows is not None and count.exact
        vendor = "none" if count.rows is None else f"{'' if count.exact else '~'}{count.rows}"
        files = len(sealed.files) + 3
        return replace(
            seal.evidence(place, found, self._by),
            method="checksums+count" if exact else "checksums",
            proof=Proof.OBSERVED,
            at=self._now(),
            note=f"generation={sealed.generation} files={files} attachments={sealed.attachments} vendor_count={vendor}",
        )

    def _prepare(self) -> None:
        """Makes the archive's folders; refuses a folder that holds anything else. The README is first: it marks the
        folder as ours."""
        names = set(disk.names(self.root))
        readme = disk.read(self.root / layout.README) if layout.README in names else None
        ours = (readme or b"").startswith(layout.README_START)
        started = names <= {layout.README + TEMPORARY}
        if not (started or ours) or names - layout.TOP - {layout.README + TEMPORARY}:
            raise problem(Exit.ERROR, "CRM-A027", file=str(self.root))
        self._disk.folder(self.root)
        if readme is None:
            self._disk.replace(self.root / layout.README, layout.README_TEXT)
            self._disk.flush(self.root)
        elif layout.README + TEMPORARY in names:
            self._disk.remove(self.root / (layout.README + TEMPORARY))
        for name in (layout.DATA, layout.JOURNAL, layout.SEALED):
            self._disk.folder(self.root / name)
        self._disk.folder(self.root / layout.DATA / layout.ATTACHMENTS)

    def _now(self) -> str:
        return self._clock.now().astimezone(UTC).isoformat().replace("+00:00", "Z")
