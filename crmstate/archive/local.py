"""Local: an archive in a folder on this machine. Names become paths here, and nowhere else; `disk` does the work."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from crmstate.archive import disk
from crmstate.archive.disk import Disk
from crmstate.archive.store import TEMPORARY, Form
from crmstate.core.ports import Effects


class LocalReads:
    """The half of it that only looks (`store.ReadStore`)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def where(self) -> str:
        return str(self.root)

    def path(self, name: str) -> str:
        return str(self._at(name))

    def within(self, folder: str) -> LocalReads:
        return LocalReads(self._at(folder))

    def pieces(self, name: str) -> Iterator[bytes]:
        return disk.pieces(self._at(name))

    def read(self, name: str) -> bytes | None:
        return disk.read(self._at(name))

    def measure(self, name: str) -> tuple[int, str] | None:
        return disk.measure(self._at(name))

    def size(self, name: str) -> int | None:
        return disk.size(self._at(name))

    def sizes(self, folder: str) -> dict[str, int]:
        found = {name: disk.size(self._at(folder) / name) for name in self.names(folder)}
        return {name: size for name, size in found.items() if size is not None}

    def is_folder(self, name: str) -> bool:
        return disk.is_folder(self._at(name))

    def names(self, folder: str) -> list[str]:
        return disk.names(self._at(folder))

    def located(self) -> bool:
        return disk.is_folder(self.root.parent)

    def walk(self, folder: str) -> Iterator[tuple[str, Form]]:
        if not self.is_folder(folder):
            return
        with disk.told(self._at(folder)):
            entries = sorted(os.scandir(self._at(folder)), key=lambda entry: entry.name)
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            form = _form(entry)
            yield name, form
            if form is Form.FOLDER:
                yield from self.walk(name)

    def _at(self, name: str) -> Path:
        return self.root / name


class Local(LocalReads):
    """The whole of it (`store.Store`)."""

    def __init__(self, root: Path, effects: Effects) -> None:
        super().__init__(root)
        self._disk = Disk(effects)

    def folders(self, names: Iterable[str]) -> None:
        for name in names:
            self._folder(name)

    def prove(self, name: str, data: bytes) -> None:
        """File systems keep it."""

    def put(self, files: Mapping[str, bytes], once: bool = False) -> None:
        for name, data in files.items():
            self._disk.replace(self._at(name), data)
        self.flush(dict.fromkeys(name.rpartition("/")[0] for name in files))

    def receive(self, parts: Iterable[bytes], near: str) -> Received:
        temporary = self._at(near) / f"attachment{TEMPORARY}"
        try:
            self._disk.temporary(temporary, parts)
        except Exception:
            self._disk.remove(temporary)
            raise
        return Received(self, self._disk, temporary)

    def flush(self, folders: Iterable[str]) -> None:
        for folder in folders:
            self._disk.flush(self._at(folder))

    def swap(self, name: str, data: bytes, before: bytes | None) -> None:
        self._disk.swap(self._at(name), data, before)

    def append(self, name: str, line: bytes, number: int) -> None:
        self._disk.append(self._at(name), line)

    def gather(self, name: str, data: bytes) -> None:
        """Its lines are one file already."""

    def remove(self, name: str) -> None:
        self._disk.remove(self._at(name))

    def rename(self, temporary: Path, name: str) -> None:
        """Gives a whole temporary file its final name."""
        self._folder(name.rpartition("/")[0])
        self._disk.rename(temporary, self._at(name))

    def _folder(self, name: str) -> None:
        """A folder of the archive, in one that is there: a disk that went away midway is not made up for by new folders
        in its place."""
        path = self._at(name)
        if name and not disk.is_folder(path.parent):
            raise disk.trouble(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), path.parent)
        self._disk.folder(path)

    def unfold(self, folders: Iterable[str]) -> None:
        for name in folders:
            self._disk.remove_folder(self._at(name))
            if not name:
                self._disk.flush(self.root.parent)


class Received:
    """A temporary file, flushed (`store.Incoming`)."""

    def __init__(self, store: Local, disk: Disk, temporary: Path) -> None:
        self._store = store
        self._disk = disk
        self._temporary = temporary

    def keep(self, name: str, once: bool = False) -> None:
        try:
            self._store.rename(self._temporary, name)
        except Exception:
            self.drop()  # a full disk gets its room back
            raise

    def drop(self) -> None:
        self._disk.remove(self._temporary)


def _form(entry: os.DirEntry[str]) -> Form:
    if entry.is_file(follow_symlinks=False):
        return Form.FILE
    return Form.FOLDER if entry.is_dir(follow_symlinks=False) else Form.STRANGE
