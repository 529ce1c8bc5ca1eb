"""Rows and columns: one table as text in columns, or as Markdown. Cells come ready to be shown; nothing is escaped
here."""

from __future__ import annotations

from collections.abc import Sequence

from crmstate.views.width import cells, fill

Rows = Sequence[Sequence[str]]


def columns(head: Sequence[str], rows: Rows, indent: str = "") -> list[str]:
    """Lines of text; the last column is not filled up. No rows: no lines, not even the head."""
    if not rows:
        return []
    every = [head, *rows] if any(head) else list(rows)
    broad = [max(cells(row[place]) for row in every) for place in range(len(head))]
    lines = []
    for row in every:
        filled = [fill(cell, broad[place]) for place, cell in enumerate(row)]
        lines.append((indent + "  ".join(filled)).rstrip())
    return lines


def markdown(head: Sequence[str], rows: Rows) -> list[str]:
    """Lines of a Markdown table. No rows: no lines."""
    if not rows:
        return []
    line = "| {} |".format
    return [
        line(" | ".join(head)),
        line(" | ".join("---" for _ in head)),
        *(line(" | ".join(cell or " " for cell in row)) for row in rows),
    ]
