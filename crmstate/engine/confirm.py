"""confirm(): what a person reports becomes an event, if its proof is as strong as the step asks. It never claims more
than it is: a document, or the vendor's word, has to be there; and that something was asked for is no proof that it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from crmstate.core.accepted import WITHDRAWN
from crmstate.core.address import Address, kind_of
from crmstate.core.contacts import ASKED, asks, corrected, proves, standing
from crmstate.core.diagnostic import Problem, diagnostic, problem
from crmstate.core.event import Confirmed, Contacted, Evidence, Retracted, StepRef, TakenBack
from crmstate.core.goal import Desired
from crmstate.core.milestones import GIVEN
from crmstate.core.plan import Plan, Step
from crmstate.core.planning.draft import expired
from crmstate.core.planning.hands import RESULTS
from crmstate.core.provider import Provider
from crmstate.core.record import Entry, State, step_id
from crmstate.core.schedule import awaited
from crmstate.core.words import PROOFS, Exit, How, Kind, Mode, Outcome, Phase, Proof, Verb
from crmstate.engine.order import Before, done_later, final, not_done

_VENDORS = frozenset({Kind.SUBSCRIPTION, Kind.ACCOUNT, Kind.DATASET})
"""What a vendor is asked to end, and may not: its end is read back, or certified."""


NAMED = 6
"""So many of the things that come first are named, one of each kind,"""
KEPT = 50
"""and so many kept on record."""


def confirmable(plan: Plan | None, state: State) -> list[Address]:
    """The addresses that a person may confirm now."""
    found = {step.address for step in _open(plan)}
    found |= {entry.address for entry in _loose(state).values()}
    return sorted(found)


def _open(plan: Plan | None, asked: bool = False) -> list[Step]:
    """The steps that a person's word can end: a person's own, what the vendor was asked for, the end of an archive that is
    not where it was, and a notice that was given in another way. Not the freeze, and not the end of our own keys: whoever
    confirms uses one of them. A result that waits for its request comes after it. `asked`: also what crmstate would ask the
    vendor for itself, where a person has done that."""
    if plan is None:
        return []
    due = awaited(plan)
    found = [
        step
        for step in plan.steps
        if step.mode is Mode.MANUAL
        or step.verb in (Verb.DISCARD, Verb.NOTIFY)
        or (asked and _asks(step))
        or (step.id in due and step.kind is not Kind.FREEZE and (step.kind, step.verb) != (Kind.API_KEY, Verb.PROBE))
    ]
    return sorted(found, key=lambda step: step.verb is Verb.PROBE)


def _asks(step: Step) -> bool:
    """Whether it asks the vendor for an end, which somebody may have asked for by hand."""
    return step.mode is Mode.AUTO and step.kind in RESULTS and step.verb in ASKED


def _loose(state: State) -> dict[str, Entry]:
    """What is open on record and not our own work: an archive is read back, whatever anybody says."""
    return {
        key: entry
        for key, entry in state.open().items()
        if kind_of(entry.address) is not Kind.ARCHIVE or entry.verb in (Verb.CONFIRM, Verb.DISCARD)
    }


def confirm(
    place: Address,
    plan: Plan | None,
    state: State,
    *,
    at: str,
    by: str,
    proof: Proof,
    note: str = "",
    evidence: tuple[Evidence, ...] = (),
    expires: str | None = None,
    contact: str = "",
    provider: Provider | None = None,
    desired: Desired | None = None,
    out_of_order: str | None = None,
    on: str = "",
) -> Confirmed:
    """The event of a confirmation. `contact`: the entry of the contact log in which the vendor says so. `provider`: whose
    table says what takes our access along. `out_of_order`: why something is gone for good although what comes before it is
    not done. `on`: when it was done (ISO 8601 UTC), where that is said; so an earlier word on the same step is corrected, as by a
    better proof. Raises Problem where nothing is to be confirmed there, the proof is too weak, what proves it is not there, or
    its turn has not come."""
    step = next((each for each in _open(plan, asked=proof is not Proof.WAIVED) if each.address == place), None)
    entry = next((each for each in _loose(state).items() if each[1].address == place), None)
    if on > at:
        raise problem(Exit.USAGE, "CRM-C163", address=place, on=on, at=at)
    was = earlier_word(place, plan, state) if step is None and entry is None else None
    if was is not None:
        found = _correction(was, state, at=at, by=by, proof=proof, note=note, evidence=evidence, contact=contact, on=on)
        if found is not None:
            return found
    if step is None and entry is None:
        done = any(
            each.address == place and each.outcome is Outcome.DONE and not expired(each, at)
            for each in state.entries.values()
        )
        raise _nothing_there(place, plan, state, at, done=done)
    if proof is Proof.WAIVED:
        _waivable(place, note, expires, at)
    else:
        _proved(place, proof, needed(step, entry[1] if entry is not None else None, provider))
        if step is not None and step.not_before is not None and step.not_before > at:
            raise problem(Exit.REFUSED, "CRM-C070", address=place, at=step.not_before)
        if step is not None and step.verb is Verb.EVALUATE and step.deadline is None:
            raise problem(Exit.REFUSED, "CRM-C082", address=place)  # what it looks back at has not ended
        if contact:
            _says_so(place, state, contact, request=proof is Proof.ATTESTED and step is not None and step.verb in ASKED)
        shown = bool(evidence or _papers(state, contact))
        if step is not None and _asks(step) and not (shown or contact):
            raise problem(Exit.REFUSED, "CRM-C089", address=place)
        if step is not None and step.files and not shown:
            raise problem(Exit.REFUSED, "CRM-C170", address=place)
        if proof is Proof.CERTIFIED and not evidence:
            raise problem(Exit.REFUSED, "CRM-C071", address=place)
        if proof is Proof.ACKNOWLEDGED and not (evidence or contact):
            raise problem(Exit.REFUSED, "CRM-C072", address=place)
    open_ones = [] if proof is Proof.WAIVED else not_done(place, step, plan, desired, state)
    verb = step.verb if step is not None else entry[1].verb if entry is not None else Verb.CONFIRM
    later = done_later(place, verb, on, state) if on else None
    if later is not None and final(step, place) and out_of_order is not None:
        open_ones.append((later.verb, later.address))
    else:
        _in_turn(place, on, later)
    if open_ones and out_of_order is None:
        raise _too_early(place, open_ones)
    why = (out_of_order or "") if open_ones else ""
    if open_ones and not why.strip():
        raise problem(Exit.USAGE, "CRM-C161", address=place)
    ahead_of = tuple(dict.fromkeys(each for _, each in open_ones))[:KEPT]
    ref = _ref(step, entry, provider)
    return Confirmed(at, ref, by, proof, note, evidence, expires, contact, on, why, ahead_of)


def _nothing_there(place: Address, plan: Plan | None, state: State, at: str, *, done: bool) -> Problem:
    """That nothing is to be confirmed there: since it is done, since its day is to come, or since something else was meant."""
    there = confirmable(plan, state)
    days = [each.at for each in plan.deadlines if each.address == place and each.at > at] if plan is not None else []
    if days and not done and kind_of(place) is Kind.EVALUATION:
        return problem(Exit.REFUSED, "CRM-C070", address=place, at=min(days))
    known = {*there, *(step.address for step in plan.steps)} if plan is not None else set(there)
    meant = get_close_matches(place, sorted(known - {place}), n=1, cutoff=0.85)
    if meant and not done:
        return problem(Exit.REFUSED, "CRM-C169", text=place, meant=meant[0])
    return problem(Exit.REFUSED, "CRM-C009" if done else "CRM-C006", text=place, near=", ".join(there[:5]) or "-")


def earlier_word(place: Address, plan: Plan | None, state: State) -> Entry | None:
    """What a person has said of an address at which nothing more is to be confirmed: it may be corrected. The last of it."""
    if any(step.address == place for step in _open(plan)) or any(
        each.address == place for each in _loose(state).values()
    ):
        return None
    return _last_word(place, state)


def _last_word(place: Address, state: State) -> Entry | None:
    """The last thing that a person said of an address, of no earlier time that it was done than the last."""
    found = [
        each
        for each in state.entries.values()
        if each.address == place and each.word and each is state.latest(place, each.verb)
    ]
    return max(found, key=lambda each: (each.told or each.at, each.verb is Verb.PROBE), default=None)


def _correction(
    was: Entry,
    state: State,
    *,
    at: str,
    by: str,
    proof: Proof,
    note: str,
    evidence: tuple[Evidence, ...],
    contact: str,
    on: str,
) -> Confirmed | None:
    """The event that stands for an earlier word from now on: by another day, or a better proof. None where it says nothing
    new. Raises Problem where it proves less than that one."""
    better = PROOFS.index(proof) < PROOFS.index(was.proof)
    said = _says_so(was.address, state, contact) if contact else None
    if proof is Proof.WAIVED or not (
        better or (on and (on != was.at or was.told is None)) or (said is not None and contact != was.contact)
    ):
        return None
    _proved(was.address, proof, was.proof)
    if better and not (evidence or (contact and proof is not Proof.CERTIFIED)):
        raise problem(Exit.REFUSED, "CRM-C071" if proof is Proof.CERTIFIED else "CRM-C072", address=was.address)
    if not (evidence or contact or note.strip()):
        raise problem(Exit.USAGE, "CRM-C165", address=was.address)
    when = on or (min(was.at, said.when) if said is not None else was.at)
    _in_turn(was.address, when, done_later(was.address, was.verb, when, state))
    key = step_id(was.address, was.verb, was.occurrence)
    ref = StepRef(key, was.address, was.verb, was.undo, was.label, was.occurrence, was.own)
    return Confirmed(at, ref, by, proof, note, evidence, None, contact, when)


def _in_turn(place: Address, on: str, later: Entry | None) -> None:
    """Raises Problem where it is said to have been done before what must come first."""
    if later is not None:
        verb = later.verb.value
        raise problem(Exit.REFUSED, "CRM-C164", address=place, on=on, first=later.address, verb=verb, done=later.at)


def retract(place: Address, state: State, *, at: str, by: str, note: str) -> Retracted:
    """The event that takes back a person's own word, which was a slip. Raises Problem where no such word stands, or nobody says
    why."""
    waived = [each for each in state.entries.values() if each.address == place and each.proof is Proof.WAIVED]
    found = _last_word(place, state) or next((each for each in waived if each is state.latest(place, each.verb)), None)
    if found is None:
        raise problem(Exit.REFUSED, "CRM-C166", address=place)
    if not note.strip():
        raise problem(Exit.USAGE, "CRM-C167", address=place)
    key = step_id(place, found.verb, found.occurrence)
    return Retracted(at=at, step=key, address=place, verb=found.verb, by=by, note=note)


def _too_early(place: Address, open_ones: Sequence[Before]) -> Problem:
    """That it is not its turn, with what is."""
    first = diagnostic("CRM-C160", address=place, n=len(open_ones))
    one_each = {
        kind_of(each): (verb, each) for verb, each in reversed(open_ones) if each.partition("/")[0] in set(Kind)
    }
    shown = [each for each in open_ones if each in one_each.values()] or list(open_ones)
    named = [diagnostic("CRM-C162", address=each, verb=verb.value) for verb, each in shown[:NAMED]]
    return Problem(Exit.REFUSED, first, *named)


def needed(step: Step | None, entry: Entry | None, provider: Provider | None = None) -> Proof:
    """The weakest proof that ends a step: what it asks for; the vendor's document where the vendor was asked for an end and
    nobody has seen it."""
    if step is not None and step.proof is not None:
        return step.proof
    if step is not None and step.mode is Mode.WAIT:
        return Proof.CERTIFIED if step.kind in _VENDORS else Proof.ATTESTED
    if entry is None:
        return Proof.ATTESTED
    kind = kind_of(entry.address)
    cell = provider.cell(kind, entry.verb) if provider is not None else None
    by_hand = cell is not None and cell.how is How.MANUAL  # open is the request itself
    asked = kind in _VENDORS and entry.outcome is Outcome.REQUESTED and not by_hand
    return Proof.CERTIFIED if asked or kind is Kind.CERTIFICATE else Proof.ATTESTED


def _waivable(place: Address, note: str, expires: str | None, at: str) -> None:
    if not note.strip() or expires is None:
        raise problem(Exit.USAGE, "CRM-C015", address=place)
    if expires <= at:
        raise problem(Exit.USAGE, "CRM-C073", address=place, expires=expires)


def _proved(place: Address, proof: Proof, need: Proof) -> None:
    if proof is Proof.OBSERVED or PROOFS.index(proof) > PROOFS.index(need):
        raise problem(Exit.REFUSED, "CRM-C008", address=place, given=proof.value, required=need.value)


def _says_so(place: Address, state: State, id: str, *, request: bool = False) -> Contacted:
    """The contact that is to prove a step. `request`: it may be the one in which the vendor was asked. Raises Problem where
    there is none, or it says something else."""
    found = state.contacts.get(id)
    if found is None:
        raise problem(Exit.USAGE, "CRM-C074", id=id, known=", ".join(list(state.contacts)[-5:]) or "-")
    if (later := corrected(state.contacts).get(id)) is not None:
        raise problem(Exit.REFUSED, "CRM-C075", id=id, later=later)
    if not (proves(found, place) or (request and asks(found, place))):
        about = ", ".join(found.steps) or "-"
        raise problem(Exit.REFUSED, "CRM-C076", address=place, id=id, what=found.kind.value, about=about)
    if proves(found, place) and (asked := _first_asked(place, state)) is not None and found.when < asked:
        raise problem(Exit.REFUSED, "CRM-C168", address=place, id=id, when=found.when, asked=asked)
    return found


def _first_asked(place: Address, state: State) -> str | None:
    """When the vendor was first asked for something, by the contact log; None where no entry says so."""
    return min((each.when for each in standing(state.contacts) if asks(each, place)), default=None)


def _papers(state: State, id: str) -> tuple[Evidence, ...]:
    found = state.contacts.get(id)
    return found.attachments if found is not None else ()


def _ref(step: Step | None, entry: tuple[str, Entry] | None, provider: Provider | None) -> StepRef:
    if step is not None:
        cell = provider.cell(step.kind, step.verb) if provider is not None else None
        own = step.stage in ("own", "account") or (cell is not None and "ends_api" in cell.attributes)
        return StepRef(step.id, step.address, step.verb, step.undo, step.label, step.occurrence, own)
    assert entry is not None
    key, found = entry
    return StepRef(key, found.address, found.verb, found.undo, found.label, found.occurrence, found.own)


def take_back(
    place: Address, state: State, *, at: str, by: str, note: str, evidence: tuple[Evidence, ...] = (), contact: str = ""
) -> TakenBack:
    """The event of a withdrawal: what the vendor was asked for last is asked for no more. Raises Problem where nothing was asked
    for there, it has ended since, or nobody says why."""
    verbs = (Verb.REQUEST,) if place == GIVEN else tuple(sorted(ASKED))
    found = [entry for verb in verbs if (entry := state.latest(place, verb)) is not None]
    standing = [each for each in found if each.outcome is not Outcome.FAILED and each.proof is not Proof.WAIVED]
    last = max(standing, key=lambda each: each.since or each.at, default=None)
    if last is None:
        raise problem(
            Exit.REFUSED, "CRM-C087" if any(each.code == WITHDRAWN for each in found) else "CRM-C088", address=place
        )
    seen = state.latest(place, Verb.PROBE)
    ended = seen is not None and seen.outcome is Outcome.DONE and seen.at >= (last.since or last.at)
    if ended or (last.proof is Proof.OBSERVED and last.phase is Phase.ABSENT):
        raise problem(Exit.REFUSED, "CRM-C085", address=place)
    if not note.strip():
        raise problem(Exit.USAGE, "CRM-C086", address=place)
    if contact and contact not in state.contacts:
        raise problem(Exit.USAGE, "CRM-C074", id=contact, known=", ".join(list(state.contacts)[-5:]) or "-")
    key = step_id(place, last.verb, last.occurrence)
    return TakenBack(
        at=at, step=key, address=place, verb=last.verb, by=by, note=note, evidence=evidence, contact=contact
    )
