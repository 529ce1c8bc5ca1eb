"""Table: a CSV file as vendors write them: UTF-8 with a mark or without, UTF-16 with one, or GB18030; separated by commas,
semicolons or tabs. Every value stays the text that it is.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from crmstate.core.failure import Code, Failure

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_HEAD = 1 << 20
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\xfe]")
LONGEST = 16 << 20


def unreadable(path: Path, why: str) -> Failure:
    """A file that is no table, or cannot be read."""
    return Failure(Code.UNAVAILABLE, f"{path.name}: {why}", vendor="paper.file")


class Table:
    """A table's rows, as dictionaries of texts by column. Raises UNAVAILABLE for what is no table: no header, two columns
    of one name, a row with more or fewer values than the header, bytes that are no text, an open quote at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._given: list[dict[str, object]] | None = None
        self._stream: IO[str] | None = None

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
        except (OSError, UnicodeError, csv.Error) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise unreadable(self._path, why) from None

    def _read(self) -> Iterator[dict[str, object]]:
        fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
        before = os.fstat(fd)
        with os.fdopen(fd, "rb") as raw:
            head = raw.read(_HEAD)
        encoding = encoding_of(head, self._path)
        fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
        self._stream = os.fdopen(fd, encoding=encoding, errors="strict", newline="")
        first = self._stream.readline(LONGEST)
        self._stream.seek(0)
        reader = csv.reader(_lines(self._stream, self._path), delimiter=separator(first), strict=True)
        header = next(reader, None)
        if not header or any(not name.strip() for name in header) or len(set(header)) != len(header):
            raise unreadable(self._path, "its first line has to name every column, each by another name")
        for values in reader:
            if not values:
                continue
            if len(values) != len(header):
                raise unreadable(
                    self._path, f"line {reader.line_num} has {len(values)} values for {len(header)} columns"
                )
            yield dict(zip(header, values, strict=True))
        after = os.fstat(self._stream.fileno())
        if (before.st_ino, before.st_size, before.st_mtime_ns) != (after.st_ino, after.st_size, after.st_mtime_ns):
            raise unreadable(self._path, "it changed while it was read")


def _lines(stream: IO[str], path: Path) -> Iterator[str]:
    """Line by line, each of a bounded length: a file without a break is not taken into memory."""
    while line := stream.readline(LONGEST):
        if len(line) == LONGEST:
            raise unreadable(path, f"it has a line of more than {LONGEST} signs")
        yield line


def encoding_of(head: bytes, path: Path) -> str:
    """The encoding by a file's mark, or by what its beginning can be read as. Nearly any bytes can be read as GB18030, those
    of a European spreadsheet as well, and would come out as other people's names: it is believed only where the characters
    are those that Chinese is written with."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    for name in ("utf-8", "gb18030"):
        try:
            _cut(head, name)
        except UnicodeDecodeError:
            continue
        if name == "utf-8" or _chinese(head):
            return name
    raise unreadable(path, "it is not certainly UTF-8, UTF-16 with a mark, or GB18030: save it as UTF-8")


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
