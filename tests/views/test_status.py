"""Where everything stands: never more is claimed than the weakest link proves."""

from __future__ import annotations

import json

import msgspec
import pytest

from crmstate.core.address import address
from crmstate.core.goal import HumanGoal
from crmstate.core.record import Entry, State, step_id
from crmstate.core.words import Kind, Outcome, Phase, Proof, Undo, Verb
from crmstate.views.catalogue import Catalogue
from crmstate.views.standing import From, Standing, standing
from crmstate.views.status_text import status_json, status_text
from tests.core import scenes
from tests.views.samples import plan, record, representative

EN = Catalogue("en", strict=True)
U1 = address(Kind.USER, "u1")
ENDING = scenes.wish(account=scenes.DELETED, api_keys=scenes.REVOKED)
CLOSES = scenes.vendor(scenes.cell(Kind.ACCOUNT, Verb.CLOSE, attributes=frozenset({"ends_api"})))


def done(*proofs: Proof) -> State:
    state = State("x", "l", "sandbox", "T")
    for number, proof in enumerate(proofs):
        place = address(Kind.USER, f"u{number}")
        state.entries[step_id(place, Verb.DELETE)] = Entry(
            place, Verb.DELETE, Undo.NEVER, Outcome.DONE, "t", proof=proof
        )
    return state


def test_the_whole_is_as_well_proved_as_its_weakest_part() -> None:
    found = standing(done(Proof.OBSERVED, Proof.ATTESTED, Proof.CERTIFIED), plan())
    assert (found.finished, found.proof) == (True, Proof.ATTESTED)
    assert "Finished. Everything is done; the weakest proof is: attested by a person." in status_text(
        done(Proof.ATTESTED), plan(), EN
    )


def test_what_was_only_requested_is_never_called_done() -> None:
    found = standing(record())
    parts = {part.kind: part for part in found.parts}
    assert (parts[Kind.SUBSCRIPTION].done, parts[Kind.SUBSCRIPTION].requested) == (0, 1)
    assert not found.finished


def test_of_a_step_taken_twice_the_last_time_counts() -> None:
    state = done(Proof.OBSERVED)
    place = address(Kind.USER, "u0")
    again = Entry(place, Verb.DELETE, Undo.NEVER, Outcome.FAILED, "t2", occurrence=2)
    state.entries[step_id(place, Verb.DELETE, 2)] = again
    found = standing(state)
    assert [(part.done, part.failed) for part in found.parts] == [(0, 1)]
    assert not found.finished


def test_nothing_is_finished_while_the_plan_has_steps() -> None:
    assert not standing(done(Proof.OBSERVED), representative()).finished


def test_an_unknown_outcome_names_the_vendor_since_when_and_whom_to_ask() -> None:
    wait = next(each for each in standing(record()).waits if each.outcome is Outcome.UNKNOWN)
    assert (wait.source, wait.who, wait.since) == (From.VENDOR, "sandbox", "2026-12-01T08:00:00Z")
    assert "ask the vendor, then crmstate confirm" in status_text(record(), None, EN)


def test_a_human_step_names_its_owner_and_the_proof_that_it_takes() -> None:
    wait = next(each for each in standing(record(), representative()).waits if each.address == "human_step/impact")
    assert (wait.source, wait.who, wait.proof) == (From.PERSON, "it@example.com", Proof.ATTESTED)


def test_what_is_waited_for_stands_there_once() -> None:
    found = standing(record(), representative()).waits
    keys = [(each.address, each.verb) for each in found]
    assert len(keys) == len(set(keys))


def test_a_failure_that_the_plan_no_longer_needs_is_forgotten() -> None:
    assert [each for each in standing(record(), plan()).waits if each.outcome is Outcome.FAILED] == []
    assert [each.address for each in standing(record()).waits if each.outcome is Outcome.FAILED] == ["user/u3"]


def test_the_record_alone_says_that_the_vendor_was_not_asked() -> None:
    assert "From the record alone: the vendor was not asked." in status_text(record(), None, EN)


def test_an_empty_record_says_so() -> None:
    shown = status_text(State("x"), None, EN)
    assert "Nothing is on record, and nothing is to be done." in shown
    assert "Nothing was ever applied." in shown


def test_json_has_the_same_with_a_sentence_for_every_wait() -> None:
    found = json.loads(status_json(record(), representative(), EN))
    assert (found["format_version"], found["proof"], found["finished"]) == ("1.0", "acknowledged", False)
    assert [each for each in found["waits"] if not each["summary"]] == []


def test_many_equal_waits_are_folded_in_text() -> None:
    state = State("x", provider="sandbox")
    for number in range(50):
        place = address(Kind.USER, f"u{number}")
        state.entries[step_id(place, Verb.DELETE)] = Entry(
            place, Verb.DELETE, Undo.NEVER, Outcome.REQUESTED, "t", since="t"
        )
    assert "… and 40 more" in status_text(state, None, EN)
    assert status_text(state, None, EN, full=True).count("user/u") == 50


def test_standing_can_be_encoded() -> None:
    assert msgspec.json.encode(standing(record(), representative()))


def waiting(found: Standing) -> list[tuple[From, str]]:
    return [(each.source, each.address) for each in found.waits]


def test_our_own_keys_are_waited_for_once_the_rest_is_in_the_vendors_hands_and_not_before() -> None:
    before = scenes.plan(ENDING, scenes.tenant(scenes.account()), by=CLOSES)
    assert waiting(standing(State("exit"), before)) == []
    state = scenes.record(scenes.frozen(), scenes.happened(Kind.ACCOUNT, "acme", Verb.CLOSE, Outcome.REQUESTED))
    after = scenes.plan(ENDING, scenes.tenant(scenes.account(Phase.PENDING)), state, CLOSES)
    assert waiting(standing(state, after)) == [
        (From.VENDOR, "account/acme"),
        (From.VENDOR, "api_key/k-read"),
        (From.VENDOR, "api_key/k-write"),
    ]


@pytest.mark.parametrize(
    ("freeze", "dated"), [("now", False), ("2026-05-31T18:00:00Z", False), ("2026-06-02T18:00:00Z", True)]
)
def test_a_freeze_waits_for_its_date_and_a_freeze_that_a_person_holds_up_for_that_person(
    freeze: str, dated: bool
) -> None:
    training = HumanGoal("training", "Train", "hr@example.com", before="freeze")
    made = scenes.plan(
        msgspec.structs.replace(ENDING, freeze=freeze, people=(training,)), scenes.tenant(scenes.account())
    )
    person = (From.PERSON, "human_step/training")
    assert set(waiting(standing(State("exit"), made))) == {person, *([(From.DATE, "freeze/cutover")] if dated else [])}
