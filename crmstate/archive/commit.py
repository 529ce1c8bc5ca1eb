"""Commit: closes a reading of a dataset. The list of ids and the list for sha256sum first, the seal last of all."""

from __future__ import annotations

from msgspec.structs import replace

from crmstate.archive.journal import ROWS
from crmstate.archive.layout import JOURNAL, README, README_TEXT, content
from crmstate.archive.marks import FileMark, mark, sha256
from crmstate.archive.seal import FORMAT, Seal, Sealed, written
from crmstate.archive.segments import Work
from crmstate.core.survey import Resource


def seal(work: Work, dataset: Resource, complete: bool, by: str) -> Sealed:
    """Seals what is held as the next generation. `complete`: attachments were read, now or before. Raises Problem
    CRM-A025 where another process sealed it meanwhile."""
    generation = len(work.seals)
    ids = work.holding.ids()
    sealed = _seal(work, dataset, mark(work.place.ids(generation), ids), complete, by)
    sums = _sums(work, sealed)
    sealed = replace(sealed, sums=mark(work.place.sums(generation), sums))
    root = work.place.root
    work.disk.replace(root / sealed.ids.file, ids)
    work.disk.flush(work.place.folder)
    work.disk.replace(root / sealed.sums.file, sums)
    work.disk.flush(work.place.sealed)
    data = written(sealed)
    work.disk.create(root / work.place.seal(generation), data)
    found = Sealed(sealed, sha256(data), len(data))
    work.seals.append(found)
    work.sealed = len(work.journal.lines)
    return found


def _seal(work: Work, dataset: Resource, ids: FileMark, complete: bool, by: str) -> Seal:
    files = (*work.files(), *(each.seal.ids for each in work.seals), ids)
    now = work.now()
    return Seal(
        format=FORMAT,
        dataset=dataset,
        generation=len(work.seals),
        parent=work.seals[-1].sha256 if work.seals else None,
        taken_at=work.progress.began or now,
        sealed_at=now,
        by=by,
        rows=len(work.holding.rows),
        lines=sum(line.written for line in work.journal.lines if line.what == ROWS),
        bytes=sum(each.bytes for each in files) + sum(work.holding.contents.values()),
        attachments=len(work.holding.files),
        complete=complete,
        content=work.holding.content(),
        ids=ids,
        sums=FileMark("", 0, ""),
        readme=mark(README, README_TEXT),
        journal=mark(f"{JOURNAL}/{work.place.journal.name}", work.journal.data),
        files=files,
    )


def _sums(work: Work, sealed: Seal) -> bytes:
    """What `sha256sum -c` reads: every file of this generation and the earlier seals, not the journal, which goes
    on."""
    pairs = {each.file: each.sha256 for each in (*sealed.files, sealed.readme)}
    pairs |= {content(digest): digest for digest in work.holding.contents}
    for each in work.seals:
        pairs[work.place.seal(each.seal.generation)] = each.sha256
        pairs[each.seal.sums.file] = each.seal.sums.sha256
    return b"".join(f"{pairs[file]}  {file}\n".encode() for file in sorted(pairs))
