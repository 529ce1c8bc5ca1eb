"""The sandbox's subscription and account: looking and acting. docs/reference/sandbox-api.md, Subscription and
account."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Args, Batch, Result
from crmstate.core.survey import AccountFacts, Listing, Resource, SubscriptionFacts
from crmstate.core.words import Kind, Outcome, Phase, Undo, Verb
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import Resources
from crmstate.providers.sandbox.vendor import CONTRACT, provider, utc


class _Term(msgspec.Struct):
    start: date
    end: date


class _Price(msgspec.Struct):
    amount: str
    currency: str
    per: str


class Change(msgspec.Struct):
    action: str
    effective: date
    request_id: str | None = None


class _Subscription(msgspec.Struct):
    id: str
    plan: str
    status: str
    renews: bool | None
    term: _Term | None
    access_until: date | None
    price: _Price | None
    pending: Change | None
    paused_until: date | None = None


_STATUS = {"active": Phase.PRESENT, "paused": Phase.INACTIVE, "free": Phase.INACTIVE, "cancelled": Phase.ABSENT}


@provider.reads(Kind.SUBSCRIPTION, Verb.LIST, "GET /v1/subscription", source=CONTRACT)
def subscriptions(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """The one subscription. Paused and free are inactive: it could be resumed, and nothing is owed; cancelled is
    absent."""
    found = call.get("/v1/subscription", into=_Subscription)
    term, price, change = found.term, found.price, found.pending
    facts = SubscriptionFacts(
        plan=found.plan,
        status=found.status,
        renews=found.renews,
        term_start=term.start.isoformat() if term else None,
        term_end=term.end.isoformat() if term else None,
        access_until=found.access_until.isoformat() if found.access_until else None,
        amount=price.amount if price else None,
        currency=price.currency if price else None,
        per=price.per if price else None,
        pending=change.action if change else None,
        effective=change.effective.isoformat() if change else None,
        request_id=change.request_id if change else None,
        paused_until=found.paused_until.isoformat() if found.paused_until else None,
    )
    phase = Phase.PENDING if change else _STATUS.get(found.status, Phase.UNKNOWN)
    return [Resource(Kind.SUBSCRIPTION, found.id, found.plan, phase, facts, facts.effective)]


class _Account(msgspec.Struct):
    id: str
    status: str
    closes_at: datetime | None = None


@provider.reads(Kind.ACCOUNT, Verb.LIST, "GET /v1/account", source=CONTRACT)
def accounts(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """The account. When everything answers 410 it is closed: the vendor's own word for it, under the tenant's id as
    configured."""
    try:
        found = call.get("/v1/account", into=_Account)
    except Failure as failure:
        if failure.vendor != "account_closed" or not call.tenant:
            raise
        gone = Resource(Kind.ACCOUNT, call.tenant, "", Phase.ABSENT, AccountFacts("closed"))
        return Listing(Kind.ACCOUNT, (gone,))
    until = utc(found.closes_at) if found.closes_at else None
    phases = {"open": Phase.PRESENT, "closing": Phase.PENDING, "closed": Phase.ABSENT}
    facts = AccountFacts(found.status, until)
    return [Resource(Kind.ACCOUNT, found.id, "", phases.get(found.status, Phase.UNKNOWN), facts, until)]


class _Changed(msgspec.Struct):
    status: str
    pending: Change | None = None


class _Closing(msgspec.Struct):
    status: str
    closes_at: datetime | None = None


def _change(call: Call, batch: Batch, body: dict[str, str | None], status: str) -> list[Result]:
    """One act on the subscription: 202 is a request that waits, 200 is done, and a 200 that shows another status is
    no answer."""
    path = f"/v1/subscription/{batch.verb.value}"
    given = {name: value for name, value in body.items() if value is not None}
    reply = call.post(path, given, into=_Changed)
    item, change = batch.items[0].id, reply.value.pending
    if reply.status == 202 or change is not None:
        if change is None:
            raise Failure(Code.AMBIGUOUS, "accepted, without saying for when", request_id=reply.request_id)
        until, reference = change.effective.isoformat(), change.request_id or reply.request_id
        return [Result(item, Outcome.REQUESTED, until=until, request_id=reference)]
    if reply.value.status != status:
        raise Failure(Code.AMBIGUOUS, f"the answer says {reply.value.status}", request_id=reply.request_id)
    return [Result(item, Outcome.DONE, request_id=reply.request_id)]


def _args(batch: Batch) -> Args:
    return batch.items[0].args


@provider.acts(
    Kind.SUBSCRIPTION,
    Verb.CANCEL,
    undo=Undo.WINDOW,
    after=Phase.ABSENT,
    requests=("POST /v1/subscription/cancel",),
    note="Can be withdrawn until its date; at once is for good.",
    source=CONTRACT,
)
def cancel(call: Call, batch: Batch) -> list[Result]:
    """Cancels; at the end of the term where no date is given."""
    args = _args(batch)
    return _change(call, batch, {"effective": args.effective or "end_of_term", "reason": args.reason}, "cancelled")


@provider.acts(
    Kind.SUBSCRIPTION,
    Verb.PAUSE,
    undo=Undo.FREE,
    after=Phase.INACTIVE,
    requests=("POST /v1/subscription/pause",),
    note="Comes back by itself.",
    source=CONTRACT,
)
def pause(call: Call, batch: Batch) -> list[Result]:
    args = _args(batch)
    return _change(call, batch, {"from": args.starts, "until": args.until}, "paused")


@provider.acts(
    Kind.SUBSCRIPTION,
    Verb.RESUME,
    undo=Undo.FREE,
    after=Phase.PRESENT,
    requests=("POST /v1/subscription/resume",),
    source=CONTRACT,
)
def resume(call: Call, batch: Batch) -> list[Result]:
    """Ends a pause, and withdraws whatever is pending."""
    return _change(call, batch, {}, "active")


@provider.acts(
    Kind.SUBSCRIPTION,
    Verb.DOWNGRADE,
    undo=Undo.WINDOW,
    after=Phase.INACTIVE,
    requests=("POST /v1/subscription/downgrade",),
    note="Can be withdrawn until its date.",
    source=CONTRACT,
)
def downgrade(call: Call, batch: Batch) -> list[Result]:
    args = _args(batch)
    return _change(call, batch, {"to": args.to or "free", "effective": args.effective}, "free")


@provider.acts(
    Kind.ACCOUNT,
    Verb.CLOSE,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    requests=("POST /v1/account/close",),
    attributes=frozenset({"ends_api"}),
    note="Closes seven days later; then everything answers 410.",
    source=CONTRACT,
)
def close(call: Call, batch: Batch) -> list[Result]:
    """Closes the account. The vendor wants the tenant's id repeated."""
    item = batch.items[0]
    reply = call.post("/v1/account/close", {"confirm": item.args.confirm or item.id}, into=_Closing)
    until = utc(reply.value.closes_at) if reply.value.closes_at else None
    return [Result(item.id, Outcome.REQUESTED, until=until, request_id=reply.request_id)]


provider.none(Kind.SUBSCRIPTION, Verb.RENEW_OFF, why="why.renewal_only_by_cancelling", source=CONTRACT)
