from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.cli.clock import RealClock

from .site import Site, site


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    """A small served site with its manifest."""
    with site(tmp_path / "site") as made:
        yield made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between retries take no time; clocks say that they did."""
    slept = [0.0]

    def sleep(clock: RealClock, seconds: float) -> None:
        slept[0] += seconds

    monkeypatch.setattr(RealClock, "sleep", sleep)
    monkeypatch.setattr(RealClock, "monotonic", lambda clock: time.monotonic() + slept[0])
