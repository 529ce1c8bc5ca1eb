"""A plan as one pull-request comment of at most 60 000 characters.

The rule of cutting: the summary and the irreversible steps come first and are never cut. Where the irreversible steps
would not fit, their lines become short; where even that is too long, they are counted by kind, the first and the last
are listed, and the comment says that the JSON has them all. Everything else is folded, and cut in the middle, saying
how many lines are missing. Vendor text stands in code spans: no host makes mentions, links, images or HTML of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from crmstate.core.plan import Plan, Step
from crmstate.core.words import Mode, Severity
from crmstate.views import plan_text
from crmstate.views.catalogue import Catalogue
from crmstate.views.contract_lines import cost_lines, life_lines
from crmstate.views.escape import markdown
from crmstate.views.notices import preview
from crmstate.views.paint import ink
from crmstate.views.plan_parts import Group, costs, facts, gathered, groups, runbook, stage_title, timeline
from crmstate.views.width import shorten

BUDGET = 60_000
FINAL_ROOM = 40_000
LABEL = 60
FIELD = 200


def plan_markdown(plan: Plan, words: Catalogue, *, budget: int = BUDGET) -> str:
    """The comment."""
    safe = words.escaping(lambda text: markdown(shorten(text, FIELD)))
    first = [*head(plan, safe), "", *irreversible(plan, safe, min(FINAL_ROOM, budget * 2 // 3))]
    foot = ["", *(f"- {line}" for line in plan_text.foot(plan, safe, ink(False), None))]
    room = budget - _size(first) - _size(foot)
    rest = sections(plan, safe)
    lines = list(first)
    for place, (title, body) in enumerate(rest):
        share = room // (len(rest) - place)
        part = folded(title, body, share, safe)
        room -= _size(part)
        lines += part
    return "\n".join([*lines, *foot]) + "\n"


def head(plan: Plan, safe: Catalogue) -> list[str]:
    """Title, vendor, counts, and what speaks against applying it."""
    lines = [f"## {safe.text_of('plan.title', name=plan.name)}", ""]
    lines.append(safe.text_of("plan.vendor", provider=plan.provider, tenant=plan.tenant))
    lines.append(
        safe.text_of("plan.made", manifest=plan.manifest or "-", at=plan.observed_at or "-", serial=plan.base.serial)
    )
    if plan.hypothetical:
        lines += ["", f"**{safe.text_of('plan.hypothetical')}**"]
    if plan.errors:
        lines += ["", f"**{safe.text_of('plan.errors', n=len(plan.errors))}**"]
    return [*lines, "", *(f"**{each}**" for each in plan_text.verdict(plan, safe, ink(False)))]


def irreversible(plan: Plan, safe: Catalogue, room: int) -> list[str]:
    """Every irreversible step; shorter lines, and at last counts, where they would not fit."""
    final = [group for group in groups(plan) if group.irreversible]
    steps = [step for group in final for step in group.steps]
    if not steps:
        return [] if plan.sealed is not None or not plan.steps else [safe.text_of("plan.irreversible_none")]
    title = f"### {safe.text_of('plan.section', title=safe.text_of('plan.irreversible'), n=len(steps))}"
    by_id = {step.id: step for step in plan.steps}
    for form in (_whole, _compact):
        lines = [title, "", *form(final, safe, by_id)]
        if _size(lines) <= room:
            return lines
    return [title, "", *_counted(steps, safe, room - len(title))]


def _whole(final: Sequence[Group], safe: Catalogue, by_id: Mapping[str, Step]) -> list[str]:
    return [line for group in final for line in rows(group, safe, by_id)]


def _compact(final: Sequence[Group], safe: Catalogue, by_id: Mapping[str, Step]) -> list[str]:
    return [_short(step, safe) for group in final for step in group.steps]


def _short(step: Step, safe: Catalogue) -> str:
    return f"- {safe.word('verb', step.verb.value)} {safe.safe(step.address)}"


def _counted(steps: Sequence[Step], safe: Catalogue, room: int) -> list[str]:
    """Counts by verb and kind, then as many of the first and last as fit, and how many those are."""
    counts = Counter((step.verb, step.kind) for step in steps)
    lines = [
        f"- {safe.text_of('plan.irreversible_count', n=n, verb=verb.value, kind=kind.value)}"
        for (verb, kind), n in counts.items()
    ]
    room -= _size(lines) + 2 * len(
        safe.text_of("plan.irreversible_cut", n=len(steps), first=len(steps), last=len(steps))
    )
    first, last = _ends([_short(step, safe) for step in steps], room)
    said = safe.text_of("plan.irreversible_cut", n=len(steps), first=len(first), last=len(last))
    return [*lines, "", f"**{said}**", "", *first, "", "…", "", *last]


def sections(plan: Plan, safe: Catalogue) -> list[tuple[str, list[str]]]:
    """Everything else, in the order of its weight, each with its title."""
    by_id = {step.id: step for step in plan.steps}
    found = groups(plan)
    waiting = [group for group in found if group.mode is not Mode.AUTO]
    other = [group for group in found if group.mode is Mode.AUTO and not group.irreversible]
    parts = [
        ("plan.findings", len(plan.diagnostics), findings(plan, safe)),
        ("plan.blocked", len(plan.blocked), blocked(plan, safe)),
        ("plan.waiting", sum(len(group.steps) for group in waiting), _whole(waiting, safe, by_id)),
        ("plan.reversible", sum(len(group.steps) for group in other), _whole(other, safe, by_id)),
        ("plan.notices", len(plan.notices), told(plan, safe)),
        ("plan.life", 0, [f"- {each}" for each in life_lines(plan.life, safe)]),
        ("plan.cost", 0, [f"- {each}" for each in cost_lines(plan.cost, safe)]),
        ("plan.deadlines", len(plan.deadlines), timeline(plan.deadlines, safe)),
        ("plan.notes", 0, notes(plan, safe)),
    ]
    return [
        (safe.text_of("plan.section", title=safe.text_of(code), n=n) if n else safe.text_of(code), body)
        for code, n, body in parts
        if body
    ]


def told(plan: Plan, safe: Catalogue) -> list[str]:
    """To whom notices go, and what they say."""
    lines: list[str] = []
    for each in plan.notices:
        head, *rest = preview(each, safe)
        lines += [
            f"- {head}",
            *(f"  - {row.strip().removeprefix('| ')}" for row in rest if row.strip() not in ("", "|")),
        ]
    return lines


def rows(group: Group, safe: Catalogue, by_id: Mapping[str, Step]) -> list[str]:
    """One reason as a bullet, and its steps below."""
    lines = [f"- {stage_title(group.stage, safe)}{safe.text_of('join.colon')}{safe.text(group.why)}"]
    lines += [f"  > {each}" for each in runbook(group, safe)]
    for step in group.steps:
        label = safe.safe(shorten(safe.plain(step.label), LABEL))
        about = safe.text_of("join.list").join(facts(step, safe, by_id))
        mark = "**!** " if step.irreversible else ""
        row = f"  - {mark}{safe.word('verb', step.verb.value)} {safe.safe(step.address)} {label}".rstrip()
        lines.append(f"{row} {safe.text_of('join.aside', what=about)}" if about else row)
    return lines


def findings(plan: Plan, safe: Catalogue) -> list[str]:
    """Errors first."""
    order = list(Severity)
    lines = []
    for found in sorted(plan.diagnostics, key=lambda each: order.index(each.severity)):
        place = f" {safe.safe(str(found.span))}" if found.span else ""
        word = safe.word("severity", found.severity.value)
        lines.append(f"- **{word} {safe.safe(found.code)}**{place} {safe.summary(found)}")
        lines += [f"  {each}" for each in (safe.detail(found), safe.hint(found)) if each]
    return lines


def blocked(plan: Plan, safe: Catalogue) -> list[str]:
    """What stands in the way: why, who, until when."""
    lines = []
    for same in gathered(plan.blocked):
        first = same[0]
        who = safe.text_of("blocked_by.owner", who=first.owner) if first.owner else safe.text_of("blocked_by.nobody")
        due = safe.text_of("join.list") + safe.text_of("fact.deadline", at=first.due) if first.due else ""
        lines.append(f"- {safe.text(first.why)} {safe.text_of('join.aside', what=who + due)}")
        for each in same:
            label = safe.safe(shorten(safe.plain(each.label), LABEL))
            lines.append(f"  - {safe.word('verb', each.verb.value)} {safe.safe(each.address)} {label}".rstrip())
    return lines


def notes(plan: Plan, safe: Catalogue) -> list[str]:
    """Gaps, what is left alone, the estimate."""
    every = [*plan_text.gaps(plan, safe), *plan_text.aside(plan, safe), *costs(plan.estimate, safe)]
    return [f"- {each}" for each in every]


def folded(title: str, body: Sequence[str], room: int, safe: Catalogue) -> list[str]:
    """A section that opens on a click, of at most `room` characters."""
    start = ["", "<details>", f"<summary>{title}</summary>", ""]
    end = ["", "</details>"]
    room -= _size(start) + _size(end)
    if _size(body) <= room:
        return [*start, *body, *end]
    first, last = _ends(body, room - len(safe.text_of("plan.cut", n=len(body))) - 6)
    said = safe.text_of("plan.cut", n=len(body) - len(first) - len(last))
    return [*start, *first, "", f"*{said}*", "", *last, *end]


def _ends(lines: Sequence[str], room: int) -> tuple[list[str], list[str]]:
    """As many lines of the beginning and of the end as fit into `room`, in turn."""
    first: list[str] = []
    last: list[str] = []
    for place in range(len(lines)):
        taken = lines[place // 2] if place % 2 == 0 else lines[-1 - place // 2]
        room -= len(taken) + 1
        if room < 0:
            break
        (first if place % 2 == 0 else last).append(taken)
    return first, last[::-1]


def _size(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)
