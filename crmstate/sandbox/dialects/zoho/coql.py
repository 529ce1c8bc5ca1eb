"""COQL as far as an export needs it: columns of one module, compared with values, joined by `and`, in an order, at most 200
rows a call; or how many there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from ...exchange import Call
from ...wire import Reply
from . import errors, layout, pages, rows, scopes

MOST, DEEPEST = 200, 100_000
_QUERY = re.compile(
    r"select\s+(?P<columns>.+?)\s+from\s+(?P<module>\w+)(?:\s+where\s+(?P<where>.+?))?"
    r"(?:\s+order\s+by\s+(?P<by>\w+)(?:\s+(?P<order>asc|desc))?)?"
    r"(?:\s+limit\s+(?P<limit>\d+)(?:\s*,\s*(?P<second>\d+)|\s+offset\s+(?P<offset>\d+))?)?\s*;?",
    re.IGNORECASE | re.DOTALL,
)
_TERM = re.compile(
    r"\(*\s*(\w+)\s*(is\s+not\s+null|is\s+null|>=|<=|!=|=|>|<)\s*('(?:[^'\\]|\\.)*'|[-\w.:+]+)?\s*\)*", re.IGNORECASE
)


def query(call: Call) -> Reply:
    text = call.body.get("select_query")
    if not isinstance(text, str):
        raise errors.refusal("MANDATORY_NOT_FOUND", api_name="select_query")
    found = _QUERY.fullmatch(text.strip())
    if found is None:
        raise errors.refusal("SYNTAX_ERROR", "the query is not understood", near=text[:100])
    module = layout.listed(call.world, found["module"])
    if module is None or not module.exportable:
        raise errors.refusal("INVALID_QUERY", "invalid query formed", module=found["module"])
    scopes.check(pages.caller(call), f"ZohoCRM.modules.{module.name}.READ")
    if found["where"] is None:
        raise errors.refusal("SYNTAX_ERROR", "missing clause", clause="where")
    start, size = _limits(found)
    shape = rows.Shape(call.world, module.dataset)
    columns, keeps = [each.strip() for each in found["columns"].split(",")], _filter(found["where"], shape)
    viewer = pages.caller(call).viewer  # whether what hides from lists comes is not said
    there = (shape.json(row) for row in rows.every(call.world, module.dataset, viewer, states=rows.USUAL))
    kept: Iterator[dict[str, Any]] = (row for row in there if keeps(row))
    if re.fullmatch(r"count\(\w+\)", columns[0], re.IGNORECASE):
        return errors.json({"data": [{columns[0]: sum(1 for _ in kept)}], "info": {"count": 1, "more_records": False}})
    by, backwards = found["by"] or "id", (found["order"] or "").lower() == "desc"
    for name in [*columns, by]:
        if name not in shape.names:
            raise errors.refusal("INVALID_QUERY", "invalid query formed", column_name=name)
    if by != "id" or backwards:
        kept = iter(sorted(kept, key=lambda row: _plain(row[by]), reverse=backwards))
    passed = list(islice(kept, start + size + 1))
    shown = passed[start : start + size]
    data = [{"id": row["id"], **{name: row[name] for name in columns}} for row in shown]
    return pages.listing(call, "data", data, {"count": len(data), "more_records": len(passed) > start + size})


def _limits(found: re.Match[str]) -> tuple[int, int]:
    first = int(found["limit"] or MOST)
    start, size = (first, int(found["second"])) if found["second"] else (int(found["offset"] or 0), first)
    if size > MOST or start > DEEPEST:
        raise errors.refusal("LIMIT_EXCEEDED", "the limit is exceeded", limit=MOST)
    return start, size


def _filter(text: str, shape: rows.Shape) -> Callable[[dict[str, Any]], bool]:
    terms = []
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE):
        found = _TERM.fullmatch(part.strip())
        if found is None or (found[3] is None) != ("null" in found[2].lower()):
            raise errors.refusal("SYNTAX_ERROR", "the query is not understood", near=part[:100])
        if found[1] not in shape.names:
            raise errors.refusal("INVALID_QUERY", "invalid query formed", column_name=found[1], clause="where")
        terms.append((found[1], " ".join(found[2].lower().split()), (found[3] or "").strip("'")))
    return lambda row: all(_holds(_plain(row[name]), sign, value) for name, sign, value in terms)


def _holds(have: str, sign: str, value: str) -> bool:
    if "null" in sign:
        return bool(have) == ("not" in sign)
    tests = {"=": have == value, "!=": have != value, ">": have > value, "<": have < value}
    return tests.get(sign, have >= value if sign == ">=" else have <= value)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("id", ""))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
