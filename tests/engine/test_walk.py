"""The walk: a failure stops what depends on it and nothing beside it; approvals, quota, waiting, and what a run leaves behind."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from msgspec.structs import replace

from crmstate.core.address import id_of
from crmstate.core.closing import Result
from crmstate.core.diagnostic import Problem
from crmstate.core.event import Evidence, Finished, Observed, Started
from crmstate.core.goal import ArchiveGoal, HumanGoal, Safeguards, UsersGoal
from crmstate.core.planning.planner import ready_now
from crmstate.core.words import Exit, How, Kind, Outcome, Phase, Proof, Undo, Verb
from crmstate.engine.stop import Abandoned, Stop

from ..core.scenes import ARCHIVED, cell, contract, dataset, keep, key, user, vendor
from .model import Archive, Bomb, Journal, Site, outcomes, stamp, verified
from .stages import ROWS, site


def results(closing: object, verb: Verb) -> dict[str, Result]:
    return {id_of(line.step.address): line.result for line in closing.lines if line.step.verb is verb}  # type: ignore[attr-defined]


def small(**goals: object) -> Site:
    """Two people, two keys and a dataset."""
    plain = dict.fromkeys(("sessions", "integrations", "settings", "modules", "subscription", "account", "discard"))
    rows = (user("p0"), user("p1"), key("k0"), key("k1"), dataset("contacts", 3), contract())
    return site(rows=rows, **{**plain, **goals})  # type: ignore[arg-type]


def test_everything_is_done_in_one_run_and_the_second_finds_nothing_to_do() -> None:
    here = small(users=UsersGoal("removed", keep("u0", "u1")), api_keys=None)
    first = here.apply()
    assert first is not None
    assert (first.exit, {line.result for line in first.lines}) == (Exit.OK, {Result.DONE})
    assert here.planned().steps == ()
    second = here.apply()
    assert second is not None
    assert (second.exit, second.lines) == (Exit.OK, ())


def test_the_delta_of_a_plan_is_one_after_the_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []
    delta = Archive.delta

    def heard(*args: Any) -> Evidence:
        told.append(args[7])
        return delta(*args)

    monkeypatch.setattr(Archive, "delta", heard)
    small(users=UsersGoal("removed", keep("u0", "u1")), api_keys=None).apply()
    assert told == [True]


def test_a_run_tells_its_beginning_its_end_and_that_everything_agrees() -> None:
    here = small(users=UsersGoal("removed", keep("u0", "u1")), api_keys=None)
    here.apply()
    history = Journal(here.disk, Bomb()).history()
    kinds = [type(event) for event in history if isinstance(event, Started | Finished | Observed)]
    assert kinds == [Started, Finished, Observed]
    assert here.state().verified_at == stamp(here.world.now)


@pytest.mark.parametrize("which", [{"target": ["user/p0"]}, {"exclude": ["user/p0"]}])
def test_a_part_that_is_done_whole_is_no_proof_that_everything_agrees(which: dict[str, list[str]]) -> None:
    here = small(api_keys=None)
    closing = here.apply(**which)
    assert closing is not None
    assert (closing.exit, verified(here)) == (Exit.OK, False)
    assert here.state().verified_at is None


def test_a_failed_step_stops_what_comes_after_it_and_nothing_beside_it() -> None:
    """The keys are refused: people and data wait. Integrations need no keys to be gone, and go."""
    here = site(account=None)
    here.world.acts = deque(["denied"])
    closing = here.apply()
    assert closing is not None
    assert set(results(closing, Verb.REVOKE).values()) == {Result.FAILED, Result.NOT_STARTED}
    assert set(results(closing, Verb.DELETE).values()) == {Result.DONE}
    assert set(results(closing, Verb.DEACTIVATE).values()) == {Result.NOT_STARTED}
    assert closing.exit is Exit.PARTIAL


def test_a_dataset_that_cannot_be_archived_stops_the_freeze_and_not_the_archive_of_the_others() -> None:
    here = site(account=None)
    saved = here.planned()
    contacts = here.world.things[Kind.DATASET, "contacts"]
    contacts.facts = replace(contacts.facts, exportable=False)
    closing = here.apply(saved=saved)
    assert closing is not None
    assert results(closing, Verb.ARCHIVE) == {"contacts": Result.FAILED, "deals": Result.DONE}
    assert here.world.calls == []


def test_of_people_whom_the_vendor_refuses_one_by_one_the_others_go() -> None:
    here = small(api_keys=None)
    here.world.provider.table[Kind.USER, Verb.DEACTIVATE] = cell(Kind.USER, Verb.DEACTIVATE, batch=1)
    here.world.acts = deque(["denied", "ok"])
    closing = here.apply()
    assert closing is not None
    assert results(closing, Verb.DEACTIVATE) == {"p0": Result.FAILED, "p1": Result.DONE}
    assert results(closing, Verb.DELTA) == {"contacts": Result.NOT_STARTED}
    assert here.world.things[Kind.USER, "p1"].phase is Phase.INACTIVE


def test_a_batch_that_is_done_in_part_is_settled_item_by_item() -> None:
    here = small(api_keys=None)
    here.world.acts = deque(["partial"])
    closing = here.apply()
    assert closing is not None
    assert sorted(results(closing, Verb.DEACTIVATE).values()) == [Result.DONE, Result.FAILED]


def test_when_the_quota_is_used_up_nothing_more_is_sent_and_it_says_until_when() -> None:
    here = small()
    here.world.acts = deque(["exhausted"])
    closing = here.apply()
    assert closing is not None
    assert len(here.world.calls) == 1
    lost = [line for line in closing.lines if line.result is Result.FAILED]
    assert {(line.found.code if line.found else "", line.until) for line in lost} == {
        ("CRM-E012", "2026-06-02T00:00:00Z")
    }
    here.world.advance(1)
    here.settle()
    assert ready_now(here.planned()) == []


def test_a_credential_that_dies_in_the_middle_stops_everything_with_its_own_exit_code() -> None:
    here = small(api_keys=None)
    perform = here.world.perform

    def dies(batch: object) -> object:
        here.world.things[Kind.API_KEY, "k-write"].phase = Phase.ABSENT
        return perform(batch)  # type: ignore[arg-type]

    here.world.perform = dies  # type: ignore[method-assign, assignment]
    closing = here.apply()
    assert closing is not None
    assert (closing.exit, len(here.world.calls)) == (Exit.CREDENTIALS, 1)


def test_a_request_is_not_a_result() -> None:
    here = small(api_keys=None)
    here.world.acts = deque(["accepted"])
    closing = here.apply()
    assert closing is not None
    assert (closing.exit, results(closing, Verb.DEACTIVATE)) == (Exit.OK, {"p0": Result.WAITING, "p1": Result.WAITING})
    assert results(closing, Verb.PURGE) == {"contacts": Result.NOT_STARTED}
    assert (here.planned().summary.ready, verified(here)) == (0, False)
    here.world.advance(3)
    again = here.apply()
    assert again is not None
    assert (again.exit, here.planned().steps) == (Exit.OK, ())


def test_a_promise_that_is_not_kept_becomes_a_failure_and_is_made_again() -> None:
    here = small(api_keys=None)
    here.world.acts = deque(["promised"])
    here.apply()
    here.world.advance(3)
    here.apply()
    assert here.world.things[Kind.USER, "p0"].phase is Phase.INACTIVE


def test_done_that_did_nothing_is_a_failure() -> None:
    here = small(api_keys=None)
    here.world.acts = deque(["nothing"])
    closing = here.apply()
    assert closing is not None
    assert {
        (line.result, line.found.code) for line in closing.lines if line.step.verb is Verb.DEACTIVATE and line.found
    } == {(Result.FAILED, "CRM-E007")}


def test_what_changed_since_the_plan_is_refused_and_not_touched() -> None:
    here = small(api_keys=None)
    saved = here.planned()
    here.world.things[Kind.USER, "p0"].facts = replace(here.world.things[Kind.USER, "p0"].facts, role="admin")
    closing = here.apply(saved=saved)
    assert closing is not None
    assert (closing.exit, results(closing, Verb.DEACTIVATE)) == (Exit.STALE, {"p0": Result.REFUSED, "p1": Result.DONE})
    assert here.world.things[Kind.USER, "p0"].phase is Phase.PRESENT


def test_somebody_who_is_new_since_the_plan_is_not_touched() -> None:
    here = small(api_keys=None)
    saved = here.planned()
    late = replace(user("late"))
    here.world.things[Kind.USER, "late"] = type(here.world.things[Kind.USER, "p0"])(
        Kind.USER, "late", "Late", Phase.PRESENT, late.facts
    )
    here.apply(saved=saved)
    assert here.world.things[Kind.USER, "late"].phase is Phase.PRESENT


def test_somebody_who_went_by_themselves_is_done_without_a_call() -> None:
    here = small(api_keys=None)
    saved = here.planned()
    for who in ("p0", "p1"):
        here.world.things[Kind.USER, who].phase = Phase.INACTIVE
    closing = here.apply(saved=saved)
    assert closing is not None
    assert set(results(closing, Verb.DEACTIVATE).values()) == {Result.DONE}
    assert Verb.DEACTIVATE not in {call.verb for call in here.world.calls}


NEEDS_TWO = Safeguards(approvals=2)


def test_without_enough_approvals_nothing_irreversible_starts_and_everything_else_does() -> None:
    here = small(safeguards=NEEDS_TWO)
    closing = here.apply()
    assert closing is not None
    assert closing.exit is Exit.REFUSED
    assert set(results(closing, Verb.REVOKE).values()) == {Result.REFUSED, Result.NOT_STARTED}
    assert set(results(closing, Verb.ARCHIVE).values()) == {Result.DONE}
    assert [
        call.verb for call in here.world.calls if here.world.provider.cell(call.kind, call.verb).undo is Undo.NEVER
    ] == []  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("names", "enough"), [((), False), (("ann",), False), (("ann", "ann"), False), (("ann", "bob"), True)]
)
def test_two_approvals_are_two_people(names: tuple[str, ...], enough: bool) -> None:
    here = small(safeguards=NEEDS_TWO)
    here.approve(here.planned(), *names)
    closing = here.apply()
    assert closing is not None
    assert (Result.DONE in results(closing, Verb.REVOKE).values()) == enough


def test_an_approval_of_other_steps_does_not_count() -> None:
    here = small(safeguards=NEEDS_TWO)
    here.approve(here.planned(), "ann", "bob")
    here.world.things[Kind.API_KEY, "k9"] = type(here.world.things[Kind.API_KEY, "k0"])(
        Kind.API_KEY, "k9", "late", Phase.PRESENT, key("k9").facts
    )
    closing = here.apply()
    assert closing is not None
    assert closing.exit is Exit.REFUSED
    assert [call for call in here.world.calls if call.verb is Verb.REVOKE] == []


def test_a_plan_that_was_approved_before_the_record_began_is_applied() -> None:
    here = small(safeguards=NEEDS_TWO)
    saved = here.planned()
    here.approve(saved, "ann", "bob")
    closing = here.apply(saved=saved)
    assert closing is not None
    assert closing.exit is Exit.OK


def test_an_approved_plan_goes_on_where_it_was_interrupted() -> None:
    """By the plan itself: a new plan of what is left asks for new approvals."""
    here = small(safeguards=NEEDS_TWO)
    saved = here.planned()
    here.approve(saved, "ann", "bob")
    here.world.acts = deque(["ok", "exhausted"])
    assert here.apply(saved=saved) is not None
    here.world.advance(1)
    closing = here.apply(saved=saved)
    assert closing is not None
    assert closing.exit is Exit.OK


PERSON = HumanGoal("training", "Train", "hr@example.com", "attested", before="freeze")


def test_a_person_is_asked_once_and_everything_after_them_waits() -> None:
    here = small(people=(PERSON,), api_keys=None)
    for _ in range(2):
        closing = here.apply()
        assert closing is not None
        assert (closing.exit, results(closing, Verb.DEACTIVATE)["p0"]) == (Exit.OK, Result.NOT_STARTED)
    assert outcomes(here.state())["confirm human_step/training 1"] == ("requested", None)
    history = Journal(here.disk, Bomb()).history()
    assert len([event for event in history if getattr(event, "steps", None) and "training" in str(event)]) == 1
    here.confirm(here.planned(), "human_step/training")
    here.settle()
    assert here.planned().steps == ()


def test_a_waiver_holds_until_it_ends_and_then_the_gate_is_shut_again() -> None:
    here = small(people=(PERSON,), api_keys=None)
    here.confirm(here.planned(), "human_step/training", Proof.WAIVED, expires="2026-06-05T00:00:00Z")
    saved = here.planned()
    assert "human_step/training" not in {step.address for step in saved.steps}
    here.world.advance(10)
    closing = here.apply()
    assert closing is not None
    assert results(closing, Verb.DEACTIVATE)["p0"] is Result.NOT_STARTED
    assert outcomes(here.state())["confirm human_step/training 1"] == ("requested", None)


def test_the_freeze_comes_at_its_time_and_not_before() -> None:
    here = small(freeze="2026-06-10T00:00:00Z", api_keys=None)
    first = here.apply()
    assert first is not None
    assert {line.until for line in first.lines if line.step.kind is Kind.FREEZE} == {"2026-06-10T00:00:00Z"}
    assert here.world.things[Kind.USER, "p0"].phase is Phase.PRESENT
    here.world.advance(9)
    here.apply()
    assert here.world.things[Kind.USER, "p0"].phase is Phase.INACTIVE


def test_rows_that_people_write_between_archive_and_freeze_are_archived_before_the_purge() -> None:
    here = small(freeze="2026-06-10T00:00:00Z", api_keys=None)
    here.apply()
    here.world.add_row("contacts", "late")
    here.world.advance(9)
    here.settle()
    assert here.world.data["contacts"] == {}
    assert "late" in here.sealed["contacts"]


def test_a_person_who_works_by_hand_is_waited_for_and_believed_when_the_vendor_shows_it() -> None:
    by = vendor(cell(Kind.USER, Verb.DEACTIVATE, how=How.MANUAL, run=None, runbook="runbook.x"))
    here = site(by=by, account=None, api_keys=None, rows=ROWS)
    here.apply()
    assert outcomes(here.state())["deactivate user/p0 1"] == ("requested", None)
    for n in range(4):
        here.world.things[Kind.USER, f"p{n}"].phase = Phase.INACTIVE
    here.settle()
    assert [step for step in here.planned().steps if step.kind is Kind.USER] == []
    assert here.world.data["contacts"] == {}


def test_a_plan_with_errors_changes_nothing_and_is_refused() -> None:
    here = small(safeguards=Safeguards(max_removals=0))
    with pytest.raises(Problem) as found:
        here.apply()
    assert (found.value.exit, here.world.calls) == (Exit.REFUSED, [])


def test_a_second_request_to_stop_leaves_at_once_and_the_next_run_goes_on() -> None:
    here = small(api_keys=None)
    stop = Stop()

    def twice() -> None:
        stop.ask()
        stop.ask()

    with pytest.raises(Abandoned):
        here.apply(Bomb(20, then=twice), stop=stop)
    here.settle()
    assert here.world.data["contacts"] == {}


def test_being_stopped_before_anything_began_changes_nothing() -> None:
    here = small()
    stop = Stop()
    stop.ask()
    closing = here.apply(stop=stop)
    assert closing is not None
    assert (closing.exit, {line.result for line in closing.lines}) == (Exit.INTERRUPTED, {Result.NOT_STARTED})
    assert here.world.calls == []


def test_a_purge_that_is_stopped_goes_on_where_it_was() -> None:
    here = small(api_keys=None, users=None)
    here.world.data["contacts"] = {f"r{n:02}": "x" for n in range(12)}
    here.world.provider.table[Kind.DATASET, Verb.PURGE] = cell(Kind.DATASET, Verb.PURGE, batch=2)
    stop = Stop()
    perform = here.world.perform

    def twice(batch: object) -> object:
        if len(here.world.calls) == 2:
            stop.ask()
        return perform(batch)  # type: ignore[arg-type]

    here.world.perform = twice  # type: ignore[method-assign, assignment]
    closing = here.apply(stop=stop)
    assert closing is not None
    assert (closing.exit, len(here.world.data["contacts"])) == (Exit.INTERRUPTED, 6)
    entry = next(each for each in here.state().entries.values() if each.verb is Verb.PURGE)
    assert (entry.outcome, entry.code, entry.position) == (Outcome.FAILED, "interrupted", 6)
    here.settle()
    assert (here.world.data["contacts"], here.world.repeats) == ({}, [])
    assert isinstance(here.desired.archive, ArchiveGoal) and here.desired.archive == ARCHIVED
