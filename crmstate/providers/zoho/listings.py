"""What Zoho lists beside users: the org's licence and account, its modules, and what runs or calls out by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Count
from crmstate.core.survey import AccountFacts, DatasetFacts, Gap, Listing, Resource, SubscriptionFacts
from crmstate.core.words import Kind, Phase, Verb
from crmstate.providers.kit import Call, instant
from crmstate.providers.kit.pages import ROUNDS, Resources
from crmstate.providers.zoho.addresses import API, MODULES, ORG
from crmstate.providers.zoho.answers import converted, look
from crmstate.providers.zoho.identity import org
from crmstate.providers.zoho.limits import PAGE
from crmstate.providers.zoho.sources import CHECKED, SPEC
from crmstate.providers.zoho.vendor import provider

CONTRACT = "crm"
"""The id of the one subscription, for which Zoho has none."""

LAG = 900.0
"""Seconds by which a count may be behind: ten minutes, as Zoho says, and some for clocks that differ."""
NO_COUNT, NO_MODULE = "NOT_SUPPORTED", "INVALID_MODULE"
LEADS = "Leads"
"""The module whose converted records hide unless they are asked for."""

_KINDS = frozenset({"default", "custom", "linking", "field_tracker", "picklisttracker"})
"""Modules with records of their own: web tabs hold none, and subforms' rows are in the records that they belong to."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_NOT_MODULES = frozenset({"users", "org", "coql", "files", "settings", "actions"})


def module_of(dataset: str) -> str:
    """The dataset's id as the API name of a module. Raises Failure(REJECTED) for one that is none: a manifest may name
    anything, and the users lie at the same depth."""
    if not _NAME.fullmatch(dataset) or dataset.lower() in _NOT_MODULES:
        raise Failure(Code.REJECTED, "no module has this name", vendor="kit.id")
    return dataset


def all_of(module: str) -> dict[str, str | int | None]:
    """What has to be asked for so that no record hides: those that wait for an approval do, in the list and in the count
    alike, so that no number would tell."""
    return {"approved": "both", **({"converted": "both"} if module == LEADS else {})}


class _Module(msgspec.Struct):
    api_name: str
    api_supported: bool = False
    viewable: bool = True
    generated_type: str = "default"
    plural_label: str | None = None
    status: str = ""


class _Count(msgspec.Struct):
    count: int


EVERY_STATUS = "visible,user_hidden,system_hidden,scheduled_for_deletion"


def modules(call: Call) -> list[_Module]:
    """The modules that hold records and that the API reaches, hidden ones included: hiding deletes nothing."""
    rows, _ = look(call, MODULES, {"status": EVERY_STATUS}, "modules")
    found = [converted(_Module, raw) for raw in rows]
    return [each for each in found if each.api_supported and each.generated_type in _KINDS]


@provider.reads(
    Kind.DATASET,
    Verb.LIST,
    f"GET {MODULES}",
    f"GET {API}/*/actions/count",
    f"GET {API}/*",
    f"GET {API}/*/deleted",
    source=f"{SPEC} (modules, record-count)",
    verified_on=CHECKED,
    note={
        "en": "Modules with records that the API reaches, hidden ones too. Each is counted, converted leads included. Reports, "
        "dashboards, e-mails and what extensions store outside of modules are not among them.",
        "zh-CN": "API 可访问且含有记录的模块，包括已隐藏的模块；逐个计数，包含已转换的线索。报表、仪表盘、邮件以及扩展存放在模块之外的数据不在其中。",
    },
)
def datasets(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Every module with its exact count. One that may not be counted for want of a right makes the listing incomplete;
    one that Zoho cannot count has no count. All modules come in one answer, which shows nothing that comes or goes: they
    are asked for again after the counts, and counted again where they are others."""
    wanted = None if ids is None else frozenset(ids)
    there = modules(call)
    for _ in range(ROUNDS):
        found = _counted(call, [each for each in there if wanted is None or each.api_name in wanted])
        before, there = there, modules(call)
        if found is not None and {each.api_name for each in before} == {each.api_name for each in there}:
            return found
    rows = found.resources if isinstance(found, Listing) else tuple(found or ())
    return Listing(Kind.DATASET, rows, complete=False, gap=Gap(Kind.DATASET, "gap.moving"))


def _counted(call: Call, there: Sequence[_Module]) -> Resources | None:
    """These modules with their counts; None where one of them has gone."""
    found: list[Resource] = []
    unread: list[str] = []
    for module in there:
        try:
            rows = how_many(call, module.api_name).rows
        except Failure as failure:
            if failure.vendor == NO_MODULE:
                return None
            if failure.code is not Code.DENIED:
                raise
            unread.append(module.api_name)
            continue
        facts = DatasetFacts(rows, rows is not None, exportable=module.viewable)
        found.append(Resource(Kind.DATASET, module.api_name, module.plural_label or module.api_name, facts=facts))
    if unread:
        gap = Gap(Kind.DATASET, "gap.denied", ", ".join(unread)[:150])
        return Listing(Kind.DATASET, tuple(found), complete=False, gap=gap)
    return found


@provider.reads(
    Kind.DATASET,
    Verb.COUNT,
    f"GET {API}/*/actions/count",
    f"GET {API}/*",
    f"GET {API}/*/deleted",
    source=f"{SPEC} (record-count)",
    verified_on=CHECKED,
    note={
        "en": "Needs the scope ZohoSearch.securesearch.READ beside that of the modules; one page of the documentation also names "
        "ZohoCRM.settings.layouts.READ. Zoho says that a count may be one to ten minutes behind: what it shows of a module "
        "of which records were deleted just now, and that lists nothing any more, is not believed.",
        "zh-CN": "除模块的 scope 外还需要 ZohoSearch.securesearch.READ；有一页文档还提到 ZohoCRM.settings.layouts.READ。"
        "Zoho 说明计数可能滞后 1 至 10 分钟：对刚刚删除过记录且列表已为空的模块，不采信其计数。",
    },
)
def how_many(call: Call, dataset: str) -> Count:
    """The vendor's count; none for modules that it does not count, nor where it has not noticed yet that all was deleted."""
    module = module_of(dataset)
    try:
        count = call.get(f"{API}/{module}/actions/count", all_of(module), into=_Count).count
    except Failure as failure:
        if failure.vendor != NO_COUNT:
            raise
        return Count(None, exact=False)
    return Count(None, exact=False) if count and _is_late(call, module) else Count(count)


def purged(module: str) -> tuple[str, str]:
    """What a session knows a purge of its own by."""
    return "purged", module


def _is_late(call: Call, module: str) -> bool:
    """Whether a count of more than nothing is that of records that are gone meanwhile. What cannot be asked for says nothing
    against it."""
    try:
        return not _shows_any(call, module) and _deleted_lately(call, module)
    except Failure as failure:
        if failure.code not in {Code.REJECTED, Code.DENIED, Code.MISSING}:
            raise
        return False


class _Gone(msgspec.Struct):
    deleted_time: str | None = None


def _deleted_lately(call: Call, module: str) -> bool:
    """Whether records were deleted so short a time ago that a count may not know it: by ourselves in this session, or by the
    vendor's list of deleted records."""
    if call.known(purged(module), lambda: False):
        return True
    rows, _ = look(call, f"{API}/{module}/deleted", {"type": "all", "page": 1, "per_page": PAGE}, "data")
    since = datetime.fromisoformat(call.later(-LAG))
    times = [_moment(converted(_Gone, raw).deleted_time) for raw in rows]
    return any(each is not None and each >= since for each in times)


def _moment(text: str | None) -> datetime | None:
    """A time of Zoho's, which has an offset; None for what is none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _shows_any(call: Call, module: str) -> bool:
    """Whether a module lists a record."""
    rows, _ = look(call, f"{API}/{module}", {"fields": "id", "page": 1, "per_page": 1, **all_of(module)}, "data")
    return bool(rows)


@provider.reads(
    Kind.SUBSCRIPTION,
    Verb.LIST,
    f"GET {ORG}",
    source=f"{SPEC} (org: license_details)",
    verified_on=CHECKED,
    note={
        "en": "The edition, and the day until which it is paid for: the nearest thing to a renewal date that the API has. "
        "Price, payment, invoices and whether it renews are in the Zoho Store alone; it renews until it is cancelled. On Free, "
        "and during a trial, there is nothing to cancel.",
        "zh-CN": "只有版本和已付费的截止日期，后者是 API 能给出的最接近续费日的信息。价格、付款方式、发票和是否自动续费只能在 Zoho Store 查看；"
        "订阅在取消前会自动续费。Free 版和试用期内没有可取消的订阅。",
    },
)
def subscriptions(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """The org's licence. On Free, or a trial, nothing is owed and nothing is left to cancel: absent."""
    licence = org(call).license_details
    if licence is None:
        return Listing(Kind.SUBSCRIPTION, (), complete=False, gap=Gap(Kind.SUBSCRIPTION, "gap.denied"))
    until = licence.paid_expiry if licence.paid else licence.trial_expiry
    day = (instant(until) or "")[:10] or None
    facts = SubscriptionFacts(
        plan=licence.paid_type if licence.paid else licence.trial_type or licence.paid_type or "free",
        status="active" if licence.paid else "free",
        term_end=day,
    )
    phase = Phase.PRESENT if licence.paid else Phase.ABSENT
    return [Resource(Kind.SUBSCRIPTION, CONTRACT, facts.plan, phase, facts)]


@provider.reads(
    Kind.ACCOUNT,
    Verb.LIST,
    f"GET {ORG}",
    source=f"{SPEC} (org)",
    verified_on=CHECKED,
    note={
        "en": "The org is there as long as it answers. What a deleted one answers is not documented.",
        "zh-CN": "只要组织还能应答即视为存在；删除后接口如何应答没有公开说明。",
    },
)
def accounts(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """The org, under its zgid."""
    here = org(call)
    return [Resource(Kind.ACCOUNT, here.zgid, here.company_name or "", Phase.PRESENT, AccountFacts("open"))]
