"""Looking for records by a word, a phone number, an e-mail address or criteria, and counting them: all, those of a view, or
those that a search would find.

`equals` finds what contains, and signs like `-` and `_` are all alike: a search finds more than was asked for. It finds the
first 2,000 and no more, at most 15 criteria, and not at once what has just been made or changed: with the trait `lag`
(minutes) neither search nor count knows what happened in the last ones. Of several ways to search the first counts.

Sources: the descriptions of 2025 (search) and 2026 (count), and the vendor's newer one (`module_search`, `record_count`).
That and/or are taken from left to right, and that upper and lower case are alike, are guesses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from ... import times
from ...exchange import Call
from ...wire import Reply
from ...world import World
from . import criteria, errors, layout, pages, records, rows, scopes

SCOPE = "ZohoSearch.securesearch.READ"
WAYS = ("criteria", "email", "phone", "word")
FARTHEST, LEAST_LETTERS = 2000, 2
MISSING = "one of the expected parameter is missing"
STRANGE = "unable to process your request. please verify whether you have entered proper method name, parameter and parameter values."
AMBIGUOUS = "Please use either Cvid or Search Params. Combination of both the params is not allowed"
COUNTED = {"cvid", "approved", "converted", "page", "per_page", *WAYS}
Test = Callable[[dict[str, Any]], bool]


def record_search(call: Call, name: str) -> Reply:
    scopes.check(pages.caller(call), SCOPE)
    module, given = layout.module(call.world, name, resource_path_index=0), pages.parameters(call)
    shape = rows.Shape(call.world, module.dataset)
    test = _asked(shape, given)
    if test is None:
        raise errors.refusal("EXPECTED_PARAM_MISSING", MISSING, param_names=list(WAYS))
    window = pages.Window(call, given)
    if window.page * window.per_page > FARTHEST:
        raise errors.refusal("LIMIT_REACHED", "maximum response iteration limit reached", limit=str(FARTHEST))
    wanted = {each for each in given.get("fields", "").split(",") if each} or None
    if wanted is not None and len(wanted) > records.FIELDS:
        raise errors.refusal("LIMIT_EXCEEDED", param_name="fields", limit=records.FIELDS)
    found = list(islice(_found(call, module, shape, given, test), window.start + window.step + 1))
    shown, info = pages.paged(call, "data", found, window)
    return pages.listing(call, "data", [shape.json(row, wanted) for row in shown], info)


def record_count(call: Call, name: str) -> Reply:
    scopes.check(pages.caller(call), SCOPE)
    module, given = layout.module(call.world, name, resource_path_index=0), pages.parameters(call)
    if set(given) - COUNTED or {given.get(each, "both") for each in ("approved", "converted")} - records.STATES:
        raise errors.refusal("INVALID_REQUEST", STRANGE)
    used = [way for way in WAYS if way in given]
    if "cvid" in given and used:
        both = [{"param_name": each} for each in ("cvid", used[0])]
        raise errors.refusal("AMBIGUITY_DURING_PROCESSING", AMBIGUOUS, ambiguity_due_to=both)
    if given.get("cvid", layout.view_id(module)) != layout.view_id(module):
        raise errors.refusal("INVALID_REQUEST", STRANGE)
    shape = rows.Shape(call.world, module.dataset)
    test = _asked(shape, given)
    if test is None:
        viewer, states = pages.caller(call).viewer, records.states(given)
        count = rows.count(call.world, module.dataset, viewer, states=states) + _not_yet(call.world, module.dataset)
    else:
        count = sum(1 for _ in _found(call, module, shape, given, test))
    return errors.json({"count": 0 if "hollow" in call.fired else count})


def _asked(shape: rows.Shape, given: dict[str, str]) -> Test | None:
    """Which records are looked for; None where nothing says so."""
    way = next((way for way in WAYS if way in given), None)
    if way is None:
        return None
    if way == "criteria":
        return criteria.read(given[way], shape)
    text = given[way]
    if text.count("*") > 1:
        raise errors.refusal("INVALID_DATA", "More than one wildcard(*) not allowed in a searchword", param_name=way)
    if len(text.strip("* ")) < LEAST_LETTERS:
        raise errors.refusal("INVALID_DATA", "provide atleast 2 letters for search", param_name=way)
    names = [field.name for field in shape.fields if field.source and (way == "word" or field.kind == way)]
    if not names:
        raise errors.refusal("FIELD_TYPE_UNAVAILABLE", "this data type is not found in this module")
    sought = criteria.plain(text.replace("*", ""))
    return lambda record: any(sought in criteria.plain(record[name]) for name in names)


def _found(
    call: Call, module: layout.Module, shape: rows.Shape, given: dict[str, str], test: Test
) -> Iterator[rows.Row]:
    """The records that a search finds, in the order of their ids."""
    viewer, since = pages.caller(call).viewer, _since(call.world)
    for row in rows.every(call.world, module.dataset, viewer, states=records.states(given)):
        known = since is None or max(row[2], row[3]) <= since
        if known and test(shape.json(row)):
            yield row


def _since(world: World) -> str | None:
    """The time up to which search and count know what happened."""
    lag = world.traits.get("lag")
    return times.stamp(times.moment(world.now) - timedelta(minutes=lag)) if lag else None


def _not_yet(world: World, dataset: str) -> int:
    """What a count has not noticed: records deleted just now, less those that were made just now. Whose they are, and
    whether they hide, does not matter here."""
    since = _since(world)
    if since is None:
        return 0
    place = f"{dataset}/"
    sql = (
        "SELECT count(DISTINCT id) FROM effects WHERE kind = 'row' AND verb = 'delete' AND at > ? "
        "AND substr(id, 1, length(?)) = ?"
    )
    made = "SELECT count(*) FROM rows WHERE dataset = ? AND binned = 0 AND created_at > ?"
    return int(world.one(sql, since, place, place)[0]) - int(world.one(made, dataset, since)[0])
