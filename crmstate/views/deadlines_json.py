"""The dates of a decommissioning as one JSON object. Minor versions only add fields."""

from __future__ import annotations

from typing import Any

import msgspec

from crmstate.core.address import Address
from crmstate.core.deadline import Dated, Unknown
from crmstate.core.law import Applied
from crmstate.core.message import Message
from crmstate.core.plan import Deadline
from crmstate.core.planning.timeline import Timeline
from crmstate.views.catalogue import Catalogue
from crmstate.views.deadlines_text import explained
from crmstate.views.diagnostics import Finding, finding
from crmstate.views.wire import encode

FORMAT_VERSION = "1.0"


class Row(msgspec.Struct, frozen=True):
    """One date to come. `what`: recheck, keep_until, notice_deadline, decide_by, term_end, renewal, freeze,
    cancel_effective, pause, due, notice, settlement, evaluation, backups, law; `at`: its last moment, ISO 8601 UTC. `text`,
    `because` and `if_missed` are sentences in the language that was asked for; `explanation` is the same as `because` in codes."""

    what: str
    at: str
    address: Address
    owner: str | None
    text: str
    because: str
    if_missed: str
    explanation: tuple[Message, ...]


class Gap(msgspec.Struct, frozen=True):
    """What has no date: a milestone, or a person's step by its id; and why."""

    what: str
    why: str


class LegalRule(msgspec.Struct, frozen=True):
    """A rule of law. `day` (ISO) and `at` (ISO 8601 UTC) are null where it has no date; `waits_for` says why."""

    id: str
    regime: str
    article: str
    bound: str
    text: str
    source: str
    checked_on: str
    day: str | None
    counted: str | None
    at: str | None
    because: str
    waits_for: str


class DeadlinesFile(msgspec.Struct, frozen=True):
    """The dates of one manifest as of a moment. `within`: what was asked for with --within, else null; `near`: whether a
    date is that near. Nothing here is legal advice."""

    format_version: str
    name: str
    as_of: str
    within: str | None
    near: bool
    deadlines: tuple[Row, ...]
    unknown: tuple[Gap, ...]
    laws: tuple[LegalRule, ...]
    warnings: tuple[Finding, ...]


def deadlines_json(found: Timeline, words: Catalogue, within: str | None = None, near: bool = False) -> str:
    """The object as one line, with a line break."""
    file = DeadlinesFile(
        format_version=FORMAT_VERSION,
        name=found.name,
        as_of=found.as_of,
        within=within,
        near=near,
        deadlines=tuple(_row(each, words) for each in found.dates),
        unknown=tuple(Gap(name, explained(each.why, words)) for name, each in found.unknown.items()),
        laws=tuple(_rule(each, words) for each in found.laws),
        warnings=tuple(finding(each, words) for each in found.warnings),
    )
    return encode(file).decode() + "\n"


def _row(each: Deadline, words: Catalogue) -> Row:
    return Row(
        each.what, each.at, each.address, each.owner, words.text(each.why),
        explained(each.explanation, words), explained(each.missed, words), each.explanation,
    )  # fmt: skip


def _rule(each: Applied, words: Catalogue) -> LegalRule:
    law, at = each.law, each.date
    dated = at if isinstance(at, Dated) else None
    return LegalRule(
        id=law.id,
        regime=law.regime,
        article=law.article,
        bound=law.bound,
        text=words.text_of("due.law", article=law.article, bound=law.bound, rule=f"law.{law.id}"),
        source=law.source,
        checked_on=law.checked_on,
        day=dated.day if dated else None,
        counted=(dated.counted or dated.day) if dated else None,
        at=dated.at if dated else None,
        because=explained(dated.why, words) if dated else "",
        waits_for=explained(at.why, words) if isinstance(at, Unknown) else "",
    )


def deadlines_schema() -> dict[str, Any]:
    """The JSON Schema of the format, generated from the types above."""
    (top,), parts = msgspec.json.schema_components((DeadlinesFile,), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://crmstate.dev/schemas/deadlines.schema.json",
        "title": f"crmstate deadlines, format {FORMAT_VERSION}",
        **top,
        "$defs": dict(sorted(parts.items())),
    }
