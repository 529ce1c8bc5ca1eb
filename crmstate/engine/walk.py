"""Walk: takes a plan's steps in their order, as far as they go, and nothing else. Independent branches go on after a
failure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import msgspec

from crmstate.core.address import id_of
from crmstate.core.closing import Closing, Line, Result
from crmstate.core.diagnostic import Diagnostic, diagnostic
from crmstate.core.event import AnyEvent, Finished, Observed, Started
from crmstate.core.lacking import anywhere, lacking, unread, unread_anywhere
from crmstate.core.plan import Plan, Step, sort_key
from crmstate.core.planning.draft import expired
from crmstate.core.record import Entry
from crmstate.core.schedule import Schedule
from crmstate.core.words import Exit, Kind, Mode, Outcome, Severity, Verb, worst
from crmstate.engine.batch import act_on
from crmstate.engine.notices import notify
from crmstate.engine.ours import archive, wait_for
from crmstate.engine.pool import Pool
from crmstate.engine.purge import empty_bin, purge
from crmstate.engine.tasks import Context, Note, Task, Verdict, Work, finding

Announce = Callable[[Sequence[AnyEvent]], None]

AHEAD = 4
"""Tasks under way for each worker: while one waits for the vendor the others' events share an append."""


@dataclass
class Active:
    """A task under way: what it asks for now is either work (a future) or a note."""

    task: Task
    future: Future[Any] | None = None
    note: Note | None = None


class Walk:
    """One run over one plan."""

    def __init__(self, plan: Plan, context: Context, pool: Pool, by: str, announce: Announce | None = None) -> None:
        self.plan, self.context, self.pool, self.by = plan, context, pool, by
        self.announce = announce or (lambda events: None)
        self.verdicts: dict[str, Verdict] = {}
        self.active: list[Active] = []
        self.queue: deque[Task] = deque()
        self.halted = False
        self.notes: list[Diagnostic] = []
        self.approved = approved(plan, context)

    def go(self) -> Closing:
        """Walks to the end of what can be done now, and closes the run in the journal."""
        state = self.context.ledger.state
        now = self.context.now()
        done = [step.id for step in self.plan.steps if _done(state.entries.get(step.id), now)]
        schedule = Schedule(self.plan, done)
        self._durable(
            [
                Started(
                    self.context.now(),
                    self.context.run,
                    self.plan.plan_id,
                    self.plan.digest,
                    self.by,
                    len(self.plan.steps),
                )
            ]
        )
        while True:
            if not self.context.stop.asked and not self.halted:
                self._enqueue(schedule.take())
                while self.queue and len(self.active) < self.pool.workers * AHEAD:
                    self._judged(self._advance(Active(self.queue.popleft()), None), schedule)
            if not self.active:
                break
            self._judged(self._turn(), schedule)
        return self._close(set(done))

    def _judged(self, verdicts: list[Verdict], schedule: Schedule) -> None:
        for verdict in verdicts:
            self.verdicts[verdict.step.id] = verdict
            self.halted = self.halted or verdict.halt
            self.notes += [each for each in verdict.more if each not in self.notes]
            if verdict.result is Result.DONE:
                schedule.done(verdict.step.id)

    def _turn(self) -> list[Verdict]:
        """One round: every note that tasks ask for becomes one durable append, else some work is waited for."""
        noted = [active for active in self.active if active.note is not None]
        if noted:
            self._durable([event for active in noted for event in (active.note.events if active.note else ())])
            return [verdict for active in noted for verdict in self._resume(active, None, None)]
        futures = {active.future: active for active in self.active if active.future is not None}
        verdicts: list[Verdict] = []
        for future in self.pool.any_of(list(futures)):
            error = future.exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            value = None if error is not None else future.result()
            verdicts += self._resume(futures[future], value, error)
        return verdicts

    def _resume(self, active: Active, value: Any, error: Exception | None) -> list[Verdict]:
        self.active.remove(active)
        return self._advance(active, value, error)

    def _advance(self, active: Active, value: Any, error: Exception | None = None) -> list[Verdict]:
        """Gives a task what it asked for and takes its next wish."""
        active.future = active.note = None
        try:
            wish = active.task.throw(error) if error is not None else active.task.send(value)
        except StopIteration as end:
            verdicts: list[Verdict] = end.value
            return verdicts
        if isinstance(wish, Work):
            active.future = self.pool.submit(wish.run)
        else:
            active.note = wish
        self.active.append(active)
        return []

    def _durable(self, events: Sequence[AnyEvent]) -> None:
        self.context.ledger.append(events)
        self.announce(events)

    def _enqueue(self, steps: list[Step]) -> None:
        """Sorts free steps into tasks; equal vendor steps share a batch."""
        groups: dict[tuple[Kind, Verb, str, bytes], list[Step]] = {}
        for step in steps:
            if step.irreversible and not self.approved:
                have, need = approvals(self.plan, self.context), self.plan.approvals_needed
                found = finding(step, "CRM-E005", have=have, need=need, digest=self.plan.approval)
                self.verdicts[step.id] = Verdict(step, Result.REFUSED, found, exit=Exit.REFUSED)
            elif (lost := _lost(step, self.context)) is not None:
                self.verdicts[step.id] = Verdict(step, Result.REFUSED, lost, exit=Exit.REFUSED)
            elif step.mode is not Mode.AUTO:
                self.queue.append(wait_for(self.context, step))
            elif step.kind is Kind.NOTICE:
                self.queue.append(notify(self.context, step))
            elif step.kind is Kind.ARCHIVE:
                self.queue.append(archive(self.context, step))
            else:
                groups.setdefault((step.kind, step.verb, step.stage, msgspec.json.encode(step.args)), []).append(step)
        for (kind, verb, _, _), group in groups.items():
            self._vendor(kind, verb, group)

    def _vendor(self, kind: Kind, verb: Verb, steps: list[Step]) -> None:
        cell = self.context.provider.cell(kind, verb)
        assert cell is not None
        if verb is Verb.PURGE or kind is Kind.BIN:
            work = purge if verb is Verb.PURGE else empty_bin
            self.queue.extend(work(self.context, cell, step) for step in steps)
            return
        for first in range(0, len(steps), cell.batch):
            part = steps[first : first + cell.batch]
            self.queue.append(act_on(self.context, cell, part))

    def _close(self, done: set[str]) -> Closing:
        lines: list[Line] = []
        exits = [Exit.OK]
        for step in sorted(self.plan.steps, key=sort_key):
            verdict = self.verdicts.get(step.id)
            if verdict is not None:
                lines.append(Line(step, verdict.result, verdict.found, verdict.until))
                exits.append(verdict.exit)
            else:
                lines.append(Line(step, Result.ALREADY_DONE if step.id in done else Result.NOT_STARTED))
        if self.context.stop.asked:
            exits.append(Exit.INTERRUPTED)
            self.notes.append(diagnostic("CRM-E013", Severity.WARNING))
        exit = worst(exits)
        closing = Closing(self.context.run, exit, tuple(lines), tuple(self.notes), self.plan.blocked)
        ends: list[AnyEvent] = [Finished(self.context.now(), self.context.run, int(exit), closing.counts())]
        if (
            exit is Exit.OK
            and not self.plan.blocked
            and not self.plan.excluded
            and not self.plan.alone
            and all(line.result is Result.DONE for line in lines)
        ):
            ends.append(Observed(self.context.now(), self.plan.plan_id))
        self._durable(ends)
        return closing


def _done(entry: Entry | None, now: str) -> bool:
    """Whether a step is done on record, and not only waived until a time that has passed."""
    return entry is not None and entry.outcome is Outcome.DONE and not expired(entry, now)


def _lost(step: Step, context: Context) -> Diagnostic | None:
    """What a step would take away for good although no archive has it: columns or attachments that the verification just
    now found to lack, or one on record, and that nobody gave up."""
    state, given, left = context.ledger.state, context.given_up, context.left_out
    columns: tuple[str, tuple[str, ...]] | None = None
    files: str | None = None
    if step.verb is Verb.PURGE and step.kind is Kind.DATASET:
        dataset, label = id_of(step.address), step.label or id_of(step.address)
        names = lacking(state, given, dataset)
        columns, files = (label, names) if names else None, label if unread(state, left, dataset, step.label) else None
    elif step.irreversible and (step.verb is Verb.CLOSE or step.kind is Kind.MODULE):
        columns, files = anywhere(state, given), unread_anywhere(state, left)
    if columns is not None:
        return finding(step, "CRM-E031", dataset=columns[0], fields=", ".join(columns[1]))
    return finding(step, "CRM-E032", dataset=files) if files is not None else None


def approvals(plan: Plan, context: Context) -> int:
    """How many different people approved exactly these irreversible steps."""
    return len({each.by for each in context.ledger.state.approvals if each.digest == plan.approval})


def approved(plan: Plan, context: Context) -> bool:
    return approvals(plan, context) >= plan.approvals_needed
