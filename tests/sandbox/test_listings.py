"""Listings: rows, pages, cursors, parameters."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from crmstate.sandbox import World

ROWS: dict[str, dict[str, Any]] = {
    "users": {
        "id": "u4",
        "email": "u4@example.com",
        "name": "u4",
        "role": "member",
        "status": "active",
        "licence": "full",
        "last_login_at": None,
        "sessions": 2,
        "modified_at": "2026-11-01T08:00:00Z",
    },
    "sessions": {"id": "s1", "user_id": "u4", "created_at": "2026-11-01T08:00:00Z", "agent": "Firefox"},
    "api_keys": {
        "id": "k2",
        "name": "k2",
        "user_id": "u2",
        "prefix": "sk_read",
        "scopes": ["read"],
        "created_at": "2026-11-01T08:00:00Z",
        "last_used_at": None,
        "status": "active",
    },
    "integrations": {
        "id": "i2",
        "type": "oauth_app",
        "name": "i2",
        "target": "https://hooks.example.com/in",
        "status": "disabled",
        "last_used_at": None,
    },
    "modules": {"id": "m1", "name": "m1", "status": "enabled", "data_effect": "clears"},
    "settings": {"id": "b1", "name": "b1", "customised": True, "modified_at": "2026-11-01T08:00:00Z"},
    "datasets": {
        "id": "contacts",
        "name": "Contacts",
        "rows": 6,
        "attachments": 2,
        "bin_rows": 0,
        "exportable": True,
        "modified_at": "2026-11-01T08:00:00Z",
        "fields": [
            {"name": "name", "type": "text", "label": "Name"},
            {"name": "phone", "type": "phone", "label": "电话"},
        ],
    },
}


@pytest.mark.parametrize("kind", ROWS)
def test_a_row_has_exactly_the_documented_members(client: httpx.Client, kind: str) -> None:
    page = client.get(f"/v1/{kind}", params={"ids": ROWS[kind]["id"]}).json()
    assert {"data": [ROWS[kind]], "next": None, "total": 1} == page


def test_pages_follow_each_other_by_cursor_until_next_is_null(client: httpx.Client) -> None:
    seen, cursor, sizes = [], None, []
    while True:
        page = client.get("/v1/users", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [row["id"] for row in page["data"]]
        sizes.append((len(page["data"]), page["total"]))
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["u1", "u2", "u3", "u4", "u5"]
    assert sizes == [(2, 5), (2, 5), (1, 5)]


def test_a_page_that_fits_exactly_has_no_next(client: httpx.Client) -> None:
    assert client.get("/v1/users?limit=5").json()["next"] is None


def test_ids_are_ordered_as_text(client: httpx.Client, world: World) -> None:
    world.add_user("u10")
    world.add_user("Ü")
    assert [row["id"] for row in client.get("/v1/users").json()["data"]] == ["u1", "u10", "u2", "u3", "u4", "u5", "Ü"]


def test_a_cursor_survives_the_end_of_the_row_it_names(client: httpx.Client, world: World) -> None:
    cursor = client.get("/v1/users?limit=4").json()["next"]
    client.post("/v1/users/delete", json={"ids": ["u4"]})
    rest = client.get("/v1/users", params={"cursor": cursor}).json()
    assert ([row["id"] for row in rest["data"]], rest["total"]) == (["u5"], 4)


def test_ids_that_are_not_there_are_left_out(client: httpx.Client) -> None:
    assert [row["id"] for row in client.get("/v1/users?ids=u3,zz,u1").json()["data"]] == ["u1", "u3"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=99999999999999999999",
        "limit=",
        "cursor=!!",
        "cursor=YWJj",
        "colour=red",
        "limit=1&limit=2",
        "ids=u1&cursor=x",
        "modified_since=2026-01-01T00:00:00Z",
        "limit=%D9%A1",
        "cursor=%00",
        "ids=" + ",".join(f"u{n}" for n in range(101)),
    ],
)
def test_a_wrong_parameter_is_invalid(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/v1/users?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")


def test_what_ended_is_no_longer_listed_but_revoked_inactive_and_disabled_are(client: httpx.Client) -> None:
    for path, id in (
        ("users/delete", "u5"),
        ("users/deactivate", "u4"),
        ("sessions/end", "s3"),
        ("integrations/delete", "i1"),
        ("api_keys/revoke", "k2"),
        ("modules/disable", "m2"),
    ):
        assert client.post(f"/v1/{path}", json={"ids": [id]}).json()["results"][0]["status"] == "done"
    listed = {kind: [row["id"] for row in client.get(f"/v1/{kind}").json()["data"]] for kind in ROWS}
    totals = {kind: client.get(f"/v1/{kind}").json()["total"] for kind in ROWS}
    assert listed == {
        "users": ["u1", "u2", "u3", "u4"],
        "sessions": [],
        "api_keys": ["k1", "k2", "k3"],
        "integrations": ["i2"],
        "modules": ["m1", "m2"],
        "settings": ["b1", "b2"],
        "datasets": ["contacts", "dashboards", "surveys"],
    }
    assert {kind: len(ids) for kind, ids in listed.items()} == totals


def test_no_listing_and_no_truth_shows_a_secret(client: httpx.Client, world: World) -> None:
    key = world.add_key("k9", "u2")
    client.post("/v1/token", json={"refresh_token": key.refresh_token})
    text = client.get("/v1/api_keys").text + str(world.truth(log=True))
    assert [secret in text for secret in (key.token, key.refresh_token)] == [False, False]
