"""Location: what an address of an archive may be, as far as its text tells. Whether the place is there, and whether it
may be used, is not known here. A manifest is untrusted: an address leads to where it says, and nowhere up."""

from __future__ import annotations

import re
from urllib.parse import unquote

BUCKETS = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_STRANGE = re.compile(r'[\\?#%*"<>|^`{}~\[\]]')
_LONGEST = 600
_FILE = "file"


def bucket(to: str) -> tuple[str, list[str]]:
    """The bucket and the parts of the prefix that `s3://bucket/prefix/` names. Raises ValueError where it names no place
    in a bucket that an archive may use."""
    rest = to[len(BUCKETS) :]
    name, _, prefix = rest.partition("/")
    parts = prefix.removesuffix("/").split("/") if prefix.strip("/") else []
    good = _BUCKET.fullmatch(name) and ".." not in name and len(rest.encode("utf-8", "surrogatepass")) <= _LONGEST
    plain = all(part not in ("", ".", "..") and part.isprintable() and not _STRANGE.search(part) for part in parts)
    if not to.startswith(BUCKETS) or not good or not plain:
        raise ValueError("not a place in a bucket")
    return name, parts


def folder(to: str) -> tuple[bool, list[str]]:
    """Whether a path, plain or as `file://...`, is absolute, and its parts. Raises ValueError where it names no folder that
    an archive may use, LookupError where it is an address of another kind."""
    scheme, mark, rest = to.partition("://")
    if mark and scheme.lower() != _FILE:
        raise LookupError(scheme)
    place = _decoded(rest.removeprefix("localhost") if rest.startswith("localhost/") else rest) if mark else to
    parts = [part for part in place.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or not place.isprintable() or (mark and ("?" in rest or "#" in rest)):
        raise ValueError("not a folder")
    return place.startswith("/"), parts


def _decoded(place: str) -> str:
    """The path of an address; what does not decode to text comes back with a character that is refused."""
    try:
        return unquote(place, errors="strict")
    except UnicodeDecodeError:
        return "\0"


def plausible(to: str) -> bool:
    """Whether a text can be the address of an archive. Of kinds that are not carried out yet nothing is known."""
    try:
        if to.startswith(BUCKETS):
            bucket(to)
        else:
            folder(to)
    except LookupError:
        return True
    except ValueError:
        return False
    return True
