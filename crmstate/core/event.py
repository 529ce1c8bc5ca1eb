"""Event: what happened, in past tense, as data. State, audit log, JSON stream and progress display read the same
events.

`at` is ISO 8601 UTC by the injected clock. Events hold addresses and labels, never record values and never secrets.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from crmstate.core.address import Address
from crmstate.core.words import Channel, Contacting, Fate, Nudging, Outcome, Phase, Proof, Undo, Verb


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One method of a verification, and what it looked at. `method`: checksums, counts, sample, full, restore_test;
    contacts, amounts, dates, bodies, attachments (by the types of fields); columns (those that are not in the archive);
    views (copies for people; `names`: their forms, each of so many rows); zips (of a backup, read to their ends),
    zip_records (those that the vendor counts in them). `said`: equal; exact, approximate or none for counts, round where
    none is exact and as many rows came as listings are cut off at; sqlite for a restore; derived for copies that were made
    now; present or lacking, read, odd or empty, sized. `rows` looked at, or the vendor's count; `files` and `bytes` read;
    `names`: of the columns that lack; `odd`: of them without what they should have (records without a contact or a text,
    attachments of no bytes), values beside them that cannot be read, or columns that lack."""

    method: str
    said: str
    rows: int | None = None
    files: int | None = None
    bytes: int | None = None
    odd: int | None = None
    names: tuple[str, ...] = ()


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Enough to check later without us. `path` is relative to the archive or the evidence store; `method` says how it
    was got, `checks` what each method of it looked at; `by_jobs`: the rows came by the vendor's export jobs."""

    method: str
    proof: Proof
    at: str
    by: str = ""
    path: str = ""
    sha256: str = ""
    rows: int | None = None
    bytes: int | None = None
    note: str = ""
    checks: tuple[Check, ...] = ()
    by_jobs: bool | None = None


class StepRef(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A step as the record keeps it. `own`: it ends access of ours."""

    id: str
    address: Address
    verb: Verb
    undo: Undo
    label: str = ""
    occurrence: int = 1
    own: bool = False


class Settlement(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one step came out."""

    id: str
    outcome: Outcome
    proof: Proof = Proof.NONE
    phase: Phase | None = None
    code: str | None = None
    summary: str = ""
    until: str | None = None
    request_id: str | None = None
    rows: int | None = None
    evidence: tuple[Evidence, ...] = ()


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event"):
    """One event; every one has a time."""

    at: str


class Created(Event, frozen=True, tag="created"):
    """A state began. `lineage` is unique to it for ever."""

    name: str
    lineage: str
    provider: str
    tenant: str


class Started(Event, frozen=True, tag="started"):
    """A run of `apply` began."""

    run: str
    plan_id: str
    manifest: str
    by: str
    steps: int


class Intended(Event, frozen=True, tag="intended"):
    """Durable before the act: these steps are about to be sent in one call."""

    run: str
    batch: str
    steps: tuple[StepRef, ...]
    position: int | None = None
    count: int | None = None


class Settled(Event, frozen=True, tag="settled"):
    """The act was answered, or looked for, and this is known of each step."""

    run: str
    batch: str
    results: tuple[Settlement, ...]


class Advanced(Event, frozen=True, tag="advanced"):
    """A long step (a purge) has done everything before `position`, `rows` of them in all. `promised`: the vendor has
    only accepted some of it so far, to be through by this time; empty where it does not say when."""

    run: str
    step: str
    position: int
    rows: int
    promised: str | None = None


class Addressed(Event, frozen=True, tag="addressed"):
    """The recipients of a notice were read: so many are told, and so many are not, since their address is none
    (`rejected`), stands there again (`repeated`) or is on the list of those who want no mail (`opted_out`). `key`: the
    digest of the key that fingerprints are made with; without it nobody knows from a fingerprint who it is."""

    run: str
    notice: Address
    channel: str
    key: str
    count: int
    rejected: int = 0
    repeated: int = 0
    opted_out: int = 0


class Sending(Event, frozen=True, tag="sending"):
    """Durable before the act: to these recipients (their fingerprints) a message is about to be sent."""

    run: str
    notice: Address
    to: tuple[str, ...]


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of the message to one recipient, by its fingerprint. `code`: the server's own, without its words.
    `wait`: seconds after which it may be sent again, where the server says so."""

    to: str
    fate: Fate
    code: str = ""
    wait: int = 0


class Answered(Event, frozen=True, tag="answered"):
    """What became of messages."""

    run: str
    notice: Address
    channel: str
    results: tuple[Delivery, ...]


class Bounced(Event, frozen=True, tag="bounced", kw_only=True):
    """Messages that a server had taken came back: these recipients (their fingerprints) have not got them. `sha256`: of the
    file that says so, which is not kept, since it holds their addresses."""

    notice: Address
    to: tuple[str, ...]
    sha256: str
    by: str


class Reopened(Event, frozen=True, tag="reopened"):
    """Looking showed that an intended act did not happen: it may be sent (again)."""

    run: str
    steps: tuple[str, ...]


class Confirmed(Event, frozen=True, tag="confirmed"):
    """A person reported a human step or a vendor's answer. `proof` is attested, acknowledged, certified or waived."""

    step: StepRef
    by: str
    proof: Proof
    note: str = ""
    evidence: tuple[Evidence, ...] = ()
    expires: str | None = None
    contact: str = ""
    """The entry of the contact log in which the vendor says so."""


class Contacted(Event, frozen=True, tag="contacted", kw_only=True):
    """Somebody spoke with the vendor, or was spoken to, at `when`, and `by` wrote it down. `person`: at the vendor.
    `steps`: what it is about. `corrects`: the entry that this one stands for from now on; that one stays as it is."""

    id: str
    by: str
    when: str
    channel: Channel
    kind: Contacting
    person: str
    outcome: str
    steps: tuple[Address, ...] = ()
    attachments: tuple[Evidence, ...] = ()
    corrects: str = ""


class Reminded(Event, frozen=True, tag="reminded", kw_only=True):
    """`to` was told, once, that a step waits: before `due`, or after it, or since the vendor has been silent too long."""

    step: str
    address: Address
    verb: Verb
    what: Nudging
    to: str
    due: str
    by: str


class Approved(Event, frozen=True, tag="approved"):
    """A person approved exactly the irreversible steps with this digest."""

    digest: str
    plan_id: str
    by: str
    source: str


class Held(Event, frozen=True, tag="held"):
    """A legal hold was recorded for a dataset; it stays until it is lifted by a written act."""

    dataset: str
    by: str
    why: str = ""


class Released(Event, frozen=True, tag="released"):
    """A recorded hold was lifted."""

    dataset: str
    by: str
    why: str = ""


class Observed(Event, frozen=True, tag="observed"):
    """Everything was read and agreed with the manifest: the last time that this was so."""

    plan_id: str


class Pace(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a reading has come: rows and attachments read so far, those of an interrupted run that are not asked for
    again included; bytes of this run; `total` rows and `seconds_left` where they can be known; `rate` in rows a
    second."""

    rows: int
    bytes: int
    files: int = 0
    total: int | None = None
    rate: int = 0
    seconds_left: int | None = None


class Progressed(Event, frozen=True, tag="progressed"):
    """How far the reading of a dataset has come, for whoever watches: it is told and not recorded. `all`: every dataset
    of the run together; `over`: the last of this dataset."""

    address: Address
    verb: Verb
    dataset: Pace
    all: Pace
    over: bool = False


class Finished(Event, frozen=True, tag="finished"):
    """A run of `apply` ended by itself. `counts` by result (`closing.Result`): `done` is what this run did,
    `already_done` what an earlier run of the same plan had done."""

    run: str
    exit: int
    counts: dict[str, int]


class Repaired(Event, frozen=True, tag="repaired"):
    """Surgery: `what` is a catalogue code; steps whose intents were lost are unknown from now on."""

    what: str
    by: str
    unknown: tuple[str, ...] = ()


class Restored(Event, frozen=True, tag="restored"):
    """The state was set back to what it was at `serial`; everything later stays in the journal as history."""

    serial: int
    by: str


class Unlocked(Event, frozen=True, tag="unlocked"):
    """A lock was taken away from `holder`."""

    by: str
    holder: str


class Claimed(Event, frozen=True, tag="claimed"):
    """A line of the settlement. `kind`: invoice (the vendor's claim), overcharge or refund (ours); credit or payment (of the
    claim `answers`); agreed (what both sides wrote down for it, in place of its amount). `amount`: a decimal number as text;
    `day`: of the document."""

    number: int
    kind: str
    amount: str
    currency: str
    by: str
    document: Evidence
    answers: int | None = None
    note: str = ""
    day: str | None = None


class Struck(Event, frozen=True, tag="struck"):
    """A line of the settlement was entered by mistake and does not count any more; it stays in the journal."""

    number: int
    by: str
    why: str


class Destruction(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a vendor's document on the destruction of data says, as a person read it; None where it says nothing. `datasets`:
    the records destroyed by dataset, None where it gives no count. `backups`: destroyed, expire or kept; `expiry`: until
    when. `sub_processors`: by name; none of them where it says that there are none. Days are ISO."""

    tenant: str | None = None
    datasets: dict[str, int | None] = {}
    backups: str | None = None
    expiry: str | None = None
    sub_processors: tuple[str, ...] | None = None
    day: str | None = None
    signatory: str | None = None


class Examined(Event, frozen=True, tag="examined"):
    """The vendor's destruction document was read: what it says, beside the document and what was written down of it."""

    by: str
    said: Destruction
    document: Evidence
    transcript: Evidence | None = None


class Filled(msgspec.Struct, frozen=True):
    """Of one field, in how many records something stands: in the archive, and in the new system."""

    field: str
    ours: int
    theirs: int


class Compared(Event, frozen=True, tag="compared"):
    """The records of one dataset in the new system were compared with its archive. `content`: the digest of the archive
    that was compared; `ours`, `theirs`: records there and in the new system."""

    dataset: str
    ours: int
    theirs: int
    content: str
    by: str
    counts: Evidence
    fields: tuple[Filled, ...] = ()


class Remark(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the evaluation. `kind`: cost, measure, feedback, lesson or verdict; `name` of a cost or a measure; `side`:
    before or after; `value`: a decimal number as text, of a verdict yes or no; `unit`: of a cost its currency; `per`: of a
    cost month, quarter, year or once; `who`: whose feedback."""

    kind: str
    name: str = ""
    side: str = ""
    value: str = ""
    unit: str = ""
    per: str = ""
    text: str = ""
    who: str = ""


class Remarked(Event, frozen=True, tag="remarked"):
    """Lines of the evaluation were entered, or imported together from a file."""

    by: str
    lines: tuple[Remark, ...]
    source: Evidence | None = None


class Sight(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a look after the end saw. `what`: credential (`name`: its use), listing, archive, or back. `said`: of a credential
    refused, works, works_again, refused_strangely or unknown; of a listing unknown, not_shown or unsure (`name`: of which kind), or unshown; of the
    archive due; of what is back the word of `drift.Turn`. `code`: why nothing could be seen."""

    what: str
    said: str
    name: str = ""
    address: str = ""
    code: str = ""


class Watched(Event, frozen=True, tag="watched", kw_only=True):
    """Somebody looked whether anything came back. `outcome`: clear (nothing did), partly (nothing did, as far as the vendor shows), back,
    unknown (it could not be looked)."""

    by: str
    outcome: str
    sights: tuple[Sight, ...]


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
)

SINCE: dict[type[Event], int] = {Bounced: 2, Watched: 2}
"""Events that an earlier format does not know: what holds one is written in this format, so that a version that cannot read
it says so and leaves it alone. A new event, or a new word in an old one, raises `record.FORMAT` and stands here."""


def since(events: Iterable[AnyEvent]) -> int:
    """The lowest format that knows all of these events."""
    return max((SINCE.get(type(each), 1) for each in events), default=1)
