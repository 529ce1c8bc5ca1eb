"""Post: sends one JSON body to one address, once, and gives back a whole answer or says that it was lost.

It follows no redirect, reads no more than a little, and repeats nothing. What it calls never stands in an error: the
address of a chat's webhook is a secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from crmstate.core.ports import Effects

LARGEST = 64 * 1024
SECONDS = 20.0
HERE = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Lost(Exception):
    """No whole answer. `sent` false proves that nobody has seen the message."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("sent" if sent else "not sent")
        self.sent = sent


def post(effects: Effects, url: str, body: object, seconds: float = SECONDS) -> Answer:
    """The answer. Raises Lost."""
    return effects.do("http", "POST message", lambda: _post(url, body, seconds))


def _post(url: str, body: object, seconds: float) -> Answer:
    import httpx

    data = json.dumps(body, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "crmstate",
        "Accept-Encoding": "identity",
    }
    try:
        here = (urlsplit(url).hostname or "") in HERE
        with httpx.Client(timeout=seconds, follow_redirects=False, trust_env=not here) as client:
            ready = client.build_request("POST", url, content=data, headers=headers)
            return _read(client, ready)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL):
        raise Lost(sent=False) from None
    except httpx.HTTPError:
        raise Lost(sent=True) from None


def _read(client: object, ready: object) -> Answer:
    import httpx

    assert isinstance(client, httpx.Client) and isinstance(ready, httpx.Request)
    found = client.send(ready, stream=True)
    try:
        body = b""
        for piece in found.iter_raw():
            body += piece
            if len(body) > LARGEST:
                raise Lost(sent=True)
        return Answer(found.status_code, {name.lower(): value for name, value in found.headers.items()}, body)
    finally:
        found.close()
