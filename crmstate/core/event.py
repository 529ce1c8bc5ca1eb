"""Event: what happened, in past tense, as data. State, audit log, JSON stream and progress display read the same
events.

`at` is ISO 8601 UTC by the injected clock. Events hold addresses and labels, never record values and never secrets.
"""

from __future__ import annotations

from collections.abc import Iterable

from crmstate.core.events.event import Event
from crmstate.core.events.evidence import Check, Evidence
from crmstate.core.events.notice import Addressed, Answered, Bounced, Delivery, Sending
from crmstate.core.events.paper import Claimed, Compared, Destruction, Examined, Filled, Remark, Remarked, Struck
from crmstate.core.events.person import Approved, Confirmed, Contacted, Held, Released, Reminded, Retracted, TakenBack
from crmstate.core.events.run import (
    Advanced,
    Finished,
    Intended,
    Observed,
    Pace,
    Progressed,
    Reopened,
    Settled,
    Settlement,
    Started,
    StepRef,
)
from crmstate.core.events.state import Created, Repaired, Restored, Unlocked
from crmstate.core.events.watch import Sight, Watched

__all__ = [
    "SINCE",
    "Addressed",
    "Advanced",
    "Answered",
    "AnyEvent",
    "Approved",
    "Bounced",
    "Check",
    "Claimed",
    "Compared",
    "Confirmed",
    "Contacted",
    "Created",
    "Delivery",
    "Destruction",
    "Event",
    "Evidence",
    "Examined",
    "Filled",
    "Finished",
    "Held",
    "Intended",
    "Observed",
    "Pace",
    "Progressed",
    "Released",
    "Remark",
    "Remarked",
    "Reminded",
    "Reopened",
    "Repaired",
    "Restored",
    "Retracted",
    "Sending",
    "Settled",
    "Settlement",
    "Sight",
    "Started",
    "StepRef",
    "Struck",
    "TakenBack",
    "Unlocked",
    "Watched",
    "format_of",
    "since",
]

AnyEvent = (
    Created
    | Started
    | Intended
    | Settled
    | Advanced
    | Addressed
    | Sending
    | Answered
    | Bounced
    | Reopened
    | Confirmed
    | Contacted
    | Reminded
    | Approved
    | Held
    | Released
    | Observed
    | Finished
    | Repaired
    | Restored
    | Unlocked
    | Claimed
    | Struck
    | Examined
    | Compared
    | Remarked
    | Watched
    | TakenBack
    | Retracted
)

SINCE: dict[type[Event], int] = {Bounced: 2, Watched: 2, TakenBack: 3, Retracted: 3}
"""Events that an earlier format does not know: what holds one is written in this format, so that a version that cannot read
it says so and leaves it alone. A new event, or a new word in an old one, raises `record.FORMAT` and stands here."""


def since(events: Iterable[AnyEvent]) -> int:
    """The lowest format that knows all of these events."""
    return max((format_of(each) for each in events), default=1)


def format_of(event: AnyEvent) -> int:
    """The lowest format that knows this event, and everything that it says."""
    if type(event) is Confirmed and (event.on or event.out_of_order):
        return 3
    return SINCE.get(type(event), 1)
