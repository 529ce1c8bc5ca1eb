"""FXiaoke's objects (对象), preset and the company's own, each with the number of its rows."""

from __future__ import annotations

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Count
from crmstate.core.survey import DatasetFacts, Resource
from crmstate.core.words import Kind, Phase, Verb
from crmstate.providers.fxiaoke.vendor import CHECKED, CUSTOM_QUERY, MANUAL, OBJECTS, QUERY, provider
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import Resources

PERSONNEL = "PersonnelObj"
"""The people, as rows. Sharing rules hide some of them even from administrators, and no call ends them."""


UNREADABLE = frozenset({Code.DENIED, Code.REJECTED, Code.MISSING})
"""What an object that is listed, and whose rows are not to be had, is answered with."""


def is_custom(dataset: str) -> bool:
    """Whether an object is the company's own: `object_8vN1s__c`. Those have paths of their own."""
    return dataset.endswith("__c")


class _Object(msgspec.Struct, rename="camel"):
    describe_api_name: str
    describe_display_name: str | None = None


class _Listed(msgspec.Struct):
    objects: list[_Object]


class _Objects(msgspec.Struct):
    data: _Listed


class _Counted(msgspec.Struct, rename="camel"):
    data_list: list[msgspec.Raw]
    total: int | None = None


class _Count(msgspec.Struct):
    data: _Counted


@provider.reads(
    Kind.DATASET,
    Verb.LIST,
    f"POST {OBJECTS}",
    f"POST {CUSTOM_QUERY}",
    f"POST {QUERY}",
    source=MANUAL,
    verified_on=CHECKED,
    note={
        "en": "Each object is asked for its count. One that refuses (15003: the app may not) has no rows to be had by API: widen "
        "the app's rights, or export it by hand. So is PersonnelObj exported, of which sharing rules hide rows even from "
        "administrators, and whose rows no call ends. Objects that are switched off are listed as well.",
        "zh-CN": "对每个对象查询一次总数。拒绝查询的对象（如 15003，应用没有权限）无法通过 API 读取：请扩大授权，或人工导出。"
        "PersonnelObj（人员）即使对管理员也受共享规则限制，且没有接口可以删除，同样需人工导出。已停用的对象也会列出。",
    },
)
def objects(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Every object, in one answer, and how many rows it has; where not one may be read, it is the app that lacks the right
    (DENIED). An object stays present when it is empty: what a purge ends is its rows."""
    found: dict[str, Resource] = {}
    denied: list[Failure] = []
    for each in call.look(OBJECTS, {"includeNull": False}, into=_Objects).data.objects:
        name = each.describe_api_name
        if not name:
            raise Failure(Code.REJECTED, "an object without a name", vendor="kit.malformed")
        if ids is not None and name not in ids:
            continue
        try:
            facts = DatasetFacts(exportable=False) if name == PERSONNEL else _facts(how_many(call, name))
        except Failure as failure:
            if failure.code not in UNREADABLE or failure.vendor == "kit.malformed":
                raise
            denied += [failure] if failure.code is Code.DENIED else []
            facts = DatasetFacts(exportable=False)
        row = Resource(Kind.DATASET, name, each.describe_display_name or name, Phase.PRESENT, facts)
        if found.setdefault(name, row).label != row.label:
            raise Failure(Code.REJECTED, "one object in two ways", vendor="kit.malformed")
    if denied and len(denied) == len(found.keys() - {PERSONNEL}):
        raise denied[0]
    return list(found.values())


def _facts(count: Count) -> DatasetFacts:
    return DatasetFacts(count.rows, count.exact)


@provider.reads(
    Kind.DATASET,
    Verb.COUNT,
    f"POST {CUSTOM_QUERY}",
    f"POST {QUERY}",
    source=MANUAL,
    verified_on=CHECKED,
    note={
        "en": "The total is 0 unless it is asked for, and the manual's pages name three switches for that: 0 beside rows means "
        "that nobody knows.",
        "zh-CN": "不主动要求时 total 为 0，且文档中有三种不同的开关；返回了数据而 total 为 0 时视为未知。",
    },
)
def how_many(call: Call, dataset: str) -> Count:
    """The vendor's total, asked for; none where it is less than what it shows."""
    search = {"limit": 1, "offset": 0, "filters": [], "orders": [{"fieldName": "_id", "isAsc": True}]}
    body = {"dataObjectApiName": dataset, "find_explicit_total_num": True, "search_query_info": search}
    path = CUSTOM_QUERY if is_custom(dataset) else QUERY
    found = call.look(path, {"data": body}, into=_Count).data
    if found.total is None or found.total < len(found.data_list):
        return Count(None, exact=False)
    return Count(found.total)
