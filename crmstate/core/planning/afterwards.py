"""What comes beside and after the technical end: the migration's acceptance, the settlement, looking back.

The migration is a gate: data goes and the subscription ends only once it is accepted. Settlement and evaluation go by the
record alone, so that they are planned where the vendor is out of reach by design as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from crmstate.core import certificate, evaluation, migration, settling
from crmstate.core.address import address, id_of
from crmstate.core.around import Migrated, ReplacementGoal
from crmstate.core.contract import Calendar, When
from crmstate.core.deadline import Dated, on, unless_unknown
from crmstate.core.goal import Desired
from crmstate.core.message import Message, message
from crmstate.core.milestones import milestones, resolve
from crmstate.core.order import Stage
from crmstate.core.plan import Deadline
from crmstate.core.planning.draft import Draft
from crmstate.core.planning.hands import enough
from crmstate.core.record import Entry, State
from crmstate.core.words import Kind, Mode, Outcome, Phase, Proof, Severity, Verb

SETTLEMENT = address(Kind.SETTLEMENT, "final")
_FILES = ("acknowledged", "certified")
"""Proofs that are somebody else's word: without a document there is none."""


def replacement(draft: Draft) -> None:
    """A replacement that was adopted is compared, where the manifest says what moves, and accepted, before anything of the
    old system goes. Each step is a stage of its own, so that a plan's order names it and a saved plan cannot lose it."""
    goal = draft.desired.replacement
    if goal is None:
        return
    if goal.decision == "open":
        draft.report("CRM-P070", Severity.WARNING, goal.span)
    if goal.decision != "adopted":
        return
    gated = [Stage.PURGE, Stage.CANCEL, *([Stage.MODULES] if draft.desired.clearing else [])]
    draft.edges += [(migration.ACCEPTED, stage.value) for stage in gated]
    draft.edges += [(migration.place(each), migration.ACCEPTED) for each in goal.migrate]
    compared = tuple(step for each in goal.migrate for step in _moved(draft, goal, each))
    done = draft.recorded(migration.ACCEPTED, Verb.CONFIRM)
    if done is not None and enough(done.proof, Proof(goal.proof)) and not compared:
        draft.keep(Kind.MIGRATION)
        return
    occurrence = max(1, draft.state.occurrence(migration.ACCEPTED, Verb.CONFIRM)) + (done is not None)
    why = message("why.migration.accepted", system=goal.system or "-")
    if goal.criteria is not None:
        why = message("why.migration.chosen", system=goal.system or "-", criteria=goal.criteria)
    draft.ours(
        migration.ACCEPTED, Kind.MIGRATION, Verb.CONFIRM, migration.ACCEPTED,
        why,
        mode=Mode.MANUAL, occurrence=occurrence, needs=compared, owner=goal.owner or draft.desired.owner,
        proof=Proof(goal.proof), files=goal.proof in _FILES, span=goal.span, before=Phase.ABSENT, after=Phase.PRESENT,
    )  # fmt: skip


def _moved(draft: Draft, goal: ReplacementGoal, each: Migrated) -> tuple[str, ...]:
    """The step of one dataset: its counts and fields in the new system are as in the archive. What the archive still takes
    in is compared as well, so the step comes after that."""
    place = migration.place(each)
    rows = [row for row in draft.by_kind[Kind.DATASET] if each.dataset in (row.id, row.label)]
    held = [entry for entry in draft.state.entries.values() if entry.verb is Verb.ARCHIVE]
    name = next((row.id for row in rows), None) or next(
        (id_of(entry.address) for entry in held if each.dataset in (id_of(entry.address), entry.label)), None
    )
    if name is None and Kind.DATASET in draft.survey.complete:
        draft.report("CRM-P020", span=goal.span, dataset=each.dataset)
    archive = address(Kind.ARCHIVE, name or each.dataset)
    needs = tuple(step.id for step in draft.steps if step.address == archive and step.kind is Kind.ARCHIVE)
    adds = any(step.id in needs and step.verb in (Verb.ARCHIVE, Verb.DELTA) for step in draft.steps)
    stale = name is not None and migration.stale(draft.state, each, name)
    done = draft.recorded(place, Verb.CONFIRM)
    if done is not None and not stale and not (adds and done.proof is not Proof.WAIVED):
        draft.keep(Kind.MIGRATION)
        return ()
    step = draft.ours(
        place, Kind.MIGRATION, Verb.CONFIRM, place, _compared(draft, goal, each, name),
        mode=Mode.MANUAL, label=each.dataset, occurrence=migration.occurrence(draft.state, place), needs=needs,
        owner=goal.owner or draft.desired.owner, proof=Proof.ATTESTED, files=True, span=goal.span,
        before=Phase.ABSENT, after=Phase.PRESENT,
    )  # fmt: skip
    return (step.id,)


def _compared(draft: Draft, goal: ReplacementGoal, each: Migrated, name: str | None) -> Message:
    last = draft.state.compared.get(name or each.dataset)
    wrong = migration.gaps(each, last) if last is not None else []
    if wrong and last is not None:
        return message(
            "why.migration.differs", dataset=each.dataset, what=", ".join(wrong), ours=last.ours, theirs=last.theirs
        )
    return message("why.migration.compare", dataset=each.dataset, to=each.to, system=goal.system or "-")


def settlement(draft: Draft) -> None:
    """Invoices, overcharge and refund are settled in writing. A claim that is entered after the settlement opens it
    again."""
    goal = draft.desired.settlement
    if goal is None:
        return
    found = settling.lines(draft.state)
    due = day(goal.due, draft.desired, draft.state, draft.survey.taken_at)
    left = settling.left(found)
    done = draft.recorded(SETTLEMENT, Verb.SETTLE)
    waived = done is not None and done.proof is Proof.WAIVED
    if done is not None and (waived or not left):
        draft.keep(Kind.SETTLEMENT)
        return
    why = message("why.settlement")
    if found:
        sums = ", ".join(str(each) for each in settling.balances(found))
        why = message("why.settlement.open", n=len(left), all=len(found), balance=sums)
    draft.ours(
        SETTLEMENT, Kind.SETTLEMENT, Verb.SETTLE, Stage.AFTERWARDS.value, why,
        mode=Mode.MANUAL, occurrence=max(1, draft.state.occurrence(SETTLEMENT, Verb.SETTLE)) + (done is not None),
        owner=goal.owner, proof=Proof.ATTESTED, files=True, deadline=due.at if due is not None else None, span=goal.span,
        before=Phase.ABSENT, after=Phase.PRESENT,
    )  # fmt: skip


def review(draft: Draft, *, alone: bool = False) -> None:
    """Looking back, once its day has come; a day to come is a date (`deadlines`). Before the end nobody knows the day: the
    step says after what it comes, and is not planned on its own (`alone`)."""
    goal = draft.desired.evaluation
    if goal is None:
        return
    if draft.recorded(evaluation.PLACE, Verb.EVALUATE) is not None:
        draft.keep(Kind.EVALUATION)
        return
    due = day(goal.after, draft.desired, draft.state, draft.survey.taken_at)
    if alone if due is None else _begins(due) > draft.survey.taken_at:
        return
    lacks = evaluation.missing(evaluation.review(draft.state.remarks), goal.measures)
    why = message("why.evaluation.ready")
    if lacks:
        period, point = str(goal.after.period or ""), goal.after.point
        why = message("why.evaluation", period=period, point=point, n=len(lacks))
    draft.ours(
        evaluation.PLACE, Kind.EVALUATION, Verb.EVALUATE, Stage.AFTERWARDS.value, why,
        mode=Mode.MANUAL, owner=goal.owner, proof=Proof.ATTESTED, deadline=due.at if due is not None else None, span=goal.span,
        before=Phase.ABSENT, after=Phase.PRESENT,
    )  # fmt: skip


def afterwards(desired: Desired, state: State, now: str) -> Iterator[Deadline]:
    """The dates to come of settlement, evaluation and the vendor's backups, as far as they are known and not done."""
    if not now:
        return
    settle, look = desired.settlement, desired.evaluation
    if settle is not None:
        due = _open(day(settle.due, desired, state, now), state.latest(SETTLEMENT, Verb.SETTLE))
        if due is not None and due.at > now:
            said = message("date.settlement")
            yield Deadline("settlement", due.at, SETTLEMENT, said, settle.span, due.why, owner=settle.owner)
    if look is not None:
        due = _open(day(look.after, desired, state, now), state.latest(evaluation.PLACE, Verb.EVALUATE))
        if due is not None and (begins := _begins(due)) > now:
            said = message("date.evaluation")
            why = tuple(Message(_FROM.get(each.code, each.code), each.params) for each in due.why)
            yield Deadline("evaluation", begins, evaluation.PLACE, said, look.span, why, owner=look.owner)

    calendar = desired.contract.calendar if desired.contract is not None else Calendar()
    yield from _backups(state, now, calendar.vendor_zone or calendar.zone)


def _backups(state: State, now: str, zone: str | None) -> Iterator[Deadline]:
    """The day until which the vendor keeps backups, by the last document that was read."""
    said = state.examined[-1].said if state.examined else None
    if said is None or said.expiry is None:
        return
    found = unless_unknown(lambda: on(date.fromisoformat(said.expiry or ""), zone))
    if isinstance(found, Dated) and (at := found.at) > now:
        yield Deadline("backups", at, certificate.PLACE, message("date.backups", day=said.expiry))


_FROM = {"date.until": "date.from_clock", "date.until_end": "date.from_day"}
"""What is said of a date from which on something is done, and not by which."""


def _begins(due: Dated) -> str:
    """When something may be done that comes after a date: from that day on, or that time of it where the point has one."""
    return due.at if due.clock is not None else due.starts


def _open(due: Dated | None, entry: Entry | None) -> Dated | None:
    """The date of what is not done yet."""
    return None if entry is not None and entry.outcome is Outcome.DONE else due


def day(when: When | None, desired: Desired, state: State, now: str) -> Dated | None:
    """A date of the manifest; None while what it counts from cannot be known."""
    if when is None:
        return None
    calendar = desired.contract.calendar if desired.contract is not None else Calendar()
    found = resolve(when, milestones(desired, state, now) if when.point else {}, calendar)
    return found if isinstance(found, Dated) else None
