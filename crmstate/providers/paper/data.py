"""What lies in the folder of exports, as datasets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from crmstate.core.diagnostic import Diagnostic
from crmstate.core.provider import Count, File, Page
from crmstate.core.survey import DatasetFacts, Resource
from crmstate.core.words import Kind, Verb
from crmstate.providers.paper.folder import FILES, Folder
from crmstate.providers.paper.vendor import SOURCE, provider

_READS = "FILE exports/*"


@provider.reads(Kind.DATASET, Verb.LIST, _READS, source=SOURCE)
def datasets(folder: Folder, ids: Collection[str] | None = None) -> list[Resource]:
    """Each table, and the files beside them. The vendor's own count is not here: rows that lie in a folder say nothing of
    rows that the vendor still has."""
    tables = folder.tables()
    names = {*tables, *([FILES] if folder.others() else [])}
    beside, said = folder.faults(), folder.said()
    return [
        Resource(Kind.DATASET, name, name, facts=_facts(folder, name, tables.get(name), said, beside))
        for name in sorted(names if ids is None else names & {*ids})
    ]


def _facts(
    folder: Folder, name: str, path: Path | None, said: Mapping[str, int | None], beside: tuple[Diagnostic, ...]
) -> DatasetFacts:
    found = folder.encoding(name, path) if path is not None else None
    return DatasetFacts(
        exact=False,
        as_of=folder.as_of(path),
        encoding=found.name if found is not None else None,
        guessed=found is not None and found.guessed,
        uncounted=said.get(name, 0) is None,
        faults=(*(folder.faults_of(name, path, said.get(name)) if path is not None else ()), *beside),
    )


@provider.reads(Kind.DATASET, Verb.COUNT, _READS, source=SOURCE)
def count(folder: Folder, dataset: str) -> Count:
    """What `counts.csv` says that the vendor's screens show."""
    return folder.count(dataset)


def fetch(folder: Folder, file: File) -> object:
    """A file's bytes."""
    return folder.fetch(file)


@provider.reads(
    Kind.DATASET, Verb.READ, _READS, source=SOURCE, files=lambda folder, dataset, _: folder.files(dataset), fetch=fetch
)
def rows(folder: Folder, dataset: str, cursor: str | None, ids: tuple[str, ...] | None) -> Page:
    """A table's rows, as they stand in the file."""
    return folder.page(dataset, cursor, ids)
