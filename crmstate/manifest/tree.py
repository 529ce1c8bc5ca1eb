"""Tree: what a manifest's text says, every key and value with its place. It knows nothing of what the keys mean.

Scalars stay text: `2026-12-31`, `14400.00` and `007` come through as they were written. Two readings are offered:
`native` (what an editor sees: JSON values, for the JSON Schema) and `plain` (numbers as text: the models, the digest).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from crmstate.core.diagnostic import Span
from crmstate.manifest.leak import mask

Path = tuple[str | int, ...]

WIDEST = 160
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INT = re.compile(r"[-+]?[0-9]{1,300}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column, both counting from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written. `plain`: without quotes, so that `true`, `null` and `57` mean what YAML 1.2 says."""

    place: Place
    text: str
    plain: bool
    size: int = 1

    def native(self) -> bool | int | float | str | None:
        """The JSON value that an editor sees."""
        if not self.plain:
            return self.text
        if self.text in _NULL:
            return None
        if self.text in _TRUE or self.text in _FALSE:
            return self.text in _TRUE
        if _INT.fullmatch(self.text):
            return int(self.text)
        if _FLOAT.fullmatch(self.text) and len(self.text) < 300:
            return float(self.text)
        return self.text


@dataclass(frozen=True, slots=True)
class Listing:
    """A list."""

    place: Place
    items: tuple[Node, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values; `keys` holds the places of the keys themselves."""

    place: Place
    items: dict[str, Node]
    keys: dict[str, Place]
    size: int


Node = Scalar | Listing | Mapping


def native(node: Node) -> Any:
    """The tree as JSON values, as an editor's language server reads it."""
    if isinstance(node, Scalar):
        return node.native()
    if isinstance(node, Listing):
        return [native(item) for item in node.items]
    return {key: native(value) for key, value in node.items.items()}


def plain(node: Node) -> Any:
    """The tree with numbers still as text; only true, false and null are values."""
    if isinstance(node, Scalar):
        value = node.native()
        return value if value is None or isinstance(value, bool) else node.text
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, value in node.items.items()}


def digest(node: Node) -> str:
    """sha256 of the canonical JSON: comments, quotes around numbers and the order of keys do not count."""
    canonical = json.dumps(plain(node), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def dotted(path: Path) -> str:
    """A path as people write it: `notices[0].send`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


_PERSON = re.compile(r"@|\b(?:by|\w*owner|holder|person|who|signatory|approvers?)\b[\"']?\s*:")
"""A line that may name a person."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed file: its name, its root, its lines (secrets masked). Lookups never raise: what is not there is None."""

    file: str
    root: Mapping
    lines: tuple[str, ...]

    def at(self, *path: str | int) -> Node | None:
        """The node at a path."""
        node: Node | None = self.root
        for part in path:
            if isinstance(node, Mapping) and isinstance(part, str):
                node = node.items.get(part)
            elif isinstance(node, Listing) and isinstance(part, int) and part < len(node.items):
                node = node.items[part]
            else:
                return None
        return node

    def text(self, *path: str | int) -> str | None:
        """The text of a scalar at a path; None for anything else, null included."""
        node = self.at(*path)
        return node.text if isinstance(node, Scalar) and node.native() is not None else None

    def mapping(self, *path: str | int) -> Mapping | None:
        """The mapping at a path."""
        node = self.at(*path)
        return node if isinstance(node, Mapping) else None

    def items(self, *path: str | int) -> tuple[Node, ...]:
        """The items of a list at a path; empty for anything else."""
        node = self.at(*path)
        return node.items if isinstance(node, Listing) else ()

    def span(self, *path: str | int) -> Span:
        """The place of a value; of its nearest parent where it is missing."""
        node = self.at(*path)
        while node is None and path:
            path = path[:-1]
            node = self.at(*path)
        return self.locate((node or self.root).place)

    def key_span(self, *path: str | int) -> Span:
        """The place of the key that holds a value; for a list's item and the root, of the value itself."""
        if path and isinstance(path[-1], str):
            parent = self.at(*path[:-1])
            if isinstance(parent, Mapping) and path[-1] in parent.keys:
                return self.locate(parent.keys[path[-1]])
        return self.span(*path)

    def locate(self, place: Place) -> Span:
        """A place as a Span, with its line; without it where people are to be masked and it may name one."""
        found = span_of(self.file, self.lines, place)
        if found.text and _PERSON.search(found.text) and self.masks:
            return Span(found.file, found.line, found.column)
        return found

    @property
    def masks(self) -> bool:
        """Whether the manifest asks that people are masked."""
        return (self.text("privacy", "mask_people") or "").casefold() == "true"

    def walk(self) -> Iterator[tuple[Path, Node]]:
        """Every path below the root with its node, parents first."""
        stack: list[tuple[Path, Node]] = [((), self.root)]
        while stack:
            path, node = stack.pop()
            if path:
                yield path, node
            if isinstance(node, Mapping):
                stack.extend(((*path, key), value) for key, value in reversed(node.items.items()))
            elif isinstance(node, Listing):
                stack.extend(((*path, index), item) for index, item in reversed(list(enumerate(node.items))))


def placed(tree: Tree, original: Tree) -> Tree:
    """A tree that was made of another one, with the places that its keys and values have there: what is wrong with it is to be
    mended there. What is in none of them stands where its nearest parent does."""
    root = _placed(tree.root, original.root, original.root.place)
    assert isinstance(root, Mapping)
    return Tree(original.file, root, original.lines)


def _placed(node: Node, there: Node | None, near: Place) -> Node:
    place = there.place if there is not None else near
    if isinstance(node, Mapping):
        known = there if isinstance(there, Mapping) else Mapping(place, {}, {}, 0)
        items = {key: _placed(value, known.items.get(key), place) for key, value in node.items.items()}
        return Mapping(place, items, {key: known.keys.get(key, place) for key in node.keys}, node.size)
    if isinstance(node, Listing):
        rows = there.items if isinstance(there, Listing) else ()
        found = (_placed(item, rows[at] if at < len(rows) else None, place) for at, item in enumerate(node.items))
        return Listing(place, tuple(found), node.size)
    return Scalar(place, node.text, node.plain, node.size)


def span_of(file: str, lines: tuple[str, ...], place: Place) -> Span:
    """A Span whose text is the offending line, masked and shortened."""
    text = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
    return Span(file, place.line, place.column, _shown(text))


@lru_cache(maxsize=512)
def _shown(line: str) -> str:
    shown = mask(line)
    return shown if len(shown) <= WIDEST else shown[: WIDEST - 1] + "…"
