"""What is believed: the vendor's answer against our own look, and what an earlier run left open against what is seen now."""

from __future__ import annotations

from dataclasses import replace as replaced
from typing import Any

import pytest

from crmstate.core.closing import Result as Ended
from crmstate.core.failure import Code, Failure
from crmstate.core.plan import Step
from crmstate.core.provider import Result
from crmstate.core.survey import Resource
from crmstate.core.words import Kind, Outcome, Phase, Proof, Undo, Verb
from crmstate.engine.batch import before_act, judge, refused
from crmstate.engine.look import Seen, look, sampled
from crmstate.engine.recover import recover
from crmstate.providers.kit.explain import explain
from crmstate.views.catalogue import LANGUAGES, Catalogue

from ..core.scenes import cell, contract, happened, key, one, plan, tenant, user, vendor, wish
from ..core.scenes import only as named
from .model import Bomb, Journal, Session, World
from .stages import site

GOAL = wish(users=None)
SHOWS = cell(Kind.USER, Verb.DELETE)
BLIND = cell(Kind.USER, Verb.DELETE, shows_effect=False)
SOFT = cell(Kind.USER, Verb.DELETE, shows_effect=False, undo=Undo.FREE)
CASES = {"shows": SHOWS, "blind": BLIND, "blind, free": SOFT}


def step(by: Any = SHOWS) -> Step:
    from crmstate.core.goal import UsersGoal

    goals = wish(users=UsersGoal("deleted", only=named("p1")))
    return one(plan(goals, tenant(user("p1")), by=vendor(by)), Verb.DELETE, "p1")


def seen(phase: Phase | None) -> Seen | None:
    """A look that showed this; None: it failed."""
    if phase is None:
        return None
    row = Resource(Kind.USER, "p1", "Li", phase, user("p1").facts)
    return Seen(Kind.USER, {} if phase is Phase.ABSENT else {"p1": row}, True)


DONE, WAITS, FAILED, UNKNOWN = Outcome.DONE, Outcome.REQUESTED, Outcome.FAILED, Outcome.UNKNOWN
JUDGED = {
    # (answer, look): what is known, where the effect shows; where it does not; where it does not and can be taken back
    (DONE, Phase.ABSENT): (DONE, DONE, DONE),
    (DONE, Phase.PRESENT): (FAILED, WAITS, WAITS),
    (DONE, Phase.PENDING): (WAITS, WAITS, WAITS),
    (DONE, Phase.UNKNOWN): (WAITS, WAITS, WAITS),
    (DONE, None): (WAITS, WAITS, WAITS),
    (WAITS, Phase.ABSENT): (DONE, DONE, DONE),
    (WAITS, Phase.PRESENT): (FAILED, WAITS, WAITS),
    (WAITS, Phase.PENDING): (WAITS, WAITS, WAITS),
    (WAITS, None): (WAITS, WAITS, WAITS),
    (FAILED, Phase.ABSENT): (DONE, DONE, DONE),
    (FAILED, Phase.PRESENT): (FAILED, FAILED, FAILED),
    (FAILED, Phase.UNKNOWN): (FAILED, FAILED, FAILED),
    (FAILED, None): (FAILED, FAILED, FAILED),
    (UNKNOWN, Phase.ABSENT): (DONE, DONE, DONE),
    (UNKNOWN, Phase.PRESENT): (FAILED, UNKNOWN, FAILED),
    (UNKNOWN, Phase.PENDING): (WAITS, WAITS, WAITS),
    (UNKNOWN, Phase.UNKNOWN): (UNKNOWN, UNKNOWN, UNKNOWN),
    (UNKNOWN, None): (UNKNOWN, UNKNOWN, UNKNOWN),
}


@pytest.mark.parametrize(("answer", "phase"), JUDGED)
@pytest.mark.parametrize("number", range(3))
def test_the_look_decides_and_what_it_cannot_tell_is_not_claimed(
    answer: Outcome, phase: Phase | None, number: int
) -> None:
    by = list(CASES.values())[number]
    settlement, _ = judge(step(by), by, Result("p1", answer), seen(phase))
    assert settlement.outcome is JUDGED[answer, phase][number]
    assert (settlement.proof is Proof.OBSERVED) == (settlement.outcome is DONE)


def test_an_act_that_is_final_in_this_plan_is_not_sent_again_because_the_vendors_table_calls_it_free() -> None:
    """A cancellation at once cannot be withdrawn, whatever holds for one of the future."""
    final = step(SOFT)
    from msgspec.structs import replace

    settlement, _ = judge(replace(final, undo=Undo.NEVER), SOFT, Result("p1", UNKNOWN), seen(Phase.PRESENT))
    assert settlement.outcome is UNKNOWN


@pytest.mark.parametrize(
    ("phase", "outcome", "ended"),
    [
        (Phase.PRESENT, None, None),
        (Phase.ABSENT, DONE, Ended.DONE),
        (Phase.PENDING, WAITS, Ended.WAITING),
        (Phase.INACTIVE, FAILED, Ended.REFUSED),
        (Phase.UNKNOWN, FAILED, Ended.REFUSED),
    ],
)
def test_right_before_the_act_the_world_must_be_as_the_plan_expects(
    phase: Phase, outcome: Outcome | None, ended: Ended | None
) -> None:
    early = before_act(step(), seen(phase) or Seen(Kind.USER, {}, False))
    assert (early[0].outcome, early[1].result) if early else (None, None) == (outcome, ended)


def test_what_a_partial_look_does_not_show_is_not_gone() -> None:
    early = before_act(step(), Seen(Kind.USER, {}, complete=False))
    assert early is not None
    assert (early[0].outcome, early[0].phase) == (FAILED, Phase.UNKNOWN)


def test_a_key_that_may_live_on_unseen_is_not_gone_because_it_is_not_listed() -> None:
    """The keys of deleted users are not listed, and stay alive."""
    unseen = cell(Kind.API_KEY, Verb.REVOKE, attributes=frozenset({"lives_unseen"}))
    world = World(tenant(key("k1")), vendor(unseen))
    session = Session(world, "write", Bomb())
    assert look(session, Kind.API_KEY, ["k9"]).phase("k9") is Phase.ABSENT
    assert look(session, Kind.API_KEY, ["k9"], unseen).phase("k9") is Phase.UNKNOWN
    assert look(session, Kind.API_KEY, ["k1"], unseen).phase("k1") is Phase.PRESENT


def test_withdrawing_a_pending_cancellation_is_sent_and_judged_by_its_own_end() -> None:
    from crmstate.core.goal import SubscriptionGoal

    made = plan(
        wish(subscription=SubscriptionGoal("active")), tenant(contract(pending="cancel", effective="2026-12-31"))
    )
    resume = one(made, Verb.RESUME, "sub")
    table = vendor().cell(Kind.SUBSCRIPTION, Verb.RESUME)
    assert table is not None
    row = contract(pending="cancel", effective="2026-12-31")
    pending = Seen(Kind.SUBSCRIPTION, {"sub": row}, True)
    assert before_act(resume, pending) is None
    outcomes = [
        judge(resume, table, Result("sub", answer), pending)[0].outcome for answer in (DONE, FAILED, UNKNOWN, WAITS)
    ]
    assert outcomes == [FAILED, FAILED, FAILED, WAITS]


def test_a_request_that_a_listing_would_show_and_does_not_had_no_effect() -> None:
    answer = Result("p1", Outcome.REQUESTED, until="2026-06-02T00:00:00Z")

    settlement, found = judge(step(), SHOWS, answer, seen(Phase.PRESENT))

    assert (settlement.outcome, settlement.code, found is not None) == (Outcome.FAILED, "no_effect", True)


def test_a_job_that_is_accepted_until_a_time_is_waited_for_although_nothing_shows() -> None:
    """It was called without effect, and the next apply asked for another one."""
    answer = Result("p1", Outcome.REQUESTED, until="2026-06-02T00:00:00Z", request_id="77", hidden=True)

    settlement, found = judge(step(), SHOWS, answer, seen(Phase.PRESENT))

    assert (Outcome.REQUESTED, Proof.ACKNOWLEDGED, answer.until) == (
        settlement.outcome,
        settlement.proof,
        settlement.until,
    )
    assert found is None


ENTRIES = (Outcome.INTENDED, Outcome.REQUESTED, Outcome.UNKNOWN)
RECOVERED = {
    # (on record, seen): where the effect shows; where it does not
    (Outcome.INTENDED, Phase.ABSENT): ("done", "done"),
    (Outcome.INTENDED, Phase.PRESENT): ("failed", "unknown"),
    (Outcome.INTENDED, Phase.PENDING): ("requested", "requested"),
    (Outcome.REQUESTED, Phase.ABSENT): ("done", "done"),
    (Outcome.REQUESTED, Phase.PRESENT): ("failed", "requested"),
    (Outcome.REQUESTED, Phase.PENDING): ("requested", "requested"),
    (Outcome.UNKNOWN, Phase.ABSENT): ("done", "done"),
    (Outcome.UNKNOWN, Phase.PRESENT): ("failed", "unknown"),
    (Outcome.UNKNOWN, Phase.PENDING): ("requested", "requested"),
}


def found(outcome: Outcome, phase: Phase, by: Any, *, partial: bool = False, until: str | None = None) -> str:
    """What the record says after recovery."""
    here = site(by=vendor(by), rows=(user("p1"),))
    thing = here.world.things[Kind.USER, "p1"]
    if phase is Phase.PENDING:
        thing.goal, thing.due = ("delete", Phase.ABSENT), here.world.now.replace(year=2027)
    else:
        thing.phase = phase
    if partial:
        here.world.partial = frozenset({Kind.USER})
    journal = Journal(here.disk, Bomb())
    facts = {} if outcome is Outcome.INTENDED else {"until": until}
    journal.append(happened(Kind.USER, "p1", Verb.DELETE, outcome, **facts))
    recover(journal, here.readers(Bomb())[0], here.clock, "r2")
    (entry,) = journal.state.entries.values()
    return entry.outcome.value


@pytest.mark.parametrize(("outcome", "phase"), RECOVERED)
def test_what_was_left_open_is_looked_up_before_anything_else(outcome: Outcome, phase: Phase) -> None:
    assert (found(outcome, phase, SHOWS), found(outcome, phase, BLIND)) == RECOVERED[outcome, phase]


@pytest.mark.parametrize("outcome", ENTRIES)
def test_a_partial_look_settles_nothing(outcome: Outcome) -> None:
    assert found(outcome, Phase.ABSENT, SHOWS, partial=True) == outcome.value


def test_a_promise_is_waited_for_until_its_time() -> None:
    assert found(Outcome.REQUESTED, Phase.PRESENT, SHOWS, until="2026-07-01T00:00:00Z") == "requested"
    assert found(Outcome.REQUESTED, Phase.PRESENT, SHOWS, until="2026-05-31T00:00:00Z") == "failed"


def test_recovery_changes_nothing_at_the_vendor() -> None:
    here = site()
    journal = Journal(here.disk, Bomb())
    for n in range(4):
        journal.append(happened(Kind.USER, f"p{n}", Verb.DEACTIVATE, Outcome.INTENDED))
    before = here.world.truth()
    assert recover(journal, here.readers(Bomb())[0], here.clock, "r2") == 4
    assert (here.world.calls, here.world.truth()) == ([], before)


def test_recovery_that_is_interrupted_is_simply_begun_again() -> None:
    here = site()
    journal = Journal(here.disk, Bomb())
    journal.append(happened(Kind.USER, "p0", Verb.DEACTIVATE, Outcome.INTENDED))
    for _ in range(2):
        recover(journal, here.readers(Bomb())[0], here.clock, "r2")
    assert [entry.outcome for entry in journal.state.entries.values()] == [FAILED]


@pytest.mark.parametrize("size", [0, 1, 19, 20, 21, 1000])
def test_a_sample_holds_the_first_and_the_last_and_never_one_twice(size: int) -> None:
    ids = [str(n) for n in range(size)]
    found = sampled(ids)
    assert len(found) == len(set(found)) == min(size, 20)
    assert (found[:1], found[-1:]) == (ids[:1], ids[-1:])
    assert replaced(SHOWS, batch=2).batch == 2


@pytest.mark.parametrize(
    ("undo", "at", "known"),
    [
        (Undo.NEVER, "2026-05-31T12:00:01Z", ("requested", None)),
        (Undo.NEVER, "2026-05-31T12:00:00Z", ("failed", "withdrawn")),
        (Undo.FREE, "2026-06-01T11:59:59Z", ("failed", "withdrawn")),
    ],
)
def test_what_was_shown_as_accepted_and_is_no_more_was_withdrawn_unless_the_listing_may_run_behind(
    undo: Undo, at: str, known: tuple[str, str | None]
) -> None:
    here = site(by=vendor(SHOWS), rows=(user("p1"),))
    journal = Journal(here.disk, Bomb())
    facts: dict[str, Any] = {"until": "2026-07-01T00:00:00Z", "phase": Phase.PENDING, "more": {"undo": undo}}
    journal.append(happened(Kind.USER, "p1", Verb.DELETE, Outcome.REQUESTED, at=at, **facts))
    recover(journal, here.readers(Bomb())[0], here.clock, "r2")
    (entry,) = journal.state.entries.values()
    assert (entry.outcome.value, entry.code) == known


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_quota_without_an_end_is_told_in_words(lang: str) -> None:
    words = Catalogue(lang, strict=True)
    for until, shown in ((None, words.text_of("until.unknown")), ("2026-06-02T00:00:00Z", "2026-06-02T00:00:00Z")):
        failure = Failure(Code.EXHAUSTED, "no more calls", until=until)
        found = refused(step(), failure).found
        assert found is not None and found.code == "CRM-E012"
        ended = explain(failure)
        for said in (words.summary(found), words.detail(ended)):
            assert shown in said and "?" not in said
