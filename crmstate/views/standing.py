"""Standing: where a decommissioning stands, as data: what is done and how well proved, and what is waited for, from
whom, since when.

A sum never claims more than its weakest link. What was only asked for counts as requested, never as done; of a step
that was taken several times only the last time counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from crmstate.core.address import Address, kind_of
from crmstate.core.contacts import Spoken, acknowledged, spoken
from crmstate.core.life import Life
from crmstate.core.message import Message, message
from crmstate.core.plan import Deadline, Plan, Step
from crmstate.core.planning.draft import expired
from crmstate.core.record import Approval, Entry, Hold, State, Watch
from crmstate.core.reminders import Late, asked_at
from crmstate.core.schedule import awaited
from crmstate.core.words import Kind, Mode, Outcome, Proof, Verb, weakest
from crmstate.views.notices import Sent, sent

TO_COME = frozenset({"evaluation", "settlement", "notice"})
"""Dates on which something is still to be done, so that nothing is finished before them. An archive is looked at for years."""


class From(StrEnum):
    """Whom something is waited for from."""

    VENDOR = "vendor"
    PERSON = "person"
    DATE = "date"
    APPLY = "apply"


class Wait(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is not done. `who`: a person or the vendor's name. `since`, `until`: ISO 8601. `proof`: what it
    takes. `acknowledged`: when the vendor last said that it knows; `overdue`: since when it is late, and who has to know,
    `missed` and `costs`: a last day that has passed, and what that costs;
    `contact`: the last talk about it."""

    address: Address
    verb: Verb
    source: From
    who: str = ""
    label: str = ""
    outcome: Outcome | None = None
    since: str | None = None
    until: str | None = None
    request_id: str | None = None
    proof: Proof | None = None
    why: Message | None = None
    acknowledged: str | None = None
    overdue: str | None = None
    escalated_to: str | None = None
    missed: Message | None = None
    costs: tuple[Message, ...] = ()
    contact: Spoken | None = None


class Waiver(msgspec.Struct, frozen=True):
    """What is done without proof until a time: who said so, and why."""

    address: Address
    by: str
    note: str
    until: str


class Overtaken(msgspec.Struct, frozen=True):
    """What is on record as gone for good although what comes before it was not done: who said so, and why. `archived`: whether
    all that it took along lay in a verified archive."""

    address: Address
    verb: Verb
    by: str
    at: str
    why: str
    archived: bool
    ahead_of: tuple[Address, ...]


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One kind of thing: how many steps ended how, and what may be claimed of those that are done."""

    kind: Kind
    done: int = 0
    requested: int = 0
    failed: int = 0
    unknown: int = 0
    intended: int = 0
    to_do: int = 0
    proof: Proof = Proof.NONE


class Standing(msgspec.Struct, frozen=True):
    """The whole. `proof`: the weakest among everything done; `finished`: nothing is open, failed, planned or blocked.
    Without a plan (`planned` false) the vendor was not asked, and this is what the record alone says."""

    name: str
    provider: str
    tenant: str
    lineage: str
    serial: int
    verified_at: str | None
    last_run: str | None
    last_exit: int | None
    planned: bool
    finished: bool
    proof: Proof
    parts: tuple[Part, ...]
    waits: tuple[Wait, ...]
    approvals: tuple[Approval, ...]
    holds: dict[str, Hold]
    deadlines: tuple[Deadline, ...] = ()
    life: Life | None = None
    notices: tuple[Sent, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    out_of_order: tuple[Overtaken, ...] = ()
    vendor: str = ""
    watch: Watch | None = None
    overdue: tuple[Late, ...] = ()


def standing(
    state: State,
    plan: Plan | None = None,
    dates: tuple[Deadline, ...] = (),
    *,
    now: str = "",
    late: Mapping[str, Late] | None = None,
    life: Life | None = None,
    vendor: str = "",
    owed: bool = False,
) -> Standing:
    """Where `state` stands at `now` (ISO 8601 UTC); `plan`, made now, adds what is still to be done and who does it.
    `dates`: to come. `late`: what is overdue, by step id. A waiver that has ended waives nothing. `life`: of the
    subscription, and `vendor`: what the contract calls the vendor, where no plan has them; `owed`: whether people and papers have
    something to prove of which no record speaks yet."""
    vendor = (
        (plan.vendor if plan is not None else vendor) or state.provider or (plan.provider if plan is not None else "")
    )
    now = now or (plan.observed_at if plan is not None else "")
    recorded = latest(state)
    lapsed = {key: entry for key, entry in recorded.items() if expired(entry, now)}
    entries = {key: entry for key, entry in recorded.items() if key not in lapsed}
    waits = tuple(_told(each, state, late or {}, now) for each in _waits(state, entries, plan, lapsed, vendor))
    known = {(each.address, each.verb) for each in (late or {}).values()}
    stuck = [
        Late("", each.address, each.verb, each.overdue, each.who, each.escalated_to or "", label=each.label)
        for each in waits
        if each.overdue is not None and (each.address, each.verb) not in known
    ]
    parts = tuple(_parts(entries, plan, lapsed))
    done = [entry.proof for entry in entries.values() if entry.outcome is Outcome.DONE]
    loose = bool(lapsed) or any(entry.outcome is not Outcome.DONE for entry in entries.values())
    ahead = plan is not None and bool(plan.steps or plan.blocked)
    still = any(each.what in TO_COME for each in dates)
    return Standing(
        name=state.name,
        provider=state.provider or (plan.provider if plan else ""),
        vendor=vendor,
        tenant=state.tenant or (plan.tenant if plan else ""),
        lineage=state.lineage,
        serial=state.serial,
        verified_at=state.verified_at,
        last_run=state.last_run,
        last_exit=state.last_exit,
        planned=plan is not None,
        finished=bool(done) and not (waits or ahead or owed or still or (loose and plan is None)),
        proof=weakest(done),
        parts=parts,
        waits=waits,
        approvals=state.approvals,
        holds=state.holds,
        deadlines=dates,
        life=plan.life if plan is not None else life,
        notices=sent(state),
        watch=state.watch,
        out_of_order=tuple(
            Overtaken(
                each.address, each.verb, each.by, each.at, each.out_of_order, not each.without_archive, each.ahead_of
            )
            for each in state.overtaken()
        ),
        overdue=tuple(sorted([*(late or {}).values(), *stuck], key=lambda each: (each.since, each.address))),
        waivers=tuple(
            Waiver(entry.address, entry.by, entry.summary, entry.expires)
            for entry in entries.values()
            if entry.expires is not None
        ),
    )


def latest(state: State) -> dict[str, Entry]:
    """Of every (address, verb) the last occurrence, by step id."""
    found: dict[tuple[str, Verb], tuple[str, Entry]] = {}
    for key, entry in state.entries.items():
        before = found.get((entry.address, entry.verb))
        if before is None or before[1].occurrence < entry.occurrence:
            found[entry.address, entry.verb] = key, entry
    return dict(found.values())


def _parts(entries: dict[str, Entry], plan: Plan | None, lapsed: dict[str, Entry]) -> list[Part]:
    counts: dict[Kind, dict[str, int]] = {}
    proofs: dict[Kind, list[Proof]] = {}
    for entry in entries.values():
        kind = kind_of(entry.address)
        mine = counts.setdefault(kind, {})
        mine[entry.outcome.value] = mine.get(entry.outcome.value, 0) + 1
        if entry.outcome is Outcome.DONE:
            proofs.setdefault(kind, []).append(entry.proof)
    loose = (Outcome.REQUESTED, Outcome.UNKNOWN)
    for step in plan.steps if plan is not None else ():
        if step.id in entries and entries[step.id].outcome in loose:
            continue
        mine = counts.setdefault(step.kind, {})
        mine["to_do"] = mine.get("to_do", 0) + 1
    for entry in lapsed.values() if plan is None else ():
        mine = counts.setdefault(kind_of(entry.address), {})
        mine["to_do"] = mine.get("to_do", 0) + 1
    order = list(Kind)
    return [
        Part(kind=kind, proof=weakest(proofs.get(kind, [])), **counts[kind]) for kind in sorted(counts, key=order.index)
    ]


def _waits(
    state: State, entries: dict[str, Entry], plan: Plan | None, lapsed: dict[str, Entry], vendor: str
) -> list[Wait]:
    """What is open on record first, then what the plan waits for, then what is blocked."""
    steps = {step.id: step for step in plan.steps} if plan is not None else {}
    anew = {(step.address, step.verb): step.occurrence for step in steps.values()}
    found = [
        _recorded(entry, steps.get(key), vendor)
        for key, entry in entries.items()
        if entry.outcome is not Outcome.DONE
        and (plan is None or entry.outcome is not Outcome.FAILED or key in steps)
        and entry.occurrence >= anew.get((entry.address, entry.verb), 0)  # what is asked for anew is not waited for
    ]
    found += [
        Wait(
            entry.address, entry.verb, From.PERSON, entry.by, entry.label, since=entry.expires,
            why=message("status.waiver_ended", who=entry.by, at=entry.expires),
        )
        for key, entry in lapsed.items()
        if plan is None or key in steps
    ]  # fmt: skip
    seen = {each.address + each.verb for each in found}
    due = awaited(plan) if plan is not None else frozenset()
    found += [
        _planned(step, state, vendor)
        for step in steps.values()
        if (step.mode is Mode.MANUAL or step.id in due) and step.address + step.verb not in seen
    ]
    for each in plan.blocked if plan is not None else ():
        found.append(
            Wait(each.address, each.verb, From.PERSON, each.owner or "", each.label, until=each.due, why=each.why)
        )
    return found


def _told(wait: Wait, state: State, late: Mapping[str, Late], now: str) -> Wait:
    """A wait with what the contact log says of it, and whether it is late: also where something keeps it from being done."""
    found = next((each for each in late.values() if (each.address, each.verb) == (wait.address, wait.verb)), None)
    stuck = wait.until if wait.source is From.PERSON and wait.until and wait.outcome is None else None
    stuck = stuck if stuck is not None and "T" in stuck and stuck <= now else None
    return msgspec.structs.replace(
        wait,
        acknowledged=acknowledged(state.contacts, wait.address),
        contact=spoken(state.contacts).get(wait.address),
        overdue=found.since if found is not None else stuck,
        escalated_to=found.to if found is not None else None,
        missed=found.why if found is not None else None,
        costs=found.costs if found is not None else (),
    )


def _recorded(entry: Entry, step: Step | None, vendor: str) -> Wait:
    owner = step.owner if step is not None and step.mode is Mode.MANUAL else None
    result = step is not None and step.verb is Verb.PROBE
    told = step is not None and step.why.code in ("why.perhaps_withdrawn", "why.notice_by_hand")
    ours = kind_of(entry.address) in (Kind.HUMAN_STEP, Kind.CERTIFICATE, Kind.NOTICE)
    person = (owner is not None and not result) or ours
    source = From.PERSON if person else From.VENDOR
    if entry.outcome in (Outcome.FAILED, Outcome.INTENDED):
        source = From.APPLY
    return Wait(
        entry.address,
        entry.verb,
        source,
        (owner or "") if source is From.PERSON else vendor if source is From.VENDOR else "",
        entry.label,
        entry.outcome,
        entry.since or entry.at,
        entry.until or (step.deadline if step is not None else None),
        entry.request_id,
        step.proof if step is not None else None,
        message("status.answered", summary=entry.summary)
        if entry.summary
        else (step.why if step is not None and (result or told) else None),
    )


def _planned(step: Step, state: State, vendor: str) -> Wait:
    if step.mode is Mode.MANUAL and step.verb is not Verb.PROBE:
        source, who = From.PERSON, step.owner or ""
    elif step.kind in (Kind.FREEZE, Kind.NOTICE):
        source, who = From.DATE, ""
    else:
        source, who = From.VENDOR, vendor
    until = step.deadline or step.not_before
    since = asked_at(state, step)
    return Wait(step.address, step.verb, source, who, step.label, None, since, until, None, step.proof, step.why)
