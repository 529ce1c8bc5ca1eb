"""Days that a calendar allows and hardly anybody means are said, and change nothing."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from crmstate.core.around import NoticeGoal, SettlementGoal
from crmstate.core.contract import When
from crmstate.core.goal import HumanGoal

from .scenes import codes
from .test_notice_step import NOW, TERM, bound, given, made

STAFF = NoticeGoal(0, "staff", channel="mail", file="staff.csv", id="staff-mail")


def step(after: str, due: str) -> tuple[HumanGoal, ...]:
    return (HumanGoal("wipe", "Wipe laptops", "it@example.com", due=due, after=after),)


def written(day: str) -> tuple[NoticeGoal, ...]:
    return (replace(STAFF, send=When(day=day)),)


@pytest.mark.parametrize(
    ("code", "doubtful", "meant"),
    [
        ("CRM-P130", {"notices": written("2025-06-02")}, {"notices": written("2026-05-20")}),
        ("CRM-P131", {"notices": written("2027-01-02")}, {"notices": written("2026-12-30")}),
        ("CRM-P132", {"settlement": SettlementGoal("f@example.com", When(day="2026-12-30"))},
         {"settlement": SettlementGoal("f@example.com", When(day="2026-12-31"))}),
        ("CRM-P119", {"people": step("closed", "2026-12-30")}, {"people": step("closed", "2026-12-31")}),
        ("CRM-P119", {"people": step("purged", "2026-06-30"), "freeze": "2026-07-01T00:00:00Z"},
         {"people": step("purged", "2026-06-30"), "freeze": "now"}),
        ("CRM-P119", {"people": step("cancel_effective", "2026-12-30")}, {"people": step("cancel_effective", "2027-01-05")}),
    ],
)  # fmt: skip
def test_a_day_that_hardly_anybody_means_is_said(code: str, doubtful: dict[str, Any], meant: dict[str, Any]) -> None:
    assert code in codes(made(bound(), given(), **doubtful))
    assert code not in codes(made(bound(), given(), **meant))


@pytest.mark.parametrize(("start", "said"), [("2052-03-01", True), ("2027-03-01", False)])
def test_a_term_that_begins_many_years_ahead_is_said(start: str, said: bool) -> None:
    assert ("CRM-P133" in codes(made(bound(replace(TERM, start=start)), at=NOW))) is said
