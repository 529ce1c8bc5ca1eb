"""How a rehearsal went: what happened when and by whom, what it costs at the real vendor, which evidence came out."""

from __future__ import annotations

from collections.abc import Callable

from crmstate.core.rehearsed import Rehearsed, Scene
from crmstate.views import diagnostics, tables
from crmstate.views.catalogue import Catalogue
from crmstate.views.escape import cell, markdown
from crmstate.views.paint import ink
from crmstate.views.plan_parts import costs, duration
from crmstate.views.width import shorten

NAMED, NAME = 3, 30
WIDE = 60
LEFT = 10


def rehearsal_text(said: Rehearsed, words: Catalogue, *, color: bool = False) -> str:
    """For a terminal."""
    paint = ink(color)
    parts = [[paint("bold", _title(said, words)), paint("green" if said.finished else "yellow", _verdict(said, words))]]
    for day, rows in _days(said, words, words.safe).items():
        parts.append([paint("bold", day), *tables.columns([""] * 4, rows, "  ")])
    parts.append(_blocked(said, words) + _left(said, words))
    parts.append(diagnostics.lines(said.found, words, paint))
    parts.append(_aside(said, words))
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def rehearsal_markdown(said: Rehearsed, words: Catalogue) -> str:
    """For a pull request."""
    words = words.escaping(lambda text: markdown(shorten(text, WIDE)))
    parts = [[f"### {_title(said, words)}", "", _verdict(said, words)]]
    head = [words.text_of(f"rehearse.head.{name}") for name in ("who", "what", "count", "which")]
    for day, rows in _days(said, words, words.escaping(cell).safe).items():
        parts.append([f"**{day}**", "", *tables.markdown(head, rows)])
    parts.append([f"- {each}" for each in _blocked(said, words) + _left(said, words)])
    parts.append([f"- {words.summary(each)}" for each in said.found])
    parts.append([f"- {each.strip()}" for each in _aside(said, words)])
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _title(said: Rehearsed, words: Catalogue) -> str:
    return words.text_of("rehearse.title", name=said.name, provider=said.provider, tenant=said.tenant)


def _verdict(said: Rehearsed, words: Catalogue) -> str:
    code = "rehearse.stopped"
    if said.finished:
        code = "rehearse.finished_as_seen" if said.unseen else "rehearse.finished"
    return words.text_of(code, since=said.began[:10], until=said.ended[:10])


def _days(said: Rehearsed, words: Catalogue, safe: Callable[[str], str]) -> dict[str, list[list[str]]]:
    """What happened on each day of the vendor's clock, in order: equals together."""
    days: dict[str, dict[tuple[object, ...], list[Scene]]] = {}
    for scene in said.scenes:
        key = (scene.by, scene.owner, scene.kind, scene.verb, scene.irreversible)
        days.setdefault(scene.at[:10], {}).setdefault(key, []).append(scene)
    return {day: [_row(same, words, safe) for same in groups.values()] for day, groups in days.items()}


def _row(same: list[Scene], words: Catalogue, safe: Callable[[str], str]) -> list[str]:
    first = same[0]
    who = words.word("rehearse.by", first.by.value)
    if first.owner:
        who = f"{who}: {safe(first.owner)}"
    names = ", ".join(safe(shorten(each.label or each.address, NAME)) for each in same[:NAMED])
    more = words.text_of("rehearse.more", n=len(same) - NAMED) if len(same) > NAMED else ""
    what = f"{words.word('verb', first.verb.value)} {words.word('kind', first.kind.value)}"
    return [who, ("! " if first.irreversible else "") + what, f"{len(same):,}", names + more]


def _blocked(said: Rehearsed, words: Catalogue) -> list[str]:
    return [words.text_of("rehearse.blocked", address=each.address, why=words.text(each.why)) for each in said.blocked]


def _left(said: Rehearsed, words: Catalogue) -> list[str]:
    """The first of what still waited, where nothing moved any more."""
    lines = [
        words.text_of(
            "rehearse.left", verb=words.word("verb", each.verb.value), address=each.address, why=words.text(each.why)
        )
        for each in said.left[:LEFT]
    ]
    more = len(said.left) - LEFT
    return [*lines, words.text_of("rehearse.left_more", n=more)] if more > 0 else lines


def _unseen(said: Rehearsed, words: Catalogue) -> list[str]:
    """What may be there all the same: those of one reason in one line."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for each in said.unseen:
        reasons.setdefault((each.why, each.detail), []).append(words.word("kinds", each.kind.value))
    lines = []
    for (why, detail), kinds in reasons.items():
        named = words.text_of("join.list").join(kinds)
        lines.append(words.text_of("rehearse.unseen", kinds=named, gap=why, detail=detail))
    return lines


def _aside(said: Rehearsed, words: Catalogue) -> list[str]:
    """What was assumed, what it costs for real, and what would be left to show."""
    lines = _unseen(said, words) + costs(said.estimate, words)
    if said.waited:
        lines.append(words.text_of("rehearse.waited", time=duration(said.waited, words)))
    if said.approvals:
        lines.append(words.text_of("rehearse.approvals", n=said.approvals))
    for dataset, rows in said.scaled.items():
        lines.append(words.text_of("rehearse.scaled", dataset=dataset, n=rows, most=said.most))
    methods: dict[str, int] = {}
    for each in said.evidence:
        methods[each.method] = methods.get(each.method, 0) + 1
    if methods:
        listed = words.text_of("join.list").join(f"{method} ({n:,})" for method, n in methods.items())
        lines.append(words.text_of("rehearse.evidence", n=len(said.evidence), what=listed))
    return lines
