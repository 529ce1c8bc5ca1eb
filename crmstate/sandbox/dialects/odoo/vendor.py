"""The dialect itself: which path it is, whether there is a database, who calls, and which method of which model answers.

The order of checks: the path, the database, the key, the body, the model, the method and its arguments, what the caller's
groups allow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from ... import keys
from ...acts import Caller
from ...exchange import Call
from ...wire import Refused, Reply, Request
from . import databases, domains, errors, faulty, numbers, orm, registry
from .models import Env

_JSON2 = re.compile(r"/json/2/([^/]+)/([^/]+)")
PAGES: dict[tuple[str, str], Callable[[Call], Reply]] = {
    ("GET", "/web/health"): databases.health,
    ("GET", "/web/version"): databases.version,
    ("POST", "/web/database/list"): databases.listing,
    ("POST", "/web/database/backup"): databases.backup,
    ("POST", "/web/database/drop"): databases.drop,
}


class Odoo:
    """The dialect `odoo`. It has neither a clock to ask nor a place to sign in: a key is good as it is."""

    clock = ""
    login = ""
    paging = ("limit", "offset")
    numbered = False

    def token(self, request: Request) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    def by_ids(self, request: Request) -> bool:
        """Whether rows are asked for by their ids."""
        try:
            given = msgspec.json.decode(request.body)
        except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
            return False
        if not isinstance(given, dict):
            return False
        parts = domains.parts_of(given.get("domain"))
        return bool(given.get("ids")) or any(part[:2] == ["id", "in"] for part in parts)

    def failure(self, refused: Refused, request_id: str) -> Reply:
        return errors.as_reply(refused)

    def answer(self, call: Call) -> Reply:
        request = call.request
        page = PAGES.get((request.method, request.path))
        if page is not None:
            return page(call)
        found = _JSON2.fullmatch(request.plain_path)
        if found is None:
            raise Refused(errors.NO_PAGE, "")
        databases.there(call)
        if request.method != "POST":
            raise errors.refusal("NotFound", "Did you mean POST /json/2/<model>/<method>?")
        if "json" not in request.headers.get("content-type", ""):
            raise Refused(errors.NO_JSON, "")
        numbers.ready(call.world)
        call.caller = _caller(call, self.token(request))
        given = _body(request)
        call.body = _noted(given)
        env = Env(call, registry.find)
        try:
            with call.world.attempt():
                said = orm.called(env, env.model(found[1]), found[2], given)
        except Refused as refused:
            if (held := refused.extra.get(faulty.HELD)) is not None:
                call.world.put(faulty.HELD, held)
                return errors.as_reply(refused)
            raise
        return Reply(200, msgspec.json.encode(said), {"Content-Type": "application/json; charset=utf-8"})


def _caller(call: Call, token: str | None) -> Caller:
    """Whose key it is. The key of an archived user is dead, and says no more than any other."""
    if token is None:
        raise errors.refusal(
            "Unauthorized", "User not authenticated, use an API Key with a Bearer Authorization header."
        )
    try:
        found = keys.caller(call.world, token)
    except Refused as refused:
        raise errors.refusal("Unauthorized", errors.BAD_KEY) from refused
    sql = "SELECT 1 FROM users WHERE id = ? AND status = 'active' AND deleted_at IS NULL"
    if call.world.one(sql, found.user_id) is None:
        raise errors.refusal("Unauthorized", errors.BAD_KEY)
    if "weak_credential" in call.fired:
        return Caller(found.key_id, found.key_name, found.scopes, found.user_id, found.email, "member")
    return found


def _body(request: Request) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(request.body or b"{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
        raise errors.refusal("BadRequest", f"could not parse the body as json: {error}") from error
    if not isinstance(found, dict):
        return {}  # any other JSON is a call without arguments
    if not isinstance(found.get("context") or {}, dict):
        raise errors.bad_value("context is no dictionary")
    return found


def _noted(given: dict[str, Any]) -> dict[str, Any]:
    """What the log may have of a body: a context can hold the caller's password."""
    return {name: said for name, said in given.items() if name != "context"}
