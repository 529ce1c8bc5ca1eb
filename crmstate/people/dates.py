"""Dates: what the calendar says to a letter. Worked out by `core`, as of the moment at which the letter is written; what is
not known stays unknown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from crmstate.core.contract import ContractGoal
from crmstate.core.deadline import Dated, Unknown, today
from crmstate.core.goal import Desired
from crmstate.core.message import Message
from crmstate.core.milestones import given, hit, milestones, only_written_down, resolve, standing
from crmstate.core.notice import Notice, lapsed
from crmstate.core.record import State
from crmstate.core.term import current_term
from crmstate.core.words import Milestone


@dataclass(frozen=True)
class Dates:
    """None: not known. `term_end`: of the term that notice can still end; `notice_deadline`: the last day of notice for
    it; `missed`: that it is too late for the term that runs, and `passed` the day that was missed; `undated`: why there
    is no last day; `wanted`: the end of the term that was missed, which a letter asks for first; `doubtful`: that only our own
    care makes notice late, and `passed` is the day that it rolled to. `ending`: when the contract is to end by the manifest,
    or by what the vendor promised; `over`: that it has. `settlement`: when invoices are to be settled."""

    term_end: date | None = None
    notice_deadline: date | None = None
    missed: bool = False
    passed: date | None = None
    undated: tuple[Message, ...] = ()
    ending: date | None = None
    over: bool = False
    wanted: date | None = None
    doubtful: bool = False
    settlement: date | None = None


def dates(desired: Desired, state: State, as_of: str) -> Dates:
    """The dates as of a moment (ISO 8601 UTC)."""
    points = milestones(desired, state, as_of)
    contract = desired.contract or ContractGoal()
    calendar = contract.calendar
    ending = points[Milestone.CANCEL_EFFECTIVE.value]
    due = desired.settlement.due if desired.settlement else None
    notice = standing(desired, state, as_of)
    term_end, deadline, missed, passed, why = _notice(notice, contract)
    found = (
        notice.current.term if isinstance(notice, Notice) and notice.missed and not notice.current.term.over else None
    )
    first = None if found is None or (isinstance(ending, Dated) and ending.day <= found.ends) else found.end
    running = current_term(contract.term, today(as_of, calendar.vendor_zone or calendar.zone))
    if term_end is not None and given(state) is None and not isinstance(running, Unknown):
        missed = missed or term_end != running.end  # then it is not the current one's
    if term_end is None and (isinstance(notice, Unknown) or not notice.missed):
        term_end = None if isinstance(running, Unknown) else running.end
    return Dates(
        term_end=term_end,
        notice_deadline=deadline,
        missed=missed,
        passed=passed,
        undated=why,
        ending=_day(ending) if not only_written_down(ending) else None,
        wanted=first,
        doubtful=isinstance(notice, Notice) and notice.perhaps_late,
        over=isinstance(ending, Dated) and ending.at <= as_of,
        settlement=_day(resolve(due, points, calendar)) if due is not None else None,
    )


def _notice(
    found: Notice | Unknown, contract: ContractGoal
) -> tuple[date | None, date | None, bool, date | None, tuple[Message, ...]]:
    """End of the term that can be ended, last day for it, whether the running one is missed, its last day, and why there
    is none."""
    if isinstance(found, Unknown):
        return None, None, False, None, found.why
    there = hit(found)
    rolled = found.current.deadline
    last = (lapsed(rolled, contract) if found.missed else None) or rolled
    passed = _day(last) if found.missed or found.perhaps_late else None
    if isinstance(there, Unknown):
        return None, None, found.missed, passed, there.why
    why = there.deadline.why if isinstance(there.deadline, Unknown) else ()
    return there.term.end, _day(there.deadline), found.missed, passed, why


def _day(found: Dated | Unknown) -> date | None:
    return date.fromisoformat(found.day) if isinstance(found, Dated) else None
