"""Ending: an archive whose retention is over is deleted from the place where it lies, and the place is read back.

Everything is looked at before anything is touched: what lies there must be the archive on record and nothing else.
`manifest.json` goes first and durably, so that whatever an interruption leaves is never taken for an archive;
`README.txt`, which marks the place as ours, goes last and by itself, once it is on record that it is all that is left:
only then does an empty place prove anything, since one that is not mounted is empty as well. It refuses to delete what
it has no name for, and follows no link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from crmstate.archive import layout, manifest
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
    VIEW_FILE,
    VIEW_FORMS,
    VIEWS,
)
from crmstate.archive.store import TEMPORARY, Form, ReadStore, Store
from crmstate.core.diagnostic import Problem, diagnostic, problem
from crmstate.core.words import Exit

NAMED = 5
_PAIR = re.compile("[0-9a-f]{2}")
ATTACHMENT = f"attachment{TEMPORARY}"
"""What an interrupted view leaves behind (`store.Store.receive`)."""
JOURNAL_LINE = re.compile(rf"{JOURNAL}/{SLUG.pattern}/\d{{6,}}\.json")
"""A line of a journal, where the store keeps lines apart."""


@dataclass(frozen=True)
class Ended:
    """What was taken away: how many files and bytes, and the content that the archive had, where it still said so."""

    files: int
    bytes: int
    content: str


@dataclass(frozen=True)
class Inventory:
    """Every file and folder of the archive, a folder after what is in it."""

    files: tuple[str, ...]
    folders: tuple[str, ...]
    bytes: int


def clear(store: Store, expected: Mapping[str, str], begun: bool) -> Ended:
    """Deletes the archive in a store but for the mark; see `core.ports.Archiver.clear`."""
    content, found = looked_at(store, expected, begun)
    try:
        _delete(store, found)
    except Problem as refused:
        raise _torn(store, refused) from refused
    if not _bare(store):
        raise problem(Exit.ERROR, "CRM-A093", file=store.where)
    return Ended(len(found.files), found.bytes, content)


def looked_at(store: ReadStore, expected: Mapping[str, str], begun: bool) -> tuple[str, Inventory]:
    """The archive on record with everything that is in it. Raises Problem where it is not just that."""
    if not store.is_folder("") or not store.names(""):
        raise problem(Exit.ERROR, "CRM-A090", file=store.where)
    return _recognised(store, expected, begun), inventory(store)


def bare(store: ReadStore) -> bool:
    """Whether it holds the mark alone, or nothing; see `core.ports.Archiver.bare`."""
    if not store.is_folder("") or not store.names(""):
        if not store.located():
            raise problem(Exit.ERROR, "CRM-A090", file=store.where)
        return True
    return _bare(store)


def _bare(store: ReadStore) -> bool:
    return set(store.names("")) <= {README, README + TEMPORARY}


def end(store: Store) -> None:
    """Takes the mark away; see `core.ports.Archiver.end`."""
    try:
        for name in (README + TEMPORARY, README):
            store.remove(name)
        store.unfold([""])
    except Problem as refused:
        raise _torn(store, refused) from refused
    if store.names(""):
        raise problem(Exit.ERROR, "CRM-A093", file=store.where)


def refuse_standing(store: ReadStore) -> None:
    """Raises Problem CRM-A095 where something of an archive is there, sealed or not: then nobody's word that it is gone is
    taken. A bucket that is gone has none of it."""
    try:
        there = [name for name in store.names("") if name in layout.TOP] if store.is_folder("") else []
    except Problem as refused:
        if refused.diagnostics[0].code != "CRM-A060":
            raise
        return
    if there:
        raise problem(Exit.REFUSED, "CRM-A095", file=store.where, names=", ".join(there[:NAMED]))


def _torn(store: ReadStore, refused: Problem) -> Problem:
    return Problem(Exit.ERROR, diagnostic("CRM-A093", file=store.where), *refused.diagnostics)


def _recognised(store: ReadStore, expected: Mapping[str, str], begun: bool) -> str:
    """The content of the archive in a store. Raises Problem CRM-A091 where it is not the one on record: other datasets,
    other contents, or none although nothing was taken away yet."""
    found = manifest.load(store)
    if found is None:
        if begun and (store.read(README) or b"").startswith(layout.README_START):
            return ""
        raise problem(Exit.ERROR, "CRM-A091", file=store.where, datasets=MANIFEST)
    held = {seal.dataset.id: {each.content for each in seal.generations} for seal in found.manifest.datasets}
    other = sorted(
        {name for name in held if name not in expected}
        | {name for name, content in expected.items() if content not in held.get(name, ())}
    )
    if other:
        raise problem(Exit.ERROR, "CRM-A091", file=store.where, datasets=", ".join(other[:NAMED]))
    return found.manifest.content


def inventory(store: ReadStore) -> Inventory:
    """Everything in the archive. Raises Problem CRM-A092 with the names of what an archive does not have."""
    files: list[str] = []
    folders: list[str] = []
    strange: list[str] = []
    for name, form in store.walk(""):
        if form is Form.FILE and _file(name):
            files.append(name)
        elif form is Form.FOLDER and _folder(name):
            folders.append(name)
        else:
            strange.append(name)
    if strange:
        names = ", ".join(strange[:NAMED])
        raise problem(Exit.ERROR, "CRM-A092", file=store.where, names=names, n=len(strange))
    return Inventory(tuple(files), tuple(reversed(folders)), sum(store.size(name) or 0 for name in files))


def _folder(name: str) -> bool:
    match name.split("/"):
        case [top]:
            return top in (*layout.FOLDERS, VIEWS)
        case ["data", inside]:
            return inside == ATTACHMENTS or SLUG.fullmatch(inside) is not None
        case ["data", "attachments", pair]:
            return _PAIR.fullmatch(pair) is not None
        case ["views", form]:
            return form in VIEW_FORMS
        case _:
            return False


def _file(name: str) -> bool:
    folder, _, last = name.rpartition("/")
    plain = last.removesuffix(TEMPORARY)
    if JOURNAL_LINE.fullmatch(name):
        return True
    if not folder:
        return plain in layout.TOP - {*layout.FOLDERS, VIEWS}
    if not _folder(folder) or folder in (DATA, f"{DATA}/{ATTACHMENTS}", VIEWS):
        return False
    if folder.startswith(VIEWS + "/"):
        return VIEW_FILE.fullmatch(plain) is not None or last == ATTACHMENT
    if folder.startswith(f"{DATA}/{ATTACHMENTS}/"):
        return CONTENT.fullmatch(plain) is not None
    pattern = {JOURNAL: JOURNAL_FILE, SCHEMA: SCHEMA_FILE}.get(folder)
    return OURS.fullmatch(last) is not None if pattern is None else pattern.fullmatch(plain) is not None


def _delete(store: Store, found: Inventory) -> None:
    """The seal first; the mark that the place is ours stays, and is put there where it lacks."""
    if README not in found.files:
        store.put({README: layout.README_TEXT})
    seals = [name for name in (MANIFEST, MANIFEST + TEMPORARY) if name in found.files]
    for name in seals:
        store.remove(name)
    store.flush([""])
    for name in found.files:
        if name not in (*seals, README):
            store.remove(name)
    store.unfold(found.folders)
    store.flush([""])
