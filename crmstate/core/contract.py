"""ContractGoal: what binds the customer, as plain values with the place that wrote each. Text becomes no date here:
`core/deadline.py` does that.
"""

from __future__ import annotations

import msgspec

from crmstate.core.diagnostic import Span


class Period(msgspec.Struct, frozen=True):
    """`count` of `unit`: days, working_days, weeks, months or years. Days and months are not the same."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count} {self.unit}"


class When(msgspec.Struct, frozen=True, omit_defaults=True):
    """A day (ISO), or a period `before` or `after` a point: a milestone, or the id of a person's step."""

    day: str | None = None
    period: Period | None = None
    side: str = ""
    point: str = ""
    span: Span | None = None

    def __str__(self) -> str:
        return self.day or f"{self.period} {self.side} {self.point}"


class Term(msgspec.Struct, frozen=True, omit_defaults=True):
    """How long the contract binds. `start` and `ends_on`: ISO days; `end`: inclusive, exclusive, or None where the
    contract is silent; `renewal`: automatic, none, or None where nobody wrote it."""

    start: str | None = None
    length: Period | None = None
    ends_on: str | None = None
    end: str | None = None
    renewal: str | None = None
    renewal_length: Period | None = None
    span: Span | None = None


class Clause(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sentence of the contract: topic, words, document and page, and who read it."""

    topic: str
    quote: str
    source: str
    checked_by: str
    span: Span | None = None


class NoticeClause(msgspec.Struct, frozen=True, omit_defaults=True):
    """`before`: term_end or period_end; `counts`: receipt or dispatch; `roll`: earlier, none or later; `form`: written,
    text, email, portal, any, or None; `to`: where it must be sent; `cut_off`: the time of day (HH:MM, in the vendor's zone)
    at which its last day ends, None for midnight; `by_care`: that it rolls nobody wrote, and it does so out of our own care."""

    period: Period
    before: str
    counts: str = "receipt"
    roll: str = "earlier"
    form: str | None = None
    to: str | None = None
    approval_lead: Period | None = None
    delivery_lead: Period | None = None
    cut_off: str | None = None
    by_care: bool = False
    span: Span | None = None


class Price(msgspec.Struct, frozen=True, omit_defaults=True):
    """`amount`: a decimal number as text; `currency`: three letters; `per`: month, quarter, year or term."""

    amount: str
    currency: str
    per: str
    span: Span | None = None


class Fee(msgspec.Struct, frozen=True, omit_defaults=True):
    """What falls due once: a decimal number as text, and a currency."""

    amount: str
    currency: str
    span: Span | None = None


class Calendar(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose days count: zones by their names in the time zone database, holidays as `DE-BY`."""

    zone: str | None = None
    holidays: str | None = None
    vendor_zone: str | None = None
    vendor_holidays: str | None = None


class Parties(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who made the contract, as it names them, its number, and what is bought: for letters. An address may have several
    lines."""

    customer: str | None = None
    customer_address: str | None = None
    vendor: str | None = None
    vendor_address: str | None = None
    number: str | None = None
    product: str | None = None
    span: Span | None = None


class ContractGoal(msgspec.Struct, frozen=True, omit_defaults=True):
    """The contract as somebody read it. What is None nobody wrote: it is unknown, not nought."""

    term: Term | None = None
    notice: NoticeClause | None = None
    price: Price | None = None
    early_termination_fee: Fee | None = None
    clauses: tuple[Clause, ...] = ()
    regimes: tuple[str, ...] = ()
    calendar: Calendar = Calendar()
    parties: Parties = Parties()
    span: Span | None = None
