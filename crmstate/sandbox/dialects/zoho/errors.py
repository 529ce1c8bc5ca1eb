"""What the vendor says when it refuses: `{"code", "details", "message", "status": "error"}` under a status, or the same
as one item of a list.

Source: the fact sheet, and the errors of the published descriptions. No answer says how long to wait, and none has the
number of a request.
"""

from __future__ import annotations

from html import escape
from typing import Any

import msgspec

from ...wire import Refused, Reply

REMAINING = "X-API-CREDITS-REMAINING"
INVALID_ID = "the id given seems to be invalid"
TEXTS = {
    "INVALID_TOKEN": (401, "invalid oauth token"),
    "OAUTH_SCOPE_MISMATCH": (401, "invalid oauth scope to access this URL"),
    "NO_PERMISSION": (403, "permission denied"),
    "INVALID_URL_PATTERN": (404, "Please check if the URL trying to access is a correct one"),
    "INVALID_REQUEST_METHOD": (400, "The http request method type is not a valid one"),
    "INVALID_MODULE": (400, "the module name given seems to be invalid"),
    "INVALID_DATA": (400, "invalid data"),
    "INVALID_REQUEST": (400, "invalid request"),
    "NOT_ALLOWED": (400, "You are not allowed to perform this operation."),
    "REQUIRED_PARAM_MISSING": (400, "One of the expected parameter is missing"),
    "MANDATORY_NOT_FOUND": (400, "required field not found"),
    "LIMIT_EXCEEDED": (400, "limit exceeded"),
    "TOO_MANY_REQUESTS": (429, "Too many requests fired in concurrency or the credits of 24 hours are used up"),
    "INTERNAL_ERROR": (500, "Internal Server Error"),
}
"""Codes with the status that they come under and their text, where no call has one of its own."""

# What the World and its faults refuse, in this vendor's words.
_OWN = {
    "invalid": "INVALID_DATA",
    "not_found": "INVALID_URL_PATTERN",
    "unauthenticated": "INVALID_TOKEN",
    "key_revoked": "INVALID_TOKEN",
    "token_expired": "INVALID_TOKEN",
    "account_closed": "INVALID_TOKEN",
    "forbidden": "NO_PERMISSION",
    "rejected": "INVALID_REQUEST",
    "conflict": "NOT_ALLOWED",
    "throttled": "TOO_MANY_REQUESTS",
    "quota_exhausted": "TOO_MANY_REQUESTS",
}
# The item of a batch that fails on purpose, by the World's code: (code, message). Which code a record has for it is a
# guess, but for the one that is not there.
ITEMS = {
    "not_found": ("INVALID_DATA", INVALID_ID),
    "rejected": ("NOT_ALLOWED", TEXTS["NOT_ALLOWED"][1]),
    "conflict": ("NOT_ALLOWED", TEXTS["NOT_ALLOWED"][1]),
    "forbidden": ("NO_PERMISSION", TEXTS["NO_PERMISSION"][1]),
    "unavailable": ("INTERNAL_ERROR", TEXTS["INTERNAL_ERROR"][1]),
}


def refusal(code: str, message: str | None = None, *, status: int | None = None, **details: Any) -> Refused:
    """A refusal with one of the vendor's codes; `details` are its own."""
    usual, text = TEXTS.get(code, (400, code))
    return Refused(code, message or text, status=status or usual, details=details)


def item(code: str, message: str, **details: Any) -> dict[str, Any]:
    """One item that failed."""
    return {"code": code, "details": details, "message": message, "status": "error"}


def done(message: str, **details: Any) -> dict[str, Any]:
    """One item that was done."""
    return {"code": "SUCCESS", "details": details, "message": message, "status": "success"}


def inside(name: str, refused: Refused) -> Reply:
    """A refusal as the one item of a list, as calls on users have it."""
    details: dict[str, Any] = refused.extra.get("details", {})  # type: ignore[assignment]
    status: int = refused.extra.get("status", 400)  # type: ignore[assignment]
    return json({name: [item(refused.code, refused.message, **details)]}, status)


def as_reply(refused: Refused) -> Reply:
    """The refusal of a whole call."""
    if refused.code == "unavailable":
        return json(item("INTERNAL_ERROR", escape(refused.message)), 500)
    if refused.code.isupper():
        details: dict[str, Any] = refused.extra.get("details", {})  # type: ignore[assignment]
        status: int = refused.extra.get("status", 400)  # type: ignore[assignment]
        reply = json(item(refused.code, refused.message, **details), status)
        reply.headers.update(refused.headers)
        return reply
    code = _OWN.get(refused.code, "INVALID_REQUEST")
    found = json(item(code, TEXTS[code][1]), TEXTS[code][0])
    if refused.code == "quota_exhausted":
        found.headers[REMAINING] = "0"
    return found


def json(value: object, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(value), {"Content-Type": "application/json;charset=UTF-8"})


def nothing() -> Reply:
    """204: there is none."""
    return Reply(204, b"", {})
