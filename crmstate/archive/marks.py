"""Marks: what journal and seal say of files, and how our own JSON is written, so that the same value is always the
same bytes."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import msgspec

BUILDING = threading.Lock()
"""For types that are made on the way: msgspec 0.22 crashes the interpreter where two threads meet one for the first time."""


class FileMark(msgspec.Struct, frozen=True):
    """A file of the archive: its path relative to the archive, with slashes."""

    file: str
    bytes: int
    sha256: str


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An attachment that the archive holds: of record `row`, the vendor's file `id`. The name is the vendor's and is
    never a path."""

    row: str
    id: str
    name: str
    mime: str
    size: int
    sha256: str

    @property
    def key(self) -> tuple[str, str]:
        return self.row, self.id


def canonical(value: Any) -> bytes:
    """A value as one line of ASCII JSON with sorted keys, without its line break."""
    plain = msgspec.to_builtins(value)
    return json.dumps(plain, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()


def sha256(data: bytes) -> str:
    """Its SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def mark(file: str, data: bytes) -> FileMark:
    """The mark of a file that holds `data`."""
    return FileMark(file, len(data), sha256(data))


class Measured:
    """Size and SHA-256 of pieces on their way."""

    def __init__(self) -> None:
        self.size = 0
        self.digest = hashlib.sha256()

    def passing(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The same pieces."""
        for piece in pieces:
            self.digest.update(piece)
            self.size += len(piece)
            yield piece
