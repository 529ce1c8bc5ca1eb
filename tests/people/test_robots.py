"""Each chat's answer means what its maker says, and nothing else passes for delivered."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmstate.core.words import Fate
from crmstate.people.post import Answer
from crmstate.people.robots import ROBOTS, address, dingtalk_sign, feishu_sign, robot_of

SHARED = Path(os.environ.get("CRMSTATE_SHARED", Path(__file__).parents[3] / "shared"))
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
D, R, L, U = Fate.DELIVERED, Fate.REJECTED, Fate.DEFERRED, Fate.UNKNOWN


def said(chat: str, status: int, body: object, **headers: str) -> Fate:
    text = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return ROBOTS[chat].judge(Answer(status, headers, text))[0]


@pytest.mark.parametrize(
    ("chat", "status", "body", "fate"),
    [
        ("wecom", 200, {"errcode": 0, "errmsg": "ok"}, D),
        ("wecom", 200, {"errcode": 93000, "errmsg": "invalid webhook url"}, R),
        ("wecom", 200, {"errcode": 45009, "errmsg": "api freq out of limit"}, L),
        ("wecom", 200, {"errcode": -1, "errmsg": "system busy"}, L),
        ("wecom", 200, {"errcode": 40058}, R),
        ("wecom", 200, {"errmsg": "ok"}, U),
        ("wecom", 200, {"errcode": False}, U),
        ("wecom", 200, {"errcode": "0"}, U),
        ("wecom", 200, "<html>sign in</html>", U),
        ("wecom", 502, {"errcode": 0}, U),
        ("dingtalk", 200, {"errcode": 0, "errmsg": "ok"}, D),
        ("dingtalk", 200, {"errcode": 310000, "errmsg": "sign not match"}, R),
        ("dingtalk", 200, {"errcode": 130101, "errmsg": "send too fast"}, L),
        ("dingtalk", 200, {"status": 1111, "wait": 5, "punish": "deny"}, L),
        ("dingtalk", 200, {}, U),
        ("feishu", 200, {"code": 0, "msg": "success", "data": {}, "StatusCode": 0}, D),
        ("feishu", 200, {"StatusCode": 0, "StatusMessage": "success"}, D),
        ("feishu", 200, {"code": 19021, "StatusCode": 0}, R),
        ("feishu", 400, {"code": 9499, "msg": "Bad Request"}, R),
        ("feishu", 200, {"code": 11232}, L),
        ("feishu", 200, {"code": None, "StatusCode": 0}, U),
        ("slack", 200, "ok", D),
        ("slack", 200, "OK, signed in as guest", U),
        ("slack", 200, {"ok": False, "error": "invalid_auth"}, U),
        ("slack", 404, "no_service", R),
        ("slack", 500, "rollup_error", L),
        ("slack", 500, "oops", U),
        ("teams", 202, "", D),
        ("teams", 200, "1", D),
        ("teams", 200, "Webhook message delivery failed with error: endpoint returned HTTP error 429 with ContextId x", L),
        ("teams", 200, "Webhook message delivery failed with error: endpoint returned HTTP error 413", R),
        ("teams", 200, "Webhook message delivery failed", R),
        ("teams", 400, {"error": {"code": "TriggerInputSchemaMismatch"}}, R),
    ],
)  # fmt: skip
def test_an_answer_means_what_the_chat_says(chat: str, status: int, body: object, fate: Fate) -> None:
    assert fate is said(chat, status, body)


@given(st.sampled_from(sorted(ROBOTS)), st.integers(300, 599), st.text(max_size=40))
def test_no_refusal_of_http_is_a_delivery(chat: str, status: int, body: str) -> None:
    if chat == "feishu":  # judged by its body whatever the status
        return
    assert said(chat, status, body) is not D


@given(st.sampled_from(("wecom", "dingtalk", "feishu", "slack")), st.binary(max_size=60))
def test_what_cannot_be_read_is_no_delivery(chat: str, body: bytes) -> None:
    if body.strip() != b"ok":
        assert ROBOTS[chat].judge(Answer(200, {}, body))[0] is not D


def test_too_many_requests_are_sent_again_later() -> None:
    assert (L, "http 429", 30) == ROBOTS["slack"].judge(Answer(429, {"retry-after": "30"}, b""))
    assert (L, "http 429", 60) == ROBOTS["slack"].judge(Answer(429, {"retry-after": "9" * 30}, b""))


def test_signatures_are_those_of_the_makers() -> None:
    file = SHARED / "specs" / "notify" / "sign_vectors.json"
    if not file.exists():
        pytest.skip("the signing vectors (shared/specs) are not beside the project")
    found = json.loads(file.read_text(encoding="utf-8"))
    ours = {
        "dingtalk": dingtalk_sign(found["dingtalk"]["timestamp_ms"], found["dingtalk"]["secret"]),
        "feishu": feishu_sign(found["feishu"]["timestamp_s"], found["feishu"]["secret"]),
    }
    assert {name: found[name]["sign_base64"] for name in ours} == ours


def test_dingtalk_signs_in_the_address_and_feishu_in_the_body() -> None:
    url = address(ROBOTS["dingtalk"], "https://oapi.dingtalk.com/robot/send?access_token=T", "SEC", NOW)
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    stamp = str(int(NOW.timestamp() * 1000))
    assert {"access_token": "T", "timestamp": stamp, "sign": dingtalk_sign(stamp, "SEC")} == query
    body = ROBOTS["feishu"].body("hello", "SEC", NOW)
    stamp = str(int(NOW.timestamp()))
    assert (stamp, feishu_sign(stamp, "SEC")) == (body["timestamp"], body["sign"])


def test_a_chat_is_known_by_its_host_alone() -> None:
    assert robot_of("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=K") is ROBOTS["wecom"]
    assert robot_of("https://prod-1.westeurope.logic.azure.com/workflows/x") is ROBOTS["teams"]
    assert robot_of("https://hooks.slack.com.evil.example/services/T/B/X") is None
