"""Of papers that people hand in: the settlement's, the vendor's on destruction, counts of the new system, the evaluation."""

from __future__ import annotations

import msgspec

from crmstate.core.events.event import Event
from crmstate.core.events.evidence import Evidence


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
