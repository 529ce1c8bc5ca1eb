"""Bundle: what a bundle of evidence is: files under fixed names, and `bundle.json`, which names each of them with its
SHA-256 and its size and ends with the digest of itself.

The digest of the whole file `bundle.json` is the bundle's own: whoever wrote it down can tell that not one byte of the
bundle is another since. This module makes and reads bytes; it knows no disk.

README.txt                 what this is, and how to check it without crmstate
summary.html               for people: what is done, and how well each condition is proved
manifest.yaml              the manifest, as it was
journal/                   the journal, whole, as it lies on disk
state.json                 what the journal says, folded
approvals.json             who approved what
evidence.json              every file that an event of the journal refers to, and those events
evidence/<sha256>          those files; and every other folder of the state that an event refers to
plan.json                  what was still to be done, where the vendor was asked
plans/<plan id>.json       plans that were saved before
archive.json, archive/     what the archive says that it holds, and its own list of files; never its records
SHA256SUMS                 for `sha256sum --check`
bundle.json                the seal, written last
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

FORMAT = 1
SEAL, SUMS, README, SUMMARY = "bundle.json", "SHA256SUMS", "README.txt", "summary.html"
MANIFEST, STATE, APPROVALS, INDEX, PLAN = "manifest.yaml", "state.json", "approvals.json", "evidence.json", "plan.json"
ARCHIVE, JOURNAL = "archive.json", "journal"
LARGEST = 256 * 1024 * 1024
"""Of a file that is read as a whole."""

_PART = r"\w(?:[\w.+@ -]*[\w+@-])?"
_NAME = re.compile(rf"{_PART}(?:/{_PART}){{0,5}}")
_TAIL = len(',"sha256":""}\n') + 64


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a bundle."""

    path: str
    sha256: str
    bytes: int


class Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `bundle.json` says. `serial` and `head`: the journal's last chunk and its digest; `manifest`: the digest of what the
    manifest says, as plans and runs name it; `at`: the time as of which
    the summary speaks; `lang`, `masked`: how it speaks; `tool`: the version that wrote it."""

    format: int
    name: str
    provider: str
    tenant: str
    lineage: str
    serial: int
    head: str
    manifest: str
    at: str
    lang: str
    masked: bool
    tool: str
    files: tuple[Listed, ...]


class NoSheet(Exception):
    """These bytes are no `bundle.json`, or not as it was written."""


class Newer(Exception):
    """It was written by a later crmstate, in a form that this one does not know."""


_decoder = msgspec.json.Decoder(Sheet)


class _Stamp(msgspec.Struct):
    format: int


def encode(sheet: Sheet) -> bytes:
    """The bytes of `bundle.json`."""
    top = msgspec.json.encode(sheet)[:-1]
    return top + f',"sha256":"{sha256(top)}"}}\n'.encode()


def decode(data: bytes) -> Sheet:
    """The sheet that these bytes are. Raises NoSheet, Newer."""
    top, tail = data[:-_TAIL], data[-_TAIL:]
    if tail != f',"sha256":"{sha256(top)}"}}\n'.encode():
        raise NoSheet
    try:
        stamp = msgspec.json.decode(top + b"}", type=_Stamp)
        if stamp.format > FORMAT:
            raise Newer
        found = _decoder.decode(top + b"}")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise NoSheet from None
    names = [each.path for each in found.files]
    if encode(found) != data or names != sorted(set(names), key=str.encode) or not all(map(fit, names)):
        raise NoSheet
    return found


def sheet_schema() -> dict[str, Any]:
    """The JSON Schema of `bundle.json`, as `schemas/bundle.schema.json` publishes it; its last member is the digest of all
    before it."""
    found = msgspec.json.schema(Sheet)
    about = found["$defs"]["Sheet"]
    about["properties"]["sha256"] = {"type": "string"}
    about["required"] = [*about["required"], "sha256"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def fit(name: str) -> bool:
    """Whether a file may be called so in a bundle: it leads nowhere else, and every system can write it."""
    return len(name.encode("utf-8", "replace")) <= 200 and _NAME.fullmatch(name) is not None


def listed(files: Mapping[str, tuple[str, int]]) -> tuple[Listed, ...]:
    """The list of files, by name, from their digests and sizes."""
    return tuple(Listed(name, *files[name]) for name in sorted(files, key=str.encode))


def sums(files: Iterable[Listed]) -> bytes:
    """The list for `sha256sum --check`."""
    return b"".join(f"{each.sha256}  {each.path}\n".encode() for each in files)


def sha256(data: bytes) -> str:
    """In 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def readme(name: str) -> bytes:
    """What a finder reads first."""
    return _README.format(name=name, line="=" * (len(name) + 29)).encode()


_README = """\
crmstate bundle of evidence: {name}
{line}

How the use of a CRM was ended, and what proves it. Open summary.html in any browser; it needs no network.
本文件夹是停用 CRM 的证据包。请用任意浏览器打开 summary.html，无需联网。

To check that no byte is another than when it was written (核对), in this folder:

    sha256sum --check --quiet SHA256SUMS
    sha256sum bundle.json          # compare with the digest that you were given or wrote down then

With crmstate, which also checks that the list is complete, that the journal's chunks follow each other, and that the
summary says what the journal says:

    crmstate evidence verify . --digest DIGEST

Whoever can write here can write another bundle as a whole. Only the digest of bundle.json, kept somewhere else, shows
that. 能够改写本文件夹的人也能整体伪造证据包；只有另存他处的 bundle.json 摘要才能发现这一点。

journal/*.jsonl holds what happened, one event a line; the first line of a file says who wrote it and names the SHA-256
of the file before it, the last line is the SHA-256 of all that stands above it. evidence.json says which event refers to
which file in evidence/.
"""
