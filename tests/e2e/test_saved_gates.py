"""A plan that was saved keeps its gates: what people had to prove before it takes something away is proved when it is applied,
whatever became of the file, a waiver or a contact meanwhile; and no proof is weaker for not asking the vendor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crmstate.core.words import Outcome

from .site import HEAD, MANIFEST, Said, Site
from .test_contacts import TALK, added, mail, state

pytestmark = pytest.mark.usefixtures("quick")

NOTICE = """\
contract:
  term: {start: 2026-02-01, length: 12 months, end: inclusive, renewal: automatic, renewal_length: 12 months}
  notice: {period: 30 days, before: term_end, to: legal@vendor.example}
"""
CANCELLED = (
    HEAD
    + """\
end_state:
  subscription: {status: cancelled, effective: immediately}
"""
)
GIVEN = "notice/contract"


@pytest.fixture
def there(here: Site) -> Site:
    here.write(CANCELLED + NOTICE)
    return here


def saved(there: Site) -> Path:
    path = there.folder / "plan.json"
    said = there.plan("--out", str(path))
    assert said.code == 0, said.err
    return path


def confirm(there: Site, address: str, *args: str) -> Said:
    return there.run("confirm", address, str(there.manifest), *args)


def refused(there: Site, path: Path) -> None:
    """The vendor hears of nothing."""
    said = there.run("apply", str(path), "--yes")
    assert (said.code, "CRM-E018" in said.err) == (5, True), said.err
    assert there.truth()["subscription"]["status"] == "active"


def test_a_step_that_was_taken_out_of_the_file_still_gates(there: Site) -> None:
    path = saved(there)
    plan = json.loads(path.read_text("utf-8"))
    plan["steps"] = [step for step in plan["steps"] if step["address"] != GIVEN]
    path.write_text(json.dumps(plan), encoding="utf-8")

    refused(there, path)


def test_a_waiver_that_has_ended_since_the_plan_was_saved_gates_again(there: Site) -> None:
    assert confirm(there, GIVEN, "--waive", "--note", "go", "--expires", "2026-11-03T00:00:00Z").code == 0
    path = saved(there)
    there.advance("5d")

    refused(there, path)


def test_an_acknowledgement_that_was_corrected_since_gates_again(there: Site) -> None:
    id = added(there, *TALK, "--step", GIVEN, "--attach", str(mail(there)))
    assert confirm(there, GIVEN, "--contact", id).code == 0
    path = saved(there)
    added(there, "--corrects", id, "--kind", "question")

    refused(there, path)


def test_a_plan_with_all_its_gates_passed_is_applied(there: Site) -> None:
    id = added(there, *TALK, "--step", GIVEN, "--attach", str(mail(there)))
    assert confirm(there, GIVEN, "--contact", id).code == 0

    said = there.run("apply", str(saved(there)), "--yes")

    assert said.code == 0, said.err
    assert there.truth()["subscription"]["status"] == "cancelled"


def test_a_talk_about_nothing_proves_nothing(there: Site) -> None:
    id = added(there, *TALK)
    assert confirm(there, GIVEN, "--contact", id).code == 3


def test_without_the_vendor_a_proof_is_asked_for_as_with_it(there: Site) -> None:
    there.apply()
    for more in ((), ("--offline",)):
        said = confirm(there, GIVEN, "--note", "we wrote to them", *more)
        assert said.code == 3, said.err
    assert not [
        each for each in state(there).entries.values() if each.address == GIVEN and each.outcome is Outcome.DONE
    ]


def test_a_stronger_proof_is_asked_for_again_however_it_was_gone_round(here: Site) -> None:
    line = "people:\n  - {id: legal, title: Counsel agrees, owner: law@example.com, proof: %s, before: freeze}\n"
    here.write(MANIFEST + line % "attested")
    assert confirm(here, "human_step/legal").code == 0
    here.write(MANIFEST + line % "certified")

    (step,) = [each for each in here.plan("--format", "json").json["steps"] if each["address"] == "human_step/legal"]

    assert (step["proof"], step["occurrence"]) == ("certified", 2)
