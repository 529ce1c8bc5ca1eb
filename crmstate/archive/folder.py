"""Archive: one archive in a store. Carries out `core.ports.Archiver`.

Different datasets may be archived from several threads at once; one dataset only by one at a time, and one archive
only by one process at a time (the state's lock sees to that). Refuses a place that holds anything else.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

from msgspec.structs import replace

from crmstate.archive import attachments as attached
from crmstate.archive import (
    backup,
    bulk,
    checks,
    commit,
    ending,
    layout,
    locked,
    manifest,
    reading,
    typed,
    unread,
    verify,
    views,
)
from crmstate.archive.checks import Wanted
from crmstate.archive.coverage import described, listed
from crmstate.archive.journal import ADDITION, BEGIN, ROWS, valid
from crmstate.archive.layout import Place
from crmstate.archive.local import Local
from crmstate.archive.seal import Seal, evidence
from crmstate.archive.segments import Work, open_work
from crmstate.archive.store import TEMPORARY, Store
from crmstate.archive.wrap import PLAIN, Wrap
from crmstate.core.decision import Decision
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import Check, Evidence
from crmstate.core.lacking import COLUMNS, UNREAD
from crmstate.core.ports import Clock, Effects, Jobs, ReadSession
from crmstate.core.provider import Row
from crmstate.core.survey import Listing, Resource
from crmstate.core.words import Exit, Kind, Proof

ARCHIVE, DELTA, LAST = "archive", "delta", "last"
_NO_MORE = Wanted()
_NOTHING = frozenset({"none", "approximate", "round", "not_read", "lacking", "odd", "empty"})
"""What a check says that proves nothing."""


class Archive:
    """The archive in a store of its own (`<to>/<archive name>`). `by`: who takes it, for the seals and the evidence;
    `wanted`: how it is verified beyond checksums and counts; `lock`: to whom it is encrypted, None for nobody."""

    def __init__(
        self, store: Store, clock: Clock, by: str, wanted: Wanted = _NO_MORE, lock: locked.Wanted | None = None
    ) -> None:
        self.store = store
        self._lock = lock
        self._wrap: Wrap | None = None
        self._clock = clock
        self._by = by
        self._wanted = wanted
        self._ground = threading.Lock()
        self._viewing = threading.Lock()
        self._under_way = 0
        self._listings: list[Listing | None] = []
        self._proved_place = False

    def archive(
        self,
        source: ReadSession,
        dataset: Resource,
        attachments: bool,
        jobs: Jobs | None = None,
        left_out: Decision | None = None,
    ) -> Evidence:
        """Exports a dataset whole, or goes on where an earlier run stopped. One that is sealed is not read again,
        unless its attachments are asked for now and were not then: then they are added as a further generation."""
        with self._at_work(dataset.id) as work:
            if work.seal is not None and (work.seal.last.complete or not attachments):
                return evidence(work.seal, self._by)
            return evidence(self._take(work, source, dataset, attachments, ARCHIVE, jobs, left_out), self._by)

    def backup(self, source: ReadSession, account: Resource, jobs: Jobs) -> Evidence:
        """Takes the vendor's backup of the whole account, or goes on where an earlier run stopped; one that is sealed is
        not ordered again."""
        with self._at_work(account.id) as work:
            if work.seal is not None:
                return evidence(work.seal, self._by)
            if work.progress.began is None:
                work.begin(ARCHIVE)
            found = commit.prepare(work, account, True, self._by, backup.take(work, jobs))
            listing = self._listing(source)
            with self._ground:
                commit.commit(self.store, found, listing, self._now(), self._by, alone=self._under_way == 1)
            return evidence(found, self._by)

    def verify(self, source: ReadSession, dataset: Resource, expected: str | None = None) -> Evidence:
        """Reads everything back from the store and asks the vendor for its count. `expected`: the content's SHA-256 on
        record; with it even an archive that was rewritten in itself consistently is noticed. Raises Problem with
        everything that is wrong."""
        place = self._place(dataset.id)
        return self._proved(place, expected, source, fewer=False)

    def held(self, dataset: str) -> int:
        """The rows that the journal says of a reading which is not over; nothing is checked, and nothing written."""
        place = Place(self.store, dataset)  # a journal is never wrapped
        found, count, under_way = manifest.seal_of(place), 0, False
        sealed = found.journal.bytes if found is not None else 0
        for line, end in valid(self.store.read(place.journal) or b""):
            if end > sealed:
                under_way = under_way or line.what == BEGIN
                count = 0 if line.what == BEGIN else count + (line.seen if line.what == ROWS else 0)
        return count if under_way else 0

    def recheck(self, dataset: Resource, expected: str | None = None) -> Evidence:
        """Reads everything back as `verify` does and asks nobody: the vendor may be gone, and whether it has other rows
        by now is not what a re-check is for. What would need it is said to be none, and what would need a key that is
        not at hand any more, not read."""
        self._refuse_gone()
        place = self._place_to_look_at(dataset.id)
        sealed, first = self._checked(place, expected, begun=True)
        done = [first, Check("counts", "none")]
        if self._wanted.share:
            done.append(Check("sample", "none"))
        if self._wanted.restore_test:
            read = place.wrap.reads_rows
            done.append(checks.restored(place, sealed) if read else Check("restore_test", "not_read"))
        done += typed.checked(place, sealed) if place.wrap.reads_rows else ()
        done += _lacking(sealed)
        if sealed.dataset.kind is Kind.ACCOUNT:
            done += backup.checked(place, sealed) if place.wrap.reads_rows else (Check("zips", "not_read"),)
        done += self._views(place, sealed)
        return self._evidence(sealed, done)

    def clearable(self, expected: Mapping[str, str], begun: bool) -> None:
        """Whether what lies there is the archive on record and nothing else."""
        with self._ground:
            ending.looked_at(self.store, expected, begun)

    def clear(self, expected: Mapping[str, str], begun: bool) -> Evidence:
        """Deletes the archive but for its mark; see `ending`."""
        with self._ground:
            found = ending.clear(self.store, expected, begun)
        note = f"files={found.files} bytes={found.bytes}"
        return Evidence("read_back", Proof.OBSERVED, self._now(), self._by, sha256=found.content, note=note)

    def bare(self) -> bool:
        """Whether the mark is all that is left."""
        return ending.bare(self.store)

    def end(self) -> Evidence:
        """Takes the mark away."""
        with self._ground:
            ending.end(self.store)
        return Evidence("read_back", Proof.OBSERVED, self._now(), self._by)

    def delta(
        self,
        source: ReadSession,
        dataset: Resource,
        attachments: bool,
        expected: str | None = None,
        purging: bool = False,
        jobs: Jobs | None = None,
        frozen: bool = False,
        left_out: Decision | None = None,
    ) -> Evidence:
        """Reads the dataset again, adds what is new or changed and notes what vanished as a further generation, and
        verifies the whole. Where nothing changed no generation is added. `purging`: a purge of ours has begun, so what
        the vendor no longer has is held all the same, and it may have fewer rows than the archive. `frozen`: nobody
        works any more, and a reading that began before does not go on. Raises Problem CRM-A009 where the dataset was
        never sealed, CRM-A094 where no archive is there at all."""
        self._refuse_gone()
        place = self._place(dataset.id)
        _, sealed = verify.sealed(place, None)
        if expected is not None and expected not in [each.content for each in sealed.generations]:
            verify.sealed(place, expected)
        purpose = ADDITION if purging else LAST if frozen else DELTA
        with self._at_work(dataset.id) as work:
            found = self._take(work, source, dataset, attachments, purpose, jobs, left_out)
        return self._proved(place, found.last.content, source, fewer=purging)

    def ids(self, dataset: str, expected: str | None = None) -> Sequence[str]:
        """The ids that the sealed archive holds, in the order in which they first came: the same for the same
        generation. Raises Problem where there is no seal, or the list is not the sealed one."""
        place = self._place(dataset)
        return reading.Ids(place, verify.sealed(place, expected)[1])

    def rows(self, dataset: str) -> Iterator[Row]:
        """The rows that the sealed archive holds, in the order of its segments, byte for byte as the vendor wrote
        them. Checks nothing."""
        place = self._place(dataset)
        return reading.rows(place, verify.sealed(place, None)[1])

    def _refuse_gone(self) -> None:
        """Raises Problem CRM-A094 where no archive is there: whatever is asked of it, one was sealed there before."""
        if manifest.load(self.store) is None:
            raise problem(Exit.ERROR, "CRM-A094", file=self.store.where)

    @contextmanager
    def _at_work(self, dataset: str) -> Iterator[Work]:
        """The work on a dataset, its ground prepared. While it goes on, nothing that another dataset's seal does not
        know is taken for left over."""
        with self._ground:
            self._prepare()
            self._under_way += 1
        try:
            yield open_work(self._place(dataset), self.store, self._now)
        finally:
            with self._ground:
                self._under_way -= 1

    def _place(self, dataset: str) -> Place:
        if self._wrap is None:
            found = manifest.load(self.store)
            self._wrap = locked.agreed(self.store, self._lock, found.manifest.lock) if found is not None else PLAIN
        return Place(self.store, dataset, self._wrap)

    def _place_to_look_at(self, dataset: str) -> Place:
        """Where a dataset lies, for whoever adds nothing to it: an archive whose working key went with the vendor's
        account is looked at as far as that can be done without one."""
        try:
            return self._place(dataset)
        except Problem as refused:
            if [each.code for each in refused.diagnostics] != ["CRM-A085"]:
                raise
        found, given = manifest.load(self.store), self._lock.identity if self._lock is not None else None
        return Place(self.store, dataset, locked.found(self.store, given, found.manifest.lock if found else None))

    def _take(
        self,
        work: Work,
        source: ReadSession,
        dataset: Resource,
        attachments: bool,
        purpose: str,
        jobs: Jobs | None,
        left_out: Decision | None,
    ) -> Seal:
        """Reads and seals; the last seal again where a reading of a sealed dataset found nothing new. A delta goes on
        with no reading but one that its like began: an earlier one may have met rows before access was frozen. What was
        sealed by jobs goes on by jobs, and what was sealed by pages by pages: the two spell a row differently."""
        before = work.seal.last if work.seal is not None else None
        was = (before.complete, before.left_out) if before is not None else None
        kept = before is not None and before.complete and left_out is not None  # else what came since is not there
        becomes = (attachments or kept, left_out)
        if before is not None and before.unread and purpose == ADDITION:
            becomes = before.complete, left_out or before.left_out  # reading the rest does not bring back what is gone
        if work.seal is not None and not work.seal.last.by_jobs:
            jobs = None
        elif work.seal is not None and jobs is None:
            raise problem(Exit.ERROR, "CRM-A102", dataset=dataset.id)
        if work.progress.began is None or (purpose != ARCHIVE and work.progress.purpose != purpose):
            work.begin(purpose)
        bulk.read(work, source, jobs)
        if attachments:
            attached.files(work, source)
        if work.seal is not None and not work.changed and was == becomes:
            work.journal.cut(work.sealed)
            open_work(work.place, self.store, self._now)
            return work.seal
        fields = described(source, dataset.id)
        found = commit.prepare(work, dataset, becomes[0], self._by, fields, becomes[1])
        listing = self._listing(source)
        with self._ground:
            commit.commit(self.store, found, listing, self._now(), self._by, alone=self._under_way == 1)
        return found

    def _listing(self, source: ReadSession) -> Listing | None:
        """The vendor's datasets, asked for once."""
        if not self._listings:
            self._listings.append(listed(source))
        return self._listings[0]

    def _checked(self, place: Place, expected: str | None, begun: bool = False) -> tuple[Seal, Check]:
        """Reads a dataset's archive back. `begun`: an addition that is not sealed does not count. Raises Problem with
        everything that is wrong."""
        wrong, read = verify.Wrong(frozenset({"CRM-A028"} if begun else ())), verify.Read()
        with self._ground:
            found, sealed = verify.sealed(place, expected)
            verify.top(self.store, found, wrong, read)
        verify.check(place, found, sealed, wrong, read)
        wrong.refuse()
        return sealed, verify.said(place, sealed, read)

    def _proved(self, place: Place, expected: str | None, source: ReadSession, fewer: bool) -> Evidence:
        """The evidence of a verified dataset: each method with what it looked at. `fewer`: the vendor may have fewer
        rows."""
        sealed, first = self._checked(place, expected)
        done = [first, checks.count(place, sealed, source, fewer)]
        if self._wanted.share and sealed.last.by_jobs:
            done.append(Check("sample", "none"))  # the vendor's pages spell a row differently
        elif self._wanted.share and not place.wrap.reads_rows:
            done.append(unread.sampled(place, sealed, source, self._wanted.share, fewer))
        elif self._wanted.share:
            done.append(checks.reread(place, sealed, source, self._wanted.share, fewer))
        if self._wanted.restore_test and not place.wrap.reads_rows:
            done.append(Check("restore_test", "not_read"))
        elif self._wanted.restore_test:
            done.append(checks.restored(place, sealed))
        done += typed.checked(place, sealed) if place.wrap.reads_rows else ()
        done += _lacking(sealed)
        done += self._views(place, sealed)
        return self._evidence(sealed, done)

    def _views(self, place: Place, sealed: Seal) -> tuple[Check, ...]:
        """The copies for people, made or made again where they are not what the rows give. One dataset at a time: they
        wait under one name before they have one of their own."""
        with self._viewing:
            return views.derived(self.store, place, sealed, self._wanted.views)

    def _evidence(self, sealed: Seal, done: Sequence[Check]) -> Evidence:
        """What a verification may say: the methods that looked at something, and each with how much."""
        last, first, count = sealed.last, done[0], done[1]
        vendor = "none" if count.rows is None else f"{'' if count.said == 'exact' else '~'}{count.rows}"
        return replace(
            evidence(sealed, self._by),
            method="+".join(each.method for each in done if each.said not in _NOTHING),
            proof=Proof.OBSERVED,
            at=self._now(),
            note=f"generation={last.number} files={first.files} attachments={last.attachments} vendor_count={vendor}",
            checks=tuple(done),
        )

    def _prepare(self) -> None:
        """Makes the archive's folders; refuses a place that holds anything else. The README is first: it marks the
        place as ours."""
        found = manifest.load(self.store)
        names = set(self.store.names(""))
        readme = self.store.read(layout.README)
        ours = found is not None or (readme or b"").startswith(layout.README_START)
        known = {name.removesuffix(TEMPORARY) for name in names} <= layout.TOP
        if not known or not (ours or names <= {layout.README + TEMPORARY}):
            raise problem(Exit.ERROR, "CRM-A027", file=self.store.where)
        self.store.folders([""])
        if readme is None:
            readme = layout.readme(self._lock is not None)
            self.store.put({layout.README: readme})
        if not self._proved_place:
            self.store.prove(layout.README, readme)
            self._proved_place = True
        self._wrap = locked.ready(self.store, self._lock, found.manifest.lock if found is not None else None)
        commit.settle(self.store, found)
        self.store.folders((*layout.FOLDERS, f"{layout.DATA}/{layout.ATTACHMENTS}"))

    def _now(self) -> str:
        return self._clock.now().astimezone(UTC).isoformat().replace("+00:00", "Z")


def _lacking(sealed: Seal) -> tuple[Check, ...]:
    """What a purge would take away for good: columns that the vendor's jobs left out, and attachments that were not read."""
    names = sealed.last.dropped
    columns = (Check(COLUMNS, "lacking", odd=len(names), names=names),) if names else ()
    return (*columns, *((Check(UNREAD, "lacking"),) if sealed.last.unread else ()))


class FolderArchive(Archive):
    """The archive in a folder on this machine."""

    def __init__(self, root: Path, effects: Effects, clock: Clock, by: str, wanted: Wanted = _NO_MORE) -> None:
        super().__init__(Local(root, effects), clock, by, wanted)
