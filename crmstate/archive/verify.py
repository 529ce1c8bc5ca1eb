"""Verify: reads a sealed dataset back from its store, every byte, and compares it with the manifest, with itself, and
with the record.

Everything wrong is named, not only the first. It writes nothing and mends nothing. Record values never appear in what
it says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from crmstate.archive import commit, index, journal, layout, manifest, reading
from crmstate.archive.beside import Rows
from crmstate.archive.holding import Holding
from crmstate.archive.layout import (
    ATTACHMENTS,
    DATA,
    FILES_END,
    INDEX_END,
    JOURNAL,
    MANIFEST,
    ROWS_END,
    Place,
    bare,
)
from crmstate.archive.manifest import Found
from crmstate.archive.marks import FileMark, Measured, sha256
from crmstate.archive.seal import Seal
from crmstate.archive.store import TEMPORARY, ReadStore
from crmstate.archive.wrong import Read as Read
from crmstate.archive.wrong import Wrong as Wrong
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import Check
from crmstate.core.words import Exit


def sealed(place: Place, expected: str | None) -> tuple[Found, Seal]:
    """The manifest and its part that is the dataset's. Raises Problem CRM-A009 where there is none, CRM-A007 where its
    content is not the one on record, CRM-A022 where the one on record is that of an earlier generation."""
    place.store.is_folder("")
    found = manifest.load(place.store)
    seal = found.seal(place) if found is not None else None
    if found is None or seal is None:
        raise problem(Exit.ERROR, "CRM-A009", dataset=place.dataset)
    if expected not in (None, seal.last.content):
        code = "CRM-A022" if expected in [each.content for each in seal.generations] else "CRM-A007"
        raise problem(Exit.ERROR, code, file=MANIFEST, found=seal.last.content, expected=expected)
    return found, seal


def top(store: ReadStore, found: Found, wrong: Wrong, read: Read) -> None:
    """The files beside the manifest, against the manifest. Call with the ground held."""
    for folder in ("", *layout.FOLDERS, f"{DATA}/{ATTACHMENTS}"):
        store.is_folder(folder)  # behind a link in the place of a folder lies somebody else's data
    for each in (*found.manifest.tags, *([found.manifest.lock] if found.manifest.lock else [])):
        _measured(store, each, wrong, read)
    read.files, read.bytes = read.files + 1, read.bytes + len(found.data)
    for name in store.names(""):
        if name not in layout.TOP or (name == layout.ENCRYPTION and found.manifest.lock is None):
            wrong.add("CRM-A003", file=name)


def check(place: Place, found: Found, seal: Seal, wrong: Wrong, read: Read) -> None:
    """Reads everything of a dataset back; adds each file that is missing, changed, extra or not a plain file, and each
    row and number that does not agree. What is encrypted is looked into as far as there is a key for it; `said` says
    how far that was."""
    place.store.is_folder(place.folder)
    before = wrong.count
    for each in (*seal.files, seal.ids):
        _measured(place.store, each, wrong, read)
    for one in seal.contents:
        _measured(place.store, FileMark(one.file, one.bytes, one.sha256), wrong, read)
    known = _journal(place, seal.journal, wrong, read) | {each.file for each in seal.marks}
    _strays(place, seal, known, wrong)
    if wrong.count == before and place.wrap.reads_index:
        holding, ids = _folded(place, seal, wrong, read)
        if wrong.count == before:
            _numbers(place, seal, holding, ids, wrong)
            if place.wrap.locked and place.wrap.reads_rows:
                _unlocked(place, seal, holding, wrong)
    _others(place.store, found, wrong)


def said(place: Place, seal: Seal, read: Read) -> Check:
    """What was read: `checksums` with every row, or of an encrypted archive without its key `index` or `ciphertext`
    alone. Raises Problem CRM-A030 where that is less than what the manifest says is there."""
    files = len(seal.marks) + len(seal.contents)
    rows = seal.last.lines if place.wrap.reads_rows else 0
    if read.rows != rows or read.files < files or read.bytes < seal.last.lines:
        raise problem(Exit.ERROR, "CRM-A030", dataset=place.dataset, read=read.rows, said=rows)
    if place.wrap.reads_rows:
        return Check("checksums", "equal", rows=read.rows, files=read.files, bytes=read.bytes)
    method = "index" if place.wrap.reads_index else "ciphertext"
    return Check(method, "equal", files=read.files, bytes=read.bytes)


def _measured(store: ReadStore, each: FileMark, wrong: Wrong, read: Read) -> None:
    try:
        found = store.measure(each.file)
    except Problem as refused:
        wrong.take(refused)
        return
    if found is None:
        wrong.add("CRM-A001", file=each.file)
        return
    read.files, read.bytes = read.files + 1, read.bytes + found[0]
    if found != (each.bytes, each.sha256):
        wrong.add("CRM-A002", file=each.file)


def _journal(place: Place, known: FileMark, wrong: Wrong, read: Read) -> set[str]:
    """Its sealed part is as it was. What follows is said to be an unfinished delta where it is one; the files that it
    knows."""
    try:
        data = place.store.read(place.journal)
    except Problem as refused:
        wrong.take(refused)
        return set()
    if data is None:
        wrong.add("CRM-A001", file=known.file)
        return set()
    read.files, read.bytes = read.files + 1, read.bytes + len(data)
    if sha256(data[: known.bytes]) != known.sha256:
        wrong.add("CRM-A002", file=known.file)
    elif len(data) > known.bytes:
        lines = [line for line, end in journal.valid(data) if end > known.bytes]
        wrong.add("CRM-A028" if lines else "CRM-A002", file=known.file)
        return {each.file for line in lines for each in line.files}
    return set()


def _strays(place: Place, seal: Seal, known: set[str], wrong: Wrong) -> None:
    """What lies in the dataset's folder, or under its name elsewhere, and is neither sealed nor in `known`."""
    found = [place.data(name) for name in place.store.names(place.folder)]
    for folder, pattern in ((layout.JOURNAL, layout.JOURNAL_FILE), (layout.SCHEMA, layout.SCHEMA_FILE)):
        for name in place.store.names(folder):
            match = pattern.fullmatch(name.removesuffix(TEMPORARY))
            if match is not None and match[1] == seal.slug:
                found.append(f"{folder}/{name}")
    for name in found:
        if name not in known:
            wrong.add("CRM-A003", file=name)


def _others(store: ReadStore, found: Found, wrong: Wrong) -> None:
    """What lies in the archive and can belong to no dataset, or to none that is sealed while no other is under way."""
    for folder, pattern in (
        (DATA, layout.SLUG), (layout.JOURNAL, layout.JOURNAL_FILE), (layout.SCHEMA, layout.SCHEMA_FILE),
    ):  # fmt: skip
        for name in store.names(folder):
            whole = name.removesuffix(TEMPORARY)
            if not pattern.fullmatch(whole) and not (folder == DATA and name == ATTACHMENTS):
                wrong.add("CRM-A003", file=f"{folder}/{name}")
    contents, odd = commit.contents(store)
    for name in odd:
        wrong.add("CRM-A003", file=name)
    if not commit.unfinished(store, found.manifest.datasets):
        known = {each.file for seal in found.manifest.datasets for each in seal.contents}
        for name in contents:
            if name not in known:
                wrong.add("CRM-A003", file=name)


def pending(store: ReadStore, found: Found | None) -> list[str]:
    """The journals of work that was begun and is not sealed."""
    return commit.unfinished(store, found.manifest.datasets if found is not None else ())


def foreign(store: ReadStore, found: Found, wrong: Wrong) -> None:
    """For an archive at rest: folders of data, journals and schemas of datasets that the manifest does not name."""
    slugs = {each.slug for each in found.manifest.datasets}
    journals = store.names(JOURNAL)
    for name in store.names(DATA):
        if layout.SLUG.fullmatch(name) and name not in slugs and f"{name}.jsonl" not in journals:
            wrong.add("CRM-A003", file=f"{DATA}/{name}")
    for name in store.names(layout.SCHEMA):
        match = layout.SCHEMA_FILE.fullmatch(name)
        if match is not None and match[1] not in slugs:
            wrong.add("CRM-A003", file=f"{layout.SCHEMA}/{name}")


def _folded(place: Place, seal: Seal, wrong: Wrong, read: Read) -> tuple[Holding, str | None]:
    """What the segments give when they are read in their order; every row is looked at on the way. And the digest of the
    ids, where that can be told already: where each is of a row that is held."""
    holding, names = Holding(), {bare(each.file): each.file for each in seal.files}
    ids = hashlib.sha256()
    rows = Rows(place, wrong, read)
    file = ""
    try:
        for name, file in sorted(names.items()):
            if name.endswith(INDEX_END):
                jsonl = names.get(name.removesuffix(INDEX_END) + ROWS_END) if place.wrap.reads_rows else None
                texts = reading.Pull(reading.blocks(place, jsonl) if jsonl is not None else iter(()))
                number = 0
                for block in reading.blocks(place, file):
                    entries = index.parsed(block)
                    holding.fold(entries, lambda: reading.indexes(place, seal, holding.lines))
                    ids.update(index.joined(entries.texts))
                    if jsonl is not None:
                        number = rows.beside(jsonl, number, entries, texts)
                if jsonl is not None and texts.some(1):
                    wrong.add("CRM-A002", file=jsonl)
            elif name.endswith(FILES_END):
                holding.apply_files(reading.lines(place, file))
    except (ValueError, KeyError, RecursionError):
        wrong.add("CRM-A002", file=file)
    except Problem as refused:
        wrong.take(refused)
    return holding, ids.hexdigest() if holding.in_order else None


def _unlocked(place: Place, seal: Seal, holding: Holding, wrong: Wrong) -> None:
    """What else is encrypted is what the index says: each attachment, and that the vendor's field metadata opens."""
    for digest, size in holding.contents.items():
        file = place.content(digest)
        within = Measured()
        if _opens(place, file, within, wrong) and (within.size, within.digest.hexdigest()) != (size, digest):
            wrong.add("CRM-A002", file=file)
    for each in seal.files:
        if each.file.startswith(layout.SCHEMA + "/"):
            _opens(place, each.file, Measured(), wrong)


def _opens(place: Place, file: str, within: Measured, wrong: Wrong) -> bool:
    try:
        for _ in within.passing(place.wrap.off(file, place.store.pieces(file))):
            pass
    except (ValueError, FileNotFoundError):
        wrong.add("CRM-A002", file=file)
        return False
    except Problem as refused:
        wrong.take(refused)
        return False
    return True


def _digest(parts: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()


def _numbers(place: Place, seal: Seal, holding: Holding, ids: str | None, wrong: Wrong) -> None:
    """The seal's numbers against what was read. `ids`: the digest of the ids, where it is known."""
    last = seal.last
    contents: dict[str, int | None] = {
        each.name or each.sha256: None if each.name else each.bytes for each in seal.contents
    }
    held = {
        place.wrap.content(place.dataset, digest): None if place.wrap.locked else size
        for digest, size in holding.contents.items()
    }
    pairs: dict[str, tuple[str | int, str | int]] = {
        "rows": (last.rows, holding.count),
        "attachments": (last.attachments, len(holding.files)),
        "content": (last.content, holding.content()),
        "contents": (len(contents), len(contents) if contents == held else f"{len(held)} others"),
        "ids": (
            _digest(map(index.joined, reading.blocks(place, seal.ids.file))),
            ids or _digest(holding.ids(lambda: reading.indexes(place, seal))),
        ),
    }
    for what, (said, found) in pairs.items():
        if said != found:
            wrong.add("CRM-A012", file=MANIFEST, what=what, said=said, found=found)
