"""Notice in a plan: a step of its own with deadline and proof, its cost when it is missed, and nothing without a date."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from crmstate.core.contract import Calendar, ContractGoal, NoticeClause, Period, Price, Term, When
from crmstate.core.deadline import Dated, Unknown
from crmstate.core.event import AnyEvent, Contacted
from crmstate.core.goal import HumanGoal, SubscriptionGoal
from crmstate.core.milestones import GIVEN, milestones
from crmstate.core.order import Stage
from crmstate.core.plan import Plan
from crmstate.core.record import State
from crmstate.core.reminders import late
from crmstate.core.words import Channel, Contacting, Kind, Mode, Outcome, Proof, Severity, Verb

from .scenes import (
    ARCHIVED,
    archived,
    blockers,
    codes,
    confirmed,
    contract,
    dataset,
    frozen,
    happened,
    one,
    plan,
    reached,
    record,
    tenant,
    vendor,
    wish,
)

YEAR = Period(12, "months")
TERM = Term("2026-01-01", YEAR, None, "inclusive", "automatic")
CLAUSE = NoticeClause(Period(60, "days"), "term_end", form="written", to="legal@vendor.example")
BERLIN = Calendar("Europe/Berlin", "DE-BY")
LATER = SubscriptionGoal("cancelled", effective="end_of_term")
NOW = "2026-06-01T12:00:00Z"
MISSED = "2026-11-05T12:00:00Z"


def bound(term: Term | None = TERM, clause: NoticeClause | None = CLAUSE, **more: Any) -> ContractGoal:
    facts: dict[str, Any] = {"price": Price("14400.00", "USD", "year"), "calendar": BERLIN, **more}
    return ContractGoal(term=term, notice=clause, **facts)


def made(goal: ContractGoal, state: State | None = None, *, at: str = NOW, row: Any = None, **more: Any) -> Plan:
    goals: dict[str, Any] = {"subscription": LATER, "contract": goal, **more}
    return plan(wish(**goals), tenant(row or contract(), at=at), state)


def dates(found: Plan) -> dict[str, str]:
    return {each.what: each.at for each in found.deadlines}


def given(at: str = NOW, proof: Proof = Proof.ACKNOWLEDGED, **more: Any) -> State:
    return record(confirmed(Kind.NOTICE, "contract", Verb.REQUEST, at=at, proof=proof, **more))


def when(desired: Any, state: State | None = None, at: str = NOW) -> dict[str, str | None]:
    found = milestones(desired, state or State("exit"), at)
    return {name: each.day if isinstance(each, Dated) else None for name, each in found.items()}


def test_notice_is_a_persons_step_before_the_vendor_is_asked_to_cancel() -> None:
    step = one(made(bound()), Verb.REQUEST, "contract")
    facts = (step.kind, step.mode, step.stage, step.owner, step.proof, step.deadline)
    assert facts == (
        Kind.NOTICE, Mode.MANUAL, Stage.NOTICE.value, "ops@example.com", Proof.ACKNOWLEDGED, "2026-10-30T23:00:00Z",
    )  # fmt: skip
    assert step.why.params == {
        "form": "written", "to": "legal@vendor.example", "day": "2026-10-30", "ends": "2026-12-31", "decide": "2026-10-30",
    }  # fmt: skip


def test_a_notice_that_counts_when_it_is_sent_needs_no_answer() -> None:
    clause = NoticeClause(Period(60, "days"), "term_end", counts="dispatch")
    assert one(made(bound(clause=clause)), Verb.REQUEST, "contract").proof is Proof.ATTESTED


@pytest.mark.parametrize("effective", ["immediately", "end_of_term", "2026-12-31"])
def test_nothing_ends_the_contract_before_notice_was_given(effective: str) -> None:
    goal = SubscriptionGoal("cancelled", effective=effective)
    open_ = made(bound(), record(frozen()), subscription=goal)
    assert Verb.CANCEL in [step.verb for step in open_.steps]
    blocked = made(bound(term=None), record(frozen()), subscription=goal)
    assert reached(open_, Verb.CANCEL) == ["sub"]
    assert (reached(blocked, Verb.CANCEL), blockers(blocked)[0]) == ([], ("blocked.notice_undated", "notice/contract"))


def test_a_notice_on_record_is_not_asked_for_again() -> None:
    found = made(bound(), given())
    assert Verb.REQUEST not in [step.verb for step in found.steps]
    assert found.summary.unchanged["notice"] == 1
    assert "renewal" not in dates(found)
    assert dates(found)["cancel_effective"] == "2026-12-31T23:00:00Z"


def test_a_waiver_that_ran_out_brings_the_step_back() -> None:
    waived = given(proof=Proof.WAIVED, expires="2026-07-01T00:00:00Z")
    assert Verb.REQUEST not in [step.verb for step in made(bound(), waived).steps]
    assert Verb.REQUEST in [step.verb for step in made(bound(), waived, at="2026-08-01T00:00:00Z").steps]


def test_a_missed_notice_is_explained_with_the_next_term_and_its_cost() -> None:
    found = made(bound(), at=MISSED)
    (warning,) = [each for each in found.diagnostics if each.code == "CRM-P110"]
    assert warning.severity is Severity.WARNING
    assert warning.params == {
        "ends": "2026-12-31", "day": "2026-10-30", "until": "2027-12-31", "next": "2027-10-29", "cost": "USD 14,400.00",
        "sure": "exact", "next_sure": "exact",
    }  # fmt: skip
    assert one(found, Verb.REQUEST, "contract").deadline == "2027-10-29T22:00:00Z"
    assert dates(found)["cancel_effective"] == "2027-12-31T23:00:00Z"


def test_a_notice_that_was_given_late_counts_for_the_next_term() -> None:
    found = made(bound(), given(MISSED), at=MISSED)
    assert "CRM-P112" in codes(found)
    assert dates(found)["cancel_effective"] == "2027-12-31T23:00:00Z"
    after_renewal = made(bound(), given(MISSED), at="2027-02-01T00:00:00Z")
    assert dates(after_renewal)["cancel_effective"] == "2027-12-31T23:00:00Z"


def test_a_contract_that_ends_by_itself_needs_no_notice() -> None:
    found = made(bound(Term("2026-01-01", YEAR, None, "inclusive", "none")))
    assert Verb.REQUEST not in [step.verb for step in found.steps]
    assert dates(found)["term_end"] == "2026-12-31T23:00:00Z"


@pytest.mark.parametrize("renewal", ["none", None])
def test_a_term_that_is_over_ends_nothing(renewal: str | None) -> None:
    goal = bound(Term("2024-01-01", YEAR, None, "inclusive", renewal), None)
    assert "CRM-P113" in codes(made(goal))
    assert "CRM-P113" not in codes(made(goal, row=contract(pending="cancel", effective="2026-12-31")))
    assert "CRM-P113" not in codes(made(goal, row=contract("cancelled")))


@pytest.mark.parametrize(
    ("freeze", "effective", "refused"),
    [
        ("2026-12-31T22:59:00Z", "end_of_term", False),
        ("2026-12-31T23:01:00Z", "end_of_term", True),  # the next day in Berlin
        ("2031-01-01T00:00:00Z", "end_of_period", True),
        ("2031-01-01T00:00:00Z", "2026-12-31", True),
        ("2026-05-01T00:00:00Z", "end_of_term", False),
        ("now", "end_of_term", False),
        (None, "end_of_term", False),
    ],
)
def test_a_freeze_after_the_contracts_own_end_is_refused(freeze: str | None, effective: str, refused: bool) -> None:
    goal = SubscriptionGoal("cancelled", effective=effective)
    assert ("CRM-P118" in codes(made(bound(), subscription=goal, freeze=freeze))) is refused
    assert "CRM-P118" not in codes(made(bound(), record(frozen()), subscription=goal, freeze=freeze))
    assert "CRM-P118" not in codes(made(bound(), row=contract("cancelled"), subscription=goal, freeze=freeze))
    assert "CRM-P118" not in codes(made(bound(), subscription=SubscriptionGoal("active"), freeze=freeze))


@pytest.mark.parametrize(
    ("side", "point", "due", "said"),
    [
        ("before", "cancel_effective", "2027-01-01", True),
        ("before", "cancel_effective", "2026-12-31", False),
        ("after", "cancel_effective", "2026-12-30", True),
        ("after", "cancel_effective", "30 days after cancel_effective", False),
        ("before", "freeze", "3 days before cancel_effective", False),  # which is now, and waits
        ("after", "purged", "2026-12-30", False),
    ],
)
def test_a_due_date_that_contradicts_the_order_is_said(side: str, point: str, due: str, said: bool) -> None:
    goal = HumanGoal("told", "Tell them", "a@example.com", due=due, **{side: point})
    found = [each for each in made(bound(), people=(goal,)).diagnostics if each.code == "CRM-P119"]
    assert [each.severity for each in found] == [Severity.WARNING] * said


def test_an_ended_contract_asks_for_no_notice() -> None:
    ended = contract("cancelled")
    assert Verb.REQUEST not in [step.verb for step in made(bound(), row=ended).steps]
    seen = record(happened(Kind.SUBSCRIPTION, "sub", Verb.PROBE))
    assert dates(made(bound(), seen, row=ended)) == {}


def test_an_archive_that_cannot_be_done_before_the_notice_is_said() -> None:
    rows = (contract(), dataset("contacts", 100_000))
    wanted = wish(subscription=LATER, contract=bound(), archive=ARCHIVED)
    assert "CRM-P111" in codes(plan(wanted, tenant(*rows), None, _slow()))
    assert "CRM-P111" not in codes(plan(wanted, tenant(*rows)))


def _slow() -> Any:
    from dataclasses import replace

    made = vendor()
    return replace(made, limits=replace(made.limits, per_day=10))


def test_a_missing_price_is_said_to_be_unknown_and_not_nought() -> None:
    found = made(bound(price=None))
    (due,) = [each for each in found.deadlines if each.what == "notice_deadline"]
    assert due.missed[0].params == {"until": "2027-12-31", "cost": "unknown"}


def test_the_plan_does_not_depend_on_its_dates() -> None:
    early, late = made(bound()), made(bound(), at="2026-07-01T12:00:00Z")
    assert early.plan_id == late.plan_id


def test_the_dates_of_people_are_resolved_from_milestones_and_from_each_other() -> None:
    def goal(id: str, due: When) -> HumanGoal:
        return HumanGoal(id, id, "it@example.com", due=due)  # type: ignore[arg-type]

    first = goal("first", When(None, Period(10, "days"), "before", "second"))
    second = goal("second", When(None, Period(2, "weeks"), "before", "notice_deadline"))
    lost = goal("lost", When(None, Period(1, "days"), "after", "closed"))
    desired = wish(subscription=LATER, contract=bound(), people=(first, second, lost))
    found = when(desired)
    assert (found["notice_deadline"], found["second"], found["first"], found["lost"]) == (
        "2026-10-30", "2026-10-18", "2026-10-08", None,
    )  # fmt: skip


def test_what_is_on_record_is_the_date_and_what_is_not_is_unknown() -> None:
    desired = wish(subscription=LATER, contract=bound(), archive=ARCHIVED)
    nothing = when(desired)
    assert nothing == {
        "notice_deadline": "2026-10-30", "freeze": "2026-06-01", "archive_verified": None,
        "cancel_effective": "2026-12-31", "access_ends": "2026-12-31", "purged": None, "closed": None,
    }  # fmt: skip
    state = record(
        frozen("2026-07-01T00:00:00Z"),
        archived("contacts", at="2026-07-02T00:00:00Z"),
        happened(Kind.DATASET, "contacts", Verb.PURGE, at="2026-07-03T00:00:00Z"),
        happened(Kind.SUBSCRIPTION, "sub", Verb.PROBE, at="2026-07-05T00:00:00Z"),
        happened(Kind.ACCOUNT, "acme", Verb.CLOSE, at="2026-07-06T00:00:00Z", more={"own": True}),
    )
    assert when(desired, state) == {
        "notice_deadline": "2026-10-30", "freeze": "2026-07-01", "archive_verified": "2026-07-02",
        "cancel_effective": "2026-07-05", "access_ends": "2026-07-06", "purged": "2026-07-03", "closed": "2026-07-06",
    }  # fmt: skip


def test_half_a_purge_and_half_an_archive_are_no_dates() -> None:
    state = record(
        archived("contacts"),
        happened(Kind.ARCHIVE, "deals", Verb.ARCHIVE),
        happened(Kind.DATASET, "contacts", Verb.PURGE),
        happened(Kind.DATASET, "deals", Verb.PURGE, Outcome.FAILED),
    )
    found = when(wish(archive=ARCHIVED), state)
    assert (found["archive_verified"], found["purged"]) == (None, None)


def test_what_the_vendor_promised_goes_before_what_the_contract_says() -> None:
    asked = record(happened(Kind.SUBSCRIPTION, "sub", Verb.CANCEL, Outcome.REQUESTED, until="2026-12-15T00:00:00Z"))
    assert when(wish(subscription=LATER, contract=bound()), asked)["cancel_effective"] == "2026-12-15"


def test_without_a_term_there_is_no_date_for_anything_that_needs_one() -> None:
    found = milestones(wish(subscription=LATER, contract=bound(None)), State("exit"), NOW)
    assert all(isinstance(found[name], Unknown) for name in ("notice_deadline", "cancel_effective"))


def test_a_notice_that_was_waived_was_not_given() -> None:
    waived = given(proof=Proof.WAIVED, expires="2030-01-01T00:00:00Z")
    desired = wish(subscription=LATER, contract=bound())
    assert when(desired, waived, MISSED)["cancel_effective"] == "2027-12-31"
    assert when(desired, given(), MISSED)["cancel_effective"] == "2026-12-31"


def test_a_missed_notice_is_said_also_where_the_next_one_has_no_date_yet() -> None:
    china = bound(calendar=Calendar("Asia/Shanghai", "CN"))
    found = made(china, at="2026-12-20T12:00:00Z")
    (warning,) = [each for each in found.diagnostics if each.code == "CRM-P110"]
    assert (warning.params["until"], warning.params["next"]) == ("2027-12-31", "2027-11-01")
    assert warning.params["next_sure"] == "at_the_latest"
    assert warning.params["cost"] == "USD 14,400.00"
    step = one(found, Verb.REQUEST, "contract")  # the year's working days are not known: early notice is in time
    assert (step.deadline, step.why.params["counted"]) == ("2027-10-14T16:00:00Z", "2027-11-01")
    (renewal,) = [each for each in found.deadlines if each.what == "renewal"]
    assert renewal.why.code == "due.renewed"


@pytest.mark.parametrize(("goal", "shown"), [(None, True), (SubscriptionGoal("active"), False)])
def test_a_contract_that_nobody_has_decided_about_shows_its_last_day_without_a_step(
    goal: SubscriptionGoal | None, shown: bool
) -> None:
    found = made(bound(), subscription=goal)
    assert ("notice_deadline" in dates(found)) is shown
    assert Verb.REQUEST not in [step.verb for step in found.steps]


# A notice that was taken back, and one that arrived before anybody wrote so

RESUMED = "2026-08-01T12:00:00Z"


def resumed(at: str = RESUMED) -> list[AnyEvent]:
    return happened(Kind.SUBSCRIPTION, "contract", Verb.RESUME, at=at)


@pytest.mark.parametrize("at", [RESUMED, NOW])
def test_a_notice_that_was_taken_back_was_not_given(at: str) -> None:
    state = record(_said(), resumed(at))
    found = made(bound(), state, at="2027-06-01T12:00:00Z")
    (step,) = [each for each in found.steps if each.address == GIVEN]
    assert (step.occurrence, step.deadline is not None) == (2, True)
    assert dates(found)["notice_deadline"] > "2027-06-01"


def test_a_notice_counts_from_the_talk_that_proves_it_arrived() -> None:
    early = Contacted(
        at=MISSED, id="c1", by="ann", when="2026-10-20T09:00:00Z", channel=Channel.MAIL,
        kind=Contacting.ACKNOWLEDGEMENT, person="Ms Li", outcome="yes", steps=(GIVEN,),
    )  # fmt: skip
    (said,) = _said(MISSED)
    late, in_time = record([said]), record([early], [replace(said, contact="c1")])
    after = "2026-11-10T12:00:00Z"
    assert "CRM-P112" in codes(made(bound(), late, at=after))
    assert "CRM-P112" not in codes(made(bound(), in_time, at=after))


def _said(at: str = NOW) -> list[AnyEvent]:
    (event,) = confirmed(Kind.NOTICE, "contract", verb=Verb.REQUEST, at=at, proof=Proof.ACKNOWLEDGED)
    return [event]


def overdue(state: State, at: str) -> list[tuple[str, tuple[str, ...]]]:
    """What is late of giving notice, and what it costs."""
    goals = wish(subscription=LATER, contract=bound())
    found = [each for each in late(goals, (), state, at).values() if each.address == GIVEN]
    return [(each.since, tuple(cost.params["cost"] for cost in each.costs)) for each in found]  # type: ignore[misc]


def test_a_missed_last_day_stands_until_notice_is_given_also_when_the_contract_has_renewed() -> None:
    missed = [("2026-10-30T23:00:00Z", ("USD 14,400.00",))]
    begun, waived = record(frozen("2026-09-01T00:00:00Z")), given(MISSED, Proof.WAIVED, expires="2027-01-10T00:00:00Z")
    assert (overdue(begun, "2026-10-30T22:00:00Z"), overdue(begun, MISSED)) == ([], missed)
    assert overdue(begun, "2027-02-01T00:00:00Z") == missed
    assert overdue(record(frozen("2027-01-15T00:00:00Z")), "2027-02-01T00:00:00Z") == [], (
        "missed before there was a project"
    )
    assert overdue(given(MISSED), MISSED) == []
    assert (overdue(waived, "2026-12-01T00:00:00Z"), overdue(waived, "2027-02-01T00:00:00Z")) == ([], [])
