"""Reminders and the contact log: laws that hold whatever happens, and the cases that have a name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmstate.core.around import ReminderGoal
from crmstate.core.contacts import corrected, proves, spoken, standing
from crmstate.core.contract import Calendar, ContractGoal, Period
from crmstate.core.event import AnyEvent, Contacted, Reminded
from crmstate.core.fold import advance, fold
from crmstate.core.goal import Desired, HumanGoal
from crmstate.core.record import State
from crmstate.core.reminders import Nudge, late, nudges, untold
from crmstate.core.words import Channel, Contacting, Kind, Nudging, Outcome, Proof, Verb

from .scenes import CANCELLED, confirmed, frozen, happened, place, plan, record, tenant, wish
from .test_by_hand import byhand, seen

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
TRAINING = place(Kind.HUMAN_STEP, "training")


def stamp(day: int) -> str:
    return (START + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")


def person(due: str | None, **facts: Any) -> HumanGoal:
    return HumanGoal("training", "Train sales", "hr@example.com", due=due, **facts)


def due_now(goals: Desired, state: State, day: int) -> list[Nudge]:
    """What has to be told on a day, and was not."""
    made = plan(goals, tenant(at=stamp(day)), state)
    return untold(nudges(goals, made.steps, state, made.observed_at), state)


def tell(state: State, found: list[Nudge], day: int) -> None:
    for each in found:
        advance(
            state,
            Reminded(
                stamp(day), step=each.step, address=each.address, verb=each.verb, what=each.what, to=each.to, due=each.due, by="ci"
            ),
        )  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(
    due=st.integers(0, 40),
    before=st.integers(1, 20),
    runs=st.lists(st.integers(0, 80), min_size=1, max_size=25),
    zone=st.sampled_from([None, "Europe/Berlin", "Asia/Shanghai", "America/Los_Angeles"]),
)
def test_each_is_told_once_in_time_and_never_of_a_day_that_is_far(
    due: int, before: int, runs: list[int], zone: str | None
) -> None:
    day = (START + timedelta(days=due)).date()
    contract = ContractGoal(calendar=Calendar(zone))
    goals = wish(people=(person(day.isoformat()),), reminders=ReminderGoal(Period(before, "days")), contract=contract)
    state, told = record([]), []
    for run in sorted(runs):
        found = due_now(goals, state, run)
        assert due_now(goals, state, run) == found, "looking tells nobody"
        tell(state, found, run)
        assert due_now(goals, state, run) == []
        told += [(each.what, run) for each in found]
    kinds = [what for what, _ in told]
    assert len(kinds) == len(set(kinds)), "a reminder that comes every day is not read"
    for what, run in told:
        assert run >= due - before - 1 if what is Nudging.REMINDER else run >= due
    if max(runs) > due + 1:
        assert set(kinds) == set(Nudging)


@settings(deadline=None, max_examples=40)
@given(runs=st.lists(st.integers(0, 60), min_size=1, max_size=10), put_off=st.integers(1, 30))
def test_what_was_put_off_is_due_again_and_only_then(runs: list[int], put_off: int) -> None:
    def on(days: int) -> Desired:
        return wish(people=(person((START + timedelta(days=days)).date().isoformat()),))

    state = record([])
    for run in sorted(runs):
        tell(state, due_now(on(5), state, run), run)
    last = max(runs)
    again = due_now(on(5 + put_off), state, last)
    assert due_now(on(5), state, last) == []
    assert bool(again) == (last >= 5 + put_off - 7)


def test_who_answers_for_the_whole_is_told_and_nothing_else_changes() -> None:
    goals, calm = wish(people=(person("2026-05-20"),)), wish(people=(person("2026-08-20"),))
    made, other = plan(goals, tenant()), plan(calm, tenant())
    (found,) = made.diagnostics
    assert (found.code, found.severity, found.address) == ("CRM-P075", "warning", TRAINING)
    assert (found.params["to"], found.params["who"]) == ("ops@example.com", "hr@example.com")
    assert not other.diagnostics
    assert [step.id for step in made.steps] == [step.id for step in other.steps]
    assert (made.errors, made.summary.ready) == ((), other.summary.ready)


def test_a_due_day_that_hangs_on_what_has_no_date_is_shown_as_it_is_written() -> None:
    after = wish(people=(person("5 days after purged"),))
    (step,) = [each for each in plan(after, tenant()).steps if each.kind is Kind.HUMAN_STEP]
    assert step.deadline is None
    assert step.undated == "5 days after purged"
    frozen_at = wish(people=(person("5 days before freeze"),), freeze="2026-12-20T17:00:00Z")
    (step,) = [each for each in plan(frozen_at, tenant()).steps if each.kind is Kind.HUMAN_STEP]
    assert (step.deadline, step.undated) == ("2026-12-15T17:00:00Z", "")


# A vendor that is silent


def silent(day: int, *more: list[AnyEvent], after: Period | None = Period(10, "days")) -> list[str]:
    goals = wish(subscription=CANCELLED, reminders=ReminderGoal(escalate_after=after))
    asked = confirmed(Kind.SUBSCRIPTION, "contract", Verb.CANCEL, at=stamp(0))
    state = record(frozen(), asked, *more)
    made = plan(goals, tenant(*seen().resources, at=stamp(day), own=False), state, byhand())
    return [each.since for each in late(goals, made.steps, state, made.observed_at).values()]


@pytest.mark.parametrize(("day", "is_late"), [(0, False), (9, False), (10, False), (11, True), (40, True)])
def test_a_vendor_may_be_silent_for_as_long_as_the_manifest_says(day: int, is_late: bool) -> None:
    assert bool(silent(day)) == is_late
    assert silent(day, after=None) == [], "where nobody said how long, nobody is told"


def test_a_sign_of_life_gives_it_time_again_and_an_offer_is_none() -> None:
    contract = place(Kind.SUBSCRIPTION, "contract")
    assert silent(12, [talk("c5", Contacting.ACKNOWLEDGEMENT, 8, contract)]) == []
    assert silent(20, [talk("c5", Contacting.ACKNOWLEDGEMENT, 8, contract)]) != []
    assert silent(12, [talk("c5", Contacting.OFFER, 8, contract)]) != []
    assert silent(12, [talk("c5", Contacting.ACKNOWLEDGEMENT, 8, TRAINING)]) != []


# The log


def talk(id: str, kind: Contacting, day: int, *steps: Any, corrects: str = "") -> Contacted:
    return Contacted(
        stamp(day), id=id, by="ann", when=stamp(day), channel=Channel.MAIL, kind=kind, person="Ms Li", outcome="yes",
        steps=steps, corrects=corrects,
    )  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(list(Contacting)), st.integers(0, 30), st.integers(0, 9)), max_size=20))
def test_the_log_only_grows_and_each_correction_takes_one_out_of_what_counts(
    made: list[tuple[Contacting, int, int]],
) -> None:
    state, before = State("exit"), {}
    for number, (kind, day, choice) in enumerate(made):
        free = [each.id for each in standing(state.contacts)]
        corrects = free[choice] if choice < len(free) else ""
        advance(state, talk(f"c{number}", kind, day, TRAINING, corrects=corrects))
        assert {id: state.contacts[id] for id in before} == before
        before = dict(state.contacts)
    counts = standing(state.contacts)
    assert len(counts) == len(made) - len(corrected(state.contacts))
    assert [each.when for each in counts] == sorted(each.when for each in counts)
    last = spoken(state.contacts).get(TRAINING)
    assert (last.id if last else None) == (counts[-1].id if counts else None)


@pytest.mark.parametrize("kind", Contacting)
def test_only_an_acknowledgement_proves_and_only_what_it_is_about(kind: Contacting) -> None:
    good = kind is Contacting.ACKNOWLEDGEMENT
    assert proves(talk("c1", kind, 0, TRAINING), TRAINING) == good
    assert not proves(talk("c1", kind, 0), TRAINING), "what is about nothing proves nothing"
    assert not proves(talk("c1", kind, 0, place(Kind.HUMAN_STEP, "other")), TRAINING)


@pytest.mark.parametrize("kind", Contacting)
def test_what_an_entry_proved_stands_or_falls_with_its_correction(kind: Contacting) -> None:
    from msgspec.structs import replace

    (said,) = confirmed(Kind.HUMAN_STEP, "training", proof=Proof.ACKNOWLEDGED)
    state = fold("exit", [talk("c1", Contacting.ACKNOWLEDGEMENT, 0, TRAINING), replace(said, contact="c1")])  # type: ignore[type-var]
    advance(state, talk("c2", kind, 1, TRAINING, corrects="c1"))
    (entry,) = state.entries.values()
    still = (Outcome.DONE, Proof.ACKNOWLEDGED, "c2")
    assert (entry.outcome, entry.proof, entry.contact) == (
        still if kind is Contacting.ACKNOWLEDGEMENT else (Outcome.REQUESTED, Proof.NONE, "")
    )


def test_a_plan_names_the_last_talk_beside_what_waits_and_nobodys_name() -> None:
    state = record([talk("c1", Contacting.OFFER, -3, TRAINING), talk("c2", Contacting.QUESTION, -1, TRAINING)])
    (step,) = [each for each in plan(wish(people=(person(None),)), tenant(), state).steps if each.address == TRAINING]
    assert step.contact is not None and (step.contact.id, step.contact.kind) == ("c2", Contacting.QUESTION)
    assert "Li" not in repr(step.contact)


def test_no_vendor_call_waits_for_a_talk() -> None:
    state = record(happened(Kind.HUMAN_STEP, "training", Verb.CONFIRM), [talk("c1", Contacting.OFFER, 0, TRAINING)])
    assert plan(wish(), tenant(), state).plan_id == plan(wish(), tenant(), record([])).plan_id


@pytest.mark.parametrize(("at", "told"), [("2026-06-12T23:59:59Z", 0), ("2026-06-13T00:00:00Z", 1)])
def test_a_reminder_begins_with_the_day_and_not_at_its_end(at: str, told: int) -> None:
    goals = wish(people=(person("2026-06-20"),))
    made = plan(goals, tenant(at=at), record([]))
    assert len(nudges(goals, made.steps, record([]), at)) == told
