"""Vendor text made fit to be shown: no control or bidirectional characters, no secrets, one short line.

It refuses nothing and escapes nothing: what Markdown or a terminal would make of the rest is the views' business.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from crmstate.core.failure import Code, Failure

SHORT = 200
_READ = 20_000
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

Scrub = Callable[[str], str]


def clean(text: str, scrub: Scrub, limit: int = SHORT) -> str:
    """One line of at most `limit` characters. Stripped first and scrubbed then, so that no invisible character hides
    a secret."""
    seen = "".join(" " if unicodedata.category(char) in _UNSEEN else char for char in text[:_READ])
    tight = "".join(char for char in text[:_READ] if unicodedata.category(char) not in _UNSEEN)
    if scrub(tight) != tight:
        seen = tight
    line = " ".join(scrub(seen).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def segment(remote_id: str) -> str:
    """An id as one segment of a path. Raises Failure(REJECTED) for ids that would change the path's meaning."""
    if remote_id in {"", ".", ".."}:
        raise Failure(Code.REJECTED, "an id that cannot stand in an address", vendor="kit.id")
    return quote(remote_id, safe="")


def without_secrets(target: str) -> str:
    """An integration's address without what may be secret in it: user, password, path and query.
    `https://hooks.example.com/…`

    Webhook addresses carry their secret in the path or the query (real vendors list them in clear), and a state file
    must not.
    """
    if "://" not in target:
        return target
    try:
        parts = urlsplit(target)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "…"
    place = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    return place + ("/…" if parts.path.strip("/") or parts.query else "")
