"""Wrap: what lies between the content of a file and the bytes that a store is given, and lends the file's name an
ending. `PLAIN` is nothing at all; encryption (`locked`) is another one.

Only what holds records, ids, attachments or field metadata is wrapped: `data/`, `schema/` and `views/`, and the cursors
in the journal. Whatever journal and manifest say of a file (name, size, SHA-256) is of the bytes that the store holds, so that
they can be checked without any key; digests of rows and contents are of what is within.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Wrap(Protocol):
    """Puts on and takes off; one for the whole archive. Used from several threads. Taking off may raise Problem where
    the key for it is not at hand."""

    @property
    def locked(self) -> bool:
        """Whether it is an encryption."""
        ...

    @property
    def reads_index(self) -> bool:
        """Whether ids, index files and lists of attachments can be read."""
        ...

    @property
    def reads_rows(self) -> bool:
        """Whether rows, attachments and field metadata can be read, too."""
        ...

    def name(self, plain: str) -> str:
        """The name of a file that is wrapped, from the name that it has without."""
        ...

    def content(self, dataset: str, sha256: str) -> str:
        """What an attachment of this dataset is called, by the SHA-256 of its content."""
        ...

    def on(self, plain: str, data: bytes) -> bytes:
        """A whole content, wrapped. `plain`: the name of its file without."""
        ...

    def streamed(self, plain: str, parts: Iterator[bytes]) -> Iterator[bytes]:
        """A content of unknown length, wrapped in flat memory."""
        ...

    def off(self, name: str, parts: Iterator[bytes]) -> Iterator[bytes]:
        """What is within the bytes of the file of this name, in flat memory. Raises ValueError where they are not
        whole."""
        ...

    def hidden(self, cursor: str | None) -> str | None:
        """A vendor's cursor as the journal keeps it: it may hold an id."""
        ...

    def shown(self, cursor: str | None) -> str | None:
        """The cursor again."""
        ...


class Plain:
    """Nothing around it."""

    locked = False
    reads_index = True
    reads_rows = True

    def name(self, plain: str) -> str:
        return plain

    def content(self, dataset: str, sha256: str) -> str:
        return sha256

    def on(self, plain: str, data: bytes) -> bytes:
        return data

    def streamed(self, plain: str, parts: Iterator[bytes]) -> Iterator[bytes]:
        return parts

    def off(self, name: str, parts: Iterator[bytes]) -> Iterator[bytes]:
        return parts

    def hidden(self, cursor: str | None) -> str | None:
        return cursor

    def shown(self, cursor: str | None) -> str | None:
        return cursor


PLAIN = Plain()
