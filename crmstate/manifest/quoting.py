"""Quoting: how a value is written so that it is read back as the same text: without quotes where that is safe for every
reader of YAML, old and new."""

from __future__ import annotations

import re

from crmstate.manifest.layout import Leaf

_SAFE = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=<~][^\t\n]*", re.S)
_DASHED = re.compile(r"-[^\s\-.0-9][^\t\n]*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?", re.ASCII)
_NUMBER = re.compile(r"[-+.]?[0-9][0-9_,.:+\-eExXobA-Fa-f]*|[-+]?\.(inf|nan)", re.I | re.ASCII)
_WORDS = frozenset({"", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def quoted(leaf: Leaf, key: bool = False) -> str:
    """A value, or a key, on one line."""
    text = leaf.text
    if leaf.style == "" and "\n" not in text:
        return text
    if not key and leaf.style != "" and _bare(text):
        return text
    if key and _bare(text) and ": " not in text:
        return text
    if ('"' in text or "\\" in text) and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(letter) for letter in text) + '"'


def block(leaf: Leaf) -> tuple[str, list[str]] | None:
    """The head and the lines of a text of several lines, as they were written; None where it is to stand on one."""
    if leaf.body is None or leaf.style not in ("|", ">") or not leaf.text.strip():
        return None
    return leaf.style + leaf.chomp, leaf.body


def _bare(text: str) -> bool:
    """Whether a text is read as this very text without quotes, wherever it stands in block style."""
    if text.casefold() in _WORDS or (_NUMBER.fullmatch(text) and not _DATE.fullmatch(text)):
        return False
    if not (_SAFE.fullmatch(text) or _DASHED.fullmatch(text)) or not text.isprintable():
        return False
    return text == text.strip() and ": " not in text and " #" not in text and not text.endswith(":") and text != "..."


def _escaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
