"""Makes `archive_vendor` importable by the tests beside it; small segments, so that a handful of rows is cut into
several."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.archive import attachments, press

sys.path.insert(0, str(Path(__file__).parent))

from grounds import Buckets, Folders, Ground, Memory

from tests.real.bucket import PYTHON, Bucket, Server


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(press, "SEGMENT_ROWS", 3)
    monkeypatch.setattr(attachments, "CUT_FILES", 2)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests end processes, not power: that each flush is asked for is seen in the effects."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Server]:
    """One server for all tests of a process; each makes buckets of its own."""
    if not PYTHON.exists():
        pytest.fail("build the S3 server's environment first: make .venv-s3/.ready")
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def bucket(s3_server: Server) -> Bucket:
    return s3_server.bucket(f"crm-{uuid.uuid4().hex[:20]}")


@pytest.fixture(params=["folder", "memory", "s3"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Ground:
    """Every place where an archive can lie."""
    if request.param == "folder":
        return Folders(tmp_path / "ground")
    return Memory() if request.param == "memory" else Buckets(request.getfixturevalue("bucket"))
