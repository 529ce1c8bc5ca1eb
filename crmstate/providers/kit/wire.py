"""The wire: sends one HTTP request, once, and gives back a whole answer or says that it was lost.

It refuses requests that nobody declared (`NotDeclared`, before a byte leaves), follows no redirect, takes no answer
larger than `LARGEST`, and never passes a body that was cut short as a whole one. It does not retry, and knows no
vendor.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit
from urllib.request import getproxies

import msgspec

from crmstate.core.ports import Clock, Effects

if TYPE_CHECKING:
    import ssl

    import httpx

LARGEST = 64 * 1024 * 1024
PIECE = 64 * 1024
OURS = {"Accept": "application/json", "User-Agent": "crmstate"}
HERE = frozenset({"127.0.0.1", "localhost", "::1"})
KEPT = 5.0
"""Seconds for which an idle connection may be used again."""
HANDED_OUT = "GET {url}"
"""What a cell declares that fetches addresses which the vendor handed out: GET only, and the vendor's own origin
only, or a host that its dialect names for files."""


class NotDeclared(RuntimeError):
    """A request that no cell declares: a mistake in a provider's code. Nothing was sent."""


class Lost(Exception):
    """No answer, or not a whole one. `sent` false proves that the vendor has seen nothing."""

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.why = why
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` is percent-encoded and begins with a slash; `json` is what the body says, None for no
    body; `form` is a body of fields instead, as OAuth wants it. `origin` is where it goes, where that is not the
    wire's own address."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    json: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    origin: str | None = None

    def with_header(self, name: str, value: str) -> Request:
        return replace(self, headers={**self.headers, name: value})

    @property
    def label(self) -> str:
        """How declarations name it: `GET /v1/users`."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Gate:
    """Which requests may pass, by patterns such as `GET /v1/datasets/*/rows`; `*` is one segment of the path. A vendor
    with one address for everything is known by the name of what is called, after a `#`: `POST /rpc/#model.*.read`, where
    `*` is any part of the name."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = [_split(pattern) for pattern in patterns]
        self.handed_out = _split(HANDED_OUT.partition("/")[0]) in self._patterns

    def lets(self, label: str) -> bool:
        parts, name = _split(label)
        if "#" in name or any(part in {".", ".."} or "?" in part for part in parts[1:]):
            return False
        return any(
            len(parts) == len(pattern)
            and fnmatchcase(name, called)
            and all(want == part or (want == "*" and part) for want, part in zip(pattern, parts, strict=True))
            for pattern, called in self._patterns
        )


@lru_cache(256)
def gate_of(patterns: tuple[str, ...]) -> Gate:
    """The gate of these patterns, made once."""
    return Gate(patterns)


def _split(label: str) -> tuple[tuple[str, ...], str]:
    """The segments of a label's path, and the name of what is called. Whatever a path hides behind a `#` of its own is
    a part of the name, and makes it fit nothing."""
    path, _, name = label.partition("#")
    return tuple(path.split("/")), name


class Wire:
    """A pool of connections to one origin. Safe between threads.

    `gate` None lets every request through (a session that may act still has the gate of each cell). `timeout` in
    seconds holds for connecting and for each silence; an answer that drips on for more than ten times that is lost as
    well.
    """

    def __init__(
        self, url: str, effects: Effects, clock: Clock, gate: Gate | None, timeout: float, connections: int = 8
    ) -> None:
        self._url = url.rstrip("/")
        self._effects = effects
        self._clock = clock
        self._gate = gate
        self._timeout = timeout
        self._connections = connections
        self._lock = threading.Lock()
        self._opened: httpx.Client | httpx.HTTPTransport | None = None
        self.sent = 0

    def send(self, request: Request, label: str, gate: Gate | None) -> Answer:
        """The answer, whole. Raises NotDeclared or Lost."""
        self.check(label, gate)
        url = (request.origin or self._url) + request.path + ("?" + urlencode(request.params) if request.params else "")

        def act() -> Answer:
            return self._exchange(request, url)

        self._count()
        return self._effects.do("http", f"{request.method} {request.path}", act)

    def stream(
        self, request: Request, url: str, gate: Gate | None, hosts: Sequence[str] = ()
    ) -> tuple[Answer, Iterator[bytes]]:
        """The head of an answer and its bytes in pieces, from an address that the vendor handed out: at its own origin,
        or encrypted at one of `hosts`. For a status other than 200, or 206 where a part was asked for, the bytes are in
        the answer, and there are no pieces. Raises NotDeclared or Lost, the iterator Lost."""
        place = self.place(url, gate, hosts, request.origin)
        theirs = urlsplit(place)

        def act() -> httpx.Response:
            return self._open(request, place, "identity")

        self._count()
        found = self._effects.do("http", f"GET {theirs.path}", act)
        if found.status_code == 200 or (found.status_code == 206 and "Range" in request.headers):
            return _head(found, b""), self._pieces(found, None)
        body = b"".join(self._pieces(found, LARGEST))
        return _head(found, body), iter(())

    def download(
        self, request: Request, label: str, gate: Gate | None, is_file: Callable[[Mapping[str, str]], bool]
    ) -> tuple[Answer, Iterator[bytes] | None]:
        """The head of an answer and its bytes in pieces, where it is a file. Any other answer is whole, and there are no
        pieces. Raises NotDeclared or Lost, the iterator Lost."""
        self.check(label, gate)
        url = (request.origin or self._url) + request.path + ("?" + urlencode(request.params) if request.params else "")

        def act() -> httpx.Response:
            return self._open(request, url, "identity")

        self._count()
        found = self._effects.do("http", f"{request.method} {request.path}", act)
        head = _head(found, b"")
        if found.status_code == 200 and is_file(head.headers):
            return head, self._pieces(found, None)
        return _head(found, b"".join(self._pieces(found, LARGEST))), None

    def place(self, url: str, gate: Gate | None, hosts: Sequence[str] = (), origin: str | None = None) -> str:
        """An address that the vendor handed out, whole: at its own origin, or encrypted at one of `hosts`. Raises
        NotDeclared for one that may not be fetched."""
        own = origin or self._url
        place = urljoin(own + "/", url)
        mine, theirs = urlsplit(own), urlsplit(place)
        if not all(each is None or each.handed_out for each in (gate, self._gate)):
            raise NotDeclared(HANDED_OUT)
        if (mine.scheme, mine.netloc) != (theirs.scheme, theirs.netloc) and not _among(theirs, hosts):
            raise NotDeclared(f"{HANDED_OUT} at another host")
        return place

    def close(self) -> None:
        """Closes the connections. May be called twice."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def check(self, label: str, gate: Gate | None) -> None:
        """Raises NotDeclared for a request that may not pass."""
        for each in (self._gate, gate):
            if each is not None and not each.lets(label):
                raise NotDeclared(label)

    def _count(self) -> None:
        with self._lock:
            self.sent += 1

    def _exchange(self, request: Request, url: str) -> Answer:
        found = self._open(request, url, "gzip")
        return _head(found, b"".join(self._pieces(found, LARGEST)))

    def _open(self, request: Request, url: str, encoding: str) -> httpx.Response:
        import httpx

        headers = {**OURS, "Accept-Encoding": encoding, **request.headers}
        body = None if request.json is None else msgspec.json.encode(request.json)
        if body is not None:
            headers["Content-Type"] = "application/json"
        elif request.form is not None:
            body = urlencode(request.form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        how = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)}
        ready = httpx.Request(request.method, url, content=body, headers=headers, extensions=how)
        carrier = self._carrier()
        try:
            if isinstance(carrier, httpx.HTTPTransport):
                return carrier.handle_request(ready)
            return carrier.send(ready, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Lost(_word(error), sent=False) from None
        except httpx.TransportError as error:
            raise Lost(_word(error), sent=True) from None

    def _pieces(self, found: httpx.Response, limit: int | None) -> Iterator[bytes]:
        import httpx

        end = self._clock.monotonic() + 10 * self._timeout
        encoding = found.headers.get("content-encoding", "").strip().lower()
        total = 0
        try:
            for piece in _unpacked(found.iter_raw(), encoding):
                total += len(piece)
                if limit is not None and total > limit:
                    raise Lost("the answer is too large", sent=True)
                if limit is not None and self._clock.monotonic() > end:
                    raise Lost("the answer takes too long", sent=True)
                yield piece
        except httpx.TransportError as error:
            raise Lost(_word(error), sent=True) from None
        except zlib.error:
            raise Lost("the compressed answer is damaged", sent=True) from None
        finally:
            with suppress(Exception):
                found.close()

    def _carrier(self) -> httpx.Client | httpx.HTTPTransport:
        """What sends: httpx's transport alone, since cookies, redirects and everything else that its client would do
        are what a wire must not do, and cost as much as the rest. The client knows which proxies the environment names
        for whom."""
        with self._lock:
            if self._opened is None:
                import httpx

                most = self._connections
                limits = httpx.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=KEPT)
                if (urlsplit(self._url).hostname or "") in HERE:
                    self._opened = httpx.HTTPTransport(verify=_trusted(False), limits=limits)
                elif not getproxies():
                    self._opened = httpx.HTTPTransport(verify=_trusted(True), limits=limits)
                else:
                    self._opened = httpx.Client(limits=limits, follow_redirects=False)
            return self._opened


@lru_cache(2)
def _trusted(environ: bool) -> ssl.SSLContext:
    """Whom a connection may trust: the usual authorities, and with `environ` those that the environment names. Reading
    them takes as long as twenty requests, so it is done once."""
    import httpx

    return httpx.create_ssl_context(trust_env=environ)


def _among(place: SplitResult, hosts: Sequence[str]) -> bool:
    """Whether an address is nothing but an encrypted one at one of these hosts. What cannot be read is not."""
    with suppress(ValueError):
        plain = place.scheme == "https" and "@" not in place.netloc and place.port in {None, 443}
        return plain and any(fnmatchcase(place.hostname or "", host) for host in hosts)
    return False


def _head(found: httpx.Response, body: bytes) -> Answer:
    return Answer(found.status_code, {name.lower(): value for name, value in found.headers.items()}, body)


def _word(error: Exception) -> str:
    """What happened, without the library's text, which may quote the request."""
    name = type(error).__name__
    words = {
        "ConnectError": "no connection",
        "ConnectTimeout": "no connection in time",
        "PoolTimeout": "no free connection in time",
        "ReadTimeout": "no answer in time",
        "WriteTimeout": "the request could not be sent in time",
    }
    return words.get(name, "the connection was lost")


def _unpacked(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The pieces, unpacked. An encoding that was not asked for, and a gzip stream that ends early, are Lost."""
    if encoding in {"", "identity"}:
        yield from pieces
        return
    if encoding not in {"gzip", "x-gzip"}:
        raise Lost("the answer has an encoding that was not asked for", sent=True)
    unpack: Any = zlib.decompressobj(31)
    most = PIECE * 16
    for piece in pieces:
        full = False
        while piece or full:
            if unpack.eof:
                unpack = zlib.decompressobj(31)
            out = unpack.decompress(piece, most)
            full = len(out) == most
            yield out
            piece = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
            full = full and not unpack.eof
    if not unpack.eof:
        raise Lost("the compressed answer ends early", sent=True)
