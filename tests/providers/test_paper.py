"""The folder of exports: every table that vendors write is read as it stands, and what is no table is refused by name."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmstate import providers
from crmstate.core.failure import Code, Failure
from crmstate.core.words import Kind
from crmstate.providers.paper.folder import PAGE
from crmstate.providers.paper.session import Paper


def session(folder: Path, attested: bool = True) -> Paper:
    return Paper(providers.load("paper"), folder, "K-1", "read", attested)


def read(folder: Path, dataset: str) -> list[dict[str, str]]:
    """Every row of a dataset, page by page."""
    line, cursor, found = session(folder), None, []
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
        later = session(tmp_path).read("t", str(PAGE))
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


def test_a_file_without_a_line_break_is_not_taken_into_memory(tmp_path: Path) -> None:
    put(tmp_path, "t.csv", b"n\n" + b"x" * (17 << 20))

    with pytest.raises(Failure) as found:
        read(tmp_path, "t")

    assert "line of more than" in found.value.summary


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
