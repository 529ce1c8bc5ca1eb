"""What is refused is said so that whoever reads it knows what to do: the file, the field, the server, and the reason."""

from __future__ import annotations

import os
import pwd
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crmstate.cli.compose import actor

from .letter_scenes import Said, crmstate, written

NOTICE = "{to: staff, channel: mail, recipients: {file: staff.csv}, send: 2026-01-01}"
MANIFEST = f"""\
apiVersion: crmstate/v1
kind: Decommission
name: exit
owner: boss@example.com
provider:
  name: paper
  tenant: HC-1
  exports: exports
  coverage: {{by: boss@example.com, why: every list was exported}}
cutover: {{freeze: now}}
end_state:
  users: {{status: removed, keep: [{{email: boss@example.com, why: closes the account}}]}}
  data:
    archive: {{to: archive, datasets: all}}
    purge: {{status: purged, bin: emptied, certificate: required}}
notices:
  - {NOTICE}
mail: {{host: 127.0.0.1, port: 9, tls: none, sender: boss@example.com}}
people:
  - {{id: training, title: Train sales, owner: hr@example.com, files: required}}
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "Contacts.csv").write_text("Id,Name\n1,Ann\n", encoding="utf-8")
    (tmp_path / "staff.csv").write_text("email,name\nann@example.com,Ann\n", encoding="utf-8")
    (tmp_path / "cert.txt").write_text("All is destroyed.", encoding="utf-8")
    return written(tmp_path, MANIFEST)


def check(here: Path, *args: str) -> Said:
    return crmstate("certificate", "check", here.parent / "cert.txt", here, *args)


def sent(here: Path) -> Said:
    """What applying says, with a mail server that is not there."""
    return crmstate("apply", here, "--yes", "--target", "notice/staff-mail")


def field(*pairs: str) -> list[str]:
    return [part for pair in pairs for part in ("--field", pair)]


def test_a_document_of_which_nothing_is_written_down(here: Path) -> None:
    said = check(here)
    assert (said.code, "cert.txt.yaml" in said.err, "--field" in said.err, "crmstate init" in said.err) == (
        64,
        True,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        (["tennant=t-1"], "tennant is not known"),
        (["tenant=a", "tenant=b"], "tenant is written twice"),
        (["date=soon"], "date does not say what it must"),
    ],
)
def test_which_of_its_reasons_a_field_is_refused_for(pairs: list[str], why: str, here: Path) -> None:
    assert why in check(here, *field(*pairs)).err


def test_backups_that_expired_before_the_document_was_written(here: Path) -> None:
    day = f"date={datetime.now(UTC):%Y-%m-%d}"
    assert "CRM-F042" in check(here, *field(day, "backups.expire=2020-01-01")).err
    assert "CRM-F042" not in check(here, *field(day, "backups.expire=2099-01-01")).err


def test_a_document_that_has_changed_since_it_was_checked(here: Path) -> None:
    check(here, *field("tenant=HC-1"))
    paper = here.parent / "cert.txt"
    paper.write_text("All but one is destroyed.", encoding="utf-8")
    confirm = ("confirm", "certificate/destruction", here, "--proof", "certified", "--evidence")
    said = crmstate(*confirm, paper)
    assert ("CRM-F041" in said.err, "CRM-F022" in said.err) == (True, False), said.err
    other = here.parent / "other.txt"
    other.write_text("x", encoding="utf-8")
    assert "CRM-F022" in crmstate(*confirm, other).err


def test_a_transcript_that_cannot_be_read_and_missing_evidence_show_no_placeholder(here: Path) -> None:
    (here.parent / "cert.txt.yaml").write_text("tenant: [\n", encoding="utf-8")
    said = check(here)
    assert ("CRM-F026" in said.err, "(-)" in said.err) == (True, False)
    said = crmstate("confirm", "human_step/training", here)
    assert ("human_step/training needs a file" in said.err, "--evidence" in said.err, ": -" in said.err) == (
        True,
        True,
        False,
    )


def test_a_file_that_is_no_evidence_is_not_told_to_use_an_option_that_is_not_there(here: Path) -> None:
    said = crmstate("certificate", "check", here.parent / "nothing.txt", here)
    assert ("CRM-C007" in said.err, "--evidence" in said.err) == (True, False)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("a@b.example;Ann", "semicolon"),
        ("a@b@c.example", "more than one"),
        ("jörg@b.example", "umlaut"),
        ("@b.example", "no `@`"),
    ],
)
def test_why_a_line_is_no_address(row: str, why: str, here: Path) -> None:
    (here.parent / "staff.csv").write_text(f"email,name\n{row},Ann\n", encoding="utf-8")
    assert why in crmstate("notices", here).err


def test_a_language_of_which_there_is_no_template(here: Path) -> None:
    manifest = written(here.parent, MANIFEST.replace(NOTICE, NOTICE.replace("send", "language: de, send")))
    said = crmstate("validate", manifest)
    assert (said.code, "CRM-N010" in said.err, "en/staff-announcement" in said.err) == (65, True, True), said.err
    own = here.parent / "templates" / "de"
    own.mkdir(parents=True)
    (own / "staff-announcement.txt").write_text("Subject: Ende\n\nHallo.\n", encoding="utf-8")
    assert crmstate("validate", manifest).code == 0
    manifest = written(here.parent, MANIFEST.replace(NOTICE, NOTICE.replace("send", "language: EN, send")))
    assert "en and zh-CN" in crmstate("validate", manifest).err


def test_a_mail_server_that_is_not_there_is_named(here: Path) -> None:
    said = sent(here)
    assert "127.0.0.1:9: no connection" in said.out + said.err, said.out + said.err


def test_messages_of_an_earlier_run_are_not_taken_for_those_of_a_refused_one(here: Path) -> None:
    out = here.parent / "notices.jsonl"
    assert crmstate("notices", here, "--out", out).code == 0
    (here.parent / "staff.csv").write_text("email\nnobody\n", encoding="utf-8")
    assert "CRM-N063" in crmstate("notices", here, "--out", out).err


def test_a_bundle_is_not_called_what_it_is_not(here: Path) -> None:
    crmstate(
        "contact", "add", here, "--channel", "phone", "--kind", "question", "--person", "Eva", "--outcome", "asked"
    )
    out = here.parent / "b.tar.gz"
    said = crmstate("evidence", "bundle", here, "--out", out, "--offline")
    assert (said.code, "CRM-S083" in said.err, out.exists()) == (64, True, False)


def test_a_report_into_a_folder_that_is_not_there_speaks_of_no_plan(here: Path) -> None:
    said = crmstate("report", here, "--out", here.parent / "nix" / "x.html")
    assert ("CRM-S045" in said.err, "plan" in said.err) == (True, False)


@pytest.mark.parametrize(("days", "said"), [(400, True), (300, False)])
def test_a_waiver_for_longer_than_a_year(days: int, said: bool, here: Path) -> None:
    until = f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"
    made = crmstate("confirm", "human_step/training", here, "--waive", "--note", "later", "--expires", until)
    assert (made.code, "CRM-C171" in made.err) == (0, said), made.err


def test_who_runs_this_where_no_variable_says_so() -> None:
    assert actor({}) == pwd.getpwuid(os.getuid()).pw_name


def test_a_notice_that_was_confirmed_by_hand_says_so(here: Path) -> None:
    sent(here)
    assert crmstate("confirm", "notice/staff-mail", here, "--note", "told by phone").code == 0
    status = crmstate("status", here, "--offline").out
    assert "staff-mail (confirmed by hand)" in status
