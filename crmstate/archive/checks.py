"""Checks: how an archive is proved beyond its checksums: the vendor's count in the same run, rows read from the vendor
again and compared field by field, a restore into a database of its own.

Each says how much it looked at. What could not be looked at is said to be so, never passed over.
"""

from __future__ import annotations

import dataclasses
import hashlib
import heapq
import json
import math
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from crmstate.archive import restore
from crmstate.archive.export import Passed
from crmstate.archive.fields import fields
from crmstate.archive.layout import Place
from crmstate.archive.reading import rows as rows_of
from crmstate.archive.seal import Seal
from crmstate.core.diagnostic import problem
from crmstate.core.event import Check
from crmstate.core.ports import ReadSession
from crmstate.core.provider import Row
from crmstate.core.words import Exit

BATCH = 50
"""Rows asked for by id in one call."""
PART, ROW = 4_000_000, 200
"""Bytes of rows that are restored at a time where nothing may touch the disk, and what a row takes beside its text."""
NAMED = 5
"""Rows, and fields of a row, that a finding names."""


@dataclass(frozen=True)
class Wanted:
    """What the manifest asks for. `share`: of the rows that are read again, from 0 to 1; `views`: the forms in which copies
    lie beside the archive."""

    share: float = 0.0
    restore_test: bool = False
    views: tuple[str, ...] = ()


@dataclass
class Compared:
    """Rows read from the vendor again: how many, which are not there any more, which differ in which fields."""

    rows: int = 0
    gone: list[str] = dataclasses.field(default_factory=list)
    fields: dict[str, set[str]] = dataclasses.field(default_factory=dict)


def share(text: str | None) -> float:
    """`1%` as 0.01."""
    return 0.0 if text is None else min(1.0, float(text.strip().rstrip("%")) / 100)


def count(place: Place, seal: Seal, source: ReadSession, fewer: bool) -> Check:
    """The vendor's count, now; where it gives none that is exact, `round` for as many rows as listings are cut off at. `fewer`: it
    may be smaller. Raises Problem CRM-A006 where it is exact and another."""
    found, held = source.count(place.dataset), seal.last.rows
    if found.rows is None or not found.exact:
        said = "none" if found.rows is None else "approximate"
        return Check("counts", "round" if _cut(held) else said, rows=found.rows)
    if found.rows != held and not (fewer and found.rows < held):
        if source.provider is not None and not source.provider.credential:
            raise problem(Exit.ERROR, "CRM-A096", dataset=place.dataset, archived=held, vendor=found.rows)
        raise problem(Exit.ERROR, "CRM-A006", dataset=place.dataset, archived=held, vendor=found.rows)
    return Check("counts", "exact", rows=found.rows)


def _cut(rows: int) -> bool:
    """Whether so many rows may be as many as a vendor gives and not as many as it has: those that cut a listing off in
    silence do so at whole thousands."""
    return rows >= _ROUND and rows % _ROUND == 0


_ROUND = 1000


def reread(place: Place, seal: Seal, source: ReadSession, wanted: float, fewer: bool) -> Check:
    """Reads a share of the rows, or all of them, from the vendor again. `fewer`: rows that are gone are our own doing.
    Raises Problem CRM-A031 where rows differ or are gone, CRM-A032 where no row could be compared."""
    number = min(seal.last.rows, math.ceil(seal.last.rows * wanted))
    whole = number == seal.last.rows
    chosen = None if whole else _chosen(place, seal, number)
    found = _everything(place, seal, source) if whole else _some(place, seal, source, chosen or set())
    if fewer:
        found.gone.clear()
    refuse(place, found, number, fewer)
    return Check("full" if whole else "sample", "equal", rows=found.rows)


def refuse(place: Place, found: Compared, number: int, fewer: bool) -> None:
    """Raises Problem CRM-A031 where rows differ or are gone, CRM-A032 where none of `number` rows was there."""
    if found.gone or found.fields:
        raise problem(
            Exit.ERROR, "CRM-A031", dataset=place.dataset, compared=found.rows, gone=len(found.gone),
            changed=len(found.fields), rows=_named(found), fields=_names(found),
        )  # fmt: skip
    if number and not found.rows and not fewer:
        raise problem(Exit.ERROR, "CRM-A032", dataset=place.dataset, wanted=number)


def restored(place: Place, seal: Seal) -> Check:
    """Restores into a database of its own, which is thrown away, and reads everything out of it again: numbers, keys,
    and the content. What is encrypted never touches the disk: it is restored in memory, a part after the other. Raises
    Problem CRM-A033 where they are not the seal's."""
    found = _in_parts(place, seal) if place.wrap.locked else _whole(place, seal)
    last = seal.last
    said = {"rows": last.rows, "keys": last.rows, "attachments": last.attachments, "content": last.content}
    for what, number in said.items():
        if found[what] != number:
            raise problem(Exit.ERROR, "CRM-A033", dataset=place.dataset, what=what, said=number, found=found[what])
    return Check("restore_test", "sqlite", rows=last.rows, files=last.attachments)


def _whole(place: Place, seal: Seal) -> dict[str, int | str]:
    with closing(sqlite3.connect("")) as base:  # a file that SQLite removes
        table = restore.into_sqlite(base, place, seal)
        rows, keys = base.execute(f'SELECT count(*), count(DISTINCT id) FROM "{table}"').fetchone()
        content = restore.content_of(base, place)
        return {"rows": rows, "keys": keys, "attachments": _files(base, place), "content": content}


def _in_parts(place: Place, seal: Seal) -> dict[str, int | str]:
    """Restores no more at a time than `PART`. That no id comes in two parts is known by a table of keyed digests, whose key
    is nowhere but in memory: they may lie on the disk, and tell nobody anything."""
    key, count, weight = secrets.token_bytes(32), 0, 0
    with closing(sqlite3.connect(":memory:")) as base, closing(sqlite3.connect("")) as known:
        base.execute("PRAGMA temp_store = MEMORY")
        known.execute("PRAGMA journal_mode = OFF")
        known.execute("CREATE TABLE met (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        table = restore.tabled(base, seal)
        for part in _parts(rows_of(place, seal)):
            restore.fill(base, place, seal, part)
            some, more = restore.weighed(base, place)
            count, weight = count + some, weight + more
            base.execute(f'DELETE FROM "{table}"')
            met = ((hashlib.blake2b(_bytes(row.id), digest_size=16, key=key).digest(),) for row in part)
            known.executemany("INSERT OR IGNORE INTO met VALUES (?)", met)
        restore.fill_files(base, place, seal)
        (keys,) = known.execute("SELECT count(*) FROM met").fetchone()
        content = restore.content_with(base, place, count, weight)
        return {"rows": count, "keys": keys, "attachments": _files(base, place), "content": content}


def _parts(rows: Iterator[Row]) -> Iterator[list[Row]]:
    held: list[Row] = []
    size = 0
    for row in rows:
        held.append(row)
        size += len(row.raw) + ROW
        if size >= PART:
            yield held
            held, size = [], 0
    if held:
        yield held


def _files(base: sqlite3.Connection, place: Place) -> int:
    found = base.execute("SELECT count(*) FROM attachments WHERE dataset = ?", (restore.stored(place.dataset),))
    return int(found.fetchone()[0])


def _bytes(id: str) -> bytes:
    return id.encode("utf-8", "surrogatepass")


def _chosen(place: Place, seal: Seal, number: int) -> set[str]:
    """Ids spread over the whole dataset by chance that anybody can repeat: it follows from the content."""
    salt = seal.last.content.encode()
    marked = ((hashlib.sha256(salt + id.encode("utf-8", "surrogatepass")).digest(), id) for id in _ids(place, seal))
    return {id for _, id in heapq.nsmallest(number, marked)}


def _ids(place: Place, seal: Seal) -> Iterator[str]:
    return (row.id for row in rows_of(place, seal))


def _some(place: Place, seal: Seal, source: ReadSession, chosen: set[str]) -> Compared:
    """Rows by their ids."""
    found = Compared()
    batch: dict[str, bytes] = {}
    for row in rows_of(place, seal):
        if row.id in chosen:
            batch[row.id] = row.raw
        if len(batch) == BATCH:
            _batch(place, source, batch, found)
    if batch:
        _batch(place, source, batch, found)
    return found


def _batch(place: Place, source: ReadSession, batch: dict[str, bytes], found: Compared) -> None:
    there = {row.id: row.raw for row in source.read(place.dataset, None, tuple(batch)).rows}
    for id, raw in batch.items():
        if id not in there:
            found.gone.append(id)
            continue
        found.rows += 1
        _compare(id, raw, there[id], found)
    batch.clear()


def _everything(place: Place, seal: Seal, source: ReadSession) -> Compared:
    """All rows, page by page. Rows that are new at the vendor are the count's matter."""
    found, held = Compared(), _digests(place, seal)
    changed: dict[str, bytes] = {}
    for id, raw in pages(place, source):
        known = held.pop(id, None)
        if known is None:
            continue
        found.rows += 1
        if known != hashlib.blake2b(raw, digest_size=16).digest():
            changed[id] = raw
    found.gone = list(held)
    if changed:
        for row in rows_of(place, seal):
            if row.id in changed:
                _compare(row.id, row.raw, changed[row.id], found)
    return found


def _digests(place: Place, seal: Seal) -> dict[str, bytes]:
    return {row.id: hashlib.blake2b(row.raw, digest_size=16).digest() for row in rows_of(place, seal)}


def pages(place: Place, source: ReadSession) -> Iterator[tuple[str, bytes]]:
    """The rows that the vendor has now."""
    cursor, passed = None, Passed(place.dataset)
    while True:
        page = source.read(place.dataset, cursor)
        yield from ((row.id, row.raw) for row in page.rows)
        if page.next is None:
            return
        passed.step(page.next)
        cursor = page.next


def _compare(id: str, ours: bytes, theirs: bytes, found: Compared) -> None:
    """Notes the fields in which two texts of a row differ; the same fields in another order are the same row."""
    if ours == theirs:
        return
    names = differing(ours, theirs)
    if names:
        found.fields[id] = names


def differing(ours: bytes, theirs: bytes) -> set[str]:
    """The names of the fields whose text differs, is new or is gone; `.` where a row is no object."""
    one, two = fields(ours), fields(theirs)
    if one is None or two is None:
        return {"."}
    return {
        name
        for name in one.keys() | two.keys()
        if name not in one or name not in two or _plain(one[name]) != _plain(two[name])
    }


def _plain(raw: bytes) -> object:
    """A value with its numbers as they are spelt."""
    return json.loads(raw, parse_int=_Spelt, parse_float=_Spelt, parse_constant=_Spelt)


class _Spelt(str):
    """A number's text; never equal to a string's."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Spelt) and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other


def _named(found: Compared) -> str:
    ids: Iterable[str] = [*found.fields, *found.gone]
    return ", ".join(list(ids)[:NAMED])


def _names(found: Compared) -> str:
    names = sorted({name for each in found.fields.values() for name in each})
    return ", ".join(names[:NAMED]) or "-"
