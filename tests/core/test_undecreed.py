"""Years whose working days no government has decreed: a period in working days has bounds there, and the one that stands for it
is early enough whatever is decreed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from crmstate.core import workdays
from crmstate.core.around import NoticeGoal
from crmstate.core.audience import Audience
from crmstate.core.contract import Calendar, ContractGoal, Fee, NoticeClause, Period, Price, Term, When
from crmstate.core.deadline import Dated
from crmstate.core.goal import HumanGoal, SubscriptionGoal
from crmstate.core.milestones import milestones
from crmstate.core.plan import Plan
from crmstate.core.planning.timeline import timeline
from crmstate.core.record import State
from crmstate.core.words import Verb
from crmstate.core.workdays import KNOWN_UNTIL, Workdays

from .scenes import NOW, codes, contract, one, plan, tenant, wish

CHINA = Calendar("Asia/Shanghai", "CN")
WORKING = NoticeClause(Period(20, "working_days"), "term_end", form="written", approval_lead=Period(5, "working_days"))
TERM = Term(
    "2026-01-01", Period(24, "months"), end="inclusive", renewal="automatic", renewal_length=Period(12, "months")
)
EARLY, LATEST = "2027-11-15", "2027-12-11"


def chinese(at: str = NOW, clause: NoticeClause = WORKING, **changes: Any) -> Plan:
    goal = ContractGoal(
        term=TERM, notice=clause, price=Price("14400.00", "CNY", "year"), early_termination_fee=Fee("500.00", "CNY"),
        calendar=CHINA,
    )  # fmt: skip
    wanted = SubscriptionGoal("cancelled", effective="end_of_term")
    return plan(wish(contract=goal, subscription=wanted, **changes), tenant(contract(), at=at))


@pytest.mark.parametrize("code", sorted(KNOWN_UNTIL))
def test_what_stands_for_an_unknown_day_would_have_been_right_in_every_year_that_is_known(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, until = Workdays((code,)), KNOWN_UNTIL[code]
    days = [date(until - 3, 1, 3) + timedelta(days=29 * number) for number in range(48)]
    days += [
        date(year, month, day) for year in range(until - 3, until + 1) for month, day in ((1, 9), (5, 12), (10, 9))
    ]
    truth = {(day, n): real.count(day, n, -1) for day in days for n in (1, 10, 40)}
    after = {(day, n): real.count(day, n, 1) for day in days[:36] for n in (1, 10)}
    monkeypatch.setitem(workdays.KNOWN_UNTIL, code, 1990)
    for (day, n), found in truth.items():
        assert real.early(day, n, -1) <= found <= real.latest(day, n), (day, n)
    for (day, n), found in after.items():
        assert real.early(day, n, 1) <= found, (day, n)


def test_what_is_decreed_is_counted_as_decreed() -> None:
    """In hand are weekdays of years that nobody has decreed, and no others."""
    days = Workdays(("CN",))
    assert days.early(date(2027, 1, 1), 10, -1) == days.count(date(2027, 1, 1), 10, -1)
    assert days.early(date(2027, 1, 4), 1, -1) == date(2026, 12, 31)


def test_notice_in_working_days_of_an_unknown_year_is_planned_for_a_day_that_is_early_enough() -> None:
    found = chinese()
    step = one(found, Verb.REQUEST, "contract")
    assert (found.blocked, step.why.code, step.deadline) == ((), "why.notice_counted", f"{EARLY}T16:00:00Z")
    assert [step.why.params[each] for each in ("early", "counted", "ends")] == [EARLY, LATEST, "2027-12-31"]
    assert str(step.why.params["decide"]) < EARLY
    (warning,) = [each for each in found.diagnostics if each.code == "CRM-P116"]
    assert (warning.params["reason"], warning.params["year"]) == ("undated.calendar", "2027")
    (shown,) = [each for each in found.deadlines if each.what == "notice_deadline"]
    assert (shown.at, shown.why.params["sure"]) == (step.deadline, "early_enough")
    assert (
        found.cost is not None
        and {line.what: str(line.sum) for line in found.cost.lines}["early_termination_fee"] == "CNY 0.00"
    )
    assert found.cost.whole


@pytest.mark.parametrize(
    ("at", "code", "deadline", "ends"),
    [
        (f"{EARLY}T12:00:00Z", "CRM-P116", f"{EARLY}T16:00:00Z", "2027-12-31"),
        ("2027-11-16T12:00:00Z", "CRM-P117", f"{LATEST}T16:00:00Z", "2027-12-31"),
        ("2027-12-12T12:00:00Z", "CRM-P110", "2028-11-14T16:00:00Z", "2028-12-31"),
    ],
)
def test_notice_is_missed_only_when_no_decree_could_have_made_it_in_time(
    at: str, code: str, deadline: str, ends: str
) -> None:
    found = chinese(at)
    step = one(found, Verb.REQUEST, "contract")
    assert code in codes(found)
    assert (step.deadline, step.why.params["ends"]) == (deadline, ends)


def test_what_is_due_some_working_days_before_is_due_early_enough() -> None:
    days = Period(10, "working_days")
    told = NoticeGoal(0, "partners", channel="mail", file="p.csv", send=When(None, days, "before", "freeze"), id="p")
    training = HumanGoal("training", "Train", "hr@example.com", due="10 working_days before notice_deadline")
    goal = wish(
        contract=ContractGoal(term=TERM, notice=WORKING, calendar=CHINA), freeze="2027-06-15T10:00:00Z", notices=(told,),
        people=(training,), subscription=SubscriptionGoal("cancelled", effective="end_of_term"),
    )  # fmt: skip
    made = plan(goal, tenant(contract()), audiences=(Audience("p", "partners", "mail", 2, "p.csv"),))
    sent = one(made, Verb.NOTIFY, "p").not_before
    assert sent is not None and "2027-05-01" < sent < "2027-06-01"
    (due,) = [each for each in timeline(goal, State("exit"), NOW).dates if each.what == "due"]
    assert due.at < EARLY
    assert "date.early" in [each.code for each in due.explanation]


def test_a_day_that_is_rolled_into_an_unknown_week_is_dated_early_enough_for_what_comes_before_it() -> None:
    clause = NoticeClause(Period(60, "days"), "term_end")
    goal = wish(contract=ContractGoal(term=TERM, notice=clause, calendar=CHINA))
    found = milestones(goal, State("exit"), NOW)["notice_deadline"]
    assert isinstance(found, Dated)
    assert "2027-10-01" < found.day < "2027-11-01"
