"""Planning grows with the tenant, and no faster: ratios within one run, since machines differ and are noisy.

The figures of the last run are printed with `-s`; docs/reference/speed.md holds a table of them.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from crmstate.sandbox import seed

MANIFEST = """\
apiVersion: crmstate/v1
kind: Decommission
name: scale
owner: revops@example.com
provider: {name: sandbox, embedded: acme.db}
cutover: {freeze: now}
end_state:
  users: {status: deactivated, keep: [{email: user1@example.com, why: owns the account}]}
"""

RUN = textwrap.dedent("""
    import json, resource, sys
    from crmstate.cli.app import run
    code = run(["plan", "crmstate.yaml", "--format", "json", "--quiet"] + sys.argv[1:])
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Not ru_maxrss: that remembers whoever started this process, and a test runner may be larger than the command.
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(json.dumps({"code": code, "cpu": used.ru_utime + used.ru_stime, "mib": peak / 1024}), file=sys.stderr)
""")


def tenant(folder: Path, users: int, changed: float) -> Path:
    """A served world of so many users, of whom a share is still active."""
    import sqlite3

    folder.mkdir()
    seed(folder / "acme.db", "small", users=users, contacts=10)
    with sqlite3.connect(folder / "acme.db") as db:
        db.execute(
            "UPDATE users SET status = 'inactive' WHERE role = 'member' AND (CAST(substr(id, 2) AS INTEGER) % 1000) >= ?",
            (int(changed * 1000),),
        )
        db.execute(
            "UPDATE users SET status = 'inactive' WHERE role = 'admin' AND id NOT IN (SELECT user_id FROM api_keys)"
        )
    (folder / "crmstate.yaml").write_text(MANIFEST, encoding="utf-8")
    return folder


def planned(folder: Path) -> dict[str, Any]:
    """CPU seconds and peak MiB of one `plan` in a process of its own, and how many steps it made."""
    done = subprocess.run([sys.executable, "-c", RUN], cwd=folder, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stderr.strip().splitlines()[-1])
    plan = json.loads(done.stdout)
    return found | {
        "steps": len(plan["steps"]),
        "users": plan["summary"]["unchanged"].get("user", 0) + len(plan["steps"]),
    }


def stop(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "crmstate", "sandbox", "stop", "--data", str(folder / "acme.db")], check=True)


@pytest.mark.deep(seconds=25, together="benchmarks")
@pytest.mark.parametrize("changed", [0.0, 0.01])
def test_a_hundred_thousand_users_cost_at_most_thirteen_times_ten_thousand(changed: float, tmp_path: Path) -> None:
    cost: dict[int, float] = {}
    for users in (1_000, 10_000, 100_000):
        folder = tenant(tmp_path / f"t{users}", users, changed)
        try:
            planned(folder)
            runs = [planned(folder) for _ in range(5)]
        finally:
            stop(folder)
        assert {run["code"] for run in runs} == {0}
        cost[users] = statistics.median(run["cpu"] for run in runs)
        memory = max(run["mib"] for run in runs)
        print(
            f"plan, {users:>7} users, {changed:.0%} changed: {cost[users]:.2f} s CPU, {memory:.0f} MiB, {runs[0]['steps']} steps"
        )
        if users == 100_000:
            assert memory < 250
            assert cost[users] < 5.6
    assert cost[100_000] <= 13 * cost[10_000]


def test_the_version_is_instant() -> None:
    def median(command: list[str]) -> float:
        import time

        times = []
        for _ in range(7):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    console = Path(sys.executable).with_name("crmstate")
    bare = median([sys.executable, "-c", "pass"])
    assert median([str(console), "--version"]) < 4 * bare
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_nswap == 0
