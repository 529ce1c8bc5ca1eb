"""Union: of several forms of a value, which one the writer meant; and what the forms look like in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from crmstate.manifest.finding import Finding
from crmstate.manifest.schema import manifest_schema

_REFERENCE = {"env", "file", "keyring", "command"}
_NAMES: dict[type, str] = {
    dict: "object",
    list: "array",
    bool: "boolean",
    str: "string",
    int: "number",
    float: "number",
}


def is_reference(schema: Any) -> bool:
    """Whether a schema is that of a reference to a secret."""
    return isinstance(schema, dict) and set(schema.get("properties", ())) == _REFERENCE


def resolved(schema: Any) -> dict[str, Any]:
    """The schema itself, behind a `$ref` and behind an allOf of one."""
    while isinstance(schema, dict):
        if "$ref" in schema:
            schema = manifest_schema()["definitions"][schema["$ref"].rpartition("/")[2]]
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return schema
    return {}


def chosen(union: Finding) -> list[Finding]:
    """The findings of the form that fits best; empty where none is of the value's type."""
    forms = [resolved(form) for form in union.rule]
    kind = _NAMES.get(type(union.value), "")
    fitting = [index for index, form in enumerate(forms) if kind in _types(form)]
    if not fitting:
        return []
    if kind != "object":
        return [each for each in union.inner if each.branch == fitting[0]]
    best = max(fitting, key=lambda index: _score(forms[index], union.value))
    inner = [each for each in union.inner if each.branch == best]
    return _decided_by_status(union, [forms[index] for index in fitting]) or inner


def _decided_by_status(union: Finding, forms: list[dict[str, Any]]) -> list[Finding]:
    """Where a status decides the form and is missing or unknown, only that is the mistake."""
    words = [form["properties"]["status"].get("const") for form in forms if "status" in form.get("properties", {})]
    if len(words) < len(forms) or union.value.get("status") in words:
        return []
    if "status" not in union.value:
        return [Finding("required", ["status"], {}, union.value, union.path, "'status' is a required property")]
    return [Finding("enum", words, {}, union.value["status"], (*union.path, "status"))]


def _score(branch: dict[str, Any], instance: dict[str, Any]) -> int:
    properties = branch.get("properties", {})
    score = 0
    for key, value in instance.items():
        score += 1 if key in properties else -1
        if "const" in resolved(properties.get(key, {})):
            score += 20 if resolved(properties[key])["const"] == value else -20
    return score


def _types(branch: dict[str, Any]) -> tuple[str, ...]:
    types = branch.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)


def choices(forms: Iterable[Any]) -> str:
    """The forms of a union as a writer would write them: `immediately, end_of_term, {date: ...}`."""
    return ", ".join(text for form in forms for text in _forms(resolved(form)))


def _forms(branch: dict[str, Any]) -> Iterator[str]:
    if "const" in branch:
        yield str(branch["const"])
    elif "enum" in branch:
        yield from map(str, branch["enum"])
    elif "array" in _types(branch):
        yield "[...]"
    elif "object" in _types(branch):
        keys = branch.get("required") or list(branch.get("properties", ()))[:1]
        yield "{" + ", ".join(f"{key}: {branch['properties'][key].get('const', '...')}" for key in keys) + "}"
    else:
        yield "..."


@lru_cache(maxsize=1)
def _places() -> dict[str, tuple[tuple[str, ...], ...]]:
    """Every key of the schema with the paths at which it may stand; lists are left out."""
    found: dict[str, list[tuple[str, ...]]] = {}

    def visit(schema: Any, path: tuple[str, ...]) -> None:
        part = resolved(schema)
        for branch in (part, *map(resolved, part.get("anyOf", ())), *map(resolved, part.get("oneOf", ()))):
            for key, value in branch.get("properties", {}).items():
                if (*path, key) not in found.setdefault(key, []):
                    found[key].append((*path, key))
                    visit(value, (*path, key))

    visit(manifest_schema(), ())
    return {key: tuple(paths) for key, paths in found.items()}


def homes(key: str) -> tuple[tuple[str, ...], ...]:
    """The paths at which a key may stand."""
    return _places().get(key, ())
