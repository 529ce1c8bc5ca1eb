"""Two applies at once: one works, the other is told who does. What happened between looking and locking is seen under
the lock."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from crmstate.cli.compose import House
from crmstate.sandbox import World
from crmstate.store.store import Store

from .outside import Outside, Running, agrees, lock_is_free, until
from .scenes import calm, effects, rows_added
from .site import Site

APPLY = ("apply", "--yes")


@pytest.fixture
def busy(far: Outside) -> Running:
    """An apply that waits for the vendor in the middle of its work; the vendor answers the rest at once."""
    far.fault("latency", path="/v1/users/*", method="POST", ms=60_000, times=1)
    running = far.begin(*APPLY)
    until(far.met, "the long call")
    return running


def stopped(running: Running) -> bool:
    return Path(f"/proc/{running.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_the_second_of_two_applies_is_told_who_works(far: Outside, busy: Running) -> None:
    said = far.command(*APPLY)
    assert said.code == 4
    assert f"pid {busy.pid}" in said.err and "is locked by" in said.err and f"kill {busy.pid}" in said.err
    told = far.command(*APPLY, "--format", "json")
    assert told.code == 4
    found = told.json["diagnostics"]
    assert [each["code"] for each in found] == ["CRM-S004"]
    assert found[0]["params"]["pid"] == busy.pid
    assert not busy.ended


def test_whatever_writes_is_told_too(far: Outside) -> None:
    assert far.command("plan", "--out", "plan.json", "--quiet").code == 0
    far.fault("latency", path="/v1/users/*", method="POST", ms=60_000, times=1)
    running = far.begin(*APPLY)
    until(far.met, "the long call")
    place, plan = ("--folder", str(far.folder)), str(far.folder / "plan.json")
    for args in (
        ("apply", plan, "--yes"),
        ("approve", plan),
        ("confirm", "freeze/cutover", str(far.manifest)),
        ("state", "repair", "exit", *place),
        ("state", "restore", "exit", "--serial", "1", *place),
        ("state", "release", "exit", "Deals", "--why", "no suit", *place),
        ("state", "unlock", "exit", *place),
    ):
        said = far.run(*args)
        assert (said.code, f"pid {running.pid}" in said.err) == (4, True), (args, said.err)


def test_looking_needs_no_lock(far: Outside, busy: Running) -> None:
    manifest, place = str(far.manifest), ("--folder", str(far.folder))
    for args in (
        ("plan", manifest),
        ("status", manifest),
        ("state", "show", "exit", *place),
        ("state", "history", "exit", *place),
    ):
        said = far.run(*args)
        assert said.code == 0, (args, said.err)
    assert not busy.ended


def test_the_lock_of_a_killed_apply_is_free(far: Outside, busy: Running) -> None:
    assert busy.kill()
    calm(far)
    assert lock_is_free(far)
    said = far.command(*APPLY)
    assert said.code == 0, said.out[-300:] + said.err
    agrees(far, far.recorded())
    assert {each["status"] for each in far.truth()["users"] if each["id"].startswith("p")} == {"inactive"}


def test_a_stopped_apply_still_holds_the_lock_and_finishes_rightly_when_it_goes_on(far: Outside) -> None:
    far.fault("latency", path="/v1/users/*", method="POST", ms=1500, times=1, after=True)
    running = far.begin(*APPLY)
    until(far.met, "the long call")
    running.signal(signal.SIGSTOP)
    until(lambda: stopped(running), "the stop")
    before = far.recorded().serial
    said = far.command(*APPLY)
    assert (said.code, f"pid {running.pid}" in said.err) == (4, True)
    assert far.command("state", "unlock", "exit").code == 4
    assert far.recorded().serial == before
    running.signal(signal.SIGCONT)
    said = running.end()
    assert said.code == 0, said.out[-300:] + said.err
    agrees(far, far.recorded())
    assert far.command("plan", "--detailed-exitcode").code == 9
    assert lock_is_free(far)


def test_what_a_dead_holder_left_is_cleared_by_unlock_and_recorded(far: Outside, busy: Running) -> None:
    assert far.command("state", "unlock", "exit").code == 4
    busy.kill()
    said = far.command("state", "unlock", "exit", "--by", "ann@example.com")
    assert (said.code, f"pid {busy.pid}" in said.err) == (0, True)
    assert "unlocked" in far.command("state", "history", "exit").out
    again = far.command("state", "unlock", "exit")
    assert (again.code, "CRM-S030" in again.err) == (1, True)


def test_the_vendor_that_an_apply_starts_does_not_inherit_the_lock(far: Outside) -> None:
    """The embedded vendor outlives the command; a lock that it held would never be free again."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc here to see open files in")
    assert far.vendor is not None
    far.vendor.kill()
    far.vendor.wait()
    far.fault("latency", path="/v1/users/*", method="POST", ms=60_000, times=1)
    running = far.begin(*APPLY)
    until(far.met, "the long call")
    vendor = json.loads((far.folder / "acme.db.server.json").read_bytes())["pid"]
    try:
        opened = {str(each.readlink()) for each in Path(f"/proc/{vendor}/fd").iterdir()}
        assert not any(".crmstate" in each for each in opened)
        assert running.kill()
        os.kill(vendor, 0)
        assert lock_is_free(far)
    finally:
        os.kill(vendor, signal.SIGKILL)


def raced(monkeypatch: pytest.MonkeyPatch, between: object) -> None:
    """Lets something happen after a command has read its plan and its manifest, and before it holds the lock."""
    real = House.store

    def store(house: House) -> Store:
        monkeypatch.setattr(House, "store", real)
        between()  # type: ignore[operator]
        return real(house)

    monkeypatch.setattr(House, "store", store)


def test_a_saved_plan_that_another_apply_has_carried_out_meanwhile_does_nothing_more(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = here.folder / "plan.json"
    assert here.plan("--out", str(plan)).code == 0
    happened: list[int] = []

    def other() -> None:
        assert here.apply().code == 0
        happened.append(len(effects(here)))

    raced(monkeypatch, other)
    said = here.run("apply", str(plan), "--yes")
    assert said.code in (0, 5), said.out + said.err
    assert [len(effects(here))] == happened
    assert here.twice() == []


def test_a_saved_plan_whose_world_changed_before_the_lock_refuses_what_changed(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = here.folder / "plan.json"
    assert here.plan("--out", str(plan)).code == 0

    def other() -> None:
        with World.open(here.data) as world, world.transaction():
            world.run("UPDATE users SET role = 'admin', modified_at = '2026-11-01T09:00:00Z' WHERE id = 'p1'")

    raced(monkeypatch, other)
    said = here.run("apply", str(plan), "--yes")
    assert said.code == 5, said.out + said.err
    assert next(each["status"] for each in here.truth()["users"] if each["id"] == "p1") == "active"


def test_rows_that_came_after_a_saved_plan_are_not_destroyed_beyond_what_its_reviewers_saw(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = here.folder / "plan.json"
    assert here.plan("--out", str(plan)).code == 0
    raced(monkeypatch, lambda: rows_added(here, "deals", "late-1", "late-2"))
    said = here.run("apply", str(plan), "--yes")
    assert said.code == 5, said.out + said.err
    assert next(each["rows"] for each in here.truth()["datasets"] if each["id"] == "deals") == 9


def test_a_hold_that_was_recorded_after_a_saved_plan_stops_its_purge(here: Site) -> None:
    """Nobody lifts a hold by leaving it out, and so not by applying a plan from before it."""
    without = here.manifest.read_text(encoding="utf-8")
    plan = here.folder / "plan.json"
    assert here.apply("--target", "archive/*").code == 0
    assert here.plan("--out", str(plan)).code == 0
    here.change("bin: emptied}", "bin: emptied, holds: [Deals]}")
    assert here.apply("--target", "freeze/*").code == 0
    here.write(without)
    said = here.run("apply", str(plan), "--yes")
    deals = next(each for each in here.truth()["datasets"] if each["id"] == "deals")
    assert (deals["rows"], deals["bin_rows"], said.code) == (7, 0, 3), said.out + said.err


def test_a_plan_that_was_begun_and_killed_is_gone_on_with(far: Outside) -> None:
    assert far.command("plan", "--out", "plan.json", "--quiet").code == 0
    far.fault("latency", path="/v1/users/*", method="POST", ms=60_000, times=1)
    running = far.begin("apply", "plan.json", "--yes")
    until(far.met, "the long call")
    assert running.kill()
    calm(far)
    said = far.command("apply", "plan.json", "--yes")
    assert said.code == 0, said.out[-300:] + said.err
    agrees(far, far.recorded())
