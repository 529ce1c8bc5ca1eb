"""Resolving the contract, and the dates of what happens around it: written text -> `core.contract`."""

from __future__ import annotations

from crmstate.core.contract import (
    Calendar,
    Clause,
    ContractGoal,
    Fee,
    NoticeClause,
    Parties,
    Period,
    Price,
    Term,
    When,
)
from crmstate.manifest import contract as written
from crmstate.manifest.model import Manifest
from crmstate.manifest.tree import Tree
from crmstate.manifest.written import read_duration, read_moment

_HERE = "contract"


def period(text: str | None) -> Period | None:
    """`12 months`, or None."""
    found = read_duration(text or "")
    return Period(found.count, found.unit) if found else None


def when(text: str | None, tree: Tree, *path: str | int) -> When | None:
    """`30 days before freeze`, or a day; with the place that wrote it."""
    found = read_moment(text or "")
    if found is None:
        return None
    span = tree.span(*path)
    if found.day is not None:
        return When(day=found.day.isoformat(), span=span)
    lasts = found.duration
    return When(None, Period(lasts.count, lasts.unit) if lasts else None, found.side, found.point, span)


def contract(model: Manifest, tree: Tree) -> ContractGoal | None:
    """The contract as somebody read it; None where the manifest has none."""
    here = model.contract
    if here is None:
        return None
    zones = here.calendar
    return ContractGoal(
        term=_term(here.term, tree),
        notice=_notice(here.notice, tree),
        price=Price(here.price.amount, here.price.currency, here.price.per, tree.key_span(_HERE, "price"))
        if here.price
        else None,
        early_termination_fee=_fee(here.early_termination_fee, tree),
        clauses=tuple(
            Clause(each.topic, each.quote, each.source, each.checked_by, tree.span(_HERE, "clauses", number))
            for number, each in enumerate(here.clauses or ())
        ),
        regimes=tuple(here.regimes or ()),
        calendar=Calendar(zones.zone, zones.holidays, zones.vendor_zone, zones.vendor_holidays)
        if zones
        else Calendar(),
        parties=_parties(here.parties, tree),
        span=tree.key_span(_HERE),
    )


def _term(term: written.Term | None, tree: Tree) -> Term | None:
    if term is None:
        return None
    return Term(
        start=term.start,
        length=period(term.length),
        ends_on=term.ends_on,
        end=term.end,
        renewal=term.renewal,
        renewal_length=period(term.renewal_length),
        span=tree.key_span(_HERE, "term"),
    )


def _notice(notice: written.NoticeClause | None, tree: Tree) -> NoticeClause | None:
    lasts = period(notice.period) if notice else None
    if notice is None or lasts is None:
        return None
    return NoticeClause(
        period=lasts,
        before=notice.before,
        counts=notice.counts,
        roll=notice.roll,
        form=notice.form,
        to=notice.to,
        approval_lead=period(notice.approval_lead),
        delivery_lead=period(notice.delivery_lead),
        cut_off=notice.cut_off,
        by_care=tree.at(_HERE, "notice", "roll") is None,
        span=tree.key_span(_HERE, "notice"),
    )


def _parties(parties: written.Parties | None, tree: Tree) -> Parties:
    if parties is None:
        return Parties()
    return Parties(
        customer=parties.customer,
        customer_address=parties.customer_address,
        vendor=parties.vendor,
        vendor_address=parties.vendor_address,
        number=parties.number,
        product=parties.product,
        span=tree.key_span(_HERE, "parties"),
    )


def _fee(fee: written.Fee | None, tree: Tree) -> Fee | None:
    return Fee(fee.amount, fee.currency, tree.key_span(_HERE, "early_termination_fee")) if fee else None
