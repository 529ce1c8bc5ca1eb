"""Datasets as a letter speaks of them: what is kept here, what has to come back, what was given up, what is held, and what
is purged already. By the record and the manifest; the vendor is not asked."""

from __future__ import annotations

from dataclasses import dataclass

from crmstate.core.address import address, id_of, kind_of
from crmstate.core.goal import ArchiveGoal, Desired, NoArchive
from crmstate.core.planning.hands import ALL, OPENED
from crmstate.core.record import Entry, State
from crmstate.core.words import Kind, Outcome, Verb


@dataclass
class Dataset:
    """One dataset. `origin`: where its name comes from; `kept`: the proof of a copy that was read back; `purged`: the step
    that removed its records."""

    id: str
    label: str
    origin: str
    kept: Entry | None = None
    purged: Entry | None = None
    given_up: bool = False
    held: bool = False

    @property
    def owed(self) -> bool:
        """Whether it has to be returned before it may be deleted: nobody has it, and nobody gave it up in writing."""
        return not (self.kept or self.purged or self.given_up or self.held)


def datasets(desired: Desired, state: State) -> list[Dataset]:
    """Every dataset that is known, by name."""
    found: dict[str, Dataset] = {}
    for entry in state.entries.values():
        if kind_of(entry.address) in (Kind.ARCHIVE, Kind.DATASET) and id_of(entry.address) not in (ALL, OPENED):
            _record(found, entry, state)
    goal = desired.archive
    for name in (goal.datasets or ()) if isinstance(goal, ArchiveGoal) else ():
        _named(found, name, "end_state.data.archive.datasets")
    for given in desired.discard:
        if given.whole:
            _named(found, given.dataset, "end_state.data.discard").given_up = True
    for name in (*desired.holds, *state.holds):
        _named(found, name, "end_state.data.purge.holds" if name in desired.holds else "record").held = True
    for each in found.values():
        each.given_up = each.given_up or isinstance(goal, NoArchive)
    return sorted(found.values(), key=lambda each: (each.label, each.id))


def listed(desired: Desired, known: list[Dataset]) -> bool:
    """Whether the known ones are a list of what the account holds: the record names some, or the manifest names them."""
    goal = desired.archive
    named = isinstance(goal, ArchiveGoal) and goal.datasets is not None
    return named or any(each.origin.startswith("record: ") for each in known)


def unproved(desired: Desired, state: State) -> bool:
    """Whether the vendor would be asked to delete what nobody is proved to have a copy of, without a written decision."""
    known = datasets(desired, state)
    if isinstance(desired.archive, NoArchive):
        return False
    return not any(each.kept for each in known) or any(each.owed for each in known)


def _record(found: dict[str, Dataset], entry: Entry, state: State) -> None:
    name = id_of(entry.address)
    here = found.setdefault(name, Dataset(name, name, f"record: {entry.address}"))
    here.label = entry.label or here.label
    if entry.verb is Verb.PURGE and entry.outcome is Outcome.DONE:
        here.purged = entry
    verified = state.latest(address(Kind.ARCHIVE, name), Verb.VERIFY)
    if verified is not None and verified.outcome is Outcome.DONE:
        here.kept = state.proved(name)


def _named(found: dict[str, Dataset], name: str, origin: str) -> Dataset:
    """The dataset that a manifest calls by its id or its name."""
    for each in found.values():
        if name in (each.id, each.label):
            return each
    return found.setdefault(name, Dataset(name, name, origin))
