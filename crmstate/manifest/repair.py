"""Repair: what the writer most probably meant, so that the search for mistakes can go on. Never carried out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crmstate.manifest.tree import Listing, Mapping, Node, Path, Scalar, Tree


@dataclass(frozen=True, slots=True)
class Repair:
    """One guess: the value at `at` stands for `text`, or belongs at `move`."""

    at: Path
    text: str | None = None
    move: Path | None = None


def repaired(tree: Tree, repairs: Iterable[Repair]) -> Tree:
    """A copy of the tree in which every guess is taken."""
    guesses = list(repairs)
    if not guesses:
        return tree
    root = _copy(tree.root)
    assert isinstance(root, Mapping)
    for guess in sorted(guesses, key=lambda guess: -len(guess.at)):
        _take(root, guess)
    return Tree(tree.file, root, tree.lines)


def _copy(node: Node) -> Node:
    if isinstance(node, Mapping):
        return Mapping(node.place, {key: _copy(value) for key, value in node.items.items()}, dict(node.keys), node.size)
    if isinstance(node, Listing):
        return Listing(node.place, tuple(_copy(item) for item in node.items), node.size)
    return node


def _take(root: Mapping, guess: Repair) -> None:
    parent = _parent(root, guess.at)
    key = guess.at[-1]
    if parent is None or not isinstance(key, str) or key not in parent.items:
        return
    value = parent.items[key]
    if guess.text is not None and isinstance(value, Scalar):
        parent.items[key] = Scalar(value.place, guess.text, plain=False)
    if guess.move is None:
        return
    target = _parent(root, guess.move, value)
    name = guess.move[-1]
    if target is not None and isinstance(name, str) and name not in target.items:
        target.items[name] = value
        target.keys[name] = parent.keys[key]


def _parent(root: Mapping, path: Path, grow: Node | None = None) -> Mapping | None:
    """The mapping that holds the last key of a path; missing ones are made where `grow` says in whose place."""
    node: Node = root
    for part in path[:-1]:
        if isinstance(node, Listing) and isinstance(part, int):
            node = node.items[part]
        elif isinstance(node, Mapping) and isinstance(part, str):
            if part not in node.items and grow is not None:
                node.items[part] = Mapping(grow.place, {}, {}, 1)
                node.keys[part] = grow.place
            if part not in node.items:
                return None
            node = node.items[part]
        else:
            return None
    return node if isinstance(node, Mapping) else None
