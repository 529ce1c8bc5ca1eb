"""The capability matrix: what each vendor's API can do, what people must do, and where each claim comes from. Also a
page of the docs.

A claim says what it was checked against and when: a real system, the vendor's published description, or no more than its
documentation. One that nobody has checked is `unconfirmed`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from crmstate.core.plan import FORMAT_VERSION
from crmstate.core.provider import Cell, Provider
from crmstate.core.words import READING, Against, How, Kind, Phase, Undo, Verb
from crmstate.views import tables
from crmstate.views.catalogue import Catalogue
from crmstate.views.escape import cell as code
from crmstate.views.wire import encode

_KINDS = {kind: place for place, kind in enumerate(Kind)}
_VERBS = {verb: place for place, verb in enumerate(Verb)}
_HEAD = ("kind", "verb", "how", "undo", "verified", "source", "note")
_LINK = re.compile(r"(?:https://[a-zA-Z0-9.-]+/|docs/)[a-zA-Z0-9/._~%#?=&+-]*")


class Capability(msgspec.Struct, frozen=True):
    """One cell. `reason`: a catalogue code: the runbook of what a person does, or why nobody can. `unconfirmed`:
    nobody has checked it. `against`: what it was checked against on `verified_on`; null where nobody did."""

    kind: Kind
    verb: Verb
    how: How
    reads: bool
    undo: Undo
    after: Phase | None
    batch: int
    shows_effect: bool
    requests: tuple[str, ...]
    attributes: tuple[str, ...]
    reason: str | None
    note: str | None
    source: str
    verified_on: str | None
    unconfirmed: bool
    against: Against | None


def capabilities(provider: Provider) -> list[Capability]:
    """Every cell of a table, in the order of the vocabularies."""
    found = sorted(provider.table.values(), key=lambda cell: (_KINDS[cell.kind], _VERBS[cell.verb]))
    return [_capability(cell, provider.against) for cell in found]


def _capability(cell: Cell, against: Against | None) -> Capability:
    reads = cell.verb in READING and cell.bulk is None
    return Capability(
        cell.kind,
        cell.verb,
        cell.how,
        reads,
        cell.undo,
        None if cell.verb in READING else cell.after,
        cell.batch,
        cell.shows_effect,
        (*(cell.bulk.submits if cell.bulk is not None else ()), *cell.requests),
        tuple(sorted(cell.attributes)),
        cell.runbook or cell.why,
        cell.note,
        cell.source,
        cell.verified_on,
        cell.verified_on is None,
        against if cell.verified_on is not None else None,
    )


def providers_json(providers: Sequence[Provider], words: Catalogue) -> str:
    """One object; `reason` is a code, `explanation` its words."""
    found = []
    for provider in providers:
        rows = []
        for each in capabilities(provider):
            rows.append(
                {
                    **msgspec.to_builtins(each),
                    "explanation": words.text_of(each.reason) if each.reason else None,
                    "note": _note(each.note, words) if each.note else None,
                }
            )
        limits = {
            "per_second": provider.limits.per_second,
            "per_day": provider.limits.per_day,
            "page": provider.limits.page,
        }
        about = {"name": provider.name, "title": provider.title, "source": provider.source, "limits": limits}
        found.append({**about, "capabilities": rows})
    return encode({"format_version": FORMAT_VERSION, "providers": found}).decode() + "\n"


def providers_text(providers: Sequence[Provider], words: Catalogue) -> str:
    """One table a provider."""
    parts = []
    for provider in providers:
        rows = [_row(each, words, words.safe(each.source)) for each in capabilities(provider)]
        lines = [
            words.text_of("providers.title", title=provider.title, name=provider.name),
            *_limits(provider, words),
            "",
        ]
        lines += tables.columns([words.text_of(f"column.{name}") for name in _HEAD], rows, "  ")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def providers_markdown(providers: Sequence[Provider], words: Catalogue) -> str:
    """One section a provider; `docs/reference/capabilities.md` is this, in English."""
    safe = words.escaping(code)
    lines = [f"# {safe.text_of('providers.page')}", "", safe.text_of("providers.intro")]
    for provider in providers:
        rows = [_row(each, safe, _source(each.source, safe)) for each in capabilities(provider)]
        lines += ["", f"## {safe.text_of('providers.title', title=provider.title, name=provider.name)}"]
        lines += ["", *_limits(provider, safe), ""]
        lines += tables.markdown([safe.text_of(f"column.{name}") for name in _HEAD], rows)
    return "\n".join(lines) + "\n"


def _limits(provider: Provider, words: Catalogue) -> list[str]:
    limits = provider.limits
    per_second = f"{limits.per_second:g}" if limits.per_second else "?"
    per_day = f"{limits.per_day:,}" if limits.per_day else "?"
    return [words.text_of("providers.limits", per_second=per_second, per_day=per_day, page=limits.page)]


def _row(each: Capability, words: Catalogue, source: str) -> list[str]:
    undo = "-" if each.verb in READING or each.how is How.NONE else words.word("undo", each.undo.value)
    checked = words.safe(each.verified_on) if each.verified_on else words.text_of("providers.unconfirmed")
    if each.against is not None:
        checked = words.text_of("providers.checked", on=each.verified_on or "", against=each.against.value)
    said = [words.text_of(each.reason)] if each.reason else []
    said += [_note(each.note, words)] if each.note else []
    said += [words.word("attribute", name) for name in each.attributes]
    said += [words.text_of("providers.batch", n=each.batch)] if each.batch > 1 else []
    note = words.text_of("join.semicolon").join(said)
    kind, verb, how = (words.word("kind", each.kind), words.word("verb", each.verb), words.word("how", each.how))
    return [kind, verb, how, undo, checked, source or "-", note]


def _note(note: str, words: Catalogue) -> str:
    """A note in the reader's language where the vendor's file has it so, else as it is."""
    return words.text_of(note) if note.startswith("note.") else words.safe(note)


def _source(text: str, safe: Catalogue) -> str:
    """A link where it can be nothing else; anything odd as plain code."""
    if not _LINK.fullmatch(text):
        return safe.safe(text)
    target = text if text.startswith("https:") else text.replace("docs/reference/", "").replace("docs/", "../")
    name = text.rpartition("/")[2] or text
    return f"[`{name}`]({target})"
