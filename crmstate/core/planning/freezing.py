"""What the freeze waits for: known only once every step is drafted, so it is said of the drafted plan."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crmstate.core.message import message
from crmstate.core.order import Stage, earlier
from crmstate.core.plan import Blocked, Step
from crmstate.core.words import Kind, Mode, Verb

NAMED = 3
AWAITS = "blocked.export_after_freeze"
"""Why the last export of a dataset is not asked for yet: what it is to follow has not come."""


def said_of_freeze(
    steps: tuple[Step, ...], blocked: Sequence[Blocked], edges: tuple[tuple[str, str], ...], now: str
) -> tuple[tuple[Step, ...], list[Blocked]]:
    """The same, with the names of what the freeze waits for: people, days and blockers, not what `apply` does on its way
    there."""
    freeze = next((step for step in steps if step.kind is Kind.FREEZE), None)
    if freeze is None:
        return steps, list(blocked)
    names = _names(steps, blocked, edges, now)
    at = str(freeze.why.params.get("at", "now"))
    if names:
        why = message("why.freeze.waits", at=at, names=names)
        steps = tuple(msgspec.structs.replace(step, why=why) if step is freeze else step for step in steps)
    if names:
        later = message("blocked.export_after_freeze.waits", names=names)
    else:
        later = message("blocked.export_after_freeze.now") if at == "now" else message(AWAITS, at=at)
    return steps, [msgspec.structs.replace(each, why=later) if each.why.code == AWAITS else each for each in blocked]


def _names(steps: Sequence[Step], blocked: Sequence[Blocked], edges: tuple[tuple[str, str], ...], now: str) -> str:
    """Up to three of what stands before the freeze and does not pass by itself, in the plan's order."""
    before, todo, stages = earlier(edges), [Stage.FREEZE.value], set[str]()
    while todo:
        fresh = before.get(todo.pop(), frozenset()) - stages
        stages |= fresh
        todo += fresh
    held = [step.address for step in steps if step.stage in stages and _holds(step, now)]
    held += [each.address for each in blocked if each.stage in stages]
    names = list(dict.fromkeys(held))
    return ", ".join([*names[:NAMED], *(["…"] if len(names) > NAMED else [])])


def _holds(step: Step, now: str) -> bool:
    """Whether a step waits for a person, for the vendor or for a day."""
    return step.mode is not Mode.AUTO or (step.verb is Verb.NOTIFY and (step.not_before or "") > now)
