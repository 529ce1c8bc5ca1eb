"""Zips as their bytes come: whatever Python writes is read alike in whatever pieces, and what is cut or changed is noticed."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmstate.archive.damaged import Damaged
from crmstate.archive.zips import Records, Unreadable, Zip

CONTENTS = st.dictionaries(
    st.text("abc/ä.", min_size=1, max_size=8).filter(lambda name: not name.startswith("/")),
    st.binary(max_size=300),
    max_size=4,
)


class Unseekable(io.RawIOBase):
    """A place that cannot be sought in: sizes then stand behind each file."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


def zipped(
    files: dict[str, bytes], method: int, streamed: bool = False, large: bool = False, note: bytes = b""
) -> bytes:
    out: Unseekable | io.BytesIO = Unseekable() if streamed else io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        made.comment = note
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            with made.open(info, "w", force_zip64=large) as inside:
                inside.write(content)
    return bytes(out.data) if isinstance(out, Unseekable) else out.getvalue()


def read(data: bytes, size: int = 7) -> tuple[Zip, dict[str, bytes]]:
    found: dict[str, bytes] = {}
    made = Zip()
    for place in range(0, len(data), size):
        for name, piece in made.feed(data[place : place + size]):
            found[name.decode()] = found.get(name.decode(), b"") + piece
    made.end()
    return made, found


@given(CONTENTS, st.booleans(), st.booleans(), st.booleans(), st.integers(1, 90), st.binary(max_size=9))
def test_every_zip_that_python_writes_is_read(
    files: dict[str, bytes], deflated: bool, streamed: bool, large: bool, size: int, note: bytes
) -> None:
    method = zipfile.ZIP_DEFLATED if deflated or streamed else zipfile.ZIP_STORED
    made, found = read(zipped(files, method, streamed, large, note), size)
    assert found == files
    assert (made.files, made.bytes) == (sum(not name.endswith("/") for name in files), sum(map(len, files.values())))


def test_no_cut_and_no_changed_bit_goes_unnoticed() -> None:
    files = {"a.csv": b"id,name\n" + b"1,one\n" * 20, "b": b"plain"}
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        whole = zipped(files, method)
        for end in range(len(whole)):
            with pytest.raises(Damaged):
                read(whole[:end])
        for place in range(len(whole)):
            changed = bytearray(whole)
            changed[place] ^= 16
            try:
                assert read(bytes(changed))[1] == files, "what is no content: a date, a version"
            except (Damaged, UnicodeDecodeError):
                continue


def test_what_cannot_be_read_from_its_beginning_is_said_to_be_so() -> None:
    with pytest.raises(Unreadable):
        read(zipped({"a": b"x" * 50}, zipfile.ZIP_STORED, streamed=True))
    with pytest.raises(Unreadable):
        read(zipped({"a": b"x" * 50}, zipfile.ZIP_BZIP2))


def test_a_bomb_is_read_in_flat_memory() -> None:
    code = (
        "import io, resource, zipfile\nfrom crmstate.archive.zips import Zip\nout = io.BytesIO()\n"
        "with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as made, made.open('a', 'w') as inside:\n"
        "    for _ in range(300): inside.write(bytes(1 << 20))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\nfound = Zip()\nfor _ in found.feed(out.getvalue()): pass\nfound.end()\n"
        "print(found.bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert int(said[0]) == 300 << 20 and int(said[1]) < 16_000


@given(st.lists(st.lists(st.text('a,"\n\r ', max_size=5), min_size=2, max_size=2), max_size=6), st.integers(1, 9))
def test_records_are_counted_as_the_csv_reader_does(rows: list[list[str]], size: int) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["one", "two"], *rows])
    data, counted = out.getvalue().encode(), Records()
    for place in range(0, len(data), size):
        counted.feed(data[place : place + size])
    assert counted.count == len(rows)
