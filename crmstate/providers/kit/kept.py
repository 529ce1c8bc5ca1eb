"""Kept: access tokens that outlive a run, for vendors that give out only so many of them. One file a credential, for its
owner's eyes alone (0600), in a folder of this machine's user and never beside a manifest or a state.

A file that somebody else could have written or read is not believed, and one that cannot be written is done without: a
token that is not kept costs one login.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from crmstate.core.ports import Effects
from crmstate.core.secret import Secret
from crmstate.providers.kit.line import Grant

MARGIN = 120.0
"""Seconds before its end in which a token is not begun with any more: clocks differ, and a call takes time."""
LARGEST = 64 * 1024


@dataclass(frozen=True)
class Kept:
    """The tokens in one folder."""

    folder: Path
    effects: Effects

    def find(self, name: str, now: datetime) -> Grant | None:
        """The grant of this name that still lasts; None where there is none that can be believed."""
        text = self._read(self.folder / name)
        try:
            found = json.loads(text)
            until = datetime.fromisoformat(found["until"])
            left = (until - now).total_seconds()
            access, origin, user, lasts = found["access"], found.get("origin"), found.get("user"), float(found["lasts"])
        except (ValueError, KeyError, TypeError):
            return None
        texts = all(each is None or isinstance(each, str) for each in (origin, user))
        if not isinstance(access, str) or not access or not texts or left <= MARGIN or left > lasts:
            return None
        return Grant(Secret(access), user=user, origin=origin, lasts=left)

    def keep(self, name: str, grant: Grant, now: datetime) -> None:
        """Puts a grant that says how long it lasts in the place of an older one; none with more secrets than its token."""
        if grant.lasts is None or grant.lasts <= MARGIN or grant.more:
            return
        found = {
            "access": grant.access.reveal(),
            "origin": grant.origin,
            "user": grant.user,
            "until": (now + timedelta(seconds=grant.lasts)).isoformat(),
            "lasts": grant.lasts,
        }
        with suppress(OSError):
            self._write(self.folder / name, json.dumps(found).encode())

    def forget(self, name: str) -> None:
        """Takes away a grant that the vendor does not accept any more."""
        place = self.folder / name
        if place.exists():
            with suppress(OSError):
                self.effects.do("unlink", str(place), lambda: place.unlink(missing_ok=True))

    def _read(self, place: Path) -> bytes:
        """The bytes of a file that nobody else can have written or read; none where it is not such a file."""
        try:
            handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return b""
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(file.fileno())
            ours = about.st_uid == os.getuid() and stat.S_ISREG(about.st_mode) and not about.st_mode & 0o077
            return file.read(LARGEST) if ours else b""

    def _write(self, place: Path, content: bytes) -> None:
        if not self.folder.is_dir():
            self.effects.do("mkdir", str(self.folder), lambda: self.folder.mkdir(mode=0o700, parents=True))
        fresh = place.with_name(f"{place.name}.{os.getpid()}")

        def write() -> None:
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(content)

        self.effects.do("write", str(fresh), write)
        self.effects.do("rename", str(place), lambda: fresh.replace(place))


def name_of(provider: str, url: str, fields: Mapping[str, Secret]) -> str:
    """What a credential's file is called: a digest, from which neither the credential nor its owner can be told."""
    digest = hashlib.sha256()
    for text in (provider, url, *(part for name in sorted(fields) for part in (name, fields[name].reveal()))):
        digest.update(len(text.encode()).to_bytes(8, "big") + text.encode())
    return f"{provider}-{digest.hexdigest()[:40]}.json"
