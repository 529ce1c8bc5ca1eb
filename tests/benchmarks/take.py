"""One run of the archive in a process of its own, which says what it cost: `python take.py URL FOLDER DATASET...`.

All datasets side by side; then, where asked (`--verify`, `--restore FORM`), what follows. With `--jobs` the rows come as a
job's file of bare CSV. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx  # noqa: F401 - the wire brings it in with the first request; here it is of the start, which is not measured

from crmstate.archive import restore
from crmstate.archive.folder import FolderArchive
from crmstate.archive.local import LocalReads
from crmstate.archive.opening import chosen, opened
from crmstate.cli.clock import RealClock
from crmstate.cli.effects import Straight
from crmstate.core.ports import Session
from crmstate.core.provider import Cell
from crmstate.core.secret import Secret
from crmstate.core.survey import DatasetFacts, Resource
from crmstate.core.words import Kind, Packing, Verb
from crmstate.providers.kit.connect import connect
from crmstate.providers.sandbox import provider


def peak() -> float:
    """MiB of this process so far."""
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith("VmHWM")) / 1024


class Stretch:
    """Measures what happens within it."""

    def __enter__(self) -> Stretch:
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu


class Bare:
    """The sandbox's table as that of a vendor who does not zip what its jobs export."""

    def cell(self, kind: Kind, verb: Verb) -> Cell | None:
        found = provider.cell(kind, verb)
        if found is None or found.bulk is None:
            return found
        return dataclasses.replace(found, bulk=dataclasses.replace(found.bulk, packing=Packing.CSV))


class Jobs:
    """The session's own jobs, beside that table."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.provider = Bare()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--delta", action="store_true")
    parser.add_argument("--restore", default="")
    parser.add_argument("--jobs", action="store_true")
    words = parser.parse_args()
    session = connect(
        provider, words.url, {"token": Secret("a-token-that-is-as-long-as-tokens-really-are")}, "write", effects=Straight(), clock=RealClock(),
        learn=lambda secret: None, scrub=lambda text: text,
    )  # fmt: skip
    archive = FolderArchive(words.folder, Straight(), RealClock(), "benchmark")
    datasets = [Resource(Kind.DATASET, each, label=each, facts=DatasetFacts(rows=1)) for each in words.datasets]
    jobs: Any = Jobs(session) if words.jobs else None
    said: dict[str, Any] = {}

    def note(what: str, stretch: Stretch) -> None:
        said[what] = {"wall": stretch.wall, "cpu": stretch.cpu, "mib": peak()}

    with Stretch() as stretch, ThreadPoolExecutor(len(datasets)) as threads:
        found = list(threads.map(lambda each: archive.archive(session, each, True, jobs), datasets))
    note("export", stretch)
    said["rows"] = sum(each.rows or 0 for each in found)
    if words.verify:
        with Stretch() as stretch:
            for each in datasets:
                archive.verify(session, each)
        note("verify", stretch)
    if words.delta:
        with Stretch() as stretch:
            for each in datasets:
                archive.delta(session, each, True)
        note("delta", stretch)
    if words.restore:
        with Stretch() as stretch:
            store, whole = opened(LocalReads(words.folder))
            restore.restore(store, chosen(whole, []), words.folder / "../out", words.restore)
        note("restore", stretch)
    said["swaps"] = resource.getrusage(resource.RUSAGE_SELF).ru_nswap
    print(json.dumps(said))


if __name__ == "__main__":
    main()
