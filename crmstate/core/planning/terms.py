"""Terms: what the contract's own days say against a wanted end or pause. Each is a blocker or a finding with its days; what
nobody wrote is asked for, never guessed."""

from __future__ import annotations

from datetime import date

from crmstate.core.course import ENDING, ENDS, Course, asked_of
from crmstate.core.diagnostic import Span
from crmstate.core.goal import SubscriptionGoal
from crmstate.core.message import Message, message
from crmstate.core.money import exact, money
from crmstate.core.planning.draft import Draft
from crmstate.core.provider import Cell
from crmstate.core.survey import SubscriptionFacts
from crmstate.core.term import TermAt, current_term
from crmstate.core.words import Severity, Verb


def against(
    draft: Draft, goal: SubscriptionGoal, days: Course, facts: SubscriptionFacts | None, cell: Cell | None, paused: bool
) -> Message | None:
    """Why a request that was not made yet may not be made now; None where nothing speaks against it."""
    if goal.status in ENDING:
        if paused and cell is not None and "not_while_paused" in cell.attributes:
            return message("blocked.while_paused")
        return _end(draft, goal, days, facts)
    return _pause(goal, days) if goal.status == "paused" else None


def _end(draft: Draft, goal: SubscriptionGoal, days: Course, facts: SubscriptionFacts | None) -> Message | None:
    wanted = goal.effective or ""
    contract = draft.desired.contract
    written = contract is not None and contract.term is not None
    if wanted == "end_of_term" and written and days.last is None and days.term_end is None:
        return days.why[-1] if days.why else message("undated.no_term")
    if not wanted[:1].isdigit():
        return None
    if wanted < days.today:
        return message("blocked.past_date", day=wanted, today=days.today)
    if days.term_end is None or wanted <= days.term_end or _at_an_end(draft, wanted):
        return None
    if days.follows is None:
        return message("blocked.beyond_unknown", day=wanted, end=days.term_end)
    if not days.follows:
        return message("blocked.beyond_term", day=wanted, end=days.term_end)
    return message("blocked.beyond_renewal", day=wanted, end=days.term_end)


def _at_an_end(draft: Draft, wanted: str) -> bool:
    """Whether a day is the last of a later term that the contract itself knows."""
    contract = draft.desired.contract
    at = current_term(contract.term, date.fromisoformat(wanted)) if contract is not None else None
    return isinstance(at, TermAt) and not at.over and at.ends == wanted


def _pause(goal: SubscriptionGoal, days: Course) -> Message | None:
    if not _ends_inside(goal, days) or days.follows:
        return None
    code = "blocked.pause_past_term" if days.follows is False else "blocked.pause_term_unknown"
    return message(code, end=days.term_end, until=goal.until)


def _ends_inside(goal: SubscriptionGoal, days: Course) -> bool:
    """Whether the term ends before the pause does."""
    return goal.until is not None and days.term_end is not None and days.term_end < goal.until


def findings(
    draft: Draft, goal: SubscriptionGoal, days: Course, facts: SubscriptionFacts | None, paused_until: str | None
) -> None:
    """What a reader must know of the days, whatever is planned."""
    span, code = goal.span, "CRM-P081"
    if goal.status == "paused" and _ends_inside(goal, days):
        if days.follows:
            _warn(draft, code, span, end=days.term_end, until=goal.until)
        elif facts is not None and (facts.status == "paused" or facts.pending == "pause"):
            _warn(draft, "CRM-P082", span, end=days.term_end, until=goal.until)
    if goal.status in ENDING:
        if paused_until is not None and days.last is not None and days.last > paused_until:
            _warn(draft, "CRM-P083", span, until=paused_until, last=days.last)
        told = goal.status == "cancelled"  # by the step of giving notice, with the next day and the cost
        if (
            days.missed
            and not told
            and days.term_end is not None
            and days.bound is not None
            and not _asked(draft, facts)
        ):
            _warn(draft, "CRM-P084", span, end=days.term_end, bound=days.bound)
        elif days.number and days.term_end is not None and not _asked(draft, facts):
            draft.report("CRM-P085", Severity.NOTE, span, n=days.number, end=days.term_end)
    if days.over and days.term_end is not None and (facts is None or facts.status != "cancelled"):
        _warn(draft, "CRM-P086" if facts is not None else "CRM-P092", span, end=days.term_end)
    if facts is not None:
        _agree(draft, days, facts)


def _asked(draft: Draft, facts: SubscriptionFacts | None) -> bool:
    """Whether the end was asked for, or is there."""
    if facts is not None and (facts.pending in ("cancel", "downgrade") or facts.status in ("cancelled", "free")):
        return True
    asked = asked_of(draft.state, draft.place)
    return draft.days.given is not None or (asked is not None and asked.verb in ENDS)


def _agree(draft: Draft, days: Course, facts: SubscriptionFacts) -> None:
    """Where vendor and contract do not say the same, somebody has to find out who is right."""
    contract = draft.desired.contract
    if contract is None or facts.status in ("cancelled", "free"):
        return
    shown = facts.term_end[:10] if facts.term_end else None
    if contract.term is not None and shown and days.term_end and shown != days.term_end:
        _warn(draft, "CRM-P087", contract.term.span, written=days.term_end, shown=shown)
    price, said = contract.price, exact(facts.amount)
    if price is None or said is None or not facts.currency or not facts.per:
        return
    written = exact(price.amount)
    if (written, price.currency, price.per) != (said, facts.currency, facts.per) and written is not None:
        _warn(
            draft, "CRM-P088", price.span,
            written=money(written, price.currency), per=price.per, shown=money(said, facts.currency), shown_per=facts.per,
        )  # fmt: skip


def ended_early(draft: Draft, goal: SubscriptionGoal, facts: SubscriptionFacts) -> None:
    """An end that came before the wanted day: some vendors end at once what was to end later."""
    wanted = _wanted(draft, goal)
    if wanted is None or facts.access_until is None or facts.access_until[:10] >= wanted:
        return
    _warn(draft, "CRM-P089", goal.span, ended=facts.access_until[:10], wanted=wanted)


def _wanted(draft: Draft, goal: SubscriptionGoal) -> str | None:
    """The day that the manifest means, whatever the vendor says."""
    if goal.effective and goal.effective[:1].isdigit():
        return goal.effective
    if goal.effective != "end_of_term" or draft.desired.contract is None:
        return None
    asked = asked_of(draft.state, draft.place)
    return draft.days.term_end if asked is not None and asked.verb in (Verb.CANCEL, Verb.DOWNGRADE) else None


def other_day(draft: Draft, goal: SubscriptionGoal, facts: SubscriptionFacts) -> str | None:
    """The day that the manifest means, where the vendor's is another."""
    wanted = _wanted(draft, goal)
    if wanted is None and goal.effective == "end_of_term" and draft.desired.contract is not None:
        wanted = draft.days.term_end
    return wanted if wanted and facts.effective and facts.effective[:10] != wanted else None


def _warn(draft: Draft, code: str, span: Span | None, **params: object) -> None:
    draft.report(code, Severity.WARNING, span, draft.place, **params)
