"""Workdays: on which days people work, in one or several regions at once.

The `holidays` library is asked two things only: whether a day is one to work on, and which regions it knows. Where a
government moves working days by decree, year by year, the library silently knows nothing of the years to come; these
countries have a last known year here, and beyond it nothing is computed: `Unpublished` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import Protocol

from crmstate.core.message import Message, message

KNOWN_UNTIL = {
    "AZ": 2025,
    "BY": 2026,
    "CN": 2026,
    "HU": 2026,
    "KG": 2025,
    "KZ": 2025,
    "LV": 2026,
    "MM": 2025,
    "RU": 2026,
    "UZ": 2026,
    "VN": 2026,
}
"""The last year whose moved working days are known, for countries that decree them year by year. Of every other country
the holidays follow from its laws as the library has them."""
SPARE, EVERY = 12, 10
"""What to have in hand where a year is not decreed: so many weekdays, and one more for every so many working days. In no year
that is known anywhere in `KNOWN_UNTIL` have more weekdays been free (a test counts)."""
LONGEST = 40
"""Days without a single one to work on, after which a calendar is not believed any more."""


class Unpublished(Exception):
    """The working days of a year are not known; `why` is for the reader."""

    def __init__(self, why: Message) -> None:
        super().__init__(why.code)
        self.why = why


class _Region(Protocol):
    def is_working_day(self, key: date, /) -> bool: ...


@lru_cache(maxsize=16)
def _region(code: str) -> _Region:
    import holidays

    country, _, part = code.partition("-")
    found: _Region = holidays.country_holidays(country, subdiv=part or None)
    return found


def known(code: str) -> bool:
    """Whether there is a calendar of a country or region, written as `DE` or `DE-BY`."""
    import holidays

    country, dash, part = code.partition("-")
    regions = holidays.list_supported_countries(include_aliases=False)
    return country in regions and (not dash or part in regions[country])


def decreed(code: str, year: int) -> bool:
    """Whether the working days of a year are known in a country or region."""
    until = KNOWN_UNTIL.get(code[:2])
    return until is None or year <= until


class Workdays:
    """The days on which people work in every one of some regions. Without a region: Monday to Friday, and the reader
    is told (`notes`)."""

    def __init__(self, regions: Iterable[str | None] = (), beyond: str = "") -> None:
        self.regions = tuple(dict.fromkeys(region for region in regions if region))
        self.beyond = beyond
        """What is taken for granted of a year that is not decreed: nothing, that everybody works on its `weekdays`, or on
        `all` its days."""

    @property
    def notes(self) -> tuple[Message, ...]:
        """What a reader of a date that relies on this has to know."""
        return () if self.regions else (message("date.weekdays"),)

    def working(self, day: date) -> bool:
        """Whether people work on a day. Raises Unpublished where nobody can know that yet."""
        if not self.regions:
            return day.weekday() < 5
        for code in self.regions:
            if not self.beyond and not decreed(code, day.year):
                until = str(KNOWN_UNTIL[code[:2]])
                raise Unpublished(message("undated.calendar", region=code, year=str(day.year), until=until))
        return all(self._works(code, day) for code in self.regions)

    def _works(self, code: str, day: date) -> bool:
        if decreed(code, day.year):
            return _region(code).is_working_day(day)
        return self.beyond == "all" or day.weekday() < 5

    def near(self, day: date, step: int) -> date:
        """The day itself where people work on it, else the nearest one before (`step` -1) or after it (1)."""
        for _ in range(LONGEST):
            if self.working(day):
                return day
            day += timedelta(days=step)
        raise Unpublished(message("undated.no_workday", day=day.isoformat()))

    def count(self, day: date, days: int, step: int) -> date:
        """The day so many working days before or after; the start day is not counted."""
        for _ in range(days):
            day = self.near(day + timedelta(days=step), step)
        return day

    def latest(self, day: date, days: int) -> date:
        """Where a year is not decreed: the last day that so many working days before another can be, if all its days are worked
        on."""
        return Workdays(self.regions, "all").count(day, days, -1)

    def early(self, day: date, days: int, step: int) -> date:
        """Where a year is not decreed: a day that is not after the one so many working days before or after another. Before:
        as many weekdays of such years as are in hand count as free ones. After: every day of them counts."""
        if step > 0:
            return Workdays(self.regions, "all").count(day, days, step)
        presumed = Workdays(self.regions, "weekdays")
        spare = (SPARE + days // EVERY) * sum(code[:2] in KNOWN_UNTIL for code in self.regions)
        while days:
            day -= timedelta(days=1)
            if not presumed.working(day):
                continue
            if spare and not all(decreed(code, day.year) for code in self.regions):
                spare -= 1
            else:
                days -= 1
        return day
