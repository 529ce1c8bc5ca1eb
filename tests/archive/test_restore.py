"""What goes in comes out: into a folder, into SQLite, into CSV and back."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from archive_vendor import Clock, Dataset, Effects, Vendor, resource, row, small, tree
from hypothesis import given, settings
from hypothesis import strategies as st

from crmstate.archive import manifest, restore, sheet
from crmstate.archive.folder import FolderArchive
from crmstate.archive.layout import slug
from crmstate.archive.local import LocalReads
from crmstate.archive.seal import Seal
from crmstate.core.diagnostic import Problem


def taken(root: Path, vendor: Vendor, *datasets: str) -> list[Seal]:
    for id in datasets:
        FolderArchive(root, Effects(), Clock(), "me").archive(vendor, resource(id), True)
    found = manifest.load(LocalReads(root))
    assert found is not None
    return list(found.manifest.datasets)


def test_a_folder_has_the_rows_and_each_attachment_under_a_plain_name(tmp_path: Path) -> None:
    vendor = small()
    seals = taken(tmp_path / "a", vendor, "people", "nothing")
    assert restore.restore(LocalReads(tmp_path / "a"), seals, tmp_path / "out", "folder") == 8
    folder = tmp_path / "out" / slug("people")
    assert (folder / "rows.jsonl").read_bytes().splitlines() == list(vendor.datasets["people"].rows.values())
    index = [json.loads(line) for line in (folder / "attachments.jsonl").read_text().splitlines()]
    assert [each["file"] for each in index] == [
        "attachments/000001-passwd", "attachments/000002-empty", "attachments/000003-31m_red", "attachments/000004-a.txt",
    ]  # fmt: skip
    assert [(folder / each["file"]).read_bytes() for each in index] == [
        content for _, content in vendor.datasets["people"].files
    ]
    assert (tmp_path / "out" / slug("nothing") / "rows.jsonl").read_bytes() == b""
    assert [path.name for path in tmp_path.iterdir()] == ["a", "out"] or {p.name for p in tmp_path.iterdir()} == {
        "a",
        "out",
    }


def test_sqlite_has_every_row_by_its_id(tmp_path: Path) -> None:
    vendor = small()
    seals = taken(tmp_path / "a", vendor, "people", "deals")
    restore.restore(LocalReads(tmp_path / "a"), seals, tmp_path / "out.db", "sqlite")
    with closing(sqlite3.connect(tmp_path / "out.db")) as base:
        rows = dict(base.execute(f'SELECT id, row FROM "{slug("people")}"').fetchall())
        assert {id: text.encode() for id, text in rows.items()} == vendor.datasets["people"].rows
        assert base.execute("SELECT dataset, rows, attachments FROM datasets ORDER BY 1").fetchall() == [
            ("deals", 4, 1), ("people", 8, 4),
        ]  # fmt: skip
        names = base.execute("SELECT name FROM attachments WHERE dataset = 'people' ORDER BY id").fetchall()
        assert names[0] == ("../../etc/passwd",)


@pytest.mark.parametrize("form", ["folder", "sqlite", "csv"])
def test_what_is_there_is_not_written_over(tmp_path: Path, form: str) -> None:
    seals = taken(tmp_path / "a", small(), "deals")
    (tmp_path / "out").write_text("mine")
    with pytest.raises(Problem) as found:
        restore.restore(LocalReads(tmp_path / "a"), seals, tmp_path / "out", form)
    assert (found.value.diagnostics[0].code, (tmp_path / "out").read_text()) == ("CRM-A035", "mine")


def test_a_restore_reads_the_archive_and_changes_nothing_in_it(tmp_path: Path) -> None:
    seals = taken(tmp_path / "a", small(), "people")
    before = tree(tmp_path / "a")
    for form in ("folder", "sqlite", "csv", "csv-spreadsheet"):
        restore.restore(LocalReads(tmp_path / "a"), seals, tmp_path / form, form)
    assert tree(tmp_path / "a") == before


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../x.pdf", "x.pdf"), ("C:\\a\\b.doc", "b.doc"), ("", "file"), ("...", "file"), ("客户.txt", "txt"), ("a" * 300 + ".pdf", "a" * 70 + ".pdf"),
        (".bashrc", "bashrc"),
    ],
)  # fmt: skip
def test_a_vendors_file_name_made_plain(name: str, shown: str) -> None:
    assert restore.plain(name) == shown


def sheets(rows: dict[str, bytes], spreadsheet: bool) -> tuple[list[list[str]], list[dict[str, bytes]]]:
    """The cells of the CSV, and what is read back from it."""
    with TemporaryDirectory() as folder:
        seals = taken(Path(folder) / "a", Vendor(t=Dataset(rows)), "t")
        restore.restore(
            LocalReads(Path(folder) / "a"), seals, Path(folder) / "out", "csv-spreadsheet" if spreadsheet else "csv"
        )
        path = Path(folder) / "out" / f"{slug('t')}.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            text = stream.read()
        return list(csv.reader(text.splitlines(keepends=True))), list(sheet.read(path))


def test_a_table_is_what_a_person_expects() -> None:
    cells, _ = sheets(
        {"1": row("1", name="Mia, CEO", phone="+49 1", debt=-5, note=None), "2": row("2", name="", tags=["a"])}, False
    )
    assert cells == [
        ["id", "name", "phone", "debt", "note", "tags"],
        ["1", "Mia, CEO", "+49 1", "-5", "", "\\A"],
        ["2", "\\E", "\\A", "\\A", "\\A", '["a"]'],
    ]


def test_a_spreadsheet_finds_no_formula() -> None:
    texts = ["=1+1", "+49 1", "-5", "@x", "\tx", "\rx", "'x", " =1", "\uff1dx", "plain", '=HYPERLINK("http://x")']
    cells, back = sheets({f"{n:02}": row(f"{n:02}", **{"=name": text}) for n, text in enumerate(texts)}, True)
    assert cells[0] == ["id", "'=name"]
    assert [line[1][0] for line in cells[1:] if line[1] != "plain"] == ["'"] * 10
    assert [json.loads(each["=name"]) for each in back] == texts


@pytest.mark.parametrize("text", ["plain", "a\\nb", "=1"])
@pytest.mark.parametrize("late", [False, True])
def test_a_number_below_zero_is_no_formula_either(text: str, late: bool) -> None:
    """Whether it is among the first rows, from which the pattern of the rest is made, or comes later."""
    first: list[dict[str, object]] = [{"n": 1, "m": 2, "t": "x"}, {"n": 2, "m": [1], "t": "y"}]
    below: list[dict[str, object]] = [{"n": -5, "m": 3, "t": text}, {"n": 6, "m": -7.5, "t": text}]
    blocks = [first, below] if late else [first + below, below]
    out = io.BytesIO()
    sheet.Sheet(spreadsheet=True).fill(out, [[json.dumps(each).encode() for each in block] for block in blocks])
    lines = list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))
    assert [line[:2] for line in lines[-2:]] == [["'-5", "3"], ["6", "'-7.5"]]
    assert [line[:2] for line in lines[1:3]] == [["1", "2"], ["2", "[1]"]]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.text()
    | st.sampled_from(["\\A", "\\E", "\\J1", "\\", "", "'", "=1", "null", "1", "\x00", "a\rb", "a\nb", '"', "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5), st.dictionaries(st.sampled_from(["a", "b", "=c", "\\d"]), JSON), max_size=6
    ),
    st.booleans(),
    st.booleans(),
)
def test_any_table_turns_back_into_its_records(
    values: dict[str, dict[str, object]], spreadsheet: bool, ascii: bool
) -> None:
    def written(value: object) -> bytes:
        try:
            return json.dumps(value, ensure_ascii=ascii).encode()
        except UnicodeEncodeError:
            return json.dumps(value).encode()

    rows = {id: written({"id": id, **value}) for id, value in values.items()}
    _, back = sheets(rows, spreadsheet)
    plain = [{name: json.loads(text, parse_float=str) for name, text in each.items()} for each in back]
    assert plain == [json.loads(raw, parse_float=str) for _, raw in sorted(rows.items())]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.fixed_dictionaries(dict.fromkeys(("a", "b", "é"), JSON)), min_size=2, max_size=12),
    st.booleans(),
    st.sampled_from([(", ", ": "), (",", ":"), (" ,", " :")]),
)
def test_rows_of_one_shape_are_written_as_if_each_were_taken_apart(
    values: list[dict[str, object]], spreadsheet: bool, separators: tuple[str, str]
) -> None:
    raws = [json.dumps({"id": str(n), **value}, separators=separators).encode() for n, value in enumerate(values)]

    def cells(shapes: int) -> list[list[str]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sheet, "_SHAPES", shapes)
            made = sheet.Sheet(spreadsheet)
            made.survey([raws])
            out = io.BytesIO()
            assert made.fill(out, [raws[:3], raws[3:]]) == len(raws)
        return list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))

    assert cells(8) == cells(0)
