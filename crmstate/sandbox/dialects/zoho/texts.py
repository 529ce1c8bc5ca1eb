"""The whole contents of fields of formatted text, of some records or of one."""

from __future__ import annotations

from typing import Any

import msgspec

from ...exchange import Call
from ...wire import Reply
from . import errors, layout, pages, rows

MOST, FIELDS = 200, 8
STRANGE = "unable to process your request. please verify whether you have entered proper method name, parameter and parameter values."


def texts_of_many(call: Call, name: str) -> Reply:
    module, given = layout.module(call.world, name, resource_path_index=0), pages.parameters(call)
    for needed in ("fields", "ids"):
        if not given.get(needed):
            raise errors.refusal("REQUIRED_PARAM_MISSING", param_name=needed)
    return _texts(call, module, given["ids"].split(","), given["fields"].split(","))


def texts_of_one(call: Call, name: str, number: str) -> Reply:
    """All of them, unless some are named."""
    module, given = layout.module(call.world, name, resource_path_index=0), pages.parameters(call)
    return _texts(call, module, [number], given["fields"].split(",") if given.get("fields") else None)


def _texts(call: Call, module: layout.Module, numbers: list[str], names: list[str] | None) -> Reply:
    known = {each.name: each for each in layout.fields(call.world, module.dataset) if each.kind == layout.RICH}
    wanted = list(known) if names is None else names
    if len(numbers) > MOST or (names is not None and len(names) > FIELDS) or not known.keys() >= set(wanted):
        raise errors.refusal("INVALID_REQUEST", STRANGE)  # that other fields are refused so is a guess
    read = [rows.read(call.world, module.dataset, number) for number in numbers]
    there = [id for id in read if id is not None]
    found = rows.named(call.world, module.dataset, there, pages.caller(call).viewer) if there else []
    shape = rows.Shape(call.world, module.dataset)
    data: list[dict[str, Any]] = []
    for row in found:
        values = msgspec.json.decode(row[4])
        texts = {each: values.get(known[each].source) or None for each in wanted}
        data.append({"id": shape.json(row, set())["id"], **texts})
    return pages.listing(call, "data", data, None)
