"""One dataset: where its archive stands, what the vendor says of it, and what holds everything up that it is not archived."""

from __future__ import annotations

from typing import NamedTuple

from crmstate.core.address import Address, address
from crmstate.core.decision import Decision
from crmstate.core.goal import NoArchive
from crmstate.core.lacking import left_out
from crmstate.core.message import message
from crmstate.core.order import Stage
from crmstate.core.planning.draft import Draft
from crmstate.core.survey import DatasetFacts, Resource
from crmstate.core.words import Kind, Verb

BEFORE_CLOSING = Stage.CERTIFICATE.value
"""Where a blocker stands that must stop the account's closing: a blocker lets the steps of its own stage start."""


def archive_of(row: Resource) -> Address:
    """The address of a dataset's archive."""
    return address(Kind.ARCHIVE, row.id)


def facts_of(row: Resource) -> DatasetFacts:
    """What the vendor says of a dataset."""
    return row.facts if isinstance(row.facts, DatasetFacts) else DatasetFacts()


def counted(facts: DatasetFacts) -> int | None:
    """How many rows there are; None where the vendor does not say, or only guesses."""
    return facts.rows if facts.exact else None


class FilesLost(NamedTuple):
    """A dataset's attachments stay out of its archive: by this decision, or because nobody asks for any."""

    decision: Decision | None


def files_lost(draft: Draft, row: Resource) -> FilesLost | None:
    """Whether a dataset's attachments stay out of its archive. None where they do not, and where there are none."""
    cell = draft.provider.cell(Kind.DATASET, Verb.READ)
    none = facts_of(row).attachments == 0 or (cell is not None and cell.files is None)
    if none or isinstance(draft.desired.archive, NoArchive):
        return None
    left = left_out(draft.desired.archive, draft.desired.discard)
    decision = left.decision(row.id, row.label)
    return FilesLost(decision) if decision is not None or left.everywhere else None


def destroying(draft: Draft) -> bool:
    """Whether records are to go, by a purge or with what holds them."""
    return draft.desired.purge is not None or draft.desired.closing or draft.desired.clearing


def uncovered(draft: Draft, row: Resource, code: str, **params: str) -> None:
    """A dataset that is neither archived nor given up in writing stops everything that would destroy it. It stands in
    the stage of the delta, which it lacks: a blocker holds up the stages after its own, not the steps beside it."""
    why = message(code, dataset=row.label or row.id, **params)
    desired = draft.desired
    if desired.purge is not None:
        draft.block(row.address, Verb.PURGE, Stage.DELTA.value, why, label=row.label, span=desired.purge.span)
    elif desired.clearing:
        span = next(module.span for module in desired.modules if module.data_effect == "clears")
        draft.block(row.address, Verb.DISABLE, Stage.DELTA.value, why, label=row.label, span=span)
    elif desired.closing and desired.account is not None:
        draft.block(row.address, Verb.CLOSE, BEFORE_CLOSING, why, label=row.label, span=desired.account.span)
