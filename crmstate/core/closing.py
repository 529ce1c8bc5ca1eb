"""Closing: how one run of apply came out, step by step, as data for the closing table."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from crmstate.core.diagnostic import Diagnostic
from crmstate.core.plan import Blocked, Step
from crmstate.core.words import Exit


class Result(StrEnum):
    """The seven ways in which a step of a plan can end a run. `already_done`: an earlier run did it, and this one left
    it alone."""

    DONE = "done"
    ALREADY_DONE = "already_done"
    FAILED = "failed"
    WAITING = "waiting"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    NOT_STARTED = "not_started"


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step and how it ended; `found` says why, where it is not simply done. `until`: ISO 8601, for what is waited
    for."""

    step: Step
    result: Result
    found: Diagnostic | None = None
    until: str | None = None


class Closing(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole run. `lines` in the plan's order; `diagnostics` beside them (interrupted, quota used up, vendor out of
    reach). `blocked`: what the plan asks for and has no step for."""

    run: str
    exit: Exit
    lines: tuple[Line, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    blocked: tuple[Blocked, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is left of the plan: nothing waits, and nothing is blocked."""
        return not self.blocked and all(line.result in (Result.DONE, Result.ALREADY_DONE) for line in self.lines)

    def counts(self) -> dict[str, int]:
        """How many steps ended in each way."""
        found = {result.value: 0 for result in Result}
        for line in self.lines:
            found[line.result.value] += 1
        return found
