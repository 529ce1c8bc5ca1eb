"""Refusals: what an object store's error means, as a Problem with what to do about it. Of the error's own words only
the status and the store's code get into it: they may quote addresses, keys and whatever the other side said."""

from __future__ import annotations

import re

from obstore.exceptions import BaseError, GenericError, NotSupportedError, PermissionDeniedError, UnauthenticatedError

from crmstate.core.diagnostic import Problem, problem
from crmstate.core.words import Exit

TROUBLES = (BaseError, ValueError, OSError)
"""What obstore raises: errors of its own, and a few of Python's."""

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_WRONG = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "InvalidClientTokenId"}
)
_BUSY = frozenset({"SlowDown", "ServiceUnavailable", "RequestTimeout", "InternalError", "TooManyRequests"})
_FULL = frozenset({"QuotaExceeded", "XMinioStorageFull", "EntityTooLarge"})


def refused(error: BaseException, place: str, conditional: bool = False) -> Problem | None:
    """The Problem; None where it only says that there is no such object. `conditional`: it was asked to keep a
    condition."""
    text = str(error)
    status, code = _first(_STATUS, text), _first(_CODE, text)
    if code in ("NoSuchBucket", "InvalidBucketName", "PermanentRedirect") or status == "301":
        return problem(Exit.ERROR, "CRM-A060", place=place)
    if isinstance(error, FileNotFoundError):
        return None
    if code in _FULL or status == "507":
        return problem(Exit.ERROR, "CRM-A066", place=place, said=code or status)
    if code in _WRONG or isinstance(error, UnauthenticatedError):
        return problem(Exit.CREDENTIALS, "CRM-A061", place=place, said=code or status or "-")
    if isinstance(error, PermissionDeniedError) or status in ("401", "403"):
        return problem(Exit.CREDENTIALS, "CRM-A062", place=place, said=code or status or "-")
    if isinstance(error, NotSupportedError) or status == "501" or (conditional and status == "400"):
        return problem(Exit.ERROR, "CRM-A063", place=place)
    if code in _BUSY or status[:1] == "5" or status == "429" or (not status and isinstance(error, GenericError)):
        return problem(Exit.ERROR, "CRM-A064", place=place, said=code or status or "no whole answer")
    return problem(Exit.ERROR, "CRM-A065", place=place, said=code or status or type(error).__name__)


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
