"""admit(): whether a plan may be applied here and now. Checked under the lock, before the first write."""

from __future__ import annotations

from crmstate.core.accepted import by_word
from crmstate.core.address import Address, address, id_of
from crmstate.core.contacts import ASKED
from crmstate.core.diagnostic import Problem, problem
from crmstate.core.milestones import GIVEN
from crmstate.core.order import Stage, earlier
from crmstate.core.plan import Plan
from crmstate.core.planning.draft import expired
from crmstate.core.planning.humans import TAKES
from crmstate.core.planning.notices import STAGE as NOTICES
from crmstate.core.record import State
from crmstate.core.words import Exit, Kind, Mode, Outcome, Verb


def admit(plan: Plan, state: State, given_id: str | None, tenant: str | None = None) -> None:
    """Raises Problem: hypothetical or for another state (5), with errors or without the id that the manifest asks for
    (3)."""
    if plan.hypothetical:
        raise problem(Exit.STALE, "CRM-E003")
    if plan.base.lineage != state.lineage and not _began_here(plan, state):
        raise problem(Exit.STALE, "CRM-E002", made=plan.base.lineage or "-", here=state.lineage or "-")
    if (state.provider and plan.provider != state.provider) or (state.tenant and plan.tenant != state.tenant):
        raise problem(
            Exit.STALE, "CRM-E016", made=f"{plan.provider} {plan.tenant}", here=f"{state.provider} {state.tenant}"
        )
    if tenant and plan.tenant != tenant:
        raise problem(Exit.STALE, "CRM-E016", made=plan.tenant, here=tenant)
    if given_id is not None and given_id != plan.plan_id:
        raise problem(Exit.STALE, "CRM-E004", given=given_id, actual=plan.plan_id)
    if plan.require_plan_id and given_id is None:
        raise problem(Exit.REFUSED, "CRM-E014", plan_id=plan.plan_id)
    if plan.errors:
        raise Problem(Exit.REFUSED, *plan.errors)
    _holds_stand(plan, state)
    _not_taken_back(plan, state)


def _holds_stand(plan: Plan, state: State) -> None:
    """A legal hold may have been recorded since the plan was made; what it protects is not destroyed by a plan from
    before it. Raises Problem (exit 3)."""
    for step in plan.steps if state.holds else ():
        named = not state.holds.keys().isdisjoint((id_of(step.address), step.label))
        everything = step.verb in (Verb.CLOSE, Verb.DISCARD) or step.why.code == "why.module.clears"
        if step.mode is Mode.AUTO and (everything or (named and (step.verb is Verb.PURGE or step.kind is Kind.BIN))):
            raise problem(Exit.REFUSED, "CRM-E019", address=step.address, holds=", ".join(sorted(state.holds)))


def _not_taken_back(plan: Plan, state: State) -> None:
    """What a plan asks a vendor for may have been asked for since, and taken back by somebody, and even asked for anew: then that is
    another act, which is not in the plan and was not approved with it. Raises Problem (exit 5)."""
    for step in plan.steps:
        entry = state.entries.get(step.id)
        if step.mode is not Mode.AUTO or step.verb not in ASKED or entry is None or entry.outcome is Outcome.DONE:
            continue
        if by_word(entry) or state.occurrence(step.address, step.verb) > step.occurrence:
            raise problem(Exit.STALE, "CRM-E033", address=step.address, at=entry.at)


def _began_here(plan: Plan, state: State) -> bool:
    """Whether the record has begun since this plan was made: by its approvals, or by a run of this very plan."""
    return not plan.base.lineage and (not state.entries or state.last_plan == plan.plan_id)


def gates_stand(plan: Plan, state: State, now: str) -> None:
    """A saved plan is a file: a gate that the order names (a person's step, the freeze, an open question) must still
    be in it, or be on record as passed, and not only waived until a time that is over. Raises Problem (exit 5)."""
    present = {step.stage for step in plan.steps} | {blocked.stage for blocked in plan.blocked}
    named = {stage for edge in plan.order for stage in edge if "/" in stage or stage == "open_questions"}
    if any(step.stage in TAKES and step.mode is Mode.AUTO for step in plan.steps):
        named.add(Stage.FREEZE.value)
    if (Stage.NOTICE.value, Stage.CANCEL.value) in plan.order:
        named.add(Stage.NOTICE.value)
    there = {step.id for step in plan.steps}
    for need in sorted({need for step in plan.steps for need in step.needs} - there):
        found = state.entries.get(need)
        if found is None or found.outcome is not Outcome.DONE or expired(found, now):
            raise problem(Exit.STALE, "CRM-E018", stage=need, plan_id=plan.plan_id)
    for stage in sorted(named - present - set(plan.excluded)):
        place = Address("freeze/cutover" if stage == Stage.FREEZE.value else stage)
        entry = state.latest(place, Verb.CONFIRM)
        if stage == Stage.NOTICE.value:
            entry = state.latest(GIVEN, Verb.REQUEST)
        head, _, name = stage.partition("/")
        if head == NOTICES:
            entry = state.latest(address(Kind.NOTICE, name), Verb.NOTIFY)
        if entry is None or entry.outcome is not Outcome.DONE or expired(entry, now):
            raise problem(Exit.STALE, "CRM-E018", stage=stage, plan_id=plan.plan_id)


def gates_kept(plan: Plan, fresh: Plan) -> None:
    """Whatever waits for a person or the vendor now, before something that a saved plan takes away, is in that plan as
    well: it was not taken out of the file, and what was proved or waived when it was made still is. Raises Problem (exit
    5)."""
    before = earlier({*plan.order, *fresh.order})
    todo, gates = [step.stage for step in plan.steps if step.mode is Mode.AUTO and step.stage in TAKES], set[str]()
    while todo:
        fresh_ones = before.get(todo.pop(), frozenset()) - gates
        gates |= fresh_ones
        todo += fresh_ones
    there = {step.id for step in plan.steps}
    for step in fresh.steps:
        if step.mode is not Mode.AUTO and step.stage in gates - set(plan.excluded) and step.id not in there:
            raise problem(Exit.STALE, "CRM-E018", stage=step.address, plan_id=plan.plan_id)
