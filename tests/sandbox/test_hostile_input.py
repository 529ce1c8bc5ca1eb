"""Whatever a client sends, the sandbox never fails by a bug: the answer is a documented refusal."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from crmstate.sandbox import Server, World

GETS = [
    "users",
    "sessions",
    "api_keys",
    "integrations",
    "modules",
    "settings",
    "datasets",
    "bin",
    "datasets/contacts/rows",
    "datasets/contacts/attachments",
    "datasets/contacts/count",
    "whoami",
    "subscription",
    "account",
    "clock",
    "files/a/b",
    "x",
]
POSTS = [
    "users/deactivate",
    "users/delete",
    "sessions/end",
    "api_keys/revoke",
    "integrations/delete",
    "modules/disable",
    "settings/reset",
    "datasets/contacts/rows/delete",
    "bin/empty",
    "subscription/cancel",
    "subscription/pause",
    "subscription/resume",
    "subscription/downgrade",
    "account/close",
    "token",
    "x",
]
PARAMETERS = ["limit", "cursor", "ids", "modified_since", "expires", "signature", "x"]
MEMBERS = ["ids", "transfer_to", "effective", "reason", "from", "until", "to", "confirm", "refresh_token", "x"]
ODD = ["u5", "c1", "immediately", "2026-12-01", "free", "9999-99-99", "٣", "\x00", "x" * 5000]
TEXT = some.text(max_size=20) | some.sampled_from(ODD)
NUMBER = some.integers() | some.floats(allow_nan=False, allow_infinity=False)
JSON = some.recursive(some.none() | some.booleans() | NUMBER | TEXT, lambda inner: some.lists(inner, max_size=3))
CALM = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def tenant() -> Iterator[tuple[World, httpx.Client]]:
    with tempfile.TemporaryDirectory() as folder, World.create(Path(folder) / "world.db") as world:
        world.add_user("u1", role="owner")
        world.add_user("u2", role="admin")
        world.add_key("k1", "u2", token="sk_write")
        world.add_dataset("contacts")
        world.add_rows("contacts", [{"id": f"c{n}"} for n in range(5)])
        with (
            Server(world) as server,
            httpx.Client(base_url=server.url, headers={"Authorization": "Bearer sk_write"}) as client,
        ):
            yield world, client


def fine(world: World, answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    assert world.all("SELECT seq, fault FROM requests WHERE fault LIKE 'bug%'") == []


@CALM
@given(path=some.sampled_from(GETS), query=some.lists(some.tuples(some.sampled_from(PARAMETERS), TEXT), max_size=3))
def test_any_query_is_answered(tenant: tuple[World, httpx.Client], path: str, query: list[tuple[str, str]]) -> None:
    world, client = tenant
    fine(world, client.get(f"/v1/{path}", params=tuple(query)))


@CALM
@given(path=some.sampled_from(POSTS), body=some.dictionaries(some.sampled_from(MEMBERS), JSON, max_size=4) | JSON)
def test_any_body_is_answered(tenant: tuple[World, httpx.Client], path: str, body: object) -> None:
    world, client = tenant
    if path == "api_keys/revoke":
        return
    fine(world, client.post(f"/v1/{path}", json=body))


@CALM
@given(
    path=some.text(max_size=30), method=some.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
)
def test_any_path_and_method_is_answered(tenant: tuple[World, httpx.Client], path: str, method: str) -> None:
    world, client = tenant
    answer = client.request(method, f"/v1/{quote(path, safe='/')}")
    fine(world, answer)
    assert answer.status_code in (200, 400, 403, 404)


@CALM
@given(body=some.binary(max_size=60))
def test_any_bytes_are_answered(tenant: tuple[World, httpx.Client], body: bytes) -> None:
    _, client = tenant
    assert client.post("/v1/users/deactivate", content=body).status_code == 400


def test_raw_bytes_in_a_path_and_huge_ids_are_answered(tenant: tuple[World, httpx.Client]) -> None:
    world, client = tenant
    for path in (
        "/v1/%ff%fe",
        "/v1/datasets/%ff/rows",
        "/v1/datasets/%00/count",
        "/v1/files/%ff/%ff?signature=%ff",
        "/v2/users",
        "//",
        "/v1/datasets//rows",
    ):
        answer = client.get(path)
        fine(world, answer)
        assert answer.status_code in (400, 403, 404)
    answer = client.post("/v1/users/deactivate", json={"ids": ["x" * 1_000_000]})
    assert answer.json()["results"][0]["error"]["code"] == "not_found"
