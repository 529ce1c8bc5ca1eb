"""Each method of verification says what it looked at; one that could look at nothing does not pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archive_vendor import Clock, Dataset, Effects, Vendor, attachment, resource, row, small

from crmstate.archive import manifest, press
from crmstate.archive.checks import Wanted, differing, share
from crmstate.archive.folder import FolderArchive
from crmstate.archive.layout import Place
from crmstate.archive.local import LocalReads
from crmstate.core.diagnostic import Problem
from crmstate.core.event import Evidence
from crmstate.core.provider import Count, Page


def archive_of(root: Path, share: float = 0.0, restore: bool = False) -> FolderArchive:
    return FolderArchive(root, Effects(), Clock(), "me", Wanted(share, restore))


def said(evidence: Evidence) -> dict[str, tuple[str, int | None]]:
    return {each.method: (each.said, each.rows) for each in evidence.checks}


def refused(
    archive: FolderArchive, vendor: Vendor, dataset: str = "people", **more: object
) -> tuple[str, dict[str, object]]:
    with pytest.raises(Problem) as found:
        archive.verify(vendor, resource(dataset), **more)  # type: ignore[arg-type]
    first = found.value.diagnostics[0]
    return first.code, dict(first.params)


@pytest.mark.parametrize(
    ("wanted", "restore", "expected"),
    [
        (0.0, False, {"checksums": ("equal", 8), "counts": ("exact", 8)}),
        (0.3, False, {"checksums": ("equal", 8), "counts": ("exact", 8), "sample": ("equal", 3)}),
        (1.0, True, {"checksums": ("equal", 8), "counts": ("exact", 8), "full": ("equal", 8), "restore_test": ("sqlite", 8)}),
    ],
)  # fmt: skip
def test_what_was_checked_and_how_much_is_on_record(
    tmp_path: Path, wanted: float, restore: bool, expected: dict[str, tuple[str, int]]
) -> None:
    vendor = small()
    archive = archive_of(tmp_path, wanted, restore)
    archive.archive(vendor, resource("people"), True)
    evidence = archive.verify(vendor, resource("people"))
    assert said(evidence) == {**expected, "attachments": ("sized", None)}
    assert evidence.method.split("+") == [*expected, "attachments"]
    assert evidence.checks[-1].files == 4
    first = evidence.checks[0]
    assert first.files is not None and first.bytes is not None
    assert (first.files > 10, first.bytes > 1000) == (True, True)


@pytest.mark.parametrize(("count", "word"), [(Count(None), "none"), (Count(7, exact=False), "approximate")])
def test_a_count_that_proves_nothing_is_on_record_and_not_in_the_method(
    tmp_path: Path, count: Count, word: str
) -> None:
    vendor = small()
    archive_of(tmp_path).archive(vendor, resource("people"), True)
    vendor.counted = count
    evidence = archive_of(tmp_path).verify(vendor, resource("people"))
    assert (evidence.method, said(evidence)["counts"]) == ("checksums+attachments", (word, count.rows))


@pytest.mark.parametrize(
    ("rows", "word"), [(1000, "round"), (2000, "round"), (1001, "none"), (999, "none"), (100, "none")]
)
def test_as_many_rows_as_listings_are_cut_off_at_are_noticed_where_no_count_is_exact(
    tmp_path: Path, rows: int, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(press, "SEGMENT_ROWS", 1000)
    vendor = Vendor(page=1000, t=Dataset({f"{n:05}": b'{"id":"%05d"}' % n for n in range(rows)}))
    archive_of(tmp_path).archive(vendor, resource("t"), False)
    counted = archive_of(tmp_path).verify(vendor, resource("t"))
    assert said(counted)["counts"] == ("exact", rows)
    vendor.counted = Count(None)
    evidence = archive_of(tmp_path).verify(vendor, resource("t"))
    assert (said(evidence)["counts"], evidence.method) == ((word, None), "checksums")
    vendor.counted = Count(rows * 3, exact=False)
    assert said(archive_of(tmp_path).verify(vendor, resource("t")))["counts"][0] in ("round", "approximate")


def test_a_field_that_changed_at_the_vendor_is_named_and_its_value_is_not(tmp_path: Path) -> None:
    vendor = small()
    archive = archive_of(tmp_path, 1.0)
    archive.archive(vendor, resource("people"), True)
    vendor.datasets["people"].rows["p3"] = row("p3", name="secret-canary", 备注=None)
    code, params = refused(archive, vendor)
    assert (code, params["changed"], params["gone"], params["fields"], params["rows"]) == (
        "CRM-A031",
        1,
        0,
        "name",
        "p3",
    )
    assert "secret-canary" not in repr(params)
    assert archive.delta(vendor, resource("people"), True).rows == 8
    assert said(archive.verify(vendor, resource("people")))["full"] == ("equal", 8)


def test_a_row_that_is_gone_is_named_unless_it_was_our_own_doing(tmp_path: Path) -> None:
    vendor = small()
    vendor.counted = Count(None)
    for share_of in (0.999, 1.0):
        archive = archive_of(tmp_path / str(share_of), share_of)
        vendor.datasets["people"].rows["p2"] = row("p2", name="Person 2", 备注=None)
        archive.archive(vendor, resource("people"), True)
        del vendor.datasets["people"].rows["p2"]
        code, params = refused(archive, vendor)
        assert (code, params["gone"], params["rows"]) == ("CRM-A031", 1, "p2")
        assert archive.delta(vendor, resource("people"), True, None, True).rows == 8


def test_a_sample_that_finds_nothing_at_the_vendor_does_not_pass(tmp_path: Path) -> None:
    vendor = small()
    archive = archive_of(tmp_path, 0.5)
    archive.archive(vendor, resource("people"), True)
    vendor.read = lambda dataset, cursor=None, ids=None: Page((), None)  # type: ignore[method-assign]
    assert refused(archive, vendor)[0] == "CRM-A031"


def test_the_same_fields_in_another_order_are_the_same_row() -> None:
    assert differing(b'{"a":1,"b":"x"}', b'{ "b": "\\u0078", "a": 1 }') == set()
    assert differing(b'{"a":1.0}', b'{"a":1}') == {"a"}
    assert differing(b'{"a":1}', b'{"a":"1"}') == {"a"}
    assert differing(b'{"a":null}', b"{}") == {"a"}
    assert differing(b'{"a":[{"b":10000000000000000000001}]}', b'{"a":[{"b":10000000000000000000002}]}') == {"a"}
    assert differing(b"[1]", b"[2]") == {"."}


@pytest.mark.parametrize(("text", "part"), [(None, 0.0), ("1%", 0.01), ("100%", 1.0), ("0.5%", 0.005), ("250%", 1.0)])
def test_a_share(text: str | None, part: float) -> None:
    assert share(text) == part


def test_an_empty_dataset_is_checked_for_being_empty(tmp_path: Path) -> None:
    vendor = small()
    archive = archive_of(tmp_path, 1.0, True)
    archive.archive(vendor, resource("nothing"), True)
    assert said(archive.verify(vendor, resource("nothing"))) == {
        "checksums": ("equal", 0), "counts": ("exact", 0), "full": ("equal", 0), "restore_test": ("sqlite", 0),
    }  # fmt: skip


def test_a_restore_that_gives_another_content_does_not_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = Vendor(t=Dataset({"1": row("1"), "2": row("2")}, [attachment("f", "1", b"x")]))
    archive = archive_of(tmp_path, 0.0, True)
    archive.archive(vendor, resource("t"), True)
    monkeypatch.setattr("crmstate.archive.restore.attachments", lambda place, seal: [])
    code, params = refused(archive, vendor, "t")
    assert (code, params["what"], params["said"], params["found"]) == ("CRM-A033", "attachments", 1, 0)


def test_a_verification_that_read_too_little_does_not_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = small()
    archive_of(tmp_path).archive(vendor, resource("people"), True)
    seal = manifest.seal_of(Place(LocalReads(tmp_path), "people"))
    assert seal is not None

    def nothing(self: object, file: str, number: int, digests: object, ids: object, rows: object) -> None: ...

    monkeypatch.setattr("crmstate.archive.beside.Rows._some", nothing)
    code, params = refused(archive_of(tmp_path), vendor)
    assert (code, params["read"], params["said"]) == ("CRM-A030", 0, 8)


def test_hostile_texts_survive_the_restore_test(tmp_path: Path) -> None:
    ids = ["a\x00b", "\ud800", '"; DROP TABLE x', "é", "e\u0301", "\u202e"]
    vendor = Vendor(
        **{
            "\ud800 data": Dataset(
                {id: json.dumps({"id": id}).encode() for id in ids}, [attachment("\ud801", ids[1], b"x", "\ud802")]
            )
        }
    )
    archive = archive_of(tmp_path, 1.0, True)
    archive.archive(vendor, resource("\ud800 data"), True)
    assert said(archive.verify(vendor, resource("\ud800 data")))["restore_test"] == ("sqlite", len(ids))


def test_the_sample_is_spread_and_the_same_each_time(tmp_path: Path) -> None:
    vendor = Vendor(100, t=Dataset({f"{n:03}": row(f"{n:03}") for n in range(200)}))
    asked: list[tuple[str, ...]] = []
    real = vendor.read

    def read(dataset: str, cursor: str | None = None, ids: object = None) -> Page:
        if ids:
            asked.append(tuple(sorted(ids)))  # type: ignore[call-overload]
        return real(dataset, cursor, ids)  # type: ignore[arg-type]

    archive = archive_of(tmp_path, 0.1)
    archive.archive(vendor, resource("t"), True)
    vendor.read = read  # type: ignore[method-assign]
    archive.verify(vendor, resource("t"))
    archive.verify(vendor, resource("t"))
    assert asked[0] == asked[1]
    assert len(asked[0]) == 20
    assert len({id[0] for id in asked[0]}) == 2
