"""Unread: rows compared with the vendor's by their digests, where the archive is encrypted and only its index can be
read. That the rows within are those of the index is what somebody with a key proves (`verify`)."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Iterator

from crmstate.archive import index, reading
from crmstate.archive.checks import BATCH, Compared, pages, refuse
from crmstate.archive.layout import INDEX_END, Place, bare
from crmstate.archive.seal import Seal
from crmstate.core.event import Check
from crmstate.core.ports import ReadSession


def sampled(place: Place, seal: Seal, source: ReadSession, wanted: float, fewer: bool) -> Check:
    """Reads a share of the rows, or all of them, from the vendor again. `fewer`: rows that are gone are our own doing.
    Raises Problem CRM-A031 where rows differ or are gone (fields cannot be named), CRM-A032 where no row could be
    compared."""
    held = _digests(place, seal)
    number = min(len(held), math.ceil(len(held) * wanted))
    whole = number == len(held)
    chosen = list(held) if whole else _chosen(seal, held, number)
    found = Compared()
    left = set(chosen)
    for id, raw in pages(place, source) if whole else _batches(place, source, chosen):
        if id in left:
            left.remove(id)
            found.rows += 1
            if hashlib.sha256(raw).digest() != held[id]:
                found.fields[id] = set()
    found.gone = [] if fewer else [id for id in chosen if id in left]
    refuse(place, found, number, fewer)
    return Check("full" if whole else "sample", "equal", rows=found.rows)


def _digests(place: Place, seal: Seal) -> dict[str, bytes]:
    """The SHA-256 of each row that is held, by its id."""
    held: dict[str, bytes] = {}
    for name in sorted(each.file for each in seal.files if bare(each.file).endswith(INDEX_END)):
        for block in reading.blocks(place, name):
            entries = index.parsed(block)
            for op, digest, id in zip(entries.ops, entries.digests, entries.ids, strict=True):
                if op == index.PLUS:
                    held[id] = digest
                elif op == index.MINUS:
                    del held[id]
    return held


def _chosen(seal: Seal, held: dict[str, bytes], number: int) -> list[str]:
    """Ids spread over the whole dataset by chance that anybody can repeat: it follows from the content."""
    salt = seal.last.content.encode()
    return heapq.nsmallest(
        number, held, key=lambda id: hashlib.sha256(salt + id.encode("utf-8", "surrogatepass")).digest()
    )


def _batches(place: Place, source: ReadSession, chosen: list[str]) -> Iterator[tuple[str, bytes]]:
    for start in range(0, len(chosen), BATCH):
        for row in source.read(place.dataset, None, tuple(chosen[start : start + BATCH])).rows:
            yield row.id, row.raw
