"""The capability matrix as data: what a provider can do, by API, by hand or not at all, and from where that is known.
Views render it."""

from __future__ import annotations

import msgspec

from crmstate.core.provider import Cell, Provider
from crmstate.core.words import READING, How, Kind, Phase, Undo, Verb

_KINDS = {kind: place for place, kind in enumerate(Kind)}
_VERBS = {verb: place for place, verb in enumerate(Verb)}


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One capability. `reason` is a catalogue code: the runbook of a manual cell, the why of one that nobody has."""

    provider: str
    kind: Kind
    verb: Verb
    how: How
    reads: bool
    undo: Undo
    after: Phase | None
    batch: int
    requests: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    reason: str | None = None
    note: str | None = None
    source: str = ""
    verified_on: str | None = None
    attachments: bool = False


def matrix(provider: Provider) -> list[Row]:
    """Every cell, in the order of the vocabularies."""
    cells = sorted(provider.table.values(), key=lambda cell: (_KINDS[cell.kind], _VERBS[cell.verb]))
    return [_row(provider.name, cell) for cell in cells]


def _row(name: str, cell: Cell) -> Row:
    reads = cell.verb in READING
    return Row(
        name,
        cell.kind,
        cell.verb,
        cell.how,
        reads,
        cell.undo,
        None if reads else cell.after,
        cell.batch,
        cell.requests,
        tuple(sorted(cell.attributes)),
        cell.runbook or cell.why,
        cell.note,
        cell.source,
        cell.verified_on,
        cell.files is not None,
    )
