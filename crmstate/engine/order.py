"""What stands before a person's word that something is gone for good.

Whatever the plan orders before data or an account is destroyed, and is not done, is named: an archive that is not verified, the
freeze, the purge, the contract's end. What the vendor is only asked for in a contract (its end, its notice) loses no data, and has
no order here.
"""

from __future__ import annotations

from crmstate.core.address import Address, address, id_of, kind_of
from crmstate.core.contacts import ASKED
from crmstate.core.deadline import Dated
from crmstate.core.goal import ArchiveGoal, Desired
from crmstate.core.milestones import asked_on, milestones
from crmstate.core.order import Stage, earlier
from crmstate.core.plan import Plan, Step
from crmstate.core.planning.hands import ALL
from crmstate.core.record import Entry, State
from crmstate.core.words import Kind, Milestone, Outcome, Proof, Undo, Verb

STAGES = {Kind.DATASET: Stage.PURGE, Kind.BIN: Stage.BIN, Kind.ACCOUNT: Stage.ACCOUNT}
"""What takes data along for good, whoever does it, and where it stands."""
_FIRST = (Kind.ARCHIVE, Kind.FREEZE, Kind.DATASET, Kind.BIN, Kind.SUBSCRIPTION)
"""What is named first."""

_TAKEN = (Verb.ARCHIVE, Verb.VERIFY, Verb.DELTA)
Before = tuple[Verb, Address]


def final(step: Step | None, place: Address) -> bool:
    """Whether what a person says to be done here cannot be undone, and takes data along."""
    if kind_of(place) in STAGES:
        return True
    return step is not None and step.kind is Kind.MODULE and step.undo is Undo.NEVER


def not_done(
    place: Address, step: Step | None, plan: Plan | None, desired: Desired | None, state: State
) -> list[Before]:
    """What comes before it by the plan and is not done, each once: archives first, and the thing's own before others'."""
    if plan is None or not final(step, place):
        return []
    stage = step.stage if step is not None else STAGES[kind_of(place)].value
    stages, own = _all_before(stage, plan), place.partition("/")[2]
    found = {(each.verb, each.address) for each in plan.steps if each.stage in stages}
    found |= {(each.verb, each.address) for each in plan.blocked if each.stage in stages}
    if plan.offline and desired is not None:
        found |= set(_by_record(desired, state, plan.observed_at))

    def rank(each: Before) -> tuple[int, bool, str, bool, str]:
        head, _, id = each[1].partition("/")
        first = next((n for n, kind in enumerate(_FIRST) if kind.value == head), len(_FIRST))
        return first, id != own, each[1], each[0] is not Verb.VERIFY, each[0].value

    return sorted(found, key=rank)


def _all_before(stage: str, plan: Plan) -> set[str]:
    before, found, todo = earlier(plan.order), set[str](), [stage]
    while todo:
        fresh = before.get(todo.pop(), frozenset()) - found
        found |= fresh
        todo += fresh
    return found


def _by_record(desired: Desired, state: State, now: str) -> list[Before]:
    """The same where the vendor was not asked, and no plan speaks of data: by the record alone."""
    dates, found = milestones(desired, state, now), []
    if isinstance(desired.archive, ArchiveGoal) and not isinstance(dates[Milestone.ARCHIVE_VERIFIED.value], Dated):
        found.append((Verb.VERIFY, address(Kind.ARCHIVE, ALL)))
    freeze = dates[Milestone.FREEZE.value]
    if desired.freeze is not None and not (isinstance(freeze, Dated) and freeze.real):
        found.append((Verb.CONFIRM, address(Kind.FREEZE, "cutover")))
    return found


_EARLIER: dict[Kind, frozenset[tuple[Kind, Verb]]] = {
    Kind.DATASET: frozenset({(Kind.FREEZE, Verb.CONFIRM), *((Kind.ARCHIVE, verb) for verb in _TAKEN)}),
    Kind.BIN: frozenset({(Kind.DATASET, Verb.PURGE)}),
    Kind.CERTIFICATE: frozenset({(Kind.DATASET, Verb.PURGE), (Kind.BIN, Verb.EMPTY)}),
    Kind.ACCOUNT: frozenset({(Kind.DATASET, Verb.PURGE), (Kind.BIN, Verb.EMPTY), (Kind.SUBSCRIPTION, Verb.PROBE)}),
}
"""What has to be done before, by what is on record."""


def done_later(place: Address, verb: Verb, on: str, state: State) -> Entry | None:
    """What must come before it and is on record as done only after `on`: the last of it. None where all is well. A result comes
    after its request, a purge after the archive of its own dataset."""
    kind, found = kind_of(place), list[Entry]()
    for entry in state.entries.values():
        if entry.outcome is not Outcome.DONE or entry.at <= on or entry.proof is Proof.WAIVED:
            continue
        if entry.address == place and verb is Verb.PROBE and entry.verb in ASKED:
            found += [entry] if asked_on(state, entry) > on else []
        elif (kind_of(entry.address), entry.verb) in _EARLIER.get(kind, frozenset()):
            other = kind is Kind.DATASET and kind_of(entry.address) is Kind.ARCHIVE
            found += [entry] if not other or id_of(entry.address) == id_of(place) else []
    return max(found, key=lambda each: each.at, default=None)
