"""The estimate: as many requests as are sent, and as long as the slowest limit takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmstate.core.goal import ArchiveGoal, PurgeGoal
from crmstate.core.plan import Estimate, Plan
from crmstate.core.provider import Bulk, Limits, Provider
from crmstate.core.words import Kind, Packing, Verb

from .scenes import account, archived, cell, dataset, frozen, plan, record, tenant, vendor, wish

ARCHIVED = ArchiveGoal("file:///archive")
READ = "POST /rows"


def limited(batch: int = 100, **limits: Any) -> Provider:
    """A vendor with these limits, whose pages and deletions are requests of their own names."""
    made = vendor(cell(Kind.DATASET, Verb.PURGE, batch=batch, requests=("POST /delete",)))
    made.limits = Limits(**limits)
    made.table[Kind.DATASET, Verb.READ] = replace(made.table[Kind.DATASET, Verb.READ], requests=(READ,))
    return made


def estimated(rows: int | None, by: Provider, goal: ArchiveGoal = ARCHIVED, state: Any = None, **more: Any) -> Estimate:
    facts = {name: more.pop(name) for name in ("attachments", "exact") if name in more}
    made: Plan = plan(wish(archive=goal, **more), tenant(dataset("contacts", rows, **facts), account()), state, by)
    return made.estimate


def test_a_million_rows_at_a_hundred_a_page_and_five_a_second() -> None:
    found = estimated(1_000_000, limited(per_second=0.5, page=100, per_day=15_000))
    assert found.of == {"archive": 10_001, "verify": 2}
    assert (found.calls, found.seconds, found.days_of_quota) == (10_003, 20_006, 1), "5.6 hours, one day's quota"


def test_the_delta_reads_again_and_the_purge_deletes_in_batches() -> None:
    found = estimated(1_000, limited(batch=100, page=100), purge=PurgeGoal())
    assert found.of == {"archive": 11, "verify": 2, "delta": 12, "purge": 13}


def test_attachments_are_listed_and_fetched_once_each_and_a_delta_only_lists_them() -> None:
    by = limited(page=100)
    by.table[Kind.DATASET, Verb.READ] = replace(by.table[Kind.DATASET, Verb.READ], files=lambda *_: None)
    assert estimated(100, by, attachments=250).of == {"archive": 1 + 1 + 3 + 250, "verify": 2}
    without = ArchiveGoal("file:///archive", attachments=False)
    assert estimated(100, by, without, attachments=250).of == {"archive": 2, "verify": 2}
    found = estimated(
        100, by, attachments=250, state=record(archived("contacts", delta=False), frozen()), purge=PurgeGoal()
    )
    assert found.of["delta"] == 1 + 1 + 3 + 1


@pytest.mark.parametrize(("sample", "calls"), [(None, 2), ("1%", 2 + 2), ("100%", 2 + 100)])
def test_a_sample_is_asked_for_by_ids_and_a_whole_comparison_page_by_page(sample: str | None, calls: int) -> None:
    goal = ArchiveGoal("file:///archive", sample=sample)
    assert estimated(10_000, limited(page=100), goal).of["verify"] == calls


def test_the_slowest_limit_counts() -> None:
    assert estimated(10_000, limited(page=100, per_second=50)).seconds == 3
    assert estimated(10_000, limited(page=100, per_second=50, per_request={READ: 1})).seconds == 103
    assert estimated(10_000, limited(page=100, per_second=50, per_request={"POST /other": 0.001})).seconds == 3
    assert estimated(10_000, limited(page=100, per_second=50, per_window={READ: (30, 60.0)})).seconds == 206
    assert estimated(10_000, limited(page=100)).seconds == 0, "no limit is known"


def test_a_quota_that_does_not_last_a_day_makes_days() -> None:
    found = estimated(10_000, limited(page=100, per_day=50, per_second=1))
    assert (found.calls, found.days_of_quota) == (103, 3)
    assert 2 * 86_400 < found.seconds < 2 * 86_400 + 103


def test_what_is_not_counted_is_said_to_be_missing() -> None:
    assert (estimated(None, limited()).uncounted, estimated(7, limited()).uncounted) == (1, 0)


def test_a_recheck_and_the_end_of_the_archive_cost_nothing_at_the_vendor() -> None:
    goal = ArchiveGoal("file:///archive", keep_until="2026-05-30")
    state = record(archived("contacts", at="2026-01-01T00:00:00Z"))
    assert estimated(5, limited(), goal, state).calls == 0


@given(st.integers(0, 10**7), st.integers(1, 5000), st.integers(1, 10**5), st.sampled_from([0.2, 1, 10, None]))
def test_more_is_never_estimated_to_cost_less(rows: int, page: int, per_day: int, per_second: float | None) -> None:
    by = limited(page=page, per_day=per_day, per_second=per_second)
    one, more = estimated(rows, by), estimated(rows + page, by)
    assert one.calls <= more.calls and one.seconds <= more.seconds and one.days_of_quota <= more.days_of_quota
    assert one.days_of_quota == -(-one.calls // per_day)
    assert sum(one.of.values()) == one.calls


def test_attachments_that_are_listed_row_by_row_cost_a_request_a_row() -> None:
    by = limited(page=100, files_by_row=True)
    by.table[Kind.DATASET, Verb.READ] = replace(by.table[Kind.DATASET, Verb.READ], files=lambda *_: None)
    assert estimated(250, by).of == {"archive": 1 + 3 + (3 + 250), "verify": 2}
    without = ArchiveGoal("file:///archive", attachments=False)
    assert estimated(250, by, without).of == {"archive": 1 + 3, "verify": 2}


def by_jobs(least: int | None = None, **limits: Any) -> Provider:
    """A vendor that exports by jobs of 200 000 rows in files of 50 000, each of which costs 50 requests of the quota and
    takes two minutes."""
    made = limited(**limits)
    bulk = Bulk(
        ("POST /jobs",), lambda *_: None, lambda *_: None, Packing.CSV_IN_ZIP, most=200_000, parts=50_000, cost=50,
        seconds=120, least=least,
    )  # fmt: skip
    made.exports(Kind.DATASET, "GET /jobs/*", bulk=bulk, source="test")(lambda *_: None)
    return made


JOBS = ArchiveGoal("file:///archive", by="jobs")


def test_a_job_counts_with_its_quota_its_polls_its_files_and_its_time() -> None:
    found = estimated(1_000_000, by_jobs(page=100, per_day=5_000, per_second=10), JOBS)
    assert found.of["archive"] == 1 + 5 * (50 + 2) + 20
    assert found.seconds == 5 * 120 + 29, "and the requests at their rate"
    assert found.days_of_quota == 1


def test_files_are_fetched_at_the_rate_that_the_vendor_allows() -> None:
    slow = by_jobs(page=100, per_second=10, per_request={"GET /jobs/*": 10 / 60})
    assert estimated(10_000_000, slow, JOBS).seconds == 50 * 120 + 200 * 6


def test_jobs_are_used_where_somebody_asks_or_the_table_prefers_them() -> None:
    few, many = ArchiveGoal("file:///archive"), ArchiveGoal("file:///archive", by="pages")
    assert estimated(10_000, by_jobs(page=100)).of["archive"] == 101, "nobody asks"
    assert estimated(10_000, by_jobs(5_000, page=100), few).of["archive"] == 1 + 52 + 1
    assert estimated(4_999, by_jobs(5_000, page=100), few).of["archive"] == 51
    assert estimated(10_000, by_jobs(5_000, page=100), many).of["archive"] == 101
    assert estimated(10_000, limited(page=100), JOBS).of["archive"] == 101, "the vendor has none"
    assert estimated(0, by_jobs(page=100), JOBS).of["archive"] == 1 + 52 + 1
