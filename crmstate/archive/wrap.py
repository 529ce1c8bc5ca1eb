"""Wrap: what lies between the content of a file and the bytes that a store is given, and lends the file's name an
ending. `PLAIN` is nothing at all; encryption is another one.

Only what holds records, ids, attachments or field metadata is wrapped: `data/` and `schema/`. Whatever journal and
manifest say of a file (name, size, SHA-256) is of the bytes that the store holds, so that they can be checked without
any key; digests of rows and contents are of what is within.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Wrap(Protocol):
    """Puts on and takes off; one for the whole archive. Used from several threads."""

    def name(self, plain: str) -> str:
        """The name of a file that is wrapped, from the name that it has without."""
        ...

    def on(self, data: bytes) -> bytes:
        """A whole content, wrapped."""
        ...

    def streamed(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        """A content of unknown length, wrapped in flat memory."""
        ...

    def off(self, name: str, parts: Iterator[bytes]) -> Iterator[bytes]:
        """What is within the bytes of the file of this name, in flat memory. Raises ValueError where they are not
        whole."""
        ...


class Plain:
    """Nothing around it."""

    def name(self, plain: str) -> str:
        return plain

    def on(self, data: bytes) -> bytes:
        return data

    def streamed(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        return parts

    def off(self, name: str, parts: Iterator[bytes]) -> Iterator[bytes]:
        return parts


PLAIN = Plain()
