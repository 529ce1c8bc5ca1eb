"""watch: a look after the end tells whatever is back, in a lesser phase as well, withdrawn or new; what it could not tell makes it no
clear look."""

from __future__ import annotations

from crmstate.core.event import Sight
from crmstate.core.goal import Desired
from crmstate.core.record import State
from crmstate.core.survey import Resource
from crmstate.core.watching import back, outcome, works
from crmstate.core.words import Kind, Outcome, Phase, Proof, Verb

from .scenes import DELETED, GONE, NOW, WRITER, account, contract, happened, integration, user, wish
from .test_drift import LATER, compared, ended


def looked(desired: Desired, state: State, *rows: Resource) -> list[Sight]:
    return back(compared(desired, state, *rows))


def test_a_look_tells_what_is_back_in_any_phase_withdrawn_or_new() -> None:
    more = {"own": True}
    closing = happened(Kind.ACCOUNT, "acme", Verb.CLOSE, Outcome.REQUESTED, phase=Phase.PENDING, until=LATER, more=more)
    state = ended(
        closing,
        happened(Kind.USER, "u7", Verb.DELETE, phase=Phase.ABSENT),
        happened(Kind.SUBSCRIPTION, "sub", Verb.CANCEL, phase=Phase.ABSENT),
    )
    rows = (account(), user("u7", phase=Phase.INACTIVE), contract("paused"), integration("i1"))

    seen = looked(wish(account=DELETED, integrations=GONE), state, *rows)

    assert {each.address: each.said for each in seen} == {
        "account/acme": "came_back",
        "user/u7": "came_back",
        "subscription/sub": "came_back",
        "integration/i1": "unrecorded",
    }
    assert outcome(seen) == "back"


def test_a_look_that_could_not_tell_everything_is_not_clear() -> None:
    hidden = happened(Kind.USER, "u7", Verb.DELETE, Outcome.REQUESTED, code="accepted", proof=Proof.ACKNOWLEDGED)

    asked = looked(wish(), ended(hidden), user("u7"))
    assert ([(each.said, each.address) for each in asked], outcome(asked)) == ([("unshown", "user/u7")], "partly")
    cut = looked(wish(integrations=GONE), ended(hidden, exit=6), integration("i1"))
    assert ([(each.said, each.name) for each in cut], outcome(cut)) == ([("unsure", "integration")], "partly")
    assert outcome(looked(wish(), ended())) == "clear"


def test_our_last_key_that_works_although_its_end_was_accepted_works_again() -> None:
    """Nobody could read that end back: the key was gone."""
    more = {"own": True}
    last = happened(Kind.API_KEY, "k-write", Verb.REVOKE, Outcome.REQUESTED, code="not_read_back", more=more)
    closing = happened(Kind.ACCOUNT, "acme", Verb.CLOSE, Outcome.REQUESTED, until=LATER, more=more)

    assert works("write", WRITER, ended(last), NOW).said == "works_again"
    assert works("write", WRITER, ended(closing), NOW).said == "works"
