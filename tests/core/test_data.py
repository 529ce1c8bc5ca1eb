"""The data: nothing is destroyed before it is archived and verified, or given up in writing; and a legal hold outlives
the manifest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from crmstate.core.event import Check, Evidence, Held, Released
from crmstate.core.goal import ArchiveGoal, Discard, NoArchive, PurgeGoal, Selector, StatusGoal, UsersGoal
from crmstate.core.lacking import left_out, unread_anywhere
from crmstate.core.words import Kind, Mode, Outcome, Phase, Proof, Undo, Verb

from .scenes import (
    ARCHIVED,
    DELETED,
    NOW,
    PURGED,
    REMOVED,
    account,
    archived,
    blockers,
    cell,
    codes,
    confirmed,
    dataset,
    disabled,
    discard,
    frozen,
    happened,
    ids,
    module,
    one,
    plan,
    planned,
    reachable,
    reached,
    record,
    tenant,
    user,
    vendor,
    wish,
)

CONTACTS, DEALS = dataset("contacts"), dataset("deals", 7)
LOST = dataset("dashboards", 3, exportable=False)


def seen(*rows: Any, **more: Any) -> Any:
    return tenant(*(rows or (CONTACTS,)), account(), **more)


def test_a_dataset_is_archived_verified_topped_up_and_purged_in_this_order() -> None:
    made = plan(wish(archive=ARCHIVED, purge=PurgeGoal(bin=True)), seen())
    verbs = [step.verb for step in reachable(made)]
    assert verbs == [Verb.ARCHIVE, Verb.VERIFY, Verb.CONFIRM, Verb.DELTA, Verb.PURGE, Verb.EMPTY]


def test_an_archive_alone_needs_no_freeze_and_no_delta() -> None:
    made = plan(wish(archive=ARCHIVED, freeze=None), seen())
    assert planned(made) == [(Verb.ARCHIVE, "contacts"), (Verb.VERIFY, "contacts")]


@pytest.mark.parametrize("goals", [{"users": REMOVED}, {"purge": PURGED}, {"account": DELETED}])
def test_where_access_or_data_goes_a_delta_follows_the_freeze(goals: dict[str, Any]) -> None:
    assert ids(plan(wish(archive=ARCHIVED, **goals), seen()), Verb.DELTA) == ["contacts"]


def test_a_purge_names_what_it_needs_and_how_many_rows_it_may_destroy() -> None:
    made = plan(wish(archive=ARCHIVED, purge=PURGED), seen())
    step = one(made, Verb.PURGE, "contacts")
    assert ({Verb.ARCHIVE, Verb.VERIFY, Verb.DELTA}, 5) == (
        {each.verb for each in made.steps if each.id in step.needs},
        step.rows,
    )


def test_rows_that_others_cannot_do_without_are_purged_after_them_and_circles_are_left_to_the_vendor() -> None:
    rows = (
        dataset("companies", purge_after=("deals", "staff", "unlisted")),
        dataset("deals", 7, purge_after=("staff",)),
        dataset("staff", purge_after=("companies", "staff")),
    )
    made = plan(wish(archive=ARCHIVED, purge=PURGED), seen(*rows))
    order = reached(made, Verb.PURGE)
    assert ["companies", "deals", "staff"] == sorted(order)
    assert order.index("deals") < order.index("companies") and order.index("staff") < order.index("companies")


def test_a_dataset_that_is_emptied_and_no_longer_listed_is_still_known_by_its_archive() -> None:
    goals = wish(archive=ArchiveGoal(to="./archive", datasets=("contacts",)), purge=PURGED)
    gone = record(frozen(), archived("contacts"), happened(Kind.DATASET, "contacts", Verb.PURGE))
    assert ([], []) == (planned(plan(goals, seen(DEALS), gone)), codes(plan(goals, seen(DEALS), gone)))
    assert "CRM-P020" in codes(plan(goals, seen(DEALS)))


def test_only_what_lacks_is_done_again() -> None:
    goals = wish(archive=ARCHIVED, purge=PURGED)
    half = plan(goals, seen(), record(frozen(), archived("contacts", delta=False)))
    assert planned(half) == [(Verb.DELTA, "contacts"), (Verb.PURGE, "contacts")]
    whole = plan(goals, seen(), record(frozen(), archived("contacts")))
    assert planned(whole) == [(Verb.PURGE, "contacts")]


def test_an_archive_that_was_never_verified_is_verified_before_anything_else() -> None:
    state = record(frozen(), happened(Kind.ARCHIVE, "contacts", Verb.ARCHIVE, rows=5))
    verbs = [step.verb for step in reachable(plan(wish(archive=ARCHIVED, purge=PURGED), seen(), state))]
    assert verbs == [Verb.VERIFY, Verb.DELTA, Verb.PURGE]


def test_a_failed_verification_is_repeated() -> None:
    state = record(
        happened(Kind.ARCHIVE, "contacts", Verb.ARCHIVE),
        happened(Kind.ARCHIVE, "contacts", Verb.VERIFY, Outcome.FAILED),
    )
    assert ids(plan(wish(archive=ARCHIVED), seen(), state), Verb.VERIFY) == ["contacts"]


def test_rows_that_came_after_the_delta_ask_for_another_one() -> None:
    state = record(frozen(), archived("contacts", rows=4))
    made = plan(wish(archive=ARCHIVED, purge=PURGED), seen(), state)
    assert [(step.verb, step.occurrence) for step in made.steps] == [(Verb.DELTA, 2), (Verb.PURGE, 1)]


@pytest.mark.parametrize("row", [dataset("contacts", None), dataset("contacts", 4, exact=False)])
def test_a_vendor_that_does_not_count_exactly_is_not_asked_for_deltas_for_ever(row: Any) -> None:
    made = plan(wish(archive=ARCHIVED, purge=PURGED), seen(row), record(frozen(), archived("contacts")))
    assert planned(made) == [(Verb.PURGE, "contacts")]


def test_a_purge_has_no_ceiling_where_the_vendors_count_is_a_guess() -> None:
    made = plan(
        wish(archive=ARCHIVED, purge=PURGED),
        seen(dataset("contacts", 4, exact=False)),
        record(frozen(), archived("contacts")),
    )
    assert one(made, Verb.PURGE, "contacts").rows is None


@pytest.mark.parametrize("row", [dataset("contacts", None), dataset("contacts", 3, exact=False)])
def test_a_purge_that_is_proved_is_not_planned_again_where_the_vendor_does_not_count_exactly(row: Any) -> None:
    state = record(frozen(), archived("contacts"), happened(Kind.DATASET, "contacts", Verb.PURGE, rows=5))
    assert planned(plan(wish(archive=ARCHIVED, purge=PURGED), seen(row), state)) == []


def test_a_guess_of_no_rows_is_no_proof_that_there_are_none() -> None:
    made = plan(
        wish(archive=ARCHIVED, purge=PURGED),
        seen(dataset("contacts", 0, exact=False)),
        record(frozen(), archived("contacts")),
    )
    assert ids(made, Verb.PURGE) == ["contacts"]


def test_an_empty_dataset_needs_no_purge() -> None:
    assert ids(plan(wish(archive=ARCHIVED, purge=PURGED), seen(dataset("contacts", 0))), Verb.PURGE) == []


def test_a_purge_that_was_interrupted_is_not_archived_again() -> None:
    """Fewer rows are our own doing; a delta would take them for vanished."""
    state = record(
        frozen(),
        archived("contacts"),
        happened(Kind.DATASET, "contacts", Verb.PURGE, Outcome.FAILED, code="interrupted"),
    )
    made = plan(wish(archive=ARCHIVED, purge=PURGED), seen(dataset("contacts", 2)), state)
    assert [(step.verb, step.occurrence) for step in made.steps] == [(Verb.PURGE, 1)]


def test_rows_that_a_module_of_ours_cleared_are_not_taken_for_vanished() -> None:
    """A delta would strike them from the archive."""
    cleared = happened(Kind.MODULE, "crm", Verb.DISABLE, more={"undo": Undo.NEVER})
    goals = wish(archive=ARCHIVED, modules=disabled("crm", "clears"))
    rows = (dataset("contacts", 0), module("crm", "clears", Phase.INACTIVE))
    assert planned(plan(goals, seen(*rows), record(frozen(), archived("contacts"), cleared))) == []
    more = (dataset("contacts", 6), module("crm", "clears", Phase.INACTIVE))
    made = plan(goals, seen(*more), record(frozen(), archived("contacts"), cleared))
    assert planned(made) == [(Verb.DELTA, "contacts")]


def test_rows_that_remain_after_a_purge_are_archived_before_they_go() -> None:
    state = record(
        frozen(),
        archived("contacts"),
        happened(Kind.DATASET, "contacts", Verb.PURGE, Outcome.FAILED, code="rows_remain"),
    )
    made = plan(wish(archive=ARCHIVED, purge=PURGED), seen(dataset("contacts", 2)), state)
    assert [(step.verb, step.occurrence) for step in made.steps] == [(Verb.DELTA, 2), (Verb.PURGE, 1)]
    assert one(made, Verb.DELTA, "contacts").id in one(made, Verb.PURGE, "contacts").needs


def test_rows_that_came_back_after_a_purge_are_archived_and_purged_again() -> None:
    state = record(frozen(), archived("contacts"), happened(Kind.DATASET, "contacts", Verb.PURGE, rows=5))
    made = plan(wish(archive=ARCHIVED, purge=PURGED), seen(dataset("contacts", 2)), state)
    assert [(step.verb, step.occurrence) for step in made.steps] == [(Verb.DELTA, 2), (Verb.PURGE, 2)]


def test_the_bin_is_emptied_after_the_purge_and_where_something_is_left_in_it() -> None:
    goals = wish(archive=ARCHIVED, purge=PurgeGoal(bin=True))
    made = plan(goals, seen())
    assert (one(made, Verb.PURGE, "contacts").id,) == one(made, Verb.EMPTY, "contacts").needs
    assert ids(plan(goals, seen(dataset("contacts", 0, bin_rows=5))), Verb.EMPTY) == ["contacts"]
    assert ids(plan(goals, seen(dataset("contacts", 0, bin_rows=0))), Verb.EMPTY) == []
    assert ids(plan(wish(archive=ARCHIVED, purge=PURGED), seen()), Verb.EMPTY) == []


def test_the_vendors_certificate_is_asked_for_once_and_comes_before_the_account() -> None:
    goals = wish(archive=ARCHIVED, purge=PurgeGoal(certificate=True), account=DELETED)
    made = plan(goals, seen())
    step = one(made, Verb.CONFIRM, "destruction")
    assert (step.mode, step.proof, step.files, step.stage) == (Mode.MANUAL, Proof.CERTIFIED, True, "certificate")
    given = record(confirmed(Kind.CERTIFICATE, "destruction", proof=Proof.CERTIFIED))
    assert "destruction" not in ids(plan(goals, seen(), given), Verb.CONFIRM)


ENDS: list[tuple[dict[str, Any], Verb]] = [
    ({"purge": PURGED}, Verb.PURGE),
    ({"account": DELETED}, Verb.CLOSE),
    ({"modules": disabled("crm", "clears")}, Verb.DISABLE),
]


@pytest.mark.parametrize(("goals", "verb"), ENDS)
@pytest.mark.parametrize(
    ("archive", "rows", "code"),
    [
        (ArchiveGoal("file:///a", datasets=("contacts",)), (CONTACTS, DEALS), "blocked.not_archived"),
        (ARCHIVED, (CONTACTS, LOST), "blocked.not_exportable"),
        (None, (CONTACTS,), "blocked.not_archived"),
    ],
)
def test_what_is_neither_archived_nor_given_up_stops_everything_that_would_destroy_it(
    goals: dict[str, Any], verb: Verb, archive: Any, rows: Any, code: str
) -> None:
    made = plan(wish(archive=archive, **goals), seen(*rows, module("crm", "clears")))
    assert code in {reason for reason, _ in blockers(made)}
    assert reached(made, verb) == []


@pytest.mark.parametrize(("goals", "verb"), ENDS)
def test_what_is_given_up_in_writing_stops_nothing(goals: dict[str, Any], verb: Verb) -> None:
    made = plan(
        wish(archive=ARCHIVED, discard=discard("dashboards"), **goals), seen(CONTACTS, LOST, module("crm", "clears"))
    )
    assert blockers(made) == []
    assert reached(made, verb) != []
    assert "dashboards" not in {*ids(made, Verb.ARCHIVE), *ids(made, Verb.PURGE)}


WITH_FILES = vendor()
WITH_FILES.table[Kind.DATASET, Verb.READ] = replace(WITH_FILES.table[Kind.DATASET, Verb.READ], files=lambda *_: None)
NO_FILES = (Discard("Contacts", "one waits for a check", "head@example.com", attachments=True),)
UNREAD = Evidence("checksums", Proof.OBSERVED, NOW, checks=(Check("left_out", "lacking"),))
LEFT_OUT = [
    *frozen(),
    *archived("contacts"),
    *happened(Kind.ARCHIVE, "contacts", Verb.DELTA, rows=5, evidence=(UNREAD,)),
]
FILELESS = record(LEFT_OUT)


@pytest.mark.parametrize(("rows", "word"), [(5, ""), (None, "uncounted.")])
@pytest.mark.parametrize(
    ("archive", "decided", "said", "code"),
    [
        (ARCHIVED, (), "", None),
        (ARCHIVED, NO_FILES, "files.given_up", "CRM-P064"),
        (ArchiveGoal("file:///archive", attachments=False), NO_FILES, "files.given_up", "CRM-P064"),
        (ArchiveGoal("file:///archive", attachments=False), (), "files.unasked", "CRM-P065"),
    ],
)
def test_attachments_that_stay_out_of_the_archive_are_a_loss_that_the_plan_names(
    archive: Any, decided: Any, said: str, code: str | None, rows: int | None, word: str
) -> None:
    goals = wish(archive=archive, purge=PURGED, discard=decided)
    made = plan(goals, seen(dataset("contacts", rows)), by=WITH_FILES)
    assert one(made, Verb.PURGE, "contacts").why.code == f"why.purge.{word}{said}".rstrip(".")
    assert ([code] if code else []) == [each for each in codes(made) if each in ("CRM-P064", "CRM-P065")]
    assert blockers(made) == [] and ids(made, Verb.ARCHIVE) == ["contacts"], "its records are archived"
    assert "CRM-P064" not in codes(plan(goals, seen(dataset("contacts", rows, attachments=0)), by=WITH_FILES))


@pytest.mark.parametrize(("goals", "verb"), ENDS)
def test_attachments_that_nobody_gives_up_any_more_are_read_before_anything_is_destroyed(
    goals: dict[str, Any], verb: Verb
) -> None:
    here, gone = seen(CONTACTS, module("crm", "clears")), wish(archive=ARCHIVED, **goals)
    made = plan(gone, here, FILELESS, WITH_FILES)
    assert one(made, Verb.DELTA, "contacts").why.code == "why.delta.attachments"
    assert (blockers(made), reached(made, verb)[:1]) == ([], reached(made, verb)) and reached(made, verb)
    for given in (NO_FILES, discard("contacts")):
        made = plan(wish(archive=ARCHIVED, discard=given, **goals), here, FILELESS, WITH_FILES)
        assert (blockers(made), ids(made, Verb.DELTA)) == ([], [])


@pytest.mark.parametrize(("goals", "verb"), ENDS)
@pytest.mark.parametrize(("code", "reads"), [("rows_remain", ["contacts"]), ("rejected", [])])
def test_once_a_purge_has_begun_only_a_written_decision_stands_for_attachments_that_were_never_read(
    goals: dict[str, Any], verb: Verb, code: str, reads: list[str]
) -> None:
    here = seen(dataset("contacts", 3), module("crm", "clears"))
    begun = record(LEFT_OUT, happened(Kind.DATASET, "contacts", Verb.PURGE, Outcome.FAILED, code=code))
    made = plan(wish(archive=ARCHIVED, **goals), here, begun, WITH_FILES)
    assert (blockers(made), reached(made, verb)) == ([("blocked.attachments", "dataset/contacts")], [])
    assert ids(made, Verb.DELTA) == reads
    given = plan(wish(archive=ARCHIVED, discard=NO_FILES, **goals), here, begun, WITH_FILES)
    assert blockers(given) == [] and reached(given, verb) != []


@pytest.mark.parametrize(
    ("archive", "decided", "lost"),
    [
        (ARCHIVED, (), "contacts"),
        (ARCHIVED, discard("deals"), "contacts"),
        (ARCHIVED, discard("contacts"), None),
        (ARCHIVED, (structs.replace(NO_FILES[0], dataset="contacts"),), None),
        (ArchiveGoal("file:///archive", attachments=False), (), None),
        (NoArchive("small", "head@example.com"), (), None),
    ],
)
def test_what_ends_the_account_looks_for_archives_without_attachments_too(
    archive: Any, decided: Any, lost: str | None
) -> None:
    assert unread_anywhere(FILELESS, left_out(archive, decided)) == lost


def test_an_approval_is_for_the_loss_that_was_shown() -> None:
    found = [
        plan(
            wish(archive=ARCHIVED, purge=PURGED, discard=given), seen(dataset("contacts", rows)), by=WITH_FILES
        ).approval
        for given in ((), NO_FILES, (structs.replace(NO_FILES[0], why="nobody needs them"),))
        for rows in (5, 6)
    ]
    assert (found[::2], 3) == (found[1::2], len(set(found)))


@pytest.mark.parametrize("outcome", [Outcome.INTENDED, Outcome.UNKNOWN, Outcome.FAILED])
def test_a_purge_that_was_cut_short_still_names_the_loss_and_is_the_one_that_was_approved(outcome: Outcome) -> None:
    goals, here = wish(archive=ARCHIVED, purge=PURGED, discard=NO_FILES), seen(dataset("contacts", 3))
    begun = record(LEFT_OUT, happened(Kind.DATASET, "contacts", Verb.PURGE, outcome, proof=Proof.NONE))
    first, again = plan(goals, here, FILELESS, WITH_FILES), plan(goals, here, begun, WITH_FILES)
    assert one(again, Verb.PURGE, "contacts").why.code == "why.purge.files.given_up"
    assert first.approval == again.approval


def test_a_written_decision_to_end_without_an_archive_is_carried_out() -> None:
    made = plan(wish(archive=NoArchive("small", "head@example.com"), purge=PURGED), seen())
    assert (blockers(made), reached(made, Verb.PURGE)) == ([], ["contacts"])
    assert ids(made, Verb.ARCHIVE) == []


def test_without_an_archive_what_cannot_be_read_cannot_be_purged_and_is_said_to_be_so() -> None:
    made = plan(wish(archive=NoArchive("small", "head@example.com"), purge=PURGED), seen(LOST))
    assert blockers(made) == [("blocked.not_exportable", "dataset/dashboards")]


def test_a_dataset_that_is_not_archived_stops_nothing_that_leaves_it_alone() -> None:
    made = plan(wish(archive=ARCHIVED, account=DELETED, users=REMOVED), seen(CONTACTS, LOST, user("p1")))
    assert reached(made, Verb.DEACTIVATE) == ["p1"]
    assert reached(made, Verb.ARCHIVE) == ["contacts"]


def test_an_account_that_stays_open_asks_for_no_archive() -> None:
    made = plan(wish(account=StatusGoal("active"), freeze=None), seen(CONTACTS, LOST))
    assert (blockers(made), planned(made)) == ([], [])


def test_a_module_that_keeps_its_data_asks_for_no_archive() -> None:
    made = plan(wish(modules=disabled("crm")), seen(CONTACTS, module("crm")))
    assert (blockers(made), reached(made, Verb.DISABLE)) == ([], ["crm"])


@pytest.mark.parametrize("section", ["archive", "discard", "holds"])
def test_a_dataset_that_does_not_exist_is_an_error(section: str) -> None:
    goals: dict[str, Any] = {
        "archive": {"archive": ArchiveGoal("file:///a", datasets=("nothing",))},
        "discard": {"archive": ARCHIVED, "discard": discard("nothing")},
        "holds": {"archive": ARCHIVED, "purge": PurgeGoal(holds=("nothing",))},
    }[section]
    assert codes(plan(wish(**goals), seen())) == ["CRM-P020"]


def test_a_listing_of_datasets_that_is_not_complete_stops_the_archive_and_all_that_follows() -> None:
    made = plan(
        wish(archive=ARCHIVED, purge=PURGED, users=UsersGoal("removed", only=(Selector(id="p1"),))),
        seen(CONTACTS, user("p1"), missing=[Kind.DATASET]),
    )
    assert blockers(made) == [("blocked.incomplete", "dataset/*")]
    assert [(step.verb, step.address.partition("/")[2]) for step in reachable(made)] == [(Verb.ARCHIVE, "contacts")]


HOLD = record([Held(NOW, "contacts", "legal@example.com", "case 7")])


@pytest.mark.parametrize(
    ("purge", "state"),
    [
        (PurgeGoal(holds=("contacts",)), None),
        (PurgeGoal(holds=("Contacts",)), None),
        (PURGED, HOLD),
        (PurgeGoal(holds=("deals",)), HOLD),
    ],
)
def test_a_hold_is_never_purged_whether_it_is_written_or_recorded(purge: PurgeGoal, state: Any) -> None:
    made = plan(wish(archive=ARCHIVED, purge=purge), seen(CONTACTS, DEALS), state)
    assert ("blocked.hold", "dataset/contacts") in blockers(made)
    assert "contacts" not in ids(made, Verb.PURGE)
    assert ids(made, Verb.ARCHIVE) == ["contacts", "deals"]


@pytest.mark.parametrize(
    "dropped",
    [
        {"purge": None},
        {"purge": PURGED},
        {"purge": None, "archive": None},
        {"purge": None, "discard": discard("contacts")},
    ],
)
def test_a_recorded_hold_keeps_the_account_open_whatever_the_manifest_drops(dropped: dict[str, Any]) -> None:
    made = plan(wish(**{"archive": ARCHIVED, "account": DELETED, **dropped}), seen(), HOLD)
    assert reached(made, Verb.CLOSE) == []
    assert "blocked.hold" in {reason for reason, _ in blockers(made)}


@pytest.mark.parametrize("state", [None, HOLD])
def test_a_hold_keeps_a_module_on_that_would_clear_data(state: Any) -> None:
    purge = PurgeGoal(holds=("contacts",)) if state is None else None
    made = plan(
        wish(archive=ARCHIVED, purge=purge, modules=disabled("crm", "clears")),
        seen(CONTACTS, module("crm", "clears")),
        state,
    )
    assert reached(made, Verb.DISABLE) == []


def test_a_hold_on_something_that_is_given_up_wins() -> None:
    made = plan(wish(archive=ARCHIVED, discard=discard("contacts"), account=DELETED), seen(), HOLD)
    assert reached(made, Verb.CLOSE) == []


def test_a_hold_ends_by_a_release_and_by_nothing_else() -> None:
    released = record([Held(NOW, "contacts", "legal@example.com"), Released(NOW, "contacts", "legal@example.com")])
    assert reached(plan(wish(archive=ARCHIVED, purge=PURGED), seen(), released), Verb.PURGE) == ["contacts"]


def test_a_hold_on_a_dataset_that_is_not_listed_any_more_still_keeps_the_account_open() -> None:
    """What is held and not seen is not gone: unknown is never absent."""
    made = plan(wish(archive=ARCHIVED, account=DELETED), seen(DEALS), HOLD)
    assert reached(made, Verb.CLOSE) == []


def test_archive_options_that_this_version_does_not_carry_out_block_the_archive() -> None:
    made = plan(wish(archive=ArchiveGoal("file:///a", unsupported=("encrypt_to",)), purge=PURGED), seen())
    assert (blockers(made), [v for v, _ in planned(made) if v is Verb.ARCHIVE]) == (
        [("blocked.archive_option", "archive/contacts")],
        [],
    )
    assert reached(made, Verb.PURGE) == []


def test_a_vendor_that_cannot_purge_says_so_and_the_account_waits() -> None:
    from crmstate.core.words import How

    by = vendor(cell(Kind.DATASET, Verb.PURGE, how=How.NONE, run=None, why="why.x"))
    made = plan(wish(archive=ARCHIVED, purge=PurgeGoal(bin=True), account=DELETED), seen(), by=by)
    assert "blocked.not_offered" in {reason for reason, _ in blockers(made)}
    assert (reached(made, Verb.EMPTY), reached(made, Verb.CLOSE)) == ([], [])


def test_datasets_are_archived_and_purged_independently_of_each_other() -> None:
    made = plan(wish(archive=ARCHIVED, purge=PURGED), seen(CONTACTS, DEALS))
    purge = one(made, Verb.PURGE, "deals")
    assert {"archive/deals"} == {step.address for step in made.steps if step.id in purge.needs}


def test_a_purge_is_irreversible_and_an_archive_is_not() -> None:
    made = plan(wish(archive=ARCHIVED, purge=PURGED), seen())
    assert {Verb.PURGE} == {step.verb for step in made.steps if step.irreversible}
    assert {Undo.FREE} == {step.undo for step in made.steps if step.kind is Kind.ARCHIVE}


def test_people_alone_need_no_archive() -> None:
    made = plan(wish(users=UsersGoal("removed", REMOVED.keep)), seen(CONTACTS, user("p1")))
    assert reached(made, Verb.DEACTIVATE) == ["p1"]
