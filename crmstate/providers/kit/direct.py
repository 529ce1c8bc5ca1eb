"""Direct: requests straight to their host, over the standard library's connections. HTTP/1.1, no proxy, no cookies.

The standard library is used for connecting, for TLS and for the head of an answer. It would pass bodies that were cut
short, and heads that it could not read to their end; so the framing is looked at here, and the body read here: an
answer is whole, or it is Lost. A connection is used again only where an answer was read to its very end. It costs a
quarter of what httpx does, which counts where a million rows are read.
"""

from __future__ import annotations

import http.client
import re
import select
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from io import BufferedReader
from urllib.parse import quote, urlsplit

from crmstate.providers.kit.wire import Lost

PIECE = 1 << 18
_LINE = 1 << 10
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;.*)?\r?\n", re.DOTALL)
_PLAIN = re.compile(r"[!-~]*")
_KEPT = "/%:?#[]@!$&'()*+,;=~-._"
_BODIED = frozenset({"POST", "PUT", "PATCH"})
Origin = tuple[str, str, int]
Line = http.client.HTTPConnection


class Direct:
    """At most `connections` at a time; one that was idle for `expiry` seconds is not used again. `trusting`: files of
    certificates that the environment names count. Safe between threads."""

    def __init__(self, timeout: float, connections: int, expiry: float, trusting: bool) -> None:
        self._timeout = timeout
        self._expiry = expiry
        self._trusting = trusting
        self._slots = threading.BoundedSemaphore(connections)
        self._lock = threading.Lock()
        self._idle: list[tuple[Origin, float, Line]] = []
        self._secure: ssl.SSLContext | None = None

    def open(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Body:
        """Sends a request, once: the head of its answer, whose body is still to be read. Raises Lost."""
        origin, target = _taken_apart(url)
        if not self._slots.acquire(timeout=self._timeout):
            raise Lost("no free connection in time", sent=False)
        line: Line | None = None
        try:
            line = self._taken(origin) or self._opened(origin)
            return Body(self, origin, line, _asked(line, method, target, headers, body))
        except BaseException:
            if line is not None:
                line.close()
            self._slots.release()
            raise

    def close(self) -> None:
        """Closes what is idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, _, line in idle:
            line.close()

    def give_back(self, origin: Origin, line: Line, again: bool) -> None:
        """Ends the use of a connection; `again`: it may be used for another request."""
        if again:
            with self._lock:
                self._idle.append((origin, time.monotonic() + self._expiry, line))
        else:
            line.close()
        self._slots.release()

    def _taken(self, origin: Origin) -> Line | None:
        """An idle connection on which nothing came: neither its end nor what nobody asked for."""
        while True:
            with self._lock:
                place = next((n for n in reversed(range(len(self._idle))) if self._idle[n][0] == origin), None)
                if place is None:
                    return None
                _, until, line = self._idle.pop(place)
            if time.monotonic() < until and not _readable(line):
                return line
            line.close()

    def _opened(self, origin: Origin) -> Line:
        scheme, host, port = origin
        try:
            if scheme == "https":
                context = self._context()
                line: Line = http.client.HTTPSConnection(host, port, timeout=self._timeout, context=context)
            else:
                line = Line(host, port, timeout=self._timeout)
            line.response_class = Answered
            line.connect()
        except TimeoutError:
            raise Lost("no connection in time", sent=False) from None
        except (OSError, ValueError, http.client.HTTPException):
            raise Lost("no connection", sent=False) from None
        return line

    def _context(self) -> ssl.SSLContext:
        with self._lock:
            if self._secure is None:
                from httpx import create_ssl_context

                self._secure = create_ssl_context(trust_env=self._trusting)
            return self._secure


class Answered(http.client.HTTPResponse):
    """An answer's head. The library takes the end of a connection for the end of the head; here it is an error."""

    def begin(self) -> None:
        stream = self.fp
        self.fp = _Lines(stream)  # type: ignore[assignment]
        try:
            super().begin()
        finally:
            if self.fp is not None:
                self.fp = stream


class _Lines:
    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream
        self.close = stream.close

    def readline(self, most: int) -> bytes:
        line = self._stream.readline(most)
        if line[-1:] != b"\n" and len(line) < most:
            raise http.client.RemoteDisconnected("the head ends early")
        return line


class Body:
    """An answer: its status and headers (names in lower case; a name that comes several times with its values joined),
    and its body in pieces as they come."""

    def __init__(self, owner: Direct, origin: Origin, line: Line, answer: http.client.HTTPResponse) -> None:
        self._owner = owner
        self._origin = origin
        self._line = line
        self._answer = answer
        self._left = _length(answer)
        self._whole = self._left == 0
        self._open = True
        self.status = answer.status
        self.headers: dict[str, str] = {}
        for name, value in answer.headers.items():
            low = name.lower()
            self.headers[low] = f"{self.headers[low]}, {value}" if low in self.headers else value

    def pieces(self) -> Iterator[bytes]:
        """Raises Lost where the body ends early or its framing is broken."""
        if self._whole:
            return
        try:
            yield from self._chunks() if self._answer.chunked else self._some(self._left)
        except TimeoutError:
            raise Lost("no answer in time", sent=True) from None
        except (OSError, ValueError):
            raise _broken() from None
        self._whole = True

    def close(self) -> None:
        """Gives the connection back; one that has more to say is closed."""
        if self._open:
            self._open = False
            again = self._whole and not self._answer.will_close
            with suppress(OSError):
                self._answer.close()
            self._owner.give_back(self._origin, self._line, again)

    def _some(self, left: int | None) -> Iterator[bytes]:
        """So many bytes; all to the end of the connection for None."""
        while left is None or left > 0:
            piece = self._answer.fp.read1(PIECE if left is None else min(left, PIECE))
            if not piece:
                if left is None:
                    return
                raise _broken()
            if left is not None:
                left -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        stream = self._answer.fp
        while True:
            found = _SIZE.fullmatch(stream.readline(_LINE))
            if found is None:
                raise _broken()
            size = int(found[1], 16)
            if not size:
                break
            yield from self._some(size)
            if stream.readline(3) not in (b"\r\n", b"\n"):
                raise _broken()
        for _ in range(100):
            line = stream.readline(_LINE)
            if line in (b"\r\n", b"\n"):
                return
            if line[-1:] != b"\n":
                break
        raise _broken()


def _broken() -> Lost:
    return Lost("the connection was lost", sent=True)


def _taken_apart(url: str) -> tuple[Origin, str]:
    """Where a request goes, and what it asks for there, percent-encoded. Raises Lost for what is no address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        name = host.encode("idna").decode() if not host.isascii() else host
    except ValueError:
        raise Lost("no connection", sent=False) from None
    if parts.scheme not in ("http", "https") or not host:
        raise Lost("no connection", sent=False)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    origin = (parts.scheme, name, port or (443 if parts.scheme == "https" else 80))
    return origin, target if _PLAIN.fullmatch(target) else quote(target, safe=_KEPT)


def _asked(
    line: Line, method: str, target: str, headers: Mapping[str, str], body: bytes | None
) -> http.client.HTTPResponse:
    """The head of the answer."""
    try:
        line.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers.items():
            line.putheader(name, value)
        if body is not None or method in _BODIED:
            line.putheader("Content-Length", str(len(body or b"")))
        with suppress(ConnectionError):  # whoever refuses a request early may have said so before hanging up
            line.endheaders(body)
    except TimeoutError:
        raise Lost("the request could not be sent in time", sent=True) from None
    except OSError:
        raise _broken() from None
    except (ValueError, http.client.HTTPException):
        raise Lost("not a request that can be sent", sent=False) from None
    try:
        return line.getresponse()
    except TimeoutError:
        raise Lost("no answer in time", sent=True) from None
    except (OSError, ValueError, http.client.HTTPException):
        raise _broken() from None


def _length(answer: http.client.HTTPResponse) -> int | None:
    """The bytes of the body; None where it is chunked or ends with the connection. Raises Lost where nobody can
    tell."""
    head = answer.headers
    coding = [each.strip().lower() for each in head.get_all("transfer-encoding", [])]
    said = {each.strip() for each in head.get_all("content-length", [])}
    if head.defects or head.get_payload() or answer.status < 200 or coding not in ([], ["chunked"]):
        raise _broken()
    if len(said) > 1 or any(re.fullmatch("[0-9]{1,18}", each) is None for each in said):
        raise _broken()
    if answer.length == 0:  # by its status or its own word
        return 0
    return None if coding or not said else int(said.pop())


def _readable(line: Line) -> bool:
    if line.sock is None:
        return True
    try:
        if not hasattr(select, "poll"):
            return bool(select.select([line.sock], [], [], 0)[0])
        poll = select.poll()
        poll.register(line.sock, select.POLLIN)
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True
