"""Laws of dates: what holds for every contract, not only for the golden ones."""

from __future__ import annotations

import calendar
import os
import subprocess
import sys
from datetime import date, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from crmstate.core.contract import Calendar, ContractGoal, NoticeClause, Period, Price, Term
from crmstate.core.deadline import Dated, Rule, Unknown, count, ends, months
from crmstate.core.notice import Notice, early_enough, notice
from crmstate.core.term import TermAt, current_term
from crmstate.core.workdays import Workdays

DAYS = st.dates(date(2020, 1, 1), date(2026, 6, 30))
UNITS = st.sampled_from(["days", "working_days", "weeks", "months"])
PERIODS = st.builds(Period, st.integers(1, 24), UNITS)
LENGTHS = st.builds(Period, st.integers(1, 36), st.sampled_from(["days", "weeks", "months", "years"]))
REGIONS = st.lists(st.sampled_from(["DE-BY", "US-CA", "GB", "CN", "JP"]), max_size=2)
ZONES = st.sampled_from(["Europe/Berlin", "America/Los_Angeles", "Asia/Shanghai", "Pacific/Kiritimati", "Asia/Kolkata"])
ROLLS = st.sampled_from(["earlier", "none", "later"])
SIDES = st.sampled_from(["inclusive", "exclusive", None])
TERMS = st.builds(
    lambda start, length, end, again: Term(start.isoformat(), length, None, end, "automatic", again),
    st.dates(date(2019, 1, 1), date(2023, 12, 31)),
    LENGTHS,
    SIDES,
    st.none() | LENGTHS,
)
FEW = settings(deadline=None, max_examples=60)
CALENDARS = st.builds(Calendar, ZONES, st.sampled_from(["DE-BY", "US-CA", "CN"]), ZONES, st.none() | st.just("GB"))


@FEW
@given(DAYS, PERIODS, ROLLS, REGIONS, st.booleans())
def test_a_period_counted_backwards_never_moves_later_by_rolling(
    anchor: date, period: Period, roll: str, regions: list[str], counts_start: bool
) -> None:
    found = count(Rule(period, "before", roll, "a law", counts_start=counts_start), anchor, Workdays(regions))
    assert found.day <= found.unrolled <= anchor


@FEW
@given(DAYS, PERIODS, ROLLS, st.booleans(), REGIONS)
def test_a_period_counted_forwards_moves_later_only_by_a_cited_rule(
    anchor: date, period: Period, roll: str, cited: bool, regions: list[str]
) -> None:
    assume(anchor < date(2023, 1, 1))
    found = count(Rule(period, "after", roll, "a law" if cited else ""), anchor, Workdays(regions))
    assert found.day <= found.unrolled or (roll == "later" and cited)
    if roll == "later" and cited:
        assert Workdays(regions).working(found.day)


@FEW
@given(DAYS, st.integers(1, 60), st.integers(1, 60))
def test_one_step_keeps_the_anchors_day_where_the_month_has_it_and_chaining_only_loses_days(
    anchor: date, first: int, second: int
) -> None:
    found = months(anchor, first + second)
    assert found.day == min(anchor.day, calendar.monthrange(found.year, found.month)[1])
    chained = months(months(anchor, first), second)
    assert chained <= found
    assert (chained.year, chained.month) == (found.year, found.month)


@FEW
@given(TERMS, DAYS)
def test_the_current_term_is_the_first_that_has_not_ended(term: Term, day: date) -> None:
    found = current_term(term, day)
    assert isinstance(found, TermAt)
    assert day <= found.end
    for back in (1, 40, 400):
        earlier = current_term(term, day - timedelta(days=back))
        assert isinstance(earlier, TermAt)
        assert earlier.number <= found.number
        assert earlier.number == found.number or earlier.end < day


@FEW
@given(TERMS, DAYS)
def test_a_silent_contract_ends_on_the_earlier_of_both_days(term: Term, day: date) -> None:
    silent = current_term(structs.replace(term, end=None), day)
    both = [current_term(structs.replace(term, end=how), day) for how in ("inclusive", "exclusive")]
    assert isinstance(silent, TermAt)
    same = [each.end for each in both if isinstance(each, TermAt) and each.number == silent.number]
    assert all(silent.end <= end for end in same)


def contract(term: Term, period: Period, roll: str, where: Calendar, approval: int, delivery: int, unit: str) -> ContractGoal:  # fmt: skip
    leads = [Period(number, unit) if number else None for number in (approval, delivery)]
    clause = NoticeClause(period, "term_end", roll=roll, approval_lead=leads[0], delivery_lead=leads[1])
    return ContractGoal(term=term, notice=clause, price=Price("10.00", "EUR", "month"), calendar=where)


@FEW
@given(TERMS, PERIODS, ROLLS, CALENDARS, st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), UNITS, DAYS)
def test_widening_a_lead_never_moves_the_decision_later(
    term: Term,
    period: Period,
    roll: str,
    where: Calendar,
    approval: int,
    delivery: int,
    more: int,
    unit: str,
    day: date,
) -> None:
    now = f"{day.isoformat()}T09:00:00Z"
    made = [
        notice(contract(term, period, roll, where, approval + wide, delivery + wide, unit), now) for wide in (0, more)
    ]
    narrow, wide = (each.current for each in made if isinstance(each, Notice))
    if isinstance(narrow.decide_by, Dated) and isinstance(wide.decide_by, Dated):
        last = early_enough(narrow.deadline, contract(term, period, roll, where, approval, delivery, unit))
        assert last is not None
        assert wide.decide_by.at <= narrow.decide_by.at <= last.at


@FEW
@given(TERMS, PERIODS, ROLLS, CALENDARS, DAYS)
def test_what_notice_reaches_is_still_to_come_and_nothing_earlier_could_be_reached(
    term: Term, period: Period, roll: str, where: Calendar, day: date
) -> None:
    now = f"{day.isoformat()}T09:00:00Z"
    found = notice(contract(term, period, roll, where, 0, 0, "days"), now)
    assert isinstance(found, Notice)
    if isinstance(found.reachable, Unknown) or not isinstance(found.reachable.deadline, Dated):
        return
    assert found.reachable.deadline.at >= now
    assert found.reachable.deadline.day <= found.reachable.term.ends
    assert found.missed == (found.reachable.term.number > found.current.term.number)
    if found.missed:
        assert isinstance(found.current.deadline, Dated)
        assert found.current.deadline.at < now


@FEW
@given(st.dates(date(1970, 1, 2), date(2100, 1, 1)), ZONES)
def test_a_day_ends_where_the_next_one_begins(day: date, zone: str) -> None:
    assert ends(day - timedelta(days=1), zone) < ends(day, zone, "12:00") < ends(day, zone)


SAYS = """
from crmstate.core.contract import *
from crmstate.core.notice import early_enough, notice
from crmstate.views.catalogue import Catalogue
goal = ContractGoal(Term("2026-01-01", Period(12, "months"), None, None, "automatic"),
    NoticeClause(Period(2, "months"), "term_end", approval_lead=Period(5, "working_days"), cut_off="17:00"),
    calendar=Calendar("Europe/Berlin", "DE-BY", "America/Los_Angeles", "US-CA"))
found = notice(goal, "2026-10-01T00:00:00Z").current
words = Catalogue("en")
for each in (found.deadline, found.decide_by):
    print(each.at, each.starts, "; ".join(words.text(part) for part in each.why))
"""


def test_no_zone_and_no_locale_of_the_machine_changes_a_date() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", SAYS],
            env={**os.environ, "TZ": zone, "LC_ALL": locale, "LANG": locale},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for zone, locale in (
            ("UTC", "C"),
            ("Pacific/Kiritimati", "de_DE.UTF-8"),
            ("America/Los_Angeles", "zh_CN.UTF-8"),
        )
    }
    assert len(said) == 1
    assert "Sat 31 Oct 2026; counted backwards, so rolled earlier to Fri 30 Oct 2026" in said.pop()
