"""Restore: what an archive holds, out of it: into an SQLite database, a folder of files, or CSV. It reads the archive
and changes nothing in it.

A vendor's texts never become names of files or tables: those are the archive's own, or made plain.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from crmstate.archive import disk, index, sheet
from crmstate.archive import holding as held
from crmstate.archive.holding import attachment_lines
from crmstate.archive.layout import FILES_END, Place, bare
from crmstate.archive.marks import Entry, canonical
from crmstate.archive.reading import lines, rows
from crmstate.archive.seal import Seal
from crmstate.archive.store import ReadStore
from crmstate.archive.wrap import PLAIN, Wrap
from crmstate.core.diagnostic import problem
from crmstate.core.provider import Row
from crmstate.core.words import Exit

_PART = ".part"
_SOME = 500
_TABLES = """
CREATE TABLE IF NOT EXISTS datasets (name TEXT PRIMARY KEY, dataset TEXT, label TEXT, rows INTEGER, attachments INTEGER, content TEXT);
CREATE TABLE IF NOT EXISTS attachments
  (dataset TEXT, row TEXT, id TEXT, name TEXT, mime TEXT, size INTEGER, sha256 TEXT, PRIMARY KEY (dataset, row, id));
"""


def attachments(place: Place, seal: Seal) -> list[Entry]:
    """The attachments that the archive holds, in the order in which they first came."""
    held: dict[tuple[str, str], Entry] = {}
    for name in sorted(each.file for each in seal.files if bare(each.file).endswith(FILES_END)):
        for op, entry in attachment_lines(lines(place, name)):
            if op == "+":
                held[entry.key] = entry
            elif op == "-":
                held.pop(entry.key, None)
    return list(held.values())


def into_sqlite(base: sqlite3.Connection, place: Place, seal: Seal) -> str:
    """Restores a dataset into a table `(id, row)` of its own; the table's name. `row` is the vendor's own text."""
    table = tabled(base, seal)
    fill(base, place, seal, rows(place, seal))
    fill_files(base, place, seal)
    last = seal.last
    base.execute(
        "INSERT INTO datasets VALUES (?, ?, ?, ?, ?, ?)",
        (table, stored(place.dataset), stored(seal.dataset.label), last.rows, last.attachments, last.content),
    )
    base.commit()
    return table


def tabled(base: sqlite3.Connection, seal: Seal) -> str:
    """An empty table for a dataset; its name."""
    base.executescript(_TABLES)
    base.execute(f'CREATE TABLE "{seal.slug}" (id TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID')
    return seal.slug


def fill(base: sqlite3.Connection, place: Place, seal: Seal, some: Iterable[Row]) -> None:
    """Puts rows into the table of a dataset. Raises Problem CRM-A033 where an id is there twice."""
    rows = ((stored(each.id), _text(each.raw)) for each in some)
    _insert(base, place, f'INSERT INTO "{seal.slug}" VALUES (?, ?)', rows)


def fill_files(base: sqlite3.Connection, place: Place, seal: Seal) -> None:
    """Puts the attachments of a dataset into theirs."""
    files = attachments(place, seal)
    rows = ((*map(stored, (place.dataset, e.row, e.id, e.name, e.mime)), e.size, e.sha256) for e in files)
    _insert(base, place, "INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _insert(base: sqlite3.Connection, place: Place, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
    try:
        base.executemany(sql, rows)
    except sqlite3.IntegrityError as error:
        raise problem(Exit.ERROR, "CRM-A033", dataset=place.dataset, what="keys", said="unique", found="-") from error


def content_of(base: sqlite3.Connection, place: Place) -> str:
    """The content's digest, from what lies in the database."""
    return content_with(base, place, *weighed(base, place))


def weighed(base: sqlite3.Connection, place: Place) -> tuple[int, int]:
    """How many rows lie in the table of a dataset, and what they weigh."""
    rows = base.execute(f'SELECT id, row FROM "{place.slug}"')
    count = weight = 0
    while some := rows.fetchmany(_SOME):
        digests = [hashlib.sha256(row if isinstance(row, bytes) else row.encode()).digest() for _, row in some]
        weight += index.weight(index.written(digests, [unstored(id) for id, _ in some]))
        count += len(some)
    return count, weight


def content_with(base: sqlite3.Connection, place: Place, count: int, weight: int) -> str:
    """The content's digest of so many rows of this weight and of the attachments that lie in the database."""
    found = base.execute(
        "SELECT row, id, name, mime, size, sha256 FROM attachments WHERE dataset = ?", (stored(place.dataset),)
    )
    files = [
        Entry(unstored(row), unstored(id), unstored(name), unstored(mime), size, digest)
        for row, id, name, mime, size, digest in found
    ]
    return held.content(count, weight, files)


def stored(text: str) -> str | bytes:
    """Text as the database takes it: what is no proper Unicode goes as bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def _text(raw: bytes) -> str | bytes:
    """A record's text; its bytes where it is none."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def unstored(value: str | bytes) -> str:
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def restore(store: ReadStore, seals: list[Seal], to: Path, form: str, wrap: Wrap = PLAIN) -> int:
    """Restores datasets to `to`, which must not exist; how many rows. What is half done lies beside it as `.part`, and is
    removed where it cannot be finished; one that lies there already is left alone. Raises Problem."""
    part = to.with_name(to.name + _PART)
    for each in (to, part):
        with disk.told(each):
            if each.exists() or each.is_symlink():
                raise problem(Exit.USAGE, "CRM-A035", file=str(each))
    try:
        with disk.told(part):
            part.parent.mkdir(parents=True, exist_ok=True)
            places = [(Place(store, each.dataset.id, wrap), each) for each in seals]
            number = _sqlite(places, part) if form == "sqlite" else _folders(places, part, form)
            part.rename(to)
    except sqlite3.OperationalError as error:
        _remove(part)
        raise problem(Exit.ERROR, "CRM-A015", file=str(part), error=str(error)) from error
    except BaseException:
        _remove(part)
        raise
    return number


def _remove(part: Path) -> None:
    """Records that were restored half are not left lying about in plain."""
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part, ignore_errors=True)
    else:
        with suppress(OSError):
            part.unlink()


def _sqlite(places: list[tuple[Place, Seal]], to: Path) -> int:
    to.touch(mode=0o600)
    with closing(sqlite3.connect(to)) as base:
        for place, seal in places:
            into_sqlite(base, place, seal)
    return sum(seal.last.rows for _, seal in places)


def _folders(places: list[tuple[Place, Seal]], to: Path, form: str) -> int:
    to.mkdir(mode=0o700)
    number = 0
    for place, seal in places:
        if form == "folder":
            number += _folder(place, seal, to / seal.slug)
        else:
            number += sheet.write(place, seal, to, spreadsheet=form == "csv-spreadsheet")
    return number


def _folder(place: Place, seal: Seal, to: Path) -> int:
    """One file of rows, the attachments under plain names of their own, and which is whose."""
    to.mkdir(mode=0o700)
    number = 0
    with (to / "rows.jsonl").open("wb") as out:
        for row in rows(place, seal):
            out.write(row.raw + b"\n")
            number += 1
    files = attachments(place, seal)
    if files:
        (to / "attachments").mkdir(mode=0o700)
        with (to / "attachments.jsonl").open("wb") as index:
            for number_of, entry in enumerate(files, 1):
                name = f"{number_of:06d}-{plain(entry.name)}"
                _copied(place, to / "attachments" / name, entry)
                index.write(canonical({"file": f"attachments/{name}", **_facts(entry)}) + b"\n")
    return number


def _facts(entry: Entry) -> dict[str, str | int]:
    return {
        "row": entry.row,
        "id": entry.id,
        "name": entry.name,
        "mime": entry.mime,
        "size": entry.size,
        "sha256": entry.sha256,
    }


def _copied(place: Place, target: Path, entry: Entry) -> None:
    name = place.content(entry.sha256)
    with target.open("xb") as out:
        for piece in place.wrap.off(name, place.store.pieces(name)):
            out.write(piece)
    if disk.measure(target) != (entry.size, entry.sha256):
        raise problem(Exit.ERROR, "CRM-A002", file=name)


def plain(name: str) -> str:
    """A vendor's file name made plain: letters, digits, dot, dash; never a path, never hidden, at most 80 characters."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", name.replace("\\", "/").rpartition("/")[2]).strip("._-")
    stem, dot, ending = kept.rpartition(".")
    return (f"{stem[:70]}{dot}{ending[:9]}" if dot else kept[:80]) or "file"
