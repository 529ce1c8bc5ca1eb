"""What vendors say of times: how long to wait, and when something was."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from crmstate.providers.kit.wire import Answer


def retry_after(answer: Answer) -> float | None:
    """`Retry-After` in seconds: a number, or a date against the answer's own `Date`. None where it says nothing
    usable."""
    text = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        return float(text)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(answer.headers["date"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return max(0.0, wait.total_seconds())


def told(answer: Answer) -> datetime | None:
    """The time at which an answer was made, by the clock of whoever made it. None where it says nothing usable."""
    try:
        found = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)|\d{4}-\d\d-\d\d")


def instant(text: str | None) -> str | None:
    """A vendor's date or time as it is, or None where it is neither: nothing else may get into a plan or a state as a
    time."""
    return text if text and len(text) <= 40 and _INSTANT.fullmatch(text) else None
