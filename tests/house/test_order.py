"""The order of the deep tests: none is lost, the long ones come first, and every worker has as much of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.order import dealt

SAID = st.lists(st.tuples(st.sampled_from((0, 0, 0, 1, 7, 90)), st.sampled_from(("", "a", "b"))), max_size=60)


def parts(tests: list[int], workers: int) -> list[list[int]]:
    """As `--dist worksteal` cuts them."""
    found: list[list[int]] = []
    left = tests
    for number in range(workers):
        size = len(left) // (workers - number)
        found.append(left[:size])
        left = left[size:]
    return found


@given(SAID, st.integers(1, 5))
def test_no_test_is_lost_and_the_short_ones_stay_in_their_order(said: list[tuple[int, str]], workers: int) -> None:
    order = dealt(range(len(said)), lambda n: (said[n][0], said[n][1] or str(n)), workers)
    assert sorted(order) == list(range(len(said)))
    assert [n for n in order if not said[n][0]] == [n for n in range(len(said)) if not said[n][0]]


def test_every_worker_begins_with_its_share_of_the_long_ones_however_they_lay() -> None:
    seconds = [0] * 20 + [60, 50, 40, 30, 30, 30] + [0] * 10
    order = dealt(range(36), lambda n: (seconds[n], str(n)), 3)
    assert [[seconds[n] for n in part if seconds[n]] for part in parts(order, 3)] == [[60, 30], [50, 30], [40, 30]]
    assert all(seconds[part[0]] and seconds[part[1]] and not seconds[part[2]] for part in parts(order, 3))


def test_what_is_said_to_go_together_goes_to_one_worker() -> None:
    said = [
        (30, "benchmarks"),
        (80, "1"),
        (30, "benchmarks"),
        (70, "3"),
        (30, "benchmarks"),
        (0, "5"),
        (0, "6"),
        (0, "7"),
    ]
    order = dealt(range(8), said.__getitem__, 2)
    assert [[n for n in part if said[n][0]] for part in parts(order, 2)] == [[0, 2, 4], [1, 3]]
