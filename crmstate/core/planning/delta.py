"""What people did until the freeze is added to the archive."""

from __future__ import annotations

from crmstate.core.address import address
from crmstate.core.goal import ArchiveGoal
from crmstate.core.lacking import left_out, unread
from crmstate.core.message import message
from crmstate.core.order import Stage
from crmstate.core.planning.dataset import archive_of, counted
from crmstate.core.planning.draft import Draft
from crmstate.core.planning.estimate import delta_jobs_of, topping_up
from crmstate.core.planning.freezing import AWAITS
from crmstate.core.record import Entry
from crmstate.core.survey import DatasetFacts, Resource
from crmstate.core.words import Kind, Outcome, Phase, Verb


def needs_delta(draft: Draft) -> bool:
    """Where access or data is to go, people may have worked until the freeze: a delta follows it."""
    desired = draft.desired
    goals = (desired.users, desired.api_keys, desired.integrations, desired.sessions)
    return (
        desired.purge is not None
        or desired.closing
        or desired.clearing
        or any(each and each.status != "active" for each in goals)
    )


def delta(draft: Draft, goal: ArchiveGoal, row: Resource, facts: DatasetFacts) -> None:
    """Plans what tops up a dataset's archive, once more where rows have come since."""
    place = archive_of(row)
    done = draft.recorded(place, Verb.DELTA)
    purged = draft.state.latest(row.address, Verb.PURGE)
    occurrence, why = max(1, draft.state.occurrence(place, Verb.DELTA)), message("why.delta")
    if done is not None:
        stale = _moved(facts, done, draft.state.cleared()) if purged is None else _left_over(facts, purged)
        back = wanting(draft, row) and nothing_gone(draft, row)
        why = message("why.delta.attachments") if back else why
        if not stale and not back:
            draft.keep(Kind.ARCHIVE)
            return
        occurrence += 1
    frozen = _frozen_since(draft)
    if facts.as_of is not None and draft.desired.freeze is not None and frozen is None:
        draft.block(place, Verb.DELTA, Stage.DELTA.value, message(AWAITS), span=goal.span, label=row.label)
        return
    if frozen is not None and facts.as_of is not None and facts.as_of < frozen:
        early = message("blocked.export_before_freeze", dataset=row.label or row.id, as_of=facts.as_of, freeze=frozen)
        draft.block(place, Verb.DELTA, Stage.DELTA.value, early, label=row.label, span=goal.span)
        return
    draft.ours(
        place, Kind.ARCHIVE, Verb.DELTA, Stage.DELTA.value, why,
        label=row.label, occurrence=occurrence, calls=topping_up(draft.provider, goal, facts),
        jobs=delta_jobs_of(draft.provider, goal, facts, by_jobs(draft, row)),
        before=Phase.PRESENT, after=Phase.PRESENT, span=goal.span,
    )  # fmt: skip


def wanting(draft: Draft, row: Resource) -> bool:
    """Whether the archive of a dataset is without attachments that nobody gives up."""
    return unread(draft.state, left_out(draft.desired.archive, draft.desired.discard), row.id, row.label)


def nothing_gone(draft: Draft, row: Resource) -> bool:
    """Whether reading a dataset again can still find everything: no purge of ours has begun, and no module was cleared."""
    return draft.state.latest(row.address, Verb.PURGE) is None and not draft.state.cleared()


def _frozen_since(draft: Draft) -> str | None:
    """Since when nobody works any more; None where they still may: `now` moves with every plan until it is on record, so
    that no export could be late enough for it."""
    entry = draft.recorded(address(Kind.FREEZE, "cutover"), Verb.CONFIRM)
    written = draft.desired.freeze
    if entry is None:
        return None if written in (None, "now") or written > draft.survey.taken_at else written
    return written if written not in (None, "now") else entry.at


def by_jobs(draft: Draft, row: Resource) -> bool | None:
    """Whether the archive of a dataset is on record as made by jobs."""
    proved = draft.state.proved(row.id)
    return proved.evidence[0].by_jobs if proved is not None else None


def _moved(facts: DatasetFacts, done: Entry, cleared: bool) -> bool:
    """Whether the vendor counts other rows than the delta found; what is not counted cannot tell, and is not read for
    ever."""
    rows = counted(facts)
    if rows is None or done.rows is None:
        return False
    return rows > done.rows if cleared else rows != done.rows


def _left_over(facts: DatasetFacts, purged: Entry | None) -> bool:
    """After a purge has begun fewer rows are our own doing; only rows that the archive does not hold ask for another
    delta."""
    return (
        bool(counted(facts)) and purged is not None and (purged.outcome is Outcome.DONE or purged.code == "rows_remain")
    )
