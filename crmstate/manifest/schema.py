"""Schema: the JSON Schema (draft-07) of a manifest, generated from the models, for editors and `structure.py` alike."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

DRAFT = "http://json-schema.org/draft-07/schema#"
FILE = "schemas/manifest.schema.json"
_NOISE = ("title", "discriminator")


@lru_cache(maxsize=1)
def manifest_schema() -> dict[str, Any]:
    """The schema as one object. Do not change what is returned."""
    from crmstate.manifest.model import Manifest

    raw = Manifest.model_json_schema(ref_template="#/definitions/{model}", by_alias=True)
    definitions = {name: _tidy(part) for name, part in sorted(raw.pop("$defs").items())}
    return {
        "$schema": DRAFT,
        "title": "crmstate manifest",
        **_tidy(raw),
        "definitions": definitions,
    }


def manifest_schema_text() -> str:
    """The schema as it is committed to `schemas/manifest.schema.json` and printed by `crmstate schema`."""
    return json.dumps(manifest_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _tidy(part: Any, names: bool = False) -> Any:
    """The same as editors like it: no null branches (a key without a value is an error), no words beside a $ref.

    `names`: the keys of this object are property names, not schema words.
    """
    if isinstance(part, list):
        return [_tidy(item) for item in part]
    if not isinstance(part, dict):
        return part
    if names:
        return {name: _tidy(value) for name, value in part.items()}
    kept = {
        key: _tidy(value, key == "properties")
        for key, value in part.items()
        if key not in _NOISE and not (key == "default" and value is None)
    }
    return _referring(_without_null(kept))


def _without_null(part: dict[str, Any]) -> dict[str, Any]:
    branches = part.get("anyOf")
    if not branches:
        return part
    left = [branch for branch in branches if branch != {"type": "null"}]
    rest = {key: value for key, value in part.items() if key != "anyOf"}
    return {**left[0], **rest} if len(left) == 1 else {**rest, "anyOf": left}


def _referring(part: dict[str, Any]) -> dict[str, Any]:
    """Draft-07 ignores everything beside a $ref, so the reference moves into an allOf."""
    if "$ref" not in part or len(part) == 1:
        return part
    rest = {key: value for key, value in part.items() if key != "$ref"}
    return {**rest, "allOf": [{"$ref": part["$ref"]}]}
