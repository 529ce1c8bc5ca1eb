"""The contract and the account: cancelled, paused, resumed, downgraded; closed."""

from __future__ import annotations

from datetime import date

from crmstate.core.address import address, id_of
from crmstate.core.contract import Calendar
from crmstate.core.course import CONTRACT as UNSHOWN
from crmstate.core.course import ENDING, ENDS, Asked, asked_of, day_of
from crmstate.core.deadline import ends
from crmstate.core.diagnostic import Span
from crmstate.core.goal import StatusGoal, SubscriptionGoal
from crmstate.core.life import ended
from crmstate.core.message import message
from crmstate.core.milestones import asked_on, given
from crmstate.core.order import Stage
from crmstate.core.planning.draft import Draft
from crmstate.core.planning.hands import ALL, by_hand, result, unlisted
from crmstate.core.planning.terms import against, ended_early, findings, other_day
from crmstate.core.provider import Args
from crmstate.core.survey import Resource, SubscriptionFacts
from crmstate.core.words import How, Kind, Mode, Outcome, Phase, Proof, Severity, Undo, Verb

_VERBS = {"cancelled": Verb.CANCEL, "paused": Verb.PAUSE, "downgraded": Verb.DOWNGRADE, "active": Verb.RESUME}
_STATUSES = {"cancelled": "cancelled", "paused": "paused", "downgraded": "free", "active": "active"}
_OTHER = {"paused": "free", "downgraded": "paused"}
"""Both inactive, and yet not the same: the phase alone would take one for the other."""
CONTRACT = id_of(UNSHOWN)
_PENDING = {"cancelled": "cancel", "paused": "pause", "downgraded": "downgrade"}


def subscription(draft: Draft) -> None:
    """Plans the subscription's end state; a request in the vendor's hands is waited for, never sent again."""
    goal = draft.desired.subscription
    if goal is None:
        return
    verb = _verb(draft, goal)
    if _unshown(draft, verb):
        _by_hand(draft, goal, verb)
        return
    draft.incomplete(Kind.SUBSCRIPTION, verb, Stage.CANCEL, goal.span)
    _ends_api(draft, goal)
    for row in draft.by_kind[Kind.SUBSCRIPTION]:
        facts = row.facts
        if isinstance(facts, SubscriptionFacts):
            _one(draft, goal, row, facts, verb)


def _unshown(draft: Draft, verb: Verb) -> bool:
    """Whether no API shows the contract, and none does to it what is wanted: a person asks, or nobody can."""
    listing, cell = draft.provider.cell(Kind.SUBSCRIPTION, Verb.LIST), draft.provider.cell(Kind.SUBSCRIPTION, verb)
    listed = listing is not None and listing.how is How.API
    return not listed and (cell is None or cell.how is not How.API)


def _not_offered(draft: Draft, verb: Verb, stage: Stage, span: Span | None) -> bool:
    """Blocks what the vendor's table has no way to do, with its own reason."""
    cell = draft.provider.cell(Kind.SUBSCRIPTION, verb)
    if cell is not None and cell.how is not How.NONE:
        return False
    why = message("blocked.not_offered", reason=cell.why if cell is not None and cell.why else "blocked.not_offered")
    draft.block(address(Kind.SUBSCRIPTION, CONTRACT), verb, stage.value, why, span=span)
    return True


def _verb(draft: Draft, goal: SubscriptionGoal) -> Verb:
    """What is asked of the vendor. Not to renew is another thing than to cancel, where the vendor tells them apart."""
    if goal.status == "cancelled" and goal.effective == "end_of_term":
        cell = draft.provider.cell(Kind.SUBSCRIPTION, Verb.RENEW_OFF)
        if cell is not None and cell.how is not How.NONE:
            return Verb.RENEW_OFF
    return _VERBS[goal.status]


def _ends_api(draft: Draft, goal: SubscriptionGoal) -> None:
    cell = draft.provider.cell(Kind.SUBSCRIPTION, _VERBS[goal.status])
    if goal.status in ENDING and cell is not None and "ends_api" in cell.attributes:
        draft.attributes.add("cancel.ends_api")


def _by_hand(draft: Draft, goal: SubscriptionGoal, verb: Verb) -> None:
    """A contract that no API shows: a person asks the vendor for its end, and says what the vendor answered."""
    asked = asked_of(draft.state, address(Kind.SUBSCRIPTION, CONTRACT))
    if goal.status == "active":
        _take_back(draft, goal, asked)
        return
    if goal.status == "paused" and goal.until is not None and goal.until < draft.days.today:
        draft.report("CRM-P010", Severity.WARNING, goal.span, draft.place, until=goal.until)
        return
    _ends_api(draft, goal)
    later = (goal.effective or "immediately") != "immediately"
    stage = Stage.CANCEL if goal.status in ENDING and not later else Stage.LEAVE
    if _not_offered(draft, verb, stage, goal.span):
        return
    paused = asked if asked is not None and asked.verb is Verb.PAUSE else None
    until = goal.until if goal.status == "paused" else None
    findings(draft, goal, draft.days, None, until)
    speaks = None
    if asked is None or asked.verb is not verb:
        cell = draft.provider.cell(Kind.SUBSCRIPTION, verb)
        speaks = against(draft, goal, draft.days, None, cell, paused is not None)
    if asked is not None and asked.verb in ENDS and verb not in ENDS:
        day = draft.days.last or asked.entry.until or "unknown"
        speaks = message("blocked.other_pending", action=asked.verb.value, effective=day)
    if speaks is not None:
        draft.block(address(Kind.SUBSCRIPTION, CONTRACT), verb, stage.value, speaks, span=goal.span)
        return
    why = message(f"why.subscription.{goal.status}", effective=goal.effective or goal.starts or "immediately")
    taken_back = asked is None or asked.verb is not verb
    by_hand(
        draft,
        Kind.SUBSCRIPTION,
        verb,
        stage,
        why,
        id=CONTRACT,
        span=goal.span,
        stale=taken_back,
        until=_result_from(draft, later),
    )


def _take_back(draft: Draft, goal: SubscriptionGoal, asked: Asked | None) -> None:
    """What was asked for is taken back by a person; where nothing was, nothing is."""
    place = address(Kind.SUBSCRIPTION, CONTRACT)
    if asked is None and given(draft.state) is None:
        return
    if ended(draft.state, place) is not None:
        draft.report("CRM-P011", span=goal.span, address=place, status=goal.status)
        return
    if _not_offered(draft, Verb.RESUME, Stage.PREPARE, goal.span):
        return
    why = message("why.subscription.active")
    by_hand(draft, Kind.SUBSCRIPTION, Verb.RESUME, Stage.PREPARE, why, id=CONTRACT, span=goal.span, stale=True)


def _result_from(draft: Draft, later: bool) -> str | None:
    """Before this time there is no result: the last day has to be over."""
    if not later or draft.days.last is None:
        return None
    calendar = draft.desired.contract.calendar if draft.desired.contract is not None else Calendar()
    try:
        return ends(date.fromisoformat(draft.days.last), calendar.vendor_zone or calendar.zone)
    except OverflowError:
        return None


def by_word(draft: Draft) -> None:
    """The ends of which only people and papers tell: they are still to come, or to be proved, when the vendor is out of
    reach."""
    goal = draft.desired.subscription
    if goal is not None and _unshown(draft, _verb(draft, goal)):
        _by_hand(draft, goal, _verb(draft, goal))
    cell = draft.provider.cell(Kind.ACCOUNT, Verb.CLOSE)
    if unlisted(draft, Kind.ACCOUNT, Verb.CLOSE):
        account(draft)
    elif draft.desired.closing and cell is not None and cell.how is not How.NONE:
        span = draft.desired.account.span if draft.desired.account is not None else None
        for entry in [each for each in draft.state.entries.values() if each.verb is Verb.CLOSE]:
            if entry.outcome is Outcome.DONE and entry.proof is not Proof.OBSERVED:
                result(draft, Kind.ACCOUNT, entry.address, cell.after, span, Verb.CLOSE, asked=entry)


def _one(draft: Draft, goal: SubscriptionGoal, row: Resource, facts: SubscriptionFacts, verb: Verb) -> None:
    over = goal.status == "paused" and goal.until is not None and goal.until < draft.days.today
    if facts.status == _STATUSES[goal.status] and (facts.pending is None or facts.pending == "resume"):
        _already(draft, goal, row, facts, over)
        return
    if over:
        draft.report("CRM-P010", Severity.WARNING, goal.span, row.address, until=goal.until)
        return
    if goal.status != "active":
        findings(draft, goal, draft.days, facts, _paused_until(facts))
    if goal.status == "active":
        _withdraw(draft, goal, row, facts)
    elif facts.status == "cancelled":
        draft.report("CRM-P011", span=goal.span, address=row.address, status=goal.status)
    elif facts.pending is None and facts.status == _OTHER.get(goal.status):
        why = message(
            "blocked.other_pending",
            action="pause" if facts.status == "paused" else "downgrade",
            effective=facts.effective or "unknown",
        )
        draft.block(row.address, verb, Stage.LEAVE.value, why, label=row.label, span=goal.span)
    elif facts.pending == _PENDING[goal.status]:
        _await(draft, goal, row, facts)
    elif facts.pending is not None:
        why = message("blocked.other_pending", action=facts.pending, effective=facts.effective or "unknown")
        draft.block(row.address, verb, Stage.LEAVE.value, why, label=row.label, span=goal.span)
    else:
        _request(draft, goal, row, facts, verb)


def _paused_until(facts: SubscriptionFacts) -> str | None:
    return day_of(facts.paused_until) if facts.status == "paused" else None


def _already(draft: Draft, goal: SubscriptionGoal, row: Resource, facts: SubscriptionFacts, over: bool) -> None:
    """It is as the manifest wants it; but not where it came otherwise, or stays longer, than was wanted."""
    draft.keep(Kind.SUBSCRIPTION)
    if goal.status == "cancelled":
        ended_early(draft, goal, facts)
    elif goal.status == "paused":
        until = _paused_until(facts)
        if over:
            draft.report("CRM-P080", Severity.WARNING, goal.span, row.address, until=goal.until)
        elif until is not None and until != goal.until:
            draft.report("CRM-P090", Severity.WARNING, goal.span, row.address, wanted=goal.until, shown=until)
        findings(draft, goal, draft.days, facts, None)


def _request(draft: Draft, goal: SubscriptionGoal, row: Resource, facts: SubscriptionFacts, verb: Verb) -> None:
    today = draft.days.today
    starts = goal.starts or today
    later = starts > today if verb is Verb.PAUSE else (goal.effective or "immediately") != "immediately"
    args = Args(
        effective=goal.effective if verb is not Verb.PAUSE else None,
        starts=starts if verb is Verb.PAUSE else None,
        until=goal.until,
        to=goal.to,
        reason=draft.desired.reason or None,
    )
    final = verb in ENDS
    stage = Stage.CANCEL if final and not later else Stage.LEAVE
    if final and _asked_by_hand(draft, goal, row, verb):
        return
    speaks = against(
        draft, goal, draft.days, facts, draft.provider.cell(Kind.SUBSCRIPTION, verb), facts.status == "paused"
    )
    if speaks is not None:
        draft.block(row.address, verb, stage.value, speaks, label=row.label, span=goal.span)
        return
    resume = draft.provider.cell(Kind.SUBSCRIPTION, Verb.RESUME)
    cell = draft.provider.cell(Kind.SUBSCRIPTION, verb)
    undo = Undo.NEVER if final and cell is not None and cell.undo is Undo.WINDOW else None
    if later:
        undo = Undo.WINDOW if resume is not None else Undo.NEVER
    why = message(f"why.subscription.{goal.status}", effective=goal.effective or goal.starts or "immediately")
    step = draft.act(
        row, verb, stage, why, span=goal.span, args=args, undo=undo, after=Phase.PENDING if later else None
    )
    if later and step is not None and step.mode is Mode.AUTO and final:
        _wait_step(draft, goal, row, needs=(step.id,), until=None)


def _asked_by_hand(draft: Draft, goal: SubscriptionGoal, row: Resource, verb: Verb) -> bool:
    """Whether a person has asked already, of a vendor that shows its contracts and no requests: until the day comes its end
    is waited for, and nobody asks a second time."""
    asked = asked_of(draft.state, row.address)
    if asked is None or asked.verb is not verb or not _said(draft, row, verb):
        return False
    last = draft.days.last
    if last is not None and last < draft.days.today:
        draft.report("CRM-P091", Severity.WARNING, goal.span, row.address, day=last, at=asked.at)
        cell = draft.provider.cell(Kind.SUBSCRIPTION, verb)
        if (
            cell is None or cell.how is not How.API
        ):  # a person decides whether to ask again; crmstate does not by itself
            return False
    _wait_step(draft, goal, row, needs=(), until=last)
    draft.keep(Kind.SUBSCRIPTION)
    return True


def _said(draft: Draft, row: Resource, verb: Verb) -> bool:
    """Whether this was asked for by a person, on whose word it stands on record; the vendor has not shown it."""
    done = draft.recorded(row.address, verb)
    return done is not None and done.by != "" and done.proof is not Proof.OBSERVED


def _await(draft: Draft, goal: SubscriptionGoal, row: Resource, facts: SubscriptionFacts) -> None:
    wanted = other_day(draft, goal, facts)
    if wanted is not None:
        draft.report("CRM-P012", Severity.WARNING, goal.span, row.address, wanted=wanted, effective=facts.effective)
    if goal.status in ("cancelled", "downgraded"):
        _wait_step(draft, goal, row, needs=(), until=facts.effective)
    draft.keep(Kind.SUBSCRIPTION)


def _wait_step(draft: Draft, goal: SubscriptionGoal, row: Resource, needs: tuple[str, ...], until: str | None) -> None:
    """The result apart from the request: a request is not a result. An end that was seen before says nothing of the
    next one."""
    seen = draft.recorded(row.address, Verb.PROBE)
    draft.ours(
        row.address,
        Kind.SUBSCRIPTION,
        Verb.PROBE,
        Stage.EFFECTIVE.value,
        message("why.effective", until=until or goal.effective or "unknown"),
        mode=Mode.WAIT,
        occurrence=seen.occurrence + 1 if seen is not None else max(1, draft.state.occurrence(row.address, Verb.PROBE)),
        needs=needs,
        label=row.label,
        not_before=until,
        after=Phase.INACTIVE if goal.status == "downgraded" else Phase.ABSENT,
        span=goal.span,
    )


def _withdraw(draft: Draft, goal: SubscriptionGoal, row: Resource, facts: SubscriptionFacts) -> None:
    if facts.status == "cancelled":
        draft.report("CRM-P011", span=goal.span, address=row.address, status=goal.status)
        return
    draft.act(row, Verb.RESUME, Stage.PREPARE, message("why.subscription.active"), span=goal.span, after=Phase.PRESENT)


def account(draft: Draft) -> None:
    """The account's closing: after everything that it would take along is archived or given up in writing."""
    goal = draft.desired.account
    if goal is None or not draft.desired.closing:
        return
    if unlisted(draft, Kind.ACCOUNT, Verb.CLOSE):
        place = address(Kind.ACCOUNT, draft.survey.tenant or ALL)
        if draft.held():
            draft.block(place, Verb.CLOSE, Stage.ACCOUNT.value, message("blocked.hold"), span=goal.span)
        else:
            why = message("why.account")
            by_hand(draft, Kind.ACCOUNT, Verb.CLOSE, Stage.ACCOUNT, why, id=id_of(place), span=goal.span)
        return
    draft.incomplete(Kind.ACCOUNT, Verb.CLOSE, Stage.ACCOUNT, goal.span)
    for row in draft.by_kind[Kind.ACCOUNT]:
        if draft.held() and row.phase is not Phase.ABSENT:
            draft.block(
                row.address, Verb.CLOSE, Stage.ACCOUNT.value, message("blocked.hold"), label=row.label, span=goal.span
            )
            continue
        if row.phase is Phase.PRESENT and _said(draft, row, Verb.CLOSE):
            _closing(draft, goal, row)
            continue
        args = Args(confirm=draft.survey.tenant)
        draft.act(row, Verb.CLOSE, Stage.ACCOUNT, message("why.account"), span=goal.span, args=args)


def _closing(draft: Draft, goal: StatusGoal, row: Resource) -> None:
    """A person has asked for the closing: the vendor is looked at until it shows it, and asked by nobody a second time. What
    was waived is let be for as long."""
    asked = draft.recorded(row.address, Verb.CLOSE)
    draft.keep(Kind.ACCOUNT)
    if asked is None or asked.proof is Proof.WAIVED:
        return
    draft.ours(
        row.address,
        Kind.ACCOUNT,
        Verb.PROBE,
        Stage.ACCOUNT.value,
        message("why.closing", at=asked_on(draft.state, asked)),
        mode=Mode.WAIT,
        occurrence=asked.occurrence,
        label=row.label,
        span=goal.span,
    )
