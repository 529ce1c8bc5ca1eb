"""Ctrl-C and SIGTERM. The first finishes what runs and starts nothing new; the second leaves at once. Either way the
next apply goes on."""

from __future__ import annotations

import gc
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

import crmstate
from crmstate.core.diagnostic import Problem
from crmstate.core.words import Exit, Outcome
from crmstate.engine.stop import Abandoned
from crmstate.sandbox import World
from crmstate.store.load import read

from .outside import Outside, Running, agrees, lock_is_free, once, outside, until
from .scenes import calm, effects
from .site import MANIFEST, Site, site, small_world
from .test_crash_points import apply_once, finish, outcome_of

T = TypeVar("T")
APPLY = ("apply", "--yes")
PAIRS = [(signal.SIGINT, "4"), (signal.SIGTERM, "1")]


def acts(here: Site) -> int:
    """How many acting requests the vendor has received."""
    with World.open(here.data) as world:
        return sum(each["method"] == "POST" for each in world.log())


def busy(
    far: Outside, *args: str, path: str = "/v1/users/*", ms: int = 60_000, after: bool = False, **options: Any
) -> Running:
    """An apply in the middle of a long call."""
    far.fault("latency", path=path, method="POST", ms=ms, times=1, after=after)
    running = far.begin(*APPLY, *args, **options)
    until(far.met, "the long call")
    time.sleep(0.1)
    return running


@pytest.mark.parametrize(("number", "parallel"), PAIRS)
def test_the_first_signal_finishes_what_runs_and_starts_nothing_new(
    number: signal.Signals, parallel: str, far: Outside
) -> None:
    running = busy(far, "--parallel", parallel, ms=1200)
    before = acts(far)
    running.signal(number)
    said = running.end()
    assert said.code == 8
    assert "Stopping" in said.err
    assert acts(far) == before + 1
    assert "Exit 8" in said.out and "not started" in said.out and "done" in said.out
    assert {each["status"] for each in far.truth()["users"] if each["id"].startswith("p")} == {"inactive"}
    state = far.recorded()
    assert state.last_exit == 8
    assert Outcome.INTENDED not in {entry.outcome for entry in state.entries.values()}
    agrees(far, state)
    assert lock_is_free(far)
    said = far.command(*APPLY)
    assert said.code == 0, said.out[-300:] + said.err
    assert far.twice() == []


def test_a_signal_in_a_purge_stops_between_two_batches_and_the_purge_goes_on_there(tmp_path: Path) -> None:
    folder = tmp_path / "template"
    folder.mkdir()
    small_world(folder / "acme.db", rows=1600)
    (folder / "crmstate.yaml").write_text(MANIFEST, encoding="utf-8")
    with outside(tmp_path / "site", folder) as far:
        running = busy(far, "--parallel", "1", path="/v1/datasets/contacts/rows/delete", ms=1200, after=True)
        running.signal(signal.SIGTERM)
        assert running.end().code == 8
        assert next(each["rows"] for each in far.truth()["datasets"] if each["id"] == "contacts") == 1100
        purge = next(entry for entry in far.recorded().entries.values() if entry.address == "dataset/contacts")
        assert (purge.outcome, purge.position) == (Outcome.FAILED, 500)
        asked = acts(far)
        assert far.command(*APPLY).code == 0
        with World.open(far.data) as world:
            deletes = [each for each in world.log() if each["target"] == "/v1/datasets/contacts/rows/delete"]
        assert [len(each["ids"]) for each in deletes] == [500, 500, 500, 100]
        assert acts(far) > asked
        assert far.twice() == []


def test_an_interrupted_apply_speaks_json_to_its_end(far: Outside) -> None:
    running = busy(far, "--format", "json", ms=1200)
    running.signal(signal.SIGINT)
    said = running.end()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert (said.code, lines[0]["event"], lines[-1]["event"], lines[-1]["exit"]) == (8, "format", "closing", 8)


@pytest.mark.parametrize(("number", "parallel"), PAIRS)
def test_the_second_signal_leaves_at_once_and_the_next_apply_looks_and_goes_on(
    number: signal.Signals, parallel: str, far: Outside
) -> None:
    running = busy(far, "--parallel", parallel)
    running.signal(number)
    until(lambda: "Stopping" in running.err.read_text(encoding="utf-8"), "the first word")
    running.signal(number)
    began = time.monotonic()
    said = running.end()
    assert said.code == 8
    assert time.monotonic() - began < 15
    assert "CRM-E013" in said.err
    state = far.recorded()
    assert {entry.outcome for entry in state.open().values()} == {Outcome.INTENDED}
    agrees(far, state)
    assert lock_is_free(far)
    calm(far)
    said = far.command(*APPLY)
    assert said.code == 0, said.out[-300:] + said.err
    agrees(far, far.recorded())
    assert {entry.outcome for entry in far.recorded().open().values()} == {Outcome.REQUESTED}
    assert once(far.recorded())
    assert {each["status"] for each in far.truth()["users"] if each["id"].startswith("p")} == {"inactive"}


def test_ctrl_c_in_a_terminal_does_not_end_the_embedded_vendor(far: Outside) -> None:
    """A terminal sends it to every process of the group. The vendor is not one of them: it lives on."""
    assert far.vendor is not None
    far.vendor.kill()
    far.vendor.wait()
    running = busy(far, ms=1200, start_new_session=True)
    vendor = json.loads((far.folder / "acme.db.server.json").read_bytes())["pid"]
    try:
        os.killpg(running.pid, signal.SIGINT)
        assert running.end().code == 8
        os.kill(vendor, 0)
        assert far.command(*APPLY).code == 0
    finally:
        os.kill(vendor, signal.SIGKILL)


def test_ctrl_c_at_the_question_leaves_and_nothing_was_done(far: Outside) -> None:
    ours, theirs = pty.openpty()
    out, err = far.folder / "asked.out", far.folder / "asked.err"
    try:
        running = far.begin("apply", stdin=theirs)
        out, err = running.out, running.err
        until(lambda: "Type yes" in err.read_text(encoding="utf-8"), "the question")
        running.signal(signal.SIGINT)
        said = running.end()
    finally:
        os.close(ours)
        os.close(theirs)
    assert (said.code, "CRM-E013" in said.err, "Stopping" in said.err) == (8, True, False)
    assert effects(far) == []
    assert out.exists()


@pytest.mark.parametrize(
    ("args", "number"),
    [(("plan", "--out", "plan.json"), signal.SIGINT), (("status",), signal.SIGTERM), (APPLY, signal.SIGTERM)],
)
def test_a_signal_at_any_moment_is_no_traceback_and_says_interrupted(
    args: tuple[str, ...], number: signal.Signals, far: Outside
) -> None:
    """From the moment on at which the command itself runs: what Python says while it starts is not ours."""
    started = b"msgspec"
    codes = set()
    for part in range(4):
        running = far.begin(*args)
        maps = Path(f"/proc/{running.pid}/maps")
        until(lambda maps=maps, running=running: running.ended or started in maps.read_bytes(), "the start")
        time.sleep(0.12 * part)
        running.signal(number)
        said = running.end()
        codes.add(said.code)
        assert said.code in (0, 8), said.err
    assert 8 in codes
    assert far.command(*APPLY).code == 0
    agrees(far, far.recorded())


class Interrupting:
    """Lets everything pass, but for one moment, before or after the effect number `at`, at which a second signal
    comes."""

    def __init__(self, at: int = -1, mode: str = "before") -> None:
        self.at, self.mode = at, mode
        self.seen: list[str] = []

    def do(self, kind: str, what: str, act: Callable[[], T], torn: Callable[[], object] | None = None) -> T:
        number = len(self.seen)
        self.seen.append(f"{kind} {Path(what).name}")
        if number == self.at and self.mode == "before":
            raise Abandoned
        found = act()
        if number == self.at:
            raise Abandoned
        return found


@pytest.fixture(scope="module")
def points(
    template: Path, as_many_effects_every_time: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[str], dict[str, Any]]:
    """The effects of an undisturbed run, and its end."""
    with site(tmp_path_factory.mktemp("whole") / "site", template) as here:
        effects = Interrupting()
        assert apply_once(here, effects) == 0
        finish(here)
        return effects.seen, outcome_of(here)


def abandoned(here: Site, at: int, mode: str) -> None:
    """A second signal at one effect: what the process still does on its way out must not make the state wrong."""
    with pytest.raises(Problem) as found:
        apply_once(here, Interrupting(at, mode))
    assert found.value.exit is Exit.INTERRUPTED
    del found
    gc.collect()
    cached = read(here.folder, "exit").state
    snapshot = here.folder / ".crmstate" / "exit" / "state.json"
    snapshot.unlink(missing_ok=True)
    assert read(here.folder, "exit").state == cached, f"{mode} {at}: the snapshot says something else than the journal"


@pytest.mark.parametrize("mode", ["before", "after"])
def test_a_second_signal_at_some_moments_leaves_no_wrong_snapshot(
    mode: str, template: Path, points: Any, tmp_path: Path
) -> None:
    """Around the effects of some appends; every one: `make test-deep`."""
    appends = [at for at, what in enumerate(points[0]) if what.endswith("head")]
    for at in (appends[1], appends[len(appends) // 2], appends[-2]):
        with site(tmp_path / f"{at}", template) as here:
            abandoned(here, at, mode)
            finish(here)
            assert here.twice() == []
            assert outcome_of(here) == points[1]


@pytest.mark.deep(seconds=25)
@pytest.mark.parametrize("mode", ["before", "after"])
@pytest.mark.parametrize("part", range(4))
def test_a_second_signal_at_any_effect_is_survived(
    part: int, mode: str, template: Path, points: Any, tmp_path: Path
) -> None:
    """Before and after every second effect: after one is before the next."""
    for at in range(2 * part, len(points[0]), 8):
        with site(tmp_path / f"{at}", template) as here:
            abandoned(here, at, mode)
            finish(here)
            assert here.twice() == []
            assert outcome_of(here) == points[1]


LOST = {
    "an exec": "exec('raise KeyboardInterrupt')",
    "a destructor": "type('Dying', (), {'__del__': lambda self: exec('raise KeyboardInterrupt')})()",
    "a name": "type('Named', (), {'it': type('Naming', (), {'__set_name__': lambda *_: exec('raise KeyboardInterrupt')})()})",
}


@pytest.mark.parametrize("module", ["crmstate.cli.app", "crmstate.cli.commands.status"])
@pytest.mark.parametrize("where", LOST)
def test_an_interruption_where_python_forgets_it_ends_with_our_own_code(
    where: str, module: str, tmp_path: Path
) -> None:
    """`python -m` remembers a Ctrl-C that met it inside `exec` (where dataclasses are made, while modules load) and
    ends itself by SIGINT although it was caught; one inside a destructor it prints and forgets; one inside a
    `__set_name__` (of which pydantic's models are made) it turns into another error."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        f"            {LOST[where]}\n"
        "sys.meta_path.insert(0, Interrupting())\n"
    )
    places = os.pathsep.join([str(tmp_path), str(Path(crmstate.__file__).parents[1])])
    command = [sys.executable, "-m", "crmstate", "status", "--lang", "en"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": places}, capture_output=True, cwd=tmp_path)
    assert (done.returncode, b"Traceback" in done.stderr, b"gnored" in done.stderr) == (8, False, False)
