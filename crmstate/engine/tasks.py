"""Tasks: what a step's work is made of. A task is a generator; it asks for work to be done beside the walk, and for
events to be made durable.

    seen = yield Work(lambda: look(...))      the result comes back, or its Failure is raised here
    yield Note((Intended(...),))              goes on only once the events are durable
    return verdicts                           one for each of its steps
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmstate.core.closing import Result
from crmstate.core.diagnostic import Diagnostic, diagnostic
from crmstate.core.event import AnyEvent, Intended, Settled, Settlement, StepRef
from crmstate.core.lacking import GivenUp, LeftOut
from crmstate.core.plan import Step
from crmstate.core.ports import Archiver, Clock, Ledger, Messenger, ReadSession, Session
from crmstate.core.provider import Provider
from crmstate.core.words import Exit, Outcome, Severity
from crmstate.engine.meter import Meter
from crmstate.engine.observe import stamp
from crmstate.engine.stop import Stop


@dataclass(frozen=True)
class Work:
    """To be run beside the walk."""

    run: Callable[[], Any]


@dataclass(frozen=True)
class Note:
    """To be made durable before the task goes on."""

    events: tuple[AnyEvent, ...]


@dataclass(frozen=True)
class Verdict:
    """How a step ended this run. `exit`: what it means for the run's exit code. `halt`: nothing more should be sent to
    the vendor. `more`: what else was found."""

    step: Step
    result: Result
    found: Diagnostic | None = None
    until: str | None = None
    exit: Exit = Exit.OK
    halt: bool = False
    more: tuple[Diagnostic, ...] = ()


Task = Generator[Work | Note, Any, list[Verdict]]


@dataclass
class Context:
    """What tasks work with. `read` looks and exports, `write` acts; both may be the same credential. `resend`: messages
    whose answer was lost are sent again. `given_up`: columns of datasets that the manifest gives up in writing; `left_out`:
    whose attachments it leaves out of the archive."""

    run: str
    provider: Provider
    read: ReadSession
    write: Session
    ledger: Ledger
    archiver: Archiver | None
    clock: Clock
    stop: Stop = field(default_factory=Stop)
    left_out: LeftOut = field(default_factory=LeftOut)
    batches: int = 0
    meter: Meter | None = None
    messenger: Messenger | None = None
    resend: bool = False
    given_up: GivenUp = field(default_factory=dict)

    def now(self) -> str:
        return stamp(self.clock.now())

    def seal(self, dataset: str) -> str | None:
        """The archive's seal on record: what lies at its location must be just this."""
        found = self.ledger.state.proved(dataset)
        return found.evidence[0].sha256 if found is not None else None

    def batch(self) -> str:
        """A name for one call, unique in its run."""
        self.batches += 1
        return f"{self.run}-{self.batches}"

    def intended(
        self, batch: str, steps: Sequence[Step], position: int | None = None, count: int | None = None
    ) -> Intended:
        refs = tuple(ref(step, self.own(step)) for step in steps)
        return Intended(self.now(), self.run, batch, refs, position, count)

    def own(self, step: Step) -> bool:
        """Whether a step ends access of ours: our keys, the account, or by the vendor's word the API as a whole."""
        cell = self.provider.cell(step.kind, step.verb)
        return step.stage in ("own", "account") or (cell is not None and "ends_api" in cell.attributes)

    def settled(self, batch: str, results: Sequence[Settlement]) -> Settled:
        return Settled(self.now(), self.run, batch, tuple(results))


def ref(step: Step, own: bool = False) -> StepRef:
    """A step as the record keeps it. `own`: it ends access of ours."""
    return StepRef(step.id, step.address, step.verb, step.undo, step.label, step.occurrence, own)


def finding(step: Step, code: str, severity: Severity = Severity.ERROR, **params: object) -> Diagnostic:
    """A diagnostic about one step."""
    return diagnostic(code, severity, step.span, step.address, verb=step.verb.value, **params)


def verdict_of(step: Step, settlement: Settlement, found: Diagnostic | None = None, halt: bool = False) -> Verdict:
    """The closing line that a settlement means."""
    match settlement.outcome:
        case Outcome.DONE:
            return Verdict(step, Result.DONE, found)
        case Outcome.REQUESTED:
            return Verdict(step, Result.WAITING, found, settlement.until)
        case Outcome.UNKNOWN:
            return Verdict(step, Result.UNKNOWN, found, exit=Exit.PARTIAL, halt=halt)
        case _:
            return Verdict(step, Result.FAILED, found, settlement.until, exit=Exit.PARTIAL, halt=halt)
