"""Table: CSV as rows, piece by piece. Most lines are taken apart here, which is faster than `csv` is; whatever could be read
in two ways is left to that.

No more is held than a piece of the file and its longest row.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec

from crmstate.archive.damaged import Damaged
from crmstate.archive.marks import BUILDING
from crmstate.core.provider import REDACTED, Row

MOST_HELD = 1 << 25
"""Of one row. What is longer is no row, but a quote that nobody closed."""
LOOKS_AT = 1 << 20
"""What is held of a row before it is looked at whether it is one, and again each time that it has doubled."""
_COMMA = frozenset(",")
_QUICK = 1 << 17
"""Of text that is taken apart at once."""
END = "null"
"""The end of results, as some vendors write it."""

csv.field_size_limit(MOST_HELD)


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
                if first == [END]:  # nothing may follow it
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
