"""Our own access: known, left for last, and never taken for a stranger's."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from crmstate.core.goal import ListGoal
from crmstate.core.words import Kind, Mode, Phase, Undo, Verb

from .scenes import (
    ARCHIVED,
    CANCELLED,
    DELETED,
    ENDED,
    OWN_KEYS,
    PURGED,
    READER,
    REMOVED,
    REVOKED,
    WRITER,
    account,
    blockers,
    cell,
    codes,
    contract,
    dataset,
    ids,
    keep,
    key,
    one,
    only,
    plan,
    planned,
    reachable,
    reached,
    session,
    tenant,
    user,
    vendor,
    wish,
)

ROWS = (user("p1"), key("k1"), key("k2", "p1"), session("s1", "p1"), dataset("contacts"), contract(), account())
EVERYTHING: dict[str, Any] = {
    "users": REMOVED,
    "api_keys": REVOKED,
    "sessions": ENDED,
    "archive": ARCHIVED,
    "purge": PURGED,
    "subscription": CANCELLED,
    "account": DELETED,
}


def test_our_own_keys_go_after_everything_else_and_the_writing_one_last() -> None:
    order = [step.address for step in reachable(plan(wish(**EVERYTHING), tenant(*ROWS)))]
    assert order[-2:] == ["api_key/k-read", "api_key/k-write"]


def test_the_writing_key_needs_the_reading_one_to_be_gone() -> None:
    made = plan(wish(api_keys=REVOKED), tenant(*ROWS))
    assert one(made, Verb.REVOKE, "k-write").needs == (one(made, Verb.REVOKE, "k-read").id,)


def test_ending_our_own_access_is_irreversible_whatever_the_vendor_says() -> None:
    by = vendor(cell(Kind.API_KEY, Verb.REVOKE, undo=Undo.FREE))
    made = plan(wish(api_keys=REVOKED), tenant(*ROWS), by=by)
    assert [one(made, Verb.REVOKE, each).irreversible for each in ("k-read", "k-write", "k1")] == [True, True, False]


def test_one_key_for_both_uses_is_revoked_once() -> None:
    both = (replace(READER, key="k-write"), WRITER)
    made = plan(wish(api_keys=REVOKED), tenant(*ROWS, identities=both))
    assert ids(made, Verb.REVOKE).count("k-write") == 1
    assert one(made, Verb.REVOKE, "k-read").stage == "keys", "a key that we do not use is anybody's"


def test_anything_that_is_blocked_keeps_our_own_access_alive() -> None:
    made = plan(wish(**EVERYTHING), tenant(*ROWS, missing=[Kind.SESSION]))
    assert [each for each in reached(made, Verb.REVOKE) if each.startswith("k-")] == []


def test_keys_that_outlive_the_people_who_go_are_a_warning_unless_they_are_revoked() -> None:
    outlive = cell(Kind.USER, Verb.DEACTIVATE, after=Phase.INACTIVE, attributes=frozenset({"keys_outlive"}))
    alone, both = (
        plan(wish(users=REMOVED, **more), tenant(*ROWS), by=vendor(outlive)) for more in ({}, {"api_keys": REVOKED})
    )
    assert ("CRM-P005" in codes(alone), "CRM-P005" in codes(both)) == (True, False)
    assert "CRM-P005" not in codes(plan(wish(users=REMOVED), tenant(*ROWS)))


def test_a_credential_that_is_no_key_blocks_no_revocation_and_keeps_no_key() -> None:
    by_password = replace(READER, key=None, keyless=True), replace(WRITER, key=None, keyless=True)
    made = plan(wish(api_keys=REVOKED), tenant(*ROWS, identities=by_password))
    assert ([], ["k-read", "k-write", "k1", "k2"]) == (blockers(made), sorted(ids(made, Verb.REVOKE)))


@pytest.mark.parametrize("unknown", [replace(READER, key=None), replace(READER, key="k-unlisted")])
def test_while_an_own_key_cannot_be_found_in_the_listing_no_key_is_revoked_in_bulk(unknown: Any) -> None:
    made = plan(wish(api_keys=REVOKED, users=REMOVED), tenant(*ROWS, identities=(unknown, WRITER)))
    assert ("blocked.own_key_unknown", "api_key/*") in blockers(made)
    assert (reached(made, Verb.REVOKE), reached(made, Verb.DEACTIVATE)) == ([], [])
    assert [step.stage for step in made.steps if step.verb is Verb.REVOKE] == ["own"]


def test_single_keys_that_are_named_are_revoked_even_then() -> None:
    made = plan(
        wish(api_keys=ListGoal("revoked", only=only("k1"))),
        tenant(*ROWS, identities=(replace(READER, key=None), WRITER)),
    )
    assert reached(made, Verb.REVOKE) == ["k1"]


def test_an_own_key_that_is_named_goes_last_and_is_not_forgotten() -> None:
    made = plan(wish(api_keys=ListGoal("revoked", only=only("k1", "k-read"))), tenant(*ROWS))
    assert [(each, one(made, Verb.REVOKE, each).stage) for each in ids(made, Verb.REVOKE)] == [
        ("k1", "keys"),
        ("k-read", "own"),
    ]


def test_an_own_key_that_is_kept_stays() -> None:
    made = plan(wish(api_keys=ListGoal("revoked", keep("k-write"))), tenant(*ROWS))
    assert sorted(ids(made, Verb.REVOKE)) == ["k-read", "k1", "k2"]


def test_when_a_kept_key_is_not_there_not_even_our_own_is_touched() -> None:
    made = plan(wish(api_keys=ListGoal("revoked", keep("k-wirte"))), tenant(*ROWS))
    assert ids(made, Verb.REVOKE) == []


def test_our_own_sessions_and_our_own_user_are_left_alone() -> None:
    made = plan(wish(users=REMOVED, sessions=ENDED), tenant(*ROWS, session("s-own", "u1")))
    assert ids(made, Verb.SIGN_OUT) == ["s1"]
    assert ids(made, Verb.DEACTIVATE) == ["p1"]


def test_an_own_key_that_is_dead_is_not_revoked_again() -> None:
    seen = tenant(
        *ROWS,
        OWN_KEYS[1],
        key("k-read", phase=Phase.ABSENT),
        user("u0", role="owner"),
        user("u1"),
        own=False,
        identities=(WRITER,),
    )
    made = plan(wish(api_keys=REVOKED), seen)
    assert "k-read" not in ids(made, Verb.REVOKE)
    assert one(made, Verb.REVOKE, "k-write").stage == "own"


def test_where_closing_the_account_takes_the_api_away_our_keys_end_with_it() -> None:
    by = vendor(cell(Kind.ACCOUNT, Verb.CLOSE, attributes=frozenset({"ends_api"}), batch=1))
    made = plan(wish(**EVERYTHING), tenant(*ROWS), by=by)
    own = [(step.verb, step.mode) for step in made.steps if step.stage == "own"]
    assert own == [(Verb.PROBE, Mode.WAIT)] * 2
    assert sorted(reached(made, Verb.REVOKE)) == ["k1", "k2"]


def test_where_cancelling_takes_the_api_away_it_is_the_last_call_and_our_keys_end_with_it() -> None:
    """To revoke the key first that has to cancel would saw off the branch."""
    by = vendor(cell(Kind.SUBSCRIPTION, Verb.CANCEL, attributes=frozenset({"ends_api"}), batch=1))
    made = plan(wish(**{**EVERYTHING, "account": None}), tenant(*ROWS), by=by)
    acts = [step for step in reachable(made) if step.mode is Mode.AUTO]
    assert acts[-1].verb is Verb.CANCEL
    assert [(step.verb, step.mode) for step in made.steps if step.stage == "own"] == [(Verb.PROBE, Mode.WAIT)] * 2
    assert planned(made) == planned(plan(wish(**{**EVERYTHING, "account": None}), tenant(*ROWS), by=by))
