"""The cost of an append does not grow with the state: ratios in one run, never absolute times."""

from __future__ import annotations

import gc
import itertools
import time

import pytest
from store_scenes import BORN, NAME, Plain, intended, open_store, settled

from crmstate.store import read


def cost(folder, steps, batch):
    """CPU microseconds a step: over the first tenth, and over the last."""
    folder.mkdir()
    marks = []
    with open_store(folder, Plain()) as store:
        store.append([BORN])
        gc.collect()
        for first in range(0, steps, batch):
            if first % max(steps // 10, batch) == 0:
                marks.append(time.process_time())
            numbers = range(first, min(first + batch, steps))
            store.append([intended(*numbers)])
            store.append([settled(*numbers)])
        marks.append(time.process_time())
    each = [(later - earlier) / (steps / (len(marks) - 1)) * 1e6 for earlier, later in itertools.pairwise(marks)]
    return sum(each[:2]) / 2, sum(each) / len(each)


@pytest.mark.parametrize("batch", [1, 100])
def test_the_cost_of_a_step_is_the_same_for_a_few_and_for_many(tmp_path, batch):
    few = min(cost(tmp_path / f"few-{run}", 1000, batch)[1] for run in range(3))
    many = cost(tmp_path / "many", 5_000, batch)[1]
    assert many < 2.5 * few + 20


@pytest.mark.deep
@pytest.mark.parametrize("batch", [1, 100])
def test_the_cost_of_a_step_is_the_same_up_to_a_hundred_thousand(tmp_path, batch):
    few = cost(tmp_path / "few", 1000, batch)[1]
    many = cost(tmp_path / "many", 100_000, batch)[1]
    start = time.process_time()
    assert len(read(tmp_path / "many", NAME).state.entries) == 100_000
    loading = time.process_time() - start
    print(f"batch {batch}: {few:.0f} us a step for 1000, {many:.0f} us for 100000, load {loading:.2f} s")
    assert many < 2.5 * few + 20
    assert many < 2000
