"""What ends records: 作废 (invalid) puts them in the bin, 删除 (delete) ends for good what lies there, 恢复 (recover) takes them
out again. No call lists the bin.

Preset objects are invalidated one by one; only custom ones have a batch, on a path without v2. A locked record, or one of a
public pool, is refused until it is unlocked or chosen (traits `locked` and `pool`: `["dataset/row"]`).

An invalidation starts an approval flow unless it is told not to (`triggerApprovalFlow: false`, at the top level or in
`data`: which is not settled): it is answered as if it were done, and the record stays as it was until somebody approves,
three days later (trait `approval_days`; `approvals: false` for a company without flows, or the names of the objects that have
one). No answer names a record: what a batch left undone shows in nothing but the records (a guess). The codes are guesses.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ... import acts, times
from ...exchange import Call
from ...wire import Refused
from . import body, errors, ids, objects
from .objects import Object

DAYS = 3


def data_invalid(call: Call, custom: bool) -> dict[str, Any]:
    """One record."""
    found = _writable(call, custom)
    return _each(call, found, [body.text(body.inner(call.body), "object_data_id")], "delete")


def data_invalid_batch(call: Call) -> dict[str, Any]:
    return _each(call, _writable(call, True), _listed(call), "delete")


def data_delete(call: Call, custom: bool) -> dict[str, Any]:
    """For good, and only what is invalid already."""
    return _each(call, _writable(call, custom), _listed(call), "purge")


def data_recover(call: Call, custom: bool) -> dict[str, Any]:
    return _each(call, _writable(call, custom), _listed(call), "restore")


def object_unlock(call: Call) -> dict[str, Any]:
    """The shape of the body is a guess: only the name of the call is documented."""
    name = body.text(body.inner(call.body), "dataObjectApiName")
    return _taken_out(call, "locked", name.endswith("__c"))


def data_choose(call: Call, custom: bool) -> dict[str, Any]:
    """As `object_unlock`, for a public pool."""
    return _taken_out(call, "pool", custom)


def _taken_out(call: Call, trait: str, custom: bool) -> dict[str, Any]:
    found, data = _writable(call, custom), body.inner(call.body)
    given = _listed(call) if "idList" in data else [body.text(data, "object_data_id")]
    call.ids = [_row(call, found, each) for each in given]
    named = {f"{found.dataset}/{id}" for id in call.ids}
    left = [each for each in call.world.traits.get(trait) or () if each not in named]
    call.world.set_traits(**{trait: left})
    return {}


def _listed(call: Call) -> list[str]:
    """The ids of a call that takes several. How many those may be no source says: the trait `most_ids` does, and more are
    refused (a guess)."""
    found = body.texts(body.inner(call.body), "idList")
    if len(found) > call.world.traits.get("most_ids", len(found)):
        raise errors.refusal(errors.BAD_PARAMETERS, "idList")
    return found


def _writable(call: Call, custom: bool) -> Object:
    found = objects.of_call(call, custom)
    if found.dataset is None:
        raise errors.refusal(errors.NO_PERMISSION)  # people are not ended like records
    return found


def _row(call: Call, found: Object, given: str) -> str:
    return ids.row_of(call.world, found.dataset or "", given) or given


def _each(call: Call, found: Object, given: list[str], verb: str) -> dict[str, Any]:
    call.ids = [_row(call, found, each) for each in given]
    partial = call.fired.get("partial")
    for n, id in enumerate(call.ids, 1):
        if partial and n % partial["item"] == 0:
            if len(given) == 1:
                raise Refused(partial["code"], "This item failed.")
            continue  # and the answer says nothing of it
        try:
            _one(call, found, id, verb)
        except Refused as refused:
            if refused.code != "not_found":
                raise
            raise errors.refusal(errors.BAD_PARAMETERS, "数据不存在或已作废") from refused
    return {}


def _one(call: Call, found: Object, id: str, verb: str) -> None:
    world, dataset = call.world, found.dataset
    assert call.caller is not None
    if verb != "delete":
        live = "SELECT 1 FROM rows WHERE dataset = ? AND id = ? AND binned = 0"
        if verb == "purge" and world.one(live, dataset, id):
            raise errors.refusal(errors.ILLEGAL, "删除之前请先作废数据")
        acts.perform(world, call.caller, "row", verb, id, {"dataset": dataset})
        return
    for trait, said in (("locked", "数据已锁定"), ("pool", "请先领取公海数据")):
        if f"{dataset}/{id}" in (world.traits.get(trait) or ()):
            raise errors.refusal(errors.ILLEGAL, said)
    params = {"dataset": dataset, "recoverable": True}
    wait = _approval(call, found)
    if wait is None:
        acts.perform(world, call.caller, "row", "delete", id, params)
    else:
        acts.accept(world, call.caller, "row", "delete", id, params, times.later(world.now, wait))
    if not _told_not_to(call, "triggerWorkFlow"):
        world.effect("start", "workflow", f"{dataset}/{id}")


def _approval(call: Call, found: Object) -> timedelta | None:
    """How long the record waits for an approval, if it does."""
    if fault := call.fired.get("accepted"):
        return timedelta(days=fault["days"], hours=fault["hours"])
    flows = call.world.traits.get("approvals", True)
    flows = found.name in flows if isinstance(flows, list) else flows
    if not flows or _told_not_to(call, "triggerApprovalFlow"):
        return None
    return timedelta(days=call.world.traits.get("approval_days", DAYS))


def _told_not_to(call: Call, switch: str) -> bool:
    return call.body.get(switch) is False or body.inner(call.body).get(switch) is False
