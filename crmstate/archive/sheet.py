"""Sheet: a dataset as CSV (RFC 4180), one row a record, one column a field; as it is, or safe to open in a spreadsheet.
It is derived from the rows and can be turned back into them: the description beside it says how.

A cell is the text of a value that is a string, and the JSON of any other, with five exceptions, so that nothing is
taken for something else:
    (empty)   null
    \\A        the record has no such field
    \\E        an empty string
    \\J...     JSON, in a column that has strings as well
    \\\\...     a string that begins with a backslash
In the spreadsheet form a cell that a spreadsheet could take for a formula, or that begins with an apostrophe, gets an
apostrophe before it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from crmstate.archive.fields import fields
from crmstate.archive.layout import Place
from crmstate.archive.reading import rows
from crmstate.archive.seal import Seal

FORMAT = "crmstate csv 1"
WHOLE = "$row"
"""The column of records that are no objects: their whole JSON."""
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_CELLS = {
    "": "null",
    "\\A": "the record has no such field",
    "\\E": "an empty string",
    "\\J...": "the JSON of a value that is no string, in a column of kind text",
    "\\\\...": "a string that begins with a backslash, which is written twice",
    "...": "in a column of kind text a string as it is; in one of kind json the JSON of the value",
}


def write(place: Place, seal: Seal, folder: Path, *, spreadsheet: bool) -> int:
    """Writes `<slug>.csv` and `<slug>.csv.json`, which says how to turn it back; the number of rows."""
    columns = _columns(place, seal)
    target = folder / f"{seal.slug}.csv"
    number = 0
    with target.open("x", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n")
        guard = _guarded if spreadsheet else str
        writer.writerow([guard(name) for name in columns])
        for row in rows(place, seal):
            fields = _fields(row.raw)
            writer.writerow([guard(_cell(fields.get(name), kind)) for name, kind in columns.items()])
            number += 1
    said = {
        "format": FORMAT, "dataset": seal.dataset.id, "content": seal.last.content, "rows": number,
        "columns": [{"name": name, "kind": kind} for name, kind in columns.items()], "cells": _CELLS,
        "spreadsheet": spreadsheet,
        "apostrophe": "an apostrophe at the start of a cell or a column's name is not part of it" if spreadsheet else "",
    }  # fmt: skip
    text = json.dumps(said, ensure_ascii=True, indent=1) + "\n"
    target.with_name(target.name + ".json").write_text(text, encoding="ascii")
    return number


def read(path: Path) -> Iterator[dict[str, bytes]]:
    """The records of a CSV that `write` made: each field's JSON, spelt as the vendor did, but for the escapes within
    strings."""
    said = json.loads(path.with_name(path.name + ".json").read_text(encoding="ascii"))
    kinds = {each["name"]: each["kind"] for each in said["columns"]}
    with path.open(encoding="utf-8", newline="") as stream:
        lines = csv.reader(stream, strict=True)
        next(lines)
        for cells in lines:
            plain = [cell[1:] if said["spreadsheet"] and cell[:1] == "'" else cell for cell in cells]
            found = {name: _value(cell, kinds[name]) for name, cell in zip(kinds, plain, strict=True)}
            yield {name: value for name, value in found.items() if value is not None}


def _columns(place: Place, seal: Seal) -> dict[str, str]:
    """Every field in the order in which it first comes; text where one of its values is a string."""
    kinds: dict[str, str] = {}
    for row in rows(place, seal):
        for name, value in _fields(row.raw).items():
            if value[:1] == b'"' and _string(value) is not None:
                kinds[name] = "text"
            else:
                kinds.setdefault(name, "json")
    return kinds or {WHOLE: "json"}


def _fields(raw: bytes) -> Mapping[str, bytes]:
    found = fields(raw)
    if found is None or not all(name.isascii() or _proper(name) for name in found):
        return {WHOLE: raw}
    return found


def _proper(text: str) -> bool:
    """Whether it is proper Unicode, which a file of text can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _string(raw: bytes) -> str | None:
    """The string that a JSON text is; None where it is no proper Unicode."""
    try:
        found: str = msgspec.json.decode(raw, type=str)
        found.encode()
    except (msgspec.DecodeError, UnicodeError):
        return None
    return found


def _cell(raw: bytes | None, kind: str) -> str:
    if raw is None:
        return "\\A"
    if raw == b"null":
        return ""
    text = _string(raw) if raw[:1] == b'"' else None
    if text is None:
        return ("\\J" if kind == "text" else "") + raw.decode()
    if not text:
        return "\\E"
    return "\\" + text if text[0] == "\\" else text


def _value(cell: str, kind: str) -> bytes | None:
    if cell == "\\A":
        return None
    if cell == "":
        return b"null"
    if cell == "\\E":
        return b'""'
    if cell[:2] == "\\J":
        return cell[2:].encode()
    if kind == "json":
        return cell.encode()
    return msgspec.json.encode(cell[1:] if cell[:2] == "\\\\" else cell)


def _guarded(cell: str) -> str:
    return "'" + cell if cell.startswith(_RISKY) or cell.lstrip(" \u00a0").startswith(_RISKY) else cell
