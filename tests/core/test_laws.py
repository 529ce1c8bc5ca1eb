"""Laws of every plan, over random vendors, tenants, goals and records."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from crmstate.core.address import id_of
from crmstate.core.goal import ArchiveGoal, Desired, NoArchive
from crmstate.core.order import cycle
from crmstate.core.plan import HARMLESS, Plan, Step
from crmstate.core.planning.planner import plan, ready_now
from crmstate.core.provider import Provider
from crmstate.core.record import State
from crmstate.core.schedule import Schedule
from crmstate.core.survey import DatasetFacts, Listing, Survey, survey
from crmstate.core.words import Kind, Mode, Outcome, Phase, Verb

from .scenes import LISTED, TENANT, before
from .strategies import LAW, OWN, cases

Case = tuple[Desired, Survey, State, Provider]
DESTROYS = {(Kind.DATASET, Verb.PURGE), (Kind.ACCOUNT, Verb.CLOSE)}


def runs(made: Plan, chance: random.Random) -> list[Step]:
    """One order in which everything that can start might be carried out, each step at once."""
    schedule, order = Schedule(made), []
    free = schedule.take()
    while free:
        step = free.pop(chance.randrange(len(free)))
        order.append(step)
        schedule.done(step.id)
        free += schedule.take()
    return order


AFTERWARDS = (Kind.MIGRATION, Kind.SETTLEMENT, Kind.EVALUATION)


@LAW
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_rows_listings_and_records_does_not_matter(case: Case, chance: random.Random) -> None:
    desired, seen, state, provider = case
    gaps = {gap.kind: gap for gap in seen.gaps}
    listings = [
        Listing(kind, tuple(chance.sample(seen.of(kind), len(seen.of(kind)))), kind in seen.complete, gaps.get(kind))
        for kind in LISTED
    ]
    chance.shuffle(listings)
    other = survey(TENANT, listings, list(seen.identities), seen.taken_at)
    entries = list(state.entries.items())
    chance.shuffle(entries)
    mixed = msgspec.structs.replace(state, entries=dict(entries))
    first, second = plan(desired, seen, state, provider), plan(desired, other, mixed, provider)
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


@LAW
@given(cases())
def test_planning_changes_neither_what_was_seen_nor_what_was_recorded(case: Case) -> None:
    kept = [msgspec.json.encode(each) for each in case[:3]]
    plan(*case)
    assert kept == [msgspec.json.encode(each) for each in case[:3]]


@LAW
@given(cases())
def test_a_step_stands_in_a_plan_once_and_needs_only_what_stands_there(case: Case) -> None:
    made = plan(*case)
    ids = [step.id for step in made.steps]
    assert len(ids) == len(set(ids))
    assert {need for step in made.steps for need in step.needs} <= set(ids)


@LAW
@given(cases())
def test_only_people_can_write_a_circle(case: Case) -> None:
    made = plan(*case)
    circular = any(found.code == "CRM-P040" for found in made.diagnostics)
    assert circular == bool(cycle(made.order))
    assert not circular or bool(case[0].people or case[0].unsupported)


@LAW
@given(cases(), st.randoms(use_true_random=False))
def test_nothing_starts_before_its_needs_its_stages_and_every_blocker_before_it(
    case: Case, chance: random.Random
) -> None:
    made = plan(*case)
    done: set[str] = set()
    for step in runs(made, chance):
        earlier = before(step.stage, made.order)
        assert set(step.needs) <= done
        assert {each.id for each in made.steps if each.stage in earlier} <= done
        assert [each for each in made.blocked if each.stage in earlier] == []
        done.add(step.id)


@LAW
@given(cases(), st.randoms(use_true_random=False))
def test_nothing_is_destroyed_before_it_is_archived_and_verified_or_given_up_in_writing(
    case: Case, chance: random.Random
) -> None:
    desired, seen, state, _ = case
    made = plan(*case)
    given_up = {each.dataset for each in desired.discard}
    safe = {row.id for row in seen.of(Kind.DATASET) if row.id in given_up or isinstance(desired.archive, NoArchive)}
    proved = {row.id: _verified(state, row.id) for row in seen.of(Kind.DATASET)}
    clears = {goal.module for goal in desired.modules if goal.data_effect == "clears"}
    for step in runs(made, chance):
        if step.kind is Kind.ARCHIVE:
            proved[id_of(step.address)].add(step.verb)
        takes_all = step.verb is Verb.CLOSE or (step.verb is Verb.DISABLE and id_of(step.address) in clears)
        if (step.kind, step.verb) in DESTROYS or takes_all:
            assert step.mode is not Mode.AUTO or Kind.DATASET in seen.complete
            at_stake = {row.id for row in seen.of(Kind.DATASET)} if takes_all else {id_of(step.address)}
            assert {
                each for each in at_stake - safe if not proved[each] >= {Verb.ARCHIVE, Verb.VERIFY, Verb.DELTA}
            } == set()


def _verified(state: State, dataset: str) -> set[Verb]:
    return {
        entry.verb
        for entry in state.entries.values()
        if entry.address == f"archive/{dataset}" and entry.outcome is Outcome.DONE
    }


@LAW
@given(cases(), st.randoms(use_true_random=False))
def test_what_is_held_is_never_destroyed(case: Case, chance: random.Random) -> None:
    desired, _, state, _ = case
    held = {*state.holds, *(desired.purge.holds if desired.purge is not None else ())}
    clears = {
        f"module/{goal.module}" for goal in desired.modules if goal.data_effect == "clears" and goal.status != "active"
    }
    made = plan(*case)
    touched = {id_of(step.address) for step in made.steps if step.verb is Verb.PURGE}
    assert touched & held == set()
    if held:
        done = {(step.verb, step.address) for step in runs(made, chance) if step.mode is not Mode.WAIT}
        assert {verb for verb, place in done if verb is Verb.CLOSE or place in clears} == set()


@LAW
@given(cases())
def test_who_is_kept_is_never_touched(case: Case) -> None:
    desired, seen, _, _ = case
    made = plan(*case)
    names = {
        Kind.USER: desired.users,
        Kind.API_KEY: desired.api_keys,
        Kind.SESSION: desired.sessions,
        Kind.INTEGRATION: desired.integrations,
    }
    for kind, goal in names.items():
        if goal is None:
            assert [s for s in made.steps if s.kind is kind and s.mode is not Mode.WAIT] == []
            continue
        kept = {each.who.id for each in goal.keep} | {
            row.id for row in seen.of(kind) if row.label in {k.who.name for k in goal.keep}
        }
        touched = {id_of(step.address) for step in made.steps if step.kind is kind and step.mode is not Mode.WAIT}
        assert touched & kept == set()
        if goal.only:
            named = {each.id for each in goal.only} | {
                row.id for row in seen.of(kind) if row.label in {o.name for o in goal.only}
            }
            assert touched <= named


@LAW
@given(cases())
def test_what_is_unknown_or_not_seen_is_never_acted_on(case: Case) -> None:
    _, seen, _, _ = case
    phases = {row.address: row.phase for row in seen.resources}
    ours = {Kind.ARCHIVE, Kind.FREEZE, Kind.HUMAN_STEP, Kind.CERTIFICATE, Kind.BIN, *AFTERWARDS}
    for step in plan(*case).steps:
        if step.kind not in ours and step.mode is not Mode.WAIT:
            assert phases[step.address] not in (Phase.UNKNOWN, Phase.ABSENT)


@LAW
@given(cases())
def test_what_is_pending_is_waited_for_unless_it_is_taken_back(case: Case) -> None:
    _, seen, _, _ = case
    pending = {row.address for row in seen.resources if row.phase is Phase.PENDING}
    for step in plan(*case).steps:
        if step.address in pending and step.verb is not Verb.RESUME:
            assert step.mode is Mode.WAIT


@LAW
@given(cases())
def test_what_the_record_cannot_tell_is_not_sent_again_where_it_is_for_good(case: Case) -> None:
    _, _, state, provider = case
    for step in plan(*case).steps:
        cell = provider.cell(step.kind, step.verb)
        entry = state.entries.get(step.id)
        if step.irreversible and cell is not None and not cell.shows_effect and entry is not None:
            assert entry.outcome is Outcome.FAILED


@LAW
@given(cases(), st.randoms(use_true_random=False))
def test_our_own_access_goes_last(case: Case, chance: random.Random) -> None:
    """After a revocation of a key of ours nothing is sent but the revocation of another one; and with the cancellation
    of a vendor whose API ends by it nothing at all."""
    made = plan(*case)
    order = [step for step in runs(made, chance) if step.mode is Mode.AUTO and step.verb not in HARMLESS]
    ends = [number for number, step in enumerate(order) if step.verb is Verb.REVOKE and step.stage == "own"]
    if ends:
        assert {step.stage for step in order[ends[0] :]} == {"own"}
        assert {
            step.stage
            for step in made.steps
            if step.mode is Mode.AUTO and step not in order and step.verb not in HARMLESS
        } <= {"own"}


@LAW
@given(cases())
def test_our_own_keys_and_our_own_user_are_ended_as_our_own_or_not_at_all(case: Case) -> None:
    _, seen, _, _ = case
    own_users = {each.user for each in seen.identities}
    own_keys = {each.key for each in seen.identities} & OWN
    for step in plan(*case).steps:
        if step.kind is Kind.USER and step.verb is not Verb.RESUME:
            assert id_of(step.address) not in own_users
        if step.kind is Kind.API_KEY and id_of(step.address) in own_keys:
            assert step.stage == "own" or step.verb is Verb.RESUME


@LAW
@given(cases(), st.randoms(use_true_random=False))
def test_a_listing_that_is_not_complete_keeps_the_account_open(case: Case, chance: random.Random) -> None:
    desired, seen, _, _ = case
    managed = {
        Kind.USER: desired.users,
        Kind.API_KEY: desired.api_keys,
        Kind.SESSION: desired.sessions,
        Kind.INTEGRATION: desired.integrations,
    }
    partial = [
        kind
        for kind, goal in managed.items()
        if goal is not None and goal.status != "active" and not goal.only and kind not in seen.complete
    ]
    if partial or Kind.DATASET not in seen.complete:
        assert [step for step in runs(plan(*case), chance) if step.verb is Verb.CLOSE and step.mode is Mode.AUTO] == []


@LAW
@given(cases(), st.randoms(use_true_random=False))
def test_open_questions_stop_everything_irreversible(case: Case, chance: random.Random) -> None:
    desired, seen, state, provider = case
    made = plan(msgspec.structs.replace(desired, open_questions=("?",)), seen, state, provider)
    assert [step for step in runs(made, chance) if step.irreversible] == []


@LAW
@given(cases(), st.randoms(use_true_random=False))
def test_without_a_freeze_no_access_and_no_data_is_taken(case: Case, chance: random.Random) -> None:
    desired, seen, state, provider = case
    made = plan(msgspec.structs.replace(desired, freeze=None), seen, state, provider)
    takes = {Verb.DEACTIVATE, Verb.DELETE, Verb.REVOKE, Verb.SIGN_OUT, Verb.PURGE, Verb.EMPTY, Verb.CLOSE, Verb.DISABLE}
    assert [step for step in runs(made, chance) if step.verb in takes and step.mode is Mode.AUTO] == []


@LAW
@given(cases())
def test_a_plan_with_an_error_has_nothing_ready_and_a_ceiling_is_an_error(case: Case) -> None:
    desired = case[0]
    made = plan(*case)
    assert not made.errors or ready_now(made) == []
    ends = {Kind.USER, Kind.API_KEY, Kind.INTEGRATION}
    removals = [
        s
        for s in made.steps
        if s.kind in ends and s.mode is Mode.AUTO and s.verb is not Verb.RESUME and s.stage != "own"
    ]
    ceiling = desired.safeguards.max_removals
    assert ceiling is None or len(removals) <= ceiling or "CRM-P051" in {found.code for found in made.diagnostics}


@LAW
@given(cases())
def test_a_purge_covers_only_what_is_archived_and_never_what_is_given_up(case: Case) -> None:
    desired, seen, _, _ = case
    purged = {id_of(step.address) for step in plan(*case).steps if step.verb is Verb.PURGE}
    assert purged & {each.dataset for each in desired.discard} == set()
    if isinstance(desired.archive, ArchiveGoal) and desired.archive.datasets is not None:
        assert purged <= set(desired.archive.datasets)
    readable = {row.id for row in seen.of(Kind.DATASET) if isinstance(row.facts, DatasetFacts) and row.facts.exportable}
    assert purged <= readable


@LAW
@given(cases())
def test_every_row_of_a_managed_kind_is_a_step_a_blocker_unchanged_or_said_to_be_kept(case: Case) -> None:
    """Nothing that the manifest asks for falls through silently."""
    desired, seen, _, _ = case
    goal = desired.users
    made = plan(*case)
    if goal is None or goal.status == "active" or goal.keep or goal.only or made.errors or desired.closing:
        return
    told = {each.address for each in (*made.steps, *made.blocked) if each.address.startswith("user/")}
    rows = {row.address for row in seen.of(Kind.USER)}
    assert len(rows - told) == made.summary.unchanged.get("user", 0)
