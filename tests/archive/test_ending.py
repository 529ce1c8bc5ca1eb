"""The end of an archive: at whatever effect it stops, what is left is never taken for an archive; and nothing but the
archive on record is ever deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
from archive_vendor import Clock, Crash, Effects, Vendor, resource, row, small, tree
from grounds import Ground
from locks import Key, locked

from crmstate.archive import opening
from crmstate.archive.checks import Wanted
from crmstate.archive.folder import Archive
from crmstate.archive.layout import Place
from crmstate.archive.local import Local, LocalReads
from crmstate.core.diagnostic import Problem
from crmstate.core.words import Proof

DATASETS = ("people", "deals", "nothing")


def made(root: Path, vendor: Vendor | None = None) -> dict[str, str]:
    """An archive, with a delta; its contents by dataset."""
    vendor = vendor or small()
    archive = Archive(Local(root, Effects()), Clock(), "me")
    for id in DATASETS:
        archive.archive(vendor, resource(id), True)
    vendor.datasets["deals"].rows["d9"] = row("d9")
    return {id: archive.delta(vendor, resource(id), True).sha256 for id in DATASETS}


def end(
    root: Path,
    expected: dict[str, str],
    begun: bool = False,
    effects: Effects | None = None,
    record: list[str] | None = None,
) -> str:
    """Ends it as the engine does; `record`: that everything but the mark is gone is noted there."""
    return ended(Archive(Local(root, effects or Effects()), Clock(), "me"), expected, begun, record)


def ended(archive: Archive, expected: dict[str, str], begun: bool, record: list[str] | None = None) -> str:
    record, note = [] if record is None else record, "nothing but the mark"
    if not record or not archive.bare():
        found = archive.clear(expected, begun)
        assert found.proof is Proof.OBSERVED
        record.append("cleared")
        note = found.note
    assert archive.end().proof is Proof.OBSERVED
    return note


def refused(root: Path, expected: dict[str, str], begun: bool = False) -> list[str]:
    """The codes of the refusal; nothing was touched."""
    before, effects = tree(root), Effects()
    with pytest.raises(Problem) as found:
        end(root, expected, begun, effects)
    assert (tree(root), effects.done) == (before, [])
    return [each.code for each in found.value.diagnostics]


def test_it_is_gone_and_what_lies_beside_it_is_not(tmp_path: Path) -> None:
    root, beside = tmp_path / "exit", tmp_path / "other"
    expected = made(root)
    beside.mkdir()
    (beside / "file").write_text("mine", encoding="utf-8")
    files = tree(root)
    assert end(root, expected) == f"files={len(files)} bytes={sum(map(len, files.values()))}"
    assert list(tree(tmp_path)) == ["other/file"]
    assert not root.exists()


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.deep(seconds=12))])
def test_wherever_it_stops_no_archive_is_left_and_it_goes_on(tmp_path: Path, step: int) -> None:
    effects, whole = Effects(), tmp_path / "whole" / "exit"
    end(whole, made(whole), effects=effects)
    assert effects.done[0] == ("unlink", str(whole / "manifest.json"))
    for stop in sorted({1, 2, *range(1, effects.count + 1, step), effects.count}):
        for when in ("before", "after"):
            root, record = tmp_path / f"{stop}-{when}" / "exit", []
            expected = made(root)
            with pytest.raises(Crash):
                end(root, expected, effects=Effects(stop, when), record=record)
            if (stop, when) != (1, "before"):
                with pytest.raises(Problem):
                    opening.opened(LocalReads(root))
            end(root, expected, begun=True, record=record)
            assert list(root.parent.iterdir()) == [], (stop, when)


@pytest.mark.parametrize("there", ["an empty folder", "nothing"])
def test_a_place_that_is_not_mounted_is_not_the_end_wherever_it_stopped(tmp_path: Path, there: str) -> None:
    effects, whole = Effects(), tmp_path / "whole" / "exit"
    end(whole, made(whole), effects=effects)
    believed, last = [], effects.count
    for stop in sorted({*range(1, last, 6), *range(last - 4, last + 1)}):
        root, record = tmp_path / str(stop) / "exit", []
        expected = made(root)
        with pytest.raises(Crash):
            end(root, expected, effects=Effects(stop, "before"), record=record)
        if root.exists():
            root.rename(tmp_path / str(stop) / "on the disk that is away")
        if there == "an empty folder":
            root.mkdir()
        if record:
            end(root, expected, begun=True, record=record)
            left = tree(tmp_path / str(stop) / "on the disk that is away")
            assert set(left) <= {"README.txt"}, "nothing of the archive is on it"
            believed.append(stop)
            continue
        assert refused(root, expected, begun=True) == ["CRM-A090"], stop
    assert believed and believed == list(range(believed[0], last + 1)) and believed[0] > last - 4


def test_what_came_back_to_a_cleared_place_is_looked_at_like_any_archive(tmp_path: Path) -> None:
    root = tmp_path / "exit"
    expected = made(root)
    archive = Archive(Local(root, Effects()), Clock(), "me")
    archive.clear(expected, False)
    assert archive.bare() and list(tree(root)) == ["README.txt"]
    (root / "data").mkdir()
    (root / "data" / "mine.txt").write_text("mine", encoding="utf-8")
    assert not archive.bare()
    assert refused(root, expected, begun=True) == ["CRM-A092"]


def test_a_place_without_its_mark_gets_one_before_anything_goes(tmp_path: Path) -> None:
    root = tmp_path / "exit"
    expected = made(root)
    (root / "README.txt").unlink()
    with pytest.raises(Crash):
        end(root, expected, effects=Effects(8, "before"))
    assert "README.txt" in tree(root) and "manifest.json" not in tree(root)
    end(root, expected, begun=True)
    assert not root.exists()


def test_an_export_that_was_cut_off_and_temporary_files_go_as_well(tmp_path: Path) -> None:
    root, vendor = tmp_path / "exit", small()
    expected = made(root, vendor)
    vendor.datasets["people"].rows["p99"] = row("p99")
    with pytest.raises(Crash):
        Archive(Local(root, Effects(4, "torn")), Clock(), "me").delta(vendor, resource("people"), True)
    end(root, expected)
    assert not root.exists()


@pytest.mark.parametrize(
    "path", ["notes.txt", "data/notes.txt", "journal/x.txt", "data/attachments/aa/short", "mine/a"]
)
def test_a_file_that_no_archive_has_stops_it(tmp_path: Path, path: str) -> None:
    root = tmp_path / "exit"
    expected = made(root)
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text("mine", encoding="utf-8")
    assert refused(root, expected) == ["CRM-A092"]


@pytest.mark.parametrize("begun", [False, True])
def test_a_link_is_not_followed(tmp_path: Path, begun: bool) -> None:
    root, far = tmp_path / "exit", tmp_path / "far"
    expected = made(root)
    far.mkdir()
    (far / "000000.jsonl.zst").write_text("mine", encoding="utf-8")
    (root / "data" / "linked-01234567").symlink_to(far)
    assert refused(root, expected, begun) == ["CRM-A092"]
    (root / "data" / "linked-01234567").unlink()
    folder = root / "data"
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    assert refused(root, expected, begun) == ["CRM-A092"]
    root.rename(tmp_path / "real")
    root.symlink_to(tmp_path / "real")
    assert refused(root, expected, begun) == ["CRM-A004"]


def test_another_archive_in_its_place_is_not_deleted(tmp_path: Path) -> None:
    root = tmp_path / "exit"
    expected = made(root)
    assert refused(root, {**expected, "deals": "0" * 64}) == ["CRM-A091"], "other contents"
    assert refused(root, {**expected, "leads": "0" * 64}) == ["CRM-A091"], "less than on record"
    assert refused(root, {"people": expected["people"]}) == ["CRM-A091"], "more than on record"


def test_what_is_not_there_is_ended_only_where_it_was_seen_to_be_cleared(tmp_path: Path) -> None:
    expected = made(tmp_path / "exit")
    for root in (tmp_path / "none", tmp_path / "unmounted" / "exit"):
        assert refused(root, expected) == refused(root, expected, begun=True) == ["CRM-A090"]
    with pytest.raises(Problem) as found:
        end(tmp_path / "unmounted" / "exit", expected, begun=True, record=["cleared"])
    assert [each.code for each in found.value.diagnostics] == ["CRM-A090"], "nor can be known to be gone"
    assert end(tmp_path / "none", expected, begun=True, record=["cleared"]) == "nothing but the mark"


def test_without_its_manifest_it_is_ended_only_where_that_was_begun(tmp_path: Path) -> None:
    root = tmp_path / "exit"
    expected = made(root)
    (root / "manifest.json").unlink()
    assert refused(root, expected) == ["CRM-A091"]
    (root / "README.txt").write_text("somebody else's", encoding="utf-8")
    assert refused(root, expected, begun=True) == ["CRM-A091"]
    (root / "README.txt").unlink()
    assert refused(root, expected, begun=True) == ["CRM-A091"], "nothing says whose it is"


def test_a_disk_that_refuses_is_said_and_it_goes_on(tmp_path: Path) -> None:
    root = tmp_path / "exit"
    expected = made(root)

    def fail(count: int, kind: str, what: str) -> None:
        if count == 7:
            raise PermissionError(13, "denied")

    with pytest.raises(Problem) as found:
        end(root, expected, effects=Effects(fail=fail))
    assert [each.code for each in found.value.diagnostics] == ["CRM-A093", "CRM-A014"]
    end(root, expected, begun=True)
    assert not root.exists()


def test_a_recheck_asks_nobody_and_claims_only_what_it_did(tmp_path: Path) -> None:
    vendor, root = small(), tmp_path / "exit"
    expected = made(root, vendor)
    archive = Archive(Local(root, Effects()), Clock(), "me", Wanted(0.5, True))
    found = archive.recheck(resource("people"), expected["people"])
    assert found.method == "checksums+restore_test+attachments"
    assert [(check.method, check.said) for check in found.checks] == [
        ("checksums", "equal"), ("counts", "none"), ("sample", "none"), ("restore_test", "sqlite"), ("attachments", "sized"),
    ]  # fmt: skip
    assert found.sha256 == expected["people"]


def test_a_recheck_passes_over_a_delta_that_was_begun_and_finds_damage_beside_it(tmp_path: Path) -> None:
    vendor, root = small(), tmp_path / "exit"
    expected = made(root, vendor)
    vendor.datasets["people"].rows["p99"] = row("p99")
    journal = str(root / Place(LocalReads(root), "people").journal)

    def cut(count: int, kind: str, what: str) -> None:
        if what == journal and Path(journal).stat().st_size > size + 600:
            raise Crash  # a segment is durable, and no seal covers it

    size = Path(journal).stat().st_size
    with pytest.raises(Crash):
        Archive(Local(root, Effects(fail=cut)), Clock(), "me").delta(vendor, resource("people"), True)
    archive = Archive(Local(root, Effects()), Clock(), "me")
    with pytest.raises(Problem) as found:
        archive.verify(vendor, resource("people"), expected["people"])
    assert {each.code for each in found.value.diagnostics} == {"CRM-A028"}
    assert archive.recheck(resource("people"), expected["people"]).method == "checksums+attachments"
    file = next((root / Place(LocalReads(root), "people").folder).glob("*.jsonl.zst"))
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(Problem) as found:
        archive.recheck(resource("people"), expected["people"])
    assert {each.code for each in found.value.diagnostics} == {"CRM-A002"}


def test_it_ends_wherever_it_lies(ground: Ground) -> None:
    """Cut off after each file as well; the lines of a journal that were never sealed go with it."""
    vendor = small()

    def archive(effects: Effects | None = None) -> Archive:
        return Archive(ground.store("exit", effects or Effects()), Clock(), "me")

    expected = {id: archive().archive(vendor, resource(id), True).sha256 for id in DATASETS}
    ground.write("other", "file", b"mine")
    vendor.datasets["people"].rows["p99"] = row("p99")
    stopped = Effects(fail=lambda count, kind, what: fail(count, what))

    def fail(count: int, what: str) -> None:
        if "manifest.json" in what or "SHA256SUMS" in what:
            raise Crash

    with pytest.raises(Crash):
        archive(stopped).delta(vendor, resource("people"), True)
    cuts, record = 0, []
    while True:
        effects = Effects(4 + cuts, "before")
        try:
            ended(archive(effects), expected, cuts > 0, record)
            break
        except Crash:
            cuts += 1
            assert "manifest.json" not in ground.files("exit")
    assert cuts > 2 and ground.files("exit") == {} and ground.files("other") == {"file": b"mine"}
    assert ended(archive(), expected, True, record) == "nothing but the mark"
    with pytest.raises(Problem):
        archive().clear(expected, True)


def test_how_much_an_interrupted_reading_holds_is_known_without_touching_it(tmp_path: Path) -> None:
    root, vendor = tmp_path / "exit", small()

    def lost(what: str, dataset: str, cursor: str | None) -> None:
        if cursor == "p5":
            raise Crash

    vendor.before = lost
    archive = Archive(Local(root, Effects()), Clock(), "me")
    with pytest.raises(Crash):
        archive.archive(vendor, resource("people"), True)
    effects = Effects()
    known = Archive(Local(root, effects), Clock(), "me").held("people")
    assert known == 3, "a segment is durable once the page behind it is there"
    assert (effects.done, archive.held("deals")) == ([], 0)
    vendor.before = None
    archive.archive(vendor, resource("people"), True)
    assert archive.held("people") == 0


def test_an_encrypted_archive_ends_without_its_key(tmp_path: Path) -> None:
    root, vendor = tmp_path / "exit", small()
    archive = locked(root, Key())
    assert archive.held("people") == 0, "asking does not settle how it is written"
    expected = {id: archive.archive(vendor, resource(id), True).sha256 for id in DATASETS}
    assert (root / "encryption.json").exists() and not b"".join(tree(root).values()).count(b"Person 1")
    end(root, expected)
    assert not root.exists()
