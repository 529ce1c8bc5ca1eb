"""The suite about itself: every vendor is on a stage, every capability says where it is known from, and knobs are the
only way around.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from crmstate import providers
from crmstate.core.words import READING, How
from crmstate.views.catalogue import Catalogue
from crmstate.views.providers_text import capabilities, providers_text

from .conftest import PROVIDERS
from .knobs import KNOBS

HERE = Path(__file__).parent
SUITE = sorted(HERE.glob("test_*.py"))
VENDORS = providers.names()


def test_every_provider_that_asks_a_vendor_stands_on_a_stage() -> None:
    asked = {name for name in providers.built_in() if providers.load(name).connect is None}
    assert asked == set(PROVIDERS.values())


@pytest.mark.parametrize("name", VENDORS)
def test_every_capability_says_where_it_is_known_from(name: str) -> None:
    table = providers.load(name).table
    for cell in table.values():
        assert cell.source or cell.how is How.NONE, f"{cell.kind} {cell.verb} has no source"
        assert (cell.run is not None) == (cell.how is How.API)
        assert bool(cell.runbook) == (cell.how is How.MANUAL)
        assert bool(cell.why) == (cell.how is How.NONE)


@pytest.mark.parametrize("name", VENDORS)
def test_every_api_capability_declares_its_requests_and_explains_itself(name: str) -> None:
    for cell in providers.load(name).table.values():
        if cell.how is How.API:
            assert cell.requests, f"{cell.kind} {cell.verb} declares no request"
            assert not (cell.verb in READING and any(each.startswith("DELETE") for each in cell.requests))


@pytest.mark.parametrize("name", VENDORS)
def test_the_matrix_has_a_row_for_every_cell(name: str) -> None:
    provider = providers.load(name)

    rows = capabilities(provider)

    assert set(provider.table) == {(row.kind, row.verb) for row in rows}
    assert rows == capabilities(provider)


@pytest.mark.parametrize(
    ("name", "against"),
    [("zoho", "the published description"), ("fxiaoke", "documentation alone"), ("odoo", "a real system")],
)
def test_what_was_checked_says_against_what(name: str, against: str) -> None:
    provider = providers.load(name)

    rows = capabilities(provider)
    shown = providers_text([provider], Catalogue("en")).splitlines()

    assert [row for row in rows if (row.against is None) != row.unconfirmed] == []
    checked = sum(f", {against}" in line for line in shown)
    assert (checked, sum("unconfirmed " in line for line in shown)) == (
        sum(not row.unconfirmed for row in rows),
        sum(row.unconfirmed for row in rows),
    )


@pytest.mark.parametrize("name", ["zoho", "fxiaoke", "odoo"])
def test_the_named_systems_say_something_of_everything_that_any_of_them_or_the_sandbox_can(name: str) -> None:
    """Who cannot do it says why."""
    wanted = {cell for each in ("sandbox", "zoho", "fxiaoke", "odoo") for cell in providers.load(each).table}

    assert wanted - set(providers.load(name).table) == set()


@pytest.mark.parametrize("path", SUITE, ids=lambda path: path.name)
def test_no_situation_names_a_vendor_or_skips(path: Path) -> None:
    if path.name == Path(__file__).name:
        return
    source = path.read_text()
    assert not [vendor for vendor in VENDORS if vendor in source]
    names = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    assert not names & {"skip", "xfail", "skipif", "importorskip"}


def test_every_knob_has_a_reason_a_link_and_a_situation_that_exists() -> None:
    situations = {
        node.name
        for path in SUITE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    for knob in KNOBS:
        assert knob.reason and knob.link, knob
        assert knob.situation in situations, knob
        if knob.kind is not None and knob.verb is not None:
            assert (knob.kind, knob.verb) in providers.load(knob.provider).table, knob


@pytest.mark.parametrize("name", VENDORS)
def test_a_provider_imports_core_and_the_kit_alone(name: str) -> None:
    folder = Path(inspect.getfile(providers)).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if module.startswith("crmstate."):
                assert module.startswith(("crmstate.core", "crmstate.providers")), f"{path.name} imports {module}"
