"""What is held, whatever the order in which ids come: compared with a dictionary that knows everything."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from pathlib import Path

import pytest
from archive_vendor import Clock, Dataset, Effects, Vendor, resource, row
from hypothesis import given, settings
from hypothesis import strategies as st

from crmstate.archive import index, known
from crmstate.archive.export import Passed
from crmstate.archive.folder import FolderArchive
from crmstate.archive.holding import Holding, Order
from crmstate.archive.index import parsed
from crmstate.core.diagnostic import Problem
from crmstate.core.provider import Page, Row

IDS = st.sampled_from(["1", "2", "10", "a", "ab", "b", "\ud800", 'q"', "\x7f", "é"])


def digest(version: int) -> bytes:
    return hashlib.sha256(bytes([version])).digest()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.tuples(IDS, st.integers(0, 1)), max_size=5), max_size=5), st.lists(st.booleans()))
def test_a_holding_is_what_a_dictionary_would_hold(pages: list[list[tuple[str, int]]], again: list[bool]) -> None:
    holding, lines = Holding(), list[list[bytes]]()
    model: dict[str, int] = {}
    met: set[str] = set()
    for number, page in enumerate(pages):
        if again[number : number + 1] == [True]:
            holding.begin(lambda: lines)
            met = set()
        ids, versions = [id for id, _ in page], [version for _, version in page]
        holding.expect(ids, lambda: lines)
        found, places = holding.take(ids, [digest(version) for version in versions])
        lines.append(found)
        written = [
            number for number, (id, version) in enumerate(page) if dict(page[:number]).get(id, model.get(id)) != version
        ]
        assert (list(range(len(page))) if places is None else places) == written
        model.update(page)
        met |= set(ids)
    assert holding.count == len(model)
    assert holding.content() == fresh(model.items()).content()
    folded = Holding()
    for number, block in enumerate(lines):
        folded.fold(parsed(block), lambda number=number: lines[:number])
    assert folded.content() == holding.content()
    whole = b"".join(index.quoted(id).encode() + b"\n" for id in model)
    assert b"".join(holding.ids(lambda: lines)) == b"".join(folded.ids(lambda: lines)) == whole
    gone = [id for id in model if id not in met]
    assert [line for block in holding.gone(lambda: lines) for line in block] == [index.gone(id) for id in gone]
    assert holding.content() == fresh((id, n) for id, n in model.items() if id in met).content()


def fresh(rows: Iterable[tuple[str, int]]) -> Holding:
    found = Holding()
    for id, version in sorted(rows):
        found.expect([id], list)
        found.take([id], [digest(version)])
    return found


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.text("019ab", min_size=1, max_size=3), max_size=4), max_size=4))
def test_an_order_holds_as_long_as_texts_or_numbers_grow(parts: list[list[str]]) -> None:
    order, before = Order(), list[str]()
    for part in parts:
        before += part
        text = all(one < two for one, two in itertools.pairwise(before))
        size = all((len(one), one) < (len(two), two) for one, two in itertools.pairwise(before))
        assert order.goes_on(part) == (text or size)
        if not (text or size):
            return


def test_ids_in_order_need_no_table_and_others_do(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[known.Known] = []
    real = known.Known.__init__

    def noted(self: known.Known) -> None:
        made.append(self)
        real(self)

    monkeypatch.setattr(known.Known, "__init__", noted)
    for ids in (["1", "2", "10", "11"], ["a", "ab", "b"]):
        fresh_of(ids)
    assert made == []
    fresh_of(["b", "a"])
    assert len(made) == 1


def fresh_of(ids: list[str]) -> None:
    holding, lines = Holding(), list[list[bytes]]()
    for id in ids:
        holding.expect([id], lambda: lines)
        lines.append(holding.take([id], [digest(0)])[0])
    assert holding.count == len(ids)


def test_the_table_shows_neither_ids_nor_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = known.sqlite3.connect
    monkeypatch.setattr(known.sqlite3, "connect", lambda name, **more: real(tmp_path / "table", **more))
    table = known.Known()
    facts = [(f"customer-{n}", known.Fact(digest(n), 1, n, n)) for n in range(50)]
    table.put(facts)
    assert table.get([id for id, _ in facts]) == dict(facts)
    table.close()
    data = (tmp_path / "table").read_bytes()
    assert len(data) > 50 * 48
    assert not any(id.encode() in data or fact.digest in data for id, fact in facts)


def test_the_table_lies_in_a_file_without_a_name_and_says_when_the_disk_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = known.Known()
    table._base.execute("PRAGMA max_page_count = 8")
    with pytest.raises(Problem) as found:
        table.put((str(n), known.Fact(digest(1), 1, n, n)) for n in range(5000))
    assert found.value.diagnostics[0].code == "CRM-A013"


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(9)), st.integers(1, 4))
def test_rows_in_any_order_are_archived_once_each(order: list[int], size: int) -> None:
    from tempfile import TemporaryDirectory

    ids = [str(n + 5) for n in order]
    rows = [Row(id, row(id)) for id in ids]
    pages = [tuple(rows[place : place + size]) for place in range(0, len(rows), size)]
    vendor = Vendor(t=Dataset({id: row(id) for id in ids}))

    def read(dataset: str, cursor: str | None = None, ids: object = None) -> Page:
        number = int(cursor or 0)
        return Page(pages[number], str(number + 1) if number + 1 < len(pages) else None)

    vendor.read = read  # type: ignore[method-assign]
    with TemporaryDirectory() as folder:
        archive = FolderArchive(Path(folder), Effects(), Clock(), "me")
        first = archive.archive(vendor, resource("t"), True)
        assert archive.verify(vendor, resource("t"), first.sha256).rows == len(ids)
        assert list(archive.ids("t")) == ids
        assert [each.id for each in archive.rows("t")] == ids
        again = archive.delta(vendor, resource("t"), True)
        assert again.sha256 == first.sha256


@pytest.mark.parametrize(("start", "length"), [(0, 1), (0, 2), (3, 1), (5, 7), (40, 3), (1, 100)])
def test_every_circle_of_cursors_is_noticed_within_three_rounds(start: int, length: int) -> None:
    passed = Passed("t")
    with pytest.raises(Problem):
        for step in range(4 * (start + length) + 2):
            passed.step(str(step if step < start else start + (step - start) % length))


def test_ids_are_read_again_from_any_place(tmp_path: Path) -> None:
    ids = [f"{n:05}" for n in range(40_000)]
    vendor = Vendor(5000, t=Dataset({id: row(id) for id in ids}))
    archive = FolderArchive(tmp_path, Effects(), Clock(), "me")
    archive.archive(vendor, resource("t"), True)
    found = archive.ids("t")
    assert (len(found), found[0], found[-1], found[39_000:39_003]) == (40_000, ids[0], ids[-1], ids[39_000:39_003])
    assert found[5:8] == ids[5:8] and found[::7000] == ids[::7000] and list(found) == ids
    with pytest.raises(IndexError):
        found[40_000]


def test_a_list_of_ids_that_is_changed_while_it_is_used_is_refused(tmp_path: Path) -> None:
    from crmstate.archive import manifest, pack
    from crmstate.archive.layout import Place
    from crmstate.archive.local import LocalReads

    vendor = Vendor(t=Dataset({"1": row("1"), "2": row("2")}))
    archive = FolderArchive(tmp_path, Effects(), Clock(), "me")
    archive.archive(vendor, resource("t"), True)
    found, seal = archive.ids("t"), manifest.seal_of(Place(LocalReads(tmp_path), "t"))
    assert seal is not None
    (tmp_path / seal.ids.file).write_bytes(pack.packed(b'"1"\n"3"\n'))
    with pytest.raises(Problem):
        found[0:2]
