"""State: what we did, with proof. A fold of the journal; the file is a cache of it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec

from crmstate.core.address import Address, address, kind_of
from crmstate.core.event import Claimed, Compared, Contacted, Evidence, Examined, Remarked, Sight, Struck
from crmstate.core.words import Fate, Kind, Outcome, Phase, Proof, Undo, Verb

FORMAT = 3
"""The format up to which this version reads."""
FIRST = 1
"""The format of whatever holds no event of `event.SINCE`; all from it up to FORMAT are read alike."""


def step_id(address: Address, verb: Verb, occurrence: int = 1) -> str:
    """The identity of a step: digest of (address, verb, occurrence), 16 hex digits."""
    return hashlib.blake2b(f"{address}\n{verb.value}\n{occurrence}".encode(), digest_size=8).hexdigest()


class Entry(msgspec.Struct, omit_defaults=True):
    """What is recorded of one step. `position` and `rows`: how far a long step has come; `promised`: by when what the
    vendor only accepted of it is to be through. `told`: when a person said so, who also said when it was done (`at`);
    `out_of_order`: why it stands here although `ahead_of` was not done; `prior`: what was on record before a person's word."""

    address: Address
    verb: Verb
    undo: Undo
    outcome: Outcome
    at: str
    label: str = ""
    occurrence: int = 1
    proof: Proof = Proof.NONE
    phase: Phase | None = None
    since: str | None = None
    code: str | None = None
    summary: str = ""
    until: str | None = None
    request_id: str | None = None
    position: int | None = None
    rows: int | None = None
    promised: str | None = None
    by: str = ""
    own: bool = False
    expires: str | None = None
    evidence: tuple[Evidence, ...] = ()
    contact: str = ""
    told: str | None = None
    out_of_order: str = ""
    ahead_of: tuple[Address, ...] = ()
    prior: Entry | None = None

    @property
    def word(self) -> bool:
        """Whether it is done by a person's word, with whatever proof that has."""
        proofs = (Proof.ATTESTED, Proof.ACKNOWLEDGED, Proof.CERTIFIED)
        return self.outcome is Outcome.DONE and bool(self.by) and self.proof in proofs

    @property
    def without_archive(self) -> bool:
        """Whether what it took along has no verified archive, as far as was known then."""
        return any(kind_of(place) is Kind.ARCHIVE for place in self.ahead_of)


class Approval(msgspec.Struct, frozen=True):
    """One person's approval of the irreversible steps with this digest."""

    digest: str
    by: str
    at: str
    source: str


class Hold(msgspec.Struct, frozen=True, omit_defaults=True):
    """A recorded legal hold on a dataset."""

    by: str
    at: str
    why: str = ""


class Told(msgspec.Struct, omit_defaults=True):
    """Who was told of a notice: what became of each message, by the recipient's fingerprint, and how many recipients there
    were (see `event.Addressed`). `gap`: a part of the record was lost, and with it perhaps who was told. `back`: how often
    the mail to somebody came back, and `again`: when it was last sent to them after that; `reports`: the digests of the
    files that said so."""

    channel: str = ""
    key: str = ""
    count: int = 0
    rejected: int = 0
    repeated: int = 0
    opted_out: int = 0
    fates: dict[str, Fate] = {}
    gap: bool = False
    back: dict[str, int] = {}
    again: dict[str, str] = {}
    reports: tuple[str, ...] = ()

    def number(self, *fates: Fate) -> int:
        """How many messages came to one of these ends."""
        return sum(each in fates for each in self.fates.values())


class Watch(msgspec.Struct, omit_defaults=True):
    """The looks after the end: how often and since when, how the last one came out and what it saw; in how many something was back (the
    last time `back_at`), and in how many nothing could be seen."""

    first: str = ""
    last: str = ""
    outcome: str = ""
    rounds: int = 0
    back: int = 0
    back_at: str = ""
    unknown: int = 0
    sights: tuple[Sight, ...] = ()


class State(msgspec.Struct, omit_defaults=True):
    """The record of one decommissioning. `serial` is the number of the journal's last chunk that is folded in.
    `entries` by step id; `compared`: by dataset, the last comparison with the new system; `told` by the notice's
    address. `contacts`: the vendor contact log by id, in the order in which it was written. `reminded`: when who was told
    what (`contacts.told_key`). `format`: the lowest that knows every event that is folded in.

    Mutable for the fold alone (`fold.advance`), which owns it while it runs: a hundred thousand steps do not allow a
    copy an event.
    """

    name: str
    lineage: str = ""
    provider: str = ""
    tenant: str = ""
    format: int = FIRST
    serial: int = 0
    entries: dict[str, Entry] = {}
    approvals: tuple[Approval, ...] = ()
    holds: dict[str, Hold] = {}
    contacts: dict[str, Contacted] = {}
    reminded: dict[str, str] = {}
    told: dict[Address, Told] = {}
    last_run: str | None = None
    last_plan: str | None = None
    last_exit: int | None = None
    verified_at: str | None = None
    claims: tuple[Claimed, ...] = ()
    struck: tuple[Struck, ...] = ()
    examined: tuple[Examined, ...] = ()
    compared: dict[str, Compared] = {}
    remarks: tuple[Remarked, ...] = ()
    mended: bool = False
    watch: Watch | None = None

    def entry(self, address: Address, verb: Verb, occurrence: int = 1) -> Entry | None:
        """The entry of a step, or None."""
        return self.entries.get(step_id(address, verb, occurrence))

    def occurrence(self, address: Address, verb: Verb) -> int:
        """The highest recorded occurrence of (address, verb); 0 where there is none."""
        number = 0
        while self.entry(address, verb, number + 1) is not None:
            number += 1
        return number

    def latest(self, address: Address, verb: Verb) -> Entry | None:
        """The entry of the last occurrence of (address, verb)."""
        number = self.occurrence(address, verb)
        return self.entry(address, verb, number) if number else None

    def proved(self, dataset: str) -> Entry | None:
        """The last step that left a proof of a dataset's archive: what it says is what must lie at its location."""
        place, found = address(Kind.ARCHIVE, dataset), None
        for verb in (Verb.ARCHIVE, Verb.VERIFY, Verb.DELTA):
            for number in range(1, self.occurrence(place, verb) + 1):
                entry = self.entry(place, verb, number)
                if entry is not None and entry.evidence and (found is None or _at(entry) >= _at(found)):
                    found = entry
        return found

    def overtaken(self) -> list[Entry]:
        """What a person recorded although what comes before it was not done, the first first."""
        found = [entry for entry in self.entries.values() if entry.out_of_order]
        return sorted(found, key=lambda each: (each.at, each.address))

    def cleared(self) -> bool:
        """Whether we may have switched off a module that clears data. From then on fewer rows are our own doing, and
        what is archived must not be taken for vanished."""
        return any(
            entry.verb is Verb.DISABLE and entry.undo is Undo.NEVER and entry.outcome is not Outcome.FAILED
            for entry in self.entries.values()
            if entry.address.startswith(f"{Kind.MODULE.value}/")
        )

    def open(self) -> dict[str, Entry]:
        """The steps whose end is not known: intended, requested, unknown."""
        loose = (Outcome.INTENDED, Outcome.REQUESTED, Outcome.UNKNOWN)
        return {key: entry for key, entry in self.entries.items() if entry.outcome in loose}

    def departed(self) -> str | None:
        """Since when the vendor may be out of reach by our own act: our own keys ended, or the account's closing asked
        for. None: not at all."""
        ends = [entry.at for entry in self.entries.values() if entry.own and entry.outcome is not Outcome.FAILED]
        return self.verified_at or max(ends) if ends else None


def _at(entry: Entry) -> datetime:
    """When its evidence was taken."""
    found = datetime.fromisoformat(entry.evidence[0].at)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
