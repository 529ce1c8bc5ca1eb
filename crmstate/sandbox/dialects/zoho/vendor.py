"""The dialect itself: which host a path belongs to, who calls, whether the key may make this call, and which function
answers it.

The order of checks: is it the accounts host, the account, the token, the credits and how many calls run, the path, the
scope.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import unquote

import msgspec

from ...acts import Caller
from ...exchange import Call
from ...wire import Refused, Reply, Request
from ...world import World
from . import (
    attachments,
    automation,
    backup,
    bin,
    bulk,
    company,
    coql,
    emptying,
    errors,
    jobs,
    layout,
    limits,
    mass,
    people,
    portals,
    records,
    restore,
    scopes,
    search,
    signin,
    texts,
)

Function = Callable[..., Reply]
SETTINGS, WEBHOOKS, WORKFLOWS = "ZohoCRM.settings", "automation_actions", "workflow_rules"
# Method, path below /crm (`*` is one part of it, handed over), the scopes needed (`*` is the module's), the function.
CALLS: tuple[tuple[str, str, tuple[str, ...], Function], ...] = (
    ("GET", "v8/org", ("ZohoCRM.org.READ",), company.org),
    ("GET", "v8/__features/user_licenses", ("ZohoCRM.features.READ",), company.user_licenses),
    ("GET", "v8/users", ("ZohoCRM.users.READ",), people.user_list),
    ("PUT", "v8/users", ("ZohoCRM.users.UPDATE",), people.user_put_many),
    ("GET", "v8/users/actions/count", ("ZohoCRM.users.READ",), people.user_count),
    (
        "GET",
        "v8/users/actions/transfer_and_delete",
        ("ZohoCRM.users.READ", "ZohoCRM.users.DELETE"),
        people.transfer_state,
    ),
    ("POST", "v8/users/*/actions/transfer_and_delete", ("ZohoCRM.users.CREATE",), people.transfer_and_delete),
    ("GET", "v8/users/*", ("ZohoCRM.users.READ",), people.user_get),
    ("PUT", "v8/users/*", ("ZohoCRM.users.UPDATE",), people.user_put),
    ("DELETE", "v8/users/*", ("ZohoCRM.users.DELETE",), people.user_delete),
    ("GET", "v8/settings/portals", (f"{SETTINGS}.clientportal.READ",), portals.portal_list),
    ("DELETE", "v8/settings/portals/*", (f"{SETTINGS}.clientportal.DELETE",), portals.portal_delete),
    ("GET", "v8/settings/roles", (f"{SETTINGS}.roles.READ",), company.roles),
    ("GET", "v8/settings/profiles", (f"{SETTINGS}.profiles.READ",), company.profiles),
    ("GET", "v8/settings/modules", (f"{SETTINGS}.modules.READ",), layout.module_list),
    ("GET", "v8/settings/modules/*", (f"{SETTINGS}.modules.READ",), layout.module_get),
    ("GET", "v8/settings/fields", (f"{SETTINGS}.fields.READ",), layout.field_list),
    ("GET", "v8/settings/custom_views", (f"{SETTINGS}.custom_views.READ",), layout.view_list),
    ("GET", "v8/settings/automation/webhooks", (f"{SETTINGS}.{WEBHOOKS}.READ",), automation.webhook_list),
    ("DELETE", "v8/settings/automation/webhooks", (f"{SETTINGS}.{WEBHOOKS}.DELETE",), automation.webhook_delete_many),
    ("DELETE", "v8/settings/automation/webhooks/*", (f"{SETTINGS}.{WEBHOOKS}.DELETE",), automation.webhook_delete),
    ("GET", "v8/settings/automation/workflow_rules", (f"{SETTINGS}.{WORKFLOWS}.READ",), automation.workflow_list),
    (
        "DELETE",
        "v8/settings/automation/workflow_rules",
        (f"{SETTINGS}.{WORKFLOWS}.DELETE",),
        automation.workflow_delete_many,
    ),
    (
        "DELETE",
        "v8/settings/automation/workflow_rules/*",
        (f"{SETTINGS}.{WORKFLOWS}.DELETE",),
        automation.workflow_delete,
    ),
    ("GET", "v8/actions/watch", ("ZohoCRM.notifications.READ",), automation.channel_list),
    ("DELETE", "v8/actions/watch", ("ZohoCRM.notifications.DELETE",), automation.channel_delete),
    ("GET", "v8/settings/recycle_bin", (f"{SETTINGS}.recycle_bin.READ",), bin.bin_list),
    ("DELETE", "v8/settings/recycle_bin", (f"{SETTINGS}.recycle_bin.DELETE",), emptying.bin_delete_many),
    ("GET", "v8/settings/recycle_bin/actions/count", (f"{SETTINGS}.recycle_bin.READ",), bin.bin_count),
    ("POST", "v8/settings/recycle_bin/actions/empty", (f"{SETTINGS}.recycle_bin.UPDATE",), emptying.bin_empty),
    ("POST", "v8/settings/recycle_bin/actions/restore", (f"{SETTINGS}.recycle_bin.UPDATE",), restore.restore_many),
    ("POST", "v8/settings/recycle_bin/*/actions/restore", (f"{SETTINGS}.recycle_bin.UPDATE",), restore.restore_one),
    ("GET", "v8/settings/recycle_bin/*", (f"{SETTINGS}.recycle_bin.READ",), bin.bin_get),
    ("DELETE", "v8/settings/recycle_bin/*", (f"{SETTINGS}.recycle_bin.DELETE",), emptying.bin_delete),
    ("POST", "v8/coql", ("ZohoCRM.coql.READ",), coql.query),
    ("POST", "bulk/v8/read", ("ZohoCRM.bulk.READ",), bulk.submit),
    ("GET", "bulk/v8/read/*", ("ZohoCRM.bulk.READ",), bulk.state),
    ("GET", "bulk/v8/read/*/result", ("ZohoCRM.bulk.READ",), bulk.result),
    ("POST", "bulk/v8/backup", ("ZohoCRM.bulk.backup.CREATE",), backup.create),
    ("GET", "bulk/v8/backup", ("ZohoCRM.bulk.backup.READ",), backup.state),
    ("GET", "bulk/v8/backup/history", ("ZohoCRM.bulk.backup.READ",), backup.history),
    ("GET", "bulk/v8/backup/urls", ("ZohoCRM.bulk.backup.READ",), backup.urls),
    ("PUT", "bulk/v8/backup/*/actions/cancel", ("ZohoCRM.bulk.backup.UPDATE",), backup.cancel),
    ("GET", "v8/*/actions/count", ("ZohoCRM.modules.*.READ",), search.record_count),
    ("GET", "v8/*/actions/fetch_full_data", ("ZohoCRM.modules.*.READ",), texts.texts_of_many),
    ("GET", "v8/*/*/actions/fetch_full_data", ("ZohoCRM.modules.*.READ",), texts.texts_of_one),
    ("GET", "v8/*/search", ("ZohoCRM.modules.*.READ",), search.record_search),
    ("POST", "v8/*/actions/mass_delete", ("ZohoCRM.mass_delete.*.DELETE",), mass.mass_delete),
    ("GET", "v8/*/actions/mass_delete", ("ZohoCRM.mass_delete.*.READ",), mass.mass_state),
    ("GET", "v8/*/deleted", ("ZohoCRM.modules.*.READ",), bin.deleted),
    (
        "GET",
        "v8/*/*/actions/download_fields_attachment",
        ("ZohoCRM.modules.*.READ",),
        attachments.field_attachment_get,
    ),
    ("GET", "v8/*/*/photo", ("ZohoCRM.modules.*.READ",), attachments.photo_get),
    ("GET", "v8/*/*/Attachments", ("ZohoCRM.modules.attachments.READ",), attachments.attachment_list),
    ("GET", "v8/*/*/Attachments/*", ("ZohoCRM.modules.attachments.READ",), attachments.attachment_get),
    ("GET", "v8/*/*", ("ZohoCRM.modules.*.READ",), records.record_get),
    ("DELETE", "v8/*/*", ("ZohoCRM.modules.*.DELETE",), records.record_delete),
    ("GET", "v8/*", ("ZohoCRM.modules.*.READ",), records.record_list),
    ("DELETE", "v8/*", ("ZohoCRM.modules.*.DELETE",), records.record_delete_many),
)
_ROUTES = [
    (method, re.compile("/crm/" + re.escape(path).replace(r"\*", "([^/]+)")), needed, function)
    for method, path, needed, function in CALLS
]
_ADMINISTRATORS = (
    bin.bin_list,
    bin.bin_count,
    bin.bin_get,
    emptying.bin_delete,
    emptying.bin_delete_many,
    mass.mass_delete,
    restore.restore_many,
    restore.restore_one,
)
_JOBS = (
    ("transfer", people.finish),
    ("mass", mass.finish_mass),
    ("empty", emptying.finish_empty),
    ("take", emptying.finish_take),
    ("restore", restore.finish),
)
_RESERVED = ("settings", "users", "org", "actions", "coql", "__features")


class Zoho:
    """The dialect `zoho`. It has no clock to ask."""

    clock = ""
    login = signin.TOKEN
    paging = ("page", "per_page", "page_token")
    ids = ("id", "api_name", "channel_id")
    numbered = False

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._rates = limits.Rates(seconds)

    def running(self) -> AbstractContextManager[None]:
        """Around every call, so that those under way at once can be counted."""
        return self._rates.running()

    def token(self, request: Request) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "zoho-oauthtoken" else None

    def failure(self, refused: Refused, request_id: str) -> Reply:
        return errors.as_reply(refused)

    def answer(self, call: Call) -> Reply:
        request, world = call.request, call.world
        if request.path in signin.PATHS:
            return signin.answer(call)
        if world.get("account")["status"] == "closed":
            raise Refused("account_closed", "There is no such org any more.")
        call.caller = _seen_as(call, signin.caller(call, self.token(request)))
        remaining = limits.left(world, call.seq)
        if world.traits.get("rates"):
            self._rates.check(world)
        _settle(call)
        reply = self._routed(call)
        if remaining is not None:
            reply.headers[errors.REMAINING] = str(remaining)
        return reply

    def _routed(self, call: Call) -> Reply:
        request, path = call.request, call.request.path
        assert call.caller is not None
        if request.method == "GET" and backup.DOWNLOAD.fullmatch(path):
            return backup.download(call, path)
        matching = [
            (method, found, needed, function)
            for method, route, needed, function in _ROUTES
            if (found := route.fullmatch(path))
        ]
        if not matching or (path.split("/")[3:4] and path.split("/")[3] in _RESERVED and "*" in matching[0][2][0]):
            raise errors.refusal("INVALID_URL_PATTERN")
        _, found, needed, function = next((each for each in matching if each[0] == request.method), (None,) * 4)
        if found is None or needed is None or function is None:
            raise errors.refusal("INVALID_REQUEST_METHOD")
        parts = [unquote(part, errors="replace") for part in found.groups()]
        scopes.check(call.caller, *(scope.replace("*", parts[0] if parts else "") for scope in needed))
        if call.caller.role == "member" and function in _ADMINISTRATORS:
            raise errors.refusal("NO_PERMISSION", permissions=["Crm_Implied_Recycle_Bin"])
        if function is bulk.result and call.world.traits.get("rates"):
            self._rates.fetch()
        if request.method in ("POST", "PUT"):
            call.body = _body(request)
        return function(call, *parts)


def _seen_as(call: Call, caller: Caller) -> Caller:
    if "weak_credential" not in call.fired:
        return caller
    return Caller(caller.key_id, caller.key_name, caller.scopes, caller.user_id, caller.email, "member")


def _settle(call: Call) -> None:
    """Jobs that the clock has ended meanwhile do what they were for, whoever asks for whatever."""
    world: World = call.world
    if not world.get("zoho/jobs"):
        return
    for kind, finish in _JOBS:
        for job in list(jobs.every(world, kind)):
            if jobs.ends(call, job, look=False):
                finish(world, job)


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    try:
        found = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
        raise errors.refusal("INVALID_DATA", "body", expected_data_type="jsonobject") from error
    if not isinstance(found, dict):
        raise errors.refusal("INVALID_DATA", "body", expected_data_type="jsonobject")
    return found
