"""What `confirm` answers says what to do next: as what it was recorded, until when the end is waited for, which proof is wanted,
which address was meant."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from crmstate.core.words import Proof, Verb

from .site import Site
from .test_paper import MANIFEST
from .test_told_late import CERTIFIED, CONTRACT, NOTICE, WITH_NOTICE, confirm, days, entry, here, today

pytestmark = pytest.mark.usefixtures("quick")
__all__ = ["here"]
AROUND = """
evaluation: {after: 90 days, measures: [cost], owner: boss@example.com}
people:
  - {id: training, title: Train sales, owner: hr@example.com, proof: attested, after: closed}
"""
LOG = ("--channel", "phone", "--person", "Ms Li", "--step", NOTICE)


@pytest.fixture
def term(here: Site) -> Site:
    here.write(
        (MANIFEST + WITH_NOTICE.replace("START", days(-100)) + AROUND).replace(
            "effective: immediately", "effective: end_of_term"
        )
    )
    return here


def test_a_document_before_the_end_is_the_request_and_it_is_said_until_when_the_end_is_waited_for(term: Site) -> None:
    assert confirm(term, NOTICE, "--proof", "acknowledged").code == 0
    said = confirm(term, CONTRACT, *CERTIFIED)
    assert said.code == 0 and "as the request" in said.err, said.err
    assert f"{(today() + timedelta(days=264)).year}-" in said.err.partition("as the request")[2], said.err
    assert entry(term, CONTRACT, Verb.RENEW_OFF).proof is Proof.CERTIFIED


def test_an_answer_from_before_the_letter_answers_nothing(term: Site) -> None:
    def add(kind: str, day: int) -> str:
        when = ("--time", f"{days(day)}T10:00:00Z", "--kind", kind, "--outcome", "fine")
        return term.run("contact", "add", str(term.manifest), *LOG, *when).out.strip()

    early, _letter, answer = add("acknowledgement", -9), add("request", -5), add("acknowledgement", -4)
    said = confirm(term, NOTICE, "--contact", early)
    assert (said.code, "CRM-C168" in said.err) == (3, True), said.err
    assert confirm(term, NOTICE, "--contact", answer).code == 0


def test_what_is_printed_can_be_typed(term: Site, tmp_path: Path) -> None:
    shown = term.apply("--lang", "en").out
    assert f"crmstate confirm {NOTICE} --proof acknowledged --evidence FILE" in shown, shown
    said = confirm(term, NOTICE, "--proof", "attested")
    assert (said.code, "--proof acknowledged" in said.err) == (3, True), said.err
    assert "--proof" in term.plan("--lang", "en").out.partition("When a person has done")[2]


def test_before_its_day_a_review_says_which_day_that_is_and_a_slip_of_the_pen_what_was_meant(here: Site) -> None:
    here.write(MANIFEST + WITH_NOTICE.replace("START", days(-100)) + AROUND)
    assert confirm(here, NOTICE, "--proof", "acknowledged").code == 0
    for proof in ("attested", "certified"):
        assert confirm(here, "account/K-4711", "--proof", proof, "--out-of-order", "closed by the vendor").code == 0
    said = confirm(here, "evaluation/review")
    assert (said.code, "CRM-C070" in said.err, days(90) in said.err) == (3, True, True), said.err
    said = confirm(here, "human_step/traning")
    assert (said.code, "CRM-C169" in said.err, "human_step/training" in said.err) == (3, True, True), said.err
