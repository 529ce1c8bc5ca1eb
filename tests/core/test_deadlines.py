"""Deadlines: the golden cases, and the ten rules of counting."""

from __future__ import annotations

from datetime import date

import pytest

from crmstate.core.contract import Calendar, ContractGoal, NoticeClause, Period, Price, Term, When
from crmstate.core.deadline import Dated, Rule, Unknown, count, ends, follow, months, shift
from crmstate.core.milestones import resolve
from crmstate.core.notice import Notice, notice
from crmstate.core.term import TermAt, current_term
from crmstate.core.workdays import KNOWN_UNTIL, Unpublished, Workdays
from crmstate.views.catalogue import Catalogue

NOBODY, GERMANY, BAVARIA, CHINA = Workdays(), Workdays(["DE"]), Workdays(["DE-BY"]), Workdays(["CN"])
YEAR = Period(12, "months")
BCAPPS = Term("2026-01-01", YEAR, None, "inclusive", "automatic")
GLPI = Term("2018-09-27", Period(36, "months"), None, "exclusive", "none")
STATED = Term(None, None, "2025-08-28", None, "automatic", YEAR)
EU = "Reg. 1182/71 Art. 3(4)"
ALL_OF_EUROPE = Workdays(["DE"])


def day(text: str) -> date:
    return date.fromisoformat(text)


def ends_of(term: Term, as_of: str) -> str:
    found = current_term(term, day(as_of))
    assert isinstance(found, TermAt)
    return found.ends


def before(anchor: str, number: int, unit: str, roll: str = "none", days: Workdays = GERMANY, **more: bool) -> str:
    return count(Rule(Period(number, unit), "before", roll, **more), day(anchor), days).day.isoformat()


def after(anchor: str, number: int, unit: str, days: Workdays = GERMANY, cited: str = "") -> str:
    roll = "later" if cited else "none"
    return count(Rule(Period(number, unit), "after", roll, cited), day(anchor), days).day.isoformat()


def contract(term: Term = BCAPPS, period: Period = Period(60, "days"), **more: object) -> ContractGoal:
    leads = {"approval_lead", "delivery_lead", "cut_off", "roll", "before"}
    clause = {key: more.pop(key) for key in set(more) & leads}
    calendar = more.pop("calendar", Calendar("Europe/Berlin", "DE-BY"))
    return ContractGoal(
        term=term,
        notice=NoticeClause(period, **{"before": "term_end", **clause}),  # type: ignore[arg-type]
        calendar=calendar,  # type: ignore[arg-type]
        **more,  # type: ignore[arg-type]
    )


def asked(goal: ContractGoal, now: str) -> Notice:
    found = notice(goal, now)
    assert isinstance(found, Notice)
    return found


def test_sixty_days_before_the_end_of_the_year() -> None:
    assert ends_of(BCAPPS, "2026-03-01") == "2026-12-31"
    assert before("2026-12-31", 60, "days") == "2026-11-01"
    assert before("2026-12-31", 60, "days", "earlier") == "2026-10-30"
    assert before("2026-12-31", 2, "months") == "2026-10-31"


def test_three_months_before_an_anniversary_and_a_warning_before_that() -> None:
    assert ends_of(GLPI, "2020-01-01") == "2021-09-27"
    assert before("2021-09-27", 3, "months") == "2021-06-27"
    assert before("2021-06-27", 21, "days") == "2021-06-06"


def test_a_tacit_renewal_is_found_before_anything_is_counted() -> None:
    assert ends_of(STATED, "2026-02-11") == "2026-08-28"
    assert before("2026-08-28", 2, "months") == "2026-06-28"
    assert before("2026-08-28", 2, "months", "earlier") == "2026-06-26"


@pytest.mark.parametrize(("end", "expected"), [("exclusive", "2023-08-01"), ("inclusive", "2023-07-31"), (None, "2023-07-31")])  # fmt: skip
def test_the_last_day_is_the_anniversary_or_the_day_before(end: str | None, expected: str) -> None:
    assert ends_of(Term("2020-08-01", Period(36, "months"), None, end, "none"), "2021-01-01") == expected


def test_a_silent_contract_ends_on_the_earlier_day_and_says_so() -> None:
    said = {how: current_term(Term("2020-08-01", YEAR, None, how, "none"), day("2020-09-01")) for how in ("inclusive", None)}  # fmt: skip
    codes = {how: [each.code for each in found.why] for how, found in said.items()}
    assert codes == {"inclusive": ["date.term_ends"], None: ["date.term_ends", "date.end_silent"]}


def test_the_chain_of_the_data_act_is_counted_from_days_that_were_not_rolled() -> None:
    request = day("2026-12-31")
    assert after("2026-12-31", 2, "months") == "2027-02-28"
    notice_over = follow(Rule(Period(2, "months"), "after", "later", EU), request, ALL_OF_EUROPE, zone="Europe/Berlin")
    assert isinstance(notice_over, Dated)
    assert (notice_over.day, notice_over.counted) == ("2027-03-01", "2027-02-28")
    assert after(notice_over.unrolled.isoformat(), 30, "days") == "2027-03-30"
    assert after("2027-03-30", 30, "days") == "2027-04-29"


def test_one_month_of_the_gdpr_is_clamped_and_rolls_later_by_its_rule() -> None:
    assert after("2027-01-31", 1, "months") == "2027-02-28"
    assert after("2027-01-31", 1, "months", cited=EU) == "2027-03-01"


def test_a_chinese_period_ends_after_the_national_holiday() -> None:
    assert after("2026-09-01", 30, "days", CHINA) == "2026-10-01"
    assert after("2026-09-01", 30, "days", CHINA, "Civil Code 203") == "2026-10-08"


def test_two_months_before_the_end_of_february() -> None:
    assert before("2027-02-28", 2, "months") == "2026-12-28"
    assert before("2027-02-28", 2, "months", month_end=True) == "2026-12-31"


def test_fourteen_working_days_differ_by_a_public_holiday() -> None:
    assert after("2026-12-18", 14, "working_days", GERMANY) == "2027-01-11"
    assert after("2026-12-18", 14, "working_days", BAVARIA) == "2027-01-12"


def test_a_day_ends_in_the_zone_in_which_it_counts() -> None:
    assert ends(day("2026-11-01"), "America/Los_Angeles") == "2026-11-02T08:00:00Z"
    assert ends(day("2026-10-30"), "Europe/Berlin", "17:00") == "2026-10-30T16:00:00Z"


def test_months_are_counted_in_one_step_from_the_anchor() -> None:
    start = day("2026-01-31")
    assert months(start, 2) == day("2026-03-31")
    assert months(months(start, 1), 1) == day("2026-03-28")
    monthly = Term("2026-01-31", Period(1, "months"), None, "exclusive", "automatic")
    assert [ends_of(monthly, each) for each in ("2026-02-20", "2026-03-01")] == ["2026-02-28", "2026-03-31"]


def test_a_renewed_half_year_ends_with_the_month_again() -> None:
    half = Term(None, None, "2026-06-30", "inclusive", "automatic", Period(6, "months"))
    assert ends_of(half, "2026-07-01") == "2026-12-31"
    assert ends_of(Term(None, None, "2026-06-30", None, "automatic", Period(6, "months")), "2026-07-01") == "2026-12-30"


def test_the_start_day_counts_where_a_rule_says_so() -> None:
    rule = Rule(Period(30, "days"), "after", counts_start=True)
    assert count(rule, day("2026-09-01"), NOBODY).day == day("2026-09-30")
    assert count(Rule(Period(2, "working_days"), "after", counts_start=True), day("2026-09-04"), NOBODY).day == day("2026-09-07")  # fmt: skip


def test_nothing_rolls_later_without_a_citation_and_never_backwards() -> None:
    sunday = day("2027-02-28")
    assert count(Rule(Period(1, "months"), "after", "later"), day("2027-01-31"), GERMANY).day == sunday
    assert count(Rule(Period(1, "months"), "before", "later", EU), day("2027-03-28"), GERMANY).day == sunday


def test_two_calendars_count_at_once() -> None:
    both = Workdays(["DE-BY", "US-CA"])
    assert [Workdays([each]).working(day("2026-11-26")) for each in ("DE-BY", "US-CA")] == [True, False]
    assert not both.working(day("2026-11-26"))
    assert not both.working(day("2027-01-06"))


def test_a_year_of_which_the_working_weekends_are_not_known_is_not_computed() -> None:
    with pytest.raises(Unpublished):
        CHINA.working(day("2027-10-09"))
    assert KNOWN_UNTIL["CN"] == 2026
    term = Term("2027-01-01", YEAR, None, "inclusive", "none")
    found = asked(contract(term, calendar=Calendar("Asia/Shanghai", "CN")), "2027-02-01T00:00:00Z")
    assert isinstance(found.current.deadline, Unknown)
    said = Catalogue("en", strict=True)
    assert said.text(found.current.deadline.why[-1]) == (
        "the working days of 2027 in CN are not published as far as is known here (known until 2026)"
    )


def test_the_library_knows_no_more_years_than_are_listed_here() -> None:
    import holidays

    last = max(holidays.country_holidays("CN").special_public_holidays)  # type: ignore[attr-defined]
    assert last == KNOWN_UNTIL["CN"]


def test_the_explanation_reads_like_a_sentence() -> None:
    goal = contract(cut_off="17:00", calendar=Calendar("Europe/Berlin", "DE-BY", "Europe/Berlin"))
    found = asked(goal, "2026-03-01T09:00:00Z").current.deadline
    assert isinstance(found, Dated)
    english, chinese = (Catalogue(lang, strict=True) for lang in ("en", "zh-CN"))
    assert english.text_of("join.then").join(english.text(each) for each in found.why) == (
        "the term ends Thu 31 Dec 2026; 60 days before is Sun 1 Nov 2026; "
        "counted backwards, so rolled earlier to Fri 30 Oct 2026; until 17:00, Europe/Berlin"
    )
    assert chinese.text_of("join.then").join(chinese.text(each) for each in found.why) == (
        "合同期于 2026 年 12 月 31 日（周四）届满；往前 60 天是 2026 年 11 月 1 日（周日）；"
        "因为是倒推，所以提前到 2026 年 10 月 30 日（周五）；截至 17:00（Europe/Berlin）"
    )
    assert found.at == "2026-10-30T16:00:00Z"


def test_deciding_comes_before_delivering() -> None:
    goal = contract(approval_lead=Period(5, "working_days"), delivery_lead=Period(3, "working_days"))
    found = asked(goal, "2026-03-01T09:00:00Z").current
    assert isinstance(found.deadline, Dated)
    assert isinstance(found.decide_by, Dated)
    assert (found.deadline.day, found.decide_by.day) == ("2026-10-30", "2026-10-20")


def test_the_vendors_zone_decides_the_last_hour() -> None:
    goal = contract(roll="none", calendar=Calendar("Europe/Berlin", "DE-BY", "America/Los_Angeles"))
    found = asked(goal, "2026-11-02T07:59:59Z")
    assert isinstance(found.current.deadline, Dated)
    assert (found.current.deadline.at, found.missed) == ("2026-11-02T08:00:00Z", False)
    assert asked(goal, "2026-11-02T08:00:01Z").missed


def test_a_missed_notice_names_the_next_term_and_what_it_costs() -> None:
    goal = contract(price=Price("14400.00", "USD", "year"))
    found = asked(goal, "2026-11-15T00:00:00Z")
    assert found.missed
    assert not isinstance(found.reachable, Unknown)
    assert isinstance(found.reachable.deadline, Dated)
    assert (found.reachable.term.ends, found.reachable.deadline.day) == ("2027-12-31", "2027-10-29")
    assert (str(found.cost), str(found.costs_to_miss)) == ("14400.00 USD", "14400.00 USD")


def test_a_notice_longer_than_a_renewal_reaches_the_first_term_that_it_can() -> None:
    monthly = Term("2026-01-01", YEAR, None, "inclusive", "automatic", Period(1, "months"))
    found = asked(contract(monthly, Period(3, "months"), price=Price("100.00", "EUR", "month")), "2026-11-15T00:00:00Z")
    assert not isinstance(found.reachable, Unknown)
    assert (found.reachable.term.ends, str(found.cost)) == ("2027-02-28", "200.00 EUR")


def test_a_term_that_nobody_wrote_gives_no_date() -> None:
    found = notice(contract(Term()), "2026-11-15T00:00:00Z")
    assert isinstance(found, Unknown)
    assert found.why[0].code == "undated.no_term"


@pytest.mark.parametrize(
    ("term", "code"),
    [
        (Term("2020-01-01", YEAR), "undated.renewal"),
        (Term(None, None, "2020-12-31", None, "automatic"), "undated.renewal_length"),
        (Term("2020-01-01", Period(9999, "years"), None, "inclusive", "none"), "undated.beyond"),
        (Term("2020-01-01", Period(9, "working_days"), None, "inclusive", "none"), "undated.term_unit"),
    ],
)
def test_what_cannot_be_known_of_a_term_is_said(term: Term, code: str) -> None:
    found = current_term(term, day("2026-01-01"))
    assert isinstance(found, Unknown)
    assert found.why[-1].code == code


def test_notice_before_the_end_of_a_paid_period() -> None:
    goal = contract(
        period=Period(1, "months"), before="period_end", roll="none", price=Price("300.00", "EUR", "quarter")
    )
    found = asked(goal, "2026-02-10T00:00:00Z")
    assert isinstance(found.current.deadline, Dated)
    assert (found.current.term.ends, found.current.deadline.day) == ("2026-03-31", "2026-02-28")


def test_a_period_before_a_moment_keeps_its_time_of_day() -> None:
    freeze = Dated("2026-12-15", "2026-12-15T17:00:00Z", "2026-12-14T23:00:00Z", (), "Europe/Berlin", None, "18:00")
    found = resolve(When(None, Period(30, "days"), "before", "freeze"), {"freeze": freeze}, Calendar("Europe/Berlin"))
    assert isinstance(found, Dated)
    assert (found.day, found.at) == ("2026-11-15", "2026-11-15T17:00:00Z")
    summer = resolve(When(None, Period(3, "months"), "before", "freeze"), {"freeze": freeze}, Calendar("Europe/Berlin"))
    assert isinstance(summer, Dated)
    assert summer.at == "2026-09-15T16:00:00Z"


def test_what_depends_on_an_unknown_date_is_unknown() -> None:
    found = resolve(When(None, Period(30, "days"), "after", "closed"), {"closed": Unknown(())}, Calendar())
    assert isinstance(found, Unknown)
    assert found.why[0].code == "undated.from_point"
    assert shift(day("2026-01-01"), Period(1, "weeks"), 1, NOBODY) == day("2026-01-08")


def test_the_last_day_of_notice_is_one_on_which_the_vendor_works_as_well() -> None:
    term = Term(None, None, "2027-01-25", "inclusive", "automatic", YEAR)
    alone, both = Calendar("Europe/Berlin", "DE-BY"), Calendar("Europe/Berlin", "DE-BY", None, "US-CA")
    found = [asked(contract(term, calendar=each), "2026-03-01T00:00:00Z").current.deadline for each in (alone, both)]
    assert [each.day for each in found if isinstance(each, Dated)] == ["2026-11-26", "2026-11-25"]


def test_nobody_decides_after_the_last_moment_whatever_the_zones() -> None:
    far = Calendar("America/Los_Angeles", "US-CA", "Pacific/Kiritimati")
    found = asked(
        contract(calendar=far, cut_off="00:30", approval_lead=Period(1, "days")), "2026-03-01T00:00:00Z"
    ).current
    assert isinstance(found.deadline, Dated)
    assert isinstance(found.decide_by, Dated)
    assert (found.deadline.at, found.decide_by.at) == ("2026-10-29T10:30:00Z", "2026-10-29T10:30:00Z")
