"""The dialect itself: who calls, whether the key may make this call, and which function answers it.

The order of checks: is there a corp, is it suspended, the key, the address it comes from, the edition, the path, the
interface, the rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from ... import keys
from ...acts import Caller
from ...exchange import Call
from ...wire import Refused, Reply, Request
from . import apps, data, errors, files, members, usage
from .rates import Rates

BASE = "/api"
READING, ACTING = "read", "write"
CALLS: dict[str, tuple[str, Callable[[Call], Any]]] = {
    "/v5/app/list": (READING, apps.app_list),
    "/v5/app/entry/list": (READING, apps.entry_list),
    "/v5/app/entry/widget/list": (READING, apps.widget_list),
    "/v5/app/entry/data/list": (READING, data.data_list),
    "/v5/app/entry/data/get": (READING, data.data_get),
    "/v5/app/entry/data/delete": (ACTING, data.data_delete),
    "/v5/app/entry/data/batch_delete": (ACTING, data.data_batch_delete),
    "/v5/corp/department/list": (READING, members.department_list),
    "/v5/corp/department/user/list": (READING, members.user_list),
    "/v5/corp/user/get": (READING, members.user_get),
    "/v5/corp/user/delete": (ACTING, members.user_delete),
    "/v5/corp/user/batch_delete": (ACTING, members.user_batch_delete),
    "/v1/corp_usage/overview": (READING, usage.overview),
    "/v1/corp_usage/app_metrics": (READING, usage.app_metrics),
    "/v1/audit_log/list": (READING, usage.audit_log),
}
FLAGSHIP = {"flagship", "dedicated"}
WITHOUT_API = {"free", "standard"}


class Jiandaoyun:
    """The dialect `jiandaoyun`. It has neither a clock to ask nor a place to sign in."""

    clock = ""
    login = ""
    paging = ("skip", "limit", "data_id")
    ids = ("_id", "app_id", "entry_id", "username")
    numbered = False

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._rates = Rates(seconds)

    def token(self, request: Request) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    def failure(self, refused: Refused, request_id: str) -> Reply:
        return errors.as_reply(refused)

    def answer(self, call: Call) -> Reply:
        request, traits = call.request, call.world.traits
        if request.method == "GET" and not request.path.startswith(f"{BASE}/"):
            return files.fetch(call)
        if call.world.get("account")["status"] == "closed":
            raise errors.refusal(errors.NO_CORP)
        if traits.get("suspended"):
            raise errors.refusal(errors.SUSPENDED)
        call.caller = _seen_as(call, keys.caller(call.world, self.token(request)))
        allowed = traits.get("ip_whitelist")
        if allowed and "127.0.0.1" not in allowed:
            raise errors.refusal(errors.STRANGE_IP)
        edition = traits.get("edition", call.world.tenant.get("edition"))
        if edition in WITHOUT_API:
            raise errors.refusal(errors.NO_API)
        path = request.path.removeprefix(BASE)
        if request.method != "POST" or not request.path.startswith(BASE) or path not in CALLS:
            raise errors.refusal(errors.INVALID_REQUEST)
        scope, function = CALLS[path]
        if scope not in call.caller.scopes:
            raise errors.refusal(errors.CALL_OUT_OF_SCOPE)
        if path.startswith("/v1/corp_usage/") and edition not in FLAGSHIP:
            raise Refused(errors.EDITION, "This edition has no figures of usage.")
        if traits.get("rates"):
            self._rates.count(path)
        call.body = _body(request)
        return Reply(200, msgspec.json.encode(function(call)))


def _seen_as(call: Call, caller: Caller) -> Caller:
    if "weak_credential" not in call.fired:
        return caller
    return Caller(caller.key_id, caller.key_name, caller.scopes, caller.user_id, caller.email, "member")


def _body(request: Request) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
        raise errors.refusal(errors.BAD_PARAMETERS) from error
    if not isinstance(found, dict):
        raise errors.refusal(errors.BAD_PARAMETERS)
    return found
