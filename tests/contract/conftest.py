"""Every vendor's stage, and every cell of every vendor as a parameter: `reading`, `listing` and `acting` are cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crmstate.core.provider import Cell
from crmstate.core.words import READING, How, Kind, Verb
from crmstate.providers import load

from .knobs import knob
from .sandbox_stage import SandboxStage
from .stage import Company, Stage

STAGES: dict[str, Callable[[Path], Stage]] = {"sandbox": SandboxStage}

ONE_OF_A_KIND = {Kind.TENANT, Kind.SUBSCRIPTION, Kind.ACCOUNT}

WANTED: dict[str, Callable[[Cell], bool]] = {
    "reading": lambda cell: cell.verb in READING,
    "listing": lambda cell: cell.verb is Verb.LIST,
    "paged": lambda cell: cell.verb is Verb.LIST and cell.kind not in ONE_OF_A_KIND,
    "acting": lambda cell: cell.verb not in READING,
    "batched": lambda cell: cell.verb not in READING and cell.batch > 1,
    "single": lambda cell: cell.verb not in READING and cell.batch == 1,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted = [name for name in WANTED if name in metafunc.fixturenames]
    if "stage" not in metafunc.fixturenames:
        return
    if not wanted:
        metafunc.parametrize("stage", STAGES, indirect=True)
        return
    pairs = []
    for vendor in STAGES:
        for cell in load(vendor).table.values():
            if cell.how is How.API and WANTED[wanted[0]](cell):
                found = knob(vendor, cell.kind, cell.verb, metafunc.function.__name__)
                marks = [pytest.mark.skip(reason=f"{found.reason} ({found.link})")] if found else []
                pairs.append(
                    pytest.param(vendor, cell, marks=marks, id=f"{vendor}-{cell.kind.value}-{cell.verb.value}")
                )
    metafunc.parametrize(("stage", wanted[0]), pairs, indirect=["stage"])


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
