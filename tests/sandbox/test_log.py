"""The log of requests and effects, and how a test counts what happened twice."""

from __future__ import annotations

import httpx

from crmstate.sandbox import World


def test_the_log_holds_every_request_with_its_effects(client: httpx.Client, world: World) -> None:
    client.get("/v1/users?limit=1")
    client.post("/v1/users/deactivate", json={"ids": ["u4", "zz"]})
    client.post("/v1/subscription/cancel", json={"effective": "end_of_term", "reason": "too dear"})
    assert [
        tuple(each[name] for name in ("seq", "method", "target", "ids", "body", "status", "effects"))
        for each in world.log()
    ] == [
        (1, "GET", "/v1/users?limit=1", None, None, 200, []),
        (
            2,
            "POST",
            "/v1/users/deactivate",
            ["u4", "zz"],
            None,
            200,
            [["deactivate", "user", "u4"], ["end", "session", "s1"], ["end", "session", "s2"]],
        ),
        (
            3,
            "POST",
            "/v1/subscription/cancel",
            ["sub-1"],
            '{"effective":"end_of_term","reason":"too dear"}',
            202,
            [["accept cancel", "subscription", "sub-1"]],
        ),
    ]
    assert {"k1"} == {each["key_id"] for each in world.log()}
    assert [each["seq"] for each in world.log(since=2)] == [3]


def test_the_log_keeps_no_refresh_token(client: httpx.Client, world: World) -> None:
    client.post("/v1/token", json={"refresh_token": "rt_write"})
    client.post("/v1/token", json={"refresh_token": "rt_wrong", "access_token": "at_x"})
    assert ["rt_w" in str(each) or "at_x" in str(each) for each in world.log()] == [False, False]


def test_how_often_an_id_was_asked_for_is_counted_even_when_the_answer_was_lost(
    client: httpx.Client, world: World
) -> None:
    world.add_fault("cut_after", path="/v1/users/delete", nth=[1])
    for _ in range(2):
        try:
            client.post("/v1/users/delete", json={"ids": ["u4"]})
        except httpx.ReadError:
            continue
    assert world.asked("/v1/users/delete") == {"u4": 2}
    assert len(world.effects(verb="delete", kind="user", id="u4")) == 1
    assert world.twice() == []


def test_an_irreversible_effect_that_happens_twice_is_found(world: World) -> None:
    for _ in range(2):
        world.effect("delete", "user", "u4", irreversible=True)
        world.effect("deactivate", "user", "u4")
    assert world.twice() == [("delete", "user", "u4")]


def test_a_request_that_is_refused_leaves_no_effect_and_no_half_done_change(client: httpx.Client, world: World) -> None:
    before = world.truth()
    for path, body in (
        ("users/delete", {"ids": ["u1", "u2"]}),
        ("account/close", {"confirm": "t-1001"}),
        ("subscription/resume", {}),
    ):
        client.post(f"/v1/{path}", json=body)
    after = world.truth()
    assert {**before, "requests": 3} == {**after, "api_keys": before["api_keys"]}
