"""The contract's dates in a plan: giving notice as a step of its own, and the dates to come with what they cost to miss.

Notice is a person's step. It is done when somebody says so with the proof that the clause asks for; that the vendor was
asked to cancel is another thing, and so is that the contract has ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import msgspec

from crmstate.core.address import address
from crmstate.core.contract import Calendar, ContractGoal, NoticeClause, Term
from crmstate.core.course import ENDING
from crmstate.core.deadline import Dated, Unknown, on, stamp, today, unless_unknown
from crmstate.core.diagnostic import Diagnostic, diagnostic
from crmstate.core.goal import Desired
from crmstate.core.message import Message, message
from crmstate.core.milestones import GIVEN, given, milestones, read_when, standing, taken_back, wanted
from crmstate.core.money import Money
from crmstate.core.notice import Notice, NoticeAt, at_the_latest, early_enough, end_of, lapsed, notice
from crmstate.core.order import Stage
from crmstate.core.plan import Deadline
from crmstate.core.planning.draft import Draft, expired
from crmstate.core.planning.estimate import estimate
from crmstate.core.record import State
from crmstate.core.survey import SubscriptionFacts
from crmstate.core.term import TermAt, current_term
from crmstate.core.words import Kind, Milestone, Mode, Outcome, Phase, Proof, Severity, Undo, Verb

_ARCHIVING = frozenset({Verb.ARCHIVE, Verb.VERIFY, Verb.RESTORE_TEST})
LONGEST_TERM = 1200
"""Days that are looked back to the end of the term before; a longer one is not looked for."""


def give_notice(draft: Draft) -> None:
    """Plans the notice that a contract asks for before it can end; nothing is cancelled before it is given. Without a
    date it is blocked, and with it whatever ends the contract."""
    contract = draft.desired.contract
    clause = contract.notice if contract is not None else None
    if contract is None or clause is None or not notice_needed(draft.desired) or _ended(draft):
        return
    found = standing(draft.desired, draft.state, draft.survey.taken_at)
    entry = given(draft.state)
    if entry is not None and isinstance(found, Notice):
        draft.diagnostics += _missed(contract, found, "CRM-P112")
    draft.edges.append((Stage.NOTICE.value, Stage.CANCEL.value))
    done = draft.recorded(GIVEN, Verb.REQUEST)
    if done is not None and not taken_back(draft.state, done):
        draft.keep(Kind.NOTICE)
        return
    if isinstance(found, Unknown) or isinstance(found.reachable, Unknown):
        if isinstance(found, Notice):
            draft.diagnostics += _missed(contract, found, "CRM-P110")
        why = found.why if isinstance(found, Unknown) else found.reachable.why  # type: ignore[union-attr]
        _block(draft, clause, why)
        return
    draft.diagnostics += [*_missed(contract, found, "CRM-P110"), *_perhaps_late(clause, found)]
    last = found.reachable.deadline
    latest = at_the_latest(last, contract)
    if latest is None:
        _block(draft, clause, last.why)
        return
    _step(draft, contract, clause, found.reachable, latest)
    _before_the_archive(draft, clause, latest)


def term_runs(draft: Draft) -> None:
    """Refuses to end a contract with a term that is over already, or that nobody can tell the end of."""
    goal, contract = draft.desired.subscription, draft.desired.contract
    wanted = goal is not None and goal.status in ("cancelled", "downgraded") and goal.effective == "end_of_term"
    if not wanted or contract is None or contract.term is None or _ended(draft) or _asked(draft):
        return
    running = current_term(contract.term, today(draft.survey.taken_at, contract.calendar.vendor_zone))
    if isinstance(running, Unknown):
        last = running.why[-1]
        _refuse(draft, contract.term, Message(last.code, {**last.params, "reason": last.code}))
    elif running.over:
        _refuse(draft, contract.term, message("undated.no_renewal", reason="undated.no_renewal", day=running.ends))


def freeze_in_time(draft: Draft) -> None:
    """Refuses a freeze to come that is later than the contract's end, as term, notice, or the vendor's word date it: the last
    export, the purge and their proof follow the freeze, and the vendor may take the access away with the end."""
    goal, now = draft.desired.subscription, draft.survey.taken_at
    if goal is None or goal.status != "cancelled" or draft.desired.freeze in (None, "now") or not now or _ended(draft):
        return
    dates = milestones(draft.desired, draft.state, now)
    freeze, ends = dates[Milestone.FREEZE.value], dates[Milestone.CANCEL_EFFECTIVE.value]
    if not isinstance(freeze, Dated) or not isinstance(ends, Dated) or freeze.real or ends.real:
        return
    if freeze.at > max(ends.at, now):
        span, place = draft.desired.spans.get("cutover.freeze"), address(Kind.FREEZE, "cutover")
        draft.report("CRM-P118", Severity.ERROR, span, place, freeze=freeze.day, day=ends.day)


def _refuse(draft: Draft, term: Term, why: Message) -> None:
    draft.diagnostics.append(Diagnostic("CRM-P113", Severity.ERROR, why.params, term.span))


def _asked(draft: Draft) -> bool:
    """Whether the vendor has been asked for the contract's end and has not answered with it yet."""
    rows = [row.facts for row in draft.by_kind[Kind.SUBSCRIPTION] if isinstance(row.facts, SubscriptionFacts)]
    verbs = (Verb.CANCEL, Verb.RENEW_OFF, Verb.DOWNGRADE)
    recorded = any(entry.verb in verbs for entry in draft.state.entries.values())
    return recorded or any(facts.pending in ("cancel", "downgrade") for facts in rows)


def notice_needed(desired: Desired) -> bool:
    """Whether a contract is to be ended that does not end by itself."""
    goal = desired.subscription
    return goal is not None and goal.status == "cancelled" and _renews(desired)


def notice_shown(desired: Desired) -> bool:
    """Whether the last day of notice is a date to know: not where the contract is to go on."""
    goal = desired.subscription
    return (goal is None or goal.status != "active") and _renews(desired)


def _renews(desired: Desired) -> bool:
    """Whether the contract goes on unless notice is given."""
    contract = desired.contract
    if contract is None or contract.notice is None:
        return False
    ends_itself = contract.term is not None and contract.term.renewal == "none"
    return not (ends_itself and contract.notice.before == "term_end")


def _ended(draft: Draft) -> bool:
    """Whether the contract is over, as the vendor shows it or as it was seen."""
    rows = [row.facts for row in draft.by_kind[Kind.SUBSCRIPTION] if isinstance(row.facts, SubscriptionFacts)]
    if rows:
        return all(facts.status == "cancelled" for facts in rows)
    return _seen_ended(draft.desired, draft.state)


def _seen_ended(desired: Desired, state: State) -> bool:
    found = milestones(desired, state, "1970-01-01T00:00:00Z")[Milestone.CANCEL_EFFECTIVE.value]
    return isinstance(found, Dated) and found.real


def _step(draft: Draft, contract: ContractGoal, clause: NoticeClause, at: NoticeAt, latest: Dated) -> None:
    """The step of giving notice."""
    deadline = at.deadline
    decide = at.decide_by.day if isinstance(at.decide_by, Dated) else "?"
    facts = {"form": clause.form or "unwritten", "to": clause.to or "vendor", "ends": at.term.ends}
    receipt = clause.counts == "receipt"
    if isinstance(deadline, Dated):
        code = "why.notice_receipt" if receipt else "why.notice_dispatch"
        why = message(code, decide=decide, day=deadline.day, **facts)
    else:
        why, latest = _unsure(
            draft, clause, deadline, latest, early_enough(deadline, contract) or latest, {**facts, "decide": decide}
        )
    draft.ours(
        GIVEN, Kind.NOTICE, Verb.REQUEST, Stage.NOTICE.value, why,
        mode=Mode.MANUAL, undo=Undo.NEVER, before=Phase.ABSENT, after=Phase.PRESENT, span=clause.span,
        owner=draft.desired.owner or None, proof=Proof.ACKNOWLEDGED if receipt else Proof.ATTESTED,
        deadline=latest.at,
        occurrence=max(1, draft.state.occurrence(GIVEN, Verb.REQUEST)) + (draft.recorded(GIVEN, Verb.REQUEST) is not None),
    )  # fmt: skip


def _unsure(
    draft: Draft, clause: NoticeClause, deadline: Unknown, latest: Dated, early: Dated, facts: dict[str, str]
) -> tuple[Message, Dated]:
    """What is said of a last day in a year that is not decreed, and what stands for it: a day that is `early` enough, until that
    has passed; then the last one that it can be."""
    last = deadline.why[-1]
    params = {**last.params, "reason": last.code, "counted": latest.day, "early": early.day}
    code, at = ("CRM-P117", latest) if early.at < draft.survey.taken_at else ("CRM-P116", early)
    draft.diagnostics.append(Diagnostic(code, Severity.WARNING, params, clause.span, GIVEN))
    return Message("why.notice_counted", {**params, **facts}), at


def _block(draft: Draft, clause: NoticeClause, why: tuple[Message, ...]) -> None:
    last = why[-1]
    said = message("blocked.notice_undated", reason=last.code, **last.params)
    draft.block(GIVEN, Verb.REQUEST, Stage.NOTICE.value, said, span=clause.span)


def _missed(contract: ContractGoal, found: Notice, code: str) -> tuple[Diagnostic, ...]:
    """Says that the last day for the current term has passed, and what that costs; nothing where it has not."""
    last, reached = lapsed(found.current.deadline, contract), found.reachable
    if not found.missed or last is None or found.current.term.over:
        return ()
    following = at_the_latest(reached.deadline, contract) if not isinstance(reached, Unknown) else None
    bound = found.after if isinstance(reached, Unknown) else reached.term
    made = diagnostic(
        code,
        Severity.WARNING,
        contract.notice.span if contract.notice is not None else None,
        GIVEN,
        ends=found.current.term.ends,
        day=last.day,
        until=bound.ends if isinstance(bound, TermAt) else "?",
        next=following.day if following is not None else "?",
        cost=_amount(found.cost),
        sure=_sure(found.current, last),
        next_sure=_sure(reached, following),
    )
    return (made,)


def _perhaps_late(clause: NoticeClause, found: Notice) -> tuple[Diagnostic, ...]:
    """Says that only our own care makes it late, so that notice given today may still be in time."""
    rolled, reached = found.current.deadline, found.reachable
    if not found.perhaps_late or not isinstance(rolled, Dated) or isinstance(reached, Unknown):
        return ()
    facts = {
        "rolled": rolled.day,
        "day": rolled.unrolled,
        "ends": reached.term.ends,
        "cost": _amount(found.costs_to_miss),
    }
    return (diagnostic("CRM-P129", Severity.WARNING, clause.span, GIVEN, **facts),)


class Lapsed(msgspec.Struct, frozen=True):
    """A last day of notice that has passed without notice: its last moment, ISO 8601 UTC, and what that means. `why`:
    notice.missed, or notice.perhaps_late where only our own care rolled it."""

    at: str
    why: Message
    costs: tuple[Message, ...] = ()


def lapsed_notice(desired: Desired, state: State, now: str) -> Lapsed | None:
    """The last day that has passed without notice; None where notice is on record, waived, or not needed. One that passed
    while the decommissioning was under way stays missed when the contract has renewed."""
    contract = desired.contract
    if contract is None or contract.notice is None or not now or not notice_needed(desired):
        return None
    entry = state.latest(GIVEN, Verb.REQUEST)
    done = entry is not None and entry.outcome is Outcome.DONE and not expired(entry, now)
    if (done and entry is not None and not taken_back(state, entry)) or _seen_ended(desired, state):
        return None
    found = standing(desired, state, now)
    if isinstance(found, Unknown) or found.current.term.over:
        return None
    if found.missed:
        return _lapsed(contract, found)
    rolled = found.current.deadline
    if found.perhaps_late and isinstance(rolled, Dated):
        said = message("notice.perhaps_late", day=rolled.unrolled, rolled=rolled.day, ends=found.current.term.ends)
        after = found.after
        costs = (
            [message("due.otherwise", until=after.ends, cost=_amount(found.costs_to_miss))]
            if isinstance(after, TermAt)
            else []
        )
        return Lapsed(rolled.at, said, tuple(costs))
    begun = min((*(each.since or each.at for each in state.entries.values()), *state.reminded.values()), default=now)
    before = _before_renewal(desired, contract, found.current.term, now)
    if before is None or isinstance(before, Unknown) or not before.missed:
        return None
    earlier = _lapsed(contract, before)
    return earlier if earlier is not None and earlier.at >= begun else None


def _before_renewal(desired: Desired, contract: ContractGoal, term: TermAt, now: str) -> Notice | Unknown | None:
    """The notice as it stood on the last day of the term before this one; None where this is the first, or a later end is
    wanted."""
    if term.number < 1 or wanted(desired) is not None or contract.term is None:
        return None
    calendar = contract.calendar
    day = today(now, calendar.vendor_zone or calendar.zone)
    for _ in range(LONGEST_TERM):
        day -= timedelta(days=1)
        running = current_term(contract.term, day)
        if isinstance(running, Unknown) or running.number < term.number:
            return notice(contract, f"{day.isoformat()}T12:00:00Z")
    return None


def _lapsed(contract: ContractGoal, found: Notice) -> Lapsed | None:
    last = lapsed(found.current.deadline, contract)
    bound = found.after if isinstance(found.reachable, Unknown) else found.reachable.term
    if last is None:
        return None
    costs = [message("due.bound", until=bound.ends, cost=_amount(found.cost))] if isinstance(bound, TermAt) else []
    return Lapsed(last.at, message("notice.missed", day=last.day, ends=found.current.term.ends), tuple(costs))


def missed_notice(desired: Desired, state: State, now: str) -> tuple[Diagnostic, ...]:
    """The warning where notice was missed, or given late; nothing where all is well, or the contract is over."""
    contract = desired.contract
    if (
        contract is None
        or contract.notice is None
        or not now
        or not notice_needed(desired)
        or _seen_ended(desired, state)
    ):
        return ()
    found = standing(desired, state, now)
    if isinstance(found, Unknown):
        return ()
    if given(state) is not None:
        return _missed(contract, found, "CRM-P112")
    return (*_missed(contract, found, "CRM-P110"), *_perhaps_late(contract.notice, found))


def _before_the_archive(draft: Draft, clause: NoticeClause, deadline: Dated) -> None:
    """A notice that falls due before the archive can be finished is given without it: somebody has to know."""
    left = estimate([step for step in draft.steps if step.verb in _ARCHIVING], draft.provider)
    if not left.seconds or not draft.survey.taken_at:
        return
    done = stamp(datetime.fromisoformat(draft.survey.taken_at) + timedelta(seconds=left.seconds))
    if done > deadline.at:
        draft.report("CRM-P111", Severity.WARNING, clause.span, GIVEN, due=deadline.at, done=done)


def _sure(at: NoticeAt | Unknown, latest: Dated | None) -> str:
    """Whether a last day is known, or only that it is no later."""
    return "at_the_latest" if isinstance(at, NoticeAt) and latest is not None and latest != at.deadline else "exact"


def _amount(cost: Money | None) -> str:
    return str(cost) if cost is not None else "unknown"


def contract_dates(desired: Desired, state: State, now: str) -> Iterator[Deadline]:
    """The dates to come of contract, cutover and people's steps, with their explanations. What has no date is not among
    them: `undated` names it."""
    if not now:
        return
    dates = milestones(desired, state, now)
    if not _seen_ended(desired, state):
        yield from (each for each in _of_contract(desired, state, now) if each.at > now)
    freeze = dates[Milestone.FREEZE.value]
    if isinstance(freeze, Dated) and not freeze.real and freeze.at > now:
        place = address(Kind.FREEZE, "cutover")
        span = desired.spans.get("cutover.freeze")
        yield Deadline("freeze", freeze.at, place, message("due.freeze"), span, freeze.why)
    yield from _of_pause(desired, now)
    for goal in desired.people:
        found = dates.get(goal.id)
        if read_when(goal.due) is not None and isinstance(found, Dated) and not found.real:
            place = address(Kind.HUMAN_STEP, goal.id)
            why = message("due.human", title=goal.title)
            yield Deadline("due", found.at, place, why, goal.span, found.why, owner=goal.owner)


def _of_pause(desired: Desired, now: str) -> Iterator[Deadline]:
    """The last day of a wanted pause: from the next one on everything is charged for again."""
    goal = desired.subscription
    if goal is None or goal.status != "paused" or goal.until is None:
        return
    calendar = desired.contract.calendar if desired.contract is not None else Calendar()
    zone, day = calendar.vendor_zone or calendar.zone, date.fromisoformat(goal.until)
    found = unless_unknown(lambda: on(day, zone, None, (message("date.written", day=day),)))
    if isinstance(found, Dated) and found.at > now:
        place, owner = address(Kind.SUBSCRIPTION, "contract"), desired.owner or None
        yield Deadline("pause", found.at, place, message("due.pause"), goal.span, found.why, owner=owner)


def _of_contract(desired: Desired, state: State, now: str) -> Iterator[Deadline]:
    contract = desired.contract
    if contract is None:
        return
    ending = given(state) is not None
    found = standing(desired, state, now)
    if isinstance(found, Notice) and not isinstance(found.reachable, Unknown) and not ending and notice_shown(desired):
        yield from _of_notice(desired, contract, found, found.reachable, now)
    runs = notice(contract, now) if wanted(desired) is not None and not ending else found
    yield from _of_term(desired, contract, runs, now, ending)
    effective = milestones(desired, state, now)[Milestone.CANCEL_EFFECTIVE.value]
    if isinstance(effective, Dated) and not effective.real:
        place = address(Kind.SUBSCRIPTION, "contract")
        span = desired.subscription.span if desired.subscription else None
        yield Deadline("cancel_effective", effective.at, place, message("due.cancel_effective"), span, effective.why)


def _of_notice(desired: Desired, contract: ContractGoal, found: Notice, at: NoticeAt, now: str) -> Iterator[Deadline]:
    owner, span = desired.owner or None, contract.notice.span if contract.notice else None
    missed = _if_missed(found)
    latest = at_the_latest(at.deadline, contract)
    if latest is not None:
        sure, early = _sure(at, latest), early_enough(at.deadline, contract)
        if early is not None and early != at.deadline and early.at > now:
            latest, sure = early, "early_enough"
        why = message("due.notice_deadline", ends=at.term.ends, sure=sure)
        yield Deadline("notice_deadline", latest.at, GIVEN, why, span, latest.why, missed, owner)
    if isinstance(at.decide_by, Dated) and at.decide_by != at.deadline:
        why = message("due.decide_by", ends=at.term.ends)
        yield Deadline("decide_by", at.decide_by.at, GIVEN, why, span, at.decide_by.why, missed, owner)


def _if_missed(found: Notice) -> tuple[Message, ...]:
    if isinstance(found.after, TermAt):
        return (message("due.bound", until=found.after.ends, cost=_amount(found.costs_to_miss)),)
    return found.after.why[-1:] if isinstance(found.after, Unknown) else ()


def _of_term(
    desired: Desired, contract: ContractGoal, found: Notice | Unknown, now: str, ending: bool
) -> Iterator[Deadline]:
    """The end of the term that runs, and what follows on it where nobody gives notice in time."""
    running = current_term(contract.term, today(now, contract.calendar.vendor_zone or contract.calendar.zone))
    if isinstance(running, Unknown) or running.over:
        return
    end, place = end_of(contract, running), address(Kind.SUBSCRIPTION, "contract")
    if not isinstance(end, Dated):
        return
    span = contract.term.span if contract.term else None
    yield Deadline("term_end", end.at, place, message("due.term_end"), span, end.why)
    if not running.renews:
        return
    if isinstance(found, Notice) and found.missed and notice_needed(desired):
        bound = found.after if isinstance(found.reachable, Unknown) else found.reachable.term
        until = bound.ends if isinstance(bound, TermAt) else "?"
        why = message("due.renewed", until=until, cost=_amount(found.cost))
        yield Deadline("renewal", end.at, place, why, span)
        return
    if ending:
        return
    costs = _if_missed(found) if isinstance(found, Notice) else ()
    yield Deadline("renewal", end.at, place, message("due.renewal"), span, (), costs)


def undated(desired: Desired, state: State, now: str) -> dict[str, Unknown]:
    """What is spoken of and has no date, by its name, with the reason."""
    found = milestones(desired, state, now)
    spoken = {when.point for goal in desired.people if (when := read_when(goal.due)) is not None and when.point}
    spoken |= {goal.id for goal in desired.people if goal.due is not None}
    due = desired.settlement.due if desired.settlement is not None else None
    spoken |= {
        when.point for when in (due, *(each.send for each in desired.notices)) if when is not None and when.point
    }
    if notice_shown(desired):
        spoken.add(Milestone.NOTICE_DEADLINE.value)
    if desired.subscription is not None and desired.subscription.status in ENDING:
        spoken.add(Milestone.CANCEL_EFFECTIVE.value)
    return {name: each for name, each in found.items() if name in spoken and isinstance(each, Unknown)}
