"""Makes `archive_vendor` importable by the tests beside it; small segments, so that a handful of rows is cut into
several."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from crmstate.archive import attachments, export

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "SEGMENT_ROWS", 3)
    monkeypatch.setattr(attachments, "CUT_FILES", 2)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests end processes, not power: that each flush is asked for is seen in the effects."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
