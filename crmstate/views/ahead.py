"""Ahead: what falls due next, from dates and from whatever is waited for until a day, in one order."""

from __future__ import annotations

import msgspec

from crmstate.core.address import Address
from crmstate.core.message import Message
from crmstate.core.words import Verb
from crmstate.views.dates import moment
from crmstate.views.standing import Standing


class Due(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that falls due. `who` has to see to it; `missed`: what it costs to miss, `explanation`: how the
    date came about, where that is known."""

    at: str
    address: Address
    who: str = ""
    verb: Verb | None = None
    label: str = ""
    why: Message | None = None
    missed: tuple[Message, ...] = ()
    explanation: tuple[Message, ...] = ()


def ahead(found: Standing) -> list[Due]:
    """The soonest first; what is overdue stands before that."""
    dues = [
        Due(
            each.at,
            each.address,
            getattr(each, "owner", None) or "",
            why=each.why,
            missed=getattr(each, "missed", ()),
            explanation=getattr(each, "explanation", ()),
        )
        for each in found.deadlines
    ]
    dues += [
        Due(each.until, each.address, each.who, each.verb, each.label, each.why) for each in found.waits if each.until
    ]
    known: dict[object, Due] = {}
    for due in dues:
        known.setdefault((due.at, due.address, due.verb, due.who), due)
    return sorted(known.values(), key=_order)


def _order(due: Due) -> tuple[str, str]:
    at = moment(due.at)
    return at.isoformat() if at is not None else "~" + due.at, due.address
