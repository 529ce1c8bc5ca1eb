"""Two ways to sign in, and who calls: the newer one with headers, the older one with members of the body. Both take an
app's id, its secret and the company's permanent code, and give a token that lives two hours.

A key of the World's is a self-built app: its secret is the app's secret, its refresh token the permanent code. Whom the app
works as is said in each call, and decides what it sees of the CRM.

Source: developer.fxiaoke.com/openapi_v2/start/auth/app-info.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ... import keys, times
from ...acts import Caller
from ...exchange import Call
from ...wire import Request
from . import body, errors, ids

NEW, OLD = "/oauth2.0/token", "/cgi/corpAccessToken/get/V2"
LIFE = timedelta(seconds=7200)
SAME = timedelta(seconds=6600)
MEMBERS = {"corpAccessToken", "corpId", "currentOpenUserId", "appSecret", "permanentCode", "accessToken"}
SUCCESS = {"errorCode": 0, "errorMessage": "success"}
NEEDED = "corpAccessToken为必填项"


def token_new(call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("grantType") != "app_secret":
        raise errors.refusal(errors.ILLEGAL)  # a guess
    token, left = _granted(call, given)
    return {
        "openUserId": ids.corp(call.world),
        "accessToken": token,
        "expiresIn": left,
        "appId": given["appId"],
        "ea": call.world.tenant["id"],
        "traceId": call.request_id,
        **SUCCESS,
    }


def token_old(call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    token, left = _granted(call, given)
    return {"corpAccessToken": token, "corpId": ids.corp(call.world), "expiresIn": left, **SUCCESS}


def _granted(call: Call, given: Mapping[str, Any]) -> tuple[str, int]:
    """A token and the seconds that it has left: the same one for 6600 seconds, then another. The old one lives on for its
    two hours (a guess), and both ways share one token (a guess)."""
    world, now = call.world, call.world.now
    id = body.text(given, "appId", errors.NO_APP_ID, errors.NO_FORM_APP_ID)
    secret = body.text(given, "appSecret", errors.NO_APP_SECRET, errors.NO_FORM_APP_SECRET)
    permanent = body.text(given, "permanentCode", errors.NO_PERMANENT_CODE, errors.NO_FORM_PERMANENT_CODE)
    key = ids.key_of(world, id)
    if key is None:
        raise errors.refusal(errors.BAD_APP)
    known, code, status = world.one("SELECT secret, refresh_token, status FROM api_keys WHERE id = ?", key)
    if secret != known:
        raise errors.refusal(
            errors.UNKNOWN_PATH, errors.TEXTS[errors.BAD_APP]
        )  # the number was probed, the text is a guess
    if permanent != code:
        raise errors.refusal(errors.BAD_PERMANENT_CODE)
    if status == "revoked":
        raise errors.refusal(errors.APP_OFF)
    sql = "SELECT token, expires_at FROM access_tokens WHERE key_id = ? AND expires_at > ? ORDER BY expires_at DESC LIMIT 1"
    found = world.one(sql, key, times.later(now, LIFE - SAME))
    if found is None:
        found = f"at_{world.secret('at', key, call.seq)}", times.later(now, LIFE)
        world.run("INSERT INTO access_tokens VALUES (?, ?, ?)", found[0], key, found[1])
    return found[0], int((times.moment(found[1]) - times.moment(now)).total_seconds())


def token_of(request: Request) -> str | None:
    """The token that a request carries, whichever way it was got."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        return token.strip() or None if scheme.lower() == "bearer" else None
    if b"corpAccessToken" not in request.body:
        return None
    found = (body.tolerant(request) or {}).get("corpAccessToken")
    return found if isinstance(found, str) and found else None


def by_headers(request: Request) -> bool:
    """Whether a call is made in the newer way."""
    return "authorization" in request.headers


def caller(call: Call, given: Mapping[str, Any], needs_user: bool) -> Caller:
    """The app that calls, as the employee it works as. `needs_user`: the older way has to name him too."""
    world, request = call.world, call.request
    token = token_of(request)
    if not by_headers(request) and not isinstance(given.get("corpAccessToken", ""), str):
        raise errors.refusal(errors.NO_FORM_TOKEN)  # a guess
    if token is None:
        raise errors.refusal(errors.NO_CORP, NEEDED)  # probed
    if not token.startswith("at_"):
        raise errors.refusal(errors.BAD_TOKEN)
    found = keys.caller(world, token)
    if by_headers(request):
        user = _by_headers(call)
    else:
        if body.text(given, "corpId", errors.NO_CORP_ID, errors.NO_FORM_CORP_ID) != ids.corp(world):
            raise errors.refusal(errors.NO_CORP)
        user = _by_body(call, given, needs_user) or found.user_id
    email, role, status = world.one("SELECT email, role, status FROM users WHERE id = ?", user)
    if status != "active":
        raise errors.refusal(errors.NO_RIGHT_TO_EMPLOYEE)  # a guess
    role = "member" if "weak_credential" in call.fired else role
    return Caller(found.key_id, found.key_name, found.scopes, user, email, role)


def _by_headers(call: Call) -> str:
    """The employee in the headers. The codes for headers that are missing or wrong are guesses."""
    headers = call.request.headers
    if not headers.get("x-fs-ea"):
        raise errors.refusal(errors.NO_CORP)
    if headers["x-fs-ea"] != call.world.tenant["id"]:
        raise errors.refusal(errors.NO_RIGHT_TO_CORP)
    if not headers.get("x-fs-userid"):
        raise errors.refusal(errors.NO_OPEN_USER_ID)
    found = ids.user_numbered(call.world, headers["x-fs-userid"])
    if found is None:
        raise errors.refusal(errors.NO_EMPLOYEE)
    return found


def _by_body(call: Call, given: Mapping[str, Any], needs_user: bool) -> str | None:
    if not needs_user and "currentOpenUserId" not in given:
        return None
    named = body.text(given, "currentOpenUserId", errors.NO_OPEN_USER_ID, errors.NO_FORM_OPEN_USER_ID)
    found = ids.user_of(call.world, named)
    if found is None:
        raise errors.refusal(errors.NO_OPEN_USER)
    return found
