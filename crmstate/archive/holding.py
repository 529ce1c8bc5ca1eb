"""Holding: what a dataset's archive holds as of a line of its journal, folded from its index files. Memory grows with
the number of ids and attachments, never with the size of records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring_ascii as quoted

import msgspec

from crmstate.archive.marks import Entry, canonical, sha256

_MODULUS = 1 << 256
_DIGEST = 32
_ENTRIES = msgspec.json.Decoder(Entry)
"""Built while one thread is there: msgspec 0.22 crashes the interpreter where two meet a type for the first time."""


class Holding:
    """`rows`: id to the digest of its text and the number of the reading that met it last. `files`: the attachments;
    `contents`: the size of each content ever written, by its digest, that of vanished attachments too. `files_seen`:
    which the present reading met, or None where that is all that is held."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}
        self.files: dict[tuple[str, str], Entry] = {}
        self.contents: dict[str, int] = {}
        self.files_seen: set[tuple[str, str]] | None = None
        self._readings = 0
        self._mark = _marked(0)

    def begin(self) -> None:
        """A reading of the whole dataset begins."""
        self._readings += 1
        self._mark = _marked(self._readings)
        self.files_seen = set() if self.files else None

    def row(self, id: str, digest: bytes) -> bytes:
        """Takes a row; its index line, or nothing where this reading met it before, unchanged."""
        held, met = self.rows.get(id), digest + self._mark
        if held == met:
            return b""
        self.rows[id] = met
        if held is not None and held[:_DIGEST] == digest:
            return b"= " + quoted(id).encode() + b"\n"
        return b"+ " + digest.hex().encode() + b" " + quoted(id).encode() + b"\n"

    def gone(self) -> list[str]:
        """The ids that the present reading, now at its end, did not meet."""
        return [id for id, held in self.rows.items() if held[_DIGEST:] != self._mark]

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

    def apply_rows(self, index: Iterable[bytes]) -> None:
        """Folds the lines of an index file in. Raises ValueError on a line that is none, KeyError on an id that is not
        held."""
        for op, digest, id in index_lines(index):
            if op == b"-":
                del self.rows[id]
            else:
                self.rows[id] = (digest or self.rows[id][:_DIGEST]) + self._mark

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
        rows = sum(_number(_sized(id) + held[:_DIGEST]) for id, held in self.rows.items()) % _MODULUS
        files = sum(_number(canonical(entry)) for entry in self.files.values()) % _MODULUS
        return sha256(
            canonical({"attachments": [len(self.files), f"{files:x}"], "rows": [len(self.rows), f"{rows:x}"]})
        )

    def ids(self) -> bytes:
        """The ids held, one JSON string a line, in the order in which they first came."""
        lines = bytearray()
        for id in self.rows:
            lines += quoted(id).encode() + b"\n"
        return bytes(lines)


def gone_line(id: str) -> bytes:
    """The index line of an id that vanished."""
    return b"- " + quoted(id).encode() + b"\n"


def lost_line(key: tuple[str, str]) -> bytes:
    """The line of an attachment that vanished."""
    return canonical({"op": "-", "row": key[0], "id": key[1]}) + b"\n"


def index_lines(index: Iterable[bytes]) -> Iterator[tuple[bytes, bytes, str]]:
    """Each line of an index file: what came of the row, the digest of its text (empty but for `+`), its id."""
    for line in index:
        op, written = line[:1], line[:2] == b"+ "
        if op not in (b"+", b"=", b"-") or line[-1:] != b"\n":
            raise ValueError("not an index line")
        digest = bytes.fromhex(line[2:66].decode("ascii")) if written else b""
        id = json.loads(line[67:] if written else line[2:])
        if not isinstance(id, str):
            raise ValueError("not an id")
        yield op, digest, id


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


def _marked(reading: int) -> bytes:
    return reading.to_bytes(4, "big")


def _sized(id: str) -> bytes:
    text = id.encode("utf-8", "surrogatepass")
    return len(text).to_bytes(8, "big") + text


def _number(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest(), "big")
