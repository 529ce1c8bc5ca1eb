"""plan(desired, observed, recorded): the pure function that everything else serves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

from crmstate.core.address import address, kind_of
from crmstate.core.audience import Audience
from crmstate.core.contacts import spoken
from crmstate.core.cost import Cost, cost
from crmstate.core.course import moving_out, shown
from crmstate.core.goal import Desired, spoken_of
from crmstate.core.law import Applied, Law
from crmstate.core.life import Beside, Life, life
from crmstate.core.order import cycle, earlier, precedence
from crmstate.core.plan import (
    FORMAT_VERSION,
    Base,
    Blocked,
    Deadline,
    Estimate,
    Plan,
    Step,
    Summary,
    approval_digest,
    plan_digest,
    sort_key,
)
from crmstate.core.planning.access import access
from crmstate.core.planning.afterwards import replacement, review, settlement
from crmstate.core.planning.contract import account, subscription
from crmstate.core.planning.contract import by_word as contract_by_word
from crmstate.core.planning.data import by_word as archive_by_word
from crmstate.core.planning.data import certificate, data
from crmstate.core.planning.dates import freeze_in_time, give_notice, term_runs
from crmstate.core.planning.doubts import doubts
from crmstate.core.planning.draft import Draft
from crmstate.core.planning.encrypted import encryption
from crmstate.core.planning.estimate import estimate
from crmstate.core.planning.freezing import said_of_freeze
from crmstate.core.planning.humans import freeze, modules, people, questions, unsupported
from crmstate.core.planning.notices import notices
from crmstate.core.planning.retention import retention
from crmstate.core.planning.timeline import all_dates, legal
from crmstate.core.provider import Provider
from crmstate.core.record import State
from crmstate.core.reminders import late
from crmstate.core.safeguard import approvals_needed, guard
from crmstate.core.schedule import Schedule
from crmstate.core.settling import lines as claims
from crmstate.core.survey import DatasetFacts, Survey
from crmstate.core.words import Kind, Mode, Outcome, Proof, Severity, Verb


def plan(
    desired: Desired,
    observed: Survey,
    recorded: State,
    provider: Provider,
    *,
    manifest: str = "",
    hypothetical: bool = False,
    target: Collection[str] = (),
    exclude: Collection[str] = (),
    sealed: str | None = None,
    offline: bool = False,
    by_word: bool = False,
    lock: tuple[str, ...] | None = None,
    views: Mapping[str, int] | None = None,
    laws: Sequence[Law] = (),
    audiences: Collection[Audience] = (),
    resend: bool = False,
) -> Plan:
    """The difference between what is wanted and what is, with respect to what was done. Raises nothing: what is wrong
    is in the plan.

    `target` and `exclude`: address patterns (`user/u7`, `session/*`). A target brings along what must come before it;
    what needs something excluded goes with it. `sealed`: our own access is gone by our own, proved act, or `offline`: the
    vendor was not asked. Then nothing is planned but what the archive itself asks for, and after a proved end what people
    and the vendor's papers still owe; `by_word` brings that along offline as well, for who confirms, never for who applies:
    whether its turn has come only the vendor can tell. `lock`: the fingerprints of those
    whom the archive that lies at its location is encrypted to, none of them for a plain one; None where that is not known.
    `views`: the bytes of the copies beside each dataset of the archive; None where they were not looked at.
    `laws`: the rules of law that the manifest's regimes name.
    `audiences`: to whom the notices go that are not sent yet. `resend`: messages whose answer was lost are sent again.
    """
    draft = Draft(desired, observed, recorded, provider, lock)
    draft.views = views
    told = {each.notice: each for each in audiences}
    if sealed is None and not offline:
        _with_the_vendor(draft, told, resend)
    else:
        _without_the_vendor(draft, told, resend, offline=offline, by_word=by_word)
    encryption(draft)
    edges = _order(draft)
    steps, left_out = _selected(tuple(sorted(draft.steps, key=sort_key)), edges, target, exclude)
    steps = _spoken(steps, recorded)
    steps, draft.blocked = said_of_freeze(steps, draft.blocked, edges, observed.taken_at)
    _overdue(draft, steps)
    _overtaken(draft)
    _unconfirmed(draft, steps)
    made = msgspec.structs.replace(
        _written(draft, steps, edges, laws, audiences),
        manifest=manifest,
        hypothetical=hypothetical,
        sealed=sealed,
        excluded=left_out,
        offline=offline,
    )
    return _summed(made, draft)


def _order(draft: Draft) -> tuple[tuple[str, str], ...]:
    """What comes before what, by the rules and by the manifest; a circle is reported."""
    edges = tuple(sorted({(rule.before, rule.after) for rule in precedence(draft.attributes)} | set(draft.edges)))
    found = cycle(edges)
    if found:
        draft.report("CRM-P040", stages=" -> ".join([*found, found[0]]))
    return edges


def _written(
    draft: Draft,
    steps: tuple[Step, ...],
    edges: tuple[tuple[str, str], ...],
    laws: Sequence[Law],
    audiences: Collection[Audience],
) -> Plan:
    """The plan of these steps: what they are bound to, what stands beside them, where the contract stands and what it costs."""
    desired, observed, recorded, provider = draft.desired, draft.survey, draft.state, draft.provider
    blocked = tuple(sorted(draft.blocked, key=sort_key))
    applied = legal(desired, draft.dated, observed.taken_at, laws)
    draft.days = moving_out(draft.days, applied)
    stands = life(desired, observed, draft.dated, draft.days, desired.vendor or provider.title)
    return Plan(
        format_version=FORMAT_VERSION,
        plan_id=plan_digest(desired.digest, observed.tenant, steps, edges, blocked, _errors(draft)),
        name=desired.name,
        manifest="",
        digest=desired.digest,
        provider=provider.name,
        tenant=observed.tenant,
        base=Base(recorded.lineage, recorded.serial),
        observed_at=observed.taken_at,
        steps=steps,
        order=edges,
        approval=approval_digest(steps),
        summary=Summary(),
        blocked=blocked,
        diagnostics=tuple(draft.diagnostics),
        complete=tuple(sorted(observed.complete)),
        estimate=estimate(steps, provider, _counts(draft)) if provider.credential else Estimate(),
        approvals_needed=approvals_needed(desired, steps),
        require_plan_id=desired.safeguards.require_plan_id,
        deadlines=_deadlines(draft, applied),
        life=stands,
        cost=_costs(draft, stands),
        notices=_to_show(audiences, steps, blocked),
        vendor=desired.vendor,
    )


def _costs(draft: Draft, stands: Life | None) -> Cost | None:
    """What the end costs, as things stand."""
    paused = stands is not None and stands.beside(Beside.PAUSED) is not None
    return cost(
        draft.desired.contract,
        draft.desired.subscription,
        shown(draft.survey),
        draft.days,
        paused=paused,
        rested=paused or _rested(draft.state),
        claims=claims(draft.state),
    )


def _rested(state: State) -> bool:
    """Whether a pause of the subscription is on record as done."""
    return any(
        entry.verb is Verb.PAUSE and kind_of(entry.address) is Kind.SUBSCRIPTION and entry.outcome is Outcome.DONE
        for entry in state.entries.values()
    )


_PARTS = (
    subscription,
    access,
    modules,
    data,
    account,
    people,
    term_runs,
    freeze_in_time,
    doubts,
    give_notice,
    replacement,
    unsupported,
    settlement,
    review,
    freeze,
    retention,
    questions,
)
"""What a whole plan is drafted by, in this order."""


def _with_the_vendor(draft: Draft, told: dict[str, Audience], resend: bool) -> None:
    """Everything, by what the vendor shows now."""
    for part in _PARTS:
        part(draft)
    notices(draft, told, resend)
    guard(draft)
    _clocks(draft)


def _without_the_vendor(draft: Draft, told: dict[str, Audience], resend: bool, *, offline: bool, by_word: bool) -> None:
    """What the archive asks for, and what people and papers still owe; who is told of the end by mail or in a chat is told
    without the vendor, once it is out of reach."""
    for part in (contract_by_word, certificate, people) if by_word or not offline else ():
        part(draft)
    for part in (give_notice, replacement, archive_by_word) if by_word else ():
        part(draft)
    settlement(draft)
    review(draft, alone=True)
    before = len(draft.steps)
    retention(draft, alone=True, offline=offline)
    if len(draft.steps) > before:
        questions(draft)
    if not offline:
        notices(draft, told, resend, gone=True)


def _spoken(steps: tuple[Step, ...], state: State) -> tuple[Step, ...]:
    """The steps, those that wait with the last talk about them."""
    last = spoken(state.contacts) if state.contacts else {}
    if not last:
        return steps
    return tuple(
        msgspec.structs.replace(step, contact=last[step.address])
        if step.mode is not Mode.AUTO and step.address in last
        else step
        for step in steps
    )


def _overdue(draft: Draft, steps: tuple[Step, ...]) -> None:
    """Reports what is late, and who has to know. It stops nothing: it is as late as it is."""
    spans = {step.id: step.span for step in steps if step.span is not None}
    proofs = {step.id: step.proof for step in steps if step.proof is not None}
    if not draft.survey.taken_at:
        return
    for each in late(draft.desired, steps, draft.state, draft.survey.taken_at).values():
        if each.why is not None:
            continue  # said with the notice itself
        code = "CRM-P076" if each.vendor else "CRM-P075"
        facts = {
            "at": each.since,
            "who": each.who or draft.desired.vendor or draft.provider.name,
            "to": each.to or "-",
            "asked": each.asked or "-",
            "proof": proofs.get(each.step, Proof.ATTESTED).value,
        }
        draft.report(code, Severity.WARNING, spans.get(each.step), each.address, **facts)


def _overtaken(draft: Draft) -> None:
    """Warns of what is on record as gone for good although what comes before it was not done."""
    for each in draft.state.overtaken():
        what = "archive" if each.without_archive else "order"
        facts = {"at": each.at, "who": each.by or "-", "text": each.out_of_order, "what": what}
        draft.report("CRM-P125", Severity.WARNING, None, each.address, verb=each.verb.value, **facts)


def _clocks(draft: Draft) -> None:
    """Warns where this machine's clock and the vendor's are far apart: dates go by ours."""
    ahead = max((each.ahead for each in draft.survey.identities), key=abs, default=0)
    if ahead:
        code = "CRM-P034" if ahead > 0 else "CRM-P035"
        draft.report(code, Severity.WARNING, provider=draft.provider.title, minutes=abs(ahead))


def _unconfirmed(draft: Draft, steps: tuple[Step, ...]) -> None:
    """Says which acts rest on what nobody has confirmed of the vendor, once for each, and how many steps people take by such
    instructions."""
    if draft.provider.against is None:
        return
    claimed = [(step, cell) for step in steps if (cell := draft.provider.cell(step.kind, step.verb)) is not None]
    open_ones = {(step.kind, step.verb, step.mode): cell for step, cell in claimed if cell.verified_on is None}
    for (kind, verb, mode), cell in open_ones.items():
        if mode is Mode.AUTO:
            draft.report("CRM-P032", Severity.NOTE, verb=verb.value, kind=kind.value, source=cell.source)
    by_hand = sum(step.mode is Mode.MANUAL and cell.verified_on is None for step, cell in claimed)
    if by_hand:
        draft.report("CRM-P033", Severity.NOTE, n=by_hand, provider=draft.provider.name)


def _counts(draft: Draft) -> dict[str, int | None]:
    return {row.address: row.facts.rows for row in draft.by_kind[Kind.DATASET] if isinstance(row.facts, DatasetFacts)}


def _deadlines(draft: Draft, laws: Sequence[Applied]) -> tuple[Deadline, ...]:
    return all_dates(draft.desired, draft.dated, draft.survey.taken_at, laws)


def _to_show(
    audiences: Collection[Audience], steps: tuple[Step, ...], blocked: tuple[Blocked, ...]
) -> tuple[Audience, ...]:
    """What is still to be sent."""
    open_ones = {each.address for each in steps} | {each.address for each in blocked}

    shown = [each for each in audiences if address(Kind.NOTICE, each.notice) in open_ones]
    return tuple(msgspec.structs.replace(each, faults=()) for each in shown)


def _errors(draft: Draft) -> list[str]:
    return [found.code for found in draft.diagnostics if found.severity is Severity.ERROR]


def _summed(made: Plan, draft: Draft) -> Plan:
    managed = (
        {each.kind.value for each in draft.steps}
        | {kind_of(each.address).value for each in draft.blocked}
        | set(draft.unchanged)
        | {kind.value for kind in spoken_of(draft.desired)}
    )
    unmanaged: dict[str, int] = {}
    for kind, rows in draft.by_kind.items():
        if rows and kind.value not in managed and kind not in (Kind.TENANT, Kind.BIN):
            unmanaged[kind.value] = len(rows)
    counts = {mode: sum(step.mode is mode for step in made.steps) for mode in Mode}
    summary = Summary(
        auto=counts[Mode.AUTO],
        manual=counts[Mode.MANUAL],
        wait=counts[Mode.WAIT],
        irreversible=sum(step.irreversible for step in made.steps),
        blocked=len(made.blocked),
        ready=len(ready_now(made)),
        unchanged=dict(sorted(draft.unchanged.items())),
        unmanaged=dict(sorted(unmanaged.items())),
    )
    return msgspec.structs.replace(made, summary=summary)


def ready_now(made: Plan) -> list[Step]:
    """What `apply` could do this minute: automatic steps, and a freeze that has come."""
    if made.errors:
        return []
    return [
        step
        for step in Schedule(made).take()
        if (step.mode is Mode.AUTO and (step.kind is not Kind.NOTICE or due(step, made.observed_at)))
        or (step.kind is Kind.FREEZE and due(step, made.observed_at))
    ]


def due(step: Step, now: str) -> bool:
    """Whether a step's time has come; `now` is ISO 8601 UTC."""
    return step.not_before is None or step.not_before <= now


def _selected(
    steps: tuple[Step, ...], edges: tuple[tuple[str, str], ...], target: Collection[str], exclude: Collection[str]
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    if not target and not exclude:
        return steps, ()
    before, whole = earlier(edges), steps
    if target:
        hit = {step.id for step in steps if _matches(step, target)}
        wanted: set[str] = set()
        for stage in {step.stage for step in steps if step.id in hit}:
            wanted |= _ancestors(stage, before)
        needs = _needed(steps, hit)
        steps = tuple(step for step in steps if step.id in hit or step.id in needs or step.stage in wanted)
    dropped = {step.id for step in steps if _matches(step, exclude)}
    while True:
        stages = {step.stage for step in steps if step.id in dropped}
        held = {stage for stage in {step.stage for step in steps} if stages & _ancestors(stage, before)}
        more = {
            step.id
            for step in steps
            if step.id not in dropped and (step.stage in held or not dropped.isdisjoint(step.needs))
        }
        if not more:
            break
        dropped |= more
    kept = tuple(step for step in steps if step.id not in dropped)
    stays = {step.id for step in kept}
    return kept, tuple(sorted({step.stage for step in whole if step.id not in stays}))


def _needed(steps: tuple[Step, ...], hit: set[str]) -> set[str]:
    """Everything that the steps of `hit` need, and what that needs."""
    needs = {step.id: step.needs for step in steps}
    found: set[str] = set()
    todo = list(hit)
    while todo:
        fresh = [need for need in needs.get(todo.pop(), ()) if need not in found]
        found.update(fresh)
        todo += fresh
    return found


def _matches(step: Step, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(step.address, pattern) for pattern in patterns)


def _ancestors(stage: str, before: dict[str, frozenset[str]]) -> set[str]:
    found: set[str] = set()
    todo = list(before.get(stage, ()))
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += before.get(name, ())
    return found
