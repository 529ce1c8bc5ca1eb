"""A bundle of evidence, written or verified, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from crmstate.core.diagnostic import Diagnostic
from crmstate.core.plan import FORMAT_VERSION
from crmstate.views.catalogue import Catalogue
from crmstate.views.diagnostics import Finding, finding
from crmstate.views.wire import encode

SCHEMA_ID = "https://crmstate.dev/schemas/evidence.schema.json"


class File(Protocol):
    """One file of a bundle."""

    @property
    def bytes(self) -> int: ...


class Sheet(Protocol):
    """What a bundle says of itself."""

    @property
    def name(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def serial(self) -> int: ...
    @property
    def head(self) -> str: ...
    @property
    def at(self) -> str: ...
    @property
    def tool(self) -> str: ...
    @property
    def files(self) -> Sequence[File]: ...


class Written(msgspec.Struct, frozen=True):
    """What `evidence bundle` wrote. `digest`: of its bundle.json, to be kept apart from it."""

    format_version: str
    path: str
    digest: str
    files: int
    diagnostics: list[Finding]


class Verification(msgspec.Struct, frozen=True):
    """What `evidence verify` found. `whole`: nothing is wrong; `anchored`: the digest is the one that was given, null where
    none was; `summary`: equal, differs, or other (it was written by another version, or the journal cannot be read).
    `findings`: what is wrong, at most 200; `notes`: what else is to be known."""

    format_version: str
    path: str
    whole: bool
    digest: str
    anchored: bool | None
    name: str
    provider: str
    tenant: str
    serial: int
    head: str
    at: str
    tool: str
    files: int
    bytes: int
    summary: str
    findings: list[Finding]
    notes: list[Finding]


def bundled(path: str, digest: str, files: int, notes: Sequence[Diagnostic], words: Catalogue, format: str) -> str:
    """What was written."""
    if format == "json":
        found = Written(FORMAT_VERSION, path, digest, files, [finding(each, words) for each in notes])
        return encode(found).decode() + "\n"
    return words.text_of("evidence.bundled", path=path, n=files, digest=digest) + "\n"


def verified(
    path: str,
    sheet: Sheet,
    digest: str,
    wrong: Sequence[Diagnostic],
    notes: Sequence[Diagnostic],
    said: str,
    expected: str | None,
    words: Catalogue,
    format: str,
) -> str:
    """What was found. `said`: of the summary; `expected`: the digest that was given."""
    size, anchored = sum(each.bytes for each in sheet.files), None if expected is None else expected.lower() == digest
    if format == "json":
        whole = Verification(
            FORMAT_VERSION,
            path,
            not wrong,
            digest,
            anchored,
            sheet.name,
            sheet.provider,
            sheet.tenant,
            sheet.serial,
            sheet.head,
            sheet.at,
            sheet.tool,
            len(sheet.files) + 1,
            size,
            said,
            [finding(each, words) for each in wrong],
            [finding(each, words) for each in notes],
        )
        return encode(whole).decode() + "\n"
    if wrong:
        lines = [words.text_of("evidence.broken", path=path, n=len(wrong))]
    else:
        count = len(sheet.files) + 1
        lines = [words.text_of("evidence.whole", path=path, n=count, bytes=size, chunks=sheet.serial)]
        lines += [words.text_of("evidence.recomputed")] if said == "equal" else []
    lines.append(words.text_of("evidence.digest", digest=digest))
    if anchored is None:
        lines.append(words.text_of("evidence.anchor"))
    elif anchored:
        lines.append(words.text_of("evidence.anchored"))
    return "\n".join(lines) + "\n"


def verification_schema() -> dict[str, Any]:
    """The JSON Schema of `evidence verify --format json`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **msgspec.json.schema(Verification),
    }
