"""FXiaoke's purge: rows are made invalid (作废, which moves them to the recycle bin) and then deleted for good.

No call lists the recycle bin, so a row that is half gone shows nowhere. Which rows were begun with stands in the engine's own
journal: it asks for a batch again as a whole where it does not know how that went (`halfway_unseen`), and this looks first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Result
from crmstate.core.words import Kind, Outcome, Phase, Undo, Verb
from crmstate.providers.fxiaoke.data import rows_of
from crmstate.providers.fxiaoke.listings import is_custom
from crmstate.providers.fxiaoke.vendor import (
    CHOOSE,
    CUSTOM_CHOOSE,
    CUSTOM_DELETE,
    CUSTOM_INVALID,
    CUSTOM_QUERY,
    CUSTOM_RECOVER,
    DELETE,
    INVALID,
    MANUAL,
    QUERY,
    RECOVER,
    UNLOCK,
    Nothing,
    provider,
)
from crmstate.providers.kit import Call

QUIETLY = {"triggerApprovalFlow": False, "triggerWorkFlow": False}
"""Writing starts approvals and workflows unless it is told not to. Where these stand is written for other calls only."""

NO_ID = "0" * 24
"""The id of a row that nobody has: it would have been made in 1970."""

REFUSALS = frozenset({Code.REJECTED, Code.MISSING, Code.CONFLICT})
NO_HELP = REFUSALS | {Code.DENIED}
"""Refusals of what would only have helped: an app that may delete and may not unlock, or choose, leaves those rows, and goes on
with the others, which are half gone by then."""


class _Mark(msgspec.Struct):
    is_deleted: bool | int | str | None = None


_MARKS = msgspec.json.Decoder(_Mark)


def _in_bin(raw: bytes) -> bool:
    """Whether a row that is shown lies in the recycle bin."""
    return _MARKS.decode(raw).is_deleted in (True, "true", "1")


def _place(dataset: str, ids: Sequence[str]) -> dict[str, object]:
    return {**QUIETLY, "data": {"dataObjectApiName": dataset, "idList": list(ids)}}


def _shown(call: Call, dataset: str, ids: Sequence[str]) -> list[str]:
    """Which of these rows are there, and not in the recycle bin."""
    return [row.id for row in rows_of(call, dataset, ids) if not _in_bin(row.raw)]


def _refused(
    acts: Iterable[tuple[Sequence[str], Callable[[], object]]], codes: frozenset[Code] = REFUSALS
) -> dict[str, Failure]:
    """The rows of those acts that the vendor refused, and with what words."""
    refused: dict[str, Failure] = {}
    for ids, act in acts:
        try:
            act()
        except Failure as failure:
            if failure.code not in codes:
                raise
            refused.update(dict.fromkeys(ids, failure))
    return refused


def _invalid(call: Call, dataset: str, ids: Sequence[str]) -> dict[str, Failure]:
    """Makes rows invalid: those of the company's own objects in one call, others one a call. Which were refused."""

    def one(id: str) -> object:
        data = {"object_data_id": id, "dataObjectApiName": dataset}
        return call.post(INVALID, {**QUIETLY, "data": data}, into=Nothing)

    if not is_custom(dataset):
        return _refused(((id,), partial(one, id)) for id in ids)
    return _together(call, CUSTOM_INVALID, dataset, ids)


def _made_invalid(call: Call, dataset: str, ids: Sequence[str]) -> dict[str, Failure]:
    """Makes rows invalid; what is refused and still shows is unlocked and asked for once more, and what is refused again is
    taken out of a public pool, and asked for a last time. Which rows still show, and why."""
    refused = _invalid(call, dataset, ids)
    there = _shown(call, dataset, list(refused)) if refused else []
    for path in (UNLOCK, CUSTOM_CHOOSE if is_custom(dataset) else CHOOSE):
        if not there:
            break
        kept = _together(call, path, dataset, there, NO_HELP)
        freed = [id for id in there if id not in kept]
        again = _invalid(call, dataset, freed)
        refused.update(again)
        still = _shown(call, dataset, list(again)) if again else []
        there = [id for id in there if id in kept or id in still]
    return {id: refused[id] for id in there}


def _deleted(call: Call, dataset: str, ids: Sequence[str]) -> dict[str, Failure]:
    """Deletes rows for good. Which were refused."""
    return _together(call, CUSTOM_DELETE if is_custom(dataset) else DELETE, dataset, ids)


def _taken_out(call: Call, dataset: str, ids: Sequence[str]) -> None:
    """Takes out of the recycle bin whatever of these rows still lies there, so that it shows. The deletion of a row that is
    gone is refused, and so is that of one that may not be deleted; no code tells them apart, and no call lists the bin."""
    _together(call, CUSTOM_RECOVER if is_custom(dataset) else RECOVER, dataset, ids)


def _together(
    call: Call, path: str, dataset: str, ids: Sequence[str], codes: frozenset[Code] = REFUSALS
) -> dict[str, Failure]:
    """Asks for all rows in one call, and where that is refused one by one. Which were refused."""

    def some(part: Sequence[str]) -> object:
        return call.post(path, _place(dataset, part), into=Nothing)

    refused = _refused([(ids, partial(some, ids))] if ids else [], codes)
    return _refused((((id,), partial(some, (id,))) for id in ids), codes) if refused and len(ids) > 1 else refused


def may_purge(call: Call, datasets: tuple[str, ...]) -> None:
    """The trial of both acts in every object, since a user's rights are object by object."""
    for dataset in datasets:
        for act in (_invalid, _deleted):
            try:
                act(call, dataset, [NO_ID])
            except Failure as failure:
                if failure.code in (Code.DENIED, Code.EXPIRED):
                    raise


@provider.acts(
    Kind.DATASET,
    Verb.PURGE,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    batch=100,
    calls=102,
    trial=may_purge,
    requests=tuple(
        f"POST {path}"
        for path in (
            CUSTOM_INVALID,
            INVALID,
            CUSTOM_DELETE,
            DELETE,
            CUSTOM_RECOVER,
            RECOVER,
            UNLOCK,
            CHOOSE,
            CUSTOM_CHOOSE,
            CUSTOM_QUERY,
            QUERY,
        )
    ),
    attributes=frozenset({"halfway_unseen"}),
    source=MANUAL,
    note={
        "en": "Rows are made invalid (作废), one a call in preset objects (five a second: 100,000 rows take six hours and more than "
        "one pack of calls), and then deleted. Approval flows and workflows are told to stay off; where those switches stand is "
        "confirmed for other calls only. Rows that are refused are unlocked once, and then "
        "taken out of a public pool (公海): those paths are documented, their parameters are taken from the calls beside them. A row "
        "whose deletion is refused and that does not show is asked for to be recovered: where it comes back, it was in the bin, and "
        "is said to have failed. How many ids a call may name is undocumented: a list that is refused is asked for one by one.",
        "zh-CN": "先作废、后删除。预设对象每次调用只能作废一条（每秒 5 条：10 万条约需 6 小时，且超过一个 10 万次的调用包）。"
        "同时要求不触发审批流和工作流；这两个开关在作废、删除接口中的位置未经证实。被拒绝的数据会先解锁再试一次，仍被拒绝的再从公海领取后重试"
        "（这些路径有文档，参数系参照同类接口）。删除被拒绝且查询不到的数据会请求恢复：若恢复成功，说明其仍在回收站中，按失败处理。"
        "单次调用的条数上限没有公开说明：整批被拒绝时改为逐条请求。",
    },
)
def purge(call: Call, batch: Batch) -> list[Result]:
    """Purges rows of the dataset `parent`. All of them are deleted, also those that do not show: they may lie in the recycle bin
    since an answer was lost; what is refused then is taken out of it again, which tells whether it is there. A lost answer in the
    middle is raised (AMBIGUOUS): nobody knows then of any of them."""
    if batch.parent is None:
        raise ValueError("a purge names its dataset")
    dataset, ids = batch.parent, [item.id for item in batch.items]
    shown = _shown(call, dataset, ids)
    kept = _made_invalid(call, dataset, shown)
    refused = _deleted(call, dataset, [id for id in ids if id not in kept])
    hidden = [id for id in refused if id not in shown]
    if hidden:
        _taken_out(call, dataset, hidden)
    left = frozenset(rows.id for rows in rows_of(call, dataset, list(refused))) if refused else frozenset()
    return [_result(id, kept.get(id) or refused.get(id), id in shown or id in left) for id in ids]


def _result(id: str, failure: Failure | None, known: bool) -> Result:
    """What became of a row. One that the vendor refuses and that shows neither to begin with nor taken out of the bin is not there (any more)."""
    if failure is None:
        return Result(id, Outcome.DONE)
    code = Code.REJECTED if known else Code.MISSING
    return Result(id, Outcome.FAILED, code.value, failure.summary, request_id=failure.request_id)
