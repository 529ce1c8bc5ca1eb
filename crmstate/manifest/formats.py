"""Formats: the schema's own `format` words, each with its check and code. Editors use the patterns."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from crmstate.core import location, recipient, workdays
from crmstate.manifest import codes
from crmstate.manifest.written import (
    CLOCK,
    SHARE,
    read_amount,
    read_date,
    read_duration,
    read_moment,
    read_time,
    read_zone,
)

NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
IDENT = r"^[a-z0-9][a-z0-9_-]{0,62}$"
ENV = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"
EMAIL = r'^[^\s@<>,;:/\\"()\[\]]{1,64}@[^\s@<>,;:/\\"()\[\]_]{1,190}$'
URL = r"^https?://(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?(/[^\s?#\\@]{0,500})?$"
LOCATION = r"^(?!(.*/)?(\.|%2[eE]){2}(/|$))(file://(localhost)?/[^\s?#\\]{1,500}|(s3|az|gs|sftp)://[^\s?#\\]{1,500}|[^\s:?#\\~][^:?#\\]{0,500})$"
RECIPIENT = r"^(age1[02-9ac-hj-np-z]{58}|ssh-(ed25519|rsa) [A-Za-z0-9+/=]{40,3000}( .{0,200})?)$"
CURRENCY = r"^[A-Z]{3}$"
HOLIDAYS = r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$"
LANGUAGE = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$"
ZONE = r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$"
FILE = r'^[^\x00\\:*?"<>|]{1,500}$'

_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(1, 10))}
)


def _like(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


_like_url = _like(URL)
_like_name = _like(NAME)
_like_email = _like(EMAIL)
_like_recipient = _like(RECIPIENT)
_like_location = _like(LOCATION)
_like_holidays = _like(HOLIDAYS)


def _location(text: str) -> bool:
    """Whether an archive can lie there, as far as an address tells; what it looks like is asked first."""
    return _like_location(text) and location.plausible(text)


def _holidays(text: str) -> bool:
    """Whether there is a calendar of it; what it looks like is asked first."""
    return _like_holidays(text) and workdays.known(text)


def _recipient(text: str) -> bool:
    """Whether it can be encrypted to; what it looks like is asked first."""
    try:
        return _like_recipient(text) and bool(recipient.plain(text))
    except ValueError:
        return False


def _url(text: str) -> bool:
    if not _like_url(text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
        if parts.netloc.startswith("["):
            ip_address(parts.hostname or "")
    except ValueError:
        return False
    return True


def _name(text: str) -> bool:
    return _like_name(text) and text not in _RESERVED


def _email(text: str) -> bool:
    domain = text.rpartition("@")[2]
    return _like_email(text) and "." in domain and all(domain.split("."))


CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {
    "date": (lambda text: read_date(text) is not None, codes.BAD_DATE),
    "crm-duration": (lambda text: read_duration(text) is not None, codes.BAD_DURATION),
    "crm-interval": (
        lambda text: text.startswith("every ") and read_duration(text[6:]) is not None,
        codes.BAD_INTERVAL,
    ),
    "crm-time": (lambda text: text == "now" or read_time(text) is not None, codes.BAD_TIME),
    "crm-moment": (lambda text: read_moment(text) is not None, codes.BAD_MOMENT),
    "crm-amount": (lambda text: read_amount(text) is not None, codes.BAD_AMOUNT),
    "crm-currency": (_like(CURRENCY), codes.BAD_CURRENCY),
    "crm-zone": (lambda text: read_zone(text) is not None, codes.BAD_ZONE),
    "crm-email": (_email, codes.BAD_EMAIL),
    "crm-url": (_url, codes.BAD_URL),
    "crm-name": (_name, codes.BAD_NAME),
    "crm-id": (_like(IDENT), codes.BAD_ID),
    "crm-env": (_like(ENV), codes.BAD_ENV),
    "crm-share": (_like(SHARE), codes.BAD_SHARE),
    "crm-location": (_location, codes.BAD_LOCATION),
    "crm-recipient": (_recipient, codes.BAD_RECIPIENT),
    "crm-holidays": (_holidays, codes.BAD_CALENDAR),
    "crm-clock": (_like(CLOCK), codes.BAD_CLOCK),
    "crm-language": (_like(LANGUAGE), codes.BAD_LANGUAGE),
    "crm-path": (_like(FILE), codes.BAD_PATH),
}


def fits(format: str, text: str) -> bool:
    """Whether a text is of a format. An unknown format fits everything, as the JSON Schema says."""
    return format not in CHECKS or CHECKS[format][0](text)
