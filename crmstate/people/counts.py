"""What the new system holds, as a person counted it there: records by dataset, and records by field in which something
stands."""

from __future__ import annotations

import msgspec

from crmstate.core.diagnostic import Span
from crmstate.people import sheet

COLUMNS = ("dataset", "field", "count")


class Counted(msgspec.Struct, frozen=True):
    """One line. `field` empty: the records of the dataset."""

    dataset: str
    field: str
    count: int
    span: Span


def read(data: bytes, file: str) -> dict[str, dict[str, Counted]]:
    """Every count by dataset and field; the records of a dataset stand under the empty field. Raises Problem CRM-F026 for a
    line that is said twice, a number that is none, and fields of a dataset whose records nobody counted."""
    found: dict[str, dict[str, Counted]] = {}
    for span, row in sheet.rows(data, file, COLUMNS, ("dataset", "count")):
        name, field, count = row["dataset"], row.get("field", ""), row["count"]
        if not name:
            raise sheet.wrong(file, span.line, "empty", "dataset")
        if not (count.isascii() and count.isdigit() and len(count) <= 12):
            raise sheet.wrong(file, span.line, "count", count[:40] or "-")
        mine = found.setdefault(name, {})
        if field in mine:
            raise sheet.wrong(file, span.line, "twice", f"{name} {field}".strip()[:80])
        mine[field] = Counted(name, field, int(count), span)
    for mine in found.values():
        if "" not in mine:
            first = next(iter(mine.values()))
            raise sheet.wrong(file, first.span.line, "uncounted", first.dataset[:80])
    if not found:
        raise sheet.wrong(file, 1, "nothing")
    return found
