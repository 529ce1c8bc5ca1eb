"""A rehearsal as one JSON object. Minor versions only add fields."""

from __future__ import annotations

from typing import Any

import msgspec

from crmstate.core.address import Address
from crmstate.core.diagnostic import Span
from crmstate.core.message import Message
from crmstate.core.plan import Blocked, Estimate
from crmstate.core.rehearsed import Proved, Rehearsed, Scene
from crmstate.core.words import Kind, Verb
from crmstate.views.catalogue import Catalogue
from crmstate.views.diagnostics import Finding, finding
from crmstate.views.wire import encode

FORMAT_VERSION = "1.2"


class Held(msgspec.Struct, frozen=True):
    """Something that the manifest asks for and that could not be planned, or was still waited for. `why` in codes, `summary` the same in the language
    that was asked for; `stage`: what waits for it."""

    address: Address
    verb: Verb
    stage: str
    why: Message
    summary: str
    owner: str | None
    due: str | None
    label: str
    span: Span | None


class Unseen(msgspec.Struct, frozen=True):
    """A kind of thing that the vendor lists and did not show whole. `why` as a code, `summary` in the language that was asked for."""

    kind: Kind
    why: str
    detail: str
    summary: str


class RehearsalFile(msgspec.Struct, frozen=True):
    """How a rehearsal of one manifest went, on a simulator of the vendor; nothing was done to the vendor. `began` and `ended`:
    on the simulated clock, ISO 8601 UTC. `finished`: nothing was left to do. `estimate`: calls, seconds and days of quota at
    the real vendor, by its own counts; `waited`: the seconds that the simulated one took for the vendor's limits.
    `approvals`: how many were given in play. `scaled`: datasets that were played with `most` rows, with the rows that they
    have. `blocked` and `found`: what stood in the way; `left`: steps that still waited.
    `unseen`: of what no more than what was seen could be played, also where
    it is `finished`."""

    format_version: str
    name: str
    provider: str
    tenant: str
    began: str
    ended: str
    finished: bool
    scenes: tuple[Scene, ...]
    estimate: Estimate
    waited: int
    approvals: int
    most: int
    scaled: dict[str, int]
    evidence: tuple[Proved, ...]
    blocked: tuple[Held, ...]
    left: tuple[Held, ...]
    found: tuple[Finding, ...]
    unseen: tuple[Unseen, ...]


def rehearsal_json(said: Rehearsed, words: Catalogue) -> str:
    """The object as one line, with a line break."""
    told = {
        **msgspec.structs.asdict(said),
        "blocked": tuple(_held(each, words) for each in said.blocked),
        "left": tuple(_held(each, words) for each in said.left),
        "found": tuple(finding(each, words) for each in said.found),
        "unseen": tuple(Unseen(each.kind, each.why, each.detail, words.text_of(each.why)) for each in said.unseen),
    }
    return encode(RehearsalFile(format_version=FORMAT_VERSION, **told)).decode() + "\n"


def _held(each: Blocked, words: Catalogue) -> Held:
    return Held(
        each.address, each.verb, each.stage, each.why, words.text(each.why), each.owner, each.due, each.label, each.span
    )


def rehearsal_schema() -> dict[str, Any]:
    """The JSON Schema of the format, generated from the types above."""
    (top,), parts = msgspec.json.schema_components((RehearsalFile,), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://crmstate.dev/schemas/rehearsal.schema.json",
        "title": f"crmstate rehearsal, format {FORMAT_VERSION}",
        **top,
        "$defs": dict(sorted(parts.items())),
    }
