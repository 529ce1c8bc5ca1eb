"""The subscription and the account: cancel, pause, resume, downgrade, close, and what becomes due on a date.

It decides nothing about who may call, and moves no clock: `clock` asks `due()` and calls `fall_due()` in the order
of time.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from . import times
from .wire import Refused

if TYPE_CHECKING:
    from .world import World

CLOSING = timedelta(days=7)
_PER_MONTHS = {"year": 12, "month": 1, "quarter": 3}


def _today(world: World) -> str:
    return world.now[:10]


def period_end(subscription: dict[str, Any], today: str) -> str:
    """The last day of the month of the term that `today` lies in."""
    start = date.fromisoformat(subscription["term"]["start"])
    months = 1
    while (end := times.day_before(times.add_months(start, months))) < today:
        months += 1
    return end


def _date_of(subscription: dict[str, Any], effective: str, today: str) -> str:
    """The date that a word or a date means. Refuses dates before today and after the term."""
    if effective == "immediately":
        return today
    if effective == "end_of_term":
        return max(today, str(subscription["term"]["end"]))
    if effective == "end_of_period":
        return period_end(subscription, today)
    try:
        times.day(effective)
    except ValueError as error:
        raise Refused("invalid", "effective is immediately, end_of_term, end_of_period or a date.") from error
    if effective < today:
        raise Refused("rejected", f"{effective} is in the past.")
    if effective > subscription["term"]["end"]:
        raise Refused("rejected", f"{effective} is after the end of the term.")
    return effective


def _nothing_in_the_way(subscription: dict[str, Any]) -> None:
    if subscription["pending"]:
        raise Refused("conflict", f"A request to {subscription['pending']['action']} is under way.")


def _ask(world: World, subscription: dict[str, Any], action: str, effective: str, *, now: bool, **more: Any) -> bool:
    """Does `action` at once (True) or leaves it pending (False). `effective`: the last day of what ends, or the first of
    a pause."""
    if now:
        subscription["pending"] = {"action": action, "effective": effective, **more}
        _happen(world, subscription)
        return True
    subscription["pending"] = {
        "action": action,
        "effective": effective,
        "requested_at": world.now,
        "request_id": f"q-{world.one('SELECT count(*) FROM effects')[0] + 1}",
        **more,
    }
    if action in ("cancel", "downgrade"):
        subscription["renews_before"] = subscription["renews"]
        subscription["renews"] = False
    if action == "cancel":
        subscription["access_until"] = effective
    world.put("subscription", subscription)
    world.effect(f"accept {action}", "subscription", subscription["id"])
    return False


def _happen(world: World, subscription: dict[str, Any]) -> None:
    """The pending action takes effect now."""
    pending, subscription["pending"] = subscription["pending"], None
    action = pending["action"]
    if action == "cancel":
        subscription |= {
            "status": "cancelled",
            "renews": False,
            "access_until": pending["effective"],
            "paused_until": None,
        }
    elif action == "downgrade":
        price = {**subscription["price"], "amount": "0.00"}
        subscription |= {"status": "free", "plan": "free", "renews": False, "price": price, "paused_until": None}
    else:
        subscription |= {"status": "paused", "paused_until": pending["until"]}
    subscription["renews_before"] = None
    world.put("subscription", subscription)
    world.effect(action, "subscription", subscription["id"], irreversible=action == "cancel")


def cancel(world: World, effective: str) -> bool:
    """True when it is cancelled now, False when it is pending."""
    subscription = world.get("subscription")
    if subscription["status"] == "cancelled":
        raise Refused("conflict", "The subscription is cancelled already.")
    _nothing_in_the_way(subscription)
    if subscription["status"] == "free":
        raise Refused("rejected", "A free subscription has nothing to cancel.")
    last = _date_of(subscription, effective, _today(world))
    return _ask(world, subscription, "cancel", last, now=effective == "immediately")


def pause(world: World, start: str, until: str) -> bool:
    """True when it is paused now, False when it is pending."""
    subscription = world.get("subscription")
    for text in (start, until):
        try:
            times.day(text)
        except ValueError as error:
            raise Refused("invalid", "from and until are dates.") from error
    if subscription["status"] == "paused":
        raise Refused("conflict", "The subscription is paused already.")
    _nothing_in_the_way(subscription)
    if subscription["status"] != "active":
        raise Refused("rejected", f"A {subscription['status']} subscription cannot be paused.")
    if until < start or until < _today(world):
        raise Refused("rejected", "until is before from, or in the past.")
    first = max(start, _today(world))
    return _ask(world, subscription, "pause", first, now=first == _today(world), until=until)


def resume(world: World) -> None:
    """Ends a pause and withdraws whatever is pending."""
    subscription = world.get("subscription")
    if subscription["status"] == "cancelled":
        raise Refused("rejected", "A cancelled subscription cannot be resumed.")
    if subscription["status"] != "paused" and not subscription["pending"]:
        raise Refused("conflict", "There is nothing to undo.")
    if subscription["renews_before"] is not None:
        subscription["renews"] = subscription["renews_before"]
    status = "active" if subscription["status"] == "paused" else subscription["status"]
    subscription |= {
        "status": status,
        "pending": None,
        "paused_until": None,
        "access_until": None,
        "renews_before": None,
    }
    world.put("subscription", subscription)
    world.effect("resume", "subscription", subscription["id"])


def downgrade(world: World, effective: str) -> bool:
    """To the free plan. True when it is free now, False when it is pending."""
    subscription = world.get("subscription")
    if subscription["status"] == "free":
        raise Refused("conflict", "The subscription is free already.")
    if subscription["status"] == "cancelled":
        raise Refused("rejected", "A cancelled subscription cannot be downgraded.")
    _nothing_in_the_way(subscription)
    last = _date_of(subscription, effective, _today(world))
    return _ask(world, subscription, "downgrade", last, now=effective == "immediately")


def close_account(world: World, confirm: str) -> None:
    """Starts the closing of the account, which ends in `CLOSING`."""
    account = world.get("account")
    if account["status"] != "open":
        raise Refused("conflict", f"The account is {account['status']} already.")
    if confirm != account["id"]:
        raise Refused("rejected", "confirm must be the account's id.")
    status = world.get("subscription")["status"]
    if status in ("active", "paused"):
        raise Refused("rejected", f"The subscription is still {status}.")
    world.put("account", {**account, "status": "closing", "closes_at": times.later(world.now, CLOSING)})
    world.effect("accept close", "account", account["id"], irreversible=True)


def due(world: World) -> tuple[str, str] | None:
    """The next thing that a date brings: (time, what), or None."""
    subscription, account = world.get("subscription"), world.get("account")
    found = []
    if pending := subscription["pending"]:
        day = pending["effective"]  # a pause begins with its day; what ends is over when its last day is
        found.append((times.start_of(day if pending["action"] == "pause" else times.next_day(day)), "1-pending"))
    if subscription["status"] == "paused" and subscription["paused_until"]:
        found.append((times.start_of(times.next_day(subscription["paused_until"])), "2-resume"))
    if subscription["status"] in ("active", "paused"):
        found.append((times.start_of(times.next_day(subscription["term"]["end"])), "3-term"))
    if account["status"] == "closing":
        found.append((account["closes_at"], "4-close"))
    return min(found, default=None)


def fall_due(world: World, what: str) -> None:
    """Lets happen what `due()` named; the clock stands at its time."""
    subscription, account = world.get("subscription"), world.get("account")
    if what == "1-pending":
        _happen(world, subscription)
    elif what == "2-resume":
        world.put("subscription", {**subscription, "status": "active", "paused_until": None})
        world.effect("resume", "subscription", subscription["id"])
    elif what == "3-term":
        _end_term(world, subscription)
    else:
        world.put("account", {**account, "status": "closed"})
        world.effect("close", "account", account["id"], irreversible=True)


def _end_term(world: World, subscription: dict[str, Any]) -> None:
    end = subscription["term"]["end"]
    if subscription["renews"]:
        start = date.fromisoformat(times.next_day(end))
        months = _PER_MONTHS.get(subscription["price"]["per"], 12)
        subscription["term"] = {"start": str(start), "end": times.day_before(times.add_months(start, months))}
        world.put("subscription", subscription)
        world.effect("renew", "subscription", subscription["id"])
        return
    if subscription["pending"] and subscription["pending"]["action"] == "pause":
        subscription["pending"] = None
    subscription |= {"status": "cancelled", "access_until": end, "paused_until": None}
    world.put("subscription", subscription)
    world.effect("cancel", "subscription", subscription["id"], irreversible=True)
