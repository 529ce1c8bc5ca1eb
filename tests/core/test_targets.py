"""Targets and exclusions: a part of the plan, with all that must come before it, and without all that needs what is
left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from crmstate.core.plan import Plan
from crmstate.core.words import Kind, Verb

from .scenes import (
    ARCHIVED,
    CANCELLED,
    DELETED,
    PURGED,
    READER,
    REMOVED,
    REVOKED,
    WRITER,
    account,
    before,
    contract,
    dataset,
    ids,
    key,
    plan,
    reachable,
    tenant,
    user,
    wish,
)

THIRD = replace(READER, key="k-third")
SEEN = tenant(
    *(user(f"p{n}") for n in range(3)),
    key("k1"),
    key("k-third"),
    dataset("contacts"),
    dataset("deals"),
    contract(),
    account(),
    identities=(READER, THIRD, WRITER),
)
GOALS = wish(users=REMOVED, api_keys=REVOKED, archive=ARCHIVED, purge=PURGED, subscription=CANCELLED, account=DELETED)
WHOLE = plan(GOALS, SEEN)


def part(**which: Any) -> Plan:
    return plan(GOALS, SEEN, **which)


def test_a_target_brings_along_everything_that_must_come_before_it() -> None:
    made = part(target=["user/p1"])
    assert ids(made, Verb.DEACTIVATE) == ["p1"]
    assert {Verb.ARCHIVE, Verb.VERIFY, Verb.CONFIRM, Verb.REVOKE} <= {step.verb for step in made.steps}
    assert (ids(made, Verb.PURGE), ids(made, Verb.CLOSE)) == ([], [])


def test_a_pattern_names_many() -> None:
    assert ids(part(target=["user/*"]), Verb.DEACTIVATE) == ["p0", "p1", "p2"]


def test_a_target_brings_along_what_it_needs_and_what_that_needs() -> None:
    made = part(target=["api_key/k-write"])
    assert {"k-read", "k-third", "k-write"} <= set(ids(made, Verb.REVOKE))


def test_what_needs_something_excluded_goes_with_it_and_so_on() -> None:
    made = part(exclude=["api_key/k-read"])
    assert [each for each in ids(made, Verb.REVOKE) if each.startswith("k-")] == []


def test_what_comes_after_something_excluded_waits() -> None:
    made = part(exclude=["user/p1"])
    assert ids(made, Verb.DEACTIVATE) == ["p0", "p2"]
    assert (ids(made, Verb.DELTA), ids(made, Verb.PURGE), ids(made, Verb.CLOSE)) == ([], [], [])


def test_one_dataset_may_be_excluded_and_then_nothing_after_its_archive_happens() -> None:
    made = part(exclude=["archive/deals"])
    assert ids(made, Verb.ARCHIVE) == ["contacts"]
    assert {step.verb for step in made.steps} == {Verb.ARCHIVE}


def test_a_target_that_is_excluded_is_left_out() -> None:
    assert part(target=["user/p1"], exclude=["user/p1"]).step(WHOLE.steps[0].id) is not None
    assert ids(part(target=["user/p1"], exclude=["user/p1"]), Verb.DEACTIVATE) == []


def test_a_target_that_names_nothing_plans_nothing() -> None:
    assert part(target=["user/nobody"]).steps == ()


def test_a_part_says_so_and_so_cannot_be_taken_for_the_whole() -> None:
    assert WHOLE.excluded == ()
    for made in (part(target=["user/p1"]), part(exclude=["user/p1"]), part(target=["user/nobody"])):
        assert "users" in made.excluded
        assert made.plan_id != WHOLE.plan_id


PATTERNS = st.sampled_from(sorted({step.address for step in WHOLE.steps} | {f"{kind.value}/*" for kind in Kind}))


@settings(max_examples=80, deadline=None)
@given(st.lists(PATTERNS, max_size=2), st.lists(PATTERNS, max_size=2))
def test_of_any_part_every_step_is_in_the_whole_and_has_what_it_needs(target: list[str], exclude: list[str]) -> None:
    made = part(target=target, exclude=exclude)
    whole = {step.id: step for step in WHOLE.steps}
    here = {step.id for step in made.steps}
    assert [step for step in made.steps if whole.get(step.id) != step] == []
    assert {need for step in made.steps for need in step.needs} - here == set()
    place = {step.id: number for number, step in enumerate(reachable(WHOLE))}
    wanted: dict[str, set[str]] = {}
    for step in WHOLE.steps:
        for other in WHOLE.steps:
            if other.stage in before(step.stage, WHOLE.order):
                wanted.setdefault(step.id, set()).add(other.id)
    assert [step for step in made.steps if wanted.get(step.id, set()) - here] == [], (
        "nothing that comes before is left out"
    )
    assert sorted(here, key=place.__getitem__) == [step.id for step in reachable(made)] or set(here) == {
        step.id for step in reachable(made)
    }


@pytest.mark.parametrize("which", [{}, {"target": ["user/p1"]}, {"exclude": ["dataset/contacts"]}])
def test_a_part_is_as_determined_as_the_whole(which: dict[str, Any]) -> None:
    assert part(**which) == part(**which)
