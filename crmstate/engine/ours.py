"""Our own acts: archive, verify, delta; and what is only waited for: the freeze, a vendor's promise, the end of our
own access, people."""

from __future__ import annotations

from crmstate.core.address import id_of
from crmstate.core.closing import Result
from crmstate.core.diagnostic import Problem
from crmstate.core.event import Evidence, Settlement
from crmstate.core.failure import Failure
from crmstate.core.plan import Step
from crmstate.core.planning.draft import satisfied
from crmstate.core.ports import Archiver
from crmstate.core.survey import Resource
from crmstate.core.words import Exit, Kind, Mode, Outcome, Phase, Proof, Verb
from crmstate.engine.batch import refused
from crmstate.engine.look import look
from crmstate.engine.tasks import Context, Note, Task, Verdict, Work, finding, verdict_of

A_DELTA_HELPS = frozenset({"CRM-A006", "CRM-A031", "CRM-A028"})
"""What a verification finds that another delta puts right: the vendor has other rows by now, or a delta was begun and
not finished (and the record of it is lost)."""


def archive(context: Context, step: Step) -> Task:
    """Archive, verify or delta of one dataset."""
    dataset, archiver = id_of(step.address), context.archiver
    batch = context.batch()
    yield Note((context.intended(batch, [step]),))
    assert archiver is not None

    def work() -> Evidence:
        row: Resource | None = look(context.read, Kind.DATASET, [dataset]).rows.get(dataset)
        return _archived(context, archiver, step, row or Resource(Kind.DATASET, dataset, step.label))

    try:
        evidence: Evidence = yield Work(work)
    except Failure as failure:
        settlement = Settlement(
            step.id, Outcome.FAILED, code=failure.code.value, summary=failure.summary, until=failure.until
        )
        yield Note((context.settled(batch, [settlement]),))
        return [refused(step, failure)]
    except Problem as found:
        settlement = Settlement(step.id, Outcome.FAILED, code=found.diagnostics[0].code)
        yield Note((context.settled(batch, [settlement]),))
        return [Verdict(step, Result.FAILED, found.diagnostics[0], exit=Exit.PARTIAL, more=found.diagnostics[1:])]
    settlement = Settlement(
        step.id, Outcome.DONE, evidence.proof, Phase.PRESENT, rows=evidence.rows, evidence=(evidence,)
    )
    yield Note((context.settled(batch, [settlement]),))
    return [verdict_of(step, settlement)]


def _archived(context: Context, archiver: Archiver, step: Step, row: Resource) -> Evidence:
    """The archive's own work. A live CRM has other rows by the time that its archive is verified, and a delta may have
    been cut off: that asks for a delta, which verifies."""
    seal = context.seal(row.id)
    state = context.ledger.state
    purging = state.latest(row.address, Verb.PURGE) is not None or state.cleared()
    if step.verb is Verb.ARCHIVE:
        return archiver.archive(context.read, row, context.attachments)
    if step.verb is Verb.VERIFY:
        try:
            return archiver.verify(context.read, row, seal)
        except Problem as found:
            if not {each.code for each in found.diagnostics} <= A_DELTA_HELPS:
                raise
    return archiver.delta(context.read, row, context.attachments, seal, purging)


def wait_for(context: Context, step: Step) -> Task:
    """Looks once whether what a step waits for has come; never blocks."""
    if step.mode is Mode.MANUAL:
        return (yield from _ask(context, step))
    if step.kind is Kind.FREEZE:
        if step.not_before is not None and step.not_before > context.now():
            return [Verdict(step, Result.WAITING, until=step.not_before)]
        return (yield from _record(context, step, Settlement(step.id, Outcome.DONE, Proof.OBSERVED, Phase.PRESENT)))
    if step.kind is Kind.API_KEY and step.verb is Verb.PROBE:
        try:
            living = yield Work(lambda: context.read.alive() or context.write.alive())
        except Failure as failure:
            return [
                Verdict(
                    step, Result.WAITING, finding(step, "CRM-E006", reason=failure.code.value, summary=failure.summary)
                )
            ]
        if living:
            return [Verdict(step, Result.WAITING)]
        return (yield from _record(context, step, Settlement(step.id, Outcome.DONE, Proof.OBSERVED, Phase.ABSENT)))
    remote = id_of(step.address)
    try:
        seen = yield Work(lambda: look(context.write, step.kind, [remote]))
    except Failure as failure:
        return [refused(step, failure)]
    if satisfied(seen.phase(remote), step.after):
        return (
            yield from _record(context, step, Settlement(step.id, Outcome.DONE, Proof.OBSERVED, seen.phase(remote)))
        )
    entry = context.ledger.state.entries.get(step.id)
    return [
        Verdict(
            step,
            Result.WAITING,
            until=seen.until(remote) or step.not_before or (entry.until if entry is not None else None),
        )
    ]


def _record(context: Context, step: Step, settlement: Settlement) -> Task:
    batch = context.batch()
    yield Note((context.intended(batch, [step]), context.settled(batch, [settlement])))
    return [verdict_of(step, settlement)]


def _ask(context: Context, step: Step) -> Task:
    """A person's step is on record before it is waited for, so that `status` can say since when."""
    entry = context.ledger.state.entries.get(step.id)
    if entry is None or entry.outcome is not Outcome.REQUESTED:
        batch = context.batch()
        settlement = Settlement(step.id, Outcome.REQUESTED)
        yield Note((context.intended(batch, [step]), context.settled(batch, [settlement])))
    return [Verdict(step, Result.WAITING)]
