"""drift(): what the vendor shows otherwise than the record of what we did. Pure, and three-way: recorded, observed, and what
the manifest would make of it. Nothing is settled by it.

Absence is concluded from whole listings only. What the record does not know is told where the last run would have ended it, had
it been there; where that is not certain, its kind is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from crmstate.core import accepted
from crmstate.core.address import Address, address, id_of, kind_of
from crmstate.core.goal import ArchiveGoal, Desired, ListGoal, UsersGoal, spoken_of
from crmstate.core.plan import Plan, Step
from crmstate.core.planning.draft import match
from crmstate.core.record import Entry, State
from crmstate.core.schedule import Schedule
from crmstate.core.survey import DatasetFacts, Resource, SessionFacts, SubscriptionFacts, Survey, UserFacts
from crmstate.core.words import OURS, Kind, Mode, Outcome, Phase, Verb

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

_MANY = VENDORS - {Kind.SUBSCRIPTION, Kind.ACCOUNT, Kind.MODULE}
"""Kinds of which there may be more every day."""

_RANK = {Phase.PRESENT: 0, Phase.PENDING: 1, Phase.INACTIVE: 2, Phase.ABSENT: 3}


class Turn(StrEnum):
    """What happened: something ended is back; the subscription runs on; rows or attachments are there again, or other rows than were
    archived; the vendor
    did what it had only accepted; something is gone further than we took it, or that stays by the manifest, or of our own; something
    that the record does not know."""

    CAME_BACK = "came_back"
    RENEWED = "renewed"
    ROWS_BACK = "rows_back"
    FILES_BACK = "files_back"
    MOVED = "moved"
    THROUGH = "through"
    GONE = "gone"
    KEPT_GONE = "kept_gone"
    OWN_GONE = "own_gone"
    UNRECORDED = "unrecorded"


BACK = frozenset({Turn.CAME_BACK, Turn.RENEWED, Turn.ROWS_BACK, Turn.FILES_BACK, Turn.UNRECORDED})
"""What must not happen after an end."""


class Change(msgspec.Struct, frozen=True):
    """One difference. `recorded` and `observed`: phases, days or counts as text, empty where there is none; `since`: when it was
    recorded; `next`: the verb that the plan has for it now, None for none."""

    what: Turn
    address: Address
    kind: Kind
    label: str
    recorded: str
    since: str
    observed: str
    next: Verb | None = None


class Drift(msgspec.Struct, frozen=True):
    """All of it. `unseen`: kinds with something on record that the vendor did not list whole; `unshown`: what is on record as asked for,
    or as done by somebody's word, and the vendor shows as it was before; `unsure`: kinds with something that the manifest ends and the record does
    not know, so that nobody can say whether it is new; `known`: how many things the record and the vendor were compared
    in; `sealed`: since when the vendor is out of reach by our own act, and nothing can be compared."""

    name: str
    tenant: str
    observed_at: str
    serial: int
    changes: tuple[Change, ...] = ()
    unseen: tuple[Kind, ...] = ()
    unshown: tuple[Address, ...] = ()
    unsure: tuple[Kind, ...] = ()
    known: int = 0
    sealed: str | None = None

    @property
    def whole(self) -> bool:
        """Whether everything was looked at, so that no change means that nothing changed."""
        return not (self.unseen or self.unshown or self.unsure)


def drift(desired: Desired, observed: Survey, recorded: State, made: Plan) -> Drift:
    """The differences, in the order of their addresses. `made`: the plan on the same three."""
    seen = _Seen(desired, observed, recorded, made)
    found = sorted(
        [*seen.entries(), *seen.rows(), *seen.vanished(), *seen.ours(), *seen.strangers()],
        key=lambda each: (each.address, each.what.value),
    )
    return Drift(
        desired.name,
        observed.tenant,
        observed.taken_at,
        recorded.serial,
        tuple(found),
        tuple(sorted(seen.unseen)),
        tuple(sorted(seen.unshown)),
        tuple(sorted(seen.unsure)),
        len(seen.compared),
    )


class _Seen:
    """What is compared with what."""

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

    def entries(self) -> Iterator[Change]:
        """Of everything that was ended, or brought back."""
        for place, entry in self.last.items():
            kind = kind_of(place)
            if kind not in VENDORS:
                continue
            row = self.by_address.get(place)
            if row is None and kind not in self.observed.complete:
                self.unseen.add(kind)
                continue
            phase = row.phase if row is not None else Phase.ABSENT
            if phase not in _RANK:
                self.unseen.add(kind)
                continue
            if phase is Phase.PRESENT and not _shown_once(entry):
                self.unshown.add(place)
                continue
            self.compared.add(place)
            if (what := _turn(entry, phase, row)) is not None:
                yield self._change(what, place, _shown(row, phase), entry=entry, recorded=_meant(entry).value)

    def rows(self) -> Iterator[Change]:
        """Of datasets: rows that are there again, or others than are in the archive."""
        for row in self.observed.of(Kind.DATASET):
            facts, place = row.facts, address(Kind.DATASET, row.id)
            if not isinstance(facts, DatasetFacts):
                continue
            purged, emptied = self.last.get(place), self.last.get(address(Kind.BIN, row.id))
            if purged is not None and purged.verb is Verb.PURGE:
                if facts.rows is None:
                    self.unseen.add(Kind.DATASET)
                elif facts.rows and purged.outcome is not Outcome.DONE:
                    self.unshown.add(place)
                else:
                    self.compared.add(place)
                if purged.outcome is Outcome.DONE and facts.attachments:
                    yield self._change(Turn.FILES_BACK, place, str(facts.attachments), entry=purged, recorded="0")
                if purged.outcome is Outcome.DONE and facts.rows:
                    yield self._change(Turn.ROWS_BACK, place, str(facts.rows), entry=purged, recorded="0")
            elif facts.exact and facts.rows is not None and (proof := self.state.proved(row.id)) is not None:
                count = proof.evidence[0].rows
                self.compared.add(proof.address)
                if count is not None and count != facts.rows:
                    yield self._change(Turn.MOVED, place, str(facts.rows), entry=proof, recorded=str(count))
            if emptied is None:
                continue
            if facts.bin_rows is None:
                self.unseen.add(Kind.BIN)
            elif facts.bin_rows and emptied.outcome is not Outcome.DONE:
                self.unshown.add(emptied.address)
            else:
                self.compared.add(emptied.address)
            if emptied.outcome is Outcome.DONE and facts.bin_rows:
                yield self._change(
                    Turn.ROWS_BACK, address(Kind.BIN, row.id), str(facts.bin_rows), entry=emptied, recorded="0"
                )

    def vanished(self) -> Iterator[Change]:
        """Of archived datasets that the vendor does not list any more, although nobody of us purged them."""
        if Kind.DATASET not in self.observed.complete or self.state.cleared() or self._left():
            return
        for place in [each for each in self.last if kind_of(each) is Kind.ARCHIVE]:
            dataset, proof = address(Kind.DATASET, id_of(place)), self.state.proved(id_of(place))
            count = proof.evidence[0].rows if proof is not None else None
            if count and dataset not in self.by_address and dataset not in self.on_record:
                self.compared.add(place)
                yield self._change(Turn.GONE, dataset, Phase.ABSENT.value, entry=proof, recorded=str(count))

    def ours(self) -> Iterator[Change]:
        """Of what has to stay: our own access, and whom the manifest keeps."""
        if not self._left():
            mine = {place for place in self.own if kind_of(place) is Kind.USER}
            for each in self.observed.identities:
                mine |= {address(kind, id) for kind, id in ((Kind.USER, each.user), (Kind.API_KEY, each.key)) if id}
            for place in sorted(mine):
                row, kind = self.by_address.get(place), kind_of(place)
                phase = row.phase if row is not None else Phase.ABSENT
                if phase is Phase.UNKNOWN or (row is None and kind not in self.observed.complete):
                    self.unseen.add(kind)
                elif phase is not Phase.PRESENT and place not in self.last:
                    yield self._change(Turn.OWN_GONE, place, phase.value)
        goal = self.desired.users
        if goal is not None and self.state.entries and Kind.USER in self.observed.complete:
            there = [row for row in self.observed.of(Kind.USER) if row.phase is Phase.PRESENT]
            kept = [each.who for each in goal.keep]
            for selector in match(kept, there)[1]:
                place = address(Kind.USER, str(selector))
                if self.desired.mask_people and selector.id is None:
                    place = _masked(kept.index(selector))
                yield self._change(Turn.KEPT_GONE, place, Phase.ABSENT.value)

    def strangers(self) -> Iterator[Change]:
        """Of what the manifest ends and the record does not know. That it is new, or was left out, is certain only where the last
        run came to its end, and to things like it; whatever else is named as unsure."""
        if not self.state.entries:
            return
        ended = {
            (kind_of(each.address), each.verb) for each in self.state.entries.values() if each.outcome is Outcome.DONE
        }
        free = _reached(self.made) if self.state.last_exit == 0 else frozenset()
        told: set[Address] = set()
        for step in self.made.steps:
            if step.address in told or not self._unknown(step):
                continue
            alike = step.mode is Mode.AUTO and (step.kind, step.verb) in ended and self.state.last_exit == 0
            if alike or step.id in free:
                told.add(step.address)
                yield self._change(Turn.UNRECORDED, step.address, step.before.value)
            elif step.kind in _MANY or step.kind is Kind.ARCHIVE:
                self.unsure.add(Kind.DATASET if step.kind is Kind.ARCHIVE else step.kind)
        self.unseen |= (spoken_of(self.desired) & (_MANY | {Kind.DATASET})) - self.observed.complete
        self.unsure |= {row.kind for row in self._unplanned()}

    def _unknown(self, step: Step) -> bool:
        """Whether a step is of a thing that the vendor shows and the record does not know, and that there may be more of."""
        place, id = step.address, id_of(step.address)
        if place in self.on_record or place in self.own:
            return False
        if step.kind is Kind.ARCHIVE:
            return step.verb is Verb.ARCHIVE
        if step.kind is Kind.DATASET:
            archive = address(Kind.ARCHIVE, id)
            return archive not in self.on_record and archive not in self.next
        if step.kind in (Kind.SUBSCRIPTION, Kind.ACCOUNT):
            return any(kind_of(each) is step.kind for each in self.on_record)
        return step.kind is Kind.BIN or (step.kind in VENDORS and place in self.by_address)

    def _unplanned(self) -> Iterator[Resource]:
        """What the manifest ends by its words, and neither record nor plan know: a plan with errors is not whole."""
        goals: dict[Kind, UsersGoal | ListGoal | None] = {
            Kind.USER: self.desired.users,
            Kind.SESSION: self.desired.sessions,
            Kind.API_KEY: self.desired.api_keys,
            Kind.INTEGRATION: self.desired.integrations,
            Kind.SETTING: self.desired.settings,
        }
        for kind, goal in goals.items():
            if goal is None or goal.status == "active":
                continue
            rows = self.observed.of(kind)
            stays, only = match([each.who for each in goal.keep], rows)[0], match(goal.only, rows, single=True)[0]
            for row in rows:
                meant = row.id not in stays and (not goal.only or row.id in only)
                if meant and row.phase is Phase.PRESENT and not self._known(row):
                    yield row
        if self.desired.archive is None and self.desired.purge is None and not self.desired.closing:
            return
        given_up = {each.dataset for each in self.desired.discard}
        for row in self.observed.of(Kind.DATASET):
            holds = isinstance(row.facts, DatasetFacts) and row.facts.rows != 0
            named = isinstance(self.desired.archive, ArchiveGoal) and self.desired.archive.datasets is not None
            if holds and not named and given_up.isdisjoint((row.id, row.label)) and not self._known(row):
                yield row

    def _known(self, row: Resource) -> bool:
        """Whether the record or the plan speaks of it, or it is of our own access, or no API ends it."""
        places = {row.address, address(Kind.ARCHIVE, row.id) if row.kind is Kind.DATASET else row.address}
        protected = isinstance(row.facts, UserFacts) and row.facts.protected
        return protected or any(each in self.on_record or each in self.own or each in self.next for each in places)

    def _left(self) -> bool:
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

    def _change(
        self, what: Turn, place: Address, observed: str, *, entry: Entry | None = None, recorded: str = ""
    ) -> Change:
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


def _reached(made: Plan) -> frozenset[str]:
    """The steps that a run comes to which has no failure: all but those behind a person, a date or a blocker."""
    schedule, found = Schedule(made), set()
    while steps := schedule.take():
        for step in steps:
            if step.mode is not Mode.MANUAL:
                found.add(step.id)
            if step.mode is Mode.AUTO:
                schedule.done(step.id)
    return frozenset(found)


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


def _masked(number: int) -> Address:
    """The person at this place in the manifest's list of those whom it keeps, where neither mail nor name may be shown. Nobody
    types it, so that it stays as people read it."""
    return Address(f"{Kind.USER.value}/***-{number + 1}")


def _meant(entry: Entry) -> Phase:
    """The phase that the record has of it: of what was only asked for, that it is accepted."""
    if entry.outcome is Outcome.REQUESTED or entry.code == accepted.WITHDRAWN:
        return Phase.PENDING
    return entry.phase if entry.phase is not None else Phase.UNKNOWN


def _shown_once(entry: Entry) -> bool:
    """Whether the vendor itself has shown what is on record: that it was accepted, or how far it went. Of what was only asked for,
    or is done by somebody's word, nobody has seen that."""
    if entry.outcome is Outcome.REQUESTED:
        return accepted.shown(entry)
    return entry.phase is not None


def _turn(entry: Entry, phase: Phase, row: Resource | None) -> Turn | None:
    was = _meant(entry)
    facts = row.facts if row is not None else None
    if isinstance(facts, SubscriptionFacts) and entry.verb in (Verb.CANCEL, Verb.RENEW_OFF):
        runs = (
            phase is Phase.PRESENT and facts.status == "active" and facts.pending is None and facts.renews is not False
        )
        later = entry.until is not None and facts.term_end is not None and facts.term_end > entry.until[:10]
        if runs and (later or entry.verb is Verb.RENEW_OFF):
            return Turn.RENEWED
    if isinstance(facts, SubscriptionFacts) and entry.verb is Verb.CANCEL and was is Phase.PENDING:
        other = phase is Phase.PENDING and facts.pending not in (None, "cancel")
        if other or phase is Phase.INACTIVE:
            return Turn.CAME_BACK  # something else was asked for, or it rests: its end is not to come any more
    if was not in _RANK or phase not in _RANK or was is phase:
        return None
    if was is Phase.INACTIVE and phase is Phase.PENDING and not _runs(facts):
        return Turn.GONE
    if _RANK[phase] > _RANK[was]:
        return Turn.THROUGH if was is Phase.PENDING else Turn.GONE
    return Turn.CAME_BACK


def _runs(facts: object) -> bool:
    """Whether a subscription is not at rest, whatever it waits for."""
    return isinstance(facts, SubscriptionFacts) and facts.status == "active"


def _shown(row: Resource | None, phase: Phase) -> str:
    """The phase, of a subscription with its last day."""
    facts = row.facts if row is not None else None
    if isinstance(facts, SubscriptionFacts) and facts.term_end:
        return f"{phase.value} {facts.term_end}"
    return phase.value
