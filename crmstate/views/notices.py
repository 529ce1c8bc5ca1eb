"""Notices as people read them: to whom each goes and what it says, in a plan; who was told, in the status.

Names and texts are other people's: each line of them passes the catalogue's escape.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from crmstate.core.address import Address, id_of
from crmstate.core.audience import Audience
from crmstate.core.record import State
from crmstate.core.words import Fate, Outcome, Verb
from crmstate.views import tables
from crmstate.views.catalogue import Catalogue
from crmstate.views.width import shorten

TEXT = 12
"""Lines of a notice that a plan shows."""
LINE = 600
"""Cells of a line of it."""
ROWS = 5
COLUMNS = ("notice", "delivered", "bounced", "unknown", "rejected", "deferred", "opted_out", "left")


class Sent(msgspec.Struct, frozen=True):
    """Who was told of one notice. `rejected`: refused by the server, or no address; `bounced`: taken by the
    server, and come back; `left`: not tried yet. `by_hand`: a person has confirmed that they are told, however."""

    notice: str
    channel: str
    count: int
    delivered: int
    unknown: int
    rejected: int
    deferred: int
    opted_out: int
    left: int
    bounced: int = 0
    by_hand: bool = False


def sent(state: State) -> tuple[Sent, ...]:
    """Who was told, notice by notice."""
    found = []
    for place, told in sorted(state.told.items()):
        delivered, unknown = told.number(Fate.DELIVERED), told.number(Fate.UNKNOWN, Fate.SENDING)
        refused, deferred = told.number(Fate.REJECTED), told.number(Fate.DEFERRED)
        bounced = told.number(Fate.BOUNCED)
        left = max(0, told.count - delivered - unknown - refused - deferred - bounced)
        rejected = refused + told.rejected
        found.append(
            Sent(
                id_of(place),
                told.channel,
                told.count,
                delivered,
                unknown,
                rejected,
                deferred,
                told.opted_out,
                left,
                bounced,
                _by_hand(state, place),
            )
        )
    return tuple(found)


def _by_hand(state: State, place: Address) -> bool:
    """Whether a person said that everybody was told, in another way or by now."""
    entry = state.latest(place, Verb.NOTIFY)
    return entry is not None and entry.outcome is Outcome.DONE and bool(entry.by)


def sent_rows(found: Iterable[Sent], words: Catalogue) -> list[list[str]]:
    """One row a notice."""
    rows = []
    for each in found:
        numbers = (each.delivered, each.bounced, each.unknown, each.rejected, each.deferred, each.opted_out, each.left)
        named = words.safe(each.notice)
        shown = words.text_of("told.by_hand", notice=named) if each.by_hand else named
        rows.append([shown, *(f"{n:,}" if n else "-" for n in numbers)])
    return rows


def heads(words: Catalogue) -> list[str]:
    return [words.text_of(f"told.{name}") for name in COLUMNS]


def sent_text(found: Iterable[Sent], words: Catalogue) -> list[str]:
    """For a terminal; nothing where nobody was told."""
    rows = sent_rows(found, words)
    return [words.text_of("told.title"), *tables.columns(heads(words), rows, "  ")] if rows else []


def preview(found: Audience, words: Catalogue) -> list[str]:
    """One notice of a plan: counts, samples, rejected rows, subject and text."""
    numbers = {
        "count": found.count,
        "rejected": found.rejected,
        "repeated": found.repeated,
        "opted_out": found.opted_out,
    }
    about = [words.text_of(f"audience.{name}", n=n) for name, n in numbers.items() if n or name == "count"]
    source = words.text_of("audience.source", what=found.source) if found.source else ""
    head = words.text_of("audience.head", notice=found.notice, to=found.to, channel=found.channel)
    lines = [head, "  " + words.text_of("join.list").join([*about, *([source] if source else [])])]
    if found.samples:
        listed = words.text_of("join.list").join(words.safe(each) for each in found.samples)
        lines.append("  " + words.text_of("audience.samples", who=listed))
    for row in found.turned[:ROWS]:
        lines.append("  " + words.text_of("audience.turned", n=row.line, why=row.why, source=found.source or "-"))
    more = found.rejected - min(len(found.turned), ROWS)
    if more > 0:
        lines.append("  " + words.text_of("fold.more", n=more))
    if found.subject:
        lines.append("  | " + words.safe(shorten(words.plain(found.subject), LINE)))
        lines.append("  |")
    rows = found.text.splitlines() if found.text.strip() else []
    lines += [("  | " + words.safe(shorten(words.plain(row), LINE))).rstrip() for row in rows[:TEXT]]
    if len(rows) > TEXT:
        lines.append("  | " + words.text_of("fold.more", n=len(rows) - TEXT))
    return lines


def previews(found: Iterable[Audience], words: Catalogue) -> list[str]:
    """All notices of a plan."""
    lines: list[str] = []
    for each in found:
        lines += ["", *preview(each, words)] if lines else preview(each, words)
    return lines
