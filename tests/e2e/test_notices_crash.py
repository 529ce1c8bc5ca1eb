"""A run that tells people is stopped before, in and after every one of its effects: whoever may have been told is never
told again by itself, and one message at most is unknown."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.core.words import Fate, Outcome, Verb
from crmstate.store.load import read

from ..people.smtp import MailServer, mail_server
from .site import Site, site, small_world
from .test_crash_points import Counting, Crash, apply_once
from .test_notices import BASE, TO_FILE, listed, sent

COUNT = 2
PEOPLE = [f"P{n},p{n}@example.com" for n in range(COUNT)]


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with mail_server(tmp_path_factory.mktemp("mail")) as made:
        yield made


def stopped(folder: Path, template: Path, mails: MailServer, at: int, mode: str) -> int:
    """One run that is stopped there, and the one after it: how many messages are unknown."""
    mails.file.touch()
    with mails.file.open("r+b") as file:
        file.truncate(0)
    with site(folder, template) as here:
        with pytest.raises(Crash):
            apply_once(here, Counting(at, mode))
        code = apply_once(here, Counting())
        told = read(here.folder, "exit").state.told["notice/partners-mail"]
        unknown = told.number(Fate.UNKNOWN)
        assert COUNT == told.number(Fate.DELIVERED) + unknown
        assert unknown <= 1 and code == (6 if unknown else 0)
        taken = sent(mails)
        assert len(taken) == len(set(taken)) and told.number(Fate.DELIVERED) <= len(taken)
        entry = read(here.folder, "exit").state.latest("notice/partners-mail", Verb.NOTIFY)  # type: ignore[arg-type]
        assert entry is not None and entry.outcome is (Outcome.UNKNOWN if unknown else Outcome.DONE)
    shutil.rmtree(folder)
    return unknown


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, mails: MailServer) -> Path:
    folder = tmp_path_factory.mktemp("template")
    small_world(folder / "acme.db", users=1, rows=1)
    text = BASE.replace("NOTICES", TO_FILE).replace("PORT", str(mails.port))
    (folder / "crmstate.yaml").write_text(text.replace("  data: {archive: {to: archive/, datasets: [contacts]}}\n", ""))
    listed(Site(folder), *PEOPLE)
    return folder


def effects(folder: Path, template: Path) -> list[str]:
    counting = Counting()
    with site(folder, template) as here:
        assert apply_once(here, counting) == 0
    return [kind for kind, _ in counting.seen]


def test_stopped_at_every_message_and_every_append_around_it(
    template: Path, mails: MailServer, tmp_path: Path, as_many_effects_every_time: None
) -> None:
    kinds = effects(tmp_path / "whole", template)
    mail = [at for at, kind in enumerate(kinds) if kind == "smtp"]
    assert COUNT == len(mail)
    appends = [at for at, kind in enumerate(kinds) if kind == "link" and mail[0] - 8 < at < mail[-1] + 8]
    found = [
        stopped(tmp_path / f"{at}-{mode}", template, mails, at, mode)
        for at in (*mail, *appends)
        for mode in ("before", "after")
    ]
    assert {0, 1} == set(found)


@pytest.mark.deep(seconds=15)
def test_stopped_at_every_effect_of_telling(
    template: Path, mails: MailServer, tmp_path: Path, as_many_effects_every_time: None
) -> None:
    kinds = effects(tmp_path / "whole", template)
    mail = [at for at, kind in enumerate(kinds) if kind == "smtp"]
    for at in range(mail[0] - 12, mail[-1] + 20):
        for mode in ("before", "after", "torn"):
            stopped(tmp_path / f"{at}-{mode}", template, mails, at, mode)
