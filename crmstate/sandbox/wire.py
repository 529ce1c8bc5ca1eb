"""What travels: a request, a reply, and a refusal. It knows neither sockets nor a vendor's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import unquote


class Wire(Enum):
    """How a reply leaves the building."""

    WHOLE = "whole"
    CUT = "cut"  # the connection is closed, nothing was sent
    RESET = "reset"  # the connection is reset, nothing was sent
    TORN = "torn"  # more bytes were declared than are sent, then the connection closes


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `path` is still percent-encoded; header names are lower case; `scheme` is how it came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    scheme: str = "http"

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def plain_path(self) -> str:
        return unquote(self.path, errors="replace")

    def parameters(self) -> list[tuple[str, str]]:
        """The query as pairs, in order, decoded."""
        pairs = []
        for part in self.query.split("&"):
            if part:
                name, _, value = part.partition("=")
                pairs.append((_plain(name), _plain(value)))
        return pairs


def _plain(text: str) -> str:
    return unquote(text.replace("+", " "), errors="replace")


@dataclass(slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    wire: Wire = Wire.WHOLE


class Refused(Exception):
    """The world, or the vendor's rules, refuse: a code and a sentence. The dialect gives it a status and a shape.

    `headers` and `extra` go along (`Retry-After`, `resets_at`).
    """

    def __init__(self, code: str, message: str, *, headers: Mapping[str, str] | None = None, **extra: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.extra = extra
