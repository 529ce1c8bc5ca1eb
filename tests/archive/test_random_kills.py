"""An export of 100 segments, killed a hundred times at random by SIGKILL: nothing is missing or twice, and what comes out
equals what an undisturbed run gives."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.pages import SIZE, served

from ..benchmarks import take

KILLS, SEGMENTS, PAGES = 100, 100, 5
"""A segment has so many pages of 200 rows."""
ROWS = SEGMENTS * PAGES * SIZE
RUN = (
    "import runpy, sys; from crmstate.archive import press; press.SEGMENT_ROWS = int(sys.argv.pop(1)); "
    "sys.argv[0] = sys.argv.pop(1); runpy.run_path(sys.argv[0], run_name='__main__')"
)


def started(url: str, folder: Path) -> subprocess.Popen[bytes]:
    """An export of the whole dataset in a process of its own."""
    words = [sys.executable, "-c", RUN, str(PAGES * SIZE), str(take.__file__), url, str(folder), f"a-{ROWS}"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])


def sealed(folder: Path) -> dict[str, bytes]:
    """Every segment and index, byte for byte: they do not depend on when they were written."""
    return {path.name: path.read_bytes() for path in sorted((folder / "data").rglob("*.zst"))}


@pytest.mark.deep(seconds=60)
def test_a_hundred_kills_at_random_change_nothing(tmp_path: Path) -> None:
    chance = random.Random(20261128)
    with served() as url:
        began = time.monotonic()
        whole = started(url, tmp_path / "whole")
        out, _ = whole.communicate(timeout=300)
        took = time.monotonic() - began
        assert json.loads(out)["rows"] == ROWS
        wanted = sealed(tmp_path / "whole")
        killed, ran, rounds = 0, 0, 0
        while killed < KILLS:
            rounds += 1
            folder = tmp_path / f"cut-{rounds}"
            for _ in range(KILLS):
                running = started(url, folder)
                try:
                    running.wait(timeout=0.35 + chance.random() * took / 8)
                    ran += 1
                    break
                except subprocess.TimeoutExpired:
                    running.kill()
                    running.wait()
                    killed += 1
            else:
                running = started(url, folder)
            running.wait(timeout=300)
            assert running.returncode == 0
            assert sealed(folder) == wanted, f"after {killed} kills"
            shutil.rmtree(folder)
    assert len([name for name in wanted if name.endswith(".jsonl.zst")]) >= SEGMENTS
    assert rounds < KILLS, f"{ran} of {rounds} exports ended before they could be killed"
