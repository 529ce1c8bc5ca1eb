"""Keys, and archives that are encrypted to them, for the tests."""

from __future__ import annotations

from pathlib import Path

import pyrage
from archive_vendor import Clock, Effects

from crmstate.archive.checks import Wanted as Checked
from crmstate.archive.folder import Archive
from crmstate.archive.local import Local
from crmstate.archive.locked import Wanted
from crmstate.core.secret import Secret


class Key:
    """An age key: `secret` opens what is encrypted to `public`."""

    def __init__(self) -> None:
        made = pyrage.x25519.Identity.generate()
        self.secret, self.public = str(made), str(made.to_public())

    def file(self, folder: Path) -> Path:
        path = folder / "key.txt"
        path.write_text(f"# created: today\n# public key: {self.public}\n{self.secret}\n")
        return path


def lock(root: Path, *keys: Key, identity: Key | None = None, effects: Effects | None = None) -> Wanted:
    """The working key lies beside the archive, as it does beside a state."""
    known = Secret(identity.secret) if identity is not None else None
    working = root.with_name(root.name + ".state") / "archive.key"
    working.parent.mkdir(parents=True, exist_ok=True)
    return Wanted(tuple(sorted(each.public for each in keys)), known, working, effects or Effects())


def locked(
    root: Path, *keys: Key, identity: Key | None = None, wanted: Checked | None = None, effects: Effects | None = None
) -> Archive:
    """The archive, encrypted to these keys; `identity`: what the export itself may read it back with."""
    made = effects or Effects()
    told = lock(root, *keys, identity=identity, effects=made)
    return Archive(Local(root, made), Clock(), "me", wanted or Checked(), told)
