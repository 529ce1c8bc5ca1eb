"""What is told while a dataset is read: often enough, never too often, and right at the end; and nothing of a
record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from crmstate.core.event import Progressed
from crmstate.core.plan import Step
from crmstate.core.provider import File, Page, Row
from crmstate.core.words import Verb
from crmstate.engine.meter import EVERY, Meter, planned_rows

from ..core.scenes import dataset, plan, tenant, wish
from .stages import ARCHIVED


class Clock:
    """Stands still unless it is turned on."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Source:
    """Pages of rows, each of which takes its time."""

    provider: Any = None
    calls = 0

    def __init__(self, clock: Clock, rows: int, page: int = 10, takes: float = 0.5, first: int = 0) -> None:
        self.clock, self.rows, self.page, self.takes, self.first = clock, rows, page, takes, first

    def read(self, name: str, cursor: str | None = None, ids: Any = None) -> Page:
        self.clock.sleep(self.takes)
        start = int(cursor or 0)
        end = min(start + self.page, self.rows)
        page = tuple(Row(str(n), b'{"name":"SECRET"}') for n in range(start, end))
        return Page(page, str(end) if end < self.rows else None)

    def fetch(self, file: File) -> Any:
        yield b"x" * 1000
        yield b"y" * 500

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def steps(*rows: int) -> list[Step]:
    made = plan(wish(archive=ARCHIVED, freeze=None), tenant(*(dataset(f"d{n}", many) for n, many in enumerate(rows))))
    return [step for step in made.steps if step.verb is Verb.ARCHIVE]


def watch(clock: Clock, *rows: int) -> tuple[Meter, list[Step], list[Progressed]]:
    told: list[Progressed] = []
    todo = steps(*rows)
    return Meter(clock, told.append, planned_rows(todo)), todo, told


def export(meter: Meter, step: Step, source: Source, rows: int | None, held: int = 0) -> None:
    session = meter.watched(step, dataset("d", rows), source, held)  # type: ignore[arg-type]
    cursor = str(held) if held else None
    while True:
        page = session.read("d", cursor)
        cursor = page.next
        if cursor is None:
            break
    meter.done(step.id)


def test_it_tells_once_a_second_and_at_the_end_rows_rate_and_what_is_left() -> None:
    clock = Clock()
    meter, (step,), told = watch(clock, 100)
    export(meter, step, Source(clock, 100), 100)
    assert len(told) == 6, "ten pages of half a second, and the end"
    first, last = told[0], told[-1]
    assert (first.dataset.rows, first.dataset.total, first.dataset.rate, first.dataset.seconds_left) == (20, 100, 20, 4)
    assert (last.over, last.dataset.rows, last.dataset.seconds_left) == (True, 100, 0)
    assert last.dataset.bytes == 100 * len(b'{"name":"SECRET"}')
    assert b"SECRET" not in msgspec.json.encode(told)


def test_all_datasets_together_count_those_that_have_not_begun() -> None:
    clock = Clock()
    meter, (one, two), told = watch(clock, 100, 300)
    export(meter, one, Source(clock, 100), 100)
    assert (told[-1].all.rows, told[-1].all.total, told[-1].all.seconds_left) == (100, 400, 15)
    export(meter, two, Source(clock, 300), 300)
    assert (told[-1].all.rows, told[-1].all.total, told[-1].all.seconds_left) == (400, 400, 0)


def test_what_an_interrupted_run_had_counts_as_rows_and_not_as_speed() -> None:
    clock = Clock()
    meter, (step,), told = watch(clock, 100)
    export(meter, step, Source(clock, 100), 100, held=60)
    assert (told[0].dataset.rows, told[0].dataset.rate, told[0].dataset.seconds_left) == (80, 20, 1)


def test_a_reading_that_begins_again_counts_again() -> None:
    clock = Clock()
    meter, (step,), told = watch(clock, 20)
    session = meter.watched(step, dataset("d", 20), Source(clock, 20), 0)  # type: ignore[arg-type]
    session.read("d")
    session.read("d", "10")
    session.read("d")
    meter.done(step.id)
    assert told[-1].dataset.rows == 10


def test_attachments_count_as_files_and_bytes_and_rows_asked_for_by_id_do_not_count() -> None:
    clock = Clock()
    meter, (step,), told = watch(clock, 20)
    session = meter.watched(step, dataset("d", 20), Source(clock, 20), 0)  # type: ignore[arg-type]
    session.read("d", ids=["1", "2"])
    list(session.fetch(File("f", "1", "n", "u")))
    meter.done(step.id)
    assert (told[-1].dataset.rows, told[-1].dataset.files, told[-1].dataset.bytes) == (0, 1, 1500)


def test_where_the_vendor_gives_no_count_no_time_is_promised() -> None:
    clock = Clock()
    meter, (step,), told = watch(clock, 20)
    export(meter, step, Source(clock, 40), None)
    assert told[0].dataset.total is None and told[0].dataset.seconds_left is None and told[0].all.total is None


@given(st.integers(0, 500), st.integers(1, 60), st.floats(0.0, 3.0), st.integers(0, 700))
def test_it_never_tells_more_than_once_a_second_nor_more_than_is_so(
    rows: int, page: int, takes: float, said: int
) -> None:
    clock = Clock()
    meter, (step,), told = watch(clock, said)
    export(meter, step, Source(clock, rows, page, takes), said)
    assert len(told) <= 1 + (clock.seconds - 100) / EVERY
    assert [each.dataset.rows for each in told] == sorted(each.dataset.rows for each in told)
    assert (told[-1].dataset.rows, told[-1].over) == (rows, True)
    assert all(each.dataset.seconds_left is None or each.dataset.seconds_left >= 0 for each in told)
