"""What comes beside and after the end: the gate of the migration, the settlement, looking back."""

from __future__ import annotations

from typing import Any

import pytest

from crmstate.core import evaluation, migration
from crmstate.core.address import address
from crmstate.core.around import EvaluationGoal, Migrated, ReplacementGoal, SettlementGoal
from crmstate.core.certificate import faults
from crmstate.core.contract import Period, When
from crmstate.core.event import Claimed, Destruction, Evidence
from crmstate.core.fold import advance
from crmstate.core.plan import Plan
from crmstate.core.planning.afterwards import SETTLEMENT
from crmstate.core.planning.planner import plan as make_plan
from crmstate.core.planning.timeline import timeline
from crmstate.core.record import State
from crmstate.core.schedule import Schedule
from crmstate.core.words import Kind, Proof, Verb

from .scenes import NOW, codes, confirmed, plan, record, tenant, vendor, wish
from .test_gates import EVERYTHING, ROWS

ADOPTED = ReplacementGoal("adopted", "hubspot", owner="sales@example.com")
MOVED = ReplacementGoal("adopted", "hubspot", owner="sales@example.com", migrate=(Migrated("contacts", "people"),))
REVIEW = EvaluationGoal(When(None, Period(90, "days"), "after", "closed"), "cfo@example.com", ("nps",))
DATED = EvaluationGoal(When("2026-07-01"), "cfo@example.com", ("nps",))
SETTLE = SettlementGoal("fin@example.com", When("2026-07-31"))
PAPER = Evidence("file", Proof.ATTESTED, NOW, sha256="d")
WATCHED = (Verb.ARCHIVE, Verb.DEACTIVATE, Verb.DISABLE, Verb.PURGE, Verb.CANCEL, Verb.CLOSE)


def ids_of(made: Plan, kind: Kind) -> list[str]:
    return [step.address for step in made.steps if step.kind is kind]


def started(made: Plan) -> set[Verb]:
    """What starts while nobody accepts the migration and everything else succeeds."""
    schedule, found = Schedule(made), set()
    while free := schedule.take():
        for step in free:
            if step.kind is not Kind.MIGRATION:
                found.add(step.verb)
                schedule.done(step.id)
    return found & set(WATCHED)


def alone(wanted: Any, state: State, **how: Any) -> Plan:
    """The plan where the vendor is out of reach by design, or was not asked."""
    return make_plan(wanted, tenant(), state, vendor(), **how)


def test_what_destroys_data_or_ends_the_contract_waits_for_the_migration_and_what_takes_access_does_not() -> None:
    made = plan(wish(**EVERYTHING, replacement=ADOPTED), tenant(*ROWS))
    assert started(made) == {Verb.ARCHIVE, Verb.DEACTIVATE}
    free = plan(wish(**EVERYTHING, replacement=ADOPTED), tenant(*ROWS), record(confirmed(Kind.MIGRATION, "accepted")))
    assert started(free) == set(WATCHED)


@pytest.mark.parametrize(("decision", "said"), [("none", []), ("open", ["CRM-P070"])])
def test_a_replacement_that_was_not_adopted_gates_nothing(decision: str, said: list[str]) -> None:
    made = plan(wish(**EVERYTHING, replacement=ReplacementGoal(decision)), tenant(*ROWS))
    assert (ids_of(made, Kind.MIGRATION), codes(made)) == ([], said)
    assert started(made) == set(WATCHED)


def test_a_dataset_that_moves_is_compared_after_everything_that_its_archive_takes_in() -> None:
    made = plan(wish(**EVERYTHING, replacement=MOVED), tenant(*ROWS))
    step = next(step for step in made.steps if step.address == migration.place(MOVED.migrate[0]))
    needs = {each.verb for each in made.steps if each.id in step.needs}
    assert needs == {Verb.ARCHIVE, Verb.VERIFY, Verb.DELTA}
    accepted = next(step for step in made.steps if step.address == migration.ACCEPTED)
    assert step.id in accepted.needs


def test_a_dataset_that_moves_and_does_not_exist_is_an_error() -> None:
    goal = ReplacementGoal("adopted", migrate=(Migrated("nothing", "x"),))
    assert "CRM-P020" in codes(plan(wish(**EVERYTHING, replacement=goal), tenant(*ROWS)))


def test_the_plan_says_where_the_choice_is_written_down() -> None:
    goal = ReplacementGoal("adopted", "hubspot", criteria="docs/choice.md")
    (step,) = plan(wish(freeze=None, replacement=goal), tenant()).steps
    assert (step.why.code, step.why.params["criteria"]) == ("why.migration.chosen", "docs/choice.md")


def test_a_dataset_cannot_take_the_place_of_the_acceptance() -> None:
    assert migration.place(Migrated("accepted", "x")) != migration.ACCEPTED


def claim(number: int = 1, **facts: Any) -> Claimed:
    return Claimed(NOW, number, facts.pop("kind", "invoice"), "5", "EUR", "fin", PAPER, **facts)


def test_a_settlement_is_planned_until_it_is_confirmed_and_again_for_a_claim_after_it() -> None:
    goals = wish(freeze=None, settlement=SETTLE)
    (step,) = plan(goals, tenant()).steps
    assert (step.address, step.owner, step.files, step.deadline) == (
        SETTLEMENT,
        "fin@example.com",
        True,
        "2026-08-01T00:00:00Z",
    )
    done = record(confirmed(Kind.SETTLEMENT, "final", Verb.SETTLE))
    assert plan(goals, tenant(), done).steps == ()
    (again,) = plan(goals, tenant(), advance(done, claim())).steps
    assert (again.occurrence, again.why.code, again.why.params["balance"]) == (2, "why.settlement.open", "EUR 5.00")
    advance(done, claim(2, kind="payment", answers=1))
    assert plan(goals, tenant(), done).steps == ()


@pytest.mark.parametrize("how", [{"sealed": NOW}, {"offline": True}])
def test_without_the_vendor_what_goes_by_the_record_is_planned_all_the_same(how: dict[str, Any]) -> None:
    late = EvaluationGoal(When("2026-05-01"), "cfo@example.com", ("nps",))
    made = alone(wish(**EVERYTHING, settlement=SETTLE, evaluation=late, replacement=ADOPTED), State("exit"), **how)
    assert [step.address for step in made.steps] == [evaluation.PLACE, SETTLEMENT]
    unknown = alone(wish(settlement=SETTLE, evaluation=REVIEW), State("exit"), **how)
    assert [step.address for step in unknown.steps] == [SETTLEMENT]


@pytest.mark.parametrize(
    ("after", "at", "code"),
    [
        (When(None, Period(3, "days"), "after", "freeze"), "2026-12-18T09:00:00Z", "date.from_clock"),
        (When("2026-12-18"), "2026-12-18T00:00:00Z", "date.from_day"),
    ],
)
def test_the_date_of_an_evaluation_is_what_its_reason_says(after: When, at: str, code: str) -> None:
    goals = wish(freeze="2026-12-15T09:00:00Z", evaluation=EvaluationGoal(after, "cfo@example.com", ("nps",)))
    (found,) = [each for each in timeline(goals, State("exit"), NOW).dates if each.what == "evaluation"]
    assert found.at == at and code in [each.code for each in found.explanation]


def test_an_evaluation_is_a_date_first_and_a_step_once_its_day_has_come() -> None:
    made = plan(wish(freeze=None, evaluation=DATED), tenant())
    assert ([each.what for each in made.deadlines], made.steps) == (["evaluation"], ())
    late = plan(wish(freeze=None, evaluation=EvaluationGoal(When("2026-05-01"), "cfo@example.com", ("nps",))), tenant())
    assert (late.deadlines, ids_of(late, Kind.EVALUATION)) == ((), [evaluation.PLACE])
    unknown = plan(wish(**EVERYTHING, evaluation=REVIEW), tenant(*ROWS))
    assert (unknown.deadlines, ids_of(unknown, Kind.EVALUATION)) == ((), [evaluation.PLACE])


def test_a_document_cannot_be_checked_where_nothing_was_purged() -> None:
    said = Destruction("acme", {"contacts": 3}, "destroyed", None, (), "2026-05-30", "J. Doe")
    assert [each.code for each in faults(said, State("exit", tenant="acme"), NOW)] == ["CRM-F021"]
    assert [each.code for each in faults(Destruction(), State("exit", tenant="acme"), NOW)] == ["CRM-F012"] * 6
    assert address(Kind.CERTIFICATE, "destruction") == "certificate/destruction"


def test_an_acceptance_that_is_weaker_than_what_is_asked_for_now_is_asked_for_again() -> None:
    goal = ReplacementGoal("adopted", "other", proof="certified", owner="sales@example.com")
    weak = record(confirmed(Kind.MIGRATION, "accepted", proof=Proof.ATTESTED))
    strong = record(confirmed(Kind.MIGRATION, "accepted", proof=Proof.CERTIFIED))
    for state, asked in ((weak, [2]), (strong, [])):
        steps = plan(wish(replacement=goal), tenant(), state).steps
        assert [each.occurrence for each in steps if each.kind is Kind.MIGRATION] == asked
