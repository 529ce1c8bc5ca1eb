"""Of people's word: what they did, said, were reminded of, approved, and hold or release."""

from __future__ import annotations

from crmstate.core.address import Address
from crmstate.core.events.event import Event
from crmstate.core.events.evidence import Evidence
from crmstate.core.events.run import StepRef
from crmstate.core.words import Channel, Contacting, Nudging, Proof, Verb


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
    on: str = ""
    """When it was done, where that is said; else it is not known better than `at`."""
    out_of_order: str = ""
    """Why it is on record although what comes before it (`ahead_of`) is not done."""
    ahead_of: tuple[Address, ...] = ()


class TakenBack(Event, frozen=True, tag="taken_back", kw_only=True):
    """What the vendor was asked for was taken back, as a person says: `note` says by whom and why. It is to be asked for anew,
    for as long as the manifest wants it."""

    step: str
    address: Address
    verb: Verb
    by: str
    note: str
    evidence: tuple[Evidence, ...] = ()
    contact: str = ""


class Retracted(Event, frozen=True, tag="retracted", kw_only=True):
    """A confirmation that was a slip, as a person says: what was on record before it stands again."""

    step: str
    address: Address
    verb: Verb
    by: str
    note: str


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
