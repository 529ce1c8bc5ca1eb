"""Looking back: what was entered about cost, measures, feedback and lessons, what of it counts, and what is still missing.

Of a cost or a measure the last entry counts; costs of two currencies are never added, and a year's cost is computed exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from crmstate.core.address import address
from crmstate.core.diagnostic import Diagnostic, diagnostic
from crmstate.core.event import Remark, Remarked
from crmstate.core.settling import amount, currency, decimals
from crmstate.core.words import Kind

PLACE = address(Kind.EVALUATION, "review")
KINDS = ("cost", "measure", "feedback", "lesson", "verdict")
SIDES = ("before", "after")
PER = ("month", "quarter", "year", "once")
A_YEAR = {"month": 12, "quarter": 4, "year": 1}
ADOPT = ("yes", "no")
COST = "cost"
LONGEST = 2000
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?", re.ASCII)


class Pair(msgspec.Struct, frozen=True):
    """A measure or a cost before and after."""

    name: str
    before: Remark | None = None
    after: Remark | None = None


class Cost(msgspec.Struct, frozen=True):
    """All costs of one currency: a year's before and after, and what fell due once."""

    currency: str
    before: Decimal
    after: Decimal
    once: Decimal

    @property
    def saved(self) -> Decimal:
        """What a year costs less."""
        return self.before - self.after


class Review(msgspec.Struct, frozen=True):
    """What counts of everything that was entered, in the order of entry."""

    costs: tuple[Pair, ...] = ()
    measures: tuple[Pair, ...] = ()
    feedback: tuple[Remark, ...] = ()
    lessons: tuple[Remark, ...] = ()
    verdict: Remark | None = None


def review(entered: Iterable[Remarked]) -> Review:
    """The last word on each cost, measure and the verdict; every feedback and lesson once."""
    costs: dict[str, Pair] = {}
    measures: dict[str, Pair] = {}
    said: dict[str, list[Remark]] = {"feedback": [], "lesson": []}
    verdict = None
    for each in (line for event in entered for line in event.lines):
        if each.kind == "verdict":
            verdict = each
        elif each.kind in said:
            said[each.kind] += [] if each in said[each.kind] else [each]
        else:
            pairs = costs if each.kind == COST else measures
            was = pairs.get(each.name, Pair(each.name))
            pairs[each.name] = msgspec.structs.replace(was, **{each.side: each})
    return Review(
        tuple(costs.values()), tuple(measures.values()), tuple(said["feedback"]), tuple(said["lesson"]), verdict
    )


def totals(found: Review) -> list[Cost]:
    """What everything costs a year, by currency in the order of their names. A cost that falls due once counts on its own."""
    sums: dict[str, list[Decimal]] = {}
    for pair in found.costs:
        for side, each in enumerate((pair.before, pair.after)):
            if each is not None:
                mine = sums.setdefault(each.unit, [Decimal(0), Decimal(0), Decimal(0)])
                value = Decimal(each.value)
                if each.per == "once":
                    mine[2] += value
                else:
                    mine[side] += value * A_YEAR[each.per]
    return [Cost(name, *each) for name, each in sorted(sums.items())]


def missing(found: Review, measures: Sequence[str]) -> list[str]:
    """What the evaluation still lacks: measures of the manifest that are not known before and after, a lesson, a
    verdict."""
    lacks = []
    for name in measures:
        pairs = found.costs if name == COST else [each for each in found.measures if each.name == name]
        for side in SIDES:
            there = [each for pair in pairs if (each := getattr(pair, side)) is not None]
            if not any(each.per != "once" for each in there):
                lacks.append(f"{name}/{side}")
    lacks += [] if found.lessons else ["lesson"]
    return lacks + ([] if found.verdict is not None else ["verdict"])


def faulty(new: Remark, known: Review) -> Diagnostic | None:
    """Why a line may not be entered, or None. `known`: what counts so far."""
    if new.kind not in KINDS:
        return diagnostic("CRM-F030", field="kind", text=new.kind, known=", ".join(KINDS))
    if new.kind in ("feedback", "lesson"):
        return None if _said(new.text) else diagnostic("CRM-F031", field="text", kind=new.kind)
    if new.kind == "verdict":
        if new.value not in ADOPT:
            return diagnostic("CRM-F030", field="value", text=new.value, known=", ".join(ADOPT))
        return None if _said(new.text) else diagnostic("CRM-F031", field="text", kind=new.kind)
    if not _said(new.name, 120):
        return diagnostic("CRM-F031", field="name", kind=new.kind)
    if new.side not in SIDES:
        return diagnostic("CRM-F030", field="side", text=new.side, known=", ".join(SIDES))
    return _cost(new, known) if new.kind == COST else _measure(new, known)


def _said(text: str, longest: int = LONGEST) -> bool:
    return 0 < len(text.strip()) and len(text) <= longest


def _cost(new: Remark, known: Review) -> Diagnostic | None:
    value = amount(new.value)
    if value is None:
        return diagnostic("CRM-F001", text=new.value)
    if not currency(new.unit):
        return diagnostic("CRM-F002", text=new.unit)
    if (wrong := decimals(value, new.value, new.unit)) is not None:
        return wrong
    if new.per not in PER:
        return diagnostic("CRM-F030", field="per", text=new.per, known=", ".join(PER))
    return _same_unit(new, known.costs)


def _measure(new: Remark, known: Review) -> Diagnostic | None:
    if not _NUMBER.fullmatch(new.value):
        return diagnostic("CRM-F032", text=new.value, name=new.name)
    return _same_unit(new, known.measures)


def _same_unit(new: Remark, pairs: Iterable[Pair]) -> Diagnostic | None:
    """Before and after of one thing are of one unit, or nothing can be said of their difference."""
    for pair in pairs:
        other = pair.after if new.side == "before" else pair.before
        if pair.name == new.name and other is not None and other.unit != new.unit:
            return diagnostic("CRM-F033", name=new.name, there=other.unit or "-", given=new.unit or "-")
    return None
