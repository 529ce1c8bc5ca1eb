"""Safeguards: what is found is an error of the plan, and of a plan with an error nothing is applied."""

from __future__ import annotations

import pytest
from msgspec import structs

from crmstate.core.address import id_of
from crmstate.core.goal import ListGoal, Safeguards, UsersGoal
from crmstate.core.planning.planner import ready_now
from crmstate.core.survey import UserFacts
from crmstate.core.words import Kind, Outcome, Phase, Verb

from .scenes import (
    ADMIN,
    DELETED,
    GONE,
    READER,
    REMOVED,
    REVOKED,
    account,
    blockers,
    codes,
    happened,
    integration,
    keep,
    key,
    only,
    plan,
    record,
    tenant,
    user,
    vendor,
    wish,
)

PEOPLE = tuple(user(f"p{n}") for n in range(3))


def test_more_removals_than_the_ceiling_are_an_error_and_nothing_is_ready() -> None:
    made = plan(wish(users=REMOVED, safeguards=Safeguards(max_removals=2)), tenant(*PEOPLE))
    assert codes(made) == ["CRM-P051"]
    assert ready_now(made) == []
    assert made.summary.ready == 0


def test_as_many_removals_as_the_ceiling_are_none() -> None:
    assert codes(plan(wish(users=REMOVED, safeguards=Safeguards(max_removals=3)), tenant(*PEOPLE))) == []


def test_people_keys_and_integrations_count_together_against_the_ceiling() -> None:
    desired = wish(users=REMOVED, api_keys=REVOKED, integrations=GONE, safeguards=Safeguards(max_removals=4))
    made = plan(desired, tenant(*PEOPLE, key("k1"), integration("i1")))
    assert [(each.code, each.params["count"], each.params["ceiling"]) for each in made.diagnostics] == [
        ("CRM-P051", 5, 4)
    ]


def test_what_is_gone_already_does_not_count_against_the_ceiling() -> None:
    rows = [user(f"p{n}", phase=Phase.INACTIVE) for n in range(9)]
    assert codes(plan(wish(users=REMOVED, safeguards=Safeguards(max_removals=0)), tenant(*rows))) == []


def test_another_number_than_expected_is_an_error() -> None:
    made = plan(wish(users=REMOVED, expect={"users": 6, "api_keys": 2}), tenant(*PEOPLE))
    assert [(e.code, e.params["what"], e.params["expected"], e.params["found"]) for e in made.diagnostics] == [
        ("CRM-P052", "users", 6, 5)
    ]


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.INTENDED, Outcome.REQUESTED, Outcome.UNKNOWN])
def test_what_we_ended_ourselves_still_counts_as_expected(outcome: Outcome) -> None:
    """Also before the end of an interrupted run was looked up: otherwise resuming would be refused."""
    state = record(happened(Kind.USER, "p9", Verb.DELETE, outcome), happened(Kind.USER, "p0", Verb.DELETE, outcome))
    assert codes(plan(wish(users=REMOVED, expect={"users": 6}), tenant(*PEOPLE), state)) == []


def test_another_tenant_is_an_error() -> None:
    made = plan(wish(users=REMOVED), tenant(*PEOPLE, name="other"))
    assert codes(made) == ["CRM-P050"]
    assert ready_now(made) == []


def test_somebody_who_can_sign_in_stays() -> None:
    made = plan(wish(users=UsersGoal("removed")), tenant(*PEOPLE, own=False, identities=()))
    assert codes(made) == ["CRM-P003"]


@pytest.mark.parametrize(
    "goals",
    [
        {"users": UsersGoal("removed", keep("p1"))},
        {"users": UsersGoal("removed", only=only("p1"))},
        {"users": UsersGoal("removed"), "account": DELETED},
    ],
)
def test_nobody_has_to_stay_where_one_is_kept_or_the_account_goes(goals: dict[str, object]) -> None:
    assert "CRM-P003" not in codes(plan(wish(**goals), tenant(*PEOPLE, account(), own=False, identities=())))


def test_a_kept_user_who_cannot_sign_in_is_not_enough() -> None:
    rows = (user("p1", phase=Phase.INACTIVE), user("p2"))
    assert codes(plan(wish(users=UsersGoal("removed", keep("p1"))), tenant(*rows, own=False, identities=()))) == [
        "CRM-P003"
    ]


def test_the_owner_and_ourselves_stay_and_are_blocked_in_so_many_words() -> None:
    made = plan(wish(users=UsersGoal("removed")), tenant(*PEOPLE))
    assert {("blocked.protected", "user/u0"), ("blocked.own_user", "user/u1")} == {
        (b.why.code, b.address) for b in made.blocked
    }
    assert {"p0", "p1", "p2"} == {step.address.partition("/")[2] for step in made.steps if step.kind is Kind.USER}


@pytest.mark.parametrize("goal", ["removed", "deactivated", "deleted"])
def test_who_cannot_be_deleted_is_kept_out_and_the_plan_says_so_where_deleting_is_asked_for(goal: str) -> None:
    first = structs.replace(user("a1"), facts=UserFacts("a1@example.com", "internal", undeletable=True))
    made = plan(wish(users=UsersGoal(goal, keep("u0", "u1"))), tenant(first, user("p1")))
    blocked, acts = blockers(made), [id_of(step.address) for step in made.steps if step.kind is Kind.USER]
    deletes = goal == "deleted"
    assert ([("blocked.undeletable", "user/a1")] if deletes else [], ["p1"] if deletes else ["a1", "p1"]) == (
        blocked,
        acts,
    )
    with_account = plan(wish(users=UsersGoal(goal, keep("u0")), account=DELETED), tenant(first, account()))
    assert blockers(with_account) == [], "it goes with the account"
    alone = plan(wish(users=UsersGoal(goal)), tenant(first, own=False, identities=()))
    assert ("CRM-P003" in codes(alone)) is not deletes, "it stays"


@pytest.mark.parametrize("removal", [Verb.DEACTIVATE, Verb.DELETE])
def test_our_own_user_is_known_by_its_mail_where_the_vendor_gives_no_id(removal: Verb) -> None:
    by_mail = structs.replace(READER, user=None, email="U1@example.com")
    made = plan(wish(users=UsersGoal("removed")), tenant(*PEOPLE, identities=(by_mail,)), by=vendor(removal=removal))
    assert "user/u1" not in {step.address for step in made.steps}
    assert ("blocked.own_user", ADMIN.address) in {(b.why.code, b.address) for b in made.blocked}


def test_an_only_list_touches_nobody_else() -> None:
    made = plan(
        wish(users=UsersGoal("removed", only=only("p1")), api_keys=ListGoal("revoked", only=only("k1"))),
        tenant(*PEOPLE, key("k1"), key("k2")),
    )
    assert {"user/p1", "api_key/k1"} == {step.address for step in made.steps if step.kind in (Kind.USER, Kind.API_KEY)}
