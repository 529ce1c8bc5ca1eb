"""Reminders and escalations as text, Markdown and JSON: to whom, about what, and why now."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crmstate.core.plan import FORMAT_VERSION
from crmstate.core.reminders import Nudge
from crmstate.core.words import Nudging
from crmstate.views.catalogue import Catalogue
from crmstate.views.escape import cell
from crmstate.views.wire import encode


def reminders_json(found: Sequence[Nudge], words: Catalogue, hypothetical: bool = False) -> str:
    """One object: `format_version`, `hypothetical`, and `reminders`, each with its sentence."""
    rows = [msgspec.to_builtins(each) | {"summary": sentence(each, words)} for each in found]
    whole = {"format_version": FORMAT_VERSION, "hypothetical": hypothetical, "reminders": rows}
    return encode(whole).decode() + "\n"


def reminders_text(found: Sequence[Nudge], words: Catalogue, hypothetical: bool = False) -> str:
    """Two lines for each."""
    lines = [words.text_of("remind.hypothetical")] if hypothetical else []
    for each in found:
        lines += [head(each, words), f"    {sentence(each, words)}"]
    return "\n".join(lines if found else [*lines, words.text_of("remind.none")]) + "\n"


def reminders_markdown(found: Sequence[Nudge], words: Catalogue, name: str, hypothetical: bool = False) -> str:
    """A list for a ticket or a mail."""
    safe = words.escaping(cell)
    lines = [f"## {safe.text_of('remind.title', name=name)}", ""]
    lines += [f"**{safe.text_of('remind.hypothetical')}**", ""] if hypothetical else []
    for each in found:
        lines += [f"- {head(each, safe)}", f"  - {sentence(each, safe)}"]
    return "\n".join(lines if found else [*lines, safe.text_of("remind.none")]) + "\n"


def head(each: Nudge, words: Catalogue) -> str:
    """Who is to be told, and of which step."""
    return words.text_of(
        "remind.head",
        what=each.what.value,
        to=each.to or "-",
        verb=each.verb.value,
        address=each.address,
        label=each.label,
    )


def sentence(each: Nudge, words: Catalogue) -> str:
    """Why now."""
    if each.why is not None:
        costs = [words.text(part) for part in each.costs]
        return words.text_of("join.list").join(
            [words.text(each.why), *costs, words.text_of("remind.notice", who=each.who or "-")]
        )
    if each.vendor:
        code = "remind.silent" if each.what is Nudging.ESCALATION else "remind.expected"
        return words.text_of(code, at=each.due, asked=each.asked or "-")
    code = "remind.overdue" if each.what is Nudging.ESCALATION else "remind.due"
    return words.text_of(code, at=each.due, who=each.who or "-")
