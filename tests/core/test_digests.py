"""What a plan is bound to, and what approvals are bound to."""

from __future__ import annotations

import random

import msgspec
import pytest

from crmstate.core.goal import HumanGoal, ListGoal, SubscriptionGoal, UsersGoal
from crmstate.core.survey import survey
from crmstate.core.words import Kind, Phase, Undo, Verb

from .scenes import (
    ARCHIVED,
    CANCELLED,
    DELETED,
    ENDED,
    GONE,
    LISTED,
    PURGED,
    READER,
    REMOVED,
    REVOKED,
    TENANT,
    WRITER,
    account,
    archived,
    cell,
    confirmed,
    contract,
    dataset,
    frozen,
    happened,
    integration,
    keep,
    key,
    plan,
    record,
    session,
    tenant,
    user,
    vendor,
    wish,
)

EVERYTHING = {
    "users": REMOVED, "api_keys": REVOKED, "sessions": ENDED, "integrations": GONE, "archive": ARCHIVED, "purge": PURGED,
    "subscription": CANCELLED, "account": DELETED,
}  # fmt: skip
ROWS = (
    *(user(f"p{n}") for n in range(5)), *(key(f"k{n}", f"p{n}") for n in range(4)), *(session(f"s{n}", f"p{n}") for n in range(3)),
    integration("i1"), dataset("contacts"), dataset("deals", 0), contract(), account(),
)  # fmt: skip
PERSON = HumanGoal("training", "Train", "hr@example.com", "attested", after="freeze")


def test_the_same_inputs_give_the_same_bytes() -> None:
    first, second = (msgspec.json.encode(plan(wish(**EVERYTHING), tenant(*ROWS))) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_rows_and_of_listings_does_not_matter(seed: int) -> None:
    chance, seen = random.Random(seed), tenant(*ROWS)
    listings = [
        msgspec.structs.replace(each, resources=tuple(chance.sample(each.resources, len(each.resources))))
        for each in _listings(seen)
    ]
    chance.shuffle(listings)
    other = survey(TENANT, listings, [READER, WRITER], seen.taken_at)
    history = [*frozen(), *archived("contacts"), *happened(Kind.USER, "p1", Verb.DEACTIVATE)]
    state, mixed = record(history), record(history)
    mixed.entries = dict(chance.sample(list(mixed.entries.items()), len(mixed.entries)))
    assert msgspec.json.encode(plan(wish(**EVERYTHING), seen, state)) == msgspec.json.encode(
        plan(wish(**EVERYTHING), other, mixed)
    )


def _listings(seen: object) -> list:
    from crmstate.core.survey import Listing

    return [Listing(kind, seen.of(kind)) for kind in LISTED]  # type: ignore[attr-defined]


def test_a_row_that_is_listed_twice_is_one_thing() -> None:
    """A listing may change between its pages: then a row comes again."""
    once, twice = tenant(*ROWS), tenant(*ROWS, ROWS[0], ROWS[5])
    assert plan(wish(**EVERYTHING), once) == plan(wish(**EVERYTHING), twice)


def test_a_row_that_is_listed_twice_with_different_phases_is_unknown_and_not_acted_on() -> None:
    seen = tenant(user("p1"), user("p1", phase=Phase.INACTIVE))
    assert [row.phase for row in seen.of(Kind.USER) if row.id == "p1"] == [Phase.UNKNOWN]
    made = plan(wish(users=REMOVED), seen)
    assert [step for step in made.steps if step.kind is Kind.USER] == []
    assert "user/p1" in [each.address for each in made.blocked]


def test_a_kind_whose_listing_came_in_two_parts_is_complete_only_if_both_are() -> None:
    from crmstate.core.survey import Listing

    parts = [Listing(Kind.USER, (user("p1"),)), Listing(Kind.USER, (user("p2"),), complete=False)]
    for order in (parts, parts[::-1]):
        assert frozenset() == survey(TENANT, order, []).complete


def _id(desired: object = None, seen: object = None, **more: object) -> str:
    return plan(desired or wish(**EVERYTHING), seen or tenant(*ROWS), **more).plan_id  # type: ignore[arg-type]


def test_the_plan_id_does_not_change_with_time_serial_or_prose() -> None:
    later = record()
    later.serial = 40
    assert _id() == _id(seen=tenant(*ROWS, at="2026-07-01T00:00:00Z"))
    assert _id() == _id(state=later)
    assert _id() == _id(manifest="other/path.yaml")
    relabelled = [msgspec.structs.replace(row, label="x" + row.label) for row in ROWS]
    assert _id() == _id(seen=tenant(*relabelled))


def test_the_plan_id_does_not_change_when_only_a_persons_step_or_a_wait_does() -> None:
    with_person = wish(**EVERYTHING, people=(PERSON,))
    changed = wish(**EVERYTHING, people=(msgspec.structs.replace(PERSON, owner="it@example.com", title="Teach"),))
    assert _id(with_person) == _id(changed) == _id(with_person, state=record(confirmed(Kind.HUMAN_STEP, "training")))
    assert _id() == _id(wish(**{**EVERYTHING, "freeze": "2026-12-15T17:00:00Z"}))


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "e" * 64},
        {"users": UsersGoal("removed", keep("u0", "p1"))},
        {"users": UsersGoal("deleted", keep("u0"))},
        {"subscription": SubscriptionGoal("cancelled", effective="end_of_term")},
        {"reason": "another"},
        {"purge": None},
    ],
)
def test_the_plan_id_changes_with_the_manifest_and_with_what_is_done(change: dict[str, object]) -> None:
    assert _id() != _id(wish(**{**EVERYTHING, **change}))


def test_the_plan_id_changes_with_the_tenant_with_what_was_seen_and_with_the_ceiling_of_a_purge() -> None:
    assert _id() != _id(wish(**{**EVERYTHING, "tenant": "other"}), tenant(*ROWS, name="other"))
    assert _id() != _id(seen=tenant(*ROWS, user("late")))
    assert _id() != _id(seen=tenant(*(row for row in ROWS if row.id != "contacts"), dataset("contacts", 6)))


def test_the_plan_id_changes_with_the_order() -> None:
    other = msgspec.structs.replace(PERSON, after=None, before="purged")
    assert len({_id(), _id(wish(**EVERYTHING, people=(PERSON,))), _id(wish(**EVERYTHING, people=(other,)))}) == 3


def test_the_plan_id_changes_when_something_can_no_longer_be_taken_back() -> None:
    final = vendor(cell(Kind.USER, Verb.DEACTIVATE, undo=Undo.NEVER))
    assert _id() != _id(by=final)


def test_an_approval_outlives_a_new_plan_in_which_only_reversible_human_and_waiting_steps_changed() -> None:
    made = plan(wish(**EVERYTHING), tenant(*ROWS))
    others = [
        plan(wish(**{**EVERYTHING, "digest": "e" * 64}, people=(PERSON,)), tenant(*ROWS)),
        plan(wish(**{**EVERYTHING, "users": UsersGoal("removed", keep("u0", "p3"))}), tenant(*ROWS)),
        plan(wish(**EVERYTHING), tenant(*ROWS, user("late"))),
        plan(wish(**EVERYTHING), tenant(*ROWS), record(frozen())),
        plan(wish(**EVERYTHING), tenant(*ROWS), record(frozen(), archived("contacts"), archived("deals"))),
    ]
    assert [made.approval] * len(others) == [each.approval for each in others]
    assert made.plan_id not in {each.plan_id for each in others[:3]}


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        ({}, (key("late"),)),
        ({"api_keys": ListGoal("revoked", keep("k1"))}, ()),
        ({"users": UsersGoal("deleted", keep("u0"))}, ()),
        ({"account": None}, ()),
        ({"subscription": SubscriptionGoal("cancelled", effective="end_of_term")}, ()),
        ({"purge": None}, ()),
    ],
)
def test_an_approval_ends_when_one_irreversible_step_is_added_taken_away_or_changed(
    change: dict[str, object], rows: tuple
) -> None:
    assert (
        plan(wish(**EVERYTHING), tenant(*ROWS)).approval
        != plan(wish(**{**EVERYTHING, **change}), tenant(*ROWS, *rows)).approval
    )


def test_cancelling_at_once_is_irreversible_even_where_a_cancellation_can_be_withdrawn_until_its_date() -> None:
    at_once = plan(wish(subscription=CANCELLED), tenant(contract()))
    later = plan(wish(subscription=SubscriptionGoal("cancelled", effective="end_of_term")), tenant(contract()))
    assert [(s.verb, s.undo, s.irreversible) for s in at_once.steps if s.verb is Verb.CANCEL] == [
        (Verb.CANCEL, Undo.NEVER, True)
    ]
    assert [(s.verb, s.undo, s.irreversible) for s in later.steps if s.verb is Verb.CANCEL] == [
        (Verb.CANCEL, Undo.WINDOW, False)
    ]
