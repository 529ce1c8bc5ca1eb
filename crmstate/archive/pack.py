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
}
_PIECE = 1 << 20


class Packer:
    """One frame in the making: holds what is compressed, not what was given."""

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
        """The frame; nothing where nothing was added."""
        if not self.size:
            return b""
        return b"".join((*self._parts, self._zstd.flush()))


def packed(data: bytes) -> bytes:
    """One frame of it."""
    return zstd.compress(data, options=_OPTIONS)


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
    """The lines of a frame's content, each with its line break (the last one as it is)."""
    rest = b""
    for piece in unpacked(parts):
        data = rest + piece if rest else piece
        found = data.splitlines(keepends=True) if b"\r" not in data else _split(data)
        rest = found.pop() if found and found[-1][-1:] != b"\n" else b""
        yield from found
    if rest:
        yield rest


def _split(data: bytes) -> list[bytes]:
    """At line feeds only: `bytes.splitlines` takes a carriage return for a line's end as well."""
    found = [line + b"\n" for line in data.split(b"\n")]
    last = found.pop()[:-1]
    return [*found, last] if last else found
