"""confirm(): what a person reports becomes an event, if its proof is as strong as the step asks. It never claims more
than it is."""

from __future__ import annotations

from crmstate.core.address import Address
from crmstate.core.diagnostic import problem
from crmstate.core.event import Confirmed, Evidence, StepRef
from crmstate.core.plan import Plan, Step
from crmstate.core.record import Entry, State
from crmstate.core.schedule import awaited
from crmstate.core.words import PROOFS, Exit, Kind, Mode, Outcome, Proof, Verb


def confirmable(plan: Plan | None, state: State) -> list[Address]:
    """The addresses that a person may confirm now."""
    found = {step.address for step in _open(plan)}
    found |= {entry.address for entry in state.open().values()}
    return sorted(found)


def _open(plan: Plan | None) -> list[Step]:
    """The steps that a person's word can end: a person's own, what the vendor was asked for, the end of an archive that is
    not where it was, and a notice that was given in another way. Not the freeze, and not the
    end of our own keys: whoever confirms uses one of them."""
    if plan is None:
        return []
    due = awaited(plan)
    return [
        step
        for step in plan.steps
        if step.mode is Mode.MANUAL
        or step.verb in (Verb.DISCARD, Verb.NOTIFY)
        or (step.id in due and step.kind is not Kind.FREEZE and (step.kind, step.verb) != (Kind.API_KEY, Verb.PROBE))
    ]


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
) -> Confirmed:
    """The event of a confirmation. Raises Problem where nothing is to be confirmed there, or the proof is too weak."""
    step = next((each for each in _open(plan) if each.address == place), None)
    entry = next((each for each in state.open().items() if each[1].address == place), None)
    if step is None and entry is None:
        done = any(each.address == place and each.outcome is Outcome.DONE for each in state.entries.values())
        raise problem(
            Exit.REFUSED,
            "CRM-C009" if done else "CRM-C006",
            text=place,
            near=", ".join(confirmable(plan, state)[:5]) or "-",
        )
    need = step.proof if step is not None and step.proof is not None else Proof.ATTESTED
    if proof is not Proof.WAIVED and PROOFS.index(proof) > PROOFS.index(need):
        raise problem(Exit.REFUSED, "CRM-C008", address=place, given=proof.value, required=need.value)
    if proof is Proof.OBSERVED:
        raise problem(Exit.REFUSED, "CRM-C008", address=place, given=proof.value, required=need.value)
    if proof is Proof.WAIVED and (not note or expires is None):
        raise problem(Exit.USAGE, "CRM-C015", address=place)
    if step is not None and step.files and not evidence and proof is not Proof.WAIVED:
        raise problem(Exit.REFUSED, "CRM-C007", address=place, path="-", why="missing")
    return Confirmed(at, _ref(step, entry), by, proof, note, evidence, expires)


def _ref(step: Step | None, entry: tuple[str, Entry] | None) -> StepRef:
    if step is not None:
        own = step.stage in ("own", "account")
        return StepRef(step.id, step.address, step.verb, step.undo, step.label, step.occurrence, own)
    assert entry is not None
    key, found = entry
    return StepRef(key, found.address, found.verb, found.undo, found.label, found.occurrence, found.own)
