"""The contract: requested once, waited for, withdrawn where that is possible; and never what the vendor no longer
can."""

from __future__ import annotations

from typing import Any

import pytest

from crmstate.core.goal import SubscriptionGoal
from crmstate.core.words import Kind, Mode, Outcome, Phase, Severity, Verb

from .scenes import (
    CANCELLED,
    blockers,
    cell,
    codes,
    contract,
    happened,
    one,
    plan,
    planned,
    record,
    tenant,
    vendor,
    wish,
)

LATER = SubscriptionGoal("cancelled", effective="end_of_term")
ACTIVE = SubscriptionGoal("active")
PAUSED = SubscriptionGoal("paused", starts="2026-12-01", until="2027-03-01")
FREE = SubscriptionGoal("downgraded", effective="immediately", to="free")


def made(goal: SubscriptionGoal, row: Any, state: Any = None, **more: Any) -> Any:
    return plan(wish(subscription=goal), tenant(row), state, **more)


def acts(found: Any) -> list[tuple[Verb, str]]:
    """What is planned for the subscription, without the freeze."""
    return [(step.verb, step.mode.value) for step in found.steps if step.kind is Kind.SUBSCRIPTION]


def test_a_cancellation_at_once_comes_after_everything_that_needs_the_contract() -> None:
    found = made(CANCELLED, contract())
    assert acts(found) == [(Verb.CANCEL, "auto")]
    assert one(found, Verb.CANCEL, "sub").stage == "cancel"


def test_a_cancellation_for_later_is_requested_early_and_its_end_is_waited_for() -> None:
    found = made(LATER, contract())
    assert acts(found) == [(Verb.CANCEL, "auto"), (Verb.PROBE, "wait")]
    request, wait = one(found, Verb.CANCEL, "sub"), one(found, Verb.PROBE, "sub")
    assert ("leave", Phase.PENDING, "effective", (request.id,)) == (
        request.stage,
        request.after,
        wait.stage,
        wait.needs,
    )


@pytest.mark.parametrize("goal", [CANCELLED, LATER])
def test_a_pending_cancellation_is_waited_for_and_never_sent_again(goal: SubscriptionGoal) -> None:
    found = made(goal, contract(pending="cancel", effective="2026-12-31"))
    assert acts(found) == [(Verb.PROBE, "wait")]
    assert one(found, Verb.PROBE, "sub").not_before == "2026-12-31"


def test_another_date_than_the_one_wanted_is_a_warning() -> None:
    goal = SubscriptionGoal("cancelled", effective="2026-11-30")
    assert codes(made(goal, contract(pending="cancel", effective="2026-12-31"))) == ["CRM-P012"]
    assert codes(made(goal, contract(pending="cancel", effective="2026-11-30"))) == []


@pytest.mark.parametrize("goal", [CANCELLED, LATER])
def test_a_cancelled_contract_needs_nothing(goal: SubscriptionGoal) -> None:
    found = made(goal, contract("cancelled"))
    assert (acts(found), codes(found), found.summary.unchanged) == ([], [], {"subscription": 1})


@pytest.mark.parametrize("goal", [ACTIVE, PAUSED, FREE])
def test_a_cancelled_contract_cannot_become_anything_else(goal: SubscriptionGoal) -> None:
    found = made(goal, contract("cancelled"))
    assert (codes(found), acts(found)) == (["CRM-P011"], [])


@pytest.mark.parametrize("pending", ["pause", "downgrade"])
def test_another_pending_request_blocks_ours(pending: str) -> None:
    found = made(CANCELLED, contract(pending=pending, effective="2026-12-31"))
    assert (blockers(found), acts(found)) == ([("blocked.other_pending", "subscription/sub")], [])


def test_a_pending_cancellation_is_withdrawn_where_the_manifest_says_active() -> None:
    found = made(ACTIVE, contract(pending="cancel", effective="2026-12-31"))
    assert acts(found) == [(Verb.RESUME, "auto")]
    step = one(found, Verb.RESUME, "sub")
    assert (step.before, step.after, step.expects.phase) == (Phase.PENDING, Phase.PRESENT, Phase.PENDING)


@pytest.mark.parametrize("status", ["paused", "free"])
def test_a_paused_or_free_contract_is_resumed_where_the_manifest_says_active(status: str) -> None:
    assert acts(made(ACTIVE, contract(status))) == [(Verb.RESUME, "auto")]


@pytest.mark.parametrize("row", [contract(), contract(pending="resume", effective="2026-06-02")])
def test_an_active_contract_stays(row: Any) -> None:
    assert acts(made(ACTIVE, row)) == []


def test_a_withdrawal_that_may_have_been_lost_is_sent_again_because_the_request_still_stands() -> None:
    for outcome in (Outcome.INTENDED, Outcome.UNKNOWN, Outcome.FAILED):
        state = record(happened(Kind.SUBSCRIPTION, "sub", Verb.RESUME, outcome))
        assert acts(made(ACTIVE, contract(pending="cancel", effective="2026-12-31"), state)) == [(Verb.RESUME, "auto")]


def test_a_pause_of_the_future_is_requested_with_its_dates() -> None:
    found = made(PAUSED, contract())
    step = one(found, Verb.PAUSE, "sub")
    assert (step.args.starts, step.args.until, step.after, step.stage) == (
        "2026-12-01",
        "2027-03-01",
        Phase.PENDING,
        "leave",
    )
    assert acts(found) == [(Verb.PAUSE, "auto")]


def test_a_pause_that_begins_today_is_a_pause_now() -> None:
    found = made(SubscriptionGoal("paused", starts="2026-06-01", until="2027-03-01"), contract())
    assert Phase.INACTIVE is one(found, Verb.PAUSE, "sub").after


def test_a_pending_pause_is_left_to_the_vendor() -> None:
    found = made(PAUSED, contract(pending="pause", effective="2026-12-01"))
    assert (acts(found), found.summary.unchanged) == ([], {"subscription": 1})


def test_a_pause_that_is_over_is_a_warning_and_never_a_step() -> None:
    found = made(SubscriptionGoal("paused", starts="2026-01-01", until="2026-05-31"), contract())
    assert [(each.code, each.severity) for each in found.diagnostics] == [("CRM-P010", Severity.WARNING)]
    assert acts(found) == []


def test_a_pause_on_its_last_day_is_not_over() -> None:
    assert acts(made(SubscriptionGoal("paused", starts="2026-01-01", until="2026-06-01"), contract())) == [
        (Verb.PAUSE, "auto")
    ]


@pytest.mark.parametrize(
    ("goal", "status"),
    [(FREE, "paused"), (PAUSED, "free"), (SubscriptionGoal("paused", starts="2026-01-01", until="2027-01-01"), "free")],
)
def test_paused_and_free_are_both_inactive_and_yet_not_the_same(goal: SubscriptionGoal, status: str) -> None:
    """The phase alone cannot tell them apart: taking one for the other would report what nobody did."""
    found = made(goal, contract(status))
    assert found.summary.unchanged == {}
    assert blockers(found) == [("blocked.other_pending", "subscription/sub")]
    assert acts(found) == []


def test_a_free_contract_is_downgraded_already() -> None:
    assert acts(made(FREE, contract("free"))) == []


def test_an_end_that_was_seen_before_is_waited_for_anew_when_the_contract_came_back() -> None:
    """Otherwise the account would be closed on the word of an end long past."""
    state = record(happened(Kind.SUBSCRIPTION, "sub", Verb.CANCEL), happened(Kind.SUBSCRIPTION, "sub", Verb.PROBE))
    again = one(made(LATER, contract(pending="cancel", effective="2026-12-31"), state), Verb.PROBE, "sub")
    assert (again.occurrence, state.entries.get(again.id)) == (2, None)


def test_a_contract_that_the_vendor_can_only_cancel_by_hand_is_a_persons_step() -> None:
    from crmstate.core.words import How

    found = made(
        CANCELLED,
        contract(),
        by=vendor(cell(Kind.SUBSCRIPTION, Verb.CANCEL, how=How.MANUAL, run=None, runbook="runbook.x")),
    )
    step = one(found, Verb.CANCEL, "sub")
    assert (step.mode, step.owner) == (Mode.MANUAL, "ops@example.com")


def test_a_subscription_that_cannot_be_listed_stops_the_account_from_being_closed() -> None:
    found = plan(wish(subscription=CANCELLED), tenant(missing=[Kind.SUBSCRIPTION]))
    assert blockers(found) == [("blocked.incomplete", "subscription/*")]
    assert [each for each in planned(found) if each[0] is Verb.CANCEL] == []
