"""Step and Plan: what will be done, as plain data. `planner.plan()` makes a Plan; `apply` walks it and does those
steps or fewer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from crmstate.core.address import Address
from crmstate.core.audience import Audience
from crmstate.core.contacts import Spoken
from crmstate.core.cost import Cost
from crmstate.core.diagnostic import Diagnostic, Span
from crmstate.core.life import Life
from crmstate.core.message import Message
from crmstate.core.order import Stage
from crmstate.core.provider import Args
from crmstate.core.words import Kind, Mode, Phase, Proof, Severity, Undo, Verb

FORMAT_VERSION = "1.0"


class Expect(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What the world must still look like right before the act: phase, and the fingerprint of the row where it had
    one."""

    phase: Phase
    fingerprint: str = ""


class Estimate(msgspec.Struct, frozen=True, omit_defaults=True):
    """Requests to the vendor, seconds by its limits, and days of its quota. `of`: the requests by what they are for
    (archive, verify, delta, purge, other). `uncounted`: datasets of which the vendor gives no count, so that there is
    more to do than this says."""

    calls: int = 0
    seconds: int = 0
    days_of_quota: int = 0
    of: dict[str, int] = {}
    uncounted: int = 0


class Step(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing to be done. Pure data, no closures.

    `id`: digest of (address, verb, occurrence). `stage` and `needs` say when it may start: after every earlier stage
    of the plan's order, and after these steps. `before` and `after`: the phases that the act leads from and to.
    `rows`: ceiling for a purge. `jobs`: export jobs that an archive is made by, 0 for pages. `not_before`, `deadline`:
    ISO 8601 UTC; `undated`: when it is due, as it is written, where that is no date yet. `contact`: the last talk with the
    vendor about it. `owner`, `proof`, `files`, `runbook` (a catalogue code): for steps that a person takes.
    """

    id: str
    address: Address
    kind: Kind
    verb: Verb
    mode: Mode
    undo: Undo
    stage: str
    why: Message
    before: Phase
    after: Phase
    label: str = ""
    occurrence: int = 1
    needs: tuple[str, ...] = ()
    expects: Expect | None = None
    args: Args | None = None
    rows: int | None = None
    not_before: str | None = None
    deadline: str | None = None
    owner: str | None = None
    proof: Proof | None = None
    files: bool = False
    calls: int = 0
    jobs: int = 0
    span: Span | None = None
    runbook: str | None = None
    undated: str = ""
    contact: Spoken | None = None

    @property
    def irreversible(self) -> bool:
        """Whether nothing and nobody can take this back once it is done by us."""
        return self.undo is Undo.NEVER and self.mode is Mode.AUTO and self.verb not in HARMLESS


HARMLESS = frozenset({Verb.ARCHIVE, Verb.VERIFY, Verb.DELTA, Verb.RESTORE_TEST, Verb.CONFIRM, Verb.PROBE, Verb.NOTIFY})


class Blocked(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that the manifest asks for and that cannot be planned now: why, who has to do what, and what waits for
    it."""

    address: Address
    verb: Verb
    stage: str
    why: Message
    owner: str | None = None
    due: str | None = None
    label: str = ""
    span: Span | None = None


class Deadline(msgspec.Struct, frozen=True, omit_defaults=True):
    """A date to come on which something falls due. `what`: recheck, keep_until, notice_deadline, decide_by, term_end,
    renewal, freeze, cancel_effective, pause, due, notice, settlement, evaluation, backups, law; `at`: the last moment of it, ISO 8601 UTC.
    `explanation`: how the date came about, one part after the other; `missed`: what happens where it passes; `owner`: whose it is."""

    what: str
    at: str
    address: Address
    why: Message
    span: Span | None = None
    explanation: tuple[Message, ...] = ()
    missed: tuple[Message, ...] = ()
    owner: str | None = None


class Base(msgspec.Struct, frozen=True):
    """The state that a plan was made on."""

    lineage: str
    serial: int


class Summary(msgspec.Struct, frozen=True, omit_defaults=True):
    """Counts for the head of every view. `unchanged` by kind: resources that already are as the manifest wants them."""

    auto: int = 0
    manual: int = 0
    wait: int = 0
    irreversible: int = 0
    blocked: int = 0
    ready: int = 0
    unchanged: dict[str, int] = {}
    unmanaged: dict[str, int] = {}


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """The difference between the manifest and the world. Sorted on construction; the same inputs give the same bytes.

    `order`: pairs (earlier stage, later stage) that hold for this plan. `approval`: digest of the irreversible steps,
    which approvals bind to. `hypothetical`: made for another time, or for part of the steps in a way that may not be
    applied. `sealed`: the vendor is no longer reachable by design, last verified at this time. `offline`: the vendor was
    not asked, by somebody's wish: only the archive was looked at. `deadlines`: dates to come, the earliest first. `life`: where
    the subscription stands; `cost`: what its end costs and saves; both None where nobody speaks of one. `notices`: to whom they go, and
    what they say. `vendor`: what the contract calls the vendor, empty where nobody wrote it.
    """

    format_version: str
    plan_id: str
    name: str
    manifest: str
    digest: str
    provider: str
    tenant: str
    base: Base
    observed_at: str
    steps: tuple[Step, ...]
    order: tuple[tuple[str, str], ...]
    approval: str
    summary: Summary
    blocked: tuple[Blocked, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    complete: tuple[Kind, ...] = ()
    estimate: Estimate = Estimate()
    approvals_needed: int = 0
    require_plan_id: bool = False
    hypothetical: bool = False
    sealed: str | None = None
    excluded: tuple[str, ...] = ()
    offline: bool = False
    deadlines: tuple[Deadline, ...] = ()
    life: Life | None = None
    cost: Cost | None = None
    notices: tuple[Audience, ...] = ()
    vendor: str = ""

    @property
    def alone(self) -> bool:
        """Whether it was made without the vendor."""
        return self.sealed is not None or self.offline

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(found for found in self.diagnostics if found.severity is Severity.ERROR)

    def step(self, step_id: str) -> Step | None:
        """The step with this id, or None."""
        return next((step for step in self.steps if step.id == step_id), None)


_STAGES = {stage.value: number for number, stage in enumerate(Stage)}


def sort_key(step: Step | Blocked) -> tuple[int, str, str, str]:
    """The order in which steps are shown and started where nothing else decides."""
    return _STAGES.get(step.stage, len(_STAGES) if step.stage else 0), step.stage, step.address, step.verb.value


def plan_digest(
    digest: str,
    tenant: str,
    steps: tuple[Step, ...],
    order: tuple[tuple[str, str], ...] = (),
    blocked: tuple[Blocked, ...] = (),
    errors: Iterable[str] = (),
) -> str:
    """What a plan is bound to: the parsed manifest, the tenant, the order, the automatic steps with row counts as ceilings, what is blocked, and
    the codes of errors; not times, serial, prose, human or waiting steps (those are gates, checked when it is applied)."""
    total = hashlib.sha256(f"{digest}\n{tenant}\n".encode("utf-8", "surrogatepass"))
    total.update(msgspec.json.encode(order))
    for step in steps:
        if step.mode is Mode.AUTO:
            line = (
                step.id,
                step.before,
                step.after,
                step.undo,
                step.not_before,
                step.rows,
                step.stage,
                step.needs,
                step.expects,
            )
            total.update(msgspec.json.encode((line, step.args)))
    for gate in blocked:
        total.update(msgspec.json.encode((gate.address, gate.verb, gate.stage)))
    for code in sorted(errors):
        total.update(f"{code}\n".encode("utf-8", "surrogatepass"))
    return total.hexdigest()[:24]


def approval_digest(steps: tuple[Step, ...]) -> str:
    """What approvals bind to: exactly the irreversible steps, by id and arguments; that of the archive's end by its place
    and its day as well, and a purge by what it takes along that no archive has. It survives planning again while they stay."""
    total = hashlib.sha256()
    for key, args in sorted((step.id, _arguments(step)) for step in steps if step.irreversible):
        total.update(key.encode() + args + b"\n")
    return total.hexdigest()[:24]


def _arguments(step: Step) -> bytes:
    args = msgspec.json.encode(step.args)
    if step.verb is Verb.DISCARD:
        return args + msgspec.json.encode(step.why)
    _, lost, how = step.why.code.partition(".files.")
    if not lost:
        return args
    params = step.why.params
    return args + msgspec.json.encode((how, params.get("who", ""), params.get("text", "")))
