"""Dates as a page shows them: `2026-12-15 18:00 UTC`, and how far away they are. What is no date is shown as it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from crmstate.views.catalogue import Catalogue

NEAR = 14
"""Days: what falls due sooner is marked."""


def moment(text: str | None) -> datetime | None:
    """A time, or a day at its beginning, in UTC; None where the text is neither."""
    try:
        found = datetime.fromisoformat(text or "")
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def shown(text: str | None, words: Catalogue) -> str:
    """A time to the minute; a day as the day. Midnight is shown as the time that it is: as a day it would be that on which
    what ended with the day before is over."""
    found = moment(text)
    if found is None:
        return words.safe(text or "")
    if not _timed(text):
        return found.date().isoformat()
    return f"{found:%Y-%m-%d %H:%M} UTC"


def _timed(text: str | None) -> bool:
    """Whether it is a time, and not a day."""
    return len(text or "") > len("2026-12-15")


def day(text: str | None) -> date | None:
    """The day of a time, in UTC."""
    found = moment(text)
    return found.date() if found is not None else None


def last_day(text: str | None) -> date | None:
    """The last day, in UTC, on which something that is due by then is in time: midnight ends the day before it."""
    found = moment(text)
    if found is None or found == datetime.min.replace(tzinfo=UTC):
        return None
    return (found - timedelta(seconds=1)).date() if _timed(text) else found.date()


def away(text: str | None, now: str, words: Catalogue) -> str:
    """`in 3 days`, `today`, `3 days late`; nothing where that cannot be said."""
    then, today = last_day(text), day(now)
    if then is None or today is None:
        return ""
    days = (then - today).days
    code = "page.today" if days == 0 else "page.in_days" if days > 0 else "page.late"
    return words.text_of(code, n=abs(days))


def tone(text: str | None, now: str) -> str:
    """late, soon, or nothing."""
    then, today = last_day(text), day(now)
    at, here = moment(text), moment(now)
    if then is None or today is None or at is None or here is None:
        return ""
    days = (then - today).days
    return "late" if days < 0 or (_timed(text) and _timed(now) and at < here) else "soon" if days <= NEAR else ""


def lasting(text: str | None, now: str, words: Catalogue) -> str:
    """For how long already: `27 days`; nothing for less than one."""
    then, today = day(text), day(now)
    days = (today - then).days if then is not None and today is not None else 0
    return words.text_of("page.days", n=days) if days > 0 else ""
