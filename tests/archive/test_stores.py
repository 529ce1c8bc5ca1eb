"""The same archive wherever it lies: in a folder, in an object store in memory, on a real S3-compatible server."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from archive_vendor import Clock, Crash, Dataset, Effects, Vendor, attachment, resource, row, small
from grounds import Ground

from crmstate.archive import manifest, objects, opening, restore
from crmstate.archive.folder import Archive
from crmstate.archive.layout import Place, slug
from crmstate.archive.store import TEMPORARY, Form
from crmstate.core.diagnostic import Problem

DATASETS = ("people", "deals", "nothing")


def archive_of(ground: Ground, name: str, effects: Effects | None = None) -> Archive:
    return Archive(ground.store(name, effects or Effects()), Clock(), "me")


def exports(archive: Archive, vendor: Vendor) -> list[str]:
    return [archive.archive(vendor, resource(id), True).sha256 for id in DATASETS]


def deltas(archive: Archive, vendor: Vendor) -> list[str]:
    return [archive.delta(vendor, resource(id), True).sha256 for id in DATASETS]


def change(vendor: Vendor) -> None:
    people = vendor.datasets["people"]
    people.rows["p3"] = row("p3", name="another")
    people.rows["p91"] = row("p91")
    del people.rows["p0"]
    people.files = [*people.files[1:], attachment("f9", "p91", b"late")]


def verified(ground: Ground, name: str, vendor: Vendor, contents: list[str]) -> None:
    archive = archive_of(ground, name)
    for id, sha256 in zip(DATASETS, contents, strict=True):
        assert archive.verify(vendor, resource(id), sha256).method.startswith("checksums+counts")
    store = ground.store(name, Effects())
    root, found = opening.opened(store)
    assert len(opening.checked(root, found, list(found.manifest.datasets), True)) == len(DATASETS)


def codes(act: Callable[[], object]) -> list[tuple[str, str]]:
    with pytest.raises(Problem) as found:
        act()
    return [(each.code, str(each.params.get("file", ""))) for each in found.value.diagnostics]


def test_every_place_holds_the_same_bytes(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> None:
    vendor, effects = small(), Effects()
    contents = exports(archive_of(ground, "a", effects), vendor)
    verified(ground, "a", vendor, contents)
    change(vendor)
    contents = deltas(archive_of(ground, "a"), vendor)
    verified(ground, "a", vendor, contents)
    from grounds import Folders

    other, vendor = Folders(tmp_path_factory.mktemp("other")), small()
    exports(archive_of(other, "a"), vendor)
    change(vendor)
    deltas(archive_of(other, "a"), vendor)
    assert ground.files("a") == other.files("a")
    if ground.name != "folder":
        assert {kind for kind, _ in effects.done} == {"http"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_it_goes_on_wherever_it_stopped(ground: Ground, when: str) -> None:
    """At every effect, but in the slow places at some (more of them: the deep suite)."""
    stops_everywhere(ground, when, {"s3": 97, "memory": 1, "folder": 11}[ground.name])


@pytest.mark.deep(seconds=30)
@pytest.mark.parametrize("when", ["before", "after"])
def test_it_goes_on_wherever_it_stopped_in_slow_places_too(ground: Ground, when: str) -> None:
    """All of them, and on the server every fourth, beginning with another one for each."""
    stops_everywhere(ground, when, {"s3": 4, "memory": 9, "folder": 1}[ground.name], 3 if when == "after" else 1)


def stops_everywhere(ground: Ground, when: str, step: int, start: int = 1) -> None:
    effects, vendor = Effects(), small()
    wanted = exports(archive_of(ground, "whole", effects), vendor)
    first = effects.count
    change(vendor)
    changed = deltas(archive_of(ground, "whole", effects), copy.deepcopy(vendor))
    whole = ground.files("whole")
    for stop in range(start, effects.count + 1, step):
        name, mine = f"stop-{stop}", small()
        if stop <= first:
            with pytest.raises(Crash):
                exports(archive_of(ground, name, Effects(stop, when)), mine)
            nothing_half(ground, name, whole)
        assert exports(archive_of(ground, name), mine) == wanted, stop
        reads = [asked for asked in mine.asked if asked[0] == "read"]
        assert len(reads) - len(set(reads)) <= 2, stop
        change(mine)
        if stop > first:
            with pytest.raises(Crash):
                deltas(archive_of(ground, name, Effects(stop - first, when)), mine)
        assert deltas(archive_of(ground, name), mine) == changed, stop
        assert ground.files(name) == whole, stop


def nothing_half(ground: Ground, name: str, whole: dict[str, bytes]) -> None:
    """What lies there after the first run was stopped is whole, or bears a name that says that it is not; lines of a
    journal that lie apart are lines of it."""
    for file, data in ground.files(name).items():
        if file.startswith("journal/"):
            journal = file if file in whole else file.rpartition("/")[0] + ".jsonl"
            assert data in whole[journal] or file.endswith(TEMPORARY), file
        elif file.startswith("data/") and not file.endswith(TEMPORARY):
            assert data == whole[file], file


def test_on_an_object_store_the_journal_is_one_object_a_line_until_it_is_sealed(ground: Ground) -> None:
    if ground.name == "folder":
        return  # a folder has files that can be added to
    seen: set[str] = set()

    def fail(count: int, kind: str, what: str) -> None:
        seen.update(name for name in ground.files("a") if name.startswith("journal/"))

    exports(archive_of(ground, "a", Effects(fail=fail)), small())
    lines = sorted(name for name in seen if name.startswith(f"journal/{slug('people')}/"))
    assert lines[:2] == [f"journal/{slug('people')}/{n:06d}.json" for n in range(2)]
    assert len(lines) > 4
    assert [name for name in ground.files("a") if name.startswith("journal/")] == sorted(
        f"journal/{slug(id)}.jsonl" for id in DATASETS
    )


def test_each_file_that_is_missing_changed_or_extra_is_named(ground: Ground) -> None:
    vendor = Vendor(t=Dataset({"1": row("1"), "2": row("2")}, [attachment("f", "1", b"xy")]))
    archive_of(ground, "a").archive(vendor, resource("t"), True)
    archive = archive_of(ground, "a")

    def check() -> object:
        return archive.verify(vendor, resource("t"))

    for name, data in ground.files("a").items():
        ground.remove("a", name)
        assert name in [file for _, file in codes(check)] or name == "manifest.json"
        ground.write("a", name, data[:-1] + bytes([data[-1] ^ 1]) if data else b"x")
        assert name in [file for _, file in codes(check)] or name == "manifest.json"
        ground.write("a", name, data)
    strays = [
        "stray", "data/stray", f"data/{slug('t')}/stray", f"data/{slug('t')}/a/b", "data/attachments/stray",
        "data/attachments/ab/stray", "data/attachments/ab/ab" + "0" * 62, "journal/stray", "schema/stray", "top/a/b",
        f"journal/{slug('t')}/stray", f"journal/{slug('t')}/000000.json",
    ]  # fmt: skip
    for name in strays:
        ground.write("a", name, b"")
        found = codes(check)
        assert [code for code, _ in found] == ["CRM-A003"], name
        assert name.startswith(found[0][1]), name
        ground.remove("a", name)
        if ground.name == "folder" and name.count("/") > 1 and not name.startswith(f"data/{slug('t')}/stray"):
            folder = (ground.root / "a" / name).parent  # type: ignore[attr-defined]
            folder.rmdir() if not any(folder.iterdir()) else None
        if ground.name == "folder" and name == "top/a/b":
            (ground.root / "a" / "top").rmdir()  # type: ignore[attr-defined]
    check()


def test_whoever_seals_second_loses(ground: Ground) -> None:
    vendor = small()
    archive_of(ground, "a").archive(vendor, resource("deals"), True)
    theirs = ground.files("a")["manifest.json"].replace(b'"by":"me"', b'"by":"us"')

    def fail(count: int, kind: str, what: str) -> None:
        if what.endswith("manifest.json"):
            ground.write("a", "manifest.json", theirs)

    with pytest.raises(Problem) as found:
        archive_of(ground, "a", Effects(fail=fail)).archive(vendor, resource("people"), True)
    assert found.value.diagnostics[0].code == "CRM-A025"
    assert ground.files("a")["manifest.json"] == theirs


def test_different_datasets_may_be_archived_side_by_side(ground: Ground) -> None:
    vendor, archive = small(), archive_of(ground, "a")

    def take(id: str) -> int | None:
        evidence = archive.archive(vendor, resource(id), True)
        return archive.verify(vendor, resource(id), evidence.sha256).rows

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(take, DATASETS)) == [8, 4, 0]


def test_a_content_of_many_parts_comes_back(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "ONE_PUT", 6_000_000)
    monkeypatch.setattr(objects, "PIECE", 5 << 20)
    large = b"0123456789abcdef" * 800_000
    vendor = Vendor(t=Dataset({"1": row("1")}, [attachment("f", "1", large), attachment("g", "1", b"")]))
    vendor_fetch = vendor.fetch
    monkeypatch.setattr(
        vendor, "fetch", lambda file: iter([b"".join(vendor_fetch(file))] if file.id == "g" else [large])
    )
    archive = archive_of(ground, "a")
    evidence = archive.archive(vendor, resource("t"), True)
    assert archive.verify(vendor, resource("t"), evidence.sha256).rows == 1
    assert large in ground.files("a").values()


def test_a_fetch_that_fails_leaves_nothing(ground: Ground) -> None:
    vendor = small()

    def served(file: object, content: bytes) -> bytes:
        return content + b"more"

    vendor.served = served  # type: ignore[assignment]
    with pytest.raises(Problem) as found:
        archive_of(ground, "a").archive(vendor, resource("people"), True)
    assert found.value.diagnostics[0].code == "CRM-A020"
    assert [name for name in ground.files("a") if "attachment" in name and not name.startswith("journal")] == []


def test_names_sizes_and_everything_below(ground: Ground) -> None:
    store = ground.store("a", Effects())
    store.folders(["", "data", "data/x"])
    store.put({"data/x/1": b"one", "data/x/2": b"", "README.txt": b"read"})
    assert (store.names(""), store.names("data"), store.names("nowhere")) == (["README.txt", "data"], ["x"], [])
    assert store.sizes("data/x") == {"1": 3, "2": 0}
    assert [name for name, form in store.walk("data") if form is Form.FILE] == ["data/x/1", "data/x/2"]
    assert (store.read("data/x/1"), store.read("data/x/3"), store.size("data/x/3")) == (b"one", None, None)
    assert store.measure("data/x/3") is None
    inner = store.within("data")
    assert (inner.read("x/1"), inner.path("x")) == (b"one", store.path("data/x"))
    with pytest.raises(FileNotFoundError):
        list(store.pieces("data/x/3"))
    store.remove("data/x/1")
    store.remove("data/x/1")
    assert store.names("data/x") == ["2"]


def test_archives_are_found_and_restored(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> None:
    vendor = small()
    exports(archive_of(ground, "all/one"), vendor)
    exports(archive_of(ground, "all/two"), vendor)
    ground.write("all", "a-file", b"")
    assert [each.where.rpartition("/")[2] for each in opening.find(ground.store("all", Effects()))] == ["one", "two"]
    assert codes(lambda: opening.opened(ground.store("all", Effects())))[0][0] == "CRM-A036"
    assert codes(lambda: opening.find(ground.store("nowhere", Effects())))[0][0] == "CRM-A034"
    root, found = opening.opened(ground.store("all/one", Effects()))
    out = tmp_path_factory.mktemp("out")
    for form in ("folder", "sqlite", "csv"):
        assert restore.restore(root, list(found.manifest.datasets), out / form, form) == 12
    assert manifest.seal_of(Place(root, "people")) is not None
