"""The methods that every model has: finding, reading, describing, writing and unlinking.

An unlink does all of its rows or none. What a search leaves out without a word is left out here: archived rows unless the
domain mentions `active`, files of fields unless it mentions `id` or `res_field`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from . import domains, errors, faulty
from .domains import Domain, Row, Span, value
from .models import Env, Field, Model, title

PAIRS = "_classic_read"
"""The `load` that shows what a many2one refers to by its name as well."""


def search(env: Env, model: Model, given: Mapping[str, Any]) -> tuple[Domain, Iterator[Row]]:
    """What a domain finds, in the order that was asked for."""
    env.check("read", model)
    domain = domains.understood(faulty.asked(env.call, given.get("domain", [])), model, env.related)
    context = given.get("context") or {}
    rows = (row for row in model.rows(env, domain.span) if domain.test(row))
    if model.archives and "active" not in domain.mentions and context.get("active_test", True):
        rows = (row for row in rows if value(row, "active"))
    if model.hidden is not None and not model.hidden[1] & domain.mentions:
        shown = model.hidden[0]
        rows = (row for row in rows if shown(row))
    return domain, _sorted(rows, given.get("order") or model.order, model)


def _sorted(rows: Iterator[Row], order: Any, model: Model) -> Iterator[Row]:
    """Rows come by id; any other order costs reading them all."""
    if order in (None, "", "id", "id asc", "id ASC"):
        return rows
    if not isinstance(order, str):
        raise errors.bad_value(f"Invalid order {order!r:.100}")
    found = list(rows)
    for part in reversed(order.split(",")):
        name, _, way = part.strip().partition(" ")
        if name not in model.fields or way.strip().lower() not in ("", "asc", "desc"):
            raise errors.bad_value(f"Invalid field {name!r:.100} on model {model.name!r}")
        placed = partial(_place_in, name)
        found.sort(key=placed, reverse=way.strip().lower() == "desc")
    return iter(found)


def _place_in(name: str, row: Row) -> tuple[bool, str, Any]:
    found = value(row, name)
    return (found is False, type(found).__name__, str(found) if isinstance(found, list) else found)


def do_search(env: Env, model: Model, rows: list[Row], given: Mapping[str, Any]) -> list[int]:
    domain, found = search(env, model, given)
    return faulty.numbers(env.call, domain, [row["id"] for row in _window(found, given)])


def do_search_count(env: Env, model: Model, rows: list[Row], given: Mapping[str, Any]) -> int:
    domain, found = search(env, model, {**given, "order": "id"})
    total = sum(1 for _ in islice(found, given.get("limit")))
    return faulty.total(env.call, domain, total)


def do_search_read(env: Env, model: Model, rows: list[Row], given: Mapping[str, Any]) -> list[Row]:
    wanted = _wanted(model, given)
    domain, found = search(env, model, given)
    page = faulty.page(env.call, list(_window(found, given)), given)
    faulty.somebody_else(env, model, domain, page, given)
    return faulty.rows(env.call, domain, _shaped(env, model, page, wanted, given))


def do_read(env: Env, model: Model, rows: list[Row], given: Mapping[str, Any]) -> list[Row]:
    """What is not there any more is left out, without a word."""
    env.check("read", model)
    return faulty.rows(env.call, None, _shaped(env, model, rows, _wanted(model, given), given))


def _window(rows: Iterator[Row], given: Mapping[str, Any]) -> Iterator[Row]:
    offset, limit = given.get("offset") or 0, given.get("limit")
    if not isinstance(offset, int) or not (limit is None or isinstance(limit, int)):
        raise errors.refusal("InvalidTextRepresentation", "invalid input syntax for type integer")
    if offset < 0 or (limit or 0) < 0:
        raise errors.refusal("InvalidRowCountInLimitClause", "LIMIT must not be negative")
    return islice(rows, offset, None if not limit else offset + limit)


def _wanted(model: Model, given: Mapping[str, Any]) -> list[str]:
    """The fields that are read: without a list all of them, also those that are computed."""
    wanted = given.get("fields")
    if not wanted:
        return list(model.fields)
    if not isinstance(wanted, list):
        raise errors.bad_value(f"Invalid fields {wanted!r:.100}")
    for name in wanted:
        if name not in model.fields:
            raise errors.bad_value(f"Invalid field {name!r:.100} on {model.name!r}")
    return ["id", *(name for name in dict.fromkeys(wanted) if name != "id")]


def _shaped(env: Env, model: Model, rows: list[Row], wanted: list[str], given: Mapping[str, Any]) -> list[Row]:
    pairs = given.get("load", PAIRS) == PAIRS
    slow = env.world.traits.get("computed_ms")
    if slow and any(not model.fields[name].store for name in wanted):
        time.sleep(slow * len(rows) / 1000)
    return [{name: _shown(env, model.fields[name], row, name, pairs) for name in wanted} for row in rows]


def _shown(env: Env, field: Field, row: Row, name: str, pairs: bool) -> Any:
    if name == "display_name":
        return title(row)
    found = value(row, name)
    if field.type == "many2one" and found and field.relation is not None and pairs:
        return [found, env.name_of(field.relation, found)]
    if field.type == "boolean":
        return bool(found)
    return found


def do_fields_get(env: Env, model: Model, rows: list[Row], given: Mapping[str, Any]) -> dict[str, Any]:
    env.check("read", model)
    wanted, attributes = given.get("allfields"), given.get("attributes")
    return {
        name: {key: said for key, said in _described(name, field).items() if not attributes or key in attributes}
        for name, field in model.fields.items()
        if not wanted or name in wanted
    }


def _described(name: str, field: Field) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": name,
        "type": field.type,
        "string": field.string,
        "required": field.required,
        "readonly": field.readonly,
        "store": field.store,
        "searchable": True,
        "sortable": field.store,
    }
    return said if field.relation is None else {**said, "relation": field.relation, "domain": [], "context": {}}


def do_write(env: Env, model: Model, rows: list[Row], given: Mapping[str, Any]) -> bool:
    """Raises MissingError where one of the rows is gone, and then writes to none."""
    env.check("write", model)
    if not isinstance(given.get("vals"), dict):
        raise errors.refusal("UnprocessableEntity", "missing a required argument: 'vals'")
    for name in given["vals"]:
        if name not in model.fields:
            raise errors.bad_value(f"Invalid field {name!r:.100} in {model.name!r}")
    if model.write is None:
        raise errors.refusal("UserError", "What this would change is not simulated.")
    env.call.ids = [str(row.get("key") or row["id"]) for row in rows]
    faulty.partial(env, model, rows)
    model.write(env, rows, given["vals"])
    return True


def do_unlink(env: Env, model: Model, rows: list[Row], given: Mapping[str, Any]) -> bool:
    env.check("unlink", model)
    if model.unlink is None:
        raise errors.refusal("UserError", "What this would delete is not simulated.")
    env.call.ids = [str(row.get("key") or row["id"]) for row in rows]
    faulty.partial(env, model, rows)
    model.unlink(env, rows, given)
    return True


def do_has_access(env: Env, model: Model, rows: list[Row], given: Mapping[str, Any]) -> bool:
    if given["operation"] not in ("read", "write", "create", "unlink"):
        raise errors.refusal("AssertionError", "Invalid access mode")
    return env.lets(given["operation"], model)


def do_formatted_read_group(env: Env, model: Model, rows: list[Row], given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The values of one stored field, each once, in the order of values; nothing is summed up here."""
    by = given.get("groupby")
    if not isinstance(by, list) or len(by) != 1 or given.get("aggregates") or by[0] not in model.fields:
        raise errors.bad_value(f"Invalid groupby {by!r:.100} here")
    _, found = search(env, model, {**given, "order": "id"})
    values = {_place_in(by[0], row): value(row, by[0]) for row in found}
    return [{by[0]: values[each], "__extra_domain": [[by[0], "=", values[each]]]} for each in sorted(values)]


Method = Callable[[Env, Model, list[Row], Mapping[str, Any]], Any]
# By the method's name: what it does, its arguments, those that it needs, and whether it is the model's (no `ids`).
METHODS: dict[str, tuple[Method, frozenset[str], frozenset[str], bool]] = {
    "search": (do_search, frozenset({"domain", "offset", "limit", "order"}), frozenset({"domain"}), True),
    "search_count": (do_search_count, frozenset({"domain", "limit"}), frozenset({"domain"}), True),
    "search_read": (
        do_search_read,
        frozenset({"domain", "fields", "offset", "limit", "order", "load"}),
        frozenset(),
        True,
    ),
    "formatted_read_group": (
        do_formatted_read_group,
        frozenset({"domain", "groupby", "aggregates"}),
        frozenset({"domain"}),
        True,
    ),
    "fields_get": (do_fields_get, frozenset({"allfields", "attributes"}), frozenset(), True),
    "read": (do_read, frozenset({"fields", "load"}), frozenset(), False),
    "write": (do_write, frozenset({"vals"}), frozenset({"vals"}), False),
    "unlink": (do_unlink, frozenset(), frozenset(), False),
    "has_access": (do_has_access, frozenset({"operation"}), frozenset({"operation"}), False),
}
UNSEEN = {"remove"}
"""Methods that do not look whether rows are there."""
PRIVATE = {"check_access", "browse", "sudo", "with_context", "filtered", "mapped"}
"""Methods without an underscore that are private all the same."""
QUIET = {"read", "has_access"}
"""Methods that say nothing of rows that are gone."""


def called(env: Env, model: Model, method: str, given: Mapping[str, Any]) -> Any:
    """One method of a model with its arguments by name. Raises `Refused`: 404 for what there is not, 403 for what is
    private, 422 for arguments that it does not take."""
    if method.startswith("_") or method in PRIVATE:
        raise errors.refusal(
            "AccessError", f"Private methods (such as '{model.name}.{method}') cannot be called remotely."
        )
    arguments = {name: said for name, said in given.items() if name not in ("ids", "context")}
    if method in model.methods:
        act, takes = model.methods[method]
        _bound(method, arguments, takes, frozenset())
        return act(env, _rows(env, model, given, quiet=method in UNSEEN), given)
    if method not in METHODS:
        raise errors.refusal("NotFound", f"The method '{model.name}.{method}' does not exist")
    does, takes, needs, whole = METHODS[method]
    if whole and given.get("ids"):
        raise errors.refusal("UnprocessableEntity", f"cannot call {model.name}.{method} with ids")
    _bound(method, arguments, takes, needs)
    if method in ("write", "unlink"):
        env.check(method, model)
    rows = [] if whole else _rows(env, model, given, quiet=method in QUIET)
    return does(env, model, rows, given)


def _bound(method: str, given: Mapping[str, Any], takes: frozenset[str], needs: frozenset[str]) -> None:
    if strange := sorted(given.keys() - takes):
        raise errors.refusal("UnprocessableEntity", f"got an unexpected keyword argument '{strange[0][:100]}'")
    if lacking := sorted(needs - given.keys()):
        raise errors.refusal("UnprocessableEntity", f"missing a required argument: '{lacking[0]}'")


def _rows(env: Env, model: Model, given: Mapping[str, Any], *, quiet: bool) -> list[Row]:
    """The rows that `ids` names, in their order; one that is gone is an error, unless the method is a quiet one."""
    numbers = given.get("ids") or []
    if isinstance(numbers, int):
        numbers = [numbers]
    if not isinstance(numbers, list) or not all(isinstance(each, int) for each in numbers):
        raise errors.refusal("InvalidTextRepresentation", f"invalid input syntax for type integer: {numbers!r:.100}")
    found = {row["id"]: row for row in model.rows(env, Span(only=frozenset(numbers)))} if numbers else {}
    if not quiet and (gone := [each for each in numbers if each not in found]):
        raise errors.missing(model.name, gone[:1], env.uid)
    return [found[each] for each in dict.fromkeys(numbers) if each in found]
