"""Deadline: a day, a period and a rule become a date that explains itself.

Months and years are counted in one step from the anchor, never chained, and clamped to the month's end. A date counted
backwards only ever rolls earlier; one counted forwards rolls later only where a rule is cited that says so. What cannot
be known is a value of its own, `Unknown`, with its reason; nobody guesses. No clock, no locale and no zone of the machine
is read here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

import msgspec

from crmstate.core.contract import Calendar, Period
from crmstate.core.message import Message, message
from crmstate.core.workdays import Unpublished, Workdays


class Unknown(msgspec.Struct, frozen=True, omit_defaults=True):
    """No date, and why not. `counted`: the latest day (ISO) that it can be, where only the working days around it are not
    known, and `early` one that is early enough."""

    why: tuple[Message, ...]
    counted: str | None = None
    early: str | None = None


class Dated(msgspec.Struct, frozen=True, omit_defaults=True):
    """A date that explains itself. `day`: ISO, in `zone`; `starts` and `at`: the first and the last moment of it, ISO
    8601 UTC (the end of a day is the midnight after it); `counted`: the day before it was rolled, where that is another;
    periods that follow are counted from it. `clock`: the time of day at which it ends, where it is not the day's end.
    `real`: it happened, and is on record."""

    day: str
    at: str
    starts: str
    why: tuple[Message, ...]
    zone: str = "UTC"
    counted: str | None = None
    clock: str | None = None
    real: bool = False

    @property
    def unrolled(self) -> date:
        """The day as it was counted."""
        return date.fromisoformat(self.counted or self.day)


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a day follows from another. `side`: before or after; `roll`: none, earlier, later (which counts only with
    `cited`, the rule that says so); `bound`: at_most, at_least, exactly; `month_end`: an anchor at a month's end stays at
    the month's end; `counts_start`: the anchor's own day is the first of the period. `source` and `checked_on`: where the
    period is from, and when somebody last read it there."""

    period: Period
    side: str
    roll: str = "none"
    cited: str = ""
    bound: str = "at_most"
    month_end: bool = False
    counts_start: bool = False
    source: str = ""
    checked_on: str = ""


class Counted(msgspec.Struct, frozen=True):
    """What a rule makes of a day: as counted, and rolled."""

    unrolled: date
    day: date
    why: tuple[Message, ...]


def shift(anchor: date, period: Period, step: int, workdays: Workdays, *, month_end: bool = False) -> date:
    """The day so long after (`step` 1) or before (-1) another, which is not counted. Raises Unpublished, and
    OverflowError outside the calendar."""
    if period.unit == "working_days":
        return workdays.count(anchor, period.count, step)
    if period.unit in ("months", "years"):
        return months(anchor, step * period.count * (12 if period.unit == "years" else 1), month_end=month_end)
    return anchor + step * timedelta(days=period.count * (7 if period.unit == "weeks" else 1))


def months(anchor: date, count: int, *, month_end: bool = False) -> date:
    """So many months later, in one step; a day that the month does not have becomes its last. Raises OverflowError."""
    from dateutil.relativedelta import relativedelta

    last = (anchor + timedelta(days=1)).day == 1 if anchor < date.max else True
    try:
        found = anchor + relativedelta(months=count)
        return found + relativedelta(day=31) if month_end and last else found
    except ValueError as error:
        raise OverflowError(str(error)) from None


def count(rule: Rule, anchor: date, workdays: Workdays) -> Counted:
    """The day that a rule makes of another, with the explanation. Raises Unpublished and OverflowError."""
    step = -1 if rule.side == "before" else 1
    start = anchor
    if rule.counts_start and rule.period.unit == "working_days":
        start = anchor - step * timedelta(days=1)
    counted = shift(start, rule.period, step, workdays, month_end=rule.month_end)
    if rule.counts_start and rule.period.unit != "working_days":
        counted -= step * timedelta(days=1)
    said = message("date.before", period=rule.period, day=counted) if step < 0 else _after(rule, counted)
    why = [said]
    if rule.period.unit == "working_days":
        why += workdays.notes
    rolled = roll(rule, counted, workdays)
    if rolled < counted:
        why.append(message("date.rolled_earlier", day=rolled))
    elif rolled > counted:
        why.append(message("date.rolled_later", day=rolled, cited=rule.cited))
    if rule.roll == "earlier" and rule.period.unit != "working_days":
        why += workdays.notes
    return Counted(counted, rolled, tuple(why))


def _after(rule: Rule, day: date) -> Message:
    return message("date.after", period=rule.period, day=day)


def roll(rule: Rule, day: date, workdays: Workdays) -> date:
    """Where a rule moves a day to on which nobody works. Never later when counted backwards, nor without a citation."""
    if rule.roll == "earlier":
        return workdays.near(day, -1)
    if rule.roll == "later" and rule.side == "after" and rule.cited:
        return workdays.near(day, 1)
    return day


def follow(
    rule: Rule,
    anchor: date,
    workdays: Workdays,
    *,
    zone: str | None = None,
    clock: str | None = None,
    why: tuple[Message, ...] = (),
) -> Dated | Unknown:
    """The date that a rule makes of a day: until `clock` (HH:MM), or the day's end, in a zone. `why` explains the
    anchor, and comes first."""
    found = unless_unknown(lambda: _follow(rule, anchor, workdays, zone, clock, why), why)
    working = rule.period.unit == "working_days"
    if isinstance(found, Dated) or (rule.roll == "none" and not working) or (working and rule.side == "after"):
        return found
    try:
        if working:
            last, early = workdays.latest(anchor, rule.period.count), workdays.early(anchor, rule.period.count, -1)
            return Unknown((*why, *found.why[-1:]), last.isoformat(), early.isoformat())
        counted = count(msgspec.structs.replace(rule, roll="none"), anchor, workdays)
        before = rule.side == "before"
        said = workdays.early(counted.day + timedelta(days=1), 1, -1).isoformat() if before else None
    except (Unpublished, OverflowError):
        return found
    return Unknown((*why, *counted.why, *found.why[-1:]), counted.day.isoformat(), said)


def surely(day: date, period: Period, step: int, workdays: Workdays) -> tuple[date, tuple[Message, ...]]:
    """A day so long before (`step` -1) or after (1) another, or as much earlier as it takes where the working days of its year
    are not decreed; then with the reason. Raises Unpublished where not even that is known, and OverflowError."""
    try:
        return shift(day, period, step, workdays), ()
    except Unpublished as error:
        found = workdays.early(day, period.count, step)
        return found, (error.why, message("date.early", day=found))


def _follow(
    rule: Rule, anchor: date, workdays: Workdays, zone: str | None, clock: str | None, why: tuple[Message, ...]
) -> Dated:
    found = count(rule, anchor, workdays)
    return on(found.day, zone, clock, (*why, *found.why), counted=found.unrolled)


def unless_unknown(make: Callable[[], Dated], why: tuple[Message, ...] = ()) -> Dated | Unknown:
    """A date, or the reason why there is none: a calendar that is not known yet, a day beyond all calendars."""
    try:
        return make()
    except Unpublished as error:
        return Unknown((*why, error.why))
    except OverflowError:
        return Unknown((*why, message("undated.beyond")))


def on(
    day: date,
    zone: str | None,
    clock: str | None = None,
    why: tuple[Message, ...] = (),
    *,
    counted: date | None = None,
    real: bool = False,
) -> Dated:
    """A day in a zone as a date, until `clock` or its end; without a zone in UTC, and the reader is told. Raises
    OverflowError."""
    said = message("date.until_end", zone=zone or "UTC") if clock is None else message("date.until", clock=clock, zone=zone or "UTC")  # fmt: skip
    notes = () if zone else (message("date.no_zone"),)
    return Dated(
        day=day.isoformat(),
        at=ends(day, zone, clock),
        starts=stamp(datetime.combine(day, time(), where(zone))),
        why=(*why, said, *notes),
        zone=zone or "UTC",
        counted=counted.isoformat() if counted is not None and counted != day else None,
        clock=clock,
        real=real,
    )


def ends(day: date, zone: str | None, clock: str | None = None) -> str:
    """The last moment of a day in a zone, or its time `clock`; ISO 8601 UTC. A time that the clocks show twice is meant
    the first time. Raises OverflowError."""
    if clock is not None:
        return stamp(datetime.combine(day, time.fromisoformat(clock), where(zone)))
    return stamp(datetime.combine(day + timedelta(days=1), time(), where(zone)))


def moment(at: str, zone: str | None, why: tuple[Message, ...] = (), *, real: bool = False) -> Dated:
    """A moment, ISO 8601 with its zone, as a date: the day on which it is, in a zone, until that moment."""
    local = datetime.fromisoformat(at).astimezone(where(zone))
    return Dated(
        day=local.date().isoformat(),
        at=stamp(local),
        starts=stamp(datetime.combine(local.date(), time(), where(zone))),
        why=why,
        zone=zone or "UTC",
        clock=local.strftime("%H:%M"),
        real=real,
    )


def today(at: str, zone: str | None) -> date:
    """The day that it is in a zone at a moment, ISO 8601 UTC."""
    return datetime.fromisoformat(at).astimezone(where(zone)).date()


def stamp(at: datetime) -> str:
    """A moment as ISO 8601 UTC. Raises OverflowError outside the calendar."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=32)
def where(zone: str | None) -> tzinfo:
    """A zone by its name in the time zone database; UTC for none."""
    if zone is None or zone == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(zone)


def customer_days(calendar: Calendar) -> Workdays:
    """The days on which the customer works."""
    return Workdays((calendar.holidays,))


def common_days(calendar: Calendar) -> Workdays:
    """The days on which customer and vendor both work."""
    return Workdays((calendar.holidays, calendar.vendor_holidays))
