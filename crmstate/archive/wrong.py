"""Wrong: what a verification found, and how much it read."""

from __future__ import annotations

from dataclasses import dataclass

from crmstate.core.diagnostic import Diagnostic, Problem, diagnostic
from crmstate.core.words import Exit, Severity

MOST = 200


@dataclass
class Read:
    """What a verification read: a verifier that read nothing must not look like one that did."""

    files: int = 0
    bytes: int = 0
    rows: int = 0


class Wrong:
    """The findings so far. `passed`: codes that are none."""

    def __init__(self, passed: frozenset[str] = frozenset()) -> None:
        self.passed = passed
        self.found: list[Diagnostic] = []
        self.more = 0

    def add(self, code: str, **params: str | int) -> None:
        """One more finding; beyond `MOST` they are only counted."""
        if code in self.passed:
            return
        if len(self.found) < MOST:
            self.found.append(diagnostic(code, Severity.ERROR, None, None, **params))
        else:
            self.more += 1

    def take(self, refused: Problem) -> None:
        """Findings that came as a Problem."""
        self.found += refused.diagnostics

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.found) + self.more

    def refuse(self) -> None:
        """Raises Problem with all of them, if there are any."""
        once = list({repr(each): each for each in self.found}.values())
        if self.more:
            once.append(diagnostic("CRM-A026", more=self.more))
        if once:
            raise Problem(Exit.ERROR, *once)
