"""Providers: one file (or folder) per vendor beside the kit, found by its name. Importing this package loads none of
them, and no HTTP library."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from crmstate.core.diagnostic import problem
from crmstate.core.provider import Provider
from crmstate.core.words import Exit

GROUP = "crmstate.providers"
KIT = "kit"


@lru_cache(maxsize=1)
def built_in() -> tuple[str, ...]:
    """The vendors that come along: whatever lies beside the kit."""
    return tuple(sorted(found.name for found in iter_modules(__path__) if found.name != KIT))


def names() -> tuple[str, ...]:
    """Every provider's name: those that come along, and those that other packages bring by the entry point group."""
    return tuple(sorted({*_brought(), *built_in()}))


def load(name: str) -> Provider:
    """The provider of this name. One that comes along cannot be replaced by another package. Raises Problem
    (CRM-V015)."""
    place = f"{__name__}.{name}:provider" if name in built_in() else _brought().get(name)
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
