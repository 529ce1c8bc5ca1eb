"""Nesting: how deep a template goes. The compiler's time grows with the cube of it, and Python's own ends at some hundred: who
writes a template means neither."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2.nodes import Node

DEEPEST = 60


def nodes(tree: Node) -> Iterator[tuple[Node, int]]:
    """Every part of a template, parents first, with how deep it lies."""
    left = [(tree, 0)]
    while left:
        node, depth = left.pop()
        yield node, depth
        left += [(each, depth + 1) for each in reversed(list(node.iter_child_nodes()))]


def too_deep(tree: Node) -> int | None:
    """The line of the first part that lies deeper than anybody means; None where none does."""
    return next((getattr(node, "lineno", 1) or 1 for node, depth in nodes(tree) if depth > DEEPEST), None)
