"""Knobs: where a vendor deviates from what the suite expects, with the reason and where it is written. There is no
other way around the suite (`test_meta.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from crmstate.core.words import Kind, Verb


@dataclass(frozen=True)
class Knob:
    """One deviation. `situation` is the test's name; the cell does not meet it, for a reason that somebody can check
    at `link`. `kind` and `verb` None: no cell of this vendor meets it."""

    provider: str
    kind: Kind | None
    verb: Verb | None
    situation: str
    reason: str
    link: str


KNOBS: tuple[Knob, ...] = ()


def knob(provider: str, kind: Kind | None, verb: Verb | None, situation: str) -> Knob | None:
    """The knob of this cell in this situation, if somebody wrote one."""
    for each in KNOBS:
        if (each.provider, each.situation) == (provider, situation) and (each.kind, each.verb) in {
            (kind, verb),
            (None, None),
        }:
            return each
    return None
