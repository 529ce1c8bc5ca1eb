"""Schema: the JSON Schema (draft-07) of a manifest, generated from the models, for editors and `structure.py` alike.

Generating it takes a tenth of the time in which a command starts, so it lies beside this file as it was generated; a
test keeps it fresh.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

DRAFT = "http://json-schema.org/draft-07/schema#"
KEPT = Path(__file__).with_name("manifest.schema.json")
_NOISE = ("title", "discriminator")


@lru_cache(maxsize=1)
def manifest_schema() -> dict[str, Any]:
    """The schema as one object. Do not change what is returned."""
    found: dict[str, Any] = json.loads(KEPT.read_text("utf-8"))
    return found


def generated_schema() -> dict[str, Any]:
    """The schema as the models give it today."""
    from crmstate.manifest.model import Manifest

    raw = Manifest.model_json_schema(ref_template="#/definitions/{model}", by_alias=True)
    definitions = {name: _tidy(part) for name, part in sorted(raw.pop("$defs").items())}
    return {
        "$schema": DRAFT,
        "title": "crmstate manifest",
        **_tidy(raw),
        "definitions": definitions,
    }


def kept_schema() -> str:
    """What has to lie beside this file: the generated schema, its keys in the order of the models."""
    return json.dumps(generated_schema(), indent=1, ensure_ascii=False) + "\n"


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
