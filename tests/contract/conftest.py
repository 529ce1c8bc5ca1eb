"""Every vendor's stage, and every cell of every vendor as a parameter: `reading`, `listing`, `exporting` and `acting` are cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from crmstate.core.provider import Cell
from crmstate.core.words import READING, How, Kind, Verb
from crmstate.providers import load

from .knobs import Knob, knob
from .stage import Company, Stage

HERE = Path(__file__).parent
STAGES: dict[str, Callable[[Path], Stage]] = {
    path.stem.removesuffix("_stage"): import_module(f".{path.stem}", __package__).STAGE
    for path in sorted(HERE.glob("*_stage.py"))
}
"""Every file `<vendor>_stage.py` brings the stage of its vendor, as `STAGE`."""

PROVIDERS = {name: getattr(stage, "vendor", name) for name, stage in STAGES.items()}
"""Whose stage it is: a vendor may have two, a real server and a simulated one."""

ONE_OF_A_KIND = {Kind.TENANT, Kind.SUBSCRIPTION, Kind.ACCOUNT}

WANTED: dict[str, Callable[[Cell], bool]] = {
    "reading": lambda cell: cell.verb in READING and cell.verb is not Verb.EXPORT,
    "listing": lambda cell: cell.verb is Verb.LIST,
    "paged": lambda cell: cell.verb is Verb.LIST and cell.kind not in ONE_OF_A_KIND,
    "exporting": lambda cell: cell.verb is Verb.EXPORT,
    "dataset_export": lambda cell: cell.verb is Verb.EXPORT and cell.kind is Kind.DATASET,
    "acting": lambda cell: cell.verb not in READING,
    "batched": lambda cell: cell.verb not in READING and cell.batch > 1,
    "single": lambda cell: cell.verb not in READING and cell.batch == 1,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted = [name for name in WANTED if name in metafunc.fixturenames]
    if "stage" not in metafunc.fixturenames:
        return
    if not wanted:
        vendors = []
        for vendor in STAGES:
            found = knob(PROVIDERS[vendor], None, None, metafunc.function.__name__)
            vendors.append(pytest.param(vendor, marks=_marks(vendor, found), id=vendor))
        metafunc.parametrize("stage", vendors, indirect=True)
        return
    pairs = []
    for vendor in STAGES:
        for cell in load(PROVIDERS[vendor]).table.values():
            if cell.how is How.API and WANTED[wanted[0]](cell):
                found = knob(PROVIDERS[vendor], cell.kind, cell.verb, metafunc.function.__name__)
                name = f"{vendor}-{cell.kind.value}-{cell.verb.value}"
                pairs.append(pytest.param(vendor, cell, marks=_marks(vendor, found), id=name))
    metafunc.parametrize(("stage", wanted[0]), pairs, indirect=["stage"])


def _marks(vendor: str, found: Knob | None) -> list[pytest.MarkDecorator]:
    """A stage that is `deep` (a real server, which takes its time) is set up by `make test-deep` alone."""
    marks = [pytest.mark.deep] if getattr(STAGES[vendor], "deep", False) else []
    return [*marks, pytest.mark.skip(reason=f"{found.reason} ({found.link})")] if found else marks


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    made = STAGES[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def company(stage: Stage) -> Iterator[Company]:
    made = Company(stage)
    yield made
    made.close()
