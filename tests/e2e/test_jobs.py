"""A decommissioning whose archive is made by the vendor's export jobs: planned with their cost, submitted once whatever
happens, and purged only behind a whole archive."""

from __future__ import annotations

import gc
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyrage
import pytest

from crmstate.sandbox import World

from .scenes import apply, effects, ending, finish, rows_added
from .site import MANIFEST, Site, rows_of, site, small_world
from .test_crash_points import Counting, Crash, apply_once, every_point

pytestmark = pytest.mark.usefixtures("quick")

BY_JOBS = MANIFEST.replace("datasets: all,", "datasets: all, by: jobs,")
ALONE = f"{MANIFEST.partition('end_state:')[0]}end_state:\n  data:\n    archive: {{to: archive/, by: jobs}}\n"


def submitted(here: Site) -> int:
    return sum(each["verb"] == "submit" for each in effects(here))


def small_jobs(here: Site) -> None:
    """Seven rows make three jobs of two files."""
    with World.open(here.data) as world:
        world.set_traits(job_rows=3, job_file_rows=2)


def test_the_whole_end_by_jobs_is_the_end_by_pages(here: Site, tmp_path: Path) -> None:
    here.write(BY_JOBS)
    small_jobs(here)
    assert apply(here)[0] == 0
    assert submitted(here) == 2 * 2 * 3, "two datasets, an archive and a delta each, three jobs of each"
    rows = [json.loads(line) for line in rows_of(here.folder / "archive", "contacts").splitlines()]
    assert {each["id"]: each["fields.Name"] for each in rows} == {f"c{n:03}": f"客户 {n}" for n in range(7)}
    finish(here, "8d")
    with site(tmp_path / "pages") as pages:
        small_jobs(pages)
        assert apply(pages)[0] == 0
        finish(pages, "8d")
        assert ending(here) == ending(pages)


def test_the_plan_says_what_jobs_cost_and_submits_none(here: Site) -> None:
    here.write(BY_JOBS)
    made = here.plan("--format", "json").json
    jobs = {step["verb"]: step.get("jobs") for step in made["steps"] if step["address"] == "archive/contacts"}
    assert jobs == {"archive": 1, "verify": 1, "delta": 1}, "where the verification meets other rows"
    assert submitted(here) == 0
    here.write(MANIFEST)
    assert not any(step.get("jobs") for step in here.plan("--format", "json").json["steps"])


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("job_fails", {"nth": [2]}),
        ("job_vanishes", {"nth": [2]}),
        ("result_ends", {"nth": [3]}),
        ("cut_result", {"nth": [3, 4]}),
        ("short_result", {"nth": [3, 4]}),
        ("throttled", {"every": 3}),
    ],
)
def test_a_job_that_goes_wrong_now_and_then_is_made_up_for(here: Site, fault: str, rule: dict[str, Any]) -> None:
    here.write(ALONE)
    here.fault(fault, path="/v1/exports/*", **rule)
    assert here.apply().code == 0
    assert len(rows_of(here.folder / "archive").splitlines()) == 14
    assert submitted(here) <= 3


@pytest.mark.parametrize("fault", ["job_fails", "job_vanishes", "cut_result", "short_result", "result_ends"])
def test_a_job_that_always_goes_wrong_ends_in_no_archive_and_no_purge(here: Site, fault: str) -> None:
    here.write(BY_JOBS)
    here.fault(fault, path="/v1/exports/*")
    said = here.apply()
    assert said.code == 6, said.out
    assert not (here.folder / "archive" / "exit" / "manifest.json").exists()
    assert {each["rows"] for each in here.truth()["datasets"] if each["exportable"]} == {7}
    assert submitted(here) <= 2 * 4


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "malformed_body"])
def test_a_submission_without_an_answer_happens_once(here: Site, fault: str) -> None:
    here.write(ALONE)
    here.fault(fault, path="/v1/exports", method="POST", times=1)
    here.apply()
    assert here.apply().code == 0
    assert submitted(here) == 2


def test_a_delta_by_jobs_takes_what_came_since(here: Site) -> None:
    here.write(BY_JOBS.replace("freeze: now", "freeze: 2099-01-01T00:00"))
    assert here.apply().code == 0
    rows_added(here, "deals", "late")
    here.write(BY_JOBS)
    assert apply(here)[0] == 0
    assert b'"late"' in rows_of(here.folder / "archive", "deals")


def test_an_encrypted_archive_by_jobs_leaves_nothing_plain_on_this_machine(here: Site) -> None:
    key = pyrage.x25519.Identity.generate()
    here.write(ALONE.replace("by: jobs", f"by: jobs, encrypt_to: [{key.to_public()}]"))
    small_jobs(here)
    seen: set[str] = set()

    class Watching(Counting):
        """Looks at everything that is written, as soon as it is."""

        def do(self, kind: str, what: str, act: Any, torn: Any = None) -> Any:
            found = super().do(kind, what, act, torn)
            for path in here.folder.rglob("*"):
                if path.is_file() and not path.name.startswith("acme.db"):
                    data = path.read_bytes()
                    seen.update(str(path) for text in ("客户".encode(), b"rows_001", b"PK\x03\x04") if text in data)
            return found

    assert apply_once(here, Watching()) == 0
    assert seen == set()
    assert list((here.folder / "archive").rglob("*.source.zip.age"))


def points_of(folder: Path, template: Path) -> tuple[list[tuple[int, str]], int]:
    """Every effect of an undisturbed run, before, after and torn, from the first of the archive on; and how many jobs it
    submits."""
    template.mkdir()
    small_world(template / "acme.db", users=0)
    (template / "crmstate.yaml").write_text(ALONE, encoding="utf-8")
    with site(folder, template) as here:
        small_jobs(here)
        counted = Counting()
        assert apply_once(here, counted) == 0
        return every_point(counted.seen), submitted(here)


def survived(tmp_path: Path, part: int, share: int) -> None:
    template = tmp_path / "template"
    points, wanted = points_of(tmp_path / "whole", template)
    for at, mode in points[part::share]:
        with site(tmp_path / f"{at}-{mode}", template) as here:
            small_jobs(here)
            with suppress(Crash):
                apply_once(here, Counting(at, mode))
            gc.collect()
            assert apply_once(here, Counting()) == 0, (at, mode)
            assert submitted(here) == wanted, f"{mode} effect {at}"
            assert len(rows_of(here.folder / "archive").splitlines()) == 14


def test_some_crash_points_of_jobs_are_survived_and_none_is_submitted_twice(
    tmp_path: Path, as_many_effects_every_time: None
) -> None:
    survived(tmp_path, 7, 100)


@pytest.mark.deep(seconds=50)
@pytest.mark.parametrize("part", range(8))
def test_every_crash_point_of_jobs_is_survived(part: int, tmp_path: Path, as_many_effects_every_time: None) -> None:
    survived(tmp_path, part, 8)
