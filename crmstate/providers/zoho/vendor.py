"""How one talks to Zoho CRM: a token for a refresh token, and what it is sent with."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from crmstate.core.provider import Provider
from crmstate.core.secret import Secret
from crmstate.core.words import Against, Kind, Verb
from crmstate.providers.kit import Call, Dialect, Grant, Request
from crmstate.providers.zoho.addresses import CENTRES, TOKEN, accounts, login_at
from crmstate.providers.zoho.errors import classify
from crmstate.providers.zoho.limits import LIMITS
from crmstate.providers.zoho.sources import SPEC


class _Token(msgspec.Struct):
    access_token: str
    api_domain: str | None = None
    expires_in: float = 3600


def _login(call: Call, credential: Mapping[str, Secret]) -> Grant:
    """A new access token. The answer says where the org's API is, whatever was configured."""
    fields = {name: credential[name].reveal() for name in ("client_id", "client_secret", "refresh_token")}
    form = {"grant_type": "refresh_token", **fields}
    found: _Token = call.send("POST", TOKEN, form=form, into=_Token).value
    origin = found.api_domain.rstrip("/") if found.api_domain else None
    return Grant(Secret(found.access_token), origin=origin, lasts=found.expires_in)


def _authorise(request: Request, access: Secret) -> Request:
    return request.with_header("Authorization", f"Zoho-oauthtoken {access.reveal()}")


provider = Provider(
    name="zoho",
    title="Zoho CRM",
    credential=("client_id", "client_secret", "refresh_token", "access_token"),
    env=("ZOHO_",),
    hosts=tuple(f"{kind}.zohoapis.{end}" for end in CENTRES for kind in ("www", "sandbox")),
    address="https://www.zohoapis.eu",
    tenant="the zgid of the org, as `GET /crm/v8/org` names it",
    removal={Kind.USER: Verb.DEACTIVATE},
    limits=LIMITS,
    source=SPEC,
    against=Against.DESCRIPTION,
    dialect=Dialect(
        classify=classify,
        authorise=_authorise,
        access="access_token",
        login=_login,
        login_needs=("client_id", "client_secret", "refresh_token"),
        login_requests=(f"POST {TOKEN}",),
        login_at=login_at,
        token_hosts=tuple(f"download-accl.{accounts(end)}" for end in CENTRES),
        renews=lambda failure: failure.vendor in {"INVALID_TOKEN", "AUTHENTICATION_FAILURE"},
        request_id="",
    ),
)
