"""Journal: one line for each thing that became durable, each line chained to the one before. It is what a resumed
export goes by.

A line that was torn by a crash is cut; whatever lies in the dataset's folder and in no line is as if it had never been
written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from crmstate.archive.marks import FileMark, canonical, sha256
from crmstate.archive.seal import Content
from crmstate.archive.store import Store

BEGIN, ROWS, GONE, FILES, LOST, JOB = "begin", "rows", "gone", "attachments", "lost", "job"
ADDITION = "addition"
"""The purpose of a reading after a purge of ours has begun: what it does not meet is our own doing, and held all the
same."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became durable. `what`: begin (a reading of the whole dataset begins, for a `purpose` of `Progress`), rows,
    gone (ids that the reading did not meet), attachments, lost (attachments that it did not meet), job (where an export
    by jobs stands). `next`: the cursor to go on from (`Wrap.hidden`), or where the job stands; `end`: there is no more.
    `seen` and `written`: rows or attachments met and written; `contents`: encrypted attachments that became durable;
    `redacted`: how many of the rows written keep a value of a field out, by the field."""

    what: str
    at: str
    number: int = -1
    dataset: str = ""
    files: tuple[FileMark, ...] = ()
    seen: int = 0
    written: int = 0
    contents: tuple[Content, ...] = ()
    next: str | None = None
    end: bool = False
    purpose: str = ""
    redacted: dict[str, int] = {}
    chain: str = ""


_LINES = msgspec.json.Decoder(Line)
"""Built while one thread is there: msgspec 0.22 crashes the interpreter where two meet a type for the first time."""


class Journal:
    """The journal of one dataset. `lines` are the valid ones, `sizes` the length of the file up to and with each."""

    def __init__(self, name: str, store: Store) -> None:
        self._name = name
        self._store = store
        self.lines: list[Line] = []
        self.sizes: list[int] = []
        self.data = b""
        self.torn = False

    def load(self) -> None:
        """Reads the file; everything from the first line that is not valid counts as torn."""
        self.data = self._store.read(self._name) or b""
        found = list(valid(self.data))
        self.lines, self.sizes = [line for line, _ in found], [size for _, size in found]
        self.torn = self.size < len(self.data)

    @property
    def chain(self) -> str:
        """The digest that the next line is chained to."""
        return self.lines[-1].chain if self.lines else ""

    @property
    def size(self) -> int:
        """The length of the valid lines."""
        return self.sizes[-1] if self.sizes else 0

    def cut(self, lines: int) -> None:
        """Keeps the first `lines` lines, in the store as well. Does nothing where the file is that already."""
        if lines == len(self.lines) and not self.torn:
            return
        del self.lines[lines:], self.sizes[lines:]
        self.data, self.torn = self.data[: self.size], False
        self._store.put({self._name: self.data})

    def append(self, line: Line) -> None:
        """Makes a line durable."""
        chained = msgspec.structs.replace(line, chain=_chain(line, self.chain))
        text = canonical(chained) + b"\n"
        self._store.append(self._name, text, len(self.lines))
        self.data += text
        self.lines.append(chained)
        self.sizes.append(len(self.data))


def valid(data: bytes) -> Iterator[tuple[Line, int]]:
    """The lines of a journal's bytes up to the first that is torn or not chained to the one before, each with where it
    ends."""
    place, chain = 0, ""
    while (end := data.find(b"\n", place)) >= 0:
        line = _parsed(data[place:end], chain)
        if line is None:
            return
        place, chain = end + 1, line.chain
        yield line, place


def _chain(line: Line, before: str) -> str:
    return sha256(before.encode() + canonical(msgspec.structs.replace(line, chain="")))


def _parsed(text: bytes, before: str) -> Line | None:
    try:
        line = msgspec.convert(json.loads(text), Line)
    except (ValueError, msgspec.ValidationError, RecursionError):
        return None
    return line if canonical(line) == text and line.chain == _chain(line, before) else None
