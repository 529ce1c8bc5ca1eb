"""What the freeze waits for is named, and so is when the last export of what people export is to be made."""

from __future__ import annotations

from msgspec.structs import replace

from crmstate.core.goal import HumanGoal
from crmstate.core.plan import Plan

from .scenes import ARCHIVED, NOW, PURGED, dataset, frozen, plan, record, tenant, wish

GOALS = {"archive": ARCHIVED, "purge": PURGED, "freeze": "now"}
EXPORTED = dataset("d1", as_of=NOW)
TRAINING = HumanGoal("training", "Train sales", "hr@example.com", before="freeze")


def why(made: Plan) -> tuple[str, dict[str, object]]:
    """Why the last export is not taken yet."""
    (found,) = (each.why for each in made.blocked if each.stage == "delta")
    return found.code, dict(found.params)


def freeze(made: Plan) -> str:
    (found,) = (step.why.code for step in made.steps if step.kind == "freeze")
    return found


def test_a_freeze_that_comes_with_this_apply_waits_for_nothing_and_the_export_comes_after_it() -> None:
    made = plan(wish(**GOALS), tenant(EXPORTED))
    assert (why(made)[0], freeze(made)) == ("blocked.export_after_freeze.now", "why.freeze")


def test_people_and_what_is_blocked_before_the_freeze_are_named_and_what_comes_after_it_is_not() -> None:
    later = replace(TRAINING, id="later", before=None, after="freeze")
    goals = {**GOALS, "archive": replace(ARCHIVED, unsupported=("shape",)), "people": (later, TRAINING)}
    broken = plan(wish(**goals), tenant(EXPORTED))
    assert freeze(broken) == "why.freeze.waits"
    (step,) = (each for each in broken.steps if each.kind == "freeze")
    assert step.why.params["names"] == "human_step/training, archive/d1"
    made = plan(wish(**{**goals, "archive": ARCHIVED}), tenant(EXPORTED))
    assert why(made) == ("blocked.export_after_freeze.waits", {"names": "human_step/training"})


def test_no_more_than_three_are_named() -> None:
    many = tuple(replace(TRAINING, id=f"t{n}") for n in range(5))
    made = plan(wish(**GOALS, people=many), tenant(EXPORTED))
    assert why(made)[1] == {"names": "human_step/t0, human_step/t1, human_step/t2, …"}


def test_a_written_time_that_has_come_is_what_an_export_has_to_follow_whatever_waits() -> None:
    goals = {**GOALS, "freeze": "2026-05-30T00:00:00Z", "people": (TRAINING,)}
    assert "delta" in {step.verb for step in plan(wish(**goals), tenant(EXPORTED)).steps}
    early = tenant(dataset("d1", as_of="2026-05-29T00:00:00Z"))
    assert why(plan(wish(**goals), early))[0] == "blocked.export_before_freeze"
    to_come = plan(wish(**{**GOALS, "freeze": "2026-07-01T00:00:00Z"}), tenant(EXPORTED))
    assert why(to_come) == ("blocked.export_after_freeze", {"at": "2026-07-01T00:00:00Z"})


def test_a_freeze_on_record_is_a_time_that_an_export_can_follow() -> None:
    made = plan(wish(**GOALS), tenant(EXPORTED), record(frozen("2026-05-31T00:00:00Z")))
    assert "delta" in {step.verb for step in made.steps} and not made.blocked
