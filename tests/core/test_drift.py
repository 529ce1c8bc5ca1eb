"""drift(): no side of the comparison is silent. What is back in any phase, withdrawn or new is told; what nobody could look at is
named, and never counted as unchanged."""

from __future__ import annotations

from typing import Any

import pytest

from crmstate.core.drift import Drift, drift
from crmstate.core.event import AnyEvent, Evidence, Finished
from crmstate.core.goal import Desired, Keep, ListGoal, Selector, SubscriptionGoal, UsersGoal
from crmstate.core.record import State
from crmstate.core.survey import Identity, Resource
from crmstate.core.words import Kind, Outcome, Phase, Proof, Verb

from .scenes import (
    ARCHIVED,
    DELETED,
    GONE,
    NOW,
    OWN_KEYS,
    READER,
    REMOVED,
    TENANT,
    account,
    archived,
    contract,
    dataset,
    frozen,
    happened,
    integration,
    keep,
    plan,
    record,
    setting,
    tenant,
    user,
    wish,
)

LATER = "2026-07-01T00:00:00Z"


def ended(*histories: list[AnyEvent], exit: int = 0) -> State:
    """The record of a run that ended so."""
    return record(frozen(), *histories, [Finished(NOW, "run", exit, {})])


def compared(desired: Desired, state: State, *rows: Resource, **more: Any) -> Drift:
    seen = tenant(*rows, **more)
    return drift(desired, seen, state, plan(desired, seen, state))


def told(found: Drift) -> dict[str, str]:
    return {each.address: each.what.value for each in found.changes}


def test_an_accepted_closing_that_was_withdrawn_is_back() -> None:
    """Of a request that the vendor never showed nothing is known, and it does not count as unchanged."""
    wanted = wish(account=DELETED)
    facts: dict[str, Any] = {"until": LATER, "proof": Proof.ACKNOWLEDGED, "more": {"own": True}}
    asked = ended(happened(Kind.ACCOUNT, "acme", Verb.CLOSE, Outcome.REQUESTED, phase=Phase.PENDING, **facts))
    hidden = ended(happened(Kind.ACCOUNT, "acme", Verb.CLOSE, Outcome.REQUESTED, code="accepted", **facts))

    found = compared(wanted, asked, account())

    assert told(found) == {"account/acme": "came_back"}
    assert (found.changes[0].recorded, found.changes[0].observed) == ("pending", "present")
    assert not compared(wanted, asked, account(Phase.PENDING)).changes
    unknown = compared(wanted, hidden, account())
    assert (unknown.changes, unknown.unshown, unknown.known) == ((), ("account/acme",), 0)
    assert not unknown.whole


@pytest.mark.parametrize(
    ("verb", "was", "now", "turn"),
    [
        (Verb.DELETE, Phase.ABSENT, integration("i1", phase=Phase.INACTIVE), "came_back"),
        (Verb.DELETE, Phase.ABSENT, integration("i1"), "came_back"),
        (Verb.CANCEL, Phase.ABSENT, contract("paused"), "came_back"),
        (Verb.CANCEL, Phase.ABSENT, contract(pending="cancel", effective=LATER[:10]), "came_back"),
        (Verb.CANCEL, Phase.PENDING, contract("paused"), "came_back"),
        (Verb.CANCEL, Phase.PENDING, contract(pending="pause", effective=LATER[:10]), "came_back"),
        (Verb.CANCEL, Phase.PENDING, contract("cancelled"), "through"),
        (Verb.PAUSE, Phase.INACTIVE, contract(pending="pause", effective=LATER[:10]), "came_back"),
        (Verb.DEACTIVATE, Phase.INACTIVE, user("u7", phase=Phase.PENDING), "gone"),
        (Verb.CLOSE, Phase.ABSENT, account(Phase.PENDING), "came_back"),
        (Verb.CANCEL, Phase.PENDING, contract(pending="cancel", effective=LATER[:10]), None),
    ],
)
def test_what_is_back_in_a_lesser_phase_is_back(verb: Verb, was: Phase, now: Resource, turn: str | None) -> None:
    state = ended(happened(now.kind, now.id, verb, phase=was))
    found = compared(wish(), state, now)
    assert (told(found), found.known) == ({now.address: turn} if turn else {}, 1)


def test_a_new_thing_is_told_or_its_kind_is_named_as_unsure() -> None:
    """The first of its kind too, and behind a stage that has work to do; after a run that was cut short nobody can say."""
    wanted = wish(users=REMOVED, integrations=GONE, settings=ListGoal("reset"))
    off = happened(Kind.USER, "u7", Verb.DEACTIVATE, phase=Phase.INACTIVE)
    rows = (user("u7"), integration("i1"), setting("s1"), user("u8"))
    told_of = {
        "user/u7": "came_back",
        "user/u8": "unrecorded",
        "integration/i1": "unrecorded",
        "setting/s1": "unrecorded",
    }

    whole = compared(wanted, ended(off), *rows)
    assert (told(whole), whole.unsure) == (told_of, ())
    cut = compared(wanted, ended(off, exit=6), *rows)
    assert told(cut) == {"user/u7": "came_back"}
    assert cut.unsure == (Kind.INTEGRATION, Kind.SETTING, Kind.USER)
    assert compared(wanted, ended(off), user("u7", phase=Phase.INACTIVE)).whole


def test_where_the_plan_cannot_be_made_new_things_are_not_lost() -> None:
    gone = UsersGoal("removed", (*keep("u0"), *keep("lost")))
    state = ended(happened(Kind.USER, "u7", Verb.DEACTIVATE, phase=Phase.INACTIVE))
    off = user("u7", phase=Phase.INACTIVE)

    assert compared(wish(users=gone), state, off, user("u8")).unsure == (Kind.USER,)
    assert compared(wish(users=gone), state, off).unsure == ()
    assert compared(wish(integrations=GONE), state, off, missing=[Kind.INTEGRATION]).unseen == (Kind.INTEGRATION,)
    fresh = compared(wish(archive=ARCHIVED), ended(archived("a")), dataset("a"), dataset("b"))
    assert (told(fresh), fresh.unsure) == ({"archive/b": "unrecorded"}, ())


def test_the_next_step_is_the_first_that_is_to_be_done() -> None:
    """Of a contract that ends on a day the cancelling comes first, and looking whether it has ended last."""
    wanted = wish(subscription=SubscriptionGoal("cancelled", effective="end_of_term"))
    asked = ended(happened(Kind.SUBSCRIPTION, "sub", Verb.CANCEL, phase=Phase.PENDING))
    row = contract(renews=True, term_start="2026-01-01", term_end="2026-12-31")

    found = compared(wanted, asked, row)

    assert [step.verb for step in plan(wanted, tenant(row), asked).steps] == [Verb.CANCEL, Verb.PROBE]
    assert [(each.what, each.next) for each in found.changes] == [("came_back", Verb.CANCEL)]


def test_attachments_that_are_back_in_a_purged_dataset_are_told() -> None:
    purged = ended(archived("a"), happened(Kind.DATASET, "a", Verb.PURGE, phase=Phase.PRESENT))

    assert told(compared(wish(), purged, dataset("a", 0, attachments=2))) == {"dataset/a": "files_back"}
    both = compared(wish(), purged, dataset("a", 1, attachments=1))
    assert [(each.what.value, each.observed) for each in both.changes] == [("files_back", "1"), ("rows_back", "1")]
    assert not compared(wish(), purged, dataset("a", 0, attachments=0)).changes


def test_our_own_access_that_is_switched_off_or_gone_is_told() -> None:
    """An identity may be known by its mail alone."""
    state = ended(happened(Kind.USER, "u7", Verb.DEACTIVATE, phase=Phase.INACTIVE))
    others = (user("u7", phase=Phase.INACTIVE), user("u0", role="owner"), *OWN_KEYS)
    by_mail = Identity("read", TENANT, key="k-read", email="U1@example.com", whole_view=True)

    for known in (READER, by_mail):
        off = compared(wish(), state, user("u1", phase=Phase.INACTIVE), *others, own=False, identities=[known])
        assert [(each.address, each.what.value, each.observed) for each in off.changes] == [
            ("user/u1", "own_gone", "inactive")
        ]
    gone = compared(wish(), state, user("u1"), *others[:-1], own=False)
    assert told(gone) == {"api_key/k-write": "own_gone"}
    assert compared(wish(), state, *others, own=False, missing=[Kind.USER]).unseen == (Kind.USER,)
    assert compared(wish(), state, others[0]).whole

    closing: dict[str, Any] = {"more": {"own": True}, "phase": Phase.PENDING, "until": LATER}
    asked = ended(happened(Kind.ACCOUNT, "acme", Verb.CLOSE, Outcome.REQUESTED, **closing))
    for day, turns in ((NOW, {"user/u1": "own_gone"}), (LATER, {})):
        off = compared(
            wish(), asked, account(Phase.PENDING), user("u1", phase=Phase.INACTIVE), *others, own=False, at=day
        )
        assert told(off) == turns, "until it has closed we have to get in"


def test_people_who_are_masked_stay_apart() -> None:
    """Neither mail nor name is shown, and each has an address of his own."""
    people = (Selector(email="ann@example.com"), Selector(name="Bob B"), Selector(id="u9"), Selector(id="u0"))
    goal = UsersGoal("removed", tuple(Keep(each) for each in people))
    found = compared(wish(users=goal, mask_people=True), ended())

    assert [each.address for each in found.changes] == ["user/***-1", "user/***-2", "user/u9"]
    assert {each.what.value for each in found.changes} == {"kept_gone"}
    bare = compared(wish(users=goal), ended())
    assert [each.address for each in bare.changes] == ["user/Bob%20B", "user/ann@example.com", "user/u9"]


def test_an_archived_dataset_that_the_vendor_does_not_list_any_more_is_told() -> None:
    proof = Evidence("export", Proof.OBSERVED, NOW, rows=5)
    kept = happened(Kind.ARCHIVE, "a", Verb.ARCHIVE, rows=5, evidence=(proof,))
    purged = happened(Kind.DATASET, "a", Verb.PURGE, phase=Phase.PRESENT)

    (gone,) = compared(wish(archive=ARCHIVED), ended(kept)).changes
    assert (gone.address, gone.what.value, gone.recorded, gone.observed) == ("dataset/a", "gone", "5", "absent")
    assert not compared(wish(archive=ARCHIVED), ended(kept, purged)).changes
    assert not compared(wish(archive=ARCHIVED), ended(kept), missing=[Kind.DATASET]).changes
