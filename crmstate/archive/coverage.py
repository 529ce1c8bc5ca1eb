"""Coverage: what of the account is in the archive, and what is not, and why. It knows what the vendor lists and what is
sealed; what nobody could see it calls unknown, never absent."""

from __future__ import annotations

from collections.abc import Iterable

from crmstate.archive.bag import Covered
from crmstate.archive.seal import Seal
from crmstate.core.failure import Failure
from crmstate.core.ports import ReadSession
from crmstate.core.survey import DatasetFacts, Listing
from crmstate.core.words import Kind

ANY = "*"
"""Stands for datasets that nobody saw."""


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
        dataset = seal.dataset
        if seal.last.dropped:
            lines[dataset.id] = Covered(dataset.id, "partial", "columns_dropped", dataset.label, seal.last.dropped)
        elif seal.last.complete:
            lines[dataset.id] = Covered(dataset.id, "exported", "", dataset.label)
        else:
            lines[dataset.id] = Covered(dataset.id, "partial", "no_attachments", dataset.label)
    if listing is None or not listing.complete:
        lines[ANY] = Covered(ANY, "unknown", "not_listed" if listing is None else "listing_incomplete")
    return tuple(lines[id] for id in sorted(lines))
