"""What people asked a vendor for before crmstate was used, and what they took back: told once, with proof, it is neither asked
for a second time nor forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crmstate.core.record import State
from crmstate.core.words import Outcome, Proof, Verb
from crmstate.store.load import read

from .site import MANIFEST, Said, Site

pytestmark = pytest.mark.usefixtures("quick")

PAPER = """\
apiVersion: crmstate/v1
kind: Decommission
name: exit
owner: owner@example.com
provider: {name: paper, tenant: K-4711, exports: exports}
cutover: {freeze: now}
contract:
  term: {start: 2026-02-01, length: 36 months, end: inclusive, renewal: automatic, renewal_length: 12 months}
  notice: {period: 3 months, before: term_end, form: email, to: contracts@papertrail.example}
end_state:
  subscription: {status: cancelled, effective: end_of_term}
  data:
    archive: {status: none, why: nothing of worth is in it, by: head@example.com}
    discard: [{dataset: "*", why: nothing of worth is in it, by: head@example.com}]
  account: {status: deleted}
"""
ACCOUNT, CONTRACT = "account/K-4711", "subscription/contract"
CLOSING = (
    MANIFEST.partition("end_state:")[0]
    + """\
end_state:
  subscription: {status: cancelled, effective: immediately}
  data:
    archive: {status: none, why: nothing of worth is in it, by: head@example.com}
    discard:
      - {dataset: Contacts, why: rebuilt, by: head@example.com}
      - {dataset: Deals, why: rebuilt, by: head@example.com}
      - {dataset: Dashboards, why: rebuilt, by: head@example.com}
  account: {status: deleted}
"""
)
EARLY = ("--out-of-order", "asked for in March, before anything else")
SEND = ("--kind", "request", "--channel", "mail", "--person", "Ms Li", "--outcome", "Asked to close it")


def steps(here: Site) -> list[tuple[str, str, str]]:
    found: Any = here.plan("--format", "json").json["steps"]
    return [
        (each["verb"], each["address"], each["mode"]) for each in found if each["kind"] in ("account", "subscription")
    ]


def early(place: str) -> tuple[str, ...]:
    """What it takes to record a closing for which nothing is done yet."""
    return EARLY if place.startswith("account/") else ()


def confirm(here: Site, place: str, *args: str) -> Said:
    return here.run("confirm", place, str(here.manifest), "--by", "ann@example.com", *args)


def state(here: Site) -> State:
    return read(here.folder, "exit").state


@pytest.fixture
def paper(tmp_path: Path) -> Site:
    here = Site(tmp_path)
    here.write(PAPER)
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "Contacts.csv").write_text("id\n1\n", encoding="utf-8")
    (tmp_path / "letter.eml").write_text("From: us@example.com\n\nPlease close our account.\n", encoding="utf-8")
    return here


def test_without_an_api_what_was_asked_for_earlier_is_dated_by_its_letter_and_not_asked_for_again(paper: Site) -> None:
    assert ("close", ACCOUNT, "manual") in steps(paper)
    sent = ("--time", "2026-03-02T09:00:00Z", "--step", CONTRACT, "--attach", str(paper.folder / "letter.eml"))
    id = paper.run("contact", "add", str(paper.manifest), *SEND, *sent).out.strip()
    said = confirm(paper, CONTRACT, "--contact", id)
    assert (said.code, state(paper).latest(CONTRACT, Verb.RENEW_OFF).proof) == (0, Proof.ATTESTED), said.err  # type: ignore[arg-type, union-attr]
    said = confirm(paper, ACCOUNT, "--contact", id, *EARLY)
    assert (said.code, "CRM-C076" in said.err) == (3, True), "it is about the contract alone"
    assert confirm(paper, ACCOUNT, "--evidence", str(paper.folder / "letter.eml"), *EARLY).code == 0

    assert steps(paper) == [("probe", CONTRACT, "manual"), ("probe", ACCOUNT, "manual")]
    assert "asked for on Mon 2 Mar 2026" in paper.plan().out

    earlier = ("--corrects", id, "--time", "2026-02-27T09:00:00Z")
    later = paper.run("contact", "add", str(paper.manifest), *earlier).out.strip()
    assert "asked for on Fri 27 Feb 2026" in paper.plan().out, "a corrected request still shows that somebody asked"
    assert paper.run("contact", "add", str(paper.manifest), "--corrects", later, "--kind", "question").code == 0
    assert ("renew_off", CONTRACT, "manual") in steps(paper)


@pytest.mark.parametrize(("place", "verb"), [(ACCOUNT, "close"), (CONTRACT, "renew_off")])
def test_without_an_api_what_is_taken_back_is_asked_for_anew_and_once(paper: Site, place: str, verb: str) -> None:
    letter = ("--evidence", str(paper.folder / "letter.eml"), *EARLY)
    assert confirm(paper, place, "--withdrawn", "--note", "by phone").code == 3, "nothing was asked for"
    assert confirm(paper, place, *letter).code == 0
    said = confirm(paper, place, "--withdrawn")
    assert (said.code, "CRM-C086" in said.err) == (64, True), "it is said why"

    assert confirm(paper, place, "--withdrawn", "--note", "sales wants another month", *letter[:2]).code == 0
    assert (verb, place, "manual") in steps(paper)
    assert "was taken back" in paper.plan().out
    assert (
        "sales wants another month"
        in paper.run("state", "show", "exit", "--folder", str(paper.folder), "--format", "json").out
    )
    entry = state(paper).latest(place, Verb(verb))  # type: ignore[arg-type]
    assert entry is not None and (entry.outcome, entry.code, entry.proof, entry.by) == (
        Outcome.FAILED, "withdrawn", Proof.NONE, "ann@example.com",
    )  # fmt: skip
    assert confirm(paper, place, "--withdrawn", "--note", "again").code == 3, "there is nothing more to take back"
    assert confirm(paper, place, *letter).code == 0
    assert (verb, place, "manual") not in steps(paper)
    assert state(paper).occurrence(place, Verb(verb)) == 2  # type: ignore[arg-type]


def test_what_has_ended_cannot_be_taken_back(paper: Site) -> None:
    letter = ("--evidence", str(paper.folder / "letter.eml"), *EARLY)
    assert confirm(paper, ACCOUNT, *letter).code == 0
    assert confirm(paper, ACCOUNT, "--proof", "certified", *letter).code == 0
    said = confirm(paper, ACCOUNT, "--withdrawn", "--note", "too late")
    assert (said.code, "CRM-C085" in said.err) == (3, True)


def test_a_notice_that_is_taken_back_is_to_be_given_again(paper: Site) -> None:
    letter = ("--evidence", str(paper.folder / "letter.eml"))
    assert confirm(paper, "notice/contract", "--proof", "acknowledged", *letter).code == 0
    notices = [each["address"] for each in paper.plan("--format", "json").json["steps"]]
    assert "notice/contract" not in notices
    assert confirm(paper, "notice/contract", "--withdrawn", "--note", "they let us stay").code == 0
    assert "notice/contract" in [each["address"] for each in paper.plan("--format", "json").json["steps"]]
    assert confirm(paper, "notice/contract", "--proof", "acknowledged", *letter).code == 0


@pytest.fixture
def api(here: Site) -> Site:
    here.write(CLOSING)
    (here.folder / "letter.eml").write_text("From: us@example.com\n\nPlease close our account.\n", encoding="utf-8")
    return here


def test_with_an_api_what_a_person_asked_for_is_not_sent_again(api: Site) -> None:
    letter = ("--evidence", str(api.folder / "letter.eml"), *EARLY)
    assert steps(api) == [("cancel", "subscription/sub-1", "auto"), ("close", "account/t-1001", "auto")]
    saved = str(api.folder / "plan.json")
    assert api.plan("--out", saved).code == 0
    bare = confirm(api, "account/t-1001", *EARLY)
    assert (bare.code, "CRM-C089" in bare.err) == (3, True), "a word alone keeps nothing from being done"
    assert confirm(api, "account/t-1001", "--waive", "--note", "n", "--expires", "2030-01-01").code == 3
    for place in ("account/t-1001", "subscription/sub-1"):
        assert confirm(api, place, *letter).code == 0
    assert steps(api) == [("probe", "subscription/sub-1", "wait"), ("probe", "account/t-1001", "wait")]

    assert api.apply().code == 0
    assert api.run("apply", saved, "--yes").code in (0, 5)
    assert [
        each for each in api.truth(log=True)["log"] if each["method"] == "POST" and "rows" not in each["path"]
    ] == []
    told = api.drift("--format", "json")
    assert (told.code, told.json["changes"]) == (0, []), told.out
    waits = json.loads(api.run("status", str(api.manifest), "--format", "json").out)
    assert {each["address"] for each in waits["waits"]} >= {"account/t-1001", "subscription/sub-1"}


def test_with_an_api_what_is_taken_back_is_sent_by_crmstate_as_another_act(api: Site) -> None:
    letter = ("--evidence", str(api.folder / "letter.eml"), *EARLY)
    before = api.plan("--format", "json").json["approval"]
    for place in ("account/t-1001", "subscription/sub-1"):
        assert confirm(api, place, *letter).code == 0
        assert confirm(api, place, "--withdrawn", "--note", "the vendor never got it").code == 0
    assert steps(api) == [("cancel", "subscription/sub-1", "auto"), ("close", "account/t-1001", "auto")]
    saved = str(api.folder / "plan.json")
    assert api.plan("--out", saved, "--format", "json").json["approval"] != before, (
        "the first was approved, and not this"
    )
    assert api.run("approve", saved, "--by", "head@example.com").code == 0
    assert api.apply().code == 0
    assert api.twice() == []
    api.advance("8d")
    assert api.apply().code == 0
    assert steps(api) == []


ACK = ("--kind", "acknowledgement", "--channel", "mail", "--person", "Ms Li", "--outcome", "They close it")


@pytest.mark.parametrize("place", ["account/t-1001", "subscription/sub-1"])
@pytest.mark.parametrize("said", [SEND, ACK])
def test_with_an_api_what_nobody_asked_for_by_a_corrected_contact_is_sent_and_not_waited_for(
    api: Site, place: str, said: tuple[str, ...]
) -> None:
    before = steps(api)
    talk = ("contact", "add", str(api.manifest))
    id = api.run(*talk, *said, "--time", "2026-01-01T09:00:00Z", "--step", place).out.strip()
    assert confirm(api, place, "--contact", id, *early(place)).code == 0
    mine = next(each for each in before if each[1] == place)
    later = api.run(*talk, "--corrects", id, "--kind", "request").out.strip()
    assert mine not in steps(api), "it was asked for all the same"
    assert api.run(*talk, "--corrects", later, "--kind", "question").code == 0
    assert steps(api) == before
    assert "has accepted this" not in api.plan().out


@pytest.mark.parametrize(
    ("place", "other"),
    [
        ("account/t-1001", "  subscription: {status: cancelled, effective: immediately}\n"),
        ("subscription/sub-1", "  account: {status: deleted}\n"),
    ],
)
def test_a_saved_plan_from_before_a_withdrawal_does_not_ask_for_what_a_person_has_asked_for_anew(
    api: Site, place: str, other: str
) -> None:
    letter, saved = ("--evidence", str(api.folder / "letter.eml")), str(api.folder / "plan.json")
    api.change(other, "")
    assert api.run("contact", "add", str(api.manifest), *SEND).code == 0, "there is a record"
    assert api.plan("--out", saved).code == 0
    assert confirm(api, place, *letter, *early(place)).code == 0
    assert confirm(api, place, "--withdrawn", "--note", "the vendor never got it").code == 0
    for _ in range(2):
        said = api.run("apply", saved, "--yes")
        assert (said.code, "CRM-E033" in said.err) == (5, True)
        confirm(api, place, *letter, *early(place))
    log = api.truth(log=True)["log"]
    assert [each["path"] for each in log if each["method"] == "POST" and "rows" not in each["path"]] == []
