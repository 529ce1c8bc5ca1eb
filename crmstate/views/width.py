"""How wide a text is in a terminal, and how it is shortened and filled. Chinese takes two cells a character; marks
take none."""

from __future__ import annotations

import unicodedata

MORE = "…"


def cells(text: str) -> int:
    """The terminal cells that a cleaned text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def shorten(text: str, width: int) -> str:
    """The text in at most `width` cells, with a mark where its end is missing. `width` below 1 gives nothing."""
    if cells(text) <= width:
        return text
    room = width - 1
    kept: list[str] = []
    for char in text:
        room -= _cells(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept).rstrip() + MORE if width > 0 else ""


def fill(text: str, width: int) -> str:
    """The text with spaces after it, up to `width` cells."""
    return text + " " * max(0, width - cells(text))
