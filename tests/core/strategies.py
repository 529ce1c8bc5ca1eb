"""Strategies: random vendors, tenants, goals and records, for the laws that hold for all of them."""

from __future__ import annotations

import os
from dataclasses import replace as replaced
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from crmstate.core.around import EvaluationGoal, Migrated, ReplacementGoal, SettlementGoal
from crmstate.core.contract import Period, When
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
    """A vendor whose table differs from the one that can do everything in a few cells. `plain`: every effect shows,
    and all by the API."""
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
    """A small tenant of every kind. `whole`: every listing is complete and nothing is of an unknown phase or
    pending."""
    left = [] if whole else draw(ODD)
    people, keys, sessions, integrations, settings_, modules, owners = draw(COUNTS)

    def phase() -> Phase:
        return left.pop() if left else Phase.PRESENT

    def whose(n: int) -> str:
        return owners[n] if int(owners[n][1]) < people or owners[n] == "u1" else "u1"

    rows: list[Resource] = []
    rows += [replace(user(f"p{n}", label=("Li", "Li", "Ann")[n]), phase=phase()) for n in range(people)]
    rows += [key(f"k{n}", whose(n), phase()) for n in range(keys)]
    rows += [replace(session(f"s{n}", whose(n + 2)), phase=phase()) for n in range(sessions)]
    rows += [integration(f"i{n}", phase=phase()) for n in range(integrations)]
    rows += [setting(f"x{n}", phase()) for n in range(settings_)]
    rows += [module("m0", modules, phase())] if modules and not (whole and modules == "unknown") else []
    rows += [
        dataset(f"d{n}", facts[0], facts[1], exportable=facts[2], bin_rows=facts[3], exact=facts[4])
        for n, facts in enumerate(draw(SURE if whole else UNSURE))
    ]
    deal = draw(PLAIN if whole else ANY)
    rows += [deal] if deal else []
    rows += [account(phase())]
    identities = (READER, WRITER) if whole else tuple(draw(IDENTITIES))
    return tenant(*rows, missing=() if whole else draw(MISSING), identities=identities)


COUNTS = st.tuples(
    st.integers(0, 3),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 1),
    st.sampled_from(["", "keeps", "clears", "unknown"]),
    st.lists(st.sampled_from(["u1", "p0", "p1", "p2"]), min_size=4, max_size=4),
)
EXPORTABLE = st.sampled_from([True] * 5 + [False])
SURE = st.lists(
    st.tuples(st.integers(0, 5), st.just(Phase.PRESENT), EXPORTABLE, st.sampled_from([0, 2]), st.just(True)), max_size=3
)
UNSURE = st.lists(
    st.tuples(
        st.none() | st.integers(0, 9),
        st.sampled_from([Phase.PRESENT] * 5 + list(Phase)),
        EXPORTABLE,
        st.none() | st.integers(0, 3),
        st.booleans(),
    ),
    max_size=3,
)
PENDING = ("cancel", "pause", "downgrade", "resume")
PLAIN = st.sampled_from([None, contract()])
ANY = st.sampled_from(
    [
        None,
        *(contract(status) for status in ("active", "paused", "free", "cancelled")),
        *(contract(pending=what, effective="2026-07-01") for what in PENDING),
    ]
)
IDENTITIES = st.lists(
    st.sampled_from(
        [READER, WRITER, replace(READER, key=None), replace(READER, key="k-lost"), replace(READER, user=None)]
    ),
    min_size=1,
    max_size=2,
    unique=True,
)
MISSING = st.lists(st.sampled_from(LISTED), max_size=2)

AFTERWARDS = st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans())


@st.composite
def wishes(draw: Draw, seen: Survey, *, sane: bool = False) -> Desired:
    """Goals for a tenant. `sane`: what a validated manifest may ask for: nothing that names nothing, no circles, no
    gates but the freeze."""
    datasets = [row.id for row in seen.of(Kind.DATASET)]
    there = {row.id for row in seen.resources}
    users, sessions, keys, integrations, archive, purge, account, deal = draw(GOALS)
    goals: dict[str, Any] = {
        "users": _named(users, there, sane),
        "sessions": _named(sessions, there, sane),
        "api_keys": _named(keys, there, sane),
        "integrations": _named(integrations, there, sane),
        "settings": draw(SETTINGS),
        "modules": _modules(seen) if draw(st.booleans()) else (),
        "archive": ArchiveGoal("file:///a", datasets=tuple(datasets[:1]))
        if archive == "some" and datasets
        else archive,
        "discard": tuple(Discard(name, "rebuilt", "head@example.com") for name in draw(DATASETS) if name in datasets),
        "purge": _purge(purge, datasets, sane),
        "account": account,
        "subscription": deal,
        "freeze": "now" if sane else draw(FREEZES),
    }
    if goals["archive"] == "some":
        goals["archive"] = None
    if not sane:
        people, question, section, ceiling = draw(GATES)
        goals["people"] = tuple(people)
        goals["open_questions"] = ("?",) if question else ()
        goals["unsupported"] = tuple(section)
        goals |= _afterwards(draw(AFTERWARDS), datasets)
        goals["safeguards"] = Safeguards(max_removals=ceiling)
    return wish(**goals)


def _afterwards(wanted: tuple[bool, ...], datasets: list[str]) -> dict[str, Any]:
    """A migration to be accepted, with or without what moves; a settlement; an evaluation."""
    adopted, moves, settled, reviewed = wanted
    later = When("2026-07-01") if moves else When(None, Period(90, "days"), "after", "closed")
    return {
        "replacement": ReplacementGoal("adopted", migrate=tuple(Migrated(each, "x") for each in datasets if moves))
        if adopted
        else None,
        "settlement": SettlementGoal("fin@example.com", later) if settled else None,
        "evaluation": EvaluationGoal(later, "cfo@example.com", ("nps",)) if reviewed else None,
    }


def _named(goal: Any, there: set[str], sane: bool) -> Any:
    """A goal whose selectors all name something, where it has to be sane."""
    if goal is None or not sane:
        return goal
    fits = (
        tuple(each for each in goal.keep if each.who.id in there),
        tuple(each for each in goal.only if each.id in there),
    )
    return replace(goal, keep=fits[0], only=fits[1])


def _purge(goal: PurgeGoal | None, datasets: list[str], sane: bool) -> PurgeGoal | None:
    if goal is None:
        return None
    return replace(
        goal, certificate=goal.certificate and not sane, holds=tuple(each for each in goal.holds if each in datasets)
    )


def _modules(seen: Survey) -> tuple[ModuleGoal, ...]:
    return tuple(
        ModuleGoal(row.id, "disabled", getattr(row.facts, "data_effect", "unknown")) for row in seen.of(Kind.MODULE)
    )


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _selectors(*ids: str) -> st.SearchStrategy[Selector]:
    return st.sampled_from([*(Selector(id=each) for each in ids), Selector(name="nobody"), Selector(name="Li")])


def _lists(goal: Any, ends: list[str], *ids: str) -> st.SearchStrategy[Any]:
    """Goals for a list of things; every second one keeps or names some of them."""
    kept = st.lists(_selectors(*ids).map(Keep), max_size=2).map(tuple)
    named = st.lists(_selectors(*ids), max_size=2).map(tuple)
    return st.builds(goal, st.sampled_from(ends), st.just(()) | kept, st.just(()) | st.just(()) | named)


MILESTONES = st.sampled_from([each.value for each in Milestone])
DATASETS = st.lists(st.sampled_from(["d0", "d1", "d2"]), max_size=1)
SETTINGS = maybe(st.just(ListGoal("reset")))
FREEZES = st.sampled_from(["now", "now", "2026-12-15T17:00:00Z", None])
ARCHIVES = st.sampled_from(
    [ArchiveGoal("file:///a"), ArchiveGoal("file:///a"), "some", NoArchive("small", "head@example.com"), None]
)
PURGES = st.builds(PurgeGoal, st.booleans(), st.booleans(), DATASETS.map(tuple))
ACCOUNTS = st.sampled_from([None, StatusGoal("deleted"), StatusGoal("deleted"), StatusGoal("active")])
CONTRACTS = st.sampled_from(
    [
        None,
        SubscriptionGoal("cancelled", effective="immediately"),
        SubscriptionGoal("cancelled", effective="end_of_term"),
        SubscriptionGoal("cancelled", effective="2026-12-31"),
        SubscriptionGoal("paused", starts="2026-05-01", until="2027-03-01"),
        SubscriptionGoal("downgraded", effective="immediately", to="free"),
        SubscriptionGoal("active"),
    ]
)
GOALS = st.tuples(
    maybe(_lists(UsersGoal, ["removed", "deactivated", "deleted", "active"], "p0", "p1", "u0", "u1")),
    maybe(_lists(ListGoal, ["ended", "active"], "s0", "s1")),
    maybe(_lists(ListGoal, ["revoked", "revoked", "active"], "k0", "k1", "k-read", "k-write")),
    maybe(_lists(ListGoal, ["removed", "active"], "i0", "i1")),
    ARCHIVES,
    maybe(PURGES),
    ACCOUNTS,
    CONTRACTS,
)
POINTS = maybe(st.sampled_from([*(each.value for each in Milestone), "impact", "training"]))
PEOPLE = st.lists(
    st.builds(
        lambda id, before, after: HumanGoal(id, id, "it@example.com", "attested", before=before, after=after),
        st.sampled_from(["impact", "training"]),
        POINTS,
        POINTS,
    ),
    max_size=2,
    unique_by=lambda each: each.id,
)
SECTIONS = st.lists(maybe(MILESTONES).map(lambda each: Unsupported("notices[0]", each)), max_size=1)
GATES = st.tuples(PEOPLE, st.sampled_from([False] * 6 + [True]), SECTIONS, maybe(st.integers(0, 5)))


@st.composite
def records(draw: Draw, seen: Survey) -> State:
    """What may have been done to this tenant."""
    events: list[AnyEvent] = list(frozen()) if draw(st.booleans()) else []
    acted = [(row, verb) for row in seen.resources for kind, verb, _, _ in ACTS if kind is row.kind]
    for number, outcome, proof, rows in draw(HISTORY):
        row, verb = acted[number % len(acted)]
        events += happened(row.kind, row.id, verb, outcome, proof=proof, rows=rows)
    for row, (stands, delta, held) in zip(seen.of(Kind.DATASET), draw(ARCHIVED), strict=False):
        if stands:
            rows = row.facts.rows if isinstance(row.facts, DatasetFacts) else None
            events += archived(row.id, rows or 0, delta=delta)
        if held:
            events.append(Held(NOW, row.id, "legal@example.com"))
    return record(events)


HISTORY = st.lists(st.tuples(st.integers(0, 60), OUTCOMES, PROOFS, st.integers(0, 5)), max_size=4)
ARCHIVED = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.sampled_from([False] * 6 + [True])), min_size=3, max_size=3
)


@st.composite
def cases(draw: Draw) -> tuple[Desired, Survey, State, Provider]:
    """Everything that a plan is made of."""
    seen = draw(tenants())
    return draw(wishes(seen)), seen, draw(records(seen)), draw(providers())


OWN = frozenset(row.id for row in OWN_KEYS)
