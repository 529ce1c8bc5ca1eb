"""Reading: rows and ids out of a sealed dataset. Checks nothing but that the frames are whole; `verify` does."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from crmstate.archive import pack
from crmstate.archive.holding import index_lines
from crmstate.archive.layout import INDEX_END, ROWS_END, Place, bare
from crmstate.archive.seal import Seal
from crmstate.core.diagnostic import problem
from crmstate.core.provider import Row
from crmstate.core.words import Exit


def lines(place: Place, file: str) -> Iterator[bytes]:
    """The lines of a packed file, each with its line break. Raises Problem: CRM-A001 where it is missing, CRM-A002
    where it is not one whole frame."""
    try:
        yield from pack.lines(place.wrap.off(file, place.store.pieces(file)))
    except FileNotFoundError as error:
        raise problem(Exit.ERROR, "CRM-A001", file=file) from error
    except ValueError as error:
        raise problem(Exit.ERROR, "CRM-A002", file=file) from error


def ids(data: bytes) -> list[str]:
    """The ids in a list of ids."""
    try:
        return msgspec.json.decode(b"[" + b",".join(data.splitlines()) + b"]", type=list[str])
    except msgspec.DecodeError:
        return [json.loads(line) for line in data.splitlines()]


def rows(place: Place, sealed: Seal) -> Iterator[Row]:
    """The rows that count: of an id written several times the last, and none of an id that vanished. In the order of
    the segments."""
    stored = {bare(each.file): each.file for each in sealed.files}
    names = sorted(name for name in stored if name.endswith(INDEX_END))
    last: dict[str, int] = {}
    number = 0
    for name in names:
        for op, _, id in index_lines(lines(place, stored[name])):
            number += 1
            if op != b"=":
                last[id] = number if op == b"+" else 0
    number = 0
    for name in names:
        jsonl = name.removesuffix(INDEX_END) + ROWS_END
        texts = lines(place, stored[jsonl]) if jsonl in stored else iter(())
        for op, _, id in index_lines(lines(place, stored[name])):
            number += 1
            if op == b"+":
                raw = next(texts, b"\n")[:-1]
                if last[id] == number:
                    yield Row(id, raw)
