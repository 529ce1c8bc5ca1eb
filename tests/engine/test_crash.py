"""Crash points, all of them: before and after every effect of every run, and again while resuming.

Then the record parses and agrees with the world, no irreversible act was carried out twice, and the end is that of the
undisturbed run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from crmstate.core.goal import NoArchive, SubscriptionGoal, UsersGoal
from crmstate.core.planning.planner import ready_now
from crmstate.core.words import Kind, Verb

from ..core.scenes import cell, keep, vendor
from .model import Bomb, Crash, Site, outcomes
from .stages import site

BLIND = cell(Kind.API_KEY, Verb.REVOKE, shows_effect=False)
ENDS = cell(Kind.ACCOUNT, Verb.CLOSE, attributes=frozenset({"ends_api"}), batch=1)
CUTS = cell(Kind.SUBSCRIPTION, Verb.CANCEL, attributes=frozenset({"ends_api"}), batch=1)


def bumpy() -> Site:
    """A site whose vendor accepts, forgets, loses answers and does things in part."""
    here = site(ENDS)
    here.world.acts = deque(["accepted", "ok", "lost_after", "partial", "nothing", "lost_before", "ok", "promised"])
    return here


SITES: dict[str, Callable[[], Site]] = {
    "plain": site,
    "the account ends the API": partial(site, ENDS),
    "cancelling ends the API": partial(site, CUTS, account=None),
    "people are deleted": partial(site, by=vendor(removal=Verb.DELETE), users=UsersGoal("deleted", keep("u0"))),
    "cancelled later": partial(site, subscription=SubscriptionGoal("cancelled", effective="end_of_term")),
    "without an archive": partial(site, archive=NoArchive("small", "head")),
    "bumpy": bumpy,
}


UNSURE = {"cancelling ends the API": {"cancel subscription/sub 1"}}
"""What nobody can know after a crash: whether the call that takes the API away was carried out."""


def undisturbed(make: Callable[[], Site]) -> tuple[list[int], dict[str, Any], dict[str, Any]]:
    """How many effects each run has; the truth and the record at the end."""
    here, effects = make(), []
    for _ in range(4):
        bomb = Bomb()
        here.apply(bomb)
        effects.append(len(bomb.seen))
        here.world.advance(10)
    here.settle()
    assert here.world.repeats == []
    assert ready_now(here.planned()) == []
    return effects, here.world.truth(), outcomes(here.state())


def crashed(make: Callable[[], Site], run: int, at: int, mode: str) -> Site:
    """A site whose run number `run` ended at effect `at`."""
    here = make()
    for _ in range(run):
        here.apply()
        here.world.advance(10)
    with pytest.raises(Crash):
        here.apply(Bomb(at, mode))
    return here


@pytest.mark.parametrize("name", SITES)
def test_after_a_crash_at_any_effect_the_end_is_that_of_the_undisturbed_run(name: str) -> None:
    """Every effect of two of the sites, every third of the others; all of all: `make test-deep`."""
    each_point(name, "after", 1 if name in ("plain", "bumpy") else 3)


@pytest.mark.deep
@pytest.mark.parametrize("mode", ["before", "after"])
@pytest.mark.parametrize("name", SITES)
def test_after_a_crash_before_or_after_any_effect_too(name: str, mode: str) -> None:
    each_point(name, mode, 1)


def each_point(name: str, mode: str, share: int) -> None:
    """Crashes at every `share`th effect of the first two runs; then everything has to be as if nothing had happened."""
    make = SITES[name]
    effects, truth, record = undisturbed(make)
    record = finished(record)
    for run, at in [(number, at) for number in (0, 1) for at in range(number, effects[number], share)]:
        here = crashed(make, run, at, mode)
        here.settle()
        where = f"run {run}, {mode} effect {at}"
        assert here.world.repeats == [], where
        assert here.world.truth() == truth, where
        ended = finished(outcomes(here.state()))
        unsure = {each for each in ended if ended[each] == "unknown"}
        assert unsure <= UNSURE.get(name, set()), where
        assert {each: ended[each] for each in ended if each not in unsure} == {
            each: record[each] for each in record if each not in unsure
        }, where
        assert ready_now(here.planned()) == [], where


def finished(record: dict[str, Any]) -> dict[str, str]:
    """What is said to be done, or not."""
    return {name: outcome for name, (outcome, _) in record.items()}


@pytest.mark.parametrize("name", ["plain", "bumpy"])
def test_after_a_crash_while_resuming_as_well(name: str) -> None:
    make = SITES[name]
    effects, truth, _ = undisturbed(make)
    for at in range(0, effects[0], 11):
        for again in range(0, 70, 9):
            here = crashed(make, 0, at, "after")
            with suppress(Crash):
                here.apply(Bomb(again, "after"))
            here.settle()
            where = f"after effect {at}, then after {again}"
            assert here.world.repeats == [], where
            assert here.world.truth() == truth, where


def test_where_an_effect_does_not_show_a_lost_call_is_unknown_and_never_sent_again() -> None:
    """Then the end may differ from the undisturbed one, but only by steps that say so."""
    make = partial(site, BLIND, account=None)
    effects, truth, _ = undisturbed(make)
    unsure = 0
    for at in range(0, effects[0], 2):
        here = crashed(make, 0, at, "after")
        here.settle()
        assert here.world.repeats == [], at
        unknown = [name for name, (outcome, _) in outcomes(here.state()).items() if outcome == "unknown"]
        unsure += len(unknown)
        assert here.world.truth() == truth or unknown, at
        assert {name.split()[0] for name in unknown} <= {"revoke"}, at
        assert here.world.truth() == truth or "blocked.unknown" in [each.why.code for each in here.planned().blocked], (
            at
        )
    assert unsure > 0, "a crash between the intent and the answer must have been among them"


def test_a_crash_leaves_no_step_that_is_done_in_the_record_and_not_in_the_world() -> None:
    make = SITES["the account ends the API"]
    effects, *_ = undisturbed(make)
    for at in range(effects[0]):
        here = crashed(make, 0, at, "after")
        gone = {
            f"{kind.value}/{id}"
            for (kind, id), thing in here.world.things.items()
            if thing.phase.value in ("absent", "inactive")
        }
        claimed = {
            entry.address
            for entry in here.state().entries.values()
            if entry.outcome.value == "done"
            and entry.verb in (Verb.REVOKE, Verb.DEACTIVATE, Verb.DELETE, Verb.SIGN_OUT, Verb.RESET, Verb.DISABLE)
        }
        assert claimed <= gone, at
