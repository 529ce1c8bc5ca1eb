"""Accepted: what a vendor has taken on for later, and when it counts as taken back.

A listing that showed an act as accepted, and shows the thing as it was before, says that somebody has withdrawn it at the
vendor, or that the listing runs behind. A listing says how things stood some time ago, but never longer ago than `LAG`: of what
was accepted before that it would have to know. Until then what nobody could take back again is waited for.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from crmstate.core.record import Entry, State
from crmstate.core.survey import Resource
from crmstate.core.words import Outcome, Phase, Proof, Undo, Verb

LAG = timedelta(days=1)
"""So old what a listing says may be: some are filled once a night."""
WITHDRAWN = "withdrawn"
"""The code of a record that says that the vendor shows no more what it had accepted."""


def shown(entry: Entry) -> bool:
    """Whether the vendor's own listing has shown that it accepted this request for later."""
    return entry.outcome is Outcome.REQUESTED and entry.phase is Phase.PENDING and entry.code is None


def gone(entry: Entry, phase: Phase, now: str) -> bool:
    """Whether what the vendor had accepted is not shown any more, and the thing is as it was before: `phase`, seen now. An act
    whose own end it was to be accepted is done with that, until its day is over."""
    if phase is not Phase.PRESENT:
        return False
    if entry.outcome is Outcome.DONE and entry.phase is Phase.PENDING:
        return entry.until is None or now[:10] <= entry.until[:10]
    return shown(entry) or entry.code == WITHDRAWN


def by_word(entry: Entry) -> bool:
    """Whether somebody says that it was taken back: then no listing has to show it first."""
    return entry.code == WITHDRAWN and entry.by != ""


def lags_until(entry: Entry) -> str:
    """Until when a listing may not know yet what is on record as accepted (ISO 8601 UTC)."""
    return (datetime.fromisoformat(entry.at) + LAG).strftime("%Y-%m-%dT%H:%M:%SZ")


def certain(entry: Entry, now: str, *, final: bool) -> bool:
    """Whether it is withdrawn, and no listing that runs behind. Of what can be taken back it does not matter (not `final`): the
    vendor is looked at once more before anything is sent."""
    return not final or entry.code == WITHDRAWN or lags_until(entry) <= now


def believed(state: State, row: Resource | None, now: str) -> State:
    """The record as dates go by it: what the vendor had accepted of a subscription and certainly shows no more has no day. So
    `apply` writes it down before anything else; a plan says the same before and after."""
    if row is None:
        return state
    latest = [state.latest(row.address, verb) for verb in (Verb.CANCEL, Verb.RENEW_OFF, Verb.DOWNGRADE)]
    gone_ones = [each for each in latest if each is not None and _withdrawn(each, row, now)]
    if not gone_ones:
        return state
    entries = {
        key: msgspec.structs.replace(each, outcome=Outcome.FAILED, proof=Proof.NONE, code=WITHDRAWN)
        if any(each is one for one in gone_ones)
        else each
        for key, each in state.entries.items()
    }
    return msgspec.structs.replace(state, entries=entries)


def _withdrawn(entry: Entry, row: Resource, now: str) -> bool:
    return gone(entry, row.phase, now) and certain(entry, now, final=entry.undo is Undo.NEVER)
