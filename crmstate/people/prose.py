"""Prose: other people's text made fit for a letter, and a letter's Markdown as plain text.

A letter is written once, in Markdown: values are escaped, so that only the template makes marks. What goes on paper or into
a mail is the same without the marks.
"""

from __future__ import annotations

import re
import textwrap

WIDTH = 78
_MARKS = re.compile(r"[\\`*_\[\]<>|~]|(?<=:)(?=//)|&(?=[#\w])")
_BEGINS = re.compile(r"^(#{1,6}(?=\s|$)|[-+=](?=\s|$|[-+=])|(?<!\d)\d{1,9}(?=[.)](\s|$)))")
_INLINE = re.compile(r"\\([!-/:-@\[-`{-~])|\*\*")
_ITEM = re.compile(r"^(\s*)([-*]|\d+\.) +")
_HARD = re.compile(r"(?<!\\)(?:\\\\)*\\$")


def escaped(text: str) -> str:
    """One line of other people's text as Markdown that shows it as it is."""
    shown = _MARKS.sub(lambda hit: "\\" + hit[0], text.strip())
    shown = shown.replace(":\\//", "\\://")
    begins = _BEGINS.match(shown)
    if begins is None:
        return shown
    return f"{begins[0]}\\{shown[begins.end() :]}" if begins[0].isdigit() else "\\" + shown


def tidy(markdown: str) -> str:
    """No blanks at the ends of lines, no empty hard breaks, never two empty lines together."""
    lines = [line.rstrip() for line in markdown.strip().splitlines()]
    kept = ["" if line == "\\" else line for line in lines]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)) + "\n"


def plain(markdown: str, lang: str) -> str:
    """A letter without the marks. English is wrapped at 78 characters; Chinese paragraphs stay whole."""
    out: list[str] = []
    for block in markdown.strip().split("\n\n"):
        out += ["", *_lines(block, lang)] if out else _lines(block, lang)
    return "\n".join(out) + "\n"


def _lines(block: str, lang: str) -> list[str]:
    rows: list[str] = []
    for line in _joined(block):
        mark = _ITEM.match(line)
        head = mark[0] if mark else ""
        text = _bare(line[len(head) :])
        if lang == "zh-CN" or not text:
            rows.append(head + text)
        else:
            rows += textwrap.wrap(
                head + text, WIDTH, subsequent_indent=" " * len(head), break_long_words=False, break_on_hyphens=False
            )
    return rows


def _joined(block: str) -> list[str]:
    """The lines of a block as they are broken: by a hard break, or where an item begins."""
    rows: list[str] = []
    open = False
    for line in block.splitlines():
        hard = _HARD.search(line) is not None
        text = line[:-1] if hard else line
        if open and not _ITEM.match(line):
            rows[-1] += " " + text.strip()
        else:
            rows.append(text)
        open = not hard
    return rows


def _bare(text: str) -> str:
    """Text without marks of Markdown: `**`, `# ` and the escapes."""
    return _INLINE.sub(lambda hit: hit[1] or "", re.sub(r"^#{1,6} +", "", text))


def subject(markdown: str) -> str:
    """A subject as one line without marks."""
    return " ".join(_bare(" ".join(markdown.split())).split())


def drafted(markdown: str, heading: str, rows: list[str]) -> str:
    """A letter with a block before it that says what it lacks. Heading and rows are Markdown."""
    return "\n".join([f"**{heading}**", "", *(f"- {row}" for row in rows), "", "---", "", markdown])
