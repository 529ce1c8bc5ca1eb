"""One request through the World: faults drawn, the dialect asked, faults applied to its answer, everything logged, in
one transaction.

It knows no route and no socket. The answer leaves only after its effects are committed.
"""

from __future__ import annotations

import gzip
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any, Protocol

import msgspec

from . import faults, keys
from .acts import Caller
from .wire import Refused, Reply, Request, Wire
from .world import World

_SECRETS = {"refresh_token", "access_token"}


@dataclass(slots=True)
class Call:
    """A request on its way through: what the dialect needs to answer it, and what the log will say of it."""

    world: World
    request: Request
    seq: int
    fired: faults.Fired
    caller: Caller | None = None
    ids: list[str] | None = None
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def request_id(self) -> str:
        return f"r-{self.seq:06d}"


class Dialect(Protocol):
    """A vendor's way of speaking over the World. `clock` and `login` are the paths of its clock and its token
    endpoint (empty: it has none). One that does not number its requests says `numbered = False`; one whose listings
    meet the faults `no_paging` and `no_ids` says in `paging` what pages are asked for by, in the query or the body, and
    in `ids` what rows are known by. One that wraps rows and totals in a member of the answer names it in `envelope`, and
    one that asks for rows by their ids in the body tells by `by_ids(request)`; one whose calls at once are limited has
    `running()`, entered around every call."""

    clock: str
    login: str

    def token(self, request: Request) -> str | None:
        """The credential a request carries."""

    def answer(self, call: Call) -> Reply:
        """Routes and answers; raises `Refused`. Sets `call.caller`, `call.ids` and `call.body` for the log."""

    def failure(self, refused: Refused, request_id: str) -> Reply:
        """A refusal in the vendor's shape."""


def exchange(
    world: World, dialect: Dialect, request: Request, *, sleep: Callable[[float], object] = time.sleep
) -> Reply:
    """The reply to a request; never raises for what a client sends."""
    with getattr(dialect, "running", nullcontext)():
        return _exchanged(world, dialect, request, sleep)


def _exchanged(world: World, dialect: Dialect, request: Request, sleep: Callable[[float], object]) -> Reply:
    fired = faults.draw(world, request, dialect.token(request), dialect.clock)
    slow = fired.get("latency")
    if slow and not slow["after"]:
        sleep(slow["ms"] / 1000)
    with world.transaction():
        call = Call(world, request, world.one("SELECT coalesce(max(seq), 0) + 1 FROM requests")[0], fired)
        world.seq = call.seq
        try:
            reply, note = _answer(dialect, call)
            if getattr(dialect, "numbered", True):
                reply.headers["X-Request-Id"] = call.request_id
            if "clock_off" in fired:
                reply.headers["Date"] = formatdate(time.time() + 60 * fired["clock_off"]["minutes"], usegmt=True)
            _log(call, reply, note)
        finally:
            world.seq = None
    if slow and slow["after"]:
        sleep(slow["ms"] / 1000)
    return reply


def _answer(dialect: Dialect, call: Call) -> tuple[Reply, str | None]:
    note = call.fired.label()
    if "no_paging" in call.fired:
        call.request = _without(call.request, getattr(dialect, "paging", ()))
    try:
        early = _instead(dialect, call)
        if early is not None:
            return early, note
        if "done_nothing" in call.fired and call.request.path != dialect.login:
            with call.world.rehearsal():
                reply = dialect.answer(call)
        else:
            with call.world.attempt():
                reply = dialect.answer(call)
    except Refused as refused:
        reply = dialect.failure(refused, call.request_id)
    except Exception as error:  # a bug of ours: the client hears of it as of an outage, the log says what it was
        traceback.print_exc(file=sys.stderr)
        note = f"bug: {type(error).__name__}"
        reply = dialect.failure(
            Refused("unavailable", "The sandbox has a bug here; see its standard error."), call.request_id
        )
    return _spoil(reply, dialect, call), note


def _instead(dialect: Dialect, call: Call) -> Reply | None:
    """The answer of a fault that comes before everything else, if there is one."""
    fired, now = call.fired, call.world.now
    if "refused" in fired:
        return Reply(0, b"", wire=Wire.RESET)
    if "cut_before" in fired:
        return Reply(0, b"", wire=Wire.CUT)
    if "throttled" in fired:
        after = fired["throttled"]["retry_after"]
        raise Refused("throttled", "Too fast.", headers={} if after is None else {"Retry-After": str(after)})
    if "quota_exhausted" in fired:
        until = fired["quota_exhausted"].get("until", now)
        raise Refused("quota_exhausted", f"The calls of this day are used up until {until}.", resets_at=until)
    if "unavailable" in fired and not fired["unavailable"]["after"]:
        return _outage(dialect, call)
    if "refused_as" in fired:
        reply = dialect.failure(Refused(str(fired["refused_as"]["code"]), "This call is refused."), call.request_id)
        reply.status = fired["refused_as"]["status"]
        return reply
    token = dialect.token(call.request)
    if "token_expired" in fired and token:
        keys.expire(call.world, token)
        raise Refused("token_expired", "The access token has expired.")
    if "echo_credential" in fired and fired["echo_credential"]["where"] != "page":
        return _echo(dialect, call)
    return None


def _outage(dialect: Dialect, call: Call) -> Reply:
    fault = call.fired["unavailable"]
    headers = {} if fault["retry_after"] is None else {"Retry-After": str(fault["retry_after"])}
    if not fault["html"]:
        reply = dialect.failure(Refused("unavailable", "Try again later.", headers=headers), call.request_id)
        reply.status = fault["status"]
        return reply
    page = f"<html><head><title>{fault['status']}</title></head><body><h1>Service Unavailable</h1></body></html>"
    return Reply(fault["status"], page.encode(), {"Content-Type": "text/html; charset=utf-8", **headers})


def _echo(dialect: Dialect, call: Call) -> Reply:
    shown = call.request.headers.get("authorization", "")
    if call.fired["echo_credential"]["where"] == "html":
        page = f"<html><body><h1>Bad Gateway</h1><pre>Authorization: {shown}</pre></body></html>"
        return Reply(502, page.encode(), {"Content-Type": "text/html; charset=utf-8"})
    reply = dialect.failure(
        Refused("unavailable", f"Upstream failed for a request with Authorization: {shown}"), call.request_id
    )
    reply.status = 500
    return reply


def _spoil(reply: Reply, dialect: Dialect, call: Call) -> Reply:
    """What faults make of an answer whose effects have happened."""
    fired = call.fired
    if "cut_after" in fired:
        return Reply(reply.status, b"", wire=Wire.CUT)
    if "unavailable" in fired and fired["unavailable"]["after"]:
        return _outage(dialect, call)
    if "echo_credential" in fired and fired["echo_credential"]["where"] == "page":
        shown = call.request.headers.get("authorization", "")
        reply.body = _edited(reply.body, lambda found: _with_echo(_inside(found, dialect), shown))
    if "hollow" in fired and not getattr(dialect, "by_ids", _asks_by_ids)(call.request):
        reply.body = _edited(reply.body, lambda found: _hollow(_inside(found, dialect)))
    if "no_ids" in fired:
        names = getattr(dialect, "ids", ("id",))
        reply.body = _edited(
            reply.body, lambda found: _each_row(_inside(found, dialect), lambda row: _drop(row, names))
        )
    if "shown_secret" in fired:
        secret = {"secret": fired["shown_secret"]["text"]}
        reply.body = _edited(
            reply.body, lambda found: _each_row(_inside(found, dialect), lambda row: row.update(secret))
        )
    if "malformed_body" in fired:
        reply.body = _malformed(reply.body)
    if "cut_gzip" in fired:
        packed = gzip.compress(reply.body, mtime=0)
        reply.body = packed[: max(12, len(packed) * 2 // 3)]
        reply.headers["Content-Encoding"] = "gzip"
    if "torn_body" in fired:
        keep = min(len(reply.body) - 1, int(len(reply.body) * fired["torn_body"]["keep"]))
        reply.headers["Content-Length"] = str(max(1, len(reply.body)))
        reply.body, reply.wire = reply.body[: max(0, keep)], Wire.TORN
    return reply


def _inside(found: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """Where an answer's rows and totals are."""
    inner = found.get(getattr(dialect, "envelope", ""))
    return inner if isinstance(inner, dict) else found


def _with_echo(found: dict[str, Any], shown: str) -> None:
    """The credential in the first row's name (or first text), as if somebody had stored it there; or beside
    everything.
    """
    rows = next((value for value in found.values() if isinstance(value, list)), None)
    place: dict[str, Any] = rows[0] if rows and isinstance(rows[0], dict) else found
    inner = place.get("fields")
    if isinstance(inner, dict) and inner:
        inner[next(iter(inner))] = shown
    else:
        place["name"] = shown


def _without(request: Request, names: tuple[str, ...]) -> Request:
    """The request as if nobody had asked for a page."""
    query = "&".join(part for part in request.query.split("&") if part.partition("=")[0] not in names)
    return replace(request, query=query, body=_edited(request.body, lambda found: _drop(found, names)))


def _edited(body: bytes, edit: Callable[[dict[str, Any]], object]) -> bytes:
    """A JSON object with something changed; anything else as it is."""
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body
    if not isinstance(found, dict):
        return body
    edit(found)
    return msgspec.json.encode(found)


def _malformed(body: bytes) -> bytes:
    """The first half of a body; one that is still JSON, as a number is when it is cut, with a comma that nothing follows."""
    half = body[: max(1, len(body) // 2)]
    try:
        msgspec.json.decode(half)
    except msgspec.DecodeError:
        return half
    return half + b","


def _asks_by_ids(request: Request) -> bool:
    return any(name == "ids" for name, _ in request.parameters())


def _hollow(found: dict[str, Any]) -> None:
    for name, value in found.items():
        if isinstance(value, list):
            found[name] = []
        elif name in {"total", "rows"}:
            found[name] = 0
        elif name == "next":
            found[name] = None


def _each_row(found: dict[str, Any], edit: Callable[[dict[str, Any]], object]) -> None:
    for row in (each for value in found.values() if isinstance(value, list) for each in value):
        if isinstance(row, dict):
            edit(row)


def _drop(row: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        row.pop(name, None)


def _log(call: Call, reply: Reply, note: str | None) -> None:
    body = {name: value for name, value in call.body.items() if name != "ids" and name not in _SECRETS}
    status = reply.status if reply.wire in (Wire.WHOLE, Wire.TORN) else None
    call.world.run(
        "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        call.seq, call.world.now, call.request.method, call.request.target, call.caller.key_id if call.caller else None,
        None if call.ids is None else msgspec.json.encode(call.ids).decode(),
        msgspec.json.encode(body).decode()[:300] if body else None, status, note,
    )  # fmt: skip
