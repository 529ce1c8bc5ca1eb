"""The contract section: term, notice, price, clauses. Data with a source; nothing here is legal advice."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from crmstate.manifest.field import Amount, Clock, Currency, Day, Email, Holidays, Part, Period, Text, Zone


class Term(Part):
    """How long the contract binds: a start and a length, or a stated last day."""

    start: Day | None = Field(None, description="The first day of the current term, such as 2025-02-01.")
    length: Period | None = Field(None, description="How long one term is, such as `12 months`.")
    ends_on: Day | None = Field(
        None,
        description="The last day of the current term, where the contract states it. It wins over start and length.",
    )
    end: Literal["inclusive", "exclusive"] | None = Field(
        None,
        description="inclusive: the last day is the day before the anniversary; exclusive: the anniversary itself. "
        "Left out, the earlier is taken, and said so.",
    )
    renewal: Literal["automatic", "none"] | None = Field(
        None, description="What happens at the end of the term when nobody does anything."
    )
    renewal_length: Period | None = Field(None, description="How long a renewal binds, such as `12 months`.")


class NoticeClause(Part):
    """How and until when notice must be given."""

    period: Period = Field(
        description="How long before, such as `60 days` or `3 months`. Days and months are not the same."
    )
    before: Literal["term_end", "period_end"] = Field(description="What the period is counted back from.")
    counts: Literal["receipt", "dispatch"] = Field(
        "receipt", description="Whether notice counts when the vendor has received it, or when it was sent."
    )
    roll: Literal["earlier", "none", "later"] = Field(
        "earlier",
        description="Where a deadline goes that falls on a day off. A notice is counted backwards and never moves later: "
        "later is the day as counted. Left out, it moves earlier out of care alone; write it where the contract says so.",
    )
    form: Literal["written", "text", "email", "portal", "any"] | None = Field(
        None, description="The form that the contract asks for."
    )
    to: Text | None = Field(None, description="Where notice must be sent.")
    approval_lead: Period | None = Field(
        None, description="How long your own approval takes, such as `5 working_days`."
    )
    delivery_lead: Period | None = Field(None, description="How long delivery takes, such as `3 working_days`.")
    cut_off: Clock | None = Field(
        None, description='The time at which the last day ends, such as "17:00", in the vendor\'s zone; else midnight.'
    )


class Price(Part):
    """What the contract costs."""

    amount: Amount = Field(description='The sum, such as "14400.00".')
    currency: Currency = Field(description="Three capital letters, such as EUR, USD, CNY.")
    per: Literal["month", "quarter", "year", "term"] = Field(description="What the sum is for.")


class Fee(Part):
    """A sum that falls due once."""

    amount: Amount = Field(description='The sum, such as "0" or "1500.00".')
    currency: Currency = Field(description="Three capital letters, such as EUR, USD, CNY.")


class Clause(Part):
    """A sentence of the contract that something here relies on."""

    topic: Text = Field(description="What it is about: notice, renewal, fee, data_return, deletion ...")
    quote: Text = Field(description="The words of the contract.")
    source: Text = Field(description="Document and page.")
    checked_by: Email = Field(description="Who read it.")


class Calendar(Part):
    """Whose days count."""

    zone: Zone | None = Field(
        None, description="Your time zone, such as Europe/Berlin. Times without a zone are in it."
    )
    holidays: Holidays | None = Field(
        None, description="Country and region of your public holidays, such as DE-BY, CN, US-CA."
    )
    vendor_zone: Zone | None = Field(
        None, description="The vendor's time zone; it decides the last hour of a deadline."
    )
    vendor_holidays: Holidays | None = Field(
        None, description="Country and region of the vendor's public holidays; a deadline is a day on which both work."
    )


class Parties(Part):
    """Who made the contract: what letters to the vendor begin with. What is left out, a letter says that it lacks."""

    customer: Text | None = Field(None, description="Your company, as the contract names it.")
    customer_address: Text | None = Field(None, description="Its postal address; may have several lines.")
    vendor: Text | None = Field(None, description="The vendor's company, as the contract names it.")
    vendor_address: Text | None = Field(None, description="Its postal address; may have several lines.")
    number: Text | None = Field(None, description="The number of the contract or of the order.")
    product: Text | None = Field(
        None, description="The product, as the contract names it; left out, the vendor's own name for it."
    )


class Contract(Part):
    """What binds you, with sources."""

    parties: Parties | None = Field(None, description="Who made the contract, and its number, for letters.")

    term: Term | None = Field(None, description="The current term.")
    notice: NoticeClause | None = Field(None, description="The notice clause.")
    price: Price | None = Field(None, description="The price, so that a plan can say what a missed deadline costs.")
    early_termination_fee: Fee | None = Field(None, description="What ending before the term costs.")
    clauses: Annotated[list[Clause], Field(min_length=1)] | None = Field(
        None, description="The clauses that were read, each with quote, source and reader."
    )
    regimes: Annotated[list[Literal["gdpr", "uk-gdpr", "ccpa", "pipl", "eu-data-act"]], Field(min_length=1)] | None = (
        Field(None, description="Laws that apply.")
    )
    calendar: Calendar | None = Field(None, description="Zones and holidays.")
    open_questions: list[Text] = Field([], description="What is not known yet. Any entry blocks irreversible steps.")
