"""What a contract's own days say against an end or a pause: blocked or told with its days, and nothing guessed. The traps
are those that users of neighbouring tools fell into."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from msgspec.structs import replace

from crmstate.core.contract import ContractGoal, NoticeClause, Period, Price, Term
from crmstate.core.goal import SubscriptionGoal
from crmstate.core.plan import Plan
from crmstate.core.words import How, Kind, Mode, Outcome, Phase, Proof, Severity, Verb

from .scenes import blockers, cell, codes, confirmed, contract, happened, ids, one, plan, record, tenant, vendor, wish
from .test_by_hand import byhand, seen

SUB, PLACE = Kind.SUBSCRIPTION, "contract"
NOW = "2026-06-01T12:00:00Z"
YEAR = Period(12, "months")
TERM = Term("2026-01-01", YEAR, end="inclusive", renewal="automatic", renewal_length=YEAR)
RENEWS, ENDS, SILENT = (ContractGoal(term=replace(TERM, renewal=word)) for word in ("automatic", "none", None))
END_OF_TERM = SubscriptionGoal("cancelled", effective="end_of_term")


def on(day: str, status: str = "cancelled") -> SubscriptionGoal:
    return SubscriptionGoal(status, effective=day, to="free" if status == "downgraded" else None)


def pause(until: str) -> SubscriptionGoal:
    return SubscriptionGoal("paused", starts="2026-06-01", until=until)


def listed(
    goal: SubscriptionGoal, agreed: ContractGoal | None, row: Any = None, state: Any = None, **more: Any
) -> Plan:
    """The plan for a subscription that the API shows."""
    at = more.pop("at", NOW)
    return plan(wish(subscription=goal, contract=agreed), tenant(row or contract(), at=at), state, **more)


def hands(
    goal: SubscriptionGoal, agreed: ContractGoal | None, state: Any = None, at: str = NOW, *attributes: str
) -> Plan:
    """The plan for one that no API shows."""
    return plan(wish(subscription=goal, contract=agreed), replace(seen(), taken_at=at), state, byhand(*attributes))


def verbs(found: Plan) -> list[tuple[Verb, str]]:
    return [(step.verb, step.mode.value) for step in found.steps if step.kind is SUB]


def why(found: Plan) -> list[str]:
    return [code for code, place in blockers(found) if place.startswith("subscription/")]


# The day of an end


@pytest.mark.parametrize("status", ["cancelled", "downgraded"])
@pytest.mark.parametrize("plan_of", [listed, hands])
@pytest.mark.parametrize(
    ("day", "agreed", "code"),
    [
        ("2026-05-31", RENEWS, "blocked.past_date"),
        ("2027-03-31", ENDS, "blocked.beyond_term"),
        ("2027-03-31", RENEWS, "blocked.beyond_renewal"),
        ("2027-03-31", SILENT, "blocked.beyond_unknown"),
        ("2026-06-01", RENEWS, None),
        ("2026-12-31", ENDS, None),
        ("2027-12-31", RENEWS, None),
        ("2027-03-31", None, None),
    ],
)
def test_a_day_is_one_to_come_and_within_the_term(
    plan_of: Any, status: str, day: str, agreed: ContractGoal | None, code: str | None
) -> None:
    found = plan_of(on(day, status), agreed)
    assert why(found) == ([code] if code else [])
    assert (verbs(found) == []) is (code is not None)


def test_the_end_of_a_term_that_nobody_can_know_is_asked_for() -> None:
    past = ContractGoal(term=replace(TERM, start="2025-01-01", renewal=None))
    assert why(hands(END_OF_TERM, past)) == ["undated.renewal"]


def test_every_request_for_an_end_names_its_day() -> None:
    """Elsewhere a cancellation without a day ends at once."""
    for word in ("immediately", "end_of_term", "end_of_period", "2026-12-31"):
        step = one(listed(on(word), RENEWS), Verb.CANCEL, "sub")
        assert step.args is not None and step.args.effective == word


def test_an_end_that_came_at_once_instead_of_later_is_not_taken_for_what_was_wanted() -> None:
    row = contract("cancelled", access_until="2026-06-01")
    assert codes(listed(on("2026-12-31"), RENEWS, row)) == ["CRM-P089"]
    asked = record(happened(SUB, "sub", Verb.CANCEL, at="2026-05-20T09:00:00Z"))
    assert codes(listed(END_OF_TERM, RENEWS, row, asked)) == ["CRM-P089"]
    assert codes(listed(END_OF_TERM, RENEWS, contract("cancelled", access_until="2026-12-31"), asked)) == []


def test_a_pending_end_on_another_day_than_the_terms_is_told() -> None:
    row = contract(pending="cancel", effective="2026-11-30")
    assert codes(listed(END_OF_TERM, RENEWS, row)) == ["CRM-P012"]
    assert codes(listed(END_OF_TERM, RENEWS, contract(pending="cancel", effective="2026-12-31"))) == []


# Renewals


def test_a_renewal_that_has_happened_is_told_and_the_running_term_counts() -> None:
    old = ContractGoal(term=replace(TERM, start="2024-01-01"))
    found = listed(END_OF_TERM, old)
    assert [(each.code, each.severity) for each in found.diagnostics] == [("CRM-P085", Severity.NOTE)]
    assert found.life is not None and found.life.ends == "2026-12-31"


def test_a_notice_that_was_missed_binds_for_another_term_and_says_so() -> None:
    agreed = ContractGoal(term=TERM, notice=NoticeClause(Period(60, "days"), "term_end", roll="none"))
    found = hands(END_OF_TERM, agreed, None, "2026-11-15T12:00:00Z")
    assert [each.code for each in found.diagnostics if each.code[:7] in ("CRM-P08", "CRM-P11")] == ["CRM-P110"]
    assert found.life is not None and (found.life.renews, found.life.ends) == (True, "2027-12-31")


def test_a_term_that_is_over_and_shown_all_the_same_is_a_warning() -> None:
    old = ContractGoal(term=replace(TERM, start="2025-01-01", renewal="none"))
    assert codes(listed(on("2026-12-31"), old)) == ["CRM-P086"]
    assert codes(hands(on("immediately"), old)) == ["CRM-P092"]


def test_where_vendor_and_contract_differ_somebody_is_told() -> None:
    agreed = ContractGoal(term=TERM, price=Price("14400", "USD", "year"))
    row = contract(term_end="2027-01-31", amount="15600.00", currency="USD", per="year")
    assert codes(listed(END_OF_TERM, agreed, row)) == ["CRM-P087", "CRM-P088"]
    same = contract(term_end="2026-12-31", amount="14400.00", currency="USD", per="year")
    assert codes(listed(END_OF_TERM, agreed, same)) == []


# Pauses


@pytest.mark.parametrize("plan_of", [listed, hands])
@pytest.mark.parametrize(
    ("agreed", "code", "found"),
    [(RENEWS, None, ["CRM-P081"]), (ENDS, "blocked.pause_past_term", []), (SILENT, "blocked.pause_term_unknown", [])],
)
def test_a_term_that_ends_during_the_pause_is_told_or_stops_it(
    plan_of: Any, agreed: ContractGoal, code: str | None, found: list[str]
) -> None:
    made = plan_of(pause("2027-03-01"), agreed)
    assert (why(made), codes(made)) == ([code] if code else [], found)
    inside = plan_of(pause("2026-12-31"), agreed)
    assert (why(inside), codes(inside)) == ([], [])


def test_a_running_pause_whose_contract_ends_meanwhile_is_told() -> None:
    assert codes(listed(pause("2027-03-01"), ENDS, contract("paused", paused_until="2027-03-01"))) == ["CRM-P082"]


def test_a_pause_that_outlives_its_day_or_has_another_is_told() -> None:
    assert codes(listed(pause("2026-05-31"), None, contract("paused"))) == ["CRM-P080"]
    assert codes(listed(pause("2026-09-30"), None, contract("paused", paused_until="2026-08-31"))) == ["CRM-P090"]
    assert codes(hands(pause("2026-05-31"), None)) == ["CRM-P010"]
    assert verbs(hands(pause("2026-05-31"), None)) == []


def test_a_vendor_that_ends_nothing_while_it_is_paused_is_not_asked() -> None:
    by = vendor(cell(SUB, Verb.CANCEL, attributes=frozenset({"not_while_paused"})))
    found = listed(on("immediately"), None, contract("paused"), by=by)
    assert (why(found), verbs(found)) == (["blocked.while_paused"], [])
    assert verbs(listed(on("immediately"), None, contract(), by=by)) == [(Verb.CANCEL, "auto")]
    resting = record(confirmed(SUB, PLACE, Verb.PAUSE))
    assert why(hands(on("immediately"), None, resting, NOW, "not_while_paused")) == ["blocked.while_paused"]


def test_between_a_pauses_end_and_the_contracts_it_is_charged_for() -> None:
    row = contract("paused", paused_until="2026-08-31")
    assert codes(listed(on("2026-12-31"), RENEWS, row)) == ["CRM-P083"]
    assert codes(listed(on("2026-08-31"), RENEWS, row)) == []


# Asked once


def switch() -> Any:
    """A vendor that shows its contracts and no requests: a person asks for the end, and not to renew is a thing of its own."""
    cancel = cell(SUB, Verb.CANCEL, how=How.MANUAL, run=None, runbook="runbook.y")
    return vendor(dataclasses.replace(cancel, verb=Verb.RENEW_OFF, after=Phase.PENDING), cancel)


def test_not_to_renew_is_asked_for_where_the_vendor_tells_it_from_cancelling() -> None:
    assert verbs(listed(END_OF_TERM, RENEWS, by=switch())) == [(Verb.RENEW_OFF, "manual")]
    assert verbs(listed(on("2026-12-31"), RENEWS, by=switch())) == [(Verb.CANCEL, "manual")]
    assert verbs(listed(END_OF_TERM, RENEWS)) == [(Verb.CANCEL, "auto"), (Verb.PROBE, "wait")]


def test_a_retry_files_no_second_request() -> None:
    """The vendor goes on showing the contract as active until its day: that is no reason to ask again."""
    asked = record(confirmed(SUB, "sub", Verb.RENEW_OFF))
    found = listed(END_OF_TERM, RENEWS, state=asked, by=switch())
    assert (verbs(found), one(found, Verb.PROBE, "sub").not_before) == ([(Verb.PROBE, "wait")], "2026-12-31")
    late = listed(END_OF_TERM, RENEWS, state=asked, by=switch(), at="2027-01-05T12:00:00Z")
    assert "CRM-P091" in codes(late)
    assert [step.mode for step in late.steps if step.verb is Verb.RENEW_OFF] == [Mode.MANUAL]


def test_an_accepted_request_by_api_is_sent_once_however_often_it_is_planned() -> None:
    for outcome in (Outcome.REQUESTED, Outcome.DONE):
        state = record(happened(SUB, "sub", Verb.CANCEL, outcome, proof=Proof.ACKNOWLEDGED))
        row = contract(pending="cancel", effective="2026-12-31")
        assert ids(listed(END_OF_TERM, RENEWS, row, state), Verb.CANCEL) == []


# Changes of mind by hand


def test_what_was_asked_for_is_taken_back_by_a_person_and_what_was_not_is_not() -> None:
    active = SubscriptionGoal("active")
    assert verbs(hands(active, RENEWS)) == []
    asked = confirmed(SUB, PLACE, Verb.CANCEL, at="2026-05-01T09:00:00Z")
    assert verbs(hands(active, RENEWS, record(asked))) == [(Verb.RESUME, "manual")]
    back = confirmed(SUB, PLACE, Verb.RESUME, at="2026-05-02T09:00:00Z")
    assert verbs(hands(active, RENEWS, record(asked, back))) == []


def test_an_end_that_was_taken_back_is_asked_for_anew() -> None:
    state = record(
        confirmed(SUB, PLACE, Verb.CANCEL, at="2026-05-01T09:00:00Z"), confirmed(SUB, PLACE, Verb.RESUME, at="2026-05-02T09:00:00Z")
    )  # fmt: skip
    found = hands(on("2026-12-31"), RENEWS, state)
    step = next(each for each in found.steps if each.verb is Verb.CANCEL)
    assert (step.occurrence, step.mode) == (2, Mode.MANUAL)


def test_a_proved_end_is_not_taken_back_and_a_pause_does_not_go_before_an_end() -> None:
    asked = confirmed(SUB, PLACE, Verb.CANCEL, at="2026-05-01T09:00:00Z")
    over = confirmed(SUB, PLACE, Verb.PROBE, at="2026-05-02T09:00:00Z", proof=Proof.CERTIFIED)
    assert codes(hands(SubscriptionGoal("active"), RENEWS, record(asked, over))) == ["CRM-P011"]
    assert why(hands(pause("2026-09-30"), RENEWS, record(asked))) == ["blocked.other_pending"]
