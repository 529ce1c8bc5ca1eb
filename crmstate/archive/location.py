"""Location: where an archive is to lie, as the manifest writes it, to a path. Refuses schemes that this version does
not carry out.

`file:///srv/archives` is absolute; `file://archives` and `./archives` are relative to the manifest's folder. A
manifest is untrusted: a relative path may not lead out of its folder, neither by `..` nor through a link.
"""

from __future__ import annotations

from pathlib import Path

from crmstate.core.diagnostic import problem
from crmstate.core.location import folder
from crmstate.core.words import Exit


def resolve(to: str, base: Path) -> Path:
    """The folder that `to` names. Raises Problem CRM-A016 for another scheme, CRM-A017 where it names no folder, or
    one it may not."""
    try:
        absolute, parts = folder(to)
    except LookupError as other:
        raise problem(Exit.INVALID, "CRM-A016", to=to, scheme=str(other.args[0])) from None
    except ValueError:
        raise problem(Exit.INVALID, "CRM-A017", to=to) from None
    return Path("/", *parts) if absolute else _below(base, parts, to)


def _below(base: Path, parts: list[str], to: str) -> Path:
    path = base.absolute()
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise problem(Exit.INVALID, "CRM-A017", to=to)
    return path
