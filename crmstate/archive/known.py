"""Known: what is known of every id, in a table on the disk that nobody can read, for where ids come in no order.

Memory stays the same however many there are. The table lies in a temporary file that has no name (SQLite removes it as
it opens it). It holds no id and no digest of a row in the clear: ids as keyed digests, digests masked, both by a key
that only this process has.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit

_KEY = 16
_MOST = 500
"""Parameters of one statement; SQLite takes at least 999."""
_FILE = "SQLITE_TMPDIR"
_CACHE = 2000
"""KiB of the table that are kept in memory."""


class Fact(NamedTuple):
    """What is known of an id: the digest of its row, the number of the reading that met it last, and two lines of the
    index, by their numbers: the one that it first came with, and the last one that has its row."""

    digest: bytes
    reading: int
    born: int
    last: int


class Known:
    """The table. One thread at a time."""

    def __init__(self) -> None:
        self._secret, self._mask = os.urandom(32), os.urandom(32)
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False, cached_statements=16)
        self._base.executescript(
            f"""
            PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE};
            CREATE TABLE known (id BLOB PRIMARY KEY, digest BLOB, reading INT, born INT, last INT) WITHOUT ROWID;
            """
        )

    def close(self) -> None:
        """Forgets everything."""
        self._base.close()

    def get(self, ids: Sequence[str]) -> dict[str, Fact]:
        """What is known of these ids; those that are not known are left out."""
        names = dict(zip(map(self._name, ids), ids, strict=True))
        found: dict[str, Fact] = {}
        for some in _some(list(names)):
            rows = self._run(f"SELECT * FROM known WHERE id IN ({','.join('?' * len(some))})", some).fetchall()
            for name, digest, reading, born, last in rows:
                found[names[name]] = Fact(self._masked(name, last, digest), reading, born, last)
        return found

    def put(self, facts: Iterable[tuple[str, Fact]]) -> None:
        """Notes what is known of ids now."""
        rows = []
        for id, fact in facts:
            name = self._name(id)
            rows.append((name, self._masked(name, fact.last, fact.digest), *fact[1:]))
        rows.sort()
        self._many("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?)", rows)

    def drop(self, ids: Iterable[str]) -> None:
        """Forgets ids."""
        self._many("DELETE FROM known WHERE id = ?", [(self._name(id),) for id in ids])

    def _name(self, id: str) -> bytes:
        return blake2b(id.encode("utf-8", "surrogatepass"), key=self._secret, digest_size=_KEY).digest()

    def _masked(self, name: bytes, last: int, digest: bytes) -> bytes:
        """The same again gives back what was masked. No two digests are masked alike: a row that changed has another
        last line, and the disk may still show what was there before."""
        pad = blake2b(name + last.to_bytes(8, "big"), key=self._mask, digest_size=len(digest) or 1).digest()
        return (int.from_bytes(digest, "big") ^ int.from_bytes(pad[: len(digest)], "big")).to_bytes(len(digest), "big")

    def _run(self, statement: str, values: Sequence[object]) -> sqlite3.Cursor:
        try:
            return self._base.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise _full(error) from error

    def _many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        try:
            self._base.execute("BEGIN")
            self._base.executemany(statement, rows)
            self._base.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise _full(error) from error


def _full(error: sqlite3.Error) -> Exception:
    if "full" in str(error):
        return problem(Exit.ERROR, "CRM-A013", file=_FILE)
    return problem(Exit.ERROR, "CRM-A015", file=_FILE, error=str(error))


def _some(names: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    for start in range(0, len(names), _MOST):
        yield names[start : start + _MOST]
