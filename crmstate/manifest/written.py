"""Written: what dates, periods, amounts and moments look like, and what they say. Text in, values out; None for
none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

UNITS = ("days", "working_days", "weeks", "months", "years")
_UNIT = "(?:days?|working_days?|weeks?|months?|years?)"

DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
DURATION = rf"^[1-9][0-9]{{0,3}} {_UNIT}$"
INTERVAL = rf"^every [1-9][0-9]{{0,3}} {_UNIT}$"
TIME = r"^(now|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)$"
POINT = r"[a-z0-9][a-z0-9_-]{0,62}"
MOMENT = rf"^([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|[1-9][0-9]{{0,3}} {_UNIT} (before|after) {POINT})$"
AMOUNT = r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$"
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
SHARE = r"^(100|[0-9]{1,2}(\.[0-9]{1,3})?)%$"

_OF_THE_MACHINE = ("localtime", "posixrules", "Factory")
_DATE = re.compile(DATE, re.ASCII)
_DURATION = re.compile(rf"([1-9][0-9]{{0,3}}) ({_UNIT})", re.ASCII)
_MOMENT = re.compile(rf"([1-9][0-9]{{0,3}} {_UNIT}) (before|after) ({POINT})", re.ASCII)
_TIME = re.compile(TIME, re.ASCII)
_YEARS = (1900, 9998)
_AMOUNT = re.compile(AMOUNT, re.ASCII)
_SHORTEST = {"days": 1, "working_days": 1, "weeks": 7, "months": 28, "years": 365}
_LONGEST = {"days": 1, "working_days": 4, "weeks": 7, "months": 31, "years": 366}
_COMMON = {"days": ("day", 1), "weeks": ("day", 7), "months": ("month", 1), "years": ("month", 12)}


@dataclass(frozen=True, slots=True)
class Duration:
    """A period: `count` of `unit` (plural)."""

    count: int
    unit: str

    def exceeds(self, other: Duration) -> bool:
        """Whether it is certainly longer, whatever the months involved."""
        mine, theirs = _COMMON.get(self.unit), _COMMON.get(other.unit)
        if mine and theirs and mine[0] == theirs[0]:
            return self.count * mine[1] > other.count * theirs[1]
        return self.count * _SHORTEST[self.unit] > other.count * _LONGEST[other.unit]


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, or a period before or after a point (a milestone, or a person step's id)."""

    day: date | None = None
    duration: Duration | None = None
    side: str = ""
    point: str = ""


def read_date(text: str) -> date | None:
    """A day that exists, written as 2026-12-31."""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def read_duration(text: str) -> Duration | None:
    """`12 months`, `60 days`, `5 working_days`."""
    match = _DURATION.fullmatch(text)
    return Duration(int(match[1]), match[2].rstrip("s") + "s") if match else None


def read_moment(text: str) -> Moment | None:
    """`30 days before freeze`, or a day."""
    if day := read_date(text):
        return Moment(day=day)
    match = _MOMENT.fullmatch(text)
    return Moment(None, read_duration(match[1]), match[2], match[3]) if match else None


def read_time(text: str) -> datetime | None:
    """A time that exists on the calendar, with its zone where one is written; never `now`, and never so early or late
    that another zone could not show it."""
    try:
        found = datetime.fromisoformat(text) if text != "now" and _TIME.fullmatch(text) else None
    except ValueError:
        return None
    return found if found is not None and _YEARS[0] <= found.year <= _YEARS[1] else None


def read_amount(text: str) -> Decimal | None:
    """A sum of money: digits, and a point before the decimals."""
    return Decimal(text) if _AMOUNT.fullmatch(text) else None


def read_zone(text: str) -> ZoneInfo | None:
    """A zone of the time zone database; not one that is another on every machine."""
    if text.startswith(_OF_THE_MACHINE):
        return None
    if not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", text, re.ASCII):
        return None
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        return None


def in_utc(time: datetime, zone: tzinfo) -> str:
    """The time in UTC as ISO 8601 ending in `Z`; a time without a zone is taken to be in `zone`."""
    aware = time if time.tzinfo else time.replace(tzinfo=zone)
    return aware.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def skipped(time: datetime, zone: tzinfo) -> bool:
    """Whether the clocks of the zone never show this local time (they jump over it)."""
    return _there_and_back(time, zone) != time.replace(fold=0)


def twice(time: datetime, zone: tzinfo) -> bool:
    """Whether the clocks of the zone show this local time twice."""
    first, second = (time.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first != second and not skipped(time, zone)


def _there_and_back(time: datetime, zone: tzinfo) -> datetime:
    there = time.replace(tzinfo=zone, fold=0)
    offset = there.utcoffset() or timedelta()
    utc = (time - offset).replace(tzinfo=UTC)
    return utc.astimezone(zone).replace(tzinfo=None, fold=0)
