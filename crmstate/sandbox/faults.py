"""Faults: what goes wrong with a request, when, by rules that live in the World's file (any process may edit them).

This file decides which faults a request meets; `exchange`, `native` and `server` carry them out. A rule matches by
method, path (globs, the path without its query) and key; it fires on the `nth` matching requests, on `every` k-th,
at a `rate`, on the `first` n, or always, and at most `times` often. `rate` is drawn from the rule's seed, never
from chance. A rule spares the dialect's clock unless its path is exactly that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import msgspec

from . import times as calendar

if TYPE_CHECKING:
    from .wire import Request
    from .world import World


@dataclass(frozen=True)
class Kind:
    """One way to fail: a line about it, and its parameters with what they are when nobody says."""

    line: str
    params: Mapping[str, Any] = field(default_factory=dict)


KINDS: dict[str, Kind] = {
    "latency": Kind("answers `ms` real milliseconds late, before or `after` the effect", {"ms": 1000, "after": False}),
    "throttled": Kind("429, with Retry-After of `retry_after` seconds, or without when it is null", {"retry_after": 1}),
    "quota_exhausted": Kind("429 until the next midnight of the sandbox, then good again"),
    "unavailable": Kind(
        "`status` 500, 502 or 503, body HTML unless `html` is false; `after` lets the effect happen first",
        {"status": 503, "html": True, "after": False, "retry_after": None},
    ),
    "refused": Kind("the connection is reset at once: no answer, no effect"),
    "cut_before": Kind("the connection drops before the effect: no answer"),
    "cut_after": Kind("the connection drops after the effect: no answer"),
    "torn_body": Kind("the effect happens; only `keep` of the declared body is sent", {"keep": 0.5}),
    "malformed_body": Kind("the effect happens; the body is cut JSON, of the right Content-Length"),
    "cut_gzip": Kind("the effect happens; the body is gzip that ends too early"),
    "token_expired": Kind("401 token_expired; an access token really ends, an API key is only told so"),
    "partial": Kind("every `item`-th item of a batch fails with `code`", {"item": 2, "code": "unavailable"}),
    "accepted": Kind("acts are accepted and complete `days` (and `hours`) later", {"days": 3, "hours": 0}),
    "done_nothing": Kind("the answer says done, nothing is"),
    "shifting_listing": Kind(
        "once a first page is out somebody else does `how` (insert, remove, change) `where` (after, before)",
        {"how": "insert", "where": "after"},
    ),
    "wrong_page_size": Kind(
        "pages hold `size` rows; `lose` skips the rest up to the limit", {"size": 7, "lose": False}
    ),
    "dead_cursor": Kind("a cursor is refused as one that has ended; `after` goes on"),
    "repeated_page": Kind("`next` leads to the same page again"),
    "weak_credential": Kind("the key is treated as a member's: it silently sees less"),
    "soft_delete": Kind("rows in the bin still answer to `?ids=`"),
    "echo_credential": Kind(
        "the Authorization header comes back in an error (500), html (502) or page (first row)", {"where": "error"}
    ),
    "refused_as": Kind(
        "the call is refused with `code` (or one of the vendor's own), under a `status` that says something else",
        {"status": 200, "code": "rejected"},
    ),
    "hollow": Kind("a listing or count without ids answers that there is nothing"),
    "no_paging": Kind("what is asked for of pages is ignored: it is always the first, of the vendor's own size"),
    "no_ids": Kind("rows come without their ids"),
    "job_fails": Kind("a look at a job finds it failed"),
    "job_vanishes": Kind("a look at a job finds that it is not there any more"),
    "result_ends": Kind("a look at a job, or a fetch of its result, finds the result ended"),
    "short_result": Kind("a job's file is whole and valid, and has only half of its rows"),
    "cut_result": Kind("a job's file ends after two thirds, with the Content-Length of just that"),
    "clock_off": Kind("answers say in `Date` that it is `minutes` later than this machine's time", {"minutes": 120}),
    "shown_secret": Kind("every row carries `text` in a field `secret`", {"text": "sk_in_clear"}),
}

_CHOICES: dict[tuple[str, str], tuple[object, ...]] = {
    ("shifting_listing", "how"): ("insert", "remove", "change"),
    ("shifting_listing", "where"): ("after", "before"),
    ("echo_credential", "where"): ("error", "html", "page"),
    ("unavailable", "status"): (500, 502, 503),
    ("refused_as", "code"): ("rejected", "forbidden", "unauthenticated", "not_found", "conflict", "invalid"),
    ("partial", "code"): ("unavailable", "rejected", "conflict", "not_found", "forbidden"),
}


class Fired(dict[str, dict[str, Any]]):
    """The faults that one request meets: action -> parameters."""

    def label(self) -> str | None:
        return ",".join(self) or None


NOTHING = Fired()


def add(
    world: World,
    action: str,
    *,
    path: str,
    method: str,
    key: str | None,
    when: Mapping[str, Any],
    times: int | None,
    params: Mapping[str, Any],
) -> int:
    """Stores a rule; ValueError for an unknown action or parameter, and for a fault that the vendor cannot have."""
    kind = KINDS.get(action)
    if kind is None:
        raise ValueError(f"no fault {action!r}; there are: {', '.join(KINDS)}")
    if why := _lacking(world).get(action):
        raise ValueError(f"this vendor has no {action}: {why}")
    if unknown := set(params) - set(kind.params):
        raise ValueError(
            f"{action} has no parameter {', '.join(sorted(unknown))}; it has: {', '.join(kind.params) or 'none'}"
        )
    for name, value in params.items():
        choices = _CHOICES.get((action, name))
        if choices and value not in choices and not (action == "refused_as" and str(value) in _codes(world)):
            raise ValueError(f"{name} is one of {', '.join(map(str, choices))}, not {value!r}")
        nullable = name == "retry_after" and value is None
        if isinstance(kind.params[name], int) and not isinstance(value, int | float) and not nullable:
            raise ValueError(f"{name} is {type(kind.params[name]).__name__}, not {value!r}")
    schedule = {name: value for name, value in when.items() if value is not None}
    if schedule.get("every", 1) < 1 or params.get("item", 1) < 1:
        raise ValueError("every and item are 1 or more")
    with world.transaction():
        world.run(
            "INSERT INTO faults (action, method, path, key_id, schedule, times, params) VALUES (?, ?, ?, ?, ?, ?, ?)",
            action,
            method.upper(),
            path,
            key,
            _text(schedule),
            times,
            _text({**kind.params, **params}),
        )
        return int(world.one("SELECT last_insert_rowid()")[0])


def _lacking(world: World) -> Mapping[str, str]:
    from . import dialects  # which know `exchange`, which knows this file

    return dialects.lacks(world.traits.get("dialect", dialects.NATIVE))


def _codes(world: World) -> Collection[str]:
    from . import dialects

    return dialects.codes(world.traits.get("dialect", dialects.NATIVE))


def rules(world: World) -> list[dict[str, Any]]:
    columns = ("id", "action", "method", "path", "key_id", "schedule", "times", "params", "seen", "fired")
    found = [
        dict(zip(columns, row, strict=True))
        for row in world.all(f"SELECT {', '.join(columns)} FROM faults ORDER BY id")
    ]
    for rule in found:
        rule["when"] = msgspec.json.decode(rule.pop("schedule"))
        rule["params"] = msgspec.json.decode(rule["params"])
    return found


def clear(world: World, id: int | None) -> None:
    if id is None:
        world.run("DELETE FROM faults")
    else:
        world.run("DELETE FROM faults WHERE id = ?", id)


def draw(world: World, request: Request, token: str | None, clock: str) -> Fired:
    """The faults this request meets. Counts it in every rule that matches; `clock` is the path to spare unless
    named."""
    if world.one("SELECT 1 FROM faults LIMIT 1") is None:
        return NOTHING
    fired = Fired()
    with world.transaction():
        key = _key_of(world, token)
        now = world.now
        columns = "id, action, method, path, key_id, schedule, times, params, seen, fired, until"
        for id, action, method, path, key_id, schedule, times, params, seen, count, until in world.all(
            f"SELECT {columns} FROM faults ORDER BY id"
        ):
            if not _matches(request, method, path, clock) or (key_id is not None and key_id != key):
                continue
            seen += 1
            lasting = until is not None and now < until
            fires = lasting or (_due(id, seen, msgspec.json.decode(schedule)) and (times is None or count < times))
            if fires and action == "quota_exhausted" and not lasting:
                until = calendar.midnight_after(now)
            world.run("UPDATE faults SET seen = ?, fired = ?, until = ? WHERE id = ?", seen, count + fires, until, id)
            if fires and action not in fired:
                fired[action] = msgspec.json.decode(params) | ({"until": until} if until else {})
    return fired


def _matches(request: Request, method: str, path: str, clock: str) -> bool:
    if request.path == clock != path:
        return False
    return fnmatchcase(request.method, method) and (
        fnmatchcase(request.path, path) or fnmatchcase(request.plain_path, path)
    )


def _due(id: int, seen: int, when: Mapping[str, Any]) -> bool:
    if "nth" in when:
        return seen in when["nth"]
    if "every" in when:
        return bool(seen % when["every"] == 0)
    if "first" in when:
        return bool(seen <= when["first"])
    if "rate" in when:
        digest = hashlib.blake2b(f"{when.get('seed', 1)}/{id}/{seen}".encode(), digest_size=8).digest()
        return bool(int.from_bytes(digest) / 2**64 < when["rate"])
    return True


def _key_of(world: World, token: str | None) -> str | None:
    if token is None:
        return None
    sql = "SELECT id FROM api_keys WHERE secret = ? UNION ALL SELECT key_id FROM access_tokens WHERE token = ?"
    found = world.one(sql, token, token)
    return None if found is None else str(found[0])


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
