"""Finding: one thing that the JSON Schema refuses, as a plain typed value, with the findings inside each form of a
union."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jsonschema.exceptions import ValidationError

from crmstate.manifest.tree import Path


@dataclass(frozen=True)
class Finding:
    """`word` is the schema's word that refuses (`enum`), `rule` what stands there, `schema` the object around it,
    `value` what was written.

    `branch` counts the form of the union around it; `inner` holds a union's findings; `forms` a union's forms.
    """

    word: str
    rule: Any
    schema: dict[str, Any]
    value: Any
    path: Path
    message: str = ""
    branch: int = 0
    inner: tuple[Finding, ...] = ()
    forms: tuple[Any, ...] = field(default=())


def _same_place(inner: Any, outer: ValidationError) -> bool:
    return tuple(inner.absolute_path) == tuple(outer.absolute_path)


def finding(error: ValidationError, forms: tuple[Any, ...] = ()) -> Finding:
    """The same as a plain value. Paths are absolute."""
    word, rule = str(error.validator), error.validator_value
    union = word in ("anyOf", "oneOf") and isinstance(rule, list)
    inside = tuple(rule) if union and isinstance(rule, list) else ()
    position = error.schema_path[0] if error.parent is not None and error.schema_path else 0
    return Finding(
        word=word,
        rule=rule,
        schema=dict(error.schema) if isinstance(error.schema, dict) else {},
        value=error.instance,
        path=tuple(error.absolute_path),
        message=error.message,
        branch=position if isinstance(position, int) else 0,
        inner=tuple(finding(each, inside if _same_place(each, error) else ()) for each in error.context or ()),
        forms=forms,
    )
