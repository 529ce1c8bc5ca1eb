"""Strategies: random vendors, tenants, goals and records, for the laws that hold for all of them."""

from __future__ import annotations

import os
from dataclasses import replace as replaced
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from crmstate.core.event import AnyEvent, Held
from crmstate.core.goal import (
    ArchiveGoal,
    Desired,
    Discard,
    HumanGoal,
    Keep,
    ListGoal,
    ModuleGoal,
    NoArchive,
    PurgeGoal,
    Safeguards,
    Selector,
    StatusGoal,
    SubscriptionGoal,
    Unsupported,
    UsersGoal,
)
from crmstate.core.provider import Provider
from crmstate.core.record import State
from crmstate.core.survey import DatasetFacts, Resource, Survey
from crmstate.core.words import READING, How, Kind, Milestone, Outcome, Phase, Proof, Undo, Verb

from .scenes import (
    ACTS,
    LISTED,
    NOW,
    OWN_KEYS,
    READER,
    WRITER,
    account,
    archived,
    cell,
    contract,
    dataset,
    frozen,
    happened,
    integration,
    key,
    module,
    record,
    session,
    setting,
    tenant,
    user,
    vendor,
    wish,
)

Draw = st.DrawFn
LAW = settings(max_examples=int(os.environ.get("LAW_EXAMPLES", "40")), deadline=None, database=None)
"""How often each law is tried: `LAW_EXAMPLES=2000` for a long night."""
ODD = st.lists(st.sampled_from([Phase.PRESENT, *Phase]), max_size=10)
"""The phases of the first few rows; all others are present."""
OUTCOMES = st.sampled_from(list(Outcome))
PROOFS = st.sampled_from([Proof.OBSERVED, Proof.ATTESTED, Proof.ACKNOWLEDGED])


@st.composite
def providers(draw: Draw, *, plain: bool = False) -> Provider:
    """A vendor whose table differs from the one that can do everything in a few cells. `plain`: every effect shows, and all by the API."""
    changed = [] if plain else draw(st.lists(CHANGES, max_size=4))
    cells = []
    for number, facts in changed:
        kind, verb, *_ = ACTS[number]
        if (kind, verb) in PROVED and "shows_effect" in facts:
            continue
        cells.append(cell(kind, verb, **facts))
    cells += [
        cell(kind, verb, attributes=frozenset({name})) for kind, verb, name in ([] if plain else draw(ATTRIBUTES))
    ]
    made = vendor(*cells, removal=draw(st.sampled_from([Verb.DEACTIVATE, Verb.DELETE])))
    size = draw(st.integers(1, 4))
    for place, each in made.table.items():
        if each.verb not in READING:
            made.table[place] = replaced(each, batch=1 if each.kind in (Kind.SUBSCRIPTION, Kind.ACCOUNT) else size)
    return made


PROVED = {(Kind.DATASET, Verb.PURGE), (Kind.BIN, Verb.EMPTY)}
"""What is always proved by reading back."""
NOT_BY_API = {"run": None, "runbook": "runbook.x", "why": "why.x"}
CHANGES = st.tuples(
    st.integers(0, len(ACTS) - 1),
    st.sampled_from(
        [
            {"how": How.MANUAL, **NOT_BY_API},
            {"how": How.NONE, **NOT_BY_API},
            {"shows_effect": False},
            {"shows_effect": False, "undo": Undo.NEVER},
            {"undo": Undo.NEVER},
            {"undo": Undo.FREE},
        ]
    ),
)
ATTRIBUTES = st.lists(
    st.sampled_from(
        [
            (Kind.USER, Verb.DEACTIVATE, "needs_active_owner"),
            (Kind.USER, Verb.DELETE, "needs_active_owner"),
            (Kind.SUBSCRIPTION, Verb.CANCEL, "ends_api"),
            (Kind.ACCOUNT, Verb.CLOSE, "ends_api"),
        ]
    ),
    max_size=2,
)


@st.composite
def tenants(draw: Draw, *, whole: bool = False) -> Survey:
    """A small tenant of every kind. `whole`: every listing is complete and nothing is of an unknown phase or pending."""

    odd = draw(ODD) if not whole else []
    left = list(odd)

    def phase() -> Phase:
        return left.pop() if left else Phase.PRESENT

    def some(most: int) -> range:
        return range(draw(st.integers(0, most)))

    rows: list[Resource] = []
    rows += [replace(user(f"p{n}", label=draw(st.sampled_from(["Li", "Wang", "Ann"]))), phase=phase()) for n in some(3)]
    people = ["u1", *(row.id for row in rows)]
    rows += [key(f"k{n}", draw(st.sampled_from(people)), phase()) for n in some(2)]
    rows += [replace(session(f"s{n}", draw(st.sampled_from(people))), phase=phase()) for n in some(2)]
    rows += [integration(f"i{n}", phase=phase()) for n in some(2)]
    rows += [setting(f"x{n}", phase()) for n in some(1)]
    effects = ["keeps", "clears"] if whole else ["keeps", "clears", "unknown"]
    rows += [module(f"m{n}", draw(st.sampled_from(effects)), phase()) for n in some(1)]
    rows += [_dataset(draw, f"d{n}", whole) for n in some(3)]
    rows += [draw(contracts(whole))] if draw(st.booleans()) else []
    rows += [account(phase())]
    own = st.sampled_from(
        [READER, WRITER, replace(READER, key=None), replace(READER, key="k-lost"), replace(READER, user=None)]
    )
    identities = (READER, WRITER) if whole else tuple(draw(st.lists(own, min_size=1, max_size=2, unique=True)))
    missing = () if whole else draw(st.lists(st.sampled_from(LISTED), max_size=2))
    return tenant(*rows, missing=missing, identities=identities)


def _dataset(draw: Draw, id: str, whole: bool) -> Resource:
    if whole:
        return dataset(
            id, draw(st.integers(0, 5)), exportable=draw(st.integers(0, 6)) > 0, bin_rows=draw(st.sampled_from([0, 2]))
        )
    return dataset(
        id,
        draw(st.none() | st.integers(0, 9)),
        exact=draw(st.booleans()),
        exportable=draw(st.integers(0, 4)) > 0,
        bin_rows=draw(st.none() | st.integers(0, 3)),
    )


def contracts(whole: bool = False) -> st.SearchStrategy[Resource]:
    """A contract in any condition."""
    plain = st.sampled_from(["active"] if whole else ["active", "paused", "free", "cancelled"]).map(contract)
    waiting = st.sampled_from(["cancel", "pause", "downgrade", "resume"]).map(
        lambda what: contract(pending=what, effective="2026-07-01")
    )
    return plain if whole else plain | waiting


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def wishes(draw: Draw, seen: Survey, *, sane: bool = False) -> Desired:
    """Goals for a tenant. `sane`: what a validated manifest may ask for: nothing that names nothing, no circles, no gates but the freeze."""
    ids = {kind: [row.id for row in seen.of(kind)] for kind in LISTED}
    names = [row.id for row in seen.of(Kind.DATASET)]
    archive = draw(st.sampled_from(["all", "all", "some", "none", "unmanaged"]))
    goals: dict[str, Any] = {
        "users": draw(maybe(people(ids[Kind.USER], sane))),
        "sessions": draw(maybe(lists("ended", ids[Kind.SESSION], sane))),
        "api_keys": draw(maybe(lists("revoked", ids[Kind.API_KEY], sane))),
        "integrations": draw(maybe(lists("removed", ids[Kind.INTEGRATION], sane))),
        "settings": draw(maybe(st.just(ListGoal("reset")))),
        "modules": tuple(draw(modules(seen))),
        "archive": {
            "all": ArchiveGoal("file:///a"),
            "some": ArchiveGoal("file:///a", datasets=tuple(names[:1])) if names else None,
            "none": NoArchive("small", "head@example.com"),
            "unmanaged": None,
        }[archive],
        "discard": tuple(Discard(name, "rebuilt", "head@example.com") for name in draw(some(names, 1))),
        "purge": draw(
            maybe(
                st.builds(
                    PurgeGoal, st.booleans(), st.booleans() if not sane else st.just(False), some(names, 1).map(tuple)
                )
            )
        ),
        "account": draw(maybe(st.sampled_from(["deleted", "deleted", "active"]).map(StatusGoal))),
        "subscription": draw(maybe(contract_goals())),
        "freeze": "now" if sane else draw(st.sampled_from(["now", "now", "2026-12-15T17:00:00Z", None])),
    }
    if not sane:
        goals["people"] = tuple(draw(human_goals()))
        goals["open_questions"] = ("?",) if draw(st.integers(0, 6)) == 0 else ()
        goals["unsupported"] = tuple(
            Unsupported(f"notices[{n}]", draw(maybe(MILESTONES))) for n in range(draw(st.integers(0, 1)))
        )
        goals["safeguards"] = Safeguards(max_removals=draw(maybe(st.integers(0, 5))))
    return wish(**goals)


MILESTONES = st.sampled_from([each.value for each in Milestone])


def some(names: list[str], most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), max_size=most, unique=True) if names else st.just([])


def selectors(ids: list[str], sane: bool) -> st.SearchStrategy[Selector]:
    named = st.sampled_from(ids).map(lambda each: Selector(id=each)) if ids else st.nothing()
    return named if sane else named | st.sampled_from(["nobody", "Li"]).map(lambda each: Selector(name=each))


def people(ids: list[str], sane: bool) -> st.SearchStrategy[UsersGoal]:
    kept = st.lists(selectors(ids, sane).map(Keep), max_size=2).map(tuple)
    named = st.lists(selectors(ids, sane), max_size=2).map(tuple)
    status = st.sampled_from(["removed", "deactivated", "deleted", "active"])
    return st.builds(UsersGoal, status, kept, named)


def lists(end: str, ids: list[str], sane: bool) -> st.SearchStrategy[ListGoal]:
    kept = st.lists(selectors(ids, sane).map(Keep), max_size=1).map(tuple) if ids else st.just(())
    named = st.lists(selectors(ids, sane), max_size=1).map(tuple) if ids else st.just(())
    return st.builds(ListGoal, st.sampled_from([end, end, "active"]), kept, named)


def modules(seen: Survey) -> st.SearchStrategy[list[ModuleGoal]]:
    rows = seen.of(Kind.MODULE)
    if not rows:
        return st.just([])
    effect = getattr(rows[0].facts, "data_effect", "unknown")
    return st.lists(st.sampled_from([ModuleGoal(rows[0].id, "disabled", effect)]), max_size=1)


def contract_goals() -> st.SearchStrategy[SubscriptionGoal]:
    return st.sampled_from(
        [
            SubscriptionGoal("cancelled", effective="immediately"),
            SubscriptionGoal("cancelled", effective="end_of_term"),
            SubscriptionGoal("cancelled", effective="2026-12-31"),
            SubscriptionGoal("paused", starts="2026-05-01", until="2027-03-01"),
            SubscriptionGoal("downgraded", effective="immediately", to="free"),
            SubscriptionGoal("active"),
        ]
    )


def human_goals() -> st.SearchStrategy[list[HumanGoal]]:
    names = ["impact", "training"]
    points = st.sampled_from([each.value for each in Milestone] + names)
    goal = st.builds(
        lambda id, before, after: HumanGoal(id, id, "it@example.com", "attested", before=before, after=after),
        st.sampled_from(names),
        maybe(points),
        maybe(points),
    )
    return st.lists(goal, max_size=2, unique_by=lambda each: each.id)


@st.composite
def records(draw: Draw, seen: Survey) -> State:
    """What may have been done to this tenant."""
    events: list[AnyEvent] = list(frozen()) if draw(st.booleans()) else []
    verbs = {kind: [verb for each, verb, _, _ in ACTS if each is kind] for kind in Kind}
    acted = [row for row in seen.resources if verbs[row.kind]]
    for row in draw(st.lists(st.sampled_from(acted), max_size=4)) if acted else ():
        verb = draw(st.sampled_from(verbs[row.kind]))
        events += happened(row.kind, row.id, verb, draw(OUTCOMES), proof=draw(PROOFS), rows=draw(st.integers(0, 5)))
    for row in seen.of(Kind.DATASET):
        if draw(st.booleans()):
            rows = row.facts.rows if isinstance(row.facts, DatasetFacts) else None
            events += archived(row.id, rows or 0, delta=draw(st.booleans()))
        if draw(st.integers(0, 6)) == 0:
            events.append(Held(NOW, row.id, "legal@example.com"))
    return record(events)


@st.composite
def cases(draw: Draw) -> tuple[Desired, Survey, State, Provider]:
    """Everything that a plan is made of."""
    seen = draw(tenants())
    return draw(wishes(seen)), seen, draw(records(seen)), draw(providers())


OWN = frozenset(row.id for row in OWN_KEYS)
