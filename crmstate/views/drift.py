"""What changed at the vendor, as text and as one JSON object. Minor versions of the format only add fields."""

from __future__ import annotations

from typing import Any

import msgspec

from crmstate.core.address import Address
from crmstate.core.change import Change
from crmstate.core.drift import Drift
from crmstate.core.words import Kind, Verb
from crmstate.views.catalogue import Catalogue
from crmstate.views.paint import ink
from crmstate.views.wire import encode

FORMAT_VERSION = "1.0"


class Row(msgspec.Struct, frozen=True):
    """One difference. `what`: came_back, renewed, rows_back, files_back, moved, through, gone, kept_gone, own_gone or unrecorded; `recorded` and
    `observed`: a phase, a phase with the last day of a term, or a count, as text; `since`: when it was recorded, ISO 8601 UTC, empty where it
    never was; `next`: what the plan would do about it, null for nothing; `text`: a sentence in the language that was asked for."""

    what: str
    address: Address
    kind: Kind
    label: str
    recorded: str
    since: str
    observed: str
    next: Verb | None
    text: str


class DriftFile(msgspec.Struct, frozen=True):
    """What changed since the record with this `serial`. `drifted`: whether anything did; `compared`: things on record that were looked
    for; `unseen`: kinds that the vendor did not list whole; `unshown`: what is on record as asked for, or done by somebody's word, and the
    vendor shows as before; `unsure`: kinds with something that is not on record and may be new;
    `sealed`: since when the vendor is out of reach by our own act."""

    format_version: str
    name: str
    tenant: str
    observed_at: str
    serial: int
    drifted: bool
    compared: int
    changes: tuple[Row, ...]
    unseen: tuple[Kind, ...]
    sealed: str | None
    unshown: tuple[Address, ...] = ()
    unsure: tuple[Kind, ...] = ()


def drift_json(found: Drift, words: Catalogue) -> str:
    """The object as one line, with a line break."""
    file = DriftFile(
        FORMAT_VERSION,
        found.name,
        found.tenant,
        found.observed_at,
        found.serial,
        bool(found.changes),
        found.known,
        tuple(
            Row(
                each.what.value,
                each.address,
                each.kind,
                each.label,
                each.recorded,
                each.since,
                each.observed,
                each.next,
                sentence(each, words),
            )
            for each in found.changes
        ),
        found.unseen,
        found.sealed,
        found.unshown,
        found.unsure,
    )
    return encode(file).decode() + "\n"


def drift_text(found: Drift, words: Catalogue, *, color: bool = False) -> str:
    """One line for each difference, and below them what could not be compared."""
    paint = ink(color)
    if found.sealed is not None:
        return words.text_of("drift.sealed", at=found.sealed) + "\n"
    if not found.known and not found.changes and found.whole:
        return words.text_of("drift.no_record", name=found.name) + "\n"
    lines = []
    if found.changes:
        lines += [paint("bold", words.text_of("drift.head", n=len(found.changes), name=found.name)), ""]
        lines += [f"  {line}" for each in found.changes for line in _lines(each, words)]
    else:
        tone, said = ("green", "drift.none") if found.whole else ("yellow", "drift.none_seen")
        lines.append(paint(tone, words.text_of(said, n=found.known, name=found.name)))
    for key, named in (("drift.unseen", found.unseen), ("drift.unsure", found.unsure)):
        if named:
            kinds = words.text_of("join.list").join(words.word("kinds", kind.value) for kind in named)
            lines += ["", words.text_of(key, kinds=kinds)]
    if found.unshown:
        places = words.text_of("join.list").join(words.safe(each) for each in found.unshown)
        lines += ["", words.text_of("drift.unshown", n=len(found.unshown), places=places)]
    return "\n".join(lines) + "\n"


def _lines(each: Change, words: Catalogue) -> list[str]:
    name = words.safe(each.label) if each.label else ""
    first = f"{words.safe(each.address)}  {name}".rstrip()
    after = (
        words.text_of("drift.next", verb=each.next.value) if each.next is not None else words.text_of("drift.nothing")
    )
    return [first, f"    {sentence(each, words)} {after}"]


def sentence(each: Change, words: Catalogue) -> str:
    """What happened, with both sides."""
    return words.text_of(
        f"drift.{each.what.value}",
        recorded=_side(each.recorded, words),
        since=each.since,
        observed=_side(each.observed, words),
    )


def _side(said: str, words: Catalogue) -> str:
    phase, _, day = said.partition(" ")
    shown = phase if not phase or phase[0].isdigit() else words.word("phase", phase)
    return words.text_of("drift.until", phase=shown, day=day) if day else shown


def drift_schema() -> dict[str, Any]:
    """The JSON Schema of the format, generated from the types above."""
    (top,), parts = msgspec.json.schema_components((DriftFile,), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://crmstate.dev/schemas/drift.schema.json",
        "title": f"crmstate drift, format {FORMAT_VERSION}",
        **top,
        "$defs": dict(sorted(parts.items())),
    }
