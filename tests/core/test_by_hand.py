"""What no API lists is ended by people: one step a kind, with its runbook, in its place in the order; our own key
last."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from crmstate.core.address import id_of
from crmstate.core.plan import Plan
from crmstate.core.provider import Provider
from crmstate.core.record import State
from crmstate.core.survey import Survey
from crmstate.core.words import How, Kind, Mode, Outcome, Proof, Severity, Undo, Verb

from .scenes import (
    ACTS,
    ARCHIVED,
    CANCELLED,
    DELETED,
    LISTED,
    PURGED,
    READER,
    REVOKED,
    WRITER,
    archived,
    blockers,
    confirmed,
    dataset,
    discard,
    frozen,
    happened,
    keep,
    one,
    plan,
    reachable,
    record,
    tenant,
    vendor,
    wish,
)

HANDS = (Kind.API_KEY, Kind.INTEGRATION, Kind.SUBSCRIPTION, Kind.ACCOUNT, Kind.BIN, Kind.MODULE)
EVERYTHING: dict[str, Any] = {
    "api_keys": REVOKED,
    "subscription": CANCELLED,
    "archive": ARCHIVED,
    "purge": replace(PURGED, bin=True),
}


def byhand(*attributes: str) -> Provider:
    """A vendor whose API lists datasets and users, and nothing else. `attributes`: of cancelling."""
    made = vendor(listed=[kind for kind in LISTED if kind not in HANDS])
    for kind, verb, undo, after in ACTS:
        if kind in HANDS:
            del made.table[kind, verb]
            found = frozenset(attributes) if verb is Verb.CANCEL else frozenset[str]()
            runbook = {"en": f"How to {verb}.", "zh-CN": "怎么做"}
            made.manual(kind, verb, runbook=runbook, source="test", undo=undo, after=after, attributes=found)
    return made


def seen(*rows: Any) -> Survey:
    """What such a vendor shows: who our keys belong to, nobody can say."""
    found = tenant(*rows, identities=[replace(each, key=None) for each in (READER, WRITER)])
    return replace(found, resources=tuple(row for row in found.resources if row.kind not in HANDS))


def made(state: State | None = None, *attributes: str, **goals: Any) -> Plan:
    return plan(wish(**goals), seen(dataset("d1")), state, byhand(*attributes))


def hands(found: Plan) -> list[tuple[Verb, str]]:
    return [(step.verb, step.address) for step in reachable(found) if step.mode is Mode.MANUAL]


def test_each_kind_is_one_step_of_a_person_and_our_own_key_is_the_last() -> None:
    found = made(**EVERYTHING)

    assert hands(found) == [
        (Verb.REVOKE, "api_key/all"),
        (Verb.EMPTY, "bin/all"),
        (Verb.CANCEL, "subscription/contract"),
        (Verb.REVOKE, "api_key/own"),
    ]
    assert blockers(found) == []
    assert reachable(found)[-1].address == "api_key/own"


def test_a_step_by_hand_says_who_how_and_what_proves_it() -> None:
    step = one(made(subscription=CANCELLED), Verb.CANCEL, "contract")

    assert (step.owner, step.proof, step.undo) == ("ops@example.com", Proof.ATTESTED, Undo.WINDOW)
    assert step.runbook == "runbook.model.subscription.cancel"
    assert not step.irreversible, "what a person does, a person answers for: no approval is asked for"


def test_the_words_of_a_runbook_travel_with_the_provider() -> None:
    assert byhand().words["zh-CN"]["runbook.model.bin.empty"] == "怎么做"


def test_what_somebody_has_confirmed_is_not_asked_for_again() -> None:
    state = record(frozen(), confirmed(Kind.SUBSCRIPTION, "contract", Verb.CANCEL))

    assert hands(made(state, subscription=CANCELLED)) == []


def test_nobodys_word_counts_that_a_key_is_dead_while_it_works() -> None:
    state = record(frozen(), confirmed(Kind.API_KEY, "all", Verb.REVOKE), confirmed(Kind.API_KEY, "own", Verb.REVOKE))

    step = one(made(state, api_keys=REVOKED), Verb.REVOKE, "own")

    assert (step.occurrence, step.why.code) == (2, "why.came_back")


def test_the_bins_are_emptied_again_after_a_later_purge() -> None:
    early = confirmed(Kind.BIN, "all", Verb.EMPTY, at="2026-05-03T00:00:00Z")
    before, after = "2026-05-02T12:00:00Z", "2026-05-04T00:00:00Z"
    goals = {"archive": ARCHIVED, "purge": replace(PURGED, bin=True)}

    def bins(at: str) -> list[tuple[Verb, str]]:
        purged = happened(Kind.DATASET, "d1", Verb.PURGE, Outcome.DONE, at=at)
        state = record(frozen(), archived("d1"), purged, early)
        return hands(plan(wish(**goals), seen(dataset("d1", rows=0)), state, byhand()))

    assert bins(before) == []
    assert bins(after) == [(Verb.EMPTY, "bin/all")]


def test_a_bin_that_nothing_was_purged_into_is_left_alone() -> None:
    state = record(frozen(), archived("d1"))
    found = plan(wish(archive=ARCHIVED, purge=replace(PURGED, bin=True)), seen(dataset("d1", rows=0)), state, byhand())

    assert hands(found) == []


def test_keys_that_end_with_the_contract_are_watched_instead_of_revoked() -> None:
    found = made(None, "ends_api", **EVERYTHING)

    step = one(found, Verb.PROBE, "own")
    assert (step.mode, step.kind) == (Mode.WAIT, Kind.API_KEY)
    assert (Verb.REVOKE, "api_key/own") not in hands(found)


def test_an_account_is_closed_by_hand_under_the_tenants_own_id_and_a_hold_stops_it() -> None:
    given = {"archive": ARCHIVED, "account": DELETED}
    held = replace(PURGED, holds=("d1",))

    assert (Verb.CLOSE, "account/acme") in hands(made(**given))
    found = made(**given, purge=held)
    assert ("blocked.hold", "account/acme") in blockers(found)
    assert [step for step in found.steps if step.verb is Verb.CLOSE] == []


def test_who_is_kept_is_named_in_what_a_person_is_asked() -> None:
    step = one(made(api_keys=replace(REVOKED, keep=keep("bi"))), Verb.REVOKE, "all")

    assert (step.why.code, "bi" in str(step.why.params["kept"])) == ("why.by_hand.but", True)


def test_what_a_vendor_lists_nobody_is_asked_for_by_kind() -> None:
    found = plan(wish(subscription=CANCELLED, discard=discard()), tenant(), None, vendor())

    assert {id_of(step.address) for step in found.steps} & {"all", "own", "contract"} == set()


def test_a_view_that_nobody_can_prove_is_said_to_be_somebodys_word() -> None:
    shown = replace(seen(), identities=(replace(READER, whole_view=False, attestable=True),))

    without = plan(wish(), shown, None, byhand())
    attested = plan(wish(coverage="it@example.com"), shown, None, byhand())

    assert [each.code for each in without.diagnostics] == ["CRM-P054"]
    assert [(each.code, each.severity) for each in attested.diagnostics] == [("CRM-P053", Severity.WARNING)]


def test_no_step_by_hand_is_planned_for_a_cell_that_the_api_has() -> None:
    table = byhand().table

    assert {cell.how for (kind, _), cell in table.items() if kind in HANDS} == {How.MANUAL}
