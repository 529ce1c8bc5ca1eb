"""A subscription's life as a user meets it: paused, resumed, not renewed, ended; by the API and by hand. What plan and status
say of it, in text, Markdown and JSON, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crmstate.cli.clock import RealClock
from crmstate.providers.kit.pace import Pace
from crmstate.sandbox import seed

from .scenes import apply, effects
from .site import Site

pytestmark = pytest.mark.usefixtures("quick")

CONTRACT = """\
contract:
  term: {start: 2026-02-01, length: 12 months, end: inclusive, renewal: automatic, renewal_length: 12 months}
  price: {amount: "14400.00", currency: USD, per: year}
  early_termination_fee: {amount: "1500.00", currency: USD}
"""
HEAD = "apiVersion: crmstate/v1\nkind: Decommission\nname: exit\nowner: revops@example.com\n"
SANDBOX, FXIAOKE = "provider: {name: sandbox, embedded: acme.db}\n", "provider: {name: fxiaoke, embedded: fx.db}\n"
END_OF_TERM = "{status: cancelled, effective: end_of_term}"
PAUSED = "{status: paused, from: 2026-11-10, until: 2026-12-10}"


def manifest(goal: str, provider: str = SANDBOX, contract: str = CONTRACT) -> str:
    return f"{HEAD}{provider}{contract}end_state:\n  subscription: {goal}\n"


def planned(here: Site) -> Any:
    said = here.plan("--format", "json")
    assert said.code == 0, said.out + said.err
    return said.json


def life(here: Site) -> tuple[str, bool | None, str | None]:
    """State, renewal and access, which `plan` and `status` say alike."""
    of = planned(here)["life"]
    status = here.run("status", str(here.manifest), "--format", "json").json["life"]
    assert status == of
    return of["state"], of["renews"], of["access_until"]


def sums(found: Any) -> dict[str, str | None]:
    return {line["what"]: line["sum"] and line["sum"]["amount"] for line in found["cost"]["lines"]}


def test_an_end_with_the_term_is_asked_for_waited_for_and_seen(here: Site) -> None:
    here.write(manifest(END_OF_TERM))
    assert life(here) == ("active", True, None)
    assert sums(planned(here))["remaining_charges"] == "3629.59"
    assert apply(here)[0] == 0
    assert life(here) == ("notice_running", False, "2027-01-31")
    here.advance("2027-02-02")
    assert apply(here)[0] == 0
    assert life(here) == ("ended", False, "2027-01-31")
    said = here.plan("--detailed-exitcode")
    assert (said.code, "CRM-" in said.out) == (0, False), said.out
    assert len(effects(here)) == 2, "asked for once, and carried out once"


def test_a_pause_is_told_with_its_end_and_an_end_meanwhile_with_its_cost(here: Site) -> None:
    here.write(manifest(PAUSED))
    assert apply(here)[0] == 0
    here.advance("2026-11-12")
    (paused,) = planned(here)["life"]["asides"]
    assert (paused["what"], paused["until"]) == ("paused", "2026-12-10")
    assert life(here) == ("active", True, None)
    here.write(manifest("{status: cancelled, effective: {date: 2026-12-31}}"))
    found = planned(here)
    assert [each["code"] for each in found["diagnostics"]] == ["CRM-P083"]
    assert (sums(found)["early_termination_fee"], sums(found)["remaining_charges"]) == ("1500.00", None)
    assert (found["cost"]["due"], found["cost"]["whole"]) == ([{"amount": "1500.00", "currency": "USD"}], False)
    assert apply(here)[0] == 0
    assert life(here) == ("notice_running", False, "2026-12-31")


def test_a_pause_past_the_terms_end_is_told_and_one_without_a_renewal_is_not_asked_for(here: Site) -> None:
    long = "{status: paused, from: 2026-11-10, until: 2027-03-10}"
    here.write(manifest(long))
    assert "CRM-P081" in here.plan().out
    here.write(
        manifest(long, contract=CONTRACT.replace("renewal: automatic, renewal_length: 12 months", "renewal: none"))
    )
    said = here.plan()
    assert "before the pause does" in said.out and "pause  subscription/sub-1" in said.out.partition("Blocked")[2]
    assert apply(here)[0] == 0
    assert effects(here) == []


def test_a_day_beyond_the_term_is_refused_before_the_vendor_hears_of_it(here: Site) -> None:
    here.write(manifest("{status: cancelled, effective: {date: 2027-06-30}}"))
    assert "in the middle of the next term" in here.plan().out
    assert apply(here)[0] == 0
    assert effects(here) == []


def test_a_downgrade_says_what_it_saves_and_an_end_that_is_taken_back_goes_on(here: Site) -> None:
    here.write(manifest("{status: downgraded, to: free, effective: end_of_period}"))
    assert sums(planned(here))["saving"] == "14400.00"
    assert apply(here)[0] == 0
    assert life(here)[0] == "notice_running"
    here.write(manifest("{status: active}"))
    assert sums(planned(here)) == {"missed_notice": "14400.00", "going_on": "14400.00"}
    assert apply(here)[0] == 0
    assert life(here) == ("active", True, None)


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        ("{status: cancelled}", "effective"),
        ("{status: cancelled, effective: later}", "effective"),
        ("{status: downgraded, to: free}", "effective"),
        ("{status: paused, from: 2026-11-10}", "until"),
        ("{status: paused, from: 2026-12-10, until: 2026-11-10}", "CRM-M"),
    ],
)
def test_an_end_without_its_day_and_a_pause_without_its_end_are_no_manifest(here: Site, goal: str, words: str) -> None:
    here.write(manifest(goal))
    said = here.run("validate", str(here.manifest))
    assert (said.code, words in said.out + said.err) == (65, True)
    assert here.plan().code == 65


def test_both_facts_and_every_sum_stand_in_text_and_markdown_in_both_languages(here: Site) -> None:
    here.write(manifest(END_OF_TERM))
    for args in ((), ("--format", "markdown")):
        said = here.plan(*args).out.replace("`", "")
        for words in ("Renews: yes", "Access until: unknown", "USD 3,629.59", "USD 14,400.00 a year"):
            assert words in said, words
        chinese = here.plan(*args, "--lang", "zh-CN").out.replace("`", "")
        for words in ("自动续约：是", "可访问至：未知", "USD 3,629.59", "每年 USD 14,400.00"):
            assert words in chinese, words
        status = here.run("status", str(here.manifest), *args).out
        assert "Renews: yes" in status and "Access until: unknown" in status


# A contract that no API shows


class Company(Site):
    """A site at a vendor whose API shows no contract."""

    @property
    def data(self) -> Path:
        return self.folder / "fx.db"


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setattr(Pace, "_take", lambda self, name: 0.0)
    monkeypatch.setattr(RealClock, "now", lambda _: datetime(2026, 11, 1, 8, tzinfo=UTC))  # the vendor tells no time
    made = Company(tmp_path / "company")
    made.folder.mkdir()
    seed(made.data, dialect="fxiaoke", contacts=2, users=2)
    made.write(manifest(END_OF_TERM, FXIAOKE))
    made.serve()
    yield made
    made.stop()


def steps(company: Company) -> list[tuple[str, str]]:
    return [(step["verb"], step["mode"]) for step in planned(company)["steps"] if step["kind"] == "subscription"]


def test_a_person_asks_not_to_renew_and_the_vendors_answer_is_told_apart_from_the_request(company: Company) -> None:
    assert life(company) == ("active", True, None)
    assert steps(company)[0] == ("renew_off", "manual")
    assert sums(planned(company))["missed_notice"] == "14400.00"
    assert company.run("confirm", "subscription/contract", str(company.manifest)).code == 0
    assert life(company) == ("requested", None, None)
    assert ("renew_off", "manual") not in steps(company), "nobody asks a second time"
    offline = company.run("status", str(company.manifest), "--offline", "--format", "json").json
    assert (offline["life"]["state"], offline["life"]["renews"]) == ("requested", None)


def test_a_confirmed_end_is_dated_and_can_be_taken_back_by_a_person(company: Company) -> None:
    mail = company.folder / "answer.eml"
    mail.write_text("Subject: Your contract\n\nIt ends on 31 January 2027.\n")
    answered = ("confirm", "subscription/contract", str(company.manifest), "--proof", "acknowledged", "--evidence")
    assert company.run(*answered, str(mail)).code == 0
    assert life(company) == ("notice_running", False, "2027-01-31")
    company.write(manifest("{status: active}", FXIAOKE))
    assert steps(company) == [("resume", "manual")]
    assert company.run("confirm", "subscription/contract", str(company.manifest)).code == 0
    assert (life(company), steps(company)) == (("active", True, None), [])
