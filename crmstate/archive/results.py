"""Results: rows out of the files that a vendor's export job made, as they are downloaded: CSV or JSON a line, in a zip, in
gzip, or bare. Nothing is written to disk on the way, and no more is held than a piece of the file and its longest row.

A cell of CSV becomes the text that it has, as a JSON string under its column's name: CSV knows neither numbers nor null,
so none are made up. A file is refused where it is not whole: a zip without its directory or with another checksum than it
says, gzip or a quoted cell that does not end, a line with other cells than the first line has columns.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from crmstate.archive.damaged import Damaged
from crmstate.archive.fields import fields
from crmstate.archive.table import END, MOST_HELD, Table
from crmstate.archive.zips import Zip
from crmstate.core.provider import REDACTED, Row
from crmstate.core.words import Packing

_SLICE = 1 << 14
_NOTHING = END.encode()


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


class Unzip:
    """The one file of a zip."""

    def __init__(self) -> None:
        self._zip = Zip()

    def feed(self, piece: bytes) -> bytes:
        out: list[bytes] = []
        for name, part in self._zip.feed(piece):
            if self._zip.files > 1:
                raise Damaged("several files in the zip")
            out.append(b"" if name.endswith(b"/") else part)
        return b"".join(out)

    def end(self) -> bytes:
        self._zip.end()
        if not self._zip.files:
            raise Damaged("no file in the zip")
        return b""


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
        return [self._row(line) for each in lines if (line := each.strip(b"\r")) and line.strip() != _NOTHING]

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
