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


class Workdays:
    """The days on which people work in every one of some regions. Without a region: Monday to Friday, and the reader
    is told (`notes`)."""

    def __init__(self, regions: Iterable[str | None] = ()) -> None:
        self.regions = tuple(dict.fromkeys(region for region in regions if region))

    @property
    def notes(self) -> tuple[Message, ...]:
        """What a reader of a date that relies on this has to know."""
        return () if self.regions else (message("date.weekdays"),)

    def working(self, day: date) -> bool:
        """Whether people work on a day. Raises Unpublished where nobody can know that yet."""
        if not self.regions:
            return day.weekday() < 5
        for code in self.regions:
            until = KNOWN_UNTIL.get(code[:2])
            if until is not None and day.year > until:
                raise Unpublished(message("undated.calendar", region=code, year=str(day.year), until=str(until)))
        return all(_region(code).is_working_day(day) for code in self.regions)

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
