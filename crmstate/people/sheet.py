"""Sheets that people hand in: CSV as a spreadsheet writes it, read strictly. A line that cannot be meant is named, and
nothing of the file is taken."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from crmstate.core.diagnostic import Problem, Span, problem
from crmstate.core.words import Exit

MOST = 100_000
"""Lines that a sheet may have."""
LARGEST = 20 * 1024 * 1024


def text(data: bytes, file: str) -> str:
    """The text of a file: UTF-8, or UTF-16 with its mark. Raises Problem CRM-F026 for anything else."""
    if len(data) > LARGEST:
        raise wrong(file, 1, "large", str(LARGEST // 1024 // 1024))
    try:
        found = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        raise wrong(file, 1, "not_text") from None
    if "\0" in found:
        raise wrong(file, 1, "not_text")
    return found


def rows(
    data: bytes, file: str, columns: Sequence[str], needed: Sequence[str]
) -> Iterator[tuple[Span, dict[str, str]]]:
    """Each line with its place, every column of it without blanks around; empty lines are left out. `needed`: the columns
    that must be there. A comma or, as some spreadsheets write, a semicolon parts the cells."""
    lines = text(data, file)
    head = lines.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(lines, newline=""), delimiter=";" if ";" in head and "," not in head else ",", strict=True
    )
    names: list[str] = []
    try:
        for number, cells in enumerate(reader):
            if number > MOST:
                raise wrong(file, reader.line_num, "long", str(MOST))
            if not names:
                names = _names(cells, file, columns, needed)
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(names):
                raise wrong(file, reader.line_num, "cells", str(len(names)))
            yield Span(file, reader.line_num, 1), dict(zip(names, (cell.strip() for cell in cells), strict=True))
    except csv.Error:
        raise wrong(file, reader.line_num, "quotes") from None
    if not names:
        raise wrong(file, 1, "columns", ", ".join(needed))


def _names(cells: Sequence[str], file: str, columns: Sequence[str], needed: Sequence[str]) -> list[str]:
    names = [cell.strip().casefold() for cell in cells]
    if len(set(names)) != len(names) or not set(needed) <= set(names) <= set(columns):
        raise wrong(file, 1, "columns", ", ".join(columns))
    return names


def wrong(file: str, line: int, why: str, what: str = "") -> Problem:
    """What is wrong with a file, and where. `why`: a word of the catalogue's family `sheet`."""
    return problem(Exit.USAGE, "CRM-F026", Span(file, line, 1), why=why, what=f": {what}" if what else "")
