"""What comes out is what the vendor has: byte for byte, nothing missing, nothing twice."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from archive_vendor import Clock, Dataset, Effects, Vendor, attachment, by_key, resource, row, small, tree
from hypothesis import given, settings
from hypothesis import strategies as st

from crmstate.archive import manifest, pack
from crmstate.archive.folder import FolderArchive
from crmstate.archive.layout import Place, slug
from crmstate.archive.local import LocalReads
from crmstate.archive.seal import Seal
from crmstate.core.diagnostic import Problem
from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Page, Row


def archive_of(root: Path) -> FolderArchive:
    return FolderArchive(root, Effects(), Clock(), "me")


def rows_of(root: Path, dataset: str) -> dict[str, bytes]:
    found = [(each.id, each.raw) for each in archive_of(root).rows(dataset)]
    assert len(found) == len(dict(found))
    return dict(found)


def sealed(root: Path) -> Seal:
    found = manifest.seal_of(Place(LocalReads(root), "t"))
    assert found is not None
    return found


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(10**40, 10**60) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.text(min_size=1, max_size=12), st.dictionaries(st.text(), VALUES, max_size=4), max_size=9),
    st.booleans(),
    st.integers(1, 4),
)
def test_any_rows_come_back_byte_for_byte(values: dict[str, dict[str, object]], escaped: bool, page: int) -> None:
    rows = {}
    for id, value in values.items():
        text = json.dumps({**value, "id": id}, ensure_ascii=escaped)
        rows[id] = text.encode("utf-8")
    vendor = Vendor(page, t=Dataset(rows))
    with TemporaryDirectory() as folder:
        archive_of(Path(folder)).archive(vendor, resource("t"), True)
        evidence = archive_of(Path(folder)).verify(vendor, resource("t"))
        assert evidence.rows == len(rows)
        assert rows_of(Path(folder), "t") == rows
        assert archive_of(Path(folder)).ids("t") == sorted(rows)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 2), max_size=9),
    st.lists(st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 2), max_size=9), min_size=1, max_size=3),
)
def test_after_any_deltas_the_archive_is_what_the_vendor_has(
    first: dict[str, int], later: list[dict[str, int]]
) -> None:
    def data(values: dict[str, int]) -> Dataset:
        files = [attachment(f"f{id}", id, bytes([n] * n)) for id, n in values.items() if n]
        return Dataset({id: row(id, n=n) for id, n in values.items()}, files)

    vendor = Vendor(t=data(first))
    with TemporaryDirectory() as folder:
        root = Path(folder) / "archive"
        archive_of(root).archive(vendor, resource("t"), True)
        for values in later:
            vendor.datasets["t"] = data(values)
            before = sealed(root).last
            evidence = archive_of(root).delta(vendor, resource("t"), True)
            assert rows_of(root, "t") == vendor.datasets["t"].rows
            assert sorted(archive_of(root).ids("t")) == sorted(vendor.datasets["t"].rows)
            now = sealed(root).last
            assert now.content == evidence.sha256
            with TemporaryDirectory() as fresh:
                archive_of(Path(fresh)).archive(vendor, resource("t"), True)
                assert now.content == sealed(Path(fresh)).last.content
            assert (now.number == before.number) == (now.content == before.content)


def test_an_empty_dataset_is_archived_too(tmp_path: Path) -> None:
    evidence = archive_of(tmp_path).archive(small(), resource("nothing"), True)
    assert (evidence.rows, archive_of(tmp_path).ids("nothing")) == (0, [])
    assert archive_of(tmp_path).verify(small(), resource("nothing"), evidence.sha256).rows == 0


def test_a_dataset_that_is_gone_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(Failure):
        archive_of(tmp_path).archive(small(), resource("absent"), True)
    with pytest.raises(Problem):
        archive_of(tmp_path).ids("absent")


def test_pages_that_overlap_give_each_row_once_and_the_latest_text(tmp_path: Path) -> None:
    pages = {
        None: Page((Row("1", row("1", v=1)), Row("2", row("2", v=1))), "a"),
        "a": Page((Row("2", row("2", v=2)), Row("1", row("1", v=1)), Row("3", row("3"))), "b"),
        "b": Page((Row("3", row("3")),), None),
    }
    vendor = Vendor(t=Dataset({"1": b"", "2": b"", "3": b""}))
    vendor.read = lambda dataset, cursor=None, ids=None: pages[cursor]  # type: ignore[method-assign]
    archive_of(tmp_path).archive(vendor, resource("t"), True)
    assert archive_of(tmp_path).verify(vendor, resource("t")).rows == 3
    assert rows_of(tmp_path, "t") == {"1": row("1", v=1), "2": row("2", v=2), "3": row("3")}
    packs = sorted((tmp_path / "data" / slug("t")).glob("*.index.zst"))
    index = b"".join(b"".join(pack.unpacked([path.read_bytes()])) for path in packs)
    assert [(line[:1], line[-3:]) for line in index.splitlines()] == [(b"+", b'"%d"' % n) for n in (1, 2, 2, 3)]


def test_pages_that_lead_in_a_circle_are_refused(tmp_path: Path) -> None:
    vendor = Vendor(t=Dataset())
    vendor.read = lambda dataset, cursor=None, ids=None: Page((Row("1", row("1")),), "a")  # type: ignore[method-assign]
    with pytest.raises(Problem) as found:
        archive_of(tmp_path).archive(vendor, resource("t"), True)
    assert found.value.diagnostics[0].code == "CRM-A018"


@pytest.mark.parametrize("raw", [b"", b'{"id":\n"1"}', b'{"id":\r"1"}'])
def test_a_row_that_is_no_line_is_refused(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(Problem) as found:
        archive_of(tmp_path).archive(Vendor(t=Dataset({"1": raw})), resource("t"), True)
    assert found.value.diagnostics[0].code == "CRM-A019"


def once(what: str, cursor: str | None, code: Code, vendor: Vendor, change: object = None) -> None:
    """Makes one call fail, once."""
    left = [1]

    def before(asked: str, dataset: str, at: str | None) -> None:
        if (asked, at) == (what, cursor) and left:
            left.pop()
            if callable(change):
                change()
            raise Failure(code)

    vendor.before = before


def test_what_was_read_before_an_outage_is_durable(tmp_path: Path) -> None:
    vendor = small()
    vendor.page = 2
    once("read", "p5", Code.EXHAUSTED, vendor)
    with pytest.raises(Failure):
        archive_of(tmp_path).archive(vendor, resource("people"), True)
    vendor.asked.clear()
    archive_of(tmp_path).archive(vendor, resource("people"), True)
    assert vendor.asked[0] == ("read", "people", "p5")


@pytest.mark.parametrize("code", [Code.MISSING, Code.REJECTED])
def test_a_cursor_that_the_vendor_gave_up_begins_the_reading_again(tmp_path: Path, code: Code) -> None:
    vendor = small()
    rows = vendor.datasets["people"].rows

    def change() -> None:
        rows["p1"] = row("p1", name="changed")
        del rows["p2"]
        rows["p00"] = row("p00")

    once("read", "p5", code, vendor, change)
    archive_of(tmp_path).archive(vendor, resource("people"), True)
    assert archive_of(tmp_path).verify(vendor, resource("people")).rows == 8
    assert rows_of(tmp_path, "people") == rows
    assert archive_of(tmp_path).ids("people") == ["p0", "p1", "p3", "p4", "p5", "p00", "p6", "p7"]


@pytest.mark.parametrize("code", [Code.MISSING, Code.REJECTED])
@pytest.mark.parametrize("when", ["in one run", "after a crash"])
def test_where_a_cursor_has_died_a_vendor_that_lists_by_key_is_asked_behind_the_last_row(
    tmp_path: Path, code: Code, when: str
) -> None:
    vendor = by_key(small())
    vendor.page = 2
    if when == "after a crash":
        once("read", "p3", Code.UNAVAILABLE, vendor)
        with pytest.raises(Failure):
            archive_of(tmp_path / "a").archive(vendor, resource("people"), True)

    def dies(what: str, dataset: str, cursor: str | None) -> None:
        if what == "read" and cursor in ("p3", "p5"):
            raise Failure(code)

    vendor.before = dies
    vendor.asked.clear()
    found = archive_of(tmp_path / "a").archive(vendor, resource("people"), True)
    read = [cursor for what, _, cursor in vendor.asked if what in ("read", "behind")]
    start = ["p3"] if when == "after a crash" else [None, "p1", "p3"]
    assert read == [*start, "behind p3", "p5", "behind p5"], "nothing is asked for twice"
    assert rows_of(tmp_path / "a", "people") == vendor.datasets["people"].rows
    whole = archive_of(tmp_path / "b").archive(small(), resource("people"), True)
    assert found.sha256 == whole.sha256, "the content is that of an uninterrupted run"
    index = b"".join(
        part for file in (tmp_path / "a").rglob("*.index.zst") for part in pack.unpacked([file.read_bytes()])
    )
    assert index.count(b"\n") == 8, "no row twice"


def test_where_the_key_does_not_help_either_the_reading_begins_again(tmp_path: Path) -> None:
    vendor = by_key(small())
    left = [3]

    def dies(what: str, dataset: str, cursor: str | None) -> None:
        if cursor in ("p2", "behind p2") and left[0]:
            left[0] -= 1
            raise Failure(Code.REJECTED)

    vendor.before = dies
    found = archive_of(tmp_path).archive(vendor, resource("people"), True)
    assert (found.rows, rows_of(tmp_path, "people")) == (8, vendor.datasets["people"].rows)
    assert [cursor for what, _, cursor in vendor.asked if what in ("read", "behind")].count(None) == 3


def test_a_dataset_that_refuses_every_cursor_is_given_up_and_loses_nothing(tmp_path: Path) -> None:
    vendor = small()

    def before(what: str, dataset: str, cursor: str | None) -> None:
        if what == "read" and cursor == "p5":
            raise Failure(Code.REJECTED)

    vendor.before = before
    with pytest.raises(Failure):
        archive_of(tmp_path).archive(vendor, resource("people"), True)
    assert len(vendor.asked) < 30
    vendor.before = None
    archive_of(tmp_path).archive(vendor, resource("people"), True)
    assert rows_of(tmp_path, "people") == vendor.datasets["people"].rows


def test_a_delta_with_nothing_new_adds_no_generation(tmp_path: Path) -> None:
    vendor = small()
    first = archive_of(tmp_path).archive(vendor, resource("people"), True)
    before = tree(tmp_path)
    assert archive_of(tmp_path).delta(vendor, resource("people"), True).sha256 == first.sha256
    assert tree(tmp_path) == before


def test_attachments_left_out_at_first_are_added_when_they_are_asked_for(tmp_path: Path) -> None:
    vendor = small()
    first = archive_of(tmp_path).archive(vendor, resource("people"), False)
    again = archive_of(tmp_path).archive(vendor, resource("people"), True)
    assert (first.note, again.note) == ("generation=0 attachments=0", "generation=1 attachments=4")
    assert archive_of(tmp_path).verify(vendor, resource("people"), again.sha256).rows == 8


def test_a_delta_does_not_go_on_with_a_reading_from_before_the_freeze(tmp_path: Path) -> None:
    vendor = small()
    archive_of(tmp_path).archive(vendor, resource("people"), False)
    once("files", None, Code.UNAVAILABLE, vendor)
    with pytest.raises(Failure):
        archive_of(tmp_path).archive(vendor, resource("people"), True)
    vendor.datasets["people"].rows["p1"] = row("p1", name="changed since")
    archive_of(tmp_path).delta(vendor, resource("people"), True)
    assert rows_of(tmp_path, "people") == vendor.datasets["people"].rows


def test_hostile_dataset_ids_stay_below_the_archive(tmp_path: Path) -> None:
    ids = ["../../x", "/etc/passwd", "a\x00b", "客户", "客户2", "CON", ".", "-", "a" * 500, "x\n", "\ud800", "data"]
    vendor = Vendor(**{id: Dataset({"1": row("1")}) for id in ids})
    for id in ids:
        archive_of(tmp_path / "a").archive(vendor, resource(id), True)
        assert archive_of(tmp_path / "a").verify(vendor, resource(id)).rows == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert len({slug(id) for id in ids}) == len(ids)


def test_hostile_row_ids_are_data(tmp_path: Path) -> None:
    ids = ["../x", "a\nb", '"', "\\", "\u2028", "\u202e", "+ ", "é", "\x00"]
    vendor = Vendor(t=Dataset({id: row(id) for id in ids}))
    archive_of(tmp_path).archive(vendor, resource("t"), True)
    assert archive_of(tmp_path).verify(vendor, resource("t")).rows == len(ids)
    assert archive_of(tmp_path).ids("t") == sorted(ids)


@pytest.mark.parametrize(
    ("error", "code"), [(errno.ENOSPC, "A013"), (errno.EACCES, "A014"), (errno.EROFS, "A014"), (errno.EIO, "A015")]
)
def test_a_disk_that_refuses_stops_with_a_message_and_loses_nothing(tmp_path: Path, error: int, code: str) -> None:
    effects = Effects()
    FolderArchive(tmp_path / "whole", effects, Clock(), "me").archive(small(), resource("people"), True)
    whole = tree(tmp_path / "whole")
    for stop in range(1, effects.count + 1, 3):
        root = tmp_path / str(stop)

        def fail(count: int, kind: str, what: str, stop: int = stop) -> None:
            if count >= stop:
                raise OSError(error, os.strerror(error))

        with pytest.raises(Problem) as found:
            FolderArchive(root, Effects(fail=fail), Clock(), "me").archive(small(), resource("people"), True)
        assert found.value.diagnostics[0].code == f"CRM-{code}"
        for name, data in (tree(root) if root.exists() else {}).items():
            assert name.endswith(".tmp") or name.startswith("journal/") or data == whole[name]
        archive_of(root).archive(small(), resource("people"), True)
        assert tree(root) == whole


@pytest.mark.parametrize("foreign", ["notes.txt", "data/x", "README.txt", ".git/config"])
def test_a_folder_with_anything_else_in_it_is_refused_and_left_alone(tmp_path: Path, foreign: str) -> None:
    (tmp_path / foreign).parent.mkdir(exist_ok=True)
    (tmp_path / foreign).write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(Problem) as found:
        archive_of(tmp_path).archive(small(), resource("people"), True)
    assert found.value.diagnostics[0].code == "CRM-A027"
    assert tree(tmp_path) == before


def test_no_record_value_is_in_what_is_said(tmp_path: Path) -> None:
    canary = "canary-7391"
    vendor = Vendor(
        t=Dataset({"1": row("1", secret=canary), "2": canary.encode()}, [attachment("f", "1", b"x", canary)])
    )
    evidence = archive_of(tmp_path).archive(vendor, resource("t"), True)
    with pytest.raises(Problem) as found:
        archive_of(tmp_path).verify(vendor, resource("t"))
    said = repr((evidence, found.value.diagnostics, found.value.args))
    assert canary not in said


@pytest.mark.parametrize("cut", [2, 3])
def test_a_delta_after_the_freeze_reads_again_what_one_before_it_had_read(tmp_path: Path, cut: int) -> None:
    vendor = small()
    archive_of(tmp_path).archive(vendor, resource("people"), False)
    vendor.asked.clear()

    def stop(what: str, dataset: str, cursor: str | None) -> None:
        if len([each for each in vendor.asked if each[0] == "read"]) == cut:
            raise Failure(Code.UNAVAILABLE)

    vendor.before = stop
    with pytest.raises(Failure):
        archive_of(tmp_path).delta(vendor, resource("people"), False)
    vendor.before = None
    first = min(vendor.datasets["people"].rows)
    vendor.datasets["people"].rows[first] = row(first, name="changed before the freeze")
    archive_of(tmp_path).delta(vendor, resource("people"), False, frozen=True)
    assert {each.id: each.raw for each in archive_of(tmp_path).rows("people")} == vendor.datasets["people"].rows
