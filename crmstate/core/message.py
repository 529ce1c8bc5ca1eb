"""Message: a sentence that a person will read, without its words. Views render it from the catalogues."""

from __future__ import annotations

from typing import Any

import msgspec

Param = str | int


class Message(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """`code` names an entry of the catalogues (`why.user.removed`); `params` fill its gaps and are plain text or
    numbers."""

    code: str
    params: dict[str, Param] = {}


def message(code: str, **params: Any) -> Message:
    """A Message with every parameter as text or whole number."""
    return Message(code, plain(params))


def plain(params: dict[str, Any]) -> dict[str, Param]:
    """Parameters as text or whole numbers."""
    return {key: int(value) if isinstance(value, int) else str(value) for key, value in params.items()}
