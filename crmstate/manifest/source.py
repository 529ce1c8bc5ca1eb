"""Source: a file's bytes -> Tree. A small, safe part of YAML (and so all of JSON); everything else is refused.

Refused: more than 5 MB, bytes that are not UTF-8, tabs as indentation, control and direction-changing characters, tags,
directives, several documents, duplicate keys, deep nesting, aliases that multiply, anything that looks like a secret.
Nothing is ever constructed: a tree of text only.
"""

from __future__ import annotations

import re
import stat
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path as FilePath
from typing import Any

from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic
from crmstate.core.secret import MASK
from crmstate.core.words import Exit
from crmstate.manifest import codes
from crmstate.manifest.compose import Composer, Refused
from crmstate.manifest.leak import find, mask, stands_for_itself
from crmstate.manifest.tree import Listing, Mapping, Node, Place, Scalar, Tree, span_of

LARGEST = 5 * 1024 * 1024
_MOST = 50
_KINDS = frozenset({"env", "file", "keyring", "command"})
_NEWLINE = re.compile(r"\r\n|\n|\r")
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_TAB = re.compile(r" *\t")
_FULL_WIDTH = re.compile(r"(?:^ *(?:- +)?|[{,｛，] *)[A-Za-z_]+ *(：)|([｛｝［］])")


def read(path: FilePath) -> Tree:
    """The tree of a file. Raises Problem (exit 65) with everything that the text alone has wrong."""
    return parse(contents(path), str(path))


def parse(raw: bytes, file: str) -> Tree:
    """The tree of some bytes; `file` is how places name them. Raises Problem (exit 65) with everything that is
    wrong."""
    if len(raw) > LARGEST:
        raise Problem(Exit.INVALID, _plain(codes.TOO_LARGE, file, limit=LARGEST // 1024 // 1024))
    text = _decoded(raw, file)
    lines = tuple(_NEWLINE.split(text))
    found = list(islice(_screen(file, lines), _MOST))
    root: Node | None = None
    if not any(each.code in (codes.CONTROL_CHARACTER, codes.TAB) for each in found):
        root = _compose(text, file, lines, found)
    if isinstance(root, Mapping):
        lines = _hidden(root, lines)
    if found or not isinstance(root, Mapping):
        raise Problem(Exit.INVALID, *sorted({repr(each): each for each in found[:_MOST]}.values(), key=_order))
    return Tree(file, root, lines)


def contents(path: FilePath) -> bytes:
    """The bytes of a plain file, of one that is too large no more than shows it. Raises Problem (exit 65)."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Problem(Exit.INVALID, _plain(codes.UNREADABLE, str(path), reason="not_a_file"))
        with path.open("rb") as opened:
            return opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise Problem(Exit.INVALID, _plain(codes.UNREADABLE, str(path), reason=reason)) from None


def _decoded(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        rows = _NEWLINE.split(before)
        place = Place(len(rows), len(rows[-1]) + 1)
        raise Problem(Exit.INVALID, diagnostic(codes.NOT_UTF8, span=span_of(file, (), place))) from None


def _screen(file: str, lines: tuple[str, ...]) -> Iterator[Diagnostic]:
    """What is wrong with the lines before anybody asks what they mean."""
    for number, line in enumerate(lines, 1):
        for match in _CONTROL.finditer(line):
            place = Place(number, match.start() + 1)
            yield diagnostic(codes.CONTROL_CHARACTER, span=span_of(file, (), place), character=_named(match.group()))
        if indent := _TAB.match(line):
            yield diagnostic(codes.TAB, span=span_of(file, lines, Place(number, indent.end())))
        for column, shape in find(line):
            yield diagnostic(codes.SECRET_IN_CLEAR, span=span_of(file, lines, Place(number, column)), shape=shape)


def _full_width(lines: tuple[str, ...], place: Place) -> tuple[Place, str] | None:
    """A full-width sign in place of YAML's own, in the line that the parser stopped at or the one above it."""
    for number in (place.line, place.line - 1):
        if 0 < number <= len(lines) and (match := _FULL_WIDTH.search(lines[number - 1])):
            which = match.lastindex or 0
            return Place(number, match.start(which) + 1), match.group(which)
    return None


def _compose(text: str, file: str, lines: tuple[str, ...], found: list[Diagnostic]) -> Node | None:
    """The root node; what is wrong goes to `found`."""

    def report(code: str, place: Place, **params: Any) -> None:
        if code == codes.SYNTAX and (sign := _full_width(lines, place)) is not None:
            code, place, params = codes.FULL_WIDTH, sign[0], {"character": sign[1]}
        found.append(
            diagnostic(code, span=span_of(file, lines, place), **{key: _shown(value) for key, value in params.items()})
        )

    composer = Composer(text, report)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            root = composer.document()
    except Refused:
        return None
    if root is None:
        report(codes.EMPTY_FILE, Place(1, 1))
    elif not isinstance(root, Mapping):
        report(codes.NOT_A_MAPPING, root.place)
    else:
        for scalar in composer.scalars:
            if match := _CONTROL.search(scalar.text):
                report(codes.CONTROL_CHARACTER, scalar.place, character=_named(match.group()))
    return root


def _hidden(root: Mapping, lines: tuple[str, ...]) -> tuple[str, ...]:
    """The lines without the values of credentials that were written directly, whatever their shape."""
    rows = list(lines)
    for place in sorted(_direct(root), key=lambda place: -place.column):
        row = rows[place.line - 1]
        rows[place.line - 1] = row[: place.column - 1] + MASK
    return tuple(rows)


def _direct(root: Mapping) -> Iterator[Place]:
    """Places of values that stand where a reference to a secret belongs."""
    credentials = _below(_below(root, "provider"), "credentials")
    for side in _values(credentials):
        for field in _values(side):
            yield from _not_references(field)
    for notice in _values(_below(root, "notices")):
        yield from _not_references(_below(notice, "url"))
        yield from _not_references(_below(notice, "secret"))
    for key in ("user", "password"):
        yield from _not_references(_below(_below(root, "mail"), key))
    archive = _below(_below(_below(root, "end_state"), "data"), "archive")
    yield from _not_references(_below(archive, "identity"))


def _not_references(node: Node | None) -> Iterator[Place]:
    if isinstance(node, Scalar | Listing):
        yield node.place
    elif isinstance(node, Mapping):
        for key, value in node.items.items():
            if isinstance(value, Scalar) and (key not in _KINDS or stands_for_itself(key, value.text)):
                yield value.place


def _below(node: Node | None, key: str) -> Node | None:
    return node.items.get(key) if isinstance(node, Mapping) else None


def _values(node: Node | None) -> tuple[Node, ...]:
    """What is inside; a scalar itself where something was expected to be inside."""
    if isinstance(node, Mapping):
        return tuple(node.items.values())
    if isinstance(node, Listing):
        return node.items
    return () if node is None else (node,)


def _plain(code: str, file: str, **params: Any) -> Diagnostic:
    return diagnostic(code, span=span_of(file, (), Place(1, 1)), **params)


def _shown(value: Any) -> Any:
    return mask(value)[:80] if isinstance(value, str) else value


def _named(character: str) -> str:
    return f"U+{ord(character):04X}"


def _order(each: Diagnostic) -> tuple[int, int, str]:
    return (each.span.line, each.span.column, each.code) if each.span else (0, 0, each.code)
