"""Rights: what a plan will do to the vendor, so that a right that lacks is told before the first act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crmstate.core.address import id_of
from crmstate.core.plan import HARMLESS, Plan
from crmstate.core.words import Kind, Mode, Verb


def acts(plan: Plan) -> Mapping[tuple[Kind, Verb], Sequence[str]]:
    """The vendor's things that the plan acts on by itself, by kind and verb, in the plan's order."""
    found: dict[tuple[Kind, Verb], list[str]] = {}
    for step in plan.steps:
        if step.mode is Mode.AUTO and step.verb not in HARMLESS:
            found.setdefault((step.kind, step.verb), []).append(id_of(step.address))
    return found
