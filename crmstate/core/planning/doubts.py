"""Doubts: days that a calendar allows and hardly anybody means: a mistyped year, a message after the contract's end, a
settlement before it. Each is a warning; nothing is changed by it."""

from __future__ import annotations

from datetime import date, timedelta

from crmstate.core.address import address
from crmstate.core.deadline import Dated, today
from crmstate.core.milestones import milestones
from crmstate.core.planning.afterwards import SETTLEMENT, day
from crmstate.core.planning.draft import Draft
from crmstate.core.words import Kind, Milestone, Severity, Verb

PAST = timedelta(days=30)
"""How far back the day of a message that nobody sent may lie before somebody is asked whether it is meant."""
AHEAD = timedelta(days=5 * 366)
"""How far ahead a contract's term may begin."""


def doubts(draft: Draft) -> None:
    """Warns of such days."""
    now = draft.survey.taken_at
    if not now:
        return
    contract = draft.desired.contract
    here = today(now, contract.calendar.zone if contract is not None else None)
    term = contract.term if contract is not None else None
    if term is not None and term.start is not None and date.fromisoformat(term.start) - here > AHEAD:
        draft.report("CRM-P133", Severity.WARNING, term.span, day=term.start)
    _told(draft, here)
    ends = _end(draft)
    if ends is None:
        return
    goal = draft.desired.settlement
    due = day(goal.due, draft.desired, draft.state, now) if goal is not None else None
    if goal is not None and due is not None and due.day < ends.day and draft.recorded(SETTLEMENT, Verb.SETTLE) is None:
        draft.report("CRM-P132", Severity.WARNING, goal.span, SETTLEMENT, due=due.day, day=ends.day)


def _end(draft: Draft) -> Dated | None:
    """The contract's end to come, where it has a day."""
    found = milestones(draft.desired, draft.state, draft.survey.taken_at)[Milestone.CANCEL_EFFECTIVE.value]
    return found if isinstance(found, Dated) and not found.real else None


def _told(draft: Draft, here: date) -> None:
    """Messages with a written day that are still to be sent."""
    ends = _end(draft)
    for goal in draft.desired.notices:
        place = address(Kind.NOTICE, goal.id)
        if (
            not goal.told
            or goal.send is None
            or goal.send.day is None
            or draft.recorded(place, Verb.NOTIFY) is not None
        ):
            continue
        if here - date.fromisoformat(goal.send.day) > PAST:
            draft.report("CRM-P130", Severity.WARNING, goal.span, place, day=goal.send.day)
        elif ends is not None and goal.send.day > ends.day:
            draft.report("CRM-P131", Severity.WARNING, goal.span, place, day=goal.send.day, ends=ends.day)
