"""The kit: what every vendor's file speaks through. `Dialect` says how a vendor talks; `Call` is what a cell's
function gets.

Retry, pace, tokens, classification and redaction live here, once. The rule that everything else serves: a reading
call may be sent again; an **acting** call is sent again only where it is proved that nothing happened (429, no
connection, a status that the vendor declares safe, 401). Every other silence is AMBIGUOUS, and somebody has to look.
"""

from __future__ import annotations

import hashlib
import random
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Generic, NoReturn, Protocol, TypeVar, overload

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.ports import Clock
from crmstate.core.provider import Cell, Provider
from crmstate.core.secret import MASK, Secret
from crmstate.core.words import READING
from crmstate.providers.kit.pace import Pace
from crmstate.providers.kit.text import Scrub, clean
from crmstate.providers.kit.wire import HANDED_OUT, Answer, Gate, Lost, Request, Wire, gate_of

T = TypeVar("T")

ATTEMPTS = 6
LONGEST_WAIT = 60.0
KNOWN_FOR = 300.0
"""Seconds for which what a call found out is relied on by the next ones of its session."""
FIRST_WAIT, LAST_WAIT = 0.5, 20.0
_BUILDING = threading.Lock()


@dataclass(frozen=True)
class Grant:
    """What a login gave: the access token, a new refresh token where the vendor rotates them, the id of the user where
    the vendor says it here and nowhere else, and whatever else of it is secret (`more`). `origin`: where the vendor says
    that this customer's API is; it has to be one of its hosts. `lasts`: the seconds for which the token works, where the
    vendor limits how many it gives out and it is better kept for the next run."""

    access: Secret
    refresh: Secret | None = None
    user: str | None = None
    more: tuple[Secret, ...] = ()
    origin: str | None = None
    lasts: float | None = None


@dataclass(frozen=True)
class Reply(Generic[T]):
    """An answer that was not a failure: the body in the type that was asked for, the status, and the vendor's id of
    the request."""

    status: int
    value: T
    request_id: str | None = None


def _bearer(request: Request, access: Secret) -> Request:
    return request.with_header("Authorization", f"Bearer {access.reveal()}")


def _status(answer: Answer) -> Failure | None:
    return None if 200 <= answer.status < 300 else Failure(Code.UNAVAILABLE, f"status {answer.status}")


@dataclass(frozen=True)
class Dialect:
    """How a vendor talks.

    `classify`: an answer as a Failure, or None where it is none (some vendors fail with 200); its text is cleaned by
    the kit. `authorise`: puts the access token into a request. `access`: the field of the credential that is an
    access token. `login`: gets one from the other fields (`login_needs`) by the `login_requests`. `renews`: the
    failures after which a new token helps. `name`: what the gate knows a request by; RPC vendors add the method's
    name. `declared_safe`: statuses of 500 and more at which, in the vendor's own words, nothing happened.
    `request_id`: the header with the vendor's id of a request. `clock`: reads the vendor's own clock. `file_hosts`:
    host patterns on which the vendor hands out signed addresses beside its own origin; where it has such hosts, no
    token goes along with an address that was handed out, wherever it lies.
    `token_hosts`: hosts of the vendor's own that hand out files to whoever brings the token. `login_at`: the origin at which one logs in,
    from the configured address, where that is another than the API's.
    """

    classify: Callable[[Answer], Failure | None] = _status
    authorise: Callable[[Request, Secret], Request] = _bearer
    access: str | None = "token"
    login: Callable[[Call, Mapping[str, Secret]], Grant] | None = None
    login_needs: tuple[str, ...] = ()
    login_requests: tuple[str, ...] = ()
    renews: Callable[[Failure], bool] = lambda failure: False
    name: Callable[[Request], str] = lambda request: request.label
    declared_safe: frozenset[int] = frozenset()
    request_id: str = "x-request-id"
    clock: Callable[[Call], datetime] | None = None
    clock_requests: tuple[str, ...] = ()
    file_hosts: tuple[str, ...] = ()
    token_hosts: tuple[str, ...] = ()
    login_at: Callable[[str], str] | None = None


class Tokens(Protocol):
    """Where a line's access token comes from."""

    def token(self) -> Secret: ...

    def renew(self, used: Secret) -> bool: ...

    def user(self) -> str | None: ...

    def secret(self, name: str) -> Secret | None: ...

    def origin(self) -> str | None: ...


@dataclass
class Line:
    """One session's line to the vendor: what all its calls share. `vault` gives the access token, None for calls
    without one. `attested`: an operator says in writing that the credential sees everything. `url` is the configured
    address, `origin` where calls without a token go instead; `belongs` raises a Problem for an address to which no
    credential may go. `known` is what calls have found out and may rely on for a while."""

    provider: Provider
    dialect: Dialect
    wire: Wire
    pace: Pace
    clock: Clock
    scrub: Scrub
    tenant: str | None = None
    vault: Tokens | None = None
    attested: bool = False
    own_secrets: list[bytes] = field(default_factory=list)
    url: str = ""
    origin: str | None = None
    belongs: Callable[[str], object] = lambda url: None
    known: dict[object, tuple[float, Any]] = field(default_factory=dict)

    def clean(self, text: str) -> str:
        """Vendor text for a summary: scrubbed, without control characters, at most 200 characters."""
        return clean(text, self.scrub)

    def cleaned(self, failure: Failure) -> Failure:
        """The same failure with every text of the vendor's cleaned."""
        return Failure(
            failure.code,
            self.clean(failure.summary),
            retry_after=failure.retry_after,
            until=instant(failure.until),
            request_id=self.clean(failure.request_id) if failure.request_id else None,
            vendor=failure.vendor,
        )


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

    def cleaned(self, failure: Failure) -> Failure:
        """A failure that a function made of the vendor's own words, fit to be shown."""
        return self._line.cleaned(failure)

    def stream(self, url: str) -> Iterator[bytes]:
        """The bytes at an address that the vendor handed out. A stream that ends early raises Failure(UNAVAILABLE)."""
        yield from _stream(self._line, url, self._gate)

    def resumed(self, url: str) -> Iterator[bytes]:
        """The same for a large file: a stream that breaks off goes on where it broke off, a few times. The vendor is asked
        for the rest; one that sends everything again must begin with the same bytes."""
        yield from _resumed(self._line, url, self._gate)

    def download(self, path: str, json: object, is_file: Callable[[Mapping[str, str]], bool]) -> Iterator[bytes]:
        """The bytes that a POST is answered with, of any length, for vendors that give files that way. `is_file` says it by
        the headers of an answer with 200; any other answer is a Failure. A stream that ends early raises
        Failure(UNAVAILABLE)."""
        yield from _download(self._line, Request("POST", path, (), json), self._gate, is_file)


def call_for(line: Line, cell: Cell) -> Call:
    """The Call of one cell: it lets this cell's requests through and no others (an acting cell that declares none is
    not held)."""
    reads = cell.verb in READING
    patterns = cell.requests + line.dialect.login_requests
    return Call(line, gate_of(patterns) if reads or cell.requests else None, not reads)


def exchange(line: Line, request: Request, gate: Gate | None, act: bool, into: Any) -> Reply[Any]:
    """One call with its retries. `act` true: sent once, unless nothing happened. What nobody declared asks for no
    token either, and a login has its own retries, once and not for each of ours."""
    line.wire.check(line.dialect.name(request), gate)
    if line.vault:
        line.vault.token()
    return _retrying(
        line, _attempt(line, line.dialect.name(request), lambda token: _once(line, request, gate, act, into, token))
    )


def _attempt(line: Line, name: str, send: Callable[[Secret | None], T]) -> Callable[[], T]:
    """One try, at the vendor's pace, with the present token; and once in its life another with a new one, where that
    helps."""
    renewed = False

    def attempt() -> T:
        nonlocal renewed
        line.pace.wait(name)
        token = line.vault.token() if line.vault else None
        try:
            return send(token)
        except Failure as failure:
            vault = line.vault
            if failure.code is Code.AMBIGUOUS or renewed or not vault or not token:
                raise  # an act that may have happened is not sent again, whatever word came along
            if not line.dialect.renews(failure) or not vault.renew(token):
                raise
            renewed = True
            line.pace.wait(name)
            return send(vault.token())

    return attempt


def _retrying(line: Line, attempt: Callable[[], T]) -> T:
    failed: list[Failure] = []
    try:
        return attempt()
    except Failure as failure:
        if not _again(failure):
            raise
        failed.append(failure)
    from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

    def wait(state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        asked = failure.retry_after if isinstance(failure, Failure) else None
        if asked is not None:
            line.pace.hold(asked)
            return asked
        most = min(LAST_WAIT, FIRST_WAIT * 2.0**state.attempt_number)
        return random.uniform(most / 2, most)

    retrying = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait,
        retry=retry_if_exception(_again),
        sleep=line.clock.sleep,
        reraise=True,
    )
    return retrying(lambda: attempt() if not failed else _raised(failed.pop()))


def _raised(failure: Failure) -> NoReturn:
    raise failure


def _again(error: BaseException) -> bool:
    """Whether to send once more: only after failures that say that nothing happened, and that pass by themselves
    soon."""
    if not isinstance(error, Failure) or error.code not in {Code.THROTTLED, Code.UNAVAILABLE}:
        return False
    return error.retry_after is None or error.retry_after <= LONGEST_WAIT


def _once(line: Line, request: Request, gate: Gate | None, act: bool, into: Any, token: Secret | None) -> Reply[Any]:
    ready = line.dialect.authorise(request, token) if token else request
    ready = replace(ready, origin=_origin(line))
    try:
        answer = line.wire.send(ready, line.dialect.name(ready), gate)
    except Lost as lost:
        code = Code.AMBIGUOUS if act and lost.sent else Code.UNAVAILABLE
        raise Failure(code, lost.why, vendor="wire.lost") from None
    request_id = answer.headers.get(line.dialect.request_id)
    failure = classified(line, answer)
    if failure is not None:
        raise _honest(failure, answer.status, act, line.dialect)
    value = answer if into is None else _decoded(line, answer, into, act, request_id)
    return Reply(answer.status, value, line.clean(request_id) if request_id else None)


def _origin(line: Line) -> str | None:
    """Where calls go, as far as is known: a login may have said it."""
    return line.vault.origin() if line.vault else line.origin


def classified(line: Line, answer: Answer) -> Failure | None:
    """The answer as a Failure with clean texts, its Retry-After and the vendor's id of the request; None where it is
    none."""
    failure = line.dialect.classify(answer)
    if failure is None:
        return None
    if failure.code is Code.THROTTLED and failure.retry_after is None:
        failure.retry_after = retry_after(answer)
    if failure.code is Code.EXHAUSTED and failure.until is None and line.provider.limits.per_day is not None:
        failure.until = line.pace.midnight()
    failure.request_id = failure.request_id or answer.headers.get(line.dialect.request_id)
    return line.cleaned(failure)


def _honest(failure: Failure, status: int, act: bool, dialect: Dialect) -> Failure:
    """An act that was answered by anything but a clear refusal may have happened."""
    if act and failure.code is Code.UNAVAILABLE and status not in dialect.declared_safe:
        failure = Failure(Code.AMBIGUOUS, failure.summary, request_id=failure.request_id, vendor=failure.vendor)
    return failure


def _decoded(line: Line, answer: Answer, into: Any, act: bool, request_id: str | None) -> Any:
    """The body in its type. Broken JSON passes by itself perhaps (UNAVAILABLE), another shape does not (REJECTED);
    after an act both mean that nobody knows (AMBIGUOUS)."""
    body = answer.body if answer.body or answer.status != 204 else b"null"
    body = without_own(line, body)
    try:
        return decoder(into).decode(body)
    except msgspec.ValidationError as error:
        code, why = Code.REJECTED, f"an answer of another shape than documented: {error}"
    except (msgspec.DecodeError, UnicodeDecodeError):
        code, why = Code.UNAVAILABLE, "an answer that is not whole JSON"
    raise Failure(
        Code.AMBIGUOUS if act else code, line.clean(why), request_id=request_id, vendor="kit.malformed"
    ) from None


def without_own(line: Line, text: bytes) -> bytes:
    """A vendor's bytes without our own credential, which it may echo; records stay as they are but for that."""
    for secret in line.own_secrets:
        if secret in text:
            text = text.replace(secret, MASK.encode())
    return text


def decoder(into: Any) -> msgspec.json.Decoder[Any]:
    """The one decoder of a type. Built by one thread at a time: msgspec 0.22 crashes the interpreter where two meet a
    type for the first time."""
    with _BUILDING:
        return _decoder(into)


@lru_cache(maxsize=256)
def _decoder(into: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(into)


def own_text(found: msgspec.Raw, into: Any) -> bytes:
    """A part of an answer byte for byte as the vendor wrote it, once it is known to be of this type."""
    raw = bytes(found)
    try:
        decoder(into).decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        why = f"{type(error).__name__} in an answer of another shape than documented"
        raise Failure(Code.REJECTED, why, vendor="kit.malformed") from None
    return raw


def _stream(line: Line, url: str, gate: Gate | None) -> Iterator[bytes]:
    try:
        yield from _opened(line, url, gate, {})[1]
    except Lost as lost:
        raise Failure(Code.UNAVAILABLE, lost.why, vendor="wire.lost") from None


def _opened(
    line: Line, url: str, gate: Gate | None, headers: Mapping[str, str]
) -> tuple[Mapping[str, str], Iterator[bytes]]:
    """The head of the answer of an address that was handed out, and its bytes."""
    hosts = (*line.dialect.file_hosts, *line.dialect.token_hosts)
    line.wire.place(url, gate, hosts, _origin(line))
    plain = Request("GET", "/", headers=headers)

    def send(token: Secret | None) -> tuple[Mapping[str, str], Iterator[bytes]]:
        request = line.dialect.authorise(plain, token) if token else plain
        try:
            ready = replace(request, origin=_origin(line))
            answer, pieces = line.wire.stream(ready, url, gate, hosts)
        except Lost as lost:
            raise Failure(Code.UNAVAILABLE, lost.why, vendor="wire.lost") from None
        failure = classified(line, answer)
        if failure is not None:
            raise failure
        return answer.headers, pieces

    without = replace(line, vault=None) if line.dialect.file_hosts else line
    return _retrying(line, _attempt(without, HANDED_OUT, send))


def _resumed(line: Line, url: str, gate: Gate | None) -> Iterator[bytes]:
    """The bytes behind those that came, and their digest: what is sent again is compared by it, and not held."""
    size, digest, tag = 0, hashlib.sha256(), ""
    for left in reversed(range(ATTEMPTS)):
        asked = {"Range": f"bytes={size}-", **({"If-Range": tag} if tag else {})} if size else {}
        try:
            headers, pieces = _opened(line, url, gate, asked)
            tag = tag or _strong(headers.get("etag", ""))
            begins = _begins(headers) if size else 0
            for piece in pieces if begins == size else _behind(pieces, size, digest.digest()):
                size += len(piece)
                digest.update(piece)
                yield piece
            return
        except Lost as lost:
            if not left:
                raise Failure(Code.UNAVAILABLE, lost.why, vendor="wire.lost") from None
            line.clock.sleep(FIRST_WAIT)


def _strong(tag: str) -> str:
    """A tag that stands for exactly these bytes."""
    return tag if tag.startswith('"') else ""


def _begins(headers: Mapping[str, str]) -> int:
    """Where the bytes of an answer begin: a part says so."""
    found = re.match(r"bytes (\d{1,18})-", headers.get("content-range", ""))
    return int(found[1]) if found else 0


def _behind(pieces: Iterator[bytes], size: int, known: bytes) -> Iterator[bytes]:
    """What follows the first `size` bytes, whose digest is known. Raises Failure where it is another file than before."""
    left, digest = size, hashlib.sha256()
    for piece in pieces:
        if left:
            digest.update(piece[:left])
            piece, left = piece[left:], max(0, left - len(piece))
            if not left and digest.digest() != known:
                raise Failure(Code.UNAVAILABLE, "another file than before", vendor="kit.other_file")
        if piece:
            yield piece
    if left:
        raise Failure(Code.UNAVAILABLE, "the file ends before what was read of it", vendor="kit.other_file")


def _download(
    line: Line, request: Request, gate: Gate | None, is_file: Callable[[Mapping[str, str]], bool]
) -> Iterator[bytes]:
    line.wire.check(line.dialect.name(request), gate)

    def send(token: Secret | None) -> Iterator[bytes]:
        ready = line.dialect.authorise(request, token) if token else request
        ready = replace(ready, origin=_origin(line))
        try:
            answer, pieces = line.wire.download(ready, line.dialect.name(ready), gate, is_file)
        except Lost as lost:
            raise Failure(Code.UNAVAILABLE, lost.why, vendor="wire.lost") from None
        if pieces is None:
            raise classified(line, answer) or Failure(Code.UNAVAILABLE, "no file", vendor="kit.malformed")
        return pieces

    try:
        yield from _retrying(line, _attempt(line, line.dialect.name(request), send))
    except Lost as lost:
        raise Failure(Code.UNAVAILABLE, lost.why, vendor="wire.lost") from None


def retry_after(answer: Answer) -> float | None:
    """`Retry-After` in seconds: a number, or a date against the answer's own `Date`. None where it says nothing
    usable."""
    text = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        return float(text)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(answer.headers["date"])
    except (KeyError, TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)|\d{4}-\d\d-\d\d")


def instant(text: str | None) -> str | None:
    """A vendor's date or time as it is, or None where it is neither: nothing else may get into a plan or a state as a
    time."""
    return text if text and len(text) <= 40 and _INSTANT.fullmatch(text) else None


__all__ = [
    "HANDED_OUT",
    "Answer",
    "Call",
    "Dialect",
    "Grant",
    "Line",
    "Reply",
    "Request",
    "decoder",
    "instant",
    "own_text",
]
