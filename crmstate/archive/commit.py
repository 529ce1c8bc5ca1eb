"""Commit: closes a reading of a dataset. The list of ids first, then the files beside the manifest, the manifest last
of all.

`ground` is held by whoever reads or writes the top of the archive: datasets are sealed from several threads.
"""

from __future__ import annotations

import re
from collections import Counter

from crmstate.archive import bulk, layout, manifest
from crmstate.archive.bag import Covered
from crmstate.archive.coverage import Described, covered
from crmstate.archive.journal import ROWS
from crmstate.archive.layout import ATTACHMENTS, DATA, ENCRYPTION, JOURNAL, MANIFEST, content
from crmstate.archive.manifest import Found
from crmstate.archive.marks import FileMark, mark
from crmstate.archive.pack import packed_all
from crmstate.archive.seal import Generation, Seal
from crmstate.archive.segments import Work
from crmstate.archive.store import TEMPORARY, Form, ReadStore, Store
from crmstate.core.decision import Decision
from crmstate.core.survey import Listing, Resource

_SHELF = re.compile(f"{DATA}/{ATTACHMENTS}/[0-9a-f]{{2}}")


def prepare(
    work: Work, dataset: Resource, complete: bool, by: str, fields: Described, left_out: Decision | None = None
) -> Seal:
    """Makes the list of the ids that are held durable, and gives the seal of the next generation. `complete`:
    attachments were read, now or before; `fields`: the vendor's field metadata; `left_out`: who gave the attachments up."""
    number = len(work.seal.generations) if work.seal else 0
    files = [*work.files(), *_kept(work)]
    ids = work.streamed(work.place.ids(number), packed_all(work.holding.ids(work.lines)))
    if fields.data is not None:
        path, data = work.place.put(work.place.schema(number), fields.data)
        work.store.put({path: data}, once=True)
        files.append(mark(path, data))
    work.store.gather(work.place.journal, work.journal.data)
    return Seal(
        dataset=dataset,
        slug=work.place.slug,
        generations=(
            *(work.seal.generations if work.seal else ()),
            _generation(work, number, complete, by, fields.said, left_out),
        ),
        ids=ids,
        journal=mark(work.place.journal, work.journal.data),
        files=tuple(files),
        contents=work.contents(),
    )


def _kept(work: Work) -> list[FileMark]:
    """What earlier generations have that the journal does not know: lists of ids, field metadata."""
    if work.seal is None:
        return []
    known = {each.file for each in work.files()}
    return [*(each for each in work.seal.files if each.file not in known), work.seal.ids]


def _generation(work: Work, number: int, complete: bool, by: str, fields: str, left_out: Decision | None) -> Generation:
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
        fields=fields,
        redacted=_redacted(work),
        by_jobs=bulk.by_jobs(work),
        dropped=bulk.dropped(work),
        left_out=left_out,
    )


def _redacted(work: Work) -> dict[str, int]:
    found: Counter[str] = Counter()
    for line in work.journal.lines:
        found.update(line.redacted)
    return dict(found)


def commit(store: Store, seal: Seal, listing: Listing | None, at: str, by: str, alone: bool = True) -> None:
    """Seals a dataset: the manifest names it. Call with the ground held. `alone`: no other dataset is worked on, so that
    contents which no record has are left over from an interrupted run, and removed; one that another dataset has just
    received has no record yet. Raises Problem CRM-A025 where another process sealed something meanwhile."""
    before = manifest.load(store)
    others = tuple(each for each in (before.manifest.datasets if before else ()) if each.slug != seal.slug)
    seals = (*others, seal)
    coverage: tuple[Covered, ...] = covered(seals, listing)
    if alone and not unfinished(store, seals):
        _orphans(store, seals)
    lock = store.read(ENCRYPTION)
    made, tags = manifest.made(before, seals, coverage, at, by, mark(ENCRYPTION, lock) if lock is not None else None)
    _write(store, tags)
    store.swap(MANIFEST, manifest.written(made), before.data if before else None)


def settle(store: Store, found: Found | None) -> None:
    """Sets right what an interrupted sealing left beside the manifest. Call with the ground held."""
    for name in store.names(""):
        if name.endswith(TEMPORARY) and name.removesuffix(TEMPORARY) in (*layout.TAG_FILES, MANIFEST):
            store.remove(name)
    if found is not None:
        known = {each.file: each for each in found.manifest.tags}
        tags = manifest.tags_of(found.manifest)  # another version of ours may have written others: those stay
        _write(store, {name: data for name, data in tags.items() if mark(name, data) == known.get(name)})
        return
    for name in layout.TAG_FILES:
        if name != layout.README and store.size(name) is not None:
            store.remove(name)


def _write(store: Store, tags: dict[str, bytes]) -> None:
    if changed := {name: data for name, data in tags.items() if store.read(name) != data}:
        store.put(changed)


def unfinished(store: ReadStore, seals: tuple[Seal, ...]) -> list[str]:
    """The journals that go on behind what is sealed, or were never sealed: work that was begun and not finished."""
    known = {each.journal.file: each.journal.bytes for each in seals}
    sizes = {
        f"{JOURNAL}/{name}": size for name, size in store.sizes(JOURNAL).items() if layout.JOURNAL_FILE.fullmatch(name)
    }
    return [name for name, size in sizes.items() if size != known.get(name)]


def _orphans(store: Store, seals: tuple[Seal, ...]) -> None:
    """Removes contents that an interrupted run fetched and that no record has any more."""
    known = {each.file for seal in seals for each in seal.contents}
    for name in contents(store)[0]:
        if name not in known:
            store.remove(name)


def contents(store: ReadStore) -> tuple[list[str], list[str]]:
    """The contents that lie there, under names that a content can have; and whatever else lies among them."""
    found: list[str] = []
    odd: list[str] = []
    for name, form in store.walk(f"{DATA}/{ATTACHMENTS}"):
        last = name.rpartition("/")[2]
        if layout.CONTENT.fullmatch(last) and name == content(last) and form is not Form.FOLDER:
            found += [name] if form is Form.FILE else []
        elif form is not Form.FOLDER or not _SHELF.fullmatch(name):
            odd += [] if odd and name.startswith(odd[-1] + "/") else [name]
    return found, odd
