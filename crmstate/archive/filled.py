"""Filled: in how many records of a sealed dataset something stands in a field. For comparing with another system, where a
missing value shows only in a count."""

from __future__ import annotations

from collections.abc import Sequence

from crmstate.archive import reading
from crmstate.archive.fields import fields
from crmstate.archive.layout import Place
from crmstate.archive.seal import Seal

_NOTHING = frozenset({b"null", b'""', b"[]", b"{}"})
_KNOWN = 10_000
"""Fields that are remembered, for saying which there are."""


def filled(place: Place, seal: Seal, names: Sequence[str]) -> dict[str, int]:
    """By field: how many records have something else there than null, an empty text, list or object. A field of an object
    within a record is named as `fields.Name`. Every field of `names` that any record has is in it, and others beside."""
    found: dict[str, int] = {}
    wanted = set(names)
    for row in reading.rows(place, seal):
        for name, value in _all(fields(row.raw) or {}):
            if name in found or name in wanted or len(found) < _KNOWN:
                found[name] = found.get(name, 0) + (value.strip() not in _NOTHING)
    return found


def _all(record: dict[str, bytes]) -> list[tuple[str, bytes]]:
    """The fields of a record, and those of the objects in it."""
    each = list(record.items())
    for name, value in record.items():
        if value.lstrip().startswith(b"{"):
            each += [(f"{name}.{inner}", part) for inner, part in (fields(value) or {}).items()]
    return each
