"""Rows of a module in order, whatever is asked of them: pages, bulk read and backup go through them by key.

The vendor's order is that of its ids; plain ids of the World come first, the others after them.

Some records hide from whoever does not ask for them: leads that were converted (`converted`: true, false or both), and
records that wait for an approval (`approved`, likewise). The traits `converted` and `unapproved` name them
(`["leads/<row>"]`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from ...world import World
from . import ids, layout, pages

COLUMNS = "id, owner_id, created_at, modified_at, fields"
LEADS = "Leads"
SHORT = 500
"""What a record shows of a formatted text, without its marks: a guess; the whole has a call of its own (`texts`)."""
Row = tuple[Any, ...]


@dataclass(frozen=True)
class States:
    """Which records are asked for: of the converted ones, and of those that are approved, `true`, `false` or `both`."""

    converted: str = "both"
    approved: str = "both"


EVERY = States()
USUAL = States("false", "true")
"""What comes where nobody says otherwise."""


def _shown(world: World, dataset: str, states: States) -> tuple[str, dict[str, str]]:
    """The condition that leaves out what hides, and its values."""
    found = ""
    values: dict[str, str] = {}
    leads = ids.module_name(dataset) == LEADS
    for trait, hides, wanted in (
        ("converted", "false", states.converted if leads else "both"),
        ("unapproved", "true", states.approved),
    ):
        if wanted == "both":
            continue
        named = [place.partition("/") for place in world.traits.get(trait, ())]
        mine = {f"{trait}{n}": row for n, (where, _, row) in enumerate(named) if where == dataset}
        if mine or wanted != hides:
            found += f" AND id {'NOT ' if wanted == hides else ''}IN ({', '.join(f':{name}' for name in mine)})"
            values |= mine
    return found, values


def after(
    world: World,
    dataset: str,
    last: str | None,
    most: int,
    viewer: str | None,
    *,
    backwards: bool = False,
    states: States = EVERY,
) -> list[Row]:
    """At most so many rows after the one with this World id (None: from the beginning)."""
    found: list[Row] = []
    shown, hidden = _shown(world, dataset, states)
    for plain in (False, True) if backwards else (True, False):
        if last is not None and ids.is_plain(last) != plain:
            continue  # this part lies before the last row
        mine = "" if viewer is None else " AND owner_id = :viewer"
        beyond = "" if last is None else f" AND id {'<' if backwards else '>'} :last"
        sql = (
            f"SELECT {COLUMNS} FROM rows WHERE dataset = :dataset AND binned = 0{mine}{shown} AND "
            f"{'' if plain else 'NOT '}{ids.PLAIN}{beyond} ORDER BY id {'DESC' if backwards else 'ASC'} LIMIT :most"
        )
        values = {"dataset": dataset, "viewer": viewer, "last": last, "most": most - len(found), **hidden}
        found += world.all_named(sql, values)
        if len(found) >= most:
            break
        last = None
    return found


def by_time(
    world: World, dataset: str, column: str, start: int, most: int, viewer: str | None, order: str, states: States
) -> list[Row]:
    shown, hidden = _shown(world, dataset, states)
    mine = "" if viewer is None else " AND owner_id = :viewer"
    return world.all_named(
        f"SELECT {COLUMNS} FROM rows WHERE dataset = :dataset AND binned = 0{mine}{shown} "
        f"ORDER BY {column} {order}, id {order} LIMIT :most OFFSET :start",
        {"dataset": dataset, "viewer": viewer, "start": start, "most": most, **hidden},
    )


def named(
    world: World,
    dataset: str,
    wanted: list[str],
    viewer: str | None,
    *,
    with_bin: bool = False,
    states: States = EVERY,
) -> list[Row]:
    """The rows with these World ids, in the vendor's order."""
    shown, hidden = _shown(world, dataset, states)
    values = {f"id{n}": id for n, id in enumerate(wanted)}
    mine = "" if viewer is None else " AND owner_id = :viewer"
    there = "" if with_bin else " AND binned = 0"
    sql = f"SELECT {COLUMNS} FROM rows WHERE dataset = :dataset{there}{mine}{shown} AND id IN ({', '.join(f':{n}' for n in values)})"
    found = world.all_named(f"{sql} ORDER BY id", {**values, **hidden, "dataset": dataset, "viewer": viewer})
    return sorted(found, key=lambda row: not ids.is_plain(row[0]))


def every(
    world: World, dataset: str, viewer: str | None, last: str | None = None, *, states: States = EVERY
) -> Iterator[Row]:
    """All rows of a module."""
    while page := after(world, dataset, last, 2000, viewer, states=states):
        yield from page
        last = page[-1][0]


def count(world: World, dataset: str, viewer: str | None, *, states: States = EVERY) -> int:
    shown, hidden = _shown(world, dataset, states)
    if viewer is None and not shown:
        return int(world.one("SELECT live FROM datasets WHERE id = ?", dataset)[0])
    mine = "" if viewer is None else " AND owner_id = :viewer"
    sql = f"SELECT count(*) FROM rows WHERE dataset = :dataset AND binned = 0{mine}{shown}"
    return int(world.all_named(sql, {"dataset": dataset, "viewer": viewer, **hidden})[0][0])


def read(world: World, dataset: str, number: str) -> str | None:
    """The World's id of a row that the vendor calls so, wherever it lies now."""
    others = (
        (id for (id,) in world.all(f"SELECT id FROM rows WHERE dataset = ? AND NOT {ids.PLAIN}", dataset))
        if ids.is_other(number)
        else ()
    )
    return ids.read(number, others)


class Shape:
    """How rows of one module look, as JSON and as lines of CSV."""

    def __init__(self, world: World, dataset: str) -> None:
        self._world, self._dataset = world, dataset
        self.fields = layout.fields(world, dataset)
        self.names = ["id", *(field.name for field in self.fields)]
        self._named = {field.name: field for field in self.fields}
        self._people: dict[str | None, dict[str, Any]] = {}

    def json(self, row: Row, wanted: set[str] | None = None) -> dict[str, Any]:
        """The row with the fields asked for (None: all), and always its id."""
        found: dict[str, Any] = {"id": ids.written(row[0])}
        values = msgspec.json.decode(row[4])
        for field in self.fields:
            if wanted is None or field.name in wanted:
                found[field.name] = self._value(field, row, values)
        return found

    def line(self, row: Row, wanted: list[str]) -> list[str]:
        """The row as texts, in the order of `wanted`; people and records by their ids."""
        values = msgspec.json.decode(row[4])
        return [ids.written(row[0]) if name == "id" else self._cell(self._named[name], row, values) for name in wanted]

    def _cell(self, field: layout.Field, row: Row, values: dict[str, Any]) -> str:
        if field.kind in layout.FILED:
            return ";".join(each["File_Name__s"] for each in self._files(field, row))
        if field.kind == layout.PHOTO:
            return self._photo(row) or ""
        if field.source is not None:
            value = values.get(field.source)
            if value and field.kind == "lookup":
                return ids.written(str(value))
            if field.kind == "datetime" and isinstance(value, str) and value.endswith("Z"):
                return pages.moment(value)
            return _text(value)
        if field.kind == "datetime":
            return pages.moment(row[2] if field.name == "Created_Time" else row[3])
        return str(self._person(row[1], email=True)["id"])

    def _value(self, field: layout.Field, row: Row, values: dict[str, Any]) -> Any:
        if field.source is None:
            if field.kind == "datetime":
                return pages.moment(row[2] if field.name == "Created_Time" else row[3])
            return self._person(row[1], email=field.name == "Owner")
        if field.kind in layout.FILED:
            return self._files(field, row) or None
        if field.kind == layout.PHOTO:
            return self._photo(row)
        value = values.get(field.source)
        if value is None or value == "":
            return value or None
        if field.kind == layout.RICH:
            return re.sub(r"<[^>]*>", "", str(value))[:SHORT]
        if field.kind == "lookup":
            return {"id": ids.written(str(value)), "name": str(value)}
        if field.kind == "currency":
            try:
                return float(value)
            except (TypeError, ValueError):
                return None
        if field.kind == "datetime" and isinstance(value, str) and value.endswith("Z"):
            return pages.moment(value)
        return value

    def _files(self, field: layout.Field, row: Row) -> list[dict[str, Any]]:
        """What a field for files holds, as the vendor's SDK reads it."""
        inside = layout.held(self._world, self._dataset, field.source)
        sql = "SELECT id, name, size FROM attachments WHERE dataset = ? AND row_id = ? AND binned = 0 ORDER BY id"
        return [
            {"id": ids.written(id), "File_Name__s": name, "Size__s": str(size), "File_Id__s": f"file{ids.written(id)}"}
            for id, name, size in self._world.all(sql, self._dataset, row[0])
            if id in inside
        ]

    def _photo(self, row: Row) -> str | None:
        """What a record says of its photo: a text that means nothing outside the vendor."""
        found = layout.photo(self._world, self._dataset, row[0])
        return None if found is None else f"{ids.digits(f'photo {found}', 10**18):018x}"

    def _person(self, id: str | None, *, email: bool) -> dict[str, Any]:
        if id not in self._people:
            self._people[id] = pages.person(self._world, id, email=True)
        found = self._people[id]
        return found if email else {"name": found["name"], "id": found["id"]}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return str(value.get("id", ""))
    if isinstance(value, list):
        return ";".join(map(str, value))
    return str(value)
