"""Purging a dataset's rows. Odoo deletes a call's rows all or none; so where it refuses some for the sake of one, the call
is halved until the one is found."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Result
from crmstate.core.words import Outcome, Proof
from crmstate.providers.odoo.vendor import NO_ROW

_REFUSED = {Code.REJECTED, Code.CONFLICT}


def by_halves(ids: list[int], act: Callable[[list[int]], object]) -> list[Result]:
    """One result an id, in order. Raises Failure where nothing at all has happened."""
    results: dict[int, Result] = {}
    todo = [ids] if ids else []
    while todo:
        some = todo.pop()
        try:
            act(some)
        except Failure as failure:
            if failure.code in _REFUSED and len(some) > 1:
                todo += [some[len(some) // 2 :], some[: len(some) // 2]]
                continue
            if failure.code not in {*_REFUSED, Code.AMBIGUOUS} and not results:
                raise
            results.update((each, _failed(failure)) for each in some)
            if failure.code not in _REFUSED:
                rest = Failure(Code.UNAVAILABLE, "not asked for, after the one before it failed")
                results.update((each, _failed(rest)) for part in todo for each in part)
                break
        else:
            results.update((each, Result("", Outcome.DONE)) for each in some)
    return [msgspec.structs.replace(results[each], id=str(each)) for each in ids]


def _failed(failure: Failure) -> Result:
    lost = failure.code is Code.AMBIGUOUS
    outcome, proof = (Outcome.UNKNOWN, Proof.NONE) if lost else (Outcome.FAILED, Proof.ACKNOWLEDGED)
    code = Code.MISSING if failure.vendor == NO_ROW else failure.code  # of a single row it says that this one is gone
    return Result("", outcome, code.value, failure.summary, proof=proof)
