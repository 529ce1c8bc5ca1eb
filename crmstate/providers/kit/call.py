"""Call: what a cell's function speaks through. It lets through what its cell declares and no more; how a request is sent,
and what its answer means, lies in `exchange`, `answers` and `streams`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, timedelta
from typing import Any, TypeVar, overload

from crmstate.core.failure import Failure
from crmstate.core.provider import Cell
from crmstate.core.secret import Secret
from crmstate.core.words import READING
from crmstate.providers.kit.exchange import Reply, exchange
from crmstate.providers.kit.line import Line
from crmstate.providers.kit.streams import downloaded, resumed, streamed
from crmstate.providers.kit.wire import HANDED_OUT, Answer, Gate, Request, gate_of

T = TypeVar("T")

KNOWN_FOR = 300.0
"""Seconds for which what a call found out is relied on by the next ones of its session."""


class Call:
    """What a cell's function speaks through. In a reading cell everything reads, whatever its method; in an acting cell
    everything acts but GET and what the function calls a `look`.

    `into` is the type of the body (a msgspec Struct): an answer that is not of this shape never comes back as a
    shorter one.
    """

    def __init__(self, line: Line, gate: Gate | None, acts: bool) -> None:
        self._line = line
        self._gate = gate
        self._acts = acts

    @property
    def tenant(self) -> str | None:
        """The tenant's id from the configuration, where there is one."""
        return self._line.tenant

    def user(self) -> str | None:
        """The user whom the login named (`Grant.user`); logs in where that has not happened yet."""
        return self._line.vault.user() if self._line.vault else None

    def secret(self, name: str) -> Secret | None:
        """A field of the credential that some calls say again inside of a request (a password that confirms an act);
        None where there is none."""
        return self._line.vault.secret(name) if self._line.vault else None

    @property
    def page(self) -> int:
        """Rows that one page may have."""
        return self._line.provider.limits.page

    @overload
    def get(self, path: str, params: Mapping[str, str | int | None] | None = None, *, into: type[T]) -> T: ...

    @overload
    def get(self, path: str, params: Mapping[str, str | int | None] | None = None, *, into: None = None) -> Answer: ...

    def get(self, path: str, params: Mapping[str, str | int | None] | None = None, *, into: Any = None) -> Any:
        """Sends a GET. The body in its type; the Answer itself without one. Parameters that are None are left out."""
        return self.send("GET", path, params=params, into=into).value

    def post(self, path: str, json: object = None, *, into: type[T]) -> Reply[T]:
        """Sends a POST."""
        return self.send("POST", path, json=json, into=into)

    def look(self, path: str, json: object = None, *, into: type[T]) -> T:
        """Sends a POST that only reads, for vendors that read by POST: in an acting cell too it may be sent again, and
        an answer that is lost is no act that may have happened."""
        found: Reply[T] = self.send("POST", path, json=json, into=into, looks=True)
        return found.value

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int | None] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        into: Any = None,
        headers: Mapping[str, str] | None = None,
        looks: bool = False,
    ) -> Reply[Any]:
        """Sends a request of any method; `looks` says that it only reads although its method does not. An answer 204
        without a body is null: it fits types that may be None. Raises Failure, and wire.NotDeclared where no cell
        declares it."""
        pairs = tuple((name, str(value)) for name, value in (params or {}).items() if value is not None)
        request = Request(method, path, pairs, json, headers or {}, form)
        act = self._acts and not looks and method not in {"GET", "HEAD"}
        return exchange(self._line, request, self._gate, act, into)

    def pause(self, seconds: float) -> None:
        """Lets time pass before the vendor is asked how far something is."""
        self._line.clock.sleep(seconds)

    def later(self, seconds: float) -> str:
        """The time in so many seconds: by when what was accepted is waited for."""
        return (self._line.clock.now() + timedelta(seconds=seconds)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def known(self, key: object, ask: Callable[[], T]) -> T:
        """What this session found out about `key` not long ago (`KNOWN_FOR`); asks for it otherwise."""
        now = self._line.clock.monotonic()
        found = self._line.known.get(key)
        if found is None or now - found[0] > KNOWN_FOR:
            found = self._line.known[key] = (now, ask())
        value: T = found[1]
        return value

    def learned(self, key: object, value: object) -> None:
        """This session has found this out about `key` just now, whatever it knew before."""
        self._line.known[key] = (self._line.clock.monotonic(), value)

    def cleaned(self, failure: Failure) -> Failure:
        """A failure that a function made of the vendor's own words, fit to be shown."""
        return self._line.cleaned(failure)

    def stream(self, url: str, name: str = HANDED_OUT) -> Iterator[bytes]:
        """The bytes at an address that the vendor handed out; `name` is what the limits know it by. A stream that ends early
        raises Failure(UNAVAILABLE)."""
        yield from streamed(self._line, url, self._gate, name)

    def resumed(self, url: str) -> Iterator[bytes]:
        """The same for a large file: a stream that breaks off goes on where it broke off, a few times. The vendor is asked
        for the rest; one that sends everything again must begin with the same bytes."""
        yield from resumed(self._line, url, self._gate)

    def download(self, path: str, json: object, is_file: Callable[[Mapping[str, str]], bool]) -> Iterator[bytes]:
        """The bytes that a POST is answered with, of any length, for vendors that give files that way. `is_file` says it by
        the headers of an answer with 200; any other answer is a Failure. A stream that ends early raises
        Failure(UNAVAILABLE)."""
        yield from downloaded(self._line, Request("POST", path, (), json), self._gate, is_file)


def call_for(line: Line, cell: Cell) -> Call:
    """The Call of one cell: it lets this cell's requests through and no others (an acting cell that declares none is
    not held)."""
    reads = cell.verb in READING
    patterns = cell.requests + line.dialect.login_requests
    return Call(line, gate_of(patterns) if reads or cell.requests else None, not reads)
