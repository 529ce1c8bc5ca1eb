"""A wire to Jiandaoyun's provider that ends in the test: answers are given by a function of path and body, and what was
asked is remembered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from crmstate.core.secret import Scrubber, Secret
from crmstate.providers.jiandaoyun import provider
from crmstate.providers.kit.connect import connect

from .vendor import Patience, Straight, Toy, ok

Body = dict[str, Any]
Say = Callable[[str, Body], Any]
APP, FORM = "59264073a2a60c0c08e20bfb", "59264073a2a60c0c08e20bfd"
DATASET = f"{APP}/{FORM}"


class Refused:
    """A refusal in the vendor's manner; `body` None for the vendor's JSON, bytes for anything else."""

    def __init__(self, code: int, status: int = 400, body: bytes | None = None) -> None:
        self.status = status
        self.body = json.dumps({"code": code, "msg": "不行"}).encode() if body is None else body


class Asked:
    """The requests so far: path, body, and the headers in lower case."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Body, str]] = []

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.all]

    def bodies(self, path: str) -> list[Body]:
        return [body for asked, body, _ in self.all if asked == path]


@contextmanager
def talking(say: Say, use: Any = "write", tenant: str | None = APP) -> Iterator[tuple[Any, Asked, Patience]]:
    """A session whose vendor says so: JSON, `Refused`, or raw bytes of a body; None closes without an answer."""
    asked = Asked()

    def answer(heard: str) -> bytes:
        head, _, body = heard.partition("\n")
        head, body = heard[: heard.index("\r\n")], heard.rpartition("\n")[2]
        method, path, _ = head.split(" ")
        given = json.loads(body) if body.strip().startswith("{") else {}
        asked.all.append((path, given, heard.lower()))
        assert method == ("GET" if path.startswith("/files") else "POST")
        found = say(path, given)
        if found is None:
            return b""
        if isinstance(found, Refused):
            return ok(found.body, f"{found.status} No")
        return ok(found if isinstance(found, bytes) else json.dumps(found, ensure_ascii=False).encode())

    toy = Toy(answer)
    scrubber = Scrubber()
    credential: Mapping[str, Secret] = {"api_key": Secret("key-of-the-test")}
    clock = Patience()
    session = connect(
        provider, toy.url, credential, use, effects=Straight(), clock=clock, learn=scrubber.learn,
        scrub=scrubber.scrub, tenant=tenant, timeout=5.0, hosts=("127.0.0.1",),
    )  # fmt: skip
    asked.url = toy.url  # type: ignore[attr-defined]
    try:
        yield session, asked, clock
    finally:
        session.close()
        toy.close()
