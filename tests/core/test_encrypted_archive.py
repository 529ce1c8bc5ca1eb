"""An archive that is encrypted: whoever reviews a plan sees to whom, and nothing is purged before somebody who has a key
has opened it."""

from __future__ import annotations

from typing import Any

import pytest

from crmstate.core.goal import ArchiveGoal, Every, PurgeGoal
from crmstate.core.recipient import fingerprint, plain
from crmstate.core.words import Kind, Mode, Proof, Verb

from .scenes import (
    PURGED,
    account,
    archived,
    confirmed,
    dataset,
    frozen,
    happened,
    one,
    plan,
    planned,
    reachable,
    record,
    tenant,
    wish,
)

KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
LOCKED = ArchiveGoal("file:///archive", encrypt_to=(KEY,))
OPEN = ArchiveGoal("file:///archive", encrypt_to=(KEY,), identity=True)
OPENED = (Verb.CONFIRM, "opened")


def seen(*rows: Any) -> Any:
    return tenant(*(rows or (dataset("contacts"), dataset("deals"))), account())


def test_a_person_opens_it_once_after_the_last_delta_and_before_the_first_purge() -> None:
    made = plan(wish(archive=LOCKED, purge=PurgeGoal()), seen())
    step = one(made, *OPENED)
    assert (step.mode, step.proof, step.files, step.owner) == (Mode.MANUAL, Proof.ATTESTED, True, "ops@example.com")
    assert step.runbook is not None and KEY in str(step.why.params)
    verbs = [each.verb for each in reachable(made) if each.kind is not Kind.FREEZE]
    assert verbs.count(Verb.CONFIRM) == 1
    assert verbs.index(Verb.CONFIRM) > max(place for place, verb in enumerate(verbs) if verb is Verb.DELTA)
    assert verbs.index(Verb.CONFIRM) < verbs.index(Verb.PURGE)
    assert all(step.id in each.needs for each in made.steps if each.verb is Verb.PURGE)


def test_an_archive_alone_is_opened_too() -> None:
    made = plan(wish(archive=LOCKED, freeze=None), seen(dataset("contacts")))
    assert {(each.verb, each.stage) for each in made.steps} == {
        (Verb.ARCHIVE, "archive"), (Verb.VERIFY, "verify"), (Verb.CONFIRM, "verify"),
    }  # fmt: skip
    assert [each.verb for each in reachable(made)][-1] is Verb.CONFIRM


@pytest.mark.parametrize("goal", [OPEN, ArchiveGoal("file:///archive")])
def test_what_is_read_back_here_needs_nobody_else(goal: ArchiveGoal) -> None:
    assert OPENED not in planned(plan(wish(archive=goal, purge=PURGED), seen()))


def test_it_counts_until_something_is_added_to_the_archive() -> None:
    held = (frozen(), archived("contacts"), archived("deals"))
    goals = wish(archive=LOCKED, purge=PURGED)
    assert OPENED in planned(plan(goals, seen(), record(*held)))
    opened = confirmed(Kind.ARCHIVE, "opened", at="2026-05-03T00:00:00Z")
    assert OPENED not in planned(plan(goals, seen(), record(*held, opened)))
    again = happened(Kind.ARCHIVE, "deals", Verb.DELTA, at="2026-05-04T00:00:00Z", rows=5)
    step = one(plan(goals, seen(), record(*held, opened, again)), *OPENED)
    assert step.occurrence == 2
    later = plan(goals, seen(dataset("contacts", 9), dataset("deals")), record(*held, opened))
    assert one(later, *OPENED).occurrence == 2


def test_the_plan_shows_whom_the_data_will_be_open_to() -> None:
    one_, other = (
        plan(wish(archive=each), seen()) for each in (LOCKED, ArchiveGoal("file:///archive", encrypt_to=("age1x",)))
    )
    assert KEY in str(one(one_, Verb.ARCHIVE, "contacts").why.params)
    assert "age1x" in str(one(other, Verb.ARCHIVE, "contacts").why.params)


def test_an_ssh_key_is_shown_as_ssh_keygen_shows_it_and_kept_without_its_comment() -> None:
    """The digest is that of `ssh-keygen -l`."""
    text = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0xRhpqED5yjL4DmI283BrgS2X3wsKr8T76f13o34Hh me@here"
    assert plain(f" {text}\n") == text.removesuffix(" me@here")
    assert fingerprint(text) == "ssh-ed25519 SHA256:tfh3tBAvDTHc+LdAcOc0BX5WAVDt1Kkw10B050ra5t4"


@pytest.mark.parametrize("text", ["", "age1", KEY[:-1], KEY.upper(), "ssh-ed25519 AAAA", "ssh-dss AAAA", "hunter2"])
def test_whom_nothing_can_be_encrypted_to_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        plain(text)


def test_a_re_check_asks_nobody_to_open_it_again() -> None:
    goal = ArchiveGoal("file:///archive", encrypt_to=(KEY,), recheck=Every(10, "days"))
    held = (frozen(), archived("contacts"), confirmed(Kind.ARCHIVE, "opened", at="2026-05-03T00:00:00Z"))
    made = plan(wish(archive=goal), seen(dataset("contacts")), record(*held))
    assert [(each.verb, each.occurrence) for each in made.steps if each.verb is Verb.VERIFY] == [(Verb.VERIFY, 2)]
    assert OPENED not in planned(made)


OTHER = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"


@pytest.mark.parametrize(
    ("written", "there", "code"),
    [((KEY,), (OTHER,), "CRM-A083"), ((KEY,), (), "CRM-A084"), ((), (OTHER,), "CRM-A084")],
    ids=["to others", "plain", "no longer meant to be encrypted"],
)
def test_whom_the_archive_that_is_there_is_open_to_is_shown_and_not_what_the_manifest_says(
    written: tuple[str, ...], there: tuple[str, ...], code: str
) -> None:
    goal = ArchiveGoal("file:///archive", encrypt_to=written)
    made = plan(wish(archive=goal, purge=PURGED), seen(), record(archived("contacts")), lock=there)
    assert [each.code for each in made.errors] == [code]
    shown = str([step.why for step in made.steps])
    assert (OTHER in shown, KEY in shown) == (bool(there), False)
    assert (OPENED in planned(made)) == bool(there)


def test_the_end_of_an_archive_needs_no_key_and_is_only_warned_about() -> None:
    goal = ArchiveGoal("file:///archive", encrypt_to=(KEY,), keep_until="2026-05-02")
    held = record(frozen(), archived("contacts"), archived("deals"))
    made = plan(wish(archive=goal), seen(), held, lock=(OTHER,), offline=True)
    found = {each.code: each.severity.value for each in made.diagnostics}
    assert (found, made.errors) == ({"CRM-A083": "warning"}, ()), made.steps


@pytest.mark.parametrize("lock", [None, (KEY,)])
def test_an_archive_that_is_as_the_manifest_says_or_is_not_known_is_no_finding(lock: tuple[str, ...] | None) -> None:
    made = plan(wish(archive=LOCKED, purge=PURGED), seen(), record(archived("contacts")), lock=lock)
    assert not [each for each in made.diagnostics if each.code.startswith("CRM-A")]
    assert KEY in str([step.why for step in made.steps])
