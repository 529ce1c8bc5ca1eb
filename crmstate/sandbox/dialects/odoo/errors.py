"""What the vendor says when it refuses: an exception of Odoo's or of its web server's by name, under the status that it has
there, in the one shape that JSON-2 has for errors; and pages of HTML where no database answers.

Statuses mislead on purpose: a RedirectWarning and a field that a model does not have are 500 although trying again never helps.
"""

from __future__ import annotations

from html import escape
from typing import Any

import msgspec

from ...wire import Refused, Reply

ODOO, WERKZEUG, PYTHON = "odoo.exceptions", "werkzeug.exceptions", "builtins"
EXCEPTIONS: dict[str, tuple[str, int]] = {
    "AccessDenied": (ODOO, 403),
    "AccessError": (ODOO, 403),
    "MissingError": (ODOO, 404),
    "UserError": (ODOO, 422),
    "ValidationError": (ODOO, 422),
    "RedirectWarning": (ODOO, 500),
    "ValueError": (PYTHON, 500),
    "TypeError": (PYTHON, 500),
    "AssertionError": (PYTHON, 500),
    "InvalidTextRepresentation": ("psycopg2.errors", 500),
    "InvalidRowCountInLimitClause": ("psycopg2.errors", 500),
    "BadRequest": (WERKZEUG, 400),
    "Unauthorized": (WERKZEUG, 401),
    "NotFound": (WERKZEUG, 404),
    "UnprocessableEntity": (WERKZEUG, 422),
}
"""By the exception's name: where it is from, and the status that it answers with."""
NO_DATABASE, NO_PAGE, NO_JSON = "no database", "no page", "no json"

# What the World and its faults refuse, in this vendor's exceptions.
_OWN = {
    "invalid": "BadRequest",
    "unauthenticated": "Unauthorized",
    "key_revoked": "Unauthorized",
    "token_expired": "Unauthorized",
    "forbidden": "AccessError",
    "conflict": "UserError",
}
REFUSED = "Database deletion error: Access Denied"
"""How the pages about databases refuse, in HTTP 200."""
BAD_KEY = "Invalid apikey"
IN_USE = (
    "The operation cannot be completed: Another model is using the record you are trying to delete.\n\n"
    "How about archiving the record instead?"
)
_TRACE = (
    'Traceback (most recent call last):\n  File "/opt/odoo/odoo/http.py", line 2212, in _transactioning\n'
    "    return service_model.retrying(func, env=self.env)\n{module}.{name}: {message}\n"
)


def refusal(name: str, message: str) -> Refused:
    """A refusal as one of `EXCEPTIONS`."""
    return Refused(name, message)


def bad_value(message: str) -> Refused:
    """What a call cannot mean: a field that there is not, a domain that is none."""
    return refusal("ValueError", message)


def missing(model: str, numbers: list[int], user: int) -> Refused:
    """One stale id is enough."""
    shown = ", ".join(map(str, numbers)) + ("," if len(numbers) == 1 else "")
    return refusal(
        "MissingError", f"Record does not exist or has been deleted.\n(Record: {model}({shown}), User: {user})"
    )


def denied(operation: str, label: str, model: str) -> Refused:
    """Nobody's groups let the caller do this with a model."""
    words = {"read": "access", "write": "modify", "create": "create", "unlink": "delete"}
    return refusal(
        "AccessError",
        f"You are not allowed to {words.get(operation, operation)} '{label}' ({model}) records.\n\n"
        "No group currently allows this operation.\n\nContact your administrator to request access if necessary.",
    )


def as_reply(refused: Refused) -> Reply:
    """`{name, message, arguments, context, debug}`; a page of HTML from the server in front of it, or where there is no
    database."""
    if refused.code in ("throttled", "quota_exhausted"):
        return _page(429, "Too Many Requests", refused.message, refused.headers)
    if refused.code == "unavailable":
        return _page(502, "Bad Gateway", refused.message, refused.headers)
    if refused.code == "rejected":
        return _page(200, "Odoo", REFUSED, refused.headers)
    if refused.code in (NO_DATABASE, NO_PAGE, "not_found"):
        return _page(404, "404 Not Found", "The requested URL was not found on the server.", {})
    if refused.code == NO_JSON:
        return _page(415, "415 Unsupported Media Type", "Request inferred type is compatible with ['http'].", {})
    name = _OWN.get(refused.code, refused.code)
    module, status = EXCEPTIONS.get(name, (PYTHON, 500))
    arguments: list[Any] = [refused.message, status] if module == WERKZEUG else [refused.message]
    said = {
        "name": f"{module}.{name}",
        "message": refused.message,
        "arguments": arguments,
        "context": {},
        "debug": _TRACE.format(module=module, name=name, message=refused.message),
    }
    return Reply(status, msgspec.json.encode(said), {"Content-Type": "application/json; charset=utf-8"})


def _page(status: int, title: str, text: str, headers: dict[str, str]) -> Reply:
    page = f"<!doctype html>\n<html lang=en>\n<title>{title}</title>\n<h1>{title}</h1>\n<p>{escape(text)}</p>\n"
    return Reply(status, page.encode(), {"Content-Type": "text/html; charset=utf-8", **headers})
