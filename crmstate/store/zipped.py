"""Zipped: files in a zip that can be written in exactly one way: stored, in order, without times, without extras.

Any tool opens it. Reading it here accepts nothing else than what `write` would have written, byte for byte, so that no
byte of it is free: neither a name that stands twice, nor something between two files, nor a second list at its end.
Nothing is compressed: nothing can be larger than it looks.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

LARGEST = 2**32 - 2
MOST = 2**16 - 2
PIECE = 1024 * 1024

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_NEEDS, _UTF8, _STORED, _TIME, _DAY = 20, 0x800, 0, 0, 0x21
_MADE_BY = (3 << 8) | 20
_MODE = 0o100600 << 16
_HEAD = struct.Struct("<4s5H3I2H")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_FOOT = struct.Struct("<4s4H2IH")


class Member(NamedTuple):
    """One file in a zip: its name, its checksum, its bytes, and where its header and its content begin."""

    name: str
    crc: int
    size: int
    at: int
    start: int


class Odd(Exception):
    """These bytes are no zip of ours: from the byte `at` on, in the file `name` or between files."""

    def __init__(self, at: int, name: str = "") -> None:
        super().__init__(f"byte {at}")
        self.at = at
        self.name = name


class Full(Exception):
    """More, or larger, than a plain zip holds."""


class Writer:
    """Writes a zip through `put`, file after file; `end` closes it."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        self._at = 0
        self._members: list[Member] = []

    def add(self, name: str, data: bytes) -> None:
        """Adds a file. Raises Full."""
        head = _local(name, zlib.crc32(data), len(data))
        member = Member(name, zlib.crc32(data), len(data), self._at, self._at + len(head))
        if member.start + member.size > LARGEST or len(self._members) >= MOST:
            raise Full
        self._members.append(member)
        self._put(head + data)
        self._at = member.start + member.size

    def end(self) -> None:
        """Writes the list of the files. Raises Full."""
        tail = _tail(self._members, self._at)
        if self._at + len(tail) > LARGEST:
            raise Full
        self._put(tail)


def members(file: BinaryIO, size: int) -> Iterator[Member]:
    """The files of a zip in order; each may be read with `pieces` before the next is asked for. Raises Odd where a byte is
    another than `Writer` would have written, checksums and the list at the end included."""
    found: list[Member] = []
    at = 0
    while True:
        head = _read(file, at, _HEAD.size)
        if head[:4] != _LOCAL:
            break
        member = _member(file, at, head, size)
        if found and member.name.encode() <= found[-1].name.encode():
            raise Odd(at, member.name)
        yield member
        crc = 0
        for piece in pieces(file, member):
            crc = zlib.crc32(piece, crc)
        if crc != member.crc:
            raise Odd(member.start, member.name)
        found.append(member)
        at = member.start + member.size
    tail = _tail(found, at)
    if not found or size != at + len(tail):
        raise Odd(at)
    there = _read(file, at, len(tail))
    if there != tail:
        raise Odd(at + next(place for place, (a, b) in enumerate(zip(there, tail, strict=True)) if a != b))


def pieces(file: BinaryIO, member: Member) -> Iterator[bytes]:
    """A file's content, piece by piece."""
    at, end = member.start, member.start + member.size
    while at < end:
        piece = _read(file, at, min(PIECE, end - at))
        yield piece
        at += len(piece)


def _member(file: BinaryIO, at: int, head: bytes, size: int) -> Member:
    if len(head) < _HEAD.size:
        raise Odd(at)
    *_, crc, packed, length, named, _ = _HEAD.unpack(head)
    raw = _read(file, at + _HEAD.size, named)
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise Odd(at) from None
    if packed != length or length > LARGEST or named > MOST or head + raw != _local(name, crc, length):
        raise Odd(at, name)
    start = at + len(head) + len(raw)
    if start + length > size:
        raise Odd(size, name)
    return Member(name, crc, length, at, start)


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)


def _local(name: str, crc: int, size: int) -> bytes:
    raw = name.encode()
    if size > LARGEST or len(raw) > MOST:
        raise Full
    return _HEAD.pack(_LOCAL, _NEEDS, _UTF8, _STORED, _TIME, _DAY, crc, size, size, len(raw), 0) + raw


def _tail(found: list[Member], at: int) -> bytes:
    parts = []
    for each in found:
        raw = each.name.encode()
        about = (each.crc, each.size, each.size, len(raw), 0, 0, 0, 0, _MODE, each.at)
        parts.append(_ENTRY.pack(_CENTRAL, _MADE_BY, _NEEDS, _UTF8, _STORED, _TIME, _DAY, *about) + raw)
    entries = b"".join(parts)
    return entries + _FOOT.pack(_END, 0, 0, len(found), len(found), len(entries), at, 0)
