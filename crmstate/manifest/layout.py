"""Layout: a manifest's text -> its entries with everything that its meaning leaves out: comments, blank lines, quotes.

For text that `source` has found right: nothing is refused here. A comment behind something belongs to it; a comment on a
line of its own belongs to what follows, or to the end of the section that it is indented like.
"""

from __future__ import annotations

import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from crmstate.manifest.remarks import listening

_DASH = re.compile(r"(?:\s|#[^\n]*)*-")
_GAP = re.compile(r"(?:\s|#[^\n]*)*")
_HEADER = re.compile(r"[|>]([-+]?)([0-9]?)([-+]?)[ \t]*(?:#[^\n]*)?(?:\n|\Z)")


@dataclass(slots=True)
class Comment:
    """A comment's text, from its sign on. `blank`: an empty line stands before it."""

    text: str
    blank: bool = False


@dataclass(slots=True)
class Leaf:
    """A value of text, or an alias. `style`: empty for a plain one, else its quote, `|` or `>`; `body`: the lines of a block as
    written, None where they cannot be kept."""

    text: str
    style: str
    start: int
    end: int
    anchor: str = ""
    alias: str = ""
    body: list[str] | None = None
    chomp: str = ""


@dataclass(slots=True)
class Entry:
    """A key with its value, or an item of a list. `blank`: an empty line stands directly before it."""

    key: Leaf | None
    value: Leaf | Collection
    start: int
    column: int
    inside: Collection
    leading: list[Comment] = field(default_factory=list)
    trailing: list[str] = field(default_factory=list)
    blank: bool = False

    @property
    def end(self) -> int:
        """Behind its last sign. The parser ends a block where the next thing begins."""
        inner = self.value
        while isinstance(inner, Collection) and not inner.flow and inner.entries:
            inner = inner.entries[-1].value
        return inner.end


@dataclass(slots=True)
class Collection:
    """A mapping or a list. `tail`: comments behind its last entry; `head`: of the document, what stays on top; `column`: where its
    entries begin; `anchored`: of the document, whether it has aliases."""

    mapping: bool
    flow: bool
    start: int
    column: int
    end: int = 0
    anchor: str = ""
    above: Entry | None = None
    entries: list[Entry] = field(default_factory=list)
    tail: list[Comment] = field(default_factory=list)
    head: list[Comment] = field(default_factory=list)
    head_apart: bool = False
    anchored: bool = False


def lay_out(text: str) -> Collection:
    """The entries of a document with its comments placed."""
    clean = _normal(text)
    reader = _Reader(clean)
    root = reader.root()
    _Placing(clean, root).place(reader.heard)
    return root


def _normal(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


class _Reader:
    """The parser's events as entries."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._anchored = False
        self.heard: list[tuple[int, str]] = []

    def root(self) -> Collection:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._events: Iterator[Any] = iter(listening(self.heard).parse(self._text))
            for event in self._events:
                if isinstance(event, MappingStartEvent):
                    found = self._collection(event, None)
                    found.anchored = self._anchored
                    for _ in self._events:  # what is said behind its end is heard as well
                        pass
                    return found
        raise ValueError("no mapping")

    def _value(self, event: Any) -> Leaf | Collection:
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, AliasEvent):
            self._anchored = True
            return Leaf("", "", start, end, alias=event.anchor)
        self._anchored = self._anchored or event.anchor is not None
        if isinstance(event, ScalarEvent):
            return self._leaf(event, start, end)
        return self._collection(event, None)

    def _leaf(self, event: Any, start: int, end: int) -> Leaf:
        leaf = Leaf(event.value, event.style or "", start, end, event.anchor or "")
        if leaf.style in ("|", ">"):
            leaf.end = start + len(self._text[start:end].rstrip())
            head = _HEADER.match(self._text, _behind_anchor(self._text, leaf))
            if head is not None:
                leaf.chomp = head[1] or head[3]
                leaf.body = None if head[2] or leaf.chomp == "+" else _body(self._text[head.end() : end])
        return leaf

    def _collection(self, event: Any, above: Entry | None) -> Collection:
        mapping = isinstance(event, MappingStartEvent)
        mark = event.start_mark
        found = Collection(
            mapping, bool(event.flow_style), mark.index, mark.column, anchor=event.anchor or "", above=above
        )
        while not isinstance(event := next(self._events), MappingEndEvent | SequenceEndEvent):
            entry = Entry(None, Leaf("", "", 0, 0), event.start_mark.index, event.start_mark.column, found)
            if mapping:
                key = self._value(event)
                assert isinstance(key, Leaf)
                entry.key, event = key, next(self._events)
            else:
                entry.column = found.column
                if not found.flow:
                    before = found.entries[-1].end if found.entries else found.start
                    dash = _DASH.match(self._text, before)
                    entry.start = dash.end() - 1 if dash is not None else entry.start
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                self._anchored = self._anchored or event.anchor is not None
                entry.value = self._collection(event, entry)
            else:
                entry.value = self._value(event)
            if found.anchor and not found.entries and not found.flow:
                found.column = entry.column if mapping else found.column
            found.entries.append(entry)
        found.end = event.end_mark.index
        return found


def _behind_anchor(text: str, found: Leaf | Collection) -> int:
    """Where a value's own first sign is: the parser begins it with its anchor, and comments may stand between."""
    at = found.start
    if found.anchor:
        at = _GAP.match(text, at + 1 + len(found.anchor)).end()  # type: ignore[union-attr]  # it matches nothing, too
    return at


def _body(raw: str) -> list[str] | None:
    """The lines of a block without their indentation and without empty ones at the end."""
    lines = raw.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    first = next((line for line in lines if line.strip()), "")
    indent = len(first) - len(first.lstrip(" "))
    if any(line.strip() and line[:indent].strip() for line in lines):
        return None
    return [line[indent:] for line in lines]


def _entries(found: Collection) -> Iterator[Entry]:
    for entry in found.entries:
        yield entry
        if isinstance(entry.value, Collection):
            yield from _entries(entry.value)


class _Placing:
    """Gives every comment and every blank line to an entry."""

    def __init__(self, text: str, root: Collection) -> None:
        self._text, self._root = text, root
        self._all = list(_entries(root))
        self._starts = [entry.start for entry in self._all]
        self._marks = sorted(_marks(self._all), key=itemgetter(0))
        self._cap = len(text)
        self._last: Entry | None = None

    def place(self, said_at: list[tuple[int, str]]) -> None:
        for entry in self._all:
            entry.blank = self._alone(entry) and self._blank_before(entry.start)
        first = self._all[0] if self._all else None
        for start, said in said_at:
            behind, within = self._text[self._line(start) : start].strip(), self._within(start)
            if behind:
                self._behind(start, said, within)
            elif within is not None:
                within.leading.append(Comment(said, self._blank_before(start)))
            else:
                self._above(start, Comment(said, self._blank_before(start)))
        if first is not None:
            self._top(first)

    def _line(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _blank_before(self, at: int) -> bool:
        """Whether the line above the one at this place is empty."""
        line = self._line(at)
        above = self._text[self._line(line - 1) : line - 1] if line > 1 else "" if line == 1 else "#"
        return not above.strip()

    def _alone(self, entry: Entry) -> bool:
        """Whether nothing but a dash stands before an entry on its line; of an item, not its first key."""
        before = self._text[self._line(entry.start) : entry.start]
        return not before.strip() or (entry.key is None and not before.strip(" -"))

    def _within(self, at: int) -> Entry | None:
        """The entry between whose key, or dash, and whose value a comment stands. Not of a value in block style: there it
        belongs to what comes first."""
        place = bisect_right(self._starts, at)
        entry = self._all[place - 1] if place else None
        if entry is None:
            return None
        value = entry.value
        if isinstance(value, Leaf):
            return entry if at < value.end else None
        return entry if value.flow and at < _behind_anchor(self._text, value) else None

    def _behind(self, at: int, said: str, within: Entry | None) -> None:
        """A comment behind something: of what began last on this line, or was the last to stand on it as a whole; else of
        what ended on it."""
        line, place = self._line(at), bisect_right(self._marks, at, key=itemgetter(0))
        chosen = within
        while within is None and place:
            place -= 1
            mark, entry = self._marks[place]
            if mark < line or (chosen is not None and entry.start < line):
                break
            chosen = entry
            if entry.start >= line:
                break
        if chosen is not None:
            chosen.trailing.append(said)
        else:
            self._above(at, Comment(said))

    def _above(self, at: int, said: Comment) -> None:
        place = bisect_right(self._starts, at)
        before = self._all[place - 1] if place else None
        after = self._all[place] if place < len(self._all) else None
        if before is not self._last:
            self._cap, self._last = len(self._text), before
        home = self._home(at, before, after)
        if home is not None:
            self._cap = home.column
            home.tail.append(said)
        elif after is not None:
            self._cap = -1
            after.leading.append(said)
        else:
            self._root.tail.append(said)

    def _home(self, at: int, before: Entry | None, after: Entry | None) -> Collection | None:
        """The collection at whose end a comment stands; None where it belongs to what follows."""
        around = list(_around(before))
        if before is not None and isinstance(before.value, Collection) and before.value.flow:
            around.insert(0, before.value)
        for each in around:
            if each.flow and each.start < at < each.end:
                return None if after is not None and after.start < each.end else each
        column = at - self._line(at)
        least = after.column if after is not None else -1
        for each in around:
            beside = each.above is not None and each.above.column == each.column  # a list that is not indented
            if not each.flow and not beside and least < each.column <= min(column, self._cap):
                return each
        return None

    def _top(self, first: Entry) -> None:
        """What of the comments above the first entry belongs to the file: up to the last empty line."""
        said = first.leading
        last = max((number for number, each in enumerate(said) if each.blank and number), default=0)
        apart = first.blank
        if apart:
            last = len(said)
        elif last == 0:
            last = next((number for number, each in enumerate(said) if not _of_the_file(each.text)), len(said))
        else:
            apart = True
        self._root.head, self._root.head_apart = said[:last], apart and last > 0
        first.leading, first.blank = said[last:], False
        if first.leading:
            first.leading[0].blank = False
        if self._root.head:
            self._root.head[0].blank = False


def _of_the_file(text: str) -> bool:
    return any(word in text for word in ("yaml-language-server:", "vim:", "-*-"))


def _marks(entries: list[Entry]) -> Iterator[tuple[int, Entry]]:
    """Where each entry begins, and where its value ends; a collection in block style has no end of its own."""
    for entry in entries:
        yield entry.start, entry
        if isinstance(entry.value, Leaf) or entry.value.flow:
            yield entry.value.end, entry


def _around(entry: Entry | None) -> Iterator[Collection]:
    """The collections that an entry stands in, the innermost first."""
    while entry is not None:
        yield entry.inside
        entry = entry.inside.above
