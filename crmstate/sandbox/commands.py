"""What the command line asks of the sandbox, as plain functions over a data file. No printing, no argument parsing.

Each opens the file for itself, so that it works while a server runs over it; the server sees the change at its next
request.
"""

from __future__ import annotations

import os
from typing import Any

from . import clock, faults
from .seeding import seed
from .server import AlreadyServed, ready_path, serve
from .world import World

__all__ = [
    "AlreadyServed",
    "add_fault",
    "advance",
    "clear_faults",
    "fault_kinds",
    "list_faults",
    "ready_path",
    "seed",
    "serve",
    "world_truth",
]

Data = str | os.PathLike[str]


def advance(data: Data, by: str) -> str:
    """Moves the sandbox's clock by `30d`, `12h`, `15m`, `2w` (or to a date or time) and returns the new time.

    Terms end, requests complete and accounts close on the way, in the order of time. ValueError for what is no such
    text, or the past.
    """
    with World.open(data) as world:
        return clock.advance(world, by)


def world_truth(data: Data, *, log: bool = False) -> dict[str, Any]:
    """The truth, fit for JSON and without secrets; `log` adds every request received."""
    with World.open(data) as world:
        return world.truth(log=log)


def add_fault(data: Data, action: str, **rule: Any) -> int:
    """Adds a fault rule (`path`, `method`, `key`, `nth`, `every`, `rate`, `first`, `times`, `seed`, and the action's
    parameters).
    """
    with World.open(data) as world:
        return world.add_fault(action, **rule)


def list_faults(data: Data) -> list[dict[str, Any]]:
    with World.open(data) as world:
        return world.faults()


def clear_faults(data: Data, id: int | None = None) -> None:
    with World.open(data) as world:
        world.clear_faults(id)


def fault_kinds() -> dict[str, str]:
    """Every fault there is, with a line about it."""
    return {name: kind.line for name, kind in faults.KINDS.items()}
