"""A running server: a process of its own on a free port of loopback, over a copy of a prepared database."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from ..tryton.server import free_port
from .cluster import GUARD, Cluster, folder
from .place import DATABASE, MASTER, command, copy, environ

START = 90.0
TRIES = 3


class Odoo:
    """`source`: the prepared database that it begins with. Its files lie in a folder of /tmp, and go with it."""

    def __init__(self, source: Path) -> None:
        self.place = folder()
        copy(source, self.place)
        self.keys: dict[str, str] = json.loads((source / "keys.json").read_text())
        self.port = 0
        self.master = MASTER
        self.log = self.place / "odoo.log"
        self.cluster = Cluster(self.place)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def tenant(self) -> str:
        """What tells this database from any other."""
        return str(self.cluster.talk(DATABASE).one("SELECT value FROM ir_config_parameter WHERE key = 'database.uuid'"))

    def start(self) -> Odoo:
        """Returns when it answers. Another program may take the free port first: then another one is tried."""
        self.cluster.start()
        for _ in range(TRIES):
            self.port = free_port()
            whole = [sys.executable, str(GUARD), str(int(signal.SIGKILL)), "", "", *command(self.place, self.port)]
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    whole, cwd=self.place, env=environ(self.place), stdin=subprocess.PIPE, stdout=log, stderr=log
                )
            if self._answers():
                return self
            self._end()
        said = self.log.read_text()[-3000:]
        self.stop()
        raise AssertionError(f"the server does not start: {said}")

    def stop(self) -> None:
        """Ends it with its database. May be called twice."""
        self._end()
        self.cluster.stop()
        shutil.rmtree(self.place, ignore_errors=True)

    def ask(self, key: str, model: str, method: str, **said: Any) -> tuple[int, Any]:
        """One call to it, past everything of ours: status and body."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as line:
            headers = {"Authorization": f"bearer {key}", "Content-Type": "application/json"}
            line.request("POST", f"/json/2/{model}/{method}", json.dumps(said), headers)
            found = line.getresponse()
            return found.status, json.loads(found.read())

    def opens(self, key: str) -> bool:
        """Whether a key lets anybody in."""
        status, _ = self.ask(key, "res.users", "context_get")
        assert status in {200, 401}, status
        return status == 200

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait(START)

    def _answers(self) -> bool:
        assert self._process is not None
        end = time.monotonic() + START
        while self._process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                status, _ = self.ask("none", "res.users", "context_get")
                if status == 401:
                    return True
            time.sleep(0.1)
        return False
