"""The laws of the settlement's sums and of the evaluation's: exact, apart by currency, whatever the order of entry."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmstate.core import evaluation, settling
from crmstate.core.event import AnyEvent, Claimed, Evidence, Remark, Remarked, Struck
from crmstate.core.fold import fold
from crmstate.core.record import State
from crmstate.core.words import Proof

AT = "2026-06-01T12:00:00Z"
PAPER = Evidence("file", Proof.ATTESTED, AT, sha256="d")
AMOUNTS = st.builds(
    lambda units, tail: f"{units}{tail}",
    st.integers(0, 10**15 - 1),
    st.sampled_from(["", ".5", ".05", ".1234", ".9999"]),
)
CURRENCIES = st.sampled_from(["EUR", "USD", "CNY"])
ENTRY = st.tuples(st.sampled_from(settling.KINDS), AMOUNTS, CURRENCIES, st.integers(0, 6))


def claimed(number: int, kind: str, amount: str, currency: str = "EUR", to: int | None = None) -> Claimed:
    return Claimed(AT, number, kind, amount, currency, "fin", PAPER, to)


def entered(wishes: list[tuple[str, str, str, int]]) -> list[Claimed]:
    """The lines of these wishes that the settlement takes, as the command adds them."""
    taken: list[Claimed] = []
    for kind, amount, currency, to in wishes:
        line = claimed(len(taken) + 1, kind, amount, currency, None if kind in settling.CLAIMS else to)
        if settling.refused(fold("x", taken), line) is None:
            taken.append(line)
    return taken


def of(events: list[AnyEvent]) -> State:
    return fold("x", events)


@settings(max_examples=300, deadline=None)
@given(st.lists(ENTRY, max_size=12))
def test_sums_are_exact_apart_by_currency_and_nothing_is_paid_twice(wishes: list[tuple[str, str, str, int]]) -> None:
    lines = settling.lines(of([*entered(wishes)]))
    sums = settling.balances(lines)
    assert [each.currency for each in sums] == sorted({line.claim.currency for line in lines})
    for each in sums:
        mine = [line for line in lines if line.claim.currency == each.currency]
        assert all(paper.currency == each.currency for line in mine for paper in line.paid)
        sign = {kind: 1 if kind in settling.OWED else -1 for kind in settling.CLAIMS}
        cents = [sign[line.claim.kind] * int(line.open * 10_000) for line in mine]
        assert int(each.net * 10_000) == sum(cents)
        assert min(each.we_owe, each.owed_to_us) >= 0
    assert all(line.open >= 0 for line in lines)
    assert [line for line in settling.left(lines) if not line.open and line.answered] == []


@settings(max_examples=100, deadline=None)
@given(st.lists(ENTRY, max_size=9), st.integers(1, 12))
def test_a_line_that_was_struck_out_is_as_if_it_had_never_been(
    wishes: list[tuple[str, str, str, int]], number: int
) -> None:
    taken = entered(wishes)
    state = of([*taken])
    if settling.unstrikable(state, number) is None:
        without = of([each for each in taken if each.number != number])
        struck = of([*taken, Struck(AT, number, "fin", "x")])
        assert settling.lines(struck) == settling.lines(without)
        assert all(line.open >= 0 for line in settling.lines(struck))


def test_the_order_of_answers_changes_no_sum() -> None:
    claim = claimed(1, "invoice", "10.00")
    answers = [
        claimed(2, "payment", "3.33", to=1),
        claimed(3, "credit", "3.33", to=1),
        claimed(4, "payment", "3.34", to=1),
    ]
    for order in permutations(answers):
        (line,) = settling.lines(of([claim, *order]))
        assert (line.open, line.answered) == (0, True)


@pytest.mark.parametrize(
    ("value", "text"), [("0", "0.00"), ("1.5", "1.50"), ("-2.0001", "-2.0001"), ("1000", "1000.00")]
)
def test_a_sum_is_written_with_as_many_decimals_as_it_has_and_two_at_least(value: str, text: str) -> None:
    assert settling.money(Decimal(value)) == text


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=4))
def test_a_written_sum_is_the_sum(value: Decimal) -> None:
    assert Decimal(settling.money(value)) == value


def test_what_was_agreed_takes_the_place_of_what_was_claimed() -> None:
    events: list[AnyEvent] = [claimed(1, "overcharge", "100"), claimed(2, "agreed", "40", to=1)]
    (line,) = settling.lines(of(events))
    assert (line.due, line.open, line.answered, settling.left([line])) == (40, 40, True, [line])
    events += [claimed(3, "agreed", "0", to=1)]
    (line,) = settling.lines(of(events))
    assert settling.left([line]) == []


def test_an_agreement_is_not_struck_out_where_more_was_paid_than_what_is_left_says() -> None:
    lines = [("invoice", "100"), ("agreed", "40"), ("agreed", "90"), ("payment", "80")]
    events = [claimed(n, kind, sum, to=None if n == 1 else 1) for n, (kind, sum) in enumerate(lines, 1)]
    found = settling.unstrikable(of([*events]), 3)
    assert (found is not None and found.code, settling.unstrikable(of([*events]), 4)) == ("CRM-F009", None)


PARTS = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(evaluation.SIDES),
    AMOUNTS,
    CURRENCIES,
    st.sampled_from(evaluation.PER),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PARTS, max_size=10))
def test_of_a_cost_the_last_entry_counts_and_currencies_stay_apart(parts: list[tuple[str, str, str, str, str]]) -> None:
    known: list[Remarked] = []
    last: dict[tuple[str, str], Remark] = {}
    for name, side, value, unit, per in parts:
        line = Remark("cost", name, side, value, unit, per)
        if evaluation.faulty(line, evaluation.review(known)) is None:
            known.append(Remarked(AT, "cfo", (line,)))
            last[name, side] = line
    found = evaluation.review(known)
    for pair in found.costs:
        units = {each.unit for each in (pair.before, pair.after) if each is not None}
        assert len(units) == 1, "before and after of one cost are in one currency"
    for total in evaluation.totals(found):
        mine = [each for each in last.values() if each.unit == total.currency]
        yearly = {
            side: sum(
                int(Decimal(each.value) * 10_000) * evaluation.A_YEAR[each.per]
                for (_, at), each in last.items()
                if at == side and each in mine and each.per != "once"
            )
            for side in evaluation.SIDES
        }
        assert (int(total.before * 10_000), int(total.after * 10_000)) == (yearly["before"], yearly["after"])
        assert total.saved == total.before - total.after


def test_an_evaluation_says_what_it_lacks_until_it_lacks_nothing() -> None:
    lines = [
        Remark("cost", "licences", "before", "1", "EUR", "year"), Remark("cost", "licences", "after", "1", "EUR", "year"),
        Remark("measure", "nps", "before", "-3"), Remark("measure", "nps", "after", "5"),
        Remark("lesson", text="x"), Remark("verdict", value="yes", text="y"),
    ]  # fmt: skip
    lacking = ["cost/before", "cost/after", "nps/before", "nps/after", "lesson", "verdict"]
    for number in range(len(lines) + 1):
        found = evaluation.review([Remarked(AT, "cfo", tuple(lines[:number]))])
        assert evaluation.missing(found, ("cost", "nps")) == lacking[number:]
    once = [msgspec.structs.replace(each, per="once") if each.kind == "cost" else each for each in lines]
    assert evaluation.missing(evaluation.review([Remarked(AT, "cfo", tuple(once))]), ("cost",)) == lacking[:2]


@pytest.mark.parametrize(
    ("value", "unit", "code"),
    [("1.320", "EUR", "CRM-F037"), ("1.5", "JPY", "CRM-F037"), ("1.320", "KWD", None), ("1.32", "EUR", None)],
)
def test_a_cost_has_no_more_decimals_than_its_currency(value: str, unit: str, code: str | None) -> None:
    found = evaluation.faulty(Remark("cost", "licences", "before", value, unit, "month"), evaluation.review(()))
    assert (found.code if found is not None else None) == code
