"""Coverage: what of the account is in the archive, and what is not, and why. It knows what the vendor lists and what is
sealed; what nobody could see it calls unknown, never absent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crmstate.archive.bag import Covered
from crmstate.archive.seal import Seal
from crmstate.core.failure import Code, Failure
from crmstate.core.ports import ReadSession
from crmstate.core.survey import DatasetFacts, Listing
from crmstate.core.words import Kind

ANY = "*"
"""Stands for datasets that nobody saw."""


KEPT, NOT_OFFERED, REFUSED = "kept", "not_offered", "refused"
_REFUSALS = frozenset({Code.DENIED, Code.MISSING, Code.REJECTED})


@dataclass(frozen=True)
class Described:
    """The vendor's description of a dataset's fields, byte for byte; None where its provider gives none, or the vendor
    refuses it: records are not left out of the archive for want of their labels."""

    data: bytes | None
    said: str


def described(source: ReadSession, dataset: str) -> Described:
    """The description of a dataset's fields, now. Raises Failure where it may be had another time."""
    try:
        data = source.fields(dataset)
    except Failure as failure:
        if failure.code not in _REFUSALS:
            raise
        return Described(None, REFUSED)
    return Described(data, NOT_OFFERED if data is None else KEPT)


def listed(source: ReadSession) -> Listing | None:
    """The vendor's datasets, now; None where they could not be listed."""
    try:
        return source.list(Kind.DATASET)
    except Failure:
        return None


def covered(seals: Iterable[Seal], listing: Listing | None) -> tuple[Covered, ...]:
    """One line for each dataset, in the order of their ids."""
    lines: dict[str, Covered] = {}
    for row in listing.resources if listing is not None else ():
        exportable = not isinstance(row.facts, DatasetFacts) or row.facts.exportable
        status, why = ("unknown", "not_archived") if exportable else ("not_exportable", "not_exportable")
        lines[row.id] = Covered(row.id, status, why, row.label)
    for seal in seals:
        dataset, last = seal.dataset, seal.last
        status, why = ("partial", "no_attachments") if last.unread else ("exported", "")
        if last.left_out is not None:
            why = "attachments_given_up"
        if last.dropped:
            status, why = "partial", "columns_dropped"
        facts = dataset.facts if isinstance(dataset.facts, DatasetFacts) else DatasetFacts()
        lines[dataset.id] = Covered(
            dataset.id, status, why, dataset.label, last.fields, last.redacted, last.dropped, facts.encoding or "", facts.guessed,
            last.left_out,
        )  # fmt: skip
    if listing is None or not listing.complete:
        lines[ANY] = Covered(ANY, "unknown", "not_listed" if listing is None else "listing_incomplete")
    return tuple(lines[id] for id in sorted(lines))
