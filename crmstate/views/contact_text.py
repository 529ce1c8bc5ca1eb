"""The vendor contact log as text, Markdown and JSON. Where the manifest masks people, nobody's name is shown, and no name
of a file, which may hold one; what was said stays as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from crmstate.core.contacts import corrected
from crmstate.core.event import Contacted
from crmstate.core.plan import FORMAT_VERSION
from crmstate.views import tables
from crmstate.views.catalogue import Catalogue
from crmstate.views.escape import cell
from crmstate.views.width import shorten
from crmstate.views.wire import encode

SAID = 80
CELL = 500
_TABLE = ("id", "at", "kind", "channel", "person", "said", "about", "files", "note_on")

Log = Mapping[str, Contacted]


def contacts_json(found: Sequence[Contacted], log: Log, mask: bool = False) -> str:
    """One object: `format_version` and `contacts`; `corrected_by` names the entry that stands for one."""
    gone = corrected(log)
    rows = []
    for each in found:
        row = msgspec.to_builtins(each) | {"corrected_by": gone.get(each.id)}
        row.pop("event", None)
        if mask:
            row["person"] = ""
            row["attachments"] = [{**file, "note": ""} for file in row.get("attachments", ())]
        rows.append(row)
    return encode({"format_version": FORMAT_VERSION, "masked": mask, "contacts": rows}).decode() + "\n"


def contacts_text(found: Sequence[Contacted], log: Log, words: Catalogue, mask: bool = False) -> str:
    """A paragraph of two or three lines for each."""
    if not found:
        return words.text_of("contact.none") + "\n"
    lines = []
    for each in found:
        said = words.safe(shorten(words.plain(each.outcome), SAID))
        lines += [_head(each, words, mask), f"    {said}"]
        about = [words.safe(place) for place in each.steps] + _marks(each, log, words)
        lines += [f"    {words.text_of('join.list').join(about)}"] if about else []
    return "\n".join(lines) + "\n"


def contact_whole(each: Contacted, log: Log, words: Catalogue, mask: bool = False) -> str:
    """One entry with everything that is kept of it."""
    lines = [_head(each, words, mask), "    " + words.text_of("contact.said", text=each.outcome)]
    if each.steps:
        what = words.text_of("join.list").join(each.steps)
        lines.append("    " + words.text_of("contact.about", what=what))
    for file in each.attachments:
        name = words.text_of("contact.masked") if mask else file.note
        lines.append("    " + words.text_of("contact.file", name=name, bytes=file.bytes or 0, sha256=file.sha256))
    lines.append("    " + words.text_of("contact.by", who=each.by, at=each.at))
    lines += [f"    {mark}" for mark in _marks(each, log, words)]
    return "\n".join(lines) + "\n"


def contacts_markdown(found: Sequence[Contacted], log: Log, words: Catalogue, name: str, mask: bool = False) -> str:
    """A table for a ticket or a report."""
    safe = words.escaping(cell)
    head = [safe.text_of(f"column.{each}") for each in _TABLE]
    rows = [_row(each, log, safe, mask) for each in found]
    body = tables.markdown(head, rows) or [safe.text_of("contact.none")]
    return "\n".join([f"## {safe.text_of('contact.title', name=name)}", "", *body]) + "\n"


def _row(each: Contacted, log: Log, safe: Catalogue, mask: bool) -> list[str]:
    files = [file.sha256[:12] if mask else safe.safe(file.note) for file in each.attachments]
    return [
        safe.safe(each.id),
        safe.safe(each.when),
        safe.word("contacting", each.kind.value),
        safe.word("contact_way", each.channel.value),
        safe.text_of("contact.masked") if mask else safe.safe(each.person),
        safe.safe(shorten(safe.plain(each.outcome), CELL)),
        safe.text_of("join.list").join(safe.safe(place) for place in each.steps),
        safe.text_of("join.list").join(files),
        safe.text_of("join.list").join(_marks(each, log, safe)),
    ]


def _head(each: Contacted, words: Catalogue, mask: bool) -> str:
    who = words.text_of("contact.masked") if mask else each.person
    head = words.text_of("contact.head", id=each.id, at=each.when, kind=each.kind.value, channel=each.channel.value)
    return head + words.text_of("join.list") + words.text_of("contact.with", who=who)


def _marks(each: Contacted, log: Log, words: Catalogue) -> list[str]:
    """What corrects what."""
    later = corrected(log).get(each.id)
    marks = [words.text_of("contact.corrects", id=each.corrects)] if each.corrects else []
    return [*marks, words.text_of("contact.corrected", id=later)] if later is not None else marks
