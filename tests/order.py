"""In which order the deep tests run: the long ones first, so that none begins when the rest are done, and dealt out so that
each worker has as many seconds of them as the others. What is short follows in its own order, and goes over to whoever is
done first (`--dist worksteal`, which cuts the list into as many equal parts as there are workers).

How long a test takes is said where it is marked: `@pytest.mark.deep(seconds=80)`, about, by `--durations` of a run alone.
Where nothing is said it is short. Tests that measure what the machine is worth would measure each other: those that are
`together="benchmarks"` go to one worker, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

import pytest

T = TypeVar("T")


def said_of(item: pytest.Item) -> tuple[float, str]:
    """Seconds, and what it is dealt together with: itself, if nothing is said."""
    mark = item.get_closest_marker("deep")
    words = mark.kwargs if mark is not None else {}
    return words.get("seconds", 0), words.get("together", item.nodeid)


def dealt(tests: Sequence[T], said: Callable[[T], tuple[float, str]], workers: int) -> list[T]:
    """The same tests, so that each worker's part of the list begins with its share of the long ones. The same in every
    process, as it depends on nothing but what is said."""
    piles: dict[str, list[T]] = {}
    short = [each for each in tests if not said(each)[0]]
    for each in tests:
        seconds, pile = said(each)
        if seconds:
            piles.setdefault(pile, []).append(each)
    hands: list[list[T]] = [[] for _ in range(workers)]
    held = [0.0] * workers
    weights = {name: sum(said(each)[0] for each in pile) for name, pile in piles.items()}
    for name in sorted(piles, key=lambda name: -weights[name]):
        least = held.index(min(held))
        hands[least] += piles[name]
        held[least] += weights[name]
    ordered: list[T] = []
    rest = iter(short)
    for number, hand in enumerate(hands):
        part = (len(tests) - len(ordered)) // (workers - number)
        ordered += [*hand, *islice(rest, max(0, part - len(hand)))]
    return ordered
