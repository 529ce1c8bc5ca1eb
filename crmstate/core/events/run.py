"""Of a run of `apply`: what was intended, how it came out, and how far it has come."""

from __future__ import annotations

import msgspec

from crmstate.core.address import Address
from crmstate.core.events.event import Event
from crmstate.core.events.evidence import Evidence
from crmstate.core.words import Outcome, Phase, Proof, Undo, Verb


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


class Reopened(Event, frozen=True, tag="reopened"):
    """Looking showed that an intended act did not happen: it may be sent (again)."""

    run: str
    steps: tuple[str, ...]


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
