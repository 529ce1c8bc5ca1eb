"""Notice: by when it must be given, by when that has to be decided, and what it costs to miss it.

The current term is found first; a tacit renewal may have begun long ago. Where the last day for the current term is
past, the dates are those of the first term that can still be ended, and everything until then is what missing it costs.
"""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from crmstate.core.contract import ContractGoal, NoticeClause, Period, Price, Term
from crmstate.core.deadline import (
    Dated,
    Rule,
    Unknown,
    common_days,
    customer_days,
    follow,
    on,
    surely,
    today,
    unless_unknown,
)
from crmstate.core.message import Message, message
from crmstate.core.money import Money, exact, money
from crmstate.core.term import TermAt, billing, current_term, next_term
from crmstate.core.workdays import Unpublished, Workdays

_PER = {"month": 1, "quarter": 3, "year": 12}
_MONTHS = {"months": 1, "years": 12}
_OF_ROLLED = frozenset({"date.rolled_earlier", "date.until", "date.until_end", "date.no_zone"})
LAST = 1200
"""Terms that are tried, so long as every one's last day is past."""


class NoticeAt(msgspec.Struct, frozen=True):
    """The dates of one term's notice: its end, the last moment of notice, and by when to decide."""

    term: TermAt
    deadline: Dated | Unknown
    decide_by: Dated | Unknown


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a contract asks for at a moment. `current`: of the term that runs (or is wanted). `reachable`: of the first
    term that notice given now would still end: the same where nothing is missed; Unknown where that cannot be known.
    `after`: the term that would bind next if that were missed as well (of `current` where `reachable` is Unknown), None
    where nothing renews. `cost`: what is bound
    by having missed `current`; `costs_to_miss`: what is bound by missing `reachable`."""

    current: NoticeAt
    reachable: NoticeAt | Unknown
    after: TermAt | Unknown | None = None
    cost: Money | None = None
    costs_to_miss: Money | None = None

    @property
    def missed(self) -> bool:
        """Whether the current term can not be ended any more."""
        return isinstance(self.reachable, Unknown) or self.reachable.term.number != self.current.term.number

    @property
    def perhaps_late(self) -> bool:
        """Whether only the day has passed to which our own care rolled the last one, and not that one."""
        return not self.missed and self.reachable != self.current


def notice(contract: ContractGoal | None, now: str, wanted: str | None = None) -> Notice | Unknown:
    """The dates of a contract's notice as of `now` (ISO 8601 UTC). `wanted`: a later day (ISO) on which the contract is
    to end."""
    if contract is None or contract.notice is None:
        return Unknown((message("undated.no_notice"),))
    clause, terms = contract.notice, _counted_from(contract, contract.notice)
    if terms is None:
        return Unknown((message("undated.period"),))
    day = today(now, contract.calendar.vendor_zone or contract.calendar.zone)
    if wanted is not None:
        day = max(day, date.fromisoformat(wanted))
    running = current_term(terms, day)
    if isinstance(running, Unknown):
        return running
    current = _of(contract, clause, running)
    reachable = _reachable(contract, clause, terms, current, now)
    if isinstance(reachable, Unknown):
        return Notice(current, reachable, next_term(terms, running), cost=_bound(contract.price, terms, 1))
    after = next_term(terms, reachable.term)
    return Notice(
        current,
        reachable,
        after,
        cost=_bound(contract.price, terms, reachable.term.number - current.term.number),
        costs_to_miss=_bound(contract.price, terms, 1) if isinstance(after, TermAt) else None,
    )


def _counted_from(contract: ContractGoal, clause: NoticeClause) -> Term | None:
    """The terms, or periods that are paid for, whose end the notice is counted back from."""
    if clause.before == "period_end":
        return billing(contract.term, contract.price)
    return contract.term or Term()


def _reachable(
    contract: ContractGoal, clause: NoticeClause, terms: Term, current: NoticeAt, now: str
) -> NoticeAt | Unknown:
    """The first term, from the current one on, whose last day of notice has not passed."""
    term, deadline = current.term, current.deadline
    for _ in range(LAST):
        if term.over:
            return Unknown(term.why)
        if isinstance(deadline, Unknown) and deadline.counted is None:
            return current if term is current.term else deadline
        if not _past(deadline, now, contract):
            return NoticeAt(term, deadline, _decide_by(contract, clause, deadline))
        counted = as_counted(deadline, contract)
        if counted is not None and not _past(counted, now, contract):
            return NoticeAt(term, counted, _decide_by(contract, clause, counted))
        following = next_term(terms, term)
        if following is None:
            return Unknown((*term.why, message("undated.no_renewal", day=term.ends)))
        if isinstance(following, Unknown):
            return following
        term, deadline = following, _deadline(contract, clause, following)
    return Unknown((message("undated.beyond"),))


def _past(deadline: Dated | Unknown, now: str, contract: ContractGoal) -> bool:
    """Whether a last day is over. One that lies some unknown days before the day as it was counted is over with that one."""
    latest = at_the_latest(deadline, contract)
    return latest is not None and now > latest.at


def as_counted(deadline: Dated | Unknown, contract: ContractGoal) -> Dated | None:
    """The last day of notice before our own care rolled it: by the contract's words notice is not late before that is over.
    None where nothing was rolled, or the contract says so itself."""
    clause, zone = contract.notice, contract.calendar.vendor_zone or contract.calendar.zone
    if clause is None or not clause.by_care or not isinstance(deadline, Dated) or deadline.counted is None:
        return None
    why = [each for each in deadline.why if each.code not in _OF_ROLLED]
    said = (*why, message("date.by_care", day=deadline.day))
    found = unless_unknown(lambda: on(deadline.unrolled, zone, clause.cut_off, said))
    return found if isinstance(found, Dated) else None


def lapsed(deadline: Dated | Unknown, contract: ContractGoal) -> Dated | None:
    """The day after which notice is late beyond all doubt. None where not even that is known."""
    return as_counted(deadline, contract) or at_the_latest(deadline, contract)


def at_the_latest(deadline: Dated | Unknown, contract: ContractGoal) -> Dated | None:
    """A last day of notice, or the day after which it is over whatever it was: of one that lies some unknown days before the
    day as it was counted, that day. None where not even that is known."""
    if isinstance(deadline, Dated):
        return deadline
    if deadline.counted is None or contract.notice is None:
        return None
    day, zone = date.fromisoformat(deadline.counted), contract.calendar.vendor_zone or contract.calendar.zone
    why = (*deadline.why[:-1], message("date.at_the_latest"), deadline.why[-1])
    found = unless_unknown(lambda: on(day, zone, contract.notice.cut_off if contract.notice else None, why))
    return found if isinstance(found, Dated) else None


def early_enough(deadline: Dated | Unknown, contract: ContractGoal) -> Dated | None:
    """A last day of notice, or one that is early enough where the working days of its year are not decreed. None where not even
    that is known."""
    if isinstance(deadline, Dated):
        return deadline
    if deadline.early is None or contract.notice is None:
        return None
    day, zone = date.fromisoformat(deadline.early), contract.calendar.vendor_zone or contract.calendar.zone
    why = (*deadline.why, message("date.early", day=day))
    found = unless_unknown(lambda: on(day, zone, contract.notice.cut_off if contract.notice else None, why))
    return found if isinstance(found, Dated) else None


def _of(contract: ContractGoal, clause: NoticeClause, term: TermAt) -> NoticeAt:
    deadline = _deadline(contract, clause, term)
    return NoticeAt(term, deadline, _decide_by(contract, clause, deadline))


def _deadline(contract: ContractGoal, clause: NoticeClause, term: TermAt) -> Dated | Unknown:
    """The last moment of notice: the vendor's zone decides it. A notice never rolls later, whatever is written."""
    calendar, later = contract.calendar, clause.roll == "later"
    rule = Rule(clause.period, "before", "none" if later else clause.roll)
    zone = calendar.vendor_zone or calendar.zone
    found = follow(rule, term.end, common_days(calendar), zone=zone, clock=clause.cut_off, why=term.why)
    if isinstance(found, Dated) and later:
        return msgspec.structs.replace(found, why=(*found.why, message("date.not_later")))
    return found


def _decide_by(contract: ContractGoal, clause: NoticeClause, deadline: Dated | Unknown) -> Dated | Unknown:
    """Deadline, less delivery, less approval: when it has to be decided. Delivery takes days on which both work,
    approval takes the customer's own."""
    if isinstance(deadline, Unknown):
        early = early_enough(deadline, contract)
        if early is None:
            return deadline
        deadline = early
    leads = [(clause.delivery_lead, common_days(contract.calendar), "delivery"),
             (clause.approval_lead, customer_days(contract.calendar), "approval")]  # fmt: skip
    if not any(lead for lead, _, _ in leads):
        return deadline
    day, why = date.fromisoformat(deadline.day), [message("date.deadline", day=deadline.day)]
    try:
        for lead, workdays, what in leads:
            if lead is None:
                continue
            day, unsure = _before(day, lead, workdays)
            why += [*unsure, _lead(what, lead, day), *(each for each in workdays.notes if each not in why)]
        zone = contract.calendar.zone or contract.calendar.vendor_zone
        found = on(day, zone, None, tuple(why))
        return found if found.at <= deadline.at else msgspec.structs.replace(found, at=deadline.at)
    except Unpublished as error:
        return Unknown((*why, error.why))
    except OverflowError:
        return Unknown((*why, message("undated.beyond")))


def _before(day: date, lead: Period, workdays: Workdays) -> tuple[date, tuple[Message, ...]]:
    """The working day so long before another, or one that is early enough; then with the reason."""
    found, unsure = surely(day, lead, -1, workdays)
    try:
        return workdays.near(found, -1), unsure
    except Unpublished:
        early, why = surely(found + timedelta(days=1), Period(1, "working_days"), -1, workdays)
        return (found, unsure) if unsure else (early, why)


def _lead(what: str, lead: Period, day: date) -> Message:
    if what == "delivery":
        return message("date.delivery", period=lead, day=day)
    return message("date.approval", period=lead, day=day)


def _bound(price: Price | None, terms: Term, number: int) -> Money | None:
    """What so many more terms cost; None where the price or their length does not say."""
    length = terms.renewal_length or terms.length
    amount = exact(price.amount) if price is not None else None
    if price is None or amount is None or number <= 0:
        return None
    if price.per == "term":
        same = terms.length is None or terms.renewal_length in (None, terms.length)
        return money(amount * number, price.currency) if same else None
    if length is None or length.unit not in _MONTHS:
        return None
    months = length.count * _MONTHS[length.unit] * number
    return money(amount * months / _PER[price.per], price.currency)


def end_of(contract: ContractGoal, term: TermAt) -> Dated | Unknown:
    """The end of a term as a date: its last day is over in the vendor's zone."""
    calendar = contract.calendar
    return unless_unknown(lambda: on(term.end, calendar.vendor_zone or calendar.zone, None, term.why))


def late(deadline: Dated | Unknown, given: str) -> bool:
    """Whether a notice that was recorded at a moment came after its last one."""
    return isinstance(deadline, Dated) and given > deadline.at
