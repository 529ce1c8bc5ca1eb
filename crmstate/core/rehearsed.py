"""Rehearsed: how a rehearsal went, as data for its views."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from crmstate.core.address import Address
from crmstate.core.diagnostic import Diagnostic
from crmstate.core.plan import Blocked, Estimate
from crmstate.core.survey import Gap
from crmstate.core.words import Kind, Mode, Proof, Verb


class By(StrEnum):
    """Who did it: crmstate, which may only have asked for it, a person in the vendor's screens, a person of whom only the word is
    there, or time."""

    CRMSTATE = "crmstate"
    ASKED = "asked"
    PERSON = "person"
    WORD = "word"
    TIME = "time"


class Scene(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened, on the vendor's clock (ISO 8601 UTC). `proof`: how the record knows."""

    at: str
    address: Address
    kind: Kind
    verb: Verb
    mode: Mode
    by: By
    label: str = ""
    irreversible: bool = False
    owner: str | None = None
    proof: Proof | None = None


class Proved(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of evidence that came out."""

    address: Address
    method: str
    proof: Proof
    rows: int | None = None


class Rehearsed(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole rehearsal. `finished`: nothing was left to do. `scaled`: datasets that were played with `most` rows, with
    the rows that they have. `estimate`: what the plan costs at the real vendor, by its counts and limits; `waited`: the
    seconds that the played one took for the vendor's limits. `left`: steps that still waited at the end. `found`: why it
    went no further. `unseen`: what the vendor did not
    show whole, so that no more than what was seen of it was played."""

    name: str
    provider: str
    tenant: str
    began: str
    ended: str
    finished: bool
    scenes: tuple[Scene, ...]
    estimate: Estimate
    waited: int = 0
    approvals: int = 0
    most: int = 0
    scaled: dict[str, int] = {}
    evidence: tuple[Proved, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    left: tuple[Blocked, ...] = ()
    found: tuple[Diagnostic, ...] = ()
    unseen: tuple[Gap, ...] = ()
