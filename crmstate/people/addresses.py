"""Addresses: which text is one person's mail address, and which must never come near a header.

Nothing is guessed and nothing mended: what is no plain address is turned away with its reason. Breaks and control
characters are worse than a slip, since they write headers of their own: whoever reads them stops.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass

LONGEST = 254
LOCAL = 64
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")


class Injection(ValueError):
    """A break or a control character where a name or an address should be."""


class NoAddress(ValueError):
    """Its text is a catalogue code: why it is no address."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is told. `address` as it is sent to; `name` may be empty."""

    address: str
    name: str = ""

    @property
    def same(self) -> str:
        """What two spellings of one address have in common."""
        return self.address.casefold()


def clean(text: str) -> str:
    """Text without blanks around it. Raises Injection where it holds what a header must not."""
    text = text.strip(" \t")
    if any(unicodedata.category(each) in ("Cc", "Zl", "Zp", "Cs") or each in _BIDI for each in text):
        raise Injection
    if "=?" in text:  # an encoded word: mail libraries decode it, and what it hides may be a break
        raise Injection
    return text


def address(text: str) -> str:
    """The address, with its domain in ASCII. Raises Injection and NoAddress."""
    text = clean(text)
    if not text:
        raise NoAddress("address.empty")
    local, at, domain = text.rpartition("@")
    if at and ";" in text:
        raise NoAddress("address.semicolon")
    if not at or not local:
        raise NoAddress("address.no_at")
    if "@" in local:
        raise NoAddress("address.two_at")
    if not local.isascii():
        raise NoAddress("address.not_ascii")
    if not _LOCAL.fullmatch(local) or len(local) > LOCAL:
        raise NoAddress("address.local")
    try:
        plain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise NoAddress("address.domain") from None
    labels = plain.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise NoAddress("address.domain")
    found = f"{local}@{plain.lower()}"
    if len(found) > LONGEST:
        raise NoAddress("address.long")
    return found


def fingerprint(key: bytes, text: str) -> str:
    """What the record knows somebody by: nothing that can be turned back, or tried out without the key."""
    return hmac.new(key, text.casefold().encode(), hashlib.sha256).hexdigest()[:20]


def masked(text: str) -> str:
    """An address that shows whose kind it is, and not whose: `a…@e….com`."""
    local, _, domain = text.rpartition("@")
    host, _, top = domain.rpartition(".")
    return f"{local[:1]}…@{host[:1]}….{top}"
