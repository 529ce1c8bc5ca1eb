"""Lacking: columns that the vendor's export jobs left out of an archive. A purge would take them away for good, so that it
waits until somebody gives them up in writing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crmstate.core.address import address, id_of
from crmstate.core.goal import Discard
from crmstate.core.record import State
from crmstate.core.words import Kind, Verb

COLUMNS = "columns"
NAMELESS = "?"
"""Columns of which an earlier record only says how many they are."""
GivenUp = Mapping[str, frozenset[str]]
"""The columns that are given up, by the dataset's id or label."""


def given_up(discards: Iterable[Discard]) -> GivenUp:
    """What the manifest gives up of datasets that it archives."""
    found: dict[str, frozenset[str]] = {}
    for each in discards:
        if each.fields:
            found[each.dataset] = found.get(each.dataset, frozenset()) | frozenset(each.fields)
    return found


def lacking(state: State, given: GivenUp, dataset: str) -> tuple[str, ...]:
    """The columns that the archive of a dataset is without and that nobody gave up, as its last verification found."""
    entry, found = state.proved(dataset), frozenset[str]()
    for each in entry.evidence if entry is not None else ():
        for check in each.checks:
            if check.method == COLUMNS and check.said == "lacking":
                found |= frozenset(check.names or (NAMELESS,))
    label = entry.label if entry is not None else ""
    return tuple(sorted(found - given.get(dataset, frozenset()) - given.get(label, frozenset())))


def anywhere(state: State, given: GivenUp) -> tuple[str, tuple[str, ...]] | None:
    """A dataset on record whose archive lacks columns that nobody gave up, and these."""
    for entry in state.entries.values():
        if entry.verb is Verb.ARCHIVE and entry.address == address(Kind.ARCHIVE, id_of(entry.address)):
            names = lacking(state, given, id_of(entry.address))
            if names:
                return entry.label or id_of(entry.address), names
    return None
