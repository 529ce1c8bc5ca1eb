"""python -m tests.benchmarks.neighbours [--rows N] [--only NAME ...] [--repeat N] [--to PAGE]: runs the comparison and
writes the page. What it needs is installed into `.neighbours`, where what the tools leave lies as well."""

from __future__ import annotations

import argparse
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.neighbours.measure import site
from tests.benchmarks.neighbours.page import page
from tests.benchmarks.neighbours.results import Result, measure
from tests.benchmarks.neighbours.tooling import ALL, CACHE, ROOT

PAGE = ROOT / "docs" / "reference" / "fidelity.md"


def main() -> int:
    """Runs every tool. 1 where one of them could not be run, or crmstate's own rows are not as they were."""
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that no tool outlives us
    tools = [each for each in ALL if not given.only or each.name in {"crmstate", *given.only}]
    results: list[Result] = []
    with site(given.rows) as server:
        for found in measure(tools, server, given.rows, CACHE / "runs", given.repeat):
            results.append(found)
            print(f"{found.tool.title}: {_line(found)}", flush=True)
    date = datetime.now(UTC).date().isoformat()
    given.to.write_text(page(results, given.rows, date, given.repeat), encoding="utf-8")
    ours = results[0].verdict
    return 0 if all(each.verdict for each in results) and ours is not None and ours.clean else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.neighbours", description="Runs the comparison.")
    parser.add_argument("--rows", type=int, default=100_000, help="how many rows (100 000)")
    parser.add_argument(
        "--only", nargs="*", choices=sorted({each.name for each in ALL}), help="only these, and crmstate"
    )
    parser.add_argument(
        "--repeat", type=int, default=2, help="clean runs of each tool, of which the quickest counts (2)"
    )
    parser.add_argument("--to", type=Path, default=PAGE, help="the page")
    return parser.parse_args()


def _line(found: Result) -> str:
    if found.cost is None or found.verdict is None:
        return found.why or found.failed
    said = {loss: len(each) for loss, each in found.verdict.losses.items() if each}
    cost = f"{found.cost.wall:.1f} s, {found.cost.cpu:.1f} s of CPU, {found.cost.mib:.0f} MiB"
    again = f"; killed: {found.killed.again} pages again" if found.killed else ""
    return f"{cost}; {said or 'clean'}{again}; 21 digits: {found.large}"


if __name__ == "__main__":
    sys.exit(main())
