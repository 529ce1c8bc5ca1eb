"""Reading: rows and ids out of a sealed dataset. Checks nothing but that the frames are whole; `verify` does."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import overload

import msgspec

from crmstate.archive import index, pack
from crmstate.archive.holding import Holding
from crmstate.archive.layout import INDEX_END, ROWS_END, Place, bare
from crmstate.archive.marks import FileMark
from crmstate.archive.seal import Seal
from crmstate.core.diagnostic import problem
from crmstate.core.provider import Row
from crmstate.core.words import Exit

_PART = 4096
"""Ids of a list that are checked at a time."""


def lines(place: Place, file: str) -> Iterator[bytes]:
    """The lines of a packed file, without their line breaks. Raises Problem: CRM-A001 where it is missing, CRM-A002
    where it is not one whole frame."""
    for block in blocks(place, file):
        yield from block


def blocks(place: Place, file: str) -> Iterator[list[bytes]]:
    """The same, in blocks of about a hundred kibibytes."""
    try:
        yield from pack.blocks(place.wrap.off(file, place.store.pieces(file)))
    except FileNotFoundError as error:
        raise problem(Exit.ERROR, "CRM-A001", file=file) from error
    except ValueError as error:
        raise problem(Exit.ERROR, "CRM-A002", file=file) from error


def indexes(place: Place, seal: Seal, most: int | None = None) -> Iterator[list[bytes]]:
    """The lines of the index of a dataset, in blocks: all, or so many."""
    left = sys.maxsize if most is None else most
    for name in index_files(seal):
        for block in blocks(place, name):
            if left <= 0:
                return
            yield block[:left]
            left -= len(block)


def index_files(seal: Seal) -> list[str]:
    """The files of the index, in their order."""
    return sorted(each.file for each in seal.files if bare(each.file).endswith(INDEX_END))


class Ids(Sequence[str]):
    """The ids of a sealed dataset, in the order in which they first came, read as they are asked for: quick where they
    are asked for in their order. The list of ids is checked against the seal as it is opened, and each part of it
    again when it is read. Raises Problem CRM-A001 or CRM-A002."""

    def __init__(self, place: Place, seal: Seal) -> None:
        self._place = place
        self._file: FileMark = seal.ids
        self._known: list[bytes] = []
        self._length = 0
        found = place.store.measure(seal.ids.file)
        if found is None:
            raise problem(Exit.ERROR, "CRM-A001", file=seal.ids.file)
        if found != (seal.ids.bytes, seal.ids.sha256):
            raise problem(Exit.ERROR, "CRM-A002", file=seal.ids.file)
        for block in _even(blocks(place, seal.ids.file)):
            self._known.append(_digest(block))
            self._length += len(block)
        self._parts = self._read()
        self._from, self._block = 0, list[str]()

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        for block in self._read():
            yield from block

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(self._length))]
        number = place + self._length if place < 0 else place
        if not 0 <= number < self._length:
            raise IndexError(place)
        if number < self._from:
            self._parts, self._from, self._block = self._read(), 0, []
        while number >= self._from + len(self._block):
            self._from += len(self._block)
            self._block = next(self._parts)
        return self._block[number - self._from]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(str.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment]

    def _read(self) -> Iterator[list[str]]:
        number = 0
        for block in _even(blocks(self._place, self._file.file)):
            if number >= len(self._known) or _digest(block) != self._known[number]:
                raise problem(Exit.ERROR, "CRM-A002", file=self._file.file)
            number += 1
            yield _ids(block)
        if number != len(self._known):
            raise problem(Exit.ERROR, "CRM-A002", file=self._file.file)


def _even(blocks: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
    """The same lines in blocks that are cut alike each time: where a wrap hands out its pieces is a matter of chance."""
    held: list[bytes] = []
    for block in blocks:
        held += block
        while len(held) >= _PART:
            yield held[:_PART]
            del held[:_PART]
    if held:
        yield held


def _digest(block: list[bytes]) -> bytes:
    return hashlib.sha256(b"".join(block)).digest()


def _ids(block: list[bytes]) -> list[str]:
    try:
        return msgspec.json.decode(b"[" + b",".join(block) + b"]", type=list[str])
    except msgspec.DecodeError:
        return [json.loads(line) for line in block]


class Pull:
    """Lines out of blocks, as many at a time as are asked for."""

    def __init__(self, blocks: Iterator[list[bytes]]) -> None:
        self._blocks = blocks
        self._held: list[bytes] = []
        self._at = 0

    def some(self, most: int) -> list[bytes]:
        """The next lines, at most so many of them; none at the end."""
        if self._at == len(self._held):
            self._held, self._at = next(self._blocks, []), 0
        found = self._held[self._at : self._at + most]
        self._at += len(found)
        return found


def rows(place: Place, sealed: Seal) -> Iterator[Row]:
    """The rows that count: of an id written several times the last, and none of an id that vanished. In the order of
    the segments."""
    for ids, raws in pages(place, sealed):
        yield from map(Row, ids, raws)


def pages(place: Place, sealed: Seal) -> Iterator[tuple[list[str], list[bytes]]]:
    """The same in blocks: the ids and the texts."""
    holding = Holding(weighs=False)
    if not _all_last(sealed):
        for block in indexes(place, sealed):
            holding.fold(index.parsed(block), lambda: indexes(place, sealed, holding.lines))
    number = 0
    for name, jsonl in _segments(sealed):
        found = Pull(blocks(place, jsonl) if jsonl is not None else iter(()))
        for block in blocks(place, name):
            entries = index.parsed(block)
            yield from _beside(found, entries.written()[1], holding.lasting(entries, number))
            number += len(block)


def texts(place: Place, sealed: Seal) -> Iterator[list[bytes]]:
    """The texts alone, in blocks."""
    if not _all_last(sealed):
        yield from (raws for _, raws in pages(place, sealed))
        return
    for _, jsonl in _segments(sealed):
        if jsonl is not None:
            yield from blocks(place, jsonl)


def _segments(sealed: Seal) -> Iterator[tuple[str, str | None]]:
    """The index of each segment, and the file of its rows where it has any."""
    stored = {bare(each.file): each.file for each in sealed.files}
    for name in index_files(sealed):
        yield name, stored.get(bare(name).removesuffix(INDEX_END) + ROWS_END)


def _all_last(sealed: Seal) -> bool:
    """Whether every row that was ever written counts: each that is held has been written at least once, and where no more
    were written than are held, none was replaced and none vanished."""
    return sealed.last.lines == sealed.last.rows


def _beside(texts: Pull, ids: list[str], lasting: list[bool] | None) -> Iterator[tuple[list[str], list[bytes]]]:
    """Rows that were written, with their texts; those that last."""
    start = 0
    while start < len(ids):
        some = texts.some(len(ids) - start) or [b""] * (len(ids) - start)
        end = start + len(some)
        if lasting is None:
            yield ids[start:end], some
        elif any(lasting[start:end]):
            yield list(compress(ids[start:end], lasting[start:end])), list(compress(some, lasting[start:end]))
        start = end
