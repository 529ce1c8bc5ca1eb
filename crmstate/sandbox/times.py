"""Times, dates and durations as the sandbox writes them. It never asks the real clock."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(?:\d{1,9}[smhdw])+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LAST_YEAR = 9000


def stamp(moment: datetime) -> str:
    """The moment as text in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """The moment that `2026-11-01T00:00:00Z` (any offset, or a bare date) names; ValueError otherwise."""
    if not re.match(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(f"not a time: {text!r}")
    found = datetime.fromisoformat(text)
    if found.year > _LAST_YEAR or found.year < 1000:
        raise ValueError(f"not a year of this world: {text!r}")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def day(text: str) -> date:
    """The date that `2026-12-31` names; ValueError otherwise."""
    if not _DATE.fullmatch(text):
        raise ValueError(f"not a date: {text!r}")
    found = date.fromisoformat(text)
    if found.year > _LAST_YEAR or found.year < 1000:
        raise ValueError(f"not a year of this world: {text!r}")
    return found


def duration(text: str) -> timedelta:
    """`30d`, `12h`, `15m` (minutes), `2w`, `45s`, or several in a row; ValueError otherwise."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"not a duration: {text!r} (such as 30d, 12h, 15m, 2w)")
    total = timedelta()
    try:
        for number, unit in re.findall(r"(\d+)([smhdw])", text):
            total += timedelta(**{_UNITS[unit]: int(number)})
    except OverflowError as error:
        raise ValueError(f"too long: {text!r}") from error
    return total


def later(start: str, by: timedelta) -> str:
    """The time `by` after `start`, as text; ValueError where the calendar ends."""
    try:
        found = moment(start) + by
    except OverflowError as error:
        raise ValueError(f"{by} after {start} is beyond the calendar") from error
    if found.year > _LAST_YEAR:
        raise ValueError(f"{by} after {start} is beyond the calendar")
    return stamp(found)


def midnight_after(now: str) -> str:
    """The next midnight (UTC) strictly after `now`."""
    return f"{moment(now).date() + timedelta(days=1)}T00:00:00Z"


def start_of(date_text: str) -> str:
    """The first moment of a day."""
    return f"{date_text}T00:00:00Z"


def add_months(start: date, months: int) -> date:
    """The same day so many months later, or that month's last day."""
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def next_day(date_text: str) -> str:
    return str(date.fromisoformat(date_text) + timedelta(days=1))


def day_before(found: date) -> str:
    return str(found - timedelta(days=1))
