"""The vendor contact log: only added to, whole or not at all, and what it proves; reminders and escalations, each once;
a vendor that is silent; waivers that end."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crmstate.core.record import State
from crmstate.core.words import Contacting, Outcome, Proof
from crmstate.store.load import read

from .site import MANIFEST, Said, Site

pytestmark = pytest.mark.usefixtures("quick")

PEOPLE = """\
people:
  - {id: training, title: Train sales, owner: hr@example.com, proof: acknowledged, before: freeze, due: 2026-11-20}
reminders: {before: 7 days, escalate_after: 10 days}
"""
PLAIN = MANIFEST.replace("freeze: now", "freeze: 2026-12-15T18:00:00Z") + PEOPLE
TRAINING = "human_step/training"
TALK = ("--kind", "acknowledgement", "--channel", "mail", "--person", "Ms Li 李", "--outcome", "They accept")


def add(here: Site, *args: str) -> Said:
    return here.run("contact", "add", str(here.manifest), *args)


def added(here: Site, *args: str) -> str:
    said = add(here, *(args or TALK))
    assert said.code == 0, said.err
    return said.out.strip()


def confirm(here: Site, address: str, *args: str) -> Said:
    return here.run("confirm", address, str(here.manifest), *args)


def state(here: Site) -> State:
    return read(here.folder, "exit").state


def told(here: Site, *args: str) -> list[tuple[str, str, str]]:
    said = here.run("remind", str(here.manifest), "--format", "json", *args)
    assert said.code == 0, said.err
    return [(each["what"], each["to"], each["address"]) for each in said.json["reminders"]]


def mail(here: Site, text: str = "We acknowledge.") -> Path:
    path = here.folder / "answer.eml"
    path.write_text(f"From: li@vendor.example\n\n{text}\n", encoding="utf-8")
    return path


# The log


@pytest.fixture
def there(here: Site) -> Site:
    here.write(PLAIN)
    return here


def test_a_talk_is_logged_with_its_files_and_shown_beside_the_step_that_waits(there: Site) -> None:
    paper = mail(there)
    id = added(there, *TALK, "--time", "2026-10-30T09:00:00+01:00", "--step", TRAINING, "--attach", str(paper))
    entry = state(there).contacts[id]
    digest = hashlib.sha256(paper.read_bytes()).hexdigest()
    assert (entry.when, entry.kind, entry.person) == ("2026-10-30T08:00:00Z", Contacting.ACKNOWLEDGEMENT, "Ms Li 李")
    assert (there.folder / ".crmstate/exit/evidence" / digest).read_bytes() == paper.read_bytes()
    assert f"last contact {id}: acknowledgement by mail" in there.plan().out
    said = there.run("status", str(there.manifest)).out
    assert f"last contact {id}" in said and "acknowledged 2026-10-30T08:00:00Z" in said
    assert there.run("contact", "list", str(there.manifest), "--format", "json").json["contacts"][0]["id"] == id
    for format in ("text", "markdown", "json"):
        assert "李" in there.run("contact", "show", id, str(there.manifest), "--format", format).out
    assert digest in there.run("contact", "show", id, str(there.manifest)).out


def test_an_entry_is_never_changed_a_correction_is_a_new_one(there: Site) -> None:
    first = added(there, *TALK, "--step", TRAINING)
    before = state(there).contacts[first]
    second = added(there, "--corrects", first, "--kind", "offer")
    log = state(there).contacts
    assert (log[first], log[second].corrects, log[second].person) == (before, first, "Ms Li 李")
    listed = there.run("contact", "list", str(there.manifest), "--format", "json").json["contacts"]
    assert [each["id"] for each in listed] == [second]
    assert f"corrected by {second}" in there.run("contact", "show", first, str(there.manifest)).out
    said = add(there, "--corrects", first, "--kind", "question")
    assert (said.code, "CRM-C075" in said.err) == (3, True)
    assert len(there.run("contact", "list", str(there.manifest), "--all", "--format", "json").json["contacts"]) == 2


def test_a_logged_acknowledgement_proves_a_step_and_only_what_it_is_about(there: Site) -> None:
    asked = added(there, "--kind", "question", *TALK[2:], "--step", TRAINING)
    other = added(there, *TALK, "--step", "subscription/sub-1")
    good = added(there, *TALK, "--step", TRAINING)
    for id in (asked, other):
        said = confirm(there, TRAINING, "--contact", id)
        assert (said.code, "CRM-C076" in said.err) == (3, True), said.err
    assert confirm(there, TRAINING, "--contact", "c99").code == 64
    assert confirm(there, TRAINING, "--contact", good).code == 0
    entry = next(each for each in state(there).entries.values() if each.address == TRAINING)
    assert (entry.outcome, entry.proof, entry.contact) == (Outcome.DONE, Proof.ACKNOWLEDGED, good)


def test_what_was_proved_by_an_entry_that_is_corrected_away_is_open_again(there: Site) -> None:
    good = added(there, *TALK, "--step", TRAINING)
    assert confirm(there, TRAINING, "--contact", good).code == 0
    spelled = added(there, "--corrects", good, "--person", "Mr Li")
    assert TRAINING not in there.plan().out
    added(there, "--corrects", spelled, "--kind", "offer")
    assert TRAINING in there.plan().out
    assert confirm(there, TRAINING, "--contact", spelled).code == 3


def test_a_phone_call_is_no_document(there: Site) -> None:
    there.change("proof: acknowledged", "proof: certified")
    id = added(there, *TALK, "--step", TRAINING)
    said = confirm(there, TRAINING, "--contact", id)
    assert (said.code, "CRM-C008" in said.err) == (3, True)
    said = confirm(there, TRAINING, "--contact", id, "--proof", "certified")
    assert (said.code, "CRM-C071" in said.err) == (3, True)


def test_people_are_masked_where_the_manifest_says_so(there: Site) -> None:
    id = added(there, *TALK, "--step", TRAINING, "--attach", str(mail(there)))
    there.write(PLAIN + "privacy: {mask_people: true}\n")
    for command in (("contact", "list"), ("contact", "show", id)):
        for format in ("text", "markdown", "json"):
            out = there.run(*command, str(there.manifest), "--format", format).out
            assert "李" not in out and "answer.eml" not in out and "They accept" in out


BAD = {
    "no kind": (("--channel", "mail", "--person", "a", "--outcome", "b"), 64, "CRM-C081"),
    "no channel": (("--kind", "offer", "--person", "a", "--outcome", "b"), 64, "CRM-C081"),
    "no person": (("--kind", "offer", "--channel", "mail", "--outcome", "b"), 64, "CRM-C077"),
    "a blank outcome": (("--kind", "offer", "--channel", "mail", "--person", "a", "--outcome", " "), 64, "CRM-C077"),
    "a header": (
        ("--kind", "offer", "--channel", "mail", "--person", "a\r\nBcc: b@c", "--outcome", "b"),
        64,
        "CRM-C077",
    ),
    "a long name": (("--kind", "offer", "--channel", "mail", "--person", "a" * 201, "--outcome", "b"), 64, "CRM-C077"),
    "the future": ((*TALK, "--time", "2027-01-01"), 64, "CRM-C078"),
    "no time": ((*TALK, "--time", "yesterday"), 64, "CRM-C014"),
    "a mistyped step": ((*TALK, "--step", "human_step/trainign"), 64, "CRM-C079"),
    "no address": ((*TALK, "--step", "training"), 64, "CRM-C079"),
    "a lost entry": ((*TALK, "--corrects", "c7"), 64, "CRM-C074"),
    "a missing file": ((*TALK, "--attach", "MISSING"), 3, "CRM-C007"),
    "an empty file": ((*TALK, "--attach", "EMPTY"), 3, "CRM-C007"),
    "a link": ((*TALK, "--attach", "LINK"), 3, "CRM-C007"),
    "a device": ((*TALK, "--attach", "/dev/zero"), 3, "CRM-C007"),
    "a huge file": ((*TALK, "--attach", "HUGE"), 3, "CRM-C007"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_kept_is_refused_with_its_name_before_anything_is_recorded(kind: str, there: Site) -> None:
    args, code, said_code = BAD[kind]
    good = mail(there)
    (there.folder / "EMPTY").touch()
    (there.folder / "LINK").symlink_to(good)
    with (there.folder / "HUGE").open("wb") as file:
        file.truncate(51 * 1024 * 1024)
    files = {name: str(there.folder / name) for name in ("MISSING", "EMPTY", "LINK", "HUGE")}
    said = add(there, "--attach", str(good), *(files.get(each, each) for each in args))
    assert (said.code, said_code in said.err) == (code, True), said.err
    assert all(files[each] in said.err for each in args if each in files)
    assert state(there).serial == 0
    assert not list((there.folder / ".crmstate").rglob("evidence/*"))


def test_the_same_file_is_kept_once(there: Site) -> None:
    paper = str(mail(there))
    first = added(there, *TALK, "--attach", paper, "--attach", paper)
    second = added(there, *TALK, "--attach", paper)
    log = state(there).contacts
    assert [len(log[each].attachments) for each in (first, second)] == [1, 1]
    assert len(list((there.folder / ".crmstate/exit/evidence").iterdir())) == 1


def test_a_file_that_is_written_to_meanwhile_is_refused(there: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from crmstate.store import evidence

    paper, look = mail(there), evidence.look

    def late(paths: Any) -> Any:
        found = look(paths)
        paper.write_text("something else", encoding="utf-8")
        return found

    monkeypatch.setattr(evidence, "look", late)
    said = add(there, *TALK, "--attach", str(paper))
    assert (said.code, "changed" in said.err) == (3, True), said.err
    assert state(there).contacts == {}


def test_a_secret_in_a_talk_does_not_reach_the_journal(there: Site) -> None:
    token = json.loads(there.data.with_name("acme.db.keys.json").read_text())["write"]["token"]
    assert there.plan().code == 0  # this process knows the secret from now on
    added(there, *TALK[:-1], f"the key is {token}")
    for path in (there.folder / ".crmstate").rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes(), path


OFFLINE = """\
apiVersion: crmstate/v1
kind: Decommission
name: exit
owner: revops@example.com
provider: {name: tryton, tenant: x, url: "http://127.0.0.1:1/", credentials: {read: {password: {env: TRYTON_P}}}}
cutover: {freeze: now}
end_state: {account: {status: deleted}}
people: [{id: training, title: Train, owner: hr@example.com}]
"""


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.deep), 5])
def test_an_entry_that_is_killed_at_any_effect_is_whole_or_was_never_made(every: int, tmp_path: Path) -> None:
    here = tmp_path / "site"
    here.mkdir()
    (here / "crmstate.yaml").write_text(OFFLINE)
    (here / "a.eml").write_bytes(b"acknowledged" * 5000)
    (here / "b.pdf").write_bytes(b"signed" * 5000)
    command = ["contact", "add", "--step", TRAINING, *TALK, "--attach", "a.eml", "--attach", "b.pdf"]
    process = subprocess.run(
        [sys.executable, "-m", "tests.e2e.killed", str(here), str(every), *command],
        capture_output=True, text=True, timeout=120, env={**os.environ, "NO_COLOR": "1"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    killed = int(process.stdout)
    assert killed * every > 40, process.stdout
    whole = 0
    for site in sorted(tmp_path.glob("site-*")):
        folder = site / ".crmstate" / "exit"
        log = read(site, "exit").state.contacts if folder.exists() else {}
        whole += bool(log)
        for entry in log.values():
            assert len(entry.attachments) == 2
            for file in entry.attachments:
                assert hashlib.sha256((folder / file.path).read_bytes()).hexdigest() == file.sha256, site
    assert 1 < whole < killed, "some were killed before it was on record, and some after"


# Reminders


def test_a_person_is_reminded_once_and_who_answers_for_it_is_told_once_when_it_is_late(there: Site) -> None:
    assert told(there) == []
    there.advance("2026-11-14T08:00:00Z")
    assert told(there) == [("reminder", "hr@example.com", TRAINING)]
    for day in ("15", "17", "20"):
        there.advance(f"2026-11-{day}T08:00:00Z")
        assert told(there) == [], "a reminder that comes every day is not read"
    there.advance("2026-11-21T00:00:00Z")
    plan = there.plan("--detailed-exitcode")
    assert (plan.code, "CRM-P075" in plan.out, "revops@example.com has to know" in plan.out) == (2, True, True)
    assert "OVERDUE since 2026-11-21" in there.run("status", str(there.manifest)).out
    assert told(there) == [("escalation", "revops@example.com", TRAINING)]
    assert told(there) == []
    assert len(told(there, "--all")) == 2
    there.change("due: 2026-11-20", "due: 2026-11-24")
    assert told(there) == [("reminder", "hr@example.com", TRAINING)], "what was put off is due again"


def test_reminders_as_of_another_time_are_shown_and_not_recorded(there: Site) -> None:
    assert told(there, "--as-of", "2026-11-21") == told(there, "--as-of", "2026-11-21") != []
    assert state(there).serial == 0


def test_a_vendor_that_is_silent_for_too_long_is_told_of_once_and_a_sign_of_life_gives_it_time(there: Site) -> None:
    there.write(
        PLAIN.replace("bin: emptied}", "bin: emptied, certificate: required}")
        .replace("freeze: 2026-12-15T18:00:00Z", "freeze: now")
        .partition("people:")[0]
        + "reminders: {escalate_after: 10 days}\n"
    )
    place = "certificate/destruction"
    assert there.apply().code == 0
    assert place in there.plan().out
    asked = next(each.at for each in state(there).entries.values() if each.address == place)
    there.advance("9d")
    assert [each for each in told(there) if each[2] == place] == []
    added(there, *TALK, "--step", place)
    there.advance("5d")
    assert [each for each in told(there) if each[2] == place] == [], "it has answered, and has time again"
    there.advance("7d")
    said = there.plan("--detailed-exitcode")
    assert "CRM-P076" in said.out and asked[:10] in said.out
    assert [each for each in told(there) if each[2] == place] == [("escalation", "revops@example.com", place)]
    assert [each for each in told(there) if each[2] == place] == []


# Waivers


def test_a_waiver_that_has_ended_opens_the_step_for_plan_apply_and_status(there: Site) -> None:
    there.change("freeze: 2026-12-15T18:00:00Z", "freeze: now")
    gone = confirm(there, TRAINING, "--waive", "--note", "no time", "--expires", "2026-10-01")
    assert (gone.code, "CRM-C073" in gone.err) == (64, True)
    assert confirm(there, TRAINING, "--waive", "--note", "no time", "--expires", "2026-11-05", "--by", "ann").code == 0
    saved = there.folder / "plan.json"
    assert there.plan("--out", str(saved)).code == 0
    said = there.run("status", str(there.manifest)).out
    assert f"{TRAINING} is waived until 2026-11-05T00:00:00Z by ann: no time" in said

    there.advance("2026-11-06T00:00:00Z")
    stale = there.run("apply", str(saved), "--yes")
    assert (stale.code, "CRM-E018" in stale.err) == (5, True), (
        "a plan from before does not pass a gate that is shut again"
    )
    assert TRAINING in there.plan().out
    for args in ((), ("--offline", "--as-of", "2026-11-06")):
        said = there.run("status", str(there.manifest), *args).out
        assert "is waived until" not in said and "it is open again" in said, said
    assert confirm(there, TRAINING, "--proof", "acknowledged", "--evidence", str(mail(there))).code == 0
    assert TRAINING not in there.plan().out
