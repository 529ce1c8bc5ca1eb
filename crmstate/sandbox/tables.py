"""The file under a World: one SQLite connection, shared by threads behind a lock, with transactions and small named
values.

It knows no person, key or dataset. Several processes may hold the file open at once: SQLite's own locks keep them
apart.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from .schema import FORMAT, INDEXES, PRAGMAS


def json_text(value: object) -> str:
    return msgspec.json.encode(value).decode()


class Tables:
    """A file of tables. Safe to share between threads; open one per process."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()
        self._depth = 0
        self._known: dict[str, Any] = {}
        self.seq: int | None = None  # the request being answered, while its transaction lasts

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """The tenant in an existing file. FileNotFoundError, or ValueError when the file is not a World of this
        format.
        """
        place = Path(path)
        if not place.is_file():
            raise FileNotFoundError(f"no sandbox world at {place}")
        world = cls(place, connect(place))
        try:
            world._connection.executescript(PRAGMAS)
            found = world.get("format")
        except sqlite3.DatabaseError as error:
            world._connection.close()
            raise ValueError(f"{place} is not a sandbox world: {error}") from error
        if found != FORMAT:
            world._connection.close()
            raise ValueError(f"{place} holds a sandbox world of format {found}, this is format {FORMAT}")
        return world

    def finish_bulk(self) -> None:
        """Adds the indexes and the write-ahead log after `create(bulk=True)`."""
        with self._lock:
            self._connection.executescript(INDEXES)
            self._connection.executescript(PRAGMAS)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one at a time over all threads and processes; transactions inside belong to the outermost
        one.
        """
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._depth == 1 and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._known.clear()

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Whatever happens inside is taken back at its end. Only within a transaction."""
        self._connection.execute("SAVEPOINT rehearsal")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK TO rehearsal")
            self._connection.execute("RELEASE rehearsal")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What happens inside is taken back only if it raises. Only within a transaction."""
        self._connection.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO attempt")
            raise
        finally:
            self._connection.execute("RELEASE attempt")

    def script(self, sql: str) -> None:
        """Several statements that bring their own transactions."""
        with self._lock:
            self._connection.executescript(sql)

    def one(self, sql: str, *values: object) -> Any:
        """The first row as a tuple, or None."""
        with self._lock:
            return self._connection.execute(sql, values).fetchone()

    def all(self, sql: str, *values: object) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def all_named(self, sql: str, values: Mapping[str, object]) -> list[Any]:
        """As `all`, with `:name` for values; names that the SQL does not use do no harm."""
        with self._lock:
            return self._connection.execute(sql, dict(values)).fetchall()

    def run(self, sql: str, *values: object) -> int:
        """Executes; the number of rows touched."""
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> int:
        with self.transaction():
            return self._connection.executemany(sql, rows).rowcount

    def remembered(self, name: str) -> Any:
        """As `get`, read only once in a transaction. For values that a whole batch asks for."""
        with self._lock:
            if self._depth == 0:
                return self.get(name)
            if name not in self._known:
                self._known[name] = self.get(name)
            return self._known[name]

    def get(self, name: str) -> Any:
        found = self.one("SELECT value FROM meta WHERE name = ?", name)
        return None if found is None else msgspec.json.decode(found[0])

    def put(self, name: str, value: object) -> None:
        self._known.pop(name, None)
        self.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", name, json_text(value))


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30, cached_statements=256)
