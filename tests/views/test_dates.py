"""Dates on a page: midnight ends the day before it, and what is over is late."""

from __future__ import annotations

import pytest

from crmstate.views.catalogue import Catalogue
from crmstate.views.dates import away, shown, tone

EN = Catalogue("en", strict=True)
END = "2029-02-01T00:00:00Z"
"""The end of 31 January."""


def test_midnight_is_shown_as_a_time_and_a_day_as_a_day() -> None:
    assert [shown(each, EN) for each in (END, "2029-02-01", "2029-02-01T17:05:00Z")] == [
        "2029-02-01 00:00 UTC",
        "2029-02-01",
        "2029-02-01 17:05 UTC",
    ]


@pytest.mark.parametrize(
    ("at", "now", "said", "how"),
    [
        (END, "2029-01-30T08:00:00Z", "in 1 day", "soon"),
        (END, "2029-01-31T08:00:00Z", "today", "soon"),
        (END, "2029-02-01T08:00:00Z", "1 day late", "late"),
        ("2029-02-01T17:00:00Z", "2029-02-01T08:00:00Z", "today", "soon"),
        ("2029-02-01T17:00:00Z", "2029-02-01T18:00:00Z", "today", "late"),
        ("2029-02-01", "2029-02-01T18:00:00Z", "today", "soon"),
        ("2029-02-01", "2029-02-02T01:00:00Z", "1 day late", "late"),
        ("0001-01-01T00:00:00Z", "2029-02-02T01:00:00Z", "", ""),
        ("?", "2029-02-02T01:00:00Z", "", ""),
    ],
)
def test_what_is_due_by_the_end_of_a_day_is_late_on_the_next(at: str, now: str, said: str, how: str) -> None:
    assert (away(at, now, EN), tone(at, now)) == (said, how)
