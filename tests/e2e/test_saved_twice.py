"""A saved plan that is applied again: what an earlier run did is not called this run's work, and nothing is called
verified that nobody looked at."""

from __future__ import annotations

import json

import pytest

from .site import HEAD, Site


@pytest.fixture
def twice(here: Site) -> Site:
    """A site whose saved plan was applied once, to its end."""
    assert here.run("plan", str(here.manifest), "--target", "archive/*", "--out", str(here.folder / "p.json")).code == 0
    first = here.run("apply", str(here.folder / "p.json"), "--yes")
    assert (first.code, first.out.splitlines()[0]) == (0, "20 done.")
    return here


def test_what_was_done_before_is_counted_apart(twice: Site) -> None:
    again = twice.run("apply", str(twice.folder / "p.json"), "--yes")
    assert (again.code, again.out.splitlines()[0]) == (0, "20 already done.")
    chinese = twice.run("apply", str(twice.folder / "p.json"), "--yes", "--lang", "zh-CN")
    assert chinese.out.splitlines()[0] == "此前已完成 20。"


def test_machines_read_the_same(twice: Site) -> None:
    again = twice.run("apply", str(twice.folder / "p.json"), "--yes", "--format", "json")
    events = [json.loads(line) for line in again.out.splitlines()]
    finished = next(each for each in events if each["event"] == "finished")
    assert (finished["counts"]["done"], finished["counts"]["already_done"]) == (0, 20)
    assert events[-1]["counts"] == finished["counts"]
    assert {step["result"] for step in events[-1]["steps"]} == {"already_done"}


def test_a_plan_that_does_nothing_any_more_verifies_nothing_either(here: Site) -> None:
    plan = str(here.folder / "p.json")
    here.write(HEAD + "end_state: {sessions: {status: ended}}\n")
    assert here.plan("--out", plan).code == 0
    assert here.run("apply", plan, "--yes").code == 0
    verified = here.run("status", str(here.manifest), "--offline", "--format", "json").json["verified_at"]
    assert here.world is not None
    here.world.add_session("late", "p1")
    here.advance("1d")
    assert here.run("apply", plan, "--yes").code == 0
    assert here.run("status", str(here.manifest), "--offline", "--format", "json").json["verified_at"] == verified
