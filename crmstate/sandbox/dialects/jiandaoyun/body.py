"""What a call's body holds, checked: texts, whole numbers and lists, or 参数不合法."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import errors


def text(body: Mapping[str, Any], name: str) -> str:
    found = body.get(name)
    if not isinstance(found, str) or not found:
        raise errors.refusal(errors.BAD_PARAMETERS)
    return found


def number(body: Mapping[str, Any], name: str, least: int, most: int | None, otherwise: int) -> int:
    """A whole number within its bounds; `otherwise` where it is not given."""
    found = body.get(name, otherwise)
    if isinstance(found, bool) or not isinstance(found, int) or found < least or (most is not None and found > most):
        raise errors.refusal(errors.BAD_PARAMETERS)
    return found


def texts(body: Mapping[str, Any], name: str) -> list[str]:
    """A list of at least one text."""
    found = body.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise errors.refusal(errors.BAD_PARAMETERS)
    return found


def window(body: Mapping[str, Any]) -> tuple[int, int]:
    """`skip` and `limit` of the listings of apps and forms."""
    return number(body, "skip", 0, None, 0), number(body, "limit", 1, 100, 100)
