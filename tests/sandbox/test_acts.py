"""Acting calls: one result per id, what really changed, and what is refused."""

from __future__ import annotations

import httpx
import pytest

from crmstate.sandbox import World


def results(answer: httpx.Response) -> list[str]:
    """done, accepted or the error's code, per id."""
    assert answer.status_code == 200, answer.text
    return [each["error"]["code"] if each["status"] == "error" else each["status"] for each in answer.json()["results"]]


def act(client: httpx.Client, path: str, *ids: str, **more: str) -> list[str]:
    return results(client.post(f"/v1/{path}", json={"ids": list(ids), **more}))


def test_a_batch_answers_one_result_per_id_in_order_and_is_not_atomic(client: httpx.Client) -> None:
    answer = client.post("/v1/users/deactivate", json={"ids": ["u5", "zz", "u1", "u2", "u4", "u5"]})
    assert [each["id"] for each in answer.json()["results"]] == ["u5", "zz", "u1", "u2", "u4", "u5"]
    assert results(answer) == ["done", "not_found", "rejected", "rejected", "done", "conflict"]


def test_deactivation_ends_sessions_keeps_keys_alive_and_can_be_undone(
    client: httpx.Client, member: httpx.Client, world: World
) -> None:
    assert act(client, "users/deactivate", "u4") == ["done"]
    assert [row["id"] for row in client.get("/v1/sessions").json()["data"]] == ["s3"]
    assert member.get("/v1/whoami").status_code == 200
    assert act(client, "users/activate", "u4") == ["done"]
    assert act(client, "users/activate", "u4") == ["conflict"]
    assert [(each["verb"], each["id"]) for each in world.effects()] == [
        ("deactivate", "u4"),
        ("end", "s1"),
        ("end", "s2"),
        ("activate", "u4"),
    ]


def test_deleting_a_user_hands_its_rows_on_and_leaves_its_keys_out_of_reach(
    client: httpx.Client, member: httpx.Client, world: World
) -> None:
    assert act(client, "users/delete", "u4", transfer_to="u5") == ["done"]
    assert {"u5"} == {row["owner_id"] for row in world.rows("contacts")}
    assert [row["id"] for row in client.get("/v1/api_keys").json()["data"]] == ["k1", "k2"]
    assert act(client, "api_keys/revoke", "k3") == ["not_found"]
    assert member.get("/v1/whoami").status_code == 200
    assert act(client, "users/delete", "u4") == ["not_found"]


def test_an_heir_that_is_not_there_refuses_the_whole_batch(client: httpx.Client, world: World) -> None:
    assert client.post("/v1/users/delete", json={"ids": ["u4"], "transfer_to": "zz"}).status_code == 404
    assert act(client, "users/delete", "u4", transfer_to="u4") == ["rejected"]
    assert world.effects() == []


def test_the_last_administrator_stays(client: httpx.Client, world: World) -> None:
    world.run("UPDATE users SET status = 'inactive' WHERE id IN ('u1', 'u2')")
    answer = client.post("/v1/users/deactivate", json={"ids": ["u3"]}).json()["results"][0]
    assert answer["error"] == {"code": "rejected", "message": "The last administrator stays."}


def test_sessions_end_once(client: httpx.Client) -> None:
    assert act(client, "sessions/end", "s1", "s1") == ["done", "not_found"]


def test_a_key_is_revoked_once(client: httpx.Client) -> None:
    assert act(client, "api_keys/revoke", "k2", "k2") == ["done", "conflict"]


def test_integrations_are_switched_off_and_on_and_deleted(client: httpx.Client) -> None:
    assert act(client, "integrations/disable", "i1", "i2") == ["done", "conflict"]
    assert act(client, "integrations/enable", "i1", "i2") == ["done", "done"]
    assert act(client, "integrations/delete", "i1", "i1") == ["done", "not_found"]


def test_disabling_a_module_that_clears_takes_its_rows_for_good(client: httpx.Client, world: World) -> None:
    assert act(client, "modules/disable", "m1") == ["done"]
    assert client.get("/v1/datasets/surveys/count").json()["rows"] == 0
    assert act(client, "modules/enable", "m1") == ["done"]
    assert list(world.rows("surveys")) == []
    assert [(each["verb"], each["irreversible"]) for each in world.effects()] == [
        ("disable", True),
        ("clear", True),
        ("enable", False),
    ]


def test_an_unknown_data_effect_does_what_the_world_says(client: httpx.Client, world: World) -> None:
    world.add_module("m3", data_effect="unknown", true_effect="clears", datasets=["contacts"])
    assert act(client, "modules/disable", "m2", "m3") == ["done", "done"]
    assert client.get("/v1/datasets/contacts/count").json()["rows"] == 0


def test_a_setting_is_reset_once(client: httpx.Client) -> None:
    assert act(client, "settings/reset", "b1", "b1", "b2", "zz") == ["done", "conflict", "conflict", "not_found"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/users/deactivate", b"{"),
        ("/v1/users/deactivate", b""),
        ("/v1/users/deactivate", b"[]"),
        ("/v1/users/deactivate", b"{}"),
        ("/v1/users/deactivate", b'{"ids": "u5"}'),
        ("/v1/users/deactivate", b'{"ids": [5]}'),
        ("/v1/users/deactivate", b'{"ids": null}'),
        ("/v1/users/deactivate", b'{"ids": ["u5"], "force": true}'),
        ("/v1/users/deactivate", b'{"ids": ["u5"], "transfer_to": "u4"}'),
        ("/v1/users/delete", b'{"ids": ["u5"], "transfer_to": 4}'),
        ("/v1/users/deactivate", b'{"ids": ["\xff"]}'),
        ("/v1/users/deactivate", b'{"ids": ["\\ud800"]}'),
        ("/v1/users/deactivate", b"[" * 100_000),
        ("/v1/token", b'{"refresh_token": 1}'),
        ("/v1/token", b"{}"),
        ("/v1/subscription/cancel", b"{}"),
        ("/v1/subscription/cancel", b'{"effective": 3}'),
        ("/v1/subscription/cancel", b'{"effective": "2026-13-45"}'),
        ("/v1/subscription/cancel", b'{"effective": "9999-12-31"}'),
        ("/v1/subscription/pause", b'{"from": "2026-11-01"}'),
        ("/v1/subscription/downgrade", b'{"to": "gold", "effective": "immediately"}'),
        ("/v1/account/close", b'{"confirm": null}'),
    ],
)
def test_a_wrong_body_is_invalid_and_changes_nothing(
    client: httpx.Client, world: World, path: str, body: bytes
) -> None:
    answer = client.post(path, content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert world.effects() == []


def test_a_hundred_ids_are_allowed_and_no_more(client: httpx.Client) -> None:
    ids = [f"x{n}" for n in range(101)]
    assert act(client, "users/deactivate", *ids[:100]) == ["not_found"] * 100
    assert client.post("/v1/users/deactivate", json={"ids": ids}).status_code == 400
    assert act(client, "users/deactivate") == []
