"""Cost: what an end costs, what missing its notice costs, and what it saves: each sum with how it was computed.

Every sum comes from the contract as somebody wrote it down, or, where nobody did, from the price that the vendor shows.
What follows from neither is unknown, and an unknown sum makes a total say "at least". Charges are counted by days: a whole
period of the price costs the whole price, a broken one its share of that period's days. Sums are exact until they are shown
(`core/money.py` rounds). No tax, discount or usage is in them but what the price has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction

import msgspec

from crmstate.core.contract import ContractGoal, Price, Term
from crmstate.core.course import Course
from crmstate.core.deadline import Unknown
from crmstate.core.diagnostic import Span
from crmstate.core.goal import SubscriptionGoal
from crmstate.core.message import Message, message
from crmstate.core.money import Money, added, exact, money
from crmstate.core.settling import DUE
from crmstate.core.settling import Line as Claim
from crmstate.core.survey import SubscriptionFacts
from crmstate.core.term import TermAt, billing, current_term, starts

PAYABLE = frozenset({"early_termination_fee", "remaining_charges"})
"""What is still to be paid for an end; the rest is a comparison."""
_A_YEAR = {"month": 12, "quarter": 4, "year": 1}
_MONTHS = {"months": 1, "years": 12}
_DAYS = {"days": 1, "weeks": 7}
_YEAR = 365


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sum. `what`: early_termination_fee, remaining_charges, refund, refund_claimed, missed_notice,
    bound_again, saving, pause or going_on; `sum` None
    where it is not known; `per`: year, of what comes again every year. `how`: how it was computed, or why it is unknown."""

    what: str
    sum: Money | None
    how: Message
    per: str | None = None
    span: Span | None = None


class Cost(msgspec.Struct, frozen=True):
    """The lines; `due`: what of them is still to be paid until the end, by currency; `whole` false where one of those is
    unknown, so that it is at least that much. `price`: what was computed with, and `source`: contract or vendor."""

    lines: tuple[Line, ...]
    due: tuple[Money, ...] = ()
    whole: bool = True
    price: Price | None = None
    source: str = ""


def cost(
    contract: ContractGoal | None,
    goal: SubscriptionGoal | None,
    seen: SubscriptionFacts | None,
    days: Course,
    *,
    paused: bool = False,
    rested: bool = False,
    claims: Sequence[Claim] = (),
) -> Cost | None:
    """What the end that a manifest wants costs and saves; None where nothing is wanted and no contract is written.
    `paused`: it rests now, and what that costs nobody wrote; `rested`: it does, or a pause of it
    is on record. `claims`: the settlement's lines on record."""
    if goal is None and contract is None:
        return None
    if not days.today:
        return None
    price, source = _price(contract, seen)
    lines: list[Line] = []
    ending = goal is not None and goal.status in ("cancelled", "downgraded")
    if ending:
        assert goal is not None
        lines += [*_fee(contract, goal, price, days), _remaining(contract, price, days, paused)]
        lines += _claimed(claims)
        if all(each.claim.kind != "refund" for each in claims):
            lines += _refund(contract, price, days)
    lines += _missed(contract, goal, price, days)
    if goal is not None and ending:
        lines.append(_saving(contract, goal, price, days))
    elif goal is not None and goal.status == "paused":
        lines.append(_pause(contract, goal, price))
        if all(each.claim.kind != "refund" for each in claims):
            lines += _paused_refund(contract, goal, price, days, rested)
        lines += _claimed(claims)
    elif goal is not None:
        lines += [_going_on(contract, price, days), *_claimed(claims)]
    payable = [each for each in lines if each.what in PAYABLE]
    due = added([each.sum for each in payable if each.sum is not None])
    if not lines:
        return None
    return Cost(tuple(lines), due, all(each.sum is not None for each in payable), price, source)


def _price(contract: ContractGoal | None, seen: SubscriptionFacts | None) -> tuple[Price | None, str]:
    if contract is not None and contract.price is not None:
        return contract.price, "contract"
    if seen is None or exact(seen.amount) is None or not seen.currency or seen.per not in (*_A_YEAR, "term"):
        return None, ""
    return Price(seen.amount or "", seen.currency, seen.per), "vendor"


def _fee(contract: ContractGoal | None, goal: SubscriptionGoal, price: Price | None, days: Course) -> list[Line]:
    """What ending before the term costs. Without a clause it may be as much as the rest of the term."""
    what = "early_termination_fee"
    fee = contract.early_termination_fee if contract is not None else None
    sum = exact(fee.amount) if fee is not None else None
    if days.early is False:
        currency = fee.currency if fee is not None else price.currency if price is not None else None
        how = message("cost.fee.none", day=days.last)
        return [Line(what, money(Fraction(0), currency), how)] if currency else []
    if fee is None or sum is None:
        return [Line(what, None, _rest_of_term(contract, price, days))]
    shown = money(sum, fee.currency)
    if not sum:
        return [Line(what, shown, message("cost.fee.free"), span=fee.span)]
    if days.early is None:
        return [Line(what, None, message("cost.fee.perhaps", sum=shown), span=fee.span)]
    if goal.status == "downgraded":
        return [Line(what, None, message("cost.fee.downgrade", sum=shown), span=fee.span)]
    return [Line(what, shown, message("cost.fee.early", day=days.last, end=days.bound or days.term_end), span=fee.span)]


def _rest_of_term(contract: ContractGoal | None, price: Price | None, days: Course) -> Message:
    end = days.bound or days.term_end
    if days.early and days.last is not None and end is not None and price is not None:
        first = _after(days.last)
        rest = charges(contract, price, first, date.fromisoformat(end))
        if rest is not None:
            return message("cost.fee.unwritten_most", end=end, sum=money(rest, price.currency))
    return message("cost.fee.unwritten")


def _remaining(contract: ContractGoal | None, price: Price | None, days: Course, paused: bool) -> Line:
    """What is charged from today until the last day."""
    what = "remaining_charges"
    if price is None:
        return Line(what, None, message("cost.no_price"))
    if days.last is None:
        return Line(what, None, days.unclear[-1] if days.unclear else message("course.no_term"))
    if days.last < days.today:
        return Line(what, money(Fraction(0), price.currency), message("cost.remaining.over", day=days.last))
    sum = charges(contract, price, date.fromisoformat(days.today), date.fromisoformat(days.last))
    if sum is None:
        return Line(what, None, message("cost.no_periods", per=price.per))
    if paused:
        shown = money(sum, price.currency)
        how = message("cost.remaining.paused", first=days.today, last=days.last, sum=shown)
        return Line(what, None, how, span=price.span)
    n = (date.fromisoformat(days.last) - date.fromisoformat(days.today)).days + 1
    how = message("cost.remaining", n=n, first=days.today, last=days.last, price=_said(price), per=price.per)
    return Line(what, money(sum, price.currency), how, span=price.span)


def _refund(contract: ContractGoal | None, price: Price | None, days: Course) -> list[Line]:
    """What was paid for and is not used, where the period was paid in advance: to be claimed, not to be counted on."""
    if price is None or days.last is None:
        return []
    last = date.fromisoformat(days.last)
    found = _period(contract, price, last)
    if found is None:
        return [Line("refund", None, message("cost.no_periods", per=price.per))]
    first, end = found
    if end <= last:
        return []
    share = _amount(price) * Fraction((end - last).days, (end - first).days + 1)
    how = message(
        "cost.refund", n=(end - last).days, of=(end - first).days + 1, end=end, sum=money(share, price.currency)
    )
    return [Line("refund", None, how, span=price.span)]


def _paused_refund(
    contract: ContractGoal | None, goal: SubscriptionGoal, price: Price | None, days: Course, rested: bool
) -> list[Line]:
    """What of the period that is paid for by now falls into a pause: to be claimed, where it was paid in advance. A pause
    that nobody saw begins today at the earliest."""
    if price is None or not goal.starts or not goal.until or goal.until < goal.starts:
        return []
    begins, until = date.fromisoformat(goal.starts), date.fromisoformat(goal.until)
    if not rested:
        begins = max(begins, date.fromisoformat(days.today))
    if until < begins:
        return []
    found = _period(contract, price, date.fromisoformat(days.today))
    if found is None:
        return [Line("refund", None, message("cost.no_periods", per=price.per))]
    first, end = found
    n = (min(until, end) - max(begins, first)).days + 1
    if n <= 0:
        return []
    of = (end - first).days + 1
    share = money(_amount(price) * Fraction(n, of), price.currency)
    return [Line("refund", None, message("cost.refund.pause", n=n, of=of, end=end, sum=share), span=price.span)]


def _claimed(claims: Sequence[Claim]) -> list[Line]:
    """What was claimed back, and how much of it is still open; one line for each currency."""
    mine = [each for each in claims if each.claim.kind in DUE]
    found = []
    for name in sorted({each.claim.currency for each in mine}):
        here = [each for each in mine if each.claim.currency == name]
        due = money(sum((Fraction(each.due) for each in here), Fraction(0)), name)
        left = money(sum((Fraction(each.open) for each in here), Fraction(0)), name)
        found.append(Line("refund_claimed", due, message("cost.refund_claimed", n=len(here), open=left)))
    return found


def _missed(
    contract: ContractGoal | None, goal: SubscriptionGoal | None, price: Price | None, days: Course
) -> list[Line]:
    """What it costs to let the day of the notice pass: another term; and what was bound by letting it pass before."""
    given = days.given is not None and (goal is None or goal.status != "active")  # what goes on is not given notice of
    if given or days.follows is False or days.over:
        return []
    return [*_bound(contract, price, days), *_another(contract, price, days)]


def _bound(contract: ContractGoal | None, price: Price | None, days: Course) -> list[Line]:
    """The terms that nobody can avoid any more, since the notice of the current one is past."""
    if not days.missed or days.term_end is None or days.bound is None or days.bound <= days.term_end:
        return []
    return [_terms("bound_again", contract, price, days.term_end, days.bound, "cost.bound_again")]


def _another(contract: ContractGoal | None, price: Price | None, days: Course) -> list[Line]:
    what = "missed_notice"
    if days.follows is None:
        return [Line(what, None, message("cost.missed.renewal_unknown"))] if days.term_end is not None else []
    if days.bound is None or days.next_end is None:
        return [Line(what, None, message("cost.missed.length_unknown"))]
    return [_terms(what, contract, price, days.bound, days.next_end, "cost.missed")]


def _terms(what: str, contract: ContractGoal | None, price: Price | None, after: str, last: str, code: str) -> Line:
    """What is charged from the day after one term's end until another's."""
    if price is None:
        return Line(what, None, message("cost.no_price"))
    first = _after(after)
    sum = _whole_terms(contract, price, first, date.fromisoformat(last))
    if sum is None:
        return Line(what, None, message("cost.no_periods", per=price.per))
    how = message(code, first=first, last=last, price=_said(price), per=price.per)
    return Line(what, money(sum, price.currency), how, span=price.span)


def _whole_terms(contract: ContractGoal | None, price: Price, first: date, last: date) -> Fraction | None:
    """Renewals, by their months where they have whole ones, else by days; of a price for a term only where a renewal is as
    long as the term."""
    term = contract.term if contract is not None else None
    again = (term.renewal_length or term.length) if term is not None else None
    if price.per == "term" and (term is None or (term.length is not None and again != term.length)):
        return None
    begins, ends = current_term(term, first), current_term(term, last)
    if term is not None and again is not None and isinstance(begins, TermAt) and isinstance(ends, TermAt):
        whole = begins.number > 0 and starts(term, begins) == first and ends.end == last
        number = ends.number - begins.number + 1
        if whole and price.per == "term":
            return _amount(price) * number
        if whole and again.unit in _MONTHS:
            return _amount(price) * number * again.count * _MONTHS[again.unit] * _A_YEAR[price.per] / 12
    return charges(contract, price, first, last)


def _saving(contract: ContractGoal | None, goal: SubscriptionGoal, price: Price | None, days: Course) -> Line:
    """What is no longer paid, a year, from the day after the last."""
    what = "saving"
    if price is None:
        return Line(what, None, message("cost.no_price"), per="year")
    if goal.status == "downgraded" and goal.to != "free":
        return Line(what, None, message("cost.saving.other_edition", to=goal.to or "?"), per="year")
    sum = yearly(price, contract.term if contract is not None else None)
    if sum is None:
        return Line(what, None, message("cost.no_periods", per=price.per), per="year")
    if days.last is None:
        return Line(what, money(sum, price.currency), _each_year(price, contract), per="year", span=price.span)
    first = _after(days.last)
    how = message("cost.saving", first=first, price=_said(price), per=price.per)
    return Line(what, money(sum, price.currency), how, per="year", span=price.span)


def _pause(contract: ContractGoal | None, goal: SubscriptionGoal, price: Price | None) -> Line:
    """Whether a pause costs nothing, less or as much is written nowhere in a manifest: its price without a pause, then."""
    if price is None or not goal.starts or not goal.until:
        return Line("pause", None, message("cost.no_price"))
    sum = charges(contract, price, date.fromisoformat(goal.starts), date.fromisoformat(goal.until))
    if sum is None:
        return Line("pause", None, message("cost.no_periods", per=price.per))
    how = message("cost.pause", first=goal.starts, last=goal.until, sum=money(sum, price.currency))
    return Line("pause", None, how, span=price.span)


def _going_on(contract: ContractGoal | None, price: Price | None, days: Course) -> Line:
    what = "going_on"
    if price is None:
        return Line(what, None, message("cost.no_price"), per="year")
    sum = yearly(price, contract.term if contract is not None else None)
    if sum is None:
        return Line(what, None, message("cost.no_periods", per=price.per), per="year")
    return Line(what, money(sum, price.currency), _each_year(price, contract), per="year", span=price.span)


def _each_year(price: Price, contract: ContractGoal | None) -> Message:
    return message("cost.each_year", price=_said(price), per=price.per)


def _said(price: Price) -> str:
    return str(money(_amount(price), price.currency))


def _amount(price: Price) -> Fraction:
    return exact(price.amount) or Fraction(0)


def yearly(price: Price, term: Term | None) -> Fraction | None:
    """A price as of a year: twelve months, four quarters; of a term by its months, or by its days as 365."""
    if price.per != "term":
        return _amount(price) * _A_YEAR[price.per]
    length = term.length if term is not None else None
    if length is None or not length.count:
        return None
    if length.unit in _MONTHS:
        return _amount(price) * 12 / (length.count * _MONTHS[length.unit])
    return _amount(price) * _YEAR / (length.count * _DAYS[length.unit]) if length.unit in _DAYS else None


def charges(contract: ContractGoal | None, price: Price, first: date, last: date) -> Fraction | None:
    """What is charged for the days from `first` to `last`, both included: whole periods at the whole price, broken ones by
    their days. None where term or price do not say when a period begins, or where none runs any more."""
    if last < first:
        return Fraction(0)
    paid = _paid(contract, price)
    begins, ends = current_term(paid, first), current_term(paid, last)
    if paid is None or isinstance(begins, Unknown) or isinstance(ends, Unknown) or begins.over or ends.over:
        return None
    one, other = starts(paid, begins), starts(paid, ends)
    if one is None or other is None or first < one:
        return None
    whole = _amount(price) * (ends.number - begins.number + 1)
    before = Fraction((first - one).days, (begins.end - one).days + 1)
    after = Fraction((ends.end - last).days, (ends.end - other).days + 1)
    return whole - _amount(price) * (before + after)


def _paid(contract: ContractGoal | None, price: Price) -> Term | None:
    return billing(contract.term if contract is not None else None, price)


def _period(contract: ContractGoal | None, price: Price, day: date) -> tuple[date, date] | None:
    paid = _paid(contract, price)
    at = current_term(paid, day)
    if paid is None or isinstance(at, Unknown) or at.over:
        return None
    first = starts(paid, at)
    return (first, at.end) if first is not None else None


def _after(day: str) -> date:
    """The day after; the last of all calendars is its own."""
    found = date.fromisoformat(day)
    return found + timedelta(days=1) if found < date.max else found
