"""What the vendor had accepted and shows no more: said at once, asked for anew, and never while its listing may run behind."""

from __future__ import annotations

from typing import Any

import pytest

from crmstate.core.address import id_of
from crmstate.core.contract import ContractGoal, NoticeClause, Period, Term
from crmstate.core.drift import drift
from crmstate.core.event import Settled, Settlement
from crmstate.core.goal import Desired, HumanGoal, SubscriptionGoal
from crmstate.core.milestones import milestones
from crmstate.core.plan import Plan
from crmstate.core.record import State
from crmstate.core.schedule import Schedule
from crmstate.core.survey import Resource
from crmstate.core.words import Kind, Mode, Outcome, Phase, Proof, Undo, Verb
from crmstate.views.standing import From, standing

from .scenes import CANCELLED, DELETED, account, codes, contract, happened, one, plan, record, tenant, vendor, wish

ASKED, DUE = "2026-06-01T12:00:00Z", "2026-06-08T12:00:00Z"
SOON, LATER = "2026-06-02T11:59:59Z", "2026-06-02T12:00:00Z"
"""The last moment at which a listing may not know yet what was accepted, and the first at which it has to."""
CLOSED = wish(account=DELETED)
ENDED = wish(subscription=CANCELLED)
AT_TERM = wish(subscription=SubscriptionGoal("cancelled", effective="end_of_term"))


def asked(kind: Kind, id: str, verb: Verb, outcome: Outcome = Outcome.REQUESTED, **facts: Any) -> State:
    known = {"phase": Phase.PENDING, "until": DUE, "proof": Proof.ACKNOWLEDGED, **facts}
    return record(happened(kind, id, verb, outcome, at=ASKED, **known))


CLOSING = asked(Kind.ACCOUNT, "acme", Verb.CLOSE)


def seen(goal: Desired, state: State, *rows: Resource, at: str) -> Plan:
    return plan(goal, tenant(*rows, at=at), state)


@pytest.mark.parametrize(
    ("goal", "state", "row", "verb"),
    [
        (CLOSED, CLOSING, account(), Verb.CLOSE),
        (ENDED, asked(Kind.SUBSCRIPTION, "sub", Verb.CANCEL), contract(), Verb.CANCEL),
    ],
)
def test_an_end_that_nobody_can_take_back_is_asked_for_anew_once_no_listing_can_run_behind(
    goal: Desired, state: State, row: Resource, verb: Verb
) -> None:
    doubt = seen(goal, state, row, at=SOON)
    step = one(doubt, verb, row.id)
    assert (step.mode, step.occurrence, step.not_before, step.why.code) == (
        Mode.WAIT, 1, LATER, "why.perhaps_withdrawn",
    )  # fmt: skip
    assert "CRM-P094" in codes(doubt)

    found = seen(goal, state, row, at=LATER)
    again = one(found, verb, row.id)
    assert (again.mode, again.occurrence, again.why.code) == (Mode.AUTO, 2, "why.withdrawn")
    assert "CRM-P093" in codes(found)
    assert (
        found.approval != seen(goal, State("exit"), row, at=LATER).approval
    )  # who approved the first has not approved this


def test_an_end_that_can_be_taken_back_is_asked_for_anew_at_once_and_is_not_called_ended() -> None:
    state = asked(
        Kind.SUBSCRIPTION, "sub", Verb.CANCEL, Outcome.DONE, until="2026-12-31", more={"undo": Undo.WINDOW},
        proof=Proof.OBSERVED,
    )  # fmt: skip
    found = seen(AT_TERM, state, contract(term_end="2026-12-31"), at=SOON)
    step = one(found, Verb.CANCEL, "sub")
    assert (step.mode, step.occurrence, step.why.code) == (Mode.AUTO, 2, "why.withdrawn")
    assert "CRM-P093" in codes(found)
    over = seen(AT_TERM, state, contract(term_end="2027-12-31"), at="2027-02-01T00:00:00Z")
    assert one(over, Verb.CANCEL, "sub").why.code == "why.came_back"


def test_nothing_is_closed_while_nobody_knows_whether_the_contracts_end_was_withdrawn() -> None:
    """Of a vendor that takes no end back: the end was on record as done, and the account was closed before it."""
    by = vendor()
    del by.table[Kind.SUBSCRIPTION, Verb.RESUME]
    state = asked(
        Kind.SUBSCRIPTION, "sub", Verb.CANCEL, Outcome.DONE, until="2026-12-31", more={"undo": Undo.NEVER},
        proof=Proof.OBSERVED,
    )  # fmt: skip
    goal = wish(subscription=AT_TERM.subscription, account=DELETED)
    found = plan(goal, tenant(contract(term_end="2026-12-31"), account(), at=SOON), state, by)
    step = one(found, Verb.CANCEL, "sub")
    assert (step.mode, step.not_before, step.id in state.entries) == (Mode.WAIT, LATER, False)
    assert (Verb.CLOSE, "acme") not in planned_at_once(found)
    later = plan(goal, tenant(contract(term_end="2026-12-31"), account(), at=LATER), state, by)
    assert one(later, Verb.CANCEL, "sub").id == step.id


def planned_at_once(made: Plan) -> list[tuple[Verb, str]]:
    """What this plan does before anything that it waits for has come, but the freeze."""
    schedule, found = Schedule(made, []), list[tuple[Verb, str]]()
    while steps := schedule.take():
        found += [(step.verb, id_of(step.address)) for step in steps if step.mode is Mode.AUTO]
        for step in steps:
            if step.mode is Mode.AUTO or step.kind is Kind.FREEZE:
                schedule.done(step.id)
    return found


def test_what_the_vendor_never_showed_or_still_shows_is_waited_for() -> None:
    hidden = asked(Kind.ACCOUNT, "acme", Verb.CLOSE, phase=None, code="accepted")
    for made in (seen(CLOSED, hidden, account(), at=LATER), seen(CLOSED, CLOSING, account(Phase.PENDING), at=LATER)):
        assert (one(made, Verb.CLOSE, "acme").mode, one(made, Verb.CLOSE, "acme").occurrence) == (Mode.WAIT, 1)
        assert not {"CRM-P093", "CRM-P094"} & set(codes(made))


def test_a_withdrawal_on_record_is_planned_like_one_that_is_seen_and_stays_back() -> None:
    known = asked(
        Kind.ACCOUNT, "acme", Verb.CLOSE, Outcome.FAILED, phase=Phase.PRESENT, code="withdrawn", proof=Proof.NONE
    )
    found, before = seen(CLOSED, known, account(), at=LATER), seen(CLOSED, CLOSING, account(), at=LATER)
    assert found.plan_id == before.plan_id
    told = drift(CLOSED, tenant(account(), at=LATER), known, found)
    assert [(each.address, each.what.value, each.recorded) for each in told.changes] == [
        ("account/acme", "came_back", "pending")
    ]


def test_what_is_asked_for_anew_is_not_waited_for_from_the_vendor() -> None:
    def waits(at: str) -> list[From]:
        made = seen(CLOSED, CLOSING, account(), at=at)
        return [each.source for each in standing(CLOSING, made, now=at).waits if each.address == "account/acme"]

    assert (waits(SOON), waits(LATER)) == ([From.VENDOR], [])


def test_a_day_that_came_with_a_refusal_is_no_promise_of_the_end() -> None:
    refused = asked(
        Kind.SUBSCRIPTION, "sub", Verb.CANCEL, Outcome.FAILED, phase=None, code="exhausted", proof=Proof.NONE
    )
    found = milestones(AT_TERM, refused, LATER)["cancel_effective"]
    assert "date.promised" not in [each.code for each in found.why]


EARLIER, NOW_ENDS = "2026-12-31", "2026-10-31"
"""The day of an end that was withdrawn at the vendor's, and that of the one which was asked for after it."""


@pytest.mark.parametrize("again", [Verb.CANCEL, Verb.DOWNGRADE])
@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.REQUESTED])
def test_the_day_is_that_of_the_request_that_stands_and_of_none_before_it(outcome: Outcome, again: Verb) -> None:
    first = happened(
        Kind.SUBSCRIPTION, "sub", Verb.CANCEL, Outcome.DONE, at=ASKED, until=EARLIER, phase=Phase.PENDING,
        more={"undo": Undo.WINDOW},
    )  # fmt: skip
    then = happened(
        Kind.SUBSCRIPTION, "sub", again, outcome, at=DUE, until=NOW_ENDS, phase=Phase.PENDING, proof=Proof.ACKNOWLEDGED,
        more={"undo": Undo.WINDOW, "occurrence": 2 if again is Verb.CANCEL else 1},
    )  # fmt: skip
    goal = wish(subscription=SubscriptionGoal("cancelled", effective="end_of_period"))

    def ends(*what: Any) -> str | None:
        return getattr(milestones(goal, record(*what), "2026-06-09T00:00:00Z")["cancel_effective"], "day", None)

    assert (ends(first), ends(first, then)) == (EARLIER, NOW_ENDS)
    unanswered = happened(
        Kind.SUBSCRIPTION, "sub", Verb.CANCEL, Outcome.UNKNOWN, at=DUE, more={"undo": Undo.WINDOW, "occurrence": 2}
    )
    assert ends(first, unanswered) is None, "what came of the one that counts nobody knows"
    other = happened(
        Kind.SUBSCRIPTION,
        "old",
        Verb.CANCEL,
        at=ASKED,
        until="2026-11-30",
        phase=Phase.PENDING,
        more={"undo": Undo.WINDOW},
    )
    assert ends(first, then, other) == "2026-11-30", "two contracts are over when the last one is"


@pytest.mark.parametrize(
    ("kind", "verb", "goal", "what"),
    [
        (Kind.ACCOUNT, Verb.CLOSE, CLOSED, "closed"),
        (Kind.SUBSCRIPTION, Verb.CANCEL, ENDED, "cancel_effective"),
    ],
)
def test_an_end_is_dated_though_one_before_it_was_withdrawn(kind: Kind, verb: Verb, goal: Desired, what: str) -> None:
    first = happened(kind, "it", verb, Outcome.FAILED, at=ASKED, code="withdrawn")
    then = happened(kind, "it", verb, at=DUE, more={"occurrence": 2})
    assert getattr(milestones(goal, record(first, then), LATER)[what], "day", None) == DUE[:10]


def test_an_end_that_is_seen_withdrawn_gives_the_plan_no_date_any_more() -> None:
    """Its day would be believed until somebody applies: as if notice had been in time, which is to be given anew."""
    year = Period(12, "months")
    term = Term("2026-01-01", year, end="inclusive", renewal="automatic", renewal_length=year)
    agreed = ContractGoal(term=term, notice=NoticeClause(Period(3, "months"), "term_end", roll="none"))
    goal = wish(
        subscription=AT_TERM.subscription,
        contract=agreed,
        people=(HumanGoal("tidy", "Tidy", "it@example.com", due="5 days before cancel_effective"),),
    )
    events = happened(
        Kind.SUBSCRIPTION,
        "sub",
        Verb.CANCEL,
        at=ASKED,
        until="2026-12-31",
        phase=Phase.PENDING,
        more={"undo": Undo.WINDOW},
    )
    back = Settled(
        "2026-11-15T00:00:00Z", "run", "b", (Settlement(events[0].steps[0].id, Outcome.FAILED, code="withdrawn"),)
    )
    row, late = contract(term_end="2026-12-31", renews=True), "2026-11-15T00:00:00Z"

    found, known = (seen(goal, record(events, more), row, at=late) for more in ([], [back]))

    assert found.life is not None and (found.life.ends, found.life.notice_by) == ("2027-12-31", "2027-09-30")
    assert (found.deadlines, found.life, found.cost) == (known.deadlines, known.life, known.cost)
    assert one(found, Verb.CONFIRM, "tidy").deadline == one(known, Verb.CONFIRM, "tidy").deadline
    still = seen(goal, record(events), contract(pending="cancel", effective="2026-12-31"), at=late)
    assert still.life is not None and still.life.ends == "2026-12-31"
