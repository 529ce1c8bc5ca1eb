"""Manifest: the one commit point of an archive. What `manifest.json` does not name is not archived, whatever lies
there.

It lists every other file, and with its `root`, the digest of itself without it, it vouches for itself. It is replaced
as a whole whenever a dataset is sealed; `parent` is the root of the one before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from crmstate.archive.bag import Covered, tag_files
from crmstate.archive.layout import FORMER, MANIFEST, README, README_FORMER, Place, slug
from crmstate.archive.marks import FileMark, canonical, mark, sha256
from crmstate.archive.seal import Seal
from crmstate.archive.store import ReadStore
from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit

FORMAT = 2


class Manifest(msgspec.Struct, frozen=True):
    """`serial` counts the manifests of this archive; `content` covers the contents of all datasets; `tags` are the
    files that say the same as this one in other words (`bag.tag_files`); `lock`: of `encryption.json`, where it is
    encrypted."""

    format: int
    serial: int
    parent: str | None
    sealed_at: str
    by: str
    content: str
    coverage: tuple[Covered, ...]
    datasets: tuple[Seal, ...]
    tags: tuple[FileMark, ...]
    lock: FileMark | None = None
    root: str = ""


@dataclass(frozen=True)
class Found:
    """A manifest with the bytes of its file."""

    manifest: Manifest
    data: bytes

    def seal(self, place: Place) -> Seal | None:
        """What it says of a dataset. Raises Problem CRM-A023 where the place is another dataset's."""
        for each in self.manifest.datasets:
            if each.slug == place.slug:
                if each.dataset.id != place.dataset:
                    raise problem(Exit.ERROR, "CRM-A023", file=place.data(""))
                return each
        return None


def made(
    before: Found | None,
    seals: tuple[Seal, ...],
    coverage: tuple[Covered, ...],
    at: str,
    by: str,
    lock: FileMark | None = None,
) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest of these datasets and its tag files, in the order in which they are written."""
    ordered = tuple(sorted(seals, key=lambda each: each.slug))
    content = sha256(canonical({each.dataset.id: each.last.content for each in ordered}))
    tags = tag_files(ordered, coverage, content, at, lock)
    marks = tuple(mark(name, data) for name, data in tags.items())
    serial, parent = (before.manifest.serial + 1, before.manifest.root) if before else (1, None)
    manifest = Manifest(FORMAT, serial, parent, at, by, content, coverage, ordered, marks, lock)
    return msgspec.structs.replace(manifest, root=_root(msgspec.to_builtins(manifest))), tags


def tags_of(manifest: Manifest) -> dict[str, bytes]:
    """What the tag files beside a manifest must be, byte for byte."""
    return tag_files(manifest.datasets, manifest.coverage, manifest.content, manifest.sealed_at, manifest.lock)


def written(manifest: Manifest) -> bytes:
    """The bytes of its file."""
    return canonical(manifest) + b"\n"


def load(store: ReadStore) -> Found | None:
    """The manifest of the archive in a store; None where nothing was sealed. Raises Problem: CRM-A008 where it is
    damaged, CRM-A024 and CRM-A029 where its format is a later or an earlier one."""
    refuse_former(store)
    data = store.read(MANIFEST)
    if data is None:
        return None
    found = _parsed(data)
    if found is None:
        raise problem(Exit.ERROR, "CRM-A008", file=MANIFEST)
    return Found(found, data)


def seal_of(place: Place) -> Seal | None:
    """What the manifest says of a dataset; None where it was never sealed."""
    found = load(place.store)
    return found.seal(place) if found is not None else None


def refuse_former(store: ReadStore) -> None:
    """Refuses an archive of the first format: nothing of it is read as if it were of this one."""
    if not store.is_folder(""):
        return
    readme = store.read(README) or b""
    if readme.startswith(README_FORMER) or FORMER in store.names(""):
        raise problem(Exit.ERROR, "CRM-A029", file=store.where, format=1)


def _parsed(data: bytes) -> Manifest | None:
    try:
        plain = json.loads(data)
        format = plain.get("format") if isinstance(plain, dict) else None
        if isinstance(format, int) and format > FORMAT:
            raise problem(Exit.ERROR, "CRM-A024", file=MANIFEST, format=format)
        manifest = msgspec.convert(plain, Manifest)
    except (ValueError, msgspec.ValidationError, RecursionError):
        return None
    sound = canonical(plain) + b"\n" == data and manifest.root == _root(plain) and manifest.format == FORMAT
    return manifest if sound and all(map(_is_ours, manifest.datasets)) else None


def _is_ours(seal: Seal) -> bool:
    """Whether its names are those that we give: an archive found anywhere may name files elsewhere, or be restored into
    a folder elsewhere."""
    files = [each.file for each in (*seal.marks, *seal.files, seal.ids)]
    inside = not any(file.startswith("/") or ".." in file.split("/") for file in files)
    return bool(seal.generations) and seal.slug == slug(seal.dataset.id) and inside


def _root(plain: dict[str, Any]) -> str:
    """The root of a manifest as its file says it: of every value that stands there, those included that this version has no
    name for, and without those that only later versions write."""
    return sha256(canonical({**plain, "root": ""}) + b"\n")


_MANIFESTS = msgspec.json.Decoder(Manifest)
"""Built while one thread is there: msgspec 0.22 crashes the interpreter where two meet a type for the first time."""
