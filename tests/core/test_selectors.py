"""Selectors: whom a goal speaks of. A name that fits nothing, or several, is never guessed at."""

from __future__ import annotations

import pytest

from crmstate.core.goal import Keep, ListGoal, Selector, UsersGoal
from crmstate.core.words import Kind, Phase, Severity, Verb

from .scenes import (
    REMOVED,
    codes,
    happened,
    ids,
    integration,
    keep,
    key,
    one,
    only,
    plan,
    record,
    session,
    tenant,
    user,
    vendor,
    wish,
)

LI, WANG, NAMESAKE = (
    user("p1", "li@example.com", label="Li"),
    user("p2", "wang@example.com", label="Wang"),
    user("p3", "li2@example.com", label="Li"),
)


def removed(goal: UsersGoal, *rows: object, **more: object) -> list[str]:
    return ids(plan(wish(users=goal), tenant(*(rows or (LI, WANG))), **more), Verb.DEACTIVATE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "who", [Selector(id="p1"), Selector(email="li@example.com"), Selector(email="LI@Example.COM"), Selector(name="Li")]
)
def test_one_person_is_kept_by_id_mail_or_name(who: Selector) -> None:
    assert removed(UsersGoal("removed", (Keep(who), *keep("u0")))) == ["p2"]


def test_everybody_with_a_kept_name_is_kept() -> None:
    assert removed(UsersGoal("removed", (Keep(Selector(name="Li")), *keep("u0"))), LI, WANG, NAMESAKE) == ["p2"]


@pytest.mark.parametrize("who", [Selector(id="p1"), Selector(email="Li@example.com"), Selector(name="Wang")])
def test_only_one_person_is_removed(who: Selector) -> None:
    assert len(removed(UsersGoal("removed", only=(who,)))) == 1


def test_a_name_that_fits_two_people_removes_neither() -> None:
    made = plan(wish(users=UsersGoal("removed", only=(Selector(name="Li"),))), tenant(LI, WANG, NAMESAKE))
    assert codes(made) == ["CRM-P001"]
    assert ids(made, Verb.DEACTIVATE) == []


@pytest.mark.parametrize(
    "who", [Selector(id="p9"), Selector(email="nobody@example.com"), Selector(name="Nobody"), Selector(id="P1")]
)
@pytest.mark.parametrize("where", ["keep", "only"])
def test_a_selector_that_names_nobody_is_an_error_and_nobody_is_touched(who: Selector, where: str) -> None:
    goal = (
        UsersGoal("removed", keep=(Keep(who),))
        if where == "keep"
        else UsersGoal("removed", only=(who, Selector(id="p1")))
    )
    made = plan(wish(users=goal), tenant(LI, WANG))
    assert [(found.code, found.severity) for found in made.diagnostics] == [("CRM-P001", Severity.ERROR)]
    assert [step for step in made.steps if step.kind is Kind.USER] == []


def test_a_kept_person_who_cannot_be_seen_in_a_partial_listing_is_an_error_too() -> None:
    made = plan(wish(users=UsersGoal("removed", keep("p9"))), tenant(LI, missing=[Kind.USER]))
    assert codes(made) == ["CRM-P001"]
    assert ids(made, Verb.DEACTIVATE) == []


@pytest.mark.parametrize("who", [Selector(id="k9"), Selector(name="other")])
@pytest.mark.parametrize(
    ("name", "row"), [("api_keys", key("k1")), ("integrations", integration("i1")), ("sessions", session("s1"))]
)
def test_a_kept_key_integration_or_session_that_is_not_there_stops_its_whole_list(
    who: Selector, name: str, row: object
) -> None:
    goal = ListGoal("revoked" if name == "api_keys" else "ended" if name == "sessions" else "removed", (Keep(who),))
    made = plan(wish(**{name: goal}), tenant(row))
    assert codes(made) == ["CRM-P001"]
    assert [step for step in made.steps if step.kind is row.kind and step.stage != "own"] == []  # type: ignore[attr-defined]


def test_somebody_whom_we_deleted_may_still_stand_in_the_only_list_by_id() -> None:
    state = record(happened(Kind.USER, "p9", Verb.DELETE))
    made = plan(wish(users=UsersGoal("deleted", only=only("p9", "p1"))), tenant(LI, WANG), state)
    assert codes(made) == []
    assert ids(made, Verb.DELETE) == ["p1"]


@pytest.mark.parametrize("who", [Selector(email="gone@example.com"), Selector(name="Gone")])
def test_somebody_who_may_be_whom_we_deleted_is_a_warning_by_mail_or_name(who: Selector) -> None:
    """The record keeps ids, not mails: a person whom we deleted can no longer be told from one who never was."""
    state = record(happened(Kind.USER, "p9", Verb.DELETE))
    made = plan(wish(users=UsersGoal("deleted", only=(who,))), tenant(LI, WANG), state)
    assert [(found.code, found.severity) for found in made.diagnostics] == [("CRM-P001", Severity.WARNING)]
    assert ids(made, Verb.DELETE) == []


@pytest.mark.parametrize("who", [Selector(id="p9"), Selector(email="gone@example.com")])
def test_a_record_of_other_things_does_not_excuse_a_wrong_name(who: Selector) -> None:
    state = record(happened(Kind.API_KEY, "k1", Verb.REVOKE), happened(Kind.USER, "p1", Verb.DELETE))
    made = plan(wish(users=UsersGoal("deleted", only=(who, Selector(id="p2")))), tenant(LI, WANG), state)
    assert [(found.code, found.severity) for found in made.diagnostics] == [("CRM-P001", Severity.ERROR)]
    assert ids(made, Verb.DELETE) == []


def test_records_go_to_somebody_who_stays() -> None:
    goal = UsersGoal("deleted", keep("u0", "p2"), transfer_to=Selector(email="wang@example.com"))
    made = plan(wish(users=goal), tenant(LI, WANG), by=vendor())
    assert one(made, Verb.DELETE, "p1").args.transfer_to == "p2"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("heir", "code"),
    [(Selector(id="p2"), "CRM-P002"), (Selector(id="p9"), "CRM-P001"), (Selector(name="Li"), "CRM-P001")],
)
def test_records_cannot_go_to_somebody_who_goes_who_is_not_there_or_who_is_two(heir: Selector, code: str) -> None:
    made = plan(wish(users=UsersGoal("deleted", keep("u0"), transfer_to=heir)), tenant(LI, WANG, NAMESAKE))
    assert [code] == codes(made)


def test_removed_is_reached_by_the_vendors_own_verb_and_the_others_by_the_verb_that_is_written() -> None:
    for goal, by, verb in [
        (REMOVED, vendor(removal=Verb.DEACTIVATE), Verb.DEACTIVATE),
        (REMOVED, vendor(removal=Verb.DELETE), Verb.DELETE),
        (UsersGoal("deactivated", keep("u0")), vendor(removal=Verb.DELETE), Verb.DEACTIVATE),
        (UsersGoal("deleted", keep("u0")), vendor(removal=Verb.DEACTIVATE), Verb.DELETE),
    ]:
        assert ids(plan(wish(users=goal), tenant(LI), by=by), verb) == ["p1"]


@pytest.mark.parametrize("phase", [Phase.INACTIVE, Phase.ABSENT])
def test_who_cannot_sign_in_is_removed_already_but_not_deleted(phase: Phase) -> None:
    row = user("p1", phase=phase)
    assert ids(plan(wish(users=REMOVED), tenant(row), by=vendor(removal=Verb.DELETE)), Verb.DELETE) == []
    assert ([] if phase is Phase.ABSENT else ["p1"]) == ids(
        plan(wish(users=UsersGoal("deleted", keep("u0"))), tenant(row)), Verb.DELETE
    )


def test_masked_people_have_no_label_in_a_plan() -> None:
    made = plan(wish(users=REMOVED, mask_people=True), tenant(LI, key("k1")))
    assert {""} == {step.label for step in made.steps if step.kind is Kind.USER}
