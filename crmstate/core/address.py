"""Address: the name of one thing, `user/4711`. The remote id is the identity; labels are for people and live elsewhere.

An address is a plain string in canonical form, so that a hundred thousand of them stay small and travel through JSON
as they are. Characters of the id that would make it ambiguous (`/`, `%`, white space, control and non-ASCII
characters) are percent-encoded.
"""

from __future__ import annotations

from typing import NewType
from urllib.parse import quote, unquote

from crmstate.core.words import Kind

Address = NewType("Address", str)

_SAFE = ".-_~@+:=,"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" + _SAFE)
_KINDS = {kind.value: kind for kind in Kind}


def address(kind: Kind, remote_id: str) -> Address:
    """The canonical address of `remote_id`. Raises ValueError on an empty id."""
    if not remote_id:
        raise ValueError("an address needs an id")
    if _PLAIN.issuperset(remote_id):
        return Address(f"{kind.value}/{remote_id}")
    return Address(f"{kind.value}/{quote(remote_id, safe=_SAFE, errors='surrogatepass')}")


def parse(text: str) -> Address:
    """Text that a person typed, as an address. Raises ValueError where it is none."""
    kind, slash, rest = text.partition("/")
    if not slash or kind not in _KINDS or not rest:
        raise ValueError(f"not an address: {text!r}")
    return address(_KINDS[kind], unquote(rest, errors="surrogatepass"))


def kind_of(place: Address) -> Kind:
    """The kind in front of the slash."""
    return _KINDS[place.partition("/")[0]]


def id_of(place: Address) -> str:
    """The remote id, decoded."""
    return unquote(place.partition("/")[2], errors="surrogatepass")
