"""Datasets: counts, rows, attachments, the bin."""

from __future__ import annotations

import hashlib

import httpx

from crmstate.sandbox import World, clock


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["data"]]


def test_a_row_carries_every_field_and_null_where_there_is_none(client: httpx.Client) -> None:
    assert client.get("/v1/datasets/contacts/rows?ids=c1").json()["data"][0] == {
        "id": "c1",
        "owner_id": "u4",
        "created_at": "2026-11-01T08:00:00Z",
        "modified_at": "2026-11-01T08:00:00Z",
        "fields": {"name": "王 Groß", "phone": None},
    }


def test_the_count_says_when_it_was_taken(client: httpx.Client) -> None:
    assert client.get("/v1/datasets/contacts/count").json() == {"rows": 6, "as_of": "2026-11-01T08:00:00Z"}


def test_rows_modified_since_a_time_include_that_moment(client: httpx.Client, world: World) -> None:
    clock.advance(world, "1h")
    world.add_rows("contacts", [{"id": "new"}])
    page = client.get("/v1/datasets/contacts/rows", params={"modified_since": "2026-11-01T09:00:00Z"})
    assert (ids(page), page.json()["total"]) == (["new"], 1)
    assert client.get("/v1/datasets/contacts/rows?modified_since=2026-11-01T08:00:00Z&limit=1").json()["total"] == 7
    assert ids(client.get("/v1/datasets/contacts/rows", params={"modified_since": "2026-11-01T10:00:00+01:00"})) == [
        "new"
    ]
    assert client.get("/v1/datasets/contacts/rows?modified_since=yesterday").status_code == 400


def test_rows_that_cannot_be_exported_are_forbidden_but_counted(client: httpx.Client) -> None:
    assert client.get("/v1/datasets/dashboards/rows").status_code == 403
    assert client.get("/v1/datasets/dashboards/count").json()["rows"] == 1


def test_an_unknown_dataset_is_not_found(client: httpx.Client) -> None:
    paths = ("count", "rows", "attachments")
    assert [client.get(f"/v1/datasets/nothing/{path}").status_code for path in paths] == [404] * 3
    assert client.post("/v1/datasets/nothing/rows/delete", json={"ids": []}).status_code == 404


def test_deleted_rows_lie_in_the_bin_with_their_attachments_until_it_is_emptied(
    client: httpx.Client, world: World
) -> None:
    address = client.get("/v1/datasets/contacts/attachments?ids=f1").json()["data"][0]["url"]
    answer = client.post("/v1/datasets/contacts/rows/delete", json={"ids": ["c1", "c2", "zz", "c1"]}).json()["results"]
    assert [each["status"] for each in answer] == ["done", "done", "error", "error"]
    assert (
        client.get("/v1/datasets/contacts/count").json()["rows"],
        ids(client.get("/v1/datasets/contacts/attachments")),
    ) == (4, ["f2"])
    assert ids(client.get("/v1/datasets/contacts/rows?ids=c1")) == []
    assert client.get(address).status_code == 404
    assert client.get("/v1/bin").json()["data"] == [{"id": "contacts", "rows": 2}]
    assert [row["id"] for row in world.rows("contacts", binned=True)] == ["c1", "c2"]
    answer = client.post("/v1/bin/empty", json={"ids": ["contacts", "contacts", "zz"]}).json()["results"]
    assert [each.get("error", {}).get("code", each["status"]) for each in answer] == ["done", "conflict", "not_found"]
    assert (list(world.rows("contacts", binned=True)), client.get("/v1/bin").json()["data"]) == ([], [])


def test_a_tenant_that_deletes_softly_goes_on_answering_by_id_until_the_bin_is_empty(
    client: httpx.Client, world: World
) -> None:
    world.set_traits(soft_delete=True)
    client.post("/v1/datasets/contacts/rows/delete", json={"ids": [f"c{n}" for n in range(6)]})
    assert client.get("/v1/datasets/contacts/count").json()["rows"] == 0
    assert ids(client.get("/v1/datasets/contacts/rows")) == []
    assert ids(client.get("/v1/datasets/contacts/rows?ids=c1,c2")) == ["c1", "c2"]
    client.post("/v1/bin/empty", json={"ids": ["contacts"]})
    assert ids(client.get("/v1/datasets/contacts/rows?ids=c1,c2")) == []


def test_five_hundred_rows_may_be_deleted_at_once_and_no_more(client: httpx.Client, world: World) -> None:
    world.add_rows("contacts", [{"id": f"x{n:03d}"} for n in range(500)])
    path = "/v1/datasets/contacts/rows/delete"
    assert client.post(path, json={"ids": [f"x{n:03d}" for n in range(501)]}).status_code == 400
    assert {"done"} == {
        each["status"] for each in client.post(path, json={"ids": [f"x{n:03d}" for n in range(500)]}).json()["results"]
    }


def test_an_attachment_comes_from_its_signed_address_without_a_token(client: httpx.Client, world: World) -> None:
    shown = client.get("/v1/datasets/contacts/attachments").json()
    assert shown["total"] == 2
    for row in shown["data"]:
        got = client.get(row["url"], headers={"Authorization": ""})
        assert (row["size"], row["sha256"]) == (len(got.content), hashlib.sha256(got.content).hexdigest())
        assert row["mime"] == got.headers["content-type"]
        assert world.attachment("contacts", row["id"]) == got.content
    assert {"id", "row_id", "name", "size", "mime", "sha256", "url"} == set(shown["data"][0])


def test_a_signed_address_ends_and_cannot_be_forged(client: httpx.Client, world: World) -> None:
    address = client.get("/v1/datasets/contacts/attachments?ids=f1").json()["data"][0]["url"]
    assert [
        client.get(each).status_code for each in (address + "0", address.replace("f1", "f2"), "/v1/files/contacts/f1")
    ] == [403] * 3
    clock.advance(world, "899s")
    assert client.get(address).status_code == 200
    clock.advance(world, "1s")
    assert client.get(address).status_code == 403


def test_a_dataset_id_may_hold_anything(wire: httpx.Client, world: World) -> None:
    world.add_dataset("../a b/ö?#%", "odd")
    world.add_rows("../a b/ö?#%", [{"id": "x/y"}])
    world.add_attachment("../a b/ö?#%", "f/1", "x/y", size=3)
    base = "/v1/datasets/..%2Fa%20b%2F%C3%B6%3F%23%25"
    assert ids(wire.get(f"{base}/rows")) == ["x/y"]
    assert len(wire.get(wire.get(f"{base}/attachments").json()["data"][0]["url"]).content) == 3
