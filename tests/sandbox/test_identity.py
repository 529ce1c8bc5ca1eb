"""Who calls: tokens, scopes, roles."""

from __future__ import annotations

import httpx
import pytest

from crmstate.sandbox import World, clock


def test_whoami_names_tenant_user_and_key(client: httpx.Client) -> None:
    assert client.get("/v1/whoami").json() == {
        "tenant": {"id": "t-1001", "name": "Acme", "region": "eu", "edition": "enterprise"},
        "user": {"id": "u2", "email": "u2@example.com", "role": "admin"},
        "key": {"id": "k1", "name": "k1", "scopes": ["read", "write"]},
    }


def test_the_clock_needs_no_token_and_stands_still(client: httpx.Client) -> None:
    answers = [client.get("/v1/clock", headers={"Authorization": ""}).json() for _ in range(2)]
    assert answers == [{"now": "2026-11-01T08:00:00Z"}] * 2


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer sk_none", "Bearer at_none", "Basic c2tfd3JpdGU=", "sk_write"])
def test_without_a_known_token_every_call_is_unauthenticated(client: httpx.Client, header: str) -> None:
    answer = client.get("/v1/users", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")


def test_every_answer_carries_its_request_id(client: httpx.Client) -> None:
    good, bad = client.get("/v1/users"), client.get("/v1/nowhere")
    assert [good.headers["x-request-id"], bad.headers["x-request-id"]] == ["r-000001", "r-000002"]
    assert bad.json()["error"]["request_id"] == "r-000002"


def test_a_refresh_token_gives_an_access_token_that_ends_after_an_hour(client: httpx.Client, world: World) -> None:
    answer = client.post("/v1/token", json={"refresh_token": "rt_write"}, headers={"Authorization": ""}).json()
    assert (answer["expires_in"], answer["key_id"]) == (3600, "k1")
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    clock.advance(world, "59m")
    assert client.get("/v1/whoami", headers=bearer).status_code == 200
    clock.advance(world, "1m")
    late = client.get("/v1/whoami", headers=bearer)
    assert (late.status_code, late.json()["error"]["code"]) == (401, "token_expired")


def test_a_revoked_key_ends_its_own_and_its_access_tokens_at_once(client: httpx.Client) -> None:
    access = client.post("/v1/token", json={"refresh_token": "rt_write"}).json()["access_token"]
    assert client.post("/v1/api_keys/revoke", json={"ids": ["k1"]}).json()["results"][0]["status"] == "done"
    answers = [
        client.get("/v1/whoami"),
        client.get("/v1/whoami", headers={"Authorization": f"Bearer {access}"}),
        client.post("/v1/token", json={"refresh_token": "rt_write"}),
    ]
    assert [(each.status_code, each.json()["error"]["code"]) for each in answers] == [(401, "key_revoked")] * 3


def test_a_reading_key_cannot_act_and_changes_nothing(reader: httpx.Client, world: World) -> None:
    answer = reader.post("/v1/users/deactivate", json={"ids": ["u5"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert world.effects() == []


def test_a_member_sees_only_its_own_with_totals_that_agree(member: httpx.Client) -> None:
    seen = {
        kind: member.get(f"/v1/{kind}").json() for kind in ("users", "sessions", "api_keys", "integrations", "settings")
    }
    assert {kind: [row["id"] for row in page["data"]] for kind, page in seen.items()} == {
        "users": ["u4"],
        "sessions": ["s1", "s2"],
        "api_keys": ["k3"],
        "integrations": [],
        "settings": [],
    }
    assert {kind: page["total"] for kind, page in seen.items()} == {
        "users": 1,
        "sessions": 2,
        "api_keys": 1,
        "integrations": 0,
        "settings": 0,
    }
    assert {row["id"]: (row["rows"], row["attachments"]) for row in member.get("/v1/datasets").json()["data"]} == {
        "contacts": (3, 1),
        "surveys": (0, 0),
        "dashboards": (0, 0),
    }
    assert member.get("/v1/datasets/contacts/count").json()["rows"] == 3
    rows = member.get("/v1/datasets/contacts/rows").json()
    assert ([row["id"] for row in rows["data"]], rows["total"]) == (["c0", "c1", "c2"], 3)
    assert [row["id"] for row in member.get("/v1/datasets/contacts/attachments").json()["data"]] == ["f1"]
    assert member.get("/v1/users?ids=u1,u5").json()["data"] == []


def test_a_member_may_not_act_on_what_is_not_its_own(member: httpx.Client, world: World) -> None:
    assert member.post("/v1/users/delete", json={"ids": ["u5"]}).status_code == 403
    assert member.post("/v1/subscription/cancel", json={"effective": "immediately"}).status_code == 403
    others = member.post("/v1/api_keys/revoke", json={"ids": ["k1"]}).json()["results"][0]
    assert others["error"]["code"] == "not_found"
    assert world.effects() == []


def test_a_key_notes_when_it_was_last_used(client: httpx.Client, world: World) -> None:
    clock.advance(world, "1h")
    used = {row["id"]: row["last_used_at"] for row in client.get("/v1/api_keys").json()["data"]}
    assert used == {"k1": "2026-11-01T09:00:00Z", "k2": None, "k3": None}
