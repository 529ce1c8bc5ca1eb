"""What an end costs and saves: golden sums, and the laws that hold for every contract."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmstate.core.contract import ContractGoal, Fee, NoticeClause, Period, Price, Term
from crmstate.core.cost import Cost, charges, yearly
from crmstate.core.event import Claimed, Evidence
from crmstate.core.goal import SubscriptionGoal
from crmstate.core.money import Money, added, digits, exact, money
from crmstate.core.words import Kind, Proof, Verb

from .scenes import contract as row
from .scenes import happened, plan, record, tenant, wish
from .strategies import LAW

YEAR = Period(12, "months")
TERM = Term("2026-02-01", YEAR, end="inclusive", renewal="automatic", renewal_length=YEAR)
PRICE = Price("14400.00", "USD", "year")
TODAY = "2026-11-01T08:00:00Z"
AT_TERM, NOW = (
    SubscriptionGoal("cancelled", effective="end_of_term"),
    SubscriptionGoal("cancelled", effective="immediately"),
)


def costs(goal: SubscriptionGoal | None, written: ContractGoal | None, at: str = TODAY, **facts: Any) -> Cost:
    """The cost section of a plan of this contract, with a vendor that shows `facts`."""
    found = plan(wish(subscription=goal, contract=written), tenant(row(**facts), at=at)).cost
    assert found is not None
    return found


def sums(found: Cost) -> dict[str, str | None]:
    return {line.what: str(line.sum) if line.sum is not None else None for line in found.lines}


def how(found: Cost, what: str) -> str:
    return next(line.how.code for line in found.lines if line.what == what)


def written(term: Term | None = TERM, price: Price | None = PRICE, **more: Any) -> ContractGoal:
    return ContractGoal(term=term, price=price, **more)


def on(day: str, status: str = "cancelled", to: str | None = None) -> SubscriptionGoal:
    return SubscriptionGoal(status, effective=day, to=to)


def test_an_end_at_the_term_costs_its_rest_and_no_fee_and_saves_a_years_price() -> None:
    found = costs(AT_TERM, written(early_termination_fee=Fee("1500", "USD")))
    assert sums(found) == {
        "early_termination_fee": "USD 0.00",
        "remaining_charges": "USD 3,629.59",  # 92 of 365 days
        "missed_notice": "USD 14,400.00",
        "saving": "USD 14,400.00",
    }
    assert (found.due, found.whole) == ((Money("3629.59", "USD"),), True)


def test_an_end_before_the_term_costs_the_fee_and_leaves_what_may_be_claimed() -> None:
    found = costs(on("2026-12-31"), written(early_termination_fee=Fee("1500", "USD")))
    assert sums(found) == {
        "early_termination_fee": "USD 1,500.00",
        "remaining_charges": "USD 2,406.58",  # 61 of 365 days
        "refund": None,
        "missed_notice": "USD 14,400.00",
        "saving": "USD 14,400.00",
    }
    assert found.due == (Money("3906.58", "USD"),)
    refund = next(line.how for line in found.lines if line.what == "refund")
    assert (refund.code, refund.params["n"], refund.params["sum"]) == ("cost.refund", 31, "USD 1,223.01")


def test_a_fee_that_nobody_wrote_is_unknown_and_makes_the_total_a_least() -> None:
    found = costs(on("2026-12-31"), written())
    assert (sums(found)["early_termination_fee"], how(found, "early_termination_fee")) == (
        None,
        "cost.fee.unwritten_most",
    )
    assert (found.due, found.whole) == ((Money("2406.58", "USD"),), False)


@pytest.mark.parametrize(
    ("goal", "term", "code"),
    [
        (on("2026-12-31"), None, "cost.fee.perhaps"),
        (on("2026-12-31", "downgraded", "basic"), TERM, "cost.fee.downgrade"),
    ],
)
def test_whether_a_fee_is_due_is_not_guessed(goal: SubscriptionGoal, term: Term | None, code: str) -> None:
    found = costs(goal, written(term, early_termination_fee=Fee("1500", "USD")))
    assert (sums(found)["early_termination_fee"], how(found, "early_termination_fee"), found.whole) == (
        None,
        code,
        False,
    )


def test_a_fee_of_nought_is_none_whatever_the_days() -> None:
    assert sums(costs(on("2026-12-31"), written(None, early_termination_fee=Fee("0", "USD"))))[
        "early_termination_fee"
    ] == ("USD 0.00")


def test_without_a_price_every_sum_is_unknown_and_says_so() -> None:
    found = costs(AT_TERM, written(price=None))
    assert sums(found) == {"remaining_charges": None, "missed_notice": None, "saving": None}
    assert {line.how.code for line in found.lines} == {"cost.no_price"}
    assert (found.due, found.whole, found.source) == ((), False, "")


def test_the_price_that_the_vendor_shows_stands_in_where_none_is_written() -> None:
    found = costs(AT_TERM, written(price=None), amount="1200.00", currency="EUR", per="month")
    assert (sums(found)["saving"], found.source) == ("EUR 14,400.00", "vendor")
    assert costs(AT_TERM, written(), amount="1.00", currency="EUR", per="month").source == "contract"
    assert costs(AT_TERM, written(price=None), amount="n/a", currency="EUR", per="month").source == ""


def test_two_currencies_are_never_added() -> None:
    """The manifest refuses two of its own; the vendor's may still be another than the fee's."""
    found = costs(
        on("2026-12-31"), written(price=None, early_termination_fee=Fee("1500", "EUR")), amount="14400", currency="USD", per="year",
    )  # fmt: skip
    assert found.due == (Money("1500.00", "EUR"), Money("2406.58", "USD"))


def test_a_missed_notice_is_another_term_and_one_that_was_missed_is_bound_already() -> None:
    notice = NoticeClause(Period(60, "days"), "term_end", roll="none")
    found = costs(AT_TERM, written(notice=notice), at="2026-12-20T08:00:00Z")
    # the notice for 31 Jan 2027 was due on 2 Dec 2026
    assert sums(found)["bound_again"] == "USD 14,400.00"
    assert sums(found)["missed_notice"] == "USD 14,400.00"
    assert sums(found)["remaining_charges"] == "USD 16,096.44"  # 43 days of the first, and all of the second


@pytest.mark.parametrize(
    ("term", "price", "expected"),
    [
        (TERM, Price("1200", "USD", "month"), "USD 14,400.00"),
        (TERM, Price("3600", "USD", "quarter"), "USD 14,400.00"),
        (TERM, Price("14400", "USD", "term"), "USD 14,400.00"),
        (Term("2026-02-01", YEAR, end="inclusive", renewal="automatic", renewal_length=Period(6, "months")), PRICE, "USD 7,200.00"),
        (Term("2026-02-01", YEAR, end="inclusive", renewal="automatic", renewal_length=Period(73, "days")), PRICE, None),
        (Term("2026-02-01", YEAR, end="inclusive", renewal="automatic", renewal_length=Period(6, "months")), Price("14400", "USD", "term"), None),
        (Term("2026-02-01", YEAR, end="inclusive"), PRICE, None),
    ],
)  # fmt: skip
def test_what_another_term_costs(term: Term, price: Price, expected: str | None) -> None:
    found = sums(costs(AT_TERM, written(term, price)))["missed_notice"]
    if term.renewal_length == Period(73, "days"):
        assert found == "USD 2,880.00"  # a fifth of a year, by its days
    else:
        assert found == expected


def test_a_notice_that_is_given_cannot_be_missed_unless_it_is_taken_back() -> None:
    asked = record(happened(Kind.SUBSCRIPTION, "sub", Verb.CANCEL, at="2026-10-01T09:00:00Z"))
    for goal, missable in ((AT_TERM, False), (SubscriptionGoal("active"), True)):
        found = plan(wish(subscription=goal, contract=written()), tenant(row(), at=TODAY), asked).cost
        assert found is not None and ("missed_notice" in sums(found)) is missable


@pytest.mark.parametrize(
    "goal", [on("9999-12-31"), SubscriptionGoal("paused", starts="2026-11-10", until="9999-12-31")]
)
@pytest.mark.parametrize("term", [None, TERM, Term(ends_on="9999-12-31", renewal="automatic", renewal_length=YEAR)])
def test_the_last_day_of_all_calendars_is_a_day_like_another(goal: SubscriptionGoal, term: Term | None) -> None:
    assert costs(goal, written(term)).lines


@pytest.mark.parametrize("odd", ["soon", "2027-02-30", "", "2027"])
def test_a_day_that_the_vendor_shows_and_that_is_none_is_unknown(odd: str) -> None:
    found = costs(AT_TERM, written(None), pending="cancel", effective=odd, term_end=odd)
    assert sums(found)["remaining_charges"] is None


def test_what_is_claimed_back_stands_in_the_place_of_what_could_be() -> None:
    """Two currencies stay apart, what was agreed counts, and what was paid is no longer open."""
    paper = Evidence("file", Proof.ATTESTED, TODAY)

    def claim(number: int, kind: str, amount: str, currency: str = "USD", answers: int | None = None) -> Claimed:
        return Claimed(TODAY, number, kind, amount, currency, "it@example.com", paper, answers)

    state = record(
        [claim(1, "refund", "1223.01"), claim(2, "overcharge", "50.00", "EUR"), claim(3, "invoice", "99.00"),
         claim(4, "agreed", "1000.00", answers=1), claim(5, "payment", "400.00", answers=1)]
    )  # fmt: skip
    found = plan(wish(subscription=on("2026-12-31"), contract=written()), tenant(row(), at=TODAY), state).cost
    assert found is not None
    mine = [(str(line.sum), line.how.params["open"]) for line in found.lines if line.what.startswith("refund")]
    assert mine == [("EUR 50.00", "EUR 50.00"), ("USD 1,000.00", "USD 600.00")]


def test_a_contract_that_ends_by_itself_has_no_notice_to_miss() -> None:
    ends = Term("2026-02-01", YEAR, end="inclusive", renewal="none")
    assert "missed_notice" not in sums(costs(AT_TERM, written(ends)))


def test_a_pause_and_going_on_have_lines_of_their_own() -> None:
    paused = SubscriptionGoal("paused", starts="2026-11-10", until="2026-12-10")
    found = costs(paused, written())
    assert (sums(found)["pause"], how(found, "pause")) == (None, "cost.pause")
    assert sums(costs(SubscriptionGoal("active"), written()))["going_on"] == "USD 14,400.00"


def test_what_a_pause_costs_is_not_guessed_where_the_end_comes_after_it() -> None:
    found = plan(wish(subscription=AT_TERM, contract=written()), tenant(row("paused"), at=TODAY)).cost
    assert found is not None
    assert (sums(found)["remaining_charges"], how(found, "remaining_charges"), found.whole) == (
        None,
        "cost.remaining.paused",
        False,
    )


def test_what_a_smaller_edition_costs_is_not_guessed() -> None:
    assert sums(costs(on("2027-01-31", "downgraded", "basic"), written()))["saving"] is None
    assert sums(costs(on("2027-01-31", "downgraded", "free"), written()))["saving"] == "USD 14,400.00"


def test_no_goal_and_no_contract_have_no_cost() -> None:
    assert plan(wish(), tenant(row())).cost is None


@pytest.mark.parametrize(
    ("sum", "currency", "shown"),
    [
        (Fraction(5, 1000), "EUR", "0.01"),
        (Fraction(14999, 10000), "USD", "1.50"),
        (Fraction(1, 2), "JPY", "1"),
        (Fraction(1, 3), "KWD", "0.333"),
        (Fraction(10**30), "CNY", "1" + "0" * 30 + ".00"),
    ],
)
def test_a_sum_is_rounded_once_half_up_to_its_currencys_smallest_unit(sum: Fraction, currency: str, shown: str) -> None:
    assert money(sum, currency).amount == shown


@pytest.mark.parametrize("text", ["n/a", "", None, "-1", "NaN", "Infinity", "1,5"])
def test_what_is_no_amount_is_none(text: str | None) -> None:
    assert exact(text) is None


DAYS = st.dates(date(2026, 2, 1), date(2032, 1, 31))
PRICES = st.builds(
    Price,
    st.decimals(0, 10**9, places=2).map(str),
    st.sampled_from(["USD", "JPY", "KWD"]),
    st.sampled_from(["month", "quarter", "year", "term"]),
)
TERMS = st.builds(
    Term,
    start=st.dates(date(2024, 1, 1), date(2026, 2, 1)).map(str),
    length=st.sampled_from([YEAR, Period(1, "years"), Period(3, "months"), Period(90, "days"), Period(52, "weeks")]),
    end=st.sampled_from(["inclusive", "exclusive", None]),
    renewal=st.just("automatic"),
)


@LAW
@given(TERMS, PRICES, st.tuples(DAYS, DAYS, DAYS).map(sorted))
def test_charges_of_adjoining_days_add_up_exactly(term: Term, price: Price, days: list[date]) -> None:
    """So no day is charged twice, and none is lost, whatever the periods are."""
    first, middle, last = days
    agreed = written(term, price)
    one, other = charges(agreed, price, first, middle), charges(agreed, price, middle + timedelta(days=1), last)
    assert one is not None and other is not None
    assert one + other == charges(agreed, price, first, last)


@LAW
@given(TERMS, PRICES, st.tuples(DAYS, DAYS).map(sorted))
def test_more_days_never_cost_less(term: Term, price: Price, days: list[date]) -> None:
    agreed = written(term, price)
    shorter, longer = (
        charges(agreed, price, days[0], days[1]),
        charges(agreed, price, days[0], days[1] + timedelta(days=1)),
    )
    assert shorter is not None and longer is not None
    assert 0 <= shorter <= longer


@LAW
@given(
    st.lists(st.builds(Money, st.decimals(0, 10**6, places=2).map(str), st.sampled_from(["EUR", "USD"])), max_size=8)
)
def test_a_total_is_the_sum_of_what_is_shown(shown: list[Money]) -> None:
    totals = {each.currency: each.value for each in added(shown)}
    assert totals == {
        name: sum((each.value for each in shown if each.currency == name), Decimal(0))
        for name in {each.currency for each in shown}
    }


def test_a_term_of_any_length_has_a_price_a_year() -> None:
    price = Price("365", "USD", "term")
    assert yearly(price, Term(length=Period(6, "months"))) == 730
    assert yearly(price, Term(length=Period(73, "days"))) == 1825
    assert yearly(price, Term(ends_on="2027-01-31")) is None
    assert (digits("JPY"), digits("EUR"), digits("KWD")) == (0, 2, 3)


def test_the_fee_is_due_where_the_end_comes_before_the_term_that_binds_and_not_only_the_running_one() -> None:
    """A missed notice binds for another term: a day in the middle of that one is an early end."""
    term = Term("2024-01-01", Period(36, "months"), end="inclusive", renewal="automatic", renewal_length=YEAR)
    clause = NoticeClause(Period(3, "months"), "term_end")
    found = costs(on("2027-06-30"), written(term, notice=clause, early_termination_fee=Fee("2000", "USD")))
    assert sums(found)["early_termination_fee"] == "USD 2,000.00"


def test_a_claim_of_another_kind_does_not_take_the_place_of_the_refund() -> None:
    paper = Evidence("file", Proof.ATTESTED, TODAY)
    state = record([Claimed(TODAY, 1, "overcharge", "5.00", "USD", "it@example.com", paper, None)])
    found = plan(wish(subscription=on("2026-12-31"), contract=written()), tenant(row(), at=TODAY), state).cost
    assert found is not None
    kinds = [(line.how.code, str(line.sum)) for line in found.lines if line.what.startswith("refund")]
    assert ("USD 5.00" in [each[1] for each in kinds], "cost.refund" in [each[0] for each in kinds]) == (True, True), (
        kinds
    )
