"""Proxied: requests by way of a proxy that the environment names. httpx knows how; it speaks as `direct` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

import httpx

from crmstate.providers.kit.wire import Lost

_WORDS = {
    "ConnectError": "no connection",
    "ConnectTimeout": "no connection in time",
    "PoolTimeout": "no free connection in time",
    "ReadTimeout": "no answer in time",
    "WriteTimeout": "the request could not be sent in time",
}


class Proxied:
    """As `Direct`."""

    def __init__(self, timeout: float, connections: int, expiry: float) -> None:
        limits = httpx.Limits(
            max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=expiry
        )
        self._client = httpx.Client(http1=True, http2=False, follow_redirects=False, timeout=timeout, limits=limits)

    def open(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Body:
        """Sends a request, once: the head of its answer, whose body is still to be read. Raises Lost."""
        try:
            request = self._client.build_request(method, url, content=body, headers=dict(headers))
            return Body(self._client.send(request, stream=True))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Lost(_word(error), sent=False) from None
        except httpx.TransportError as error:
            raise Lost(_word(error), sent=True) from None

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


class Body:
    """As `direct.Body`."""

    def __init__(self, found: httpx.Response) -> None:
        self._found = found
        self.status = found.status_code
        self.headers = {name.lower(): value for name, value in found.headers.items()}

    def pieces(self) -> Iterator[bytes]:
        """Raises Lost where the body ends early."""
        try:
            yield from self._found.iter_raw()
        except httpx.TransportError as error:
            raise Lost(_word(error), sent=True) from None

    def close(self) -> None:
        """Ends the use of the connection."""
        with suppress(Exception):
            self._found.close()


def _word(error: Exception) -> str:
    """What happened, without the library's text, which may quote the request."""
    return _WORDS.get(type(error).__name__, "the connection was lost")
