"""The rules of precedence: without circles for every vendor, and with what must come last at the end."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmstate.core.order import MILESTONES, RULES, Stage, cycle, earlier, precedence
from crmstate.core.words import Milestone

from .scenes import before

ATTRIBUTES = ("users.needs_active_owner", "cancel.ends_api")
COMBINATIONS = list(chain.from_iterable(combinations(ATTRIBUTES, size) for size in range(len(ATTRIBUTES) + 1)))
DESTROYS = (Stage.PURGE, Stage.BIN, Stage.MODULES, Stage.SETTINGS, Stage.CANCEL, Stage.ACCOUNT)


def edges(attributes: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(rule.before, rule.after) for rule in precedence(attributes)]


@pytest.mark.parametrize("attributes", COMBINATIONS)
def test_no_vendor_has_an_order_that_runs_in_a_circle(attributes: tuple[str, ...]) -> None:
    assert cycle(edges(attributes)) == ()


@pytest.mark.parametrize("attributes", COMBINATIONS)
@pytest.mark.parametrize("stage", DESTROYS)
def test_everything_that_destroys_comes_after_the_verified_archive_the_freeze_and_the_delta(
    attributes: tuple[str, ...], stage: Stage
) -> None:
    assert before(stage, edges(attributes)) >= {Stage.ARCHIVE, Stage.VERIFY, Stage.FREEZE, Stage.DELTA}


@pytest.mark.parametrize("attributes", COMBINATIONS)
@pytest.mark.parametrize("stage", [Stage.KEYS, Stage.INTEGRATIONS, Stage.SESSIONS, Stage.USERS])
def test_no_access_is_taken_before_the_freeze(attributes: tuple[str, ...], stage: Stage) -> None:
    assert Stage.FREEZE in before(stage, edges(attributes))


@pytest.mark.parametrize("attributes", COMBINATIONS)
def test_keys_go_before_the_people_whom_they_belong_to(attributes: tuple[str, ...]) -> None:
    assert Stage.KEYS in before(Stage.USERS, edges(attributes))


@pytest.mark.parametrize("attributes", COMBINATIONS)
def test_our_own_access_comes_after_everything_that_the_tool_does(attributes: tuple[str, ...]) -> None:
    """`leave` alone may still run: a cancellation whose notice falls due must not wait for anything."""
    everything = {stage.value for stage in Stage} - {Stage.OWN, Stage.AFTERWARDS}
    assert set() == everything - before(Stage.OWN, edges(attributes))


@pytest.mark.parametrize("attributes", COMBINATIONS)
def test_what_comes_afterwards_comes_after_everything(attributes: tuple[str, ...]) -> None:
    assert {stage.value for stage in Stage} - {Stage.AFTERWARDS} == before(Stage.AFTERWARDS, edges(attributes))


def test_where_people_must_stay_active_for_the_purge_they_go_after_it() -> None:
    pairs = edges(("users.needs_active_owner",))
    assert {Stage.PURGE, Stage.BIN} <= before(Stage.USERS, pairs)
    assert Stage.USERS in before(Stage.CANCEL, pairs)


def test_every_rule_says_why() -> None:
    assert [rule for rule in RULES if not rule.why.startswith("order.")] == []


def test_every_milestone_is_a_stage() -> None:
    assert set(Milestone) == set(MILESTONES)


NAMES = st.sampled_from("abcdefgh")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES), max_size=14))
def test_a_circle_is_found_exactly_where_there_is_one(pairs: list[tuple[str, str]]) -> None:
    found = cycle(pairs)
    assert any(name in before(name, pairs) for name in "abcdefgh") == bool(found)
    steps = zip(found, (*found[1:], *found[:1]), strict=True)
    assert [step for step in steps if step not in pairs] == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES), max_size=14))
def test_the_order_of_the_pairs_does_not_decide_which_circle_is_told(pairs: list[tuple[str, str]]) -> None:
    assert cycle(pairs) == cycle(sorted(set(pairs)))


def test_a_long_chain_is_walked_without_running_out_of_stack() -> None:
    pairs = [(f"{n:06}", f"{n + 1:06}") for n in range(20_000)]
    assert cycle(pairs) == ()
    assert len(cycle([*pairs, ("020000", "000000")])) == 20_001


def test_every_stage_of_a_pair_is_known_to_the_graph() -> None:
    assert {"a": frozenset(), "b": frozenset("a"), "c": frozenset("ab")} == earlier(
        [("a", "b"), ("b", "c"), ("a", "c")]
    )
