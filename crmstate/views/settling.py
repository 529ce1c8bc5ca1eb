"""The settlement, shown: every claim with what answers it, and what is open in each currency. Two currencies never stand in
one sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crmstate.core.event import Claimed
from crmstate.core.plan import FORMAT_VERSION
from crmstate.core.settling import Balance, Line, money
from crmstate.views import tables
from crmstate.views.catalogue import Catalogue
from crmstate.views.escape import cell
from crmstate.views.mask import hidden
from crmstate.views.width import shorten
from crmstate.views.wire import encode

NOTE = 40
Mask = Callable[[str], str] | None
_LINES = ("number", "claim", "amount", "due", "open", "answered", "note")
_BALANCES = ("currency", "we_owe", "owed_to_us", "net")
_PAPERS = ("number", "claim", "amount", "day", "by", "at", "document", "note")


def settle_list(
    found: Sequence[Line], sums: Sequence[Balance], words: Catalogue, format: str = "text", mask: Mask = None
) -> str:
    """One row a claim, then one a currency. `mask`: takes people out of JSON, as `words` does out of the rest."""
    if format == "json":
        return _json({"claims": [_plain(each) for each in found], "balances": [_sums(each) for each in sums]}, mask)
    safe = words.escaping(cell) if format == "markdown" else words
    if not found:
        return safe.text_of("settle.nothing") + "\n"
    lines = [
        [
            str(each.claim.number),
            safe.word("settle_kind", each.claim.kind),
            f"{each.claim.currency} {money_of(each.claim)}",
            money(each.due),
            money(each.open),
            safe.text_of("settle.agreed" if each.agreed else "settle.yes" if each.answered else "settle.no"),
            safe.safe(shorten(safe.plain(each.claim.note), NOTE)),
        ]
        for each in found
    ]
    balances = [[each.currency, money(each.we_owe), money(each.owed_to_us), money(each.net)] for each in sums]
    return _table(_LINES, lines, safe, format) + "\n" + _table(_BALANCES, balances, safe, format)


def settle_show(line: Line, words: Catalogue, format: str = "text", mask: Mask = None) -> str:
    """One claim, with every document of it."""
    if format == "json":
        return _json(_plain(line), mask)
    safe = words.escaping(cell) if format == "markdown" else words
    every = sorted([line.claim, *line.paid, *([line.agreed] if line.agreed else [])], key=lambda each: each.number)
    rows = [
        [
            str(each.number),
            safe.word("settle_kind", each.kind),
            f"{each.currency} {money_of(each)}",
            each.day or "-",
            safe.safe(each.by),
            each.at,
            safe.safe(f"{each.document.note} {each.document.sha256[:12]}"),
            safe.safe(each.note),
        ]
        for each in every
    ]
    said = safe.text_of("settle.open", currency=line.claim.currency, due=money(line.due), open=money(line.open))
    return _table(_PAPERS, rows, safe, format) + "\n" + said + "\n"


def money_of(line: Claimed) -> str:
    """Its amount as it was written."""
    return line.amount


def _plain(line: Line) -> dict[str, object]:
    return {
        "claim": line.claim,
        "answers": [*line.paid, *([line.agreed] if line.agreed else [])],
        "due": money(line.due),
        "open": money(line.open),
        "answered": line.answered,
    }


def _sums(each: Balance) -> dict[str, str]:
    return {
        "currency": each.currency,
        "we_owe": money(each.we_owe),
        "owed_to_us": money(each.owed_to_us),
        "net": money(each.net),
    }


def _json(value: dict[str, object], mask: Mask) -> str:
    shown = value if mask is None else hidden(value, mask)
    return encode({"format_version": FORMAT_VERSION, **shown}).decode() + "\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], words: Catalogue, format: str) -> str:
    head = [words.text_of(f"settle_column.{name}") for name in columns]
    made = tables.markdown(head, rows) if format == "markdown" else tables.columns(head, rows)
    return "\n".join(made) + "\n"
