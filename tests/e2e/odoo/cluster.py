"""A PostgreSQL cluster of one's own: a folder, a socket in it and no port. Everything that is said to it goes through one
`psql` that stays open. PostgreSQL refuses to be root's; where we are root, its files and its process are the user
`postgres`'s."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

GUARD = Path(__file__).with_name("guard.py")
OWNER = "postgres"
START = 60.0
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=64MB", "listen_addresses=")
"""A machine that crashes takes the test along; and nobody comes over the network."""


def programs() -> Path | None:
    """Where PostgreSQL's programs lie; None where there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    if found:
        return found[-1].parent
    other = shutil.which("initdb")
    return Path(other).resolve().parent if other else None


def install() -> None:
    """Where there is no PostgreSQL, and we may install one."""
    if programs() is None and os.geteuid() == 0:
        quiet = {"stdin": subprocess.DEVNULL, "check": True, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], **quiet)  # type: ignore[call-overload]
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"]
        subprocess.run(command, **quiet)  # type: ignore[call-overload]


def folder() -> Path:
    """A new folder that PostgreSQL can get at: those that pytest makes are closed to other users."""
    made = Path(tempfile.mkdtemp(prefix="crmstate-odoo-", dir="/tmp"))
    made.chmod(0o755)
    return made


class Cluster:
    """In `place/pg`. `start` makes it where it is not there."""

    def __init__(self, place: Path, throwaway: bool = True) -> None:
        self.place = place
        self.files = place / "pg"
        self._throwaway = throwaway
        self._server: subprocess.Popen[bytes] | None = None
        self._talk: dict[str, Talk] = {}

    def start(self) -> Cluster:
        found = programs()
        assert found is not None, "no PostgreSQL on this machine"
        if not (self.files / "PG_VERSION").exists():
            self.files.mkdir(mode=0o700)
            own(self.files)
            command = [str(found / "initdb"), "-D", str(self.files), "-U", "root", "-A", "trust", "-E", "UTF8"]
            done = subprocess.run(
                _as_owner([*command, "--locale=C.UTF-8", "--no-sync"]), capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr[-1000:]
        options = [part for each in (*FAST, f"unix_socket_directories={self.files}") for part in ("-c", each)]
        command = _as_owner([str(found / "postgres"), "-D", str(self.files), *options])
        gone = str(self.place) if self._throwaway else ""
        how = signal.SIGQUIT if self._throwaway else signal.SIGINT  # at once, or with everything written down
        with (self.place / "postgres.log").open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, str(GUARD), str(int(how)), gone, "", *command],
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd="/",
            )  # fmt: skip
        self._wait()
        return self

    def stop(self) -> None:
        """May be called twice."""
        for each in self._talk.values():
            each.close()
        self._talk.clear()
        server, self._server = self._server, None
        if server is not None and server.stdin is not None:
            server.stdin.close()
            server.wait(START)

    def talk(self, database: str) -> Talk:
        """What goes to a database of it."""
        if database not in self._talk:
            self._talk[database] = Talk(self.files, database)
        return self._talk[database]

    def _wait(self) -> None:
        found = programs()
        end = time.monotonic() + START
        while time.monotonic() < end and self._server is not None and self._server.poll() is None:
            ready = [str(found / "pg_isready"), "-q", "-h", str(self.files)]  # type: ignore[operator]
            if subprocess.run(ready).returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError(f"PostgreSQL does not start: {(self.place / 'postgres.log').read_text()[-1000:]}")


class Talk:
    """One `psql`. Statements that fail raise, with what PostgreSQL said."""

    def __init__(self, socket: Path, database: str) -> None:
        found = programs()
        assert found is not None
        command = [str(found / "psql"), "-X", "-q", "-A", "-t", "-U", "root", "-h", str(socket), "-d", database]
        self._said = tempfile.TemporaryFile()
        self._psql = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, start_new_session=True
        )
        self.do("SET client_min_messages = error")

    def do(self, *statements: str) -> None:
        """All of these, or none of them."""
        self._exchange("BEGIN;\n" + ";\n".join(statements) + ";\nCOMMIT;")

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query."""
        text = self._exchange(f"SELECT coalesce(json_agg(found), '[]') FROM ({query}) AS found;")
        rows: list[dict[str, Any]] = msgspec.json.decode(text)
        return rows

    def one(self, query: str) -> Any:
        """The one value of a query that has one row."""
        (row,) = self.ask(query)
        (value,) = row.values()
        return value

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._psql.communicate(b"\\q\n", timeout=10)
        if self._psql.poll() is None:
            self._psql.kill()
        self._said.close()

    def _exchange(self, text: str) -> str:
        assert self._psql.stdin is not None and self._psql.stdout is not None
        begun = self._said.seek(0, os.SEEK_END)
        self._psql.stdin.write(f"{text}\n\\echo <end>\n".encode())
        self._psql.stdin.flush()
        lines: list[str] = []
        while (line := self._psql.stdout.readline().decode()) != "<end>\n":
            assert line, "psql has ended"
            lines.append(line)
        self._said.seek(begun)
        wrong = self._said.read().decode()
        if wrong:
            self._psql.stdin.write(b"ROLLBACK;\n")
            raise AssertionError(wrong[-1000:])
        return "".join(lines)


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def own(path: Path) -> None:
    """Gives a path to PostgreSQL's user, where that is another one than we."""
    if os.geteuid() == 0:
        found = pwd.getpwnam(OWNER)
        os.chown(path, found.pw_uid, found.pw_gid)


def _as_owner(command: list[str]) -> list[str]:
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--init-groups", "--", *command]
