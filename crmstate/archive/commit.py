"""Commit: closes a reading of a dataset. The list of ids first, then the files beside the manifest, the manifest last
of all.

`ground` is held by whoever reads or writes the top of the archive: datasets are sealed from several threads.
"""

from __future__ import annotations

import os
from pathlib import Path

from crmstate.archive import disk, layout, manifest
from crmstate.archive.bag import Covered
from crmstate.archive.coverage import covered
from crmstate.archive.disk import TEMPORARY, Disk
from crmstate.archive.journal import ROWS
from crmstate.archive.layout import JOURNAL, MANIFEST, content
from crmstate.archive.manifest import Found
from crmstate.archive.marks import FileMark, mark
from crmstate.archive.pack import packed_all
from crmstate.archive.seal import Content, Generation, Seal
from crmstate.archive.segments import Work
from crmstate.core.survey import Listing, Resource


def prepare(work: Work, dataset: Resource, complete: bool, by: str, fields: bytes | None = None) -> Seal:
    """Makes the list of the ids that are held durable, and gives the seal of the next generation. `complete`:
    attachments were read, now or before; `fields`: the vendor's field metadata."""
    number = len(work.seal.generations) if work.seal else 0
    files = [*work.files(), *_kept(work)]
    ids = work.streamed(work.place.ids(number), packed_all(work.holding.ids(work.lines)))
    if fields is not None:
        path = work.place.schema(number)
        work.disk.replace(work.place.root / path, fields)
        work.disk.flush(work.place.root / layout.SCHEMA)
        files.append(mark(path, fields))
    return Seal(
        dataset=dataset,
        slug=work.place.slug,
        generations=(*(work.seal.generations if work.seal else ()), _generation(work, number, complete, by)),
        ids=ids,
        journal=mark(f"{JOURNAL}/{work.place.journal.name}", work.journal.data),
        files=tuple(files),
        contents=tuple(sorted(Content(digest, size) for digest, size in work.holding.contents.items())),
    )


def _kept(work: Work) -> list[FileMark]:
    """What earlier generations have that the journal does not know: lists of ids, field metadata."""
    if work.seal is None:
        return []
    known = {each.file for each in work.files()}
    return [*(each for each in work.seal.files if each.file not in known), work.seal.ids]


def _generation(work: Work, number: int, complete: bool, by: str) -> Generation:
    now = work.now()
    return Generation(
        number=number,
        content=work.holding.content(),
        parent=work.seal.last.content if work.seal else None,
        rows=work.holding.count,
        lines=sum(line.written for line in work.journal.lines if line.what == ROWS),
        attachments=len(work.holding.files),
        complete=complete,
        taken_at=work.progress.began or now,
        sealed_at=now,
        by=by,
    )


def commit(root: Path, writer: Disk, seal: Seal, listing: Listing | None, at: str, by: str) -> None:
    """Seals a dataset: the manifest names it. Call with the ground held. Raises Problem CRM-A025 where another process
    sealed something meanwhile."""
    before = manifest.load(root)
    others = tuple(each for each in (before.manifest.datasets if before else ()) if each.slug != seal.slug)
    seals = (*others, seal)
    coverage: tuple[Covered, ...] = covered(seals, listing)
    if not unfinished(root, seals):
        _orphans(root, writer, seals)
    made, tags = manifest.made(before, seals, coverage, at, by)
    _write(root, writer, tags)
    writer.swap(root / MANIFEST, manifest.written(made), before.data if before else None)


def settle(root: Path, writer: Disk, found: Found | None) -> None:
    """Sets right what an interrupted sealing left beside the manifest. Call with the ground held."""
    for name in disk.names(root):
        if name.endswith(TEMPORARY) and name.removesuffix(TEMPORARY) in (*layout.TAG_FILES, MANIFEST):
            writer.remove(root / name)
    if found is not None:
        known = {each.file: each for each in found.manifest.tags}
        tags = manifest.tags_of(found.manifest)  # another version of ours may have written others: those stay
        _write(root, writer, {name: data for name, data in tags.items() if mark(name, data) == known.get(name)})
        return
    for name in layout.TAG_FILES:
        if name != layout.README and disk.size(root / name) is not None:
            writer.remove(root / name)


def _write(root: Path, writer: Disk, tags: dict[str, bytes]) -> None:
    changed = [name for name, data in tags.items() if disk.read(root / name) != data]
    for name in changed:
        writer.replace(root / name, tags[name])
    if changed:
        writer.flush(root)


def unfinished(root: Path, seals: tuple[Seal, ...]) -> list[str]:
    """The journals that go on behind what is sealed, or were never sealed: work that was begun and not finished."""
    known = {each.journal.file: each.journal.bytes for each in seals}
    names = (f"{JOURNAL}/{name}" for name in disk.names(root / JOURNAL) if layout.JOURNAL_FILE.fullmatch(name))
    return [name for name in names if disk.size(root / name) != known.get(name)]


def _orphans(root: Path, writer: Disk, seals: tuple[Seal, ...]) -> None:
    """Removes contents that an interrupted run fetched and that no record has any more."""
    known = {content(each.sha256) for seal in seals for each in seal.contents}
    for path in contents(root):
        if path not in known:
            writer.remove(root / path)


def contents(root: Path) -> list[str]:
    """The contents that lie there, under names that a content can have."""
    top = root / layout.DATA / layout.ATTACHMENTS
    found = []
    for folder in disk.names(top):
        if len(folder) == 2 and (top / folder).is_dir() and not (top / folder).is_symlink():
            with disk.told(top / folder):
                names = sorted(entry.name for entry in os.scandir(top / folder) if entry.is_file(follow_symlinks=False))
            found += [content(name) for name in names if layout.CONTENT.fullmatch(name) and name[:2] == folder]
    return found
