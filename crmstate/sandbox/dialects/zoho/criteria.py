"""Criteria of a search: `((Name:equals:ABC) and (Amount:greater_than:5))`, with `\\` before brackets and commas of a value.

Which type of field takes which sign is the description's table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import errors, rows

MOST, VALUES = 15, 100
TOO_MANY = f"no of criterium that can be given exceed the limit {MOST}"
TOO_MANY_VALUES = f'Only {VALUES} values are allowed in "IN" criteria'
BAD = "Invalid query formed"
_EQUAL = frozenset({"equals", "not_equal", "in"})
_TEXT = _EQUAL | {"starts_with"}
_ORDERED = _EQUAL | {"greater_equal", "greater_than", "less_equal", "less_than", "between"}
SIGNS = {
    "text": _TEXT,
    "email": _TEXT,
    "phone": _TEXT,
    "lookup": _TEXT,
    "ownerlookup": _TEXT,
    "multiselectpicklist": _EQUAL,
    "boolean": _EQUAL - {"in"},
    "bigint": _ORDERED,
    "currency": _ORDERED,
    "double": _ORDERED,
    "date": _ORDERED,
    "datetime": _ORDERED,
}
NUMBERS = {"bigint", "currency", "double"}
_ALIKE = str.maketrans(dict.fromkeys("{}[]^:-/!?*_@", " "))
_JOIN = re.compile(r"\s*(and|or)\s*", re.IGNORECASE)
Test = Callable[[dict[str, Any]], bool]


def plain(value: Any) -> str:
    """A value as a search sees it: signs and cases are alike."""
    if isinstance(value, dict):
        value = f"{value.get('id', '')} {value.get('name', '')}"
    if isinstance(value, list):
        value = ";".join(map(str, value))
    return "" if value is None else str(value).lower().translate(_ALIKE)


def read(text: str, shape: rows.Shape) -> Test:
    """Whether a record fits. Raises INVALID_QUERY, CRITERIA_LIMIT_EXCEEDED."""
    reader = _Reader(text.strip(), shape)
    test = reader.joined()
    if reader.at != len(reader.text):
        raise errors.refusal("INVALID_QUERY", BAD)
    return test


class _Reader:
    """Reads criteria from left to right."""

    def __init__(self, text: str, shape: rows.Shape) -> None:
        self.text, self.at, self._count = text, 0, 0
        self._kinds = {"id": "bigint", **{field.name: field.kind for field in shape.fields}}

    def joined(self) -> Test:
        test = self._one()
        while found := _JOIN.match(self.text, self.at):
            self.at = found.end()
            test = _both(found[1].lower(), test, self._one())
        return test

    def _one(self) -> Test:
        """Something in brackets: other criteria, or one."""
        self._take("(")
        if self.text[self.at : self.at + 1] == "(":
            test = self.joined()
        else:
            self._count += 1
            if self._count > MOST:
                raise errors.refusal("CRITERIA_LIMIT_EXCEEDED", TOO_MANY)
            test = self._criterion()
        self._take(")")
        return test

    def _take(self, sign: str) -> None:
        if self.text[self.at : self.at + 1] != sign:
            raise errors.refusal("INVALID_QUERY", BAD)
        self.at += 1

    def _criterion(self) -> Test:
        found = re.compile(r"\s*(\w+)\s*:\s*(\w+)\s*:").match(self.text, self.at)
        if found is None:
            raise errors.refusal("INVALID_QUERY", BAD)
        self.at = found.end()
        name, sign, values = found[1], found[2], self._values()
        kind = self._kinds.get(name)
        if kind is None:
            reason = "the field is not available for search"
            raise errors.refusal("INVALID_QUERY", reason, reason=reason, api_name=name)
        if sign not in SIGNS.get(kind, _TEXT):
            raise errors.refusal("INVALID_QUERY", "invalid operator found", operator=sign, api_name=name)
        if sign not in ("in", "between"):
            values = [",".join(values)]
        if len(values) > VALUES:
            raise errors.refusal("INVALID_QUERY", TOO_MANY_VALUES, api_name=name)
        if sign == "between" and len(values) != 2:
            raise errors.refusal("INVALID_QUERY", BAD, reason="between takes two values", api_name=name)
        for value in values:
            if kind in NUMBERS and not re.fullmatch(r"\d+" if kind == "bigint" else r"-?\d+(\.\d+)?", value):
                expected = "bigint" if kind == "bigint" else "double"
                reason = "the value is of another type"
                raise errors.refusal("INVALID_QUERY", BAD, expected_data_type=expected, reason=reason, api_name=name)
        return _test(name, kind, sign, values)

    def _values(self) -> list[str]:
        """What stands up to the closing bracket, split at commas; both only where no `\\` stands before them."""
        values = [""]
        while self.at < len(self.text) and self.text[self.at] != ")":
            sign = self.text[self.at]
            if sign == "\\" and self.text[self.at + 1 : self.at + 2] in tuple("(),\\"):
                self.at += 1
                values[-1] += self.text[self.at]
            elif sign == ",":
                values.append("")
            else:
                values[-1] += sign
            self.at += 1
        return values


def _both(how: str, one: Test, other: Test) -> Test:
    if how == "and":
        return lambda record: one(record) and other(record)
    return lambda record: one(record) or other(record)


def _test(name: str, kind: str, sign: str, values: list[str]) -> Test:
    ordered = kind in NUMBERS or kind in ("date", "datetime")

    def like(value: Any) -> Any:
        return int(value) if kind == "bigint" else float(value) if kind in NUMBERS else str(value)

    wanted = [like(each) if ordered else plain(each) for each in values]

    def test(record: dict[str, Any]) -> bool:
        found = record[name]
        if found is None:
            return False  # what is empty is found by nothing, a guess
        if not ordered:
            have = plain(found)
            fits = {
                "equals": wanted[0] == have if kind == "boolean" else wanted[0] in have,
                "not_equal": wanted[0] != have,
                "starts_with": have.startswith(wanted[0]),
                "in": have in wanted,
            }
            return fits[sign]
        it = like(found)
        if sign == "between":
            return bool(wanted[0] <= it <= wanted[1])
        signs = {"equals": it == wanted[0], "not_equal": it != wanted[0], "in": it in wanted}
        signs |= {"greater_equal": it >= wanted[0], "greater_than": it > wanted[0]}
        return bool((signs | {"less_equal": it <= wanted[0], "less_than": it < wanted[0]})[sign])

    return test
