"""Runs a tool and measures it: wall time, CPU time and peak memory of its own processes, not of the server's; and kills
it, as a whole, when it asks for a certain page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST = 900.0
LOOK = 0.02


@dataclass(frozen=True)
class Line:
    """What is run: programs that are piped into each other, in a folder of their own; what the last one says goes to
    `out`, a file there."""

    programs: Sequence[Sequence[str]]
    folder: Path
    out: str = "stdout.txt"
    env: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Cost:
    """What a run took: seconds of wall time and of CPU, and MiB of memory at its peak, over all its processes; `failed`
    is the last line that a program wrote when it ended badly."""

    wall: float
    cpu: float
    mib: float
    failed: str = ""


class Site:
    """The server, and what it counts."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def reset(self, hold: int = -1) -> None:
        """Forgets all counts; page number `hold` will be asked for in vain."""
        self._ask(f"reset?hold={hold}")

    def held(self) -> bool:
        """Whether the page that is held was asked for."""
        return bool(self._ask("counts")["held"])

    def asked(self, dataset: str) -> list[int]:
        """How often each page was asked for."""
        return list(self._ask("counts")["asked"][dataset])

    def _ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/control/{what}", timeout=30) as answer:
            return json.load(answer)


@contextmanager
def site(rows: int) -> Iterator[Site]:
    """A server with so many rows, for as long as this is open."""
    program = [sys.executable, str(Path(__file__).with_name("server.py")), str(rows)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin and server.stdout
        try:
            yield Site(int(server.stdout.readline()))
        finally:
            server.stdin.close()


def run(line: Line, kill: Callable[[], bool] | None = None) -> Cost:
    """Runs it to its end, or until `kill` says so: then all of it is killed at once, without a warning."""
    line.folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as files:
        began = time.monotonic()
        running = _started(line, files)
        watch = Watch([each.pid for each in running])
        cpu = 0.0
        try:
            if kill is not None:
                while not kill() and not _over(running[0]) and time.monotonic() < began + LONGEST:
                    time.sleep(LOOK)
                _kill(running)
            cpu = sum(map(_cpu, running))
        finally:
            _kill(running)
            mib = watch.done()
        wall = time.monotonic() - began
    bad = [number for number, each in enumerate(running) if each.returncode]
    return Cost(wall, cpu, mib, _last(line.folder / f"log-{bad[-1]}.txt") if bad and kill is None else "")


def _started(line: Line, files: ExitStack) -> list[subprocess.Popen[bytes]]:
    running: list[subprocess.Popen[bytes]] = []
    for number, program in enumerate(line.programs):
        last = number == len(line.programs) - 1
        running.append(
            subprocess.Popen(
                program,
                cwd=line.folder,
                env={**os.environ, **(line.env or {})},
                stdin=running[-1].stdout if running else subprocess.DEVNULL,
                stdout=files.enter_context((line.folder / line.out).open("wb")) if last else subprocess.PIPE,
                stderr=files.enter_context((line.folder / f"log-{number}.txt").open("wb")),
                start_new_session=True,
            )
        )
        if number:
            before = running[number - 1].stdout
            assert before
            before.close()
    return running


def _kill(running: list[subprocess.Popen[bytes]]) -> None:
    """Kills what still runs, with whatever it started."""
    for each in running:
        if each.returncode is None:
            os.killpg(each.pid, signal.SIGKILL)


def _over(each: subprocess.Popen[bytes]) -> bool:
    """Whether a process has ended; it stays to be waited for."""
    return os.waitid(os.P_PID, each.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _cpu(each: subprocess.Popen[bytes]) -> float:
    """Waits for a process; the CPU seconds of it and of what it waited for."""
    limit = threading.Timer(LONGEST, os.killpg, (each.pid, signal.SIGKILL))
    limit.start()
    try:
        _, status, used = os.wait4(each.pid, 0)
    finally:
        limit.cancel()
    each.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime


def _last(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "no word"


class Watch(threading.Thread):
    """Looks again and again at the peak memory of processes and of what they started. The system keeps the peak, so that
    nothing is missed but the last moment."""

    def __init__(self, pids: Sequence[int]) -> None:
        super().__init__(daemon=True)
        self.pids = pids
        self.peaks: dict[int, int] = {}
        self.over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.over.wait(LOOK):
            for pid in self.pids:
                self._look(pid)

    def _look(self, pid: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            inner = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM"):
                self.peaks[pid] = max(self.peaks.get(pid, 0), int(line.split()[1]))
        for each in inner:
            self._look(int(each))

    def done(self) -> float:
        """MiB of all of them together."""
        self.over.set()
        self.join()
        return sum(self.peaks.values()) / 1024
