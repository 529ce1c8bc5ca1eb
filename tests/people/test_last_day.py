"""The last day of notice on a week-end, and after it: what is late only by our own care is said to be that, what is missed
stands until somebody gives notice, and no letter gives the earlier end away."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from .letter_scenes import crmstate, written

MANIFEST = """\
apiVersion: crmstate/v1
kind: Decommission
name: hanse-exit
reason: {code: replaced, text: Another system.}
owner: boss@example.com
provider:
  name: paper
  tenant: HC-1
  exports: exports
  coverage: {by: boss@example.com, why: every list was exported}
contract:
  parties: {customer: Muster GmbH, customer_address: Lindenstr. 5, vendor: Hanse GmbH, vendor_address: Hafenstr. 1, number: HC-1}
  term: {start: 2025-03-01, length: 24 months, end: inclusive, renewal: automatic, renewal_length: 12 months}
  notice: {period: 3 months, before: term_end, counts: receipt, to: legal@vendor.example}
  price: {amount: "320.00", currency: EUR, per: month}
  calendar: {zone: Europe/Berlin, holidays: DE-BY, vendor_zone: Europe/Berlin, vendor_holidays: DE-HH}
end_state:
  subscription: {status: cancelled, effective: end_of_term}
people:
  - {id: training, title: Train sales, owner: hr@example.com, due: 2026-11-20}
"""
SATURDAY, AFTER, RENEWED = "2026-11-28T10:00:00Z", "2026-11-29T10:00:00Z", "2027-03-02T10:00:00Z"
COST = "EUR 3,840.00"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "Contacts.csv").write_text("Id,Name\n1,Ann\n", encoding="utf-8")
    return written(tmp_path, MANIFEST)


def told(here: Path, at: str, *more: str) -> list[dict[str, str]]:
    said = crmstate("remind", here, "--all", "--format", "json", "--as-of", at, *more)
    return [each for each in json.loads(said.out)["reminders"] if each["address"] == "notice/contract"]


def test_what_only_our_own_care_makes_late_is_not_called_missed(here: Path) -> None:
    plan = crmstate("plan", here, "--as-of", SATURDAY)
    assert ("CRM-P129" in plan.out, "CRM-P110" in plan.out, "must have arrived by Sat 28 Nov 2026" in plan.out) == (
        True,
        False,
        True,
    )
    dates = crmstate("deadlines", here, "--as-of", SATURDAY).out
    assert "so that the contract ends Sun 28 Feb 2027" in dates
    by_contract = written(here.parent, MANIFEST.replace("counts: receipt", "counts: receipt, roll: earlier"))
    plan = crmstate("plan", by_contract, "--as-of", SATURDAY)
    assert ("CRM-P129" in plan.out, "CRM-P110" in plan.out) == (False, True)


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
@pytest.mark.parametrize("kind", ["non-renewal", "cancellation"])
def test_a_letter_asks_for_the_earlier_end_first(kind: str, lang: str, here: Path) -> None:
    early, late = ("28 February 2027", "29 February 2028") if lang == "en" else ("2027年2月28日", "2028年2月29日")
    text = crmstate("letter", kind, here, "--lang", lang, "--as-of", SATURDAY)
    assert (early in text.out, late in text.out, "CRM-L018" in text.err) == (True, False, True)
    text = crmstate("letter", kind, here, "--lang", lang, "--as-of", AFTER)
    plain = " ".join(text.out.split())
    assert 0 < plain.index(early) < plain.index(late)
    assert ("should that not be possible" if lang == "en" else "如不能于该日终止") in plain
    assert "given in time" not in plain and "CRM-L009" in text.err


def test_a_missed_last_day_is_an_escalation_and_stands_with_its_cost(here: Path) -> None:
    (found,) = told(here, AFTER)
    assert (found["what"], found["to"], found["due"]) == ("escalation", "boss@example.com", "2026-11-28T23:00:00Z")
    assert COST in found["summary"]
    for offline in ([], ["--offline"]):
        status = crmstate("status", here, "--as-of", AFTER, *offline).out
        (line,) = [line for line in status.splitlines() if line.startswith("OVERDUE") and "last day" in line]
        assert ("Sat 28 Nov 2026" in line, COST in line, "boss@example.com" in line) == (True, True, True)
        assert "OVERDUE: confirm Train sales" in status
    page = here.parent / "page.html"
    assert crmstate("report", here, "--out", page, "--as-of", AFTER).code == 0
    overdue = page.read_text("utf-8").partition('id="overdue"')[2].partition("</section>")[0]
    assert ("Sat 28 Nov 2026" in overdue, COST in overdue, "Train sales" in overdue) == (True, True, True)


def test_a_missed_last_day_that_is_waived_is_no_longer_told(here: Path) -> None:
    assert told(here, RENEWED) == [], "of what passed before there was a record nobody is told"
    until = f"{datetime.now(UTC) + timedelta(days=300):%Y-%m-%d}"
    said = crmstate("confirm", "notice/contract", here, "--waive", "--note", "settled by phone", "--expires", until)
    assert said.code == 0, said.err
    assert told(here, AFTER) == []
    assert "last day of notice for the term" not in crmstate("status", here, "--as-of", AFTER).out
