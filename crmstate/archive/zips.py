"""Zips: the files of a zip as its bytes come, without a place to seek in and however large it is. What its directory says,
which comes last, must be what was read.

No more is held than a piece: of the files that were read, and of those that the directory names, a sum is kept that does
not depend on their order. It gives names and contents and writes nothing: a name in a zip never becomes a path.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from crmstate.archive.damaged import Damaged

PIECE = 1 << 20
_MODULUS = 1 << 256
_LOCAL, _CENTRAL, _LAST = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LAST64, _LOCATOR, _DESCRIPTOR = b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08"
_FULL = 0xFFFFFFFF
_ZIP64 = 1
_MOST_TEXT = 1 << 16
Found = Iterator[tuple[bytes, bytes]]


class Unreadable(Damaged):
    """A zip of a kind that cannot be read from its beginning, or not without a password: nothing is known of it."""


class Zip:
    """One zip. `files` and `bytes`: what was read of it so far, unpacked; folders are not counted."""

    def __init__(self) -> None:
        self.files = self.bytes = 0
        self._rest = b""
        self._step: Callable[[], Found | None] = self._head
        self._name = b""
        self._flags = self._left = self._crc = self._packed = self._unpacked = 0
        self._said = (0, 0, 0)
        self._inflate: Any = None
        self._members = self._named = 0
        self._read_sum = self._named_sum = 0

    def feed(self, piece: bytes) -> Found:
        """What the next bytes hold: names, each with a piece of its content (empty ones too). Raises Damaged."""
        self._rest += piece
        while (found := self._step()) is not None:
            yield from found

    def end(self) -> None:
        """There are no more bytes. Raises Damaged where the zip is not whole."""
        if self._step != self._tail:
            raise Damaged("the zip ends early")
        if len(self._rest) < 22 or len(self._rest) != 22 + struct.unpack_from("<H", self._rest, 20)[0]:
            raise Damaged("the zip ends early")
        said = struct.unpack_from("<H", self._rest, 10)[0]
        agreed = (self._members, self._read_sum) == (self._named, self._named_sum)
        if not agreed or said not in (self._members, self._members & 0xFFFF, 0xFFFF):
            raise Damaged("the zip's directory says other than the zip")

    def _head(self) -> Found | None:
        rest = self._rest
        if len(rest) < 4:
            return None
        if rest[:4] in (_CENTRAL, _LAST, _LAST64):
            self._step = self._directory
            return iter(())
        if rest[:4] != _LOCAL:
            raise Damaged("not a zip")
        if len(rest) < 30:
            return None
        flags, method = struct.unpack_from("<HH", rest, 6)
        crc, packed, unpacked, name, extra = struct.unpack_from("<IIIHH", rest, 14)
        if len(rest) < 30 + name + extra:
            return None
        self._name = rest[30 : 30 + name]
        if flags & 1 or method not in (0, 8) or (method == 0 and flags & 8):
            raise Unreadable("a zip of a kind that cannot be read from its beginning")
        unpacked, packed = _sizes(unpacked, packed, rest[30 + name : 30 + name + extra])
        self._rest = rest[30 + name + extra :]
        self._flags, self._left, self._said = flags, packed, (crc, packed, unpacked)
        self._crc = self._packed = self._unpacked = 0
        self._inflate = zlib.decompressobj(-15) if method == 8 else None
        self._members += 1
        self.files += not self._name.endswith(b"/")
        self._step = self._data
        return iter([(self._name, b"")])

    def _data(self) -> Found | None:
        if self._inflate is None:
            piece, self._rest = self._rest[: self._left], self._rest[self._left :]
            self._left -= len(piece)
            packed, over = len(piece), self._left == 0
        else:
            before = len(self._rest)
            try:
                piece = self._inflate.decompress(self._rest, PIECE)
            except zlib.error:
                raise Damaged("the zip is damaged") from None
            over = self._inflate.eof
            self._rest = self._inflate.unused_data if over else self._inflate.unconsumed_tail
            packed = before - len(self._rest)
        self._crc = zlib.crc32(piece, self._crc)
        self._packed += packed
        self._unpacked += len(piece)
        self.bytes += len(piece)
        if over:
            self._step = self._after if self._flags & 8 else self._done
        elif not piece and not packed:
            return None
        return iter([(self._name, piece)] if piece else [])

    def _after(self) -> Found | None:
        """The checksum and sizes behind a file, in one of the four ways in which they are written."""
        if len(self._rest) < 24:
            return None
        for sizes in ("<QQ", "<II"):
            for mark in (_DESCRIPTOR, b""):
                numbers = (self._packed, self._unpacked)
                if sizes == "<II" and max(numbers) > _FULL:
                    continue
                wanted = mark + struct.pack("<I", self._crc) + struct.pack(sizes, *numbers)
                if self._rest.startswith(wanted):
                    self._rest = self._rest[len(wanted) :]
                    return self._note()
        raise Damaged("the zip has another checksum than it says")

    def _done(self) -> Found:
        if self._said != (self._crc, self._packed, self._unpacked):
            raise Damaged("the zip has another checksum than it says")
        return self._note()

    def _note(self) -> Found:
        self._read_sum = _sum(self._read_sum, self._name, self._crc, self._packed, self._unpacked)
        self._step = self._head
        return iter(())

    def _directory(self) -> Found | None:
        """One entry of the directory, or what follows the last."""
        rest = self._rest
        if len(rest) < 4 or (rest[:4] == _CENTRAL and len(rest) < 46) or (rest[:4] == _LAST64 and len(rest) < 12):
            return None
        if rest[:4] == _LAST:
            self._step = self._tail
            return iter(())
        if rest[:4] == _CENTRAL:
            crc, packed, unpacked, name, extra, note = struct.unpack_from("<IIIHHH", rest, 16)
            size = 46 + name + extra + note
            if len(rest) < size:
                return None
            unpacked, packed = _sizes(unpacked, packed, rest[46 + name : 46 + name + extra])
            self._named_sum = _sum(self._named_sum, rest[46 : 46 + name], crc, packed, unpacked)
            self._named += 1
        elif rest[:4] == _LAST64:
            size = 12 + int(struct.unpack_from("<Q", rest, 4)[0])
        elif rest[:4] == _LOCATOR:
            size = 20
        else:
            raise Damaged("the zip's directory says other than the zip")
        if size > 4 * _MOST_TEXT:
            raise Damaged("the zip's directory says other than the zip")
        if len(rest) < size:
            return None
        self._rest = rest[size:]
        return iter(())

    def _tail(self) -> None:
        if len(self._rest) > 22 + _MOST_TEXT:
            raise Damaged("something behind the zip")


def _sizes(unpacked: int, packed: int, extra: bytes) -> tuple[int, int]:
    """The sizes of a file; those that do not fit into their places stand in a field of their own."""
    place = 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, place)
        if kind == _ZIP64:
            numbers = list(struct.unpack_from(f"<{min(size, len(extra) - place - 4) // 8}Q", extra, place + 4))
            unpacked = numbers.pop(0) if unpacked == _FULL and numbers else unpacked
            packed = numbers.pop(0) if packed == _FULL and numbers else packed
        place += 4 + size
    return unpacked, packed


def _sum(before: int, name: bytes, crc: int, packed: int, unpacked: int) -> int:
    found = hashlib.sha256(struct.pack("<IQQ", crc, packed, unpacked) + name).digest()
    return (before + int.from_bytes(found, "big")) % _MODULUS


class Records:
    """How many records a CSV has below its line of column names: line breaks outside of quotes are counted, and nothing is
    held."""

    def __init__(self) -> None:
        self._quoted = False
        self._lines, self._open = 0, False

    def feed(self, piece: bytes) -> None:
        """More of it."""
        for number, part in enumerate(piece.split(b'"')):
            self._quoted ^= number > 0
            if not self._quoted:
                self._lines += part.count(b"\n")
        if piece:
            self._open = not piece.endswith(b"\n")

    @property
    def count(self) -> int:
        """The records so far."""
        return max(0, self._lines + self._open - 1)
