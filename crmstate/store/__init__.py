"""The store: what was done, kept so that nothing that happens to a process or a disk makes it wrong.

`Store` is a state opened for writing, `read` looks without a lock; surgery is `history`, `state_at`, `restore`,
`unlock`, `repair`. Names are loaded when they are first asked for, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmstate.store.home import Home, states
    from crmstate.store.load import Loaded, read
    from crmstate.store.lock import FileLock, Lease, read_lease
    from crmstate.store.mend import Mended, repair
    from crmstate.store.snapshot import state_schema
    from crmstate.store.store import Store
    from crmstate.store.surgery import Passage, history, restore, state_at, unlock

__all__ = [
    "FileLock",
    "Home",
    "Lease",
    "Loaded",
    "Mended",
    "Passage",
    "Store",
    "history",
    "read",
    "read_lease",
    "repair",
    "restore",
    "state_at",
    "state_schema",
    "states",
    "unlock",
]

_PLACES = {
    "FileLock": "lock",
    "Home": "home",
    "Lease": "lock",
    "Loaded": "load",
    "Mended": "mend",
    "Passage": "surgery",
    "Store": "store",
    "history": "surgery",
    "read": "load",
    "read_lease": "lock",
    "repair": "mend",
    "restore": "surgery",
    "state_at": "surgery",
    "state_schema": "snapshot",
    "states": "home",
    "unlock": "surgery",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(name)
    return getattr(import_module(f"crmstate.store.{_PLACES[name]}"), name)
