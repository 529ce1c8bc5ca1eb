from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .site import Site, site


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    """A small served site with its manifest."""
    with site(tmp_path / "site") as made:
        yield made
