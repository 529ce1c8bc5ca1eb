"""Location: where an archive is to lie, as the manifest writes it, to a path. Refuses schemes that this version does
not carry out.

`file:///srv/archives` is absolute; `file://archives` and `./archives` are relative to the manifest's folder. A
manifest is untrusted: a relative path may not lead out of its folder, neither by `..` nor through a link.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from crmstate.core.diagnostic import problem
from crmstate.core.words import Exit

_FILE = "file"


def resolve(to: str, base: Path) -> Path:
    """The folder that `to` names. Raises Problem CRM-A016 for another scheme, CRM-A017 where it names no folder, or
    one it may not."""
    scheme, mark, rest = to.partition("://")
    if mark and scheme.lower() != _FILE:
        raise problem(Exit.INVALID, "CRM-A016", to=to, scheme=scheme)
    place = _decoded(rest.removeprefix("localhost") if rest.startswith("localhost/") else rest) if mark else to
    parts = [part for part in place.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or not place.isprintable() or (mark and ("?" in rest or "#" in rest)):
        raise problem(Exit.INVALID, "CRM-A017", to=to)
    if place.startswith("/"):
        return Path("/", *parts)
    return _below(base, parts, to)


def _decoded(place: str) -> str:
    """The path of an address; what does not decode to text comes back with a character that is refused."""
    try:
        return unquote(place, errors="strict")
    except UnicodeDecodeError:
        return "\0"


def _below(base: Path, parts: list[str], to: str) -> Path:
    path = base.absolute()
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise problem(Exit.INVALID, "CRM-A017", to=to)
    return path
