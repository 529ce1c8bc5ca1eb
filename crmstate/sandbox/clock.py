"""The sandbox's clock: it moves only here, and what falls due on the way happens in the order of time. It never reads
the real clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from . import acts, contract, times
from .wire import Refused

if TYPE_CHECKING:
    from .world import World


def target(now: str, by: str) -> str:
    """The time that `30d`, `12h`, `2w`, a date or a time means, seen from `now`; ValueError when it is none or in the
    past.
    """
    try:
        found = times.later(now, times.duration(by))
    except ValueError:
        if not by[:4].isdigit() or "-" not in by:
            raise
        found = times.stamp(times.moment(by))
    if found < now:
        raise ValueError(f"the clock stands at {now} already and never goes back to {found}")
    return found


def advance(world: World, by: str) -> str:
    """Moves the clock and lets everything on the way happen; the new time."""
    with world.transaction():
        world.seq = None
        end = target(world.now, by)
        while (event := _next(world)) is not None and event[0] <= end:
            world.put("now", max(event[0], world.now))
            _happen(world, event)
        world.put("now", end)
    return end


def _next(world: World) -> tuple[str, str, str, str] | None:
    """The next event: (time, what, kind, id). Of events at one moment, accepted requests complete first."""
    found = []
    request = world.one("SELECT completes_at, kind, id FROM pending ORDER BY completes_at, kind, id LIMIT 1")
    if request is not None:
        found.append((request[0], "0-request", request[1], request[2]))
    date = contract.due(world)
    if date is not None:
        found.append((*date, "", ""))
    return min(found, default=None)


def _happen(world: World, event: tuple[str, str, str, str]) -> None:
    _, what, kind, id = event
    if what != "0-request":
        contract.fall_due(world, what)
        return
    action, text = world.one("SELECT action, params FROM pending WHERE kind = ? AND id = ?", kind, id)
    world.run("DELETE FROM pending WHERE kind = ? AND id = ?", kind, id)
    params = msgspec.json.decode(text)
    try:
        acts.perform(world, None, kind, action, params.pop("id"), params)
    except Refused as refused:
        world.effect(f"drop {action}", kind, id)
        del refused
