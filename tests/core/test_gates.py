"""Gates: the freeze, people, open questions, sections that are not carried out yet, modules, and changing one's
mind."""

from __future__ import annotations

from typing import Any

import pytest

from crmstate.core.goal import HumanGoal, ListGoal, ModuleGoal, SubscriptionGoal, Unsupported, UsersGoal
from crmstate.core.planning.planner import ready_now
from crmstate.core.words import How, Kind, Milestone, Mode, Outcome, Phase, Proof, Severity, Undo, Verb

from .scenes import (
    ARCHIVED,
    CANCELLED,
    DELETED,
    ENDED,
    GONE,
    NOW,
    PURGED,
    REMOVED,
    REVOKED,
    account,
    archived,
    blockers,
    cell,
    codes,
    confirmed,
    contract,
    dataset,
    disabled,
    discard,
    frozen,
    happened,
    ids,
    integration,
    keep,
    key,
    module,
    one,
    only,
    plan,
    planned,
    reached,
    record,
    session,
    setting,
    tenant,
    user,
    vendor,
    wish,
)

ROWS = (
    user("p1"),
    key("k1"),
    session("s1", "p1"),
    integration("i1"),
    dataset("contacts"),
    module("crm", "clears"),
    contract(),
    account(),
)
SAFE = {"archive": ARCHIVED}
TAKING: list[tuple[dict[str, Any], Verb]] = [
    ({"users": REMOVED}, Verb.DEACTIVATE),
    ({"api_keys": REVOKED}, Verb.REVOKE),
    ({"sessions": ENDED}, Verb.SIGN_OUT),
    ({"integrations": GONE}, Verb.DELETE),
    ({**SAFE, "purge": PURGED}, Verb.PURGE),
    ({**SAFE, "modules": disabled("crm", "clears")}, Verb.DISABLE),
    ({"subscription": CANCELLED}, Verb.CANCEL),
    ({**SAFE, "account": DELETED}, Verb.CLOSE),
]


@pytest.mark.parametrize(("goals", "verb"), TAKING)
def test_without_a_written_freeze_nothing_takes_access_or_data_away(goals: dict[str, Any], verb: Verb) -> None:
    made = plan(wish(freeze=None, **goals), tenant(*ROWS))
    assert ("blocked.no_freeze", "freeze/cutover") in blockers(made)
    assert reached(made, verb) == []


@pytest.mark.parametrize(("goals", "verb"), TAKING)
def test_before_the_freeze_nothing_takes_access_or_data_away(goals: dict[str, Any], verb: Verb) -> None:
    made = plan(wish(freeze="2026-12-15T17:00:00Z", **goals), tenant(*ROWS))
    assert verb not in {step.verb for step in ready_now(made)}
    assert one(made, Verb.CONFIRM, "cutover").not_before == "2026-12-15T17:00:00Z"
    assert reached(made, verb) != []


def test_a_person_who_ends_something_by_hand_waits_for_the_freeze_as_well() -> None:
    by = vendor(cell(Kind.USER, Verb.DEACTIVATE, how=How.MANUAL, run=None, runbook="runbook.x"))
    made = plan(wish(freeze=None, users=REMOVED), tenant(*ROWS), by=by)
    assert reached(made, Verb.DEACTIVATE) == []


@pytest.mark.parametrize(
    "goals",
    [
        {"archive": ARCHIVED},
        {"subscription": SubscriptionGoal("cancelled", effective="end_of_term")},
        {"users": UsersGoal("active")},
        {},
    ],
)
def test_what_takes_nothing_away_needs_no_freeze(goals: dict[str, Any]) -> None:
    assert blockers(plan(wish(freeze=None, **goals), tenant(*ROWS))) == []


def test_a_freeze_that_has_come_is_ready_and_one_on_record_is_not_asked_for_again() -> None:
    goals = wish(users=REMOVED)
    assert [step.kind for step in ready_now(plan(goals, tenant(*ROWS)))] == [Kind.FREEZE]
    again = plan(goals, tenant(*ROWS), record(frozen()))
    assert ids(again, Verb.CONFIRM) == []
    assert [step.address for step in ready_now(again)] == ["user/p1"]


def person(id: str = "training", **facts: Any) -> HumanGoal:
    return HumanGoal(
        id,
        **{
            "title": "Train",
            "owner": "hr@example.com",
            "proof": "attested",
            "files": True,
            "due": "2026-09-01",
            **facts,
        },
    )


def test_a_persons_step_says_who_by_when_and_with_what_proof() -> None:
    step = one(plan(wish(people=(person(),)), tenant()), Verb.CONFIRM, "training")
    assert (step.mode, step.owner, step.deadline, step.proof, step.files) == (
        Mode.MANUAL,
        "hr@example.com",
        "2026-09-02T00:00:00Z",
        Proof.ATTESTED,
        True,
    )


EVERYTHING = {
    "archive": ARCHIVED,
    "users": REMOVED,
    "api_keys": REVOKED,
    "integrations": GONE,
    "sessions": ENDED,
    "purge": PURGED,
    "subscription": CANCELLED,
    "account": DELETED,
    "modules": disabled("crm", "clears"),
}
WAITS = {
    Milestone.NOTICE_DEADLINE: {Verb.CLOSE},
    Milestone.ARCHIVE_VERIFIED: {Verb.VERIFY, Verb.DEACTIVATE, Verb.PURGE, Verb.CANCEL, Verb.CLOSE},
    Milestone.FREEZE: {Verb.DEACTIVATE, Verb.PURGE, Verb.CANCEL, Verb.CLOSE},
    Milestone.PURGED: {Verb.PURGE, Verb.CANCEL, Verb.CLOSE},
    Milestone.CANCEL_EFFECTIVE: {Verb.CANCEL, Verb.CLOSE},
    Milestone.CLOSED: {Verb.CLOSE},
    Milestone.ACCESS_ENDS: set(),
}
WATCHED = (Verb.ARCHIVE, Verb.VERIFY, Verb.DEACTIVATE, Verb.PURGE, Verb.CANCEL, Verb.CLOSE)


@pytest.mark.parametrize("milestone", list(Milestone))
def test_what_a_person_must_do_before_a_milestone_holds_up_the_act_that_brings_it_about(milestone: Milestone) -> None:
    made = plan(wish(**EVERYTHING, unsupported=(Unsupported("replacement.accepted", milestone.value),)), tenant(*ROWS))
    held = {verb for verb in WATCHED if not reached(made, verb)}
    assert held == WAITS[milestone]


def test_a_migration_that_is_not_accepted_holds_up_the_purge_itself_and_not_only_the_bin() -> None:
    open_ends = tuple(Unsupported("replacement.accepted", each) for each in ("purged", "cancel_effective"))
    made = plan(wish(**EVERYTHING, unsupported=open_ends), tenant(*ROWS))
    assert (reached(made, Verb.PURGE), reached(made, Verb.CANCEL)) == ([], [])


def test_a_person_before_a_person_before_a_milestone_is_a_chain() -> None:
    chain = (person("impact", before="freeze"), person("training", after="impact", before="purged"))
    made = plan(
        wish(**EVERYTHING, people=chain),
        tenant(*ROWS),
        record(frozen(), archived("contacts"), confirmed(Kind.HUMAN_STEP, "impact")),
    )
    assert reached(made, Verb.PURGE) != []
    assert "integration/i1" in [step.address for step in ready_now(made)]
    waiting = plan(wish(**EVERYTHING, people=chain), tenant(*ROWS))
    assert "freeze/cutover" not in [step.address for step in ready_now(waiting)]


def test_a_person_whose_id_is_the_name_of_a_milestone_has_a_stage_of_their_own() -> None:
    made = plan(wish(people=(person("purged", before="freeze"),)), tenant())
    assert one(made, Verb.CONFIRM, "purged").stage == "human_step/purged"


def test_a_circle_that_people_write_is_an_error_and_nothing_is_ready() -> None:
    circle = (person("a", after="b"), person("b", after="a"))
    made = plan(wish(users=REMOVED, people=circle), tenant(*ROWS))
    assert codes(made) == ["CRM-P040"]
    assert ready_now(made) == []


def test_what_a_person_has_confirmed_is_done_until_their_waiver_ends() -> None:
    goals = wish(people=(person(),), freeze=None)
    for expires, still in [(None, []), ("2026-06-02T00:00:00Z", []), ("2026-05-31T00:00:00Z", ["training"])]:
        proof = Proof.WAIVED if expires else Proof.ATTESTED
        state = record(confirmed(Kind.HUMAN_STEP, "training", proof=proof, expires=expires))
        assert ids(plan(goals, tenant(), state), Verb.CONFIRM) == still


def test_open_questions_stop_everything_irreversible_and_nothing_else() -> None:
    made = plan(wish(**EVERYTHING, open_questions=("Is the notice period 60 days?", "Who signs?")), tenant(*ROWS))
    assert [reason for reason, _ in blockers(made)] == ["blocked.question", "blocked.question"]
    assert {verb for verb in WATCHED if reached(made, verb)} == {Verb.ARCHIVE, Verb.VERIFY}
    free = plan(
        wish(users=REMOVED, archive=ARCHIVED, open_questions=("?",)),
        tenant(*ROWS),
        record(frozen(), archived("contacts")),
    )
    assert reached(free, Verb.DEACTIVATE) == ["p1"]


def test_a_section_that_is_not_carried_out_is_never_silently_ignored() -> None:
    sections = ("notices[0]", "settlement", "evaluation", "replacement.migrate", "state.backend")
    made = plan(wish(unsupported=tuple(Unsupported(each) for each in sections)), tenant())
    assert [reason for reason, _ in blockers(made)] == ["blocked.unsupported"] * len(sections)
    assert len({each.address for each in made.blocked}) == len(sections)


def off(row: Any, goal: ModuleGoal, state: Any = None) -> Any:
    return plan(wish(archive=ARCHIVED, modules=(goal,)), tenant(row), state)


def test_a_module_is_switched_off_by_id_or_by_name() -> None:
    assert ids(off(module("crm"), ModuleGoal("crm", "disabled", "keeps")), Verb.DISABLE) == ["crm"]
    assert ids(off(module("crm"), ModuleGoal("CRM", "disabled", "keeps")), Verb.DISABLE) == ["crm"]


def test_a_module_whose_effect_nobody_knows_stays_on() -> None:
    made = off(module("crm", "unknown"), ModuleGoal("crm", "disabled", "unknown"))
    assert (blockers(made), ids(made, Verb.DISABLE)) == ([("blocked.data_effect", "module/crm")], [])


def test_a_module_of_which_the_vendor_says_something_else_than_the_manifest_is_an_error() -> None:
    assert codes(off(module("crm", "clears"), ModuleGoal("crm", "disabled", "keeps"))) == ["CRM-P031"]


def test_switching_off_a_module_that_clears_data_is_irreversible() -> None:
    assert one(off(module("crm", "clears"), ModuleGoal("crm", "disabled", "clears")), Verb.DISABLE, "crm").irreversible
    assert not one(off(module("crm"), ModuleGoal("crm", "disabled", "keeps")), Verb.DISABLE, "crm").irreversible


@pytest.mark.parametrize(
    ("phase", "outcome"),
    [(Phase.INACTIVE, ""), (Phase.ABSENT, ""), (Phase.PENDING, "wait"), (Phase.UNKNOWN, "blocked")],
)
def test_a_module_that_is_not_simply_on(phase: Phase, outcome: str) -> None:
    made = off(module("crm", phase=phase), ModuleGoal("crm", "disabled", "keeps"))
    found = [step.mode.value for step in made.steps if step.verb is Verb.DISABLE] + ["blocked" for _ in made.blocked]
    assert "".join(found) == outcome


def test_where_what_a_module_does_to_its_data_decides_switching_off_one_that_keeps_it_can_be_taken_back() -> None:
    by = vendor(cell(Kind.MODULE, Verb.DISABLE, undo=Undo.NEVER, attributes=frozenset({"undo_by_data_effect"})))
    for effect, irreversible in (("keeps", False), ("clears", True)):
        goals = wish(archive=ARCHIVED, modules=disabled("crm", effect))
        assert one(plan(goals, tenant(module("crm", effect)), by=by), Verb.DISABLE, "crm").irreversible == irreversible


def test_a_module_that_is_not_there_is_an_error_unless_we_switched_it_off_ourselves() -> None:
    goal = ModuleGoal("gone", "disabled", "keeps")
    assert codes(off(module("crm"), goal)) == ["CRM-P030"]
    assert codes(off(module("crm"), goal, record(happened(Kind.MODULE, "gone", Verb.DISABLE)))) == []


def test_settings_are_reset_where_they_differ_from_the_vendors_own() -> None:
    made = plan(wish(settings=ListGoal("reset")), tenant(setting("layout"), setting("colour", Phase.ABSENT)))
    assert ids(made, Verb.RESET) == ["layout"]


def test_changing_ones_mind_brings_back_what_can_come_back_and_names_what_is_lost() -> None:
    rows = (
        user("p1", phase=Phase.INACTIVE),
        user("p2"),
        user("p3", phase=Phase.ABSENT),
        module("crm", phase=Phase.INACTIVE),
    )
    state = record(happened(Kind.USER, "p9", Verb.DELETE), happened(Kind.API_KEY, "k9", Verb.REVOKE))
    goals = wish(users=UsersGoal("active"), api_keys=ListGoal("active"), modules=(ModuleGoal("crm", "active"),))
    made = plan(goals, tenant(*rows), state)
    assert planned(made) == [(Verb.RESUME, "crm"), (Verb.CONFIRM, "cutover"), (Verb.RESUME, "p1")]
    lost = {found.address for found in made.diagnostics if found.code == "CRM-P004"}
    assert (lost, {found.severity for found in made.diagnostics}) == (
        {"user/p3", "user/p9", "api_key/k9"},
        {Severity.WARNING},
    )


def test_only_those_who_are_named_come_back() -> None:
    rows = (user("p1", phase=Phase.INACTIVE), user("p2", phase=Phase.INACTIVE))
    goal = UsersGoal("active", keep=keep("p2"))
    assert ids(plan(wish(users=goal), tenant(*rows)), Verb.RESUME) == ["p1"]


def test_who_is_being_deleted_is_lost_and_not_waited_for() -> None:
    made = plan(wish(users=UsersGoal("active")), tenant(user("p1", phase=Phase.PENDING)))
    assert (codes(made), ids(made, Verb.RESUME)) == (["CRM-P004"], [])


def test_what_is_not_managed_is_left_alone_and_counted() -> None:
    made = plan(wish(users=REMOVED), tenant(*ROWS))
    assert {step.kind for step in made.steps} == {Kind.USER, Kind.FREEZE}
    assert made.summary.unmanaged["dataset"] == 1


@pytest.mark.parametrize(
    ("goals", "row", "kind"),
    [
        ({"users": UsersGoal("removed", keep("nobody"))}, user("p1"), "user"),
        ({"users": UsersGoal("removed"), "account": DELETED}, user("p1", role="owner"), "user"),
        ({"api_keys": ListGoal("revoked", only=only("nothing"))}, key("k1"), "api_key"),
        ({"modules": disabled("nothing")}, module("crm"), "module"),
        ({"discard": discard("contacts")}, dataset("contacts"), "dataset"),
    ],
)
def test_what_the_manifest_speaks_of_is_never_called_left_alone(goals: dict[str, Any], row: Any, kind: str) -> None:
    assert kind not in plan(wish(**goals), tenant(row)).summary.unmanaged
    assert kind in plan(wish(), tenant(row)).summary.unmanaged


@pytest.mark.parametrize(
    ("freeze", "warned"),
    [
        ("2020-12-15T18:00:00Z", True),
        ("2026-05-31T11:59:59Z", True),
        ("2026-05-31T12:00:00Z", False),
        ("2026-06-02T12:00:00Z", False),
        ("now", False),
    ],
)
def test_a_freeze_that_lies_more_than_a_day_back_is_asked_about(freeze: str, warned: bool) -> None:
    made = plan(wish(users=REMOVED, freeze=freeze), tenant(*ROWS))
    assert ("CRM-P055" in codes(made), made.errors) == (warned, ())


def test_a_freeze_on_record_is_not_asked_about_any_more() -> None:
    assert codes(plan(wish(users=REMOVED, freeze="2020-12-15T18:00:00Z"), tenant(*ROWS), record(frozen()))) == []


def test_a_manifest_that_wants_nothing_plans_nothing() -> None:
    made = plan(wish(), tenant(*ROWS))
    assert (made.steps[0].kind if made.steps else None, ids(made, Verb.DEACTIVATE)) == (Kind.FREEZE, [])
    assert plan(wish(freeze=None), tenant(*ROWS)).steps == ()


@pytest.mark.parametrize(
    ("kind", "goals", "row", "verb"),
    [
        (Kind.USER, {"users": REMOVED}, user("p1"), Verb.DEACTIVATE),
        (Kind.API_KEY, {"api_keys": REVOKED}, key("k1"), Verb.REVOKE),
        (Kind.INTEGRATION, {"integrations": GONE}, integration("i1"), Verb.DELETE),
        (Kind.SESSION, {"sessions": ENDED}, session("s1", "p1"), Verb.SIGN_OUT),
    ],
)
def test_a_listing_that_is_not_complete_ends_whom_it_shows_and_stops_what_comes_after(
    kind: Kind, goals: dict[str, Any], row: Any, verb: Verb
) -> None:
    everything = {**EVERYTHING, **goals}
    made = plan(wish(**everything), tenant(*ROWS, missing=[kind]), record(frozen(), archived("contacts")))
    assert ("blocked.incomplete", f"{kind.value}/*") in blockers(made)
    assert row.id in reached(made, verb)
    assert (reached(made, Verb.PURGE), reached(made, Verb.CLOSE)) == ([], [])


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_what_a_partial_listing_does_not_show_is_neither_removed_nor_called_removed(outcome: Outcome | None) -> None:
    state = record(happened(Kind.USER, "hidden", Verb.DEACTIVATE, outcome) if outcome else ())
    made = plan(wish(users=REMOVED), tenant(user("p1"), missing=[Kind.USER]), state)
    assert "user/hidden" not in {step.address for step in made.steps}
    assert made.summary.unchanged == {}


@pytest.mark.parametrize("status", ["removed", "deactivated", "deleted"])
def test_whose_phase_is_unknown_is_not_called_removed(status: str) -> None:
    made = plan(wish(users=UsersGoal(status, keep("u0", "u1"))), tenant(user("p1", phase=Phase.UNKNOWN)))
    assert blockers(made) == [("blocked.unknown_phase", "user/p1")]
    assert made.summary.unchanged == {}
    assert made.observed_at == NOW
