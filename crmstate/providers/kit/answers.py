"""Answers: what one is, a failure or a value in the type that was asked for. An answer of another shape never comes back
as a shorter one."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.secret import MASK
from crmstate.providers.kit.line import Dialect, Line
from crmstate.providers.kit.times import retry_after
from crmstate.providers.kit.wire import Answer

_BUILDING = threading.Lock()


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


def honest(failure: Failure, status: int, act: bool, dialect: Dialect) -> Failure:
    """An act that was answered by anything but a clear refusal may have happened."""
    if act and failure.code is Code.UNAVAILABLE and status not in dialect.declared_safe:
        failure = Failure(Code.AMBIGUOUS, failure.summary, request_id=failure.request_id, vendor=failure.vendor)
    return failure


def decoded(line: Line, answer: Answer, into: Any, act: bool, request_id: str | None) -> Any:
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
