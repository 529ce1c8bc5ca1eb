"""Colours of a terminal, by the codes that every one knows. Without colour the text is the same, letter by letter."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Ink = Callable[[str, str], str]

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def ink(color: bool) -> Ink:
    """A function that paints a text in a colour, or leaves it alone."""
    return _paint if color else _leave


def _paint(color: str, text: str) -> str:
    return f"\x1b[{_CODES[color]}m{text}\x1b[0m" if text else text


def _leave(color: str, text: str) -> str:
    return text


def colorful(environ: Mapping[str, str], tty: bool, wanted: bool = True) -> bool:
    """Whether to paint: only on a terminal, never with NO_COLOR, TERM=dumb or where it was declined."""
    return wanted and tty and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
