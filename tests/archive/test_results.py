"""Rows out of the files of export jobs: exactly as they are, or not at all."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmstate.archive.damaged import Damaged
from crmstate.archive.results import Rows, Unzip
from crmstate.archive.table import plainly
from crmstate.core.provider import REDACTED
from crmstate.core.words import Packing

CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def sheet(columns: list[str], lines: list[list[str]], end: str = "\r\n", quoting: Any = csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=end, quoting=quoting)
    writer.writerows([columns, *lines])
    return out.getvalue().encode()


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, streamed: bool = False) -> bytes:
    out = io.BytesIO()
    target: Any = Unseekable(out) if streamed else out
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


class Unseekable:
    """Makes zipfile write checksums behind the files, as vendors do."""

    def __init__(self, out: io.BytesIO) -> None:
        self.write, self.flush = out.write, out.flush


def read(data: bytes, packing: Packing, step: int = 7, secret: frozenset[str] = frozenset()) -> list[tuple[str, bytes]]:
    rows, found = Rows(packing, "id", secret), []
    for place in range(0, len(data), step):
        found += rows.feed(data[place : place + step])
    found += rows.end()
    assert rows.count == len(found)
    return [(row.id, row.raw) for row in found]


@given(
    st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=6),
    st.integers(1, 40),
    st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]),
)
def test_every_cell_is_the_text_that_it_was(cells: list[list[str]], step: int, style: tuple[str, Any]) -> None:
    """Under line feeds alone a writer leaves carriage returns unquoted, which RFC 4180 does not allow."""
    end, quoting = style
    lines = [[str(n), *each] for n, each in enumerate(cells)]
    found = read(sheet(["id", "姓名", "b"], lines, end, quoting), Packing.CSV, step)
    assert [json.loads(raw) for _, raw in found] == [{"id": a, "姓名": b, "b": c} for a, b, c in lines]
    assert not any(b"\n" in raw or b"\r" in raw for _, raw in found)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_zip_is_read_without_seeking(streamed: bool, method: int) -> None:
    if streamed and method == zipfile.ZIP_STORED:
        return  # nobody can tell where it ends
    data = zipped(("rows.csv", sheet(["id"], [[f"r{n}"] for n in range(500)])), method=method, streamed=streamed)
    assert [id for id, _ in read(data, Packing.CSV_IN_ZIP)] == [f"r{n}" for n in range(500)]


def test_a_zip_that_is_cut_anywhere_is_refused() -> None:
    data = zipped(("rows.csv", sheet(["id", "a"], [[f"r{n}", "x"] for n in range(40)])), streamed=True)
    for end in range(len(data)):
        with pytest.raises(Damaged):
            read(data[:end], Packing.CSV_IN_ZIP, 64)


def test_a_flipped_bit_in_a_zip_changes_no_row_unnoticed() -> None:
    data = zipped(("rows.csv", sheet(["id", "a"], [[f"r{n}", "x"] for n in range(40)])))
    whole = read(data, Packing.CSV_IN_ZIP, 4096)
    unnoticed = 0
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            assert read(bytes(flipped), Packing.CSV_IN_ZIP, 4096) == whole
            unnoticed += 1
        except Damaged:
            pass
    assert unnoticed < 8 * 70, "only times, attributes and versions may differ"


def test_more_than_one_file_or_none_is_refused() -> None:
    for files in [(("a.csv", b"id\r\n"), ("b.csv", b"id\r\n")), ()]:
        with pytest.raises(Damaged):
            read(zipped(*files), Packing.CSV_IN_ZIP)


def test_a_folder_beside_the_file_is_nothing() -> None:
    assert len(read(zipped(("x/", b""), ("x/a.csv", b"id\r\n1\r\n")), Packing.CSV_IN_ZIP)) == 1


def test_a_zip_of_zeros_is_unpacked_in_flat_memory() -> None:
    inside = b"id\r\n" + b"1" * 50_000_000 + b"\r\n"
    unzip, largest = Unzip(), 0
    data = zipped(("a.csv", inside))
    for place in range(0, len(data), 512):
        largest = max(largest, len(unzip.feed(data[place : place + 512])))
    unzip.end()
    assert largest < 2_000_000


@pytest.mark.parametrize(
    "text",
    [
        b'id,a\r\n1,"never closed\r\n2,x\r\n',
        b"id,a\r\n1,x,y\r\n",
        b"id,a\r\n1\r\n",
        b"id,id\r\n1,2\r\n",
        b"name\r\nx\r\n",
        b"id,a\r\n,x\r\n",
        b"id\r\n\xff\r\n",
        b"",
        b"<html>no</html>",
    ],
)
def test_what_is_no_table_is_refused(text: bytes) -> None:
    with pytest.raises(Damaged):
        read(text, Packing.CSV)


@given(st.lists(st.sampled_from(["a", ",", '"', '","', ',"b,c",', '""', "\n", "\r\n", "\r", "é", "\0"]), max_size=14))
def test_what_is_not_left_to_csv_is_read_as_csv_reads_it(parts: list[str]) -> None:
    text = "".join(parts)
    found = plainly(text)
    if found is not None:
        assert [each for each in found if each] == [
            each for each in csv.reader(io.StringIO(text, newline=""), strict=True) if each
        ]


def test_lines_of_bare_and_of_quoted_cells_are_not_left_to_csv() -> None:
    assert plainly('a,b,\r\n"a","b,c",""\r\n,"x",y\n"x",,"y"') == [
        ["a", "b", ""], ["a", "b,c", ""], ["", "x", "y"], ["x", "", "y"],
    ]  # fmt: skip
    assert plainly('a,"b ""c""",d') == [["a", 'b "c"', "d"]]
    assert plainly('a,"b\nc"') is None


@pytest.mark.parametrize("text", [b"id,a\r\n", b"id,a", b"\xef\xbb\xbfid,a\r\n", b"null", b"null\n"])
def test_a_table_without_rows_is_an_empty_dataset(text: bytes) -> None:
    assert read(text, Packing.CSV) == []


def test_a_cell_of_twenty_megabytes_with_line_breaks_is_a_cell() -> None:
    text = "line\n" * 4_000_000
    ((_, raw),) = read(sheet(["id", "a"], [["1", text]]), Packing.CSV, 1 << 20)
    assert json.loads(raw) == {"id": "1", "a": text}


def test_lines_keep_the_vendors_own_text() -> None:
    data = b'{"id": 7, "n": 1.50,"z":null}\r\n{"n":12345678901234567890,"id":"b"}\nnull\n'
    for packing, form in ((Packing.JSONL, data), (Packing.JSONL_GZ, gzip.compress(data))):
        assert read(form, packing) == [
            ("7", b'{"id": 7, "n": 1.50,"z":null}'),
            ("b", b'{"n":12345678901234567890,"id":"b"}'),
        ]


def test_gzip_that_is_cut_anywhere_is_refused() -> None:
    data = gzip.compress(b'{"id":"a"}\n' * 30)
    for end in range(len(data)):
        with pytest.raises(Damaged):
            read(data[:end], Packing.JSONL_GZ)


LINES = [b'{"id":"a%d"}\n' % n for n in range(60)]


@pytest.mark.parametrize("step", [1, 7, 1 << 16])
def test_gzip_in_several_members_is_read_to_the_end_of_the_last(step: int) -> None:
    """As `cat a.gz b.gz` and parallel writers leave it; an empty member among them, first and last, is nothing."""
    empty = gzip.compress(b"")
    cut = [
        *map(gzip.compress, LINES[:3]),
        empty,
        gzip.compress(b"".join(LINES[3:])[:-5]),
        gzip.compress(b"".join(LINES)[-5:]),
    ]
    for members in (cut, [empty, *cut], [*cut, empty], [empty, empty, *cut]):
        assert [id for id, _ in read(b"".join(members), Packing.JSONL_GZ, step)] == [f"a{n}" for n in range(60)]
    assert read(empty, Packing.JSONL_GZ, step) == []


@pytest.mark.parametrize(
    "behind", [b"\0", b"\0" * 512, b"x", b"\x1f", b"\x1f\x8b", b'{"id":"z"}\n', gzip.compress(b"x", mtime=0)[:-1]]
)
@pytest.mark.parametrize("step", [1, 1 << 16])
def test_gzip_with_anything_behind_its_last_member_is_refused(behind: bytes, step: int) -> None:
    with pytest.raises(Damaged):
        read(gzip.compress(b"".join(LINES)) + behind, Packing.JSONL_GZ, step)


def test_gzip_that_is_cut_within_any_of_its_members_is_refused_and_at_their_edges_is_told_by_the_number_of_rows() -> (
    None
):
    members = [gzip.compress(b"".join(LINES[place : place + 20])) for place in (0, 20, 40)]
    data, edges = b"".join(members), {0: 0}
    for number, member in enumerate(members, 1):
        edges[max(edges) + len(member)] = 20 * number
    for end in range(1, len(data)):
        if end in edges:
            assert len(read(data[:end], Packing.JSONL_GZ)) == edges[end]  # what `Part.rows` and sizes are compared with
            continue
        with pytest.raises(Damaged):
            read(data[:end], Packing.JSONL_GZ)


def test_a_flipped_bit_in_the_trailer_of_any_member_is_refused() -> None:
    members = [gzip.compress(b"".join(LINES[:30])), gzip.compress(b"".join(LINES[30:]))]
    data = b"".join(members)
    for start in (len(members[0]) - 8, len(data) - 8):
        for bit in range(8 * start, 8 * (start + 8)):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            with pytest.raises(Damaged):
                read(bytes(flipped), Packing.JSONL_GZ, 4096)


@pytest.mark.parametrize("text", [b'{"id":""}\n', b'{"a":1}\n', b"[]\n", b'{"id":true}\n', b'{"id":"a"'])
def test_a_line_without_an_id_is_refused(text: bytes) -> None:
    with pytest.raises(Damaged):
        read(text, Packing.JSONL)


@pytest.mark.parametrize("text", [b'{"id":"a"} {"id":"b"}\n', b'{"id":"a"}{}\n', b'{"id":"a","x":1},\n'])
def test_two_records_on_a_line_are_not_taken_for_one(text: bytes) -> None:
    with pytest.raises(Damaged):
        read(text, Packing.JSONL)


def test_secret_columns_are_redacted_before_anything_is_kept() -> None:
    secret = frozenset({"token"})
    found = read(sheet(["id", "token"], [["1", "sk_live"], ["2", ""]]), Packing.CSV, secret=secret)
    assert [json.loads(raw)["token"] for _, raw in found] == [REDACTED, ""]
    found = read(b'{"id":"1","token":"sk_live","n":1.0}\n{"id":"2","token":null}\n', Packing.JSONL, secret=secret)
    assert [raw for _, raw in found] == [b'{"id":"1","token":"$redacted","n":1.0}', b'{"id":"2","token":null}']


def test_a_quote_within_a_bare_cell_costs_little_more_than_the_rows() -> None:
    lines = [b'0,5" pipe' + b",some" * 8, *(b"%d" % number + b",some" * 9 for number in range(1, 10_000))]
    text = b"id,a,b,c,d,e,f,g,h,i\n" + b"\n".join(lines)
    tracemalloc.start()
    rows = read(text, Packing.CSV, 1 << 14)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(rows), rows[0][0], rows[-1][0]) == (10_000, "0", "9999")
    assert most < 15 * len(text), most / len(text)


def test_a_quote_within_a_bare_cell_is_read_in_flat_memory_and_a_quote_that_nobody_closes_is_not_held_for_ever() -> (
    None
):
    def pieces(first: bytes, megabytes: int) -> Iterator[bytes]:
        yield b"id,a,b\n" + first
        for number in range(megabytes):
            yield b"".join(b'%d,some,"more, of it"\n' % (number * 1000 + each) for each in range(1000)) * 40

    def most(first: bytes, megabytes: int) -> tuple[int, int]:
        found = Rows(Packing.CSV, "id")
        tracemalloc.start()
        try:
            for piece in pieces(first, megabytes):
                found.feed(piece)
            found.end()
        finally:
            size = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return found.count, size

    rows, size = most(b'0,5" pipe,some\n', 4)
    assert rows == 1 + 4 * 40_000
    assert size < 30 << 20, size
    with pytest.raises(Damaged):
        most(b'0,"5 pipe,some\n', 2)
