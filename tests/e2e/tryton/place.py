"""Where the real server comes from: its environment, the bare database and databases seeded from it. Each is made once
a machine, under a lock, and only copied afterwards."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
VENV = ROOT / ".venv-tryton"
PYTHON = VENV / "bin" / "python"
READY = VENV / ".ready"
LOCKED = ROOT / "requirements" / "tryton.txt"
MODULES = ("party", "sale_opportunity", "user_role")
ADMIN = "admin-pw-1"
DATABASE = "crm"

BARE = """\
[database]
uri = sqlite://
path = {folder}
"""


def environment() -> Path:
    """The Python of the server's environment, built if it is not there. Where that cannot be done the test is
    skipped, except in CI, where it fails."""
    with _alone():
        if READY.exists() and READY.stat().st_mtime >= LOCKED.stat().st_mtime:
            return PYTHON
        built = subprocess.run(
            ["make", str(READY.relative_to(ROOT))], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if built.returncode:
            why = f"no environment for the Tryton server: {built.stderr.strip()[-300:]}"
            if os.environ.get("CI"):
                pytest.fail(why)
            pytest.skip(why)
    return PYTHON


def inside(program: Path) -> list[str]:
    """The command for a program of the server's environment; what follows are its arguments."""
    return [str(PYTHON), str(HERE / "inside.py"), str(program)]


def database(seed: Path, modules: Sequence[str] = MODULES) -> Path:
    """A database with `modules` (and those that they need) that `seed`, a script for the server's environment, has
    filled; made once, never to be opened by a server itself."""
    python = environment()
    parts = seed.read_bytes(), (HERE / "inside.py").read_bytes(), _bare_name(modules).encode()
    name = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    with _alone():
        made = VENV / "databases" / f"{name}.sqlite"
        if not made.exists():
            folder = _empty(made.with_suffix(".making"))
            copy(_bare(python, modules), folder / f"{DATABASE}.sqlite")
            _run([*inside(seed), str(_config(folder)), DATABASE], folder)
            _finish(folder, made)
        return made


def files_of(made: Path) -> Path:
    """Where the attachments of a prepared database lie: the server keeps them in a folder beside it."""
    return made.with_suffix(".files")


def copy(source: Path, target: Path) -> None:
    """A copy of a database that is whole whatever state its files are in. `target` may be open in a server."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target, timeout=30)) as new:
        old.backup(new)


def _bare(python: Path, modules: Sequence[str]) -> Path:
    """The database as the server's own command makes it: about half a minute."""
    made = VENV / "databases" / f"{_bare_name(modules)}.sqlite"
    if not made.exists():
        folder = _empty(made.with_suffix(".making"))
        (folder / f"{DATABASE}.sqlite").touch()
        (folder / "pw").write_text(ADMIN)
        command = ["-c", str(_config(folder)), "-d", DATABASE, "--all", "--activate-dependencies", "-u", *modules]
        _run(
            [*inside(python.with_name("trytond-admin")), *command, "--email", "admin@example.com"],
            folder,
            TRYTONPASSFILE=str(folder / "pw"),
        )
        _finish(folder, made)
    return made


def _bare_name(modules: Sequence[str]) -> str:
    parts = (LOCKED.read_text(), *modules, ADMIN)
    return "bare-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _config(folder: Path) -> Path:
    path = folder / "trytond.conf"
    path.write_text(BARE.format(folder=folder))
    return path


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _finish(folder: Path, made: Path) -> None:
    kept, attachments = files_of(made), folder / DATABASE
    if attachments.is_dir():
        shutil.rmtree(kept, ignore_errors=True)
        attachments.rename(kept)
    whole = folder / "whole.sqlite"
    copy(folder / f"{DATABASE}.sqlite", whole)
    whole.replace(made)
    shutil.rmtree(folder)


def _run(command: list[str], folder: Path, **more: str) -> None:
    ours, held = os.pipe()  # it ends when nobody holds the other end any more
    try:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **more}, stdin=ours, capture_output=True, text=True
        )
    finally:
        os.close(ours)
        os.close(held)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time: the workers of a test run meet here."""
    VENV.mkdir(exist_ok=True)
    with (VENV / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
