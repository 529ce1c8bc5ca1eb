"""advance(state, event): the one place where events become state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from crmstate.core import accepted
from crmstate.core import event as events
from crmstate.core.contacts import ASKED, asks, proves, told_key
from crmstate.core.event import AnyEvent, Settlement, StepRef
from crmstate.core.record import Approval, Entry, Hold, State, Told, Watch
from crmstate.core.words import Fate, Outcome, Proof, Verb


def fold(name: str, history: Iterable[AnyEvent]) -> State:
    """The state that a history of events gives. A `Restored` event is resolved by the store, which knows chunk
    numbers."""
    state = State(name)
    for event in history:
        advance(state, event)
    return state


def advance(state: State, event: AnyEvent) -> State:
    """Folds one event into `state`, which the caller owns, and returns it."""
    state.format = max(state.format, events.format_of(event))
    FOLDS[type(event)](state, event)
    return state


def _created(state: State, event: events.Created) -> None:
    state.name, state.lineage = event.name, event.lineage
    state.provider, state.tenant = event.provider, event.tenant


def _started(state: State, event: events.Started) -> None:
    state.last_run, state.last_plan, state.last_exit = event.run, event.plan_id, None


def _finished(state: State, event: events.Finished) -> None:
    state.last_exit = event.exit


def _observed(state: State, event: events.Observed) -> None:
    state.verified_at = event.at


def _repaired(state: State, event: events.Repaired) -> None:
    state.mended = True  # who was told of a notice that the record no longer knows
    for told in state.told.values():
        told.gap = True
    for key in event.unknown:
        if key in state.entries:
            state.entries[key].outcome = Outcome.UNKNOWN
            state.entries[key].at = event.at


def _intended(state: State, event: events.Intended) -> None:
    for ref in event.steps:
        _intend(state, ref, event.at)


def _settled(state: State, event: events.Settled) -> None:
    for result in event.results:
        _settle(state, result, event.at)


def _advanced(state: State, event: events.Advanced) -> None:
    entry = state.entries.get(event.step)
    if entry is not None:
        entry.position, entry.rows, entry.at = event.position, event.rows, event.at
        entry.promised = event.promised


def _reopened(state: State, event: events.Reopened) -> None:
    for key in event.steps:
        if key in state.entries:
            state.entries[key].outcome, state.entries[key].code = Outcome.FAILED, "not_sent"


def _intend(state: State, ref: StepRef, at: str) -> None:
    entry = state.entries.get(ref.id)
    if entry is None:
        state.entries[ref.id] = Entry(
            ref.address,
            ref.verb,
            ref.undo,
            Outcome.INTENDED,
            at,
            label=ref.label,
            occurrence=ref.occurrence,
            since=at,
            own=ref.own,
        )
    else:
        entry.outcome, entry.at, entry.code, entry.summary = Outcome.INTENDED, at, None, ""
        entry.proof, entry.until, entry.expires, entry.contact = Proof.NONE, None, None, ""
        entry.told, entry.out_of_order, entry.ahead_of, entry.prior = None, "", (), None


def _settle(state: State, result: Settlement, at: str) -> None:
    entry = state.entries.get(result.id)
    if entry is None:
        return
    entry.outcome, entry.proof, entry.at = result.outcome, result.proof, at
    entry.code, entry.summary, entry.until = result.code, result.summary, result.until
    if result.phase is not None:
        entry.phase = result.phase
    if result.request_id is not None:
        entry.request_id = result.request_id
    if result.rows is not None:
        entry.rows = result.rows
    if result.evidence:
        entry.evidence = result.evidence


def _addressed(state: State, event: events.Addressed) -> None:
    told = state.told.setdefault(event.notice, Told())
    told.channel, told.key, told.count = event.channel, event.key, event.count
    told.gap = False  # somebody has decided
    told.rejected, told.repeated, told.opted_out = event.rejected, event.repeated, event.opted_out


def _sending(state: State, event: events.Sending) -> None:
    told = state.told.setdefault(event.notice, Told())
    told.fates.update(dict.fromkeys(event.to, Fate.SENDING))
    told.again.update({mark: event.at for mark in event.to if mark in told.back})


def _answered(state: State, event: events.Answered) -> None:
    fates = state.told.setdefault(event.notice, Told()).fates
    fates.update({each.to: each.fate for each in event.results})


def _bounced(state: State, event: events.Bounced) -> None:
    """What came back was not delivered. A notice that nobody has got is not given, whatever the server had said; one of whose
    messages nothing is unknown any more is."""
    told = state.told.setdefault(event.notice, Told())
    told.fates.update(dict.fromkeys(event.to, Fate.BOUNCED))
    told.back.update({mark: told.back.get(mark, 0) + 1 for mark in event.to})
    told.reports += (event.sha256,)
    entry, delivered = state.latest(event.notice, Verb.NOTIFY), told.number(Fate.DELIVERED)
    if entry is None or entry.proof is Proof.WAIVED:
        return
    if entry.outcome is Outcome.DONE and entry.proof is Proof.ACKNOWLEDGED and not entry.by:
        entry.rows = delivered
        if not delivered:
            entry.outcome, entry.proof, entry.code, entry.at = Outcome.FAILED, Proof.NONE, "bounced", event.at
    elif entry.outcome is Outcome.UNKNOWN and delivered and not told.number(Fate.UNKNOWN, Fate.SENDING):
        entry.outcome, entry.proof, entry.rows, entry.at = Outcome.DONE, Proof.ACKNOWLEDGED, delivered, event.at


def _watched(state: State, event: events.Watched) -> None:
    known = state.watch or Watch(first=event.at)
    known.rounds += 1
    known.last, known.outcome, known.sights = event.at, event.outcome, event.sights
    if event.outcome == "unknown":
        known.unknown += 1
    elif event.outcome == "back":
        known.back, known.back_at = known.back + 1, event.at
    state.watch = known


def _confirmed(state: State, event: events.Confirmed) -> None:
    """What corrects an earlier word on the same step stands for it, with that one's papers as well as its own."""
    known = state.entries.get(event.step.id)
    prior = msgspec.structs.replace(known) if known is not None else None
    was = prior if prior is not None and prior.word and event.proof is not Proof.WAIVED else None
    when = event.on or event.at
    _intend(state, event.step, when)
    entry = state.entries[event.step.id]
    entry.outcome, entry.proof, entry.by, entry.expires = Outcome.DONE, event.proof, event.by, event.expires
    entry.summary, entry.evidence, entry.contact = event.note, event.evidence, event.contact
    entry.out_of_order, entry.ahead_of, entry.prior = event.out_of_order, event.ahead_of, prior
    entry.told = event.at if event.on else None
    if event.on and prior is not None:
        entry.since = when if was is not None and was.since == was.at else min(prior.since or when, when)
    if was is not None:
        entry.summary, entry.contact = event.note or was.summary, event.contact or was.contact
        new = {each.sha256 for each in event.evidence}
        entry.evidence = (*event.evidence, *(each for each in was.evidence if each.sha256 not in new))
        if was.out_of_order and not event.out_of_order:
            entry.out_of_order, entry.ahead_of = was.out_of_order, was.ahead_of
    if event.proof is Proof.NONE:
        entry.outcome = Outcome.REQUESTED


def _retracted(state: State, event: events.Retracted) -> None:
    entry = state.entries.get(event.step)
    if entry is not None and entry.prior is not None:
        state.entries[event.step] = entry.prior
    else:
        state.entries.pop(event.step, None)


def _taken_back(state: State, event: events.TakenBack) -> None:
    """As a withdrawal that the vendor shows, but by somebody's word."""
    entry = state.entries.get(event.step)
    if entry is None:
        return
    entry.outcome, entry.proof, entry.code, entry.at = Outcome.FAILED, Proof.NONE, accepted.WITHDRAWN, event.at
    entry.by, entry.summary, entry.until, entry.contact = event.by, event.note, None, event.contact
    entry.evidence += event.evidence


def _contacted(state: State, event: events.Contacted) -> None:
    """An entry is never changed. What it proved stands on the one that corrects it, or is open again where that one says
    something else."""
    state.contacts[event.id] = event
    for entry in state.entries.values() if event.corrects else ():
        if entry.contact != event.corrects or entry.outcome is not Outcome.DONE:
            continue
        request = asks(state.contacts.get(event.corrects), entry.address) and asks(event, entry.address)
        if proves(event, entry.address) or request:
            entry.contact = event.id
        elif entry.verb in ASKED and _by_word_alone(entry):
            _never_asked(entry, event)
        else:
            entry.outcome, entry.proof, entry.contact = Outcome.REQUESTED, Proof.NONE, ""
            entry.at = event.at


def _by_word_alone(entry: Entry) -> bool:
    """Whether what the vendor is asked for was asked for by a person, and crmstate itself sent nothing."""
    return entry.since == entry.at and entry.phase is None and entry.request_id is None


def _never_asked(entry: Entry, event: events.Contacted) -> None:
    """Nothing shows any more that the vendor was asked: it is not waited for, but to be asked for. Where it was the request
    that the vendor was said to have acknowledged, it was asked for all the same."""
    if asks(event, entry.address):
        entry.proof, entry.contact = Proof.ATTESTED, event.id
        return
    entry.outcome, entry.proof, entry.code = Outcome.FAILED, Proof.NONE, "not_sent"
    entry.contact, entry.by, entry.at = "", "", event.at


def _reminded(state: State, event: events.Reminded) -> None:
    state.reminded[told_key(event.step, event.what, event.due)] = event.at


def _approved(state: State, event: events.Approved) -> None:
    state.approvals += (Approval(event.digest, event.by, event.at, event.source),)


def _held(state: State, event: events.Held) -> None:
    state.holds.setdefault(event.dataset, Hold(event.by, event.at, event.why))


def _released(state: State, event: events.Released) -> None:
    state.holds.pop(event.dataset, None)


def _claimed(state: State, event: events.Claimed) -> None:
    state.claims += (event,)


def _struck(state: State, event: events.Struck) -> None:
    state.struck += (event,)


def _examined(state: State, event: events.Examined) -> None:
    state.examined += (event,)


def _compared(state: State, event: events.Compared) -> None:
    state.compared = {**state.compared, event.dataset: event}


def _remarked(state: State, event: events.Remarked) -> None:
    state.remarks += (event,)


def _left(state: State, event: events.Event) -> None:
    """Nothing: the store resolves it, or it only leaves a trace."""


FOLDS: dict[type[events.Event], Callable[[State, Any], None]] = {
    events.Created: _created,
    events.Started: _started,
    events.Finished: _finished,
    events.Observed: _observed,
    events.Repaired: _repaired,
    events.Intended: _intended,
    events.Settled: _settled,
    events.Advanced: _advanced,
    events.Reopened: _reopened,
    events.Addressed: _addressed,
    events.Sending: _sending,
    events.Answered: _answered,
    events.Bounced: _bounced,
    events.Confirmed: _confirmed,
    events.Contacted: _contacted,
    events.Reminded: _reminded,
    events.Approved: _approved,
    events.Held: _held,
    events.Released: _released,
    events.Claimed: _claimed,
    events.Struck: _struck,
    events.Examined: _examined,
    events.Compared: _compared,
    events.Remarked: _remarked,
    events.Watched: _watched,
    events.TakenBack: _taken_back,
    events.Retracted: _retracted,
    events.Restored: _left,
    events.Unlocked: _left,
}
"""What becomes of each event: every one of `AnyEvent` stands here."""
