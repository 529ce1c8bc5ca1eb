"""What runs at Zoho, or calls out, without anybody: workflow rules, webhooks, and channels of notifications; and portals, through
which customers sign in. One listing, whose ids begin with what they are.

Rules go before the webhooks that they use: Zoho refuses a webhook that something still uses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Result
from crmstate.core.survey import Gap, IntegrationFacts, Listing, Resource
from crmstate.core.words import Kind, Outcome, Phase, Undo, Verb
from crmstate.providers.kit import Call, instant
from crmstate.providers.kit.pages import Resources, Sheet, by_number
from crmstate.providers.kit.text import segment, without_secrets
from crmstate.providers.zoho.addresses import API
from crmstate.providers.zoho.answers import Listed, converted, look, numeric, settle, tried, unknown
from crmstate.providers.zoho.errors import NOT_THERE
from crmstate.providers.zoho.limits import PAGE
from crmstate.providers.zoho.sources import CHECKED, SPEC
from crmstate.providers.zoho.vendor import provider

WEBHOOKS = f"{API}/settings/automation/webhooks"
RULES = f"{API}/settings/automation/workflow_rules"
WATCH = f"{API}/actions/watch"
PORTALS = f"{API}/settings/portals"
BATCH = 10
NOTHING = "1"
"""An id that nothing of the vendor's has."""
NO_PORTAL = "crmstate-asks-whether-it-may-delete-a-portal-and-this-name-is-too-long-for-one"
"""A name that no portal has: theirs have at most 60 characters."""


class _Webhook(msgspec.Struct):
    id: str
    name: str = ""
    url: str = ""


class _Active(msgspec.Struct):
    active: bool = True


class _Rule(msgspec.Struct):
    id: str
    name: str = ""
    status: _Active | None = None
    last_executed_time: str | None = None


class _Channel(msgspec.Struct):
    channel_id: str | int
    resource_name: str | None = None
    resource_uri: str | None = None
    notify_url: str = ""


class _Portal(msgspec.Struct):
    name: str
    active: bool = True
    login_url: str | None = ""


@dataclass(frozen=True)
class _Family:
    """One kind of thing: how its ids begin, where it is listed and deleted, by which parameter (none: one by one, by the path,
    and listed in one answer), and how a row reads."""

    prefix: str
    path: str
    name: str
    by: str | None
    read: Callable[[msgspec.Raw], Resource]


def _webhook(raw: msgspec.Raw) -> Resource:
    row = converted(_Webhook, raw)
    return _row("webhook", row.id, row.name, Phase.PRESENT, without_secrets(row.url), None)


def _rule(raw: msgspec.Raw) -> Resource:
    row = converted(_Rule, raw)
    phase = Phase.PRESENT if row.status is None or row.status.active else Phase.INACTIVE
    return _row("rule", row.id, row.name, phase, "", instant(row.last_executed_time))


def _channel(raw: msgspec.Raw) -> Resource:
    row = converted(_Channel, raw)
    return _row(
        "channel", str(row.channel_id), row.resource_name or "", Phase.PRESENT, without_secrets(row.notify_url), None
    )


def _portal(raw: msgspec.Raw) -> Resource:
    row = converted(_Portal, raw)
    phase = Phase.PRESENT if row.active else Phase.INACTIVE
    return _row("portal", row.name, row.name, phase, without_secrets(row.login_url or ""), None)


def _row(prefix: str, id: str, name: str, phase: Phase, target: str, used: str | None) -> Resource:
    """`workflow` is crmstate's word for a rule."""
    if not id:
        raise Failure(Code.REJECTED, "a row without an id", vendor="kit.malformed")
    return Resource(
        Kind.INTEGRATION,
        f"{prefix}/{id}",
        name,
        phase,
        IntegrationFacts("workflow" if prefix == "rule" else prefix, target, used),
    )


_FAMILIES = (
    _Family("channel", WATCH, "watch", "channel_ids", _channel),
    _Family("rule", RULES, "workflow_rules", "ids", _rule),
    _Family("webhook", WEBHOOKS, "webhooks", "ids", _webhook),
    _Family("portal", PORTALS, "portals", None, _portal),
)
"""In the order in which they are ended."""


@provider.reads(
    Kind.INTEGRATION,
    Verb.LIST,
    f"GET {WEBHOOKS}",
    f"GET {RULES}",
    f"GET {WATCH}",
    f"GET {PORTALS}",
    source=f"{SPEC} (webhooks, workflow-rules, notifications, portals)",
    verified_on=CHECKED,
    note={
        "en": "Webhooks, workflow rules, portals, and the caller's own channels of notifications: those of other users are not shown, "
        "and end by themselves. Portals need the scope settings.clientportal.READ: without it the listing is not whole. Marketplace "
        "extensions, functions with REST keys and client scripts have no listing: see the runbook of the keys.",
        "zh-CN": "包含 webhook、工作流规则、门户和调用者自己的通知通道；其他用户的通道不会列出，会自行过期。门户需要 "
        "settings.clientportal.READ，缺少时列表不完整。Marketplace 扩展、"
        "带 REST 密钥的函数和客户端脚本没有列表接口，见密钥的操作手册。",
    },
)
def integrations(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """All of them, or the families of which some are asked for."""
    rows: list[Resource] = []
    gap: Gap | None = None
    for family in _FAMILIES:
        if ids is None or any(each.startswith(f"{family.prefix}/") for each in ids):
            try:
                found, still = _listed(call, family)
            except Failure as failure:
                if failure.code is not Code.DENIED or family.by is not None:
                    raise
                gap = Gap(Kind.INTEGRATION, "gap.denied", family.name)
                continue
            rows += found
            gap = gap if still else Gap(Kind.INTEGRATION, "gap.moving")
    return rows if gap is None else Listing(Kind.INTEGRATION, tuple(rows), complete=False, gap=gap)


def _listed(call: Call, family: _Family) -> tuple[list[Resource], bool]:
    """One family. A channel has a row for each module that it tells of."""
    if family.by is None:
        return [family.read(raw) for raw in look(call, family.path, {}, family.name)[0]], True
    size = min(PAGE, call.page)

    def ask(number: int) -> Sheet[Resource]:
        rows, info = look(call, family.path, {"page": number, "per_page": size}, family.name)
        return Sheet([family.read(raw) for raw in rows], bool(info.more_records))

    found, whole = by_number(ask, lambda row: f"{row.id} {row.label}", size)
    return list({row.id: row for row in found}.values()), whole


def may_delete(call: Call, ids: tuple[str, ...]) -> None:
    """The trial of the deletion, of something that is not there, in each family that there is something of."""
    for family in _FAMILIES:
        if not any(each.startswith(f"{family.prefix}/") for each in ids):
            continue
        if family.by is None:
            tried(call, "DELETE", f"{family.path}/{NO_PORTAL}", family.name)
        else:
            tried(call, "DELETE", family.path, family.name, params={family.by: NOTHING})


@provider.acts(
    Kind.INTEGRATION,
    Verb.DELETE,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    batch=BATCH,
    calls=len(_FAMILIES),
    trial=may_delete,
    requests=(f"DELETE {WEBHOOKS}", f"DELETE {RULES}", f"DELETE {WATCH}", f"DELETE {PORTALS}/*"),
    source=f"{SPEC} (webhooks, workflow-rules, notifications, portals)",
    verified_on=CHECKED,
    note={
        "en": "A webhook that a rule, an approval process, a blueprint or a Marketplace extension still uses is refused "
        "(NOT_ALLOWED): apply again once that is gone. A portal goes as a whole, and nobody signs in there any more (that its people "
        "lose their access with it is assumed); their records stay.",
        "zh-CN": "仍被工作流规则、审批流程、蓝图或 Marketplace 扩展使用的 webhook 会被拒绝删除（NOT_ALLOWED），待其移除后再次 apply。"
        "门户整体删除，此后无人可再登录（门户用户随之失去访问权限系推断），其记录保留。",
    },
)
def delete(call: Call, batch: Batch) -> list[Result]:
    """Deletes what a batch names, family by family. Where one call fails after another has done something, what is known
    of each thing is told, and nothing is raised."""
    known: dict[str, Result] = {}
    for family in _FAMILIES:
        start = f"{family.prefix}/"
        ours = [item.id.removeprefix(start) for item in batch.items if item.id.startswith(start)]
        try:
            found = _deleted(call, family, ours)
        except Failure as failure:
            if not known and len(ours) == len(batch.items):
                raise
            found = [_failed(each, failure) for each in ours]
        known.update((f"{start}{each.id}", msgspec.structs.replace(each, id=f"{start}{each.id}")) for each in found)
    missing = Result("", Outcome.FAILED, Code.MISSING.value, "nothing has such an id")
    return [known.get(item.id) or msgspec.structs.replace(missing, id=item.id) for item in batch.items]


def _deleted(call: Call, family: _Family, ids: Sequence[str]) -> list[Result]:
    """What is no id of the vendor's is not asked for."""
    if family.by is None:
        return _one_by_one(call, family, ids)
    fit = numeric(ids)
    results = {each: Result(each, Outcome.FAILED, Code.MISSING.value, "no such id") for each in ids}
    if fit:
        reply = call.send("DELETE", family.path, params={family.by: ",".join(fit)}, into=Listed)
        results.update((each.id, each) for each in settle(reply, family.name, fit))
    return [results[each] for each in ids]


def _one_by_one(call: Call, family: _Family, ids: Sequence[str]) -> list[Result]:
    """By their paths. Where one call fails after another has done something, nothing is raised."""
    found: list[Result] = []
    for id in ids:
        try:
            reply = call.send("DELETE", f"{family.path}/{segment(id)}", into=Listed)
            found += settle(reply, family.name, [id])
        except Failure as failure:
            if failure.vendor == NOT_THERE:
                found.append(Result(id, Outcome.FAILED, Code.MISSING.value, failure.summary))
            elif not found:
                raise
            else:
                found.append(_failed(id, failure))
    return found


def _failed(id: str, failure: Failure) -> Result:
    if failure.code is Code.AMBIGUOUS:
        return unknown(id, failure.summary)
    return Result(id, Outcome.FAILED, failure.code.value, failure.summary)
