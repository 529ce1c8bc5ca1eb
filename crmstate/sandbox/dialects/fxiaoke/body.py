"""What a call's body holds, checked: texts, whole numbers, lists and objects, or 参数错误 (a guess for every case that has no
code of its own in the table)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...wire import Request
from . import errors


def parsed(request: Request) -> dict[str, Any]:
    """The body as an object. 12004 for none."""
    if not request.body.strip():
        raise errors.refusal(errors.NO_BODY)
    found = tolerant(request)
    kind = request.headers.get("content-type", "application/json")
    if found is None or not kind.lower().startswith("application/json"):
        raise errors.refusal(errors.BAD_PARAMETERS)
    return found


def tolerant(request: Request) -> dict[str, Any] | None:
    """The body, where it is a JSON object."""
    try:
        found = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def text(body: Mapping[str, Any], name: str, missing: int = errors.BAD_PARAMETERS, invalid: int | None = None) -> str:
    """A text that is not empty. `missing`: the code where there is none; `invalid`: where it is something else than a text,
    which the table tells apart for some (a guess)."""
    found = body.get(name)
    if found is None or found == "":
        raise errors.refusal(missing)
    if not isinstance(found, str):
        raise errors.refusal(missing if invalid is None else invalid)
    return found


def number(body: Mapping[str, Any], name: str, least: int, most: int | None, otherwise: int | None = None) -> int:
    """A whole number within its bounds; `otherwise` where it is not given."""
    found = body.get(name, otherwise)
    if isinstance(found, bool) or not isinstance(found, int) or found < least or (most is not None and found > most):
        raise errors.refusal(errors.BAD_PARAMETERS)
    return found


def flag(body: Mapping[str, Any], name: str, otherwise: bool = False) -> bool:
    found = body.get(name, otherwise)
    if not isinstance(found, bool):
        raise errors.refusal(errors.BAD_PARAMETERS)
    return found


def texts(body: Mapping[str, Any], name: str) -> list[str]:
    """A list of at least one text, each once."""
    found = body.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise errors.refusal(errors.BAD_PARAMETERS)
    return list(dict.fromkeys(found))


def inner(body: Mapping[str, Any], name: str = "data") -> dict[str, Any]:
    """The object that the CRM's calls keep their parameters in."""
    found = body.get(name)
    if not isinstance(found, dict):
        raise errors.refusal(errors.BAD_PARAMETERS)
    return found


def objects(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects; none where it is not given."""
    found = body.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise errors.refusal(errors.BAD_PARAMETERS)
    return found
