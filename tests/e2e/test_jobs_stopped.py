"""Ctrl-C while the vendor works on a job: nothing is waited for any more, and the next apply waits for the same job again."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.sandbox import World

from .outside import Outside, lock_is_free, outside, until
from .scenes import effects
from .site import MANIFEST, small_world

HEAD = MANIFEST.partition("end_state:")[0]


@pytest.fixture
def far(archive: str, tmp_path: Path) -> Iterator[Outside]:
    template = tmp_path / "template"
    template.mkdir()
    small_world(template / "acme.db", users=0)
    manifest = f"{HEAD}end_state:\n  data:\n    archive: {{to: archive/, {archive}}}\n"
    (template / "crmstate.yaml").write_text(manifest, encoding="utf-8")
    with outside(tmp_path / "site", template) as made:
        yield made


@pytest.mark.parametrize(("archive", "parallel"), [("by: jobs", "4"), ("datasets: [contacts], backup: required", "1")])
def test_the_first_ctrl_c_does_not_wait_for_a_job(parallel: str, far: Outside) -> None:
    with World.open(far.data) as world:
        world.set_traits(job_polls=10_000)
    running = far.begin("apply", "--yes", "--parallel", parallel)
    until(lambda: any(each["verb"] == "submit" for each in effects(far)), "a job")
    time.sleep(2.5)
    before = time.monotonic()

    running.signal(signal.SIGINT)
    said = running.end()

    assert (said.code, time.monotonic() - before < 20, lock_is_free(far)) == (8, True, True), said.err
    assert far.recorded().last_exit == 8
    submitted = sum(each["verb"] == "submit" for each in effects(far))
    with World.open(far.data) as world:
        world.run("UPDATE jobs SET polls = 0")
        world.set_traits(job_polls=0)
    assert far.command("apply", "--yes").code == 0
    jobs = sum(each["verb"] == "submit" for each in effects(far))
    assert jobs <= max(submitted, 2), "the job that was under way is not submitted again"
