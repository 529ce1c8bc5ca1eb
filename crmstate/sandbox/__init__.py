"""The sandbox: a CRM that exists to be ended, simulated over HTTP on loopback (`docs/reference/sandbox-api.md` is its
documentation).

It imports nothing else of crmstate, and nothing at all until one of its names is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adopting import adopt
    from .commands import (
        AlreadyServed,
        add_fault,
        advance,
        clear_faults,
        fault_kinds,
        list_faults,
        ready_path,
        seed,
        serve,
        world_truth,
    )
    from .people import did
    from .server import Server
    from .world import World
    from .wsgi import app

_HOMES = {"World": "world", "Server": "server", "app": "wsgi", "adopt": "adopting", "did": "people"}

__all__ = [
    "AlreadyServed",
    "Server",
    "World",
    "add_fault",
    "adopt",
    "advance",
    "app",
    "clear_faults",
    "did",
    "fault_kinds",
    "list_faults",
    "ready_path",
    "seed",
    "serve",
    "world_truth",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES.get(name, 'commands')}", __name__), name)
