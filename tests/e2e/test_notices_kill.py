"""A notice to many, and SIGKILL in the middle of it, again and again: nobody is told twice, and of those whose answer was
lost there are no more than connections were open. The mail server is a process of its own, and so is its record."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.core.words import Fate

from ..people.smtp import MailServer, mail_server
from .outside import Outside, lock_is_free, outside, until
from .site import HEAD, small_world

APPLY = ("apply", "--yes", "--parallel", "4", "--format", "json")
OPEN = 4
"""Connections that `--parallel 4` opens."""
MANIFEST = (
    HEAD
    + """\
notices:
  - {to: customers, decision: {told: true, why: hotline}, channel: mail, recipients: {file: customers.csv}, send: 30 days before freeze}
mail: {host: 127.0.0.1, port: PORT, tls: none, sender: revops@example.com, per_minute: 1000000}
end_state:
  sessions: {status: ended}
"""
)
PLACE = "notice/customers-mail"


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[MailServer]:
    with mail_server(tmp_path) as made:
        yield made


def template(folder: Path, mails: MailServer, count: int) -> Path:
    folder.mkdir()
    small_world(folder / "acme.db", users=2)
    (folder / "crmstate.yaml").write_text(MANIFEST.replace("PORT", str(mails.port)), encoding="utf-8")
    rows = "".join(f"客户 {number},c{number}@example.com\n" for number in range(count))
    (folder / "customers.csv").write_text("name,email\n" + rows, encoding="utf-8")
    return folder


def killed(here: Outside, mails: MailServer, far: int, chance: random.Random) -> bool:
    """One apply, killed once so many mails were taken. False: it had ended before."""
    running = here.begin(*APPLY)
    until(lambda: running.ended or mails.count() >= far, "mails", 400)
    time.sleep(0.05 * chance.random())
    return running.kill()


def told_again_and_again(here: Outside, mails: MailServer, count: int, kills: int, seed: int) -> int:
    """Kills spread over the whole notice, then to the end; how many are unknown in the end."""
    chance = random.Random(seed)
    for number in range(kills):
        far = int(count * (number + chance.random()) / (kills + 1)) + 1
        if not killed(here, mails, far, chance):
            break
        taken = mails.recipients()
        assert len(taken) == len(set(taken))
    said = here.command(*APPLY)
    assert said.code in (0, 6), said.out[-800:] + said.err
    told = here.recorded().told[PLACE]
    unknown = told.number(Fate.UNKNOWN)
    assert (count, 0) == (told.number(Fate.DELIVERED) + unknown, told.number(Fate.SENDING))
    taken = mails.recipients()
    assert len(taken) == len(set(taken))
    assert told.number(Fate.DELIVERED) <= len(taken)
    assert unknown <= OPEN * kills
    assert said.code == (6 if unknown else 0)
    journal = b"".join(path.read_bytes() for path in (here.state_folder / "journal").glob("*.jsonl"))
    assert b"@example.com" not in journal.replace(b"revops@example.com", b"")
    assert lock_is_free(here)
    return unknown


def settled(here: Outside, mails: MailServer, count: int, unknown: int) -> None:
    """Unknown ones stand in the way until somebody decides; then everybody has it, and a second plan is empty."""
    if unknown:
        assert "--resend-unknown" in here.command("plan").out
        before = len(mails.recipients())
        assert here.command(*APPLY).code == 0
        assert before == len(mails.recipients())
        assert here.command(*APPLY, "--resend-unknown").code == 0
        assert before + unknown == len(mails.recipients())
    assert set(mails.recipients()) == {f"c{number}@example.com" for number in range(count)}
    assert here.command("plan", "--detailed-exitcode").code == 0


def test_a_notice_that_is_killed_in_the_middle_tells_nobody_twice(tmp_path: Path, mails: MailServer) -> None:
    count = 240
    with outside(tmp_path / "site", template(tmp_path / "template", mails, count)) as here:
        unknown = told_again_and_again(here, mails, count, kills=3, seed=1)
        settled(here, mails, count, unknown)


def test_a_notice_that_is_asked_to_stop_knows_of_everybody(tmp_path: Path, mails: MailServer) -> None:
    count = 160
    with outside(tmp_path / "site", template(tmp_path / "template", mails, count)) as here:
        running = here.begin(*APPLY)
        until(lambda: running.ended or mails.count() >= 20, "mails")
        running.signal(signal.SIGINT)
        assert 8 == running.end().code
        told = here.recorded().told[PLACE]
        taken = mails.recipients()
        assert (0, 0) == (told.number(Fate.UNKNOWN), told.number(Fate.SENDING))
        assert 20 <= told.number(Fate.DELIVERED) == len(taken) < count
        assert 0 == here.command(*APPLY).code
        settled(here, mails, count, 0)


@pytest.mark.deep
def test_ten_thousand_are_told_through_ten_kills_and_nobody_twice(tmp_path: Path, mails: MailServer) -> None:
    count = 10_000
    with outside(tmp_path / "site", template(tmp_path / "template", mails, count)) as here:
        unknown = told_again_and_again(here, mails, count, kills=10, seed=2)
        print(f"{count} recipients, 10 kills: {unknown} unknown, {len(mails.recipients())} taken")
        settled(here, mails, count, unknown)
