"""Durable file operations: what is written is whole and on disk, or it is as if nothing had happened.

Every effect passes `core.ports.Effects`. Files are 0600, folders 0700. Links, devices and pipes are refused where a
file or a folder of ours should be. This module knows nothing of journals: it refuses to decide what a file means.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crmstate.core.diagnostic import Problem, problem
from crmstate.core.ports import Effects
from crmstate.core.words import Exit

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MORE = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_OVER = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FLUSH = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
TEMPORARY = ".tmp"


def trouble(error: OSError, path: Path | str) -> Problem:
    """The Problem that an OSError on one of our files means."""
    place = str(path)
    if error.errno in _FULL:
        return problem(Exit.ERROR, "CRM-S003", file=place)
    if error.errno in _FORBIDDEN:
        return problem(Exit.ERROR, "CRM-S005", file=place)
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO):
        return problem(Exit.ERROR, "CRM-S002", file=place)
    return problem(Exit.ERROR, "CRM-S006", file=place, error=os.strerror(error.errno or 0))


@contextmanager
def told(path: Path | str) -> Iterator[None]:
    """Turns every OSError inside into its Problem."""
    try:
        yield
    except OSError as error:
        raise trouble(error, path) from error


def read(path: Path, limit: int | None = None) -> bytes | None:
    """The bytes of a regular file, or None where there is none. Raises Problem on links and devices, and EFBIG's
    Problem above `limit`."""
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise trouble(error, path) from error
    with told(path):
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise problem(Exit.ERROR, "CRM-S002", file=str(path))
            if limit is not None and facts.st_size > limit:
                raise problem(Exit.ERROR, "CRM-S043", file=str(path), size=facts.st_size, limit=limit)
            return _read_all(descriptor, facts.st_size)
        finally:
            os.close(descriptor)


def names(folder: Path) -> list[str]:
    """The names in a folder; none where there is no folder."""
    try:
        return [entry.name for entry in os.scandir(folder)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise trouble(error, folder) from error


def is_folder(path: Path) -> bool:
    """Whether a folder of ours is there. Raises Problem where something else, or a link to a folder, is in its
    place."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise trouble(error, path) from error
    if not stat.S_ISDIR(mode):
        raise problem(Exit.ERROR, "CRM-S002", file=str(path))
    return True


def is_folder_or_link(path: Path) -> bool:
    """Whether a folder is there, be it through a link: for places that a person names."""
    with told(path):
        return path.is_dir()


class Disk:
    """The writing half, over Effects."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def folder(self, path: Path) -> None:
        """Makes a folder, durably, unless it is there."""
        if is_folder(path):
            return
        with told(path):
            self._effects.do("mkdir", str(path), lambda: path.mkdir(mode=0o700, exist_ok=True))
        self.flush(path.parent)

    def create(self, path: Path, data: bytes) -> None:
        """Makes a new file, whole and durable. Raises FileExistsError, and leaves that file alone, where `path`
        exists.

        When the folder cannot be flushed after the name was given, Problem CRM-S008: whether the file is durable is
        not known.
        """
        self._named(self._temporary(path, data), path)

    def gather(self, path: Path, pieces: Iterable[bytes]) -> None:
        """As `create`, for what is too much to be held at once. What `pieces` raises leaves nothing behind."""
        temporary = self._temporary(path, b"")
        try:
            for piece in pieces:
                self.extend(temporary, piece)
            self.flush(temporary)
        except Exception:
            self._drop(temporary)
            raise
        self._named(temporary, path)

    def fill(self, path: Path, data: bytes) -> None:
        """Makes a new file in a folder that nobody knows yet: durable, though not whole from the start."""
        half = data[: len(data) // 2]
        with told(path):
            self._effects.do("write", str(path), lambda: _write(path, _NEW, data), lambda: _write(path, _NEW, half))
        self.flush(path)

    def extend(self, path: Path, data: bytes) -> None:
        """Adds bytes to the end of a file that nobody reads yet."""
        half = data[: len(data) // 2]
        with told(path):
            self._effects.do("write", str(path), lambda: _write(path, _MORE, data), lambda: _write(path, _MORE, half))

    def _named(self, temporary: Path, path: Path) -> None:
        try:
            self._effects.do("link", str(path), lambda: os.link(temporary, path, follow_symlinks=False))
        except FileExistsError:
            self._drop(temporary)
            raise
        except OSError as error:
            self._drop(temporary)
            unlinkable = error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
            raise (problem(Exit.ERROR, "CRM-S009", file=str(path)) if unlinkable else trouble(error, path)) from error
        try:
            self.flush(path.parent)
        except Problem as found:
            raise problem(Exit.ERROR, "CRM-S008", file=str(path)) from found
        self._drop(temporary)

    def replace(self, path: Path, data: bytes, mode: int | None = None) -> None:
        """Puts a whole, durable file in the place of whatever file was there. `mode`: its permissions, where the file is not
        one of ours."""
        temporary = self._temporary(path, data)
        try:
            if mode is not None:
                self._effects.do("chmod", str(temporary), lambda: temporary.chmod(mode))
            self._effects.do("rename", str(path), lambda: temporary.replace(path))
        except OSError as error:
            self._drop(temporary)
            raise trouble(error, path) from error
        self.flush(path.parent)

    def overwrite(self, path: Path, data: bytes) -> None:
        """Writes over a small file in place, without flushing: for marks that may be lost or torn."""
        with told(path):
            self._effects.do(
                "write",
                str(path),
                lambda: _write(path, _OVER, data),
                lambda: _write(path, _OVER, data[: len(data) // 2]),
            )

    def move(self, path: Path, target: Path) -> None:
        """Gives a file another name, durably. A file that is gone already is no error; one at the target is
        replaced."""
        with told(path):
            try:
                self._effects.do("rename", str(path), lambda: path.replace(target))
            except FileNotFoundError:
                return
        self.flush(target.parent)
        self.flush(path.parent)

    def remove(self, path: Path) -> None:
        """Takes a file away; none there is no error."""
        with told(path):
            self._effects.do("unlink", str(path), lambda: path.unlink(missing_ok=True))

    def flush(self, path: Path) -> None:
        """Makes a file's bytes, or a folder's names, durable."""
        with told(path):
            self._effects.do("fsync", str(path), lambda: _fsync(path))

    def sweep(self, folder: Path) -> None:
        """Removes what an interrupted write left behind. Only for who holds the lock."""
        for name in sorted(names(folder)):
            if name.endswith(TEMPORARY) and not is_link_or_folder(folder / name):
                self.remove(folder / name)

    def _temporary(self, path: Path, data: bytes) -> Path:
        temporary = path.with_name(f"{path.name}.{_owner()}{TEMPORARY}")
        half = data[: len(data) // 2]
        try:
            if os.path.lexists(temporary):
                self.remove(temporary)
            self._effects.do(
                "write", str(temporary), lambda: _write(temporary, _NEW, data), lambda: _write(temporary, _NEW, half)
            )
            self._effects.do("fsync", str(temporary), lambda: _fsync(temporary))
        except OSError as error:
            self._drop(temporary)
            raise trouble(error, path) from error
        return temporary

    def _drop(self, temporary: Path) -> None:
        """A leftover does no harm: the next `sweep` takes it."""
        try:
            self._effects.do("unlink", str(temporary), lambda: temporary.unlink(missing_ok=True))
        except OSError:
            return


def is_link_or_folder(path: Path) -> bool:
    """Whether something other than a plain file is there (or nothing)."""
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        return True


def _owner() -> str:
    host = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in socket.gethostname())
    return f"{host[:40]}-{os.getpid()}"


def _write(path: Path, flags: int, data: bytes) -> None:
    descriptor = os.open(path, flags, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, _FLUSH)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_all(descriptor: int, size: int) -> bytes:
    pieces = []
    while piece := os.read(descriptor, max(size + 1, 4096)):
        pieces.append(piece)
        size = max(size - len(piece), 0)
    return b"".join(pieces)
