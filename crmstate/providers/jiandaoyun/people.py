"""Jiandaoyun's members: listing them, and making them leave. hc.jiandaoyun.com/open/18515 and 18513."""

from __future__ import annotations

from typing import Literal

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Result
from crmstate.core.survey import Resource, UserFacts
from crmstate.core.words import Kind, Outcome, Phase, Undo, Verb
from crmstate.providers.jiandaoyun.vendor import (
    CHECKED,
    DELETE_USERS,
    MEMBER_DELETE,
    MEMBERS,
    NO_MEMBER,
    USERS,
    provider,
)
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import Resources

ROOT = 1
"""The number of the department that holds everybody."""

NOBODY = "crmstate-nobody-5e0f8a6c41d24b0f9a7cbe3d8f216e95"
"""A username that nobody has."""

DIRECTORIES = "钉钉 / 企业微信 / 飞书 (DingTalk, WeCom, Feishu)"

_PHASES = {1: Phase.PRESENT, 0: Phase.PRESENT, -1: Phase.ABSENT}
_ROLES = {0: "member", 2: "external"}


class _Member(msgspec.Struct):
    username: str
    type: int
    status: int
    name: str = ""
    integrate_id: str | None = None


class _Members(msgspec.Struct):
    users: list[_Member]


def members(call: Call) -> list[_Member]:
    """Everybody below the root department, in one answer: the vendor does not page here."""
    return call.look(USERS, {"dept_no": ROOT, "has_child": True}, into=_Members).users


@provider.reads(
    Kind.USER,
    Verb.LIST,
    f"POST {USERS}",
    source=MEMBERS,
    verified_on=CHECKED,
    note={
        "en": "Guests of connected companies (企业互联) are not among them.",
        "zh-CN": "不包含企业互联的互联成员。",
    },
)
def users(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Members, invited ones included. Those whom DingTalk, WeCom or Feishu brought are ended there alone: the API
    deletes nobody of an integrated directory, and does not say which of the three it is."""
    found: dict[str, Resource] = {}
    for member in members(call):
        if not member.username:
            raise Failure(Code.REJECTED, "a member without a username", vendor="kit.malformed")
        role = _ROLES.get(member.type, f"type {member.type}")
        facts = UserFacts(role=role, elsewhere=DIRECTORIES if member.integrate_id else "")
        phase = _PHASES.get(member.status, Phase.UNKNOWN)
        row = Resource(Kind.USER, member.username, member.name or member.username, phase, facts)
        if found.setdefault(row.id, row) != row:
            raise Failure(Code.REJECTED, "one member in two ways", vendor="kit.malformed")
    return list(found.values())


class _Done(msgspec.Struct):
    status: Literal["success"]


def may_delete(call: Call, ids: tuple[str, ...]) -> None:
    """The trial of the deletion: 1010, no such member, where the key may; 17054 where the interface is not in its
    scope. Which of the two a key without the right gets is assumed."""
    call.post(DELETE_USERS, {"usernames": [NOBODY]}, into=_Done)


@provider.acts(
    Kind.USER,
    Verb.DELETE,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    batch=50,
    trial=may_delete,
    requests=(f"POST {DELETE_USERS}", f"POST {USERS}"),
    source=MEMBER_DELETE,
    verified_on=CHECKED,
    elsewhere={
        "en": "Ask the administrator of the connected platform (DingTalk, WeCom or Feishu) to remove these people there, or "
        "to take them out of the visible range of the 简道云 app.\nProof: crmstate sees that they are no longer members.",
        "zh-CN": "请对接平台（钉钉、企业微信或飞书）的管理员在该平台移除这些人员，或将其移出简道云应用的可见范围。"
        "\n证明：crmstate 会看到他们已不是成员。",
    },
    note={
        "en": "Makes them leave (离职) and erases nothing; 离职成员管理 is by hand. Only in corps of their own (公共模式): "
        "members of an integrated directory have to be removed in DingTalk, WeCom or Feishu. How many a call may name is "
        "undocumented.",
        "zh-CN": "成员转为离职，不会抹除信息；离职成员管理只能在界面操作。仅适用于公共模式的企业：集成钉钉、企业微信或飞书的"
        "企业，须在对应平台中移除成员。单次可删除的人数没有公开说明。",
    },
)
def delete_users(call: Call, batch: Batch) -> list[Result]:
    """Makes members leave. The vendor refuses the whole batch for one whom it does not know, and does not say for whom:
    then we look, and ask once more for those who are there."""
    names = [item.id for item in batch.items]
    try:
        return _left(call, names)
    except Failure as failure:
        if failure.vendor != NO_MEMBER or len(names) == 1:
            raise
        there = {member.username for member in members(call)}
        known = [name for name in names if name in there]
        if len(known) == len(names):
            raise Failure(Code.CONFLICT, failure.summary, vendor=failure.vendor) from None
        done = {result.id: result for result in (_left(call, known) if known else [])}
        summary = failure.summary
        return [done.get(name) or Result(name, Outcome.FAILED, Code.MISSING.value, summary) for name in names]


def _left(call: Call, names: list[str]) -> list[Result]:
    reply = call.post(DELETE_USERS, {"usernames": names}, into=_Done)
    return [Result(name, Outcome.DONE, request_id=reply.request_id) for name in names]
