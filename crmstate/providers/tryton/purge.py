"""Purging a dataset's rows. Tryton deletes a call's rows all or none; so where it refuses some for the sake of one, the
call is halved until the one is found."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Result
from crmstate.core.words import Kind, Outcome, Phase, Proof, Undo, Verb
from crmstate.providers.kit import Call
from crmstate.providers.tryton.data import model_of
from crmstate.providers.tryton.vendor import BATCH, MEASURED, SEEN, act, methods, number, numbers, provider, search

OPPORTUNITIES = "sale.opportunity"
"""The one model of the measured ones whose rows have to be ended before they can be deleted."""

_REFUSED = {Code.REJECTED, Code.CONFLICT}


class _Row(msgspec.Struct):
    id: int
    state: str | None = None


@provider.acts(
    Kind.DATASET,
    Verb.PURGE,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    batch=BATCH,
    calls=2,
    requests=methods(
        "model.*.delete", "model.*.search_read", "model.sale.opportunity.cancel", "model.sale.opportunity.lead"
    ),
    source=MEASURED,
    verified_on=SEEN,
    note="Opportunities are cancelled first, and take their attachments along. Rows that others need, and documents that "
    "are posted or done, are refused: purge what refers to them first.",
)
def purge(call: Call, batch: Batch) -> list[Result]:
    """Deletes rows of the dataset `parent`. What is not there any more counts as deleted."""
    if batch.parent is None:
        raise ValueError("a purge names its dataset")
    model = model_of(batch.parent)
    fields = ["id", "state"] if model == OPPORTUNITIES else ["id"]
    wanted = numbers(tuple(item.id for item in batch.items))
    there = search(call, model, [["id", "in", wanted]], fields, _Row) if wanted else []
    state = {row.id: row.state for row in there}
    known = dict(zip(state, by_halves(sorted(state), lambda some: _delete(call, model, some, state)), strict=True))
    gone = Result("", Outcome.FAILED, Code.MISSING.value, "no such row")
    return [msgspec.structs.replace(known.get(number(item.id) or -1, gone), id=item.id) for item in batch.items]


def _delete(call: Call, model: str, ids: list[int], state: dict[int, str | None]) -> None:
    """One act that may be begun again: whatever of it was done before is left out, or is allowed again."""
    if model == OPPORTUNITIES:
        for method, which in (("lead", {"lost"}), ("cancel", {"lost", "lead", "opportunity"})):
            fit = [each for each in ids if state[each] in which]
            if fit:
                act(call, f"model.{model}.{method}", fit)
                state.update(dict.fromkeys(fit, "lead" if method == "lead" else "cancelled"))
    act(call, f"model.{model}.delete", ids)


def by_halves(ids: list[int], delete: Callable[[list[int]], None]) -> list[Result]:
    """One result an id, in order. Raises Failure where nothing at all has happened."""
    results: dict[int, Result] = {}
    todo = [ids] if ids else []
    while todo:
        some = todo.pop()
        try:
            delete(some)
        except Failure as failure:
            if failure.code in _REFUSED and len(some) > 1:
                todo += [some[len(some) // 2 :], some[: len(some) // 2]]
                continue
            if failure.code not in {*_REFUSED, Code.AMBIGUOUS} and not results:
                raise
            results.update((each, _failed(each, failure)) for each in some)
            if failure.code not in _REFUSED:
                rest = Failure(Code.UNAVAILABLE, "not asked for, after the one before it failed")
                results.update((each, _failed(each, rest)) for part in todo for each in part)
                break
        else:
            results.update((each, Result(str(each), Outcome.DONE)) for each in some)
    return [results[each] for each in ids]


def _failed(each: int, failure: Failure) -> Result:
    lost = failure.code is Code.AMBIGUOUS
    outcome, proof = (Outcome.UNKNOWN, Proof.NONE) if lost else (Outcome.FAILED, Proof.ACKNOWLEDGED)
    return Result(str(each), outcome, failure.code.value, failure.summary, proof=proof)
