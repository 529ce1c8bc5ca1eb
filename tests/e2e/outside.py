"""A site from outside: its vendor and its commands are processes of their own, so that they can be killed, stopped and
starved."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import crmstate
from crmstate.core.record import State
from crmstate.core.words import Outcome, Verb
from crmstate.sandbox import World
from crmstate.store.load import read

from .scenes import honest
from .site import Said, Site

PATIENCE = 60.0


def until(happened: Callable[[], Any], what: str = "it", seconds: float = PATIENCE) -> Any:
    """Waits until something is so, and gives what it was."""
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds} seconds"
        time.sleep(0.005)
    return found


@dataclass
class Running:
    """A command under way. Its output goes to files, so that nothing ever waits for a reader."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self) -> bool:
        """Whether it was still alive, and is dead now."""
        self.signal(signal.SIGKILL)
        return self.process.wait(PATIENCE) == -signal.SIGKILL

    def end(self) -> Said:
        """Waits for its end. A traceback is never an answer."""
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        said = Said(code, self.out.read_text(encoding="utf-8"), self.err.read_text(encoding="utf-8"))
        assert "Traceback" not in said.err, said.err
        assert code != 70, said.err
        return said


@dataclass
class Outside(Site):
    """A site whose vendor is another process."""

    vendor: subprocess.Popen[bytes] | None = None
    runs: list[Running] = field(default_factory=list)

    def serve(self) -> None:
        log = (self.folder / "vendor.log").open("ab")
        command = [sys.executable, "-m", "crmstate.sandbox", "serve", "--data", str(self.data)]
        with log:
            self.vendor = subprocess.Popen(
                command, env=self._environ(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        until(self.data.with_name("acme.db.server.json").exists, "the vendor's start")

    def stop(self) -> None:
        for each in self.runs:
            if not each.ended:
                each.process.kill()
                each.process.wait(PATIENCE)
        if self.vendor is not None:
            self.vendor.kill()
            self.vendor.wait(PATIENCE)
            self.vendor = None

    def begin(self, *args: str, prefix: Sequence[str] = (), **options: Any) -> Running:
        """Starts a command; `prefix`: a program that starts it."""
        number = len(self.runs)
        out, err = self.folder / f"run-{number}.out", self.folder / f"run-{number}.err"
        with out.open("wb") as first, err.open("wb") as second:
            process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "crmstate", *args],
                cwd=self.folder, env=self._environ(), **{"stdin": subprocess.DEVNULL, "stdout": first, "stderr": second, **options},
            )  # fmt: skip
        self.runs.append(Running(process, out, err))
        return self.runs[-1]

    def command(self, *args: str, **options: Any) -> Said:
        """Runs a command to its end."""
        return self.begin(*args, **options).end()

    def _environ(self) -> dict[str, str]:
        root = str(Path(crmstate.__file__).resolve().parents[1])
        return {**os.environ, "PYTHONPATH": root, "CRMSTATE_LANG": "en", **self.env}

    @property
    def state_folder(self) -> Path:
        return self.folder / ".crmstate" / "exit"

    def chunks(self) -> int:
        """How far the journal has come."""
        try:
            return sum(path.suffix == ".jsonl" for path in (self.state_folder / "journal").iterdir())
        except FileNotFoundError:
            return 0

    def killed(self, *args: str, far: int, late: float) -> bool:
        """One command, killed so many seconds after its journal was so long. False: it had ended before."""
        running = self.begin(*args)
        until(lambda: running.ended or self.chunks() >= far, "a chunk")
        time.sleep(late)
        return running.kill()

    def holds(self, running: Running) -> bool:
        """Whether the command holds the lock by now, or has ended."""
        try:
            return running.ended or json.loads((self.state_folder / "lease.json").read_bytes())["pid"] == running.pid
        except (OSError, ValueError):
            return False

    def met(self, fault: int = 0) -> bool:
        """Whether a request has met a fault by now."""
        with World.open(self.data) as world:
            return bool(world.faults()[fault]["fired"])

    def recorded(self) -> State:
        return read(self.folder, "exit").state


@contextlib.contextmanager
def outside(folder: Path, template: Path) -> Iterator[Outside]:
    """A site in a copy of `template`, with its vendor running."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in template.iterdir():
        if path.is_file():
            shutil.copy2(path, folder / path.name)
    made = Outside(folder)
    made.serve()
    try:
        yield made
    finally:
        made.stop()


def lock_is_free(here: Site) -> bool:
    """Whether anybody could take the lock now."""
    with (here.folder / ".crmstate" / "exit" / "lock").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def agrees(here: Site, state: State) -> None:
    """What the record calls done is done in the World, and nothing irreversible happened twice."""
    honest(
        here,
        {
            f"{entry.verb} {entry.address}": entry.outcome.value
            for entry in state.entries.values()
            if entry.outcome is Outcome.DONE
        },
    )
    assert here.twice() == []


def once(state: State) -> bool:
    """Whether every act at the vendor was done at the first try: a second occurrence would mean that one was believed done and was not."""
    return {entry.occurrence for entry in state.entries.values() if entry.verb is not Verb.DELTA} <= {1}


def sound(here: Site) -> State | None:
    """The state parses, by its own command, and agrees with the World. None: nothing was recorded yet."""
    said = here.run("state", "show", "exit", "--folder", str(here.folder), "--format", "json")
    if said.code != 0 and not (here.folder / ".crmstate" / "exit").exists():
        return None
    assert said.code == 0, said.out + said.err
    assert said.json["name"] == "exit"
    state = read(here.folder, "exit").state
    agrees(here, state)
    return state
