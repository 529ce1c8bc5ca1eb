"""Just enough HTTP/1.1 to read requests from a socket and to write replies to it, kept alive, well or badly on
purpose.

Written out because fault injection needs the bare socket: replies can be cut, reset or torn. It knows no route and
no world.
"""

from __future__ import annotations

import socket
import ssl
import struct
from http import HTTPStatus
from typing import BinaryIO

from .wire import Reply, Request, Wire

MAX_HEAD, MAX_BODY = 65536, 4 * 1024 * 1024
PATIENCE = 5.0
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class BadRequest(Exception):
    """What arrived is no HTTP request that this server reads."""


def read(stream: BinaryIO, connection: socket.socket) -> tuple[Request, bool] | None:
    """The next request and whether the connection stays open after it; None at the end of the stream."""
    line = stream.readline(MAX_HEAD)
    while line in (b"\r\n", b"\n"):
        line = stream.readline(MAX_HEAD)
    if not line:
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not line.endswith(b"\n"):
        raise BadRequest("The request line is not HTTP/1.1.")
    headers = _headers(stream)
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = _body(stream, headers)
    path, _, query = _origin_form(words[1]).partition("?")
    wish = headers.get("connection", "").lower()
    stays = wish != "close" if words[2] == "HTTP/1.1" else wish == "keep-alive"
    scheme = "https" if isinstance(connection, ssl.SSLSocket) else "http"
    return Request(words[0].upper(), path, query, headers, body, scheme), stays


def _origin_form(target: str) -> str:
    """`/path?query`, whether or not a proxy's form with scheme and host was sent."""
    if "://" in target.partition("?")[0]:
        rest = target.partition("://")[2]
        return "/" + rest.partition("/")[2]
    return target


def _headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    size = 0
    while True:
        line = stream.readline(MAX_HEAD)
        size += len(line)
        if line in (b"\r\n", b"\n"):
            return headers
        if not line or size > MAX_HEAD:
            raise BadRequest("The headers do not end.")
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise BadRequest("A header has no colon.")
        headers[name.strip().lower()] = value.strip()


def _body(stream: BinaryIO, headers: dict[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _chunks(stream)
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) > MAX_BODY:
        raise BadRequest("The body is too long, or its length is not a number.")
    body = stream.read(int(text))
    if len(body) < int(text):
        raise BadRequest("The body ends too early.")
    return body


def _chunks(stream: BinaryIO) -> bytes:
    parts: list[bytes] = []
    while True:
        try:
            size = int(stream.readline(128).split(b";")[0].strip(), 16)
        except ValueError as error:
            raise BadRequest("A chunk has no length.") from error
        if size < 0 or size + sum(map(len, parts)) > MAX_BODY:
            raise BadRequest("The body is too long.")
        if size == 0:
            while stream.readline(MAX_HEAD) not in (b"\r\n", b"\n", b""):
                pass
            return b"".join(parts)
        parts.append(stream.read(size))
        stream.readline(8)


def write(connection: socket.socket, request: Request | None, reply: Reply, *, stays: bool) -> bool:
    """Sends the reply as its `wire` says; True when the connection may be used again."""
    if reply.wire is Wire.RESET:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    if reply.wire is Wire.CUT:
        return False
    stays = stays and reply.wire is Wire.WHOLE
    headers = {"Content-Length": str(len(reply.body)), **reply.headers}
    if not stays:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {reply.status} {_PHRASES.get(reply.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    connection.sendall(head if request is not None and request.method == "HEAD" else head + reply.body)
    return stays


def drain(stream: BinaryIO, connection: socket.socket) -> None:
    """Reads what is still on its way after a refusal, within reason: closing with bytes unread resets the connection,
    and the refusal is lost with it."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(PATIENCE)
    left = MAX_BODY
    while left > 0 and (piece := stream.read1(65536)):  # type: ignore[attr-defined]
        left -= len(piece)
