"""Rows are purged, and the bins emptied that they went to."""

from __future__ import annotations

import msgspec

from crmstate.core.address import address, id_of
from crmstate.core.goal import NoArchive, PurgeGoal
from crmstate.core.message import Message, message
from crmstate.core.order import Stage, cycle
from crmstate.core.planning.dataset import counted, facts_of, files_lost, uncovered
from crmstate.core.planning.draft import Draft, expired
from crmstate.core.planning.hands import ALL, by_hand, unlisted
from crmstate.core.survey import DatasetFacts, Resource
from crmstate.core.words import How, Kind, Mode, Outcome, Phase, Proof, Verb

_WORDS = frozenset({Proof.ATTESTED, Proof.ACKNOWLEDGED, Proof.NONE})
"""What does not show that rows are gone which nobody can count."""


def purge_rows(draft: Draft, purge: PurgeGoal, row: Resource, held: set[str], needs: tuple[str, ...]) -> None:
    """Plans that the rows of a dataset go, behind the steps `needs`, and that its bin is emptied then. `held`: under a legal
    hold."""
    facts = facts_of(row)
    if row.id in held or row.label in held:
        draft.block(
            row.address, Verb.PURGE, Stage.PURGE.value, message("blocked.hold"), label=row.label, span=purge.span
        )
        return
    if not facts.exportable:
        if isinstance(draft.desired.archive, NoArchive):
            uncovered(draft, row, "blocked.not_exportable")
        return
    purged, rows = draft.state.latest(row.address, Verb.PURGE), counted(facts)
    finished = purged is not None and purged.outcome is Outcome.DONE
    cell = draft.provider.cell(Kind.DATASET, Verb.PURGE)
    unseen = rows is None and cell is not None and cell.how is How.MANUAL
    if unseen and purged is not None and finished:  # a word that it was asked for is no word that it was done
        finished = purged.proof not in _WORDS and not expired(purged, draft.survey.taken_at)
    if (rows == 0 and (purged is None or finished)) or (rows is None and finished):
        draft.keep(Kind.DATASET)
        _bin(draft, purge, row, facts, needs=())
        return
    goal = draft.desired.archive
    why = _why(draft, row, facts)
    if isinstance(goal, NoArchive):
        many = facts.rows if facts.rows is not None else "?"
        why = message("why.purge_unarchived", rows=many, who=goal.by, text=goal.why)
    step = draft.act(
        row, Verb.PURGE, Stage.PURGE, why,
        span=purge.span, rows=rows, needs=needs,
    )  # fmt: skip
    if step is not None and isinstance(goal, NoArchive):
        draft.steps[-1] = step = msgspec.structs.replace(step, proof=Proof.WAIVED)
    elif step is not None and unseen:
        draft.steps[-1] = step = msgspec.structs.replace(step, proof=Proof.CERTIFIED, files=True)
    elif step is not None and step.mode is Mode.AUTO and files_lost(draft, row) is not None:
        draft.steps[-1] = step = msgspec.structs.replace(
            step, why=why
        )  # the loss that was approved, also the second time
    _bin(draft, purge, row, facts, needs=(step.id,) if step is not None else ())


def _why(draft: Draft, row: Resource, facts: DatasetFacts) -> Message:
    """What goes, and with it what no archive has."""
    lost = files_lost(draft, row)
    rows = facts.rows
    if lost is None:
        return message("why.purge.uncounted") if rows is None else message("why.purge", rows=rows)
    if lost.decision is None:
        if rows is None:
            return message("why.purge.uncounted.files.unasked")
        return message("why.purge.files.unasked", rows=rows)
    who, text = lost.decision.by, lost.decision.why
    if rows is None:
        return message("why.purge.uncounted.files.given_up", who=who, text=text)
    return message("why.purge.files.given_up", rows=rows, who=who, text=text)


def _bin(draft: Draft, purge: PurgeGoal, row: Resource, facts: DatasetFacts, needs: tuple[str, ...]) -> None:
    if not purge.bin or unlisted(draft, Kind.BIN, Verb.EMPTY):
        return
    if not needs and (facts.bin_rows == 0 or (facts.bin_rows is None and _emptied(draft, row))):
        return
    bin_row = Resource(Kind.BIN, row.id, row.label, Phase.PRESENT)
    draft.act(bin_row, Verb.EMPTY, Stage.BIN, message("why.bin"), span=purge.span, needs=needs)


def bins_by_hand(draft: Draft, purge: PurgeGoal) -> None:
    """One step for every bin, where no API shows them: after the purge that filled them, and again after each later
    one."""
    planned = tuple(step.id for step in draft.steps if step.verb is Verb.PURGE)
    purged = [entry.at for entry in draft.state.entries.values() if entry.verb is Verb.PURGE]
    if not planned and not purged:
        return
    emptied = draft.recorded(address(Kind.BIN, ALL), Verb.EMPTY)
    stale = emptied is not None and (bool(planned) or emptied.at < max(purged))
    by_hand(draft, Kind.BIN, Verb.EMPTY, Stage.BIN, message("why.bin"), span=purge.span, needs=planned, stale=stale)


def _emptied(draft: Draft, row: Resource) -> bool:
    """Whether a bin that the vendor does not count was emptied by us after the purge that filled it, or was never
    filled by one."""
    purged = draft.state.latest(row.address, Verb.PURGE)
    emptied = draft.recorded(address(Kind.BIN, row.id), Verb.EMPTY)
    return purged is None or (emptied is not None and emptied.at >= purged.at)


def referring_first(draft: Draft, rows: list[Resource]) -> None:
    """The purge of rows that others cannot do without waits for theirs. Where datasets refer to each other in a circle
    the vendor decides, and the next run goes on with what it refused."""
    purges = {
        id_of(step.address): place
        for place, step in enumerate(draft.steps)
        if step.kind is Kind.DATASET and step.verb is Verb.PURGE
    }
    edges: list[tuple[str, str]] = []
    for row in rows:
        for first in facts_of(row).purge_after:
            both = first in purges and row.id in purges and first != row.id
            edges += [(first, row.id)] if both and not cycle([*edges, (first, row.id)]) else []
    for first, second in edges:
        step = draft.steps[purges[second]]
        needs = (*step.needs, draft.steps[purges[first]].id)
        draft.steps[purges[second]] = msgspec.structs.replace(step, needs=needs)
