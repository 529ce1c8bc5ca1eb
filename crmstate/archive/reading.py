"""Reading: rows and ids out of a sealed dataset. Checks nothing; `verify` does."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO

import msgspec

from crmstate.archive import disk
from crmstate.archive.holding import index_lines
from crmstate.archive.layout import Place
from crmstate.archive.seal import Seal
from crmstate.core.provider import Row


def ids(data: bytes) -> list[str]:
    """The ids in a list of ids."""
    try:
        return msgspec.json.decode(b"[" + b",".join(data.splitlines()) + b"]", type=list[str])
    except msgspec.DecodeError:
        return [json.loads(line) for line in data.splitlines()]


def rows(place: Place, sealed: Seal) -> Iterator[Row]:
    """The rows that count: of an id written several times the last, and none of an id that vanished. In the order of
    the segments."""
    names = sorted(each.file for each in sealed.files if each.file.endswith(".index"))
    stored = {each.file for each in sealed.files}
    last: dict[str, int] = {}
    number = 0
    for name in names:
        for op, _, id in _index(place, name):
            number += 1
            if op != b"=":
                last[id] = number if op == b"+" else 0
    number = 0
    for name in names:
        jsonl = name.removesuffix("index") + "jsonl"
        with ExitStack() as stack:
            stream = stack.enter_context(_stream(place, jsonl)) if jsonl in stored else None
            for op, _, id in _index(place, name):
                number += 1
                raw = stream.readline()[:-1] if stream and op == b"+" else b""
                if op == b"+" and last[id] == number:
                    yield Row(id, raw)


def _index(place: Place, name: str) -> Iterator[tuple[bytes, bytes, str]]:
    with _stream(place, name) as stream:
        yield from index_lines(stream)


def _stream(place: Place, name: str) -> IO[bytes]:
    return os.fdopen(disk.opened(place.root / name), "rb")
