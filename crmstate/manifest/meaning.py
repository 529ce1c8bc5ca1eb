"""Meaning: combinations that no schema can forbid. Pure checks that all run; none asks a clock, a vendor or a disk.

The tree may still hold structural mistakes: every check looks at what it understands and is silent about the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath

from crmstate.core.diagnostic import Diagnostic
from crmstate.manifest import rules_around, rules_contract, rules_end, rules_order, rules_provider
from crmstate.manifest.tree import Tree

Rule = Callable[[Tree], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (*rules_end.RULES, *rules_contract.RULES, *rules_order.RULES, *rules_around.RULES)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beside the text: the manifest's folder, and the providers that exist where the caller says so."""

    folder: FilePath
    known_providers: Collection[str] | None = None


def weigh(tree: Tree, around: Surroundings) -> list[Diagnostic]:
    """Everything that is wrong, or doubtful, about what a tree means."""
    found = [each for rule in RULES for each in rule(tree)]
    found += rules_provider.provider_known(tree, around.known_providers)
    found += rules_provider.provider_complete(tree)
    found += rules_end.archive_apart(tree, around.folder)
    return found
