"""The subscription, the account, and what a date brings."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from crmstate.sandbox import World, clock


def ask(client: httpx.Client, call: str, **body: str) -> tuple[int, dict[str, Any]]:
    answer = client.post(f"/v1/subscription/{call}", json=body)
    return answer.status_code, answer.json()


def now(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get("/v1/subscription").json())


def test_a_subscription_has_exactly_the_documented_members(client: httpx.Client) -> None:
    assert now(client) == {
        "id": "sub-1",
        "plan": "professional",
        "status": "active",
        "renews": True,
        "term": {"start": "2026-02-01", "end": "2027-01-31"},
        "access_until": None,
        "paused_until": None,
        "price": {"amount": "14400.00", "currency": "USD", "per": "year"},
        "seats": 57,
        "pending": None,
    }


def test_cancelled_at_once_it_is_cancelled_and_cannot_be_resumed(client: httpx.Client, world: World) -> None:
    status, found = ask(client, "cancel", effective="immediately", reason="we leave")
    assert (status, found["status"], found["renews"], found["access_until"]) == (200, "cancelled", False, "2026-11-01")
    assert ask(client, "cancel", effective="immediately")[0] == 409
    assert ask(client, "resume")[0] == 422
    assert [(each["verb"], each["irreversible"]) for each in world.effects()] == [("cancel", True)]


@pytest.mark.parametrize(
    ("effective", "date"),
    [("end_of_term", "2027-01-31"), ("end_of_period", "2026-11-30"), ("2026-12-31", "2026-12-31")],
)
def test_cancelled_for_later_it_is_pending_until_that_date(
    client: httpx.Client, world: World, effective: str, date: str
) -> None:
    status, found = ask(client, "cancel", effective=effective)
    pending = {"action": "cancel", "effective": date, "requested_at": "2026-11-01T08:00:00Z", "request_id": "q-1"}
    assert (202, "active", False, date, pending) == (
        status,
        found["status"],
        found["renews"],
        found["access_until"],
        found["pending"],
    )
    assert now(client) == found
    assert ask(client, "cancel", effective="immediately")[0] == 409
    clock.advance(world, f"{date}T23:59:59Z")
    assert now(client)["status"] == "active"  # its last day is one of access
    clock.advance(world, "1s")
    assert (now(client)["status"], now(client)["pending"]) == ("cancelled", None)


def test_a_date_in_the_past_or_after_the_term_is_rejected_and_today_ends_with_the_day(
    client: httpx.Client, world: World
) -> None:
    assert [ask(client, "cancel", effective=date)[0] for date in ("2026-10-31", "2027-02-01")] == [422, 422]
    assert ask(client, "cancel", effective="2026-11-01")[0] == 202
    clock.advance(world, "2026-11-02T00:00:00Z")
    assert now(client)["status"] == "cancelled"


def test_resume_withdraws_a_cancellation_and_it_renews_again(client: httpx.Client, world: World) -> None:
    before = now(client)
    assert ask(client, "resume")[0] == 409
    ask(client, "cancel", effective="end_of_term")
    assert (200, before) == ask(client, "resume")
    clock.advance(world, "2027-02-01")
    assert now(client)["term"] == {"start": "2027-02-01", "end": "2028-01-31"}


def test_a_subscription_that_does_not_renew_is_cancelled_after_its_last_day(client: httpx.Client, world: World) -> None:
    world.set_subscription(renews=False)
    clock.advance(world, "2027-01-31T23:59:59Z")
    assert now(client)["status"] == "active"
    clock.advance(world, "1s")
    assert (now(client)["status"], now(client)["access_until"]) == ("cancelled", "2027-01-31")


def test_a_pause_comes_back_by_itself_after_its_last_day(client: httpx.Client, world: World) -> None:
    status, found = ask(client, "pause", **{"from": "2026-11-10", "until": "2026-11-20"})
    assert (
        status,
        found["status"],
        found["pending"]["action"],
        found["pending"]["effective"],
    ) == (202, "active", "pause", "2026-11-10")
    clock.advance(world, "2026-11-10")
    assert now(client)["status"] == "paused"
    clock.advance(world, "2026-11-20T23:59:59Z")
    assert now(client)["status"] == "paused"
    clock.advance(world, "1s")
    assert now(client)["status"] == "active"


def test_a_pause_may_begin_today_end_early_and_be_cancelled(client: httpx.Client) -> None:
    assert (lambda answer: (answer[0], answer[1]["status"]))(
        ask(client, "pause", **{"from": "2026-11-01", "until": "2026-12-01"})
    ) == (200, "paused")
    assert ask(client, "pause", **{"from": "2026-11-01", "until": "2026-12-01"})[0] == 409
    assert (lambda answer: (answer[0], answer[1]["status"]))(ask(client, "resume")) == (200, "active")
    assert ask(client, "pause", **{"from": "2026-12-02", "until": "2026-12-01"})[0] == 422


def test_a_downgrade_ends_free_at_once_or_later(client: httpx.Client, world: World) -> None:
    status, found = ask(client, "downgrade", to="free", effective="end_of_period")
    assert (status, found["status"], found["pending"]["action"]) == (202, "active", "downgrade")
    clock.advance(world, "30d")
    assert (now(client)["status"], now(client)["price"]["amount"]) == ("free", "0.00")
    assert [
        ask(client, "downgrade", to="free", effective="immediately")[0],
        ask(client, "cancel", effective="immediately")[0],
    ] == [409, 422]


def test_an_account_closes_seven_days_after_the_call_and_then_answers_410_to_everything_but_the_clock(
    client: httpx.Client, world: World
) -> None:
    close = "/v1/account/close"
    assert [client.post(close, json={"confirm": id}).status_code for id in ("t-1001", "nonsense")] == [422, 422]
    ask(client, "cancel", effective="immediately")
    address = client.get("/v1/datasets/contacts/attachments").json()["data"][0]["url"]
    answer = client.post(close, json={"confirm": "t-1001"})
    assert (
        answer.status_code,
        answer.json(),
    ) == (202, {"id": "t-1001", "status": "closing", "closes_at": "2026-11-08T08:00:00Z"})
    assert client.post(close, json={"confirm": "t-1001"}).status_code == 409
    clock.advance(world, "6d")
    assert client.get("/v1/account").status_code == 200
    clock.advance(world, "1d")
    gone = [
        client.get("/v1/account"),
        client.get("/v1/nowhere"),
        client.get(address),
        client.post("/v1/token", json={}),
    ]
    assert [(each.status_code, each.json()["error"]["code"]) for each in gone] == [(410, "account_closed")] * 4
    assert client.get("/v1/clock").status_code == 200


def test_what_is_due_happens_in_the_order_of_time(client: httpx.Client, world: World) -> None:
    ask(client, "cancel", effective="2026-11-05")
    world.add_fault("accepted", path="/v1/users/*", days=2)
    client.post("/v1/users/deactivate", json={"ids": ["u5"]})
    world.clear_faults()
    world.add_fault("accepted", path="/v1/users/*", days=6)
    client.post("/v1/users/delete", json={"ids": ["u4"]})
    clock.advance(world, "10w")
    assert [
        (each["verb"], each["id"], each["at"])
        for each in world.effects()
        if each["seq"] is None and each["kind"] != "session"
    ] == [
        ("deactivate", "u5", "2026-11-03T08:00:00Z"),
        ("cancel", "sub-1", "2026-11-06T00:00:00Z"),
        ("delete", "u4", "2026-11-07T08:00:00Z"),
    ]


@pytest.mark.parametrize(
    "by", ["", "d", "-1d", "1y", "yesterday", "1.5h", "999999999w", "2026-10-31", "9999-12-31", "2026-99-99"]
)
def test_the_clock_refuses_what_is_no_time_to_come(world: World, by: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        clock.advance(world, by)
    assert world.now == "2026-11-01T08:00:00Z"


def test_the_clock_moves_by_days_hours_minutes_and_weeks(world: World) -> None:
    assert [clock.advance(world, by) for by in ("1d", "12h", "15m", "2w1d1h")] == [
        "2026-11-02T08:00:00Z",
        "2026-11-02T20:00:00Z",
        "2026-11-02T20:15:00Z",
        "2026-11-17T21:15:00Z",
    ]


def test_monthly_terms_renew_as_often_as_they_end(client: httpx.Client, world: World) -> None:
    world.set_subscription(
        term={"start": "2026-10-15", "end": "2026-11-14"}, price={"amount": "99.00", "currency": "EUR", "per": "month"}
    )
    clock.advance(world, "90d")
    assert now(client)["term"] == {"start": "2027-01-15", "end": "2027-02-14"}
    assert len(world.effects(verb="renew")) == 3
