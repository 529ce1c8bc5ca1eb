"""Folder: what people put down of a vendor's export, as datasets. Each table (`*.csv`, `*.tsv`) is one, row by row; every other file
is an attachment of the dataset `files`, byte for byte. `counts.csv` (dataset, rows) says what the vendor's own screens
show, so that an export that stopped half way is noticed.

A row's id is its number in the file, from 1: exports come with an id of their own or without, and a number is always
there, in order, and unique. A link is not followed, and a file that changes while it is read is not believed.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Count, File, FilePage, Page, Row
from crmstate.providers.paper.table import Table, unreadable

TABLES = frozenset({".csv", ".tsv"})
COUNTS = "counts.csv"
FILES = "files"
PAGE = 2000
_PIECE = 1 << 20
_WIDTH = 10


def row_id(number: int) -> str:
    """The id of a row by its number in the file; ids sort as the rows stand."""
    return f"{number:0{_WIDTH}}"


class Folder:
    """One folder of exports; each file is read from beginning to end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: dict[str, tuple[int, Iterator[dict[str, object]], Table]] = {}

    def tables(self) -> dict[str, Path]:
        """The tables by the name of their dataset."""
        found: dict[str, Path] = {}
        for path in self._all():
            if path.suffix.lower() in TABLES and path.name != COUNTS:
                if path.stem in found:
                    raise unreadable(path, f"{found[path.stem].name} is a dataset of the same name")
                found[path.stem] = path
        return found

    def others(self) -> list[Path]:
        """Every other file, in the order of their names."""
        return [path for path in self._all() if path.suffix.lower() not in TABLES]

    def as_of(self, dataset: str) -> str:
        """When the last of a dataset's files was put down: ISO 8601 UTC."""
        paths = self.others() if dataset == FILES else [self._table(dataset)]
        latest = max((path.stat().st_mtime for path in paths), default=0.0)
        return datetime.fromtimestamp(latest, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def count(self, dataset: str) -> Count:
        """What somebody wrote down of the vendor's own count; none where nobody did."""
        found = self.counts().get(dataset)
        return Count(found) if found is not None else Count(None, exact=False)

    def counts(self) -> dict[str, int]:
        """`counts.csv`, by dataset."""
        path = self._path / COUNTS
        if not path.is_file() or path.is_symlink():
            return {}
        with Table(path) as table:
            found: dict[str, int] = {}
            for number, row in enumerate(table.rows(), 2):
                name, many = str(row.get("dataset", "")).strip(), str(row.get("rows", "")).strip()
                if not name or not (many.isascii() and many.isdigit() and len(many) <= 12) or name in found:
                    raise unreadable(path, f"line {number}: `dataset` and `rows` (a number), each dataset once")
                found[name] = int(many)
        return found

    def page(self, dataset: str, cursor: str | None, ids: Sequence[str] | None) -> Page:
        """One page of rows; `ids` reads just these."""
        if ids is not None:
            wanted = set(ids)
            return Page(tuple(row for row in self._rows(dataset, 0) if row.id in wanted), None)
        start = int(cursor) if cursor is not None else 0
        left = self._open.pop(dataset, None)
        if left is not None and left[0] == start:
            rows = left[1]
            table = left[2]
        else:
            if left is not None:
                left[2].close()
            table = self._opened(dataset)
            rows = islice(table.rows(), start, None)
        found = tuple(
            Row(row_id(start + number), msgspec.json.encode(row)) for number, row in enumerate(islice(rows, PAGE), 1)
        )
        if len(found) < PAGE:
            table.close()
            return Page(found, None)
        self._open[dataset] = (start + PAGE, rows, table)
        return Page(found, str(start + PAGE))

    def files(self, dataset: str) -> FilePage:
        """The files beside the tables, as attachments of their own dataset."""
        if dataset != FILES:
            return FilePage((), None)
        found = [
            File(row_id(number), row_id(number), path.name, str(path), path.stat().st_size)
            for number, path in enumerate(self.others(), 1)
        ]
        return FilePage(tuple(found), None)

    def fetch(self, file: File) -> Iterator[bytes]:
        """A file's bytes. Raises UNAVAILABLE where it has another size by now."""
        path, size = Path(file.url), 0
        try:
            with os.fdopen(_no_link(path), "rb") as stream:
                while piece := stream.read(_PIECE):
                    size += len(piece)
                    yield piece
        except OSError as error:
            raise unreadable(path, error.strerror or type(error).__name__) from None
        if size != file.size:
            raise unreadable(path, "it changed while it was read")

    def close(self) -> None:
        """Closes what is open. May be called twice."""
        for _, _, table in self._open.values():
            table.close()
        self._open.clear()

    def _rows(self, dataset: str, start: int) -> Iterator[Row]:
        with self._opened(dataset) as table:
            for number, row in enumerate(islice(table.rows(), start, None), start + 1):
                yield Row(row_id(number), msgspec.json.encode(row))

    def _opened(self, dataset: str) -> Table:
        if dataset == FILES and dataset not in self.tables():
            return Table.of([_described(path) for path in self.others()])
        return Table(self._table(dataset))

    def _table(self, dataset: str) -> Path:
        path = self.tables().get(dataset)
        if path is None:
            raise Failure(Code.MISSING, f"{dataset} is not among the exports", vendor="paper.gone")
        return path

    def _all(self) -> list[Path]:
        try:
            with os.scandir(self._path) as found:
                there = [each for each in found if not each.name.startswith((".", "~$"))]
                odd = next((each.name for each in there if not each.is_file(follow_symlinks=False)), None)
                if odd is not None:
                    raise unreadable(self._path / odd, "a folder or a link is not read: put its files here, or pack it")
                names = [each.name for each in there]
        except OSError as error:
            raise unreadable(self._path, error.strerror or type(error).__name__) from None
        return [self._path / name for name in sorted(names) if not name.startswith((".", "~$"))]


def _described(path: Path) -> dict[str, object]:
    """A file as a row: its name, size, and what is in it."""
    digest = hashlib.sha256()
    with os.fdopen(_no_link(path), "rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return {"name": path.name, "size": path.stat().st_size, "sha256": digest.hexdigest()}


def _no_link(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)


csv.field_size_limit(64 << 20)
