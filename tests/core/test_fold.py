"""The fold: what each event makes of the record, and that nothing else does."""

from __future__ import annotations

from typing import get_args

import pytest

from crmstate.core.event import (
    Advanced,
    AnyEvent,
    Approved,
    Confirmed,
    Created,
    Evidence,
    Finished,
    Held,
    Intended,
    Observed,
    Released,
    Reopened,
    Repaired,
    Restored,
    Settled,
    Settlement,
    Started,
    StepRef,
    Unlocked,
)
from crmstate.core.fold import FOLDS, advance, fold
from crmstate.core.record import Approval, Entry, Hold, State, step_id
from crmstate.core.words import Kind, Outcome, Phase, Proof, Undo, Verb

from .scenes import place, ref

AT, LATER = "2026-06-01T12:00:00Z", "2026-06-02T12:00:00Z"
USER = ref(Kind.USER, "u7", Verb.DELETE)
BORN = Created(AT, "exit", "line", "model", "acme")


def intended(*refs: StepRef, at: str = AT) -> Intended:
    return Intended(at, "run", "run-1", refs or (USER,))


def settled(outcome: Outcome, at: str = LATER, id: str = USER.id, **facts: object) -> Settled:
    return Settled(at, "run", "run-1", (Settlement(id, outcome, **facts),))  # type: ignore[arg-type]


def entry(*events: AnyEvent) -> Entry:
    """The entry of the one step after these events."""
    return fold("exit", events).entries[USER.id]


def test_a_record_begins_with_its_own_lineage() -> None:
    state = fold("", [BORN])
    assert (state.name, state.lineage, state.provider, state.tenant) == ("exit", "line", "model", "acme")


def test_a_run_that_began_is_named_and_has_no_end_yet() -> None:
    state = fold("exit", [Finished(AT, "r0", 6, {}), Started(AT, "r1", "p1", "m", "ops", 3)])
    assert (state.last_run, state.last_plan, state.last_exit) == ("r1", "p1", None)


def test_an_intent_is_on_record_before_anything_is_known() -> None:
    assert Entry(USER.address, Verb.DELETE, Undo.NEVER, Outcome.INTENDED, AT, since=AT) == entry(intended())


def test_an_intent_of_a_step_of_our_own_access_is_marked_so() -> None:
    own = ref(Kind.API_KEY, "k1", Verb.REVOKE, own=True)
    state = fold("exit", [intended(own)])
    assert (state.entries[own.id].own, state.departed()) == (True, AT)


def test_a_settlement_says_how_it_came_out_and_how_we_know() -> None:
    found = entry(intended(), settled(Outcome.DONE, proof=Proof.OBSERVED, phase=Phase.ABSENT, request_id="r1"))
    assert (found.outcome, found.proof, found.phase, found.at, found.since, found.request_id) == (
        Outcome.DONE,
        Proof.OBSERVED,
        Phase.ABSENT,
        LATER,
        AT,
        "r1",
    )


def test_a_failure_keeps_its_code_and_the_next_intent_forgets_it() -> None:
    failed = (intended(), settled(Outcome.FAILED, code="denied", summary="no"))
    assert (entry(*failed).code, entry(*failed).summary) == ("denied", "no")
    again = entry(*failed, intended(at=LATER))
    assert (again.outcome, again.code, again.summary, again.since) == (Outcome.INTENDED, None, "", AT)


def test_an_intent_claims_no_proof_of_what_was_known_before() -> None:
    again = entry(intended(), settled(Outcome.REQUESTED, proof=Proof.ACKNOWLEDGED, until=LATER), intended(at=LATER))
    assert (again.proof, again.until) == (Proof.NONE, None)


def test_the_outcome_of_a_step_that_nobody_intended_is_not_invented() -> None:
    assert fold("exit", [settled(Outcome.DONE)]).entries == {}


def test_what_a_settlement_does_not_say_stays_known() -> None:
    proof = Evidence("export", Proof.OBSERVED, AT, rows=5)
    found = entry(
        intended(), settled(Outcome.REQUESTED, request_id="r1", rows=5, evidence=(proof,)), settled(Outcome.DONE)
    )
    assert ("r1", 5, (proof,)) == (found.request_id, found.rows, found.evidence)


def test_progress_is_how_far_and_how_many() -> None:
    found = entry(intended(), Advanced(LATER, "run", USER.id, 6, 6))
    assert (found.position, found.rows, found.at, found.outcome) == (6, 6, LATER, Outcome.INTENDED)
    assert fold("exit", [Advanced(LATER, "run", "stranger", 6, 6)]).entries == {}


def test_progress_survives_the_next_intent() -> None:
    assert entry(intended(), Advanced(LATER, "run", USER.id, 6, 6), intended(at=LATER)).position == 6


def test_a_reopened_step_failed_because_it_was_not_sent() -> None:
    found = entry(intended(), Reopened(LATER, "run", (USER.id, "stranger")))
    assert (found.outcome, found.code) == (Outcome.FAILED, "not_sent")


def test_a_persons_word_is_as_strong_as_they_said_and_names_them() -> None:
    proof = Evidence("file", Proof.ATTESTED, AT, path="letter.pdf")
    found = entry(Confirmed(AT, USER, "it@example.com", Proof.ATTESTED, "done", (proof,), LATER))
    assert (Outcome.DONE, Proof.ATTESTED, "it@example.com", "done", (proof,), LATER) == (
        found.outcome, found.proof, found.by, found.summary, found.evidence, found.expires,
    )  # fmt: skip


def test_a_confirmation_without_proof_is_a_request_and_no_result() -> None:
    assert Outcome.REQUESTED is entry(Confirmed(AT, USER, "it@example.com", Proof.NONE)).outcome


def test_a_second_confirmation_replaces_a_waiver_and_its_end() -> None:
    waived = Confirmed(AT, USER, "cfo@example.com", Proof.WAIVED, "later", (), LATER)
    found = entry(waived, Confirmed(LATER, USER, "it@example.com", Proof.ATTESTED, "done"))
    assert (found.proof, found.expires) == (Proof.ATTESTED, None)


def test_approvals_add_up() -> None:
    events = [Approved(AT, "d1", "p1", "ann", "mail"), Approved(LATER, "d1", "p1", "bob", "mail")]
    assert (Approval("d1", "ann", AT, "mail"), Approval("d1", "bob", LATER, "mail")) == fold("exit", events).approvals


def test_a_hold_keeps_who_recorded_it_first_and_ends_only_by_a_release() -> None:
    held = fold("exit", [Held(AT, "contacts", "legal", "case 7"), Held(LATER, "contacts", "ops")])
    assert {"contacts": Hold("legal", AT, "case 7")} == held.holds
    assert advance(held, Released(LATER, "contacts", "legal")).holds == {}


def test_the_last_time_that_everything_agreed_is_known() -> None:
    assert fold("exit", [Observed(AT, "p1"), Observed(LATER, "p2")]).verified_at == LATER


def test_the_end_of_a_run_is_its_exit_code() -> None:
    assert fold("exit", [Finished(AT, "r1", 6, {"failed": 1})]).last_exit == 6


def test_a_repair_makes_lost_intents_unknown() -> None:
    found = entry(intended(), Repaired(LATER, "repair.lost", "ops", (USER.id, "stranger")))
    assert (found.outcome, found.at) == (Outcome.UNKNOWN, LATER)


@pytest.mark.parametrize("event", [Unlocked(AT, "ops", "host 12"), Restored(AT, 3, "ops")])
def test_surgery_that_only_leaves_a_trace_changes_nothing(event: AnyEvent) -> None:
    assert fold("exit", [BORN]) == fold("exit", [BORN, event])


def test_of_every_event_it_is_known_what_becomes_of_it() -> None:
    assert set(get_args(AnyEvent)) == FOLDS.keys()


def test_the_order_of_events_decides() -> None:
    assert Outcome.DONE is entry(intended(), settled(Outcome.FAILED), settled(Outcome.DONE)).outcome
    assert Outcome.FAILED is entry(intended(), settled(Outcome.DONE), settled(Outcome.FAILED)).outcome


def test_occurrences_of_a_step_are_different_steps_and_the_last_one_counts() -> None:
    user = place(Kind.USER, "u7")
    first, second = ref(Kind.USER, "u7", Verb.DELETE), ref(Kind.USER, "u7", Verb.DELETE, occurrence=2)
    state = fold("exit", [intended(first), settled(Outcome.DONE, id=first.id), intended(second, at=LATER)])
    assert (state.occurrence(user, Verb.DELETE), state.latest(user, Verb.DELETE).outcome) == (2, Outcome.INTENDED)  # type: ignore[union-attr]
    assert {step_id(user, Verb.DELETE, 2)} == set(state.open())


def test_a_record_is_open_where_an_end_is_not_known() -> None:
    refs = {outcome: ref(Kind.USER, outcome.value, Verb.DELETE) for outcome in Outcome}
    events: list[AnyEvent] = [intended(*refs.values())]
    events += [settled(outcome, id=each.id) for outcome, each in refs.items() if outcome is not Outcome.INTENDED]
    loose = {refs[outcome].id for outcome in (Outcome.INTENDED, Outcome.REQUESTED, Outcome.UNKNOWN)}
    assert loose == set(fold("exit", events).open())


def test_two_records_of_the_same_history_are_equal_and_share_nothing() -> None:
    history = [BORN, intended(), settled(Outcome.DONE), Held(AT, "contacts", "legal")]
    first, second = fold("exit", history), fold("exit", history)
    assert first == second
    advance(first, Released(LATER, "contacts", "legal"))
    assert {"contacts"} == set(second.holds)
    assert State("exit").entries == {}
