"""A plan as text for a terminal: what will happen, in order, what cannot be taken back, what waits, what stands in the
way, what to type next.

Unchanged things are counted, never listed; long groups are folded unless `full`. With and without colour the words are
the same.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from crmstate.core.plan import Blocked, Plan, Step
from crmstate.core.words import Kind, Mode
from crmstate.views import diagnostics
from crmstate.views.catalogue import Catalogue
from crmstate.views.contract_lines import cost_lines, life_lines
from crmstate.views.notices import previews
from crmstate.views.paint import Ink, ink
from crmstate.views.plan_parts import (
    Group,
    costs,
    counted,
    deadlines,
    facts,
    gathered,
    groups,
    runbook,
    stage_title,
    symbol,
    titled,
)
from crmstate.views.width import cells, fill, shorten

FOLD = 10
WIDTH = 80
SHORTEST_LABEL = 12
ROOM_FOR_LABEL = 30
"""Where a label would be cut to less than this, it gets a line of its own."""


def plan_text(
    plan: Plan,
    words: Catalogue,
    *,
    color: bool = False,
    full: bool = False,
    saved: str | None = None,
    width: int = WIDTH,
) -> str:
    """The whole plan. `saved`: the file that it was written to, for the line that says what to type next."""
    paint = ink(color)
    parts = [
        head(plan, words, paint),
        findings(plan, words, paint),
        steps(plan, words, paint, full, width),
        blocked(plan, words, paint, full, width),
        gaps(plan, words),
        aside(plan, words),
        titled("plan.life", life_lines(plan.life, words), words, paint),
        titled("plan.cost", cost_lines(plan.cost, words), words, paint),
        told(plan, words, paint),
        deadlines(plan.deadlines, words, paint),
        costs(plan.estimate, words),
        foot(plan, words, paint, saved),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def plan_brief(plan: Plan, words: Catalogue, *, color: bool = False, width: int = WIDTH) -> str:
    """What somebody must act on, below one line of numbers: mistakes and warnings, people's steps, blockers."""
    paint = ink(color)
    numbers = [line for line in verdict(plan, words, paint) if line]
    parts = [
        numbers,
        findings(plan, words, paint),
        people(plan, words, paint, width),
        blocked(plan, words, paint, False, width),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def people(plan: Plan, words: Catalogue, paint: Ink, width: int) -> list[str]:
    """The steps that only a person can do."""
    by_id = {step.id: step for step in plan.steps}
    mine = [group for group in groups(plan) if group.mode is Mode.MANUAL]
    return [line for group in mine for line in members(group, words, paint, by_id, True, width)]


def head(plan: Plan, words: Catalogue, paint: Ink) -> list[str]:
    """Whose end this is, and how much there is to do."""
    lines = [
        paint("bold", words.text_of("plan.head", name=plan.name, provider=plan.provider, tenant=plan.tenant)),
        words.text_of("plan.made", manifest=plan.manifest or "-", at=plan.observed_at or "-", serial=plan.base.serial),
    ]
    if plan.hypothetical:
        lines.append(paint("yellow", words.text_of("plan.hypothetical")))
    if plan.errors:
        lines.append(paint("red", words.text_of("plan.errors", n=len(plan.errors))))
    lines += ["", *verdict(plan, words, paint)]
    return lines


def verdict(plan: Plan, words: Catalogue, paint: Ink) -> list[str]:
    """The counts, or that nothing changes."""
    if plan.sealed is not None and not (plan.steps or plan.blocked):
        return [paint("green", words.text_of("plan.sealed", at=plan.sealed))]
    lines: list[str] = []
    if plan.sealed is not None:
        lines.append(words.text_of("plan.sealed_work", at=plan.sealed))
    if plan.offline:
        lines.append(words.text_of("plan.offline"))
    if not plan.summary.ready and not plan.errors:
        lines.append(paint("green", idle(plan, words)))
    numbers = counts(plan, words)
    return [*lines, numbers] if numbers else lines


def idle(plan: Plan, words: Catalogue) -> str:
    """What is said of a plan with nothing to do now. Of what was left out by hand it knows nothing."""
    if plan.steps or plan.blocked:
        return words.text_of("plan.nothing_now")
    if plan.offline:
        return words.text_of("plan.nothing_offline")
    return words.text_of("plan.nothing_here") if plan.excluded else words.text_of("plan.no_changes")


def counts(plan: Plan, words: Catalogue) -> str:
    """One line of numbers: what is to be done, how much of it is final, what waits, what is blocked, what stays as it
    is."""
    found = plan.summary
    numbers = {
        "todo": found.auto,
        "irreversible": found.irreversible,
        "people": found.manual,
        "wait": found.wait,
        "blocked": found.blocked,
    }
    parts = [words.text_of(f"count.{name}", n=number) for name, number in numbers.items() if number]
    total = sum(found.unchanged.values())
    if total:
        parts.append(words.text_of("count.unchanged", n=total, kinds=counted(found.unchanged, words)))
    return words.text_of("join.list").join(parts) + words.text_of("join.stop") if parts else ""


def findings(plan: Plan, words: Catalogue, paint: Ink) -> list[str]:
    """What is wrong or noteworthy."""
    return diagnostics.lines(plan.diagnostics, words, paint)


def steps(plan: Plan, words: Catalogue, paint: Ink, full: bool, width: int) -> list[str]:
    """Every step in order, under its stage, each reason said once."""
    by_id = {step.id: step for step in plan.steps}
    lines: list[str] = []
    title = ""
    for group in groups(plan):
        heading = stage_title(group.stage, words)
        if heading != title:
            title = heading
            lines += ["", paint("bold", heading)] if lines else [paint("bold", heading)]
        lines += members(group, words, paint, by_id, full, width)
    return lines


def members(group: Group, words: Catalogue, paint: Ink, by_id: Mapping[str, Step], full: bool, width: int) -> list[str]:
    """One reason and the steps that have it."""
    shown = group.steps if full or len(group.steps) <= FOLD + 1 else group.steps[:FOLD]
    broad = max(cells(step.address) for step in shown)
    color = {"!": "red", "@": "yellow", "…": "cyan"}.get(symbol(group))
    lines = ["  " + paint("dim", words.text(group.why))]
    lines += [paint("dim", f"    {each}") for each in runbook(group, words)]
    for step in shown:
        row = line(step, words, by_id, min(broad, width // 2), width)
        lines += [paint(color, each) for each in row] if color else row
    more = len(group.steps) - len(shown)
    if more:
        said = words.text_of("fold.irreversible" if group.irreversible else "fold.more", n=more)
        lines.append(paint(color, f"      {said}") if color else f"      {said}")
    return lines


def line(step: Step, words: Catalogue, by_id: Mapping[str, Step], broad: int, width: int) -> list[str]:
    """One step: symbol, verb, address, label; its facts beside it, or below where they do not fit."""
    start = f"  {symbol(step)} {words.word('verb', step.verb.value)}  {fill(words.safe(step.address), broad)}"
    about = words.text_of("join.list").join(facts(step, words, by_id))
    about = words.text_of("join.aside", what=about) if about else ""
    label = words.plain(step.label) if step.label != step.address.partition("/")[2] else ""
    beside = width - cells(start) - 2
    if label and cells(label) > beside and beside < ROOM_FOR_LABEL:
        below = words.safe(shorten(label, width - 6))
        return [start.rstrip(), f"      {below}", *([f"      {about}"] if about else [])]
    start += "  " + words.safe(shorten(label, max(SHORTEST_LABEL, beside))) if label else ""
    start = start.rstrip()
    if not about:
        return [start]
    if cells(start) + cells(about) + 2 <= width:
        return [f"{start}  {about}"]
    return [start, f"      {about}"]


def blocked(plan: Plan, words: Catalogue, paint: Ink, full: bool, width: int) -> list[str]:
    """What cannot be planned now: why, who has to do something, until when."""
    if not plan.blocked:
        return []
    lines = [paint("bold", words.text_of("plan.blocked"))]
    for same in gathered(plan.blocked):
        lines += obstacle(same, words, full, width)
    return lines


def obstacle(same: list[Blocked], words: Catalogue, full: bool, width: int) -> list[str]:
    """Things that are blocked for one and the same reason."""
    first = same[0]
    why = words.text(first.why)
    about = [words.text_of("blocked_by.owner", who=first.owner) if first.owner else words.text_of("blocked_by.nobody")]
    if first.due:
        about.append(words.text_of("fact.deadline", at=first.due))
    lines = [f"  {why}", f"    {words.text_of('join.list').join(about)}"]
    shown = same if full or len(same) <= FOLD + 1 else same[:FOLD]
    for each in shown:
        place = words.safe(each.address)
        row = f"    x {words.word('verb', each.verb.value)}  {place}"
        label = words.plain(each.label)
        row += "  " + words.safe(shorten(label, max(SHORTEST_LABEL, width - cells(row) - 2))) if label else ""
        where = words.safe(f"{each.span.file}:{each.span.line}") if each.span else ""
        lines.append(f"{row}  [{where}]" if where and cells(row) + cells(where) + 4 <= width else row)
    if len(same) > len(shown):
        lines.append("      " + words.text_of("fold.more", n=len(same) - len(shown)))
    return lines


def gaps(plan: Plan, words: Catalogue) -> list[str]:
    """Listings that the vendor did not show whole: nothing is concluded from what is missing in them."""
    short = dict.fromkeys(
        str(each.why.params.get("kind", "")) for each in plan.blocked if each.why.code == "blocked.incomplete"
    )
    short.update({kind: None for kind in plan.summary.unmanaged if Kind(kind) not in plan.complete})
    if not short:
        return []
    kinds = words.text_of("join.list").join(words.word("kinds", kind) for kind in short)
    return [words.text_of("plan.gaps", kinds=kinds)]


def told(plan: Plan, words: Catalogue, paint: Ink) -> list[str]:
    """To whom notices go, and what they say."""
    if not plan.notices:
        return []
    return [
        paint("bold", words.text_of("plan.notices")),
        *(f"  {each}".rstrip() for each in previews(plan.notices, words)),
    ]


def aside(plan: Plan, words: Catalogue) -> list[str]:
    """What this plan leaves alone: kinds that the manifest does not speak of, and what was excluded by hand."""
    lines: list[str] = []
    if plan.summary.unmanaged:
        lines.append(words.text_of("plan.unmanaged", kinds=counted(plan.summary.unmanaged, words)))
    if plan.excluded:
        stages = words.text_of("join.list").join(dict.fromkeys(stage_title(stage, words) for stage in plan.excluded))
        lines.append(words.text_of("plan.excluded", stages=stages))
    return lines


def foot(plan: Plan, words: Catalogue, paint: Ink, saved: str | None) -> list[str]:
    """The plan's name, and what to type next."""
    lines = [words.text_of("plan.id", id=plan.plan_id)]
    if plan.approvals_needed and plan.summary.irreversible:
        lines.append(words.text_of("plan.approvals", n=plan.approvals_needed, digest=plan.approval))
    if plan.errors or (plan.sealed is not None and not plan.steps):
        return lines
    if plan.hypothetical:
        return [*lines, words.text_of("next.hypothetical")]
    if plan.summary.ready:
        lines.append(paint("bold", _apply(plan, words, saved)))
    if any(step.mode is Mode.MANUAL for step in plan.steps):
        lines.append(words.text_of("next.confirm"))
    return lines


def _apply(plan: Plan, words: Catalogue, saved: str | None) -> str:
    target = shlex.quote(saved or plan.manifest or "crmstate.yaml")
    if plan.offline and not saved:
        target += " --offline"
    if saved or plan.require_plan_id:
        return words.text_of("next.apply_id", file=target, id=plan.plan_id)
    return words.text_of("next.apply", file=target)
