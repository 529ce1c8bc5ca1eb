"""Evidence: files that prove a step, copied beside the state under the name of their content. Nothing is ever replaced
or removed, and the same content is kept once.

It refuses links, folders, devices, empty and very large files, and those that somebody writes to meanwhile: what cannot
be kept whole is no evidence. And what holds a private key: the key of an encrypted archive shows nothing, and would lie
about with it. Of several files all are looked at before the first is kept; a copy that nothing refers to, because
whoever made it was killed before it was on record, proves nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import Evidence
from crmstate.core.ports import Effects
from crmstate.core.words import Exit, Proof
from crmstate.store import files
from crmstate.store.files import Disk
from crmstate.store.home import Home

LARGEST = 50 * 1024 * 1024
FOLDER = "evidence"
NAME = 120
_KEY = re.compile(rb"AGE-SECRET-KEY-1|AGE-PLUGIN-[A-Z0-9-]+-1|-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----", re.IGNORECASE)
"""What a private key begins with: evidence is kept for years, beside the state, for many to read."""


class Found(NamedTuple):
    """A file that can be kept, as it was when it was looked at."""

    path: Path
    sha256: str
    bytes: int


def look(paths: Iterable[Path]) -> tuple[Found, ...]:
    """Reads each file whole, and keeps none. Raises Problem (exit 3), with the file's name, for what is no evidence."""
    found = []
    for path in paths:
        data = take(path)
        found.append(Found(path, hashlib.sha256(data).hexdigest(), len(data)))
    return tuple(found)


def store(found: Found, home: Home, effects: Effects, *, proof: Proof, at: str, by: str) -> Evidence:
    """Copies a file that was looked at, durably, and says what it is. Raises Problem (exit 3) where it has changed
    since."""
    data = take(found.path)
    if hashlib.sha256(data).hexdigest() != found.sha256:
        raise _refusal(found.path, "changed")
    return keep_data(data, found.path.name, home, effects, proof=proof, at=at, by=by)


def keep(path: Path, home: Home, effects: Effects, *, proof: Proof, at: str, by: str) -> Evidence:
    """Copies one file into the evidence store and says what it is. Raises Problem (exit 3) for what is no evidence."""
    return keep_data(take(path), path.name, home, effects, proof=proof, at=at, by=by)


def take(path: Path) -> bytes:
    """The bytes of one file that can be evidence. Raises Problem (exit 3) for what is none; nothing is written."""
    data = _read(path)
    if _KEY.search(data.replace(b"\0", b"")):  # NULs: text of two bytes a character
        raise _refusal(path, "key")
    return data


def keep_data(data: bytes, name: str, home: Home, effects: Effects, *, proof: Proof, at: str, by: str) -> Evidence:
    """The same for bytes that were taken before, so that what was judged is what is kept."""
    digest = hashlib.sha256(data).hexdigest()
    disk, folder = Disk(effects), home.path / FOLDER
    disk.folder(folder)
    target = folder / digest
    if files.read(target, LARGEST) == data:
        disk.flush(folder)  # whoever wrote it may have been killed before the name was durable
    else:
        disk.replace(target, data)
    return Evidence("file", proof, at, by, f"{FOLDER}/{digest}", digest, bytes=len(data), note=name[:NAME])


def _read(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        gone = "missing" if isinstance(error, FileNotFoundError) else error.strerror or "missing"
        raise _refusal(path, "link" if path.is_symlink() else gone) from None
    before = os.fstat(handle)
    if not stat.S_ISREG(before.st_mode):
        os.close(handle)
        raise _refusal(path, "not a file")
    with os.fdopen(handle, "rb") as file:
        if not 0 < before.st_size <= LARGEST:
            raise _refusal(path, "empty" if not before.st_size else f"larger than {LARGEST // 1024 // 1024} MiB")
        try:
            data = file.read(LARGEST + 1)
        except OSError as error:
            raise _refusal(path, error.strerror or "missing") from None
        if _facts(os.fstat(handle)) != _facts(before) or len(data) != before.st_size:
            raise _refusal(path, "changed")
    return data


def _facts(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _refusal(path: Path, why: str) -> Problem:
    return problem(Exit.REFUSED, "CRM-C007", path=path, why=why)
