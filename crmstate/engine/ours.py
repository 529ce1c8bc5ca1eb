"""Our own acts: archive, verify, delta; and what is only waited for: the freeze, a vendor's promise, the end of our
own access, people."""

from __future__ import annotations

from crmstate.core.address import Address, id_of
from crmstate.core.backup import ACCOUNT, BACKUP, is_backup
from crmstate.core.closing import Result
from crmstate.core.diagnostic import Problem, diagnostic
from crmstate.core.event import Advanced, Evidence, Intended, Settlement, StepRef
from crmstate.core.failure import Code, Failure
from crmstate.core.message import message
from crmstate.core.order import Stage
from crmstate.core.plan import Step
from crmstate.core.planning.draft import satisfied
from crmstate.core.planning.retention import BEGUN, archived, begun
from crmstate.core.ports import Archiver, Jobs, ReadSession
from crmstate.core.record import step_id
from crmstate.core.survey import Resource
from crmstate.core.words import Exit, Kind, Mode, Outcome, Phase, Proof, Severity, Undo, Verb
from crmstate.engine.absent import Absent
from crmstate.engine.batch import refused
from crmstate.engine.look import look
from crmstate.engine.stop import Stoppable
from crmstate.engine.tasks import Context, Note, Task, Verdict, Work, finding, verdict_of

A_DELTA_HELPS = frozenset({"CRM-A006", "CRM-A031", "CRM-A028", "CRM-A096"})
"""What a verification finds that another delta puts right: the vendor has other rows by now, or a delta was begun and
not finished (and the record of it is lost)."""


TORN = "CRM-A093"
"""What the end of an archive says that took something away and could not go on."""

CLEARED = 1
"""The position of an ending that has taken everything away but the mark."""


def archive(context: Context, step: Step) -> Task:
    """Archive, verify, re-check or delta of one dataset; the end of the archive as a whole."""
    if step.verb is Verb.DISCARD:
        return (yield from _end(context, step))
    dataset, archiver = id_of(step.address), context.archiver
    batch = context.batch()
    yield Note((context.intended(batch, [step]),))
    assert archiver is not None

    def work() -> Evidence:
        if is_backup(step.address):
            return _backup(context, archiver, step)
        if rechecks(step):
            return archiver.recheck(Resource(Kind.DATASET, dataset, step.label), context.seal(dataset))
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
        if rechecks(step):
            more = (*found.diagnostics, diagnostic("CRM-E030", Severity.ERROR, step.span))
            return [Verdict(step, Result.FAILED, more[0], exit=Exit.ERROR, more=more[1:])]
        exit = Exit.CREDENTIALS if found.exit is Exit.CREDENTIALS else Exit.PARTIAL
        return [Verdict(step, Result.FAILED, found.diagnostics[0], exit=exit, more=found.diagnostics[1:])]
    settlement = Settlement(
        step.id, Outcome.DONE, evidence.proof, Phase.PRESENT, rows=evidence.rows, evidence=(evidence,)
    )
    yield Note((context.settled(batch, [settlement]),))
    return [verdict_of(step, settlement)]


def _backup(context: Context, archiver: Archiver, step: Step) -> Evidence:
    """The vendor's backup: taken, or read back. A verification of it has nothing at the vendor to compare with."""
    if step.verb is not Verb.ARCHIVE:
        return archiver.recheck(ACCOUNT, context.seal(BACKUP))
    source: ReadSession = context.read
    if context.meter is not None:
        source = context.meter.watched(step, ACCOUNT, source, 0)
    jobs = _jobs(context, step, Kind.ACCOUNT)
    if jobs is None:
        raise Failure(Code.REJECTED, "no backup is offered")
    evidence = archiver.backup(source, ACCOUNT, jobs)
    if context.meter is not None:
        context.meter.done(step.id)
    return evidence


def rechecks(step: Step) -> bool:
    """Whether a step is a re-check: the first verification compares with the vendor, every later one reads back."""
    return step.kind is Kind.ARCHIVE and step.verb is Verb.VERIFY and step.occurrence > 1


def _end(context: Context, step: Step) -> Task:
    """The end of the archive: never before its time, on record before it begins, read back after it. That an empty place
    is the end of it is believed only with the record that everything but the mark was taken away there."""
    archiver, state = context.archiver, context.ledger.state
    if step.not_before is not None and step.not_before > context.now():
        return [Verdict(step, Result.WAITING, until=step.not_before)]
    earlier = begun(state)
    cleared = earlier is not None and earlier.position == CLEARED
    expected = {id_of(place): context.seal(id_of(place)) or "" for place in archived(state)}
    batch = context.batch()
    intent = context.intended(batch, [step])
    begins = earlier is not None and not cleared
    yield Note((intent, _cleared(context, step, 0)) if begins else (intent,))
    assert archiver is not None
    touched = earlier is not None
    try:
        if earlier is None:  # looking takes its time; whoever is interrupted in it has begun nothing
            yield Work(lambda: archiver.clearable(expected, False))
            yield Note((_cleared(context, step, 0),))
        if not cleared or not (yield Work(archiver.bare)):
            if cleared:
                yield Note((_cleared(context, step, 0),))  # something has come back
            evidence: Evidence = yield Work(lambda: archiver.clear(expected, earlier is not None))
            touched = True
            yield Note((_cleared(context, step, CLEARED),))
            yield Work(archiver.end)
        else:
            evidence = yield Work(archiver.end)
    except Problem as found:
        first = found.diagnostics[0].code
        code = BEGUN if touched or first == TORN else first
        yield Note((context.settled(batch, [Settlement(step.id, Outcome.FAILED, code=code, summary=first)]),))
        return [Verdict(step, Result.FAILED, found.diagnostics[0], exit=Exit.ERROR, more=found.diagnostics[1:])]
    settlement = Settlement(step.id, Outcome.DONE, evidence.proof, Phase.ABSENT, evidence=(evidence,))
    yield Note((context.settled(batch, [settlement]),))
    return [verdict_of(step, settlement)]


def _cleared(context: Context, step: Step, position: int) -> Advanced:
    return Advanced(context.now(), context.run, step.id, position, step.rows or 0)


def _archived(context: Context, archiver: Archiver, step: Step, row: Resource) -> Evidence:
    """The archive's own work. A live CRM has other rows by the time that its archive is verified, and a delta may have
    been cut off: that asks for a delta, which verifies."""
    if context.meter is None or step.verb is Verb.VERIFY:
        return _with(context, archiver, step, row, context.read)
    watched = context.meter.watched(step, row, context.read, archiver.held(row.id))
    evidence = _with(context, archiver, step, row, watched)
    context.meter.done(step.id)
    return evidence


def _with(context: Context, archiver: Archiver, step: Step, row: Resource, source: ReadSession) -> Evidence:
    seal = context.seal(row.id)
    state = context.ledger.state
    purging = state.latest(row.address, Verb.PURGE) is not None or state.cleared()
    files, decision = not context.left_out.covers(row.id, row.label), context.left_out.decision(row.id, row.label)
    if step.verb is Verb.ARCHIVE:
        return archiver.archive(source, row, files, _jobs(context, step) if step.jobs else None, decision)
    if step.verb is Verb.VERIFY:
        try:
            return archiver.verify(source, row, seal)
        except Problem as found:
            if not {each.code for each in found.diagnostics} <= A_DELTA_HELPS:
                raise
    frozen = step.verb is Verb.DELTA and step.stage == Stage.DELTA.value  # and not one beside the plan
    return archiver.delta(source, row, files, seal, purging, _jobs(context, step), frozen, decision)


def _jobs(context: Context, step: Step, kind: Kind = Kind.DATASET) -> Jobs | None:
    """The vendor's export jobs. They belong to the credential that acts: submitting one costs quota. None for a step of
    which the plan names none, and where there is no such credential."""
    cell = context.provider.cell(kind, Verb.EXPORT)
    if cell is None or cell.bulk is None or isinstance(context.write, Absent) or not step.jobs:
        return None
    jobs = Stoppable(context.write, context.stop)
    watched = context.meter is not None and step.verb is not Verb.VERIFY
    return context.meter.watched_jobs(step, jobs) if context.meter and watched else jobs


def continued(context: Context, place: Address, label: str, jobs: bool = False) -> Evidence:
    """A delta beside every plan: adds what is new and verifies the whole. It is on record as a verification, never as the
    delta that follows the freeze: people go on working after this one. Raises Failure, and Problem as the archive does;
    then nothing is on record, and the next one goes on where this one stopped. `jobs`: the vendor's export jobs may be
    submitted, as many as it takes."""
    assert context.archiver is not None
    state, dataset = context.ledger.state, id_of(place)
    row = look(context.read, Kind.DATASET, [dataset]).rows.get(dataset)
    number = max(1, state.occurrence(place, Verb.VERIFY))
    latest = state.entry(place, Verb.VERIFY, number)
    occurrence = number + 1 if latest is not None and latest.outcome is Outcome.DONE else number
    step = Step(
        id=step_id(place, Verb.VERIFY, occurrence), address=place, kind=Kind.ARCHIVE, verb=Verb.DELTA, mode=Mode.AUTO,
        undo=Undo.FREE, stage="", why=message("why.delta"), before=Phase.PRESENT, after=Phase.PRESENT, label=label,
        occurrence=occurrence, jobs=int(jobs),
    )  # fmt: skip
    evidence = _archived(context, context.archiver, step, row or Resource(Kind.DATASET, dataset, label))
    batch = context.batch()
    ref = StepRef(step.id, place, Verb.VERIFY, Undo.FREE, label, occurrence)
    settlement = Settlement(
        step.id, Outcome.DONE, evidence.proof, Phase.PRESENT, rows=evidence.rows, evidence=(evidence,)
    )
    at = context.now()
    context.ledger.append([Intended(at, context.run, batch, (ref,)), context.settled(batch, [settlement])])
    return evidence


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
    failed = entry is not None and entry.outcome is Outcome.FAILED
    if failed and seen.phase(remote) is Phase.PENDING:  # accepted after all: what ends with it ends by our own act
        asked = Settlement(step.id, Outcome.REQUESTED, Proof.ACKNOWLEDGED, Phase.PENDING, until=seen.until(remote))
        return (yield from _record(context, step, asked))
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
    if step.not_before is not None and step.not_before > context.now():
        return [Verdict(step, Result.WAITING, until=step.not_before)]
    entry = context.ledger.state.entries.get(step.id)
    if entry is None or entry.outcome is not Outcome.REQUESTED:
        batch = context.batch()
        settlement = Settlement(step.id, Outcome.REQUESTED)
        yield Note((context.intended(batch, [step]), context.settled(batch, [settlement])))
    return [Verdict(step, Result.WAITING)]
