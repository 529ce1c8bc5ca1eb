"""Home: where one state lies on disk, `FOLDER/.crmstate/NAME/`, and the names of what lies in it.

The name comes from a manifest that anybody may have written, so it is checked here again: it can never lead out of the
folder. Links in the place of our folders are refused. This module writes nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit
from crmstate.store import files

ROOT = ".crmstate"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_CHUNK = re.compile(r"([0-9]{8,15})\.jsonl", re.ASCII)
_BASE = re.compile(r"([0-9]{8,15})\.base\.json", re.ASCII)


class Home:
    """The paths of one state. Raises Problem on a name that is none, or where a link stands in the place of a
    folder."""

    def __init__(self, folder: Path, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise problem(Exit.INVALID, "CRM-S001", name=ascii(name)[1:-1][:80])
        self.name = name
        self.folder = folder
        self.root = folder / ROOT
        self.path = self.root / name
        self.journal = self.path / "journal"
        self.quarantine = self.journal / "quarantine"
        self.snapshot = self.path / "state.json"
        self.mark = self.path / "head"
        self.lock = self.path / "lock"
        self.lease = self.path / "lease.json"
        self.check()

    def check(self) -> None:
        """Refuses links and files in the place of our folders."""
        for place in (self.root, self.path, self.journal, self.quarantine):
            if not files.is_folder(place):
                return

    @property
    def exists(self) -> bool:
        """Whether anything was ever recorded under this name."""
        return files.is_folder(self.root) and files.is_folder(self.path)

    def chunk(self, seq: int) -> Path:
        """The file of the journal's chunk number `seq`."""
        return self.journal / f"{seq:08d}.jsonl"

    def base(self, seq: int) -> Path:
        """The file with the state that a repair made the chunk number `seq` stand on."""
        return self.journal / f"{seq:08d}.base.json"

    def make(self, disk: files.Disk) -> None:
        """Makes the folders."""
        for place in (self.root, self.path, self.journal):
            disk.folder(place)

    def settle(self, disk: files.Disk) -> None:
        """Makes the folders' own names durable: before a first chunk, whose folder a crash may have left unflushed."""
        for place in (self.path, self.root, self.folder):
            disk.flush(place)

    def sweep(self, disk: files.Disk) -> None:
        """Removes what interrupted writes left behind. Only for who holds the lock."""
        for place in (self.path, self.journal, self.path / "evidence"):
            disk.sweep(place)

    def numbers(self) -> tuple[list[int], list[int]]:
        """The numbers of the journal's chunks and of its bases, each in order."""
        listing = files.names(self.journal)
        return _numbers(listing, _CHUNK), _numbers(listing, _BASE)


def states(folder: Path) -> list[str]:
    """The names of the states in a folder, in order."""
    root = folder / ROOT
    if not files.is_folder(root):
        return []
    return sorted(name for name in files.names(root) if _NAME.fullmatch(name) and files.is_folder(root / name))


def refuse_inside(out: Path) -> None:
    """Raises the Problem of a file that somebody wants written where there is no folder for it (CRM-S045), or among what
    belongs to states (CRM-S077)."""
    if not files.is_folder_or_link(out.parent):
        raise problem(Exit.ERROR, "CRM-S045", file=str(out), folder=str(out.parent))
    if ROOT in (out.parent.resolve() / out.name).parts:
        raise problem(Exit.REFUSED, "CRM-S077", file=str(out))


def _numbers(listing: list[str], pattern: re.Pattern[str]) -> list[int]:
    found = (pattern.fullmatch(name) for name in listing)
    numbers = ((int(match[1]), match[1]) for match in found if match)
    return sorted(number for number, text in numbers if text == f"{number:08d}")
