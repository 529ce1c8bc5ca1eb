"""The folder of exports: every table that vendors write is read as it stands, and what is no table is refused by name."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmstate import providers
from crmstate.core.failure import Code, Failure
from crmstate.core.survey import DatasetFacts
from crmstate.core.words import Kind
from crmstate.providers.paper.folder import PAGE
from crmstate.providers.paper.session import Paper
from crmstate.providers.paper.table import Table


def session(folder: Path, attested: bool = True, **ways: dict[str, str]) -> Paper:
    return Paper(providers.load("paper"), folder, "K-1", "read", attested, ways)


def read(folder: Path, dataset: str, **ways: dict[str, str]) -> list[dict[str, str]]:
    """Every row of a dataset, page by page."""
    line, cursor, found = session(folder, **ways), None, []
    while True:
        page = line.read(dataset, cursor)
        found += [json.loads(row.raw) for row in page.rows]
        if (cursor := page.next) is None:
            line.close()
            return found


def put(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_table_is_read_in_the_encodings_and_with_the_signs_that_vendors_use(
    tmp_path: Path, encoding: str, sign: str
) -> None:
    lines = [sign.join(row) for row in (["编号", "姓名"], ["007", "李雷"], ["8", '"a,b;c\td"'])]
    put(tmp_path, "客户.csv", "\r\n".join(lines).encode(encoding))

    assert read(tmp_path, "客户") == [{"编号": "007", "姓名": "李雷"}, {"编号": "8", "姓名": "a,b;c\td"}]


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@given(st.lists(st.tuples(_CELL, _CELL, _CELL), max_size=20))
def test_whatever_stands_in_a_table_comes_out_as_it_stands(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("exports")
    text = io.StringIO(newline="")
    written = csv.writer(text, quoting=csv.QUOTE_ALL)
    written.writerow(["a", "b", "c"])
    written.writerows(rows)
    put(folder, "t.csv", text.getvalue().encode())

    assert read(folder, "t") == [dict(zip("abc", row, strict=True)) for row in rows]


@pytest.mark.parametrize("many", [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE])
def test_pages_leave_nothing_out_and_a_reading_goes_on_where_it_was(tmp_path: Path, many: int) -> None:
    put(tmp_path, "t.csv", ("n\n" + "".join(f"{n}\n" for n in range(many))).encode())

    assert [int(row["n"]) for row in read(tmp_path, "t")] == list(range(many))
    if many > PAGE:
        later = session(tmp_path).read("t", session(tmp_path).read("t").next)
        assert json.loads(later.rows[0].raw) == {"n": str(PAGE)} and later.rows[0].id == f"{PAGE + 1:010}"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a,a\n1,2\n",
        b"a,\n1,2\n",
        b"a,b\n1\n",
        b"a,b\n1,2,3\n",
        b'a,b\n1,"open\n',
        b"a\n\xff\xfe\xfd\x80\n",
        "id;Name;Ort\n1;Müller;Köln\n".encode("cp1252"),
    ],
)
def test_what_is_no_table_is_refused_and_named(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, "t.csv", data)

    with pytest.raises(Failure) as found:
        read(tmp_path, "t")

    assert found.value.code is Code.UNAVAILABLE and "t.csv" in found.value.summary


def test_other_files_are_one_dataset_with_their_bytes(tmp_path: Path) -> None:
    put(tmp_path, "contract.pdf", b"%PDF")
    put(tmp_path, ".hidden", b"x")
    put(tmp_path, "~$open.xlsx", b"x")
    line = session(tmp_path)

    assert [row.id for row in line.list(Kind.DATASET).resources] == ["files"]
    (file,) = line.files("files").files
    assert b"".join(line.fetch(file)) == b"%PDF"
    assert [row["name"] for row in read(tmp_path, "files")] == ["contract.pdf"]
    put(tmp_path, "contract.pdf", b"%PDF-1")
    with pytest.raises(Failure):
        list(line.fetch(file))


@pytest.mark.parametrize("odd", ["link.csv", "folder", "Contacts.tsv"])
def test_nothing_is_left_out_of_an_export_in_silence(tmp_path: Path, odd: str) -> None:
    put(tmp_path, "Contacts.csv", b"n\n1\n")
    if odd == "folder":
        (tmp_path / odd).mkdir()
    elif odd == "link.csv":
        (tmp_path / odd).symlink_to("/etc/passwd")
    else:
        put(tmp_path, odd, b"n\n1\n")

    with pytest.raises(Failure) as found:
        session(tmp_path).list(Kind.DATASET)

    assert odd in found.value.summary


def test_a_file_is_known_by_its_name_so_that_another_one_moves_none(tmp_path: Path) -> None:
    put(tmp_path, "b.pdf", b"b")
    put(tmp_path, "c.pdf", b"c")
    line = session(tmp_path)
    rows = {row.id: json.loads(row.raw)["name"] for row in line.read("files").rows}
    put(tmp_path, "a.pdf", b"a")

    assert {file.row: file.name for file in line.files("files").files} == {"a.pdf": "a.pdf", **rows}
    assert rows == {"b.pdf": "b.pdf", "c.pdf": "c.pdf"}


def test_a_file_whose_name_is_no_text_is_named_all_the_same(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.pdf")).write_bytes(b"x")

    with pytest.raises(Failure) as found:
        session(tmp_path).list(Kind.DATASET)

    assert found.value.code is Code.UNAVAILABLE and "udcff" in found.value.summary


def test_a_file_without_a_line_break_is_not_taken_into_memory(tmp_path: Path) -> None:
    put(tmp_path, "t.csv", b"n\n" + b"x" * (17 << 20))

    with pytest.raises(Failure) as found:
        read(tmp_path, "t")

    assert "line of more than" in found.value.summary


def test_a_table_that_changes_within_one_page_is_not_believed(tmp_path: Path) -> None:
    put(tmp_path, "t.csv", b"n\n1\n2\n")

    with Table(tmp_path / "t.csv") as table, pytest.raises(Failure) as found:
        rows = table.rows()
        next(rows)
        with (tmp_path / "t.csv").open("ab") as more:
            more.write(b"3\n")
        list(rows)

    assert "changed" in found.value.summary


def test_a_table_that_changes_while_it_is_read_is_not_believed(tmp_path: Path) -> None:
    put(tmp_path, "t.csv", ("n\n" + "1\n" * (PAGE + 1)).encode())
    line = session(tmp_path)
    cursor = line.read("t").next
    with (tmp_path / "t.csv").open("ab") as more:
        more.write(b"2\n")

    with pytest.raises(Failure) as found:
        line.read("t", cursor)

    assert "changed" in found.value.summary


def test_the_count_is_what_somebody_wrote_down_and_nothing_else(tmp_path: Path) -> None:
    put(tmp_path, "t.csv", b"n\n1\n")
    assert session(tmp_path).count("t").rows is None
    put(tmp_path, "counts.csv", b"dataset,rows\nt,2\n")
    assert session(tmp_path).count("t").rows == 2
    assert [row.id for row in session(tmp_path).list(Kind.DATASET).resources] == ["t"], "and is none of the vendor's"
    for wrong in (
        b"dataset,rows\nt,two\n",
        b"dataset,rows\nt,1\nt,2\n",
        b"dataset,rows\n,1\n",
        "dataset,rows\nt,²\n".encode(),
    ):
        put(tmp_path, "counts.csv", wrong)
        with pytest.raises(Failure) as found:
            session(tmp_path).count("t")
        assert "counts.csv" in found.value.summary


def test_nobody_vouches_so_no_listing_is_whole(tmp_path: Path) -> None:
    assert not session(tmp_path, attested=False).list(Kind.DATASET).complete
    assert session(tmp_path).list(Kind.DATASET).complete


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("windows-1252", "Müller"), ("iso-8859-15", "Œuvre"), ("gb18030", "李雷"), ("big5", "李雷"), ("shift_jis", "山田"),
        ("utf-16-le", "Żółw"), ("windows-1251", "Иван"), ("utf-8", "Müller"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("for_all", [False, True])
def test_a_table_is_read_in_the_encoding_that_somebody_declared(
    tmp_path: Path, encoding: str, name: str, for_all: bool
) -> None:
    put(tmp_path, "t.csv", f"id;name\n1;{name}\n".encode(encoding))

    assert read(tmp_path, "t", **{"*" if for_all else "t": {"encoding": encoding}}) == [{"id": "1", "name": name}]
    (row,) = session(tmp_path, t={"encoding": encoding}).list(Kind.DATASET).resources
    assert isinstance(row.facts, DatasetFacts) and (row.facts.encoding, row.facts.guessed) == (encoding, False)


@pytest.mark.parametrize(
    ("data", "encoding", "guessed"),
    [
        ("name\n李雷\n".encode(), "utf-8", False),
        ("name\n李雷\n".encode("utf-8-sig"), "utf-8", False),
        ("name\n李雷\n".encode("utf-16"), "utf-16", False),
        ("name\n李雷\n".encode("gb18030"), "gb18030", True),
    ],
)
def test_what_nobody_declared_is_said_to_be_a_guess_where_nothing_shows_it(
    tmp_path: Path, data: bytes, encoding: str, guessed: bool
) -> None:
    put(tmp_path, "t.csv", data)

    (row,) = session(tmp_path).list(Kind.DATASET).resources

    assert isinstance(row.facts, DatasetFacts) and (row.facts.encoding, row.facts.guessed) == (encoding, guessed)
    assert read(tmp_path, "t") == [{"name": "李雷"}]


def test_a_declared_encoding_that_the_file_denies_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "t.csv", "name\nMüller\n".encode("windows-1252"))
    put(tmp_path, "marked.csv", "name\n李雷\n".encode("utf-8-sig"))

    for dataset, encoding in (("t", "utf-8"), ("marked", "gb18030")):
        line = session(tmp_path, **{dataset: {"encoding": encoding}})
        assert {row.id for row in line.list(Kind.DATASET).resources} == {"t", "marked"}
        with pytest.raises(Failure) as found:
            read(tmp_path, dataset, **{dataset: {"encoding": encoding}})
        assert found.value.code is Code.UNAVAILABLE and f"{dataset}.csv" in found.value.summary


def test_a_column_names_the_rows_where_somebody_declares_it(tmp_path: Path) -> None:
    put(tmp_path, "t.csv", "编号,name\nB,1\nA,2\n".encode())
    line = session(tmp_path, t={"id": "编号"})

    assert [row.id for row in line.read("t").rows] == ["B", "A"]
    assert [json.loads(row.raw)["name"] for row in line.read("t", ids=["A"]).rows] == ["2"]


@pytest.mark.parametrize(
    ("data", "why"),
    [("id,a\n1,x\n1,y\n", "before"), ("id,a\n1,x\n,y\n", "empty"), ("a\nx\n", "no column")],
)
def test_a_column_that_does_not_name_every_row_by_another_name_is_refused(tmp_path: Path, data: str, why: str) -> None:
    put(tmp_path, "t.csv", data.encode())

    with pytest.raises(Failure) as found:
        read(tmp_path, "t", t={"id": "id"})

    assert found.value.code is Code.UNAVAILABLE and why in found.value.summary and "t.csv" in found.value.summary


def test_a_table_that_is_declared_and_not_there_is_named(tmp_path: Path) -> None:
    assert session(tmp_path, Kontakte={"id": "id"}).list(Kind.DATASET).resources == ()
    put(tmp_path, "Contacts.csv", b"id\n1\n")

    with pytest.raises(Failure) as found:
        session(tmp_path, Kontakte={"id": "id"}).list(Kind.DATASET)

    assert "Kontakte" in found.value.summary


def said(folder: Path, **ways: dict[str, str]) -> set[tuple[str, str, int]]:
    """What a listing says is wrong: the code, the file, and its line."""
    rows = session(folder, **ways).list(Kind.DATASET).resources
    faults = [each for row in rows if isinstance(row.facts, DatasetFacts) for each in row.facts.faults]
    return {(each.code, Path(each.span.file).name, each.span.line) for each in faults if each.span is not None}


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"a,b\n1,2\n3\n", ("CRM-V045", "t.csv", 3)),
        (b"a,a\n1,2\n", ("CRM-V043", "t.csv", 1)),
        ("id;Name;Ort\n1;Anna;Ulm\n2;Müller;Köln\n".encode("cp1252"), ("CRM-V048", "t.csv", 3)),
    ],
)
def test_what_is_wrong_with_a_table_is_known_before_it_is_archived(
    tmp_path: Path, data: bytes, fault: tuple[str, str, int]
) -> None:
    put(tmp_path, "t.csv", data)
    put(tmp_path, "good.csv", b"n\n1\n")
    assert said(tmp_path) == {fault}


@pytest.mark.parametrize(
    ("data", "way", "code"),
    [
        ("id,n\n1,x\n1,y\n", {"id": "id"}, "CRM-V047"),
        ("id,n\n1,x\n,y\n", {"id": "id"}, "CRM-V046"),
        ("Nummer,n\n1,x\n", {"id": "Numer"}, "CRM-V044"),
        ("id,n\n1,x\n2,Müller\n", {"encoding": "gb2312"}, "CRM-V049"),
    ],
)
def test_what_the_manifest_says_of_a_table_and_is_not_so_is_known_as_well(
    tmp_path: Path, data: str, way: dict[str, str], code: str
) -> None:
    put(tmp_path, "t.csv", data.encode("cp1252"))
    assert {(found, file) for found, file, _ in said(tmp_path, t=way)} == {(code, "t.csv")}


@pytest.mark.parametrize(
    ("counts", "fault"),
    [
        (b"dataset,rows\nDeals,2\nAufgaben,500\n", ("CRM-V055", 3)),
        (b"dataset,rows\nDeal,2\n", ("CRM-V055", 2)),
        (b"dataset,rows\nDeals.csv,2\n", ("CRM-V055", 2)),
        (b"Deals,2\n", ("CRM-V053", 1)),
        (b"dataset,rows\nDeals,two\n", ("CRM-V054", 2)),
        ("dataset,rows\nAufträge,2\n".encode("cp1252"), ("CRM-V060", 2)),
    ],
)
def test_a_line_of_counts_that_counts_nothing_is_told_with_its_place(
    tmp_path: Path, counts: bytes, fault: tuple[str, int]
) -> None:
    put(tmp_path, "Deals.csv", b"n\n1\n2\n")
    put(tmp_path, "counts.csv", counts)
    assert said(tmp_path) == {(fault[0], "counts.csv", fault[1])}
    with pytest.raises(Failure) as refused:
        session(tmp_path).count("Deals")
    found = refused.value.found
    assert found is not None and found.code == fault[0]
    if b"Deal" in counts and fault[0] == "CRM-V055" and b"Auf" not in counts:
        assert found.params["near"] == "Deals"


def test_what_lies_beside_the_exports_and_is_none_is_left_out_and_named(tmp_path: Path) -> None:
    for name in ("Thumbs.db", ".DS_Store", "~$Kontakte.xlsx", "desktop.ini"):
        put(tmp_path, name, b"x")
    (tmp_path / "__MACOSX").mkdir()
    put(tmp_path, "Angebot.pdf", b"%PDF")
    put(tmp_path, "Kontakte.xlsx", b"PK")
    (row,) = session(tmp_path).list(Kind.DATASET).resources
    assert isinstance(row.facts, DatasetFacts)
    assert {each.code: each.params["names"] for each in row.facts.faults} == {
        "CRM-V056": ".DS_Store, Thumbs.db, __MACOSX, desktop.ini, ~$Kontakte.xlsx",
        "CRM-V057": "Kontakte.xlsx",
    }
    assert [row["name"] for row in read(tmp_path, "files")] == ["Angebot.pdf", "Kontakte.xlsx"]


def test_a_name_is_the_same_in_whichever_way_a_system_writes_its_letters(tmp_path: Path) -> None:
    one, other = "Auftra\u0308ge", "Auftr\u00e4ge"
    put(tmp_path, f"{one}.csv", b"n\n1\n")
    put(tmp_path, "counts.csv", f"dataset,rows\n{other},1\n".encode())
    ways = {other: {"id": "n"}}

    def named(*known: str) -> tuple[str, list[str | None], int | None]:
        line = Paper(providers.load("paper"), tmp_path, "K-1", "read", True, ways, lambda: known)
        (row,) = line.list(Kind.DATASET).resources
        return row.id, [each.id for each in line.read(row.id).rows], line.count(row.id).rows

    assert named() == (other, ["1"], 1)
    assert named(other) == (other, ["1"], 1)
    assert named(one) == (one, ["1"], 1), "an archive that has begun keeps its name"
    put(tmp_path, f"{other}.csv", b"n\n1\n")
    with pytest.raises(Failure) as refused:
        session(tmp_path).list(Kind.DATASET)
    assert refused.value.found is not None and refused.value.found.code == "CRM-V051"


def test_an_export_that_was_taken_away_is_missed_by_its_name(tmp_path: Path) -> None:
    put(tmp_path, "t.csv", b"n\n1\n")
    line = session(tmp_path)
    assert line.list(Kind.DATASET).resources
    (tmp_path / "t.csv").unlink()
    with pytest.raises(Failure) as missed:
        line.read("t")
    assert missed.value.code is Code.MISSING and missed.value.found is not None
    assert (missed.value.found.code, missed.value.found.params) == ("CRM-V061", {"dataset": "t"})
