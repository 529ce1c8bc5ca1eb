"""A plan as a Mermaid flowchart: its stages, what waits for what, whom it waits for, what cannot be taken back.

Names come from the vendor: in a label every sign that Mermaid could read as its own is a character code. Ids are ours. A
large plan is folded: steps of a stage that differ only in what they act on become one box.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from crmstate.core.plan import Blocked, Plan, Step
from crmstate.core.words import Mode
from crmstate.views.catalogue import Catalogue
from crmstate.views.plan_parts import gathered, groups, stage_title, stages, symbol
from crmstate.views.width import shorten

MANY = 40
"""More steps than these are folded: a picture of them all says nothing, and most hosts draw no more than 500 lines."""
LONGEST = 100
_PLAIN = frozenset(" ,./_-+!:…·×，：。（）")
_MARKDOWN = re.compile(r"^[-+ ]|^[0-9]+\.|\bwww\.|:(?=//)|_(?![^\W_])|(?<![^\W_])_", re.I)
"""Signs that are harmless but here: Mermaid reads a label as Markdown, and its older versions make links of addresses."""
_SHAPES = {"!": ('[["', '"]]'), "@": ('(["', '"])'), "…": ('{{"', '"}}'), "x": ('>"', '"]')}
_STYLES = (
    "classDef final fill:#fdd,stroke:#b00,stroke-width:2px,color:#000",
    "classDef person fill:#ffd,stroke:#a80,color:#000",
    "classDef time fill:#def,stroke:#38a,color:#000",
    "classDef blocked fill:#eee,stroke:#666,stroke-dasharray:4 3,color:#000",
)
_CLASSES = {"!": "final", "@": "person", "…": "time", "x": "blocked"}


class Box(msgspec.Struct):
    """One box: its symbol, the lines of its label, the steps in it, and which it waits for within the order of stages."""

    id: str
    symbol: str
    lines: list[str]
    steps: Sequence[Step] = ()


def plan_mermaid(plan: Plan, words: Catalogue, *, full: bool = False) -> str:
    """The whole diagram. `full`: every step in a box of its own, however many."""
    found = _stages(plan)
    boxes: dict[str, list[Box]] = {stage: [] for stage in found}
    for number, (stage, symbol_, lines, steps) in enumerate(_boxes(plan, words, full), 1):
        boxes[stage].append(Box(f"n{number}", symbol_, lines, steps))
    lines = [f"%% crmstate {words.safe(plan.name)} {plan.plan_id}", "flowchart TD"]
    names = {stage: f"s{number}" for number, stage in enumerate(found, 1)}
    for stage, inside in boxes.items():
        lines.append(f'  subgraph {names[stage]}["{escaped(stage_title(stage, words))}"]')
        lines += [f"    {_drawn(box)}" for box in inside]
        lines.append("  end")
    if not found:
        lines.append(f'  n0["{escaped(words.text_of("graph.nothing"))}"]')
    reach = _reach(plan, found)
    lines += [f"  {names[first]} --> {names[second]}" for first, second in _edges(found, reach)]
    lines += _needs(boxes, reach)
    lines += [f"  {style}" for style in _STYLES]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """A label's text: letters and digits of all scripts as they are, every other sign that is not plainly harmless as its
    code."""
    shown = shorten(text, LONGEST)
    marks = {match.end() - 1 for match in _MARKDOWN.finditer(shown)}
    return "".join(
        letter if (letter.isalnum() or letter in _PLAIN) and place not in marks else f"#{ord(letter)};"
        for place, letter in enumerate(shown)
    )


def _stages(plan: Plan) -> list[str]:
    """The stages in their order, those in which something is blocked as well."""
    known = stages(plan)
    return known + [stage for stage in dict.fromkeys(each.stage for each in plan.blocked) if stage not in known]


def _boxes(plan: Plan, words: Catalogue, full: bool) -> list[tuple[str, str, list[str], Sequence[Step]]]:
    fold = not full and len(plan.steps) + len(plan.blocked) > MANY
    found: list[tuple[str, str, list[str], Sequence[Step]]] = []
    for group in groups(plan):
        sets = [group.steps] if fold and len(group.steps) > 1 else [[step] for step in group.steps]
        found += [(group.stage, symbol(group), _said(steps, words), steps) for steps in sets]
    for same in gathered(plan.blocked):
        by_stage: dict[str, list[Blocked]] = {}
        for each in same:
            by_stage.setdefault(each.stage, []).append(each)
        for stage, inside in by_stage.items():
            sets_ = [inside] if fold else [[each] for each in inside]
            found += [(stage, "x", _hindered(each, words), ()) for each in sets_]
    return found


def _said(steps: Sequence[Step], words: Catalogue) -> list[str]:
    """What is done to whom, and what it waits for beside the order: a person, a date."""
    first, verb = steps[0], words.word("verb", steps[0].verb.value)
    if len(steps) > 1:
        lines = [f"{symbol(first)} {words.text_of('graph.many', verb=verb, kind=first.kind.value, n=len(steps))}"]
    else:
        lines = [f"{symbol(first)} {verb} {words.safe(first.address)}"]
        if first.label and first.label != first.address.partition("/")[2]:
            lines.append(words.safe(first.label))
    if first.irreversible:
        lines.append(words.text_of("fact.irreversible"))
    owners = dict.fromkeys(step.owner for step in steps if step.owner)
    if owners and first.mode is not Mode.AUTO:
        lines.append(words.text_of("graph.awaited", who=", ".join(owners)))
    dates = [step.not_before for step in steps if step.not_before]
    if dates:
        lines.append(words.text_of("fact.not_before", at=min(dates)))
    return lines


def _hindered(same: Sequence[Blocked], words: Catalogue) -> list[str]:
    first, verb = same[0], words.word("verb", same[0].verb.value)
    what = words.safe(first.address)
    if len(same) > 1:
        what = words.text_of("fold.more", n=len(same) - 1).join((f"{what}, ", ""))
    lines = [f"x {verb} {what}", words.text(first.why)]
    return [*lines, words.text_of("graph.awaited", who=first.owner)] if first.owner else lines


def _drawn(box: Box) -> str:
    start, end = _SHAPES.get(box.symbol, ('["', '"]'))
    name = _CLASSES.get(box.symbol)
    return f"{box.id}{start}{'<br/>'.join(escaped(line) for line in box.lines)}{end}" + (f":::{name}" if name else "")


def _reach(plan: Plan, found: Sequence[str]) -> dict[str, set[str]]:
    """For each stage that is drawn, those that wait for it, whatever is left out between them."""
    later: dict[str, set[str]] = {}
    for first, second in plan.order:
        later.setdefault(first, set()).add(second)
    return {stage: _reached(stage, later) & set(found) for stage in found}


def _edges(found: Sequence[str], reach: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Which stage waits directly for which."""
    return [
        (first, second)
        for first in found
        for second in found
        if second in reach[first] and not any(second in reach[between] for between in reach[first])
    ]


def _reached(start: str, later: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        new = later.get(todo.pop(), set()) - seen
        seen |= new
        todo += new
    return seen


def _needs(boxes: dict[str, list[Box]], reach: dict[str, set[str]]) -> list[str]:
    """Steps that wait for single others where the order of their stages does not say so."""
    inside = {step.id: (stage, box.id) for stage, each in boxes.items() for box in each for step in box.steps}
    pairs = dict.fromkeys(
        (inside[need][1], box.id)
        for stage, each in boxes.items()
        for box in each
        for step in box.steps
        for need in step.needs
        if need in inside and inside[need][1] != box.id and stage not in reach[inside[need][0]]
    )
    return [f"  {first} -.-> {second}" for first, second in pairs]
