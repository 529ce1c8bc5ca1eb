"""Diagnostics as text and as JSON: what is wrong, where, why it matters, what to do.

error[CRM-M034] crmstate.yaml:12:5  `status` cannot be `gone`
    12 |   status: gone
       |           ^
    Why it matters. …
  → What to do. …
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crmstate.core.address import Address
from crmstate.core.diagnostic import Diagnostic, Span
from crmstate.core.message import Param
from crmstate.core.plan import FORMAT_VERSION
from crmstate.core.words import Severity
from crmstate.views.catalogue import Catalogue
from crmstate.views.paint import Ink, ink
from crmstate.views.width import cells, shorten
from crmstate.views.wire import encode

LINE = 100
_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """A diagnostic as machines read it: the code and its parameters, and the same in the words of one language."""

    code: str
    severity: Severity = Severity.ERROR
    params: dict[str, Param] = {}
    span: Span | None = None
    address: Address | None = None
    summary: str = ""
    detail: str = ""
    hint: str = ""


def finding(found: Diagnostic, words: Catalogue) -> Finding:
    """A diagnostic with its words."""
    said = words.summary(found), words.detail(found), words.hint(found)
    return Finding(found.code, found.severity, found.params, found.span, found.address, *said)


def lines(found: Sequence[Diagnostic], words: Catalogue, paint: Ink) -> list[str]:
    """Every diagnostic, errors first, each in its own paragraph."""
    order = list(Severity)
    rows: list[str] = []
    for each in sorted(found, key=lambda one: order.index(one.severity)):
        rows += ["", *one(each, words, paint)] if rows else one(each, words, paint)
    return rows


def one(found: Diagnostic, words: Catalogue, paint: Ink) -> list[str]:
    """One diagnostic."""
    place = words.safe(str(found.span)) if found.span else words.safe(found.address or "")
    title = paint(_COLORS[found.severity], f"{words.word('severity', found.severity.value)}[{words.safe(found.code)}]")
    rows = [f"{title} {place}  {words.summary(found)}" if place else f"{title} {words.summary(found)}"]
    if found.span is not None and found.span.text:
        rows += pointed(found.span, words)
    detail, hint = words.detail(found), words.hint(found)
    if detail:
        rows.append(f"    {detail}")
    if hint:
        rows.append(f"  → {hint}")
    return rows


def pointed(span: Span, words: Catalogue) -> list[str]:
    """The offending line, with a mark under the column."""
    number = str(span.line)
    shown = shorten(words.plain(span.text), LINE)
    before = cells(words.plain(span.text[: max(0, span.column - 1)]))
    rows = [f"    {number} | {words.safe(shown)}".rstrip()]
    if before < cells(shown):
        rows.append(f"    {' ' * len(number)} | {' ' * before}^")
    return rows


def as_text(found: Sequence[Diagnostic], words: Catalogue, *, color: bool = False) -> str:
    """All of them, ending with a line break; empty where there are none."""
    rows = lines(found, words, ink(color))
    return "\n".join(rows) + "\n" if rows else ""


def as_json(found: Sequence[Diagnostic], words: Catalogue) -> str:
    """All of them as one line of JSON: `{"format_version": ..., "diagnostics": [...]}`."""
    value = {"format_version": FORMAT_VERSION, "diagnostics": [finding(each, words) for each in found]}
    return encode(value).decode() + "\n"
