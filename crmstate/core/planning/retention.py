"""Retention: an archive is read back again and again for as long as it is kept, and ended when that is over.

It goes by the record and not by the vendor's listing: an archive outlives the account that it was taken from. A date to
come is no step; it is a step once it has come. Deleting the archive destroys the last copy, so it is planned only where
nothing else is left to do, and never where anything is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from crmstate.core.address import Address, address, id_of, kind_of
from crmstate.core.backup import is_backup
from crmstate.core.event import Check
from crmstate.core.goal import ArchiveGoal, Every
from crmstate.core.message import Message, message
from crmstate.core.order import Stage
from crmstate.core.plan import Deadline
from crmstate.core.planning.draft import Draft
from crmstate.core.planning.hands import ALL
from crmstate.core.record import Entry, State
from crmstate.core.words import Kind, Outcome, Phase, Severity, Undo, Verb

WHOLE = address(Kind.ARCHIVE, ALL)
"""The archive as a whole, all datasets together."""
BEGUN = "begun"
"""The code of an ending that failed after it had taken something away."""
_APART = (Verb.DISCARD, Verb.EVALUATE)
"""What the end of an archive does not wait for: itself, and an evaluation, which nobody may ever make."""
_EVERYWHERE = time(12, tzinfo=UTC)
"""A day that has ended everywhere on earth ended at noon UTC of the day after."""


def retention(draft: Draft, *, alone: bool = False, offline: bool = False) -> None:
    """Plans the re-checks that are due and the end of the archive. `alone`: nothing else was planned, because the
    vendor is out of reach by design, or, `offline`, was not asked."""
    goal = draft.desired.archive
    if not isinstance(goal, ArchiveGoal) or ended(draft.state) is not None:
        return
    held = archived(draft.state)
    if not _ending(draft, goal, held, alone, offline):
        _rechecks(draft, goal, held, alone)


def archived(state: State) -> dict[Address, Entry]:
    """The archived datasets on record."""
    return {
        entry.address: entry
        for entry in state.entries.values()
        if entry.verb is Verb.ARCHIVE and entry.outcome is Outcome.DONE and kind_of(entry.address) is Kind.ARCHIVE
    }


def ended(state: State) -> Entry | None:
    """The record of the archive's end, where it is done."""
    entry = state.latest(WHOLE, Verb.DISCARD)
    return entry if entry is not None and entry.outcome is Outcome.DONE else None


def begun(state: State) -> Entry | None:
    """The record of an ending that may have taken something away and is not done. A re-check that passed since shows
    that it did not."""
    entry = state.latest(WHOLE, Verb.DISCARD)
    if entry is None or entry.outcome is Outcome.DONE:
        return None
    if entry.position is None and entry.code != BEGUN:
        return None  # it was only looked at
    if entry.outcome is Outcome.FAILED and entry.code not in (BEGUN, "not_sent"):
        return None
    proofs = [proof for place in archived(state) if (proof := _proved(state, place)) is not None]
    return None if proofs and all(proof >= entry.at for proof in proofs) else entry


def over(keep_until: str) -> str:
    """When the last day of the retention has ended, wherever one is; ISO 8601 UTC."""
    try:
        return _stamp(datetime.combine(date.fromisoformat(keep_until) + timedelta(days=1), _EVERYWHERE))
    except OverflowError:
        return "9999-12-31T23:59:59Z"


def after(at: str, every: Every) -> str:
    """One interval later. A month from the 31st is the last day of the next month."""
    start = datetime.fromisoformat(at)
    if every.unit in ("months", "years"):
        months = start.year * 12 + start.month - 1 + every.count * (12 if every.unit == "years" else 1)
        day = min(start.day, _last_day(months // 12, months % 12 + 1))
        return _stamp(start.replace(year=months // 12, month=months % 12 + 1, day=day))
    if every.unit == "working_days":
        left = every.count
        while left:
            start += timedelta(days=1)
            left -= start.weekday() < 5
        return _stamp(start)
    return _stamp(start + timedelta(days=every.count * (7 if every.unit == "weeks" else 1)))


def _last_day(year: int, month: int) -> int:
    return ((date(year + month // 12, month % 12 + 1, 1)) - timedelta(days=1)).day


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def deadlines(goal: ArchiveGoal, state: State, now: str) -> Iterator[Deadline]:
    """The dates to come of an archive that is not ended: its next re-check, and the end of its retention."""
    held = archived(state)
    if ended(state) is not None:
        return
    dates = [due for place in held if (due := _due(goal, state, place)) is not None and due > now]
    if dates and goal.recheck is not None:
        why = message("date.recheck", n=len(dates), every=str(goal.recheck))
        yield Deadline("recheck", min(dates), WHOLE, why, goal.span)
    if goal.keep_until is not None and (end := over(goal.keep_until)) > now:
        yield Deadline("keep_until", end, WHOLE, message("date.keep_until", day=goal.keep_until, to=goal.to), goal.span)


def _due(goal: ArchiveGoal, state: State, place: Address) -> str | None:
    """When a dataset's archive is to be read back again; empty for at once, None for never. A re-check that failed is
    due until it passes, whatever became of the interval."""
    last = _proved(state, place)
    if last is None:
        return None  # its first verification is a step of its own
    number = state.occurrence(place, Verb.VERIFY)
    latest = state.entry(place, Verb.VERIFY, number)
    if number > 1 and latest is not None and latest.outcome is not Outcome.DONE and latest.at >= last:
        return ""
    return after(last, goal.recheck) if goal.recheck is not None else None


def _proved(state: State, place: Address) -> str | None:
    """When a dataset's archive was last read back whole."""
    found = [
        entry.at
        for verb in (Verb.VERIFY, Verb.DELTA)
        for number in range(1, state.occurrence(place, verb) + 1)
        if (entry := state.entry(place, verb, number)) is not None and entry.outcome is Outcome.DONE
    ]
    return max(found, default=None)


def _rechecks(draft: Draft, goal: ArchiveGoal, held: dict[Address, Entry], alone: bool) -> None:
    """A step for every dataset whose re-check is due, before anything that relies on the archive. A delta that was
    begun goes on first: it verifies the whole as well, and until then its files belong to no seal."""
    state, now = draft.state, draft.survey.taken_at
    torn = begun(state)
    if torn is not None:
        draft.report("CRM-P061", Severity.WARNING, goal.span, WHOLE, at=torn.at)
    for place, entry in sorted(held.items()):
        delta = state.latest(place, Verb.DELTA)
        if not alone and delta is not None and delta.outcome is not Outcome.DONE:
            continue
        last, due = _proved(state, place), _due(goal, state, place)
        lacking = _lacking(draft, goal, place)
        if last is None or ((due is None or due > now) and torn is None and not lacking):
            continue
        if goal.unsupported:
            why = message("blocked.archive_option", options=", ".join(goal.unsupported))
            draft.block(place, Verb.VERIFY, Stage.VERIFY.value, why, label=entry.label, span=goal.span)
            continue
        number = state.occurrence(place, Verb.VERIFY)
        latest = state.entry(place, Verb.VERIFY, number)
        occurrence = number + 1 if latest is None or latest.outcome is Outcome.DONE else number
        why = message("why.recheck", at=last) if occurrence == number + 1 else message("why.recheck_again", at=last)
        if lacking:
            why = message("why.views", forms=", ".join(lacking))
        draft.ours(
            place, Kind.ARCHIVE, Verb.VERIFY, Stage.VERIFY.value, why,
            occurrence=max(2, occurrence), label=entry.label, before=Phase.PRESENT, after=Phase.PRESENT, span=goal.span,
        )  # fmt: skip


def _lacking(draft: Draft, goal: ArchiveGoal, place: Address) -> tuple[str, ...]:
    """The forms of which the record, or the place, has no copy beside a dataset's archive, or not the one that was made.
    A verification makes what lacks."""
    if not goal.views or is_backup(place):
        return ()
    proofs = [
        entry
        for verb in (Verb.VERIFY, Verb.DELTA)
        for number in range(1, draft.state.occurrence(place, verb) + 1)
        if (entry := draft.state.entry(place, verb, number)) is not None and entry.outcome is Outcome.DONE
    ]
    latest = max((entry.at for entry in proofs), default="")
    made = [
        check
        for entry in proofs
        if entry.at == latest  # several may be of the same second
        for evidence in entry.evidence
        for check in evidence.checks
        if check.method == "views"
    ]
    there = draft.views.get(id_of(place), 0) if draft.views is not None else None
    lacking = [_missing(goal, check, there) for check in made]
    return min(lacking, key=len, default=goal.views)


def _missing(goal: ArchiveGoal, made: Check, there: int | None) -> tuple[str, ...]:
    """What lacks of what a verification made. Without a key it could make none, and can now where there is one. `there`: the
    bytes of all that lie at the place."""
    if made.bytes is None:
        return goal.views if goal.identity else ()
    if there not in (None, made.bytes):
        return goal.views
    return tuple(form for form in goal.views if form not in made.names)


def _ending(draft: Draft, goal: ArchiveGoal, held: dict[Address, Entry], alone: bool, offline: bool) -> bool:
    """Plans the end of the archive where its retention is over; whether it did."""
    now = draft.survey.taken_at
    if goal.keep_until is None or over(goal.keep_until) > now:
        return False
    end = over(goal.keep_until)
    planned = any(step.verb is Verb.ARCHIVE for step in draft.steps)
    if planned or not held or min(entry.since or entry.at for entry in held.values()) > end:
        if planned or held:
            draft.report("CRM-P060", span=goal.span, day=goal.keep_until)
        return False
    stands = _stands_in_the_way(draft, goal, alone, offline)
    if stands is not None:
        draft.block(WHOLE, Verb.DISCARD, Stage.AFTERWARDS.value, stands, span=goal.span)
        return False
    draft.ours(
        WHOLE, Kind.ARCHIVE, Verb.DISCARD, Stage.AFTERWARDS.value,
        message("why.discard", day=goal.keep_until, to=goal.to, n=len(held)),
        undo=Undo.NEVER, not_before=end, span=goal.span, occurrence=max(1, draft.state.occurrence(WHOLE, Verb.DISCARD)),
        rows=sum(entry.rows or 0 for entry in (_last(draft.state, place) or held[place] for place in held)),
    )  # fmt: skip
    return True


def _last(state: State, place: Address) -> Entry | None:
    found = state.proved(id_of(place))
    return found if found is not None and found.rows is not None else None


def _stands_in_the_way(draft: Draft, goal: ArchiveGoal, alone: bool, offline: bool) -> Message | None:
    """Why the archive may not end yet: a hold, an option that is not carried out, or anything that is left to do. A
    section that this version carries out no step of would be left for ever, and does not count."""
    if draft.held():
        return message("blocked.hold_archive")
    if goal.unsupported:
        return message("blocked.archive_option", options=", ".join(goal.unsupported))
    if alone:
        open_steps = [key for key, entry in draft.state.open().items() if entry.verb not in _APART]
        if left := len({*open_steps, *(step.id for step in draft.steps if step.verb not in _APART)}):
            return message("blocked.rest_first", n=left)
        return message("blocked.rest_unknown") if offline and draft.state.verified_at is None else None
    left = sum(step.verb not in _APART for step in draft.steps) + sum(
        not each.stage.startswith("unsupported/") for each in draft.blocked
    )
    return message("blocked.rest_first", n=left) if left else None
