"""Whether a key may make a call. A World's key has `read` and `write`, for every scope of that sort; or scopes of the
vendor's own (`ZohoCRM.users.READ`), of which `ALL` and a shorter name hold everything below.
"""

from __future__ import annotations

from ...acts import Caller
from . import errors

READS = ("READ",)


def check(caller: Caller, *needed: str) -> None:
    """All of `needed` (`ZohoCRM.users.READ`), or OAUTH_SCOPE_MISMATCH."""
    for scope in needed:
        if not any(_holds(held, scope) for held in caller.scopes):
            raise errors.refusal("OAUTH_SCOPE_MISMATCH")


def _holds(held: str, needed: str) -> bool:
    area, _, action = needed.rpartition(".")
    if held in ("read", "write"):
        return (held == "read") == (action in READS)
    group, _, allowed = held.rpartition(".")
    return allowed in ("ALL", action) and (area.lower() + ".").startswith(group.lower() + ".")
