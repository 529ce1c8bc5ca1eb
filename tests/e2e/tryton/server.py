"""A running server: a process of its own on a free port of loopback, over a copy of a prepared database."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from .place import ADMIN, DATABASE, copy, environment, files_of, inside

START = 60.0
TRIES = 3

CONFIG = """\
[database]
uri = sqlite://
path = {folder}
[web]
listen = 127.0.0.1:{port}
[session]
authentications = password
max_attempt = 5
[cache]
clean_timeout = 0
"""
"""`clean_timeout = 0`: the server looks for what others have changed before every request, and not every few minutes,
so that a database that was restored under it is seen at once."""


class Tryton:
    """`folder` belongs to it alone. `source`: the prepared database that it begins with."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.folder = folder
        self.source = source
        self.file = folder / f"{DATABASE}.sqlite"
        self.log = folder / "trytond.log"
        self.port = 0
        self.admin = ADMIN
        self._process: subprocess.Popen[bytes] | None = None
        self._resets = 0
        folder.mkdir(parents=True, exist_ok=True)
        copy(source, self.file)
        if files_of(source).is_dir():
            shutil.copytree(files_of(source), folder / DATABASE)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def tenant(self) -> str:
        """What tells this database from any other: the moment at which its root user was made."""
        with self.open() as file:
            (born,) = file.execute("SELECT create_date FROM res_user WHERE id = 0").fetchone()
        return datetime.fromisoformat(born).strftime("%Y%m%dT%H%M%S.%f")

    def start(self) -> Tryton:
        """Returns when it answers. Another program may take the free port first: then another one is tried."""
        python = environment()
        for _ in range(TRIES):
            self.port = free_port()
            config = self.folder / "trytond.conf"
            config.write_text(CONFIG.format(folder=self.folder, port=self.port))
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [*inside(python.with_name("trytond")), "-c", str(config), "-d", DATABASE],
                    cwd=self.folder,
                    env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            if self._answers():
                return self
            self.stop()
        raise AssertionError(f"the server does not start: {self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Kills it with everything that it may have started. May be called twice."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(START)
            if process.stdin is not None:
                process.stdin.close()

    def reset(self) -> None:
        """Everything as it was in the beginning, and nothing remembered: every cache of the server is told that it is
        stale, with a time that is later than any that the server itself writes."""
        copy(self.source, self.file)
        self._resets += 1
        with self.open() as file:
            file.execute("UPDATE ir_cache SET timestamp = datetime('2100-01-01', ?)", (f"+{self._resets} seconds",))

    @contextlib.contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """The database's file itself, past the server; what is written is committed at the end."""
        with closing(sqlite3.connect(self.file, timeout=30)) as file, file:
            yield file

    def _answers(self) -> bool:
        assert self._process is not None
        end = time.monotonic() + START
        while self._process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
                if _version(self.port):
                    return True
            time.sleep(0.05)
        return False


def _version(port: int) -> Any:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as line:
        body = json.dumps({"id": 1, "method": "common.server.version", "params": []})
        line.request("POST", "/rpc/", body, {"Content-Type": "application/json"})
        return json.loads(line.getresponse().read())["result"]


def free_port() -> int:
    """A port below those that systems hand out by themselves: nobody who asks for any port is given it meanwhile."""
    while True:
        port = random.randrange(20_000, 30_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
