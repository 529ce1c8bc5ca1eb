"""Durable file operations of the archive: a file is whole and on disk under its final name, or it is not there.

Every effect passes `core.ports.Effects`. Files are 0600, folders 0700. Links, devices and pipes are refused where a
file or a folder of ours should be. This module refuses to decide what a file means.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crmstate.archive.store import TEMPORARY
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.ports import Effects
from crmstate.core.words import Exit

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_STRANGE = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO})
_UNLINKABLE = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FLUSH = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 20


def trouble(error: OSError, path: Path) -> Problem:
    """The Problem that an OSError on one of our files means."""
    place = str(path)
    if error.errno in _FULL:
        return problem(Exit.ERROR, "CRM-A013", file=place)
    if error.errno in _FORBIDDEN:
        return problem(Exit.ERROR, "CRM-A014", file=place)
    if error.errno in _STRANGE:
        return problem(Exit.ERROR, "CRM-A004", file=place)
    return problem(Exit.ERROR, "CRM-A015", file=place, error=os.strerror(error.errno or 0))


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns every OSError inside into its Problem."""
    try:
        yield
    except OSError as error:
        raise trouble(error, path) from error


def opened(path: Path) -> int:
    """A descriptor to read a plain file. Raises FileNotFoundError; Problem where a link, a device or a folder is in
    its place."""
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise trouble(error, path) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise problem(Exit.ERROR, "CRM-A004", file=str(path))
    return descriptor


def pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a plain file, a mebibyte at a time. Raises as `opened`."""
    descriptor = opened(path)
    try:
        with told(path):
            while piece := os.read(descriptor, _PIECE):
                yield piece
    finally:
        os.close(descriptor)


def read(path: Path) -> bytes | None:
    """The bytes of a plain file, or None where there is none."""
    try:
        return b"".join(pieces(path))
    except FileNotFoundError:
        return None


def measure(path: Path) -> tuple[int, str] | None:
    """Size and SHA-256 of a plain file, or None where there is none."""
    digest, size = hashlib.sha256(), 0
    try:
        for piece in pieces(path):
            digest.update(piece)
            size += len(piece)
    except FileNotFoundError:
        return None
    return size, digest.hexdigest()


def size(path: Path) -> int | None:
    """The size of a plain file; None where there is none, or something else."""
    try:
        facts = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) else None


def is_folder(path: Path) -> bool:
    """Whether a folder is there. Raises Problem where something else, or a link to a folder, is in its place."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise trouble(error, path) from error
    if not stat.S_ISDIR(mode):
        raise problem(Exit.ERROR, "CRM-A004", file=str(path))
    return True


def names(folder: Path) -> list[str]:
    """The names in a folder, sorted; none where there is no folder. Raises Problem where it is a link."""
    if not is_folder(folder):
        return []
    with told(folder):
        return sorted(entry.name for entry in folder.iterdir())


class Disk:
    """The writing half, over Effects."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def folder(self, path: Path) -> None:
        """Makes a folder, durably, unless it is there; its parents too."""
        if is_folder(path):
            return
        if not path.parent.exists():
            self.folder(path.parent)
        with told(path):
            self._effects.do("mkdir", str(path), lambda: path.mkdir(mode=0o700, exist_ok=True))
        self.flush(path.parent)

    def temporary(self, path: Path, parts: Iterable[bytes]) -> None:
        """Writes a new file of these parts and flushes it; a leftover under that name is replaced."""
        if os.path.lexists(path):
            self.remove(path)
        with told(path):
            descriptor = self._effects.do("write", str(path), lambda: os.open(path, _FRESH, 0o600))
            try:
                for part in parts:
                    self._write(path, descriptor, part)
                self._effects.do("fsync", str(path), lambda: os.fsync(descriptor))
            finally:
                os.close(descriptor)

    def replace(self, path: Path, data: bytes) -> None:
        """Puts a whole file in the place of whatever plain file was there. The name is durable after a `flush` of the
        folder."""
        temporary = path.with_name(path.name + TEMPORARY)
        self.temporary(temporary, (data,))
        self.rename(temporary, path)

    def rename(self, path: Path, target: Path) -> None:
        """Gives a whole file its final name."""
        with told(target):
            self._effects.do("rename", str(target), lambda: path.replace(target))

    def create(self, path: Path, data: bytes) -> None:
        """Makes a new file, whole and durable with its name. Raises Problem CRM-A025, and leaves that file alone,
        where `path` exists."""
        temporary = path.with_name(path.name + TEMPORARY)
        self.temporary(temporary, (data,))
        try:
            self._effects.do("link", str(path), lambda: _name(temporary, path))
        except FileExistsError as error:
            raise problem(Exit.ERROR, "CRM-A025", file=str(path)) from error
        except OSError as error:
            raise trouble(error, path) from error
        self.flush(path.parent)
        self.remove(temporary)

    def swap(self, path: Path, data: bytes, before: bytes | None) -> None:
        """Puts a file, whole and durable with its name, in the place of one that holds `before`, or of none. Raises
        Problem CRM-A025, and leaves that file alone, where another is there."""
        if before is None:
            self.create(path, data)
            return
        temporary = path.with_name(path.name + TEMPORARY)
        self.temporary(temporary, (data,))
        with told(path):
            self._effects.do("rename", str(path), lambda: _exchange(temporary, path, before))
        self.flush(path.parent)

    def append(self, path: Path, data: bytes) -> None:
        """Adds bytes to the end of a file and flushes it; makes the file, durably, where there is none."""
        fresh = not os.path.lexists(path)
        with told(path):
            descriptor = os.open(path, _APPEND, 0o600)
            try:
                self._write(path, descriptor, data)
                self._effects.do("fsync", str(path), lambda: os.fsync(descriptor))
            finally:
                os.close(descriptor)
        if fresh:
            self.flush(path.parent)

    def remove(self, path: Path) -> None:
        """Takes a file away; none there is no error."""
        with told(path):
            self._effects.do("unlink", str(path), lambda: path.unlink(missing_ok=True))

    def flush(self, folder: Path) -> None:
        """Makes a folder's names durable."""
        with told(folder):
            self._effects.do("fsync", str(folder), lambda: _flush(folder))

    def _write(self, path: Path, descriptor: int, data: bytes) -> None:
        half = data[: len(data) // 2]
        self._effects.do("write", str(path), lambda: _all(descriptor, data), lambda: _all(descriptor, half))


def _all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, _FLUSH)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exchange(temporary: Path, path: Path, before: bytes) -> None:
    if read(path) != before:
        raise problem(Exit.ERROR, "CRM-A025", file=str(path))
    temporary.replace(path)


def _name(temporary: Path, path: Path) -> None:
    """Links; where the file system knows no links, renames unless the name is taken."""
    try:
        os.link(temporary, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _UNLINKABLE:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        temporary.rename(path)
