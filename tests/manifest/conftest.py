"""What the manifest's tests share."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from crmstate.manifest.load import Loaded, load

HEAD = """\
apiVersion: crmstate/v1
kind: Decommission
name: demo
owner: revops@example.com
"""
SANDBOX = "provider: {name: sandbox, embedded: sandbox.db}\n"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a manifest: the head, a provider and what the test adds."""

    def writing(rest: str, provider: str = SANDBOX, name: str = "crmstate.yaml") -> Path:
        path = tmp_path / name
        path.write_text(HEAD + textwrap.dedent(provider) + textwrap.dedent(rest), encoding="utf-8")
        return path

    return writing


@pytest.fixture
def loaded(write: Write) -> Callable[..., Loaded]:
    """Writes and loads a manifest."""
    return lambda *args, **kwargs: load(write(*args, **kwargs))
