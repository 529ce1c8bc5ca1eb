"""Bag: the files beside the manifest that say what it says to tools that do not know us: a BagIt bag (RFC 8493), a list
for sha256sum, the coverage, the README. All of them follow from the manifest, byte for byte, so that damage to them is
noticed, and an interrupted sealing can set them right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from crmstate.archive.layout import (
    BAG_INFO,
    BAGIT,
    COVERAGE,
    DATA,
    PAYLOAD,
    README,
    SUMS,
    TAGS,
    readme,
)
from crmstate.archive.marks import FileMark, sha256
from crmstate.archive.seal import Seal
from crmstate.core.decision import Decision

_BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


class Covered(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of one dataset of the account. `status`: exported, partial, not_exportable or unknown; `why`: a word
    for the reason, explained in `REASONS`; `fields`: what came of the vendor's description of its fields, explained in
    `FIELDS`; nothing for archives of before that was said; `redacted`: by field how many rows were written without its value,
    which stands as "$redacted" in them; `columns`: those that the vendor did not export; `encoding`: how the files were
    read as text that the records came in, and `guessed` where that is a guess; `attachments_given_up`: by whose decision its
    attachments were left out, and why."""

    dataset: str
    status: str
    why: str = ""
    label: str = ""
    fields: str = ""
    redacted: dict[str, int] = {}
    columns: tuple[str, ...] = ()
    encoding: str = ""
    guessed: bool = False
    attachments_given_up: Decision | None = None


REASONS = {
    "attachments_given_up": "Its records are exported; its attachments were given up in writing, and are not here, or not all of them.",
    "columns_dropped": "The vendor does not export these columns.",
    "no_attachments": "Its records are exported; its attachments were not asked for.",
    "not_exportable": "The vendor says that it cannot be exported.",
    "not_archived": "The vendor lists it, and this archive does not have it.",
    "listing_incomplete": "The vendor's list of datasets was not complete: there may be others that nobody saw.",
    "not_listed": "The vendor's list of datasets could not be read: there may be others that nobody saw.",
}

FIELDS = {
    "kept": "The vendor's own description of the fields is in schema/, byte for byte.",
    "not_offered": "The vendor gives no description of the fields that crmstate knows how to ask for.",
    "refused": "The vendor refused to describe the fields to the key that read the records.",
}

GUESSED = (
    "Nobody declared in which encoding this file was written, and nothing in it says so: that it was read in this one is a guess by its "
    "bytes. Look at some names in it."
)

REDACTION = (
    "Values of these fields are kept out of so many rows, because they are secrets: keys, passwords, what signs an address. "
    'They stand as "$redacted" in the rows, or at the end of what is left of a text.'
)


def tag_files(
    seals: tuple[Seal, ...], coverage: tuple[Covered, ...], digest: str, at: str, lock: FileMark | None
) -> dict[str, bytes]:
    """The files by their names, in the order in which they are written. `lock`: of the file that says to whom it is
    encrypted."""
    payload, others, sizes = _files(seals)
    others |= {} if lock is None else {lock.file: lock.sha256}
    found = {
        README: readme(lock is not None),
        BAGIT: _BAGIT,
        BAG_INFO: _info(sizes, digest, at),
        COVERAGE: _coverage(coverage, digest),
        PAYLOAD: _sums(payload),
    }
    tags = {name: sha256(data) for name, data in found.items()} | others
    found[SUMS] = _sums(payload | tags)
    found[TAGS] = _sums(tags)
    return found


def _files(seals: tuple[Seal, ...]) -> tuple[dict[str, str], dict[str, str], dict[str, int]]:
    """The digests of the payload and of the other files, and the sizes of the payload."""
    payload: dict[str, str] = {}
    others: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for seal in seals:
        for each in seal.marks:
            if each.file.startswith(DATA + "/"):
                payload[each.file], sizes[each.file] = each.sha256, each.bytes
            else:
                others[each.file] = each.sha256
        for one in seal.contents:
            payload[one.file], sizes[one.file] = one.sha256, one.bytes
    return payload, others, sizes


def _info(sizes: Mapping[str, int], digest: str, at: str) -> bytes:
    return (
        f"Bag-Software-Agent: crmstate\nBagging-Date: {at[:10]}\n"
        f"External-Identifier: {digest}\nPayload-Oxum: {sum(sizes.values())}.{len(sizes)}\n"
    ).encode()


def _coverage(coverage: tuple[Covered, ...], digest: str) -> bytes:
    used = {each.why for each in coverage if each.why}
    plain: dict[str, Any] = {
        "content": digest,
        "datasets": [msgspec.to_builtins(each) for each in coverage],
        "reasons": {why: REASONS[why] for why in sorted(used) if why in REASONS},
    }
    if said := {each.fields for each in coverage if each.fields}:
        plain["fields"] = {word: FIELDS[word] for word in sorted(said) if word in FIELDS}
    if any(each.redacted for each in coverage):
        plain["redacted"] = REDACTION
    if any(each.guessed for each in coverage):
        plain["guessed"] = GUESSED
    return json.dumps(plain, ensure_ascii=True, sort_keys=True, indent=1).encode() + b"\n"


def _sums(files: Mapping[str, str]) -> bytes:
    return b"".join(f"{files[name]}  {name}\n".encode() for name in sorted(files))
