"""A vendor in a test's own words: a real server on loopback whose answers are raw bytes, and a provider of a few
cells.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Limits, Page, Provider, Result
from crmstate.core.secret import Scrubber, Secret
from crmstate.core.survey import Identity, Resource
from crmstate.core.words import Kind, Outcome, Phase, Undo, Verb
from crmstate.providers.kit import HANDED_OUT, Answer, Call, Dialect, Grant
from crmstate.providers.kit.connect import connect
from crmstate.providers.kit.pages import Leaf, gather

Say = Callable[[str], bytes]


class Ids(msgspec.Struct):
    ids: list[str]
    next: str | None = None
    total: int | None = None


class Token(msgspec.Struct):
    token: str


def classify(answer: Answer) -> Failure | None:
    words = {401: Code.EXPIRED, 404: Code.MISSING, 409: Code.CONFLICT, 429: Code.THROTTLED}
    if answer.status < 300:
        return None
    code = words.get(answer.status, Code.UNAVAILABLE)
    return Failure(code, answer.body.decode("utf-8", "replace"), vendor=str(answer.status))


def _login(call: Call, credential: Any) -> Grant:
    found = call.post("/login", {"refresh": credential["refresh"].reveal()}, into=Token)
    return Grant(Secret(found.value.token), user=credential["login"].reveal() if "login" in credential else None)


def make(**changes: Any) -> Provider:
    """A provider that lists and deletes users over `/users`."""
    dialect = Dialect(
        classify=classify,
        login=_login,
        login_needs=("refresh",),
        login_requests=("POST /login",),
        renews=lambda failure: failure.code is Code.EXPIRED,
        **changes,
    )
    fields = ("token", "refresh", "login")
    made = Provider("toy", "Toy", fields, ("TOY_",), ("127.0.0.1",), {}, dialect=dialect, plain=("login",))

    @made.reads(Kind.TENANT, Verb.WHOAMI, "GET /me", source="here")
    def whoami(call: Call) -> Identity:
        call.get("/me")
        return Identity("", "t", may_write=True, whole_view=True)

    @made.reads(Kind.USER, Verb.LIST, "GET /users", source="here")
    def users(call: Call, ids: tuple[str, ...] | None) -> Any:
        def ask(cursor: str | None) -> Leaf:
            page = call.get("/users", {"cursor": cursor}, into=Ids)
            return Leaf([Resource(Kind.USER, id) for id in page.ids], page.next, page.total)

        return gather(Kind.USER, ask)

    @made.acts(
        Kind.USER,
        Verb.DELETE,
        undo=Undo.NEVER,
        after=Phase.ABSENT,
        batch=3,
        requests=("POST /users/delete",),
        source="here",
    )
    def delete(call: Call, batch: Batch) -> list[Result]:
        reply = call.post("/users/delete", {"ids": [item.id for item in batch.items]}, into=Ids)
        return [Result(id, Outcome.DONE, request_id=reply.request_id) for id in reply.value.ids]

    @made.acts(
        Kind.USER,
        Verb.DISABLE,
        undo=Undo.FREE,
        after=Phase.INACTIVE,
        batch=3,
        requests=("POST /users/disable", "POST /users/find"),
        source="here",
    )
    def disable(call: Call, batch: Batch) -> list[Result]:
        there = call.look("/users/find", {"ids": [item.id for item in batch.items]}, into=Ids)
        reply = call.post("/users/disable", {"ids": there.ids}, into=Ids)
        return [Result(id, Outcome.DONE, request_id=reply.request_id) for id in reply.value.ids]

    @made.reads(Kind.DATASET, Verb.READ, HANDED_OUT, source="here", fetch=lambda call, file: call.stream(file.url))
    def rows(call: Call, dataset: str, cursor: str | None, ids: tuple[str, ...] | None) -> Page:
        return Page((), None)

    return made


class Patience:
    """A clock whose sleeps take no time; safe between threads."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> Any:
        from datetime import UTC, datetime

        return datetime(2026, 11, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Straight:
    def do(self, kind: str, what: str, act: Any, torn: Any = None) -> Any:
        return act()


class Toy:
    """The server: `say` gets a request's head and body as text and gives the raw answer back; b"" closes without
    one."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            text = ""
            while "\r\n\r\n" not in text:
                text += connection.recv(65536).decode()
            head, _, body = text.partition("\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length")), 0
            )
            while len(body) < length:
                body += connection.recv(65536).decode()
            self.heard.append(head + "\n" + body)
            connection.sendall(self._say(head + "\n" + body))

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits for a connection: a close alone does not
        self._listener.close()


def ok(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer after which the connection closes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def talking(say: Say, use: Any = "write", **changes: Any) -> Iterator[tuple[Any, Toy, Patience, Scrubber]]:
    """A session to a vendor that says so."""
    toy, clock, scrubber = Toy(say), Patience(), Scrubber()
    limits = changes.pop("limits", Limits())
    credential = changes.pop("credential", {"token": "token-of-the-test"})
    timeout = changes.pop("timeout", 5.0)
    session = connect(
        replace(make(**changes), limits=limits),
        toy.url,
        {name: Secret(text) for name, text in credential.items()},
        use,
        effects=Straight(),
        clock=clock,
        learn=scrubber.learn,
        scrub=scrubber.scrub,
        timeout=timeout,
    )
    try:
        yield session, toy, clock, scrubber
    finally:
        session.close()
        toy.close()
