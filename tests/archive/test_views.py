"""Copies for people beside an archive: made from its rows, compared with them, made again where they are anything else;
and the archive never relies on one."""

from __future__ import annotations

import csv
import errno
import io
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyrage
import pytest
from archive_vendor import Clock, Crash, Dataset, Effects, Vendor, resource, row, small, tree
from grounds import Folders, Ground, Memory
from locks import Key, locked

from crmstate.archive import manifest, opening, restore, views
from crmstate.archive.checks import Wanted
from crmstate.archive.folder import Archive
from crmstate.archive.layout import Place, slug
from crmstate.archive.local import LocalReads
from crmstate.archive.verify import Wrong
from crmstate.core.diagnostic import Problem
from crmstate.core.event import Check, Evidence
from crmstate.views.archive_text import archive_verified
from crmstate.views.catalogue import Catalogue

DATASETS = ("people", "deals", "nothing")
BOTH = ("csv", "csv-spreadsheet")


def archive_of(ground: Ground, effects: Effects | None = None, forms: tuple[str, ...] = BOTH) -> Archive:
    return Archive(ground.store("a", effects or Effects()), Clock(), "me", Wanted(views=forms))


def taken(archive: Archive, vendor: Vendor) -> None:
    for id in DATASETS:
        archive.archive(vendor, resource(id), True)


def verified(archive: Archive, vendor: Vendor) -> dict[str, Check]:
    """What each verification says of the views."""
    return {id: said(archive.verify(vendor, resource(id))) for id in DATASETS}


def said(evidence: Evidence) -> Check:
    return next(each for each in evidence.checks if each.method == "views")


def wrong(ground: Ground) -> list[tuple[str, str]]:
    """What somebody finds who verifies the archive that lies there."""
    root, found = opening.opened(ground.store("a", Effects()))
    try:
        opening.checked(root, found, list(found.manifest.datasets), False, copies=True)
    except Problem as refused:
        return [(each.code, str(each.params["file"])) for each in refused.diagnostics]
    return []


def shown(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name.startswith("views/")}


def test_they_are_made_once_and_hold_every_row_and_the_archive_is_what_it_was(ground: Ground) -> None:
    vendor = small()
    taken(archive_of(ground), vendor)
    before = ground.files("a")
    checks = verified(archive_of(ground), vendor)
    after = ground.files("a")
    assert {name: data for name, data in after.items() if name not in shown(after)} == before
    assert sorted(shown(after)) == sorted(
        f"views/{form}/{slug(id)}.csv{end}" for form in BOTH for id in DATASETS for end in ("", ".json")
    )
    for id, check in checks.items():
        lines = list(csv.reader(io.StringIO(after[f"views/csv/{slug(id)}.csv"].decode(), newline="")))
        assert (check.said, check.rows, check.names) == ("derived", len(lines) - 1, BOTH)
        assert len(lines) - 1 == len(vendor.datasets[id].rows)
        assert check.bytes == sum(len(data) for name, data in shown(after).items() if slug(id) in name)
    effects = Effects()
    again = verified(archive_of(ground, effects), vendor)
    assert {each.said for each in again.values()} == {"equal"}
    assert effects.done == [] and ground.files("a") == after and wrong(ground) == []


def test_a_view_is_what_a_restore_gives(tmp_path: Path) -> None:
    ground, vendor = Folders(tmp_path / "ground"), small()
    taken(archive_of(ground), vendor)
    verified(archive_of(ground), vendor)
    _, found = opening.opened(LocalReads(tmp_path / "ground" / "a"))
    for form in BOTH:
        restore.restore(LocalReads(tmp_path / "ground" / "a"), list(found.manifest.datasets), tmp_path / form, form)
        tables = {path.name: path.read_bytes() for path in (tmp_path / form).glob("*.csv")}
        assert tables == {
            name.rpartition("/")[2]: data
            for name, data in ground.files("a").items()
            if name.startswith(f"views/{form}/") and name.endswith(".csv")
        }


HARMS: dict[str, Callable[[Ground, str], None]] = {
    "flipped": lambda ground, name: ground.write("a", name, bytes([data[0] ^ 1]) + data[1:] if (data := ground.files("a")[name]) else b""),
    "cut": lambda ground, name: ground.write("a", name, ground.files("a")[name][:-3]),
    "longer": lambda ground, name: ground.write("a", name, ground.files("a")[name] + b"x\r\n"),
    "gone": lambda ground, name: ground.remove("a", name),
}  # fmt: skip


MAKES: dict[str, Callable[[Path], Ground]] = {"folder": Folders, "memory": lambda _: Memory()}


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("end", ["", ".json"])
@pytest.mark.parametrize("make", MAKES)
def test_one_that_is_damaged_is_named_and_made_again_and_hinders_nothing(
    make: str, harm: str, end: str, tmp_path: Path
) -> None:
    ground, vendor = MAKES[make](tmp_path / "ground"), small()
    taken(archive_of(ground), vendor)
    verified(archive_of(ground), vendor)
    sound, name = ground.files("a"), f"views/csv/{slug('people')}.csv{end}"
    HARMS[harm](ground, name)
    assert wrong(ground) == [("CRM-A110", name)]
    root, found = opening.opened(ground.store("a", Effects()))
    opening.checked(root, found, list(found.manifest.datasets), True)  # nothing else looks at it
    assert {id: each.said for id, each in verified(archive_of(ground), vendor).items()} == {
        "people": "derived", "deals": "equal", "nothing": "equal",
    }  # fmt: skip
    assert ground.files("a") == sound and wrong(ground) == []


def test_a_view_and_what_stands_beside_it_changed_to_agree_is_noticed_all_the_same(tmp_path: Path) -> None:
    ground, vendor = Folders(tmp_path / "ground"), small()
    taken(archive_of(ground), vendor)
    verified(archive_of(ground), vendor)
    other = Folders(tmp_path / "other")
    vendor.datasets["people"].rows["p1"] = row("p1", name="somebody else")
    taken(archive_of(other), vendor)
    verified(archive_of(other), vendor)
    for end in (".csv", ".csv.json"):
        name = f"views/csv/{slug('people')}{end}"
        ground.write("a", name, other.files("a")[name])
    assert {code for code, _ in wrong(ground)} == {"CRM-A110"}


def test_no_flipped_bit_of_a_view_goes_unnoticed(tmp_path: Path) -> None:
    ground, vendor = Folders(tmp_path / "ground"), Vendor(t=Dataset({"1": row("1", a="x")}))
    archive = archive_of(ground, forms=("csv",))
    archive.archive(vendor, resource("t"), False)
    archive.verify(vendor, resource("t"))
    root, found = opening.opened(ground.store("a", Effects()))
    place, (seal,) = Place(root, "t"), found.manifest.datasets
    for name, data in shown(ground.files("a")).items():
        for bit in range(0, 8 * len(data), 1 if name.endswith(".csv") else 61):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            ground.write("a", name, bytes(flipped))
            noticed = Wrong()
            views.compared(place, seal, noticed)
            assert noticed.count == 1, (name, bit)
        ground.write("a", name, data)


@pytest.mark.parametrize("make", MAKES)
def test_what_lies_among_them_and_is_none_is_named(make: str, tmp_path: Path) -> None:
    ground, vendor = MAKES[make](tmp_path / "ground"), small()
    taken(archive_of(ground), vendor)
    verified(archive_of(ground), vendor)
    for name in ("views/xlsx/x", "views/csv/notes.txt", f"views/csv/{slug('other')}.csv"):
        ground.write("a", name, b"x")
    assert sorted(wrong(ground)) == [
        ("CRM-A003", "views/csv/notes.txt"),
        ("CRM-A003", f"views/csv/{slug('other')}.csv"),
        ("CRM-A003", "views/xlsx"),
    ]


@pytest.mark.parametrize("make", MAKES)
def test_after_a_delta_they_hold_what_the_archive_holds_also_where_nobody_asks_for_them_any_more(
    make: str, tmp_path: Path
) -> None:
    ground, vendor = MAKES[make](tmp_path / "ground"), small()
    taken(archive_of(ground), vendor)
    verified(archive_of(ground), vendor)
    name = f"views/csv/{slug('people')}.csv"
    before = ground.files("a")[name]
    vendor.datasets["people"].rows["p91"] = row("p91", name="late")
    check = said(archive_of(ground, forms=()).delta(vendor, resource("people"), True))
    assert (check.said, check.rows) == ("derived", 9)
    assert b"p91" in ground.files("a")[name] and wrong(ground) == []
    ground.write("a", name, before)
    assert wrong(ground) == [("CRM-A110", name)]
    assert said(archive_of(ground, forms=()).recheck(resource("people"))).said == "derived"
    assert wrong(ground) == []


@pytest.mark.parametrize("when", ["torn", "after"])
@pytest.mark.parametrize("make", MAKES)
def test_wherever_making_them_stops_the_next_verification_makes_them_whole(
    make: str, when: str, tmp_path: Path
) -> None:
    vendor = Vendor(people=small().datasets["people"])
    whole = MAKES[make](tmp_path / "whole")
    archive_of(whole).archive(vendor, resource("people"), True)
    effects = Effects()
    archive_of(whole, effects).verify(vendor, resource("people"))
    expected = whole.files("a")
    assert effects.count >= 4
    ground = MAKES[make](tmp_path / "ground")
    archive_of(ground).archive(vendor, resource("people"), True)
    for stop in range(1, effects.count + 1):
        for name in shown(ground.files("a")):
            ground.remove("a", name)
        shutil.rmtree(tmp_path / "ground" / "a" / "views", ignore_errors=True)
        with pytest.raises(Crash):
            archive_of(ground, Effects(stop, when)).verify(vendor, resource("people"))
        left = {name for name, data in shown(ground.files("a")).items() if expected.get(name) != data}
        assert all(name.endswith(".tmp") for name in left), "half a view never has its name"
        archive_of(ground).verify(vendor, resource("people"))
        assert ground.files("a") == expected


def test_a_full_disk_stops_with_a_word_leaves_the_archive_whole_and_no_half_view(tmp_path: Path) -> None:
    ground, vendor = Folders(tmp_path / "ground"), Vendor(people=small().datasets["people"])
    archive_of(ground).archive(vendor, resource("people"), True)
    sealed, effects = ground.files("a"), Effects()
    archive_of(ground, effects).verify(vendor, resource("people"))
    whole = ground.files("a")
    for stop in range(1, effects.count + 1):
        shutil.rmtree(tmp_path / "ground" / "a" / "views")

        def fail(count: int, kind: str, what: str, stop: int = stop) -> None:
            if count >= stop and kind in ("write", "mkdir", "fsync"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        try:
            archive_of(ground, Effects(fail=fail)).verify(vendor, resource("people"))
        except Problem as refused:
            assert refused.diagnostics[0].code == "CRM-A013"
        left = ground.files("a")
        assert {name: data for name, data in left.items() if name not in shown(left)} == sealed
        assert all(whole[name] == data for name, data in shown(left).items() if not name.endswith(".tmp"))
        archive_of(ground).verify(vendor, resource("people"))
        assert ground.files("a") == whole


def test_datasets_side_by_side_make_theirs_one_after_the_other(tmp_path: Path) -> None:
    ground, archive = Folders(tmp_path / "ground"), archive_of(Folders(tmp_path / "ground"))
    vendor = Vendor(**{f"d{n}": Dataset({f"{n}-{m}": row(f"{n}-{m}", a=m) for m in range(20)}) for n in range(6)})
    for id in vendor.datasets:
        archive.archive(vendor, resource(id), False)
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda id: said(archive.verify(vendor, resource(id))), vendor.datasets))
    assert {each.said for each in done} == {"derived"} and wrong(ground) == []


def test_a_link_in_their_place_is_refused_and_nothing_is_written_behind_it(tmp_path: Path) -> None:
    ground, vendor = Folders(tmp_path / "ground"), small()
    taken(archive_of(ground), vendor)
    away = tmp_path / "away"
    away.mkdir()
    (tmp_path / "ground" / "a" / "views").symlink_to(away)
    with pytest.raises(Problem) as refused:
        archive_of(ground).verify(vendor, resource("people"))
    assert refused.value.diagnostics[0].code == "CRM-A004" and list(away.iterdir()) == []


def test_of_an_encrypted_archive_they_are_encrypted_and_nothing_plain_reaches_the_disk(tmp_path: Path) -> None:
    key, vendor, root, written = Key(), small(), tmp_path / "a", []

    def watch(count: int, kind: str, what: str) -> None:
        written.extend(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    archive = locked(root, key, identity=key, wanted=Wanted(views=BOTH), effects=Effects(fail=watch))
    archive.archive(vendor, resource("people"), True)
    assert said(archive.verify(vendor, resource("people"))).said == "derived"
    views_there = {name: data for name, data in tree(root).items() if name.startswith("views/")}
    assert sorted(views_there) == sorted(
        f"views/{form}/{slug('people')}.csv{end}.age" for form in BOTH for end in ("", ".json")
    )
    opened = pyrage.decrypt(
        views_there[f"views/csv/{slug('people')}.csv.age"], [pyrage.x25519.Identity.from_str(key.secret)]
    )
    assert opened.count(b"\r\n") == 9 and b"Person 3" in opened
    assert not any(b"Person 3" in data for data in [*written, *tree(tmp_path).values()])
    before = tree(root)
    assert said(archive.verify(vendor, resource("people"))).said == "equal" and tree(root) == before
    name = f"views/csv/{slug('people')}.csv.age"
    (root / name).write_bytes(before[name][:-1] + bytes([before[name][-1] ^ 1]))
    _, found = opening.opened(LocalReads(root))
    from crmstate.core.secret import Secret

    wrap = opening.unwrapped(LocalReads(root), found, Secret(key.secret))
    with pytest.raises(Problem) as refused:
        opening.checked(LocalReads(root), found, list(found.manifest.datasets), False, wrap, copies=True)
    assert [(each.code, each.params["file"]) for each in refused.value.diagnostics] == [("CRM-A110", name)]
    plain = root / name.removesuffix(".age")
    plain.write_bytes(opened)
    (root / name).write_bytes(before[name])
    with pytest.raises(Problem) as refused:
        opening.checked(LocalReads(root), found, list(found.manifest.datasets), False, wrap, copies=True)
    assert [(each.code, each.params["file"]) for each in refused.value.diagnostics] == [
        ("CRM-A003", name.removesuffix(".age"))
    ]
    plain.unlink()
    blind = opening.unwrapped(LocalReads(root), found, None)
    (result,) = opening.checked(LocalReads(root), found, list(found.manifest.datasets), False, blind, copies=True)
    assert [(each.said, each.names) for each in result.checks if each.method == "views"] == [("not_read", BOTH)]
    (root / name).write_bytes(before[name][:-1])
    for lang, except_ in (("en", "The copies in views/ were NOT read"), ("zh-CN", "views/ 中的副本未读取")):
        last = archive_verified("a", [result], Catalogue(lang), "text").rstrip().splitlines()[-1]
        assert except_ in last, "whatever lies there, nobody without a key can tell it from another"
    assert '"copies_read":false' in archive_verified("a", [result], Catalogue("en"), "json").replace(" ", "")
    assert said(archive.verify(vendor, resource("people"))).said == "derived"


def test_whoever_has_no_key_makes_none(tmp_path: Path) -> None:
    archive, vendor = locked(tmp_path / "a", Key(), wanted=Wanted(views=("csv",))), small()
    archive.archive(vendor, resource("people"), True)
    check = said(archive.verify(vendor, resource("people")))
    assert (check.said, (tmp_path / "a" / "views").exists()) == ("not_read", False)


def test_the_end_of_an_archive_takes_them_along(ground: Ground) -> None:
    vendor = small()
    taken(archive_of(ground), vendor)
    verified(archive_of(ground), vendor)
    found = manifest.load(ground.store("a", Effects()))
    assert found is not None
    archive_of(ground).clear({each.dataset.id: each.last.content for each in found.manifest.datasets}, False)
    archive_of(ground).end()
    assert ground.files("a") == {}
