"""ready(plan, done, ...): the steps that may start now. Pure: it looks at outcomes, never at a clock it was not
given."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from crmstate.core.order import earlier
from crmstate.core.plan import Plan, Step
from crmstate.core.words import Kind, Mode, Verb


class Schedule:
    """Follows one plan to its end. `done(step_id)` is told once a step; every operation costs as much as the steps it
    frees, not as the plan."""

    def __init__(self, plan: Plan, done: Collection[str] = ()) -> None:
        self._before = earlier(plan.order)
        self._left: dict[str, int] = {}
        self._waiting: dict[str, list[Step]] = {}
        self._dependents: dict[str, list[Step]] = {}
        self._missing: dict[str, int] = {}
        self._by_id = {step.id: step for step in plan.steps}
        self._place = {step_id: number for number, step_id in enumerate(self._by_id)}
        self._done: set[str] = set()
        self._closed: set[str] = set()
        self._freed: list[Step] = []
        for blocked in plan.blocked:
            self._left[blocked.stage] = self._left.get(blocked.stage, 0) + 1
        for stage in plan.excluded:
            self._left[stage] = self._left.get(stage, 0) + 1
        for step in plan.steps:
            self._left[step.stage] = self._left.get(step.stage, 0) + 1
            self._waiting.setdefault(step.stage, []).append(step)
            self._missing[step.id] = len({need for need in step.needs if need in self._by_id})
            for need in set(step.needs):
                self._dependents.setdefault(need, []).append(step)
        self._open: set[str] = set()
        self._after: dict[str, set[str]] = {}
        for stage, firsts in self._before.items():
            for first in firsts:
                self._after.setdefault(first, set()).add(stage)
        for stage in set(self._left) | set(self._before):
            self._try_open(stage)
        for step_id in done:
            self.done(step_id)

    def _try_open(self, stage: str) -> None:
        todo = [stage]
        while todo:
            name = todo.pop()
            if name in self._open or not self._before.get(name, frozenset()) <= self._closed:
                continue
            self._open.add(name)
            self._freed += [step for step in self._waiting.pop(name, []) if not self._missing[step.id]]
            if not self._left.get(name):
                todo += self._close(name)

    def _close(self, stage: str) -> list[str]:
        self._closed.add(stage)
        return sorted(self._after.get(stage, ()))

    def done(self, step_id: str) -> None:
        """Tells that a step of the plan is done; unknown ids are ignored, and so is telling twice."""
        step = self._by_id.get(step_id)
        if step is None or step_id in self._done:
            return
        self._done.add(step_id)
        for later in self._dependents.get(step_id, ()):
            self._missing[later.id] -= 1
            if not self._missing[later.id] and later.stage in self._open:
                self._freed.append(later)
        self._left[step.stage] -= 1
        if not self._left[step.stage] and step.stage in self._open:
            for stage in self._close(step.stage):
                self._try_open(stage)

    def take(self) -> list[Step]:
        """The steps that have become free since the last call, in the plan's order; each is given once."""
        freed, self._freed = self._freed, []
        return sorted((step for step in freed if step.id not in self._done), key=lambda step: self._place[step.id])

    def untouched(self) -> Iterator[Step]:
        """The steps that never became free."""
        for steps in self._waiting.values():
            yield from (step for step in steps if step.id not in self._done)
        for step in self._by_id.values():
            if step.stage in self._open and self._missing[step.id] and step.id not in self._done:
                yield step


def ready(plan: Plan, done: Collection[str] = ()) -> list[Step]:
    """The steps that may start when exactly `done` are done."""
    return Schedule(plan, done).take()


def awaited(plan: Plan) -> frozenset[str]:
    """The waiting steps whose time it is: what they wait for was asked for, or is a date to come. The end of our own
    keys is waited for once everything else is done or in the vendor's hands, not while it is still to be asked for."""
    waiting = [step for step in plan.steps if step.mode is Mode.WAIT]
    known = {step.id for step in plan.steps}
    asked = {
        step.id
        for step in waiting
        if step.kind not in (Kind.FREEZE, Kind.API_KEY)
        and (step.verb is not Verb.PROBE or known.isdisjoint(step.needs))
    }
    free = {step.id for step in ready(plan, asked)}
    dated = {step.id for step in waiting if step.kind is Kind.FREEZE and (step.not_before or "") > plan.observed_at}
    keys = {
        step.id for step in waiting if step.kind is Kind.API_KEY and (step.verb is not Verb.PROBE or step.id in free)
    }
    told = {step.id for step in plan.steps if step.verb is Verb.NOTIFY and (step.not_before or "") > plan.observed_at}
    return frozenset(asked | dated | keys | told)
