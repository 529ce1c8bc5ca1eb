"""Of what the manifest ends and the record does not know."""

from __future__ import annotations

from collections.abc import Iterator

from crmstate.core.address import Address, address, id_of, kind_of
from crmstate.core.change import Change, Turn
from crmstate.core.drifting.seen import MANY, VENDORS, Seen
from crmstate.core.goal import ArchiveGoal, ListGoal, UsersGoal, spoken_of
from crmstate.core.plan import Plan, Step
from crmstate.core.planning.draft import match
from crmstate.core.schedule import Schedule
from crmstate.core.survey import DatasetFacts, Resource
from crmstate.core.words import Kind, Mode, Outcome, Phase, Verb


def strangers(seen: Seen) -> Iterator[Change]:
    """Of what the manifest ends and the record does not know. That it is new, or was left out, is certain only where the last
    run came to its end, and to things like it; whatever else is named as unsure."""
    if not seen.state.entries:
        return
    ended = {(kind_of(each.address), each.verb) for each in seen.state.entries.values() if each.outcome is Outcome.DONE}
    free = _reached(seen.made) if seen.state.last_exit == 0 else frozenset()
    told: set[Address] = set()
    for step in seen.made.steps:
        if step.address in told or not _unknown(seen, step):
            continue
        alike = step.mode is Mode.AUTO and (step.kind, step.verb) in ended and seen.state.last_exit == 0
        if alike or step.id in free:
            told.add(step.address)
            yield seen.change(Turn.UNRECORDED, step.address, step.before.value)
        elif step.kind in MANY or step.kind is Kind.ARCHIVE:
            seen.unsure.add(Kind.DATASET if step.kind is Kind.ARCHIVE else step.kind)
    seen.unseen |= (spoken_of(seen.desired) & (MANY | {Kind.DATASET})) - seen.observed.complete
    seen.unsure |= {row.kind for row in _unplanned(seen)}


def _unknown(seen: Seen, step: Step) -> bool:
    """Whether a step is of a thing that the vendor shows and the record does not know, and that there may be more of."""
    place, id = step.address, id_of(step.address)
    if place in seen.on_record or place in seen.own:
        return False
    if step.kind is Kind.ARCHIVE:
        return step.verb is Verb.ARCHIVE
    if step.kind is Kind.DATASET:
        archive = address(Kind.ARCHIVE, id)
        return archive not in seen.on_record and archive not in seen.next
    if step.kind in (Kind.SUBSCRIPTION, Kind.ACCOUNT):
        return any(kind_of(each) is step.kind for each in seen.on_record)
    return step.kind is Kind.BIN or (step.kind in VENDORS and place in seen.by_address)


def _unplanned(seen: Seen) -> Iterator[Resource]:
    """What the manifest ends by its words, and neither record nor plan know: a plan with errors is not whole."""
    goals: dict[Kind, UsersGoal | ListGoal | None] = {
        Kind.USER: seen.desired.users,
        Kind.SESSION: seen.desired.sessions,
        Kind.API_KEY: seen.desired.api_keys,
        Kind.INTEGRATION: seen.desired.integrations,
        Kind.SETTING: seen.desired.settings,
    }
    for kind, goal in goals.items():
        if goal is None or goal.status == "active":
            continue
        rows = seen.observed.of(kind)
        stays, only = match([each.who for each in goal.keep], rows)[0], match(goal.only, rows, single=True)[0]
        for row in rows:
            meant = row.id not in stays and (not goal.only or row.id in only)
            if meant and row.phase is Phase.PRESENT and not seen.known(row):
                yield row
    if seen.desired.archive is None and seen.desired.purge is None and not seen.desired.closing:
        return
    given_up = {each.dataset for each in seen.desired.discard if each.whole}
    for row in seen.observed.of(Kind.DATASET):
        holds = isinstance(row.facts, DatasetFacts) and row.facts.rows != 0
        named = isinstance(seen.desired.archive, ArchiveGoal) and seen.desired.archive.datasets is not None
        if holds and not named and given_up.isdisjoint((row.id, row.label)) and not seen.known(row):
            yield row


def _reached(made: Plan) -> frozenset[str]:
    """The steps that a run comes to which has no failure: all but those behind a person, a date or a blocker."""
    schedule, found = Schedule(made), set()
    while steps := schedule.take():
        for step in steps:
            if step.mode is not Mode.MANUAL:
                found.add(step.id)
            if step.mode is Mode.AUTO:
                schedule.done(step.id)
    return frozenset(found)
