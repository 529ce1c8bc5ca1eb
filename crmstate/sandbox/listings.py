"""Pages of what is listed, by keyset: rows after an id, in the order of ids, and how many there are. Shapes are the
dialect's.

A viewer (a member's user id) sees only what is its own. Nothing is read that the page does not need, so that a
million rows page evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .schema import TALLIED

if TYPE_CHECKING:
    from .world import World


@dataclass(frozen=True)
class Listing:
    """How one kind is listed: SQL of its columns, of what is in it, and of what a member sees of it."""

    kind: str
    table: str
    columns: str
    where: str = "1"
    mine: str = "1"
    my_columns: str = ""


def _mine(binned: int) -> str:
    return f"(SELECT count(*) FROM rows r WHERE r.owner_id = :viewer AND r.dataset = t.id AND r.binned = {binned})"


_MY_FILES = (
    "(SELECT count(*) FROM rows r JOIN attachments a ON a.dataset = r.dataset AND a.row_id = r.id "
    "WHERE r.owner_id = :viewer AND r.dataset = t.id AND a.binned = 0)"
)

LISTINGS: dict[str, Listing] = {
    "user": Listing(
        "user",
        "users",
        "t.id, t.email, t.name, t.role, t.status, t.licence, t.last_login_at, "
        "(SELECT count(*) FROM sessions s WHERE s.user_id = t.id AND s.ended_at IS NULL), t.modified_at",
        "t.deleted_at IS NULL",
        "t.id = :viewer",
    ),
    "session": Listing(
        "session", "sessions", "t.id, t.user_id, t.created_at, t.agent", "t.ended_at IS NULL", "t.user_id = :viewer"
    ),
    "api_key": Listing(
        "api_key",
        "api_keys",
        "t.id, t.name, t.user_id, t.prefix, t.scopes, t.created_at, t.last_used_at, t.status",
        "t.orphaned = 0",
        "t.user_id = :viewer",
    ),
    "integration": Listing(
        "integration",
        "integrations",
        "t.id, t.type, t.name, t.target, t.status, t.last_used_at",
        "t.deleted_at IS NULL",
        "0",
    ),
    "module": Listing("module", "modules", "t.id, t.name, t.status, t.data_effect"),
    "setting": Listing("setting", "settings", "t.id, t.name, t.customised, t.modified_at", mine="0"),
    "dataset": Listing(
        "dataset",
        "datasets",
        "t.id, t.name, t.live, t.files, t.binned, t.exportable, t.modified_at, t.fields",
        my_columns=f"t.id, t.name, {_mine(0)}, {_MY_FILES}, {_mine(1)}, t.exportable, t.modified_at, t.fields",
    ),
    "bin": Listing("bin", "datasets", "t.id, t.binned", "t.binned > 0", f"{_mine(1)} > 0", f"t.id, {_mine(1)}"),
    "row": Listing(
        "row",
        "rows",
        "t.id, t.owner_id, t.created_at, t.modified_at, t.fields",
        "t.dataset = :dataset AND t.binned = 0",
        "t.owner_id = :viewer",
    ),
    "attachment": Listing(
        "attachment",
        "attachments",
        "t.id, t.row_id, t.name, t.size, t.mime, t.sha256",
        "t.dataset = :dataset AND t.binned = 0",
        "EXISTS (SELECT 1 FROM rows r WHERE r.dataset = t.dataset AND r.id = t.row_id AND r.owner_id = :viewer)",
    ),
}


@dataclass(frozen=True)
class Page:
    """Rows, the id to go on after (None: this is the end), and how many rows the whole listing has now."""

    rows: list[tuple[Any, ...]]
    after: str | None
    total: int


@dataclass(frozen=True)
class Wanted:
    """What of a listing is asked for."""

    viewer: str | None = None
    dataset: str | None = None
    after: str = ""
    limit: int = 100
    since: str | None = None  # rows only
    ids: Sequence[str] | None = None
    with_bin: bool = False  # rows by id only: what lies in the bin answers too


def page(world: World, listing: Listing, wanted: Wanted) -> Page:
    """One page, its total taken now."""
    values = {"viewer": wanted.viewer, "dataset": wanted.dataset, "after": wanted.after, "since": wanted.since}
    where = listing.where if wanted.viewer is None else f"{listing.where} AND {listing.mine}"
    columns = listing.my_columns if wanted.viewer is not None and listing.my_columns else listing.columns
    if wanted.ids is not None:
        if wanted.with_bin:
            where = where.replace("t.binned = 0", "1")
        rows = _by_id(world, listing, columns, where, values, wanted.ids)
        return Page(rows, None, len(rows))
    if wanted.since is not None:
        where += " AND t.modified_at >= :since"
    total = _total(world, listing, where, values, wanted)
    hint = " INDEXED BY rows_by_time" if wanted.since is not None and total <= 20_000 else ""
    what = f"SELECT {columns} FROM {listing.table} t{hint} WHERE {where} AND t.id > :after"
    sql = f"{what} ORDER BY t.id LIMIT {wanted.limit + 1}"
    rows = world.all_named(sql, values)
    more = len(rows) > wanted.limit
    rows = rows[: wanted.limit]
    return Page(rows, rows[-1][0] if more else None, total)


def _by_id(
    world: World, listing: Listing, columns: str, where: str, values: dict[str, Any], ids: Sequence[str]
) -> list[tuple[Any, ...]]:
    named = {f"id{index}": id for index, id in enumerate(sorted(set(ids)))}
    marks = ", ".join(f":{name}" for name in named)
    sql = f"SELECT {columns} FROM {listing.table} t WHERE {where} AND t.id IN ({marks}) ORDER BY t.id"
    return world.all_named(sql, {**values, **named})


def _total(world: World, listing: Listing, where: str, values: dict[str, Any], wanted: Wanted) -> int:
    if wanted.dataset is not None and wanted.viewer is None and wanted.since is None:
        column = "live" if listing.kind == "row" else "files"
        found = world.one(f"SELECT {column} FROM datasets WHERE id = ?", wanted.dataset)
        return int(found[0]) if found else 0
    if listing.kind in TALLIED and wanted.viewer is None:
        return int(world.one("SELECT n FROM tally WHERE kind = ?", listing.kind)[0])
    return int(world.all_named(f"SELECT count(*) FROM {listing.table} t WHERE {where}", values)[0][0])


def somebody_else(
    world: World, listing: Listing, dataset: str | None, first: str, last: str, how: str, where: str
) -> None:
    """Another person changes a listing whose page just went out: `how` is insert, remove or change, `where` is after
    or before its end.
    """
    values: dict[str, Any] = {"dataset": dataset, "viewer": None, "last": last}
    side, order = (">", "ASC") if where == "after" else ("<=", "DESC")
    if how == "insert":
        _insert_copy(world, listing, dataset, last, f"{last}-x" if where == "after" else f"0-{first}")
        return
    sql = (
        f"SELECT t.id FROM {listing.table} t WHERE {listing.where} AND t.id {side} :last ORDER BY t.id {order} LIMIT 1"
    )
    found = world.all_named(sql, values)
    if not found:
        return
    target, scope = found[0][0], "" if dataset is None else " AND dataset = :dataset"
    values["target"] = target
    if how == "remove":
        world.all_named(f"DELETE FROM {listing.table} WHERE id = :target{scope}", values)
        _count(world, listing, dataset, -1)
    else:
        column = "owner_id" if listing.kind == "row" else ("agent" if listing.kind == "session" else "name")
        values["now"] = world.now
        when = ", modified_at = :now" if listing.kind in ("user", "setting", "dataset", "row") else ""
        world.all_named(
            f"UPDATE {listing.table} SET {column} = 'somebody-else'{when} WHERE id = :target{scope}", values
        )


def _insert_copy(world: World, listing: Listing, dataset: str | None, source: str, id: str) -> None:
    columns = [row[1] for row in world.all(f"PRAGMA table_info({listing.table})")]
    fresh = {
        "id": ":fresh",
        "secret": "'sk_' || :fresh",
        "refresh_token": "'rt_' || :fresh",
        "live": "0",
        "binned": "0",
        "files": "0",
    }
    if listing.kind in ("row", "user"):
        fresh["modified_at"] = ":now"
    if listing.kind == "row":
        fresh["created_at"] = ":now"
    taken = ", ".join(fresh.get(name, name) for name in columns)
    scope = "" if dataset is None else " AND dataset = :dataset"
    world.all_named(
        f"INSERT OR IGNORE INTO {listing.table} SELECT {taken} FROM {listing.table} WHERE id = :source{scope}",
        {"fresh": id, "source": source, "dataset": dataset, "now": world.now},
    )
    if world.one("SELECT changes()")[0]:
        _count(world, listing, dataset, 1)


def _count(world: World, listing: Listing, dataset: str | None, by: int) -> None:
    if dataset is not None:
        world.count_in(
            dataset, live=by if listing.kind == "row" else 0, files=by if listing.kind == "attachment" else 0
        )
