"""The dates of a decommissioning as a calendar (RFC 5545), to be subscribed to or imported again and again: an event keeps
its name as long as it is about the same thing.

A calendar without a date is a calendar all the same: whoever subscribes to it sees that nothing falls due any more. RFC 5545
wants one component at least, so such a one holds the definition of UTC and nothing else.

An event ends at the last moment of its date, and begins half an hour before it: the end of a day is midnight, and an event
that began then would show on the day after.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from crmstate.core.plan import Deadline
from crmstate.core.planning.timeline import Timeline
from crmstate.views.catalogue import Catalogue
from crmstate.views.plan_parts import explained

if TYPE_CHECKING:
    from icalendar import Event, Timezone

SHOWN = timedelta(minutes=30)


def deadlines_ics(found: Timeline, words: Catalogue) -> bytes:
    """The calendar file."""
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", "-//crmstate//deadlines//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", words.text_of("deadlines.calendar", name=found.name))
    for each in found.dates:
        calendar.add_component(_event(each, found, words))
    if not found.dates:
        calendar.add_component(_utc())
    made: bytes = calendar.to_ical()
    return made


def _utc() -> Timezone:
    from icalendar import Timezone, TimezoneStandard

    zone, standard = Timezone(), TimezoneStandard()
    zone.add("tzid", "Etc/UTC")
    standard.add("dtstart", datetime(1970, 1, 1))
    standard.add("tzoffsetfrom", timedelta())
    standard.add("tzoffsetto", timedelta())
    zone.add_component(standard)
    return zone


def _event(each: Deadline, found: Timeline, words: Catalogue) -> Event:
    from icalendar import Event

    event, ends = Event(), datetime.fromisoformat(each.at)
    name = f"{found.name}\n{each.what}\n{each.address}\n{each.why.code}\n{each.why.params.get('rule', '')}"
    event.add("uid", f"{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}@crmstate")
    event.add("dtstamp", datetime.fromisoformat(found.as_of))
    begins = each.why.params.get("bound") == "none"  # something starts then: it is not over
    event.add("dtstart", ends if begins else ends - SHOWN)
    event.add("dtend", ends + SHOWN if begins else ends)
    event.add("summary", f"{found.name}: {words.text(each.why)}")
    event.add("description", "\n".join(explained(each, words)))
    event.add("categories", [each.what])
    event.add("transp", "TRANSPARENT")
    return event
