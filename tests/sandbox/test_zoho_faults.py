"""What goes wrong on purpose, in Zoho's own way: every fault of the World has one."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmstate.sandbox import Server, World, clock
from crmstate.sandbox.dialects import lacks
from crmstate.sandbox.dialects.zoho import credential, ids
from crmstate.sandbox.faults import KINDS

from .zoho_client import BULK, Client, at

BIN = "settings/recycle_bin"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World.create(tmp_path / "world.db", dialect="zoho") as made:
        made.add_user("boss", role="owner")
        made.add_user("admin", role="admin")
        for n in range(6):
            made.add_user(f"u{n}")
        made.add_key("k1", "admin")
        made.add_dataset("deals", "Deals")
        made.add_rows("deals", [{"id": f"d{n:03}", "owner_id": "u1", "fields": {"name": f"n{n}"}} for n in range(20)])
        made.add_integration("w1")
        yield made


@pytest.fixture
def zoho(world: World) -> Client:
    found = Client(world)
    found.sign_in()
    return found


def walk(zoho: Client, per_page: int = 5, most: int = 20) -> list[str]:
    """The ids of all deals, by page, as the vendor's documentation goes about it."""
    found: list[str] = []
    for page in range(1, most + 1):
        answer = zoho.get("Deals", fields="Name", per_page=per_page, page=page)
        found += [ids.read(row["id"], ()) or "" for row in answer["data"]]
        if not answer["info"]["more_records"]:
            break
    return found


def everything() -> list[str]:
    return [f"d{n:03}" for n in range(20)]


def test_this_vendor_can_have_every_fault(world: World) -> None:
    assert {} == lacks("zoho")
    assert len(KINDS) == len([world.add_fault(kind) for kind in KINDS])


def test_a_page_token_may_have_expired(world: World, zoho: Client) -> None:
    token = zoho.get("Deals", fields="Name", per_page=5)["info"]["next_page_token"]
    world.add_fault("dead_cursor")
    answer = zoho.raw("GET", f"/crm/v8/Deals?fields=Name&per_page=5&page_token={token}")

    assert (400, "EXPIRED_VALUE") == (answer.status_code, answer.json()["code"])
    assert walk(zoho) == everything(), "a page by its number has no token"


@pytest.mark.parametrize(("fault", "left"), [("throttled", None), ("quota_exhausted", "0")])
def test_limits_come_without_a_word_about_when(world: World, zoho: Client, fault: str, left: str | None) -> None:
    world.add_fault(fault, times=1)
    answer = zoho.raw("GET", "/crm/v8/org")

    assert (429, "TOO_MANY_REQUESTS") == (answer.status_code, answer.json()["code"])
    assert (None, left) == (answer.headers.get("retry-after"), answer.headers.get("x-api-credits-remaining"))
    assert "x-request-id" not in answer.headers


def test_an_outage_is_a_page_or_an_error_of_the_vendors(world: World, zoho: Client) -> None:
    world.add_fault("unavailable", times=1, status=502)
    assert b"<html>" in zoho.http.get("/crm/v8/org").content
    world.clear_faults()
    world.add_fault("unavailable", times=1, status=500, html=False)
    assert (500, "INTERNAL_ERROR") == zoho.code("GET", "org")


def test_a_token_that_ends_midway_is_gone(world: World, zoho: Client) -> None:
    world.add_fault("token_expired", path="/crm/*", times=1)

    assert (401, "INVALID_TOKEN") == zoho.code("GET", "org")
    assert (401, "INVALID_TOKEN") == zoho.code("GET", "org")
    zoho.sign_in()
    assert 200 == zoho("GET", "org")[0]


@pytest.mark.parametrize("code", ["rejected", "not_found", "forbidden", "unavailable", "conflict"])
def test_every_second_item_fails(world: World, zoho: Client, code: str) -> None:
    world.add_fault("partial", code=code)
    named = ",".join(at(f"d00{n}") for n in range(4))
    answer = zoho.http.delete("/crm/v8/Deals", params={"ids": named})

    assert (207, ["success", "error"] * 2) == (answer.status_code, [each["status"] for each in answer.json()["data"]])
    assert ["d000", "d002"] == [row["id"] for row in world.rows("deals", binned=True)]


def test_what_is_done_and_not_answered_is_done(world: World, zoho: Client) -> None:
    world.add_fault("cut_after", method="DELETE", times=1)
    with pytest.raises(httpx.TransportError):
        zoho.http.delete(f"/crm/v8/users/{at('u1')}")

    assert (400, "ID_ALREADY_DELETED") == zoho.code("DELETE", f"users/{at('u1')}")
    assert 1 == len(world.effects(verb="delete", kind="user"))


def test_what_says_it_is_done_may_have_done_nothing(world: World, zoho: Client) -> None:
    world.add_fault("done_nothing", times=1)

    assert (200, "SUCCESS") == zoho.code("DELETE", f"users/{at('u1')}")
    assert "active" == zoho.get(f"users/{at('u1')}")["users"][0]["status"]


def test_smaller_pages_lose_nothing_unless_they_are_told_to(world: World, zoho: Client) -> None:
    number = world.add_fault("wrong_page_size", size=2)
    assert everything() == walk(zoho)
    world.clear_faults(number)
    world.add_fault("wrong_page_size", size=2, lose=True)

    assert ["d000", "d001", "d005", "d006", "d010", "d011", "d015", "d016"] == walk(zoho)


def test_a_page_may_come_for_ever(world: World, zoho: Client) -> None:
    world.add_fault("repeated_page")
    token = zoho.get("Deals", fields="Name", per_page=5)["info"]["next_page_token"]

    assert ["d000", "d001", "d002", "d003", "d004"] * 4 == walk(zoho, most=4)
    again = zoho.get("Deals", fields="Name", per_page=5, page_token=token)
    assert at("d000") == again["data"][0]["id"] and again["info"]["more_records"]


@pytest.mark.parametrize(
    ("how", "where", "found"),
    [
        ("remove", "before", {"d005"}),
        ("insert", "before", {"d004"}),
        ("insert", "after", set()),
    ],
)
def test_a_listing_moves_under_its_reader(world: World, zoho: Client, how: str, where: str, found: set[str]) -> None:
    """By page, a row removed in front hides one, and a row put in front shows one twice."""
    world.add_fault("shifting_listing", how=how, where=where, times=1)
    seen = walk(zoho)

    missed, twice = set(everything()) - set(seen), {id for id in seen if seen.count(id) > 1}
    assert found == missed - {"d004"} | twice


@pytest.mark.parametrize("path", ["users", "settings/modules", "settings/automation/webhooks", "Deals"])
def test_every_listing_can_move_and_say_nothing(world: World, zoho: Client, path: str) -> None:
    query = {"fields": "Name"} if path == "Deals" else {}
    before = world.truth()
    world.add_fault("shifting_listing", times=1)
    assert 200 == zoho("GET", path, **query)[0]
    after = world.truth()
    assert any(before[kind] != after[kind] for kind in ("users", "datasets", "integrations"))
    world.add_fault("hollow")
    assert (204, None) == zoho("GET", path, **query)


def test_counts_can_say_nothing(world: World, zoho: Client) -> None:
    zoho("DELETE", "Deals", ids=at("d000"))
    world.add_fault("hollow")

    for path in ("Deals/actions/count", "users/actions/count", f"{BIN}/actions/count"):
        assert {"count": 0} == zoho.get(path)


def test_paging_can_be_ignored_and_ids_left_out(world: World, zoho: Client) -> None:
    world.add_fault("no_paging", times=2)
    pages = [zoho.get("users", page=page, per_page=2)["users"] for page in (1, 2)]
    assert pages[0] == pages[1] and len(pages[0]) == 8
    world.add_fault("no_ids")
    assert all("id" not in row for row in zoho.http.get("/crm/v8/users").json()["users"])


def test_secrets_can_be_shown(world: World, zoho: Client) -> None:
    world.add_fault("shown_secret", times=1, text="sk_here")
    assert {"sk_here"} == {
        row["secret"] for row in zoho.http.get("/crm/v8/settings/automation/webhooks").json()["webhooks"]
    }
    world.add_fault("echo_credential", times=1, where="error")
    assert zoho.http.headers["authorization"] in zoho.http.get("/crm/v8/org").text


def test_a_weak_key_sees_less_without_a_word(world: World, zoho: Client) -> None:
    world.add_fault("weak_credential")

    assert [at("admin")] == [row["id"] for row in zoho.get("users")["users"]]
    assert (204, None) == zoho("GET", "Deals", fields="Name")


def test_deleted_records_can_go_on_answering(world: World, zoho: Client) -> None:
    zoho("DELETE", "Deals", ids=at("d000"))
    world.add_fault("soft_delete")

    assert at("d000") == zoho.get("Deals", fields="Name", ids=at("d000"))["data"][0]["id"]
    assert at("d000") == zoho.get(f"Deals/{at('d000')}")["data"][0]["id"]


def test_jobs_are_what_can_be_accepted_for_later(world: World, zoho: Client) -> None:
    zoho("DELETE", "Deals", ids=at("d000"))
    world.add_fault("accepted", days=3)
    body = {"transfer": {"id": at("u2")}, "move_subordinate": {"id": at("admin")}}

    assert (202, "SCHEDULED") == zoho.code("POST", f"{BIN}/actions/empty")
    _, answer = zoho("POST", f"users/{at('u1')}/actions/transfer_and_delete", {"transfer_and_delete": [body]})
    job = answer["transfer_and_delete"][0]["details"]["job_id"]
    state: Any = "users/actions/transfer_and_delete"

    assert ["in_progress"] * 3 == [zoho.get(state, job_id=job)["transfer_and_delete"][0]["status"] for _ in range(3)]
    assert {"count": 1} == zoho.get(f"{BIN}/actions/count")
    clock.advance(world, "3d")
    zoho.sign_in()
    assert "completed" == zoho.get(state, job_id=job)["transfer_and_delete"][0]["status"]
    assert {"count": 0} == zoho.get(f"{BIN}/actions/count")
    assert {"u2"} == {row["owner_id"] for row in world.rows("deals")}
    assert [] == world.twice()


@pytest.mark.parametrize("fault", ["torn_body", "malformed_body", "cut_gzip"])
def test_bodies_break_on_the_way(world: World, zoho: Client, fault: str) -> None:
    world.add_fault(fault, path=f"{BULK}/*", times=1)
    with pytest.raises((httpx.TransportError, httpx.DecodingError, ValueError, gzip.BadGzipFile)):
        zoho.http.get(f"{BULK}/read/1").json()


@pytest.mark.parametrize(("code", "text"), [("rejected", "INVALID_REQUEST"), ("unauthenticated", "INVALID_TOKEN")])
def test_refusals_come_under_any_status(world: World, zoho: Client, code: str, text: str) -> None:
    world.add_fault("refused_as", status=200, code=code, times=1)
    answer = zoho.http.get("/crm/v8/org")

    assert (200, text, "error") == (answer.status_code, answer.json()["code"], answer.json()["status"])


def test_too_many_calls_at_once_are_refused_where_rates_are_kept(world: World) -> None:
    world.set_traits(rates=True, at_once=2)
    world.add_fault("latency", path="/crm/*", ms=400)
    with Server(world) as server:
        given = {"grant_type": "client_credentials", **credential(world.credentials()["k1"])}
        token = httpx.post(f"{server.url}/oauth/v2/token", params=given).json()["access_token"]
        headers, statuses = {"Authorization": f"Zoho-oauthtoken {token}"}, []

        def ask() -> None:
            statuses.append(httpx.get(f"{server.url}/crm/v8/org", headers=headers).status_code)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert [200, 200, 429, 429] == sorted(statuses)
