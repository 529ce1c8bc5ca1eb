"""A client of the simulated Zoho CRM of its own, which holds every answer against the published descriptions."""

from __future__ import annotations

from typing import Any

import httpx

from crmstate.sandbox import World, app
from crmstate.sandbox.dialects.zoho import credential, dialect, ids
from crmstate.sandbox.dialects.zoho.vendor import Zoho

from . import zoho_specs

V8, BULK = "/crm/v8", "/crm/bulk/v8"


class Client:
    """Signs in as a key of the World and asks; gives (status, answer)."""

    def __init__(self, world: World, key: str = "k1", spoken: Zoho | None = None) -> None:
        self.world, self.key = world, world.credentials()[key]
        transport = httpx.WSGITransport(app=app(world, dialect=spoken or dialect(), cut=httpx.ReadError))
        self.http = httpx.Client(base_url="https://zoho.test", transport=transport)

    def sign_in(self, **changes: str) -> dict[str, Any]:
        given = {"grant_type": "refresh_token", **credential(self.key), **changes}
        answer = self.http.post("/oauth/v2/token", params=given)
        assert 200 == answer.status_code
        found: dict[str, Any] = answer.json()
        if "access_token" in found:
            self.http.headers["Authorization"] = f"Zoho-oauthtoken {found['access_token']}"
        return found

    def raw(self, method: str, path: str, **options: Any) -> httpx.Response:
        if "Authorization" not in self.http.headers:
            self.sign_in()
        answer = self.http.request(method, path, **options)
        if zoho_specs.SPECS is not None:
            kind = answer.headers.get("content-type", "")
            wrong = zoho_specs.unexplained(method, answer.url.path, answer.status_code, kind, answer.content)
            assert not wrong, wrong
        return answer

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        place = path if path.startswith(("/", "https://")) else f"{V8}/{path}"
        options: dict[str, Any] = {"params": query} if query else {}
        answer = self.raw(method, place, **options, **({} if body is None else {"json": body}))
        return answer.status_code, answer.json() if answer.content else None

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET that goes well."""
        status, found = self("GET", path, **query)
        assert 200 == status, found
        return found

    def code(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str]:
        """The status and the code of a call that is refused as a whole, or of its one item."""
        status, found = self(method, path, body, **query)
        if "code" not in found:
            ((found, *_),) = (value if isinstance(value, list) else [value] for value in found.values())
        return status, found["code"]


def at(id: str) -> str:
    """The vendor's id of a World's id."""
    return ids.written(id)
