"""SIGKILL at random moments, the vendor in its own process. The state always parses, and the next apply goes on, until
the end is as if nothing had happened: the World agrees, nothing irreversible happened twice, a second plan is empty,
the lock is free.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmstate.archive.folder import FolderArchive
from crmstate.cli.clock import RealClock
from crmstate.cli.effects import Straight
from crmstate.core.words import Outcome, Proof
from crmstate.sandbox import World

from .outside import Outside, lock_is_free, once, outside, sound
from .scenes import ending
from .site import MANIFEST, Site, small_world

APPLY = ("apply", "--yes", "--parallel", "4", "--format", "json")
ROWS = 1500


def world(folder: Path) -> None:
    """Users, keys, integrations, sessions and three thousand rows, at a vendor that takes its time, before an effect
    or after it."""
    small_world(folder / "acme.db", users=24, rows=ROWS)
    with World.open(folder / "acme.db") as made:
        for number in range(10, 20):
            made.add_key(f"k{number}", f"p{number}", name=f"key {number}")
            made.add_integration(
                f"i{number}", type=("webhook", "oauth_app", "workflow")[number % 3], name=f"flow {number}"
            )
        made.add_fault("latency", method="POST", rate=0.5, ms=25, after=True)
        made.add_fault("latency", method="POST", ms=25)
        made.add_fault("latency", method="GET", rate=0.3, ms=10)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A larger site, whose vendor takes its time."""
    folder = tmp_path_factory.mktemp("slow")
    world(folder)
    (folder / "crmstate.yaml").write_text(MANIFEST, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def whole(slow: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    """The undisturbed run: how many chunks its journal has, and its end."""
    with outside(tmp_path_factory.mktemp("whole") / "site", slow) as here:
        said = here.command(*APPLY)
        assert said.code == 0, said.out[-500:] + said.err
        length = here.chunks()
        completed(here)
        return length, ending(here)


def completed(here: Outside) -> None:
    """Time passes, the account closes; then there is nothing more to do, and nobody holds anything."""
    here.advance("8d")
    said = here.command(*APPLY)
    assert said.code == 0, said.out[-500:] + said.err
    assert here.command("plan", "--detailed-exitcode").code == 0
    assert here.twice() == []
    assert lock_is_free(here)
    state = sound(here)
    assert state is not None
    assert state.open() == {}
    assert once(state)
    archived(here)


def archived(here: Site) -> None:
    """Every row that is gone lies in the archive."""
    archive = FolderArchive(here.folder / "archive" / "exit", Straight(), RealClock(), "test")
    for dataset in ("contacts", "deals"):
        assert set(archive.ids(dataset)) == {f"{dataset[0]}{number:03}" for number in range(ROWS)}
        assert sum(1 for _ in archive.rows(dataset)) == ROWS


def killed(here: Outside, chance: random.Random, length: int) -> bool:
    """One apply, killed at a random moment: while it starts and plans, or anywhere on its way, counted by the journal
    and not by the clock, so that a slow machine and a fast one are met alike. False: it had ended before."""
    if chance.random() < 0.15:
        return here.killed(*APPLY, far=0, late=chance.random())
    before = here.chunks()
    far = before + 1 + int((length - before) * chance.random() ** 1.5)
    return here.killed(*APPLY, far=far, late=0.06 * chance.random())


def kills(template: Path, whole: tuple[int, dict[str, Any]], folder: Path, seed: int, count: int) -> list[int]:
    """So many kills, over as many worlds as they take; each world comes to its end. What the record had open after
    each kill."""
    chance, found, worlds = random.Random(seed), list[int](), 0
    while len(found) < count:
        worlds += 1
        with outside(folder / str(worlds), template) as here:
            while len(found) < count and killed(here, chance, whole[0]):
                state = sound(here)
                found.append(len(state.open()) if state is not None else 0)
            said = here.command(*APPLY)
            assert said.code == 0, said.out[-500:] + said.err
            completed(here)
            assert ending(here) == whole[1]
    print(f"seed {seed}: {len(found)} kills over {worlds} worlds; {sum(each > 0 for each in found)} left steps open")
    return found


def test_an_apply_that_is_killed_again_and_again_comes_to_the_same_end(slow: Path, whole: Any, tmp_path: Path) -> None:
    loose = kills(slow, whole, tmp_path, seed=1, count=8)
    assert any(loose)


@pytest.mark.deep(seconds=15)
@pytest.mark.parametrize("seed", range(10, 20))
def test_a_hundred_kills_are_survived(seed: int, slow: Path, whole: Any, tmp_path: Path) -> None:
    """Ten times ten: together with every state between two of them."""
    kills(slow, whole, tmp_path, seed=seed, count=10)


PEOPLE = MANIFEST.replace(
    "end_state:",
    "people: [{id: training, title: Train, owner: hr@example.com, proof: attested, before: freeze}]\nend_state:",
)
APPROVED = MANIFEST.replace("end_state:", "safeguards: {approvals: {irreversible: 2}}\nend_state:")


def moments(far: Outside, args: tuple[str, ...], count: int) -> Iterator[bool]:
    """Runs a command once, then so many times more, and kills those at moments spread over its duration. Gives after
    each whether it was killed."""
    began = time.monotonic()
    said = far.command(*args)
    assert said.code in (0, 3), said.err
    seconds = time.monotonic() - began
    for number in range(count):
        running = far.begin(*args)
        time.sleep(seconds * (number + 1) / (count + 1))
        yield running.kill()


def test_a_plan_that_is_killed_while_it_is_saved_leaves_the_old_one_or_the_new_one(far: Outside) -> None:
    plan = far.folder / "plan.json"
    for _ in moments(far, ("plan", "--out", "plan.json", "--quiet"), 6):
        saved = json.loads(plan.read_bytes())
        assert len(saved["steps"]) >= 30
        assert plan.stat().st_mode & 0o777 == 0o600
        left = [path for path in far.folder.iterdir() if path.name.startswith("plan.json.")]
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in left)
    assert far.truth()["effects"] == 0
    assert far.command("apply", "plan.json", "--yes").code == 0


def test_a_confirmation_that_is_killed_is_whole_or_was_never_given(far: Outside) -> None:
    far.write(PEOPLE)
    (far.folder / "signed.pdf").write_bytes(b"signed" * 1000)
    confirm = ("confirm", "human_step/training", "--by", "hr@example.com", "--evidence", "signed.pdf")
    evidence = far.state_folder / "evidence"
    before = far.begin(*confirm)
    while not far.holds(before):
        time.sleep(0.002)
    before.kill()
    for _ in moments(far, confirm, 5):
        state = sound(far)
        assert state is not None
        entries = [entry for entry in state.entries.values() if entry.address == "human_step/training"]
        assert [entry.outcome for entry in entries] == [Outcome.DONE]
        kept = [path for path in evidence.iterdir() if not path.name.endswith(".tmp")]
        assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in kept] == [path.name for path in kept]
    said = far.command(*confirm)
    assert (said.code, "CRM-C009" in said.err) == (3, True)
    assert [entry.proof for entry in far.recorded().entries.values()] == [Proof.ATTESTED]
    assert lock_is_free(far)


def test_an_approval_that_is_killed_counts_once_or_not_at_all(far: Outside) -> None:
    far.write(APPROVED)
    assert far.command("plan", "--out", "plan.json", "--quiet").code == 0
    approve = ("approve", "plan.json", "--by", "ann@example.com")
    for _ in moments(far, approve, 6):
        state = sound(far)
        assert state is not None
        assert {each.by for each in state.approvals} <= {"ann@example.com"}
    said = far.command("apply", "plan.json", "--yes")
    assert said.code == 3, said.err
    truth = far.truth()
    assert {each["status"] for each in truth["api_keys"]} == {"active"}
    assert truth["subscription"]["status"] == "active"
    assert far.command("approve", "plan.json", "--by", "bob@example.com").code == 0
    assert far.command("apply", "plan.json", "--yes").code == 0
    assert far.truth()["subscription"]["status"] == "cancelled"
    assert far.twice() == []
