"""Decision: something is given up in writing: why, and by whom."""

from __future__ import annotations

import msgspec


class Decision(msgspec.Struct, frozen=True):
    """`by`: the address of whoever decided it."""

    why: str
    by: str
