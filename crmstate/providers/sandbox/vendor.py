"""How the sandbox talks: errors, tokens, its clock, and who a credential is. docs/reference/sandbox-api.md."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Limits, Provider
from crmstate.core.secret import Secret
from crmstate.core.survey import Identity
from crmstate.core.words import Kind, Verb
from crmstate.providers.kit import Answer, Call, Dialect, Grant

PAGE = "docs/reference/sandbox-api.md"
LISTINGS, BATCHES, DATA = f"{PAGE}#listings", f"{PAGE}#batches", f"{PAGE}#data"
CONTRACT = f"{PAGE}#subscription-and-account"

IDS = 100
"""Most ids in one call."""


class Error(msgspec.Struct):
    code: str
    message: str = ""
    request_id: str | None = None
    resets_at: str | None = None


class _Refusal(msgspec.Struct):
    error: Error


_REFUSALS = msgspec.json.Decoder(_Refusal)


class _Token(msgspec.Struct):
    access_token: str


class _Clock(msgspec.Struct):
    now: datetime


CODES = {
    "invalid": Code.REJECTED,
    "unauthenticated": Code.EXPIRED,
    "token_expired": Code.EXPIRED,
    "key_revoked": Code.EXPIRED,
    "account_closed": Code.EXPIRED,
    "forbidden": Code.DENIED,
    "not_found": Code.MISSING,
    "conflict": Code.CONFLICT,
    "rejected": Code.REJECTED,
    "throttled": Code.THROTTLED,
    "quota_exhausted": Code.EXHAUSTED,
    "unavailable": Code.UNAVAILABLE,
}


def classify(answer: Answer) -> Failure | None:
    """By the vendor's own code. An answer without one tells nothing (UNAVAILABLE), whatever its status; except 429,
    which any proxy in between may give, and which means that nothing happened."""
    if 200 <= answer.status < 300:
        return None
    try:
        error = _REFUSALS.decode(answer.body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        code = Code.THROTTLED if answer.status == 429 else Code.UNAVAILABLE
        return Failure(code, f"status {answer.status}, in words that are not the vendor's")
    if answer.status >= 500:
        return Failure(Code.UNAVAILABLE, error.message, request_id=error.request_id, vendor=error.code)
    code = CODES.get(error.code, Code.UNAVAILABLE)
    return Failure(code, error.message, until=error.resets_at, request_id=error.request_id, vendor=error.code)


def _login(call: Call, credential: Any) -> Grant:
    body = {"refresh_token": credential["refresh_token"].reveal()}
    return Grant(Secret(call.post("/v1/token", body, into=_Token).value.access_token))


def _now(call: Call) -> datetime:
    return call.get("/v1/clock", into=_Clock).now


provider = Provider(
    name="sandbox",
    title="Sandbox CRM",
    credential=("token", "refresh_token"),
    env=("SANDBOX_",),
    hosts=("127.0.0.1", "localhost"),
    removal={Kind.USER: Verb.DEACTIVATE},
    limits=Limits(page=1000),
    source=PAGE,
    own_clock=True,
    dialect=Dialect(
        classify=classify,
        login=_login,
        login_needs=("refresh_token",),
        login_requests=("POST /v1/token",),
        renews=lambda failure: failure.vendor == "token_expired",
        clock=_now,
        clock_requests=("GET /v1/clock",),
    ),
)


class _Tenant(msgspec.Struct):
    id: str
    name: str | None = None


class _Me(msgspec.Struct):
    id: str
    role: str
    email: str | None = None


class _Key(msgspec.Struct):
    id: str
    scopes: list[str]


class _Whoami(msgspec.Struct):
    tenant: _Tenant
    user: _Me
    key: _Key


@provider.reads(Kind.TENANT, Verb.WHOAMI, "GET /v1/whoami", source=f"{PAGE}#identity")
def whoami(call: Call) -> Identity:
    """The whole view belongs to owners and administrators with the scope `read`; a member's key sees only what is its
    own."""
    found = call.get("/v1/whoami", into=_Whoami)
    scopes, role = found.key.scopes, found.user.role
    return Identity(
        use="",
        tenant=found.tenant.id,
        tenant_name=found.tenant.name or "",
        user=found.user.id,
        key=found.key.id,
        email=found.user.email or "",
        may_write="write" in scopes,
        whole_view=role in {"owner", "admin"} and "read" in scopes,
        rights=(role, *scopes),
    )


@provider.reads(Kind.API_KEY, Verb.PROBE, "GET /v1/whoami", source=f"{PAGE}#authentication")
def probe(call: Call) -> None:
    """Raises EXPIRED when the key is dead."""
    call.get("/v1/whoami", into=_Whoami)


def utc(moment: datetime) -> str:
    """ISO 8601 with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
