"""One batch at the vendor: look, write the intent, act once, look again, write what is known.

Nothing is believed: `done` counts when the vendor's own listing shows it, and a lost answer is looked for, never sent
again blindly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from crmstate.core.address import id_of
from crmstate.core.closing import Result
from crmstate.core.diagnostic import Diagnostic, Problem
from crmstate.core.event import Settlement
from crmstate.core.failure import Code, Failure
from crmstate.core.plan import Step
from crmstate.core.planning.draft import satisfied
from crmstate.core.planning.retention import archived, ended
from crmstate.core.provider import Args, Batch, Cell, Item
from crmstate.core.provider import Result as Answer
from crmstate.core.words import Exit, Kind, Outcome, Phase, Proof, Undo
from crmstate.engine.look import Seen, look
from crmstate.engine.standing import stands
from crmstate.engine.tasks import Context, Note, Task, Verdict, Work, finding, verdict_of

HALTING = (Code.EXPIRED, Code.EXHAUSTED)


def act_on(context: Context, cell: Cell, steps: Sequence[Step]) -> Task:
    """The task of one batch of vendor steps: equal kind, verb, stage and args."""
    ids = [id_of(step.address) for step in steps]
    try:
        seen: Seen = yield Work(lambda: look(context.write, cell.kind, ids, cell))
    except Failure as failure:
        return [refused(step, failure) for step in steps]
    batch = context.batch()
    verdicts: list[Verdict] = []
    settled: list[Settlement] = []
    todo: list[Step] = []
    for step in steps:
        early = before_act(step, seen)
        known = _open(context, cell, step) if early is None or early[0].outcome is Outcome.FAILED else None
        if known is not None:
            verdicts.append(known)
        elif early is None:
            todo.append(step)
        else:
            settled.append(early[0])
            verdicts.append(early[1])
    if settled:
        known_now = {each.id for each in settled}
        done = [step for step in steps if step.id in known_now]
        yield Note((context.intended(batch, done), context.settled(batch, settled)))
    if todo and (cell.kind is Kind.ACCOUNT or (cell.kind is Kind.MODULE and any(step.irreversible for step in todo))):
        try:
            yield Work(lambda: _archive_stands(context))
        except Problem as found:
            more = found.diagnostics[1:]
            return [
                *verdicts,
                *(Verdict(s, Result.FAILED, found.diagnostics[0], exit=found.exit, more=more) for s in todo),
            ]
    if todo:
        verdicts += yield from _send(context, cell, todo, batch)
    return verdicts


def _open(context: Context, cell: Cell, step: Step) -> Verdict | None:
    """What the record has open of a step that does not show: a plan made now would wait for it, or leave it to a person. A saved
    one that is applied once more does not send it again either."""
    entry = context.ledger.state.entries.get(step.id)
    if entry is not None and entry.outcome is Outcome.REQUESTED:
        return Verdict(step, Result.WAITING, until=entry.until)
    if entry is None or entry.outcome is not Outcome.UNKNOWN or cell.shows_effect or step.undo is not Undo.NEVER:
        return None
    return Verdict(step, Result.UNKNOWN, finding(step, "CRM-E008"), exit=Exit.PARTIAL)


def _archive_stands(context: Context) -> None:
    """Reads the whole archive back before the account goes, which takes everything along, or a module with its data. Raises
    Problem with everything that is wrong in the first dataset that does not stand."""
    state = context.ledger.state
    if context.archiver is None or ended(state) is not None:
        return
    for place in sorted(archived(state)):
        stands(context, id_of(place))


def before_act(step: Step, seen: Seen) -> tuple[Settlement, Verdict] | None:
    """What is already so, waited for, or different from what the plan expects; None: go on and act."""
    remote = id_of(step.address)
    phase, row = seen.phase(remote), seen.rows.get(remote)
    if satisfied(phase, step.after):
        settlement = Settlement(step.id, Outcome.DONE, Proof.OBSERVED, phase)
        return settlement, verdict_of(step, settlement)
    if phase is Phase.PENDING and step.after is not Phase.PRESENT:
        settlement = Settlement(step.id, Outcome.REQUESTED, Proof.ACKNOWLEDGED, phase, until=seen.until(remote))
        return settlement, verdict_of(step, settlement)
    expects = step.expects
    if expects is None or (
        phase is expects.phase and (row is None or not expects.fingerprint or row.fingerprint == expects.fingerprint)
    ):
        return None
    settlement = Settlement(step.id, Outcome.FAILED, phase=phase, code="expects")
    found = finding(step, "CRM-E001", expected=expects.phase.value, found=phase.value)
    return settlement, Verdict(step, Result.REFUSED, found, exit=Exit.STALE)


def _send(context: Context, cell: Cell, steps: Sequence[Step], batch: str) -> Task:
    yield Note((context.intended(batch, steps),))
    call = Batch(cell.kind, cell.verb, tuple(Item(id_of(step.address), step.args or Args()) for step in steps))
    try:
        answers: list[Answer] = yield Work(lambda: context.write.perform(call))
    except Failure as failure:
        return (yield from _nothing_happened(context, steps, batch, failure))
    try:
        seen: Seen | None = yield Work(lambda: look(context.write, cell.kind, [item.id for item in call.items], cell))
        blind: Code | None = None
    except Failure as failure:
        seen, blind = None, failure.code
    settled: list[Settlement] = []
    verdicts: list[Verdict] = []
    for step, answer in zip(steps, answers, strict=True):
        settlement, found = judge(step, cell, answer, seen)
        settled.append(settlement)
        verdict = verdict_of(step, settlement, found, halt=answer.code in {code.value for code in HALTING})
        if blind in HALTING and not context.own(step):
            exit = Exit.CREDENTIALS if blind is Code.EXPIRED else Exit.PARTIAL
            verdict = replace(verdict, exit=exit, halt=True)
        verdicts.append(verdict)
    yield Note((context.settled(batch, settled),))
    return verdicts


def _nothing_happened(context: Context, steps: Sequence[Step], batch: str, failure: Failure) -> Task:
    settled = [
        Settlement(
            step.id,
            Outcome.FAILED,
            code=failure.code.value,
            summary=failure.summary,
            until=failure.until,
            request_id=failure.request_id,
        )
        for step in steps
    ]
    yield Note((context.settled(batch, settled),))
    return [refused(step, failure) for step in steps]


def refused(step: Step, failure: Failure) -> Verdict:
    """The closing line of a step that the vendor did not let happen."""
    halt = failure.code in HALTING
    if failure.found is not None:
        found = msgspec.structs.replace(failure.found, address=step.address)
    elif failure.code is Code.EXHAUSTED:
        found = finding(step, "CRM-E012", until=failure.until or "unknown")
    else:
        found = finding(step, "CRM-E006", reason=failure.code.value, summary=failure.summary)
    exit = Exit.CREDENTIALS if failure.code is Code.EXPIRED else Exit.PARTIAL
    return Verdict(step, Result.FAILED, found, failure.until, exit, halt)


def judge(step: Step, cell: Cell, answer: Answer, seen: Seen | None) -> tuple[Settlement, Diagnostic | None]:
    """What is known of a step after the vendor's answer and our own look: the look decides."""
    remote = answer.id
    phase = seen.phase(remote) if seen is not None else Phase.UNKNOWN
    until = answer.until or (seen.until(remote) if seen is not None else None)

    def settle(outcome: Outcome, proof: Proof, code: str | None = None) -> Settlement:
        known = phase if phase is not Phase.UNKNOWN else None
        return Settlement(step.id, outcome, proof, known, code, answer.summary, until, answer.request_id)

    if satisfied(phase, step.after):
        return settle(Outcome.DONE, Proof.OBSERVED), None
    if phase is Phase.PENDING and (step.after is not Phase.PRESENT or answer.outcome is Outcome.REQUESTED):
        return settle(Outcome.REQUESTED, Proof.ACKNOWLEDGED), None
    if answer.outcome is Outcome.REQUESTED and answer.hidden:
        return settle(Outcome.REQUESTED, Proof.ACKNOWLEDGED, "accepted"), None
    if answer.outcome in (Outcome.DONE, Outcome.REQUESTED):
        if phase is Phase.UNKNOWN or not cell.shows_effect:
            return settle(Outcome.REQUESTED, Proof.ACKNOWLEDGED, "not_read_back"), None
        return settle(Outcome.FAILED, Proof.NONE, "no_effect"), finding(step, "CRM-E007", found=phase.value)
    if answer.outcome is Outcome.FAILED:
        found = finding(step, "CRM-E006", reason=answer.code or "rejected", summary=answer.summary)
        return settle(Outcome.FAILED, Proof.NONE, answer.code or "rejected"), found
    if phase is not Phase.UNKNOWN and (cell.shows_effect or step.undo is not Undo.NEVER):
        found = finding(step, "CRM-E006", reason=Code.AMBIGUOUS.value, summary=answer.summary)
        return settle(Outcome.FAILED, Proof.NONE, "not_seen"), found
    return settle(Outcome.UNKNOWN, Proof.NONE, Code.AMBIGUOUS.value), finding(step, "CRM-E008")
