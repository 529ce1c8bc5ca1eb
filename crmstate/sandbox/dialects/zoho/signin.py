"""The accounts host: access tokens for refresh tokens or for the client itself, and giving tokens back. Here it is the same
host as the API's, and `api_domain` says so.

What is wrong is told in HTTP 200 with `error` (widely reported, not documented). A World's key is one client with one
refresh token; its secret is the client's secret, and no bearer token.
"""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import Any

from ... import acts, keys, times
from ...acts import Caller
from ...exchange import Call
from ...wire import Refused, Reply, Request
from ...world import World
from . import errors, ids

TOKEN, REVOKE, REVOKE_NEWER = "/oauth/v2/token", "/oauth/v2/token/revoke", "/oauth/v2/revoke/token"
PATHS = (TOKEN, REVOKE, REVOKE_NEWER)
MOST, WITHIN = 10, timedelta(minutes=10)


def client_id(key: str) -> str:
    return f"1000.{ids.digits('client ' + key, 10**18):018}"


def answer(call: Call) -> Reply:
    """A call to the accounts host."""
    if call.request.method != "POST":
        raise errors.refusal("INVALID_REQUEST_METHOD")
    given = _given(call.request)
    if call.request.path == TOKEN:
        call.body = {name: value for name, value in given.items() if name in ("grant_type", "client_id")}
        return _token(call, given)
    return _revoke(call, given)


def caller(call: Call, token: str | None) -> Caller:
    """Who an access token stands for. No other secret opens the API."""
    if not token or not token.startswith("at_"):
        raise Refused("unauthenticated", "No access token.")
    return keys.caller(call.world, token)


def _given(request: Request) -> dict[str, str]:
    """Parameters of the query and of a form in the body, together."""
    form = Request("POST", "/", request.body.decode("latin-1"), {}, b"").parameters()
    return {**dict(form), **dict(request.parameters())}


def _token(call: Call, given: dict[str, str]) -> Reply:
    grant = given.get("grant_type")
    if grant not in ("refresh_token", "client_credentials"):
        return _error("unsupported_grant_type" if grant else "invalid_request")
    found = _client(call.world, given)
    if isinstance(found, str):
        return _error(found)
    id, refresh = found
    if grant == "refresh_token" and given.get("refresh_token") != refresh:
        return _error("invalid_code")
    if call.world.get("account")["status"] == "closed":
        return _error("invalid_code")
    if call.world.traits.get("rates") and _lately(call.world, id) >= MOST:
        return _error(
            "Access Denied", "You have made too many requests continuously. Please try again after some time."
        )
    try:
        token, _ = keys.issue(call.world, refresh, call.seq)
    except Refused:
        return _error("invalid_code")
    body: dict[str, Any] = {
        "access_token": token,
        "api_domain": f"{call.request.scheme}://{call.request.headers.get('host', '127.0.0.1')}",
        "token_type": "Bearer",
        "expires_in": int(keys.ACCESS.total_seconds()),
    }
    return errors.json(body)


def _client(world: World, given: dict[str, str]) -> tuple[str, str] | str:
    """The key and its refresh token that client id and secret belong to, or what is wrong with them."""
    rows = world.all("SELECT id, secret, refresh_token FROM api_keys")
    found = next((row for row in rows if client_id(row[0]) == given.get("client_id")), None)
    if found is None:
        return "invalid_client"
    id, secret, refresh = found
    return (id, refresh) if given.get("client_secret") == secret else "invalid_client_secret"


def _lately(world: World, key: str) -> int:
    since = times.stamp(times.moment(world.now) + keys.ACCESS - WITHIN)
    return int(world.one("SELECT count(*) FROM access_tokens WHERE key_id = ? AND expires_at > ?", key, since)[0])


def _revoke(call: Call, given: dict[str, str]) -> Reply:
    """A refresh token takes its access tokens with it. The newer form wants the client in a Basic header."""
    if call.request.path == REVOKE_NEWER and not _basic(call):
        return errors.json({"error": "invalid_client"}, 401)
    world, token = call.world, given.get("token", "")
    found = world.one("SELECT id FROM api_keys WHERE refresh_token = ? AND status <> 'revoked'", token)
    if found is not None:
        acts.perform(world, None, "api_key", "revoke", found[0], {})
        return errors.json({"status": "success"})
    if world.run(
        "UPDATE access_tokens SET expires_at = ? WHERE token = ? AND expires_at > ?", world.now, token, world.now
    ):
        return errors.json({"status": "success"})
    return errors.json({"error": "invalid_token"}, 400)


def _basic(call: Call) -> bool:
    scheme, _, text = call.request.headers.get("authorization", "").partition(" ")
    try:
        id, _, secret = base64.b64decode(text.encode(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return False
    known = _client(call.world, {"client_id": id, "client_secret": secret})
    return scheme.lower() == "basic" and not isinstance(known, str)


def _error(error: str, description: str | None = None) -> Reply:
    return errors.json(
        {"error": error, **({"error_description": description, "status": "failure"} if description else {})}
    )
