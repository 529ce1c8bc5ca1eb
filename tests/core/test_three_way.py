"""What is wanted, what is seen, what was done: every outcome on record against every phase at the vendor."""

from __future__ import annotations

import pytest

from crmstate.core.goal import UsersGoal
from crmstate.core.words import How, Kind, Mode, Outcome, Phase, Proof, Undo, Verb

from .scenes import NOW, cell, happened, keep, one, plan, record, tenant, user, vendor, wish

GOAL = wish(users=UsersGoal("deleted", keep("u0")))
BLIND = vendor(cell(Kind.USER, Verb.DELETE, shows_effect=False))


def case(phase: Phase, outcome: Outcome | None, by: object = None, **facts: object) -> tuple[str, int, str]:
    """(what is planned: a mode, `blocked`, or nothing; the occurrence; why) for one user who is to be deleted."""
    state = record(happened(Kind.USER, "p1", Verb.DELETE, outcome, **facts) if outcome else ())  # type: ignore[arg-type]
    made = plan(GOAL, tenant(user("p1", phase=phase)), state, by)  # type: ignore[arg-type]
    blocked = [each.why.code for each in made.blocked if each.address == "user/p1"]
    steps = [step for step in made.steps if step.address == "user/p1"]
    assert len(steps) + len(blocked) <= 1
    if blocked:
        return "blocked", 0, blocked[0]
    return (steps[0].mode.value, steps[0].occurrence, steps[0].why.code) if steps else ("", 0, "")


NOTHING = ("", 0, "")
ACT, AGAIN = ("auto", 1, "why.user.deleted"), ("auto", 2, "why.came_back")
RESEND, WAIT = ("auto", 1, "why.not_seen"), ("wait", 1, "why.accepted")
STRANGE = ("blocked", 0, "blocked.unknown_phase")
UNSURE = ("blocked", 0, "blocked.unknown")
TABLE = {
    Phase.PRESENT: {
        None: ACT,
        Outcome.INTENDED: RESEND,
        Outcome.DONE: AGAIN,
        Outcome.REQUESTED: WAIT,
        Outcome.FAILED: ACT,
        Outcome.UNKNOWN: RESEND,
    },
    Phase.INACTIVE: {
        None: ACT,
        Outcome.INTENDED: RESEND,
        Outcome.DONE: AGAIN,
        Outcome.REQUESTED: WAIT,
        Outcome.FAILED: ACT,
        Outcome.UNKNOWN: RESEND,
    },
    Phase.PENDING: {
        None: WAIT,
        Outcome.INTENDED: WAIT,
        Outcome.DONE: ("wait", 2, "why.accepted"),
        Outcome.REQUESTED: WAIT,
        Outcome.FAILED: WAIT,
        Outcome.UNKNOWN: WAIT,
    },
    Phase.ABSENT: dict.fromkeys([None, *Outcome], NOTHING),
    Phase.UNKNOWN: {
        None: STRANGE,
        Outcome.INTENDED: STRANGE,
        Outcome.DONE: STRANGE,
        Outcome.REQUESTED: WAIT,
        Outcome.FAILED: STRANGE,
        Outcome.UNKNOWN: STRANGE,
    },
}


@pytest.mark.parametrize("outcome", [None, *Outcome])
@pytest.mark.parametrize("phase", list(Phase))
def test_each_outcome_on_record_meets_each_phase(phase: Phase, outcome: Outcome | None) -> None:
    assert TABLE[phase][outcome] == case(phase, outcome)


@pytest.mark.parametrize("outcome", [Outcome.INTENDED, Outcome.UNKNOWN])
@pytest.mark.parametrize("phase", [Phase.PRESENT, Phase.INACTIVE])
def test_an_irreversible_act_whose_effect_does_not_show_is_never_sent_again_on_a_guess(
    phase: Phase, outcome: Outcome
) -> None:
    assert case(phase, outcome, BLIND) == UNSURE


def test_what_a_person_confirmed_is_not_sent_again_only_because_a_listing_that_shows_nothing_shows_nothing() -> None:
    assert case(Phase.PRESENT, Outcome.DONE, BLIND, proof=Proof.ATTESTED) == UNSURE
    assert case(Phase.PRESENT, Outcome.DONE, BLIND, proof=Proof.OBSERVED) == AGAIN
    assert case(Phase.PRESENT, Outcome.DONE, proof=Proof.ATTESTED) == AGAIN


def test_what_can_be_taken_back_may_be_sent_again_even_if_its_effect_does_not_show() -> None:
    by = vendor(cell(Kind.USER, Verb.DELETE, shows_effect=False, undo=Undo.FREE))
    assert case(Phase.PRESENT, Outcome.UNKNOWN, by) == RESEND


@pytest.mark.parametrize("outcome", [None, Outcome.FAILED, Outcome.REQUESTED, Outcome.INTENDED, Outcome.UNKNOWN])
def test_what_a_person_has_to_do_stays_a_persons_step(outcome: Outcome | None) -> None:
    by = vendor(cell(Kind.USER, Verb.DELETE, how=How.MANUAL, run=None, runbook="runbook.x"))
    assert case(Phase.PRESENT, outcome, by)[0] == "manual"


def test_what_a_person_said_is_done_and_is_there_again_is_asked_for_again() -> None:
    by = vendor(cell(Kind.USER, Verb.DELETE, how=How.MANUAL, run=None, runbook="runbook.x"))
    assert case(Phase.PRESENT, Outcome.DONE, by, proof=Proof.ATTESTED) == ("manual", 2, "why.not_shown")


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_what_the_vendor_cannot_do_is_blocked_whatever_is_on_record(outcome: Outcome | None) -> None:
    by = vendor(cell(Kind.USER, Verb.DELETE, how=How.NONE, run=None, why="why.x"))
    assert case(Phase.PRESENT, outcome, by) == ("blocked", 0, "blocked.not_offered")


def test_what_comes_back_twice_is_done_three_times() -> None:
    history = [*happened(Kind.USER, "p1", Verb.DELETE), *happened(Kind.USER, "p1", Verb.DELETE, more={"occurrence": 2})]
    made = plan(GOAL, tenant(user("p1")), record(history))
    assert one(made, Verb.DELETE, "p1").occurrence == 3


def test_each_occurrence_is_a_step_of_its_own() -> None:
    fresh = plan(GOAL, tenant(user("p1")))
    again = plan(GOAL, tenant(user("p1")), record(happened(Kind.USER, "p1", Verb.DELETE)))
    assert one(fresh, Verb.DELETE, "p1").id != one(again, Verb.DELETE, "p1").id


def test_a_step_expects_what_was_seen() -> None:
    row = user("p1")
    expects = one(plan(GOAL, tenant(row)), Verb.DELETE, "p1").expects
    assert expects is not None
    assert (Phase.PRESENT, row.fingerprint) == (expects.phase, expects.fingerprint)


def test_a_renamed_person_is_the_same_person_and_a_promoted_one_is_not() -> None:
    row = user("p1", "li@example.com", label="Li")
    assert row.fingerprint == user("p1", "li.wei@example.com", label="Li Wei").fingerprint
    assert row.fingerprint != user("p1", "li@example.com", role="admin", label="Li").fingerprint


def test_what_is_waited_for_is_not_sent_and_says_until_when() -> None:
    made = plan(GOAL, tenant(user("p1", phase=Phase.PENDING, pending_until="2026-06-08T00:00:00Z")))
    step = one(made, Verb.DELETE, "p1")
    assert (step.mode, step.not_before, step.expects) == (Mode.WAIT, "2026-06-08T00:00:00Z", None)
    assert made.observed_at == NOW
