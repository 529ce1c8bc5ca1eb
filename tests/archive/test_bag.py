"""The archive opens without us: as a BagIt bag, by an independent judge; with coreutils and zstd alone."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import bagit
import msgspec
import pytest
from archive_vendor import Clock, Dataset, Effects, Vendor, attachment, resource, row, small, tree

from crmstate.archive import manifest, opening, pack
from crmstate.archive.folder import FolderArchive
from crmstate.archive.layout import Place, slug
from crmstate.archive.local import LocalReads
from crmstate.archive.marks import canonical
from crmstate.core.decision import Decision
from crmstate.core.diagnostic import Problem
from crmstate.core.event import Check
from crmstate.core.failure import Code, Failure
from crmstate.core.survey import DatasetFacts, Listing, Resource
from crmstate.core.words import Kind

DATASETS = ("people", "deals", "nothing")
needs_zstd = pytest.mark.skipif(shutil.which("zstd") is None, reason="the zstd command is not installed")


def taken(root: Path, vendor: Vendor | None = None) -> Vendor:
    """Three datasets, and a delta of the first."""
    vendor = vendor or small()
    archive = FolderArchive(root, Effects(), Clock(), "me")
    for id in DATASETS:
        archive.archive(vendor, resource(id), True)
    vendor.datasets["people"].rows["p9"] = row("p9", name="late")
    vendor.datasets["people"].files.append(attachment("f9", "p9", b"late too"))
    del vendor.datasets["people"].rows["p0"]
    archive.delta(vendor, resource("people"), True)
    return vendor


def shell(root: Path, command: str) -> str:
    done = subprocess.run(["bash", "-ec", command], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_independent_judge_accepts_the_bag_and_refuses_a_damaged_one(tmp_path: Path) -> None:
    taken(tmp_path)
    bag = bagit.Bag(str(tmp_path))
    bag.validate(processes=1)
    assert {name for name in tree(tmp_path) if name.startswith("data/")} == set(bag.payload_entries())
    stray = tmp_path / "data" / "stray"
    stray.write_bytes(b"")
    assert not bagit.Bag(str(tmp_path)).is_valid()
    stray.unlink()
    name = next(iter(bag.payload_entries()))
    (tmp_path / name).write_bytes(b"another")
    assert not bagit.Bag(str(tmp_path)).is_valid()


@needs_zstd
def test_a_person_with_coreutils_and_zstd_can_check_and_read_it(tmp_path: Path) -> None:
    vendor = taken(tmp_path)
    assert shell(tmp_path, "sha256sum --check --quiet --strict SHA256SUMS") == ""
    assert shell(tmp_path, "sha256sum --check --quiet --strict manifest-sha256.txt tagmanifest-sha256.txt") == ""
    shell(tmp_path, "zstd --test --quiet data/*/*.zst")
    root = shell(tmp_path, """sed 's/"root":"[0-9a-f]*"/"root":""/' manifest.json | sha256sum""").split()[0]
    assert root == json.loads((tmp_path / "manifest.json").read_text())["root"]
    listed = {line.partition("  ")[2] for line in (tmp_path / "SHA256SUMS").read_text().splitlines()}
    assert listed == set(tree(tmp_path)) - {"SHA256SUMS", "tagmanifest-sha256.txt", "manifest.json"}
    for id in DATASETS:
        many = f"data/{slug(id)}/[0-9]*[0-9].jsonl.zst"  # an empty dataset has none
        rows = shell(tmp_path, f"shopt -s nullglob; for f in {many}; do zstd -dc $f; done").encode().splitlines()
        assert set(vendor.datasets[id].rows.values()) <= set(rows)
        assert all(isinstance(json.loads(each), dict) for each in rows)  # the lists of ids are not among them
        ids = shell(tmp_path, f"zstd -dc $(ls data/{slug(id)}/ids-*.zst | tail -1)").splitlines()
        assert {json.loads(each) for each in ids} == set(vendor.datasets[id].rows)
    first = shell(tmp_path, f"zstd -dc data/{slug('people')}/*.attachments.jsonl.zst | head -1")
    digest = json.loads(first)["sha256"]
    assert shell(tmp_path, f"cat data/attachments/{digest[:2]}/{digest}") == "first content"


@needs_zstd
def test_every_frame_has_its_checksum(tmp_path: Path) -> None:
    taken(tmp_path)
    for path in tmp_path.rglob("*.zst"):
        assert "XXH64" in shell(tmp_path, f"zstd -lv {path}"), path


def test_a_frame_without_a_checksum_or_with_more_behind_it_is_refused() -> None:
    whole = pack.packed(b"a\nb\n" * 1000)
    assert b"".join(pack.unpacked([whole])) == b"a\nb\n" * 1000
    for wrong in (pack.zstd.compress(b"a\n"), whole + whole, whole + b"x", whole[:-1], b"", whole[:-5] + b"xxxxx"):
        with pytest.raises(ValueError):
            list(pack.unpacked([wrong]))
    for place in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        with suppress(ValueError):
            assert b"".join(pack.unpacked([bytes(flipped)])) == b"a\nb\n" * 1000  # a bit that says nothing


def test_lines_end_at_line_feeds_alone() -> None:
    found = [b'{"a":"\x85\x0b\x1c\r"}', b"\r", b"", b"x" * 3_000_000, b"last"]
    assert list(pack.lines([pack.packed(b"\n".join(found) + b"\n")])) == found


def test_a_last_line_without_a_line_break_is_an_error() -> None:
    with pytest.raises(ValueError, match="cut short"):
        list(pack.lines([pack.packed(b"first\nlast")]))


def content(root: Path, id: str) -> str:
    seal = manifest.seal_of(Place(LocalReads(root), id))
    assert seal is not None
    return seal.last.content


def test_the_content_is_the_same_whatever_the_pages_the_cuts_and_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(tmp_path / "a")
    vendor = small()
    vendor.page = 1
    later = copy.deepcopy(vendor)
    monkeypatch.setattr("crmstate.archive.press.SEGMENT_ROWS", 1)
    for id in reversed(DATASETS):
        archive = FolderArchive(tmp_path / "b", Effects(), Clock(), "somebody else")
        archive.archive(later, resource(id), True)
    taken(tmp_path / "b", vendor)
    assert [content(tmp_path / "a", id) for id in DATASETS] == [content(tmp_path / "b", id) for id in DATASETS]
    one, two = manifest.load(LocalReads(tmp_path / "a")), manifest.load(LocalReads(tmp_path / "b"))
    assert one is not None and two is not None
    assert one.manifest.content == two.manifest.content
    assert one.manifest.root != two.manifest.root


def test_what_is_missing_from_the_archive_is_said_with_its_reason(tmp_path: Path) -> None:
    vendor = small()
    rows = (
        resource("people"), resource("deals"), Resource(Kind.DATASET, "calls", "Calls", facts=DatasetFacts(exportable=False)),
        resource("notes"),
    )  # fmt: skip
    vendor.list = lambda kind, ids=None: Listing(kind, rows, complete=False)  # type: ignore[method-assign]
    archive = FolderArchive(tmp_path, Effects(), Clock(), "me")
    archive.archive(vendor, resource("people"), True)
    archive.archive(vendor, resource("deals"), False)
    said = json.loads((tmp_path / "coverage.json").read_text())
    assert [(each["dataset"], each["status"], each.get("why", "")) for each in said["datasets"]] == [
        ("*", "unknown", "listing_incomplete"), ("calls", "not_exportable", "not_exportable"),
        ("deals", "partial", "no_attachments"), ("notes", "unknown", "not_archived"), ("people", "exported", ""),
    ]  # fmt: skip
    assert set(said["reasons"]) == {"listing_incomplete", "not_exportable", "no_attachments", "not_archived"}


def test_attachments_that_were_given_up_are_named_with_the_decision_until_they_are_read_after_all(
    tmp_path: Path,
) -> None:
    vendor, archive, decided = (
        small(),
        FolderArchive(tmp_path, Effects(), Clock(), "me"),
        Decision("spam", "h@example.com"),
    )

    def said() -> tuple[str, dict[str, str] | None, bool]:
        (line,) = [
            each
            for each in json.loads((tmp_path / "coverage.json").read_text())["datasets"]
            if each["dataset"] == "deals"
        ]
        checks = archive.recheck(resource("deals")).checks
        return line.get("why", ""), line.get("attachments_given_up"), Check("left_out", "lacking") in checks

    found = []
    archive.archive(vendor, resource("deals"), False, None, decided)
    for attachments, left_out in ((False, None), (True, None), (False, decided), (True, None)):
        found.append(said())
        archive.delta(vendor, resource("deals"), attachments, left_out=left_out)
    found.append(said())

    given = ("attachments_given_up", {"why": "spam", "by": "h@example.com"}, True)
    assert [given, ("no_attachments", None, True), ("", None, False), given, ("", None, False)] == found


def test_what_a_purge_took_along_unread_stays_left_out_whatever_is_read_afterwards(tmp_path: Path) -> None:
    vendor, archive, decided = (
        small(),
        FolderArchive(tmp_path, Effects(), Clock(), "me"),
        Decision("spam", "h@example.com"),
    )
    archive.archive(vendor, resource("deals"), False, None, decided)
    found = archive.delta(vendor, resource("deals"), True, purging=True)
    (line,) = [
        each for each in json.loads((tmp_path / "coverage.json").read_text())["datasets"] if each["dataset"] == "deals"
    ]
    assert (line["why"], Check("left_out", "lacking") in found.checks) == ("attachments_given_up", True)


@pytest.mark.parametrize("decided", [Decision("spam", "h@example.com"), None])
def test_an_archive_that_is_read_on_without_attachments_is_not_whole_though_it_was_and_though_its_decision_goes(
    tmp_path: Path, decided: Decision | None
) -> None:
    vendor, archive = small(), FolderArchive(tmp_path, Effects(), Clock(), "me")
    archive.archive(vendor, resource("deals"), True)
    archive.delta(vendor, resource("deals"), False, left_out=decided)
    found = archive.delta(vendor, resource("deals"), False)
    assert Check("left_out", "lacking") in found.checks
    assert Check("left_out", "lacking") not in archive.delta(vendor, resource("deals"), True).checks


def test_a_listing_that_fails_is_unknown_and_stops_nothing(tmp_path: Path) -> None:
    vendor = small()

    def fails(kind: Kind, ids: object = None) -> Listing:
        raise Failure(Code.UNAVAILABLE)

    vendor.list = fails  # type: ignore[method-assign]
    FolderArchive(tmp_path, Effects(), Clock(), "me").archive(vendor, resource("people"), True)
    said = json.loads((tmp_path / "coverage.json").read_text())
    assert said["datasets"][0] == {"dataset": "*", "status": "unknown", "why": "not_listed"}


def test_a_content_that_nobody_has_any_more_is_removed_with_the_last_seal(tmp_path: Path) -> None:
    vendor = Vendor(t=Dataset({"1": row("1")}))
    archive = FolderArchive(tmp_path, Effects(), Clock(), "me")
    archive.archive(vendor, resource("t"), True)
    orphan = tmp_path / "data/attachments/ab" / ("ab" + "0" * 62)
    orphan.parent.mkdir()
    orphan.write_bytes(b"fetched, and then the process ended")
    vendor.datasets["t"].rows["2"] = row("2")
    archive.delta(vendor, resource("t"), True)
    assert not orphan.exists()
    bagit.Bag(str(tmp_path)).validate(processes=1)


def test_the_vendors_own_description_of_its_fields_is_kept_as_it_came(tmp_path: Path) -> None:
    vendor = small()
    vendor.described = {"people": b'{"name": {"label": "Name",\n "type": "text"}}', "deals": b""}
    taken(tmp_path, vendor)
    assert (tmp_path / "schema" / f"{slug('people')}-0000.json").read_bytes() == vendor.described["people"]
    assert (tmp_path / "schema" / f"{slug('people')}-0001.json").read_bytes() == vendor.described["people"]
    assert sorted(name for name in tree(tmp_path) if name.startswith("schema/nothing")) == []
    bagit.Bag(str(tmp_path)).validate(processes=1)


def test_the_coverage_says_what_came_of_the_description_of_fields_and_records_never_lack_for_it(tmp_path: Path) -> None:
    vendor = small()
    vendor.described = {"people": b"{}"}
    given = vendor.fields

    def fields(dataset: str) -> bytes | None:
        if dataset == "deals":
            raise Failure(Code.DENIED)
        return given(dataset)

    vendor.fields = fields  # type: ignore[method-assign]
    taken(tmp_path, vendor)
    said = json.loads((tmp_path / "coverage.json").read_text())
    assert {each["dataset"]: each.get("fields") for each in said["datasets"] if each["dataset"] != "*"} == {
        "people": "kept", "deals": "refused", "nothing": "not_offered",
    }  # fmt: skip
    assert set(said["fields"]) == {"kept", "refused", "not_offered"}


def test_a_description_of_fields_that_may_be_had_later_is_waited_for(tmp_path: Path) -> None:
    vendor = small()

    def fails(dataset: str) -> bytes:
        raise Failure(Code.UNAVAILABLE)

    vendor.fields = fails  # type: ignore[method-assign]
    archive = FolderArchive(tmp_path, Effects(), Clock(), "me")
    with pytest.raises(Failure):
        archive.archive(vendor, resource("people"), True)
    del vendor.fields
    vendor.asked.clear()
    archive.archive(vendor, resource("people"), True)
    assert [what for what, *_ in vendor.asked if what in ("read", "files")] == [], "what is durable is not read again"


def test_a_manifest_of_before_that_was_said_is_written_as_it_was(tmp_path: Path) -> None:
    """Its generations say nothing of fields, and its bytes are what it is known by."""
    vendor = small()
    taken(tmp_path, vendor)
    found = manifest.load(LocalReads(tmp_path))
    assert found is not None
    plain = [
        msgspec.structs.replace(
            each, generations=tuple(msgspec.structs.replace(one, fields="") for one in each.generations)
        )
        for each in found.manifest.datasets
    ]
    assert b'"fields"' not in canonical(plain)


def test_a_manifest_of_before_its_structures_got_a_field_is_still_its_own_and_goes_on(tmp_path: Path) -> None:
    """And one with a field that only a later version knows."""
    vendor = small()
    taken(tmp_path, vendor)
    path = tmp_path / "manifest.json"
    plain = json.loads(path.read_bytes())
    for each in plain["datasets"]:
        for name in ("as_of", "encoding", "guessed"):
            del each["dataset"]["facts"][name]
        each["dataset"]["facts"]["later"] = 1
    plain["root"] = hashlib.sha256(canonical({**plain, "root": ""}) + b"\n").hexdigest()
    path.write_bytes(canonical(plain).replace(b'"later":1', b'"later":2') + b"\n")
    with pytest.raises(Problem):
        manifest.load(LocalReads(tmp_path))
    path.write_bytes(canonical(plain) + b"\n")
    store, found = opening.opened(LocalReads(tmp_path))
    assert len(opening.checked(store, found, list(found.manifest.datasets), True)) == 3
    vendor.datasets["people"].rows["p91"] = row("p91")
    archive = FolderArchive(tmp_path, Effects(), Clock(), "me")
    assert archive.delta(vendor, resource("people"), True).rows == 9


def test_what_is_kept_out_of_rows_is_counted_by_its_field_and_survives_an_interruption(tmp_path: Path) -> None:
    vendor = small()
    vendor.page = 2
    rows = vendor.datasets["people"].rows
    for id in list(rows)[:5]:
        rows[id] = row(id, key="$redacted", files=[{"url": "https://f/a?$redacted"}], note="it says $redacted here")
    rows["p5"] = row("p5", key="shown")
    left = [1]

    def fails(what: str, dataset: str, cursor: str | None) -> None:
        if left and what == "read" and cursor == "p3" and left.pop():
            raise Failure(Code.EXHAUSTED)

    vendor.before = fails
    archive = FolderArchive(tmp_path, Effects(), Clock(), "me")
    with pytest.raises(Failure):
        archive.archive(vendor, resource("people"), True)
    archive.archive(vendor, resource("people"), True)
    archive.archive(vendor, resource("deals"), True)
    said = json.loads((tmp_path / "coverage.json").read_text())
    found = {each["dataset"]: each.get("redacted") for each in said["datasets"] if each["dataset"] != "*"}
    assert found == {"people": {"files": 5, "key": 5}, "deals": None}
    assert "secrets" in said["redacted"]
    verified = FolderArchive(tmp_path, Effects(), Clock(), "me").verify(vendor, resource("people"))
    assert verified.rows == 8
