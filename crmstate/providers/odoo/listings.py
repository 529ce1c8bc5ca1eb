"""Which datasets an Odoo database has, and how many rows of its owner's are in each."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Count
from crmstate.core.survey import DatasetFacts, Gap, Listing, Resource
from crmstate.core.words import Kind, Verb
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import Resources
from crmstate.providers.odoo.models import (
    ANY,
    ATTACHMENTS,
    TALK,
    attached,
    brought_along,
    foreign,
    is_dataset,
    model_of,
    ours,
)
from crmstate.providers.odoo.vendor import MEASURED, SEEN, count, methods, provider, search


class _Model(msgspec.Struct):
    id: int
    model: str
    name: str | bool
    count: int


class _Reference(msgspec.Struct):
    model: str
    relation: str | bool


@provider.reads(
    Kind.DATASET,
    Verb.LIST,
    *methods(
        "ir.model/search_read",
        "ir.model/search_count",
        "ir.model.data/search_read",
        "ir.model.fields/search_read",
        "*/search_count",
        "res.users/search_read",
        "res.company/search_read",
    ),
    source=MEASURED,
    verified_on=SEEN,
    note="Models with rows that no module brought along, emptied ones that are asked for by name included.",
)
def datasets(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Every dataset with its exact count. One of which the server has more rows than it shows makes the listing
    incomplete."""
    wanted: list[Any] = [["transient", "=", False], ["abstract", "=", False]]
    wanted += [["model", "in", sorted(ids)]] if ids is not None else []
    models = search(call, "ir.model", wanted, ["model", "name", "count"], _Model)
    if len(models) != count(call, "ir.model", wanted):
        raise Failure(Code.UNAVAILABLE, "not every model came", vendor="kit.short")
    models = [each for each in models if is_dataset(each.model) and (each.count or ids is not None)]
    brought = brought_along(call, [each.model for each in models])
    found: list[Resource] = []
    hidden: list[str] = []
    for each in models:
        if ids is None and _only_brought(call, each, brought[each.model]):
            continue
        try:
            row, whole = _dataset(call, each, brought[each.model])
        except Failure as failure:
            if failure.code is not Code.DENIED:
                raise
            hidden.append(each.model)
            continue
        hidden += [] if whole else [each.model]
        if row.facts.rows or ids is not None:  # type: ignore[union-attr]
            found.append(row)
    if ids is None:
        found = _ordered(call, found)
    if hidden:
        gap = Gap(Kind.DATASET, "gap.partial_view", ", ".join(hidden)[:150])
        return Listing(Kind.DATASET, tuple(found), False, gap)
    return found


def _only_brought(call: Call, model: _Model, brought: list[int]) -> bool:
    """Whether a model has no rows but those that modules brought along. External ids stay behind rows that are gone, so that
    their number alone does not tell."""
    if model.count > len(brought):
        return False
    try:
        return count(call, model.model, [["id", "not in", brought]]) == 0
    except Failure as failure:
        if failure.code is not Code.DENIED:
            raise
        return True


def _dataset(call: Call, model: _Model, brought: list[int]) -> tuple[Resource, bool]:
    """A dataset, and whether we see every row that the server has."""
    others = foreign(call, model.model, brought)
    whole = model.model in TALK or count(call, model.model, ANY) >= model.count
    rows = count(call, model.model, ours(call, model.model, others))
    files = count(call, ATTACHMENTS, attached(call, model.model, others)) if rows else 0
    label = model.name if isinstance(model.name, str) else model.model
    return Resource(Kind.DATASET, model.model, label, facts=DatasetFacts(rows, True, files)), whole


def _ordered(call: Call, found: list[Resource]) -> list[Resource]:
    """The datasets, each with those whose rows keep its own from being deleted. What was said about records goes with
    them, and much of it not without them: it comes last."""
    models = [row.id for row in found]
    wanted = [
        ["model", "in", models],
        ["relation", "in", models],
        ["ttype", "=", "many2one"],
        ["on_delete", "=", "restrict"],
    ]
    needed: dict[str, set[str]] = defaultdict(set)
    for each in search(call, "ir.model.fields", [*wanted, ["store", "=", True]], ["model", "relation"], _Reference):
        needed[str(each.relation)].add(each.model)
    for model in TALK:
        needed[model] = set(models) - set(TALK)
    return [
        msgspec.structs.replace(
            row, facts=msgspec.structs.replace(row.facts, purge_after=tuple(sorted(needed[row.id] - {row.id})))
        )
        for row in found
    ]


@provider.reads(
    Kind.DATASET,
    Verb.COUNT,
    *methods("*/search_count", "*/search_read"),
    source=MEASURED,
    verified_on=SEEN,
)
def how_many(call: Call, dataset: str) -> Count:
    """Archived rows included: `read` reads them too."""
    model = model_of(dataset)
    return Count(count(call, model, ours(call, model, foreign(call, model))))
