"""Contacts: what the log of talks with the vendor says of a step, and what it can prove. An entry is never changed: a
correction is a new one, and from then on only the new one counts.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from crmstate.core.address import Address, address
from crmstate.core.event import Contacted
from crmstate.core.words import Channel, Contacting, Kind, Nudging, Verb

SWITCHING = address(Kind.NOTICE, "switching_request")
"""The request to switch by the EU Data Act, as the contact log names it."""
ASKED = frozenset({Verb.CANCEL, Verb.RENEW_OFF, Verb.PAUSE, Verb.DOWNGRADE, Verb.CLOSE})
"""What the vendor does when it is asked, by and by, or not at all."""


class Spoken(msgspec.Struct, frozen=True):
    """A contact as it stands beside a step: nothing of the person and of what was said."""

    id: str
    at: str
    kind: Contacting
    channel: Channel


def corrected(log: Mapping[str, Contacted]) -> dict[str, str]:
    """The entries that another one stands for, each with that one's id."""
    return {each.corrects: each.id for each in log.values() if each.corrects}


def standing(log: Mapping[str, Contacted]) -> list[Contacted]:
    """The entries that count, by the time of the talk."""
    gone = corrected(log)
    return sorted((each for each in log.values() if each.id not in gone), key=lambda each: (each.when, each.at))


def proves(contact: Contacted, place: Address) -> bool:
    """Whether the vendor acknowledged in it what was asked for: it is an acknowledgement, and of nothing else."""
    return contact.kind is Contacting.ACKNOWLEDGEMENT and place in contact.steps


def asks(contact: Contacted | None, place: Address) -> bool:
    """Whether the vendor was asked in it for this: that shows that somebody asked, and when."""
    return contact is not None and contact.kind is Contacting.REQUEST and place in contact.steps


def spoken(log: Mapping[str, Contacted]) -> dict[Address, Spoken]:
    """The last contact about each address."""
    found: dict[Address, Spoken] = {}
    for each in standing(log):
        for place in each.steps:
            found[place] = Spoken(each.id, each.when, each.kind, each.channel)
    return found


def acknowledged(log: Mapping[str, Contacted], place: Address) -> str | None:
    """When the vendor last acknowledged something about an address."""
    found = [each.when for each in standing(log) if place in each.steps and proves(each, place)]
    return max(found, default=None)


def switching(log: Mapping[str, Contacted]) -> Contacted | None:
    """What shows the vendor's receipt of the first request to switch that counts: its acknowledgement, and where there is
    none the request itself, whose `when` is taken for it."""
    about = [each for each in standing(log) if SWITCHING in each.steps]
    asked = next((each for each in about if each.kind is Contacting.REQUEST), None)
    if asked is None:
        return None
    return next((each for each in about if proves(each, SWITCHING) and each.when >= asked.when), asked)


def told_key(step: str, what: Nudging, due: str) -> str:
    """The key under which it is on record that somebody was told, once for each date."""
    return f"{step} {what.value} {due}"
