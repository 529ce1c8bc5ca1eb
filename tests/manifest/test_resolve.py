"""A manifest that was found right becomes plain goals; what is not carried out is said so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crmstate.core.goal import ArchiveGoal, NoArchive, Unsupported
from crmstate.manifest.load import Loaded, load

from .corpus import HERE

Load = Callable[..., Loaded]
EVERYTHING = load(HERE / "good" / "everything.yaml").desired


@pytest.mark.parametrize(
    ("written", "zone", "utc"),
    [
        ("2026-12-15T18:00", "Europe/Berlin", "2026-12-15T17:00:00Z"),
        ("2026-07-15T18:00", "Europe/Berlin", "2026-07-15T16:00:00Z"),
        ("2026-12-15T18:00", "Asia/Shanghai", "2026-12-15T10:00:00Z"),
        ("2026-12-15T18:00+05:30", "Europe/Berlin", "2026-12-15T12:30:00Z"),
        ("2026-12-15T18:00Z", "Europe/Berlin", "2026-12-15T18:00:00Z"),
        ("2026-12-15T18:00:30", "UTC", "2026-12-15T18:00:30Z"),
    ],
)
def test_the_freeze_is_in_the_contracts_zone_and_comes_out_in_utc(
    written: str, zone: str, utc: str, loaded: Load
) -> None:
    found = loaded(f"contract: {{calendar: {{zone: {zone}}}}}\ncutover: {{freeze: {written}}}\nend_state: {{}}\n")
    assert utc == found.desired.freeze


def test_what_is_not_written_is_unmanaged(loaded: Load) -> None:
    desired = loaded("end_state: {}\n").desired
    goals = (
        desired.subscription,
        desired.users,
        desired.sessions,
        desired.api_keys,
        desired.archive,
        desired.purge,
        desired.account,
    )
    assert goals == (None,) * 7


def test_every_goal_knows_its_line() -> None:
    assert EVERYTHING.users and EVERYTHING.users.span and "users:" in EVERYTHING.users.span.text
    assert EVERYTHING.users.keep[0].who.span == EVERYTHING.users.span.__class__(
        str(HERE / "good" / "everything.yaml"), 35, 35, EVERYTHING.users.span.text
    )


def test_expected_counts_keep_the_manifests_names() -> None:
    assert EVERYTHING.expect == {"users": 57, "api_keys": 12}
    assert "expect.users" in EVERYTHING.spans


def test_texts_with_an_at_sign_are_addresses_and_others_ids(loaded: Load) -> None:
    users = loaded(
        "cutover: {freeze: now}\nend_state: {users: {status: removed, only: [mia@example.com, 0042, {name: Mia}]}}\n"
    ).desired.users
    assert users
    assert [(who.id, who.email, who.name) for who in users.only] == [
        (None, "mia@example.com", None),
        ("0042", None, None),
        (None, None, "Mia"),
    ]


def test_a_relative_archive_lies_beside_the_manifest(loaded: Load, tmp_path: Path) -> None:
    archive = loaded("end_state: {data: {archive: {to: ./archive}}}\n").desired.archive
    assert isinstance(archive, ArchiveGoal)
    assert (tmp_path / "archive").as_uri() == archive.to
    assert archive.unsupported == ()


def test_the_copies_that_are_asked_for_are_named_beside_the_records_themselves() -> None:
    assert isinstance(EVERYTHING.archive, ArchiveGoal)
    assert (("jsonl", "csv"), ("csv",), ()) == (
        EVERYTHING.archive.formats, EVERYTHING.archive.views, EVERYTHING.archive.unsupported
    )  # fmt: skip


@pytest.mark.parametrize("scheme", ["az", "gs", "sftp"])
def test_places_that_are_not_carried_out_yet_are_named(loaded: Load, scheme: str) -> None:
    goal = loaded(f"end_state: {{data: {{archive: {{to: '{scheme}://somewhere/x'}}}}}}\n").desired.archive
    assert isinstance(goal, ArchiveGoal)
    assert goal.unsupported == ("to",)


def test_a_decision_for_no_archive_keeps_its_reason_and_its_name() -> None:
    archive = load(HERE / "good" / "no-archive.yaml").desired.archive
    assert isinstance(archive, NoArchive)
    assert (archive.why, archive.by) == ("a trial with made-up records", "head@example.com")


def test_a_purge_that_keeps_is_no_goal(loaded: Load) -> None:
    assert loaded("end_state: {data: {purge: {status: kept}}}\n").desired.purge is None


def test_everything_that_a_manifest_may_hold_is_carried_out() -> None:
    assert EVERYTHING.unsupported == ()


def test_a_remote_state_blocks_everything_that_matters(loaded: Load) -> None:
    (found,) = loaded("state: {backend: s3, location: s3://bucket/x}\nend_state: {}\n").desired.unsupported
    assert Unsupported("state.backend", "freeze", "revops@example.com", found.span) == found


def test_customers_who_are_not_told_need_no_step(loaded: Load) -> None:
    notice = "notices:\n  - {to: customers, decision: {told: false, why: they never saw it}}\nend_state: {}\n"
    desired = loaded(notice).desired
    assert ((), [False]) == (desired.unsupported, [each.told for each in desired.notices])


def test_a_notice_keeps_its_name_when_others_are_added() -> None:
    expected = ["staff-mail", "partners-webhook", "customers-mail"]
    assert expected == [each.id for each in EVERYTHING.notices]


def test_data_elsewhere_is_a_step_of_its_owner() -> None:
    goal = EVERYTHING.people[-1]
    assert (goal.id, goal.owner, goal.proof) == ("elsewhere-shared-mailbox-sales", "it@example.com", "attested")


def test_places_elsewhere_with_names_alike_have_ids_of_their_own(loaded: Load) -> None:
    places = "{place: Mail!, owner: a@example.com, status: archived}, {place: mail?, owner: a@example.com, status: deleted}, "
    places += "{place: 邮箱, owner: a@example.com, status: kept}"
    people = loaded(f"end_state: {{data: {{elsewhere: [{places}]}}}}\n").desired.people
    assert [goal.id for goal in people] == ["elsewhere-mail", "elsewhere-mail-2", "elsewhere"]


def test_the_order_of_keys_does_not_change_what_is_meant(loaded: Load) -> None:
    one = loaded("cutover: {freeze: now}\nend_state: {sessions: {status: ended}, users: {status: removed}}\n").desired
    two = loaded("end_state: {users: {status: removed}, sessions: {status: ended}}\ncutover: {freeze: now}\n").desired
    assert one.digest == two.digest
