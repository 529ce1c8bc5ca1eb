"""A wire to Zoho's provider that ends in the test: answers are given by a function of method, path and query, and what was
asked is remembered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from crmstate.core.secret import Scrubber, Secret
from crmstate.providers.kit.connect import connect
from crmstate.providers.kit.kept import Kept
from crmstate.providers.zoho import provider

from .vendor import Patience, Straight, Toy, ok

ZGID, ME, PRIMARY = "10000123", "5000000000000000001", "700123"
DIRECT = {"access_token": "1000.access-token-of-the-test"}
REFRESHED = {
    "client_id": "1000.CLIENT",
    "client_secret": "secret-of-the-client",
    "refresh_token": "1000.refresh-token-of-the-test",
}
ORG = {
    "zgid": ZGID,
    "company_name": "Acme",
    "type": "production",
    "primary_zuid": PRIMARY,
    "license_details": {
        "paid": True,
        "paid_type": "enterprise",
        "paid_expiry": "2027-03-31T00:00:00+00:00",
        "trial_type": None,
        "trial_expiry": None,
        "users_license_purchased": 25,
        "portal_users_license_purchased": 0,
    },
}


@dataclass(frozen=True)
class Asked:
    """One request as the vendor saw it."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    token: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Said:
    """An answer of any status; `headers` as lines."""

    def __init__(self, status: int, body: Any = None, *headers: str) -> None:
        self.status, self.body, self.headers = status, body, headers


Say = Callable[[Asked], Any]


def refused(code: str, status: int = 400, message: str = "no", **details: Any) -> Said:
    return Said(status, {"code": code, "details": details, "message": message, "status": "error"})


def item(code: str, id: str | None = None, **details: Any) -> dict[str, Any]:
    """One result of a list: a success, or a refusal."""
    given = {**details, **({"id": id} if id else {})}
    status = "success" if code == "SUCCESS" else "error"
    return {
        "code": code,
        "details": given,
        "message": "record deleted" if code == "SUCCESS" else "no",
        "status": status,
    }


def page(name: str, rows: list[Any], more: bool = False, **info: Any) -> dict[str, Any]:
    return {name: rows, "info": {"per_page": 200, "count": len(rows), "page": 1, "more_records": more, **info}}


NONE = Said(204)
"""What an empty listing is."""


def org(asked: Asked) -> Any:
    """The org, and who asks."""
    if asked.path == "/crm/v8/org":
        return {"org": [ORG]}
    if asked.path == "/crm/v8/users" and asked.query.get("type") == "CurrentUser":
        return page(
            "users", [{"id": ME, "status": "active", "email": "me@acme.example", "profile": {"name": "Administrator"}}]
        )
    raise AssertionError(str(asked))


@contextmanager
def talking(
    say: Say,
    use: Any = "write",
    *,
    credential: Mapping[str, str] = DIRECT,
    url: str | None = None,
    attested: bool = True,
    kept: Kept | None = None,
) -> Iterator[tuple[Any, list[Asked], Patience]]:
    """A session whose vendor says so: JSON, `Said`, bytes, or None to close without an answer."""
    heard: list[Asked] = []

    def answer(text: str) -> bytes:
        head, body = text[: text.index("\r\n")], text.rpartition("\n")[2]
        method, target, _ = head.split(" ")
        parts = urlsplit(target)
        form = "application/x-www-form-urlencoded" in text.lower()
        given = dict(parse_qsl(body)) if form else json.loads(body) if body.strip().startswith("{") else None
        token = text.partition("uthorization: Zoho-oauthtoken ")[2].partition("\n")[0].strip()
        asked = Asked(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), given, token)
        heard.append(asked)
        found = say(asked)
        if found is None:
            return b""
        if not isinstance(found, Said):
            found = Said(200, found)
        raw = found.body if isinstance(found.body, bytes) else json.dumps(found.body, ensure_ascii=False).encode()
        return ok(b"" if found.body is None else raw, f"{found.status} Said", *found.headers)

    toy, scrubber, clock = Toy(answer), Scrubber(), Patience()
    session = connect(
        provider, url or toy.url, {name: Secret(text) for name, text in credential.items()}, use, effects=Straight(),
        clock=clock, learn=scrubber.learn, scrub=scrubber.scrub, tenant=ZGID, timeout=5.0, hosts=("127.0.0.1",),
        attested=attested, kept=kept,
    )  # fmt: skip
    try:
        yield session, heard, clock
    finally:
        session.close()
        toy.close()
