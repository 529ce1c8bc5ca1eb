"""Hostile text made harmless. Vendor data and manifests are written by others: every piece of them passes here before
it is shown.

A name may hold terminal escapes, bidirectional controls, invisible letters, Markdown, HTML or mentions. Nothing is
refused; what cannot be shown safely is shown as `�`, so that a reader sees that something was there.
"""

from __future__ import annotations

import html as _html
import re
import unicodedata
from collections.abc import Callable

Escape = Callable[[str], str]

BAD = "�"
LONGEST = 20_000
MARKS = 3
_BLANK = frozenset({"Zl", "Zp", "Zs"})
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
_SPACES = frozenset("\t\n\r\v\f\x85")
_MARKUP = re.compile(r"(\\*)(\[[a-zA-Z/@#])")
_TICKS = re.compile(r"`+")


def terminal(text: str) -> str:
    """One line without control, bidirectional, invisible or line-breaking characters. Longer than 20 000 characters:
    cut."""
    if text.isascii() and text.isprintable():
        return text[:LONGEST]
    kept: list[str] = []
    marks = 0
    for char in text[:LONGEST]:
        shown = _shown(char)
        marks = marks + 1 if shown and unicodedata.category(char) in ("Mn", "Me") else 0
        if marks <= MARKS:
            kept.append(shown)
    return "".join(kept)


def _shown(char: str) -> str:
    if " " <= char <= "~":
        return char
    if char in _SPACES:
        return " "
    if char in _JOINERS:
        return ""
    category = unicodedata.category(char)
    if category in _BLANK:
        return " "
    return BAD if category in _UNSEEN or char in _INVISIBLE_LETTERS else char


def rich_markup(text: str) -> str:
    """Terminal text that may stand inside rich's console markup: `[red]` stays five letters in brackets."""
    return _MARKUP.sub(lambda hit: hit[1] * 2 + "\\" + hit[2], terminal(text))


def markdown(text: str) -> str:
    """The text as a code span: in it no host makes links, images, mentions, references, emphasis or HTML out of
    anything."""
    line = " ".join(terminal(text).split())
    if not line:
        return ""
    fence = "`" * (max((len(run) for run in _TICKS.findall(line)), default=0) + 1)
    edge = " " if "`" in (line[0], line[-1]) else ""
    return f"{fence}{edge}{line}{edge}{fence}"


def cell(text: str) -> str:
    """A code span that may stand in a Markdown table: bars, which would end the cell even there, become broken bars."""
    return markdown(text.replace("|", "¦"))


def page(text: str) -> str:
    """The text for a page, whose template escapes it."""
    return terminal(text)


def html(text: str) -> str:
    """The text for HTML, in elements and in quoted attributes."""
    return _html.escape(terminal(text), quote=True)
