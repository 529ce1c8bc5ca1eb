"""Reminders: what is late, whom that is told, and when. A person is reminded once before a step is due; whoever answers for
the whole is told once that it is overdue, or that the vendor has been silent for too long.

"Once" is once for each date: what was put off to another day is due again. What was told stands in the record, so that
neither a second run nor a second machine tells it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from crmstate.core.address import Address
from crmstate.core.contacts import ASKED, acknowledged, told_key
from crmstate.core.contract import Calendar, Period
from crmstate.core.deadline import customer_days, ends, shift, today
from crmstate.core.goal import Desired
from crmstate.core.message import Message
from crmstate.core.milestones import GIVEN, asked_on, spoken_at
from crmstate.core.plan import Step
from crmstate.core.planning.dates import lapsed_notice
from crmstate.core.record import State, step_id
from crmstate.core.words import Kind, Mode, Nudging, Outcome, Verb
from crmstate.core.workdays import Unpublished


class Late(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step that should be done by now. `since`: the moment that has passed, ISO 8601 UTC; `who`: whom it is waited for,
    empty for the vendor; `to`: who has to know; `asked`: since when it is waited for. `why`, and what it `costs`: of a last
    day of notice that passed without notice."""

    step: str
    address: Address
    verb: Verb
    since: str
    who: str
    to: str
    vendor: bool = False
    asked: str | None = None
    why: Message | None = None
    costs: tuple[Message, ...] = ()
    label: str = ""


class Nudge(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that `to` is to be told, once. `due`: the date that it is about, ISO 8601 UTC."""

    what: Nudging
    step: str
    address: Address
    verb: Verb
    to: str
    due: str
    who: str = ""
    vendor: bool = False
    asked: str | None = None
    label: str = ""
    why: Message | None = None
    costs: tuple[Message, ...] = ()

    @property
    def key(self) -> str:
        """Under which it is on record that it was told."""
        return told_key(self.step, self.what, self.due)


def late(desired: Desired, steps: Iterable[Step], state: State, now: str) -> dict[str, Late]:
    """What is overdue at `now` (ISO 8601 UTC), by step id: past its date, or waited for from the vendor for longer than
    the manifest says. A last day of notice that passed is among it, whatever the next one is."""
    found: dict[str, Late] = {}
    if (passed := lapsed_notice(desired, state, now)) is not None:
        key = step_id(GIVEN, Verb.REQUEST)
        owner = desired.owner
        found[key] = Late(key, GIVEN, Verb.REQUEST, passed.at, owner, owner, why=passed.why, costs=passed.costs)
    for step in steps:
        if step.mode is Mode.AUTO:
            continue
        limit = step.deadline or _patience(desired, step, state)
        if limit is not None and limit <= now:
            vendor, asked = waits_for_vendor(step), asked_at(state, step)
            who = "" if vendor else step.owner or desired.owner
            found[step.id] = Late(
                step.id, step.address, step.verb, limit, who, desired.owner, vendor, asked, label=step.label
            )
    return found


def nudges(desired: Desired, steps: Iterable[Step], state: State, now: str) -> list[Nudge]:
    """Everything that somebody should have been told by `now`, whether or not it was, in the order of its date."""
    steps = tuple(steps)
    over = late(desired, steps, state, now)
    found = [
        Nudge(Nudging.ESCALATION, each.step, each.address, each.verb, each.to, each.since, each.who, why=each.why, costs=each.costs)
        for each in over.values()
        if each.why is not None
    ]  # fmt: skip
    for step in steps:
        owner = step.owner or desired.owner
        if (each := over.get(step.id)) and each.why is None:
            found.append(_nudge(Nudging.ESCALATION, step, each.to or owner, each.since, state))
            if owner == (each.to or owner):
                continue
        if each is not None and each.why is not None and each.why.code == "notice.perhaps_late":
            continue  # told already, and more of it
        due = _coming(desired, step, state, now)
        if due is not None:
            found.append(_nudge(Nudging.REMINDER, step, owner, due, state))
    return sorted(found, key=lambda each: (each.due, each.address, each.what))


def untold(found: Iterable[Nudge], state: State) -> list[Nudge]:
    """Those that nobody was told yet."""
    return [each for each in found if each.key not in state.reminded]


def asked_at(state: State, step: Step) -> str | None:
    """Since when a step is waited for: since it was asked for, or since the request whose result it is."""
    entry = state.entries.get(step.id)
    if entry is not None and entry.outcome is Outcome.REQUESTED:
        return asked_on(state, entry)
    if step.verb is not Verb.PROBE:
        return None
    requests = [state.latest(step.address, verb) for verb in sorted(ASKED)]
    done = [each for each in requests if each is not None and each.outcome is Outcome.DONE]
    return max((min(each.at, spoken_at(state, each) or each.at) for each in done), default=None)


def waits_for_vendor(step: Step) -> bool:
    """Whether it is the vendor who is waited for, and not a person or a date."""
    if step.mode is Mode.WAIT:
        return step.kind not in (Kind.FREEZE, Kind.API_KEY)
    return step.mode is Mode.MANUAL and (step.verb is Verb.PROBE or step.kind is Kind.CERTIFICATE)


def _patience(desired: Desired, step: Step, state: State) -> str | None:
    """Until when the vendor may be silent: so long after the request, its last acknowledgement, or the day that it named,
    whichever is the last."""
    after, asked = desired.reminders.escalate_after, asked_at(state, step)
    if after is None or asked is None or not waits_for_vendor(step):
        return None
    entry = state.entries.get(step.id)
    named = step.not_before or (entry.until if entry is not None else None)
    anchor = max(each for each in (asked, acknowledged(state.contacts, step.address), named) if each)
    return _moved(desired, anchor, after, 1)


def _coming(desired: Desired, step: Step, state: State, now: str) -> str | None:
    """The date of which a person is to be reminded by now: the one on which a step is due, or on which an end that was
    asked for should have come."""
    if step.mode is not Mode.MANUAL:
        return None
    if step.deadline is not None:
        first = _moved(desired, step.deadline, desired.reminders.before, -1)
        return step.deadline if first is not None and first <= now else None
    if waits_for_vendor(step) and step.not_before is not None and asked_at(state, step) is not None:
        return step.not_before if step.not_before <= now else None
    return None


def _moved(desired: Desired, at: str, period: Period, step: int) -> str | None:
    """A moment so long after (1: the end of that day) or before (-1: its beginning) another one, in the customer's zone;
    None where nobody can know yet which days are working days."""
    calendar = desired.contract.calendar if desired.contract is not None else Calendar()
    try:
        moment = datetime.fromisoformat(at) - timedelta(seconds=step < 0)  # the end of a day is the midnight after it
        day = shift(today(moment.isoformat(), calendar.zone), period, step, customer_days(calendar))
        return ends(day if step > 0 else day - timedelta(days=1), calendar.zone)
    except (Unpublished, OverflowError):
        return None


def _nudge(what: Nudging, step: Step, to: str, due: str, state: State) -> Nudge:
    vendor = waits_for_vendor(step)
    who = "" if vendor else step.owner or ""
    return Nudge(
        what, step.id, step.address, step.verb, to, due, who, vendor, asked_at(state, step), step.label,
    )  # fmt: skip
