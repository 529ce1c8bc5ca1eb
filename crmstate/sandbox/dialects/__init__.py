"""Dialects: one file per simulated vendor, found by its name; a vendor of another package comes by the entry point group.

A module here has `dialect`, which makes a `exchange.Dialect`, and may have `credential(key)`: the fields of a
credential as this vendor's users know them; `furnish(world)`: what a freshly seeded world of this vendor has besides;
`adopt(world, found)`: see `adopting`; `LACKS`: the faults that this vendor cannot have, with the reason; `JOBS`: it has
export jobs that meet the faults of `jobs.FAULTS`; `CODES`: the vendor's own error codes, which the fault `refused_as` may
name. `native` is the sandbox's own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from ..exchange import Dialect

GROUP = "crmstate.dialects"
NATIVE = "native"


def names() -> tuple[str, ...]:
    """Every dialect that a world can be served in."""
    return tuple(sorted({NATIVE, *_brought(), *_built_in()}))


def load(name: str) -> Dialect:
    """A new dialect of this name. Raises ValueError for one that nobody speaks."""
    made: Dialect = _module(name).dialect()
    return made


def credential(name: str) -> Callable[[Any], dict[str, str]] | None:
    """How a key is written down for this vendor's users, where that is not the native way."""
    return getattr(_module(name), "credential", None)


def furnish(name: str) -> Callable[[Any], None] | None:
    """What makes a freshly seeded world look like this vendor's, where it needs more than it has."""
    return getattr(_module(name), "furnish", None)


def adopt(name: str) -> Callable[[Any, Mapping[str, Any]], dict[str, dict[str, str]]] | None:
    """How a world is made like a tenant that was observed (`adopting`), where this vendor's ids are not free."""
    return getattr(_module(name), "adopt", None)


def lacks(name: str) -> Mapping[str, str]:
    """The faults that this vendor cannot have, and why."""
    from ..jobs import FAULTS  # which knows `exchange`, which knows who asks

    found: Mapping[str, str] = getattr(_module(name), "LACKS", {})
    if getattr(_module(name), "JOBS", False):
        return found
    return {**dict.fromkeys(FAULTS, "it has no export jobs that could meet it"), **found}


def codes(name: str) -> Collection[str]:
    """The vendor's own error codes, as text."""
    found: Collection[str] = getattr(_module(name), "CODES", ())
    return found


def _module(name: str) -> Any:
    if name == NATIVE:
        return import_module("..native", __name__)
    place = f"{__name__}.{name}" if name in _built_in() else _brought().get(name)
    if place is None:
        raise ValueError(f"nobody speaks {name!r} here; known: {', '.join(names())}")
    return import_module(place)


def _built_in() -> set[str]:
    return {found.name for found in iter_modules(__path__)}


def _brought() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP)}
