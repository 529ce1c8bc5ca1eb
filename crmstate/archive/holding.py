"""Holding: what a dataset's archive holds as of a line of its journal, folded from its index files.

While ids come in a strictly growing order nothing can come twice, and of the rows only their number and their sum are
kept. Where the order does not hold, and wherever something is read again, a table on the disk (`known`) says what is
known of each id; it is filled from the index, which is there to be read again. Memory grows with neither; it does with
the number of attachments.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from json.encoder import encode_basestring_ascii as quoted
from operator import lt

import msgspec

from crmstate.archive import index as indexed
from crmstate.archive.index import EQUAL, MINUS, PLUS, Entries
from crmstate.archive.known import Fact, Known
from crmstate.archive.marks import Entry, canonical, sha256

_MODULUS = 1 << 256
_ENTRIES = msgspec.json.Decoder(Entry)
"""Built while one thread is there: msgspec 0.22 crashes the interpreter where two meet a type for the first time."""

Lines = Callable[[], Iterable[list[bytes]]]
"""Gives all lines of the index so far once more, in blocks."""


class Order:
    """Whether ids have come in a strictly growing order so far: of their texts, or of their lengths first, as numbers
    do."""

    def __init__(self) -> None:
        self._last: str | None = None
        self._text = self._size = True

    def goes_on(self, ids: Sequence[str]) -> bool:
        """Whether it holds for these as well, which come next. Once it does not, never ask again."""
        if not ids:
            return True
        before = list(ids[:-1]) if self._last is None else [self._last, *ids[:-1]]
        after = ids[1:] if self._last is None else ids
        self._last = ids[-1]
        sizes, later = list(map(len, before)), list(map(len, after))
        grows = all(map(lt, before, after))
        self._text = self._text and grows
        if self._size and sizes != later:
            longer = zip(zip(sizes, before, strict=True), zip(later, after, strict=True), strict=True)
            grows = all(one < two for one, two in longer)
        self._size = self._size and grows
        return self._text or self._size


class Holding:
    """`count`: the rows that are held; `lines`: of the index so far. `files`: the attachments; `contents`: the size of
    each content ever written, by its digest, that of vanished attachments too. `files_seen`: which the present reading
    met, or None where that is all that is held. `weighs`: whether its content will be asked for."""

    def __init__(self, weighs: bool = True) -> None:
        self._weighs = weighs
        self.count = 0
        self.lines = 0
        self.files: dict[tuple[str, str], Entry] = {}
        self.contents: dict[str, int] = {}
        self.files_seen: set[tuple[str, str]] | None = None
        self._sum = 0
        self._reading = 0
        self._order = Order()
        self._known: Known | None = None

    def begin(self, lines: Lines) -> None:
        """A reading of the whole dataset begins; `lines`: all so far."""
        if self.lines and self._known is None:
            self._tabled(lines)
        self._reading += 1
        self.files_seen = set() if self.files else None

    def expect(self, ids: Sequence[str], lines: Lines) -> None:
        """Makes ready for rows of these ids, which are to be taken next; `lines`: all so far."""
        if self._known is None and not self._order.goes_on(ids):
            self._tabled(lines)

    def take(self, ids: Sequence[str], digests: Sequence[bytes]) -> tuple[list[bytes], list[int] | None]:
        """Takes rows that were expected: their lines of the index, and the places of those that are to be written, or
        None for all of them. A row that this reading met before, unchanged, has no line."""
        if self._known is None:
            lines = indexed.written(digests, ids)
            self._add(lines)
            return lines, None
        return self._merged(self._known, ids, digests)

    def _add(self, lines: list[bytes]) -> None:
        if self._weighs:
            self._sum += indexed.weight(lines)
        self.count += len(lines)
        self.lines += len(lines)

    def _merged(self, known: Known, ids: Sequence[str], digests: Sequence[bytes]) -> tuple[list[bytes], list[int]]:
        facts = known.get(ids)
        fresh: dict[str, Fact] = {}
        lines: list[bytes] = []
        places: list[int] = []
        for place, (id, digest) in enumerate(zip(ids, digests, strict=True)):
            fact, number = facts.get(id), self.lines + len(lines)
            if fact is None:
                fresh[id] = facts[id] = Fact(digest, self._reading, number, number)
                self._sum += self._weight(digest, id)
                self.count += 1
            elif fact.digest != digest:
                fresh[id] = facts[id] = Fact(digest, self._reading, fact.born, number)
                self._sum += self._weight(digest, id) - self._weight(fact.digest, id)
            elif fact.reading != self._reading:
                fresh[id] = facts[id] = fact._replace(reading=self._reading)
                lines.append(indexed.met(id))
                continue
            else:
                continue
            lines += indexed.written([digest], [id])
            places.append(place)
        known.put(fresh.items())
        self.lines += len(lines)
        return lines, places

    @staticmethod
    def _weight(digest: bytes, id: str) -> int:
        return indexed.weight(indexed.written([digest], [id]))

    def _tabled(self, lines: Lines) -> None:
        """From now on the table says what is known; all that is, is of the present reading or earlier."""
        self._known = Known()
        number = 0
        for block in lines():
            _, _, digests, ids, _ = indexed.parsed(block)
            rows = enumerate(zip(ids, digests, strict=True), number)
            self._known.put((id, Fact(digest, self._reading, line, line)) for line, (id, digest) in rows)
            number += len(block)

    def fold(self, entries: Entries, lines: Lines) -> None:
        """Folds lines of the index in; `lines`: all before them. Raises KeyError on an id that is not held."""
        block, ops, digests, ids, _ = entries
        if self._known is None and not (entries.plain and self._order.goes_on(ids)):
            self._tabled(lines)
        if self._known is None:
            self._add(block)
            return
        facts = self._known.get(ids)
        for number, (op, id, digest) in enumerate(zip(ops, ids, digests, strict=True), self.lines):
            fact = facts.get(id)
            if fact is None and op != PLUS:
                raise KeyError(id)
            if fact is not None and op != EQUAL:
                self._sum -= self._weight(fact.digest, id)
            if op == MINUS:
                del facts[id]
                self.count -= 1
            elif op == PLUS:
                facts[id] = Fact(digest, self._reading, number if fact is None else fact.born, number)
                self._sum += self._weight(digest, id)
                self.count += fact is None
            elif fact is not None:
                facts[id] = fact._replace(reading=self._reading)
        self._known.put(facts.items())
        self._known.drop(set(ids) - facts.keys())
        self.lines += len(block)

    @staticmethod
    def _born(known: Known, lines: Lines) -> Iterator[dict[str, Fact]]:
        """What is known of each id that is held, in the order in which they first came; in blocks."""
        number = 0
        for block in lines():
            _, ops, _, ids, _ = indexed.parsed(block)
            facts = known.get(ids)
            yield {
                id: facts[id]
                for place, (op, id) in enumerate(zip(ops, ids, strict=True), number)
                if op == PLUS and id in facts and facts[id].born == place
            }
            number += len(block)

    @property
    def in_order(self) -> bool:
        """Whether every line so far is of a row that is held, each of another one."""
        return self._known is None

    def ids(self, lines: Lines) -> Iterator[bytes]:
        """The ids that are held, one JSON string a line, in the order in which they first came; in blocks."""
        if self._known is None:
            for block in lines():
                yield b"".join([line[indexed.ID :] + b"\n" for line in block])
            return
        for facts in self._born(self._known, lines):
            yield b"".join([quoted(id).encode() + b"\n" for id in facts])

    def lasting(self, entries: Entries, number: int) -> list[bool] | None:
        """Which of these lines of the index, the first of them the `number`-th, have a row that counts, of those that
        have a row; None where all have."""
        if self._known is None:
            return None
        facts = self._known.get(entries.ids)
        return [
            id in facts and facts[id].last == place
            for place, (op, id) in enumerate(zip(entries.ops, entries.ids, strict=True), number)
            if op == PLUS
        ]

    def gone(self, lines: Lines) -> Iterator[list[bytes]]:
        """Gives up the ids that the present reading, now at its end, did not meet: their lines of the index, in
        blocks."""
        if self._known is None:
            return
        for facts in self._born(self._known, lines):
            lost = {id: fact for id, fact in facts.items() if fact.reading != self._reading}
            self._sum -= sum(self._weight(fact.digest, id) for id, fact in lost.items())
            self.count -= len(lost)
            self.lines += len(lost)
            self._known.drop(lost)
            if lost:
                yield [indexed.gone(id) for id in lost]

    def lost(self) -> list[tuple[str, str]]:
        """The attachments that the present reading did not meet."""
        return [] if self.files_seen is None else [key for key in self.files if key not in self.files_seen]

    def met(self, row: str, id: str) -> bool:
        """Whether the present reading met this attachment already."""
        key = (row, id)
        return key in (self.files if self.files_seen is None else self.files_seen)

    def file(self, entry: Entry) -> bytes:
        """Takes an attachment; its index line."""
        same = self.files.get(entry.key) == entry
        self._file(entry)
        if same:
            return canonical({"op": "=", "row": entry.row, "id": entry.id}) + b"\n"
        return canonical({"op": "+", **msgspec.to_builtins(entry)}) + b"\n"

    def apply_files(self, index: Iterable[bytes]) -> None:
        """Folds the lines of an attachments file in. Raises ValueError on a line that is none."""
        for op, entry in attachment_lines(index):
            if op == "-":
                self.files.pop(entry.key, None)
                continue
            self._file(entry if op == "+" else self.files[entry.key])

    def _file(self, entry: Entry) -> None:
        self.files[entry.key] = entry
        self.contents[entry.sha256] = entry.size
        if self.files_seen is not None:
            self.files_seen.add(entry.key)

    def content(self) -> str:
        """A digest of what is held: the same rows and attachments give the same, whatever the order, the cuts or the
        times."""
        return content(self.count, self._sum, self.files.values())


def content(rows: int, weight: int, files: Collection[Entry]) -> str:
    """The content of so many rows of this weight (`index.weight` of their lines) and of these attachments."""
    sizes = sum(int(sha256(canonical(entry)), 16) for entry in files) % _MODULUS
    return sha256(canonical({"attachments": [len(files), f"{sizes:x}"], "rows": [rows, f"{weight % _MODULUS:x}"]}))


def lost_line(key: tuple[str, str]) -> bytes:
    """The line of an attachment that vanished."""
    return canonical({"op": "-", "row": key[0], "id": key[1]}) + b"\n"


def attachment_lines(index: Iterable[bytes]) -> Iterator[tuple[str, Entry]]:
    """Each line of an attachments file: what came of the attachment, and its entry (only row and id but for `+`)."""
    for line in index:
        found = json.loads(line)
        op = found.pop("op", None)
        if op not in ("+", "=", "-"):
            raise ValueError("not an attachment's line")
        if op != "+":
            found = {"row": found["row"], "id": found["id"], "name": "", "mime": "", "size": 0, "sha256": ""}
        try:
            yield op, msgspec.convert(found, Entry)
        except msgspec.ValidationError as error:
            raise ValueError("not an attachment's line") from error
