"""The contract and the account: cancelled, paused, resumed, downgraded; closed."""

from __future__ import annotations

from crmstate.core.address import address, id_of
from crmstate.core.goal import SubscriptionGoal
from crmstate.core.message import message
from crmstate.core.order import Stage
from crmstate.core.planning.draft import Draft
from crmstate.core.planning.hands import ALL, by_hand, result, unlisted
from crmstate.core.provider import Args
from crmstate.core.survey import Resource, SubscriptionFacts
from crmstate.core.words import How, Kind, Mode, Outcome, Phase, Proof, Severity, Undo, Verb

_VERBS = {"cancelled": Verb.CANCEL, "paused": Verb.PAUSE, "downgraded": Verb.DOWNGRADE, "active": Verb.RESUME}
_STATUSES = {"cancelled": "cancelled", "paused": "paused", "downgraded": "free", "active": "active"}
_OTHER = {"paused": "free", "downgraded": "paused"}
"""Both inactive, and yet not the same: the phase alone would take one for the other."""
CONTRACT = "contract"
"""The id of a contract that no API shows."""
_PENDING = {"cancelled": "cancel", "paused": "pause", "downgraded": "downgrade"}


def subscription(draft: Draft) -> None:
    """Plans the subscription's end state; a request in the vendor's hands is waited for, never sent again."""
    goal = draft.desired.subscription
    if goal is None:
        return
    verb = _VERBS[goal.status]
    if unlisted(draft, Kind.SUBSCRIPTION, verb):
        _by_hand(draft, goal, verb)
        return
    draft.incomplete(Kind.SUBSCRIPTION, verb, Stage.CANCEL, goal.span)
    cell = draft.provider.cell(Kind.SUBSCRIPTION, verb)
    if cell is not None and "ends_api" in cell.attributes and verb in (Verb.CANCEL, Verb.DOWNGRADE):
        draft.attributes.add("cancel.ends_api")
    for row in draft.by_kind[Kind.SUBSCRIPTION]:
        facts = row.facts
        if isinstance(facts, SubscriptionFacts):
            _one(draft, goal, row, facts, verb)


def _by_hand(draft: Draft, goal: SubscriptionGoal, verb: Verb) -> None:
    """A contract that no API shows: a person asks the vendor for its end, and says what the vendor answered."""
    if goal.status == "active":
        return
    cell = draft.provider.cell(Kind.SUBSCRIPTION, verb)
    later = (goal.effective or "immediately") != "immediately"
    if cell is not None and "ends_api" in cell.attributes and verb in (Verb.CANCEL, Verb.DOWNGRADE):
        draft.attributes.add("cancel.ends_api")
    stage = Stage.CANCEL if verb in (Verb.CANCEL, Verb.DOWNGRADE) and not later else Stage.LEAVE
    why = message(f"why.subscription.{goal.status}", effective=goal.effective or goal.starts or "immediately")
    until = f"{goal.effective}T00:00:00Z" if goal.effective and goal.effective[:1].isdigit() else None
    by_hand(draft, Kind.SUBSCRIPTION, verb, stage, why, id=CONTRACT, span=goal.span, until=until)


def by_word(draft: Draft) -> None:
    """The ends of which only people and papers tell: they are still to come, or to be proved, when the vendor is out of
    reach."""
    goal = draft.desired.subscription
    if goal is not None and unlisted(draft, Kind.SUBSCRIPTION, _VERBS[goal.status]):
        _by_hand(draft, goal, _VERBS[goal.status])
    cell = draft.provider.cell(Kind.ACCOUNT, Verb.CLOSE)
    if unlisted(draft, Kind.ACCOUNT, Verb.CLOSE):
        account(draft)
    elif draft.desired.closing and cell is not None and cell.how is How.MANUAL:
        span = draft.desired.account.span if draft.desired.account is not None else None
        for entry in [each for each in draft.state.entries.values() if each.verb is Verb.CLOSE]:
            if entry.outcome is Outcome.DONE and entry.proof is not Proof.OBSERVED:
                result(draft, Kind.ACCOUNT, entry.address, cell.after, span, asked=entry)


def _one(draft: Draft, goal: SubscriptionGoal, row: Resource, facts: SubscriptionFacts, verb: Verb) -> None:
    if facts.status == _STATUSES[goal.status] and (facts.pending is None or facts.pending == "resume"):
        draft.keep(Kind.SUBSCRIPTION)
        return
    if goal.status == "paused" and goal.until is not None and goal.until < draft.survey.taken_at[:10]:
        draft.report("CRM-P010", Severity.WARNING, goal.span, row.address, until=goal.until)
        return
    if goal.status == "active":
        _withdraw(draft, goal, row, facts)
    elif facts.status == "cancelled":
        draft.report("CRM-P011", span=goal.span, address=row.address, status=goal.status)
    elif facts.pending is None and facts.status == _OTHER.get(goal.status):
        why = message(
            "blocked.other_pending",
            action="pause" if facts.status == "paused" else "downgrade",
            effective=facts.effective or "?",
        )
        draft.block(row.address, verb, Stage.LEAVE.value, why, label=row.label, span=goal.span)
    elif facts.pending == _PENDING[goal.status]:
        _await(draft, goal, row, facts)
    elif facts.pending is not None:
        why = message("blocked.other_pending", action=facts.pending, effective=facts.effective or "?")
        draft.block(row.address, verb, Stage.LEAVE.value, why, label=row.label, span=goal.span)
    else:
        _request(draft, goal, row, verb)


def _request(draft: Draft, goal: SubscriptionGoal, row: Resource, verb: Verb) -> None:
    today = draft.survey.taken_at[:10]
    starts = goal.starts or today
    later = starts > today if verb is Verb.PAUSE else (goal.effective or "immediately") != "immediately"
    args = Args(
        effective=goal.effective if verb is not Verb.PAUSE else None,
        starts=starts if verb is Verb.PAUSE else None,
        until=goal.until,
        to=goal.to,
        reason=draft.desired.reason or None,
    )
    final = verb in (Verb.CANCEL, Verb.DOWNGRADE)
    stage = Stage.CANCEL if final and not later else Stage.LEAVE
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


def _await(draft: Draft, goal: SubscriptionGoal, row: Resource, facts: SubscriptionFacts) -> None:
    wanted = goal.effective
    if wanted and wanted[:1].isdigit() and facts.effective and facts.effective[:10] != wanted:
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
        message("why.effective", until=until or goal.effective or "?"),
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
        args = Args(confirm=draft.survey.tenant)
        draft.act(row, Verb.CLOSE, Stage.ACCOUNT, message("why.account"), span=goal.span, args=args)
