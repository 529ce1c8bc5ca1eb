"""Notices: who is told before, and after, what. One step each, in a stage of its own between what `send` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crmstate.core.address import Address, address
from crmstate.core.around import NoticeGoal
from crmstate.core.audience import Audience
from crmstate.core.contract import Calendar, When
from crmstate.core.deadline import Dated, Unknown
from crmstate.core.goal import Desired
from crmstate.core.message import message
from crmstate.core.milestones import milestones, resolve
from crmstate.core.order import STARTS
from crmstate.core.plan import Deadline, Expect
from crmstate.core.planning.draft import Draft, expired
from crmstate.core.planning.humans import node
from crmstate.core.record import State, Told
from crmstate.core.words import Fate, Kind, Milestone, Mode, Outcome, Phase, Proof, Severity, Undo, Verb

EARLY = (Milestone.FREEZE, Milestone.NOTICE_DEADLINE, Milestone.ARCHIVE_VERIFIED)
STAGE = "notices"
TOO_LATE = (Milestone.ACCESS_ENDS, Milestone.CLOSED)
"""Points after which nobody can look up the vendor's users any more."""
NO_ARCHIVE = "blocked.notice_no_archive"
"""Why a notice waits whose recipients stand in an archive that is not there."""


def stage_of(goal: NoticeGoal) -> str:
    """The stage of its own that a notice has."""
    return f"{STAGE}/{goal.id}"


def notices(draft: Draft, audiences: Mapping[str, Audience], resend: bool = False, *, gone: bool = False) -> None:
    """A step for each notice. `resend`: those whose answer was lost are sent again, by somebody's wish. `gone`: the vendor is
    out of reach for good, so that nobody can look up its users any more."""
    for goal in draft.desired.notices:
        if goal.told:
            _edges(draft, goal)
            _notice(draft, goal, audiences.get(goal.id), resend, gone)


def _edges(draft: Draft, goal: NoticeGoal) -> None:
    """What waits for a notice, and what it waits for. One on a day, or before anything that comes before the freeze, is
    sent before the freeze."""
    when, stage = goal.send, stage_of(goal)
    if when is None or when.day is not None or (when.side == "before" and when.point in EARLY):
        draft.edges.append((stage, node(Milestone.FREEZE.value, STARTS)))
    elif when.side == "before":
        draft.edges.append((stage, node(when.point, STARTS)))
    else:
        draft.edges.append((node(when.point), stage))


def _notice(draft: Draft, goal: NoticeGoal, audience: Audience | None, resend: bool, gone: bool) -> None:
    place, stage = address(Kind.NOTICE, goal.id), stage_of(goal)
    owner = goal.feedback_owner or draft.desired.owner or None
    entry = draft.state.latest(place, Verb.NOTIFY)
    told = draft.state.told.get(place, Told(gap=draft.state.mended))
    if bounced := told.number(Fate.BOUNCED):
        delivered = told.number(Fate.DELIVERED)
        draft.report("CRM-N046", Severity.WARNING, goal.span, place, bounced=bounced, delivered=delivered)
    if draft.recorded(place, Verb.NOTIFY) is not None:
        draft.keep(Kind.NOTICE)
        return
    unknown = told.number(Fate.UNKNOWN, Fate.SENDING)
    if told.gap and not resend:
        why = message("blocked.notice_gap", address=place)
        draft.block(place, Verb.NOTIFY, stage, why, owner=owner, span=goal.span)
        return
    if entry is not None and entry.outcome is Outcome.UNKNOWN and not resend:
        why = message("blocked.notice_unknown", n=unknown, address=place)
        draft.block(place, Verb.NOTIFY, stage, why, owner=owner, span=goal.span)
        return
    if audience is None:
        draft.block(place, Verb.NOTIFY, stage, message("blocked.notice_unread"), owner=owner, span=goal.span)
        return
    draft.diagnostics += [each for each in audience.faults if each not in draft.diagnostics]
    users = goal.channel == "mail" and goal.file is None and goal.dataset is None
    unseen = users and not _seen(draft)
    if users and not gone and goal.send is not None and goal.send.side == "after" and goal.send.point in TOO_LATE:
        draft.report("CRM-N047", Severity.WARNING, goal.span, place, point=goal.send.point)
    if gone and (unseen or (audience.blocked is not None and audience.blocked.code == NO_ARCHIVE)):
        _by_hand(draft, goal, place, owner)
    elif audience.blocked is not None:
        draft.block(place, Verb.NOTIFY, stage, audience.blocked, owner=owner, span=goal.span)
    elif unseen:
        why = message("blocked.notice_users")
        draft.block(place, Verb.NOTIFY, stage, why, owner=owner, span=goal.span)
    else:
        _step(draft, goal, place, audience, unknown if resend else 0)


def _by_hand(draft: Draft, goal: NoticeGoal, place: Address, owner: str | None) -> None:
    """Whom to tell nobody can look up any more: it is left to a person, who tells them and says so, or names them in a file."""
    at = _when(draft, goal, place)
    if at is not None:
        draft.ours(
            place, Kind.NOTICE, Verb.NOTIFY, stage_of(goal), message("why.notice_by_hand", to=goal.to, address=place),
            mode=Mode.MANUAL, before=Phase.ABSENT, after=Phase.PRESENT, not_before=at or None, owner=owner,
            proof=Proof.ATTESTED, span=goal.span,
        )  # fmt: skip


def _when(draft: Draft, goal: NoticeGoal, place: Address) -> str | None:
    """From when on it may be sent (ISO 8601 UTC), empty for at once. None, and blocked, where nobody knows."""
    if goal.send is None:
        return ""
    found = _date(goal.send, draft.desired, draft.state, draft.survey.taken_at)
    if isinstance(found, Dated):
        return _earliest(found)
    why = message("blocked.notice_when", point=goal.send.point)
    draft.block(place, Verb.NOTIFY, stage_of(goal), why, owner=draft.desired.owner or None, span=goal.span)
    return None


def _seen(draft: Draft) -> bool:
    """Whether the users that were observed are all of them."""
    return Kind.USER in draft.survey.complete


def _step(draft: Draft, goal: NoticeGoal, place: Address, audience: Audience, again: int) -> None:
    not_before = _when(draft, goal, place)
    if not_before is None:
        return
    if (audience.rejected or audience.repeated) and not audience.faults:
        draft.report(
            "CRM-N030", Severity.WARNING, goal.span, place,
            rejected=audience.rejected, repeated=audience.repeated, source=audience.source or "-",
        )  # fmt: skip
    if not audience.count and not audience.faults:
        draft.report("CRM-N031", Severity.WARNING, goal.span, place)
    why = (
        message("why.notice_again", to=goal.to, n=again)
        if again
        else message("why.notice", to=goal.to, channel=audience.channel)
    )
    draft.ours(
        place, Kind.NOTICE, Verb.NOTIFY, stage_of(goal), why,
        undo=Undo.NEVER, before=Phase.ABSENT, after=Phase.PRESENT, rows=audience.count, not_before=not_before or None,
        expects=Expect(Phase.ABSENT, audience.digest), span=goal.span,
    )  # fmt: skip


def _date(when: When, desired: Desired, state: State, now: str) -> Dated | Unknown:
    """The day on which a notice is to be sent."""
    calendar = desired.contract.calendar if desired.contract is not None else Calendar()
    return resolve(when, milestones(desired, state, now), calendar)


def _earliest(found: Dated) -> str:
    """When it may be sent: from that day on, or that time of it where the point has one."""
    return found.at if found.clock is not None else found.starts


def notice_dates(desired: Desired, state: State, now: str) -> Iterator[Deadline]:
    """The days of the notices that are not given yet, those that have passed as well: somebody is still to be told."""
    for goal in desired.notices if now else ():
        place = address(Kind.NOTICE, goal.id)
        entry = state.latest(place, Verb.NOTIFY)
        done = entry is not None and entry.outcome is Outcome.DONE and not expired(entry, now)
        if not goal.told or goal.send is None or done:
            continue
        found = _date(goal.send, desired, state, now)
        if isinstance(found, Dated):
            why = message("due.notice", to=goal.to, channel=goal.robot or goal.channel or "mail")
            owner = goal.feedback_owner or desired.owner or None
            yield Deadline("notice", found.at, place, why, goal.span, found.why, owner=owner)
