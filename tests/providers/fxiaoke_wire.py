"""A wire to FXiaoke's provider that ends in the test: answers are given by a function of path and body, and what was asked is
remembered. The sign-in answers as the examples do, unless the function is asked for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crmstate.core.secret import Scrubber, Secret
from crmstate.providers.fxiaoke import provider
from crmstate.providers.fxiaoke.vendor import OLD_TOKEN, TOKEN
from crmstate.providers.kit.connect import connect

from .vendor import Patience, Straight, Toy, ok

Body = dict[str, Any]
Say = Callable[[str, Body], Any]
SIGN_IN = {
    TOKEN: {
        "openUserId": "FSCID_x",
        "accessToken": "token-of-the-test",
        "expiresIn": 7084,
        "appId": "FSAID_1",
        "ea": "acme",
    },
    OLD_TOKEN: {"corpAccessToken": "older-token-of-the-test", "corpId": "FSCID_acme", "expiresIn": 7200},
}
FIELDS = {"app_id": "FSAID_1", "app_secret": "secret-of-the-test", "permanent_code": "code-of-the-test"}
PRESENT, OLDER = {**FIELDS, "user_id": "1000"}, {**FIELDS, "open_user_id": "FSUID_own"}


class Refused:
    """A refusal in the vendor's manner: 200 and a code."""

    def __init__(self, code: int, message: str = "不行", status: int = 200) -> None:
        self.code = code
        self.message = message
        self.status = status

    @property
    def body(self) -> bytes:
        return json.dumps({"errorCode": self.code, "errorMessage": self.message, "traceId": "T1"}).encode()


class Raw:
    """Any answer at all."""

    def __init__(self, body: bytes, status: int = 200, *headers: str) -> None:
        self.body = body
        self.status = status
        self.headers = headers


class Heard:
    """One request: path, query, headers in lower case, body."""

    def __init__(self, text: str) -> None:
        head, _, body = text.partition("\n{")
        first, *lines = head.rstrip("\n").split("\r\n")
        self.method, target, _ = first.split(" ")
        self.path = urlsplit(target).path
        self.query = {name: value for name, (value,) in parse_qs(urlsplit(target).query).items()}
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.body: Body = json.loads("{" + body) if body else {}


class Asked:
    """The requests so far, those of the sign-in apart."""

    def __init__(self) -> None:
        self.all: list[Heard] = []
        self.sign_ins: list[Heard] = []

    @property
    def paths(self) -> list[str]:
        return [each.path for each in self.all]

    def bodies(self, path: str) -> list[Body]:
        return [each.body for each in self.all if each.path == path]


@contextmanager
def talking(
    say: Say, use: Any = "write", credential: Mapping[str, str] = PRESENT, attested: bool = False, **changes: Any
) -> Iterator[tuple[Any, Asked, Patience]]:
    """A session whose vendor says so: JSON that lacks the envelope, `Refused`, or `Raw`; None closes without an answer."""
    asked = Asked()

    def answer(text: str) -> bytes:
        heard = Heard(text)
        assert heard.method == "POST", "this vendor knows POST alone"
        signs_in = heard.path in SIGN_IN
        (asked.sign_ins if signs_in else asked.all).append(heard)
        try:
            found = say(heard.path, heard.body)
        except KeyError:
            found = SIGN_IN[heard.path]
        if found is None:
            return b""
        if isinstance(found, Refused | Raw):
            return ok(found.body, f"{found.status} So", *getattr(found, "headers", ()))
        envelope = {"traceId": "T0", "errorDescription": "success", "errorMessage": "OK", "errorCode": 0}
        return ok(json.dumps({**envelope, **found}, ensure_ascii=False).encode())

    toy = Toy(answer)
    scrubber = Scrubber()
    clock = Patience()
    session = connect(
        provider, toy.url, {name: Secret(text) for name, text in credential.items()}, use, effects=Straight(), clock=clock,
        learn=scrubber.learn, scrub=scrubber.scrub, tenant="acme", timeout=5.0, hosts=("127.0.0.1",), attested=attested,
    )  # fmt: skip
    try:
        yield session, asked, clock
    finally:
        session.close()
        toy.close()
