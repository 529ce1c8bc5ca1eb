"""Dates that count from what has happened and not from what was asked for, and dates that nobody can know whole."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from crmstate.core.address import address
from crmstate.core.around import NoticeGoal
from crmstate.core.audience import Audience
from crmstate.core.contacts import SWITCHING
from crmstate.core.contract import Calendar, ContractGoal, Fee, NoticeClause, Period, Price, Term, When
from crmstate.core.cost import Cost
from crmstate.core.deadline import Dated, Unknown
from crmstate.core.event import (
    Addressed,
    Answered,
    AnyEvent,
    Bounced,
    Claimed,
    Contacted,
    Delivery,
    Destruction,
    Evidence,
    Examined,
)
from crmstate.core.goal import SubscriptionGoal
from crmstate.core.life import Beside
from crmstate.core.message import message
from crmstate.core.milestones import milestones
from crmstate.core.plan import Deadline, Plan
from crmstate.core.planning.timeline import timeline
from crmstate.core.record import State
from crmstate.core.survey import survey
from crmstate.core.words import Channel, Contacting, Fate, Kind, Milestone, Mode, Outcome, Proof, Verb
from crmstate.rules import laws
from crmstate.views.standing import standing

from .scenes import DELETED, NOW, TENANT, confirmed, contract, happened, one, plan, record, tenant, wish

YEAR = Period(12, "months")
TERM = Term("2026-02-01", YEAR, end="inclusive", renewal="automatic", renewal_length=YEAR)
PRICE = Price("14400.00", "USD", "year")
PAPER = Evidence("file", Proof.ATTESTED, NOW)


# What was asked for is not what has come


def closed(*histories: list[AnyEvent]) -> dict[str, str | None]:
    found = milestones(wish(account=DELETED), record(*histories), NOW)
    names = (Milestone.CLOSED.value, Milestone.ACCESS_ENDS.value)
    return {name: each.day if isinstance(each := found[name], Dated) else None for name in names}


def test_the_account_is_closed_when_that_was_proved_and_not_when_somebody_asked_for_it() -> None:
    asked = confirmed(Kind.ACCOUNT, "acme", Verb.CLOSE, at="2026-07-01T12:00:00Z")
    assert closed(asked) == {"closed": None, "access_ends": None}
    proved = confirmed(Kind.ACCOUNT, "acme", Verb.PROBE, at="2026-08-01T12:00:00Z", proof=Proof.CERTIFIED)
    assert closed(asked, proved)["closed"] == "2026-08-01"
    observed = happened(Kind.ACCOUNT, "acme", Verb.CLOSE, at="2026-07-05T12:00:00Z", more={"own": True})
    assert closed(observed) == {"closed": "2026-07-05", "access_ends": "2026-07-05"}


def test_our_access_does_not_end_with_the_request_to_close() -> None:
    asked = happened(
        Kind.ACCOUNT, "acme", Verb.CLOSE, at="2026-07-01T12:00:00Z", proof=Proof.ATTESTED, more={"own": True}
    )
    assert closed(asked)["access_ends"] is None
    proved = confirmed(Kind.ACCOUNT, "acme", Verb.PROBE, at="2026-08-01T12:00:00Z", proof=Proof.CERTIFIED)
    assert closed(asked, proved)["access_ends"] is not None


def test_a_contract_that_is_to_end_at_once_is_over_when_that_was_proved() -> None:
    goal = wish(subscription=SubscriptionGoal("cancelled", effective="immediately"))
    asked = confirmed(Kind.SUBSCRIPTION, "contract", Verb.CANCEL, at="2026-07-01T12:00:00Z")
    assert isinstance(milestones(goal, record(asked), NOW)["cancel_effective"], Unknown)
    proved = confirmed(Kind.SUBSCRIPTION, "contract", Verb.PROBE, at="2026-07-09T12:00:00Z", proof=Proof.CERTIFIED)
    found = milestones(goal, record(asked, proved), NOW)["cancel_effective"]
    assert isinstance(found, Dated) and found.day == "2026-07-09"


# A year that no government has decreed

CHINA = Calendar("Asia/Shanghai", "CN")
CLAUSE = NoticeClause(Period(60, "days"), "term_end", form="written", to="legal@vendor.example")


def chinese(at: str = NOW, **changes: Any) -> Plan:
    term = Term("2026-01-01", Period(24, "months"), end="inclusive", renewal="automatic", renewal_length=YEAR)
    goal = ContractGoal(term=term, notice=CLAUSE, price=PRICE, calendar=CHINA)
    wanted = SubscriptionGoal("cancelled", effective="end_of_term")
    return plan(wish(contract=goal, subscription=wanted, **changes), tenant(contract(), at=at))


def test_a_last_day_in_a_year_without_known_working_days_blocks_nothing_and_says_what_to_do() -> None:
    found = chinese()
    step = one(found, Verb.REQUEST, "contract")
    assert (step.why.code, step.why.params["counted"]) == ("why.notice_counted", "2027-11-01")
    assert step.deadline == "2027-10-14T16:00:00Z"  # the real one is not known, and not before that
    (shown,) = [each for each in found.deadlines if each.what == "notice_deadline"]
    assert (shown.at, shown.why.params["sure"]) == (step.deadline, "early_enough")
    assert "date.early" in [each.code for each in shown.explanation]
    (warning,) = [each for each in found.diagnostics if each.code == "CRM-P116"]
    assert (warning.params["reason"], warning.params["counted"]) == ("undated.calendar", "2027-11-01")
    assert not found.blocked
    known = timeline(wish(contract=ContractGoal(term=TERM, notice=CLAUSE, calendar=CHINA)), State("exit"), NOW)
    assert "notice_deadline" in {each.what for each in known.dates}  # 2026: decreed


def test_a_day_that_was_counted_is_over_whatever_the_working_days_before_it() -> None:
    found = chinese(at="2027-11-02T12:00:00Z")
    assert one(found, Verb.REQUEST, "contract").why.params["ends"] == "2028-12-31"
    (warning,) = [each for each in found.diagnostics if each.code == "CRM-P110"]
    said = [warning.params[each] for each in ("day", "sure", "next", "cost")]
    assert said == ["2027-11-01", "at_the_latest", "2028-11-01", "USD 14,400.00"]


@pytest.mark.parametrize(("at", "code"), [("2027-10-14T12:00:00Z", "CRM-P116"), ("2027-10-15T12:00:00Z", "CRM-P117")])
def test_that_early_notice_is_in_time_is_said_only_while_it_is(at: str, code: str) -> None:
    assert [each.code for each in chinese(at=at).diagnostics if each.code in ("CRM-P116", "CRM-P117")] == [code]


# Fees and refunds


def costs(goal: SubscriptionGoal, state: State | None = None, **more: Any) -> Cost:
    written = ContractGoal(term=TERM, price=PRICE, **more)
    found = plan(wish(subscription=goal, contract=written), tenant(contract(), at="2026-11-01T08:00:00Z"), state).cost
    assert found is not None
    return found


def sums(found: Cost) -> dict[str, str | None]:
    return {line.what: str(line.sum) if line.sum is not None else None for line in found.lines}


@pytest.mark.parametrize(
    ("day", "fee"), [("2027-06-30", "USD 1,500.00"), ("2028-01-31", "USD 0.00"), ("2027-01-31", "USD 0.00")]
)
def test_a_day_within_a_later_term_is_before_that_terms_end(day: str, fee: str) -> None:
    goal = SubscriptionGoal("cancelled", effective=day)
    assert sums(costs(goal, early_termination_fee=Fee("1500", "USD")))["early_termination_fee"] == fee


def test_what_of_a_paid_period_falls_into_a_pause_may_be_claimed_and_what_was_claimed_is_shown() -> None:
    goal = SubscriptionGoal("paused", starts="2026-12-01", until="2027-03-15")
    found = costs(goal)
    (refund,) = [line.how for line in found.lines if line.what == "refund"]
    assert (refund.code, refund.params["n"], refund.params["of"]) == ("cost.refund.pause", 62, 365)  # to 31 January
    assert str(refund.params["sum"]) == "USD 2,446.03"
    claim = Claimed(NOW, 1, "refund", "100.00", "USD", "ann", PAPER)
    assert sums(costs(goal, record([claim]))) | {} == {"pause": None, "refund_claimed": "USD 100.00"} | {
        "missed_notice": "USD 14,400.00"
    }


@pytest.mark.parametrize(
    ("begins", "until", "seen", "days"),
    [
        ("2026-05-01", "2026-07-15", False, None),
        ("2026-10-01", "2026-11-10", False, 10),
        ("2026-10-01", "2026-11-10", True, 41),
        ("2026-05-01", "2026-07-15", True, 76),
    ],
)
def test_a_pause_that_never_took_place_is_nothing_to_claim_for(
    begins: str, until: str, seen: bool, days: int | None
) -> None:
    state = record(happened(Kind.SUBSCRIPTION, "contract", Verb.PAUSE, at="2026-05-01T08:00:00Z")) if seen else None
    found = costs(SubscriptionGoal("paused", starts=begins, until=until), state)
    assert [line.how.params["n"] for line in found.lines if line.what == "refund"] == ([days] if days else [])


def test_the_end_of_a_pause_is_a_date() -> None:
    goal = wish(subscription=SubscriptionGoal("paused", starts="2026-05-01", until="2026-07-15"))
    (found,) = [each for each in timeline(goal, State("exit"), NOW).dates if each.what == "pause"]
    assert found.at == "2026-07-16T00:00:00Z"
    assert "pause" not in {each.what for each in timeline(goal, State("exit"), "2026-07-17T00:00:00Z").dates}


# The EU Data Act


def talk(id: str, kind: Contacting, when: str, corrects: str = "") -> Contacted:
    return Contacted(
        at=NOW, id=id, by="ann", when=when, channel=Channel.LETTER, kind=kind, person="Legal", outcome="sent",
        steps=(SWITCHING,), corrects=corrects,
    )  # fmt: skip


def windows(state: State, events: dict[str, date] | None = None) -> dict[str, str | None]:
    goal = wish(contract=ContractGoal(term=TERM, regimes=("eu-data-act",), calendar=Calendar("Europe/Berlin", "DE")))
    found = timeline(goal, state, NOW, laws(), events).laws
    names = ("notice", "transition", "retrieval")
    return {
        name: each.date.day if isinstance(each.date, Dated) else None
        for each in found
        for name in names
        if each.law.id == f"eu-data-act.{name}"
    }


def test_a_request_to_switch_on_record_makes_its_dates_known() -> None:
    asked = talk("c2", Contacting.REQUEST, "2026-05-20T09:00:00Z")
    assert windows(State("exit")) == {"notice": None, "transition": None, "retrieval": None}
    assert windows(record([talk("c2", Contacting.QUESTION, "2026-05-20T09:00:00Z")]))["notice"] is None
    known = {"notice": "2026-07-20", "transition": "2026-08-19", "retrieval": "2026-09-18"}
    assert windows(record([asked])) == known
    corrected = talk("c3", Contacting.REQUEST, "2026-05-22T09:00:00Z", corrects="c2")
    assert windows(record([asked, corrected]))["notice"] == "2026-07-22"
    assert windows(record([asked]), {"switching_request": date(2026, 5, 1)})["notice"] == "2026-07-01"


def receipt(state: State) -> set[str]:
    """What the dates that run from the request say of its receipt."""
    goal = wish(contract=ContractGoal(term=TERM, regimes=("eu-data-act",), calendar=Calendar("Europe/Berlin", "DE")))
    dates = [
        each.date for each in timeline(goal, state, NOW, laws()).laws if each.law.id.endswith((".notice", ".retrieval"))
    ]
    said = [[why.code for why in each.why if "receipt" in why.code] for each in dates if isinstance(each, Dated)]
    assert len(said) == 2
    return {each for (each,) in said}


def test_a_request_is_no_receipt_and_an_acknowledgement_is() -> None:
    asked = talk("c2", Contacting.REQUEST, "2026-05-20T09:00:00Z")
    assert receipt(record([asked])) == {"date.receipt_assumed"}
    answered = record([asked, talk("c3", Contacting.ACKNOWLEDGEMENT, "2026-05-26T09:00:00Z")])
    assert (receipt(answered), windows(answered)["notice"]) == ({"date.receipt_acknowledged"}, "2026-07-27")
    before = record([asked, talk("c3", Contacting.ACKNOWLEDGEMENT, "2026-05-01T09:00:00Z")])  # of something else
    assert receipt(before) == {"date.receipt_assumed"}


def test_after_the_end_the_life_says_how_long_data_can_be_fetched_and_what_is_only_stored() -> None:
    goal = wish(
        contract=ContractGoal(term=TERM, regimes=("eu-data-act",), calendar=Calendar("Europe/Berlin", "DE")),
        subscription=SubscriptionGoal("cancelled", effective="immediately"),
    )
    said = Destruction(tenant="acme", backups="expire", expiry="2026-12-01", day="2026-05-30", signatory="J")
    asked = talk("c2", Contacting.REQUEST, "2026-03-20T09:00:00Z")
    state = record([asked, Examined(NOW, "ann", said, PAPER)])
    for at, stand in (("2026-06-10T12:00:00Z", "transition"), ("2026-07-10T12:00:00Z", "retrieval")):
        found = plan(goal, tenant(contract("cancelled", access_until="2026-05-31"), at=at), state, laws=laws()).life
        assert found is not None and found.state is not None and found.state.value == stand
        stored = found.beside(Beside.RESTRICTED)
        assert stored is not None and (stored.until, stored.why.code) == ("2026-12-01", "life.restricted.backups")


# Notices

TOLD = NoticeGoal(
    0, "partners", channel="mail", file="p.csv", send=When(None, Period(30, "days"), "before", "freeze"), id="p"
)
PLACE = address(Kind.NOTICE, "p")


def test_a_notice_that_is_not_given_is_a_date_also_after_its_day() -> None:
    goal = wish(notices=(TOLD,), freeze="2026-12-15T18:00:00Z")
    for at in (NOW, "2026-12-01T00:00:00Z"):
        (found,) = [each for each in timeline(goal, State("exit"), at).dates if each.what == "notice"]
        assert (found.at, found.address, found.owner) == ("2026-11-15T18:00:00Z", "notice/p", "ops@example.com")
    given = record(happened(Kind.NOTICE, "p", Verb.NOTIFY, proof=Proof.ACKNOWLEDGED))
    assert "notice" not in {each.what for each in timeline(goal, given, NOW).dates}


def test_a_notice_of_which_every_message_came_back_is_not_given_any_more() -> None:
    sent: list[AnyEvent] = [
        Addressed(NOW, "r", PLACE, "mail", "k", 2),
        Answered(NOW, "r", PLACE, "mail", (Delivery("a", Fate.DELIVERED), Delivery("b", Fate.DELIVERED))),
    ]
    done = [*sent, *happened(Kind.NOTICE, "p", Verb.NOTIFY, proof=Proof.ACKNOWLEDGED, rows=2)]
    half = record(done, [Bounced(NOW, notice=PLACE, to=("a",), sha256="0" * 64, by="ann")])
    whole = record(done, [Bounced(NOW, notice=PLACE, to=("a", "b"), sha256="0" * 64, by="ann")])
    found = [state.latest(PLACE, Verb.NOTIFY) for state in (half, whole)]
    assert [(each.outcome, each.rows) for each in found if each] == [(Outcome.DONE, 1), (Outcome.FAILED, 0)]


def test_the_vendors_backups_are_kept_until_their_last_day_is_over() -> None:
    said = Destruction(tenant="acme", backups="expire", expiry="2026-06-01", day="2026-05-30", signatory="J")
    state = record([Examined(NOW, "ann", said, PAPER)])
    goal = wish(contract=ContractGoal(calendar=Calendar("Europe/Berlin")))
    (found,) = [each for each in timeline(goal, state, NOW).dates if each.what == "backups"]
    assert found.at == "2026-06-01T22:00:00Z"
    assert not [each for each in timeline(goal, state, "2026-06-01T23:00:00Z").dates if each.what == "backups"]


def test_nothing_is_finished_while_somebody_is_still_to_look_back() -> None:
    done = record(happened(Kind.ACCOUNT, "acme", Verb.CLOSE))
    later = Deadline(
        "evaluation", "2026-12-01T00:00:00Z", address(Kind.EVALUATION, "review"), message("date.evaluation")
    )
    recheck = Deadline("recheck", "2026-12-01T00:00:00Z", address(Kind.ARCHIVE, "all"), message("date.recheck"))
    assert [
        standing(done, plan(wish(freeze=None), tenant()), dates).finished for dates in ((), (recheck,), (later,))
    ] == [
        True,
        True,
        False,
    ]


def test_a_smaller_edition_that_was_proved_is_no_end_of_access() -> None:
    goal = wish(subscription=SubscriptionGoal("downgraded", effective="immediately", to="free"), freeze=None)
    asked = confirmed(Kind.SUBSCRIPTION, "contract", Verb.DOWNGRADE, at="2026-05-01T12:00:00Z")
    proved = confirmed(Kind.SUBSCRIPTION, "contract", Verb.PROBE, at="2026-05-02T12:00:00Z", proof=Proof.CERTIFIED)
    found = plan(goal, tenant(), record(asked, proved)).life
    assert found is not None and (found.why.code, found.access_why.code) == ("life.downgraded", "life.access.smaller")


def test_who_is_told_by_a_list_is_told_when_the_vendor_is_out_of_reach_and_its_users_are_not() -> None:
    sealed = "2026-05-20T00:00:00Z"
    users = NoticeGoal(1, "staff", channel="mail", send=TOLD.send, id="s")
    goal = wish(notices=(TOLD, users), freeze="2026-06-20T00:00:00Z")
    seen = survey(TENANT, [], [], NOW)
    told = (Audience("p", "partners", "mail", 2, "p.csv"), Audience("s", "staff", "mail", 0))
    found = plan(goal, seen, sealed=sealed, audiences=told)
    assert [(step.address, step.mode, step.rows) for step in found.steps] == [
        ("notice/p", Mode.AUTO, 2), ("notice/s", Mode.MANUAL, None),
    ]  # fmt: skip
    assert (one(found, Verb.NOTIFY, "s").why.code, found.blocked) == ("why.notice_by_hand", ())
    assert not plan(goal, seen, offline=True, audiences=told).steps
