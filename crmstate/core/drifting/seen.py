"""Seen: record, vendor and plan side by side, as every comparison needs them."""

from __future__ import annotations

from collections.abc import Iterator

from crmstate.core import accepted
from crmstate.core.address import Address, address, kind_of
from crmstate.core.change import Change, Turn
from crmstate.core.goal import Desired
from crmstate.core.plan import Plan
from crmstate.core.record import Entry, State
from crmstate.core.survey import Resource, SessionFacts, Survey, UserFacts
from crmstate.core.words import OURS, Kind, Outcome, Verb

VENDORS = frozenset(
    {
        Kind.SUBSCRIPTION,
        Kind.ACCOUNT,
        Kind.MODULE,
        Kind.SETTING,
        Kind.USER,
        Kind.SESSION,
        Kind.API_KEY,
        Kind.INTEGRATION,
    }
)
"""Kinds whose end is their phase. Of a dataset and its bin it is their rows."""

MANY = VENDORS - {Kind.SUBSCRIPTION, Kind.ACCOUNT, Kind.MODULE}
"""Kinds of which there may be more every day."""


class Seen:
    """What is compared with what, and what the comparison has found so far: kinds and things that nobody can say
    anything of."""

    def __init__(self, desired: Desired, observed: Survey, recorded: State, made: Plan) -> None:
        self.desired, self.observed, self.state = desired, observed, recorded
        self.made = made
        self.by_address = {each.address: each for each in observed.resources}
        self.next: dict[Address, Verb] = {}
        for step in made.steps:
            self.next.setdefault(step.address, step.verb)  # the plan's order: the first is what is done next
        self.unseen: set[Kind] = set()
        self.unshown: set[Address] = set()
        self.unsure: set[Kind] = set()
        self.compared: set[Address] = set()
        self.on_record = {each.address for each in recorded.entries.values()}
        self.own = set(_own(observed))
        self.last: dict[Address, Entry] = {}
        for entry in recorded.entries.values():
            known = self.last.get(entry.address)
            if entry.outcome is Outcome.REQUESTED and (entry.verb in OURS or entry.verb is Verb.PROBE):
                continue  # somebody waits for it: that is no act
            counts = entry.outcome in (Outcome.DONE, Outcome.REQUESTED) or entry.code == accepted.WITHDRAWN
            if counts and (known is None or entry.at >= known.at):
                self.last[entry.address] = entry

    def known(self, row: Resource) -> bool:
        """Whether the record or the plan speaks of it, or it is of our own access, or no API ends it."""
        places = {row.address, address(Kind.ARCHIVE, row.id) if row.kind is Kind.DATASET else row.address}
        protected = isinstance(row.facts, UserFacts) and row.facts.protected
        return protected or any(each in self.on_record or each in self.own or each in self.next for each in places)

    def left(self) -> bool:
        """Whether our access ended with the account or the contract. As long as that is only asked for, it has to work."""
        return any(
            entry.own
            and entry.verb in (Verb.CLOSE, Verb.CANCEL)
            and (
                entry.outcome is Outcome.DONE
                or (entry.outcome is Outcome.REQUESTED and (entry.until or "~") <= self.observed.taken_at)
            )
            for entry in self.state.entries.values()
        )

    def change(
        self, what: Turn, place: Address, observed: str, *, entry: Entry | None = None, recorded: str = ""
    ) -> Change:
        """One difference, called by its name, with what the plan does next about it."""
        row = self.by_address.get(place)
        label = "" if row is None or (self.desired.mask_people and isinstance(row.facts, UserFacts)) else row.label
        return Change(
            what,
            place,
            kind_of(place),
            label,
            recorded,
            entry.at if entry is not None else "",
            observed,
            self.next.get(place),
        )


def _own(observed: Survey) -> Iterator[Address]:
    """What our own access consists of: users, keys, and the sessions of these users."""
    users = {each.user for each in observed.identities if each.user}
    mails = {each.email.casefold() for each in observed.identities if each.email}
    for row in observed.of(Kind.USER):
        if row.id in users or (isinstance(row.facts, UserFacts) and row.facts.email.casefold() in mails):
            users.add(row.id)
            yield row.address
    for row in observed.of(Kind.SESSION):
        if isinstance(row.facts, SessionFacts) and row.facts.user in users:
            yield row.address
    yield from (address(Kind.API_KEY, each.key) for each in observed.identities if each.key)
