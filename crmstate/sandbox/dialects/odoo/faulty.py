"""What the World's faults make of searches and acts here: answers are bare lists and numbers, so that it is done before
they are packed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import listings
from ...exchange import Call
from ...wire import Refused
from . import errors
from . import numbers as ids
from .domains import Domain, Row
from .models import Env, Model

HELD = "odoo/held"
"""By model: the numbers of the rows that something else has needed since a fault made it so."""
_KINDS = {ids.USERS: "user", ids.KEYS: "api_key", ids.RULES: "integration", ids.MODULES: "module"}


def asked(call: Call, domain: Any) -> Any:
    """The domain; under `repeated_page` as if nobody had said where a page begins."""
    if "repeated_page" not in call.fired or not isinstance(domain, list):
        return domain
    return [[1, "=", 1] if isinstance(part, list) and part[:2] == ["id", ">"] else part for part in domain]


def page(call: Call, rows: list[Row], given: Mapping[str, Any]) -> list[Row]:
    """The page, or what `wrong_page_size` leaves of it: `lose` keeps its end and drops what lies before."""
    fault = call.fired.get("wrong_page_size")
    if fault is None or len(rows) <= (size := max(1, int(fault["size"]))):
        return rows
    return [*rows[: size - 1], rows[-1]] if fault["lose"] else rows[:size]


def somebody_else(env: Env, model: Model, domain: Domain, rows: list[Row], given: Mapping[str, Any]) -> None:
    """Another person changes what is listed, once its first page is out."""
    fault = env.call.fired.get("shifting_listing")
    first = given.get("limit") and domain.span.after <= 1 and not domain.by_ids
    shown = [row for row in rows if row.get("key")]
    if fault is None or not first or not shown:
        return
    kind, dataset = _KINDS.get(model.name, "row"), None if model.name in _KINDS else str(shown[0]["dataset"])
    world, begin, end = env.world, str(shown[0]["key"]), str(shown[-1]["key"])
    place = model.name if dataset is None else dataset
    last = world.one("SELECT max(number) FROM odoo_numbers WHERE model = ?", place)[0]
    if fault["how"] == "remove":
        _remove(env, kind, place, shown[-1]["id"], fault["where"] == "before")
        return
    listings.somebody_else(world, listings.LISTINGS[kind], dataset, begin, end, fault["how"], fault["where"])
    if fault["how"] == "insert" and fault["where"] == "before":
        fresh = world.one("SELECT key FROM odoo_numbers WHERE model = ? AND number > ? LIMIT 1", place, last)
        if fresh is not None:
            ids.put_before(world, place, fresh[0], shown[-1]["id"])


def _remove(env: Env, kind: str, place: str, last: int, before: bool) -> None:
    """Somebody removes what is next behind a number, or what lies at it: but not us."""
    side, order = ("<=", "DESC") if before else (">", "ASC")
    table = listings.LISTINGS[kind].table
    scope = "AND t.dataset = n.model" if kind == "row" else "AND t.id NOT IN (?, ?)"
    ours = () if kind == "row" else (env.caller.user_id, env.caller.key_id)
    sql = f"SELECT t.id FROM odoo_numbers n JOIN {table} t ON t.id = n.key {scope} WHERE n.model = ? AND n.number {side} ? "
    found = env.world.one(f"{sql} ORDER BY n.number {order} LIMIT 1", *ours, place, last)
    if found is None:
        return
    if kind == "row":
        env.world.run("DELETE FROM rows WHERE dataset = ? AND id = ?", place, found[0])
        env.world.count_in(place, live=-1)
    else:
        env.world.run(f"DELETE FROM {table} WHERE id = ?", found[0])


def numbers(call: Call, domain: Domain, found: list[int]) -> list[int]:
    return [] if _hollow(call, domain) else found


def total(call: Call, domain: Domain, found: int) -> int:
    return 0 if _hollow(call, domain) else found


def rows(call: Call, domain: Domain | None, found: list[Row]) -> list[Row]:
    """Shaped rows, on their way out."""
    fired = call.fired
    if domain is not None and _hollow(call, domain):
        return []
    if found and "echo_credential" in fired and fired["echo_credential"]["where"] == "page":
        shown = call.request.headers.get("authorization", "")
        text = next((name for name, value in found[0].items() if isinstance(value, str)), "name")
        found[0][text] = f"{found[0].get(text) or ''} {shown}"
    for row in found:
        if "no_ids" in fired:
            row.pop("id", None)
        if "shown_secret" in fired:
            row["secret"] = fired["shown_secret"]["text"]
    return found


def _hollow(call: Call, domain: Domain) -> bool:
    return "hollow" in call.fired and not domain.by_ids


def partial(env: Env, model: Model, asked: list[Row]) -> None:
    """`partial` makes something else need every so-manieth row of an act. One of those refuses the whole call, from then on."""
    fault = env.call.fired.get("partial")
    held: dict[str, list[int]] = env.world.get(HELD) or {}
    if fault is not None and len(asked) > 1:
        fresh = [row["id"] for row in asked[fault["item"] - 1 :: fault["item"]]]
        held = {**held, model.name: [*held.get(model.name, []), *fresh]}
        raise _refused(str(fault["code"]), model, env, held, fresh)
    if found := [row["id"] for row in asked if row["id"] in held.get(model.name, ())]:
        raise _refused(str((fault or {}).get("code", "rejected")), model, env, held, found)


def _refused(code: str, model: Model, env: Env, held: dict[str, list[int]], found: list[int]) -> Refused:
    refused = {
        "not_found": errors.missing(model.name, found[:1], env.uid),
        "forbidden": errors.denied("unlink", model.label, model.name),
        "conflict": errors.refusal("ValidationError", errors.IN_USE),
    }.get(code, errors.refusal("UserError", errors.IN_USE))
    refused.extra[HELD] = held  # to be kept although the call is taken back
    return refused
