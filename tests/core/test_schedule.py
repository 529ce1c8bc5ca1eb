"""The schedule against the plainest model of it, and its cost."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crmstate.core import schedule as schedule_module
from crmstate.core.address import Address
from crmstate.core.message import Message
from crmstate.core.plan import Base, Blocked, Plan, Step, Summary, sort_key
from crmstate.core.schedule import Schedule, ready
from crmstate.core.words import Kind, Mode, Phase, Undo, Verb

STAGES = ["a", "b", "c", "d", "e"]


def step(id: str, stage: str, needs: tuple[str, ...] = ()) -> Step:
    why = Message("why.purge")
    return Step(
        id,
        Address(f"user/{id}"),
        Kind.USER,
        Verb.DELETE,
        Mode.AUTO,
        Undo.NEVER,
        stage,
        why,
        Phase.PRESENT,
        Phase.ABSENT,
        needs=needs,
    )


def plan(
    steps: list[Step], order: list[tuple[str, str]], blocked: tuple[str, ...] = (), excluded: tuple[str, ...] = ()
) -> Plan:
    stops = tuple(Blocked(Address("user/x"), Verb.DELETE, stage, Message("blocked.hold")) for stage in blocked)
    return Plan(
        "1.0", "id", "exit", "", "d", "model", "acme", Base("", 0), "", tuple(sorted(steps, key=sort_key)), tuple(order), "", Summary(),
        blocked=stops, excluded=excluded,
    )  # fmt: skip


def naive(made: Plan, done: set[str]) -> set[str]:
    """What may start when exactly `done` are done: every stage before is finished, no blocker in one of them, every
    need is done."""
    unfinished = (
        {step.stage for step in made.steps if step.id not in done}
        | {each.stage for each in made.blocked}
        | set(made.excluded)
    )
    before = {stage: {first for first, then in made.order if then == stage} for stage in STAGES}
    open_stages: set[str] = set()

    def closed(stage: str) -> bool:
        return stage not in unfinished and all(closed(first) for first in before[stage])

    for stage in STAGES:
        if all(closed(first) for first in before[stage]):
            open_stages.add(stage)
    known = {step.id for step in made.steps}
    return {
        step.id
        for step in made.steps
        if step.id not in done and step.stage in open_stages and set(step.needs) & known <= done
    }


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    order = sorted(
        draw(
            st.sets(
                st.tuples(st.sampled_from(STAGES), st.sampled_from(STAGES)).filter(lambda pair: pair[0] < pair[1]),
                max_size=7,
            )
        )
    )
    steps: list[Step] = []
    for number in range(draw(st.integers(0, 9))):
        stage = draw(st.sampled_from(STAGES))
        possible = [each.id for each in steps if each.stage <= stage]
        needs = draw(st.lists(st.sampled_from([*possible, "elsewhere"]), max_size=2))
        steps.append(step(f"s{number}", stage, tuple(needs)))
    blocked = draw(st.lists(st.sampled_from(STAGES), max_size=1))
    excluded = draw(st.lists(st.sampled_from(STAGES), max_size=1))
    return plan(steps, order, tuple(blocked), tuple(excluded))


@settings(max_examples=300, deadline=None)
@given(plans(), st.data())
def test_the_schedule_frees_exactly_what_may_start_whatever_is_done_in_whatever_order(
    made: Plan, data: st.DataObject
) -> None:
    schedule = Schedule(made)
    done: set[str] = set()
    free: set[str] = {each.id for each in schedule.take()}
    while True:
        assert naive(made, done) == free
        if not free:
            break
        chosen = data.draw(st.sampled_from(sorted(free)))
        done.add(chosen)
        free.discard(chosen)
        schedule.done(chosen)
        fresh = {each.id for each in schedule.take()}
        assert set() == fresh & (free | done)
        free |= fresh
    assert {each.id for each in made.steps} - done == {each.id for each in schedule.untouched()}


@settings(max_examples=200, deadline=None)
@given(plans(), st.data())
def test_a_schedule_that_starts_in_the_middle_frees_what_the_model_says(made: Plan, data: st.DataObject) -> None:
    every = [each.id for each in made.steps]
    done = set(data.draw(st.lists(st.sampled_from(every), unique=True))) if every else set()
    found = [each.id for each in ready(made, done)]
    assert naive(made, done) == set(found)
    assert sorted(found, key=every.index) == found, "in the plan's order"


@settings(max_examples=100, deadline=None)
@given(plans(), st.data())
def test_steps_are_given_once_and_in_the_plans_order(made: Plan, data: st.DataObject) -> None:
    schedule, given_out = Schedule(made), []
    places = {each.id: number for number, each in enumerate(made.steps)}
    while True:
        free = [each.id for each in schedule.take()]
        if not free:
            break
        assert sorted(free, key=places.__getitem__) == free
        given_out += free
        for each in data.draw(st.permutations(free)):
            schedule.done(each)
    assert len(set(given_out)) == len(given_out)


def test_telling_twice_or_of_strangers_changes_nothing() -> None:
    made = plan([step("s1", "a"), step("s2", "a"), step("s3", "b")], [("a", "b")])
    schedule = Schedule(made)
    schedule.take()
    for _ in range(3):
        schedule.done("s1")
        schedule.done("stranger")
    assert schedule.take() == []
    schedule.done("s2")
    assert [each.id for each in schedule.take()] == ["s3"]


def test_a_step_that_failed_stops_what_comes_after_its_stage_and_nothing_beside_it() -> None:
    made = plan([step("s1", "a"), step("s2", "b"), step("s3", "c"), step("s4", "d")], [("a", "b"), ("c", "d")])
    schedule = Schedule(made)
    assert [each.id for each in schedule.take()] == ["s1", "s3"]
    schedule.done("s3")
    assert [each.id for each in schedule.take()] == ["s4"]
    assert [each.id for each in schedule.untouched()] == ["s2"]


def _wide(size: int) -> Plan:
    stages = [f"g{number}" for number in range(20)]
    steps = [
        step(f"{number:06}", stages[number % 20], (f"{number - 20:06}",) if number >= 20 else ())
        for number in range(size)
    ]
    return plan(steps, [(stages[n], stages[n + 1]) for n in range(19)])


def _lines(made: Plan) -> int:
    """How many lines of the schedule run while a plan is walked from its first step to its last: what it costs,
    whatever else the machine does."""
    count = 0

    def inside(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal count
        count += event == "line"
        return inside

    def called(frame: FrameType, event: str, arg: object) -> Any:
        return inside if frame.f_code.co_filename == schedule_module.__file__ else None

    before = sys.gettrace()
    sys.settrace(called)
    try:
        schedule, walked = Schedule(made), 0
        todo = schedule.take()
        while todo:
            for each in todo:
                schedule.done(each.id)
                walked += 1
            todo = schedule.take()
    finally:
        sys.settrace(before)
    assert len(made.steps) == walked
    return count


def test_ten_times_as_many_steps_cost_ten_times_as_much() -> None:
    few, many = _lines(_wide(400)), _lines(_wide(4_000))
    assert many <= 11 * few
    assert many <= 60 * 4_000
