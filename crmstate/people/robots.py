"""Robots: the webhooks of five chats: what each wants to be sent, and what its answer means.

Each answers in its own way, most of them with HTTP 200 for what failed. Nothing passes for delivered but what the chat
documents as success; what cannot be read, after the message was sent, is unknown.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote_plus, urlsplit

from crmstate.core.words import Fate
from crmstate.people.post import Answer

Verdict = tuple[Fate, str, int]
"""What became of it, the chat's own code, and after how many seconds it may be sent again."""

MINUTES = 60
_STATUS = re.compile(r"HTTP error ([0-9]{3})")


@dataclass(frozen=True)
class Robot:
    """One chat. `hosts`: where its webhooks are; `most`: bytes of text that it takes; `per_minute`: messages."""

    name: str
    hosts: tuple[str, ...]
    most: int
    per_minute: int
    body: Callable[[str, str, datetime], dict[str, Any]]
    judge: Callable[[Answer], Verdict]
    signs: bool = False


def _text(text: str, secret: str, now: datetime) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": text}}


def _feishu(text: str, secret: str, now: datetime) -> dict[str, Any]:
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if secret:
        stamp = str(int(now.timestamp()))
        body = {"timestamp": stamp, "sign": feishu_sign(stamp, secret), **body}
    return body


def _slack(text: str, secret: str, now: datetime) -> dict[str, Any]:
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


def _teams(text: str, secret: str, now: datetime) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "TextBlock", "text": text, "wrap": True}],
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [content]}


def dingtalk_sign(stamp: str, secret: str) -> str:
    """DingTalk: the secret is the key, and stands in the message as well; milliseconds."""
    return _hmac(secret, f"{stamp}\n{secret}")


def feishu_sign(stamp: str, secret: str) -> str:
    """Feishu: time and secret are the key, of an empty message; seconds."""
    return _hmac(f"{stamp}\n{secret}", "")


def _hmac(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _number(found: Mapping[str, Any], name: str) -> int | None:
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _by_status(answer: Answer) -> Verdict:
    """What an answer means whose body says nothing: only a refusal is certain."""
    if answer.status == 429:
        return Fate.DEFERRED, "http 429", _retry_after(answer)
    if 300 <= answer.status < 500:
        return Fate.REJECTED, f"http {answer.status}", 0
    return Fate.UNKNOWN, f"http {answer.status}", 0


def _retry_after(answer: Answer) -> int:
    text = answer.headers.get("retry-after", "")
    return min(int(text), 86_400) if text.isascii() and text.isdigit() and len(text) < 8 else MINUTES


def _wecom_says(answer: Answer) -> Verdict:
    code = _number(_object(answer.body), "errcode")
    if code == 0 and answer.status == 200:
        return Fate.DELIVERED, "0", 0
    if code is None or code == 0:
        return _by_status(answer)
    return (Fate.DEFERRED if code in (45009, -1) else Fate.REJECTED), str(code), MINUTES if code in (45009, -1) else 0


def _dingtalk_says(answer: Answer) -> Verdict:
    found = _object(answer.body)
    code = _number(found, "errcode")
    if code == 0 and answer.status == 200:
        return Fate.DELIVERED, "0", 0
    if code is None and (found.get("punish") == "deny" or _number(found, "status") == 1111):
        return Fate.DEFERRED, "1111", 10 * MINUTES
    if code is None or code == 0:
        return _by_status(answer)
    return (Fate.DEFERRED, str(code), 10 * MINUTES) if code in (130101, -1) else (Fate.REJECTED, str(code), 0)


def _feishu_says(answer: Answer) -> Verdict:
    found = _object(answer.body)
    code = _number(found, "code") if "code" in found else _number(found, "StatusCode")
    if code == 0:
        return Fate.DELIVERED, "0", 0
    if code is None:
        return _by_status(answer)
    return (Fate.DEFERRED, str(code), MINUTES) if code == 11232 else (Fate.REJECTED, str(code), 0)


def _slack_says(answer: Answer) -> Verdict:
    said = answer.body.decode("utf-8", "replace").strip()
    if answer.status == 200 and said == "ok":
        return Fate.DELIVERED, "ok", 0
    if answer.status == 500 and said == "rollup_error":
        return Fate.DEFERRED, said, MINUTES
    fate, code, wait = _by_status(answer)
    known = said if re.fullmatch(r"[a-z_]{3,60}", said) and answer.status != 200 else code
    return fate, known, wait


def _teams_says(answer: Answer) -> Verdict:
    said = answer.body.decode("utf-8", "replace").strip()
    if not 200 <= answer.status < 300:
        return _by_status(answer)
    if failed := _STATUS.search(said):
        status = int(failed[1])
        return _by_status(Answer(status, answer.headers, b"")) if status >= 300 else (Fate.UNKNOWN, str(status), 0)
    if "delivery failed" in said.casefold() or _object(answer.body).get("error") is not None:
        return Fate.REJECTED, "error", 0
    return Fate.DELIVERED, f"http {answer.status}", 0


ROBOTS = {
    robot.name: robot
    for robot in (
        Robot("wecom", ("qyapi.weixin.qq.com",), 2048, 20, _text, _wecom_says),
        Robot("dingtalk", ("oapi.dingtalk.com",), 15_000, 20, _text, _dingtalk_says, signs=True),
        Robot("feishu", ("open.feishu.cn", "open.larksuite.com"), 18_000, 60, _feishu, _feishu_says, signs=True),
        Robot("slack", ("hooks.slack.com",), 35_000, 60, _slack, _slack_says),
        Robot(
            "teams",
            ("*.logic.azure.com", "*.api.powerplatform.com", "*.webhook.office.com"),
            24_000,
            120,
            _teams,
            _teams_says,
        ),
    )
}
HOSTS = tuple(host for robot in ROBOTS.values() for host in robot.hosts)


def robot_of(url: str) -> Robot | None:
    """The chat whose host this is."""
    host = (urlsplit(url).hostname or "").lower()
    return next((each for each in ROBOTS.values() if any(fnmatchcase(host, one) for one in each.hosts)), None)


def address(robot: Robot, url: str, secret: str, now: datetime) -> str:
    """Where the message goes: DingTalk's signature stands in the address."""
    if robot.name != "dingtalk" or not secret:
        return url
    stamp = str(int(now.timestamp() * 1000))
    joint = "&" if "?" in url else "?"
    return f"{url}{joint}timestamp={stamp}&sign={quote_plus(dingtalk_sign(stamp, secret))}"
