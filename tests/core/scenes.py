"""Scenes: a vendor's table, a tenant as it was listed, and goals, each with one line; what the sentences of these
tests are about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from crmstate.core.address import Address, address, id_of
from crmstate.core.event import AnyEvent, Confirmed, Intended, Settled, Settlement, StepRef
from crmstate.core.fold import fold
from crmstate.core.goal import (
    ArchiveGoal,
    Desired,
    Discard,
    Keep,
    ListGoal,
    ModuleGoal,
    PurgeGoal,
    Selector,
    StatusGoal,
    SubscriptionGoal,
    UsersGoal,
)
from crmstate.core.plan import Plan, Step
from crmstate.core.planning.planner import plan as make_plan
from crmstate.core.provider import Cell, Limits, Provider
from crmstate.core.record import State, step_id
from crmstate.core.schedule import Schedule
from crmstate.core.survey import (
    AccountFacts,
    ApiKeyFacts,
    DatasetFacts,
    Gap,
    Identity,
    IntegrationFacts,
    Listing,
    ModuleFacts,
    Resource,
    SessionFacts,
    SubscriptionFacts,
    Survey,
    UserFacts,
    survey,
)
from crmstate.core.words import How, Kind, Outcome, Phase, Proof, Undo, Verb

NOW = "2026-06-01T12:00:00Z"
TENANT = "acme"
LISTED = (
    Kind.SUBSCRIPTION,
    Kind.ACCOUNT,
    Kind.MODULE,
    Kind.SETTING,
    Kind.USER,
    Kind.SESSION,
    Kind.API_KEY,
    Kind.INTEGRATION,
    Kind.DATASET,
    Kind.BIN,
)
ACTS: tuple[tuple[Kind, Verb, Undo, Phase], ...] = (
    (Kind.USER, Verb.DEACTIVATE, Undo.FREE, Phase.INACTIVE),
    (Kind.USER, Verb.DELETE, Undo.NEVER, Phase.ABSENT),
    (Kind.USER, Verb.RESUME, Undo.FREE, Phase.PRESENT),
    (Kind.SESSION, Verb.SIGN_OUT, Undo.NEVER, Phase.ABSENT),
    (Kind.API_KEY, Verb.REVOKE, Undo.NEVER, Phase.ABSENT),
    (Kind.INTEGRATION, Verb.DELETE, Undo.NEVER, Phase.ABSENT),
    (Kind.SETTING, Verb.RESET, Undo.NEVER, Phase.ABSENT),
    (Kind.MODULE, Verb.DISABLE, Undo.FREE, Phase.INACTIVE),
    (Kind.MODULE, Verb.RESUME, Undo.FREE, Phase.PRESENT),
    (Kind.DATASET, Verb.PURGE, Undo.NEVER, Phase.ABSENT),
    (Kind.BIN, Verb.EMPTY, Undo.NEVER, Phase.ABSENT),
    (Kind.SUBSCRIPTION, Verb.CANCEL, Undo.WINDOW, Phase.ABSENT),
    (Kind.SUBSCRIPTION, Verb.PAUSE, Undo.FREE, Phase.INACTIVE),
    (Kind.SUBSCRIPTION, Verb.RESUME, Undo.FREE, Phase.PRESENT),
    (Kind.SUBSCRIPTION, Verb.DOWNGRADE, Undo.WINDOW, Phase.INACTIVE),
    (Kind.ACCOUNT, Verb.CLOSE, Undo.NEVER, Phase.ABSENT),
)
READS = ((Kind.TENANT, Verb.WHOAMI), (Kind.DATASET, Verb.COUNT), (Kind.DATASET, Verb.READ))


def vendor(
    *changed: Cell, removal: Verb = Verb.DEACTIVATE, batch: int = 3, listed: Iterable[Kind] = LISTED
) -> Provider:
    """A vendor whose API can do everything; `changed` cells replace its own."""
    made = Provider("model", "Model", ("token",), (), (), {Kind.USER: removal}, Limits(page=2))
    for kind in listed:
        made.reads(kind, Verb.LIST, source="test")(_nothing)
    for kind, verb in READS:
        made.reads(kind, verb, source="test")(_nothing)
    for kind, verb, undo, after in ACTS:
        size = 1 if kind in (Kind.SUBSCRIPTION, Kind.ACCOUNT) else batch
        made.acts(kind, verb, undo=undo, after=after, source="test", batch=size)(_nothing)
    for cell in changed:
        made.table[cell.kind, cell.verb] = cell
    return made


def cell(kind: Kind, verb: Verb, **changes: Any) -> Cell:
    """The cell of `vendor()` with something changed."""
    undo, after = next((undo, after) for each, act, undo, after in ACTS if (each, act) == (kind, verb))
    facts: dict[str, Any] = {
        "how": How.API,
        "run": _nothing,
        "undo": undo,
        "after": after,
        "batch": 3,
        "source": "test",
        **changes,
    }
    return Cell(kind, verb, **facts)


def _nothing(*_: object) -> None:
    raise AssertionError("planning calls no vendor")


def user(
    id: str, email: str = "", role: str = "member", phase: Phase = Phase.PRESENT, label: str = "", **more: Any
) -> Resource:
    return Resource(
        Kind.USER,
        id,
        label or f"Person {id}",
        phase,
        UserFacts(email or f"{id}@example.com", role, role == "owner"),
        **more,
    )


def key(id: str, whose: str = "u1", phase: Phase = Phase.PRESENT) -> Resource:
    return Resource(Kind.API_KEY, id, f"key {id}", phase, ApiKeyFacts(whose))


def session(id: str, whose: str = "u1") -> Resource:
    return Resource(Kind.SESSION, id, "browser", Phase.PRESENT, SessionFacts(whose))


def integration(id: str, name: str = "hook", phase: Phase = Phase.PRESENT) -> Resource:
    return Resource(Kind.INTEGRATION, id, name, phase, IntegrationFacts("webhook", "https://hooks.example.com"))


def setting(id: str, phase: Phase = Phase.PRESENT) -> Resource:
    return Resource(Kind.SETTING, id, id.title(), phase)


def module(id: str, effect: str = "keeps", phase: Phase = Phase.PRESENT) -> Resource:
    return Resource(Kind.MODULE, id, id.upper(), phase, ModuleFacts(effect))


def dataset(id: str, rows: int | None = 5, phase: Phase = Phase.PRESENT, **facts: Any) -> Resource:
    return Resource(Kind.DATASET, id, id.title(), phase, DatasetFacts(rows, **facts))


def contract(
    status: str = "active", pending: str | None = None, effective: str | None = None, **facts: Any
) -> Resource:
    phases = {"active": Phase.PRESENT, "paused": Phase.INACTIVE, "free": Phase.INACTIVE, "cancelled": Phase.ABSENT}
    phase = Phase.PENDING if pending else phases[status]
    known = SubscriptionFacts(plan="pro", status=status, pending=pending, effective=effective, **facts)
    return Resource(Kind.SUBSCRIPTION, "sub", "pro", phase, known, effective)


def account(phase: Phase = Phase.PRESENT) -> Resource:
    return Resource(Kind.ACCOUNT, TENANT, "Acme", phase, AccountFacts())


OWNER, ADMIN = user("u0", role="owner"), user("u1", role="admin")
OWN_KEYS = (key("k-read"), key("k-write"))
READER = Identity("read", TENANT, user="u1", key="k-read", whole_view=True)
WRITER = Identity("write", TENANT, user="u1", key="k-write", may_write=True, whole_view=True)


def tenant(
    *rows: Resource,
    missing: Iterable[Kind] = (),
    identities: Sequence[Identity] = (READER, WRITER),
    at: str = NOW,
    own: bool = True,
    name: str = TENANT,
) -> Survey:
    """A survey of these rows; with `own`, of the owner, of the administrator whom our two keys belong to, and of these
    keys. `missing`: kinds whose listing is not complete."""
    seen = (*rows, *((OWNER, ADMIN, *OWN_KEYS) if own else ()))
    partial = set(missing)
    listings = [
        Listing(
            kind,
            tuple(row for row in seen if row.kind is kind),
            kind not in partial,
            Gap(kind, "gap.partial_view") if kind in partial else None,
        )
        for kind in LISTED
    ]
    return survey(name, listings, list(identities), at)


def wish(**goals: Any) -> Desired:
    """A manifest's meaning: the freeze is now, everything else unmanaged unless it is named."""
    facts: dict[str, Any] = {
        "name": "exit",
        "digest": "d" * 64,
        "provider": "model",
        "tenant": TENANT,
        "owner": "ops@example.com",
        "freeze": "now",
    }
    return Desired(**{**facts, **goals})


def keep(*ids: str) -> tuple[Keep, ...]:
    return tuple(Keep(Selector(id=each)) for each in ids)


def only(*ids: str) -> tuple[Selector, ...]:
    return tuple(Selector(id=each) for each in ids)


REMOVED = UsersGoal("removed", keep("u0"))
REVOKED = ListGoal("revoked")
ENDED = ListGoal("ended")
GONE = ListGoal("removed")
ARCHIVED = ArchiveGoal("file:///archive")
PURGED = PurgeGoal()
DELETED = StatusGoal("deleted")
CANCELLED = SubscriptionGoal("cancelled", effective="immediately")


def discard(*names: str) -> tuple[Discard, ...]:
    return tuple(Discard(name, "rebuilt", "head@example.com") for name in names)


def disabled(name: str, effect: str = "keeps") -> tuple[ModuleGoal, ...]:
    return (ModuleGoal(name, "disabled", effect),)


def plan(desired: Desired, seen: Survey, state: State | None = None, by: Provider | None = None, **more: Any) -> Plan:
    """plan() with a fresh record and a vendor that can do everything, unless others are given."""
    return make_plan(desired, seen, state if state is not None else State(desired.name), by or vendor(), **more)


def planned(made: Plan) -> list[tuple[Verb, str]]:
    """The steps as (verb, remote id), in the plan's order."""
    return [(step.verb, id_of(step.address)) for step in made.steps]


def ids(made: Plan, verb: Verb, kind: Kind | None = None) -> list[str]:
    """The remote ids that a plan has `verb` for."""
    return [id_of(step.address) for step in made.steps if step.verb is verb and kind in (None, step.kind)]


def one(made: Plan, verb: Verb, id: str) -> Step:
    """The one step of this verb and id."""
    (found,) = (step for step in made.steps if step.verb is verb and id_of(step.address) == id)
    return found


def codes(made: Plan) -> list[str]:
    """The codes of a plan's diagnostics."""
    return [found.code for found in made.diagnostics]


def blockers(made: Plan) -> list[tuple[str, str]]:
    """What is blocked as (reason, address)."""
    return [(each.why.code, each.address) for each in made.blocked]


def reachable(made: Plan) -> list[Step]:
    """Every step that would start if each one that starts succeeded: what blockers leave over."""
    schedule = Schedule(made)
    found: list[Step] = []
    while free := schedule.take():
        found += free
        for step in free:
            schedule.done(step.id)
    return found


def reached(made: Plan, verb: Verb) -> list[str]:
    """The ids for which `verb` would be carried out if everything succeeded."""
    return [id_of(step.address) for step in reachable(made) if step.verb is verb]


def ref(kind: Kind, id: str, verb: Verb, *, undo: Undo = Undo.NEVER, occurrence: int = 1, own: bool = False) -> StepRef:
    place = address(kind, id)
    return StepRef(step_id(place, verb, occurrence), place, verb, undo, occurrence=occurrence, own=own)


def happened(
    kind: Kind,
    id: str,
    verb: Verb,
    outcome: Outcome = Outcome.DONE,
    *,
    at: str = NOW,
    more: dict[str, Any] | None = None,
    **facts: Any,
) -> list[AnyEvent]:
    """The events of one step that came out so; `facts` of its settlement, `more` of its reference."""
    step = ref(kind, id, verb, **(more or {}))
    proof = facts.pop("proof", Proof.OBSERVED if outcome is Outcome.DONE else Proof.NONE)
    events: list[AnyEvent] = [Intended(at, "run", "b", (step,))]
    if outcome is not Outcome.INTENDED:
        events.append(Settled(at, "run", "b", (Settlement(step.id, outcome, proof, **facts),)))
    return events


def confirmed(
    kind: Kind,
    id: str,
    verb: Verb = Verb.CONFIRM,
    *,
    at: str = NOW,
    proof: Proof = Proof.ATTESTED,
    expires: str | None = None,
) -> list[AnyEvent]:
    return [Confirmed(at, ref(kind, id, verb, undo=Undo.FREE), "it@example.com", proof, "done", (), expires)]


def record(*histories: Iterable[AnyEvent]) -> State:
    """The state that these events give."""
    return fold("exit", [event for history in histories for event in history])


def frozen(at: str = "2026-05-01T00:00:00Z") -> list[AnyEvent]:
    return happened(Kind.FREEZE, "cutover", Verb.CONFIRM, at=at, more={"undo": Undo.FREE})


def archived(id: str, rows: int = 5, *, delta: bool = True, at: str = "2026-05-02T00:00:00Z") -> list[AnyEvent]:
    """A dataset archived and verified; with `delta`, after the freeze as well."""
    verbs = (Verb.ARCHIVE, Verb.VERIFY, Verb.DELTA) if delta else (Verb.ARCHIVE, Verb.VERIFY)
    return [
        event
        for verb in verbs
        for event in happened(Kind.ARCHIVE, id, verb, at=at, rows=rows, more={"undo": Undo.FREE})
    ]


def place(kind: Kind, id: str) -> Address:
    return address(kind, id)


def before(stage: str, order: Sequence[tuple[str, str]]) -> set[str]:
    """Every stage that comes before, directly or not."""
    found: set[str] = set()
    todo = [stage]
    while todo:
        name = todo.pop()
        fresh = {first for first, then in order if then == name} - found
        found |= fresh
        todo += fresh
    return found
