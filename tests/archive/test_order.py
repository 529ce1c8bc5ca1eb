"""What reaches the disk in which order, and what a resumed run makes of what it finds there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from archive_vendor import Clock, Crash, Effects, resource, small, tree

from crmstate.archive.folder import FolderArchive
from crmstate.archive.layout import Place, slug
from crmstate.archive.local import LocalReads
from crmstate.core.diagnostic import Problem


def archive_of(root: Path, effects: Effects | None = None) -> FolderArchive:
    return FolderArchive(root, effects or Effects(), Clock(), "me")


def test_nothing_is_named_before_its_bytes_are_flushed_and_noted_before_its_name_is(tmp_path: Path) -> None:
    effects = Effects()
    archive_of(tmp_path, effects).archive(small(), resource("people"), True)
    flushed: set[str] = set()
    named: set[str] = set()
    journal = str(tmp_path / Place(LocalReads(tmp_path), "people").journal)
    for kind, what in effects.done:
        if kind == "fsync":
            flushed.add(what)
            named = {path for path in named if str(Path(path).parent) != what}
        elif kind in ("rename", "link"):
            streamed = str(tmp_path / "data" / slug("people") / "attachment.tmp")  # attachments, and the list of ids
            assert {what + ".tmp", streamed} & flushed, what
            flushed -= {what + ".tmp", streamed}
            named.add(what)
        elif kind == "write" and what == journal:
            assert named == set()
    assert named == set()
    assert effects.done[-1][0] == "unlink"
    assert [what for kind, what in effects.done if kind == "link"] == [str(tmp_path / "manifest.json")]


def crashed(root: Path, lines: int) -> None:
    """An export that ended after this many lines of the journal."""
    effects = Effects()
    archive_of(root / "whole", effects).archive(small(), resource("people"), True)
    journal = root / "whole" / Place(LocalReads(root / "whole"), "people").journal
    ends = [number for number, done in enumerate(effects.done, 1) if done == ("write", str(journal))]
    # The journal's first write makes the file; each line after it is one write.
    with pytest.raises(Crash):
        archive_of(root / "a", Effects(ends[lines], "after")).archive(small(), resource("people"), True)


@pytest.mark.parametrize("damage", [b"", b"x", None])
def test_a_segment_that_was_damaged_before_the_seal_is_read_again(tmp_path: Path, damage: bytes | None) -> None:
    crashed(tmp_path, 3)
    path = tmp_path / "a" / Place(LocalReads(tmp_path / "a"), "people").folder / "000001.jsonl.zst"
    assert path.exists()
    path.unlink() if damage is None else path.write_bytes(damage)
    vendor = small()
    archive_of(tmp_path / "a").archive(vendor, resource("people"), True)
    assert vendor.asked[0] == ("read", "people", "p2")
    assert tree(tmp_path / "a") == tree(tmp_path / "whole")


def test_a_journal_damaged_before_the_seal_costs_only_what_follows(tmp_path: Path) -> None:
    crashed(tmp_path, 3)
    path = tmp_path / "a" / Place(LocalReads(tmp_path / "a"), "people").journal
    data = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(data[0] + data[1] + data[2].replace(b"rows", b"rowz"))
    vendor = small()
    archive_of(tmp_path / "a").archive(vendor, resource("people"), True)
    assert vendor.asked[0] == ("read", "people", "p2")
    assert tree(tmp_path / "a") == tree(tmp_path / "whole")


def test_an_attachment_that_was_lost_before_the_seal_is_fetched_again(tmp_path: Path) -> None:
    crashed(tmp_path, 5)
    for path in (tmp_path / "a" / "data" / "attachments").rglob("*"):
        if path.is_file():
            path.unlink()
    archive_of(tmp_path / "a").archive(small(), resource("people"), True)
    assert tree(tmp_path / "a") == tree(tmp_path / "whole")


def test_a_seal_that_another_process_wrote_meanwhile_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "manifest.json"

    def fail(count: int, kind: str, what: str) -> None:
        if kind == "link":
            theirs.write_text("theirs")

    with pytest.raises(Problem) as found:
        archive_of(tmp_path, Effects(fail=fail)).archive(small(), resource("people"), True)
    assert found.value.diagnostics[0].code == "CRM-A025"
    assert theirs.read_text() == "theirs"


def test_different_datasets_may_be_archived_side_by_side(tmp_path: Path) -> None:
    vendor = small()
    archive = archive_of(tmp_path / "a")

    def take(id: str) -> int | None:
        evidence = archive.archive(vendor, resource(id), True)
        return archive.verify(vendor, resource(id), evidence.sha256).rows

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(take, ["people", "deals", "nothing"])) == [8, 4, 0]


def test_what_an_interrupted_run_left_is_removed(tmp_path: Path) -> None:
    archive_of(tmp_path).archive(small(), resource("people"), True)
    before = tree(tmp_path)
    place = Place(LocalReads(tmp_path), "people")
    for path in (
        tmp_path / place.folder / "000009.jsonl.zst",
        tmp_path / place.folder / "attachment.tmp",
        tmp_path / place.schema(1),
        tmp_path / "manifest.json.tmp",
        tmp_path / "bag-info.txt.tmp",
        tmp_path / "SHA256SUMS",
    ):
        path.write_bytes(b"half")
    archive_of(tmp_path).archive(small(), resource("people"), True)
    assert tree(tmp_path) == before
