"""The server that the other tests stand on: its own place, and no process of it left behind, however the test ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from ..outside import until
from .place import ROOT, database
from .server import Tryton

pytestmark = pytest.mark.deep
SEED = Path(__file__).with_name("seed.py")
START = """
import sys, time
from pathlib import Path
from tests.e2e.tryton.place import database
from tests.e2e.tryton.server import Tryton
server = Tryton(Path(sys.argv[1]), database(Path(sys.argv[2]))).start()
print(server.pid, flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_server_ends_with_a_starter_that_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", START, str(tmp_path / "vendor"), str(SEED)]
    starter = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    assert alive(pid)

    os.kill(starter.pid, signal.SIGKILL)
    starter.wait(60)

    until(lambda: not alive(pid), "the server's end")
    starter.stdout.close()


def test_two_servers_share_nothing_and_a_reset_brings_back_the_beginning(tmp_path: Path) -> None:
    source = database(SEED)
    one, other = Tryton(tmp_path / "one", source).start(), Tryton(tmp_path / "other", source).start()
    try:
        assert one.port != other.port
        with one.open() as file:
            file.execute("DELETE FROM res_user_application")
        with other.open() as file:
            assert file.execute("SELECT count(*) FROM res_user_application").fetchone() != (0,)
        one.reset()
        with one.open() as file, closing(connect(source)) as first:
            query = "SELECT * FROM res_user_application"
            assert file.execute(query).fetchall() == first.execute(query).fetchall()
    finally:
        pids = [one.pid, other.pid]
        one.stop()
        other.stop()
    assert not any(alive(pid) for pid in pids if pid)
