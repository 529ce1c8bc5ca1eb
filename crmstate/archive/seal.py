"""Seal: what a dataset's archive holds as of one generation, written last of all: where there is no seal, there is no
archive.

Each seal names every file of its dataset so far, and the digest of the seal before it. Its own digest belongs on
record outside.
"""

from __future__ import annotations

import json

import msgspec

from crmstate.archive import disk
from crmstate.archive.layout import SEAL_FILE, Place
from crmstate.archive.marks import FileMark, canonical, sha256
from crmstate.core.diagnostic import problem
from crmstate.core.event import Evidence
from crmstate.core.survey import Resource
from crmstate.core.words import Exit, Proof

FORMAT = 1


class Seal(msgspec.Struct, frozen=True):
    """`rows` and `attachments` that the archive holds; `lines`: rows written in all, those that a later one replaced
    too; `bytes` of all files. `complete`: attachments were read as well. `content`: see `Holding.content`. `journal`:
    its length and digest when sealed. `check`: the digest of everything else in here."""

    format: int
    dataset: Resource
    generation: int
    parent: str | None
    taken_at: str
    sealed_at: str
    by: str
    rows: int
    lines: int
    bytes: int
    attachments: int
    complete: bool
    content: str
    ids: FileMark
    sums: FileMark
    readme: FileMark
    journal: FileMark
    files: tuple[FileMark, ...]
    check: str = ""


class Sealed(msgspec.Struct, frozen=True):
    """A seal with the digest of its file."""

    seal: Seal
    sha256: str
    size: int


_SEALS = msgspec.json.Decoder(Seal)
"""Built while one thread is there: msgspec 0.22 crashes the interpreter where two meet a type for the first time."""


def written(seal: Seal) -> bytes:
    """The bytes of a seal's file."""
    return canonical(msgspec.structs.replace(seal, check=_check(seal))) + b"\n"


def load(place: Place) -> list[Sealed]:
    """The seals of a dataset, from the first; none where it was never sealed. Raises Problem CRM-A008 where one is
    damaged or lacks."""
    there = _generations(place)
    chain: list[Sealed] = []
    for generation in range(max(there, default=-1) + 1):
        found = _read(place, generation)
        parent = chain[-1].sha256 if chain else None
        if found is None or found.seal.generation != generation or found.seal.parent != parent:
            raise problem(Exit.ERROR, "CRM-A008", file=place.seal(generation))
        if found.seal.dataset.id != place.dataset:
            raise problem(Exit.ERROR, "CRM-A023", file=place.seal(generation))
        chain.append(found)
    return chain


def evidence(place: Place, found: Sealed, by: str) -> Evidence:
    """What the record may say of a sealed export that was not read back yet."""
    seal = found.seal
    return Evidence(
        method="export",
        proof=Proof.OBSERVED,
        at=seal.sealed_at,
        by=by,
        path=place.seal(seal.generation),
        sha256=found.sha256,
        rows=seal.rows,
        bytes=seal.bytes,
        note=f"generation={seal.generation} attachments={seal.attachments}",
    )


def _generations(place: Place) -> list[int]:
    found = (SEAL_FILE.fullmatch(name) for name in disk.names(place.sealed))
    return [int(each[2] or 0) for each in found if each and each[1] == place.slug and each[3] == "json"]


def _read(place: Place, generation: int) -> Sealed | None:
    data = disk.read(place.root / place.seal(generation))
    if data is None:
        return None
    try:
        plain = json.loads(data)
        _known(plain, place.seal(generation))
        seal = msgspec.convert(plain, Seal)
    except (ValueError, msgspec.ValidationError, RecursionError):
        return None
    return Sealed(seal, sha256(data), len(data)) if written(seal) == data and seal.check == _check(seal) else None


def _known(plain: object, file: str) -> None:
    """Refuses a seal of a later format, so that nobody takes it for a damaged one."""
    format = plain.get("format") if isinstance(plain, dict) else None
    if isinstance(format, int) and format > FORMAT:
        raise problem(Exit.ERROR, "CRM-A024", file=file, format=format)


def _check(seal: Seal) -> str:
    return sha256(canonical(msgspec.structs.replace(seal, check="")))
