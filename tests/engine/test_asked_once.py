"""What may have happened is not asked for a second time: not by a saved plan that is applied again, and not because a listing
runs behind. What was accepted after all is on record as accepted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crmstate.core.words import Kind, Outcome, Phase, Undo, Verb
from crmstate.engine.recover import recover

from ..core.scenes import TENANT, account, cell, happened, key, user, vendor
from .model import Bomb, Journal, Site, outcomes
from .stages import GOALS, site

BLIND = cell(Kind.API_KEY, Verb.REVOKE, shows_effect=False)
ENDS = cell(Kind.ACCOUNT, Verb.CLOSE, attributes=frozenset({"ends_api"}), batch=1)


def alone(goal: str, *cells: Any, rows: Any) -> Site:
    """A site where nothing but this is to end."""
    return site(*cells, rows=rows, **dict.fromkeys(GOALS.keys() - {goal}))


@pytest.mark.parametrize("fate", ["lost_after", "ok"])
def test_a_saved_plan_that_is_applied_again_does_not_send_what_may_have_been_carried_out(fate: str) -> None:
    """The first run's answer was lost, or nothing shows yet of what was done."""
    here = alone("api_keys", BLIND, rows=(key("k1", "p1"), user("p1")))
    made = here.planned()
    here.world.acts.append(fate)
    here.apply(saved=made)
    known = outcomes(here.state())
    here.apply(saved=made)
    assert (here.world.repeats, outcomes(here.state())) == ([], known)


def test_a_saved_plan_that_is_applied_again_does_not_close_twice_while_a_listing_runs_behind() -> None:
    here = alone("account", rows=(account(),))
    made = here.planned()
    here.apply(saved=made)
    thing = here.world.things[Kind.ACCOUNT, TENANT]
    thing.shown, thing.lag = Phase.PRESENT, here.world.now + timedelta(hours=5)
    here.apply(saved=made)
    assert here.world.repeats == []
    assert outcomes(here.state())[f"close account/{TENANT} 1"] == ("requested", None)


@pytest.mark.parametrize("until", [None, "2026-06-01T11:00:00Z"])
def test_what_was_accepted_without_a_day_or_until_just_now_is_waited_for_while_a_listing_may_run_behind(
    until: str | None,
) -> None:
    here = site(by=vendor(cell(Kind.USER, Verb.DELETE)), rows=(user("p1"),))
    journal = Journal(here.disk, Bomb())
    facts: dict[str, Any] = {"until": until, "phase": Phase.PENDING, "more": {"undo": Undo.NEVER}}
    journal.append(
        happened(Kind.USER, "p1", Verb.DELETE, Outcome.REQUESTED, at="2026-06-01T10:00:00Z", **facts),
    )
    recover(journal, here.readers(Bomb())[0], here.clock, "r2")
    (entry,) = journal.state.entries.values()
    assert (entry.outcome, entry.code) == (Outcome.REQUESTED, None)


def test_a_closing_that_was_called_withdrawn_and_is_accepted_again_ends_our_access_by_our_own_act() -> None:
    """It was waited for and stayed failed on record, so that every command asked for a credential for ever after."""
    here = alone("account", ENDS, rows=(account(),))
    here.apply()
    thing = here.world.things[Kind.ACCOUNT, TENANT]
    goal, due = thing.goal, thing.due
    here.world.advance(2)
    thing.goal = thing.due = None
    recover(Journal(here.disk, Bomb()), here.readers(Bomb())[0], here.clock, "r2")
    assert outcomes(here.state())[f"close account/{TENANT} 1"] == ("failed", "withdrawn")
    thing.goal, thing.due = goal, due
    here.apply()
    assert outcomes(here.state())[f"close account/{TENANT} 1"] == ("requested", None)
    here.world.advance(10)
    assert here.world.closed()
    here.apply()
    assert outcomes(here.state())[f"close account/{TENANT} 1"] == ("done", None)
