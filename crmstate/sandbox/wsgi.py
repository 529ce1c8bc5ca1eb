"""The sandbox as a WSGI application, for fast tests without a socket (`httpx.WSGITransport(app=app(world))`).

There is no connection to cut here: a reply that a server would cut, reset or tear raises `cut(message)` instead (a
torn one after the part that would have been sent). Hand `cut=httpx.ReadError` or `httpx.RemoteProtocolError` over
to see what a real client would see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from .exchange import Dialect, exchange
from .native import Native
from .wire import Reply, Request, Wire
from .world import World

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def app(
    world: World, *, dialect: Dialect | None = None, cut: Callable[[str], BaseException] = ConnectionResetError
) -> Application:
    """An application over the world. See the module for `cut`."""
    spoken = dialect or Native()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        reply = exchange(world, spoken, _request(environ))
        if reply.wire in (Wire.CUT, Wire.RESET):
            raise cut(f"the sandbox {'cut' if reply.wire is Wire.CUT else 'reset'} the connection")
        try:
            phrase = HTTPStatus(reply.status).phrase
        except ValueError:
            phrase = "Unknown"
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        start_response(f"{reply.status} {phrase}", list(headers.items()))
        return _torn(reply, cut) if reply.wire is Wire.TORN else [reply.body]

    return application


def _torn(reply: Reply, cut: Callable[[str], BaseException]) -> Iterator[bytes]:
    yield reply.body
    raise cut("the sandbox tore the body")


def _request(environ: dict[str, Any]) -> Request:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    path = raw.partition("?")[0] if raw else quote(_text(environ.get("PATH_INFO", "")), safe="/", errors="replace")
    body = environ["wsgi.input"].read() if "wsgi.input" in environ else b""
    scheme = environ.get("wsgi.url_scheme", "http")
    return Request(environ["REQUEST_METHOD"].upper(), path, environ.get("QUERY_STRING", ""), headers, body, scheme)


def _text(path: str) -> str:
    """The path as text: from bytes in Latin-1 as WSGI has it, or as text already as httpx hands it over."""
    try:
        return path.encode("latin-1").decode()
    except UnicodeError:
        return path
