"""The vendor's destruction document, checked field by field against what the record says was purged.

It judges what a person wrote down of the document; it reads no document, and it never fills in what the document does not
say.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from crmstate.core.address import address, id_of
from crmstate.core.diagnostic import Diagnostic, diagnostic
from crmstate.core.event import Destruction, Examined
from crmstate.core.record import State
from crmstate.core.words import Kind, Outcome, Verb

PLACE = address(Kind.CERTIFICATE, "destruction")
FIELDS = ("tenant", "datasets", "backups", "sub_processors", "day", "signatory")
_EAST, _WEST = 14, -12
"""The zones farthest from UTC, in hours: a day begins and ends somewhere else than here."""


class Purged(msgspec.Struct, frozen=True):
    """A dataset as the record has it: how many records were purged of it, None where nobody counted, and when last."""

    id: str
    label: str
    rows: int | None
    at: str


def purged(state: State) -> list[Purged]:
    """The datasets that the record says were purged, each with all its purges together. One that was purged by hand and not
    counted has as many records as its archive."""
    found: dict[str, Purged] = {}
    for entry in state.entries.values():
        if entry.verb is not Verb.PURGE or entry.outcome not in (Outcome.DONE, Outcome.REQUESTED):
            continue
        name = id_of(entry.address)
        proof = state.proved(name)
        rows = entry.rows if entry.rows is not None else proof.rows if proof is not None else None
        before = found.get(name)
        if before is not None:
            rows = None if rows is None or before.rows is None else rows + before.rows
        label = entry.label or (before.label if before is not None else "")
        found[name] = Purged(name, label, rows, max(entry.at, before.at if before is not None else ""))
    return sorted(found.values(), key=lambda each: each.id)


def faults(said: Destruction, state: State, now: str) -> list[Diagnostic]:
    """Everything that the document does not say, and everything that it says otherwise than the record. `now`: ISO 8601."""
    return [*_who(said, state), *_datasets(said, state), *_copies(said), *_signed(said, state, now)]


def examined(state: State, now: str) -> tuple[Examined, list[Diagnostic]] | None:
    """The last document that was read, and what is wrong with it as of now; None where there is none."""
    if not state.examined:
        return None
    last = state.examined[-1]
    return last, faults(last.said, state, now)


def _lacks(field: str) -> Diagnostic:
    return diagnostic("CRM-F012", address=PLACE, field=field)


def _who(said: Destruction, state: State) -> Iterator[Diagnostic]:
    if not said.tenant:
        yield _lacks("tenant")
    elif said.tenant != state.tenant:
        yield diagnostic("CRM-F013", address=PLACE, said=said.tenant, ours=state.tenant or "-")


def _datasets(said: Destruction, state: State) -> Iterator[Diagnostic]:
    if not said.datasets:
        yield _lacks("datasets")
    named, ours = dict(said.datasets), purged(state)
    if said.datasets and not ours:
        yield diagnostic("CRM-F021", address=PLACE)
    for each in ours:
        key = next((name for name in named if name.casefold() in (each.id.casefold(), each.label.casefold())), None)
        if key is None:
            yield diagnostic("CRM-F014", address=PLACE, dataset=each.label or each.id)
            continue
        rows = named.pop(key)
        if rows is None:
            yield diagnostic("CRM-F015", address=PLACE, dataset=key)
        elif each.rows is not None and rows != each.rows:
            yield diagnostic("CRM-F016", address=PLACE, dataset=key, said=rows, ours=each.rows)


def _copies(said: Destruction) -> Iterator[Diagnostic]:
    if not said.backups:
        yield _lacks("backups")
    elif said.backups == "kept":
        yield diagnostic("CRM-F017", address=PLACE)
    elif said.backups == "expire" and not said.expiry:
        yield diagnostic("CRM-F018", address=PLACE)
    if said.sub_processors is None:
        yield _lacks("sub_processors")


def _signed(said: Destruction, state: State, now: str) -> Iterator[Diagnostic]:
    last = max((each.at for each in purged(state)), default="")
    if not said.day:
        yield _lacks("day")
    elif last and said.day < _day(last, _WEST):
        yield diagnostic("CRM-F019", address=PLACE, said=said.day, ours=last[:10])
    elif said.day > _day(now, _EAST):
        yield diagnostic("CRM-F020", address=PLACE, said=said.day)
    if not said.signatory:
        yield _lacks("signatory")


def _day(at: str, hours: int) -> str:
    """The day somewhere on earth at a time: `hours` of its zone from UTC."""
    moment = datetime.fromisoformat(at)
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (moment.astimezone(UTC) + timedelta(hours=hours)).date().isoformat()
