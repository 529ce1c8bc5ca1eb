"""The server that the other tests stand on: no process and no file of it is left behind, however the test ended. And what
only a person does to it: the runbook for the database's end is held against the server.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from crmstate.core.failure import Code
from crmstate.providers.kit import Answer
from crmstate.providers.odoo import classify

from ..outside import until
from ..tryton.test_server import alive
from .office import SEED
from .place import DATABASE, ROOT, prepared
from .server import Odoo

pytestmark = pytest.mark.deep

START = """
import sys, time
from pathlib import Path
from tests.e2e.odoo.place import prepared
from tests.e2e.odoo.server import Odoo
server = Odoo(prepared(Path(sys.argv[1]))).start()
print(server.pid, server.place, flush=True)
time.sleep(600)
"""


def test_a_server_ends_with_a_starter_that_was_killed() -> None:
    prepared(SEED)
    command = [sys.executable, "-c", START, str(SEED)]
    starter = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid, _, place = starter.stdout.readline().strip().partition(" ")
    database = int((Path(place) / "pg" / "postmaster.pid").read_text().split()[0])
    assert alive(int(pid)) and alive(database)

    os.kill(starter.pid, signal.SIGKILL)
    starter.wait(60)

    until(lambda: not alive(int(pid)) and not alive(database), "the server's end")
    until(lambda: not Path(place).exists(), "the end of its files")
    starter.stdout.close()


def test_what_the_runbook_says_of_backup_and_drop_is_so() -> None:
    """Statuses mislead: a refusal is a page that says 200, a drop that was done says 303, and the list goes on naming what
    is gone."""
    server = Odoo(prepared(SEED)).start()
    try:
        asked = {"name": DATABASE, "backup_format": "zip"}
        refused, no_file = posted(server, "backup", master_pwd="wrong", **asked)
        status, backup = posted(server, "backup", master_pwd=server.master, **asked)
        assert (200, 200) == (refused, status)
        assert b"Access Denied" in no_file and b"<html" in no_file
        with zipfile.ZipFile(io.BytesIO(backup)) as whole:
            assert {"dump.sql", "manifest.json"} <= set(whole.namelist())

        status, page = posted(server, "drop", master_pwd="wrong", name=DATABASE)
        assert (200, True) == (status, b"Database deletion error: Access Denied" in page)
        assert server.opens(server.keys["leaver"])
        failure = classify(Answer(status, {}, page))
        assert failure is not None and failure.code is Code.REJECTED

        assert 303 == posted(server, "drop", master_pwd=server.master, name=DATABASE)[0]
        assert [] == server.cluster.talk("postgres").ask(
            f"SELECT 1 AS there FROM pg_database WHERE datname = '{DATABASE}'"
        )
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as line:
            line.request("POST", "/web/database/list", "{}", {"Content-Type": "application/json"})
            assert json.loads(line.getresponse().read())["result"] == [DATABASE]
            line.request(
                "POST", "/json/2/res.users/context_get", "{}", {"Authorization": f"bearer {server.keys['leaver']}"}
            )
            found = line.getresponse()
            gone = classify(Answer(found.status, {}, found.read()))
        assert gone is not None and (404, Code.DENIED) == (found.status, gone.code)
    finally:
        server.stop()


def posted(server: Odoo, act: str, **form: str) -> tuple[int, bytes]:
    """What a person's browser, or curl, sends to the page of the databases."""
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=120)) as line:
        line.request(
            "POST", f"/web/database/{act}", urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"}
        )
        found = line.getresponse()
        return found.status, found.read()
