"""What may be applied, what a person may confirm, and whom we are: the doors in front of every write."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from crmstate.core.address import Address
from crmstate.core.contract import ContractGoal, NoticeClause, Period, Term
from crmstate.core.diagnostic import Problem
from crmstate.core.event import Approved, Created, Evidence, Held
from crmstate.core.failure import Code, Failure
from crmstate.core.goal import HumanGoal, PurgeGoal, Safeguards, SubscriptionGoal, UsersGoal
from crmstate.core.milestones import GIVEN
from crmstate.core.plan import Plan
from crmstate.core.record import State
from crmstate.core.survey import Identity
from crmstate.core.words import Exit, How, Kind, Mode, Outcome, Phase, Proof, Verb
from crmstate.engine.admit import admit, gates_kept, gates_stand
from crmstate.engine.confirm import confirm, confirmable
from crmstate.engine.observe import departed, identify, observe

from ..core.scenes import (
    DELETED,
    NOW,
    TENANT,
    account,
    cell,
    contract,
    frozen,
    happened,
    plan,
    record,
    tenant,
    user,
    vendor,
    wish,
)
from .model import Bomb, Session, Site, World, stamp
from .stages import ROWS, site

BORN = Created(NOW, "exit", "line", "model", TENANT)


def made(*more: Any, **goals: Any) -> Plan:
    return plan(wish(users=UsersGoal("removed", only=()), **goals), tenant(user("p1"), *more), record([BORN]))


def refused(found: Plan, state: State, given: str | None = None, where: str | None = None) -> tuple[Exit, str]:
    with pytest.raises(Problem) as problem:
        admit(found, state, given, where)
    return problem.value.exit, problem.value.diagnostics[0].code


def test_a_plan_of_this_record_may_be_applied() -> None:
    admit(made(), record([BORN]), None)
    admit(made(), record([BORN]), made().plan_id)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (record([replace(BORN, lineage="other")]), "CRM-E002"),
        (record([replace(BORN, provider="other")]), "CRM-E016"),
        (record([replace(BORN, tenant="other")]), "CRM-E016"),
        (record([]), "CRM-E002"),
    ],
)
def test_a_plan_of_another_record_provider_or_tenant_is_stale(state: State, code: str) -> None:
    assert refused(made(), state) == (Exit.STALE, code)


def test_a_plan_from_before_the_record_began_may_be_applied_once_it_was_approved() -> None:
    first = plan(wish(users=UsersGoal("removed")), tenant(user("p1")))
    admit(first, record([BORN, Approved(NOW, first.approval, first.plan_id, "ann", "mail")]), None)


def test_a_plan_from_before_the_record_began_is_stale_once_something_else_was_done() -> None:
    first = plan(wish(users=UsersGoal("removed")), tenant(user("p1")))
    state = record([BORN, *happened(Kind.USER, "p1", Verb.DEACTIVATE)])
    assert refused(first, state) == (Exit.STALE, "CRM-E002")


def test_a_plan_for_another_time_another_id_or_another_tenant_is_stale() -> None:
    assert refused(replace(made(), hypothetical=True), record([BORN])) == (Exit.STALE, "CRM-E003")
    assert refused(made(), record([BORN]), "f" * 24) == (Exit.STALE, "CRM-E004")
    assert refused(made(), record([BORN]), None, "elsewhere") == (Exit.STALE, "CRM-E016")


def test_where_the_manifest_wants_the_id_it_must_be_given() -> None:
    found = made(safeguards=Safeguards(require_plan_id=True))
    assert refused(found, record([BORN])) == (Exit.REFUSED, "CRM-E014")
    admit(found, record([BORN]), found.plan_id)


def test_a_plan_with_errors_is_refused_with_all_of_them() -> None:
    found = made(safeguards=Safeguards(max_removals=0), expect={"users": 99})
    with pytest.raises(Problem) as problem:
        admit(found, record([BORN]), None)
    assert [each.code for each in problem.value.diagnostics] == ["CRM-P051", "CRM-P052"]


def test_a_hold_that_was_recorded_after_the_plan_stops_what_would_destroy_it() -> None:
    here = site()
    saved = here.planned()
    here.begin()
    held = record([BORN, Held(NOW, "contacts", "legal")])
    assert refused(saved, held) == (Exit.REFUSED, "CRM-E019")


def test_a_hold_does_not_stop_a_module_that_keeps_its_data() -> None:
    here = site(purge=PurgeGoal(holds=("contacts",)), account=None)
    here.begin()
    admit(here.planned(), here.state(), None)


PERSON = HumanGoal("training", "Train", "hr@example.com", "attested", files=True)
FILE = (Evidence("file", Proof.ATTESTED, NOW, path="list.pdf"),)


def confirming(address: str, proof: Proof = Proof.ATTESTED, **more: Any) -> Any:
    found = plan(wish(people=(PERSON,), purge=PurgeGoal(certificate=True)), tenant(user("p1")))
    return confirm(Address(address), found, record([]), at=NOW, by="it", proof=proof, **more)


def test_a_persons_step_is_confirmed_with_the_proof_that_it_asks_for() -> None:
    event = confirming("human_step/training", evidence=FILE)
    assert (event.step.address, event.proof, event.evidence) == ("human_step/training", Proof.ATTESTED, FILE)


@pytest.mark.parametrize(
    ("address", "proof", "more", "code"),
    [
        ("human_step/nothing", Proof.ATTESTED, {}, "CRM-C006"),
        ("human_step/training", Proof.ATTESTED, {}, "CRM-C170"),
        ("human_step/training", Proof.NONE, {"evidence": FILE}, "CRM-C008"),
        ("human_step/training", Proof.OBSERVED, {"evidence": FILE}, "CRM-C008"),
        ("certificate/destruction", Proof.ATTESTED, {"evidence": FILE}, "CRM-C008"),
        ("human_step/training", Proof.WAIVED, {}, "CRM-C015"),
        ("human_step/training", Proof.WAIVED, {"note": "later"}, "CRM-C015"),
        ("freeze/cutover", Proof.ATTESTED, {}, "CRM-C006"),
    ],
)
def test_what_is_not_there_too_weak_or_not_a_persons_to_say_is_refused(
    address: str, proof: Proof, more: dict[str, Any], code: str
) -> None:
    with pytest.raises(Problem) as problem:
        confirming(address, proof, **more)
    assert [each.code for each in problem.value.diagnostics] == [code]


def test_the_freeze_comes_with_its_time_and_by_nobodys_word() -> None:
    found = plan(wish(people=(PERSON,)), tenant(user("p1")))
    assert confirmable(found, record([])) == ["human_step/training"]


CLOSES = vendor(cell(Kind.ACCOUNT, Verb.CLOSE, attributes=frozenset({"ends_api"})))


@pytest.mark.parametrize("asked", [False, True])
def test_nobody_confirms_that_our_own_keys_are_dead_by_means_of_one_of_them(asked: bool) -> None:
    closing = account(Phase.PENDING) if asked else account()
    history = [frozen(), happened(Kind.ACCOUNT, TENANT, Verb.CLOSE, Outcome.REQUESTED)] if asked else []
    found = plan(wish(account=DELETED), tenant(closing), record(*history), CLOSES)
    assert any(step.kind is Kind.API_KEY and step.verb is Verb.PROBE for step in found.steps)
    assert confirmable(found, record([])) == (["account/acme"] if asked else [])
    with pytest.raises(Problem) as problem:
        confirm(Address("api_key/k-read"), found, record([]), at=NOW, by="it", proof=Proof.ATTESTED)
    assert [each.code for each in problem.value.diagnostics] == ["CRM-C006"]


def test_the_end_of_a_contract_is_confirmed_once_it_was_asked_for() -> None:
    later = wish(subscription=SubscriptionGoal("cancelled", effective="end_of_term"))
    assert confirmable(plan(later, tenant(contract())), record([])) == []
    with pytest.raises(Problem):
        confirm(
            Address("subscription/sub"),
            plan(later, tenant(contract())),
            record([]),
            at=NOW,
            by="it",
            proof=Proof.ATTESTED,
        )
    asked = plan(later, tenant(contract(pending="cancel", effective="2026-12-31")))
    assert confirmable(asked, record([])) == ["subscription/sub"]


def test_what_nobody_can_know_is_settled_by_a_person() -> None:
    state = record(happened(Kind.API_KEY, "k1", Verb.REVOKE, Outcome.UNKNOWN))
    assert confirmable(None, state) == ["api_key/k1"]
    paper = (Evidence("file", Proof.ACKNOWLEDGED, NOW),)
    event = confirm(Address("api_key/k1"), None, state, at=NOW, by="ops", proof=Proof.ACKNOWLEDGED, evidence=paper)
    assert event.step.id in state.entries


def test_a_waiver_has_a_reason_and_an_end() -> None:
    event = confirming("human_step/training", Proof.WAIVED, note="later", expires="2026-09-01T00:00:00Z")
    assert (event.proof, event.expires) == (Proof.WAIVED, "2026-09-01T00:00:00Z")


class Stranger:
    """A credential of which only this much is known."""

    def __init__(self, identity: Identity | None, code: Code = Code.EXPIRED) -> None:
        self.identity, self.code = identity, code

    def whoami(self) -> Identity:
        if self.identity is None:
            raise Failure(self.code)
        return self.identity


OURS = record(happened(Kind.API_KEY, "k-read", Verb.REVOKE, more={"own": True}))
READ, WRITE = Identity("read", TENANT, key="k1", whole_view=False), Identity("write", TENANT, key="k2", whole_view=True)


def test_the_session_that_sees_everything_looks_first() -> None:
    sessions: list[Any] = [Stranger(READ), Stranger(WRITE)]
    identities, living = identify(sessions, TENANT, record([]))
    assert (identities, living) == ([READ, WRITE], sessions[::-1])


@pytest.mark.parametrize("other", [replace(READ, tenant="elsewhere"), replace(WRITE, tenant="elsewhere")])
def test_a_credential_of_another_tenant_is_no_credential(other: Identity) -> None:
    for wanted in (TENANT, ""):
        with pytest.raises(Problem) as problem:
            identify([Stranger(READ), Stranger(other)], wanted, record([]))  # type: ignore[list-item]
        assert problem.value.exit is Exit.CREDENTIALS


def test_a_dead_credential_is_left_out_only_where_we_ended_one_ourselves() -> None:
    sessions: list[Any] = [Stranger(None), Stranger(WRITE)]
    assert identify(sessions, TENANT, OURS) == ([WRITE], sessions[1:])
    with pytest.raises(Failure):
        identify(sessions, TENANT, record([]))


def test_when_no_credential_works_there_is_nothing_to_observe() -> None:
    with pytest.raises(Failure):
        identify([Stranger(None), Stranger(None)], TENANT, OURS)  # type: ignore[list-item]


def test_an_outage_is_not_a_dead_credential() -> None:
    with pytest.raises(Failure) as failure:
        identify([Stranger(None, Code.UNAVAILABLE), Stranger(WRITE)], TENANT, OURS)  # type: ignore[list-item]
    assert failure.value.code is Code.UNAVAILABLE


def test_a_kind_that_cannot_be_listed_is_not_complete() -> None:
    world = World(tenant(user("p1"), missing=[Kind.USER]), vendor(listed=[Kind.USER, Kind.DATASET]))
    seen = observe([Session(world, "read", Bomb())], Site(world, wish()).clock, TENANT, record([]))
    assert seen.complete == {Kind.DATASET}
    assert [gap.kind for gap in seen.gaps] == [Kind.USER]


def test_the_vendor_is_out_of_reach_by_design_only_by_our_own_act() -> None:
    here = site()
    sessions = here.readers(Bomb())
    now = stamp(here.world.now)
    assert departed(sessions, OURS, now) is None, "our keys still work"
    for each in ("k-read", "k-write"):
        here.world.things[Kind.API_KEY, each].phase = Phase.ABSENT
    assert departed(sessions, OURS, now) is not None
    assert departed(sessions, record([]), now) is None, "somebody else ended them"


def test_where_cancelling_ends_the_api_that_is_known_as_our_own_act() -> None:
    here = site(cell(Kind.SUBSCRIPTION, Verb.CANCEL, attributes=frozenset({"ends_api"}), batch=1), account=None)
    here.apply()
    assert here.planned().sealed is not None
    assert here.apply() is None


def test_a_plan_for_what_only_a_person_can_do_sends_nothing() -> None:
    hand = {"how": How.MANUAL, "run": None, "runbook": "runbook.x"}
    by = vendor(cell(Kind.USER, Verb.DEACTIVATE, **hand), cell(Kind.API_KEY, Verb.REVOKE, **hand))
    here = site(by=by, rows=ROWS)
    here.settle()
    assert {call.kind for call in here.world.calls} <= {Kind.INTEGRATION}


# A saved plan, and what has to stand before it still

NOTICE_CLAUSE = ContractGoal(
    term=Term(start="2026-02-01", length=Period(12, "months"), end="inclusive", renewal="automatic"),
    notice=NoticeClause(Period(30, "days"), "term_end"),
)


def guarded() -> Plan:
    """A plan with something of everything that a person or a paper has to prove first."""
    goals = {
        "people": (HumanGoal("legal", "Counsel agrees", "law@example.com", before="freeze"),),
        "purge": PurgeGoal(certificate=True),
        "subscription": SubscriptionGoal("cancelled", "immediately"),
        "account": DELETED,
        "contract": NOTICE_CLAUSE,
    }
    return made(contract(), account(), **goals, freeze="now")


def test_whatever_stands_before_what_is_taken_away_cannot_be_taken_out_of_the_file() -> None:
    fresh = guarded()
    gates_kept(fresh, fresh)
    dropped = []
    for step in fresh.steps:
        if step.mode is Mode.AUTO:
            continue
        saved = replace(fresh, steps=tuple(each for each in fresh.steps if each is not step))
        try:
            gates_kept(saved, fresh)
        except Problem as found:
            assert (found.exit, found.diagnostics[0].code) == (Exit.STALE, "CRM-E018")
            dropped.append(step.address)
    assert {"human_step/legal", "notice/contract", "certificate/destruction", "freeze/cutover"} <= set(dropped), dropped


def test_a_step_whose_need_is_nowhere_is_not_started() -> None:
    whole = guarded()
    (first, *rest) = whole.steps
    saved = replace(whole, steps=(*(replace(each, needs=("0" * 16,)) for each in rest[:1]), *rest[1:], first))
    gates_stand(whole, record([BORN]), NOW)
    with pytest.raises(Problem) as found:
        gates_stand(saved, record([BORN]), NOW)
    assert found.value.diagnostics[0].code == "CRM-E018"


def test_notice_that_lapsed_stands_in_the_way_again() -> None:
    whole = guarded()
    saved = replace(whole, steps=tuple(each for each in whole.steps if each.address != GIVEN))
    with pytest.raises(Problem) as found:
        gates_stand(saved, record([BORN]), NOW)
    assert found.value.diagnostics[0].params["stage"] == "notice"
