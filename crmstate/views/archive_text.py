"""An archive, shown: what archives there are, what one holds, what a verification looked at. Text, Markdown and JSON by
`format`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from crmstate.core.event import Check
from crmstate.core.holdings import Holdings, Verified
from crmstate.core.plan import FORMAT_VERSION
from crmstate.views import tables
from crmstate.views.catalogue import Catalogue
from crmstate.views.escape import cell
from crmstate.views.width import shorten
from crmstate.views.wire import encode

LABEL = 30
_LIST = ("archive", "datasets", "rows", "attachments", "bytes", "at")
_DATASETS = ("dataset", "label", "rows", "attachments", "bytes", "generations", "at")
_UNREAD = frozenset({"ciphertext", "index"})
_CHECKS = ("dataset", "method", "result", "rows", "files", "bytes", "odd")


def archive_list(found: Sequence[Holdings], words: Catalogue, format: str = "text") -> str:
    """One row an archive."""
    if format == "json":
        return _json({"archives": msgspec.to_builtins(tuple(found))})
    safe = _for(words, format)
    rows = [
        [
            safe.safe(each.path),
            f"{len(each.datasets):,}",
            f"{sum(one.rows for one in each.datasets):,}",
            f"{sum(one.attachments for one in each.datasets):,}",
            f"{sum(one.bytes for one in each.datasets):,}",
            safe.safe(each.sealed_at),
        ]
        for each in found
    ]
    return _table(_LIST, rows, safe, format)


def archive_show(found: Holdings, words: Catalogue, format: str = "text") -> str:
    """One row a dataset, and what is missing."""
    if format == "json":
        return _json(msgspec.to_builtins(found))
    safe = _for(words, format)
    rows = [
        [
            safe.safe(each.dataset),
            safe.safe(shorten(safe.plain(each.label), LABEL)),
            f"{each.rows:,}",
            f"{each.attachments:,}",
            f"{each.bytes:,}",
            str(each.generations),
            safe.safe(each.sealed_at),
        ]
        for each in found.datasets
    ]
    head = safe.text_of("archive.head", path=found.path, content=found.content)
    if found.encrypted_to:
        head += "\n" + safe.text_of("archive.locked", recipients=", ".join(found.encrypted_to))
    lines = [
        safe.text_of("archive.missing", dataset=dataset, why=safe.text_of(f"archive.{why or status}"))
        for dataset, status, why in found.missing
    ]
    lines += [
        safe.text_of(
            "archive.given_up",
            dataset=each.dataset,
            who=each.attachments_given_up.by,
            text=each.attachments_given_up.why,
        )
        for each in found.datasets
        if each.attachments_given_up is not None
    ]
    return (
        head
        + "\n\n"
        + _table(_DATASETS, rows, safe, format)
        + "".join(f"\n{each}" for each in lines)
        + "\n" * bool(lines)
    )


def archive_verified(path: str, found: Sequence[Verified], words: Catalogue, format: str = "text") -> str:
    """One row a check: what was read, how much; and last what was not: of copies nobody can tell without a key what lies
    there, for they are no part of what is sealed."""
    checks = [one for each in found for one in each.checks]
    unread = any(one.method in _UNREAD for one in checks)
    copies = any(one.method == "views" and one.said == "not_read" for one in checks)
    if format == "json":
        read = {"contents_read": not unread, "copies_read": not copies}
        return _json({"path": path, **read, "datasets": msgspec.to_builtins(tuple(found))})
    safe = _for(words, format)
    rows = [
        [
            safe.safe(each.dataset),
            safe.text_of(f"check.{one.method}"),
            safe.text_of(f"check.{one.said}"),
            *_numbers(one),
        ]
        for each in found
        for one in each.checks
    ]
    notes = [safe.text_of("archive.unread")] * unread + [safe.text_of("archive.unread_copies")] * copies
    return _table(_CHECKS, rows, safe, format) + (f"\n{' '.join(notes)}\n" if notes else "")


def _numbers(check: Check) -> list[str]:
    return ["-" if number is None else f"{number:,}" for number in (check.rows, check.files, check.bytes, check.odd)]


def _for(words: Catalogue, format: str) -> Catalogue:
    return words.escaping(cell) if format == "markdown" else words


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], words: Catalogue, format: str) -> str:
    head = [words.text_of(f"column.{name}") for name in names]
    lines = tables.markdown(head, rows) if format == "markdown" else tables.columns(head, rows)
    return "\n".join(lines) + "\n"


def _json(value: Mapping[str, object]) -> str:
    return encode({"format_version": FORMAT_VERSION, **value}).decode() + "\n"
