"""Where a subscription stands: nobody's word counts for more than it is, and renewal and access are two facts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from crmstate.core.contract import ContractGoal, NoticeClause, Period, Term
from crmstate.core.course import course
from crmstate.core.goal import PurgeGoal, SubscriptionGoal
from crmstate.core.life import Beside, Life, Stand, life
from crmstate.core.record import State
from crmstate.core.survey import AccountFacts, Resource
from crmstate.core.words import PROOFS, Kind, Outcome, Phase, Proof, Verb

from .scenes import confirmed, contract, happened, plan, record, tenant, wish
from .strategies import LAW
from .test_by_hand import byhand, seen

YEAR = Period(12, "months")
TERM = Term("2026-01-01", YEAR, end="inclusive", renewal="automatic", renewal_length=YEAR)
ENDS = replace(TERM, renewal="none")
NOTICE = NoticeClause(Period(60, "days"), "term_end", roll="none")
AGREED = ContractGoal(term=TERM, notice=NOTICE)
END, ACTIVE = SubscriptionGoal("cancelled", effective="end_of_term"), SubscriptionGoal("active")
SUB, PLACE = Kind.SUBSCRIPTION, "contract"
ASKED, LATER = "2026-06-01T09:00:00Z", "2026-07-01T09:00:00Z"


def shown(row: Resource, goal: SubscriptionGoal = END, state: State | None = None, **more: Any) -> Life:
    """The life of a subscription that the vendor shows."""
    at = more.pop("at", "2026-06-01T12:00:00Z")
    rows = more.pop("rows", ())
    wanted = wish(subscription=goal, contract=more.pop("contract", AGREED), **more)
    found = plan(wanted, tenant(row, *rows, at=at), state).life
    assert found is not None
    return found


def told(state: State | None = None, goal: SubscriptionGoal | None = END, at: str = ASKED, **more: Any) -> Life | None:
    """The life of one that no API shows, by record and contract."""
    wanted = wish(subscription=goal, contract=more.pop("contract", AGREED), **more)
    return plan(wanted, replace(seen(), taken_at=at), state, byhand()).life


def said(verb: Verb = Verb.CANCEL, proof: Proof = Proof.ATTESTED, at: str = ASKED) -> Any:
    return confirmed(SUB, PLACE, verb, at=at, proof=proof)


# What the vendor shows


@pytest.mark.parametrize(
    ("row", "goal", "stand", "renews", "until"),
    [
        (contract(renews=True), ACTIVE, Stand.ACTIVE, True, None),
        (contract(renews=True), END, Stand.NOTICE_DUE, True, None),
        (contract(pending="cancel", renews=False), END, Stand.ACKNOWLEDGED, False, "2026-12-31"),
        (contract(pending="cancel", effective="2026-12-31", renews=False), END, Stand.NOTICE_RUNNING, False, "2026-12-31"),
        (contract("cancelled", renews=False, access_until="2027-01-15"), END, Stand.ENDED, False, "2027-01-15"),
        (contract("cancelled"), END, Stand.ENDED, False, "2026-12-31"),
        (contract(), ACTIVE, Stand.ACTIVE, True, None),
        (contract("free"), SubscriptionGoal("downgraded", effective="immediately", to="free"), Stand.ENDED, False, "2026-12-31"),
    ],
)  # fmt: skip
def test_what_the_vendor_shows(
    row: Resource, goal: SubscriptionGoal, stand: Stand, renews: bool, until: str | None
) -> None:
    found = shown(row, goal)
    assert (found.state, found.renews, found.access_until) == (stand, renews, until)


def test_neither_renewal_nor_access_is_guessed() -> None:
    """The vendor shows neither, and the contract says nothing: both stay unknown, with their reason."""
    found = shown(contract(), ACTIVE, contract=ContractGoal())
    assert (found.renews, found.renews_why.code) == (None, "life.renews.unknown")
    assert (found.access_until, found.access_why.code) == (None, "life.access.unknown")


def test_after_the_end_it_is_told_what_becomes_of_the_data() -> None:
    row, wanted = contract("cancelled"), {"purge": PurgeGoal()}
    gone = happened(Kind.DATASET, "d1", Verb.PURGE)
    half = happened(Kind.DATASET, "d2", Verb.PURGE, Outcome.REQUESTED)
    paper = confirmed(Kind.CERTIFICATE, "destruction", proof=Proof.CERTIFIED)
    closed = Resource(Kind.ACCOUNT, "acme", "Acme", Phase.ABSENT, AccountFacts("closed"))
    assert shown(row, **wanted).state is Stand.PURGE_PENDING
    assert shown(row, state=record(gone, half), **wanted).state is Stand.PURGE_PENDING
    assert shown(row, state=record(gone), **wanted).state is Stand.PURGED
    assert shown(row, state=record(gone), purge=PurgeGoal(bin=True)).state is Stand.PURGE_PENDING
    assert shown(row, state=record(gone, paper), **wanted).state is Stand.CERTIFIED
    assert shown(row, state=record(gone, paper), rows=(closed,), **wanted).state is Stand.CLOSED


@pytest.mark.parametrize(
    ("today", "stand"),
    [("2027-01-30", Stand.TRANSITION), ("2027-03-01", Stand.RETRIEVAL), ("2027-03-02", Stand.ENDED)],
)
def test_a_law_that_gives_time_to_move_out_is_counted_after_the_end(today: str, stand: Stand) -> None:
    wanted, survey = wish(subscription=END, contract=AGREED), tenant(contract("cancelled"))
    days = replace(
        course(wanted, None, State("exit"), ASKED), today=today, transition="2027-01-30", retrieval="2027-03-01"
    )
    found = life(wanted, survey, State("exit"), days)
    assert found is not None and found.state is stand


# What only record and contract tell


@pytest.mark.parametrize(
    ("state", "stand", "renews", "until"),
    [
        (None, Stand.NOTICE_DUE, True, None),
        (record(said()), Stand.REQUESTED, None, None),
        (record(said(proof=Proof.ACKNOWLEDGED)), Stand.NOTICE_RUNNING, False, "2026-12-31"),
        (record(said(), said(Verb.PROBE, Proof.CERTIFIED, LATER)), Stand.ENDED, False, None),
        (record(said(proof=Proof.ACKNOWLEDGED), said(Verb.RESUME, at=LATER)), Stand.NOTICE_DUE, True, None),
    ],
)
def test_a_persons_word_is_no_word_of_the_vendors(state: State, stand: Stand, renews: bool, until: str) -> None:
    found = told(state)
    assert found is not None
    assert (found.state, found.renews, found.access_until) == (stand, renews, until)


def test_an_acknowledged_end_without_a_day_is_no_notice_that_runs() -> None:
    found = told(record(said(proof=Proof.ACKNOWLEDGED)), contract=ContractGoal())
    assert found is not None
    assert (found.state, found.access_until) == (Stand.ACKNOWLEDGED, None)


def test_the_day_of_the_end_is_not_the_end() -> None:
    """Its day is past and nothing proves it: it is stuck, with since when and whom it waits for."""
    found = told(record(said(proof=Proof.ACKNOWLEDGED)), at="2027-02-01T09:00:00Z")
    assert found is not None
    stuck = found.beside(Beside.STUCK)
    assert found.state is Stand.NOTICE_RUNNING
    assert stuck is not None and (stuck.since, stuck.waiting_for) == ("2026-12-31", "Model")


def test_the_end_of_the_term_stays_that_of_the_day_of_the_request() -> None:
    """A year later the words `end_of_term` would mean another day; what was asked for does not move."""
    found = told(record(said(proof=Proof.ACKNOWLEDGED)), at="2027-06-01T09:00:00Z")
    assert found is not None
    assert (found.ends, found.access_until) == ("2026-12-31", "2026-12-31")


def test_a_request_that_nobody_answered_by_the_last_day_of_notice_is_stuck() -> None:
    found = told(record(said()), at="2026-11-20T09:00:00Z")
    assert found is not None
    stuck = found.beside(Beside.STUCK)
    assert stuck is not None and stuck.why.code == "life.stuck.unanswered"


def test_of_an_end_that_was_taken_back_an_earlier_proof_says_nothing() -> None:
    state = record(said(), said(Verb.PROBE, Proof.CERTIFIED, LATER), said(Verb.RESUME, at="2026-08-01T09:00:00Z"))
    found = told(state, ACTIVE, at="2026-09-01T09:00:00Z")
    assert found is not None and found.state is Stand.ACTIVE


def test_a_term_that_is_over_and_that_nobody_shows_is_unknown() -> None:
    found = told(contract=ContractGoal(term=replace(ENDS, start="2025-01-01")))
    assert found is not None and (found.state, found.why.code) == (None, "life.unknown.over")


def test_where_nobody_speaks_of_one_there_is_none() -> None:
    assert told(goal=None, contract=None) is None


# Beside


def test_a_pause_shows_until_when_it_lasts() -> None:
    paused = SubscriptionGoal("paused", starts="2026-05-01", until="2026-08-01")
    by_vendor = shown(contract("paused", paused_until="2026-07-31"), paused).beside(Beside.PAUSED)
    assert by_vendor is not None and by_vendor.until == "2026-07-31"
    by_hand = told(record(said(Verb.PAUSE)), paused)
    assert by_hand is not None and by_hand.beside(Beside.PAUSED) is not None
    over = told(record(said(Verb.PAUSE)), paused, at="2026-08-02T09:00:00Z")
    assert over is not None and over.beside(Beside.PAUSED) is None


def test_a_renewal_that_has_happened_is_told_and_binds() -> None:
    found = told(contract=ContractGoal(term=replace(TERM, start="2024-01-01")))
    assert found is not None
    renewed = found.beside(Beside.RENEWED_BY_DEFAULT)
    assert renewed is not None and (renewed.why.params["n"], renewed.until) == (2, "2026-12-31")


def test_what_is_held_restricted_or_uncertain_stands_beside() -> None:
    assert shown(contract(), holds=("d1",)).beside(Beside.HELD) is not None
    assert shown(replace(contract(), facts=replace(contract().facts, status="restricted"))).beside(Beside.RESTRICTED)
    lost = record(happened(SUB, "sub", Verb.CANCEL, Outcome.UNKNOWN))
    stuck = shown(contract(renews=True), state=lost).beside(Beside.STUCK)
    assert stuck is not None and stuck.why.code == "life.stuck.unknown"


def test_an_accepted_end_that_the_vendor_no_longer_shows_is_stuck() -> None:
    state = record(happened(SUB, "sub", Verb.CANCEL, Outcome.REQUESTED, proof=Proof.ACKNOWLEDGED))
    found = shown(contract(renews=True), state=state)
    stuck = found.beside(Beside.STUCK)
    assert found.renews and stuck is not None and stuck.why.code == "life.stuck.not_shown"


STEPS = st.lists(
    st.tuples(
        st.sampled_from([Verb.CANCEL, Verb.PAUSE, Verb.RESUME, Verb.DOWNGRADE]),
        st.sampled_from([Proof.ATTESTED, Proof.ACKNOWLEDGED, Proof.CERTIFIED]),
    ),
    max_size=5,
)


@LAW
@given(STEPS, st.dates().map(lambda day: f"{day.replace(year=2026 + day.year % 3, day=min(day.day, 28))}T09:00:00Z"))
def test_nothing_has_ended_before_somebody_proved_it(steps: list[tuple[Verb, Proof]], at: str) -> None:
    """Whatever was asked for, confirmed and taken back, and whatever day it is; and no state is proved better than the
    record behind it."""
    events = [
        event
        for number, (verb, proof) in enumerate(steps, 1)
        for event in said(verb, proof, f"2026-01-{number:02}T09:00:00Z")
    ]
    state = record(events)
    found = told(state, at=at)
    assert found is not None
    order = list(Stand)
    assert found.state is None or order.index(found.state) < order.index(Stand.ENDED)
    best = min((PROOFS.index(proof) for _, proof in steps), default=len(PROOFS) - 1)
    assert PROOFS.index(found.proof) >= best
