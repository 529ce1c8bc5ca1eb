"""Results: rows out of the files that a vendor's export job made, as they are downloaded: CSV or JSON a line, in a zip, in
gzip, or bare. Nothing is written to disk on the way, and no more is held than a piece of the file and its longest row.

A cell of CSV becomes the text that it has, as a JSON string under its column's name: CSV knows neither numbers nor null,
so none are made up. A file is refused where it is not whole: a zip without its directory or with another checksum than it
says, gzip or a quoted cell that does not end, a line with other cells than the first line has columns.
"""

from __future__ import annotations

import codecs
import csv
import io
import struct
import zlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from crmstate.archive.fields import fields
from crmstate.archive.marks import BUILDING
from crmstate.core.provider import REDACTED, Row
from crmstate.core.words import Packing

MOST_HELD = 1 << 25
"""Of one row. What is longer is no row, but a quote that nobody closed."""
LOOKS_AT = 1 << 20
"""What is held of a row before it is looked at whether it is one, and again each time that it has doubled."""
_COMMA = frozenset(",")
_QUICK = 1 << 17
"""Of text that is taken apart at once."""
_END = b"null"
"""The end of results, as some vendors write it."""

csv.field_size_limit(MOST_HELD)


class Damaged(ValueError):
    """The file is not whole, or is not what it should be."""


class Stage(Protocol):
    """One layer of a file: takes pieces, gives what they hold; `end` gives the rest, or refuses."""

    def feed(self, piece: bytes) -> bytes: ...

    def end(self) -> bytes: ...


class Bare:
    """Nothing around it."""

    def feed(self, piece: bytes) -> bytes:
        return piece

    def end(self) -> bytes:
        return b""


class Gunzip:
    """One gzip member after the other, each with its checksum."""

    def __init__(self) -> None:
        self._zip: Any = zlib.decompressobj(31)
        self._begun = False

    def feed(self, piece: bytes) -> bytes:
        out: list[bytes] = []
        try:
            while piece:
                if self._zip.eof:
                    self._zip = zlib.decompressobj(31)
                self._begun = True
                out.append(self._zip.decompress(piece))
                piece = self._zip.unused_data
        except zlib.error:
            raise Damaged("the gzip stream is damaged") from None
        return b"".join(out)

    def end(self) -> bytes:
        if not self._begun or not self._zip.eof:
            raise Damaged("the gzip stream ends early")
        return b""


_LOCAL, _CENTRAL, _LAST = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LAST64, _LOCATOR = b"PK\x06\x06", b"PK\x06\x07"
_DESCRIPTOR = b"PK\x07\x08"
_MOST_DIRECTORY = 1 << 20
_PIECE, _SLICE = 1 << 20, 1 << 14


class Unzip:
    """The one file of a zip, read from its beginning, without a place to seek in. Its directory, which comes last, must say
    the same of it."""

    def __init__(self) -> None:
        self._rest = b""
        self._step: Callable[[list[bytes]], bool] = self._head
        self._members: list[tuple[bytes, int, int, int]] = []  # name, checksum, packed, unpacked
        self._name, self._flags, self._left = b"", 0, 0
        self._crc = self._packed = self._unpacked = 0
        self._said = (0, 0)
        self._inflate: Any = None

    def feed(self, piece: bytes) -> bytes:
        self._rest += piece
        out: list[bytes] = []
        while self._step(out):
            pass
        return b"".join(out)

    def end(self) -> bytes:
        if self._step != self._directory:
            raise Damaged("the zip ends early")
        self._compare()
        return b""

    def _head(self, out: list[bytes]) -> bool:
        """The next file's own head, or the directory."""
        rest = self._rest
        if len(rest) < 4:
            return False
        if rest[:4] in (_CENTRAL, _LAST):
            self._step = self._directory
            return True
        if rest[:4] != _LOCAL:
            raise Damaged("not a zip")
        if len(rest) < 30:
            return False
        flags, method = struct.unpack_from("<HH", rest, 6)
        crc, packed, _, name, extra = struct.unpack_from("<IIIHH", rest, 14)
        if len(rest) < 30 + name + extra:
            return False
        self._name = rest[30 : 30 + name]
        self._rest = rest[30 + name + extra :]
        known = not flags & 8
        if flags & 1 or method not in (0, 8) or (method == 0 and (not known or packed == 0xFFFFFFFF)):
            raise Damaged("a zip of a kind that cannot be read")
        if [each for each in self._members if not each[0].endswith(b"/")] and not self._name.endswith(b"/"):
            raise Damaged("several files in the zip")
        self._flags, self._left, self._said = flags, packed, (crc, packed)
        self._crc = self._packed = self._unpacked = 0
        self._inflate = zlib.decompressobj(-15) if method == 8 else None
        self._step = self._data
        return True

    def _data(self, out: list[bytes]) -> bool:
        if self._inflate is None:
            piece, self._rest = self._rest[: self._left], self._rest[self._left :]
            self._left -= len(piece)
            self._take(out, piece, len(piece))
            over = self._left == 0
        else:
            before = len(self._rest)
            try:
                piece = self._inflate.decompress(self._rest, _PIECE)
            except zlib.error:
                raise Damaged("the zip is damaged") from None
            over = self._inflate.eof
            self._rest = self._inflate.unused_data if over else self._inflate.unconsumed_tail
            self._take(out, piece, before - len(self._rest))
        if over:
            self._step = self._after if self._flags & 8 else self._done
            return True
        return bool(self._rest)

    def _take(self, out: list[bytes], piece: bytes, packed: int) -> None:
        out.append(piece)
        self._crc = zlib.crc32(piece, self._crc)
        self._packed += packed
        self._unpacked += len(piece)

    def _after(self, out: list[bytes]) -> bool:
        """The checksum and sizes behind a file, in one of the four ways in which they are written."""
        if len(self._rest) < 24:
            return False
        for sizes in ("<QQ", "<II"):
            for mark in (_DESCRIPTOR, b""):
                numbers = (self._packed, self._unpacked)
                if sizes == "<II" and max(numbers) > 0xFFFFFFFF:
                    continue
                wanted = mark + struct.pack("<I", self._crc) + struct.pack(sizes, *numbers)
                if self._rest.startswith(wanted):
                    self._rest = self._rest[len(wanted) :]
                    return self._note()
        raise Damaged("the zip has another checksum than it says")

    def _done(self, out: list[bytes]) -> bool:
        crc, packed = self._said
        if crc != self._crc or packed not in (self._packed, 0xFFFFFFFF):
            raise Damaged("the zip has another checksum than it says")
        return self._note()

    def _note(self) -> bool:
        self._members.append((self._name, self._crc, self._packed, self._unpacked))
        self._step = self._head
        return True

    def _directory(self, out: list[bytes]) -> bool:
        if len(self._rest) > _MOST_DIRECTORY:
            raise Damaged("something behind the zip")
        return False

    def _compare(self) -> None:
        """The directory against what was read."""
        rest, place, number = self._rest, 0, 0
        while rest[place : place + 4] == _CENTRAL and len(rest) >= place + 46:
            crc, packed, unpacked, name, extra, note = struct.unpack_from("<IIIHHH", rest, place + 16)
            if number >= len(self._members):
                raise Damaged("the zip's directory names files that are not there")
            known = self._members[number]
            said = (rest[place + 46 : place + 46 + name], crc)
            sizes = ((packed, known[2]), (unpacked, known[3]))
            if said != known[:2] or any(each not in (found, 0xFFFFFFFF) for each, found in sizes):
                raise Damaged("the zip's directory says other than the zip")
            place, number = place + 46 + name + extra + note, number + 1
        if rest[place : place + 4] == _LAST64 and len(rest) >= place + 12:
            place += 12 + int(struct.unpack_from("<Q", rest, place + 4)[0])
            place += 20 if rest[place : place + 4] == _LOCATOR else 0
        last = rest[place : place + 22]
        if last[:4] != _LAST or len(last) < 22:
            raise Damaged("the zip ends early")
        said_number, comment = struct.unpack_from("<H", last, 10)[0], struct.unpack_from("<H", last, 20)[0]
        if said_number not in (number, 0xFFFF) or number != len(self._members) or place + 22 + comment != len(rest):
            raise Damaged("the zip's directory says other than the zip")
        if not [each for each in self._members if not each[0].endswith(b"/")]:
            raise Damaged("no file in the zip")


class Table:
    """CSV as rows."""

    def __init__(self, key: str, secret: frozenset[str]) -> None:
        self._key, self._secret = key, secret
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("strict")
        self._held: list[str] = []
        self._size = 0
        self._look = LOOKS_AT
        self._quoted = False
        self._columns: list[str] | None = None
        self._at = 0
        self._json: Callable[[list[str]], bytes] = msgspec.json.encode
        self._hidden: list[int] = []

    def feed(self, piece: bytes) -> list[Row]:
        text = self._text(piece, False)
        cut = self._whole(text)
        if not cut:
            self._held.append(text)
            self._size += len(text)
            if self._size > MOST_HELD:
                raise Damaged("a row without an end")
            return self._looked() if self._size > self._look else []
        block, self._look = "".join((*self._held, text[:cut])), LOOKS_AT
        self._held, self._size = [text[cut:]], len(text) - cut
        return self._rows(block)

    def _looked(self) -> list[Row]:
        """The rows that have ended in what is held although its quotes do not show it."""
        text = "".join(self._held)
        cut = _ended(text)
        self._held, self._size = [text[cut:]], len(text) - cut
        self._look = max(LOOKS_AT, 2 * self._size)
        self._quoted = self._held[0].count('"') % 2 == 1
        return self._rows(text[:cut]) if cut else []

    def end(self) -> list[Row]:
        block = "".join((*self._held, self._text(b"", True)))
        self._held = []
        rows = self._rows(block) if block else []
        if self._columns is None:
            raise Damaged("no line of column names")
        return rows

    def _text(self, piece: bytes, last: bool) -> str:
        try:
            return self._decoder.decode(piece, last)
        except UnicodeDecodeError:
            raise Damaged("not UTF-8") from None

    def _whole(self, text: str) -> int:
        """Where the last whole line in this text ends: at its last line break outside of quotes; 0 for none."""
        quoted = self._quoted ^ bool(text.count('"') % 2)
        self._quoted, end = quoted, len(text)
        while True:
            quote = text.rfind('"', 0, end)
            line = text.rfind("\n", quote + 1, end)
            if line >= 0 and not quoted:
                return line + 1
            if quote < 0:
                return 0
            end, quoted = quote, not quoted

    def _rows(self, block: str) -> list[Row]:
        if self._columns and len(block) <= _QUICK and (plain := plainly(block)) is not None:
            return self._taken(plain)
        lines = csv.reader(io.StringIO(block, newline=""), strict=True)
        try:
            if self._columns is None:
                first = next(filter(None, lines), None)
                if first is None:
                    return []
                if first == [_END.decode()]:  # nothing may follow it
                    self._columns = []
                else:
                    self._head(first)
            return self._taken(lines)
        except csv.Error:
            raise Damaged("not CSV") from None

    def _taken(self, lines: Iterable[list[str]]) -> list[Row]:
        """The rows of these lines."""
        width, at, text = len(self._columns or []), self._at, self._json
        rows = []
        for cells in lines:
            if not cells:
                continue
            if len(cells) != width:
                raise Damaged("a line with other cells than columns")
            for place in self._hidden:
                cells[place] = REDACTED if cells[place] else ""
            if not cells[at]:
                raise Damaged("a row without an id")
            rows.append(Row(cells[at], text(cells)))
        return rows

    def _head(self, columns: list[str]) -> None:
        if len(set(columns)) != len(columns):
            raise Damaged("two columns of one name")
        if self._key not in columns:
            raise Damaged("no column with ids")
        self._columns, self._at, self._json = columns, columns.index(self._key), _spelling(tuple(columns))
        self._hidden = [place for place, name in enumerate(columns) if name in self._secret]


def plainly(block: str) -> list[list[str]] | None:
    """The cells of the lines of whole rows, faster than `csv` reads them. None where a cell has a line break, or something
    else that is better left to it. What is given here is what it would give."""
    found = []
    for line in block.split("\n"):
        if line[-1:] == "\r":
            line = line[:-1]
        if "\r" in line:
            return None
        cells = _apart(line) if '"' in line else line.split(",") if line else []
        if cells is None:
            return None
        found.append(cells)
    return found


def _apart(line: str) -> list[str] | None:
    """The cells of a line with quotes; None where it is no whole row. What begins within quotes and ends within them is
    left to `csv`, as is a quote in the midst of a cell."""
    parts = line.split('"')
    first, last, between = parts[0], parts[-1], parts[2:-1:2]
    if len(parts) % 2 and (not first or first[-1] == ",") and (not last or last[0] == ","):
        if not first and not last and set(between) <= _COMMA:
            return parts[1::2]
        cells = first[:-1].split(",") if first else []
        for quoted, bare in zip(parts[1::2], between, strict=False):
            cells.append(quoted)
            if bare != ",":
                if bare[:1] != "," or bare[-1] != "," or len(bare) < 2:
                    break
                cells += bare[1:-1].split(",")
        else:
            cells.append(parts[-2])
            return cells + last[1:].split(",") if last else cells
    try:
        rows = list(csv.reader((line,), strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


@lru_cache(64)
def _spelling(columns: tuple[str, ...]) -> Callable[[list[str]], bytes]:
    """How cells under these columns become JSON."""
    encode = msgspec.json.encode
    names = {f"_{place}": column for place, column in enumerate(columns)}
    try:
        with BUILDING:
            row = msgspec.defstruct("Cells", [(name, str) for name in names], rename=names, gc=False)
            encode(row(*columns))
    except ValueError:  # a name that has to be escaped
        return lambda cells: encode(dict(zip(columns, cells, strict=True)))
    return lambda cells: encode(row(*cells))


def _ended(text: str) -> int:
    """Where the last row of this text ends that ends in it, as CSV is read and not by its quotes: one within a cell that is
    not quoted hides from those where the rows after it end."""
    lines, place = io.StringIO(text, newline=""), 0
    try:
        for _ in csv.reader(lines, strict=True):
            place = lines.tell() if text[lines.tell() - 1] == "\n" else place
    except csv.Error:
        if lines.tell() < len(text):
            raise Damaged("not CSV") from None
    return place


class Lines:
    """JSON a line as rows, each in the vendor's own text."""

    def __init__(self, key: str, secret: frozenset[str]) -> None:
        self._key, self._secret = key, secret
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[Row]:
        cut = piece.rfind(b"\n") + 1
        if not cut:
            self._held.append(piece)
            self._size += len(piece)
            if self._size > MOST_HELD:
                raise Damaged("a row without an end")
            return []
        lines = b"".join((*self._held, piece[:cut])).split(b"\n")
        self._held, self._size = [piece[cut:]], len(piece) - cut
        return self._rows(lines)

    def end(self) -> list[Row]:
        rest, self._held = b"".join(self._held), []
        return self._rows([rest])

    def _rows(self, lines: list[bytes]) -> list[Row]:
        return [self._row(line) for each in lines if (line := each.strip(b"\r")) and line.strip() != _END]

    def _row(self, raw: bytes) -> Row:
        found = fields(raw)
        try:
            id = msgspec.json.decode((found or {})[self._key])
        except (KeyError, msgspec.DecodeError, UnicodeDecodeError):
            raise Damaged("a row without an id") from None
        if isinstance(id, bool) or not isinstance(id, str | int) or id == "":
            raise Damaged("a row without an id")
        if self._secret and found is not None and self._secret & found.keys():
            hidden = msgspec.json.encode(REDACTED)
            raw = b"{%s}" % b",".join(
                msgspec.json.encode(name) + b":" + (hidden if name in self._secret and value != b"null" else value)
                for name, value in found.items()
            )
        return Row(str(id), raw.replace(b"\r", b""))


_LAYERS: dict[Packing, tuple[Callable[[], Stage], Callable[[str, frozenset[str]], Table | Lines]]] = {
    Packing.CSV: (Bare, Table),
    Packing.CSV_IN_ZIP: (Unzip, Table),
    Packing.JSONL: (Bare, Lines),
    Packing.JSONL_GZ: (Gunzip, Lines),
}


class Rows:
    """The rows of one file, as its pieces come. Raises Damaged, at the latest from `end`, where the file is not whole."""

    def __init__(self, packing: Packing, key: str, secret: frozenset[str] = frozenset()) -> None:
        around, within = _LAYERS[packing]
        self._around, self._within = around(), within(key, secret)
        self.count = 0

    def feed(self, piece: bytes) -> list[Row]:
        """The rows that are whole with this piece. It is taken in slices: what is packed may be a thousand times larger."""
        found: list[Row] = []
        for place in range(0, len(piece), _SLICE):
            found += self._within.feed(self._around.feed(piece[place : place + _SLICE]))
        return self._counted(found)

    def end(self) -> list[Row]:
        """What was left."""
        rest = self._around.end()
        last = self._within.feed(rest) if rest else []
        return self._counted([*last, *self._within.end()])

    def _counted(self, rows: list[Row]) -> list[Row]:
        self.count += len(rows)
        return rows
