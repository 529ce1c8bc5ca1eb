"""The sandbox's own dialect: routes, rows and errors as `docs/reference/sandbox-api.md` writes them, over the World.

It holds no truth and no fault's timing. Another vendor's dialect is another file beside this one, with the same
three methods.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import msgspec

from . import acts, contract, files, jobs, keys, pages, times
from .acts import Caller
from .exchange import Call
from .wire import Refused, Reply, Request
from .world import World

STATUS = {
    "invalid": 400,
    "unauthenticated": 401,
    "token_expired": 401,
    "key_revoked": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "account_closed": 410,
    "rejected": 422,
    "throttled": 429,
    "quota_exhausted": 429,
    "unavailable": 503,
}
KINDS = {
    "users": "user",
    "sessions": "session",
    "api_keys": "api_key",
    "integrations": "integration",
    "modules": "module",
    "settings": "setting",
    "datasets": "dataset",
    "bin": "bin",
}
BATCH, ROW_BATCH = 100, 500
FOR_EVERYBODY = {("session", "end"), ("api_key", "revoke"), ("row", "delete")}
_DATASET = re.compile(r"/v1/datasets/(.+)/(count|fields|rows|attachments|rows/delete)", re.DOTALL)
_FILE = re.compile(r"/v1/files/([^/]*)/([^/]*)")
_JOB = re.compile(r"/v1/(export|backup)s(?:/([^/]+))?")
_JOB_FILE = re.compile(r"/v1/(export|backup)s/([^/]+)/files/([^/]+)")
JOBS = True
"""This vendor has export jobs, and whatever can go wrong with them."""


def dialect() -> Native:
    """The dialect `native`, as `dialects.load` makes it."""
    return Native()


class Native:
    """The dialect `native`."""

    clock = "/v1/clock"
    login = "/v1/token"
    paging = ("limit", "cursor")

    def token(self, request: Request) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    def failure(self, refused: Refused, request_id: str) -> Reply:
        error = {"code": refused.code, "message": refused.message, "request_id": request_id, **refused.extra}
        return Reply(
            STATUS[refused.code], _json({"error": error}), {"Content-Type": "application/json", **refused.headers}
        )

    def answer(self, call: Call) -> Reply:
        method, path = call.request.method, call.request.path
        if (method, path) == ("GET", self.clock):
            return _reply({"now": call.world.now})
        if call.world.get("account")["status"] == "closed":
            raise Refused("account_closed", "This account is closed.")
        if method == "GET" and (found := _FILE.fullmatch(path)):
            return files.fetch(call, unquote(found[1]), unquote(found[2]))
        if method == "GET" and (found := _JOB_FILE.fullmatch(path)):
            return jobs.fetch(call, found[1], unquote(found[2]), found[3])
        if (method, path) == ("POST", self.login):
            return _token(call)
        call.caller = _seen_as(call, keys.caller(call.world, self.token(call.request)))
        route = _route(method, path, call.request.plain_path)
        if route is None:
            raise Refused("not_found", f"No {method} {path[:200]}.")
        if method == "POST":
            call.body = _body(call.request)
        _allow(call.caller, "read" if method == "GET" else "write", path)
        return route(call)


Route = Callable[[Call], Reply]


def _seen_as(call: Call, caller: Caller) -> Caller:
    if "weak_credential" not in call.fired:
        return caller
    return Caller(caller.key_id, caller.key_name, caller.scopes, caller.user_id, caller.email, "member")


def _allow(caller: Caller, scope: str, path: str) -> None:
    if scope not in caller.scopes and path != "/v1/whoami":
        raise Refused("forbidden", f"This key has no scope {scope}.")


def _route(method: str, path: str, plain: str) -> Route | None:
    if found := PLAIN.get((method, path)):
        return found
    if found_job := _JOB.fullmatch(path):
        kind, id = found_job[1], unquote(found_job[2] or "")
        if method == "GET":
            return lambda call: _jobs(call, kind, id)
        return (lambda call: _submit(call, kind)) if method == "POST" and not id else None
    parts = path.split("/") if path.startswith("/v1/") else []
    if method == "GET" and len(parts) == 3 and parts[2] in KINDS:
        return lambda call: pages.listing(call, KINDS[parts[2]], None)
    if method == "POST" and len(parts) == 4 and (KINDS.get(parts[2], ""), parts[3]) in acts.ACTS:
        return lambda call: _batch(call, KINDS[parts[2]], parts[3], {})
    if found_dataset := _DATASET.fullmatch(plain):
        dataset, what = found_dataset.groups()
        wanted = {
            ("GET", "count"): _count,
            ("GET", "fields"): _described,
            ("GET", "rows"): _rows,
            ("GET", "attachments"): _attachments,
            ("POST", "rows/delete"): _delete_rows,
        }
        if handler := wanted.get((method, what)):
            return lambda call: handler(call, dataset)
    return None


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)


def _reply(value: object, status: int = 200) -> Reply:
    return Reply(status, _json(value))


def _body(request: Request) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
        raise Refused("invalid", "The body is not JSON.") from error
    if not isinstance(found, dict):
        raise Refused("invalid", "The body is not a JSON object.")
    return found


def _fields(body: Mapping[str, Any], required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, str]:
    """The body's members, all of them text; unknown and missing ones are invalid."""
    if unknown := set(body) - set(required) - set(optional):
        raise Refused("invalid", f"Unknown: {', '.join(sorted(unknown))[:200]}.")
    if missing := [name for name in required if body.get(name) is None]:
        raise Refused("invalid", f"Missing: {', '.join(missing)}.")
    found = {name: value for name, value in body.items() if value is not None}
    if wrong := [name for name, value in found.items() if not isinstance(value, str)]:
        raise Refused("invalid", f"Not text: {', '.join(wrong)}.")
    return found


# Identity


def _token(call: Call) -> Reply:
    body = _body(call.request)
    call.body = body
    refresh = _fields(body, ("refresh_token",))["refresh_token"]
    token, key = keys.issue(call.world, refresh, call.seq)
    return _reply({"access_token": token, "expires_in": int(keys.ACCESS.total_seconds()), "key_id": key})


def _whoami(call: Call) -> Reply:
    caller = _caller(call)
    pages.no_parameters(call)
    return _reply(
        {
            "tenant": call.world.tenant,
            "user": {"id": caller.user_id, "email": caller.email, "role": caller.role},
            "key": {"id": caller.key_id, "name": caller.key_name, "scopes": caller.scopes},
        }
    )


def _caller(call: Call) -> Caller:
    assert call.caller is not None
    return call.caller


# Batches


def _ids(body: Mapping[str, Any], most: int) -> list[str]:
    ids = body.get("ids")
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        raise Refused("invalid", "ids is a list of texts.")
    if len(ids) > most:
        raise Refused("invalid", f"At most {most} ids, not {len(ids)}.")
    return ids


def _batch(call: Call, kind: str, verb: str, params: dict[str, Any]) -> Reply:
    if _caller(call).role == "member" and (kind, verb) not in FOR_EVERYBODY:
        raise Refused("forbidden", "A member may not do this.")
    allowed = {"ids", "transfer_to"} if (kind, verb) == ("user", "delete") else {"ids"}
    if unknown := set(call.body) - allowed:
        raise Refused("invalid", f"Unknown: {', '.join(sorted(unknown))[:200]}.")
    ids = _ids(call.body, ROW_BATCH if kind == "row" else BATCH)
    heir = call.body.get("transfer_to")
    if heir is not None:
        if not isinstance(heir, str):
            raise Refused("invalid", "transfer_to is an id.")
        if call.world.one("SELECT 1 FROM users WHERE id = ? AND deleted_at IS NULL", heir) is None:
            raise Refused("not_found", f"No user {heir[:200]} to transfer to.")
        params["transfer_to"] = heir
    call.ids = ids
    return _reply({"results": [_one(call, kind, verb, id, params, n) for n, id in enumerate(ids, 1)]})


def _one(call: Call, kind: str, verb: str, id: str, params: Mapping[str, Any], n: int) -> dict[str, Any]:
    """The result of one item of a batch."""
    partial, accepted = call.fired.get("partial"), call.fired.get("accepted")
    try:
        if partial and n % partial["item"] == 0:
            raise Refused(partial["code"], "This item failed.")
        if accepted is None:
            acts.perform(call.world, _caller(call), kind, verb, id, params)
            return {"id": id, "status": "done"}
        at = times.later(call.world.now, timedelta(days=accepted["days"], hours=accepted["hours"]))
        acts.accept(call.world, _caller(call), kind, verb, id, params, at)
        return {"id": id, "status": "accepted", "completes_at": at}
    except Refused as refused:
        return {"id": id, "status": "error", "error": {"code": refused.code, "message": refused.message}}


# Data


def _known(call: Call, dataset: str) -> None:
    if call.world.one("SELECT 1 FROM datasets WHERE id = ?", dataset) is None:
        raise Refused("not_found", f"No dataset {dataset[:200]}.")


def _count(call: Call, dataset: str) -> Reply:
    pages.no_parameters(call)
    _known(call, dataset)
    viewer = _caller(call).viewer
    if viewer is None:
        rows = call.world.one("SELECT live FROM datasets WHERE id = ?", dataset)[0]
    else:
        rows = call.world.one(
            "SELECT count(*) FROM rows WHERE owner_id = ? AND dataset = ? AND binned = 0", viewer, dataset
        )[0]
    return _reply({"rows": rows, "as_of": call.world.now})


def _described(call: Call, dataset: str) -> Reply:
    """The fields of a dataset, whoever may see its rows."""
    pages.no_parameters(call)
    _known(call, dataset)
    found = call.world.one("SELECT fields, modified_at FROM datasets WHERE id = ?", dataset)
    return _reply({"dataset": dataset, "fields": msgspec.Raw(found[0].encode()), "modified_at": found[1]})


def _exportable(call: Call, dataset: str) -> None:
    _known(call, dataset)
    if not call.world.one("SELECT exportable FROM datasets WHERE id = ?", dataset)[0]:
        raise Refused("forbidden", f"{dataset} cannot be exported.")


def _rows(call: Call, dataset: str) -> Reply:
    _exportable(call, dataset)
    return pages.listing(call, "row", dataset)


def _attachments(call: Call, dataset: str) -> Reply:
    _known(call, dataset)
    return pages.listing(call, "attachment", dataset)


def _delete_rows(call: Call, dataset: str) -> Reply:
    _known(call, dataset)
    return _batch(call, "row", "delete", {"dataset": dataset})


# Jobs


def _jobs(call: Call, kind: str, id: str) -> Reply:
    pages.no_parameters(call)
    return jobs.poll(call, kind, id) if id else jobs.listed(call, kind)


def _submit(call: Call, kind: str) -> Reply:
    if kind == "backup":
        _administrator(call)
        _fields(call.body, ())
        return jobs.submit(call, kind, None, None)
    body = _fields(call.body, ("dataset",), ("cursor",))
    dataset = body["dataset"]
    _exportable(call, dataset)
    return jobs.submit(call, kind, dataset, body.get("cursor"))


# Subscription and account


def _subscription(call: Call) -> Reply:
    pages.no_parameters(call)
    return _subscription_reply(call.world, 200)


def _subscription_reply(world: World, status: int) -> Reply:
    found = world.get("subscription")
    shown = ("id", "plan", "status", "renews", "term", "access_until", "paused_until", "price", "seats", "pending")
    body = {name: found[name] for name in shown}
    if body["pending"]:
        body["pending"] = {name: value for name, value in body["pending"].items() if name != "until"}
    return _reply(body, status)


def _administrator(call: Call) -> None:
    if _caller(call).role == "member":
        raise Refused("forbidden", "A member may not do this.")


def _cancel(call: Call) -> Reply:
    _administrator(call)
    body = _fields(call.body, ("effective",), ("reason",))
    call.ids = [call.world.get("subscription")["id"]]
    return _subscription_reply(call.world, 200 if contract.cancel(call.world, body["effective"]) else 202)


def _pause(call: Call) -> Reply:
    _administrator(call)
    body = _fields(call.body, ("from", "until"))
    call.ids = [call.world.get("subscription")["id"]]
    return _subscription_reply(call.world, 200 if contract.pause(call.world, body["from"], body["until"]) else 202)


def _resume(call: Call) -> Reply:
    _administrator(call)
    _fields(call.body, ())
    call.ids = [call.world.get("subscription")["id"]]
    contract.resume(call.world)
    return _subscription_reply(call.world, 200)


def _downgrade(call: Call) -> Reply:
    _administrator(call)
    body = _fields(call.body, ("to", "effective"))
    if body["to"] != "free":
        raise Refused("invalid", "to is free.")
    call.ids = [call.world.get("subscription")["id"]]
    return _subscription_reply(call.world, 200 if contract.downgrade(call.world, body["effective"]) else 202)


def _account(call: Call) -> Reply:
    pages.no_parameters(call)
    return _reply(call.world.get("account"))


def _close(call: Call) -> Reply:
    _administrator(call)
    body = _fields(call.body, ("confirm",))
    call.ids = [call.world.get("account")["id"]]
    contract.close_account(call.world, body["confirm"])
    return _reply(call.world.get("account"), 202)


PLAIN: dict[tuple[str, str], Route] = {
    ("GET", "/v1/whoami"): _whoami,
    ("GET", "/v1/subscription"): _subscription,
    ("POST", "/v1/subscription/cancel"): _cancel,
    ("POST", "/v1/subscription/pause"): _pause,
    ("POST", "/v1/subscription/resume"): _resume,
    ("POST", "/v1/subscription/downgrade"): _downgrade,
    ("GET", "/v1/account"): _account,
    ("POST", "/v1/account/close"): _close,
}
