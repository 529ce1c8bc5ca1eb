"""What a person did is dated by the day on which it was done, and not by that on which somebody wrote it down; a word may be
corrected and a slip retracted, and the journal keeps all of it."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from dateutil.relativedelta import relativedelta

from crmstate.core.record import Entry, State
from crmstate.core.words import Proof, Verb
from crmstate.store.load import read

from .site import Said, Site
from .test_paper import MANIFEST, exported

pytestmark = pytest.mark.usefixtures("quick")
DEALS, NOTICE, CONTRACT = "dataset/Deals", "notice/contract", "subscription/contract"
CERTIFIED = ("--proof", "certified")
FIELDS = ("tenant=K-4711", "datasets.Deals=1", "backups=destroyed", "sub_processors=none", "signatory=Paper Ltd")


def today() -> date:
    return datetime.now(UTC).date()


def days(n: int) -> str:
    return (today() + timedelta(days=n)).isoformat()


@pytest.fixture
def here(tmp_path: Path) -> Site:
    return exported(tmp_path)


def confirm(here: Site, place: str, *args: str) -> Said:
    papers = ("--evidence", str(here.folder / "proof.pdf")) if "--retract" not in args else ()
    return here.run("confirm", place, str(here.manifest), "--by", "ann@example.com", *papers, *args)


def state(here: Site) -> State:
    return read(here.folder, "paper-exit").state


def entry(here: Site, place: str, verb: Verb) -> Entry:
    found = state(here).latest(place, verb)  # type: ignore[arg-type]
    assert found is not None
    return found


def journal(here: Site) -> str:
    chunks = (here.folder / ".crmstate" / "paper-exit" / "journal").glob("*.jsonl")
    return "".join(each.read_text(encoding="utf-8") for each in sorted(chunks))


def archived(here: Site) -> None:
    assert here.apply().code == 0
    for place in (CONTRACT, "api_key/all", "user/all"):
        assert confirm(here, place).code == 0
    for path in (here.folder / "exports").iterdir():
        os.utime(path)
    assert here.apply().code == 0


def certificate(here: Site, day: str) -> Said:
    fields = [part for field in (*FIELDS, f"date={day}") for part in ("--field", field)]
    return here.run("certificate", "check", str(here.folder / "proof.pdf"), str(here.manifest), *fields)


def test_a_certificate_of_the_day_of_the_purge_is_taken_however_late_the_purge_was_told(here: Site) -> None:
    assert confirm(here, DEALS, *CERTIFIED, "--out-of-order", "wiped by the vendor", "--on", days(1)).code == 64
    archived(here)
    said = confirm(here, DEALS, *CERTIFIED, "--on", days(-3))
    assert (said.code, "CRM-C164" in said.err) == (3, True), "its archive was made today"
    assert confirm(here, DEALS, *CERTIFIED, "--on", days(0)).code == 0
    found = entry(here, DEALS, Verb.PURGE)
    assert found.told is not None and found.at[:10] == days(0)

    reason = ("--out-of-order", "wiped by the vendor", "--on", days(-9))
    assert confirm(here, DEALS, "--retract", "by the vendor, last week").code == 0
    assert confirm(here, DEALS, *CERTIFIED, "--out-of-order", "wiped by the vendor").code == 0
    said = certificate(here, days(-9))
    assert "CRM-F019" in said.out + said.err and "--on DAY" in said.out + said.err, said.out + said.err
    assert confirm(here, DEALS, "--retract", "without its day").code == 0
    assert confirm(here, DEALS, *CERTIFIED, *reason).code == 0, "it has happened, in whatever order"
    assert entry(here, DEALS, Verb.PURGE).at == f"{days(-9)}T23:59:59Z"
    assert "CRM-F019" not in certificate(here, days(-9)).out
    assert "CRM-P125" in here.plan().out


WITH_NOTICE = """
contract:
  term: {start: START, length: 12 months, end: inclusive, renewal: automatic, renewal_length: 12 months}
  notice: {period: 30 days, before: term_end, counts: receipt, form: email, to: contracts@papertrail.example}
  price: {amount: "100", currency: EUR, per: month}
  calendar: {zone: Europe/Berlin, vendor_zone: Europe/Berlin}
"""


def missed(here: Site) -> None:
    """A contract whose last day of notice was the day before yesterday."""
    start = today() + timedelta(days=29) - relativedelta(months=12)
    here.write(
        (MANIFEST + WITH_NOTICE.replace("START", start.isoformat())).replace(
            "effective: immediately", "effective: end_of_term"
        )
    )


def test_a_notice_that_had_arrived_in_time_is_dated_by_its_arrival_though_it_was_told_late(here: Site) -> None:
    missed(here)
    assert confirm(here, NOTICE, "--proof", "acknowledged").code == 0
    shown = here.plan("--lang", "en").out
    assert "CRM-P112" in shown and "--on DAY" in shown, shown
    said = confirm(here, NOTICE, "--proof", "acknowledged")
    assert (said.code, "CRM-C009" in said.err) == (3, True), "nothing new is said"
    assert confirm(here, NOTICE, "--proof", "attested", "--on", days(-5)).code == 3, "it proves less"

    said = confirm(here, NOTICE, "--on", days(-5), "--note", "arrived five days ago")
    assert said.code == 0 and f"done on {days(-5)}" in said.err and f"stood at {days(0)}" in said.err, said.err
    assert "CRM-P112" not in here.plan().out
    found = entry(here, NOTICE, Verb.REQUEST)
    assert (found.at[:10], found.since, found.proof, len(found.evidence)) == (days(-5), found.at, Proof.ACKNOWLEDGED, 1)
    happened = journal(here)
    assert happened.count('"confirmed"') == 2 and "arrived five days ago" in happened


def test_a_contact_of_the_day_of_arrival_corrects_a_notice_that_was_told_late(here: Site) -> None:
    missed(here)
    assert confirm(here, NOTICE, "--proof", "acknowledged").code == 0
    log = (
        "--kind",
        "acknowledgement",
        "--channel",
        "mail",
        "--person",
        "Ms Li",
        "--outcome",
        "Got it",
        "--step",
        NOTICE,
    )
    id = here.run("contact", "add", str(here.manifest), *log, "--time", f"{days(-5)}T10:00:00Z").out.strip()
    assert confirm(here, NOTICE, "--contact", id).code == 0
    assert "CRM-P112" not in here.plan().out
    assert entry(here, NOTICE, Verb.REQUEST).at == f"{days(-5)}T10:00:00Z"


def test_a_slip_is_retracted_and_what_stood_before_stands_again(here: Site) -> None:
    missed(here)
    said = confirm(here, NOTICE, "--retract", "nothing there")
    assert (said.code, "CRM-C166" in said.err) == (3, True), said.err
    assert confirm(here, NOTICE, "--proof", "acknowledged").code == 0
    assert confirm(here, NOTICE, "--retract", " ").code == 64
    assert confirm(here, NOTICE, "--on", days(-5), "--note", "arrived then").code == 0
    assert confirm(here, NOTICE, "--retract", "it was another contract's").code == 0
    assert entry(here, NOTICE, Verb.REQUEST).at[:10] == days(0), "the first word stands again"
    assert confirm(here, NOTICE, "--retract", "all of it").code == 0
    assert not state(here).entries
    assert NOTICE in {each["address"] for each in here.plan("--format", "json").json["steps"]}
    happened = journal(here)
    assert "it was another contract's" in happened and happened.count('"retracted"') == 2


def test_a_day_is_that_day_at_our_place_and_at_the_vendors() -> None:
    from crmstate.cli.commands.confirm import done_at
    from crmstate.core.contract import Calendar, ContractGoal

    now = "2026-12-05T10:00:00Z"
    here = ContractGoal(calendar=Calendar(zone="America/Los_Angeles", vendor_zone="Asia/Shanghai"))
    assert done_at("2026-12-04", here, now) == "2026-12-04T15:59:59Z"
    assert done_at("2026-12-04", None, now) == "2026-12-04T23:59:59Z"
    assert done_at("2026-12-05", None, now) == now
    assert done_at("2026-12-06", None, now) > now
    assert done_at("2026-12-04T09:00+01:00", here, now) == "2026-12-04T08:00:00Z"


def ended(here: Site) -> date:
    """A contract whose term ended 40 days ago, of which notice was given in time; its end was proved today."""
    end = today() - timedelta(days=40)
    start = end + timedelta(days=1) - relativedelta(months=12)
    here.write(
        (MANIFEST + WITH_NOTICE.replace("START", start.isoformat())).replace(
            "effective: immediately", "effective: end_of_term"
        )
    )
    for place, proof in ((NOTICE, "acknowledged"), (CONTRACT, "attested")):
        assert confirm(here, place, "--proof", proof, "--on", days(-200)).code == 0
    assert confirm(here, CONTRACT, *CERTIFIED).code == 0
    return end


def settled(here: Site) -> str:
    return here.run("letter", "settlement", str(here.manifest), "--lang", "en", "--format", "text").out


def said(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"


def test_a_contract_ended_with_its_term_and_not_when_somebody_wrote_that_down(here: Site) -> None:
    end = ended(here)
    letter = settled(here)
    assert (
        f"which ended on {said(end)}" in " ".join(letter.split())
        and said(today()) not in letter.partition("Please send")[2]
    ), letter
    shown = here.run("status", str(here.manifest), "--lang", "en").out
    assert f"runs until {end:%a} {end.day} {end:%b %Y}" in shown, shown
    (line,) = [
        each for each in here.plan("--format", "json").json["cost"]["lines"] if each["what"] == "remaining_charges"
    ]
    assert line["sum"]["amount"] == "0.00" and "refund" not in letter.partition("rely")[0].partition("By our own")[1]


def test_where_nobody_knows_the_day_of_the_end_no_letter_makes_it_that_of_recording(here: Site) -> None:
    here.write(MANIFEST + WITH_NOTICE.replace("START", days(-100)))
    assert confirm(here, NOTICE, "--proof", "acknowledged").code == 0
    archived(here)
    assert confirm(here, CONTRACT, *CERTIFIED).code == 0
    assert "ended on" not in " ".join(settled(here).split())
    assert "--on DAY" in here.plan("--lang", "en").out + here.run("status", str(here.manifest), "--lang", "en").out
    assert confirm(here, CONTRACT, *CERTIFIED, "--on", days(0), "--note", "so says their letter").code == 0
    assert f"which ended on {said(today())}" in " ".join(settled(here).split())


@pytest.mark.parametrize("given", [True, False], ids=["notice given", "no notice"])
def test_an_account_that_is_closed_ends_no_contract(here: Site, given: bool) -> None:
    here.write(
        (MANIFEST + WITH_NOTICE.replace("START", days(-100))).replace(
            "effective: immediately", "effective: end_of_term"
        )
    )
    if given:
        assert confirm(here, NOTICE, "--proof", "acknowledged").code == 0
    early = ("--out-of-order", "they closed it at once")
    for proof in ("attested", "certified"):
        assert confirm(here, "account/K-4711", "--proof", proof, *early).code == 0
    life = here.run("status", str(here.manifest), "--format", "json").json["life"]
    assert life["state"] == ("notice_running" if given else "notice_due")
    assert (life["renews"], life.get("access_until")) == (not given, None)
    assert [each["what"] for each in life["asides"]] == ["account_closed"]
    shown = here.run("status", str(here.manifest), "--lang", "en").out
    assert "It has ended" not in shown and "the contract runs on" in shown
