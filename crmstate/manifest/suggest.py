"""Suggest: what somebody most probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


def near(written: str, known: Iterable[str]) -> str | None:
    """The known word nearest to what was written, or None where nothing is near. Case and hyphens do not count."""
    plain = _plain(written)
    if len(plain) > 80:
        return None
    best, word = 0.0, None
    for candidate in known:
        other = _plain(candidate)
        ratio = 1.0 if plain == other else SequenceMatcher(None, plain, other, autojunk=False).ratio()
        if ratio > best:
            best, word = ratio, candidate
    return word if best >= 0.66 else None


def _plain(text: str) -> str:
    return text.lower().replace("-", "").replace("_", "").strip()
