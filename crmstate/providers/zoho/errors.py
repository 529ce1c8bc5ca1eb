"""What Zoho CRM refuses, and how it says so: in every status, item by item, and at the login in other words."""

from __future__ import annotations

from typing import Any

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.providers.kit import Answer

CODES = {
    "INVALID_TOKEN": Code.EXPIRED,
    "AUTHENTICATION_FAILURE": Code.EXPIRED,
    "OAUTH_SCOPE_MISMATCH": Code.DENIED,
    "NO_PERMISSION": Code.DENIED,
    "PERMISSION_DENIED": Code.DENIED,
    "AUTHORIZATION_FAILED": Code.DENIED,  # also "Either trial is expired or …"
    "TOO_MANY_REQUESTS": Code.THROTTLED,
    "RATE_LIMIT_EXCEEDED": Code.THROTTLED,
    "INTERNAL_ERROR": Code.UNAVAILABLE,
    "INTERNAL_SERVER_ERROR": Code.UNAVAILABLE,
    "SERVICE_UNAVAILABLE": Code.UNAVAILABLE,
    "NOT_SUBSCRIBED": Code.MISSING,
    "RESOURCE_NOT_FOUND": Code.MISSING,  # a job, or its result, that is not kept any more
    "RECORD_LOCKED": Code.CONFLICT,
    "RECORD_IN_BLUEPRINT": Code.CONFLICT,
}
"""The vendor's words that say more than no. Every other one is a refusal."""

NOT_THERE = "INVALID_DATA"
"""What a deletion says of an id that is none, or none any more."""


class Trouble(msgspec.Struct):
    """A refusal, of a request or of one item in it."""

    code: str
    status: str
    message: str | None = ""
    details: Any = None


class Head(msgspec.Struct):
    """What tells a refusal from an answer. `error` is how the accounts server says it, with HTTP 200."""

    code: str | None = None
    status: str | None = None
    message: str | None = ""
    error: str | None = None
    error_description: str | None = ""
    details: Any = None


_HEADS = msgspec.json.Decoder(Head)
ITEMS = msgspec.json.Decoder(dict[str, msgspec.Raw])
TROUBLES = msgspec.json.Decoder(list[Trouble])
_ONE = msgspec.json.Decoder(Trouble)


def classify(answer: Answer) -> Failure | None:
    """By the vendor's own code, whatever the status. Answers whose refusals stand item by item, with 200, 207 or 400, are
    answers: who asked reads every item's status."""
    status = answer.status
    if status == 204 and not answer.body:
        return None
    try:
        head = _HEADS.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if 200 <= status < 300:
            return None  # no JSON, or another shape: the kit says so
        return Failure(_of_status(status), f"status {status}, without a code of the vendor's", vendor=f"http.{status}")
    if head.error is not None:
        return _at_login(head, status)
    if head.code is not None and head.status == "error":
        return Failure(_meaning(head.code, answer), said(head.code, head.message), vendor=_word(head))
    if 200 <= status < 300 or (status == 400 and _itemised(answer.body)):
        return None
    first = (
        next(iter(_itemised(answer.body)), None) or _wrapped(answer.body) or Trouble("", "error", f"status {status}")
    )
    return Failure(_meaning(first.code, answer), said(first.code, first.message), vendor=first.code)


def _word(head: Head) -> str:
    """The vendor's code, and for a field that it refuses which one."""
    name = head.details.get("api_name") if isinstance(head.details, dict) else None
    return f"{head.code}:{name}" if head.code == "FIELD_NOT_SUPPORTED" else head.code or ""


def said(word: str, message: str | None) -> str:
    """The vendor's code and sentence as one."""
    return f"{word} {message or ''}".strip()


def _of_status(status: int) -> Code:
    return Code.THROTTLED if status == 429 else Code.UNAVAILABLE


def _meaning(word: str, answer: Answer) -> Code:
    """What a caller does next. 429 has no Retry-After: where no credit is left of the last 24 hours, waiting a little
    does not help."""
    if answer.status == 429:
        spent = answer.headers.get("x-api-credits-remaining", "").strip() == "0"
        return Code.EXHAUSTED if spent else Code.THROTTLED
    if answer.status >= 500:
        return Code.UNAVAILABLE
    return CODES.get(word, Code.DENIED if answer.status in {401, 403} else Code.REJECTED)


DEAD = frozenset({"invalid_code", "invalid_client", "invalid_client_secret", "invalid_token", "invalid_grant"})
"""What the accounts server says of a client or a token that it does not take. Other words of its say nothing of the token,
and prove no end of it."""


def _at_login(head: Head, status: int) -> Failure:
    """The accounts server's refusal of a login. An unknown client or token is what another data centre says of ours."""
    word = head.error or ""
    words = said(word, head.error_description)
    if status >= 500:
        return Failure(Code.UNAVAILABLE, words, vendor=word)
    if status == 429 or "too many" in words.lower():
        return Failure(Code.THROTTLED, words, vendor=word)
    if word not in DEAD:
        return Failure(Code.REJECTED, words, vendor=word)
    why = "the accounts server takes neither client nor token, or is another data centre's than the org's"
    return Failure(Code.EXPIRED, f"{words}: {why} (see `provider.url`)", vendor=word)


def _itemised(body: bytes) -> list[Trouble]:
    """The refusals of a body that holds nothing but a list of results; none where it is anything else."""
    try:
        (found,) = (raw for raw in ITEMS.decode(body).values() if bytes(raw).startswith(b"["))
        return TROUBLES.decode(found)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return []


def _wrapped(body: bytes) -> Trouble | None:
    """The refusal of a body that holds nothing but one result under a name, as those of a backup do."""
    try:
        (found,) = ITEMS.decode(body).values()
        return _ONE.decode(found)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return None


def refusal(trouble: Trouble) -> Failure:
    """One item's refusal."""
    code = CODES.get(trouble.code, Code.REJECTED)
    return Failure(code, said(trouble.code, trouble.message), vendor=trouble.code)
