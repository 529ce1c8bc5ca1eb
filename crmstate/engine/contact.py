"""contact(): a talk with the vendor becomes an entry of the log. What cannot be kept as it is, or speaks of a time to come
or of a step that nobody knows, is refused before anything is recorded.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from typing import TypeVar

from crmstate.core.address import Address, address, kind_of
from crmstate.core.contacts import SWITCHING, corrected
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.event import Contacted, Evidence
from crmstate.core.goal import Desired
from crmstate.core.plan import Plan
from crmstate.core.record import State
from crmstate.core.words import Channel, Contacting, Exit, Kind

LONGEST = {"person": 200, "outcome": 2000}
MOST = 50
"""Attachments of one entry."""
T = TypeVar("T")
_OURS = frozenset({Kind.HUMAN_STEP, Kind.CERTIFICATE})
"""The kinds of which the manifest and the record know every address."""


def contact(
    state: State,
    *,
    id: str,
    at: str,
    by: str,
    when: str | None = None,
    channel: Channel | None = None,
    kind: Contacting | None = None,
    person: str | None = None,
    outcome: str | None = None,
    steps: Sequence[Address] | None = None,
    attachments: tuple[Evidence, ...] = (),
    corrects: str = "",
) -> Contacted:
    """The entry. What is None is taken over from the entry that it corrects; attachments are added to that one's. Raises
    Problem (exit 64) for what is missing, is no line of text, or lies in the future; (exit 3) where another entry stands
    for the corrected one already."""
    old = _corrected(state, corrects)
    entry = Contacted(
        at=at,
        id=id,
        by=by,
        when=when or (old.when if old is not None else at),
        channel=_given("--channel", channel or (old.channel if old is not None else None)),
        kind=_given("--kind", kind or (old.kind if old is not None else None)),
        person=_line("person", person if person is not None else (old.person if old is not None else "")),
        outcome=_line("outcome", outcome if outcome is not None else (old.outcome if old is not None else "")),
        steps=tuple(dict.fromkeys(steps if steps is not None else (old.steps if old is not None else ()))),
        attachments=_once((*(old.attachments if old is not None else ()), *attachments)),
        corrects=corrects,
    )
    if entry.when > at:
        raise problem(Exit.USAGE, "CRM-C078", at=entry.when, now=at)
    if len(entry.attachments) > MOST:
        raise _wrong("attachments", "many")
    return entry


def known(desired: Desired, state: State, owed: Plan) -> frozenset[Address]:
    """The addresses that are on record, or that people and papers have to prove. `owed`: a plan made without the vendor."""
    goals = {address(Kind.HUMAN_STEP, goal.id) for goal in desired.people}
    return frozenset(
        {SWITCHING} | goals | {each.address for each in state.entries.values()} | {step.address for step in owed.steps}
    )


def unknown(steps: Sequence[Address], there: Collection[Address]) -> list[Address]:
    """The steps that are not on record and yet may be the vendor's. Raises Problem (exit 64) for one that cannot be: a
    person's step that no manifest writes."""
    lost = [place for place in steps if place not in there]
    for place in lost:
        if kind_of(place) in _OURS:
            near = sorted(each for each in there if kind_of(each) in _OURS)
            raise problem(Exit.USAGE, "CRM-C079", address=place, near=", ".join(near[:5]) or "-")
    return lost


def _corrected(state: State, id: str) -> Contacted | None:
    if not id:
        return None
    found = state.contacts.get(id)
    if found is None:
        raise problem(Exit.USAGE, "CRM-C074", id=id, known=", ".join(list(state.contacts)[-5:]) or "-")
    if (later := corrected(state.contacts).get(id)) is not None:
        raise problem(Exit.REFUSED, "CRM-C075", id=id, later=later)
    return found


def _given(option: str, value: T | None) -> T:
    if value is None:
        raise problem(Exit.USAGE, "CRM-C081", option=option)
    return value


def _line(field: str, text: str) -> str:
    """One line of text. What a terminal, a mail or a table would take for something else is none."""
    text = text.strip()
    if not text:
        raise _wrong(field, "empty")
    if len(text) > LONGEST[field]:
        raise _wrong(field, "long")
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in text):
        raise _wrong(field, "control")
    return text


def _once(files: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    return tuple({each.sha256: each for each in reversed(files)}.values())[::-1]


def _wrong(field: str, why: str) -> Problem:
    return problem(Exit.USAGE, "CRM-C077", field=field, why=why)
