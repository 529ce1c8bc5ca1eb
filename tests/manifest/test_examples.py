"""Every example is right, and refers to its own vendor's environment and hosts alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmstate import providers
from crmstate.core.words import Severity
from crmstate.manifest.load import check, load
from crmstate.manifest.operator import Operator
from crmstate.manifest.trust import refusals

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/crmstate.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_an_example_is_right_as_it_is(path: Path) -> None:
    found = check(path, set(providers.names()))
    assert [] == [each for each in found if each.severity is Severity.ERROR]

    loaded = load(path)

    vendor = providers.load(loaded.desired.provider)
    operator = Operator(allow_hosts=("crm.example.com",))  # where everybody has a server of their own
    assert [] == refusals(loaded, operator, vendor.env, vendor.hosts)
    assert path.parent.name == loaded.desired.name
