"""Term: which term of a contract runs on a day, tacit renewals included, and on which day it ends."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from crmstate.core.contract import Period, Price, Term
from crmstate.core.deadline import Unknown, months
from crmstate.core.message import Message, message

_MONTHS = {"months": 1, "years": 12}
_DAYS = {"days": 1, "weeks": 7}
_LONGEST = {"days": 1, "weeks": 7, "months": 31, "years": 366}
_BILLED = {"month": Period(1, "months"), "quarter": Period(3, "months"), "year": Period(1, "years")}


class TermAt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One term of a contract. `number`: 0 the first, then one more for each renewal; `ends`: the day as the contract
    counts it, ISO; `over`: it has ended, and nothing follows; `renews`: whether another follows by itself, None where
    nobody wrote it."""

    number: int
    ends: str
    why: tuple[Message, ...]
    over: bool = False
    renews: bool | None = None

    @property
    def end(self) -> date:
        """The day on which it ends."""
        return date.fromisoformat(self.ends)


def current_term(term: Term | None, day: date) -> TermAt | Unknown:
    """The term that runs on a day: the first that ends on it or later."""
    if term is None or not (term.ends_on or (term.start and term.length)):
        return Unknown((message("undated.no_term"),))
    try:
        first = _end(term, 0)
        if day <= first:
            return _at(term, 0)
        if term.renewal is None:
            return Unknown((message("undated.renewal", day=first),))
        if term.renewal == "none":
            return _at(term, 0, over=True)
        length = _again(term)
        if length is None or length.unit not in _LONGEST:
            return Unknown((message("undated.renewal_length", day=first),))
        number = max(1, (day - first).days // (_LONGEST[length.unit] * length.count))
        while _end(term, number) < day:
            number += 1
        return _at(term, number)
    except OverflowError:
        return Unknown((message("undated.beyond"),))
    except _Uncountable:
        return Unknown((message("undated.term_unit"),))


def next_term(term: Term, now: TermAt) -> TermAt | Unknown | None:
    """The term that follows where nobody gives notice; None where none does."""
    if now.over or term.renewal == "none":
        return None
    if term.renewal is None:
        return Unknown((message("undated.renewal", day=now.ends),))
    if _again(term) is None:
        return Unknown((message("undated.renewal_length", day=now.ends),))
    try:
        return _at(term, now.number + 1)
    except OverflowError:
        return Unknown((message("undated.beyond"),))
    except _Uncountable:
        return Unknown((message("undated.term_unit"),))


def billing(term: Term | None, price: Price | None) -> Term | None:
    """The periods that are paid for, as terms that follow each other; None where term or price do not say."""
    if price is not None and price.per == "term":
        return term
    if term is None or term.start is None or price is None:
        return None
    length = _BILLED[price.per]
    return Term(term.start, length, None, term.end, "automatic", length, term.span)


def starts(term: Term, at: TermAt) -> date | None:
    """The first day of a term; None for the first of a contract that states only its end."""
    if at.number:
        return _end(term, at.number - 1) + timedelta(days=1)
    return date.fromisoformat(term.start) if term.start else None


class _Uncountable(Exception):
    """A length that no calendar counts, such as working days."""


def _again(term: Term) -> Period | None:
    return term.renewal_length or term.length


def _at(term: Term, number: int, *, over: bool = False) -> TermAt:
    end = _end(term, number)
    why = [message("date.term_ends", day=end)]
    if number:
        why.append(message("date.renewed", n=number, first=_end(term, 0)))
    if over:
        why.append(message("date.over"))
    if term.end is None and _end(term, number, "exclusive") != _end(term, number, "inclusive"):
        why.append(message("date.end_silent"))
    renews = None if term.renewal is None else term.renewal == "automatic" and not over
    return TermAt(number, end.isoformat(), tuple(why), over, renews)


def _end(term: Term, number: int, how: str | None = None) -> date:
    """The day on which a term ends. Where the contract is silent on how it counts, the earlier of both ways."""
    how = how or term.end
    if how is None:
        return min(_end(term, number, "inclusive"), _end(term, number, "exclusive"))
    again = _again(term)
    if term.ends_on is not None:
        stated = date.fromisoformat(term.ends_on)
        if not number:
            return stated
        after = timedelta(days=1 if how == "inclusive" else 0)
        return _add(stated + after, (again, number)) - after
    assert term.start is not None
    anniversary = _add(date.fromisoformat(term.start), (term.length, 1), (again, number))
    return anniversary - timedelta(days=1 if how == "inclusive" else 0)


def _add(start: date, *lengths: tuple[Period | None, int]) -> date:
    """A day and lengths, each so many times: all months in one step, then all days."""
    total = {"months": 0, "days": 0}
    for length, times in lengths:
        if length is None or not times:
            continue
        if length.unit in _MONTHS:
            total["months"] += times * length.count * _MONTHS[length.unit]
        elif length.unit in _DAYS:
            total["days"] += times * length.count * _DAYS[length.unit]
        else:
            raise _Uncountable
    return months(start, total["months"]) + timedelta(days=total["days"])
