"""Domains: conditions in Polish notation over the fields of a model, as `search` has them.

A field that the model does not have, or a list that is no domain, is a ValueError of the vendor's (500). What a domain says
about `id` alone is told apart, so that pages are read by key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import errors

if TYPE_CHECKING:
    from .models import Model

Row = dict[str, Any]
Test = Callable[[Row], bool]
Related = Callable[[str, int], Row | None]
"""The row of a model under a number, whatever rules would say."""


@dataclass(frozen=True)
class Span:
    """Which ids a search can find: those behind `after`, up to `last`, of `only`. None: all."""

    after: int = 0
    last: int | None = None
    only: frozenset[int] | None = None


@dataclass(frozen=True)
class Domain:
    """A domain that was understood: the test, the ids that it leaves, and the fields that it mentions."""

    test: Test
    span: Span
    mentions: frozenset[str]

    @property
    def by_ids(self) -> bool:
        return self.span.only is not None


def understood(given: Any, model: Model, related: Related) -> Domain:
    """Raises `Refused` for what is no domain of this model."""
    if not isinstance(given, list):
        raise errors.refusal("TypeError", f"Domain() invalid argument type for domain: {given!r:.100}")
    leaves = [part for part in given if not isinstance(part, str)]
    stack: list[Test] = []
    for part in reversed(given):
        if part in ("&", "|", "!"):
            stack.append(_joined(part, stack))
        else:
            stack.append(_leaf(part, model, related))
    plain = not any(part in ("|", "!") for part in given if isinstance(part, str))
    span = _span(leaves) if plain else Span()
    tests = list(reversed(stack))
    return Domain(
        lambda row: all(test(row) for test in tests), span, frozenset(str(leaf[0]).partition(".")[0] for leaf in leaves)
    )


def _joined(operator: str, stack: list[Test]) -> Test:
    needed = 1 if operator == "!" else 2
    if len(stack) < needed:
        raise errors.bad_value("Domain() malformed domain")
    first = stack.pop()
    if operator == "!":
        return lambda row: not first(row)
    second = stack.pop()
    if operator == "&":
        return lambda row: first(row) and second(row)
    return lambda row: first(row) or second(row)


def _leaf(part: Any, model: Model, related: Related) -> Test:
    if not isinstance(part, list) or len(part) != 3:
        raise errors.bad_value(f"Domain() invalid item in domain: {part!r:.100}")
    path, operator, wanted = part
    if path in (0, 1) and operator == "=" and wanted == 1:
        return lambda row: path == 1
    if not isinstance(path, str) or operator not in _TESTS:
        raise errors.bad_value(f"Invalid operator in condition {tuple(part)!r:.100}")
    name, _, rest = path.partition(".")
    if name not in model.fields:
        raise errors.bad_value(f"Invalid field {model.name}.{name} in condition {tuple(part)!r:.100}")
    if rest:
        return _through(name, [rest, operator, wanted], model, related)
    if operator in ("in", "not in") and not isinstance(wanted, list):
        wanted = [wanted]
    texts = [each for each in (wanted if isinstance(wanted, list) else [wanted]) if isinstance(each, str)]
    if name == "id" and texts:
        raise errors.refusal("InvalidTextRepresentation", f"invalid input syntax for type integer: {texts[0]!r:.100}")
    if operator in ("in", "not in") and all(_is_number(each) or isinstance(each, str) for each in wanted):
        return _among(name, frozenset(wanted), operator == "in")
    test = _TESTS[operator]
    return lambda row: test(value(row, name), wanted)


def _among(name: str, wanted: frozenset[Any], inside: bool) -> Test:
    """`in` or `not in` of many numbers or texts."""

    def test(row: Row) -> bool:
        found = value(row, name)
        if isinstance(found, list):
            return (not wanted.isdisjoint(found)) == inside
        return (found is not False and found in wanted) == inside

    return test


def _through(name: str, leaf: list[Any], model: Model, related: Related) -> Test:
    """A condition on what a field refers to."""
    relation = model.fields[name].relation
    if relation is None:
        raise errors.bad_value(f"Invalid field {model.name}.{name}.{leaf[0]} in condition {tuple(leaf)!r:.100}")
    other = model.of(relation)
    test = _leaf(leaf, other, related)

    def holds(row: Row) -> bool:
        found = value(row, name)
        numbers = found if isinstance(found, list) else [found] if found else []
        return any(there is not None and test(there) for there in (related(relation, each) for each in numbers))

    return holds


def value(row: Row, name: str) -> Any:
    """A row's value; what is computed is computed now. False where there is none, as the vendor has it."""
    found = row.get(name, False)
    if callable(found):
        found = row[name] = found()
    return False if found is None else found


def _alike(found: Any, wanted: Any) -> bool:
    if isinstance(found, list):
        return wanted in found if wanted is not False else not found
    if wanted is False or wanted is None or found is False:
        return not found and not wanted
    return bool(found == wanted)


def _within(found: Any, wanted: list[Any]) -> bool:
    return any(_alike(found, each) for each in wanted)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(found: Any, wanted: Any) -> bool:
        if found is False or isinstance(found, list) or isinstance(found, str) != isinstance(wanted, str):
            return False
        return compare(found, wanted)

    return test


def _like(found: Any, wanted: Any, *, whole: bool, folded: bool) -> bool:
    text, pattern = str(found or ""), str(wanted or "")
    parts = "".join(
        ".*" if letter == "%" else "." if letter == "_" else re.escape(letter)
        for letter in (pattern if whole else f"%{pattern}%")
    )
    return re.fullmatch(parts, text, re.DOTALL | (re.IGNORECASE if folded else 0)) is not None


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": _alike,
    "!=": lambda found, wanted: not _alike(found, wanted),
    "in": _within,
    "not in": lambda found, wanted: not _within(found, wanted),
    "<": _ordered(lambda found, wanted: bool(found < wanted)),
    "<=": _ordered(lambda found, wanted: bool(found <= wanted)),
    ">": _ordered(lambda found, wanted: bool(found > wanted)),
    ">=": _ordered(lambda found, wanted: bool(found >= wanted)),
    "like": lambda found, wanted: _like(found, wanted, whole=False, folded=False),
    "ilike": lambda found, wanted: _like(found, wanted, whole=False, folded=True),
    "=like": lambda found, wanted: _like(found, wanted, whole=True, folded=False),
    "=ilike": lambda found, wanted: _like(found, wanted, whole=True, folded=True),
    "not like": lambda found, wanted: not _like(found, wanted, whole=False, folded=False),
    "not ilike": lambda found, wanted: not _like(found, wanted, whole=False, folded=True),
}


def _span(leaves: list[Any]) -> Span:
    """What the conditions on `id` leave, all of them together."""
    found = Span()
    for _, operator, wanted in (leaf for leaf in leaves if leaf[0] == "id"):
        numbers = [each for each in (wanted if isinstance(wanted, list) else [wanted]) if _is_number(each)]
        if operator in ("in", "=") and len(numbers) == len(wanted if isinstance(wanted, list) else [wanted]):
            found = replace(found, only=frozenset(numbers) & (found.only if found.only is not None else set(numbers)))
        elif operator == ">" and _is_number(wanted):
            found = replace(found, after=max(found.after, wanted))
        elif operator == "<=" and _is_number(wanted):
            found = replace(found, last=wanted if found.last is None else min(found.last, wanted))
    return found


def _is_number(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)


def parts_of(given: Any) -> Iterator[list[Any]]:
    """The conditions of what may be a domain."""
    for part in given if isinstance(given, list) else ():
        if isinstance(part, list) and len(part) == 3:
            yield part
