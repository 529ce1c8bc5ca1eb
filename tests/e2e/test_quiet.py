"""--quiet: one line, and what somebody must act on. Machines, and whoever is asked, get everything."""

from __future__ import annotations

import io
import json

import pytest

from .site import MANIFEST, Site

TRAINING = "people: [{id: training, title: Train, owner: hr@example.com, before: freeze}]\n"


def test_a_plan_is_one_line_where_nobody_has_to_act(here: Site) -> None:
    said = here.plan("--quiet")
    assert (said.code, said.out) == (0, "27 steps to do, 16 of them irreversible, 3 waiting.\n")


def test_a_plan_names_people_blockers_and_warnings(here: Site) -> None:
    here.write(
        MANIFEST.replace("    discard: [{dataset: Dashboards, why: rebuilt, by: head@example.com}]\n", "") + TRAINING
    )
    here.change("freeze: now", "freeze: 2020-12-15T18:00Z")
    said = here.plan("--quiet")
    for part in ("human_step/training", "hr@example.com", "Dashboards", "CRM-P055"):
        assert part in said.out
    assert "archive/contacts" not in said.out


def test_a_broken_safeguard_is_said(here: Site) -> None:
    here.write(MANIFEST + "safeguards: {max_removals: 1}\n")
    said = here.plan("--quiet")
    assert (said.code, "CRM-P051" in said.out) == (3, True)


def test_an_apply_is_one_line_where_nobody_has_to_act(here: Site) -> None:
    said = here.apply("--quiet")
    assert (said.code, said.out.count("\n"), said.err) == (0, 1, "")
    assert " done, " in said.out
    here.advance("8d")
    assert here.apply("--quiet").out.count("\n") == 1
    assert here.apply("--quiet").out.count("\n") == 1


def test_an_apply_names_whom_it_waits_for_and_what_failed(here: Site) -> None:
    here.write(MANIFEST + TRAINING)
    said = here.apply("--quiet")
    assert (said.code, "confirm human_step/training" in said.out, "freeze/cutover" in said.out) == (0, True, False)
    here.run("confirm", "human_step/training", str(here.manifest))
    here.fault("refused", path="/v1/bin/empty")
    said = here.apply("--quiet")
    assert (said.code, "CRM-E006" in said.out, "Exit 6" in said.out) == (6, True, True)


def test_machines_get_everything(here: Site) -> None:
    assert here.plan("--quiet", "--format", "json").out == here.plan("--format", "json").out
    assert here.plan("--quiet", "--format", "markdown").out == here.plan("--format", "markdown").out
    events = [json.loads(line)["event"] for line in here.apply("--quiet", "--format", "json").out.splitlines()]
    assert (events[0], events[-1]) == ("format", "closing")


def test_whoever_is_asked_sees_the_plan_and_the_question(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    said = here.run("apply", str(here.manifest), "--quiet")
    assert (said.code, "revoke  api_key/k0" in said.out) == (3, True)
    assert "16" in said.err
