"""Exports by jobs: whole, resumed at any moment, never submitted twice, never silently short."""

from __future__ import annotations

import copy
import errno
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from archive_vendor import Clock, Crash, Dataset, Effects, resource, row
from grounds import Memory
from job_vendor import JobVendor, Table, people, zipped
from locks import Key, locked
from msgspec.structs import replace

from crmstate.archive import bulk, manifest, press
from crmstate.archive.checks import Wanted
from crmstate.archive.folder import Archive, FolderArchive
from crmstate.archive.holding import Holding
from crmstate.archive.layout import Place
from crmstate.archive.local import LocalReads
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import Check
from crmstate.core.failure import UNSURE, Code, Failure
from crmstate.core.words import Exit

PEOPLE = resource("people")


def archive(root: Path, effects: Effects | None = None, **wanted: Any) -> FolderArchive:
    return FolderArchive(root, effects or Effects(), Clock(), "me", Wanted(**wanted))


def exported(root: Path, vendor: JobVendor, effects: Effects | None = None) -> str:
    return archive(root, effects).archive(vendor, PEOPLE, True, vendor).sha256  # type: ignore[arg-type]


def records(root: Path) -> list[dict[str, str]]:
    return [json.loads(each.raw) for each in archive(root).rows("people")]


def names(root: Path, like: str) -> list[str]:
    return sorted(path.name for path in (root / "data").rglob(like))


def refused(root: Path, vendor: JobVendor) -> str:
    with pytest.raises(Problem) as raised:
        exported(root, vendor)
    assert raised.value.exit is Exit.ERROR
    return raised.value.diagnostics[0].code


def test_every_row_comes_once_with_its_own_text_and_the_files_as_they_were(tmp_path: Path) -> None:
    vendor = JobVendor(people=people())
    sha256 = exported(tmp_path, vendor)
    assert [each["id"] for each in records(tmp_path)] == [f"p{n:02}" for n in range(11)]
    assert records(tmp_path)[3] == {"id": "p03", "name": 'Person "3",\nof 3', "备注": ""}
    assert (vendor.submits, len(vendor.fetched)) == (3, 6)
    kept = [path.read_bytes() for path in sorted((tmp_path / "data").rglob("*.source.zip"))]
    assert kept == [content for job in vendor.jobs.values() for content in job.contents]
    assert not [each for each in vendor.asked if each[0] == "read"], "no page was asked for"
    verified = archive(tmp_path, share=0.5, restore_test=True).verify(vendor, PEOPLE, sha256)
    assert verified.method == "checksums+counts+restore_test"
    assert {check.method: check.said for check in verified.checks}["sample"] == "none"
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True, timeout=60)


STEPS = [5, pytest.param(1, marks=pytest.mark.deep(seconds=8))]
"""At every fifth effect, and in the deep suite at each."""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after", "torn"])
def test_an_export_by_jobs_that_stops_at_any_effect_ends_as_if_it_had_not(tmp_path: Path, when: str, step: int) -> None:
    effects, whole = Effects(), JobVendor(people=people())
    sha256 = exported(tmp_path / "whole", whole, effects)
    for stop in range(1 + len(when) % step, effects.count + 1, step):
        vendor, root = JobVendor(people=people()), tmp_path / str(stop)
        with pytest.raises(Crash):
            exported(root, vendor, Effects(stop, when))
        assert exported(root, vendor) == sha256, stop
        assert archive(root).verify(vendor, PEOPLE, sha256).rows == 11, stop
        assert vendor.submits == whole.submits, f"effect {stop}: a job was submitted again"
        assert len(vendor.fetched) <= len(whole.fetched) + 1, f"effect {stop}: {vendor.fetched}"
        assert len(names(root, "*.source.zip")) == 6, stop


def test_an_export_by_jobs_that_stops_at_any_call_ends_as_if_it_had_not(tmp_path: Path) -> None:
    calls: list[str] = []
    whole = JobVendor(people=people())
    whole.stumble = lambda what, about: calls.append(what)
    sha256 = exported(tmp_path / "whole", whole)
    for stop in range(1, len(calls) + 1):
        vendor, root, left = JobVendor(people=people()), tmp_path / str(stop), stop

        def stumble(what: str, about: Any) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Crash

        vendor.stumble = stumble
        with pytest.raises(Crash):
            exported(root, vendor)
        assert exported(root, vendor) == sha256
        assert vendor.submits == whole.submits, f"call {stop}, {calls[stop - 1]}: a job was submitted again"


def test_a_file_that_is_read_again_after_a_crash_goes_on_behind_the_rows_that_are_durable(tmp_path: Path) -> None:
    vendor = JobVendor(most=100, a_file=100, people=people(40))
    vendor.piece = 1 << 20
    vendor.jobs.clear()
    begun: list[int] = []

    def stumble(what: str, about: Any) -> None:
        if what == "collected" and not begun:
            begun.append(1)
            raise Failure(Code.UNAVAILABLE, "cut")

    vendor.stumble = stumble
    exported(tmp_path, vendor)
    assert [each["id"] for each in records(tmp_path)] == [f"p{n:02}" for n in range(40)]
    assert vendor.fetched == [("job-1", 0)] * 2


def test_another_file_under_the_same_job_is_not_taken_for_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(press, "SEGMENT_ROWS", 1)
    vendor = JobVendor(most=100, a_file=100, people=people(3000))
    vendor.piece = 1000
    other = zipped([row(f"q{n}", name="x") for n in range(3000)])

    def spoil(job: str, part: int, data: bytes) -> bytes:
        if len(vendor.fetched) > 1:
            return other
        return data[:-40]

    vendor.most = vendor.a_file = 3000
    vendor.spoil = spoil
    assert refused(tmp_path, vendor) == "CRM-A101"
    assert manifest.seal_of(Place(LocalReads(tmp_path), "people")) is None


@pytest.mark.parametrize("rows", [0, 1, 4, 5, 8])
def test_any_number_of_rows_comes_whole(tmp_path: Path, rows: int) -> None:
    vendor = JobVendor(people=people(rows))
    exported(tmp_path, vendor)
    assert len(records(tmp_path)) == rows
    assert manifest.seal_of(Place(LocalReads(tmp_path), "people")) is not None, "an empty dataset is not an absent one"


def test_a_job_without_files_is_an_empty_dataset(tmp_path: Path) -> None:
    vendor = JobVendor(people=Dataset())
    vendor.stumble = lambda what, about: [made.files.clear() for made in vendor.jobs.values()] and None
    exported(tmp_path, vendor)
    assert records(tmp_path) == []


@pytest.mark.parametrize("more", [1, -1])
def test_a_file_with_other_rows_than_said_is_never_sealed(tmp_path: Path, more: int) -> None:
    vendor = JobVendor(people=people())
    vendor.says = lambda rows: rows + more
    assert refused(tmp_path, vendor) == "CRM-A101"
    assert vendor.fetched == [("job-1", 0)] * 3, "fetched again before it is given up"
    vendor.says = lambda rows: rows
    exported(tmp_path, vendor)
    assert (len(records(tmp_path)), vendor.submits) == (11, 3)


def test_a_file_that_is_cut_short_is_fetched_again(tmp_path: Path) -> None:
    vendor = JobVendor(people=people())
    vendor.spoil = lambda job, part, data: data[: len(data) // 2] if len(vendor.fetched) == 2 else data
    exported(tmp_path, vendor)
    assert (len(records(tmp_path)), len(vendor.fetched)) == (11, 7)


def test_a_result_that_ends_midway_is_asked_for_again_and_the_journal_says_why(tmp_path: Path) -> None:
    vendor = JobVendor(people=people())

    def stumble(what: str, about: Any) -> None:
        if about == ("job-2", 1):
            vendor.jobs["job-2"].gone = True

    vendor.stumble = stumble
    exported(tmp_path, vendor)
    assert [each["id"] for each in records(tmp_path)] == [f"p{n:02}" for n in range(11)]
    assert vendor.submits == 4, "the job that had ended, again, and no other"
    journal = next((tmp_path / "journal").iterdir()).read_text()
    assert json.loads(json.dumps(journal)).count('\\"why\\":\\"gone\\"') >= 1


def test_a_job_that_fails_is_submitted_again_a_few_times_and_then_raised(tmp_path: Path) -> None:
    vendor = JobVendor(people=people())

    def stumble(what: str, about: Any) -> None:
        if what == "awaited":
            vendor.jobs[about].failed = True

    vendor.stumble = stumble
    with pytest.raises(Failure) as raised:
        exported(tmp_path, vendor)
    assert (raised.value.code, vendor.submits) == (Code.UNAVAILABLE, 4)
    assert "as it happens" in raised.value.summary


def test_where_nobody_can_know_whether_a_job_was_submitted_a_person_is_asked(tmp_path: Path) -> None:
    vendor = JobVendor(lists=False, people=people())

    def stumble(what: str, about: Any) -> None:
        if what == "submitted":
            raise Failure(Code.AMBIGUOUS)

    vendor.stumble = stumble
    with pytest.raises(Failure):
        exported(tmp_path, vendor)
    vendor.stumble = lambda what, about: None
    assert (refused(tmp_path, vendor), vendor.submits) == ("CRM-A100", 1)
    assert archive(tmp_path).archive(vendor, PEOPLE, True).rows == 11, "and by pages it goes on"
    assert vendor.submits == 1
    assert archive(tmp_path, share=1.0).verify(vendor, PEOPLE).method == "checksums+counts+full"


def test_an_export_that_was_begun_by_jobs_can_be_ended_by_pages(tmp_path: Path) -> None:
    vendor = JobVendor(people=people())

    def stumble(what: str, about: Any) -> None:
        if about == ("job-2", 1):
            raise Failure(Code.DENIED)

    vendor.stumble = stumble
    with pytest.raises(Failure):
        exported(tmp_path, vendor)
    found = archive(tmp_path, share=1.0)
    assert found.archive(vendor, PEOPLE, True).rows == 11
    assert found.verify(vendor, PEOPLE).method == "checksums+counts+full", "every row as the pages spell it"
    assert found.delta(vendor, PEOPLE, True).rows == 11


def test_a_refusal_that_is_sure_leaves_nothing_to_look_for(tmp_path: Path) -> None:
    vendor = JobVendor(lists=False, people=people())

    def stumble(what: str, about: Any) -> None:
        if what == "submit":
            raise Failure(Code.EXHAUSTED, until="2026-03-02")

    vendor.stumble = stumble
    with pytest.raises(Failure):
        exported(tmp_path, vendor)
    vendor.stumble = lambda what, about: None
    exported(tmp_path, vendor)
    assert vendor.submits == 3


def test_a_job_whose_answer_was_lost_together_with_the_network_is_not_submitted_again(tmp_path: Path) -> None:
    vendor = JobVendor(people=people())

    def stumble(what: str, about: Any) -> None:
        if what == "submitted":
            raise Failure(Code.UNAVAILABLE, "no connection", vendor=UNSURE)

    vendor.stumble = stumble
    with pytest.raises(Failure):
        exported(tmp_path, vendor)
    vendor.stumble = lambda what, about: None
    exported(tmp_path, vendor)
    assert vendor.submits == 3


def test_a_dataset_that_the_vendor_takes_no_job_for_is_read_by_pages(tmp_path: Path) -> None:
    vendor = JobVendor(people=people())
    vendor.refuses_jobs = True
    exported(tmp_path, vendor)
    assert (vendor.submits, len(records(tmp_path))) == (0, 11)
    assert archive(tmp_path, share=1.0).verify(vendor, PEOPLE).method == "checksums+counts+full"


def test_columns_that_the_vendor_does_not_export_are_in_the_coverage(tmp_path: Path) -> None:
    vendor = JobVendor(people=people())
    vendor.dropped = ("Address", "Coordinates")
    exported(tmp_path, vendor)
    lines = json.loads((tmp_path / "coverage.json").read_text())["datasets"]
    found = next(each for each in lines if each["dataset"] == "people")
    assert (found["status"], found["columns"]) == ("partial", ["Address", "Coordinates"])
    for verified in (archive(tmp_path).verify(vendor, PEOPLE), archive(tmp_path).recheck(PEOPLE)):
        assert verified.checks[-1] == Check("columns", "lacking", odd=2, names=("Address", "Coordinates")), (
            "and every verification says so"
        )
        assert "columns" not in verified.method


def test_our_own_credential_in_a_file_gets_into_no_row_and_its_file_is_not_kept(tmp_path: Path) -> None:
    vendor = JobVendor(people=people(12))
    vendor.own = b"of 2"
    exported(tmp_path, vendor)
    texts = [each["name"] for each in records(tmp_path)]
    assert texts[2].endswith("[secret]") and texts[3].endswith("of 3")
    assert len(names(tmp_path, "*.source.zip")) == 5, "six files, one of which shows it"
    assert archive(tmp_path).verify(vendor, PEOPLE).rows == 12


def test_what_is_secret_is_redacted_and_the_file_that_shows_it_is_not_kept(tmp_path: Path) -> None:
    vendor = JobVendor(people=people())
    vendor.provider = Table(secret=frozenset({"name"}))
    exported(tmp_path, vendor)
    assert {each["name"] for each in records(tmp_path)} == {"$redacted"}
    (line,) = json.loads((tmp_path / "coverage.json").read_text())["datasets"][-1:]
    assert line["redacted"] == {"name": 11}
    assert names(tmp_path, "*.source.zip") == []


def test_a_delta_of_an_export_by_jobs_goes_by_jobs_and_adds_only_what_changed(tmp_path: Path) -> None:
    vendor = JobVendor(people=people())
    sha256 = exported(tmp_path, vendor)
    changed = vendor.datasets["people"].rows
    changed["p03"] = row("p03", name="another")
    changed["p99"] = row("p99", name="new")
    del changed["p00"]
    with pytest.raises(Problem) as raised:
        archive(tmp_path).delta(vendor, PEOPLE, True, sha256)
    assert raised.value.diagnostics[0].code == "CRM-A102"
    assert archive(tmp_path).verify(vendor, PEOPLE, sha256).rows == 11, "and nothing was begun"
    found = archive(tmp_path).delta(vendor, PEOPLE, True, sha256, jobs=vendor)  # type: ignore[arg-type]
    last = manifest.seal_of(Place(LocalReads(tmp_path), "people"))
    assert (found.rows, last and last.last.lines, vendor.submits) == (11, 13, 6)


@pytest.mark.parametrize("step", [9, pytest.param(3, marks=pytest.mark.deep)])
@pytest.mark.parametrize("when", ["before", "after", "torn"])
def test_a_delta_by_jobs_that_stops_at_any_effect_ends_as_if_it_had_not(tmp_path: Path, when: str, step: int) -> None:
    def changed() -> tuple[Path, JobVendor]:
        changed.number += 1  # type: ignore[attr-defined]
        root, vendor = tmp_path / f"{changed.number}", JobVendor(people=people())  # type: ignore[attr-defined]
        exported(root, vendor)
        vendor.datasets["people"].rows["p03"] = row("p03", name="another")
        del vendor.datasets["people"].rows["p00"]
        return root, vendor

    def delta(root: Path, vendor: JobVendor, effects: Effects) -> str:
        return archive(root, effects).delta(vendor, PEOPLE, True, jobs=vendor).sha256  # type: ignore[arg-type]

    changed.number = 0  # type: ignore[attr-defined]
    root, vendor = changed()
    effects = Effects()
    sha256, submits = delta(root, vendor, effects), vendor.submits
    for stop in range(1 + len(when) % step, effects.count + 1, step):
        root, vendor = changed()
        with pytest.raises(Crash):
            delta(root, vendor, Effects(stop, when))
        seal = manifest.seal_of(Place(LocalReads(root), "people"))
        if seal is not None and len(seal.generations) == 2:
            continue  # it was over: whoever asks again asks for another delta
        assert (delta(root, vendor, Effects()), vendor.submits) == (sha256, submits), stop


def test_an_export_that_was_begun_by_pages_goes_on_by_pages(tmp_path: Path) -> None:
    vendor, effects = JobVendor(people=people()), Effects()
    archive(tmp_path / "whole", effects).archive(copy.deepcopy(vendor), PEOPLE, True)
    with pytest.raises(Crash):
        archive(tmp_path / "one", Effects(effects.count - 20, "before")).archive(vendor, PEOPLE, True)
    exported(tmp_path / "one", vendor)
    assert vendor.submits == 0


@pytest.mark.parametrize("identity", [True, False])
def test_an_encrypted_export_by_jobs_goes_on_without_the_keys_to_its_rows(tmp_path: Path, identity: bool) -> None:
    key, effects, whole = Key(), Effects(), JobVendor(people=people())

    def run(root: Path, vendor: JobVendor, effects: Effects) -> str:
        made = locked(root, key, identity=key if identity else None, effects=effects)
        return made.archive(vendor, PEOPLE, True, vendor).sha256  # type: ignore[arg-type]

    sha256 = run(tmp_path / "whole", whole, effects)
    for stop in range(1, effects.count + 1, 7):
        vendor, root = JobVendor(people=people()), tmp_path / str(stop)
        with pytest.raises(Crash):
            run(root, vendor, Effects(stop, "after"))
        assert (run(root, vendor, Effects()), vendor.submits) == (sha256, 3), stop
        for path in root.rglob("*"):
            assert not path.is_file() or b"PK\x03\x04" not in path.read_bytes()
    journal = next((tmp_path / "whole" / "journal").iterdir()).read_text()
    assert "job-1" not in journal and '"more"' not in journal, "where the vendor's cursors are hidden, so are its jobs"
    verified = locked(tmp_path / "whole", key, identity=key).verify(whole, PEOPLE, sha256)
    assert verified.rows == 11


def test_an_export_by_jobs_into_an_object_store_goes_on_as_well() -> None:
    effects, whole, ground = Effects(), JobVendor(people=people()), Memory()

    def run(name: str, vendor: JobVendor, effects: Effects) -> str:
        made = Archive(ground.store(name, effects), Clock(), "me")
        return made.archive(vendor, PEOPLE, True, vendor).sha256  # type: ignore[arg-type]

    sha256 = run("whole", whole, effects)
    for stop in range(1, effects.count + 1):
        vendor = JobVendor(people=people())
        with pytest.raises(Crash):
            run(str(stop), vendor, Effects(stop, "after"))
        assert (run(str(stop), vendor, Effects()), vendor.submits) == (sha256, 3), stop
        assert len([name for name in ground.files(str(stop)) if name.endswith(".source.zip")]) == 6


@pytest.mark.parametrize(("what", "number"), [("000002.jsonl", 1), ("journal/", 5)])
def test_rows_of_a_segment_that_could_not_be_kept_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, number: int
) -> None:
    monkeypatch.setattr(press, "SEGMENT_ROWS", 1)
    monkeypatch.setattr(bulk, "BATCH_ROWS", 2)
    whole = JobVendor(most=40, a_file=20, people=people(40))
    sha256 = exported(tmp_path / "whole", whole)
    writes: list[str] = []

    def fail(count: int, kind: str, name: str) -> None:
        if kind == "write" and what in name:
            writes.append(name)
            if len(writes) == number:
                raise OSError(errno.ENOSPC, "full")

    vendor, root = JobVendor(most=40, a_file=20, people=people(40)), tmp_path / "full"
    with pytest.raises(Problem) as raised:
        exported(root, vendor, Effects(fail=fail))
    assert (raised.value.diagnostics[0].code, len(writes)) == ("CRM-A013", number), "nothing is written after it"
    assert exported(root, vendor) == sha256
    assert len(records(root)) == 40


def test_a_page_that_the_table_of_ids_had_no_room_for_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(press, "SEGMENT_ROWS", 100)
    monkeypatch.setattr(bulk, "BATCH_ROWS", 2)
    take, left = Holding.take, 5

    def full(holding: Holding, ids: list[str], digests: list[bytes]) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            raise problem(Exit.ERROR, "CRM-A013", file="SQLITE_TMPDIR")
        return take(holding, ids, digests)

    monkeypatch.setattr(Holding, "take", full)
    vendor = JobVendor(most=40, a_file=20, people=people(40))
    assert refused(tmp_path, vendor) == "CRM-A013"
    exported(tmp_path, vendor)
    assert [each["id"] for each in records(tmp_path)] == [f"p{n:02}" for n in range(40)]


@pytest.mark.parametrize("secret", [frozenset(), frozenset({"name"})])
def test_files_without_rows_are_kept_under_names_of_their_own(tmp_path: Path, secret: frozenset[str]) -> None:
    class Gaps(JobVendor):
        def submit(self, order: Any, known: Any) -> Any:
            job = super().submit(order, known)
            made = next(reversed(self.jobs.values()))
            made.files[:0], made.contents[:0] = [[], []], [zipped([]), zipped([])]
            made.contents[0] = made.contents[0].replace(b"rows.csv", b"none.csv")
            return job

    vendor = Gaps(people=people())
    vendor.provider = Table(secret=secret)
    sha256 = exported(tmp_path, vendor)
    assert archive(tmp_path).verify(vendor, PEOPLE, sha256).rows == 11
    assert len(names(tmp_path, "*.source.zip")) == (0 if secret else 12)


def test_pages_that_follow_a_job_which_ended_midway_begin_at_the_first(tmp_path: Path) -> None:
    vendor = JobVendor(most=8, people=people())

    def stumble(what: str, about: Any) -> None:
        if about == ("job-1", 1):
            vendor.jobs["job-1"].gone = vendor.refuses_jobs = True

    vendor.stumble = stumble
    exported(tmp_path, vendor)
    assert next(each for each in vendor.asked if each[0] == "read") == ("read", "people", None)
    assert archive(tmp_path, share=1.0).verify(vendor, PEOPLE).method == "checksums+counts+full"


def test_what_a_job_goes_on_with_may_end_and_then_the_export_begins_again(tmp_path: Path) -> None:
    vendor = JobVendor(people=people())
    dead: list[str] = []

    def stumble(what: str, about: Any) -> None:
        if what == "submit" and about.more is not None and not dead:
            dead.append(about.more)
            raise Failure(Code.REJECTED, "the token has expired")

    vendor.stumble = stumble
    exported(tmp_path, vendor)
    assert [each["id"] for each in records(tmp_path)] == [f"p{n:02}" for n in range(11)]
    assert vendor.submits == 4


def test_a_job_that_names_no_file_and_no_number_of_rows_is_no_empty_dataset(tmp_path: Path) -> None:
    class Bare(JobVendor):
        def awaited(self, order: Any, id: str) -> Any:
            return replace(super().awaited(order, id), parts=(), rows=None, more=None)

    assert refused(tmp_path, Bare(people=people())) == "CRM-A101"
    assert manifest.seal_of(Place(LocalReads(tmp_path), "people")) is None


@pytest.mark.parametrize("code", [Code.DENIED, Code.EXPIRED])
def test_files_that_are_shown_in_another_order_the_next_time_are_all_read(tmp_path: Path, code: Code) -> None:
    class Shuffled(JobVendor):
        def awaited(self, order: Any, id: str) -> Any:
            job = super().awaited(order, id)
            return replace(job, parts=job.parts[::-1]) if failed else job

    failed: list[Any] = []
    vendor = Shuffled(most=6, a_file=2, people=people(6))

    def stumble(what: str, about: Any) -> None:
        if about == ("job-1", 1) and not failed:
            failed.append(about)
            raise Failure(code)

    vendor.stumble = stumble
    if code is Code.DENIED:
        with pytest.raises(Failure):
            exported(tmp_path, vendor)
    sha256 = exported(tmp_path, vendor)
    assert sorted(each["id"] for each in records(tmp_path)) == [f"p{n:02}" for n in range(6)]
    assert (archive(tmp_path).verify(vendor, PEOPLE, sha256).rows, vendor.submits) == (6, 1)
