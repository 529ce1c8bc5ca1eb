"""Beside: the rows of a segment beside the lines of its index: each has the digest that its line says, is JSON, and bears the
id of its line."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from crmstate.archive import index, reading
from crmstate.archive.layout import Place
from crmstate.archive.marks import BUILDING
from crmstate.archive.wrong import Read, Wrong


class Rows:
    """Looks at each row beside its line of the index: its digest, that it is JSON, and that it bears its id. Many rows
    are looked at at once, and one by one where something is wrong with them."""

    def __init__(self, place: Place, wrong: Wrong, read: Read) -> None:
        self._place = place
        self._wrong = wrong
        self._read = read
        self._field: str | None = None
        self._known = False
        self._texts = True
        self._bearing: msgspec.json.Decoder[Any] | None = None

    def beside(self, jsonl: str, number: int, entries: index.Entries, texts: reading.Pull) -> int:
        """Looks at the rows of these lines of the index, which follow the `number`-th; the number of the last."""
        digests, ids = entries.written()
        start = 0
        while start < len(ids):
            found = texts.some(len(ids) - start) or [b""] * (len(ids) - start)
            end = start + len(found)
            self._some(jsonl, number + start, digests[start:end], ids[start:end], found)
            start = end
        return number + len(ids)

    def _some(self, file: str, number: int, digests: list[bytes], ids: list[str], rows: list[bytes]) -> None:
        if self._alike(digests, ids, rows):
            self._read.rows += len(rows)
            return
        for place, (digest, id, row) in enumerate(zip(digests, ids, rows, strict=True), number + 1):
            self._row(file, place, digest, id, row)

    def _alike(self, digests: list[bytes], ids: list[str], raws: list[bytes]) -> bool:
        """Whether nothing is wrong with any of them, as far as one look tells."""
        if self._bearing is None:
            return False
        sha256 = hashlib.sha256
        if [sha256(raw).digest() for raw in raws] != digests:
            return False
        try:
            found = [each.id for each in self._bearing.decode(b"[" + b",".join(raws) + b"]")]
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        return (found if self._texts else list(map(str, found))) == ids

    def _row(self, file: str, number: int, digest: bytes, id: str, raw: bytes) -> None:
        """One row."""
        self._read.rows += 1
        if hashlib.sha256(raw).digest() != digest:
            self._wrong.add("CRM-A005", file=file, line=number)
            return
        try:
            self._bears(parsed(raw), id)
        except (ValueError, RecursionError):
            self._wrong.add("CRM-A010", file=file, line=number)
        except LookupError:
            self._wrong.add("CRM-A011", file=file, line=number)

    def _bears(self, value: object, id: str) -> None:
        """Finds the field that bears the id in the first row, and expects it in every other. Raises LookupError."""
        if not self._known:
            self._known, self._field = True, _id_field(value, id)
            self._texts = isinstance(value, dict) and isinstance(value.get(self._field), str)
            self._bearing = _bearing(self._field, str if self._texts else int)
        if self._field is not None and (not isinstance(value, dict) or _text(value.get(self._field)) != id):
            raise LookupError(self._field)


def _bearing(field: str | None, kind: type) -> msgspec.json.Decoder[Any] | None:
    """A decoder of many rows that reads nothing but the id of each; None where no field bears it."""
    if field is None:
        return None
    with BUILDING:
        row = msgspec.defstruct("Row", [("id", kind)], rename={"id": field}, gc=False)
        return msgspec.json.Decoder(list[row])  # type: ignore[valid-type]


def parsed(raw: bytes) -> object:
    """A row's JSON. Raises ValueError where it is none; numbers too large for the fast reader are kept as text."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, ValueError):
        return json.loads(raw, parse_int=str, parse_float=str)


def _id_field(value: object, id: str) -> str | None:
    if not isinstance(value, dict):
        return None
    fields = sorted((key for key in value if _text(value[key]) == id), key=lambda key: (key not in ("id", "_id"), key))
    return fields[0] if fields else None


def _text(value: object) -> str | None:
    return None if value is None or isinstance(value, bool | float | dict | list) else str(value)
