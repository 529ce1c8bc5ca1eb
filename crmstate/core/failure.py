"""The closed list of provider failures, named for what the caller does next."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crmstate.core.diagnostic import Diagnostic


class Code(StrEnum):
    """DENIED: get rights. MISSING: it is not there. CONFLICT: look again. THROTTLED: slow down. EXHAUSTED: come back
    at `until`. UNAVAILABLE: later, nothing happened. REJECTED: the vendor refuses for good. AMBIGUOUS: it may have
    happened; look first. EXPIRED: the credential ended."""

    DENIED = "denied"
    EXPIRED = "expired"
    MISSING = "missing"
    CONFLICT = "conflict"
    THROTTLED = "throttled"
    EXHAUSTED = "exhausted"
    UNAVAILABLE = "unavailable"
    REJECTED = "rejected"
    AMBIGUOUS = "ambiguous"


UNSURE = "kit.unsure"
"""The word (`Failure.vendor`) for a job that may have been submitted, whatever the code says of the last look."""


class Failure(Exception):
    """A vendor's refusal or silence. `summary` is scrubbed vendor text, short; `retry_after` in seconds; `until` ISO
    8601; `vendor` is the vendor's own word for it (`account_closed`), for the provider's code alone. `use`: which
    credential was refused, read or write, where that is known. `found`: what is wrong in words of ours, where no vendor
    was asked: a file that somebody put down."""

    def __init__(
        self,
        code: Code,
        summary: str = "",
        *,
        retry_after: float | None = None,
        until: str | None = None,
        request_id: str | None = None,
        vendor: str | None = None,
        found: Diagnostic | None = None,
    ) -> None:
        super().__init__(f"{code.value}: {summary}")
        self.code = code
        self.summary = summary
        self.retry_after = retry_after
        self.until = until
        self.request_id = request_id
        self.vendor = vendor
        self.found = found
        self.use = ""
