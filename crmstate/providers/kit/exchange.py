"""One exchange with a vendor: a request, its retries at the vendor's pace, and its answer.

The rule that everything else serves: a reading call may be sent again; an **acting** call is sent again only where it is
proved that nothing happened (429, no connection, a status that the vendor declares safe, 401). Every other silence is
AMBIGUOUS, and somebody has to look.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, NoReturn, TypeVar

from crmstate.core.failure import Code, Failure
from crmstate.core.secret import Secret
from crmstate.providers.kit.answers import classified, decoded, honest
from crmstate.providers.kit.line import Line
from crmstate.providers.kit.times import told
from crmstate.providers.kit.wire import Answer, Gate, Lost, Request

T = TypeVar("T")

ATTEMPTS = 6
LONGEST_WAIT = 60.0
FIRST_WAIT, LAST_WAIT = 0.5, 20.0


@dataclass(frozen=True)
class Reply(Generic[T]):
    """An answer that was not a failure: the body in the type that was asked for, the status, and the vendor's id of
    the request."""

    status: int
    value: T
    request_id: str | None = None


def exchange(line: Line, request: Request, gate: Gate | None, act: bool, into: Any) -> Reply[Any]:
    """One call with its retries. `act` true: sent once, unless nothing happened. What nobody declared asks for no
    token either, and a login has its own retries, once and not for each of ours."""
    line.wire.check(line.dialect.name(request), gate)
    if line.vault:
        line.vault.token()
    return retrying(
        line, attempt_at(line, line.dialect.name(request), lambda token: _once(line, request, gate, act, into, token))
    )


def attempt_at(line: Line, name: str, send: Callable[[Secret | None], T]) -> Callable[[], T]:
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


def retrying(line: Line, attempt: Callable[[], T]) -> T:
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

    again = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait,
        retry=retry_if_exception(_again),
        sleep=line.clock.sleep,
        reraise=True,
    )
    return again(lambda: attempt() if not failed else _raised(failed.pop()))


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
    ready = replace(ready, origin=origin_of(line))
    try:
        answer = line.wire.send(ready, line.dialect.name(ready), gate)
    except Lost as lost:
        code = Code.AMBIGUOUS if act and lost.sent else Code.UNAVAILABLE
        raise Failure(code, lost.why, vendor="wire.lost") from None
    _look_at_the_clock(line, answer)
    request_id = answer.headers.get(line.dialect.request_id)
    failure = classified(line, answer)
    if failure is not None:
        raise honest(failure, answer.status, act, line.dialect)
    value = answer if into is None else decoded(line, answer, into, act, request_id)
    return Reply(answer.status, value, line.clean(request_id) if request_id else None)


def _look_at_the_clock(line: Line, answer: Answer) -> None:
    """Notes by how much the vendor's clock is ahead of ours, once; a vendor with a clock of its own is in no time of ours."""
    if line.ahead is None and not line.provider.own_clock and (when := told(answer)) is not None:
        line.ahead = (when - line.clock.now()).total_seconds()


def origin_of(line: Line) -> str | None:
    """Where calls go, as far as is known: a login may have said it."""
    return line.vault.origin() if line.vault else line.origin
