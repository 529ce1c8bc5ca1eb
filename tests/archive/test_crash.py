"""Wherever it stops, it goes on: every effect of archive, verify and delta, before, after, and torn."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_vendor import Clock, Crash, Effects, Vendor, attachment, resource, row, small, tree

from crmstate.archive import manifest
from crmstate.archive.folder import FolderArchive
from crmstate.archive.layout import Place
from crmstate.archive.local import LocalReads

DATASETS = ("people", "deals", "nothing")


def change(vendor: Vendor) -> None:
    """What people did between the archive and the freeze."""
    people = vendor.datasets["people"]
    people.rows["p3"] = row("p3", name="another")
    people.rows["p91"] = row("p91")
    people.rows["p92"] = row("p92")
    del people.rows["p0"]
    people.files = [*people.files[1:], attachment("f9", "p91", b"late")]


def exports(archive: FolderArchive, vendor: Vendor) -> list[str]:
    return [archive.archive(vendor, resource(id), True).sha256 for id in DATASETS]


def deltas(archive: FolderArchive, vendor: Vendor) -> list[str]:
    return [archive.delta(vendor, resource(id), True).sha256 for id in DATASETS]


def contents(root: Path) -> list[tuple[str, tuple[str, ...]]]:
    """What each dataset's last seal says that it holds, and the ids in their order."""
    archive = FolderArchive(root, Effects(), Clock(), "me")
    found = [manifest.seal_of(Place(LocalReads(root), id)) for id in DATASETS]
    return [(each.last.content, tuple(archive.ids(id))) for each, id in zip(found, DATASETS, strict=True) if each]


def until_done(
    root: Path, vendor: Vendor, run: Callable[[FolderArchive, Vendor], list[str]], stop: int, when: str
) -> list[str]:
    """Crashes once at this effect, then runs again without."""
    with pytest.raises(Crash):
        run(FolderArchive(root, Effects(stop, when), Clock(), "me"), vendor)
    for path in root.rglob("*.tmp"):
        assert path.name.endswith(".tmp")
    return run(FolderArchive(root, Effects(), Clock(), "me"), vendor)


def verified(root: Path, vendor: Vendor, seals: list[str]) -> None:
    archive = FolderArchive(root, Effects(), Clock(), "me")
    for id, sha256 in zip(DATASETS, seals, strict=True):
        assert archive.verify(vendor, resource(id), sha256).method.startswith("checksums+counts")


def twice(vendor: Vendor) -> list[tuple[str, str, str | None]]:
    """The pages of rows that were asked for more than once: those of the segment that was not durable, and the one that
    was fetched meanwhile."""
    reads = [asked for asked in vendor.asked if asked[0] == "read"]
    return [asked for asked in set(reads) if reads.count(asked) > 1]


STEPS = [5, pytest.param(1, marks=pytest.mark.deep(seconds=15))]
"""At every fifth effect, and in the deep suite at each."""


def points(effects: Effects, when: str, step: int) -> range:
    """Where to stop, beginning with another effect for each way of stopping."""
    return range(1 + ("before", "after", "torn").index(when) % step, effects.count + 1, step)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after", "torn"])
def test_an_export_that_stops_at_any_effect_ends_as_if_it_had_not(tmp_path: Path, when: str, step: int) -> None:
    effects = Effects()
    exports(FolderArchive(tmp_path / "whole", effects, Clock(), "me"), small())
    whole, files = contents(tmp_path / "whole"), tree(tmp_path / "whole")
    for stop in points(effects, when, step):
        vendor, root = small(), tmp_path / str(stop)
        verified(root, vendor, until_done(root, vendor, exports, stop, when))
        assert contents(root) == whole, stop
        assert tree(root) == files, stop
        assert len(twice(vendor)) <= 2, f"effect {stop}: {twice(vendor)}"


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after", "torn"])
def test_a_delta_that_stops_at_any_effect_ends_as_if_it_had_not(tmp_path: Path, when: str, step: int) -> None:
    vendor, effects = small(), Effects()
    exports(FolderArchive(tmp_path / "whole", Effects(), Clock(), "me"), vendor)
    change(vendor)
    deltas(FolderArchive(tmp_path / "whole", effects, Clock(), "me"), copy.deepcopy(vendor))
    whole = contents(tmp_path / "whole")
    files = tree(tmp_path / "whole")
    for stop in points(effects, when, step):
        root, vendor = tmp_path / str(stop), small()
        exports(FolderArchive(root, Effects(), Clock(), "me"), vendor)
        change(vendor)
        verified(root, vendor, until_done(root, vendor, deltas, stop, when))
        assert contents(root) == whole, stop
        assert tree(root) == files, stop


def test_a_verification_has_no_effect_on_the_disk(tmp_path: Path) -> None:
    vendor = small()
    seals = exports(FolderArchive(tmp_path, Effects(), Clock(), "me"), vendor)
    effects = Effects()
    archive = FolderArchive(tmp_path, effects, Clock(), "me")
    for id, sha256 in zip(DATASETS, seals, strict=True):
        archive.verify(vendor, resource(id), sha256)
    assert effects.done == []


def test_at_no_effect_is_anything_visible_that_is_not_whole(tmp_path: Path) -> None:
    effects, vendor = Effects(), small()
    archive = FolderArchive(tmp_path / "whole", effects, Clock(), "me")
    seen: set[tuple[str, bytes]] = set()
    for id in DATASETS:
        archive.archive(vendor, resource(id), True)
        seen |= set(tree(tmp_path / "whole").items())  # what lies at the top is replaced with each dataset
    whole = tree(tmp_path / "whole")
    for stop in range(1, effects.count + 1):
        root = tmp_path / str(stop)
        with pytest.raises(Crash):
            exports(FolderArchive(root, Effects(stop, "torn"), Clock(), "me"), small())
        for name, data in tree(root).items():
            if name.startswith("journal/"):
                assert name.endswith(".tmp") or whole[name].startswith(data)
            elif not name.endswith(".tmp"):
                assert (name, data) in seen, f"effect {stop}: {name}"


def test_what_is_sealed_is_not_read_again(tmp_path: Path) -> None:
    vendor = small()
    first = exports(FolderArchive(tmp_path, Effects(), Clock(), "me"), vendor)
    vendor.asked.clear()
    assert exports(FolderArchive(tmp_path, Effects(), Clock(), "me"), vendor) == first
    assert vendor.asked == []
