"""What apply itself costs a step, beside the vendor: constant from ten steps to a hundred thousand, with a real
journal on a real disk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crmstate.cli.effects import Straight
from crmstate.core.goal import Desired, UsersGoal
from crmstate.core.planning.planner import plan
from crmstate.core.provider import Batch, Provider
from crmstate.core.provider import Result as Answer
from crmstate.core.record import State
from crmstate.core.survey import Identity, Listing, Resource, UserFacts, survey
from crmstate.core.words import Exit, Kind, Outcome, Phase, Undo, Verb
from crmstate.engine.pool import Pool
from crmstate.engine.tasks import Context
from crmstate.engine.walk import Walk
from crmstate.store.store import Store

NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing waits here")


class Vendor:
    """Users in a dictionary: as cheap as a vendor can be, so that what is measured is ours."""

    calls = 0

    def __init__(self, provider: Provider, count: int) -> None:
        self.provider = provider
        facts = UserFacts("x@example.com", "member")
        self.rows = {f"u{n}": Resource(Kind.USER, f"u{n}", f"User {n}", Phase.PRESENT, facts) for n in range(count)}

    def list(self, kind: Kind, ids: Sequence[str] | None = None) -> Listing:
        return Listing(kind, tuple(self.rows.values()) if ids is None else tuple(self.rows[each] for each in ids))

    def perform(self, batch: Batch) -> list[Answer]:
        for item in batch.items:
            row = self.rows[item.id]
            self.rows[item.id] = Resource(row.kind, row.id, row.label, Phase.INACTIVE, row.facts)
        return [Answer(item.id, Outcome.DONE) for item in batch.items]


def provider(batch: int) -> Provider:
    made = Provider("model", "Model", (), (), (), {Kind.USER: Verb.DEACTIVATE})
    made.reads(Kind.USER, Verb.LIST, source="-")(lambda: None)
    made.acts(Kind.USER, Verb.DEACTIVATE, undo=Undo.FREE, after=Phase.INACTIVE, batch=batch, source="-")(lambda: None)
    return made


def cost(folder: Path, steps: int, batch: int) -> float:
    """CPU seconds a step of one apply."""
    table = provider(batch)
    vendor: Any = Vendor(table, steps + 1)
    found = survey(
        "t",
        [vendor.list(Kind.USER)],
        [Identity("write", "t", user="u0", whole_view=True, may_write=True)],
        "2026-11-01T00:00:00Z",
    )
    desired = Desired("scale", "d", "model", "t", freeze="now", users=UsersGoal("deactivated"))
    made = plan(desired, found, State("scale"), table)
    with Store.open(folder, "scale", Straight(), Clock(), "bench") as store:
        store.create("lineage", "model", "t")
        context = Context("run", table, vendor, vendor, store, None, Clock())
        start = time.process_time()
        closing = Walk(made, context, Pool(1), "bench").go()
        used = time.process_time() - start
    done = closing.counts()["done"]
    assert closing.exit is Exit.OK
    assert done == steps + 1
    return used / done


@pytest.mark.deep(seconds=20, together="benchmarks")
@pytest.mark.parametrize(("batch", "sizes"), [(100, (10, 100, 1_000, 10_000, 100_000)), (1, (10, 100, 1_000, 10_000))])
def test_a_step_costs_the_same_however_many_there_are(batch: int, sizes: tuple[int, ...], tmp_path: Path) -> None:
    costs = {}
    for size in sizes:
        (tmp_path / str(size)).mkdir()
        costs[size] = cost(tmp_path / str(size), size, batch)
        print(f"apply, batches of {batch:>3}, {size:>6} steps: {costs[size] * 1000:.3f} ms CPU a step")
    assert max(costs.values()) <= 0.002
    assert costs[sizes[-1]] <= 2 * costs[1_000]
