"""The data: what becomes of every dataset, archived, verified, topped up after the freeze and purged, and the vendor's certificate
of that asked for."""

from __future__ import annotations

from crmstate.core.address import address
from crmstate.core.certificate import examined
from crmstate.core.diagnostic import Span
from crmstate.core.goal import ArchiveGoal, NoArchive
from crmstate.core.lacking import given_up as given_up_parts
from crmstate.core.lacking import lacking
from crmstate.core.message import message
from crmstate.core.order import Stage
from crmstate.core.planning.archiving import archive
from crmstate.core.planning.backup import backup
from crmstate.core.planning.dataset import counted, destroying, facts_of, files_lost, uncovered
from crmstate.core.planning.delta import nothing_gone, wanting
from crmstate.core.planning.draft import Draft
from crmstate.core.planning.encrypted import keys, opened_by_hand
from crmstate.core.planning.hands import unlisted
from crmstate.core.planning.purging import bins_by_hand, purge_rows, referring_first
from crmstate.core.planning.retention import begun, ended
from crmstate.core.survey import Resource
from crmstate.core.words import How, Kind, Mode, Outcome, Phase, Proof, Severity, Verb


def data(draft: Draft) -> None:
    """Plans what becomes of every dataset."""
    goal, purge = draft.desired.archive, draft.desired.purge
    ending = destroying(draft)
    if goal is None and not ending and not draft.desired.discard:
        return
    span = goal.span if goal is not None else None
    if ending or (isinstance(goal, ArchiveGoal) and goal.datasets is None):
        draft.incomplete(Kind.DATASET, Verb.ARCHIVE, Stage.ARCHIVE, span)
    rows = draft.by_kind[Kind.DATASET]
    whole = [(each.dataset, each.span) for each in draft.desired.discard if each.whole]
    given_up, parts = _named(draft, whole, rows), given_up_parts(draft.desired.discard)
    _named(draft, [(each.dataset, each.span) for each in draft.desired.discard if not each.whole], rows)
    held = _held(draft, rows)
    scope = _scope(draft, goal, rows) - given_up
    gone = (ended(draft.state) or begun(draft.state)) is not None
    if ending and isinstance(goal, ArchiveGoal) and not goal.attachments and any(_unasked(draft, row) for row in rows):
        draft.report("CRM-P065", Severity.WARNING, goal.span)
    for row in rows:
        needs: tuple[str, ...] = ()
        if row.id in scope and isinstance(goal, ArchiveGoal):
            if gone and _remains(draft, row):
                uncovered(draft, row, "blocked.archive_ended")
                continue
            needs = () if gone else archive(draft, goal, row)
            if names := lacking(draft.state, parts, row.id):
                uncovered(draft, row, "blocked.columns", fields=", ".join(names))
                continue
            if wanting(draft, row) and not _reads_again(draft, row, needs):
                uncovered(draft, row, "blocked.attachments")
                continue
        elif not isinstance(goal, NoArchive) and row.id not in given_up:
            uncovered(draft, row, "blocked.not_archived")
        if purge is not None and row.id not in given_up and (row.id in scope or isinstance(goal, NoArchive)):
            purge_rows(draft, purge, row, held, needs)
    referring_first(draft, rows)
    if isinstance(goal, ArchiveGoal) and goal.backup and not gone:
        backup(draft, goal)
    if isinstance(goal, ArchiveGoal) and keys(draft, goal) and not (goal.identity or goal.unsupported or gone):
        opened_by_hand(draft, goal)
    if purge is not None and purge.bin and unlisted(draft, Kind.BIN, Verb.EMPTY):
        bins_by_hand(draft, purge)
    certificate(draft)


def _unasked(draft: Draft, row: Resource) -> bool:
    """Whether a dataset may have attachments that nobody asks for, and still has its records."""
    lost, purged = files_lost(draft, row), draft.state.latest(row.address, Verb.PURGE)
    return lost is not None and lost.decision is None and (purged is None or purged.outcome is not Outcome.DONE)


def _reads_again(draft: Draft, row: Resource, steps: tuple[str, ...]) -> bool:
    """Whether one of these steps reads what the archive of a dataset is without."""
    reads = any(step.id in steps and step.verb in (Verb.ARCHIVE, Verb.DELTA) for step in draft.steps)
    return reads and nothing_gone(draft, row)


def _remains(draft: Draft, row: Resource) -> bool:
    """Whether the vendor has rows, or may have, of a dataset whose archive was ended."""
    rows, purged = counted(facts_of(row)), draft.state.latest(row.address, Verb.PURGE)
    return bool(rows) or (rows is None and (purged is None or purged.outcome is not Outcome.DONE))


def _named(draft: Draft, names: list[tuple[str, Span | None]], rows: list[Resource]) -> set[str]:
    found: set[str] = set()
    for name, span in names:
        hits = {row.id for row in rows if name in (row.id, row.label)}
        known = draft.state.latest(address(Kind.ARCHIVE, name), Verb.ARCHIVE)
        if not hits and known is None and Kind.DATASET in draft.survey.complete:
            draft.report("CRM-P020", span=span, dataset=name)
        found |= hits
    return found


def _held(draft: Draft, rows: list[Resource]) -> set[str]:
    """Datasets under a legal hold: written now, or recorded before. Leaving one out of the manifest lifts nothing."""
    purge = draft.desired.purge
    written = _named(draft, [(name, purge.span) for name in purge.holds], rows) if purge is not None else set()
    return written | _named(draft, [(name, None) for name in draft.state.holds], rows)


def _scope(draft: Draft, goal: ArchiveGoal | NoArchive | None, rows: list[Resource]) -> set[str]:
    if not isinstance(goal, ArchiveGoal):
        return set()
    if goal.datasets is None:
        return {row.id for row in rows}
    return _named(draft, [(name, goal.span) for name in goal.datasets], rows)


def by_word(draft: Draft) -> None:
    """What a person proves of the archive, when the vendor is not asked."""
    goal = draft.desired.archive
    if not isinstance(goal, ArchiveGoal) or (ended(draft.state) or begun(draft.state)) is not None:
        return
    cell = draft.provider.cell(Kind.ACCOUNT, Verb.EXPORT)
    if goal.backup and cell is not None and cell.how is How.MANUAL:
        backup(draft, goal)
    if keys(draft, goal) and not (goal.identity or goal.unsupported):
        opened_by_hand(draft, goal)


def certificate(draft: Draft) -> None:
    """The vendor's document that the data is destroyed, where the manifest asks for it: it may come long after our access
    has ended."""
    purge = draft.desired.purge
    if purge is None or not purge.certificate:
        return
    place = address(Kind.CERTIFICATE, "destruction")
    if draft.recorded(place, Verb.CONFIRM) is not None:
        draft.keep(Kind.CERTIFICATE)
        return
    read = examined(draft.state, draft.survey.taken_at)
    why = message("why.certificate.lacks", n=len(read[1])) if read and read[1] else message("why.certificate")
    draft.ours(
        place, Kind.CERTIFICATE, Verb.CONFIRM, Stage.CERTIFICATE.value, why,
        mode=Mode.MANUAL, owner=draft.desired.owner, proof=Proof.CERTIFIED, files=True, span=purge.span,
        before=Phase.ABSENT, after=Phase.PRESENT,
    )  # fmt: skip
