"""Input that nobody means: impossible times, names that are no text, files in the place of folders. None of it is a bug
of ours (70), and none is silently taken for something else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from .site import MANIFEST, Site

NO_TEXT = "a\udcffb"
"""What a byte that is no UTF-8 becomes in an argument or in the environment."""


@pytest.mark.parametrize("time", ["", " ", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
@pytest.mark.parametrize("command", ["plan", "status"])
def test_an_impossible_time_to_look_from_is_64(command: str, time: str, here: Site) -> None:
    said = here.run(command, str(here.manifest), "--as-of", time)
    assert (said.code, "CRM-C014" in said.err) == (64, True), said.err


@pytest.mark.parametrize("time", ["", "0001-01-01T00:00+14:00"])
def test_an_impossible_end_of_a_waiver_is_64(time: str, here: Site) -> None:
    here.write(MANIFEST + "people: [{id: training, title: t, owner: hr@example.com, before: freeze}]\n")
    said = here.run("confirm", "human_step/training", str(here.manifest), "--waive", "--note", "no", "--expires", time)
    assert (said.code, "CRM-C014" in said.err) == (64, True), said.err


@pytest.mark.parametrize("time", ["0001-01-01T00:00+14:00", "0001-01-01T00:00", "9999-12-31T23:59-14:00"])
def test_a_freeze_that_no_clock_of_ours_shows_is_65(time: str, here: Site) -> None:
    here.change("freeze: now", f"freeze: {time}")
    said = here.plan()
    assert (said.code, "CRM-M052" in said.err) == (65, True), said.err


def test_a_name_that_is_no_text_is_recorded_as_far_as_it_is_one(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    here.write(MANIFEST + "people: [{id: training, title: t, owner: hr@example.com, before: freeze}]\n")
    monkeypatch.setenv("CRMSTATE_BY", NO_TEXT)
    monkeypatch.setenv("USER", NO_TEXT)
    monkeypatch.setenv("LOGNAME", NO_TEXT)
    monkeypatch.setenv("CI_JOB_URL", NO_TEXT)
    assert here.apply().code == 0
    said = here.run("confirm", "human_step/training", str(here.manifest), "--note", NO_TEXT)
    assert said.code == 0, said.err
    assert here.apply("--format", "json").code == 0
    said = here.run("state", "history", "exit", "--folder", str(here.folder), "--format", "json")
    assert said.code == 0
    assert "a?b" in said.out


IMPOSSIBLE = ["crmstate.yaml/acme.db", "x" * 200 + "/" + "y" * 250]
if os.geteuid() != 0:  # root may write anywhere
    IMPOSSIBLE.append("closed/acme.db")


@pytest.mark.parametrize("place", IMPOSSIBLE)
def test_an_embedded_vendor_in_an_impossible_place_is_an_error_that_names_it(
    place: str, here: Site, tmp_path: Path
) -> None:
    (here.folder / "closed").mkdir(mode=0o500)
    here.change("acme.db", place)
    said = here.plan()
    assert (said.code, "CRM-C021" in said.err) == (1, True), said.err


@pytest.mark.parametrize("options", [("--exclude", "*"), ("--target", "archive/contacts", "--exclude", "archive/*")])
@pytest.mark.parametrize("format", ["text", "markdown"])
def test_a_plan_of_which_nothing_is_left_does_not_say_that_everything_is_done(
    format: str, options: tuple[str, ...], here: Site
) -> None:
    said = here.plan(*options, "--format", format)
    assert (said.code, "Everything is as the manifest says" in said.out) == (0, False)
    assert "left out by hand" in said.out


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: b"{",
        lambda data: b" \n{",
        lambda data: data[:40],
        lambda data: data[: len(data) // 2],
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: b'{"format_version": "1.0"}',
        lambda data: b"{}",
        lambda data: data.replace(b'"steps":', b'"steps":{', 1),
    ],
)
@pytest.mark.parametrize("format", ["text", "json"])
def test_a_plan_that_was_cut_short_is_called_no_plan_and_not_bad_yaml(
    format: str, harm: Callable[[bytes], bytes], here: Site
) -> None:
    plan = here.folder / "plan.json"
    assert here.plan("--out", str(plan)).code == 0
    plan.write_bytes(harm(plan.read_bytes()))
    said = here.run("apply", str(plan), "--yes", "--format", format)
    text = said.err if format == "text" else said.json["diagnostics"][0]["code"]
    assert (said.code, "CRM-S044" in text or "CRM-C003" in text, "YAML" in said.out + said.err) == (64, True, False)


def test_a_manifest_in_braces_is_still_a_manifest(here: Site) -> None:
    here.write(json.dumps(YAML(typ="safe").load(MANIFEST)))
    assert here.plan().code == 0
    assert here.apply("--target", "archive/contacts").code == 0


@pytest.mark.parametrize("options", [("plan", "--lang", "fr"), ("sandbox", "seed", "--users", "-5")])
def test_an_option_that_makes_no_sense_is_refused_and_not_replaced_by_another(
    options: tuple[str, ...], here: Site
) -> None:
    said = here.run(*options)
    assert (said.code, "CRM-C001" in said.err) == (64, True), said.err


def test_a_folder_is_no_plan_to_approve(here: Site) -> None:
    said = here.run("approve", str(here.folder))
    assert (said.code, "CRM-C003" in said.err) == (64, True), said.err
