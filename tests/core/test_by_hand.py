"""What no API lists is ended by people: one step a kind, with its runbook, in its place in the order; our own key
last."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from crmstate.core.address import id_of
from crmstate.core.event import TakenBack
from crmstate.core.goal import HumanGoal, Safeguards, SubscriptionGoal
from crmstate.core.plan import Plan
from crmstate.core.provider import Provider
from crmstate.core.record import State
from crmstate.core.schedule import Schedule
from crmstate.core.survey import Survey, UserFacts
from crmstate.core.words import How, Kind, Mode, Outcome, Proof, Severity, Undo, Verb

from .scenes import (
    ACTS,
    ARCHIVED,
    CANCELLED,
    DELETED,
    LISTED,
    PURGED,
    READER,
    REMOVED,
    REVOKED,
    WRITER,
    account,
    archived,
    blockers,
    cell,
    confirmed,
    contract,
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
    user,
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
        (Verb.PROBE, "subscription/contract"),
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
    state = record(frozen(), confirmed(Kind.API_KEY, "all", Verb.REVOKE))

    assert (Verb.REVOKE, "api_key/all") not in hands(made(state, api_keys=REVOKED))


ENDS = {
    "subscription/contract": (Kind.SUBSCRIPTION, "contract", Verb.CANCEL, {"subscription": CANCELLED}),
    "account/acme": (Kind.ACCOUNT, "acme", Verb.CLOSE, {"account": DELETED, "discard": discard("d1")}),
}


@pytest.mark.parametrize("place", ENDS)
@pytest.mark.parametrize("proof", [Proof.ATTESTED, Proof.ACKNOWLEDGED, Proof.CERTIFIED, Proof.WAIVED])
def test_a_confirmed_request_is_no_confirmed_result(place: str, proof: Proof) -> None:
    kind, id, verb, goals = ENDS[place]
    asked = confirmed(kind, id, verb, at="2026-05-10T00:00:00Z", proof=proof)

    step = one(made(record(frozen(), asked), **goals), Verb.PROBE, id)

    assert (step.mode, step.proof, step.files, step.owner) == (Mode.MANUAL, Proof.CERTIFIED, True, "ops@example.com")
    assert step.why.params["at"] == "2026-05-10T00:00:00Z"


@pytest.mark.parametrize("place", ENDS)
def test_the_result_is_proved_once_and_a_later_request_asks_for_its_own(place: str) -> None:
    kind, id, verb, goals = ENDS[place]

    def left(asked: str, seen: str) -> list[tuple[Verb, int]]:
        asking = confirmed(kind, id, verb, at=asked)
        ended = confirmed(kind, id, Verb.PROBE, at=seen, proof=Proof.CERTIFIED)
        steps = made(record(frozen(), asking, ended), **goals).steps
        return [(step.verb, step.occurrence) for step in steps if step.address == place]

    assert left("2026-05-10T00:00:00Z", "2026-05-20T00:00:00Z") == []
    assert left("2026-05-20T00:00:00Z", "2026-05-10T00:00:00Z") == [(Verb.PROBE, 2)]


def test_what_comes_after_the_end_waits_for_the_result_and_not_for_the_request() -> None:
    goals = {"subscription": CANCELLED, "account": DELETED, "discard": discard("d1")}
    asked = record(frozen(), confirmed(Kind.SUBSCRIPTION, "contract", Verb.CANCEL))
    found = made(asked, **goals)

    assert [step.verb for step in Schedule(found).take() if step.kind is Kind.ACCOUNT] == []
    assert (Verb.CLOSE, "account/acme") in hands(found)


def test_a_result_cannot_come_before_its_day() -> None:
    later = replace(CANCELLED, effective="2026-12-31")

    assert one(made(subscription=later), Verb.PROBE, "contract").not_before == "2027-01-01T00:00:00Z"


def test_what_the_papers_still_owe_is_planned_when_the_vendor_is_out_of_reach() -> None:
    asked = record(frozen(), confirmed(Kind.SUBSCRIPTION, "contract", Verb.CANCEL))
    person = HumanGoal("clients", "Uninstall", "it@example.com", after="closed")
    goals = wish(subscription=CANCELLED, people=(person,), purge=replace(PURGED, certificate=True))
    gone = plan(goals, replace(seen(), resources=()), asked, byhand(), sealed="2026-06-01T00:00:00Z")
    offline = plan(goals, replace(seen(), resources=()), asked, byhand(), offline=True)
    word = plan(goals, replace(seen(), resources=()), asked, byhand(), offline=True, by_word=True)

    owed = [
        (Verb.CONFIRM, "certificate/destruction"),
        (Verb.PROBE, "subscription/contract"),
        (Verb.CONFIRM, "human_step/clients"),
    ]
    assert sorted(hands(gone)) == sorted(owed) == sorted(hands(word))
    assert hands(offline) == [], "whether its turn has come only the vendor can tell"


def test_rows_that_nobody_counts_are_not_gone_by_a_persons_word() -> None:
    gone = cell(Kind.DATASET, Verb.PURGE, how=How.MANUAL, run=None, runbook="x")
    goals = wish(archive=ARCHIVED, purge=PURGED)

    def left(rows: int | None, proof: Proof) -> list[Proof | None]:
        purged = confirmed(Kind.DATASET, "d1", Verb.PURGE, proof=proof)
        state = record(frozen(), archived("d1"), purged)
        found = plan(goals, tenant(dataset("d1", rows=rows)), state, vendor(gone))
        return [step.proof for step in found.steps if step.verb is Verb.PURGE]

    assert left(None, Proof.ATTESTED) == left(None, Proof.ACKNOWLEDGED) == [Proof.CERTIFIED]
    assert left(None, Proof.CERTIFIED) == left(0, Proof.ATTESTED) == []
    assert left(5, Proof.CERTIFIED) == [Proof.ATTESTED], "the vendor's own count is read back"


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


def test_a_folder_of_exports_that_nobody_vouches_for_is_no_matter_of_credentials() -> None:
    nobody = replace(READER, whole_view=False, attestable=True, keyless=True)
    found = plan(wish(), replace(seen(), identities=(nobody,)), None, byhand())

    assert [(each.code, each.severity) for each in found.diagnostics] == [("CRM-P057", Severity.WARNING)]


def test_what_nobody_lists_is_not_none_of_them_and_is_compared_with_no_number() -> None:
    found = plan(
        wish(api_keys=REVOKED, expect={"api_keys": 12, "users": len(seen().resources)}), seen(), None, byhand()
    )

    said = [(each.code, each.severity, each.params["what"]) for each in found.diagnostics]
    assert said == [("CRM-P056", Severity.NOTE, "api_keys")] and not found.errors


def test_a_plan_says_that_nobody_is_asked_to_approve_what_people_do() -> None:
    approved = {"safeguards": Safeguards(approvals=1)}

    def said(made: Plan) -> list[tuple[str, Any]]:
        return [(each.code, each.params["n"]) for each in made.diagnostics if each.code == "CRM-P058"]

    assert said(plan(wish(api_keys=REVOKED, **approved), seen(), None, byhand())) == [("CRM-P058", 2)]
    assert said(plan(wish(api_keys=REVOKED), seen(), None, byhand())) == []
    assert said(plan(wish(subscription=CANCELLED, **approved), tenant(contract()), None, vendor())) == []


def test_no_step_by_hand_is_planned_for_a_cell_that_the_api_has() -> None:
    table = byhand().table

    assert {cell.how for (kind, _), cell in table.items() if kind in HANDS} == {How.MANUAL}


def test_people_of_another_directory_are_ended_there_by_a_person_and_seen_to_be_gone() -> None:
    theirs = replace(user("u7"), facts=UserFacts("u7@example.com", "member", elsewhere="DingTalk"))
    by = vendor(cell(Kind.USER, Verb.DEACTIVATE, elsewhere="elsewhere.model.user.deactivate"))
    goal = wish(users=REMOVED)

    step = one(plan(goal, tenant(theirs, user("u8")), None, by), Verb.DEACTIVATE, "u7")
    asked = happened(Kind.USER, "u7", Verb.DEACTIVATE, Outcome.REQUESTED)
    again = plan(goal, tenant(theirs), record(frozen(), asked), by)

    assert (step.mode, step.runbook, step.why.params["where"]) == (
        Mode.MANUAL,
        "elsewhere.model.user.deactivate",
        "DingTalk",
    )
    assert one(again, Verb.DEACTIVATE, "u7").mode is Mode.MANUAL, "asking is not done"
    assert [s for s in plan(goal, tenant(), record(frozen(), asked), by).steps if s.verb is Verb.DEACTIVATE] == []


def test_a_downgrade_that_takes_the_api_away_comes_after_everything_that_needs_it() -> None:
    goal = SubscriptionGoal("downgraded", effective="immediately", to="free")
    found = plan(
        wish(subscription=goal, users=REMOVED),
        tenant(contract(), user("u7")),
        None,
        vendor(cell(Kind.SUBSCRIPTION, Verb.DOWNGRADE, attributes=frozenset({"ends_api"}))),
    )
    verbs = [step.verb for step in reachable(found)]

    assert verbs.index(Verb.DEACTIVATE) < verbs.index(Verb.DOWNGRADE)


OTHERS = {
    "closing": (Kind.ACCOUNT, "acme", Verb.CLOSE, {"account": DELETED}),
    "cancelling": (Kind.SUBSCRIPTION, "sub", Verb.CANCEL, {"subscription": CANCELLED}),
}


@pytest.mark.parametrize("what", OTHERS)
@pytest.mark.parametrize("how", [How.API, How.MANUAL])
def test_what_a_person_asked_the_vendor_for_is_waited_for_while_it_shows_and_asked_for_once(
    what: str, how: How
) -> None:
    """Of a vendor that shows it: whether crmstate or a person does the asking, it was done."""
    kind, id, verb, goals = OTHERS[what]
    by = vendor(cell(kind, verb, how=how, run=None, runbook="runbook.x")) if how is How.MANUAL else vendor()
    seen = tenant(contract(), account())

    def made(*more: list[Any]) -> list[tuple[Verb, Mode, int, str]]:
        found = plan(wish(**goals), seen, record(*more), by)
        return [
            (each.verb, each.mode, each.occurrence, each.why.code) for each in found.steps if id_of(each.address) == id
        ]

    asked = confirmed(kind, id, verb, at="2026-05-01T00:00:00Z")
    waited = "why.closing" if verb is Verb.CLOSE else "why.effective"
    assert made()[0][0] is verb
    assert made(asked) == [(Verb.PROBE, Mode.WAIT, 1, waited)]
    back = TakenBack(
        at="2026-05-02T00:00:00Z", step=asked[0].step.id, address=asked[0].step.address, verb=verb, by="ann", note="no"
    )
    mode = Mode.AUTO if how is How.API else Mode.MANUAL
    assert made(asked, [back])[0] == (verb, mode, 2, "why.taken_back")
    assert made(confirmed(kind, id, verb, proof=Proof.WAIVED, expires="2026-05-02T00:00:00Z"))[0][0] is verb


def test_what_a_person_asked_for_and_never_came_is_not_sent_by_crmstate_by_itself() -> None:
    goal = wish(subscription=SubscriptionGoal("cancelled", effective="2026-05-20"))
    asked = record(confirmed(Kind.SUBSCRIPTION, "sub", Verb.CANCEL, at="2026-05-01T00:00:00Z"))
    found = plan(goal, tenant(contract(renews=True)), asked)
    assert [(each.verb, each.mode) for each in found.steps if each.kind is Kind.SUBSCRIPTION] == [
        (Verb.PROBE, Mode.WAIT)
    ]
    assert "CRM-P091" in [each.code for each in found.diagnostics]
