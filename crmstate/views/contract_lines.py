"""Where the subscription stands, and what its end costs and saves, line by line; for plan and status, text and Markdown.

Whether it renews and until when there is access are two lines, always both, also where the answer is "unknown".
"""

from __future__ import annotations

from crmstate.core.cost import Cost, Line
from crmstate.core.life import Aside, Life
from crmstate.views.catalogue import Catalogue


def life_lines(life: Life | None, words: Catalogue) -> list[str]:
    """The state, renewal, access, the days that matter, and what holds beside it."""
    if life is None:
        return []
    state = words.word("stand", life.state.value) if life.state is not None else words.text_of("life.not_known")
    lines = [_said("life.state", state, words.text(life.why), words)]
    renews = words.text_of({True: "life.yes", False: "life.no", None: "life.not_known"}[life.renews])
    lines.append(_said("life.renews", renews, words.text(life.renews_why), words))
    until = words.day(life.access_until) if life.access_until else words.text_of("life.not_known")
    lines.append(_said("life.access_until", until, words.text(life.access_why), words))
    if life.ends is not None:
        lines.append(words.text_of("life.ends", day=life.ends))
    if life.term_end is not None:
        lines.append(words.text_of("life.term_end", day=life.term_end))
    if life.notice_by is not None and life.renews is not False:
        lines.append(words.text_of("life.notice_by", day=life.notice_by))
    return [*lines, *(aside(each, words) for each in life.asides)]


def _said(code: str, what: str, why: str, words: Catalogue) -> str:
    return words.text_of(code, what=what, why=why)


def aside(found: Aside, words: Catalogue) -> str:
    """One thing that holds beside the state: what, since when, until when, for whom it waits, and why."""
    about = [words.text_of(f"life.{name}", day=value) for name, value in _days(found) if value]
    if found.waiting_for:
        about.append(words.text_of("life.waiting_for", who=found.waiting_for))
    title, why = words.word("beside", found.what.value), words.text(found.why)
    if not about:
        return words.text_of("life.aside", what=title, why=why)
    return words.text_of("life.aside_about", what=title, about=words.text_of("join.list").join(about), why=why)


def _days(found: Aside) -> tuple[tuple[str, str | None], tuple[str, str | None]]:
    return ("since", found.since), ("until", found.until)


def cost_lines(cost: Cost | None, words: Catalogue) -> list[str]:
    """Each sum with how it was computed, then what is still to be paid, by currency."""
    if cost is None or not cost.lines:
        return []
    lines = [_sum(line, words) for line in cost.lines]
    due = words.text_of("join.list").join(words.safe(str(each)) for each in cost.due)
    if due:
        lines.append(words.text_of("cost.due" if cost.whole else "cost.due_at_least", sum=due))
    elif not cost.whole:
        lines.append(words.text_of("cost.due_unknown"))
    lines.append(words.text_of(f"cost.source.{cost.source}" if cost.source else "cost.source.none"))
    return lines


def _sum(line: Line, words: Catalogue) -> str:
    shown = words.safe(str(line.sum)) if line.sum is not None else words.text_of("life.not_known")
    if line.sum is not None and line.per is not None:
        shown = words.text_of(f"cost.per_{line.per}", sum=shown)
    return words.text_of("cost.line", what=words.word("cost_line", line.what), sum=shown, how=words.text(line.how))
