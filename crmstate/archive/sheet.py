"""Sheet: a dataset as CSV (RFC 4180), one row a record, one column a field; as it is, or safe to open in a spreadsheet.
It is derived from the rows and can be turned back into them: the description beside it says how.

A cell is the text of a value that is a string, and the JSON of any other, with five exceptions, so that nothing is
taken for something else:
    (empty)   null
    \\A        the record has no such field
    \\E        an empty string
    \\J...     JSON, in a column that has strings as well
    \\\\...     a string that begins with a backslash
In the spreadsheet form a cell that a spreadsheet could take for a formula, or that begins with an apostrophe, gets an
apostrophe before it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from crmstate.archive.fields import fields
from crmstate.archive.layout import Place
from crmstate.archive.reading import texts
from crmstate.archive.seal import Seal

FORMAT = "crmstate csv 1"
WHOLE = "$row"
"""The column of records that are no objects: their whole JSON."""
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_CELLS = {
    "": "null",
    "\\A": "the record has no such field",
    "\\E": "an empty string",
    "\\J...": "the JSON of a value that is no string, in a column of kind text",
    "\\\\...": "a string that begins with a backslash, which is written twice",
    "...": "in a column of kind text a string as it is; in one of kind json the JSON of the value",
}


_APOSTROPHE = "an apostrophe at the start of a cell or a column's name is not part of it"


def write(place: Place, seal: Seal, folder: Path, *, spreadsheet: bool) -> int:
    """Writes `<slug>.csv` and `<slug>.csv.json`, which says how to turn it back; the number of rows."""
    target = folder / f"{seal.slug}.csv"
    target.touch(exist_ok=False)
    sheet = Sheet(spreadsheet)
    for final in (False, False, True):
        if final:
            sheet.survey(texts(place, seal))
        with suppress(Late), target.open("wb") as out:
            number = sheet.fill(out, texts(place, seal))
            break
    target.with_name(target.name + ".json").write_bytes(sheet.said(seal))
    return number


class Late(Exception):
    """A row has a column that earlier rows should have had, or a string where they had none: begin again."""


class Sheet:
    """The columns, as far as they are known, each with its kind: text, json, or nothing yet (only nulls so far).

    Most rows of a dataset have the same names in the same order. For such a shape a pattern finds all values of a row
    at once: the text of a string that has no escapes is its own cell of CSV. Whatever fits no pattern is taken apart."""

    def __init__(self, spreadsheet: bool) -> None:
        self.kinds: dict[str, str] = {}
        self.rows = 0
        self._spreadsheet = spreadsheet
        self._guard: Callable[[str], str] = _guarded if spreadsheet else str
        self._shapes: list[Shape] = []
        self._tried: set[tuple[str, ...]] = set()
        self._marks: set[tuple[str, str]] = set()
        self._row = io.StringIO(newline="")
        self._writer = csv.writer(self._row, lineterminator="\r\n")

    def said(self, seal: Seal, **more: object) -> bytes:
        """What stands beside it: how to turn it back, and of what it is. `more`: whatever else is to be said."""
        said = {
            "format": FORMAT, "dataset": seal.dataset.id, "content": seal.last.content, "rows": self.rows, **more,
            "columns": [{"name": name, "kind": kind or "json"} for name, kind in self.kinds.items()], "cells": _CELLS,
            "spreadsheet": self._spreadsheet,
            "apostrophe": _APOSTROPHE if self._spreadsheet else "",
        }  # fmt: skip
        return json.dumps(said, ensure_ascii=True, indent=1).encode() + b"\n"

    def survey(self, blocks: Iterable[list[bytes]]) -> None:
        """Learns all columns and kinds."""
        for raws in blocks:
            for raw in raws:
                with suppress(Late):
                    self._learn(_fields(raw))

    def fill(self, out: BinaryIO, blocks: Iterable[list[bytes]]) -> int:
        """Writes everything; how many rows. Raises Late where a row shows that the columns were not all known."""
        for piece in self.pieces(blocks):
            out.write(piece)
        return self.rows

    def pieces(self, blocks: Iterable[list[bytes]]) -> Iterator[bytes]:
        """The same in pieces, with `rows` so far."""
        self.rows = 0
        self._forget()
        for raws in blocks:
            if not self.rows:
                self.survey([raws])
                yield self._line([self._guard(name) for name in self.kinds or {WHOLE: ""}])
            self.rows += len(raws)
            yield b"".join(self._lines(raws))
        if not self.rows:
            self.kinds = self.kinds or {WHOLE: "json"}
            yield self._line([self._guard(name) for name in self.kinds])

    def _lines(self, raws: list[bytes]) -> list[bytes]:
        """The lines of rows."""
        if not _unicode(raws):
            return list(map(self._apart, raws))
        likely, lines = _none, []
        for raw in raws:
            line = likely(raw)
            if line is None:
                line = next(filter(None, (shape.line(raw) for shape in self._shapes)), None) or self._apart(raw)
                likely = self._shapes[0].line if self._shapes else _none
            lines.append(line)
        return lines

    def _apart(self, raw: bytes) -> bytes:
        """The line of a row that is taken apart. Learns its shape, for those that follow."""
        found = _fields(raw)
        self._learn(found)
        names = tuple(found)
        if len(self.kinds) > 1 and len(self._shapes) < _SHAPES and names not in self._tried and _unicode([raw]):
            self._tried.add(names)
            self._shapes.append(Shape(names, self.kinds, self._marks, self._guard, raw))
        return self._line([self._guard(_cell(found.get(name), kind)) for name, kind in self.kinds.items()])

    def _learn(self, found: Mapping[str, bytes]) -> None:
        """Takes the names and kinds of a row in. Raises Late where earlier rows would have been written otherwise."""
        late = changed = False
        for name, value in found.items():
            kind = self.kinds.get(name)
            if kind is None:
                late = True
            mark = (name, _mark(value))
            if mark[1] and mark not in self._marks:
                self._marks.add(mark)
                changed = True
            if kind != "text" and value != b"null":
                now = "text" if value[:1] == b'"' and _string(value) is not None else "json"
                late = late or (kind == "json" and now == "text")
                changed = changed or kind != now
                self.kinds[name] = now
            else:
                self.kinds.setdefault(name, "")
        if changed:
            self._forget()
        if late:
            raise Late

    def _forget(self) -> None:
        self._shapes.clear()
        self._tried.clear()

    def _line(self, cells: list[str]) -> bytes:
        self._row.seek(0)
        self._row.truncate()
        self._writer.writerow(cells)
        return self._row.getvalue().encode()


class Shape:
    """The names of a row in their order, and how to find their values: strings in columns of kind text, everything else
    in those of kind json, nulls anywhere. `marks`: columns with what costs more to look for: arrays and objects, and
    strings that may need a guard. Rows are proper UTF-8."""

    def __init__(
        self,
        names: tuple[str, ...],
        kinds: Mapping[str, str],
        marks: Collection[tuple[str, str]],
        guard: Callable[[str], str],
        raw: bytes,
    ) -> None:
        self._guard, self._guards = guard, guard is _guarded
        values = [_NESTED if kinds[name] == "json" and (name, _NESTED) in marks else kinds[name] for name in names]
        risky = [place for place, name in enumerate(names) if (name, _RISKS) in marks and values[place] == "text"]
        below = [place for place, name in enumerate(names) if (name, _BELOW) in marks]
        bare = [_SURE.get(value, value) if self._guards else value for value in values]
        for place in risky:
            bare[place] = "text"
        for place in below:
            bare[place] = values[place]
        for blanks in _BLANKS:
            self._bare, self._escaped = _fitting(names, bare, _BARE, *blanks), _fitting(names, values, _STRING, *blanks)
            if self._escaped(raw):
                break
        self._nested = [place for place, value in enumerate(values) if value == _NESTED]
        self._risky = risky if self._guards else []
        self._below = below if self._guards else []
        self._json = [place for place, name in enumerate(names) if kinds[name] == "json"] if self._guards else []
        places = {name: place for place, name in enumerate(names)}
        same = tuple(kinds) == names
        self._order = None if same else [places.get(name, len(names)) for name in kinds]

    def line(self, raw: bytes) -> bytes | None:
        """The row's line; None where it has another shape."""
        match = self._bare(raw) if b"\\" not in raw else None
        if match is None:
            match = self._escaped(raw)
            found = match and [self._special(cell) for cell in match.groups(b"")]
            if not found or None in found:
                return None
            cells = [cell for cell in found if cell is not None]
            below = self._json
        else:
            cells, below = list(match.groups(b"")), self._below
            for place in self._risky:
                first = cells[place][1:2]
                if first in _GUARDED:
                    cells[place] = b"\"'" + cells[place][1:]
                elif first not in _SAFE:
                    cells[place] = self._special(cells[place]) or b""
        for place in self._nested:
            if cells[place][:1] in _OPEN:
                cells[place] = b'"%b"' % cells[place].replace(_QUOTE, _TWICE)
        for place in below:
            if cells[place][:1] == b"-":
                cells[place] = b"'" + cells[place]
        if self._order is not None:
            cells.append(b"\\A")
            cells = [cells[place] for place in self._order]
        return b",".join(cells) + b"\r\n"

    def _special(self, token: bytes) -> bytes | None:
        """The cell, as CSV, of a string that may be empty, be risky or have escapes; None where it is no proper
        Unicode."""
        if token[:1] != _QUOTE:
            return token
        if token == _TWICE:
            return b"\\E"
        if b"\\" not in token:
            return _QUOTE + self._guard(token[1:-1].decode()).encode() + _QUOTE if self._guards else token
        if _string(token) is None:
            return None
        return _QUOTE + self._guard(_cell(token, "text")).encode().replace(_QUOTE, _TWICE) + _QUOTE


_SHAPES = 8
_QUOTE, _TWICE = b'"', b'""'
_OPEN = (b"[", b"{")
_NESTED, _RISKS, _BELOW = "nested", "risks", "below"
_SURE = {"text": "surely text", "json": "surely json", _NESTED: "surely nested"}
"""Of columns in which nothing has needed a guard so far: what fits needs none."""
_SAFE = frozenset(bytes([byte]) for byte in range(0x21, 0x100)) - set(map(bytes, zip(b"=+-@'\"\\\xc2\xef"))) | {b""}
"""How a string's text begins that needs no guard, as UTF-8: some characters of two and three bytes need one."""
_GUARDED = frozenset({b"=", b"+", b"-", b"@", b"'"})
"""How one begins that needs one for certain."""
_FIRST = "[^\\x00- =+\\-@'\"\\\\\\xc2\\xef]"
_STRING = r'"(?:[^"\\\x00-\x1f]++|\\.)*+"'
_BARE = '"[^"]++"'
"""Where nothing is escaped in the whole row, and no string is empty."""
_BLANKS = ((": ", ", ", ""), (":", ",", ""), (r"\s*+:\s*+", r"\s*+,\s*+", r"\s*+"))
"""Around colons, commas and the whole: as most writers of JSON leave them, and any."""
_NUMBER = r"(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+"


def _fitting(
    names: tuple[str, ...], values: Sequence[str], string: str, colon: str, comma: str, edge: str
) -> Callable[[bytes], re.Match[bytes] | None]:
    """The pattern of rows of these names, with a group for each value. What is nested deeper than once is left to the
    reader of JSON."""
    flat = rf'(?:[^"\[\]{{}}]++|{string})*+'
    fits = {
        "text": f"(?:({string})|null)",
        "json": rf"(?:(-?{_NUMBER}|true|false)|null)",
        _NESTED: rf"(?:(\[{flat}\]|\{{{flat}\}}|-?{_NUMBER}|true|false)|null)",
        _SURE["text"]: f'(?:("{_FIRST}[^"]*+")|null)',
        _SURE["json"]: rf"(?:({_NUMBER}|true|false)|null)",
        _SURE[_NESTED]: rf"(?:(\[{flat}\]|\{{{flat}\}}|{_NUMBER}|true|false)|null)",
        "": "null()",
    }
    keys = [re.escape(json.dumps(name, ensure_ascii=False)) for name in names]
    pairs = comma.join(f"{key}{colon}{fits[value]}" for key, value in zip(keys, values, strict=True))
    return re.compile(rf"\{{{edge}{pairs}{edge}\}}".encode()).fullmatch


def _mark(value: bytes) -> str:
    """What a value marks its column with."""
    if value[:1] in _OPEN:
        return _NESTED
    if value[:1] == b"-":
        return _BELOW
    return _RISKS if value[:1] == _QUOTE and value[1:2] not in _SAFE else ""


def _none(raw: bytes) -> bytes | None:
    return None


def _unicode(raws: list[bytes]) -> bool:
    """Whether rows are proper UTF-8."""
    whole = b"".join(raws)
    if whole.isascii():
        return True
    try:
        whole.decode()
    except UnicodeDecodeError:
        return False
    return True


def read(path: Path) -> Iterator[dict[str, bytes]]:
    """The records of a CSV that `write` made: each field's JSON, spelt as the vendor did, but for the escapes within
    strings."""
    said = json.loads(path.with_name(path.name + ".json").read_text(encoding="ascii"))
    kinds = {each["name"]: each["kind"] for each in said["columns"]}
    with path.open(encoding="utf-8", newline="") as stream:
        lines = csv.reader(stream, strict=True)
        next(lines)
        for cells in lines:
            plain = [cell[1:] if said["spreadsheet"] and cell[:1] == "'" else cell for cell in cells]
            found = {name: _value(cell, kinds[name]) for name, cell in zip(kinds, plain, strict=True)}
            yield {name: value for name, value in found.items() if value is not None}


def _fields(raw: bytes) -> Mapping[str, bytes]:
    found = fields(raw)
    if found is None or not all(name.isascii() or _proper(name) for name in found):
        return {WHOLE: raw}
    return found


def _proper(text: str) -> bool:
    """Whether it is proper Unicode, which a file of text can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _string(raw: bytes) -> str | None:
    """The string that a JSON text is; None where it is no proper Unicode."""
    try:
        found: str = msgspec.json.decode(raw, type=str)
        found.encode()
    except (msgspec.DecodeError, UnicodeError):
        return None
    return found


def _cell(raw: bytes | None, kind: str) -> str:
    if raw is None:
        return "\\A"
    if raw == b"null":
        return ""
    text = _string(raw) if raw[:1] == b'"' else None
    if text is None:
        return ("\\J" if kind == "text" else "") + raw.decode()
    if not text:
        return "\\E"
    return "\\" + text if text[0] == "\\" else text


def _value(cell: str, kind: str) -> bytes | None:
    if cell == "\\A":
        return None
    if cell == "":
        return b"null"
    if cell == "\\E":
        return b'""'
    if cell[:2] == "\\J":
        return cell[2:].encode()
    if kind == "json":
        return cell.encode()
    return msgspec.json.encode(cell[1:] if cell[:2] == "\\\\" else cell)


def _guarded(cell: str) -> str:
    return "'" + cell if cell.startswith(_RISKY) or cell.lstrip(" \u00a0").startswith(_RISKY) else cell
