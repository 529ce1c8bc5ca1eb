"""Resolving what happens around the end: people's steps, and the sections that this version does not carry out yet."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crmstate.core.goal import HumanGoal, Unsupported
from crmstate.core.words import Milestone
from crmstate.manifest.model import Manifest
from crmstate.manifest.tree import Tree


def people(model: Manifest, tree: Tree) -> tuple[HumanGoal, ...]:
    """Steps that only people can do: those written as such, and data elsewhere, which its owner sees to."""
    written = tuple(
        HumanGoal(
            id=each.id,
            title=each.title,
            owner=each.owner,
            proof=each.proof,
            files=each.files == "required",
            before=each.before,
            after=each.after,
            due=each.due,
            span=tree.span("people", index),
        )
        for index, each in enumerate(model.people or ())
    )
    return (*written, *_elsewhere(model, tree, {each.id for each in written}))


def _elsewhere(model: Manifest, tree: Tree, taken: set[str]) -> Iterator[HumanGoal]:
    places = (model.end_state.data.elsewhere if model.end_state.data else None) or ()
    for index, each in enumerate(places):
        name = _ident(f"elsewhere-{each.place}", taken)
        taken.add(name)
        span = tree.span("end_state", "data", "elsewhere", index)
        yield HumanGoal(id=name, title=f"{each.place}: {each.status}", owner=each.owner, proof=each.proof, span=span)


def _ident(text: str, taken: set[str]) -> str:
    """A short name for a text, unlike those that are taken."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:56]
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain}-{number}"
    return name


def acceptance_owner(model: Manifest) -> str | None:
    """Who accepts the migration, where a replacement was adopted."""
    replacement = model.replacement
    if replacement is None or replacement.decision != "adopted" or replacement.accepted is None:
        return None
    return replacement.accepted.owner


def unsupported(model: Manifest, tree: Tree) -> tuple[Unsupported, ...]:
    """Every section that is written and not carried out by this version, with what has to wait for it."""
    return (*_state(model, tree),)


def _state(model: Manifest, tree: Tree) -> Iterator[Unsupported]:
    if model.state and model.state.backend != "local":
        yield Unsupported(
            "state.backend", before=Milestone.FREEZE.value, owner=model.owner, span=tree.key_span("state", "backend")
        )
