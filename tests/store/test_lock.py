"""One writer at a time, as long as it lives and no longer: real processes, killed, stopped and continued."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest
from store_scenes import BORN, HISTORY, NAME, Plain, Ticking, code_of, home, open_store, record, truth

from crmstate.core.diagnostic import Problem
from crmstate.core.words import Exit
from crmstate.store import Home, Lease, read, read_lease, unlock
from crmstate.store import lock as lock_module

HERE = Path(__file__).parent


@pytest.fixture
def process():
    """Starts a Python program with the scenes at hand, waits for its first line, and ends it at last."""
    running = []

    def start(body: str, *arguments: str, env: dict[str, str] | None = None):
        head = f"import sys; sys.path.insert(0, {str(HERE)!r})\nfrom pathlib import Path\nfrom store_scenes import *\n"
        child = subprocess.Popen(
            [sys.executable, "-c", head + textwrap.dedent(body), *arguments],
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
            env=os.environ | (env or {}),
        )
        running.append(child)
        assert child.stdout is not None
        return child, child.stdout.readline().strip()

    yield start
    for child in running:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


HOLD = """
    store = open_store(Path(sys.argv[1]))
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path, process):
    record(tmp_path)
    child, said = process(HOLD, str(tmp_path))
    assert said == "held"
    return child


def refused(folder):
    with pytest.raises(Problem) as found:
        open_store(folder)
    return found.value


def test_a_second_apply_is_told_who_holds_the_lock(tmp_path, held):
    problem = refused(tmp_path)
    params = problem.diagnostics[0].params
    assert (problem.exit, code_of(problem), params["pid"]) == (Exit.LOCKED, "CRM-S004", held.pid)
    assert f"pid {held.pid}" in params["holder"]
    assert params["since"].startswith("2026-01-01T")


def test_the_lock_of_a_killed_holder_is_free(tmp_path, held):
    held.kill()
    held.wait()
    with open_store(tmp_path) as store:
        assert store.state == truth()
        assert read_lease(Home(tmp_path, NAME)).pid == os.getpid()


def test_a_stopped_holder_still_holds_and_goes_on_unharmed(tmp_path, process):
    record(tmp_path)
    child, said = process(
        """
        store = open_store(Path(sys.argv[1]))
        print("held", flush=True)
        sys.stdin.readline()
        store.append([settled(3)])
        store.close()
        print("appended", flush=True)
        """,
        str(tmp_path),
    )
    assert said == "held"
    os.kill(child.pid, signal.SIGSTOP)
    os.waitpid(child.pid, os.WUNTRACED)
    assert refused(tmp_path).exit is Exit.LOCKED
    os.kill(child.pid, signal.SIGCONT)
    child.stdin.write("\n")
    child.stdin.flush()
    assert child.stdout.readline() == "appended\n"
    assert read(tmp_path, NAME).seq == len(HISTORY) + 1


def test_looking_needs_no_lock(tmp_path, held):
    assert read(tmp_path, NAME).state == truth()


def test_a_program_that_the_holder_started_does_not_inherit_the_lock(tmp_path, process):
    """The sandbox's server outlives the command that started it."""
    record(tmp_path)
    child, said = process(
        """
        import subprocess
        store = open_store(Path(sys.argv[1]))
        server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
        print(server.pid, flush=True)
        sys.stdin.read()
        """,
        str(tmp_path),
    )
    child.kill()
    child.wait()
    try:
        open_store(tmp_path).close()
    finally:
        os.kill(int(said), signal.SIGKILL)


def test_the_lock_can_be_taken_again_after_it_was_given_back(tmp_path):
    open_store(tmp_path).close()
    open_store(tmp_path).close()
    assert not (home(tmp_path) / "lease.json").exists()


def test_one_process_cannot_hold_it_twice(tmp_path):
    with open_store(tmp_path):
        assert refused(tmp_path).exit is Exit.LOCKED


def test_a_lock_file_that_was_deleted_and_made_anew_is_no_second_lock_for_who_waits(tmp_path, monkeypatch):
    """Between opening and locking, somebody deletes the file: the lock is taken on the file that is there now."""
    record(tmp_path)
    path, real, times = home(tmp_path) / "lock", lock_module.fcntl.flock, []

    def flock(descriptor, how):
        if not times:
            path.unlink()
            path.touch()
        times.append(how)
        return real(descriptor, how)

    monkeypatch.setattr(lock_module.fcntl, "flock", flock)
    store = open_store(tmp_path)
    monkeypatch.undo()
    assert len(times) == 2
    assert refused(tmp_path).exit is Exit.LOCKED
    store.close()


@pytest.mark.parametrize(
    ("env", "run"),
    [
        (
            {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"},
            "https://github.com/a/b/actions/runs/7",
        ),
        ({"CI_JOB_URL": "https://gitlab.example/a/-/jobs/7"}, "https://gitlab.example/a/-/jobs/7"),
        ({}, ""),
    ],
)
def test_the_lease_names_the_ci_run(tmp_path, monkeypatch, env, run):
    for name in ("GITHUB_SERVER_URL", "GITHUB_RUN_ID", *lock_module._CI_PAGES):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with open_store(tmp_path):
        assert read_lease(Home(tmp_path, NAME)).run == run


def test_the_lease_shows_no_argument_of_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/crmstate", "apply", "--var", "token=hunter2hunter2"])
    with open_store(tmp_path):
        assert read_lease(Home(tmp_path, NAME)).command == "crmstate apply"


def test_unlock_refuses_while_the_holder_lives(tmp_path, held):
    with pytest.raises(Problem) as found:
        unlock(tmp_path, NAME, Plain(), Ticking(), "ben")
    assert (found.value.exit, code_of(found.value)) == (Exit.LOCKED, "CRM-S031")
    assert found.value.diagnostics[0].params["pid"] == held.pid
    assert refused(tmp_path).exit is Exit.LOCKED


def test_unlock_clears_what_a_dead_holder_left_and_records_it(tmp_path, held):
    held.kill()
    held.wait()
    lease = unlock(tmp_path, NAME, Plain(), Ticking(), "ben")
    assert lease.pid == held.pid
    assert not (home(tmp_path) / "lease.json").exists()
    assert b'"event":"unlocked"' in sorted((home(tmp_path) / "journal").glob("*.jsonl"))[-1].read_bytes()
    assert read(tmp_path, NAME).seq == len(HISTORY) + 1


def test_unlock_says_so_where_nothing_is_locked(tmp_path):
    record(tmp_path)
    with pytest.raises(Problem, match="CRM-S030"):
        unlock(tmp_path, NAME, Plain(), Ticking(), "ben")
    open_store(tmp_path).close()


@pytest.mark.parametrize(("host", "pid", "code"), [("elsewhere", 1, "CRM-S032"), (None, 2**22 + 1, "CRM-S033")])
def test_unlock_says_where_else_to_look_when_the_lock_is_held_by_something_unseen(tmp_path, held, host, pid, code):
    path = home(tmp_path) / "lease.json"
    lease = msgspec.json.decode(path.read_bytes(), type=Lease)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(lease, host=host or lease.host, pid=pid)))
    with pytest.raises(Problem, match=code):
        unlock(tmp_path, NAME, Plain(), Ticking(), "ben")


def test_unlock_knows_when_there_is_no_state(tmp_path):
    with pytest.raises(Problem, match="CRM-S022"):
        unlock(tmp_path, NAME, Plain(), Ticking(), "ben")
    assert list(tmp_path.iterdir()) == []


APPEND = """
    from crmstate.store.chunk import Chunk
    from crmstate.store.journal import ChunkJournal, Pen
    from crmstate.store.files import Disk
    from crmstate.store import Home, load
    from crmstate.core.diagnostic import Problem
    folder = Path(sys.argv[1])
    from crmstate.store.load import load
    from crmstate.store.snapshot import Head
    place = Home(folder, NAME)
    won, lost = [], 0
    print("ready", flush=True)
    sys.stdin.readline()
    while len(won) < 30:
        found = load(place)
        journal = ChunkJournal(Pen(place, Disk(Plain()), Ticking(), sys.argv[2]), Head(found.seq, found.sha256), found.lineage)
        try:
            won.append(journal.append([settled(1)]))
        except Problem as problem:
            assert problem.exit == 5, problem
            lost += 1
    print(",".join(map(str, won)), lost, flush=True)
"""


def test_two_processes_that_append_without_a_lock_never_write_over_each_other(tmp_path, process):
    """The number is the fence: each chunk has one winner, the other learns of it, and the chain stays whole."""
    record(tmp_path, [[BORN]])
    children = [process(APPEND, str(tmp_path), name)[0] for name in ("anna", "ben")]
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    answers = [child.stdout.readline().split() for child in children]
    numbers = sorted(int(number) for won, _ in answers for number in won.split(","))
    assert numbers == list(range(2, 62))
    assert read(tmp_path, NAME).seq == 61
    assert sum(int(lost) for _, lost in answers) >= 0


@pytest.mark.parametrize("content", [b"", b"{", b"null", b'{"host":"\xff"}', b'{"host":1}', b"x" * 70000])
def test_a_lease_that_cannot_be_read_hides_nothing_but_the_name(tmp_path, held, content):
    (home(tmp_path) / "lease.json").write_bytes(content)
    problem = refused(tmp_path)
    assert (problem.exit, code_of(problem)) == (Exit.LOCKED, "CRM-S034")
