"""One tool's results: a clean run, a run that is killed and begun again, and the large integer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.neighbours import truth
from tests.benchmarks.neighbours.judge import Number, Verdict, judge, loads
from tests.benchmarks.neighbours.measure import Cost, Site, run
from tests.benchmarks.neighbours.tooling import PLAIN, Tool, install, version

KILLED_AT = 0.6


@dataclass(frozen=True)
class Killed:
    """A run that was killed when it asked for page number `at` of `pages`: how many rows lay in place under their final
    names then, how many of the pages that it had were asked for again by the second run, and what that left."""

    at: int
    pages: int
    left: int
    again: int
    failed: str
    verdict: Verdict


@dataclass(frozen=True)
class Result:
    """Everything about one tool. `why`: it could not be installed. `cost` None: its run failed, as `failed` says."""

    tool: Tool
    versions: tuple[str, ...]
    why: str = ""
    failed: str = ""
    cost: Cost | None = None
    verdict: Verdict | None = None
    killed: Killed | None = None
    large: str = ""


def measure(tools: Sequence[Tool], site: Site, rows: int, folder: Path, repeat: int) -> Iterator[Result]:
    """Runs tools in all ways. What is timed comes first, one tool right after the other, so that all of them meet the
    machine in the same state; of several clean runs the quickest counts."""
    missing = {tool.key: next(filter(None, map(install, tool.needs)), "") for tool in tools}
    here = [tool for tool in tools if not missing[tool.key]]
    costs: dict[str, list[Cost]] = {tool.key: [] for tool in here}
    for _ in range(repeat):
        for tool in here:
            costs[tool.key].append(_clean(tool, site, folder / tool.key / "clean"))
    for tool in tools:
        found = Result(tool, (), missing[tool.key])
        yield _looked(tool, site, rows, folder / tool.key, costs[tool.key]) if tool in here else found
        shutil.rmtree(folder / tool.key, ignore_errors=True)


def _looked(tool: Tool, site: Site, rows: int, folder: Path, costs: list[Cost]) -> Result:
    versions = tuple(f"{package} {version(package, environment)}" for package, environment in tool.packages)
    large = _large(tool, site, folder / "large")
    if costs[-1].failed:
        return Result(tool, versions, failed=costs[-1].failed, large=large)
    verdict = judge(truth.rows(truth.CONTACTS, rows), tool.read(folder / "clean", truth.CONTACTS))
    killed = _killed(tool, site, rows, folder / "killed") if tool.mode == PLAIN else None
    best = min((each for each in costs if not each.failed), key=lambda each: each.wall)
    return Result(tool, versions, "", "", best, verdict, killed, large)


def _clean(tool: Tool, site: Site, folder: Path) -> Cost:
    shutil.rmtree(folder, ignore_errors=True)
    site.reset()
    return run(tool.line(site.url, truth.CONTACTS, folder))


def _killed(tool: Tool, site: Site, rows: int, folder: Path) -> Killed:
    shutil.rmtree(folder, ignore_errors=True)
    pages = -(-rows // truth.PAGE)
    at = int(pages * KILLED_AT)
    site.reset(hold=at)
    run(tool.line(site.url, truth.CONTACTS, folder), site.held)
    left = sum(1 for _ in tool.read(folder, truth.CONTACTS))
    site.reset()
    cost = run(tool.line(site.url, truth.CONTACTS, folder))
    again = sum(1 for times in site.asked(truth.CONTACTS)[:at] if times)
    verdict = judge(truth.rows(truth.CONTACTS, rows), tool.read(folder, truth.CONTACTS), values=False)
    return Killed(at, pages, left, again, cost.failed, verdict)


def _large(tool: Tool, site: Site, folder: Path) -> str:
    """What becomes of an integer of 21 digits."""
    shutil.rmtree(folder, ignore_errors=True)
    cost = run(tool.line(site.url, truth.LEDGER, folder))
    if cost.failed:
        return "the run stops"
    was = loads(truth.ledger(7))
    for found in tool.read(folder, truth.LEDGER):
        if found.values.get("id") == was["id"]:
            now = found.values.get("serial", "absent")
            kept = isinstance(now, Number) and now == was["serial"]
            return "kept" if kept else f"`{now}`" + ("" if isinstance(now, Number) else " (text)")
    return "the row is missing"
