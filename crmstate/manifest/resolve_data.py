"""Resolving the data section: archive, discard, purge."""

from __future__ import annotations

from pathlib import Path as FilePath

from crmstate.core.goal import ArchiveGoal, Discard, Every, NoArchive, PurgeGoal
from crmstate.core.recipient import plain
from crmstate.manifest.data import Archive, DataEnd
from crmstate.manifest.data import NoArchive as NoArchiveSection
from crmstate.manifest.rules_end import local_path
from crmstate.manifest.tree import Tree
from crmstate.manifest.written import read_duration

_DATA = ("end_state", "data")


def archive(data: DataEnd | None, tree: Tree, folder: FilePath) -> ArchiveGoal | NoArchive | None:
    """The archive's goal, with an absolute location."""
    goal = data.archive if data else None
    if goal is None:
        return None
    span = tree.key_span(*_DATA, "archive")
    if isinstance(goal, NoArchiveSection):
        return NoArchive(goal.why, goal.by, span)
    return ArchiveGoal(
        to=location(goal.to, folder),
        datasets=None if isinstance(goal.datasets, str) else tuple(goal.datasets),
        attachments=goal.attachments,
        formats=tuple(dict.fromkeys(("jsonl", *goal.formats))),
        encrypt_to=tuple(sorted({plain(each) for each in goal.encrypt_to or ()})),
        identity=goal.identity is not None,
        counts=goal.verify.counts if goal.verify else "exact",
        sample=goal.verify.sample if goal.verify else None,
        restore_test=bool(goal.verify and goal.verify.restore_test),
        keep_until=goal.keep_until,
        recheck=_every(goal.recheck),
        by=goal.by,
        backup=goal.backup is not None,
        unsupported=_unsupported(goal),
        span=span,
    )


def _every(written: str | None) -> Every | None:
    """`every 90 days` as numbers."""
    found = read_duration(written.removeprefix("every ")) if written else None
    return Every(found.count, found.unit) if found else None


def location(place: str, folder: FilePath) -> str:
    """A location as an address: `./archive` beside the manifest becomes `file:///...`; remote ones stay."""
    path = local_path(place, folder)
    return path.as_uri() if path else place


def _unsupported(goal: Archive) -> tuple[str, ...]:
    """Keys below `archive` that this version reads but does not carry out."""
    present = {
        "to": "://" in goal.to and not goal.to.startswith(("file://", "s3://")),
        "identity": goal.identity is not None and not goal.encrypt_to,
    }
    return tuple(key for key, there in present.items() if there)


def discard(data: DataEnd | None, tree: Tree) -> tuple[Discard, ...]:
    """Datasets that are given up in writing."""
    written = (data.discard if data else None) or ()
    return tuple(
        Discard(
            dataset=each.dataset,
            why=each.why,
            by=each.by,
            fields=tuple(each.fields or ()),
            attachments=each.attachments is not None,
            span=tree.span(*_DATA, "discard", index),
        )
        for index, each in enumerate(written)
    )


def purge(data: DataEnd | None, tree: Tree) -> PurgeGoal | None:
    """The purge's goal; None where records stay."""
    goal = data.purge if data else None
    if goal is None or goal.status == "kept":
        return None
    return PurgeGoal(
        bin=goal.bin == "emptied",
        certificate=goal.certificate == "required",
        holds=tuple(goal.holds),
        span=tree.key_span(*_DATA, "purge"),
    )


def holds(data: DataEnd | None) -> tuple[str, ...]:
    """The legal holds; they count where records stay as well: what is held may not end in the archive either."""
    return tuple(data.purge.holds) if data and data.purge else ()
