"""Gates and people: the freeze, steps that only a person can do, modules, and what this version does not carry out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from crmstate.core.address import address
from crmstate.core.contract import Calendar
from crmstate.core.deadline import Dated, Unknown
from crmstate.core.goal import HumanGoal
from crmstate.core.message import message
from crmstate.core.milestones import milestones, read_when, resolve
from crmstate.core.order import MILESTONES, STARTS, Stage
from crmstate.core.planning.draft import Draft
from crmstate.core.planning.hands import by_hand, enough, unlisted
from crmstate.core.survey import ModuleFacts
from crmstate.core.words import Kind, Milestone, Mode, Phase, Proof, Severity, Undo, Verb

_ACCESS = (Stage.KEYS, Stage.INTEGRATIONS, Stage.SESSIONS, Stage.USERS, Stage.OWN)
_DATA = (Stage.MODULES, Stage.PURGE, Stage.BIN, Stage.CANCEL, Stage.ACCOUNT)
TAKES = frozenset(stage.value for stage in (*_ACCESS, *_DATA))
"""The stages that take access or data away."""
NOT_BEFORE = {Milestone.PURGED.value: Milestone.FREEZE.value, Milestone.CLOSED.value: Milestone.CANCEL_EFFECTIVE.value}
"""Milestones that have no day before they have come, with one that they never come before."""
PAST = timedelta(days=1)
"""How far back a freeze may lie before somebody is asked whether it is meant."""


def freeze(draft: Draft) -> None:
    """The stated point from which access and data may be taken away."""
    place = address(Kind.FREEZE, "cutover")
    if draft.desired.freeze is None:
        if any(
            step.stage in TAKES and step.mode is not Mode.WAIT and step.verb is not Verb.RESUME for step in draft.steps
        ):
            draft.block(place, Verb.CONFIRM, Stage.FREEZE.value, message("blocked.no_freeze"))
        return
    if draft.recorded(place, Verb.CONFIRM) is not None:
        draft.keep(Kind.FREEZE)
        return
    at = None if draft.desired.freeze == "now" else draft.desired.freeze
    if at is not None and _long_past(at, draft.survey.taken_at):
        draft.report("CRM-P055", Severity.WARNING, draft.desired.spans.get("cutover.freeze"), at=at)
    draft.ours(
        place, Kind.FREEZE, Verb.CONFIRM, Stage.FREEZE.value, message("why.freeze", at=draft.desired.freeze),
        mode=Mode.WAIT, not_before=at, before=Phase.ABSENT, after=Phase.PRESENT, span=draft.desired.spans.get("cutover.freeze"),
    )  # fmt: skip


def _long_past(at: str, now: str) -> bool:
    """Whether a time that was to come lies more than a day back: a mistyped year is a time as well, and it has come."""
    if not now:
        return False
    return datetime.fromisoformat(now) - datetime.fromisoformat(at) > PAST


def node(name: str, milestones: dict[Milestone, Stage] = MILESTONES) -> str:
    """The stage that a word of the manifest means: a milestone, or another person's step."""
    if name in Milestone.__members__.values():
        return milestones[Milestone(name)].value
    return human(name)


def human(name: str) -> str:
    """The stage of its own that a person's step has."""
    return f"{Kind.HUMAN_STEP.value}/{name}"


def people(draft: Draft) -> None:
    """Each human step stands in a stage of its own, between what the manifest says it comes after and before."""
    dated = any(goal.due for goal in draft.desired.people)
    dates = milestones(draft.desired, draft.dated, draft.survey.taken_at) if dated and draft.survey.taken_at else {}
    for goal in draft.desired.people:
        stage = human(goal.id)
        if goal.before:
            draft.edges.append((stage, node(goal.before, STARTS)))
        if goal.after:
            draft.edges.append((node(goal.after), stage))
        place = address(Kind.HUMAN_STEP, goal.id)
        done = draft.recorded(place, Verb.CONFIRM)
        if done is not None and enough(done.proof, Proof(goal.proof)):
            draft.keep(Kind.HUMAN_STEP)
            continue
        due = _due(draft, goal, dates)
        draft.ours(
            place, Kind.HUMAN_STEP, Verb.CONFIRM, stage, message("why.human", title=goal.title),
            mode=Mode.MANUAL, label=goal.title, owner=goal.owner, proof=Proof(goal.proof), files=goal.files,
            occurrence=max(1, draft.state.occurrence(place, Verb.CONFIRM)) + (done is not None),
            deadline=due, undated=goal.due if goal.due and due is None else "", span=goal.span, before=Phase.ABSENT, after=Phase.PRESENT,
        )  # fmt: skip


def _due(draft: Draft, goal: HumanGoal, dates: Mapping[str, Dated | Unknown]) -> str | None:
    """Until when a person's step is due; None where the point that it refers to has no date yet."""
    when = read_when(goal.due)
    if when is None:
        return None
    calendar = draft.desired.contract.calendar if draft.desired.contract is not None else Calendar()
    found = resolve(when, dates, calendar)
    if isinstance(found, Unknown):
        return None
    _out_of_order(draft, goal, found, dates)
    return found.at


def _out_of_order(draft: Draft, goal: HumanGoal, due: Dated, dates: Mapping[str, Dated | Unknown]) -> None:
    """Warns of a step that is due after what waits for it, or before what it waits for, by the dates as they stand."""
    for side, name in (("before", goal.before), ("after", goal.after)):
        point = dates.get(name or "")
        if side == "after" and not isinstance(point, Dated) and name in NOT_BEFORE:
            point = dates.get(NOT_BEFORE[name])
        if (
            not isinstance(point, Dated)
            or point.real
            or (point is dates.get(Milestone.FREEZE.value) and draft.desired.freeze == "now")
        ):
            continue
        if due.day > point.day if side == "before" else due.day < point.day:
            place, days = address(Kind.HUMAN_STEP, goal.id), {"due": due.day, "day": point.day}
            draft.report("CRM-P119", Severity.WARNING, goal.span, place, side=side, point=name, **days)


def modules(draft: Draft) -> None:
    """Modules switched off; whether that keeps or clears data must be known first."""
    if unlisted(draft, Kind.MODULE, Verb.DISABLE):
        _modules_by_hand(draft)
        return
    rows = draft.by_kind[Kind.MODULE]
    if draft.desired.modules:
        draft.incomplete(Kind.MODULE, Verb.DISABLE, Stage.MODULES, draft.desired.modules[0].span)
    for goal in draft.desired.modules:
        hits = [row for row in rows if goal.module in (row.id, row.label)]
        if not hits and draft.recorded(address(Kind.MODULE, goal.module), Verb.DISABLE) is not None:
            draft.keep(Kind.MODULE)
        elif not hits:
            draft.report("CRM-P030", span=goal.span, module=goal.module)
        for row in hits:
            said = row.facts.data_effect if isinstance(row.facts, ModuleFacts) else "unknown"
            if goal.status == "active":
                if row.phase is Phase.INACTIVE:
                    draft.act(
                        row, Verb.RESUME, Stage.PREPARE, message("why.resume"), span=goal.span, after=Phase.PRESENT
                    )
                else:
                    draft.keep(Kind.MODULE)
            elif row.phase in (Phase.INACTIVE, Phase.ABSENT):
                draft.keep(Kind.MODULE)
            elif said != "unknown" and said != goal.data_effect:
                draft.report("CRM-P031", span=goal.span, module=goal.module, written=goal.data_effect, said=said)
            elif goal.data_effect == "unknown":
                why = message("blocked.data_effect")
                draft.block(row.address, Verb.DISABLE, Stage.MODULES.value, why, label=row.label, span=goal.span)
            elif goal.data_effect == "clears" and draft.held():
                why = message("blocked.hold")
                draft.block(row.address, Verb.DISABLE, Stage.MODULES.value, why, label=row.label, span=goal.span)
            else:
                cell = draft.provider.cell(Kind.MODULE, Verb.DISABLE)
                by_effect = cell is not None and "undo_by_data_effect" in cell.attributes
                undo = Undo.NEVER if goal.data_effect == "clears" else Undo.FREE if by_effect else None
                why = message(f"why.module.{goal.data_effect}")
                draft.act(row, Verb.DISABLE, Stage.MODULES, why, span=goal.span, undo=undo)


def _modules_by_hand(draft: Draft) -> None:
    for goal in draft.desired.modules:
        place = address(Kind.MODULE, goal.module)
        if goal.status == "active":
            continue
        if goal.data_effect == "unknown" or (goal.data_effect == "clears" and draft.held()):
            why = message("blocked.data_effect" if goal.data_effect == "unknown" else "blocked.hold")
            draft.block(place, Verb.DISABLE, Stage.MODULES.value, why, label=goal.module, span=goal.span)
            continue
        why = message(f"why.module.{goal.data_effect}")
        by_hand(draft, Kind.MODULE, Verb.DISABLE, Stage.MODULES, why, id=goal.module, span=goal.span)


def unsupported(draft: Draft) -> None:
    """What the manifest asks for and this version does not carry out: blocked, with what waits for it; never silently
    ignored."""
    for goal in draft.desired.unsupported:
        stage = f"unsupported/{goal.section}"
        if goal.before:
            draft.edges.append((stage, node(goal.before, STARTS)))
        kind = {"notices": Kind.NOTICE, "settlement": Kind.SETTLEMENT, "evaluation": Kind.EVALUATION}
        head = goal.section.partition("[")[0].partition(".")[0]
        place = address(kind.get(head, Kind.MIGRATION if head == "replacement" else Kind.NOTICE), goal.section)
        why = message("blocked.unsupported", section=goal.section)
        draft.block(place, Verb.NOTIFY, stage, why, owner=goal.owner, span=goal.span)


def questions(draft: Draft) -> None:
    """Open questions about the contract stop every irreversible step."""
    if not draft.desired.open_questions:
        return
    stage = "open_questions"
    for number, text in enumerate(draft.desired.open_questions, 1):
        why = message("blocked.question", text=text)
        place = address(Kind.HUMAN_STEP, f"open-question-{number}")
        draft.block(place, Verb.CONFIRM, stage, why, span=draft.desired.spans.get("contract.open_questions"))
    draft.edges += [(stage, name) for name in sorted({step.stage for step in draft.steps if step.irreversible})]
