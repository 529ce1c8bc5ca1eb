"""Store: what an archive needs of the place where it lies. A folder on this machine (`local`) is one, and whatever takes
whole objects by name can be one.

Files go by their names relative to the archive, with slashes; "" is the archive itself. A file is whole under its name
or it is not there: nothing half written ever has a final name. What a store does to the world passes
`core.ports.Effects`; reading does not. A store knows bytes and names and refuses to know what they mean; what they are
wrapped in on their way to it is the matter of `wrap`.

Every method may raise Problem where the place cannot be reached, refuses, is full, or has something strange (a link, a
device) where a file or a folder of ours should be. Different names may be used from several threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Protocol

TEMPORARY = ".tmp"
"""The ending of what an interrupted store may leave behind beside the final names. One that takes whole objects leaves
none."""


class Form(Enum):
    """What has a name in a store."""

    FILE = "file"
    FOLDER = "folder"
    STRANGE = "strange"


class ReadStore(Protocol):
    """The half that only looks: what verifying, showing and restoring are given."""

    @property
    def where(self) -> str:
        """The place as a person writes it, without anything secret: `/srv/archives/exit`, `s3://bucket/exit`."""
        ...

    def path(self, name: str) -> str:
        """A file of it as a person writes it, for messages."""
        ...

    def within(self, folder: str) -> ReadStore:
        """The store of what lies in a folder."""
        ...

    def pieces(self, name: str) -> Iterator[bytes]:
        """A file's bytes, about a mebibyte at a time, in flat memory. Raises FileNotFoundError."""
        ...

    def read(self, name: str) -> bytes | None:
        """A file's bytes, or None where there is none."""
        ...

    def measure(self, name: str) -> tuple[int, str] | None:
        """Size and SHA-256 of a file, every byte of it read from the place; None where there is none."""
        ...

    def size(self, name: str) -> int | None:
        """A file's size, without reading it; None where there is none, or something else."""
        ...

    def sizes(self, folder: str) -> dict[str, int]:
        """The plain files in a folder, complete, with their sizes."""
        ...

    def is_folder(self, name: str) -> bool:
        """Whether a folder is there; a store that knows no folders has all of them. Raises Problem CRM-A004 where
        something else, or a link to a folder, is in its place."""
        ...

    def names(self, folder: str) -> list[str]:
        """The names in a folder, sorted, complete; none where there is no folder."""
        ...

    def located(self) -> bool:
        """Whether the place that the archive lies in is there and can be listed: the folder around it, the bucket. Where
        it is not, that nothing of the archive is seen proves nothing."""
        ...

    def walk(self, folder: str) -> Iterator[tuple[str, Form]]:
        """Everything below a folder, complete: its name relative to the archive, and what it is. A folder comes before
        what lies in it; a store that knows no folders has files alone. Nothing behind a link."""
        ...


class Incoming(Protocol):
    """A content of unknown length that was received whole, and has no final name yet. One of `keep` and `drop` ends
    it."""

    def keep(self, name: str, once: bool = False) -> None:
        """Gives it its final name, in the place of whatever plain file was there; see `Store.flush`. `once`: the name
        is new, as in `Store.put`."""
        ...

    def drop(self) -> None:
        """Forgets it; nothing of it stays."""
        ...


class Store(ReadStore, Protocol):
    """The half that writes."""

    def folders(self, names: Iterable[str]) -> None:
        """Makes these folders, durably, where the store knows folders."""
        ...

    def prove(self, name: str, data: bytes) -> None:
        """Shows, before anything is written, that the place keeps what `swap` and `once` promise, by the file of this
        name, which holds `data` and stays as it is; and clears what an interrupted run may have left unseen. Raises
        Problem CRM-A063."""
        ...

    def put(self, files: Mapping[str, bytes], once: bool = False) -> None:
        """Puts whole files, in this order, each in the place of whatever plain file was there. All of them, and their
        names, are durable when it returns. `once`: the names are new, and a store that others can write to from
        elsewhere refuses (CRM-A025) where something else has one of them."""
        ...

    def receive(self, parts: Iterable[bytes], near: str) -> Incoming:
        """Takes a content in whole, in flat memory, before it has a name. `near`: the folder whose dataset it belongs
        to; one at a time for each. What `parts` raises passes through, and nothing stays."""
        ...

    def flush(self, folders: Iterable[str]) -> None:
        """Makes the names in these folders durable that `Incoming.keep` gave."""
        ...

    def swap(self, name: str, data: bytes, before: bytes | None) -> None:
        """Puts a file, whole and durable, in the place of one that holds `before`, or of none. Raises Problem
        CRM-A025, and leaves that file alone, where another is there: whoever comes second loses."""
        ...

    def append(self, name: str, line: bytes, number: int) -> None:
        """Adds the line of this number, from 0, to a file of lines, durably. A store that cannot append keeps the
        lines apart, and shows them as the one file in everything that reads."""
        ...

    def gather(self, name: str, data: bytes) -> None:
        """A file of lines is about to be sealed as these bytes, which are all its lines: where they are kept apart,
        they become one file, durably."""
        ...

    def remove(self, name: str) -> None:
        """Takes a file away; none there is no error."""
        ...

    def unfold(self, folders: Iterable[str]) -> None:
        """Takes these empty folders away, in this order and durably, where the store knows folders; one that is not
        there is no error. "" is the archive itself."""
        ...
