"""Seal: what the archive holds of one dataset, generation by generation, as the manifest lists it.

`content` is the digest that belongs on record outside: it covers the rows, their ids and the attachments, and nothing
of how, when or in which order they were written, so that an interrupted export ends in the same one.
"""

from __future__ import annotations

import msgspec

from crmstate.archive.layout import MANIFEST, content
from crmstate.archive.marks import FileMark
from crmstate.core.decision import Decision
from crmstate.core.event import Evidence
from crmstate.core.survey import Resource
from crmstate.core.words import Proof


class Generation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sealing of a dataset. `rows` and `attachments` that the archive holds since; `lines`: rows written in all,
    those that a later one replaced too; `complete`: attachments were read as well; `parent`: the content before; `fields`: what
    came of the vendor's description of the fields (`bag.FIELDS`); `redacted`: how many of the `lines` keep a value of a field
    out, by the field; `by_jobs`: rows came by the vendor's export jobs, in another shape than its pages have;
    `dropped`: columns that the vendor did not export; `left_out`: attachments were not read, by this decision."""

    number: int
    content: str
    parent: str | None
    rows: int
    lines: int
    attachments: int
    complete: bool
    taken_at: str
    sealed_at: str
    by: str
    fields: str = ""
    redacted: dict[str, int] = {}
    by_jobs: bool = False
    dropped: tuple[str, ...] = ()
    left_out: Decision | None = None

    @property
    def unread(self) -> bool:
        """Whether it is without attachments, or without those that came since they were read last."""
        return not self.complete or self.left_out is not None


class Content(msgspec.Struct, frozen=True, array_like=True, order=True):
    """An attachment's content that lies in the archive, as it lies there. `name`: a keyed one where it is encrypted;
    else it is called by its digest."""

    sha256: str
    bytes: int
    name: str = ""

    @property
    def file(self) -> str:
        """Where it lies."""
        return content(self.name or self.sha256)


class Seal(msgspec.Struct, frozen=True):
    """A dataset's part of the manifest. `ids`: the list of the ids that are held; `journal`: its length and digest
    when sealed; `files`: everything else of the dataset, earlier lists of ids included; `contents`: of its attachments,
    those that vanished at the vendor too."""

    dataset: Resource
    slug: str
    generations: tuple[Generation, ...]
    ids: FileMark
    journal: FileMark
    files: tuple[FileMark, ...]
    contents: tuple[Content, ...] = ()

    @property
    def last(self) -> Generation:
        """The generation that counts."""
        return self.generations[-1]

    @property
    def marks(self) -> tuple[FileMark, ...]:
        """Every file of the dataset but its attachments."""
        return (*self.files, self.ids, self.journal)

    @property
    def bytes(self) -> int:
        """Of all its files, attachments included."""
        return sum(each.bytes for each in self.marks) + sum(each.bytes for each in self.contents)


def evidence(seal: Seal, by: str) -> Evidence:
    """What the record may say of a sealed export that was not read back yet."""
    last = seal.last
    return Evidence(
        method="export",
        proof=Proof.OBSERVED,
        at=last.sealed_at,
        by=by,
        path=f"{MANIFEST}#{seal.slug}",
        sha256=last.content,
        rows=last.rows,
        bytes=seal.bytes,
        note=f"generation={last.number} attachments={last.attachments}",
        by_jobs=last.by_jobs,
    )
