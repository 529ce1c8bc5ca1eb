"""The dates of a decommissioning as text and Markdown: those to come, those that nobody can know yet, and what the law
says to them, with its source."""

from __future__ import annotations

from collections.abc import Sequence

from crmstate.core.deadline import Dated, Unknown
from crmstate.core.law import Applied
from crmstate.core.message import Message
from crmstate.core.planning.timeline import Timeline
from crmstate.views import diagnostics, plan_parts
from crmstate.views.catalogue import Catalogue
from crmstate.views.escape import markdown
from crmstate.views.paint import ink


def deadlines_text(found: Timeline, words: Catalogue, *, color: bool = False) -> str:
    """For a terminal."""
    paint = ink(color)
    parts = [
        [paint("bold", words.text_of("deadlines.head", name=found.name, at=found.as_of))],
        diagnostics.lines(found.warnings, words, paint),
        plan_parts.deadlines(found.dates, words, paint) or [words.text_of("deadlines.none")],
        _section("deadlines.unknown", [f"  {each}" for each in unknown(found, words)], words),
        _section("deadlines.laws", [f"  {each}" for law in aside(found) for each in of_law(law, words)], words),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def deadlines_markdown(found: Timeline, words: Catalogue) -> str:
    """For a comment or a page."""
    safe = words.escaping(markdown)
    lines = [f"## {safe.text_of('deadlines.head', name=found.name, at=found.as_of)}", ""]
    lines += [f"- **{safe.safe(each.code)}** {safe.summary(each)}" for each in found.warnings]
    lines += plan_parts.timeline(found.dates, safe) or [safe.text_of("deadlines.none")]
    sections = (("deadlines.unknown", unknown(found, safe)),
                ("deadlines.laws", [" ".join(part.strip() for part in of_law(law, safe)) for law in aside(found)]))  # fmt: skip
    for code, rows in sections:
        lines += ["", f"### {safe.text_of(code)}", "", *(f"- {each}" for each in rows)] if rows else []
    return "\n".join(lines) + "\n"


def aside(found: Timeline) -> list[Applied]:
    """The rules that no date to come stands for."""
    return [each for each in found.laws if not (isinstance(each.date, Dated) and each.date.at > found.as_of)]


def unknown(found: Timeline, words: Catalogue) -> list[str]:
    """What has no date, and why."""
    return [
        words.text_of("deadlines.no_date", point=name, why=explained(each.why, words))
        for name, each in found.unknown.items()
    ]


def of_law(each: Applied, words: Catalogue) -> list[str]:
    """A rule, its date or what that waits for, and where it is from."""
    law, at = each.law, each.date
    lines = [words.text_of("due.law", article=law.article, bound=law.bound, rule=f"law.{law.id}")]
    if isinstance(at, Dated):
        lines.append("    " + words.text_of("deadlines.law_date", day=at.day, why=explained(at.why, words)))
    elif isinstance(at, Unknown):
        lines.append("    " + words.text_of("deadlines.law_waits", why=explained(at.why, words)))
    lines.append("    " + words.text_of("date.law", source=law.source, checked=law.checked_on))
    return lines


def explained(why: Sequence[Message], words: Catalogue) -> str:
    """An explanation as one sentence."""
    return words.text_of("join.then").join(words.text(each) for each in why)


def _section(code: str, rows: list[str], words: Catalogue) -> list[str]:
    return [words.text_of(code), *rows] if rows else []
