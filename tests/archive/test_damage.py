"""Whatever is wrong with an archive is noticed, and every file found wrong is named."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from pathlib import Path

import pytest
from archive_vendor import Clock, Dataset, Effects, Vendor, attachment, resource, row, small, tree

from crmstate.archive import manifest, pack
from crmstate.archive.folder import FolderArchive
from crmstate.archive.holding import Holding
from crmstate.archive.layout import Place, slug
from crmstate.archive.local import LocalReads
from crmstate.core.diagnostic import Problem
from crmstate.core.provider import Count
from crmstate.core.words import Exit


def tiny() -> Vendor:
    return Vendor(t=Dataset({"1": row("1", a="ä"), "2": row("2")}, [attachment("f", "1", b"xy")]))


def archive_of(root: Path) -> FolderArchive:
    return FolderArchive(root, Effects(), Clock(), "me")


def taken(root: Path, vendor: Vendor, dataset: str, delta: bool = False) -> str:
    """Archives, and takes a delta of one changed row; the digest of the last seal."""
    sha256 = archive_of(root).archive(vendor, resource(dataset), True).sha256
    if delta:
        vendor.datasets[dataset].rows["1"] = row("1", a="changed")
        sha256 = archive_of(root).delta(vendor, resource(dataset), True).sha256
    return sha256


def codes(root: Path, vendor: Vendor, dataset: str, expected: str | None = None) -> list[tuple[str, str]]:
    """What a verification finds: code and file."""
    try:
        archive_of(root).verify(vendor, resource(dataset), expected)
    except Problem as found:
        assert found.exit is Exit.ERROR
        return [(each.code, str(each.params.get("file", ""))) for each in found.diagnostics]
    return []


def flips(
    root: Path, vendor: Vendor, sha256: str | None, bits: list[int], step: int = 1, start: int = 0
) -> list[tuple[str, int, int]]:
    """The flipped bits that went unnoticed. `bits`: of each byte these, or of byte n only n % 8 where empty; `step`: of each
    so many bytes one, from `start` on."""
    unnoticed = []
    for name, data in tree(root).items():
        for place in range(start, len(data), step):
            for bit in bits or [place % 8]:
                (root / name).write_bytes(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
                if not codes(root, vendor, "t", sha256):
                    unnoticed.append((name, place, bit))
        (root / name).write_bytes(data)
    return unnoticed


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.deep(seconds=10))])
def test_a_flipped_bit_in_any_byte_is_noticed(tmp_path: Path, step: int) -> None:
    """Of every fifth byte, and in the deep suite of each."""
    vendor = tiny()
    sha256 = taken(tmp_path, vendor, "t")
    assert flips(tmp_path, vendor, sha256, [], step) == []
    assert codes(tmp_path, vendor, "t", sha256) == []


@pytest.mark.deep(seconds=10)
def test_a_flipped_bit_in_any_byte_is_noticed_without_a_record_too(tmp_path: Path) -> None:
    vendor = tiny()
    taken(tmp_path, vendor, "t")
    assert flips(tmp_path, vendor, None, []) == []


@pytest.mark.deep(seconds=45)
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("delta", [False, True])
def test_every_flipped_bit_is_noticed(tmp_path: Path, delta: bool, part: int) -> None:
    vendor = tiny()
    sha256 = taken(tmp_path, vendor, "t", delta)
    assert flips(tmp_path, vendor, sha256, list(range(8)), 4, part) == []


def test_each_missing_file_is_named(tmp_path: Path) -> None:
    vendor = tiny()
    sha256 = taken(tmp_path, vendor, "t", delta=True)
    for name, data in tree(tmp_path).items():
        (tmp_path / name).unlink()
        found = codes(tmp_path, vendor, "t", sha256)
        assert name in [file for _, file in found] or (name, found[0][0]) == ("manifest.json", "CRM-A009"), name
        (tmp_path / name).write_bytes(data)
    assert codes(tmp_path, vendor, "t", sha256) == []


@pytest.mark.parametrize(
    "name",
    [
        "stray", "data/stray", "data/{slug}/stray", "data/{slug}/000099.jsonl", "data/{slug}/a/b", "data/attachments/stray",
        "data/attachments/ab/stray", "data/attachments/ab/ab" + "0" * 62, "journal/stray", "journal/{slug}.jsonl.tmp",
        "schema/stray", "schema/{slug}-0007.json", "manifest.json.tmp", "manifest-sha512.txt", "data/{slug}/000099.jsonl.zst",
    ],
)  # fmt: skip
def test_an_extra_file_is_named(tmp_path: Path, name: str) -> None:
    vendor = tiny()
    taken(tmp_path, vendor, "t")
    path = tmp_path / name.format(slug=slug("t"))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    found = codes(tmp_path, vendor, "t")
    assert [code for code, _ in found] == ["CRM-A003"]
    assert str(path).startswith(str(tmp_path / found[0][1]))


def test_a_file_replaced_by_a_link_to_the_same_bytes_is_refused(tmp_path: Path) -> None:
    vendor = tiny()
    taken(tmp_path / "a", vendor, "t")
    for number, name in enumerate(tree(tmp_path / "a")):
        elsewhere = tmp_path / f"elsewhere-{number}"
        (tmp_path / "a" / name).rename(elsewhere)
        (tmp_path / "a" / name).symlink_to(elsewhere)
        assert "CRM-A004" in [code for code, _ in codes(tmp_path / "a", vendor, "t")], name
        (tmp_path / "a" / name).unlink()
        elsewhere.rename(tmp_path / "a" / name)


@pytest.mark.parametrize("folder", ["", "data", "journal", "schema", "data/{slug}", "data/attachments"])
def test_a_folder_replaced_by_a_link_is_refused(tmp_path: Path, folder: str) -> None:
    vendor = tiny()
    taken(tmp_path / "a", vendor, "t")
    path = tmp_path / "a" / folder.format(slug=slug("t"))
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert [code for code, _ in codes(tmp_path / "a", vendor, "t")] == ["CRM-A004"]
    with pytest.raises(Problem) as found:
        archive_of(tmp_path / "a").archive(vendor, resource("t"), True)
    assert found.value.diagnostics[0].code == "CRM-A004"


def test_an_archive_rewritten_consistently_is_noticed_by_the_record(tmp_path: Path) -> None:
    vendor = tiny()
    sha256 = taken(tmp_path, vendor, "t")
    del vendor.datasets["t"].rows["2"]
    shutil.rmtree(tmp_path)
    taken(tmp_path, vendor, "t")
    assert codes(tmp_path, vendor, "t") == []
    assert codes(tmp_path, vendor, "t", sha256)[0][0] == "CRM-A007"


def test_a_record_of_an_earlier_generation_is_told_apart(tmp_path: Path) -> None:
    vendor = tiny()
    first = taken(tmp_path, vendor, "t")
    taken(tmp_path, vendor, "t", delta=True)
    assert codes(tmp_path, vendor, "t", first)[0][0] == "CRM-A022"


def test_all_files_found_wrong_are_named_at_once(tmp_path: Path) -> None:
    vendor = tiny()
    taken(tmp_path, vendor, "t")
    folder = f"data/{slug('t')}"
    (tmp_path / folder / "000000.jsonl.zst").write_bytes(b"")
    (tmp_path / folder / "ids-0000.jsonl.zst").unlink()
    (tmp_path / folder / "stray").write_bytes(b"")
    found = codes(tmp_path, vendor, "t")
    assert {
        ("CRM-A002", f"{folder}/000000.jsonl.zst"), ("CRM-A001", f"{folder}/ids-0000.jsonl.zst"), ("CRM-A003", f"{folder}/stray"),
    } <= set(found)  # fmt: skip


def test_rows_that_the_seal_covers_but_that_are_wrong_in_themselves_are_found(tmp_path: Path) -> None:
    vendor = Vendor(t=Dataset({"1": b'{"id":"1"}', "2": b'{"id":"2"'}))
    taken(tmp_path, vendor, "t")
    assert codes(tmp_path, vendor, "t") == [("CRM-A010", f"data/{slug('t')}/000000.jsonl.zst")]


def test_rows_that_were_mixed_up_with_ids_are_found(tmp_path: Path) -> None:
    vendor = Vendor(t=Dataset({"1": row("1"), "2": row("3"), "3": row("2")}))
    taken(tmp_path, vendor, "t")
    assert [code for code, _ in codes(tmp_path, vendor, "t")] == ["CRM-A011", "CRM-A011"]


def test_a_row_added_behind_the_last_is_found(tmp_path: Path) -> None:
    vendor = tiny()
    taken(tmp_path, vendor, "t")
    name = f"data/{slug('t')}/000000.jsonl.zst"
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + pack.packed(row("3") + b"\n"))
    assert codes(tmp_path, vendor, "t") == [("CRM-A002", name)]


def test_a_row_whose_digest_in_the_index_is_another_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor, real = tiny(), Holding.take
    with monkeypatch.context() as patched:
        patched.setattr(Holding, "take", lambda self, ids, digests: real(self, ids, [bytes(32)] * len(ids)))
        taken(tmp_path, vendor, "t")
    assert [code for code, _ in codes(tmp_path, vendor, "t")] == ["CRM-A005", "CRM-A005"]


def test_a_manifest_put_in_the_place_of_another_is_found(tmp_path: Path) -> None:
    vendor = tiny()
    taken(tmp_path / "a", vendor, "t", delta=True)
    taken(tmp_path / "b", vendor, "t")
    (tmp_path / "a/manifest.json").write_bytes((tmp_path / "b/manifest.json").read_bytes())
    assert {"CRM-A002", "CRM-A003"} <= {code for code, _ in codes(tmp_path / "a", vendor, "t")}


def test_a_count_that_differs_names_both_numbers(tmp_path: Path) -> None:
    vendor = tiny()
    taken(tmp_path, vendor, "t")
    vendor.counted = Count(3)
    with pytest.raises(Problem) as found:
        archive_of(tmp_path).verify(vendor, resource("t"))
    assert found.value.diagnostics[0].code == "CRM-A006"
    assert found.value.diagnostics[0].params == {"dataset": "t", "archived": 2, "vendor": 3}


@pytest.mark.parametrize(("count", "said"), [(Count(None), "none"), (Count(7, exact=False), "~7")])
def test_a_vendor_without_an_exact_count_is_said_to_have_none(tmp_path: Path, count: Count, said: str) -> None:
    vendor = tiny()
    taken(tmp_path, vendor, "t")
    vendor.counted = count
    evidence = archive_of(tmp_path).verify(vendor, resource("t"))
    assert (evidence.method, evidence.note.split()[-1]) == ("checksums+attachments", f"vendor_count={said}")


def test_nothing_sealed_cannot_be_verified_or_continued(tmp_path: Path) -> None:
    for act, code in (
        (lambda: archive_of(tmp_path / "a").verify(tiny(), resource("t")), "CRM-A009"),
        (lambda: archive_of(tmp_path / "a").delta(tiny(), resource("t"), True), "CRM-A094"),
        (lambda: archive_of(tmp_path / "a").ids("t"), "CRM-A009"),
    ):
        with pytest.raises(Problem) as found:
            act()
        assert found.value.diagnostics[0].code == code
    assert not (tmp_path / "a").exists()


def test_a_seal_of_a_later_format_is_not_called_damaged(tmp_path: Path) -> None:
    vendor = tiny()
    taken(tmp_path, vendor, "t")
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 3}))
    assert codes(tmp_path, vendor, "t")[0][0] == "CRM-A024"


def test_a_damaged_journal_stops_a_delta_before_it_adds_to_it(tmp_path: Path) -> None:
    vendor = tiny()
    taken(tmp_path, vendor, "t")
    path = tmp_path / Place(LocalReads(tmp_path), "t").journal
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(Problem) as found:
        archive_of(tmp_path).delta(vendor, resource("t"), True)
    assert found.value.diagnostics[0].code == "CRM-A002"


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    taken(tmp_path / "new" / "a", tiny(), "t", delta=True)
    for path in (tmp_path / "new").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_generations_and_manifests_are_chained(tmp_path: Path) -> None:
    taken(tmp_path, tiny(), "t")
    before = manifest.load(LocalReads(tmp_path))
    archive_of(tmp_path).archive(small(), resource("people"), True)
    taken(tmp_path, tiny(), "t", delta=True)
    seal, now = manifest.seal_of(Place(LocalReads(tmp_path), "t")), manifest.load(LocalReads(tmp_path))
    assert before is not None and seal is not None and now is not None
    first, second = seal.generations
    assert second.parent == first.content
    assert (before.manifest.serial, now.manifest.serial) == (1, 3)
    assert now.manifest.parent != before.manifest.root


@pytest.mark.parametrize("trace", ["README.txt", "sealed/x-01234567.json"])
def test_an_archive_of_the_first_format_is_named_and_left_alone(tmp_path: Path, trace: str) -> None:
    (tmp_path / trace).parent.mkdir(exist_ok=True)
    (tmp_path / trace).write_text("crmstate archive, format 1\n")
    before = tree(tmp_path)
    for act in (
        lambda: archive_of(tmp_path).archive(tiny(), resource("t"), True),
        lambda: archive_of(tmp_path).verify(tiny(), resource("t"), "0" * 64),
        lambda: archive_of(tmp_path).delta(tiny(), resource("t"), True),
        lambda: archive_of(tmp_path).ids("t"),
    ):
        with pytest.raises(Problem) as found:
            act()
        assert found.value.diagnostics[0].code == "CRM-A029"
    assert tree(tmp_path) == before


def test_a_small_frame_that_unpacks_to_an_endless_line_is_given_up_before_it_is_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = b"".join(pack.packed_all(b"x" * 1_000_000 for _ in range(40)))
    assert len(frame) < 10_000
    monkeypatch.setattr(pack, "LONGEST", 5_000_000)
    tracemalloc.start()
    with pytest.raises(ValueError, match="longer than any record"):
        list(pack.blocks([frame]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15_000_000
    many = b"".join(pack.packed_all(b"x" * 999_999 + b"\n" for _ in range(40)))
    assert sum(map(len, pack.blocks([many]))) == 40, "many lines may be longer in all"
