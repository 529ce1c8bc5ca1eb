from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmstate.cli import clock
from crmstate.cli.clock import RealClock
from crmstate.providers.kit import session

from .outside import Outside, outside
from .scenes import template as made_once
from .site import Site, site


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    """A small served site with its manifest."""
    with site(tmp_path / "site") as made:
        yield made


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a site's folder, to copy sites from."""
    return made_once(tmp_path_factory.mktemp("template"), users=4, rows=7)


@pytest.fixture
def far(template: Path, tmp_path: Path) -> Iterator[Outside]:
    """A site of which every command is a process, and its vendor as well."""
    with outside(tmp_path / "site", template) as made:
        yield made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between retries take no time; clocks say that they did."""
    slept = [0.0]

    def sleep(_: RealClock, seconds: float) -> None:
        slept[0] += seconds

    monkeypatch.setattr(RealClock, "sleep", sleep)
    monkeypatch.setattr(RealClock, "monotonic", lambda _: time.monotonic() + slept[0])


@pytest.fixture(scope="module")
def as_many_effects_every_time() -> Iterator[None]:
    """For tests that count effects: none may depend on how busy the machine is (a proof of the whole view is taken again
    after a minute, the vendor's time asked for again after a second)."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(session, "PROOF_LASTS", float("inf"))
        changed.setattr(clock, "FRESH", float("inf"))
        yield
