"""How Tryton talks: one address for every call, errors inside answers that say 200, errors as pages, and a session that
ends."""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Limits, Provider
from crmstate.core.secret import MASK, Secret
from crmstate.core.words import Against, Kind, Verb
from crmstate.providers.kit import Answer, Call, Dialect, Grant, Request

T = TypeVar("T")

MEASURED = "Tryton 8.0, measured"
SEEN = "2026-11-28"
"""When the cells that say so were seen to work on a real server."""

DOOR = "/rpc/"
BATCH = 1000
EVERYTHING = {"active_test": False, "language": "en"}
"""The context of calls about structure: inactive rows hide without it, and refusals come in the user's language."""

AS_WRITTEN = {"active_test": False}
"""The context of rows: texts in the user's own language, as its screen shows them."""


def methods(*names: str) -> tuple[str, ...]:
    """What a cell declares for RPC methods. The database, a part of the configured address, stands as `*`."""
    return tuple(f"POST /*{DOOR}#{name}" for name in names)


class Said(msgspec.Struct, Generic[T]):
    """An answer that is none of the errors."""

    result: T


def body(method: str, *params: object) -> dict[str, object]:
    """Exactly these three keys: with any other the server answers errors as pages."""
    return {"id": 1, "method": method, "params": list(params)}


def look(call: Call, method: str, *params: object, into: type[T], context: Mapping[str, object] = EVERYTHING) -> T:
    """Calls a method that only reads."""
    return call.look(DOOR, body(method, *params, dict(context)), into=Said[into]).result  # type: ignore[valid-type]


def act(call: Call, method: str, *params: object) -> None:
    """Calls a method that changes something; Tryton does it whole or not at all."""
    call.post(DOOR, body(method, *params, dict(EVERYTHING)), into=Said[Any])


def search(
    call: Call,
    model: str,
    domain: list[Any],
    fields: list[str],
    into: type[T],
    limit: int | None = None,
    context: Mapping[str, object] = EVERYTHING,
) -> list[T]:
    """The rows of a model, in the order of their ids."""
    params = (domain, 0, limit, [["id", "ASC"]], fields)
    return look(call, f"model.{model}.search_read", *params, into=list[into], context=context)  # type: ignore[valid-type]


def count(call: Call, model: str, domain: list[Any]) -> int:
    """How many rows of a model there are, inactive ones included."""
    return look(call, f"model.{model}.search_count", domain, into=int)


def number(remote_id: str) -> int | None:
    """An id as Tryton counts; None for what can be no id of its."""
    return int(remote_id) if re.fullmatch(r"[0-9]{1,18}", remote_id) else None


def numbers(ids: tuple[str, ...]) -> list[int]:
    """The ids that can be ids at all."""
    return [found for each in ids if (found := number(each)) is not None]


class _Refusal(msgspec.Struct):
    error: Any = msgspec.UNSET


_REFUSALS = msgspec.json.Decoder(_Refusal)
_STATUSES = {
    400: Code.REJECTED,
    401: Code.EXPIRED,
    403: Code.DENIED,
    404: Code.DENIED,  # only a database, or an address, that is not there
    405: Code.DENIED,
    409: Code.CONFLICT,
    413: Code.REJECTED,
    416: Code.MISSING,  # a page past the end
    422: Code.REJECTED,
    423: Code.CONFLICT,
    429: Code.THROTTLED,
}
_OURS = {401: "the login, or its session, is not accepted", 404: "there is no such database at this address"}
"""What these pages mean here; their own words advise about browsers and spelling."""

_LOCKED_OUT = 301.0
"""Seconds after which a login that failed too often may be tried again (the server's `session.timeout`, 300)."""

_KEYISH = re.compile(r"[0-9a-f]{32,}")
"""A refusal to cancel a key quotes the key itself, in clear: `You can not call "cancel" on "7a05…"`."""


def classify(answer: Answer) -> Failure | None:
    """RPC errors come with 200 and a list; everything else is a page. A missing database is 503, like an outage."""
    if answer.status == 200:
        return _refusal(answer.body)
    if 200 <= answer.status < 300:
        return None
    text = _OURS.get(answer.status) or _words(answer.body) or f"status {answer.status}"
    code = _STATUSES.get(answer.status, Code.UNAVAILABLE)
    if answer.status == 503 and "doesn't exist" in text and "Database" in text:
        code, text = Code.DENIED, _OURS[404]
    wait = _LOCKED_OUT if code is Code.THROTTLED and "exceeded an allotted request count" in text else None
    return Failure(code, _KEYISH.sub(MASK, text), retry_after=wait, vendor=str(answer.status))


def _refusal(raw: bytes) -> Failure | None:
    try:
        error = _REFUSALS.decode(raw).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # no JSON, or cut: the kit says so
    if error is msgspec.UNSET:
        return None
    name, said = _parts(error)
    text = _KEYISH.sub(MASK, said)
    return Failure(_meaning(name, text), text, vendor=name)


def _parts(error: object) -> tuple[str, str]:
    """The name of an error and its sentence: `["UserError", ["what", "more", null]]`, `["ConcurrencyException",
    "what"]`; of an exception that nobody foresaw its text and a trace: `["'nofield'", ""]`."""
    if not isinstance(error, list) or not error:
        return "exception", ""
    name, rest = str(error[0]), error[1] if len(error) > 1 else ""
    if name not in {"UserError", "UserWarning", "LoginException", "ConcurrencyException"}:
        return "exception", name
    texts = rest if isinstance(rest, list) else [rest]
    first = 1 if name in {"UserWarning", "LoginException"} else 0  # these begin with a name of their own
    return name, " ".join(str(text) for text in texts[first : first + 2] if text)


def _meaning(name: str, text: str) -> Code:
    """What a caller does next. A question that Tryton asks of a person (UserWarning) is a refusal here; an exception
    that nobody foresaw may come after the change was made."""
    if name == "LoginException" or text.startswith(("You are not allowed", "Calling button")):
        return Code.DENIED
    if name == "ConcurrencyException" or text.startswith(("You are trying to", "You can not call")):
        return Code.CONFLICT  # rows that went, or moved on, since we looked
    return Code.REJECTED if name in {"UserError", "UserWarning"} else Code.UNAVAILABLE


def _words(raw: bytes) -> str:
    """The sentence of an error's page."""
    page = raw[:20_000].decode("utf-8", "replace")
    said = " ".join(re.findall(r"<p>(.*?)</p>", page, re.S)) or re.sub(r"<[^>]*>", " ", page)
    return " ".join(html.unescape(said).split())


def _authorise(request: Request, access: Secret) -> Request:
    return request.with_header("Authorization", f"Session {access.reveal()}")


def _name(request: Request) -> str:
    called = request.json.get("method", "") if isinstance(request.json, dict) else ""
    return f"{request.method} /*{request.path}#{called}"


def _login(call: Call, credential: Any) -> Grant:
    """A session. The server looks at its number and its key; the name in it is for its log, and holds no colon."""
    name = credential["login"].reveal()
    asked = body("common.db.login", name, {"password": credential["password"].reveal()})
    user, key, *_ = call.post(DOOR, asked, into=Said[tuple[int, str, Any]]).value.result
    access = b64encode(f"{name.replace(':', '')}:{user}:{key}".encode()).decode()
    return Grant(Secret(access), user=str(user))


provider = Provider(
    name="tryton",
    title="Tryton",
    credential=("login", "password"),
    env=("TRYTON_",),
    # Everybody runs a Tryton of their own, so no host is the vendor's: this machine's, and those that the operator
    # allows outside the repository. A pattern that fits all would let any manifest send the password anywhere.
    hosts=("127.0.0.1", "localhost"),
    removal={Kind.USER: Verb.DEACTIVATE},
    limits=Limits(page=500),
    source=MEASURED,
    plain=("login",),
    address="https://crm.example.com/DATABASE",
    against=Against.SYSTEM,
    dialect=Dialect(
        classify=classify,
        authorise=_authorise,
        access=None,
        login=_login,
        login_needs=("login", "password"),
        login_requests=methods("common.db.login"),
        renews=lambda failure: failure.code is Code.EXPIRED,
        name=_name,
        request_id="",
    ),
)
