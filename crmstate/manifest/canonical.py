"""Canonical: a manifest's text -> the same manifest as everybody writes it: keys in the order of the schema, block style,
quotes where they are needed, one blank line at most. Every comment stays with what it speaks of.

It knows no disk, and trusts itself as little as any other text: what it wrote is read again, and has to say the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any

from crmstate.core.diagnostic import Problem, diagnostic
from crmstate.core.words import Exit, Severity
from crmstate.manifest import source
from crmstate.manifest.layout import Collection, Comment, Entry, Leaf, lay_out
from crmstate.manifest.quoting import block, quoted
from crmstate.manifest.remarks import remarks
from crmstate.manifest.schema import manifest_schema
from crmstate.manifest.structure import examine
from crmstate.manifest.tree import Tree, native

STEP = 2
WIDEST = 100_000


def canonical(raw: bytes, path: FilePath) -> str:
    """The text of a manifest as it should be written. Raises Problem (exit 65) with what `validate` says of its text and its
    structure, and CRM-C111 where it could not be written in another way without a change of what it says."""
    before = _sound(raw, path)
    root = lay_out(raw.decode("utf-8"))
    text = write(root)
    _same(before, remarks(raw.decode("utf-8")), text, path)
    return text


def write(root: Collection) -> str:
    """A document's text."""
    if not root.anchored:  # an alias must not come before what it stands for
        _sort(root, _meant(manifest_schema()))
    _gather(root)
    lines = _head(root)
    return "\n".join([*lines, *_trimmed(_collection(root, 0))]) + "\n"


def _sound(raw: bytes, path: FilePath) -> Tree:
    tree = source.parse(raw, str(path))
    wrong = [each for each in examine(tree).diagnostics if each.severity is Severity.ERROR]
    if wrong:
        raise Problem(Exit.INVALID, *wrong)
    return tree


def _same(before: Tree, said: Sequence[str], text: str, path: FilePath) -> None:
    try:
        after = _sound(text.encode("utf-8"), path)
        same = native(after.root) == native(before.root) and Counter(remarks(text)) == Counter(said)
        same = same and write(lay_out(text)) == text
    except Problem:
        same = False
    if not same:
        raise Problem(Exit.ERROR, diagnostic("CRM-C111", path=path))


def _head(root: Collection) -> list[str]:
    """What stands at the top of the file and stays there, whichever key comes first: a modeline, and what a blank line
    separates from the first key."""
    lines: list[str] = []
    for each in root.head:
        if each.blank and lines:
            lines.append("")
        lines.append(each.text)
    if lines and root.head_apart:
        lines.append("")
    return lines


def _collection(found: Collection, indent: int) -> list[str]:
    lines: list[str] = []
    for entry in found.entries:
        lines += _entry(entry, indent) if found.mapping else _item(entry, indent)
    lines += _comments(found.tail, indent)
    return lines


def _comments(found: Sequence[Comment], indent: int) -> list[str]:
    return [line for each in found for line in ([""] * each.blank + [" " * indent + each.text])]


def _before(entry: Entry, indent: int) -> list[str]:
    return _comments(entry.leading, indent) + [""] * entry.blank


def _entry(entry: Entry, indent: int) -> list[str]:
    """A key and its value."""
    assert entry.key is not None
    key = " " * indent + quoted(entry.key, key=True) + ":"
    value, trailing = entry.value, _trailing(entry)
    lines = _before(entry, indent)
    if isinstance(value, Leaf):
        first, rest = _leaf(value, indent + STEP)
        return [*lines, f"{key} {first}".rstrip() + trailing, *rest]
    anchor = f" &{value.anchor}" if value.anchor else ""
    if not value.entries:
        return [*lines, key + anchor + (" {}" if value.mapping else " []") + trailing]
    return [*lines, key + anchor + trailing, *_trimmed(_collection(value, indent + STEP))]


def _item(entry: Entry, indent: int) -> list[str]:
    """A dash and what stands behind it; what stood above its first key stands above the dash."""
    dash = " " * indent + "-"
    value = entry.value
    if isinstance(value, Leaf):
        first, rest = _leaf(value, indent + STEP)
        return [*_before(entry, indent), f"{dash} {first}".rstrip() + _trailing(entry), *rest]
    anchor = f" &{value.anchor}" if value.anchor else ""
    if not value.entries:
        shown = " {}" if value.mapping else " []"
        return [*_before(entry, indent), dash + anchor + shown + _trailing(entry)]
    inner = _trimmed(_collection(value, indent + STEP))
    above = _before(entry, indent)
    if anchor:
        return [*above, dash + anchor, *inner]
    return [*above, f"{dash} {inner[0].lstrip()}", *inner[1:]]


def _trailing(entry: Entry) -> str:
    return f"  {entry.trailing[0]}" if entry.trailing else ""


def _leaf(value: Leaf, indent: int) -> tuple[str, list[str]]:
    """What stands behind the key, and the lines below it."""
    anchor = f"&{value.anchor} " if value.anchor else ""
    if value.alias:
        return f"*{value.alias}", []
    kept = block(value)
    if kept is None:
        return anchor + quoted(value), []
    return anchor + kept[0], [" " * indent + line if line else "" for line in kept[1]]


def _trimmed(lines: list[str]) -> list[str]:
    """Without blank lines at the start."""
    start = next((number for number, line in enumerate(lines) if line), len(lines))
    return lines[start:]


def _gather(found: Collection) -> None:
    """Comments that have no place of their own in block style are moved to the nearest that has one."""
    for entry in found.entries:
        value = entry.value
        if isinstance(value, Collection):
            _gather(value)
            if not value.entries:
                entry.leading += value.tail
                value.tail = []
            elif not found.mapping:
                entry.leading += [Comment(text) for text in entry.trailing]
                entry.trailing = []
                first = value.entries[0]
                if not value.anchor:
                    entry.leading += [
                        Comment(each.text, each.blank and number > 0) for number, each in enumerate(first.leading)
                    ]
                    first.leading, first.blank = [], False
        entry.leading += [Comment(text) for text in entry.trailing[1:]]
        entry.trailing = entry.trailing[:1]


def _sort(found: Collection, shapes: list[dict[str, Any]]) -> None:
    """Puts the keys of a mapping, and of all below it, into the order of the schema; what the schema does not name keeps
    its order."""
    if found.mapping:
        names = [entry.key.text for entry in found.entries if entry.key is not None]
        order = _order(names, shapes)
        found.entries.sort(key=lambda entry: order.get(entry.key.text if entry.key else "", WIDEST))
    for entry in found.entries:
        if isinstance(entry.value, Collection):
            key = entry.key.text if entry.key is not None else None
            _sort(entry.value, [inner for shape in shapes for inner in _inside(shape, key)])


def _order(names: list[str], shapes: list[dict[str, Any]]) -> dict[str, int]:
    """The keys of the shape that knows most of these names."""
    known = [list(shape.get("properties", ())) for shape in shapes]
    best = max(known, key=lambda keys: len(set(keys) & set(names)), default=[])
    return {name: place for place, name in enumerate(best)}


def _inside(shape: dict[str, Any], key: str | None) -> Iterator[dict[str, Any]]:
    inner = (
        shape.get("items") if key is None else shape.get("properties", {}).get(key, shape.get("additionalProperties"))
    )
    if isinstance(inner, dict):
        yield from _meant(inner)


def _meant(shape: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema without its references and choices: everything that it may stand for."""
    if "$ref" in shape:
        return _meant(manifest_schema()["definitions"][shape["$ref"].rsplit("/", 1)[1]])
    choices = [each for word in ("allOf", "anyOf", "oneOf") for each in shape.get(word, ())]
    return [shape, *(inner for each in choices for inner in _meant(each))]
