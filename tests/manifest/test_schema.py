"""The JSON Schema: committed fresh, readable for editors, and saying something about every key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from crmstate.cli.commands.schema import Which, text_of
from crmstate.manifest.formats import CHECKS
from crmstate.manifest.schema import DRAFT, KEPT, kept_schema, manifest_schema

ROOT = Path(__file__).parents[2]


def _parts(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from _parts(value)
    elif isinstance(part, list):
        for value in part:
            yield from _parts(value)


def test_the_committed_schema_is_fresh() -> None:
    assert text_of(Which.manifest) == (ROOT / "schemas" / "manifest.schema.json").read_text(encoding="utf-8")


def test_the_schema_that_a_command_reads_is_fresh() -> None:
    assert kept_schema() == KEPT.read_text(encoding="utf-8")


def test_the_schema_is_valid_draft_07() -> None:
    Draft7Validator.check_schema(manifest_schema())
    assert manifest_schema()["$schema"] == DRAFT


def test_every_key_is_described() -> None:
    undescribed = [
        key
        for name, part in {"Manifest": manifest_schema(), **manifest_schema()["definitions"]}.items()
        for key, value in part["properties"].items()
        if not value.get("description")
        for key in [f"{name}.{key}"]
    ]
    assert undescribed == []


def test_no_key_may_be_null_and_no_object_ignores_unknown_keys() -> None:
    text = json.dumps(manifest_schema())
    assert '"null"' not in text
    objects = [part for part in _parts(manifest_schema()) if part.get("type") == "object"]
    assert all("additionalProperties" in part for part in objects)


def test_every_format_is_checked_here_and_has_a_pattern_for_editors() -> None:
    formats = [part for part in _parts(manifest_schema()) if isinstance(part.get("format"), str)]
    assert {part["format"] for part in formats} == set(CHECKS)
    assert all("pattern" in part for part in formats)


def test_patterns_are_ones_that_javascript_reads_the_same_way() -> None:
    patterns = {part["pattern"] for part in _parts(manifest_schema()) if isinstance(part.get("pattern"), str)}
    foreign = [
        pattern for pattern in patterns if re.search(r'\\["\'@:;,\-ZAz]|\(\?[^:!]|\\d|\\w', pattern.replace("\\\\", ""))
    ]
    assert foreign == []
    assert all(pattern.startswith("^") and pattern.endswith("$") for pattern in patterns)


def test_only_keep_holds_and_open_questions_may_be_empty() -> None:
    properties = [item for part in _parts(manifest_schema()) for item in part.get("properties", {}).items()]
    lists = {
        name for name, value in properties if "array" in json.dumps(value) and '"minItems"' not in json.dumps(value)
    }
    assert {"keep", "holds", "open_questions"} == lists
