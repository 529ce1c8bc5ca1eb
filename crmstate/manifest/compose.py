"""Compose: the parser's events -> nodes, within limits. Text, lists and mappings; every other gift of YAML is
refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from crmstate.manifest import codes
from crmstate.manifest.tree import Listing, Mapping, Node, Place, Scalar

DEEPEST = 32
MOST = 100_000
Report = Callable[..., None]


class Refused(Exception):
    """The text cannot be read any further; what was wrong has been reported."""


class Composer:
    """Reads one text. `report(code, place, **params)` hears what is wrong; what cannot be read past raises Refused."""

    def __init__(self, text: str, report: Report) -> None:
        self.scalars: list[Scalar] = []
        self._events = iter(YAML(typ="safe", pure=True).parse(text))
        self._report = report
        self._end = len(text.rstrip())
        self._anchors: dict[str, Node | None] = {}
        self._last = Place(1, 1)
        self._expanded = 0

    def document(self) -> Node | None:
        """The root of the only document; None where there is nothing in it."""
        root: Node | None = None
        documents = 0
        while not isinstance(event := self._next(), StreamEndEvent):
            if not isinstance(event, DocumentStartEvent):
                continue
            documents += 1
            if event.version or event.tags:
                self._refuse(codes.DIRECTIVE, _place(event))
            if documents > 1:
                self._refuse(codes.SEVERAL_DOCUMENTS, _place(event))
            root = self._node(self._next(), 0)
        return None if isinstance(root, Scalar) and root.native() is None else root

    def _next(self) -> Any:
        try:
            event = next(self._events)
        except StopIteration:
            return StreamEndEvent(None, None)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            if mark and error.context_mark and mark.index >= self._end:
                mark = error.context_mark
            place = Place(mark.line + 1, mark.column + 1) if mark else self._last
            self._refuse(codes.SYNTAX, place, problem=" ".join(str(error.problem or error.context or "").split()))
        except Exception as error:  # whatever the parser trips over, the reader gets a place
            self._refuse(codes.SYNTAX, self._last, problem=type(error).__name__)
        if event.start_mark is not None:
            self._last = _place(event)
        return event

    def _refuse(self, code: str, place: Place, **params: Any) -> None:
        self._report(code, place, **params)
        raise Refused

    def _count(self, size: int, place: Place) -> None:
        self._expanded += size
        if self._expanded > MOST:
            self._refuse(codes.TOO_MANY_NODES, place, limit=MOST)

    def _node(self, event: Any, depth: int) -> Node:
        place = _place(event)
        if isinstance(event, AliasEvent):
            return self._alias(event.anchor, place)
        if depth > DEEPEST:
            self._refuse(codes.TOO_DEEP, place, limit=DEEPEST)
        self._count(1, place)
        if event.ctag is not None:
            self._report(codes.TAG, place, tag=str(event.ctag))
        anchor = event.anchor
        if anchor is not None:
            self._anchors[anchor] = None
        node = self._content(event, place, depth)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _content(self, event: Any, place: Place, depth: int) -> Node:
        if isinstance(event, ScalarEvent):
            scalar = Scalar(place, event.value, event.style in (None, ""))
            self.scalars.append(scalar)
            return scalar
        if isinstance(event, MappingStartEvent):
            return self._mapping(place, depth)
        items: list[Node] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Listing(place, tuple(items), 1 + sum(item.size for item in items))

    def _mapping(self, place: Place, depth: int) -> Mapping:
        items: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(self._next(), depth + 1)
            if not isinstance(key, Scalar):
                self._report(codes.KEY_NOT_TEXT, key.place)
            elif key.text in items:
                self._report(codes.DUPLICATE_KEY, key.place, key=key.text, first=keys[key.text].line)
            else:
                items[key.text] = value
                keys[key.text] = key.place
        return Mapping(place, items, keys, 1 + sum(value.size for value in items.values()))

    def _alias(self, name: str, place: Place) -> Node:
        node = self._anchors.get(name)
        if node is None:
            self._refuse(codes.BAD_ALIAS, place, name=name)
        assert node is not None
        self._count(node.size, place)
        return node


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)
