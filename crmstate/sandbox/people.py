"""People: what somebody does in the vendor's own screens, where its API has no call for it. For rehearsals, which play the
people's part too.

Nobody's rights are asked: the screens let an administrator do it.
"""

from __future__ import annotations

from collections.abc import Callable

from . import acts, contract
from .wire import Refused
from .world import World

ALL = "all"
"""The id of a step that stands for everything of its kind."""


def did(world: World, kind: str, verb: str, id: str, spared: frozenset[str] = frozenset()) -> bool:
    """Does it, for everything of the kind but `spared` where the id is `all`. False where the World has no such thing, or
    will not have it done: then it is somebody's word alone."""
    act = _WHOLE.get((kind, verb))
    with world.transaction():
        world.seq = None
        if act is not None:
            return act(world)
        ids = [each for each in _every(world, kind) if each not in spared] if id == ALL else [id]
        return bool([each for each in ids if _one(world, kind, verb, each)])


def _one(world: World, kind: str, verb: str, id: str) -> bool:
    if (kind, verb) == ("dataset", "purge"):
        return _purge(world, id)
    if (kind, verb) not in acts.ACTS:
        return False
    try:
        acts.perform(world, None, kind, verb, id, {})
    except Refused:
        return False
    return True


def _purge(world: World, dataset: str) -> bool:
    for row in [each["id"] for each in world.rows(dataset)]:
        acts.perform(world, None, "row", "delete", row, {"dataset": dataset})
    return True


_LISTS = {
    "user": "SELECT id FROM users WHERE deleted_at IS NULL AND role <> 'owner'",
    "session": "SELECT id FROM sessions WHERE ended_at IS NULL",
    "api_key": "SELECT id FROM api_keys WHERE status = 'active'",
    "integration": "SELECT id FROM integrations WHERE deleted_at IS NULL",
    "module": "SELECT id FROM modules WHERE status = 'enabled'",
    "dataset": "SELECT id FROM datasets",
    "bin": "SELECT id FROM datasets WHERE binned > 0",
}


def _every(world: World, kind: str) -> list[str]:
    return [id for (id,) in world.all(_LISTS[kind] + " ORDER BY id")] if kind in _LISTS else []


def _close(world: World) -> bool:
    world.put("account", {**world.get("account"), "status": "closed"})
    world.effect("close", "account", world.get("account")["id"], irreversible=True)
    return True


def _contract(act: Callable[[World], object]) -> Callable[[World], bool]:
    def done(world: World) -> bool:
        try:
            act(world)
        except Refused:
            return False
        return True

    return done


_WHOLE: dict[tuple[str, str], Callable[[World], bool]] = {
    ("account", "close"): _close,
    ("subscription", "cancel"): _contract(lambda world: contract.cancel(world, "immediately")),
    ("subscription", "downgrade"): _contract(lambda world: contract.downgrade(world, "immediately")),
    ("subscription", "resume"): _contract(contract.resume),
}
