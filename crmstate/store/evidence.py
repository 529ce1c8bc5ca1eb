"""Evidence: files that prove a step, copied beside the state under the name of their content. Nothing is ever replaced
or removed.

It refuses links, folders, empty and very large files: what cannot be kept whole is no evidence. And what holds a private
key: the key of an encrypted archive shows nothing, and would lie about with it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import Evidence
from crmstate.core.ports import Effects
from crmstate.core.words import Exit, Proof
from crmstate.store.files import Disk
from crmstate.store.home import Home

LARGEST = 50 * 1024 * 1024
_KEY = re.compile(rb"AGE-SECRET-KEY-1|AGE-PLUGIN-[A-Z0-9-]+-1|-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----", re.IGNORECASE)
"""What a private key begins with: evidence is kept for years, beside the state, for many to read."""


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
    disk = Disk(effects)
    folder = home.path / "evidence"
    disk.folder(folder)
    target = folder / digest
    if not target.exists():
        disk.replace(target, data)
    return Evidence("file", proof, at, by, f"evidence/{digest}", digest, bytes=len(data), note=name[:120])


def _read(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _refusal(path, "link" if path.is_symlink() else (error.strerror or "missing")) from None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise _refusal(path, "not a file")
    with os.fdopen(handle, "rb") as file:
        if not 0 < found.st_size <= LARGEST:
            raise _refusal(path, "empty" if not found.st_size else f"larger than {LARGEST // 1024 // 1024} MiB")
        return file.read(LARGEST + 1)


def _refusal(path: Path, why: str) -> Problem:
    return problem(Exit.REFUSED, "CRM-C007", path=path, why=why)
