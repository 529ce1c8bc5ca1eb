"""Zoho's two OpenAPI editions as a judge of requests: which operation a request is, and what in it the edition does not
describe. The files lie beside the project and do not come along.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
PLACES = [ROOT.parent / "shared", Path(os.environ.get("CRMSTATE_SHARED", ROOT.parent / "shared"))]
SPEC = next((each / "specs" / "zoho" for each in PLACES if (each / "specs" / "zoho").is_dir()), None)
EDITIONS = ("2026", "2025")
NOT_DESCRIBED = {"POST /oauth/v2/token"}
"""What neither edition has: the accounts server."""


@lru_cache(maxsize=2)
def edition(year: str) -> Any:
    assert SPEC is not None
    return json.loads((SPEC / f"zoho-crm-v8-{year}.openapi.json").read_text(encoding="utf-8"))


def template(year: str, method: str, path: str) -> str | None:
    """The path of the edition that a request is of: of those that fit, the one that says most of it in words."""
    fit = [
        each
        for each, operations in edition(year)["paths"].items()
        if method.lower() in operations
        and re.fullmatch("/".join("[^/]+" if "{" in part else re.escape(part) for part in each.split("/")), path)
    ]
    return min(fit, key=lambda each: (each.count("{"), each), default=None)


def complaints(year: str, method: str, path: str, query: Mapping[str, str], body: Any) -> Iterator[str]:
    """What an edition says against a request that it describes."""
    place = template(year, method, path)
    assert place is not None
    root = edition(year)
    found = root["paths"][place]
    operation = found[method.lower()]
    known = [*found.get("parameters", ()), *operation.get("parameters", ())]
    in_query = {each["name"]: each for each in known if each["in"] == "query"}
    for name in sorted(query.keys() - in_query.keys()):
        yield f"does not know {name}"
    for name, each in sorted(in_query.items()):
        if name in query:
            yield from (f"{name}: {why}" for why in _against(root, each["schema"], _typed(each["schema"], query[name])))
        elif each.get("required"):
            yield f"wants {name}"
    described = operation.get("requestBody")
    if described is None:
        yield from ["wants no body"] if body is not None else []
        return
    if body is None:
        yield from ["wants a body"] if _resolved(root, described).get("required") else []
        return
    schema = _resolved(root, described)["content"]["application/json"]["schema"]
    yield from (f"body: {why}" for why in _against(root, schema, body))


def _resolved(root: Any, node: Any) -> Any:
    while "$ref" in node:
        place = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            place = place[part.replace("~1", "/").replace("~0", "~")]
        node = place
    return node


def _typed(schema: Any, text: str) -> Any:
    if schema.get("type") in {"integer", "number"} and re.fullmatch(r"-?\d+", text):
        return int(text)
    if schema.get("type") == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text


def _against(root: Any, schema: Any, value: Any) -> Iterator[str]:
    checker = Draft202012Validator({**schema, "components": root["components"]})
    yield from (f"{error.validator}" for error in checker.iter_errors(value))
