"""look(): reads single resources back, and says of each what is known: there, gone, or unknown. Unknown is never
gone."""

from __future__ import annotations

from collections.abc import Sequence

from crmstate.core.failure import Failure
from crmstate.core.ports import ReadSession
from crmstate.core.provider import Cell
from crmstate.core.survey import Resource
from crmstate.core.words import Kind, Phase

SAMPLE = 20
READ_IDS = 100


class Seen:
    """What one look found."""

    def __init__(self, kind: Kind, rows: dict[str, Resource], complete: bool) -> None:
        self.kind = kind
        self.rows = rows
        self.complete = complete

    def phase(self, remote_id: str) -> Phase:
        """The phase of one id: absent only where the look was complete."""
        row = self.rows.get(remote_id)
        if row is not None:
            return row.phase
        return Phase.ABSENT if self.complete else Phase.UNKNOWN

    def until(self, remote_id: str) -> str | None:
        """When a pending resource is said to be through."""
        row = self.rows.get(remote_id)
        return row.pending_until if row is not None else None


def look(session: ReadSession, kind: Kind, ids: Sequence[str], cell: Cell | None = None) -> Seen:
    """Reads some ids of a kind. Raises Failure where the vendor does not answer. Of a `cell` whose things may live on
    unlisted (`lives_unseen`) what is not listed is unknown."""
    wanted = set(ids)
    listing = session.list(kind, list(ids))
    unseen = cell is not None and "lives_unseen" in cell.attributes
    return Seen(kind, {row.id: row for row in listing.resources if row.id in wanted}, listing.complete and not unseen)


def present(session: ReadSession, dataset: str, ids: Sequence[str]) -> list[str]:
    """Which of these rows can still be read by their ids, in the given order."""
    there: set[str] = set()
    for first in range(0, len(ids), READ_IDS):
        page = session.read(dataset, ids=ids[first : first + READ_IDS])
        there |= {row.id for row in page.rows}
    return [each for each in ids if each in there]


def untouched(session: ReadSession, dataset: str, ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which of these rows are there and not about to go, in the given order; and by when those that the vendor shows
    as accepted are to be gone."""
    there: dict[str, str | None] = {}
    for first in range(0, len(ids), READ_IDS):
        page = session.read(dataset, ids=ids[first : first + READ_IDS])
        there.update((row.id, row.doomed) for row in page.rows)
    asked = {each: there[each] for each in ids if each in there}
    return [each for each, due in asked.items() if due is None], [due for due in asked.values() if due is not None]


def sampled(ids: Sequence[str]) -> list[str]:
    """A few ids spread evenly over all of them: first and last included."""
    if len(ids) <= SAMPLE:
        return list(ids)
    last = len(ids) - 1
    return [ids[round(number * last / (SAMPLE - 1))] for number in range(SAMPLE)]


def gone(session: ReadSession, dataset: str, ids: Sequence[str]) -> bool | None:
    """Whether sampled rows can no longer be read; None where the vendor does not let us try."""
    try:
        return not present(session, dataset, sampled(ids))
    except Failure:
        return None
