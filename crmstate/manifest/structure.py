"""Structure: the JSON Schema's findings -> Diagnostics, one for each mistake, where an editor would mark it.

What a writer most probably meant is noted as a Repair, so that `meaning.py` can go on and a misspelt key is not also a
missing one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from jsonschema import Draft7Validator, FormatChecker

from crmstate.core.diagnostic import Diagnostic, diagnostic
from crmstate.manifest import codes
from crmstate.manifest.finding import Finding, finding
from crmstate.manifest.formats import CHECKS, fits
from crmstate.manifest.leak import mask
from crmstate.manifest.repair import Repair
from crmstate.manifest.schema import manifest_schema
from crmstate.manifest.suggest import near
from crmstate.manifest.tree import Listing, Mapping, Path, Tree, dotted, native
from crmstate.manifest.union import choices, chosen, homes, is_reference

MOST = 200
"""How many mistakes are told at once: a file with more of them is not a manifest."""

_TYPES = {
    "string": codes.NEEDS_TEXT,
    "integer": codes.NEEDS_WHOLE_NUMBER,
    "boolean": codes.NEEDS_BOOLEAN,
    "array": codes.NEEDS_LIST,
    "object": codes.NEEDS_MAPPING,
}
_LIMITS = {
    "minItems": codes.EMPTY_LIST,
    "minLength": codes.EMPTY_TEXT,
    "minimum": codes.TOO_SMALL,
    "maximum": codes.TOO_BIG,
    "maxLength": codes.TOO_LONG,
    "maxItems": codes.TOO_LONG,
}
_RANK = (
    "type",
    "anyOf",
    "oneOf",
    "enum",
    "const",
    "minItems",
    "minProperties",
    "maxProperties",
    "minLength",
    "minimum",
    "maximum",
    "format",
    "pattern",
)


class Found:
    """What structure found: diagnostics, and what the writer probably meant."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.repairs: list[Repair] = []


def examine(tree: Tree) -> Found:
    """Everything that is wrong with the structure of a tree."""
    found = Found()
    raw = islice(_validator().iter_errors(native(tree.root)), MOST)
    errors = [leaf for error in raw for leaf in _leaves(finding(error))]
    misspelt: set[Path] = set()
    for error in errors:
        if error.word == "additionalProperties":
            misspelt |= _unknown(tree, error, found)
    for error in _first_of_each_place(errors):
        _value(tree, error, found)
    for error in errors:
        if error.word == "required":
            _missing(tree, error, found, misspelt)
    return found


def schema_accepts(tree: Tree) -> bool:
    """Whether the bare JSON Schema accepts the tree, the way an editor that knows none of our formats does."""
    return bool(Draft7Validator(manifest_schema()).is_valid(native(tree.root)))


@lru_cache(maxsize=1)
def _validator() -> Any:
    checker = FormatChecker(formats=())

    def checking(accepts: Callable[[str], bool]) -> Callable[[object], bool]:
        return lambda value: not isinstance(value, str) or accepts(value)

    for name, (accepts, _) in CHECKS.items():
        checker.checkers[name] = (checking(accepts), ())
    return Draft7Validator(manifest_schema(), format_checker=checker)


def _leaves(error: Finding) -> Iterator[Finding]:
    """The errors that a reader should see: of a union's branches, only those of the one that was meant."""
    if error.word in ("anyOf", "oneOf") and error.value is not None and not _one_of_keys(error):
        branch = chosen(error)
        if branch:
            for inner in branch:
                yield from _leaves(inner)
            return
    yield error


def _one_of_keys(error: Finding) -> bool:
    return all(isinstance(branch, dict) and set(branch) == {"required"} for branch in error.rule)


def _first_of_each_place(errors: Iterable[Finding]) -> Iterator[Finding]:
    best: dict[Path, Finding] = {}
    for error in errors:
        if error.word not in _RANK and error.word not in _LIMITS:
            continue
        path = error.path
        if path not in best or _rank(error) < _rank(best[path]):
            best[path] = error
    yield from best.values()


def _rank(error: Finding) -> int:
    return _RANK.index(str(error.word)) if error.word in _RANK else len(_RANK)


def _unknown(tree: Tree, error: Finding, found: Found) -> set[Path]:
    """Reports unknown keys; returns the paths of the keys that were probably meant."""
    allowed = list(error.schema.get("properties", {}))
    present = set(error.value)
    meant: set[Path] = set()
    for key in islice((key for key in error.value if key not in allowed), MOST):
        path = error.path
        span = tree.key_span(*path, key)
        shown = mask(str(key))[:60]
        elsewhere = () if (*path, key) in homes(key) else homes(key)
        suggestion = near(key, (word for word in allowed if word not in present)) or near(key, allowed)
        if len(elsewhere) == 1 and (suggestion is None or suggestion not in _same(key, suggestion)):
            found.diagnostics.append(diagnostic(codes.MISPLACED_KEY, span=span, key=shown, home=dotted(elsewhere[0])))
            found.repairs.append(Repair((*path, key), move=elsewhere[0]))
        elif key.isdecimal() and error.value[key] is None and _sum_before(error.value, key) is not None:
            found.diagnostics.append(
                diagnostic(codes.DECIMAL_COMMA, span=span, key=shown, sum=str(_sum_before(error.value, key)))
            )
        elif suggestion:
            found.diagnostics.append(diagnostic(codes.UNKNOWN_KEY_NEAR, span=span, key=shown, suggestion=suggestion))
            found.repairs.append(Repair((*path, key), move=(*path, suggestion)))
            meant.add((*path, suggestion))
        else:
            found.diagnostics.append(
                diagnostic(codes.UNKNOWN_KEY, span=span, key=shown, allowed=", ".join(sorted(allowed)))
            )
    return meant


def _sum_before(value: dict[str, Any], key: str) -> object:
    """The number of the key before this one, where it has one: then a comma within a sum parted them."""
    keys = list(value)
    before = keys.index(key) - 1
    number = value[keys[before]] if before >= 0 else None
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None


def _same(key: str, suggestion: str) -> tuple[str, ...]:
    """The suggestion itself where it differs from the key only in case, hyphens or one letter."""
    return (suggestion,) if abs(len(key) - len(suggestion)) <= 1 and key[:1].lower() == suggestion[:1] else ()


def _missing(tree: Tree, error: Finding, found: Found, misspelt: set[Path]) -> None:
    path = error.path
    for key in error.rule:
        if key in error.value or (*path, key) in misspelt or repr(key) not in error.message:
            continue
        found.diagnostics.append(diagnostic(codes.MISSING_KEY, span=tree.key_span(*path), key=dotted((*path, key))))


def _value(tree: Tree, error: Finding, found: Found) -> None:
    """Reports one value that does not fit."""
    path, key = error.path, dotted(error.path)
    report = found.diagnostics.append
    if error.value is None:
        report(diagnostic(codes.NO_VALUE, span=tree.key_span(*path), key=key))
    elif error.word == "type" and is_reference(error.schema):
        report(diagnostic(codes.NOT_A_REFERENCE, span=tree.span(*path), key=key))
    elif error.word == "type":
        report(_wrong_type(tree, error))
    elif error.word in ("enum", "const"):
        _wrong_word(tree, error, found)
    elif error.word in ("format", "pattern"):
        report(_wrong_shape(tree, error))
    elif error.word in ("anyOf", "oneOf") and not _one_of_keys(error):
        report(diagnostic(codes.NO_FORM, span=tree.span(*path), key=key, allowed=choices(error.rule)))
    elif error.word in ("minProperties", "maxProperties", "oneOf"):
        report(_wrong_number_of_keys(tree, error))
    else:
        code = _LIMITS.get(str(error.word), codes.BAD_SHAPE)
        report(diagnostic(code, span=tree.span(*path), key=key, limit=error.rule))


def _wrong_type(tree: Tree, error: Finding) -> Diagnostic:
    expected = error.rule if isinstance(error.rule, str) else error.rule[0]
    path = error.path
    code = _TYPES.get(str(expected), codes.NEEDS_TEXT)
    format = error.schema.get("format", "")
    text = tree.text(*path)
    if format in CHECKS and expected == "string" and text is not None and not fits(format, text):
        code = CHECKS[format][1]
    return diagnostic(code, span=tree.span(*path), key=dotted(path), value=_shown(tree, path))


def _wrong_word(tree: Tree, error: Finding, found: Found) -> None:
    path = error.path
    words = error.rule if error.word == "enum" else [error.rule]
    allowed = choices(error.forms) if error.forms else ", ".join(map(str, words))
    params: dict[str, Any] = {"key": dotted(path), "value": _shown(tree, path), "allowed": allowed}
    suggestion = near(str(error.value), map(str, words))
    if suggestion:
        found.diagnostics.append(
            diagnostic(codes.BAD_VALUE_NEAR, span=tree.span(*path), suggestion=suggestion, **params)
        )
        found.repairs.append(Repair(path, text=suggestion))
    else:
        found.diagnostics.append(diagnostic(codes.BAD_VALUE, span=tree.span(*path), **params))


def _wrong_shape(tree: Tree, error: Finding) -> Diagnostic:
    path = error.path
    format = error.schema.get("format", "")
    code = CHECKS[format][1] if format in CHECKS else codes.BAD_SHAPE
    return diagnostic(code, span=tree.span(*path), key=dotted(path), value=_shown(tree, path))


def _wrong_number_of_keys(tree: Tree, error: Finding) -> Diagnostic:
    path = error.path
    names = [name for name in error.schema.get("properties", {}) if name != "why"]
    if is_reference(error.schema) or error.word == "oneOf":
        return diagnostic(codes.EXACTLY_ONE, span=tree.key_span(*path), key=dotted(path), allowed=", ".join(names))
    return diagnostic(codes.EMPTY_MAPPING, span=tree.key_span(*path), key=dotted(path), limit=error.rule)


def _shown(tree: Tree, path: Path) -> str:
    """The value as it may be shown: never one that stands where a secret belongs."""
    if path[:2] == ("provider", "credentials"):
        return "…"
    text = tree.text(*path)
    if text is None:
        node = tree.at(*path)
        return "{…}" if isinstance(node, Mapping) else "[…]" if isinstance(node, Listing) else "…"
    return mask(text)[:60]
