"""A rehearsal plays the whole plan on a simulator that is seeded from what the vendor shows, and leaves the vendor alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from crmstate.cli import embedded, playing
from crmstate.cli.commands.apply import Wish
from crmstate.cli.compose import House
from crmstate.cli.screen import Screen
from crmstate.core.closing import Closing
from crmstate.core.words import Exit
from crmstate.sandbox import World, seed

from .site import MANIFEST, Site, small_world
from .test_jiandaoyun import example

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[2] / "schemas" / "rehearsal.schema.json").read_text("utf-8"))
)
PEOPLE = "safeguards: {approvals: {irreversible: 2}}\npeople: [{id: training, title: Train sales, owner: hr@example.com, before: freeze}]\n"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "site")
    site.folder.mkdir()
    small_world(site.data, rows=30)
    site.write(MANIFEST)
    site.serve()
    yield site
    site.stop()


def test_the_whole_plan_is_played_and_nothing_is_done_to_the_vendor(here: Site) -> None:
    before = here.truth()

    said = here.run("rehearse", str(here.manifest), "--format", "json", "--rows", "10")

    assert said.code == 0, said.out + said.err
    found = said.json
    assert (found["finished"], found["provider"], found["scaled"]) == (True, "sandbox", {"contacts": 30, "deals": 30})
    did = Counter((each["verb"], each["kind"]) for each in found["scenes"])
    assert did["purge", "dataset"] == 2 and did["archive", "archive"] == 2, did
    assert {("close", "account"), ("cancel", "subscription"), ("revoke", "api_key")} <= did.keys(), did
    assert did["deactivate", "user"] + did["delete", "user"] == 4, "everybody but who stays and whose key is used"
    assert {each["method"] for each in found["evidence"]} >= {"export"}
    assert list(SCHEMA.iter_errors(found)) == [], "what is published of its form holds"
    after = here.truth(log=True)
    assert (after["effects"], after["datasets"]) == (before["effects"], before["datasets"])
    assert not {each["method"] for each in after["log"]} - {"GET"}
    assert {path.name for path in here.folder.iterdir()} == {
        "acme.db", "acme.db-shm", "acme.db-wal", "acme.db.keys.json", "acme.db.server.json", "crmstate.yaml"
    }  # fmt: skip


@pytest.mark.parametrize("keep", [False, pytest.param(True, marks=pytest.mark.deep)])
def test_what_is_wrong_is_shown_where_the_user_wrote_it(here: Site, tmp_path: Path, keep: bool) -> None:
    """The manifest that is played is another one, in a folder of its own, with sections left out."""
    lost = "why: closes the account}, {email: nobody@example.com, why: gone}]"
    here.write("# left out:\nexpect: {users: 6}\n\n" + MANIFEST.replace("why: closes the account}]", lost))
    kept = ("--keep", str(tmp_path / "kept")) if keep else ()
    planned = here.plan("--format", "json").json["diagnostics"]
    wrong = next(each["span"] for each in planned if each["code"] == "CRM-P001")

    said = here.run("rehearse", str(here.manifest), "--format", "json", *kept)

    assert said.code == 3
    assert [each["span"] for each in said.json["found"] if each["code"] == "CRM-P001"] == [wrong]
    assert (wrong["file"], wrong["line"]) == (str(here.manifest), 12)


def test_a_rehearsal_keeps_no_token_in_the_users_folder(here: Site) -> None:
    from crmstate.cli.compose import House
    from crmstate.core.secret import Scrubber
    from crmstate.manifest.load import load

    environ = {"HOME": str(here.folder)}
    found = [House(load(here.manifest), Scrubber(), environ=environ, played=played).kept for played in (False, True)]

    assert found[0] is not None and found[1] is None


def test_names_of_people_are_replaced_and_what_the_manifest_names_is_kept(here: Site, tmp_path: Path) -> None:
    kept = tmp_path / "kept"

    said = here.run("rehearse", str(here.manifest), "--keep", str(kept))

    assert said.code == 0, said.out + said.err
    with World.open(kept / "vendor.db") as world:
        people = {(name, email) for name, email in world.all("SELECT name, email FROM users")}
    assert not [pair for pair in people if "张伟" in pair[0] or "Admin" in pair[0]], people
    assert "owner@example.com" in {email for _, email in people}
    assert (kept / "archive").is_dir() and (kept / "crmstate.yaml").is_file()
    again = here.run("rehearse", str(here.manifest), "--keep", str(kept))
    assert (again.code, "CRM-C061" in again.err) == (64, True), again.err


def test_dates_pass_and_people_are_asked_for_their_part(here: Site) -> None:
    here.change("effective: immediately", "effective: {date: 2027-01-31}")
    here.write(here.manifest.read_text("utf-8") + PEOPLE)

    said = here.run("rehearse", str(here.manifest), "--format", "json")

    assert said.code == 0, said.out + said.err
    found = said.json
    assert (found["finished"], found["ended"][:7]) == (True, "2027-02"), found["ended"]
    assert found["approvals"] == 4, "two for the plan, and two for what is left of it once the contract has ended"
    people = [each for each in found["scenes"] if each["kind"] == "human_step"]
    assert [(each["by"], each["address"]) for each in people] == [("word", "human_step/training")]


def test_a_rehearsal_that_is_interrupted_ends_and_leaves_nothing_behind(here: Site, tmp_path: Path) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    env = {**os.environ, "TMPDIR": str(place)}
    for seconds in (1.5, 3.0, 5.0):
        running = subprocess.Popen(
            [sys.executable, "-m", "crmstate", "rehearse", str(here.manifest)], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )  # fmt: skip
        time.sleep(seconds)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
        assert running.returncode in (0, 8), err
        assert list(place.iterdir()) == [], f"after {seconds} seconds"
        served = subprocess.run(["pgrep", "-f", f"serve --data {place}"], capture_output=True)
        assert served.stdout == b""


def test_an_interrupted_apply_ends_the_rehearsal_too(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(house: House, screen: Screen, wish: Wish, made: object) -> int:
        assert wish.ended is not None
        wish.ended(Closing("r", Exit.INTERRUPTED, ()))
        return int(Exit.INTERRUPTED)

    monkeypatch.setattr(playing, "applied", interrupted)

    assert here.run("rehearse", str(here.manifest)).code == 8


def test_a_simulator_that_nobody_waits_for_any_more_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            started.append(self)

    looks = iter([None])

    def running(ready: Path, data: Path) -> str | None:
        for found in looks:
            return found
        raise KeyboardInterrupt

    monkeypatch.setattr(embedded.subprocess, "Popen", Noted)
    monkeypatch.setattr(embedded, "_running", running)
    with pytest.raises(KeyboardInterrupt):
        embedded.start(tmp_path / "vendor.db")

    assert started[0].returncode not in (None, 0), "it has gone before anybody clears up behind it"


def test_what_stands_in_the_way_is_shown_and_the_exit_says_so(here: Site) -> None:
    here.change("    discard: [{dataset: Dashboards, why: rebuilt, by: head@example.com}]\n", "")

    said = here.run("rehearse", str(here.manifest))

    assert said.code == 3, said.out
    assert "did NOT come to its end" in said.out and "Blocked: dataset/dashboards" in said.out, said.out


def test_where_much_is_done_by_hand_people_play_their_part_in_both_languages(tmp_path: Path) -> None:
    corp = Site(tmp_path / "corp")
    corp.folder.mkdir()
    seed(corp.folder / "jdy.db", dialect="jiandaoyun", contacts=120, users=6)
    corp.write(example())
    try:
        said = corp.run("rehearse", str(corp.manifest), "--lang", "zh-CN")
        assert said.code == 0, said.out + said.err
        assert "已走到终点" in said.out and "人工" in said.out, said.out
        table = corp.run("rehearse", str(corp.manifest), "--format", "markdown")
        assert "| a person: `revops@example.com` | close account | 1 |" in table.out, table.out
        corp.change("  account: {status: deleted}\n", "")  # with which its own key was to end
        stuck = corp.run("rehearse", str(corp.manifest))
        assert (3, True) == (stuck.code, "Still waiting: check api_key/own" in stuck.out), stuck.out
    finally:
        corp.run("sandbox", "stop", "--data", str(corp.folder / "jdy.db"))


def test_a_vendor_without_a_simulator_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    site.folder.mkdir()
    site.write(
        "apiVersion: crmstate/v1\nkind: Decommission\nname: exit\n"
        "provider: {name: tryton, tenant: x, url: 'http://127.0.0.1:1/', credentials: {read: {password: {env: TRYTON_P}}}}\n"
        "cutover: {freeze: now}\nend_state: {account: {status: deleted}}\n"
    )

    said = site.run("rehearse", str(site.manifest))

    assert (said.code, "CRM-C060" in said.err) == (3, True), said.err
