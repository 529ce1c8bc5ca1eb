"""Index: the lines that say what came of each row, in the order in which rows were met. Blocks of many lines are made
and read at once: an archive has a line for every row.

`+ <sha256 of the row's text> <id>` it is written beside, `= <id>` met again unchanged, `- <id>` not at the vendor any
more. The id is a JSON string in ASCII.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from itertools import compress
from json.encoder import encode_basestring_ascii as quoted
from typing import NamedTuple

import msgspec

PLUS, EQUAL, MINUS = b"+=-"
DIGEST = 32
ID = 67
"""Where the id begins in the line of a row that is written."""
_TEXTS = msgspec.json.Decoder(list[str])
"""Built while one thread is there: msgspec 0.22 crashes the interpreter where two meet a type for the first time."""


def written(digests: Sequence[bytes], ids: Sequence[str]) -> list[bytes]:
    """The lines of rows that are written."""
    all = "".join(ids)
    if all.isascii() and all.isprintable() and '"' not in all and "\\" not in all:
        texts: Iterable[str] = [f'"{id}"' for id in ids]
    else:
        texts = map(quoted, ids)
    hexes = b"".join(digests).hex("\n", DIGEST).split("\n") if ids else []
    lines = "\n".join([f"+ {digest} {id}" for digest, id in zip(hexes, texts, strict=True)])
    return lines.encode().split(b"\n") if lines else []


def met(id: str) -> bytes:
    """The line of a row that was met again, unchanged."""
    return b"= " + quoted(id).encode()


def gone(id: str) -> bytes:
    """The line of an id that vanished."""
    return b"- " + quoted(id).encode()


def joined(lines: Iterable[bytes]) -> bytes:
    """Lines with their line breaks."""
    return b"\n".join((*lines, b""))


def weight(lines: Iterable[bytes]) -> int:
    """What written rows add to the content's sum: the SHA-256 of each line."""
    sha256 = hashlib.sha256
    return sum(map(int.from_bytes, [sha256(line).digest() for line in lines]))


class Entries(NamedTuple):
    """Lines of an index, read: what came of the row of each, the digest of its text (empty but for `+`), its id, and the id
    as it is spelt."""

    lines: list[bytes]
    ops: bytes
    digests: list[bytes]
    ids: list[str]
    texts: list[bytes]

    @property
    def plain(self) -> bool:
        """Whether all of them are of rows that are written."""
        return not self.ops.strip(b"+")

    def written(self) -> tuple[list[bytes], list[str]]:
        """The digests and the ids of the rows that are written."""
        if self.plain:
            return self.digests, self.ids
        chosen = [op == PLUS for op in self.ops]
        return list(compress(self.digests, chosen)), list(compress(self.ids, chosen))


def parsed(lines: list[bytes]) -> Entries:
    """Reads lines. Raises ValueError where one is no line of an index."""
    heads = b"".join([line[:ID] for line in lines])
    if len(heads) == ID * len(lines) and not heads[::ID].strip(b"+"):
        texts = [line[ID:] for line in lines]
        return Entries(lines, heads[::ID], _digests(heads, len(lines)), _ids(texts), texts)
    ops = b"".join([line[:1] for line in lines])
    if len(ops) != len(lines):
        raise ValueError("not an index line")
    starts = [line[: ID if line[:1] == b"+" else 2] for line in lines]
    texts = [line[len(start) :] for line, start in zip(lines, starts, strict=True)]
    digests = [_digests(start, 1)[0] if len(start) > 2 else _none(start) for start in starts]
    return Entries(lines, ops, digests, _ids(texts), texts)


def _digests(heads: bytes, number: int) -> list[bytes]:
    """The digests in so many beginnings of lines, one after the other. What is neither a digit nor in its place makes them
    shorter than they have to be."""
    if len(heads) != ID * number or heads[1::ID] + heads[ID - 1 :: ID] != b" " * (2 * number):
        raise ValueError("not an index line")
    found = bytes.fromhex(heads.replace(b"+", b" ").decode("ascii"))
    if len(found) != DIGEST * number:
        raise ValueError("not a digest")
    return [found[place : place + DIGEST] for place in range(0, len(found), DIGEST)]


def _none(head: bytes) -> bytes:
    if head not in (b"= ", b"- "):
        raise ValueError("not an index line")
    return b""


def _ids(texts: Sequence[bytes]) -> list[str]:
    try:
        found = _TEXTS.decode(b"[" + b",".join(texts) + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = [json.loads(text) for text in texts]  # half of a surrogate pair
        if not all(type(id) is str for id in found):
            raise ValueError("not an id") from None
    if len(found) != len(texts):
        raise ValueError("not an id")
    return found
