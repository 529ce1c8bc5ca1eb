"""Ending: an archive whose retention is over is deleted from its location, and the location is read back.

Everything is looked at before anything is touched: what lies there must be the archive on record and nothing else.
`manifest.json` goes first and durably, so that whatever an interruption leaves is never taken for an archive;
`README.txt`, which marks the folder as ours, goes last. It refuses to follow links and to delete a file that it has no
name for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from crmstate.archive import disk, layout, manifest
from crmstate.archive.disk import TEMPORARY, Disk
from crmstate.archive.layout import (
    ATTACHMENTS,
    CONTENT,
    DATA,
    JOURNAL,
    JOURNAL_FILE,
    MANIFEST,
    OURS,
    README,
    SCHEMA,
    SCHEMA_FILE,
    SLUG,
    TAG_FILES,
)
from crmstate.core.diagnostic import Problem, diagnostic, problem
from crmstate.core.words import Exit

NAMED = 5
_PAIR = re.compile("[0-9a-f]{2}")


@dataclass(frozen=True)
class Ended:
    """What was taken away: how many files and bytes, and the content that the archive had, where it still said so."""

    files: int
    bytes: int
    content: str


@dataclass(frozen=True)
class Inventory:
    """Every file and folder of the archive, relative to it, a folder after what is in it."""

    files: tuple[str, ...]
    folders: tuple[str, ...]
    bytes: int


def end(root: Path, writer: Disk, expected: Mapping[str, str], begun: bool) -> Ended:
    """Deletes the archive at `root`; see `core.ports.Archiver.end`."""
    if not disk.is_folder(root):
        if not begun or not disk.is_folder(root.parent):
            raise problem(Exit.ERROR, "CRM-A060", file=str(root))
        return Ended(0, 0, "")
    content = _recognised(root, expected, begun)
    found = inventory(root)
    try:
        _delete(root, writer, found)
    except Problem as refused:
        raise Problem(Exit.ERROR, diagnostic("CRM-A063", file=str(root)), *refused.diagnostics) from refused
    if root.name in disk.names(root.parent):
        raise problem(Exit.ERROR, "CRM-A063", file=str(root))
    return Ended(len(found.files), found.bytes, content)


def _recognised(root: Path, expected: Mapping[str, str], begun: bool) -> str:
    """The content of the archive at `root`. Raises Problem CRM-A061 where it is not the one on record: other datasets,
    other contents, or none although nothing was taken away yet."""
    found = manifest.load(root)
    if found is None:
        if begun and (disk.read(root / README) or layout.README_START).startswith(layout.README_START):
            return ""
        raise problem(Exit.ERROR, "CRM-A061", file=str(root), datasets=MANIFEST)
    held = {seal.dataset.id: {each.content for each in seal.generations} for seal in found.manifest.datasets}
    other = sorted(
        {name for name in held if name not in expected}
        | {name for name, content in expected.items() if content not in held.get(name, ())}
    )
    if other:
        raise problem(Exit.ERROR, "CRM-A061", file=str(root), datasets=", ".join(other[:NAMED]))
    return found.manifest.content


def inventory(root: Path) -> Inventory:
    """Everything in the archive. Raises Problem CRM-A062 with the names of what an archive does not have."""
    files: list[str] = []
    folders: list[str] = []
    strange: list[str] = []
    for name, ours, folder in _entries(root):
        if not ours:
            strange.append(name)
        elif folder:
            folders.append(name)
        else:
            files.append(name)
    if strange:
        names = ", ".join(strange[:NAMED])
        raise problem(Exit.ERROR, "CRM-A062", file=str(root), names=names, n=len(strange))
    return Inventory(tuple(files), tuple(folders), sum(disk.size(root / name) or 0 for name in files))


def _entries(root: Path) -> Iterator[tuple[str, bool, bool]]:
    """Name, whether an archive has such a thing, whether it is a folder; what is in a folder before the folder."""
    for name in disk.names(root):
        if name in layout.FOLDERS and (root / name).is_dir() and not (root / name).is_symlink():
            yield from _inside(root, name)
            yield name, True, True
        else:
            ours = name.removesuffix(TEMPORARY) in (*TAG_FILES, MANIFEST)
            yield name, ours and disk.size(root / name) is not None, False


def _inside(root: Path, folder: str) -> Iterator[tuple[str, bool, bool]]:
    for name in disk.names(root / folder):
        path = f"{folder}/{name}"
        if (root / path).is_dir() and not (root / path).is_symlink():
            if _folder(path):
                yield from _inside(root, path)
            yield path, _folder(path), True
        else:
            yield path, _file(folder, name) and disk.size(root / path) is not None, False


def _folder(path: str) -> bool:
    parts = path.split("/")
    if parts[0] != DATA:
        return False
    if parts[1] == ATTACHMENTS:
        return len(parts) == 2 or (len(parts) == 3 and _PAIR.fullmatch(parts[2]) is not None)
    return len(parts) == 2 and SLUG.fullmatch(parts[1]) is not None


def _file(folder: str, name: str) -> bool:
    plain = name.removesuffix(TEMPORARY)
    if folder == JOURNAL:
        return JOURNAL_FILE.fullmatch(plain) is not None
    if folder == SCHEMA:
        return SCHEMA_FILE.fullmatch(plain) is not None
    if folder.startswith(f"{DATA}/{ATTACHMENTS}/"):
        return CONTENT.fullmatch(plain) is not None
    return folder != DATA and folder.startswith(f"{DATA}/") and OURS.fullmatch(name) is not None


def _delete(root: Path, writer: Disk, found: Inventory) -> None:
    """The seal first, the mark that the folder is ours last."""
    for name in (MANIFEST, MANIFEST + TEMPORARY):
        if name in found.files:
            writer.remove(root / name)
    writer.flush(root)
    for name in found.files:
        if name not in (MANIFEST, MANIFEST + TEMPORARY, README):
            writer.remove(root / name)
    for name in found.folders:
        writer.remove_folder(root / name)
    writer.flush(root)
    writer.remove(root / README)
    writer.remove_folder(root)
    writer.flush(root.parent)
