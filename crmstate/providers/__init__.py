"""Providers: one file per vendor, found by name. Importing this package loads none of them, and no HTTP library."""

from __future__ import annotations

from importlib import import_module

from crmstate.core.diagnostic import problem
from crmstate.core.provider import Provider
from crmstate.core.words import Exit

GROUP = "crmstate.providers"
BUILT_IN = {"sandbox": "crmstate.providers.sandbox:provider"}


def names() -> tuple[str, ...]:
    """Every provider's name: those that come along, and those that other packages bring by the entry point group."""
    return tuple(sorted({**_brought(), **BUILT_IN}))


def load(name: str) -> Provider:
    """The provider of this name. One that comes along cannot be replaced by another package. Raises Problem
    (CRM-V015)."""
    place = BUILT_IN.get(name) or _brought().get(name)
    if place is None:
        raise problem(Exit.INVALID, "CRM-V015", name=name, known=", ".join(names()))
    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute or "provider")
    if not isinstance(found, Provider):
        raise TypeError(f"{place} is not a Provider")
    return found


def _brought() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP)}
