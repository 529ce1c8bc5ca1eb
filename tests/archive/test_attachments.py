"""Attachments: every byte, under no name of theirs, whatever becomes of their addresses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from archive_vendor import Clock, Dataset, Effects, Vendor, attachment, resource, row, small, tree

from crmstate.archive import pack
from crmstate.archive.folder import FolderArchive
from crmstate.archive.layout import slug
from crmstate.core.diagnostic import Problem
from crmstate.core.failure import Code, Failure
from crmstate.core.provider import File


def archive_of(root: Path) -> FolderArchive:
    return FolderArchive(root, Effects(), Clock(), "me")


def entries(root: Path, dataset: str) -> list[dict[str, object]]:
    """The lines that say which record has which attachment."""
    found = sorted((root / "data" / slug(dataset)).glob("*.attachments.jsonl.zst"))
    return [json.loads(line) for path in found for line in pack.lines([path.read_bytes()])]


def one(**given: object) -> Vendor:
    vendor = Vendor(t=Dataset({"1": row("1")}, [attachment("f", "1", b"content of f")]))
    for name, value in given.items():
        setattr(vendor, name, value)
    return vendor


def test_names_are_data_and_contents_are_stored_once(tmp_path: Path) -> None:
    archive_of(tmp_path).archive(small(), resource("people"), True)
    names = [entry["name"] for entry in entries(tmp_path, "people")]
    assert names == ["../../etc/passwd", "empty", "\x1b[31m\u202ered", "a.txt"]
    contents = {name: data for name, data in tree(tmp_path).items() if name.startswith("data/attachments/")}
    assert sorted(contents.values()) == [b"", b"first content", b"fourth, without digest"]
    for name, data in contents.items():
        assert name.endswith(hashlib.sha256(data).hexdigest())


def test_an_address_that_expired_is_listed_anew(tmp_path: Path) -> None:
    expired = [1, 1]

    def before(what: str, dataset: str, cursor: str | None) -> None:
        if what == "fetch" and expired:
            expired.pop()
            raise Failure(Code.EXPIRED)

    vendor = one(before=before)
    archive_of(tmp_path).archive(vendor, resource("t"), True)
    assert [asked[0] for asked in vendor.asked] == ["read", "files", "fetch", "files", "fetch", "files", "fetch"]
    assert archive_of(tmp_path).verify(vendor, resource("t")).note.split()[2] == "attachments=1"


def test_a_credential_that_expired_stops_and_what_was_taken_stays(tmp_path: Path) -> None:
    vendor = small()

    def before(what: str, dataset: str, cursor: str | None) -> None:
        if what == "fetch" and dataset == "f4":
            raise Failure(Code.EXPIRED)

    vendor.before = before
    with pytest.raises(Failure):
        archive_of(tmp_path).archive(vendor, resource("people"), True)
    vendor.before = None
    vendor.asked.clear()
    archive_of(tmp_path).archive(vendor, resource("people"), True)
    assert [asked[1] for asked in vendor.asked if asked[0] == "fetch"] == ["f4"]


def test_a_content_cut_short_is_fetched_again_and_then_refused(tmp_path: Path) -> None:
    bad = [1]
    vendor = one(served=lambda file, content: content[:3] if bad and bad.pop() else content)
    archive_of(tmp_path / "a").archive(vendor, resource("t"), True)
    assert archive_of(tmp_path / "a").verify(vendor, resource("t")).rows == 1
    vendor = one(served=lambda file, content: content[:3])
    with pytest.raises(Problem) as found:
        archive_of(tmp_path / "b").archive(vendor, resource("t"), True)
    assert found.value.diagnostics[0].code == "CRM-A020"
    assert [name for name in tree(tmp_path / "b") if "attachment" in name or "manifest" in name] == []


def test_a_size_that_the_vendor_denies_is_refused(tmp_path: Path) -> None:
    file, content = attachment("f", "1", b"content of f")
    said = File(file.id, file.row, file.name, file.url, size=len(content))
    vendor = Vendor(t=Dataset({"1": row("1")}, [(said, content)]))
    vendor.served = lambda file, content: content[:3]
    with pytest.raises(Problem) as found:
        archive_of(tmp_path).archive(vendor, resource("t"), True)
    assert found.value.diagnostics[0].code == "CRM-A020"


def test_a_digest_that_the_vendor_denies_is_refused(tmp_path: Path) -> None:
    vendor = one(served=lambda file, content: content.replace(b"f", b"g"))
    with pytest.raises(Problem) as found:
        archive_of(tmp_path).archive(vendor, resource("t"), True)
    assert found.value.diagnostics[0].params == {"dataset": "t", "id": "f"}


def test_a_stream_that_ends_early_leaves_nothing_under_a_final_name(tmp_path: Path) -> None:
    class Broken(Vendor):
        def fetch(self, file: File) -> Iterator[bytes]:
            yield b"cont"
            raise Failure(Code.UNAVAILABLE)

    vendor = Broken(t=one().datasets["t"])
    with pytest.raises(Failure):
        archive_of(tmp_path).archive(vendor, resource("t"), True)
    assert [name for name in tree(tmp_path) if "attachment" in name] == []


def test_an_attachment_that_vanished_since_it_was_listed_is_left_out(tmp_path: Path) -> None:
    vendor = small()

    def before(what: str, dataset: str, cursor: str | None) -> None:
        if what == "fetch" and dataset == "f2":
            people = vendor.datasets["people"]
            people.files = [each for each in people.files if each[0].id != "f2"]
            raise Failure(Code.MISSING)

    vendor.before = before
    archive_of(tmp_path).archive(vendor, resource("people"), True)
    assert archive_of(tmp_path).verify(vendor, resource("people")).note.split()[2] == "attachments=3"


def test_a_delta_fetches_only_what_may_have_changed(tmp_path: Path) -> None:
    vendor = small()
    archive_of(tmp_path).archive(vendor, resource("people"), True)
    files = vendor.datasets["people"].files
    vendor.datasets["people"].files = [
        files[0],
        attachment("f2", "p2", b"grown"),
        files[3],
        attachment("f5", "p5", b"new"),
    ]
    vendor.asked.clear()
    archive_of(tmp_path).delta(vendor, resource("people"), True)
    assert [asked[1] for asked in vendor.asked if asked[0] == "fetch"] == ["f2", "f4", "f5"]
    ops = [(entry["op"], entry["id"]) for entry in entries(tmp_path, "people")[4:]]
    assert ops == [("=", "f1"), ("+", "f2"), ("=", "f4"), ("+", "f5"), ("-", "f3")]


def test_a_listing_of_attachments_that_must_begin_again_fetches_none_twice(tmp_path: Path) -> None:
    vendor = small()
    refused = [1]

    def before(what: str, dataset: str, cursor: str | None) -> None:
        if what == "files" and cursor == "3" and refused:
            refused.pop()
            raise Failure(Code.REJECTED)

    vendor.before = before
    archive_of(tmp_path).archive(vendor, resource("people"), True)
    assert [asked[1] for asked in vendor.asked if asked[0] == "fetch"] == ["f1", "f2", "f3", "f4"]


def test_one_damaged_content_is_named(tmp_path: Path) -> None:
    vendor = one()
    archive_of(tmp_path).archive(vendor, resource("t"), True)
    name = next(name for name in tree(tmp_path) if name.startswith("data/attachments/"))
    (tmp_path / name).write_bytes(b"content of F")
    with pytest.raises(Problem) as found:
        archive_of(tmp_path).verify(vendor, resource("t"))
    assert [(each.code, each.params["file"]) for each in found.value.diagnostics] == [("CRM-A002", name)]
