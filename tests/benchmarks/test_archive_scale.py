"""How fast the archive is, and how much memory it takes: against a yardstick in the same run, since machines differ and
are busy with other things. Of several rounds the best of each counts: whatever else a machine does makes only slower.

The figures of the last run are printed with `-s`; docs/reference/speed.md holds a table of them.
"""

from __future__ import annotations

import csv
import hashlib
import http.client
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from crmstate.archive import pack
from tests.benchmarks import table
from tests.benchmarks.pages import SIZE, served

HERE = Path(__file__).parent
ROUNDS = 5
DELAY = 0.05
MANY = int(os.environ.get("CRMSTATE_BENCHMARK_ROWS", "400000"))
"""Rows of the larger export that memory is compared with: ten million take a quarter of an hour."""
BULK = int(os.environ.get("CRMSTATE_BENCHMARK_BULK", "60000000"))
"""Bytes of the CSV of a job."""


def taken(url: str, folder: Path, *words: str) -> dict[str, Any]:
    """What one run of the archive cost, in a process of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, str(HERE / "take.py"), url, str(folder), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent.parent)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The yardstick in C, compiled."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: .ci/run installs one")
    headers = subprocess.run(
        [compiler, "-E", "-"], input="#include <curl/curl.h>\n#include <zstd.h>\n", capture_output=True, text=True
    )
    if headers.returncode:
        pytest.skip("libcurl or libzstd has no headers here: .ci/run installs them")
    made = tmp_path_factory.mktemp("chain") / "chain"
    libraries = ["-lcurl", "-lzstd", "-l:libcrypto.so.3"]
    subprocess.run([compiler, "-O2", "-o", str(made), str(HERE / "chain.c"), *libraries], check=True)
    return made


@pytest.fixture(scope="module")
def quick() -> Iterator[str]:
    with served() as url:
        yield url


@pytest.mark.deep(seconds=20, together="benchmarks")
def test_an_export_is_at_least_half_as_fast_as_a_chain_in_c(chain: Path, quick: str, tmp_path: Path) -> None:
    """By the clock where there is a core for each of the two threads in some round; where the machine is busy with other
    things, which costs the many small steps of Python twice what it costs the chain, by the CPU, of which the second
    thread's digests alone are as much as the chain takes."""
    rows = 200_000
    clock, cpu = [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        command = [str(chain), f"{quick}/v1/datasets/a-{rows}/rows", str(tmp_path / "out")]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        theirs = time.perf_counter() - start
        cost = taken(quick, tmp_path / "archive", f"a-{rows}")["export"]
        clock.append(theirs / cost["wall"])
        cpu.append(float(found[1]) / cost["cpu"])
        print(
            f"export: {rows / cost['wall']:,.0f} rows/s, C {rows / theirs:,.0f}: {clock[-1]:.2f} of it; "
            f"of CPU {rows / cost['cpu']:,.0f}, C {rows / float(found[1]):,.0f}: {cpu[-1]:.2f}"
        )
        if clock[-1] >= 0.5:
            break
    assert max(clock) >= 0.5 or max(cpu) >= 0.2


def followed(url: str, dataset: str) -> None:
    """Asks for one page after the other, and does nothing with them."""
    line = http.client.HTTPConnection(url.removeprefix("http://"))
    next: str | None = ""
    while next is not None:
        line.request("GET", f"/v1/datasets/{dataset}/rows?limit={SIZE}" + (f"&cursor={next}" if next else ""))
        tail = line.getresponse().read().rpartition(b'"next":')[2]
        next = json.loads(tail[:-1])
    line.close()


@pytest.mark.deep(seconds=130, together="benchmarks")
@pytest.mark.parametrize(("datasets", "pages", "more"), [(1, 400, 1.03), (8, 100, 1.10)])
def test_a_slow_vendor_is_the_only_thing_that_is_waited_for(
    datasets: int, pages: int, more: float, tmp_path: Path
) -> None:
    """By the clock where some round was left alone; on a busy machine by the CPU that a page takes, all of which has room
    in the wait for the next one. What an export takes once (0.2 s: the first connection, the seal) is of a hundred pages four
    per cent, of the five thousand of a million rows nothing."""
    names = [f"{chr(97 + n)}-{pages * SIZE}" for n in range(datasets)]
    ratios, cpu = [], []
    with served(DELAY) as url:
        for _ in range(ROUNDS):
            start = time.perf_counter()
            with ThreadPoolExecutor(datasets) as threads:
                list(threads.map(lambda name: followed(url, name), names))
            bound = time.perf_counter() - start
            cost = taken(url, tmp_path / "archive", *names)["export"]
            ratios.append((cost["wall"] - 3 * DELAY) / bound)  # attachments, fields and datasets are asked for too
            cpu.append(cost["cpu"] / (pages * datasets))
            if ratios[-1] <= more:
                break
    print(
        f"export, {DELAY * 1000:.0f} ms a page, {datasets} side by side: {min(ratios):.3f} of the time of its pages; "
        f"{min(cpu) * 1000:.1f} ms of CPU a page"
    )
    assert min(ratios) <= more or min(cpu) * datasets <= DELAY


def naive(archive: Path, out: Path) -> None:
    """A dataset's rows as CSV, as one writes it first."""
    writer: csv.DictWriter[str] | None = None
    with out.open("w", newline="", encoding="utf-8") as stream:
        for path in sorted(archive.glob("data/*/[0-9]*[0-9].jsonl.zst")):
            for line in pack.lines([path.read_bytes()]):
                record = json.loads(line)
                if writer is None:
                    writer = csv.DictWriter(stream, list(record))
                    writer.writeheader()
                writer.writerow(record)


def inserted(archive: Path) -> None:
    """A dataset's rows into SQLite, without a look at what they are."""
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE rows (id TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID")
    for path in sorted(archive.glob("data/*/[0-9]*[0-9].jsonl.zst")):
        texts = pack.lines([path.read_bytes()])
        base.executemany("INSERT INTO rows VALUES (?, ?)", ((line[8:16].decode(), line.decode()) for line in texts))
    base.close()


def unpacked(archive: Path) -> None:
    """Every byte unpacked and hashed: what no verification can do without."""
    for path in sorted(archive.glob("data/*/*.zst")):
        digest = hashlib.sha256()
        for piece in pack.unpacked([path.read_bytes()]):
            digest.update(piece)


@pytest.mark.deep(seconds=50, together="benchmarks")
def test_what_follows_an_export_costs_a_known_multiple_of_the_least(quick: str, tmp_path: Path) -> None:
    rows = 100_000
    forms = ("sqlite", "csv", "csv-spreadsheet")
    costs: dict[str, list[float]] = {what: [] for what in ("verify", *forms)}
    least: dict[str, list[float]] = {what: [] for what in costs}
    for _ in range(3):
        for form in forms:
            shutil.rmtree(tmp_path / "x", ignore_errors=True)
            found = taken(quick, tmp_path / "x" / "a", f"a-{rows}", "--verify", "--restore", form)
            costs["verify"].append(found["verify"]["cpu"])
            costs[form].append(found["restore"]["cpu"])
        for what, plainly in (
            ("verify", lambda: unpacked(tmp_path / "x" / "a")),
            ("sqlite", lambda: inserted(tmp_path / "x" / "a")),
            ("csv", lambda: naive(tmp_path / "x" / "a", tmp_path / "x" / "naive.csv")),
        ):
            start = time.process_time()
            plainly()
            least[what].append(time.process_time() - start)
    least["csv-spreadsheet"] = least["csv"]
    ratios = {what: min(costs[what]) / min(least[what]) for what in costs}
    for what, ratio in ratios.items():
        print(f"{what}: {rows / min(costs[what]):,.0f} rows/s of CPU, {ratio:.2f} times what {LEAST[what]} costs")
    assert ratios["verify"] <= 5
    assert ratios["sqlite"] <= 3
    assert ratios["csv"] <= 0.4
    assert ratios["csv-spreadsheet"] <= 0.45


LEAST = {
    "verify": "unpacking and hashing",
    "sqlite": "inserting alone",
    "csv": "json.loads and csv.DictWriter",
    "csv-spreadsheet": "the same",
}


def children() -> float:
    """Seconds of CPU of every process that has been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.deep(seconds=15, together="benchmarks")
def test_the_csv_of_a_job_costs_a_known_multiple_of_what_a_shell_does_with_it(tmp_path: Path) -> None:
    """The shell fetches, hashes and compresses the file and knows nothing of rows. Here each row is found in it besides,
    digested, and kept as JSON, beside the file as it was."""
    missing = [each for each in ("bash", "curl", "tee", "sha256sum", "zstd") if shutil.which(each) is None]
    if missing:
        pytest.skip(f"not here: {', '.join(missing)}")
    rows = table.written(tmp_path / "table.csv", BULK)
    clock, cpu, most = [], [], 0.0
    with table.served(tmp_path / "table.csv", rows) as url:
        chain = (
            f"curl -sf {url}{table.FILE} | tee >(sha256sum >{tmp_path}/sum) | zstd -q -3 -f -o {tmp_path}/out.zst; wait"
        )
        for _ in range(3):
            start, used = time.perf_counter(), children()
            subprocess.run(["bash", "-o", "pipefail", "-c", chain], check=True)
            theirs, their_cpu = time.perf_counter() - start, children() - used
            found = taken(url, tmp_path / "bulk" / "archive", "table", "--jobs")
            assert found["rows"] == rows
            cost, most = found["export"], max(most, found["export"]["mib"])
            clock.append(theirs / cost["wall"])
            cpu.append(their_cpu / cost["cpu"])
            print(
                f"bulk CSV: {BULK / cost['wall'] / 1e6:.0f} MB/s, shell {BULK / theirs / 1e6:.0f}: {clock[-1]:.2f} of it; "
                f"of CPU {BULK / cost['cpu'] / 1e6:.0f}, shell {BULK / their_cpu / 1e6:.0f}: {cpu[-1]:.2f}; {most:.0f} MiB"
            )
    assert most < 96
    assert max(clock) >= 0.7 or max(cpu) >= 0.2


@pytest.mark.deep(seconds=40, together="benchmarks")
def test_memory_does_not_grow_with_the_number_of_rows(quick: str, tmp_path: Path) -> None:
    words = ("--verify", "--restore", "sqlite")
    few = taken(quick, tmp_path / "few" / "archive", "a-40000", *words)
    many = taken(quick, tmp_path / "many" / "archive", f"a-{MANY}", *words)
    for _ in range(3):
        side = taken(quick, tmp_path / "side" / "archive", *(f"{name}-40000" for name in "abcdefgh"), *words)
        if max(side[what]["mib"] for what in ("export", "verify", "restore")) < 96:
            break
    for what in ("export", "verify", "restore"):
        print(
            f"{what}: {few[what]['mib']:.0f} MiB for 40 000 rows, {many[what]['mib']:.0f} for {MANY:,}, "
            f"{side[what]['mib']:.0f} for eight times 40 000 side by side"
        )
        assert many[what]["mib"] < min(96, few[what]["mib"] + 6)
        assert side[what]["mib"] < 96


@pytest.mark.deep(seconds=15, together="benchmarks")
def test_a_delta_in_any_order_takes_no_more_memory(quick: str, tmp_path: Path) -> None:
    few = taken(quick, tmp_path / "few", "a-20000", "--delta")["delta"]
    many = taken(quick, tmp_path / "many", "a-160000", "--delta")["delta"]
    print(
        f"delta: {few['mib']:.0f} MiB for 20 000 rows, {many['mib']:.0f} for 160 000, {160_000 / many['cpu']:,.0f} rows/s"
    )
    assert many["mib"] < min(96, few["mib"] + 6)
