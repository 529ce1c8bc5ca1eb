"""A line to a vendor: how the vendor talks (`Dialect`), and what all calls of one session share (`Line`). It sends
nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from crmstate.core.failure import Code, Failure
from crmstate.core.ports import Clock
from crmstate.core.provider import Provider
from crmstate.core.secret import Secret
from crmstate.providers.kit.pace import Pace
from crmstate.providers.kit.text import Scrub, clean
from crmstate.providers.kit.times import instant
from crmstate.providers.kit.wire import Answer, Request, Wire

if TYPE_CHECKING:
    from crmstate.providers.kit.call import Call


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
    credential may go. `known` is what calls have found out and may rely on for a while. `ahead`: the
    seconds by which the vendor's clock is ahead of ours, by its first answer that says what time it is."""

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
    ahead: float | None = None

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
