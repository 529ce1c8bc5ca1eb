"""Lacking: what an archive is without: columns that the vendor's export jobs left out, attachments that were not asked for. A
purge would take them away for good, so that it waits until somebody gives them up in writing, and says then what is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from crmstate.core.address import address, id_of
from crmstate.core.decision import Decision
from crmstate.core.event import Evidence
from crmstate.core.goal import ArchiveGoal, Discard, NoArchive
from crmstate.core.record import Entry, State
from crmstate.core.words import Kind, Verb

COLUMNS = "columns"
UNREAD = "left_out"
"""The check of a verification that says which archive is without attachments."""
NAMELESS = "?"
"""Columns of which an earlier record only says how many they are."""
GivenUp = Mapping[str, frozenset[str]]
"""The columns that are given up, by the dataset's id or label."""


class LeftOut(msgspec.Struct, frozen=True):
    """Whose attachments stay out of the archive: those of every dataset (`attachments: false`), or of those that are named
    with a decision, by the dataset's id or label."""

    everywhere: bool = False
    decided: Mapping[str, Decision] = {}

    def decision(self, dataset: str, label: str) -> Decision | None:
        """Who gave the attachments of a dataset up; None where nobody did by name."""
        return self.decided.get(dataset) or self.decided.get(label)

    def covers(self, dataset: str, label: str) -> bool:
        """Whether the attachments of a dataset are not asked for."""
        return self.everywhere or self.decision(dataset, label) is not None


def given_up(discards: Iterable[Discard]) -> GivenUp:
    """What the manifest gives up of datasets that it archives."""
    found: dict[str, frozenset[str]] = {}
    for each in discards:
        if each.fields:
            found[each.dataset] = found.get(each.dataset, frozenset()) | frozenset(each.fields)
    return found


def left_out(goal: ArchiveGoal | NoArchive | None, discards: Iterable[Discard]) -> LeftOut:
    """Whose attachments the manifest leaves out: what is given up is given up with them."""
    decided = {each.dataset: Decision(each.why, each.by) for each in discards if each.attachments or each.whole}
    return LeftOut(isinstance(goal, NoArchive) or (goal is not None and not goal.attachments), decided)


def lacking(state: State, given: GivenUp, dataset: str) -> tuple[str, ...]:
    """The columns that the archive of a dataset is without and that nobody gave up, as its last verification found."""
    entry, found = state.proved(dataset), frozenset[str]()
    for each in entry.evidence if entry is not None else ():
        for check in each.checks:
            if check.method == COLUMNS and check.said == "lacking":
                found |= frozenset(check.names or (NAMELESS,))
    label = entry.label if entry is not None else ""
    return tuple(sorted(found - given.get(dataset, frozenset()) - given.get(label, frozenset())))


def without_files(evidence: Evidence) -> bool:
    """Whether a verification found an archive to be without attachments."""
    return any(check.method == UNREAD and check.said == "lacking" for check in evidence.checks)


def unread(state: State, left: LeftOut, dataset: str, label: str = "") -> bool:
    """Whether the archive of a dataset is without attachments that nobody left out in writing, as its last verification
    found."""
    entry = state.proved(dataset)
    lacks = any(without_files(each) for each in (entry.evidence if entry is not None else ()))
    return lacks and not left.covers(dataset, label or (entry.label if entry is not None else ""))


def anywhere(state: State, given: GivenUp) -> tuple[str, tuple[str, ...]] | None:
    """A dataset on record whose archive lacks columns that nobody gave up, and these."""
    for entry in _archived(state):
        names = lacking(state, given, id_of(entry.address))
        if names:
            return entry.label or id_of(entry.address), names
    return None


def unread_anywhere(state: State, left: LeftOut) -> str | None:
    """A dataset on record whose archive is without attachments that nobody left out in writing."""
    found = (
        entry.label or id_of(entry.address) for entry in _archived(state) if unread(state, left, id_of(entry.address))
    )
    return next(found, None)


def _archived(state: State) -> list[Entry]:
    entries = state.entries.values()
    return [
        each
        for each in entries
        if each.verb is Verb.ARCHIVE and each.address == address(Kind.ARCHIVE, id_of(each.address))
    ]
