"""The end of Zoho's records: deleted into the recycle bin, of which there is one for the whole org, and out of it.

A bin here is a module's part of that one. Emptying the whole is asked for only where nothing else lies in it: whatever
others have deleted may have to stay.
"""

from __future__ import annotations

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Result
from crmstate.core.survey import BinFacts, Resource
from crmstate.core.words import Kind, Outcome, Phase, Undo, Verb
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import Resources, chunks
from crmstate.providers.zoho.addresses import API, MODULES
from crmstate.providers.zoho.answers import Listed, converted, look, numeric, settle, tried
from crmstate.providers.zoho.limits import IDS, PAGE
from crmstate.providers.zoho.listings import module_of, modules, purged
from crmstate.providers.zoho.sources import CHECKED, SPEC
from crmstate.providers.zoho.vendor import provider

BIN = f"{API}/settings/recycle_bin"
LEFT, EMPTY = f"{BIN}/actions/count", f"{BIN}/actions/empty"
NOTHING = "1"
QUIETLY = {"wf_trigger": "false"}
"""Deleting starts workflow rules unless it is told not to: they write mails to customers, and change other records."""
LOOKS = 12
"""How often a scheduled emptying is asked for, each time a little later, ten minutes in all."""
ROUNDS = 10_000
_ENDED = frozenset({Outcome.DONE, Outcome.REQUESTED})
DAY = 86_400.0
"""Seconds for which a job that is not through by then is waited for."""


class _Gone(msgspec.Struct):
    id: str


class _Count(msgspec.Struct):
    count: int


class _Said(msgspec.Struct):
    code: str = ""
    status: str = ""


def may_purge(call: Call, datasets: tuple[str, ...]) -> None:
    """The trial of the deletion, in each module: scopes are given by module."""
    for dataset in datasets:
        try:
            tried(call, "DELETE", f"{API}/{module_of(dataset)}", "data", params={"ids": NOTHING, **QUIETLY})
        except Failure as failure:
            if failure.code in (Code.DENIED, Code.EXPIRED):
                raise


@provider.acts(
    Kind.DATASET,
    Verb.PURGE,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    batch=IDS,
    trial=may_purge,
    requests=(f"DELETE {API}/*",),
    source=f"{SPEC} (record: deleteRecords)",
    verified_on=CHECKED,
    note={
        "en": "Into the recycle bin, where records stay for 60 days unless it is emptied: until then it can be undone in Zoho. "
        "The description says `permanently`; documentation and behaviour say otherwise. 50 ids are what the description's "
        "1,024 characters hold. Workflow rules are told to stay off (`wf_trigger`).",
        "zh-CN": "记录先进入回收站，未清空时保留 60 天，期间可在 Zoho 中恢复。接口描述写的是永久删除，但文档和实际行为并非如此。"
        "描述允许的 1,024 个字符约可容纳 50 个 ID。删除时要求不触发工作流规则（wf_trigger）。",
    },
)
def purge(call: Call, batch: Batch) -> list[Result]:
    """Deletes records of the dataset `parent`."""
    if batch.parent is None:
        raise ValueError("a purge names its dataset")
    ids = [item.id for item in batch.items]
    fit = numeric(ids)
    results = {each: Result(each, Outcome.FAILED, Code.MISSING.value, "no such id") for each in ids}
    if fit:
        path = f"{API}/{module_of(batch.parent)}"
        call.learned(purged(module_of(batch.parent)), True)
        reply = call.send("DELETE", path, params={"ids": ",".join(fit), **QUIETLY}, into=Listed)
        results.update((each.id, each) for each in settle(reply, "data", fit))
    return [results[each] for each in ids]


def _deleted(call: Call, module: str, size: int, page: int = 1) -> tuple[list[str], bool]:
    """Ids of a module's records that lie in the bin, and whether there are more."""
    asked: dict[str, str | int | None] = {"type": "recycle", "page": page, "per_page": size}
    rows, info = look(call, f"{API}/{module}/deleted", asked, "data")
    return [converted(_Gone, raw).id for raw in rows], bool(info.more_records)


@provider.reads(
    Kind.BIN,
    Verb.LIST,
    f"GET {API}/*/deleted",
    f"GET {MODULES}",
    source=f"{SPEC} (record: getDeletedRecords, modules)",
    verified_on=CHECKED,
    note={
        "en": "By module: those of whose records some are in the bin. More than 200 are not counted.",
        "zh-CN": "按模块列出回收站中仍有记录的模块；超过 200 条时不计具体数量。",
    },
)
def bins(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """One row a module that has something in the bin; its id is the module's."""
    found: list[Resource] = []
    for module in modules(call):
        if ids is None or module.api_name in ids:
            rows, more = _deleted(call, module.api_name, PAGE)
            if rows:
                facts = BinFacts(None if more else len(rows))
                found.append(Resource(Kind.BIN, module.api_name, module.plural_label or module.api_name, facts=facts))
    return found


def may_empty(call: Call, ids: tuple[str, ...]) -> None:
    """The trial of the deletion out of the bin, of something that is not there; by its path, since the newer description
    knows no `ids`: a server that ignored them would be asked to delete everything."""
    tried(call, "DELETE", f"{BIN}/{NOTHING}", "recycle_bin")


@provider.acts(
    Kind.BIN,
    Verb.EMPTY,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    calls=3,
    trial=may_empty,
    requests=(
        f"POST {EMPTY}",
        f"DELETE {BIN}",
        f"DELETE {BIN}/*",
        f"GET {LEFT}",
        f"GET {API}/*/deleted",
        f"GET {MODULES}",
    ),
    source=f"{SPEC} (recycle-bin)",
    note={
        "en": "The whole bin at once only where, also by its own count, nothing else lies in it; else record by record, 50 a call. More "
        "than 1,000, notes and files of records counted in, are a job, which is waited for. Administrators only. Deletion by ids is "
        "documented, and missing in the newer description.",
        "zh-CN": "仅当回收站中（按其自身的计数核对）没有其他内容时才整体清空，否则按 ID 每次 50 条删除。"
        "超过 1,000 条（含记录的备注和附件）时平台以后台任务执行，会等待其完成。"
        "仅限管理员。按 ID 删除见于文档，新版描述中缺失。",
    },
)
def empty(call: Call, batch: Batch) -> list[Result]:
    """Empties a module's part of the bin."""
    id = batch.items[0].id
    module = module_of(id)
    if _alone(call, module):
        try:
            return [_emptied(call, id)]
        except Failure as failure:
            if failure.code is not Code.DENIED:
                raise
    return [_one_by_one(call, id, module)]


def _alone(call: Call, module: str) -> bool:
    """Whether nothing else lies in the bin: nothing of any other module that can be asked, and by the bin's own count no
    more than this module has in it. Not every module can be asked, and not everything in the bin is a module's record."""
    if any(_deleted(call, each.api_name, 1)[0] for each in modules(call) if each.api_name != module):
        return False
    try:
        count = call.get(LEFT, into=_Count).count
        mine: set[str] = set()
        for page in range(1, count // PAGE + 2):
            found, more = _deleted(call, module, PAGE, page)
            mine.update(found)
            if not more:
                break
    except Failure as failure:
        if failure.code not in (Code.DENIED, Code.REJECTED):
            raise
        return False
    return count == len(mine)


def _emptied(call: Call, id: str) -> Result:
    reply = call.send("POST", EMPTY, into=_Said)
    if reply.value.status != "success":
        return Result(id, Outcome.FAILED, Code.REJECTED.value, reply.value.code)
    if reply.status != 202 and reply.value.code != "SCHEDULED":
        return Result(id, Outcome.DONE)
    try:
        for attempt in range(LOOKS):
            if call.get(LEFT, into=_Count).count == 0:
                return Result(id, Outcome.DONE)
            call.pause(min(60.0, 2.0 * 2**attempt))
    except Failure as failure:  # of a look: what was asked for has been accepted all the same
        return Result(id, Outcome.REQUESTED, summary=failure.summary, until=call.later(DAY), hidden=True)
    return Result(id, Outcome.REQUESTED, until=call.later(DAY), hidden=True)


def _one_by_one(call: Call, id: str, module: str) -> Result:
    """Deletes a module's records out of the bin until none is left, each time those of the first page: what was deleted is
    not there any more. With their notes and files more than 1,000 at once are a job, which is waited for."""
    done: set[str] = set()
    due: set[str] = set()
    looks = 0
    for _ in range(ROUNDS):
        found, _more = _deleted(call, module, PAGE)
        if not found:
            return Result(id, Outcome.DONE)
        fresh = [each for each in found if each not in due]
        if not fresh:
            if looks == LOOKS:
                return Result(id, Outcome.REQUESTED, until=call.later(DAY), hidden=True)
            call.pause(min(60.0, 2.0 * 2**looks))
            looks += 1
            continue
        if done.issuperset(fresh):
            raise Failure(Code.UNAVAILABLE, "the bin shows what was deleted out of it", vendor="kit.loop")
        for part in chunks(fresh, IDS):
            reply = call.send("DELETE", BIN, params={"ids": ",".join(part)}, into=Listed)
            results = settle(reply, "recycle_bin", list(part))
            left = [each for each in results if each.outcome not in _ENDED and each.code != Code.MISSING.value]
            if left:
                return msgspec.structs.replace(left[0], id=id)
            due.update(each.id for each in results if each.outcome is Outcome.REQUESTED)
            done.update(part)
    raise Failure(Code.UNAVAILABLE, "the bin does not end", vendor="kit.loop")
