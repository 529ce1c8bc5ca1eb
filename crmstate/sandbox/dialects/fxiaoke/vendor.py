"""The dialect itself: which call it is, who makes it, whether he may, and the envelope of the answer.

The order of checks (a guess): the path, the body, the company, the app and the employee, the trace id, the interface's
permission, the rate, the day.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from ...exchange import Call
from ...wire import Refused, Reply, Request
from . import body, errors, limits, media, objects, people, query, records, signin

READING, ACTING = "read", "write"
CRM, CUSTOM = "/cgi/crm/v2", "/cgi/crm/custom/v2"
CALLS: dict[str, tuple[str, Callable[[Call], dict[str, Any]]]] = {
    "/cgi/user/list": (READING, people.user_list),
    "/cgi/user/simpleList": (READING, people.user_simple_list),
    "/cgi/user/get": (READING, people.user_get),
    "/cgi/user/getByMobile": (READING, people.user_get_by_mobile),
    "/cgi/user/get/batchByUpdTime": (READING, people.users_by_time),
    "/cgi/user/setStatus": (ACTING, people.user_set_status),
    "/cgi/user/batchSetStatus": (ACTING, people.user_batch_set_status),
    "/cgi/department/list": (READING, people.department_list),
    f"{CRM}/special/roleGetRoleList": (READING, people.role_list),
    f"{CRM}/special/getRolesByUsers": (READING, people.roles_by_users),
    f"{CRM}/object/list": (READING, objects.object_list),
    f"{CRM}/object/describe": (READING, objects.object_describe),
    f"{CRM}/object/unlock": (ACTING, records.object_unlock),
    "/cgi/crm/custom/data/invalid": (ACTING, records.data_invalid_batch),
}
for _base, _custom in ((CRM, False), (CUSTOM, True)):
    CALLS |= {
        f"{_base}/data/query": (READING, partial(query.data_query, custom=_custom)),
        f"{_base}/data/invalid": (ACTING, partial(records.data_invalid, custom=_custom)),
        f"{_base}/data/delete": (ACTING, partial(records.data_delete, custom=_custom)),
        f"{_base}/data/recover": (ACTING, partial(records.data_recover, custom=_custom)),
        f"{_base}/data/choose": (ACTING, partial(records.data_choose, custom=_custom)),
    }
TOKENS = {signin.NEW: signin.token_new, signin.OLD: signin.token_old}
BY_BODY_ONLY = {"/cgi/user/setStatus", "/cgi/user/batchSetStatus", media.PATH}
"""Calls that are known in the older way alone."""


class Fxiaoke:
    """The dialect `fxiaoke`. It has no clock to ask."""

    clock = ""
    login = signin.NEW
    paging = ("pageSize", "pageNumber")
    ids = ("_id", "describeApiName", "openUserId")
    envelope = "data"
    numbered = False

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._rates = limits.Rates(seconds)

    def token(self, request: Request) -> str | None:
        return signin.token_of(request)

    def by_ids(self, request: Request) -> bool:
        return query.by_ids(request)

    def failure(self, refused: Refused, request_id: str) -> Reply:
        return errors.as_reply(refused, request_id)

    def answer(self, call: Call) -> Reply:
        request = call.request
        path = request.path
        if request.method != "POST" or not (path in CALLS or path in TOKENS or path == media.PATH):
            raise errors.refusal(errors.UNKNOWN_PATH, f"the request uri=[{path[:200]}], apiName=[null] is not exists")
        given = body.parsed(request)
        if call.world.get("account")["status"] == "closed":
            raise errors.refusal(errors.NOT_AUTHORISED)  # a guess
        call.body = {name: value for name, value in given.items() if name not in signin.MEMBERS}
        if path in TOKENS:
            self._limit(call, str(given.get("appId")))
            return Reply(200, errors.packed(TOKENS[path](call, given)))
        self._admit(call, given)
        if path == media.PATH:
            return media.download(call)
        answer = CALLS[path][1](call)
        crm = path.startswith("/cgi/crm/")
        if crm or signin.by_headers(request):
            return errors.enveloped(answer, call.request_id)
        return Reply(200, errors.packed({**signin.SUCCESS, **answer}))  # as the older way's examples are

    def _admit(self, call: Call, given: dict[str, Any]) -> None:
        """Whether this caller may make this call, now."""
        request, path = call.request, call.request.path
        if path in BY_BODY_ONLY and signin.by_headers(request):
            raise errors.refusal(errors.NO_CORP, signin.NEEDED)
        call.caller = signin.caller(call, given, path.startswith("/cgi/crm/"))
        if signin.by_headers(request) and not _traced(request):
            raise errors.refusal(errors.BAD_PARAMETERS, "thirdTraceId")  # a guess: it is documented as needed
        scope = READING if path == media.PATH else CALLS[path][0]
        if scope not in call.caller.scopes:
            raise errors.refusal(errors.NO_PERMISSION)
        self._limit(call, "")

    def _limit(self, call: Call, who: str) -> None:
        if call.world.traits.get("rates"):
            self._rates.count(call.request.path, who)
        limits.count_day(call)


def _traced(request: Request) -> bool:
    try:
        return UUID(dict(request.parameters()).get("thirdTraceId", "")).version == 4
    except ValueError:
        return False
