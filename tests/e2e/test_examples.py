"""The examples that are walked by a script, from the first line to the last, as somebody would who has just found them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def walked(script: Path, work: Path, tmp_path: Path) -> str:
    """What the script says, with `crmstate` on its path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "crmstate"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m crmstate "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    environ = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "CRMSTATE_BY": "owner@example.com",
        "PYTHONPATH": str(ROOT),
    }
    said = subprocess.run(["sh", str(script), str(work)], env=environ, capture_output=True, text=True, timeout=240)
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-3000:]
    return said.stdout


@pytest.mark.deep(seconds=20)
def test_a_vendor_without_an_api_is_ended_to_a_bundle_that_anybody_can_check(tmp_path: Path) -> None:
    work = tmp_path / "work"

    said = walked(ROOT / "examples" / "no-api-vendor" / "run.sh", work, tmp_path)

    assert "bundle.zip is as it was written" in said and "The summary says what the journal says" in said
    assert "Renews: no" in said and "Complete: it says everything" in said
    data = bytearray((work / "bundle.zip").read_bytes())
    data[len(data) // 2] ^= 1
    (work / "bundle.zip").write_bytes(data)
    again = subprocess.run(
        [sys.executable, "-m", "crmstate", "evidence", "verify", str(work / "bundle.zip")],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert again.returncode == 1


@pytest.mark.deep
def test_a_pause_is_taken_back_with_the_evidence_of_both(tmp_path: Path) -> None:
    said = walked(ROOT / "examples" / "pause-and-resume" / "run.sh", tmp_path / "work", tmp_path)

    assert "Paused (until Fri 15 Jan 2027)" in said and "State: active" in said
    assert "bundle.zip is as it was written" in said
