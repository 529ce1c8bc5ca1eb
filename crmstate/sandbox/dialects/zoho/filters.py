"""Filters of the recycle bin: `{"group_operator": "AND", "group": [{"field": {"api_name"}, "comparator", "value"}]}`, as text in
a query and as they are in a body.

Source: the vendor's pages on the bin's records and their count. That the sign of a time is compared as the text of its
moment, and that one condition may stand alone, are guesses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ... import times
from ...exchange import Call
from . import binned, errors, ids, pages

_WORDS = frozenset({"equal", "not_equal", "contains", "not_contains", "starts_with", "ends_with"})
SIGNS = {
    "display_name": _WORDS,
    "module": frozenset({"equal", "not_equal"}),
    "deleted_by": _WORDS,
    "deleted_time": frozenset({"equal", "not_equal", "greater_than", "less_than"}),
}
"""What each field may be compared by."""
MOST = 20
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "equal": lambda have, value: have == value,
    "not_equal": lambda have, value: have != value,
    "contains": lambda have, value: value in have,
    "not_contains": lambda have, value: value not in have,
    "starts_with": lambda have, value: have.startswith(value),
    "ends_with": lambda have, value: have.endswith(value),
    "greater_than": lambda have, value: have > value,
    "less_than": lambda have, value: have < value,
}
Term = tuple[str, str, str]


def of_query(call: Call, text: str) -> Iterator[binned.Binned]:
    """What lies in the bin and fits a filter that stands in the query."""
    try:
        given = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise errors.refusal("INVALID_DATA", param_name="filters", expected_data_type="jsonobject") from None
    return fitting(call, given, param_name="filters")


def fitting(call: Call, given: Any, **where: Any) -> Iterator[binned.Binned]:
    """What lies in the bin and fits all conditions. `where`: what a refusal says besides."""
    terms = _terms(given, where)
    by = pages.person(call.world, None)["id"]
    for each in binned.listed(call.world, None):
        id, dataset, at, _, fields = each
        facts = {
            "display_name": binned.display(fields) or ids.written(id),
            "module": ids.module_name(dataset),
            "deleted_by": by,
            "deleted_time": at,
        }
        if all(_TESTS[how](facts[name], value) for name, how, value in terms):
            yield each


def _terms(given: Any, where: dict[str, Any]) -> list[Term]:
    if not isinstance(given, dict):
        raise errors.refusal(
            "INVALID_DATA", expected_data_type="jsonobject", api_name="filters", json_path="$", **where
        )
    if "group" not in given:
        return [_term(given, "$", where)]
    if given.get("group_operator", "AND") != "AND":
        raise errors.refusal("INVALID_DATA", api_name="group_operator", json_path="$.group_operator", **where)
    group = given["group"]
    if not isinstance(group, list) or not group:
        raise errors.refusal(
            "INVALID_DATA", expected_data_type="jsonarray", api_name="group", json_path="$.group", **where
        )
    if len(group) > MOST:
        raise errors.refusal("CRITERIA_LIMIT_EXCEEDED", "too many conditions", limit=MOST)
    return [_term(each, f"$.group[{n}]", where) for n, each in enumerate(group)]


def _term(given: Any, path: str, where: dict[str, Any]) -> Term:
    field = given.get("field") if isinstance(given, dict) else None
    name = field.get("api_name") if isinstance(field, dict) else None
    if name not in SIGNS:
        raise errors.refusal("INVALID_DATA", api_name="field", json_path=f"{path}.field", **where)
    how, value = given.get("comparator"), given.get("value")
    if how not in SIGNS[name]:
        said = "Please provide a valid comparator"
        raise errors.refusal("INVALID_DATA", said, api_name="comparator", json_path=f"{path}.comparator", **where)
    if isinstance(value, dict):
        value = value.get("id") or value.get("api_name")
    if not isinstance(value, str):
        raise errors.refusal("INVALID_DATA", api_name="value", json_path=f"{path}.value", **where)
    if name == "deleted_time":
        try:
            value = times.stamp(times.moment(value))
        except ValueError:
            raise errors.refusal("INVALID_DATA", api_name="value", json_path=f"{path}.value", **where) from None
    return name, how, value
