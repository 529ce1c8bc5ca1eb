"""Where the real server comes from: its environment, the bare database and databases seeded from it. Each is made once
a machine, under a lock, and only copied afterwards."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from . import cluster
from .package import code, home

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
READY = ROOT / ".venv-odoo" / ".ready"
PYTHON = READY.with_name("bin") / "python"
LOCKED = ROOT / "requirements" / "odoo.txt"
DATABASE = "crm"
MODULES = ("base_automation", "contacts", "crm")
MASTER = "master-pw-1"

CONFIG = """\
[options]
db_host = {place}/pg
db_user = root
db_name = {database}
list_db = True
pg_path = {programs}
admin_passwd = {master}
data_dir = {place}/data
addons_path = {code}/usr/lib/python3/dist-packages/odoo/addons
http_interface = 127.0.0.1
http_port = {port}
gevent_port = 0
workers = 0
max_cron_threads = 0
"""


def environment() -> Path:
    """The Python of the server's environment, built if it is not there. Where that cannot be done the test is
    skipped, except in CI, where it fails."""
    with alone():
        cluster.install()
        why = "no PostgreSQL on this machine (`apt-get install postgresql`)" if cluster.programs() is None else ""
        if not why and not (READY.exists() and READY.stat().st_mtime >= LOCKED.stat().st_mtime):
            command = ["make", str(READY.relative_to(ROOT))]
            built = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if built.returncode:
                why = f"no environment for the Odoo server: {built.stderr.strip()[-300:]}"
    if why:
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return PYTHON


def command(place: Path, port: int, *words: str) -> list[str]:
    """The server's own command over a database in `place`; `words` are its arguments."""
    config = place / "odoo.conf"
    found = {"place": place, "database": DATABASE, "programs": cluster.programs(), "code": code(), "port": port}
    config.write_text(CONFIG.format(master=MASTER, **found))
    config.chmod(0o600)
    return [str(PYTHON), str(code() / "usr" / "bin" / "odoo"), *words, "-c", str(config), "-d", DATABASE]


def environ(place: Path) -> dict[str, str]:
    packages = code() / "usr" / "lib" / "python3" / "dist-packages"
    return {**os.environ, "PYTHONPATH": str(packages), "HOME": str(place / "data"), "SEED_FOLDER": str(HERE)}


def prepared(seed: Path) -> Path:
    """A database that `seed`, a script for the server's own shell, has filled; made once, never to be opened by a server
    itself. In it: `pg`, a stopped cluster; `data`, the attachments; `keys.json`, which the seed wrote."""
    environment()
    name = _digest(seed.read_text(), _bare_name())
    with alone():
        made = home() / "databases" / name
        if not made.exists():
            bare = _bare()
            with _making(made) as place:
                copy(bare, place)
                with running(place):
                    _shell(place, seed.read_text())
    return made


def copy(source: Path, target: Path) -> None:
    """A copy of a prepared database, owners and all."""
    for part in ("pg", "data", "keys.json"):
        if (source / part).exists():
            subprocess.run(["cp", "-a", "--reflink=auto", str(source / part), str(target / part)], check=True)


@contextmanager
def running(place: Path) -> Iterator[None]:
    """The cluster of a database that is being made."""
    server = cluster.Cluster(place, throwaway=False).start()
    try:
        yield
    finally:
        server.stop()


def _bare() -> Path:
    """The database as the server's own command makes it."""
    made = home() / "databases" / _bare_name()
    if not made.exists():
        with _making(made) as place:
            (place / "data").mkdir()
            with running(place):
                words = ["-i", ",".join(MODULES), "--without-demo=all", "--stop-after-init", "--no-http"]
                _run(place, command(place, 0, *words))
    return made


def _bare_name() -> str:
    return "bare-" + _digest(LOCKED.read_text(), code().name, *MODULES, str(cluster.programs()), CONFIG)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@contextmanager
def _making(made: Path) -> Iterator[Path]:
    """A folder in which PostgreSQL can work, which becomes `made` once it is whole."""
    place = cluster.folder()
    try:
        yield place
        making = made.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        copy(place, making)
        making.rename(made)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _shell(place: Path, script: str) -> None:
    _run(place, command(place, 0, "shell", "--no-http"), script)


def _run(place: Path, command: list[str], script: str = "") -> None:
    given = place / "script.py"
    given.write_text(script)
    whole = [sys.executable, str(cluster.GUARD), str(int(signal.SIGKILL)), "", str(given), *command]
    done = subprocess.Popen(
        whole, cwd=place, env=environ(place), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )  # fmt: skip
    assert done.stdout is not None
    said = done.stdout.read()
    assert done.wait() == 0 and "Traceback" not in said, said[-3000:]


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time: the workers of a test run meet here."""
    with (home() / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
