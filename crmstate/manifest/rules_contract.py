"""Rules of the contract and the calendar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, tzinfo

from msgspec import structs

from crmstate.core import settling
from crmstate.core.contract import Period, Term
from crmstate.core.diagnostic import Diagnostic, diagnostic
from crmstate.core.money import digits, fits
from crmstate.core.term import TermAt, current_term
from crmstate.core.words import Severity
from crmstate.core.workdays import Workdays, known
from crmstate.manifest import codes
from crmstate.manifest.rules_end import listed_once
from crmstate.manifest.tree import Scalar, Tree, dotted
from crmstate.manifest.written import (
    Duration,
    read_amount,
    read_date,
    read_duration,
    read_time,
    read_zone,
    skipped,
    twice,
)


def zone_of(tree: Tree) -> tzinfo:
    """The zone of times that are written without one: the contract's, or UTC."""
    return read_zone(tree.text("contract", "calendar", "zone") or "") or UTC


def one_currency(tree: Tree) -> Iterator[Diagnostic]:
    """Sums of one contract can be added."""
    price = tree.text("contract", "price", "currency")
    fee = tree.text("contract", "early_termination_fee", "currency")
    if price and fee and price != fee:
        span = tree.span("contract", "early_termination_fee", "currency")
        other = tree.span("contract", "price", "currency")
        yield diagnostic(codes.TWO_CURRENCIES, span=span, currency=fee[:10], other=price[:10], other_line=other.line)


def notice_within_term(tree: Tree) -> Iterator[Diagnostic]:
    """A notice longer than the term could never be given in time."""
    period = read_duration(tree.text("contract", "notice", "period") or "")
    length = read_duration(tree.text("contract", "term", "length") or "") or _between(tree)
    if period and length and (period.exceeds(length) or _worked_past(tree, period, length)):
        span = tree.span("contract", "notice", "period")
        yield diagnostic(
            codes.NOTICE_TOO_LONG,
            span=span,
            period=tree.text("contract", "notice", "period"),
            length=tree.text("contract", "term", "length") or f"{length.count} {length.unit}",
        )
    if tree.text("contract", "notice", "roll") == "later":
        yield diagnostic(codes.NEVER_LATER, Severity.WARNING, span=tree.span("contract", "notice", "roll"))


def _worked_past(tree: Tree, period: Duration, length: Duration) -> bool:
    """Whether so many working days before the term's end lie before its beginning, by the calendars that are written and, in a
    year that nobody has decreed, if every day were worked on."""
    start = read_date(tree.text("contract", "term", "start") or "")
    regions = [tree.text("contract", "calendar", name) for name in ("holidays", "vendor_holidays")]
    if start is None or period.unit != "working_days" or not all(known(each) for each in regions if each):
        return False
    stated = tree.text("contract", "term", "ends_on")
    term = Term(start.isoformat(), Period(length.count, length.unit), stated, "exclusive", "none")
    found = current_term(term, start)
    if not isinstance(found, TermAt):
        return False
    try:
        return Workdays(regions).latest(found.end, period.count) < start
    except OverflowError:
        return True


def _between(tree: Tree) -> Duration | None:
    """The length of a term whose first and last day are stated."""
    start = read_date(tree.text("contract", "term", "start") or "")
    ends_on = read_date(tree.text("contract", "term", "ends_on") or "")
    return Duration((ends_on - start).days + 1, "days") if start and ends_on and ends_on >= start else None


def term_agrees(tree: Tree) -> Iterator[Diagnostic]:
    """A stated last day is the one that start and length give, in one way of counting or the other."""
    stated = tree.text("contract", "term", "ends_on") or ""
    start, ends_on = read_date(tree.text("contract", "term", "start") or ""), read_date(stated)
    length = read_duration(tree.text("contract", "term", "length") or "")
    if start and length and ends_on and ends_on >= start:
        term = Term(start.isoformat(), Period(length.count, length.unit), None, None, "none")
        found = [
            current_term(structs.replace(term, end=how), start)
            for how in ("inclusive", "exclusive")
            if how == (tree.text("contract", "term", "end") or how)
        ]
        days = [each.ends for each in found if isinstance(each, TermAt)]
        if days and stated not in days:
            span = tree.span("contract", "term", "ends_on")
            yield diagnostic(codes.TERM_CONTRADICTS, span=span, stated=stated, counted=days[0])
    effective = read_date(tree.text("end_state", "subscription", "effective", "date") or "")
    if start and effective and effective < start:
        span = tree.span("end_state", "subscription", "effective", "date")
        yield diagnostic(codes.ENDS_BEFORE_START, span=span, date=effective.isoformat(), start=start.isoformat())


def term_forwards(tree: Tree) -> Iterator[Diagnostic]:
    """A term ends after it began; one that renews says for how long; a silent end is said so."""
    term = tree.mapping("contract", "term")
    if term is None:
        return
    start = read_date(tree.text("contract", "term", "start") or "")
    ends_on = read_date(tree.text("contract", "term", "ends_on") or "")
    if start and ends_on and ends_on < start:
        yield diagnostic(
            codes.TERM_BACKWARDS,
            span=tree.span("contract", "term", "ends_on"),
            start=start.isoformat(),
            end=ends_on.isoformat(),
        )
    if tree.text("contract", "term", "renewal") == "automatic" and not {"renewal_length", "length"} & set(term.items):
        yield diagnostic(codes.RENEWAL_UNKNOWN, span=tree.span("contract", "term", "renewal"))
    if {"start", "length"} <= set(term.items) and not {"ends_on", "end"} & set(term.items):
        yield diagnostic(codes.END_SILENT, Severity.WARNING, span=tree.key_span("contract", "term"))


def freeze_on_the_clock(tree: Tree) -> Iterator[Diagnostic]:
    """The freeze is a time that the clocks of its zone show, once."""
    time = read_time(tree.text("cutover", "freeze") or "")
    if time is None or time.tzinfo is not None:
        return
    span, zone = tree.span("cutover", "freeze"), zone_of(tree)
    if zone is UTC:
        if tree.at("contract", "calendar", "zone") is None:
            yield diagnostic(codes.FREEZE_ZONE, Severity.WARNING, span=span)
    elif skipped(time, zone):
        yield diagnostic(codes.SKIPPED_TIME, span=span, time=time.isoformat(timespec="minutes"), zone=str(zone))
    elif twice(time, zone):
        yield diagnostic(
            codes.AMBIGUOUS_TIME, Severity.WARNING, span=span, time=time.isoformat(timespec="minutes"), zone=str(zone)
        )


def freeze_before_the_end(tree: Tree) -> Iterator[Diagnostic]:
    """What is done after the freeze (a last export, the purge) needs a contract that still runs."""
    freeze = read_time(tree.text("cutover", "freeze") or "")
    ends = read_date(tree.text("end_state", "subscription", "effective", "date") or "")
    if freeze and ends and freeze.date() > ends and tree.text("end_state", "subscription", "status") == "cancelled":
        span = tree.span("cutover", "freeze")
        yield diagnostic(codes.FREEZE_AFTER_END, span=span, freeze=freeze.date().isoformat(), date=ends.isoformat())


def amounts_written_out(tree: Tree) -> Iterator[Diagnostic]:
    """A sum without quotes is a number to the schema; here it is also one that people write: no `1e5`, no `007`."""
    for path in (("contract", "price", "amount"), ("contract", "early_termination_fee", "amount")):
        node = tree.at(*path)
        number = (
            isinstance(node, Scalar) and isinstance(node.native(), int | float) and not isinstance(node.native(), bool)
        )
        if isinstance(node, Scalar) and number and read_amount(node.text) is None and not node.text.startswith("-"):
            yield diagnostic(codes.BAD_AMOUNT, span=tree.span(*path), key=dotted(path), value=node.text[:60])


def decimals_of_the_currency(tree: Tree) -> Iterator[Diagnostic]:
    """No sum has more decimals than its currency has: `1.320` euros is a thousand to whoever separates thousands with a
    point."""
    for section in ("price", "early_termination_fee"):
        path = ("contract", section, "amount")
        text, currency = tree.text(*path), tree.text("contract", section, "currency") or ""
        found = read_amount(text) if text is not None else None
        if text is not None and found is not None and settling.currency(currency) and not fits(found, currency):
            n = digits(currency)
            whole = text.replace(".", "") + ("." + "0" * n if n else "")
            yield diagnostic(
                codes.TOO_MANY_DECIMALS, span=tree.span(*path), key=dotted(path), value=text[:60], currency=currency, n=n, whole=whole
            )  # fmt: skip


def words_once(tree: Tree) -> Iterator[Diagnostic]:
    """No regime and no format twice."""
    for path in (("contract", "regimes"), ("end_state", "data", "archive", "formats"), ("evaluation", "measures")):
        texts = [item.text if isinstance(item, Scalar) else None for item in tree.items(*path)]
        yield from listed_once(tree, texts, *path)


RULES = (
    one_currency,
    notice_within_term,
    term_forwards,
    term_agrees,
    amounts_written_out,
    decimals_of_the_currency,
    freeze_on_the_clock,
    freeze_before_the_end,
    words_once,
)
