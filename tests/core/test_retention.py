"""Retention: what falls due and when, by the record and the manifest alone; and the archive never ends early, under a
hold, or while anything is left to do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmstate.core.event import AnyEvent, Evidence, Held
from crmstate.core.goal import ArchiveGoal, Desired, Every
from crmstate.core.message import message
from crmstate.core.plan import Plan, Step, approval_digest
from crmstate.core.planning.retention import WHOLE, after, begun, over
from crmstate.core.record import State
from crmstate.core.words import Kind, Mode, Outcome, Phase, Proof, Undo, Verb

from .scenes import (
    DELETED,
    NOW,
    PURGED,
    account,
    archived,
    blockers,
    codes,
    confirmed,
    dataset,
    frozen,
    happened,
    ids,
    one,
    plan,
    planned,
    record,
    tenant,
    wish,
)

QUARTER = Every(90, "days")
LONG_AGO = "2026-01-02T00:00:00Z"


def kept(until: str | None = None, recheck: Every | None = QUARTER, **more: Any) -> ArchiveGoal:
    return ArchiveGoal("file:///archive", keep_until=until, recheck=recheck, **more)


def checked(number: int, outcome: Outcome = Outcome.DONE, *, at: str, **facts: Any) -> list[AnyEvent]:
    """A re-check of the contacts."""
    more = {"undo": Undo.FREE, "occurrence": number}
    return happened(Kind.ARCHIVE, "contacts", Verb.VERIFY, outcome, at=at, more=more, **facts)


def ending(outcome: Outcome, *, at: str = NOW, **facts: Any) -> list[AnyEvent]:
    return happened(Kind.ARCHIVE, "all", Verb.DISCARD, outcome, at=at, **facts)


def alone(goal: ArchiveGoal, state: State, at: str = NOW, **goals: Any) -> Plan:
    """A plan after the vendor is out of reach by design."""
    seen = tenant(own=False, identities=(), at=at)
    return plan(wish(archive=goal, purge=PURGED, account=DELETED, **goals), seen, state, sealed="2026-03-01T00:00:00Z")


def living(goal: ArchiveGoal, state: State, at: str = NOW, **goals: Any) -> Plan:
    """A plan of an archive whose vendor is still there."""
    facts: dict[str, Any] = {"archive": goal, "freeze": None, **goals}
    return plan(wish(**facts), tenant(dataset("contacts"), account(), at=at), state)


@pytest.mark.parametrize("see", [alone, living])
def test_a_recheck_is_a_step_from_its_day_on_and_a_date_before_it(see: Any) -> None:
    state = record(archived("contacts", delta=False, at="2026-03-03T12:00:00Z"))
    early = see(kept(), state, at="2026-06-01T11:59:59Z")
    assert (planned(early), [each.at for each in early.deadlines]) == ([], ["2026-06-01T12:00:00Z"])
    made = see(kept(), state, at="2026-06-01T12:00:00Z")
    assert (planned(made), made.deadlines) == ([(Verb.VERIFY, "contacts")], ())
    step = made.steps[0]
    assert (step.mode, step.occurrence, step.irreversible, step.stage) == (Mode.AUTO, 2, False, "verify")


def test_the_interval_begins_with_the_last_proof_whatever_it_was() -> None:
    first = archived("contacts", delta=False, at=LONG_AGO)
    assert planned(alone(kept(), record(first))) == [(Verb.VERIFY, "contacts")]
    again = checked(2, at="2026-05-01T00:00:00Z")
    assert planned(alone(kept(), record(first, again))) == []
    delta = happened(Kind.ARCHIVE, "contacts", Verb.DELTA, at="2026-05-01T00:00:00Z", more={"undo": Undo.FREE})
    assert planned(alone(kept(), record(first, delta))) == []
    third = alone(kept(), record(first, again), at="2026-08-01T00:00:00Z")
    assert [step.occurrence for step in third.steps] == [3]


def test_a_recheck_that_did_not_pass_is_due_until_it_does_even_if_the_line_is_removed() -> None:
    state = record(archived("contacts", at=LONG_AGO), checked(2, Outcome.FAILED, at="2026-05-30T00:00:00Z", code="x"))
    for goal in (kept(), kept(recheck=None)):
        assert [(step.verb, step.occurrence) for step in alone(goal, state).steps] == [(Verb.VERIFY, 2)]


def test_a_recheck_comes_before_whatever_relies_on_the_archive() -> None:
    state = record(archived("contacts", at=LONG_AGO), frozen())
    made = living(kept(), state, purge=PURGED, freeze="now")
    assert planned(made) == [(Verb.VERIFY, "contacts"), (Verb.PURGE, "contacts")]


def test_a_delta_that_was_begun_goes_before_a_recheck() -> None:
    cut = happened(Kind.ARCHIVE, "contacts", Verb.DELTA, Outcome.FAILED, more={"undo": Undo.FREE})
    state = record(archived("contacts", delta=False, at=LONG_AGO), frozen(), cut)
    assert Verb.VERIFY not in {step.verb for step in living(kept(), state, purge=PURGED, freeze="now").steps}


def test_an_archive_that_was_never_verified_is_verified_against_the_vendor_first() -> None:
    made = living(kept(), record(happened(Kind.ARCHIVE, "contacts", Verb.ARCHIVE, at=LONG_AGO)))
    assert one(made, Verb.VERIFY, "contacts").occurrence == 1


def test_without_the_lines_nothing_falls_due_and_nothing_ends() -> None:
    made = alone(kept(recheck=None), record(archived("contacts", at="2001-01-01T00:00:00Z")))
    assert (made.steps, made.deadlines) == ((), ())


ENDED = archived("contacts", rows=7, at=LONG_AGO)


@pytest.mark.parametrize("see", [alone, living])
def test_the_archive_ends_when_its_last_day_is_over_everywhere(see: Any) -> None:
    state = record(ENDED)
    early = see(kept("2026-05-31", None), state, at="2026-06-01T11:59:59Z")
    assert (planned(early), [each.what for each in early.deadlines]) == ([], ["keep_until"])
    made = see(kept("2026-05-31", None), state, at="2026-06-01T12:00:00Z")
    (step,) = made.steps
    assert (step.verb, step.address, step.irreversible) == (Verb.DISCARD, WHOLE, True)
    assert (step.not_before, step.rows, made.approvals_needed) == ("2026-06-01T12:00:00Z", 7, 1)


def test_a_later_day_keeps_it_an_earlier_one_ends_it_no_day_keeps_it() -> None:
    state = record(ENDED)
    assert planned(alone(kept("2026-06-30", None), state)) == []
    assert planned(alone(kept("2026-02-01", None), state)) == [(Verb.DISCARD, "all")]
    assert planned(alone(kept(None, None), state)) == []
    assert planned(alone(kept("2026-02-01"), state)) == [(Verb.DISCARD, "all")], "no re-check of what ends"


def test_a_hold_that_is_written_or_recorded_keeps_it_and_it_is_checked_on() -> None:
    held = [Held(NOW, "Contacts", "counsel", "case 7")]
    for made in (
        alone(kept("2026-02-01"), record(ENDED, held)),
        alone(kept("2026-02-01"), record(ENDED), holds=("Contacts",)),
    ):
        assert blockers(made) == [("blocked.hold_archive", "archive/all")]
        assert planned(made) == [(Verb.VERIFY, "contacts")]


def test_it_ends_last_of_all() -> None:
    purging = living(kept("2026-02-01", None), record(ENDED, frozen()), purge=PURGED, freeze="now")
    assert ("blocked.rest_first", "archive/all") in blockers(purging)
    assert Verb.DISCARD not in {step.verb for step in purging.steps}
    unknown = happened(Kind.SUBSCRIPTION, "sub", Verb.CANCEL, Outcome.UNKNOWN)
    made = alone(kept("2026-02-01", None), record(ENDED, unknown))
    assert blockers(made) == [("blocked.rest_first", "archive/all")]


def test_without_asking_the_vendor_it_ends_only_where_the_record_says_that_the_rest_is_done() -> None:
    desired = wish(archive=kept("2026-02-01", None))
    made = plan(desired, tenant(own=False, identities=()), record(ENDED), offline=True)
    assert blockers(made) == [("blocked.rest_unknown", "archive/all")]
    state = record(ENDED)
    state.verified_at = NOW
    assert planned(plan(desired, tenant(own=False, identities=()), state, offline=True)) == [(Verb.DISCARD, "all")]


def test_open_questions_stop_it() -> None:
    made = alone(kept("2026-02-01", None), record(ENDED), open_questions=("Who keeps the contract?",))
    assert [step.stage for step in made.steps] == ["afterwards"]
    assert ("open_questions", "afterwards") in made.order and made.summary.ready == 0


def test_a_day_from_before_the_archive_is_a_mistake_and_nothing_of_the_plan_is_applied() -> None:
    assert codes(living(kept("2025-12-31"), record())) == ["CRM-P060"]
    late = alone(kept("2025-12-31"), record(ENDED))
    assert codes(late) == ["CRM-P060"] and Verb.DISCARD not in {step.verb for step in late.steps}


@pytest.mark.parametrize(
    "record_of", [ending(Outcome.DONE), confirmed(Kind.ARCHIVE, "all", Verb.DISCARD), ending(Outcome.DONE, at=LONG_AGO)]
)
def test_once_it_is_ended_nothing_more_is_planned_for_it(record_of: list[AnyEvent]) -> None:
    for until in ("2026-02-01", "2099-01-01", None):
        made = alone(kept(until), record(ENDED, record_of))
        assert (made.steps, made.blocked, made.deadlines) == ((), (), ())
        made = living(kept(until), record(ENDED, record_of))
        assert (made.steps, made.blocked, made.deadlines) == ((), (), ())


def test_what_an_ended_archive_does_not_hold_any_more_is_not_purged() -> None:
    made = living(kept("2026-02-01"), record(ENDED, frozen(), ending(Outcome.DONE)), purge=PURGED, freeze="now")
    assert blockers(made) == [("blocked.archive_ended", "dataset/contacts")]
    assert ids(made, Verb.PURGE) == []


def test_an_end_that_was_begun_is_finished_under_the_same_approval() -> None:
    fresh = alone(kept("2026-02-01"), record(ENDED))
    for cut in (
        ending(Outcome.INTENDED),
        ending(Outcome.FAILED, code="not_sent"),
        ending(Outcome.FAILED, code="begun"),
    ):
        made = alone(kept("2026-02-01"), record(ENDED, cut))
        assert (made.steps, made.approval) == (fresh.steps, fresh.approval)


def test_an_end_that_was_begun_and_is_not_meant_any_more_is_said_until_the_archive_is_proved_whole() -> None:
    cut = ending(Outcome.FAILED, at="2026-05-30T00:00:00Z", code="begun")
    made = alone(kept("2099-01-01", None), record(ENDED, cut))
    assert (codes(made), planned(made)) == (["CRM-P061"], [(Verb.VERIFY, "contacts")])
    whole = alone(kept("2099-01-01", None), record(ENDED, cut, checked(2, at="2026-05-31T00:00:00Z")))
    assert (codes(whole), planned(whole)) == ([], [])
    refused = record(ENDED, ending(Outcome.FAILED, code="CRM-A090"))
    assert begun(refused) is None, "nothing was touched"


def test_the_last_proof_is_what_must_lie_at_the_location() -> None:
    def proof(at: str, digest: str) -> tuple[Evidence, ...]:
        return (Evidence("export", Proof.OBSERVED, at, sha256=digest),)

    state = record(
        happened(Kind.ARCHIVE, "contacts", Verb.ARCHIVE, evidence=proof("2026-01-01T00:00:00.5Z", "one")),
        happened(Kind.ARCHIVE, "contacts", Verb.VERIFY, evidence=proof("2026-01-02T00:00:00Z", "two")),
        checked(2, Outcome.FAILED, at=NOW, code="x"),
    )
    found = state.proved("contacts")
    assert found is not None and found.evidence[0].sha256 == "two", "a re-check that failed proves nothing else"


@pytest.mark.parametrize(
    ("start", "every", "then"),
    [
        ("2026-01-31T08:00:00Z", Every(1, "months"), "2026-02-28T08:00:00Z"),
        ("2027-11-30T08:00:00Z", Every(3, "months"), "2028-02-29T08:00:00Z"),
        ("2028-02-29T08:00:00Z", Every(1, "years"), "2029-02-28T08:00:00Z"),
        ("2026-12-31T08:00:00Z", Every(12, "months"), "2027-12-31T08:00:00Z"),
        ("2026-06-05T08:00:00Z", Every(1, "working_days"), "2026-06-08T08:00:00Z"),
        ("2026-06-01T08:00:00Z", Every(2, "weeks"), "2026-06-15T08:00:00Z"),
    ],
)
def test_intervals_follow_the_calendar(start: str, every: Every, then: str) -> None:
    assert after(start, every) == then


MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)).map(lambda each: each.strftime("%Y-%m-%dT%H:%M:%SZ"))
UNITS = st.sampled_from(("days", "working_days", "weeks", "months", "years"))


@given(MOMENTS, st.builds(Every, st.integers(1, 60), UNITS))
def test_an_interval_is_as_long_as_its_shortest_unit_at_least(start: str, every: Every) -> None:
    shortest = {"days": 1, "working_days": 1, "weeks": 7, "months": 28, "years": 365}[every.unit]
    gone = datetime.fromisoformat(after(start, every)) - datetime.fromisoformat(start)
    assert gone >= timedelta(days=shortest * every.count)


@given(st.dates(datetime(1990, 1, 1).date(), datetime(2200, 1, 1).date()), MOMENTS)
def test_it_never_ends_on_or_before_its_last_day_in_any_zone(last: Any, now: str) -> None:
    """The westernmost clocks run twelve hours behind UTC."""
    state = record(archived("contacts", at="1980-01-01T00:00:00Z"))
    made = alone(kept(last.isoformat(), None), state, at=now)
    westernmost = (datetime.fromisoformat(now) - timedelta(hours=12)).date()
    assert bool(made.steps) == (westernmost > last)
    assert (now >= over(last.isoformat())) == bool(made.steps)


def test_a_manifest_without_an_archive_has_no_retention() -> None:
    empty: Desired = wish()
    assert plan(empty, tenant(), record(ENDED)).deadlines == ()


def test_an_approval_of_the_end_is_for_one_place_and_one_day() -> None:
    def end(day: str, to: str) -> Step:
        return Step(
            id="s", address=WHOLE, kind=Kind.ARCHIVE, verb=Verb.DISCARD, mode=Mode.AUTO, undo=Undo.NEVER, stage="",
            why=message("why.discard", day=day, to=to, n=1), before=Phase.PRESENT, after=Phase.ABSENT,
        )  # fmt: skip

    found = {
        approval_digest((end(day, to),)) for day in ("2027-06-30", "2028-06-30") for to in ("file:///a", "file:///b")
    }
    assert len(found) == 4
    assert approval_digest((end("2027-06-30", "file:///a"),)) in found
