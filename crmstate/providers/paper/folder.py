"""Folder: what people put down of a vendor's export, as datasets. Each table (`*.csv`, `*.tsv`) is one, row by row; every other file
is an attachment of the dataset `files`, byte for byte. `counts.csv` (dataset, rows) says what the vendor's own screens
show, so that an export that stopped half way is noticed.

A row's id is its number in the file, from 1: exports come with an id of their own or without, and a number is always
there, in order, and unique; where somebody declares a column with ids, it is what stands there, and a file beside the tables
is known by its name. A link is not followed,
and a file that changes while it is read is not believed: a cursor says of which file it is, and what was read of it, and
leads nowhere in any other.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from unicodedata import normalize

import msgspec

from crmstate.core.diagnostic import Diagnostic, diagnostic
from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Count, File, FilePage, Page, Row
from crmstate.core.words import Severity
from crmstate.providers.paper.table import Encoding, Table, Way, encoding, near, unreadable

TABLES = frozenset({".csv", ".tsv"})
COUNTS = "counts.csv"
FILES = "files"
ANY = "*"
"""In the manifest: every table that is not named."""
PAGE = 2000
JUNK = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "icon\r"})
"""What operating systems put beside people's files; what begins with a point is theirs as well, or hidden by somebody."""
SHEETS = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers"})
"""Tables that are not read as such."""
LOOKED = 4 << 20
"""A table of so many bytes is read whole to see whether it can be; of a longer one the first page. Whoever archives it
reads it whole anyway."""
_PIECE = 1 << 20
_WIDTH = 10


def row_id(number: int) -> str:
    """The id of a row by its number in the file; ids sort as the rows stand."""
    return f"{number:0{_WIDTH}}"


@dataclass(frozen=True)
class Cursor:
    """Where a reading goes on: behind so many rows, whose texts have the digest `read`, of the file with this size that was
    changed then (nanoseconds)."""

    rows: int
    size: int
    changed: int
    read: str

    def written(self) -> str:
        """It as text."""
        return f"{self.rows}:{self.size}:{self.changed}:{self.read}"

    @classmethod
    def parsed(cls, text: str) -> Cursor | None:
        """It again; None for a text that is none, such as an earlier version wrote."""
        match = _CURSOR.fullmatch(text)
        return cls(int(match[1]), int(match[2]), int(match[3]), match[4]) if match else None


_CURSOR = re.compile(r"([0-9]{1,15}):([0-9]{1,19}):([0-9]{1,25}):([0-9a-f]{64})")


def _another(dataset: str) -> Failure:
    return Failure(
        Code.REJECTED,
        f"{dataset}: the file changed, or was replaced, since its reading began: it is read again from its beginning",
        vendor="paper.changed",
    )


class Folder:
    """One folder of exports; each file is read from beginning to end."""

    def __init__(
        self,
        path: Path,
        ways: Mapping[str, Mapping[str, str]] | None = None,
        known: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._path = path
        self._ways = {normalize("NFC", name): Way(**each) for name, each in (ways or {}).items()}
        self._known = known
        self._looked: dict[tuple[str, tuple[int, int]], Diagnostic | int | None] = {}
        self._tabled: frozenset[str] = frozenset()
        self._open: dict[str, tuple[Cursor, Iterator[dict[str, object]], Table, Any]] = {}

    def tables(self) -> dict[str, Path]:
        """The tables by the name of their dataset."""
        found: dict[str, Path] = {}
        for path in self._all():
            if path.suffix.lower() in TABLES and path.name != COUNTS:
                name = self._name(path)
                if name in found:
                    other = found[name].name
                    why = f"{other} is a dataset of the same name"
                    raise unreadable(path, why, "CRM-V051", other=other, dataset=name)
                found[name] = path
        plain = {normalize("NFC", name) for name in found}
        unknown = next((name for name in self._ways if name not in (ANY, *plain)), None)
        if found and unknown is not None:
            why = f"no table `{unknown}` is there, of which the manifest says how it is read"
            raise unreadable(self._path, why, "CRM-V052", name=unknown, near=near(unknown, plain))
        self._tabled = frozenset(found)
        return found

    def _name(self, path: Path) -> str:
        """The name of a table's dataset. Systems write the same letters in two ways, and people type only one: it is that
        one, but where an archive has begun under the other."""
        plain = normalize("NFC", path.stem)
        return path.stem if plain != path.stem and path.stem in self._known() else plain

    def said(self) -> dict[str, int | None]:
        """How many rows of each table somebody wrote down that the vendor counts, None where nobody did; nothing at all where
        that file cannot be read."""
        try:
            counts = self.counts()
        except Failure:
            return {}
        return {name: counts.get(normalize("NFC", name)) for name in self.tables()}

    def faults(self) -> tuple[Diagnostic, ...]:
        """What is wrong with `counts.csv`, and what of the folder is not read: said before anything is kept."""
        return (*self._of_counts(), *self._beside())

    def faults_of(self, dataset: str, path: Path, said: int | None) -> tuple[Diagnostic, ...]:
        """What is wrong with a table, as far as it is looked at. `said`: how many rows it should have."""
        mark = _marked(path)
        if (dataset, mark) not in self._looked:
            self._looked[dataset, mark] = self._look(dataset, path, mark[0] <= LOOKED)
        found = self._looked[dataset, mark]
        if isinstance(found, Diagnostic):
            return (found,)
        if found is None or said is None or said == found:
            return ()
        return (diagnostic("CRM-V062", Severity.WARNING, dataset=dataset, file=path.name, rows=found, said=said),)

    def _look(self, dataset: str, path: Path, whole: bool) -> Diagnostic | int | None:
        """What is wrong with a table, or how many rows it has; None where only its beginning was looked at."""
        try:
            with Table(path, self._way(dataset)) as table:
                rows = sum(1 for _ in islice(table.rows(), None if whole else PAGE))
        except Failure as failure:
            return failure.found
        return rows if whole else None

    def _of_counts(self) -> tuple[Diagnostic, ...]:
        try:
            self.counts()
        except Failure as failure:
            return (failure.found,) if failure.found is not None else ()
        return ()

    def _beside(self) -> tuple[Diagnostic, ...]:
        """What lies there and is no export, and what is kept without being read as the table that it is."""
        found: list[Diagnostic] = []
        if left := [
            name for name in sorted(path.name for path in self._path.iterdir()) if _is_junk(name) and _is_text(name)
        ]:
            found.append(diagnostic("CRM-V056", Severity.NOTE, names=", ".join(left)))
        if sheets := [path.name for path in self.others() if path.suffix.lower() in SHEETS]:
            found.append(diagnostic("CRM-V057", Severity.WARNING, names=", ".join(sheets)))
        return tuple(found)

    def encoding(self, dataset: str, path: Path) -> Encoding | None:
        """How a table is read as text; None where nobody can tell: whoever reads it says so, and the others are listed all
        the same."""
        try:
            return encoding(path, self._way(dataset))
        except Failure:
            return None

    def others(self) -> list[Path]:
        """Every other file, in the order of their names."""
        return [path for path in self._all() if path.suffix.lower() not in TABLES]

    def as_of(self, path: Path | None) -> str:
        """When a table, or the last of the files beside the tables, was put down: ISO 8601 UTC."""
        paths = self.others() if path is None else [path]
        latest = max((path.stat().st_mtime for path in paths), default=0.0)
        return datetime.fromtimestamp(latest, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def count(self, dataset: str) -> Count:
        """What somebody wrote down of the vendor's own count; none where nobody did."""
        found = self.counts().get(normalize("NFC", dataset))
        return Count(found) if found is not None else Count(None, exact=False)

    def counts(self) -> dict[str, int]:
        """`counts.csv`, by dataset. Raises UNAVAILABLE for a line that counts nothing that is there: what it was meant for
        would pass without being compared."""
        path = self._path / COUNTS
        if not path.is_file() or path.is_symlink():
            return {}
        try:
            with Table(path) as table:
                found, lines = _counted(path, table)
        except Failure as failure:
            if failure.found is None or failure.found.code not in _NOT_UTF8:
                raise
            line = int(failure.found.params["line"])
            raise unreadable(path, "it is not written in UTF-8", "CRM-V060", line) from None
        there = {normalize("NFC", name) for name in self.tables()} | ({FILES} if self.others() else set())
        strange = next((name for name in found if name not in there), None)
        if there and strange is not None:
            why = f"line {lines[strange]}: there is no export `{strange}`"
            raise unreadable(path, why, "CRM-V055", lines[strange], name=strange, near=near(strange, there))
        return found

    def page(self, dataset: str, cursor: str | None, ids: Sequence[str] | None) -> Page:
        """One page of rows; `ids` reads just these."""
        if ids is not None:
            wanted = set(ids)
            return Page(tuple(row for row in self._rows(dataset) if row.id in wanted), None)
        start, rows, table, digest = self._from(dataset, cursor)
        found = tuple(self._row(dataset, start.rows + number, row) for number, row in enumerate(islice(rows, PAGE), 1))
        if len(found) < PAGE:
            table.close()
            return Page(found, None)
        for row in found:
            digest.update(row.raw + b"\n")
        behind = replace(start, rows=start.rows + PAGE, read=digest.hexdigest())
        self._open[dataset] = (behind, rows, table, digest)
        return Page(found, behind.written())

    def _from(self, dataset: str, cursor: str | None) -> tuple[Cursor, Iterator[dict[str, object]], Table, Any]:
        """The rows behind a cursor. Raises REJECTED where it is of another file than the one that is there now: whoever
        reads begins again."""
        left, mark = self._open.pop(dataset, None), self._mark(dataset)
        start = Cursor(0, *mark, "") if cursor is None else Cursor.parsed(cursor)
        if start is None or (start.size, start.changed) != mark:
            if left is not None:
                left[2].close()
            raise _another(dataset)
        if left is not None and left[0] == start:
            return left
        if left is not None:
            left[2].close()
        table, digest = self._opened(dataset), hashlib.sha256()
        rows = table.rows()
        for number, row in enumerate(islice(rows, start.rows), 1):
            digest.update(self._row(dataset, number, row).raw + b"\n")
        if start.rows and digest.hexdigest() != start.read:
            table.close()
            raise _another(dataset)
        return start, rows, table, digest

    def _mark(self, dataset: str) -> tuple[int, int]:
        """What tells a file from another that took its place: its size, and when it was changed last. Of the files beside
        the tables: how many there are, and when the last was."""
        tables = self.tables()
        if dataset == FILES and dataset not in tables:
            times = [path.stat().st_mtime_ns for path in self.others()]
            return len(times), max(times, default=0)
        return _marked(self._table(dataset))

    def _row(self, dataset: str, number: int, row: dict[str, object]) -> Row:
        key = self._way(dataset).id if dataset in self._tabled or dataset != FILES else "name"
        return Row(row_id(number) if key is None else str(row[key]), msgspec.json.encode(row))

    def _way(self, dataset: str) -> Way:
        return self._ways.get(normalize("NFC", dataset)) or self._ways.get(ANY) or Way()

    def files(self, dataset: str) -> FilePage:
        """The files beside the tables, as attachments of their own dataset."""
        if dataset != FILES:
            return FilePage((), None)
        found = [File(path.name, path.name, path.name, str(path), path.stat().st_size) for path in self.others()]
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
        for _, _, table, _ in self._open.values():
            table.close()
        self._open.clear()

    def _rows(self, dataset: str) -> Iterator[Row]:
        with self._opened(dataset) as table:
            for number, row in enumerate(table.rows(), 1):
                yield self._row(dataset, number, row)

    def _opened(self, dataset: str) -> Table:
        if dataset == FILES and dataset not in self.tables():
            return Table.of([_described(path) for path in self.others()])
        return Table(self._table(dataset), self._way(dataset))

    def _table(self, dataset: str) -> Path:
        path = self.tables().get(dataset)
        if path is None:
            why, found = f"{dataset} is not among the exports", diagnostic("CRM-V061", dataset=dataset)
            raise Failure(Code.MISSING, why, vendor="paper.gone", found=found)
        return path

    def _all(self) -> list[Path]:
        try:
            with os.scandir(self._path) as found:
                there = [each for each in found if not _is_junk(each.name)]
                odd = next((each.name for each in there if not each.is_file(follow_symlinks=False)), None)
                if odd is not None:
                    why = "a folder or a link is not read: put its files here, or pack it"
                    raise unreadable(self._path / odd, why, "CRM-V050")
                names = [each.name for each in there]
                strange = next((name for name in names if not _is_text(name)), None)
                if strange is not None:
                    raise unreadable(self._path, f"the name of a file is no text: {strange!a}")
        except OSError as error:
            raise unreadable(self._path, error.strerror or type(error).__name__) from None
        return [self._path / name for name in sorted(names)]


_NOT_UTF8 = frozenset({"CRM-V048", "CRM-V049"})


def _counted(path: Path, table: Table) -> tuple[dict[str, int], dict[str, int]]:
    """How many rows each dataset is said to have, and in which line."""
    found: dict[str, int] = {}
    lines: dict[str, int] = {}
    rows = list(table.rows())
    if not {"dataset", "rows"} <= set(table.header):
        raise unreadable(path, "its first line has to be `dataset,rows`", "CRM-V053")
    for number, row in enumerate(rows, 2):
        name, many = normalize("NFC", str(row["dataset"]).strip()), str(row["rows"]).strip()
        if not name or not (many.isascii() and many.isdigit() and len(many) <= 12) or name in found:
            raise unreadable(
                path, f"line {number}: `dataset` and `rows` (a number), each dataset once", "CRM-V054", number
            )
        found[name], lines[name] = int(many), number
    return found, lines


def _is_junk(name: str) -> bool:
    """Whether a file is one of the operating system's, a lock of an office program, or hidden."""
    return name.startswith((".", "~$")) or name.casefold() in JUNK


def _marked(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


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
