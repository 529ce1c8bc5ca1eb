"""Every fault, seen by a real client over a real connection, with the truth beside it."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest

from crmstate.sandbox import Server, World, app, clock, fault_kinds

DEACTIVATE = "/v1/users/deactivate"


def send(client: httpx.Client, *ids: str) -> httpx.Response:
    return client.post(DEACTIVATE, json={"ids": list(ids or ["u5"])})


def happened(world: World) -> list[str]:
    return [each["id"] for each in world.effects(verb="deactivate")]


def test_latency_comes_before_or_after_the_effect(wire: httpx.Client, world: World) -> None:
    world.add_fault("latency", path=DEACTIVATE, ms=120)
    start = time.monotonic()
    assert send(wire).status_code == 200
    assert time.monotonic() - start >= 0.12
    world.clear_faults()
    world.add_fault("latency", path=DEACTIVATE, ms=5000, after=True)
    with pytest.raises(httpx.ReadTimeout):
        wire.post(DEACTIVATE, json={"ids": ["u4"]}, timeout=0.3)
    assert happened(world) == ["u5", "u4"]


def test_latency_holds_nobody_else_up(wire: httpx.Client, world: World) -> None:
    world.add_fault("latency", path=DEACTIVATE, ms=600_000)
    with pytest.raises(httpx.ReadTimeout):
        wire.post(DEACTIVATE, json={"ids": ["u5"]}, timeout=0.05)
    assert wire.get("/v1/users", timeout=60).status_code == 200


@pytest.mark.parametrize(("retry_after", "header"), [(2, "2"), (None, None)])
def test_throttled_with_and_without_retry_after(
    wire: httpx.Client, world: World, retry_after: int | None, header: str | None
) -> None:
    world.add_fault("throttled", path=DEACTIVATE, nth=[1], retry_after=retry_after)
    answer = send(wire)
    assert (429, "throttled", header) == (
        answer.status_code,
        answer.json()["error"]["code"],
        answer.headers.get("retry-after"),
    )
    assert happened(world) == []
    assert send(wire).status_code == 200


def test_a_used_up_quota_goes_on_failing_until_midnight(wire: httpx.Client, world: World) -> None:
    world.add_fault("quota_exhausted", nth=[2])
    answers = [wire.get("/v1/users") for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 429, 429, 429]
    error = answers[1].json()["error"]
    assert (error["code"], error["resets_at"]) == ("quota_exhausted", "2026-11-02T00:00:00Z")
    assert "retry-after" not in answers[1].headers
    assert wire.get("/v1/clock").status_code == 200
    clock.advance(world, "15h59m59s")
    assert wire.get("/v1/users").status_code == 429
    clock.advance(world, "1s")
    assert wire.get("/v1/users").status_code == 200


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_outage_answers_html_and_does_nothing(wire: httpx.Client, world: World, status: int) -> None:
    world.add_fault("unavailable", path=DEACTIVATE, status=status)
    answer = send(wire)
    assert (status, True) == (answer.status_code, answer.text.startswith("<html>"))
    assert happened(world) == []


def test_an_outage_may_be_json_and_may_come_after_the_effect(wire: httpx.Client, world: World) -> None:
    world.add_fault("unavailable", path=DEACTIVATE, html=False, after=True, status=500)
    answer = send(wire)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "unavailable")
    assert happened(world) == ["u5"]


@pytest.mark.parametrize(("action", "done"), [("refused", []), ("cut_before", []), ("cut_after", ["u5"])])
def test_a_lost_connection_gives_no_answer(wire: httpx.Client, world: World, action: str, done: list[str]) -> None:
    world.add_fault(action, path=DEACTIVATE, nth=[1])
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)):
        send(wire)
    assert done == happened(world)
    assert (None, action) == (world.log()[-1]["status"], world.log()[-1]["fault"])
    assert send(wire).status_code == 200
    assert happened(world) == ["u5"]


def test_a_torn_body_is_shorter_than_declared(wire: httpx.Client, world: World) -> None:
    world.add_fault("torn_body", path=DEACTIVATE)
    with pytest.raises(httpx.RemoteProtocolError):
        send(wire)
    assert happened(world) == ["u5"]


def test_a_malformed_body_is_no_json_though_the_status_is_200(wire: httpx.Client, world: World) -> None:
    world.add_fault("malformed_body", path=DEACTIVATE)
    answer = send(wire)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    assert happened(world) == ["u5"]


def test_a_cut_gzip_body_cannot_be_read(wire: httpx.Client, world: World) -> None:
    world.add_fault("cut_gzip", path="/v1/users")
    with pytest.raises((httpx.DecodingError, ValueError)):
        wire.get("/v1/users").json()


def test_an_expired_access_token_stays_expired_until_it_is_refreshed(wire: httpx.Client, world: World) -> None:
    world.add_fault("token_expired", path="/v1/users", nth=[1])

    def bearer() -> dict[str, str]:
        return {
            "Authorization": "Bearer "
            + wire.post("/v1/token", json={"refresh_token": "rt_write"}).json()["access_token"]
        }

    first = bearer()
    assert [wire.get("/v1/users", headers=first).json()["error"]["code"] for _ in range(2)] == ["token_expired"] * 2
    assert wire.get("/v1/users", headers=bearer()).status_code == 200


def test_a_partial_batch_fails_every_nth_item(wire: httpx.Client, world: World) -> None:
    world.add_fault("partial", path=DEACTIVATE, item=2, code="rejected")
    assert [each["status"] for each in send(wire, "u4", "u5").json()["results"]] == ["done", "error"]
    assert happened(world) == ["u4"]


def test_an_accepted_request_is_pending_and_completes_on_its_day(wire: httpx.Client, world: World) -> None:
    world.add_fault("accepted", path="/v1/*", days=3)
    assert send(wire).json()["results"][0] == {"id": "u5", "status": "accepted", "completes_at": "2026-11-04T08:00:00Z"}
    row = wire.get("/v1/users?ids=u5").json()["data"][0]
    assert (
        row["status"],
        row["pending"],
    ) == ("active", {"action": "deactivate", "completes_at": "2026-11-04T08:00:00Z"})
    assert send(wire).json()["results"][0]["error"]["code"] == "conflict"
    clock.advance(world, "3d")
    row = wire.get("/v1/users?ids=u5").json()["data"][0]
    assert (row["status"], row.get("pending")) == ("inactive", None)


def test_accepted_rows_are_deleted_later(wire: httpx.Client, world: World) -> None:
    world.add_fault("accepted", path="/v1/datasets/*", hours=1, days=0)
    wire.post("/v1/datasets/contacts/rows/delete", json={"ids": ["c1"]})
    assert {"c1"} == {row["id"] for row in wire.get("/v1/datasets/contacts/rows").json()["data"] if "pending" in row}
    clock.advance(world, "1h")
    assert wire.get("/v1/datasets/contacts/count").json()["rows"] == 5


def test_a_rule_is_checked_before_a_request_is_accepted(wire: httpx.Client, world: World) -> None:
    world.add_fault("accepted", path=DEACTIVATE)
    assert [each["error"]["code"] for each in send(wire, "u1", "zz").json()["results"]] == ["rejected", "not_found"]


def test_done_may_be_a_lie(wire: httpx.Client, world: World) -> None:
    world.add_fault("done_nothing", path="/v1/*")
    assert send(wire).json()["results"][0]["status"] == "done"
    assert wire.post("/v1/subscription/cancel", json={"effective": "immediately"}).json()["status"] == "cancelled"
    assert (world.effects(), world.truth()["subscription"]["status"]) == ([], "active")


@pytest.mark.parametrize(
    ("how", "where", "listed"),
    [
        ("insert", "after", ["c0", "c1", "c1-x", "c2", "c3", "c4", "c5"]),
        ("insert", "before", ["c0", "c1", "c2", "c3", "c4", "c5"]),
        ("remove", "after", ["c0", "c1", "c3", "c4", "c5"]),
        ("remove", "before", ["c0", "c1", "c2", "c3", "c4", "c5"]),
        ("change", "after", ["c0", "c1", "c2", "c3", "c4", "c5"]),
    ],
)
def test_somebody_else_changes_a_listing_between_its_pages(
    wire: httpx.Client, world: World, how: str, where: str, listed: list[str]
) -> None:
    listing = "/v1/datasets/contacts/rows"
    world.add_fault("shifting_listing", path=listing, how=how, where=where, times=1)
    first = wire.get(f"{listing}?limit=2").json()
    rest = wire.get(listing, params={"cursor": first["next"]}).json()
    assert listed == [row["id"] for row in first["data"] + rest["data"]]
    assert {"insert": 7, "remove": 5, "change": 6}[how] == rest["total"]
    assert (how == "change") == any(row["owner_id"] == "somebody-else" for row in rest["data"])


@pytest.mark.parametrize(
    "kind", ["sessions", "api_keys", "integrations", "modules", "settings", "datasets", "datasets/contacts/rows"]
)
@pytest.mark.parametrize("how", ["insert", "remove", "change"])
def test_every_listing_can_shift(wire: httpx.Client, world: World, kind: str, how: str) -> None:
    world.add_fault("shifting_listing", path=f"/v1/{kind}", how=how, times=1)
    before = wire.get(f"/v1/{kind}?limit=1").json()["total"]
    after = wire.get(f"/v1/{kind}").json()
    assert before + {"insert": 1, "remove": -1, "change": 0}[how] == after["total"] == len(after["data"])


def test_pages_of_the_wrong_size_are_honest_or_lose_rows(wire: httpx.Client, world: World) -> None:
    def walk() -> list[str]:
        seen, cursor = [], None
        while True:
            page = wire.get(
                "/v1/datasets/contacts/rows", params={"limit": 4, **({"cursor": cursor} if cursor else {})}
            ).json()
            seen += [row["id"] for row in page["data"]]
            cursor = page["next"]
            if cursor is None:
                return seen

    world.add_fault("wrong_page_size", path="/v1/datasets/*", size=3)
    assert walk() == ["c0", "c1", "c2", "c3", "c4", "c5"]
    world.clear_faults()
    world.add_fault("wrong_page_size", path="/v1/datasets/*", size=3, lose=True)
    assert walk() == ["c0", "c1", "c2", "c4", "c5"]


def test_a_page_may_lead_to_itself(wire: httpx.Client, world: World) -> None:
    world.add_fault("repeated_page", path="/v1/users")
    first = wire.get("/v1/users?limit=2").json()
    assert first == wire.get("/v1/users", params={"limit": 2, "cursor": first["next"]}).json()


def test_a_weak_credential_silently_sees_less(wire: httpx.Client, world: World) -> None:
    world.add_fault("weak_credential", path="/v1/users", key="k1")
    page = wire.get("/v1/users").json()
    assert ([row["id"] for row in page["data"]], page["total"]) == (["u2"], 1)
    assert wire.get("/v1/users", headers={"Authorization": "Bearer sk_read"}).json()["total"] == 5
    assert wire.get("/v1/whoami").json()["user"]["role"] == "admin"


def test_soft_deletion_can_be_a_fault_too(wire: httpx.Client, world: World) -> None:
    world.add_fault("soft_delete")
    wire.post("/v1/datasets/contacts/rows/delete", json={"ids": ["c1"]})
    assert [row["id"] for row in wire.get("/v1/datasets/contacts/rows?ids=c1").json()["data"]] == ["c1"]


@pytest.mark.parametrize(("where", "status"), [("error", 500), ("html", 502), ("page", 200)])
def test_a_credential_may_be_echoed(wire: httpx.Client, world: World, where: str, status: int) -> None:
    world.add_fault("echo_credential", where=where)
    for path in ("/v1/users", "/v1/datasets/contacts/rows", "/v1/whoami"):
        answer = wire.get(path)
        assert (status, True) == (answer.status_code, "Bearer sk_write" in answer.text)


def test_rules_fire_when_they_say(world: World, wire: httpx.Client) -> None:
    def statuses(count: int, **when: object) -> list[int]:
        world.clear_faults()
        world.add_fault("throttled", path="/v1/users", **when)  # type: ignore[arg-type]
        return [1 if wire.get("/v1/users").status_code == 429 else 0 for _ in range(count)]

    assert statuses(4, nth=[1, 3]) == [1, 0, 1, 0]
    assert statuses(6, every=3) == [0, 0, 1, 0, 0, 1]
    assert statuses(3, first=2) == [1, 1, 0]
    assert statuses(3) == [1, 1, 1]
    assert statuses(3, times=1) == [1, 0, 0]
    drawn = statuses(60, rate=0.3, seed=5)
    assert 8 <= sum(drawn) <= 28
    assert drawn == statuses(60, rate=0.3, seed=5)
    assert drawn != statuses(60, rate=0.3, seed=6)


def test_rules_match_by_method_path_and_key(world: World, wire: httpx.Client) -> None:
    world.add_fault("throttled", method="POST", path="/v1/users/*", key="k1")
    assert [
        wire.get("/v1/users").status_code,
        send(wire).status_code,
        wire.post(DEACTIVATE, json={"ids": []}, headers={"Authorization": "Bearer sk_read"}).status_code,
    ] == [200, 429, 403]
    assert [(rule["seen"], rule["fired"]) for rule in world.faults()] == [(1, 1)]


@pytest.mark.parametrize(
    "add",
    [
        lambda world: world.add_fault("gremlins"),
        lambda world: world.add_fault("latency", hours=1),
        lambda world: world.add_fault("latency", ms="soon"),
        lambda world: world.add_fault("unavailable", status=418),
        lambda world: world.add_fault("throttled", every=0),
        lambda world: world.add_fault("partial", item=0),
    ],
)
def test_an_impossible_rule_is_refused(world: World, add: Callable[[World], int]) -> None:
    with pytest.raises(ValueError, match=r"."):
        add(world)
    assert world.faults() == []


def test_in_process_a_cut_raises_what_the_test_wants(world: World) -> None:
    def client(**options: object) -> httpx.Client:
        transport = httpx.WSGITransport(app=app(world, **options))  # type: ignore[arg-type]
        return httpx.Client(
            base_url="http://sandbox", transport=transport, headers={"Authorization": "Bearer sk_write"}
        )

    world.add_fault("cut_after", path=DEACTIVATE, times=2)
    with pytest.raises(ConnectionResetError):
        send(client())
    with pytest.raises(httpx.ReadError):
        send(client(cut=httpx.ReadError), "u4")
    world.add_fault("torn_body", path="/v1/users", times=1)
    with pytest.raises(httpx.ReadError):
        client(cut=httpx.ReadError).get("/v1/users")
    assert happened(world) == ["u5", "u4"]


@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_refusal_may_come_under_any_status(wire: httpx.Client, world: World, status: int) -> None:
    world.add_fault("refused_as", path=DEACTIVATE, status=status, code="rejected")
    answer = send(wire)
    assert (status, "rejected") == (answer.status_code, answer.json()["error"]["code"])
    assert happened(world) == []


def test_a_hollow_listing_has_nothing_and_still_answers_to_ids(wire: httpx.Client, world: World) -> None:
    world.add_fault("hollow", path="/v1/datasets/contacts/*")
    assert {"data": [], "next": None, "total": 0} == wire.get("/v1/datasets/contacts/rows").json()
    assert wire.get("/v1/datasets/contacts/count").json()["rows"] == 0
    assert ["c1"] == [row["id"] for row in wire.get("/v1/datasets/contacts/rows?ids=c1").json()["data"]]


def test_a_cursor_may_have_ended_and_an_id_goes_on(wire: httpx.Client, world: World) -> None:
    world.add_rows("contacts", [{"id": f"z{n}"} for n in range(5)])
    path = "/v1/datasets/contacts/rows"
    first = wire.get(f"{path}?limit=2").json()
    world.add_fault("dead_cursor", path=path)
    refused = wire.get(path, params={"limit": 2, "cursor": first["next"]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid")
    last = first["data"][-1]["id"]
    rest = [row["id"] for row in wire.get(path, params={"after": last}).json()["data"]]
    every = [row["id"] for row in wire.get(path).json()["data"]]
    assert every == [row["id"] for row in first["data"]] + rest
    assert wire.get(path, params={"after": last, "cursor": first["next"]}).status_code == 400
    assert wire.get("/v1/users", params={"after": "u1"}).status_code == 400


def test_a_vendor_may_ignore_what_is_asked_for_of_pages(wire: httpx.Client, world: World) -> None:
    world.add_fault("no_paging", path="/v1/users")
    assert len(wire.get("/v1/users?limit=2").json()["data"]) == 5


def test_rows_may_come_without_ids_or_with_a_secret(wire: httpx.Client, world: World) -> None:
    world.add_fault("no_ids", path="/v1/users")
    world.add_fault("shown_secret", path="/v1/users", text="sk_shown")
    rows = wire.get("/v1/users").json()["data"]
    assert {(False, "sk_shown")} == {("id" in row, row["secret"]) for row in rows}


def test_a_vendor_may_be_in_another_time(wire: httpx.Client, world: World) -> None:
    assert "Date" not in wire.get("/v1/users").headers
    world.add_fault("clock_off", minutes=90)
    told = parsedate_to_datetime(wire.get("/v1/users").headers["Date"])
    assert 89 < (told - datetime.now(UTC)).total_seconds() / 60 <= 90


def test_jobs_fail_vanish_and_end_and_their_files_are_short_or_cut(wire: httpx.Client, world: World) -> None:
    def job() -> str:
        return str(wire.post("/v1/exports", json={"dataset": "contacts"}).json()["id"])

    def look(id: str, fault: str = "") -> httpx.Response:
        if fault:
            world.add_fault(fault, path="/v1/exports/*", times=1)
        return wire.get(f"/v1/exports/{id}")

    def file(url: str, fault: str = "") -> bytes:
        if fault:
            world.add_fault(fault, path="/v1/exports/*/files/*", times=1)
        return wire.get(url).content

    assert look(job(), "job_fails").json()["status"] == "failed"
    assert look(job(), "job_vanishes").status_code == 404
    assert look(job(), "result_ends").json()["status"] == "expired"
    whole = job()
    look(whole)
    url = look(whole).json()["files"][0]["url"]
    sound = file(url)
    assert len(file(url, "cut_result")) < len(sound)
    lines = {name: len(_unzipped(file(url, name)).splitlines()) for name in ("", "short_result")}
    assert lines == {"": 7, "short_result": 4}


def _unzipped(body: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return archive.read(archive.namelist()[0])


def test_every_fault_has_a_line_and_is_exercised_here(server: Server) -> None:
    text = __import__("pathlib").Path(__file__).read_text(encoding="utf-8")
    assert [name for name, line in fault_kinds().items() if not line or f'"{name}"' not in text] == []
