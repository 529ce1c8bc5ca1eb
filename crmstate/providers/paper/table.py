"""Table: a CSV file as vendors write them: in the encoding that somebody declared, or UTF-8 with a mark or without, UTF-16
with one, or what looks like GB18030; separated by commas, semicolons or tabs. Every value stays the text that it is.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from crmstate.core.diagnostic import Span, diagnostic
from crmstate.core.failure import Code, Failure
from crmstate.core.words import Severity

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_FAMILIES = (
    (b"\xef\xbb\xbf", ("utf-8",)),
    (b"\xff\xfe", ("utf-16", "utf-16-le")),
    (b"\xfe\xff", ("utf-16", "utf-16-be")),
)
"""Which encodings a mark agrees with."""
_HEAD = 1 << 20
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\xfe]")
LONGEST = 16 << 20


def unreadable(path: Path, why: str, code: str = "CRM-V058", line: int = 1, **params: Any) -> Failure:
    """A file that is no table, or cannot be read. `code`: what a reader is told of it, and of which `line`, and what to do."""
    span = None if path.is_dir() else Span(f"{path.parent.name}/{path.name}", line, 1)
    found = diagnostic(code, Severity.ERROR, span, file=path.name, line=line, table=path.stem, why=why, **params)
    return Failure(Code.UNAVAILABLE, f"{path.name}: {why}", vendor="paper.file", found=found)


def near(name: str, among: Iterable[str]) -> str:
    """The name that was perhaps meant; a dash for none."""
    from difflib import get_close_matches

    plain = {each.casefold(): each for each in among}
    found = get_close_matches(name.casefold(), list(plain), 1, 0.5)
    return plain[found[0]] if found else "-"


@dataclass(frozen=True)
class Way:
    """How a table is read, as somebody declared it: its encoding, and the column that names each row."""

    encoding: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class Encoding:
    """An encoding by its name. `guessed`: nobody declared it, and neither a mark nor the form of the bytes shows it."""

    name: str
    guessed: bool = False


_BY_ITSELF = Way()


class Table:
    """A table's rows, as dictionaries of texts by column. Raises UNAVAILABLE for what is no table: no header, two columns
    of one name, a row with more or fewer values than the header, bytes that are no text, an open quote at the end; and where
    a column names the rows, for a row without a name, or with that of another one."""

    def __init__(self, path: Path, way: Way = _BY_ITSELF) -> None:
        self._path = path
        self._way = way
        self._given: list[dict[str, object]] | None = None
        self._stream: IO[str] | None = None
        self._codec = ""
        self.header: tuple[str, ...] = ()
        """The names of the columns, once the first row is read."""

    @classmethod
    def of(cls, rows: Iterable[dict[str, object]]) -> Table:
        """A table that lies in no file."""
        table = cls(Path())
        table._given = list(rows)
        return table

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def rows(self) -> Iterator[dict[str, object]]:
        """Row by row; nothing of the file is kept."""
        if self._given is not None:
            yield from self._given
            return
        try:
            yield from self._read()
        except UnicodeError:
            raise self._misread() from None
        except (OSError, csv.Error) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise unreadable(self._path, why) from None

    def _read(self) -> Iterator[dict[str, object]]:
        fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
        before = os.fstat(fd)
        with os.fdopen(fd, "rb") as raw:
            head = raw.read(_HEAD)
        encoding = self._codec = codec(head, encoding_of(head, self._path, self._way.encoding))
        fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
        self._stream = os.fdopen(fd, encoding=encoding, errors="strict", newline="")
        first = self._stream.readline(LONGEST)
        self._stream.seek(0)
        reader = csv.reader(_lines(self._stream, self._path), delimiter=separator(first), strict=True)
        header = next(reader, None)
        if not header or any(not name.strip() for name in header) or len(set(header)) != len(header):
            why = "its first line has to name every column, each by another name"
            raise unreadable(self._path, why, "CRM-V043")
        self.header = tuple(header)
        key = self._way.id
        if key is not None and key not in header:
            why = f"it has no column `{key}`, which the manifest names as the one with the ids"
            raise unreadable(self._path, why, "CRM-V044", key=key, near=near(key, header))
        met: set[bytes] = set()
        for values in reader:
            if not values:
                continue
            if len(values) != len(header):
                line, said = reader.line_num, {"values": len(values), "columns": len(header)}
                why = f"line {line} has {len(values)} values for {len(header)} columns"
                raise unreadable(self._path, why, "CRM-V045", line, **said)
            row: dict[str, object] = dict(zip(header, values, strict=True))
            if key is not None:
                self._named(str(row[key]), key, reader.line_num, met)
            yield row
        after = os.fstat(self._stream.fileno())
        if (before.st_ino, before.st_size, before.st_mtime_ns) != (after.st_ino, after.st_size, after.st_mtime_ns):
            raise unreadable(self._path, "it changed while it was read")

    def _named(self, id: str, key: str, line: int, met: set[bytes]) -> None:
        """Refuses a row that a column does not name, or names like another: one of them would stand for both. Of the names
        met only digests are held."""
        digest = hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        if not id.strip() or digest in met:
            why, code = ("is empty", "CRM-V046") if not id.strip() else ("stands there before", "CRM-V047")
            said = f"line {line}: what is in `{key}` {why}, so it names no record"
            raise unreadable(self._path, said, code, line, key=key)
        met.add(digest)

    def _misread(self) -> Failure:
        """What cannot be read in the encoding that is declared, or that the beginning looked like: the first line of it."""
        line, why = 1, f"it is not written in {self._codec}"
        with os.fdopen(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as raw:
            lines = () if self._codec.startswith("utf-16") else raw
            line = next((number for number, each in enumerate(lines, 1) if not _fits(each, self._codec)), 1)
        return unreadable(self._path, why, "CRM-V049", line, encoding=self._codec)


def _fits(line: bytes, name: str) -> bool:
    try:
        line.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _lines(stream: IO[str], path: Path) -> Iterator[str]:
    """Line by line, each of a bounded length: a file without a break is not taken into memory."""
    while line := stream.readline(LONGEST):
        if len(line) == LONGEST:
            raise unreadable(path, f"it has a line of more than {LONGEST} signs")
        yield line


def encoding(path: Path, way: Way = _BY_ITSELF) -> Encoding:
    """How a file is read as text. Raises UNAVAILABLE where nobody can tell."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as raw:
            return encoding_of(raw.read(_HEAD), path, way.encoding)
    except OSError as error:
        raise unreadable(path, error.strerror or type(error).__name__) from None


def codec(head: bytes, found: Encoding) -> str:
    """What Python reads it with: a mark is no part of the text."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), found.name)


def encoding_of(head: bytes, path: Path, declared: str | None = None) -> Encoding:
    """The declared encoding, which a mark may not deny; else by a file's mark, or by what its beginning can be read as.
    Nearly any bytes can be read as GB18030, those of a European spreadsheet as well, and would come out as other people's
    names: it is believed only where the characters are those that Chinese is written with, and stays a guess."""
    marked = next((family for mark, family in _FAMILIES if head.startswith(mark)), None)
    if declared is not None and marked is not None and declared not in marked:
        why = f"its first bytes are the mark of {marked[0]}, and the manifest says {declared}"
        raise unreadable(path, why, "CRM-V049", encoding=declared)
    if declared is not None or marked is not None:
        return Encoding(declared or (marked or ("",))[0])
    for name in ("utf-8", "gb18030"):
        try:
            _cut(head, name)
        except UnicodeDecodeError:
            continue
        if name == "utf-8" or _chinese(head):
            return Encoding(name, guessed=name != "utf-8")
    why = "it is not certainly UTF-8, UTF-16 with a mark, or GB18030: declare its encoding (`provider.tables`), or save it as UTF-8"
    lines = head.split(b"\n")
    line = next((number for number, each in enumerate(lines, 1) if not _fits(each, "utf-8")), 1)
    raise unreadable(path, why, "CRM-V048", line)


def _chinese(head: bytes) -> bool:
    """Whether two bytes of one character are mostly both above ASCII, as in everyday Chinese; a letter with an accent
    stands before a plain one."""
    pairs = _PAIR.findall(head)
    return bool(5 * sum(pair[1] < 0x80 for pair in pairs) <= len(pairs))


def _cut(head: bytes, name: str) -> None:
    """Decodes what may end within a character."""
    import codecs

    codecs.getincrementaldecoder(name)().decode(head, final=False)


def separator(first: str) -> str:
    """What parts the columns of a first line: the sign that occurs most among comma, semicolon and tab."""
    return max(",;\t", key=first.count)
