"""Jobs that run at the vendor's: what is known of them, in the World's file beside everything else.

The World's clock stands still between two calls, so a job does not end with time alone: it is under way for as many
looks at it as the trait `job_polls` says (1), or until the clock was moved; with the fault `accepted` it ends so many
days later. What a job does is done when it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec

from ... import times
from ...exchange import Call
from ...world import World
from . import ids


def start(call: Call, kind: str, **what: Any) -> dict[str, Any]:
    """A new job with an id of its own."""
    world = call.world
    number = int(world.get("zoho/jobs") or 0) + 1
    world.put("zoho/jobs", number)
    later = call.fired.get("accepted")
    due = times.later(world.now, timedelta(days=later["days"], hours=later["hours"])) if later else None
    job: dict[str, Any] = {
        "id": str(3 * 10**18 + number * 1000 + ids.digits(f"{kind}{number}", 1000)),
        "kind": kind,
        "at": world.now,
        "due": due,
        "looks": int(world.traits.get("job_polls", 1)),
        "ended": None,
        **what,
    }
    keep(world, job)
    return job


def keep(world: World, job: dict[str, Any]) -> None:
    world.put(f"zoho/job/{job['kind']}/{job['id']}", job)


def forget(world: World, job: dict[str, Any]) -> None:
    """As if it had never been."""
    world.run("DELETE FROM meta WHERE name = ?", f"zoho/job/{job['kind']}/{job['id']}")


def find(world: World, kind: str, id: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = world.get(f"zoho/job/{kind}/{id}")
    return found


def every(world: World, kind: str) -> Iterator[dict[str, Any]]:
    """All jobs of a kind, the oldest first."""
    like = f"zoho/job/{kind}/"
    rows = world.all("SELECT value FROM meta WHERE name > ? AND name < ? ORDER BY name", like, like + "~")
    return (msgspec.json.decode(value) for (value,) in rows)


def ends(call: Call, job: dict[str, Any], *, look: bool) -> bool:
    """Whether a job that is under way ends with this call; `look`: somebody asks how far it is."""
    if job["ended"] is not None:
        return False
    if job["due"] is not None:
        return bool(call.world.now >= job["due"])
    if call.world.now > job["at"]:
        return True
    if not look:
        return False
    job["looks"] -= 1
    if job["looks"] < 0:
        return True
    keep(call.world, job)
    return False


def end(world: World, job: dict[str, Any], **outcome: Any) -> None:
    job.update(outcome, ended=world.now)
    keep(world, job)
