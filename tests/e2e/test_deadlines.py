"""crmstate deadlines, from outside: from manifest and record alone, as text, JSON and a calendar that another library reads;
and the notice that a contract asks for, from the first plan to the record."""

from __future__ import annotations

import json
from pathlib import Path

import icalendar
import ics
import jsonschema
import pytest

from crmstate.core.words import Outcome, Proof

from .site import Said, Site
from .test_people import outcome

ROOT = Path(__file__).parents[2]
BOUND = """\
apiVersion: crmstate/v1
kind: Decommission
name: exit
owner: revops@example.com
provider: {name: sandbox, embedded: acme.db}
contract:
  term: {start: 2026-02-01, length: 12 months, end: inclusive, renewal: automatic}
  notice: {period: 60 days, before: term_end, form: written, to: legal@vendor.example,
           approval_lead: 5 working_days, delivery_lead: 3 working_days, cut_off: "17:00"}
  price: {amount: "14400.00", currency: USD, per: year}
  regimes: [gdpr, eu-data-act]
  calendar: {zone: Europe/Berlin, holidays: DE-BY, vendor_zone: America/Los_Angeles}
cutover: {freeze: 2026-12-15T18:00}
end_state:
  subscription: {status: cancelled, effective: end_of_term}
people:
  - {id: impact, title: Assess systems, owner: it@example.com, due: 2 weeks before notice_deadline}
  - {id: lessons, title: Write them down, owner: it@example.com, after: closed, due: 10 days after closed}
"""
EARLY = ("--as-of", "2026-11-01T08:00Z")


@pytest.fixture
def bound(here: Site) -> Site:
    here.write(BOUND)
    return here


def asked(here: Site, *args: str) -> Said:
    return here.run("deadlines", str(here.manifest), *args)


def test_every_date_is_explained_without_the_vendor(bound: Site) -> None:
    said = asked(bound, "--format", "json", *EARLY)
    assert said.code == 0, said.err
    jsonschema.validate(said.json, json.loads((ROOT / "schemas" / "deadlines.schema.json").read_text("utf-8")))
    dates = [(each["what"], each["at"]) for each in said.json["deadlines"] if each["what"] != "law"]
    assert dates == [
        ("due", "2026-11-19T01:00:00Z"),
        ("decide_by", "2026-11-20T23:00:00Z"),
        ("notice_deadline", "2026-12-03T01:00:00Z"),
        ("freeze", "2026-12-15T17:00:00Z"),
        ("term_end", "2027-02-01T08:00:00Z"),
        ("renewal", "2027-02-01T08:00:00Z"),
        ("cancel_effective", "2027-02-01T08:00:00Z"),
    ]
    (notice,) = [each for each in said.json["deadlines"] if each["what"] == "notice_deadline"]
    assert notice["because"] == (
        "the term ends Sun 31 Jan 2027; 60 days before is Wed 2 Dec 2026; until 17:00, America/Los_Angeles"
    )
    assert notice["if_missed"] == "bound until Mon 31 Jan 2028, at USD 14,400.00"
    assert said.json["unknown"] == [
        {"what": "closed", "why": "it comes when the work is done, and is not on record yet"},
        {"what": "lessons", "why": "it depends on the account's closing, which has no date yet; "
         "it comes when the work is done, and is not on record yet"}
    ]  # fmt: skip


def test_near_dates_are_told_by_the_exit_code(bound: Site) -> None:
    assert [asked(bound, *EARLY, "--within", span).code for span in ("17d", "18d", "3w", "1m")] == [0, 2, 2, 2]
    near = asked(bound, *EARLY, "--within", "18d", "--format", "json").json
    assert ([each["what"] for each in near["deadlines"]], near["near"], near["within"]) == (["due"], True, "18d")
    assert (
        asked(bound, "--as-of", "2026-11-25", "--within", "1d", "--format", "json").json["deadlines"][0]["what"]
        == "due"
    )


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--within", "30"), "CRM-C090"),
        (("--within", "0d"), "CRM-C090"),
        (("--given", "switching_request=31.12.2026"), "CRM-C091"),
        (("--given", "birthday=2026-12-31"), "CRM-C091"),
        (("--as-of", "yesterday"), "CRM-C014"),
        (("--as-of", "0001-01-01"), "CRM-C014"),
        (("--as-of", "9999-12-31T23:59:59"), "CRM-C014"),
    ],
)
def test_what_is_no_span_no_event_and_no_time_is_refused(bound: Site, args: tuple[str, ...], code: str) -> None:
    said = asked(bound, *args)
    assert (said.code, code in said.err) == (64, True)


def test_the_calendar_is_one_that_another_library_reads(bound: Site, tmp_path: Path) -> None:
    file = tmp_path / "dates.ics"
    assert asked(bound, *EARLY, "--ics", str(file), "--lang", "zh-CN").code == 0
    first = file.read_text("utf-8")
    events = {event.uid: event for event in ics.Calendar(first).events}
    ends = sorted(str(event.end.to("utc").strftime("%Y-%m-%dT%H:%M:%SZ")) for event in events.values())
    assert ends[:3] == ["2026-11-19T01:00:00Z", "2026-11-20T23:00:00Z", "2026-12-03T01:00:00Z"]
    assert any("2026 年 12 月 2 日（周三）" in (event.description or "") for event in events.values())
    assert all(len(line.encode()) <= 75 for line in first.splitlines())
    assert {line for line in first.splitlines() if line.startswith("DTSTAMP")} == {"DTSTAMP:20261101T080000Z"}
    assert asked(bound, "--as-of", "2026-11-02T08:00Z", "--ics", str(file)).code == 0
    assert {event.uid for event in ics.Calendar(file.read_text("utf-8")).events} == set(events)


def test_what_begins_on_a_day_stands_on_that_day_in_the_calendar(bound: Site, tmp_path: Path) -> None:
    """A right that one has from a day on is no deadline that is over when the day begins."""
    file = tmp_path / "dates.ics"
    assert asked(bound, *EARLY, "--ics", str(file)).code == 0
    (begins,) = [each for each in ics.Calendar(file.read_text("utf-8")).events if "29(1)" in (each.name or "")]
    assert begins.begin.to("Europe/Berlin").strftime("%Y-%m-%d") == "2027-01-12"


def test_no_other_file_is_written_over_and_no_link_followed(bound: Site, tmp_path: Path) -> None:
    other, link = tmp_path / "notes.txt", tmp_path / "link.ics"
    other.write_text("mine")
    link.symlink_to(other)
    said = [asked(bound, *EARLY, "--ics", str(path)) for path in (other, link, tmp_path / "none" / "x.ics")]
    assert [each.code for each in said] == [1, 1, 1]
    assert [code in each.err for each, code in zip(said, ("CRM-S110", "CRM-S002", "CRM-S112"), strict=True)] == [
        True
    ] * 3
    assert other.read_text() == "mine"
    assert asked(bound, *EARLY, "--ics", str(bound.folder / ".crmstate" / "x.ics")).code == 1


def test_the_law_is_shown_with_its_source_and_counted_from_what_is_given(bound: Site) -> None:
    waiting = asked(bound, *EARLY, "--format", "json").json["laws"]
    assert {each["regime"] for each in waiting} == {"gdpr", "eu-data-act"}
    assert all(each["source"] and each["checked_on"] for each in waiting)
    (notice,) = [each for each in waiting if each["id"] == "eu-data-act.notice"]
    assert (notice["day"], "not known" in notice["waits_for"]) == (None, True)
    found = asked(bound, *EARLY, "--format", "json", "--given", "switching_request=2026-12-31").json["laws"]
    days = {each["id"]: (each["day"], each["counted"]) for each in found}
    assert days["eu-data-act.notice"] == ("2027-03-01", "2027-02-28")
    assert days["eu-data-act.transition"] == ("2027-03-30", "2027-03-30")
    assert days["eu-data-act.retrieval"] == ("2027-04-29", "2027-04-29")
    assert days["gdpr.return"] == ("2027-01-31", "2027-01-31")
    assert "no legal advice" in asked(bound, *EARLY).out


def test_notice_is_asked_for_acknowledged_and_recorded_before_the_vendor_is_asked_to_cancel(bound: Site) -> None:
    made = bound.plan("--format", "json")
    (step,) = [each for each in made.json["steps"] if each["address"] == "notice/contract"]
    facts = (step["mode"], step["owner"], step["proof"], step["deadline"])
    assert facts == ("manual", "revops@example.com", "acknowledged", "2026-12-03T01:00:00Z")
    assert bound.apply().code == 0
    assert bound.truth()["subscription"]["pending"] is None
    weak = bound.run("confirm", "notice/contract", str(bound.manifest))
    assert (weak.code, "CRM-C008" in weak.err) == (3, True)
    letter = bound.folder / "receipt.eml"
    letter.write_text("We have received your notice.")
    done = bound.run(
        "confirm", "notice/contract", str(bound.manifest), "--proof", "acknowledged", "--evidence", str(letter)
    )
    assert done.code == 0, done.err
    assert outcome(bound, "notice/contract") == (Outcome.DONE, Proof.ACKNOWLEDGED)
    assert bound.apply().code == 0
    assert bound.truth()["subscription"]["pending"] is not None
    dates = [each["what"] for each in asked(bound, "--format", "json", *EARLY).json["deadlines"]]
    assert {"notice_deadline", "decide_by", "renewal"}.isdisjoint(dates)


def test_a_missed_notice_says_what_it_costs(bound: Site) -> None:
    said = asked(bound, "--as-of", "2026-12-10", "--lang", "en")
    assert (said.code, "CRM-P110" in said.out) == (0, True)
    assert "bound until Mon 31 Jan 2028, at USD 14,400.00" in said.out
    assert "The next last day is Thu 2 Dec 2027." in " ".join(said.out.split())


def test_without_a_term_nothing_that_needs_its_end_goes_on(bound: Site) -> None:
    bound.change("  term: {start: 2026-02-01, length: 12 months, end: inclusive, renewal: automatic}\n", "")
    bound.change("effective: end_of_term", "effective: immediately")
    bound.change("due: 2 weeks before notice_deadline", "before: freeze")
    bound.change("freeze: 2026-12-15T18:00", "freeze: now")
    said = bound.plan("--format", "json")
    assert [each["why"]["params"]["reason"] for each in said.json["blocked"]] == ["undated.no_term"]
    assert bound.run("confirm", "human_step/impact", str(bound.manifest)).code == 0
    assert bound.apply().code == 0
    assert bound.truth()["subscription"]["status"] == "active"


def test_a_calendar_without_a_date_is_a_calendar_and_that_is_said(here: Site, tmp_path: Path) -> None:
    here.write(BOUND.partition("contract:")[0] + "end_state:\n  modules: {crm: {status: active, data_effect: keeps}}\n")
    file = tmp_path / "dates.ics"
    said = asked(here, "--ics", str(file))
    assert said.code == 0 and f"{file} is a calendar without any event" in said.err, said.err
    text = file.read_text("utf-8")
    assert "BEGIN:VTIMEZONE" in text and "BEGIN:VEVENT" not in text
    assert not ics.Calendar(text).events
    assert not icalendar.Calendar.from_ical(text).events
