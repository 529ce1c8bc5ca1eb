"""Pack: zstd, with the checksum of the content in every frame (it is off by default, and without it a flipped bit may
decode to other content without an error), and reading that accepts exactly one whole frame."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 3
_OPTIONS: dict[int, int] = {
    zstd.CompressionParameter.compression_level: LEVEL,
    zstd.CompressionParameter.checksum_flag: 1,
    zstd.CompressionParameter.window_log: 20,
}
"""A window of a mebibyte: a frame in the making takes 2 MB instead of 4, and what it holds gets no larger by it."""
_QUICK = {**_OPTIONS, zstd.CompressionParameter.compression_level: 1}
"""For digests, in which there is little to find."""
_PIECE = 1 << 17
LONGEST = 1 << 27
"""Bytes that a line may have: twice the longest answer that is taken from a vendor. A small frame may unpack to any size,
and no line of it is held whatever somebody has made."""


class Packer:
    """One frame in the making, and the next one after it in the same memory: holds what is compressed, not what was
    given."""

    def __init__(self) -> None:
        self._zstd = zstd.ZstdCompressor(options=_OPTIONS)
        self._parts: list[bytes] = []
        self.size = 0

    def add(self, data: bytes) -> None:
        """More of the content."""
        self.size += len(data)
        if part := self._zstd.compress(data):
            self._parts.append(part)

    def done(self) -> bytes:
        """The frame; nothing where nothing was added. What is added from now on is of the next one."""
        if not self.size:
            return b""
        parts, self._parts, self.size = self._parts, [], 0
        return b"".join((*parts, self._zstd.flush()))


def packed_all(parts: Iterable[bytes]) -> Iterator[bytes]:
    """One frame of all of them, in pieces."""
    frame = zstd.ZstdCompressor(options=_QUICK)
    held = bytearray()
    for part in parts:
        held += frame.compress(part)
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    yield bytes(held) + frame.flush()


def packed(data: bytes) -> bytes:
    """One frame of it."""
    return zstd.compress(data, options=_QUICK)


def unpacked(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The content of one frame, in pieces. Raises ValueError where the bytes are not one frame, whole, with a checksum
    that fits, and nothing behind it."""
    frame = zstd.ZstdDecompressor()
    first = True
    for part in parts:
        if first and part and (part[:4] != b"\x28\xb5\x2f\xfd" or len(part) < 5 or not part[4] & 4):
            raise ValueError("not a frame with a checksum")
        first = first and not part
        if frame.eof and part:
            raise ValueError("something behind the frame")
        while part or not (frame.needs_input or frame.eof):
            try:
                found = frame.decompress(part, _PIECE)
            except zstd.ZstdError as error:
                raise ValueError("a damaged frame") from error
            part = b""
            if found:
                yield found
        if frame.unused_data:
            raise ValueError("something behind the frame")
    if not frame.eof:
        raise ValueError("a frame cut short")


def lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a frame's content, without their line breaks. Raises ValueError as `unpacked`, and where the last
    line has none."""
    for block in blocks(parts):
        yield from block


def blocks(parts: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The same, in blocks of about a hundred kibibytes."""
    rest: list[bytes] = []
    held = 0
    for piece in unpacked(parts):
        found = piece.split(b"\n")
        rest.append(found[0])
        held = held + len(found[0]) if len(found) == 1 else 0
        if held > LONGEST:
            raise ValueError("a line longer than any record")
        if len(found) > 1:
            found[0] = b"".join(rest)
            rest = [found.pop()]
            yield found
    if any(rest):
        raise ValueError("a line cut short")
