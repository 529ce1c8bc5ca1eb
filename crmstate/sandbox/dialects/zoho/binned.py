"""What lies in the recycle bin of the org, and what is gone for good. A record lies there for 60 days; its files lie there with
it, and go with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from ... import times
from ...world import World
from . import rows

KEPT, AT_ONCE = timedelta(days=60), 1000
"""How long something is kept, and how much is ended at once: more, files included, is a job."""
Place = tuple[str, str]
"""Dataset and id of a record."""
Binned = tuple[str, str, str, str | None, str]
"""A record in the bin: id, dataset, when it was deleted (when it was changed, where nobody saw it), owner, fields."""


def listed(world: World, dataset: str | None) -> list[Binned]:
    """What lies in the bin, of one dataset or of all."""
    forget(world)
    where = "binned = 1" if dataset is None else "binned = 1 AND dataset = ?"
    sql = f"SELECT id, dataset, modified_at, owner_id, fields FROM rows WHERE {where} ORDER BY dataset, id"
    found = world.all(sql, *(() if dataset is None else (dataset,)))
    if not found:
        return []
    seen = dict(world.all("SELECT id, max(at) FROM effects WHERE kind = 'row' AND verb = 'delete' GROUP BY id"))
    return [(id, where, seen.get(f"{where}/{id}", at), owner, fields) for id, where, at, owner, fields in found]


def purged(world: World, dataset: str) -> list[tuple[str, str]]:
    """What was deleted here and is in no bin any more: id, and when it was deleted."""
    sql = "SELECT id, max(at) FROM effects WHERE kind = 'row' AND verb = 'delete' GROUP BY id ORDER BY id"
    left = {id for (id,) in world.all("SELECT id FROM rows WHERE dataset = ?", dataset)}
    found = [(place.partition("/")[2], at) for place, at in world.all(sql) if place.partition("/")[0] == dataset]
    return [(id, at) for id, at in found if id not in left]


def place(world: World, number: str, but: Sequence[Place] = ()) -> Place | None:
    """What lies in the bin under this id of the vendor's. Ids of the World are each module's own: the first is meant that is
    none of `but`."""
    sql = "SELECT 1 FROM rows WHERE dataset = ? AND id = ? AND binned = 1"
    for (dataset,) in world.all("SELECT id FROM datasets WHERE binned > 0 ORDER BY id"):
        id = rows.read(world, dataset, number)
        if id is not None and (dataset, id) not in but and world.one(sql, dataset, id):
            return dataset, id
    return None


def with_files(world: World, dataset: str, id: str) -> int:
    """How much a record in the bin is, its files counted in."""
    sql = "SELECT count(*) FROM attachments WHERE dataset = ? AND row_id = ? AND binned = 1"
    return 1 + int(world.one(sql, dataset, id)[0])


def everything(world: World) -> int:
    """How much lies in the bin, files counted in."""
    rows = world.one("SELECT coalesce(sum(binned), 0) FROM datasets")[0]
    return int(rows) + int(world.one("SELECT count(*) FROM attachments WHERE binned = 1")[0])


def end(world: World, dataset: str, id: str) -> bool:
    """A record goes out of the bin, for good; whether it was there."""
    if not world.run("DELETE FROM rows WHERE dataset = ? AND id = ? AND binned = 1", dataset, id):
        return False
    world.run("DELETE FROM attachments WHERE dataset = ? AND row_id = ? AND binned = 1", dataset, id)
    world.count_in(dataset, binned=-1)
    world.effect("purge", "row", f"{dataset}/{id}", irreversible=True)
    return True


def forget(world: World) -> None:
    """What lies in the bin longer than it is kept goes by itself. Rows that lay there from the beginning stay."""
    since = times.stamp(times.moment(world.now) - KEPT)
    sql = "SELECT DISTINCT id FROM effects WHERE kind = 'row' AND verb = 'delete' AND at < ?"
    if not world.one("SELECT 1 FROM datasets WHERE binned > 0 LIMIT 1"):
        return
    for (place,) in world.all(sql, since):
        dataset, _, id = place.partition("/")
        end(world, dataset, id)


def display(fields: str) -> str:
    """What a record is called."""
    values = msgspec.json.decode(fields)
    return str(next((value for value in values.values() if isinstance(value, str) and value), ""))[:500]
