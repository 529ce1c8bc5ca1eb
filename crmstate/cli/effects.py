"""Straight: effects as they are. The crash tests put another one in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Straight:
    """Runs every act, and nothing else."""

    def do(self, kind: str, what: str, act: Callable[[], T], torn: Callable[[], object] | None = None) -> T:
        return act()
