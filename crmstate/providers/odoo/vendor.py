"""How Odoo talks: one address a method, a bearer key, bare JSON; errors by their name, under statuses that mislead."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Limits, Provider
from crmstate.core.words import Against, Kind, Verb
from crmstate.providers.kit import Answer, Call, Dialect

T = TypeVar("T")

MEASURED = "Odoo 19, measured"
SEEN = "2026-11-28"
"""When the cells that say so were seen to work on a real server."""

BATCH = 500
EVERYTHING = {"active_test": False}
"""The context of every call: archived rows hide without it, and no error says so. Refusals come in English."""

NO_ROW = "odoo.exceptions.MissingError"
NO_SUCH = "werkzeug.exceptions.NotFound"
"""What calls of a model or method that is not installed are answered with."""


def methods(*names: str) -> tuple[str, ...]:
    """What a cell declares for `model/method`."""
    return tuple(f"POST /json/2/{name}" for name in names)


def look(call: Call, model: str, method: str, into: type[T], **said: object) -> T:
    """Calls a method that only reads, with these named arguments."""
    found = call.send(
        "POST", f"/json/2/{model}/{method}", json=_body(said), into=into, headers=_where(call), looks=True
    )
    value: T = found.value
    return value


def act(call: Call, model: str, method: str, into: Any = Any, **said: object) -> Any:
    """Calls a method that changes something; Odoo does it whole or not at all."""
    return call.send("POST", f"/json/2/{model}/{method}", json=_body(said), into=into, headers=_where(call)).value


def _body(said: dict[str, Any]) -> dict[str, Any]:
    return {**said, "context": {**EVERYTHING, **said.get("context", {})}}


def _where(call: Call) -> dict[str, str]:
    """The database, for a server that has several: otherwise it goes by the address."""
    database = call.secret("database")
    return {} if database is None else {"X-Odoo-Database": database.reveal()}


def search(
    call: Call, model: str, domain: list[Any], fields: list[str], into: type[T], limit: int | None = None
) -> list[T]:
    """The rows of a model, in the order of their ids, archived ones included."""
    said = {"domain": domain, "fields": fields, "limit": limit, "order": "id"}
    return look(call, model, "search_read", list[into], **said)  # type: ignore[valid-type]


def count(call: Call, model: str, domain: list[Any]) -> int:
    """How many rows of a model this key sees, archived ones included."""
    return look(call, model, "search_count", int, domain=domain)


class _Model(msgspec.Struct):
    model: str
    count: int


def raw_counts(call: Call, models: list[str]) -> dict[str, int]:
    """How many rows the tables of these models have, whoever may see them: the server counts them in its database, past
    every rule. Models that are not installed are left out."""
    found = search(call, "ir.model", [["model", "in", models]], ["model", "count"], _Model)
    return {each.model: each.count for each in found}


def number(remote_id: str) -> int | None:
    """An id as Odoo counts; None for what can be no id of its."""
    return int(remote_id) if re.fullmatch(r"[0-9]{1,9}", remote_id) else None


def numbers(ids: tuple[str, ...]) -> list[int]:
    """The ids that can be ids at all."""
    return [found for each in ids if (found := number(each)) is not None]


class _Error(msgspec.Struct):
    name: str
    message: str = ""


_ERRORS = msgspec.json.Decoder(_Error)
_NAMES = {
    "odoo.exceptions.AccessError": Code.DENIED,
    "odoo.exceptions.AccessDenied": Code.DENIED,
    NO_ROW: Code.CONFLICT,  # rows that went since we looked; of which the call has refused all
    "odoo.exceptions.LockError": Code.CONFLICT,
    "odoo.exceptions.UserError": Code.REJECTED,
    "odoo.exceptions.ValidationError": Code.REJECTED,
    "odoo.exceptions.RedirectWarning": Code.REJECTED,  # 500, and for all that a refusal
    NO_SUCH: Code.DENIED,
    "werkzeug.exceptions.Unauthorized": Code.EXPIRED,
    "werkzeug.exceptions.Forbidden": Code.DENIED,
    "werkzeug.exceptions.UnprocessableEntity": Code.REJECTED,
    "werkzeug.exceptions.BadRequest": Code.REJECTED,
}
_STATUSES = {
    400: Code.REJECTED,
    401: Code.EXPIRED,
    403: Code.DENIED,
    404: Code.DENIED,  # only a database, or an address, that is not there
    405: Code.DENIED,
    413: Code.REJECTED,
    422: Code.REJECTED,
    429: Code.THROTTLED,
}
_OURS = {401: "the key is not accepted", 404: "there is no such database at this address"}
"""What pages of these statuses mean here."""

_PAGE = re.compile(rb"\s*<(!doctype|html)", re.I)


def classify(answer: Answer) -> Failure | None:
    """Errors go by their name: a missing row is 404, a question to a person 500. Of an error only its sentence is taken;
    `debug` is a trace, with paths. A page is never an answer, whatever its status: a refused drop of a database says 200."""
    good = 200 <= answer.status < 300
    if good and not _PAGE.match(answer.body):
        return None
    if good:
        return Failure(Code.REJECTED, f"a page instead of an answer: {_words(answer.body)}", vendor="page")
    try:
        error = _ERRORS.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = _OURS.get(answer.status) or _words(answer.body) or f"status {answer.status}"
        return Failure(_STATUSES.get(answer.status, Code.UNAVAILABLE), text, vendor=str(answer.status))
    code = _NAMES.get(error.name) or _STATUSES.get(answer.status, Code.UNAVAILABLE)
    return Failure(code, error.message or error.name, vendor=error.name)


def _words(raw: bytes) -> str:
    """The sentence of a page."""
    text = re.sub(r"(?s)<(style|script|title)\b.*?</\1>|<[^>]*>", " ", raw[:20_000].decode("utf-8", "replace"))
    return " ".join(text.split())[:200]


provider = Provider(
    name="odoo",
    title="Odoo",
    credential=("api_key", "password", "database"),
    env=("ODOO_",),
    # Everybody may run an Odoo of their own, and rent a name at the vendor's hosting, so no host is the vendor's: this
    # machine's, and those that the operator allows outside the repository.
    hosts=("127.0.0.1", "localhost"),
    removal={Kind.USER: Verb.DEACTIVATE},
    limits=Limits(page=1000),
    source=MEASURED,
    tenant="the database's uuid (database.uuid in its System Parameters)",
    plain=("database",),
    address="https://crm.example.com",
    against=Against.SYSTEM,
    dialect=Dialect(
        classify=classify,
        access="api_key",
        request_id="",
    ),
)
