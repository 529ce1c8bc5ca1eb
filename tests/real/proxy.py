"""A reverse proxy on loopback between us and a real server: it notes every request, passes it on, and makes the trouble
that it was asked for. It knows HTTP/1.1 and no vendor; how a vendor words its troubles comes in as `Manners`.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..contract.stage import Trouble

WAIT = 7
"""Seconds that a throttled answer asks for."""

HOP = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
}


@dataclass(frozen=True)
class Asked:
    """A request as it came. `target` has the query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Told:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def with_body(self, body: bytes) -> Told:
        """The same with another body, unpacked."""
        headers = {name: value for name, value in self.headers.items() if name.lower() != "content-encoding"}
        return replace(self, headers=headers, body=body)

    @property
    def text(self) -> bytes:
        """The body, unpacked."""
        packed = any(name.lower() == "content-encoding" and value == "gzip" for name, value in self.headers.items())
        return gzip.decompress(self.body) if packed else self.body


def page(status: int, text: str = "") -> Told:
    """An answer in HTML, as servers and the proxies before them word what went wrong."""
    body = (
        f"<!doctype html>\n<html><head><title>{status}</title></head><body><h1>{status}</h1><p>{text}</p></body></html>"
    )
    return Told(status, {"Content-Type": "text/html; charset=utf-8"}, body.encode())


@dataclass(frozen=True)
class Manners:
    """What of the troubles is the vendor's own.

    `label`: what a request is known by (`METHOD /path`; RPC vendors add the method's name). `throttled`: the answer to
    too many requests, with seconds to wait or without. `first`: what really happens at the vendor before the request
    is passed on (a session ends). `instead`: an answer that the vendor never gave. `then`: what somebody else does once
    the answer is out. `edit`: the vendor's answer, changed.
    """

    label: Callable[[Asked], str] = lambda asked: f"{asked.method} {asked.path}"
    throttled: Callable[[int | None], Told] = lambda wait: replace(
        page(429), headers={"Content-Type": "text/html", **({} if wait is None else {"Retry-After": str(wait)})}
    )
    first: Mapping[Trouble, Callable[[Asked], None]] = field(default_factory=dict)
    instead: Mapping[Trouble, Callable[[Asked], Told]] = field(default_factory=dict)
    then: Mapping[Trouble, Callable[[Asked], None]] = field(default_factory=dict)
    edit: Mapping[Trouble, Callable[[Asked, Told], Told]] = field(default_factory=dict)


@dataclass
class Rule:
    """The next `left` requests like `shape` meet a trouble; None: all of them."""

    trouble: Trouble
    shape: str
    left: int | None
    seen: dict[str, Told] = field(default_factory=dict)

    def takes(self, label: str) -> bool:
        want, have = self.shape.split("/"), label.split("/")
        return len(want) == len(have) and all(fnmatchcase(one, other) for one, other in zip(have, want, strict=True))


_STATUS = {
    Trouble.OUTAGE_500: 500,
    Trouble.OUTAGE_502: 502,
    Trouble.OUTAGE_503: 503,
    Trouble.OUTAGE_AFTER_THE_EFFECT: 502,
}


class Proxy:
    """Listens on a free port of loopback until `stop`. Safe between threads. `slow`: seconds by which a slow answer is
    late."""

    def __init__(self, port: int, manners: Manners, slow: float = 0.7) -> None:
        self._port = port
        self.manners = manners
        self._slow = slow
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._received: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Line)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def trouble(self, trouble: Trouble, request: str, times: int | None = 1) -> None:
        """The next `times` requests like this label meet it (`*` is one segment); None: all of them."""
        with self._lock:
            self._rules.append(Rule(trouble, request, times))

    def received(self) -> list[str]:
        """The label of every request that came, in their order."""
        with self._lock:
            return list(self._received)

    def forget(self) -> None:
        """No trouble any more, and nothing noted."""
        with self._lock:
            self._rules.clear()
            self._received.clear()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def meet(self, asked: Asked) -> Rule | None:
        """Notes a request; the trouble that it meets."""
        label = self.manners.label(asked)
        with self._lock:
            self._received.append(label)
            for rule in self._rules:
                if rule.left != 0 and rule.takes(label):
                    rule.left = None if rule.left is None else rule.left - 1
                    return rule
        return None

    def ask(self, asked: Asked) -> Told:
        """The vendor's own answer."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)) as line:
            headers = {name: value for name, value in asked.headers.items() if name.lower() not in HOP}
            line.request(asked.method, asked.target, asked.body or None, headers)
            found = line.getresponse()
            told = {name: value for name, value in found.getheaders() if name.lower() not in HOP}
            return Told(found.status, told, found.read())

    def carry(self, asked: Asked, line: _Line) -> None:
        """One request from its arrival to its answer, or to what it gets instead."""
        rule = self.meet(asked)
        if rule is None:
            line.tell(self.ask(asked))
            return
        _TROUBLES.get(rule.trouble, _by_manners)(self, rule, asked, line)


def _throttled(proxy: Proxy, rule: Rule, asked: Asked, line: _Line) -> None:
    line.tell(proxy.manners.throttled(WAIT if rule.trouble is Trouble.THROTTLED_FOR_SECONDS else None))


def _outage(proxy: Proxy, rule: Rule, asked: Asked, line: _Line) -> None:
    if rule.trouble is Trouble.OUTAGE_AFTER_THE_EFFECT:
        proxy.ask(asked)
    line.tell(page(_STATUS[rule.trouble]))


def _cut(proxy: Proxy, rule: Rule, asked: Asked, line: _Line) -> None:
    if rule.trouble is Trouble.CUT_AFTER_THE_EFFECT:
        proxy.ask(asked)
    line.drop(reset=rule.trouble is Trouble.RESET_AT_ONCE)


def _slow(proxy: Proxy, rule: Rule, asked: Asked, line: _Line) -> None:
    before = rule.trouble is Trouble.SLOW_BEFORE_THE_EFFECT
    if before:
        time.sleep(proxy._slow)
    told = proxy.ask(asked)
    if not before:
        time.sleep(proxy._slow)
    line.tell(told)


def _torn(proxy: Proxy, rule: Rule, asked: Asked, line: _Line) -> None:
    told = proxy.ask(asked)
    line.tell(told, keep=len(told.body) // 2)


def _malformed(proxy: Proxy, rule: Rule, asked: Asked, line: _Line) -> None:
    told = proxy.ask(asked)
    line.tell(told.with_body(told.text[: len(told.text) // 2]))


def _cut_gzip(proxy: Proxy, rule: Rule, asked: Asked, line: _Line) -> None:
    told = proxy.ask(asked)
    packed = gzip.compress(told.text)
    headers = {**told.with_body(b"").headers, "Content-Encoding": "gzip"}
    line.tell(Told(told.status, headers, packed[: len(packed) // 2]))


def _echo(proxy: Proxy, rule: Rule, asked: Asked, line: _Line) -> None:
    sent = {name.lower(): value for name, value in asked.headers.items()}.get("authorization", "")
    text = f"Authorization: {sent}"
    if rule.trouble is Trouble.ECHO_IN_HTML:
        line.tell(page(502, text))
    else:
        line.tell(Told(500, {"Content-Type": "application/json"}, f'{{"error": "{text}"}}'.encode()))


def _repeated(proxy: Proxy, rule: Rule, asked: Asked, line: _Line) -> None:
    label = proxy.manners.label(asked)
    if label not in rule.seen:
        rule.seen[label] = proxy.ask(asked)
    line.tell(rule.seen[label])


def _by_manners(proxy: Proxy, rule: Rule, asked: Asked, line: _Line) -> None:
    manners, trouble = proxy.manners, rule.trouble
    known = (manners.first, manners.instead, manners.then, manners.edit)
    if not any(trouble in each for each in known):
        line.drop(reset=True)
        raise LookupError(f"nobody said how this vendor makes {trouble}")
    if trouble in manners.first:
        manners.first[trouble](asked)
    told = manners.instead[trouble](asked) if trouble in manners.instead else proxy.ask(asked)
    if trouble in manners.then:
        manners.then[trouble](asked)
    line.tell(manners.edit[trouble](asked, told) if trouble in manners.edit else told)


_TROUBLES: dict[Trouble, Callable[[Proxy, Rule, Asked, _Line], None]] = {
    Trouble.THROTTLED_FOR_SECONDS: _throttled,
    Trouble.THROTTLED_WITHOUT_A_WORD: _throttled,
    Trouble.OUTAGE_500: _outage,
    Trouble.OUTAGE_502: _outage,
    Trouble.OUTAGE_503: _outage,
    Trouble.OUTAGE_AFTER_THE_EFFECT: _outage,
    Trouble.RESET_AT_ONCE: _cut,
    Trouble.CUT_BEFORE_THE_EFFECT: _cut,
    Trouble.CUT_AFTER_THE_EFFECT: _cut,
    Trouble.SLOW_BEFORE_THE_EFFECT: _slow,
    Trouble.SLOW_AFTER_THE_EFFECT: _slow,
    Trouble.TORN_BODY: _torn,
    Trouble.MALFORMED_BODY: _malformed,
    Trouble.CUT_GZIP: _cut_gzip,
    Trouble.ECHO_IN_ERROR: _echo,
    Trouble.ECHO_IN_HTML: _echo,
    Trouble.REPEATED_PAGE: _repeated,
}
"""Troubles that look the same at every vendor."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to talk about."""


class _Line(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _carry(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.proxy.carry(Asked(self.command, self.path, dict(self.headers.items()), body), self)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _carry

    def tell(self, told: Told, keep: int | None = None) -> None:
        """Sends an answer; only `keep` bytes of its body where that is given, and then the line drops."""
        self.send_response_only(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(told.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told.body if keep is None else told.body[:keep])
        if keep is not None:
            self.drop(reset=False)

    def drop(self, reset: bool) -> None:
        """No answer, or no more of it."""
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        pass
