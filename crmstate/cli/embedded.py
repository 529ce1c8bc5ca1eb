"""The embedded sandbox: a simulated vendor as a process of its own, started when it is needed, which outlives the
command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from crmstate.core.diagnostic import problem
from crmstate.core.secret import Secret
from crmstate.core.words import Exit

PATIENCE = 30.0


def start(data: Path, dialect: str = "native") -> str:
    """The address of the server over `data`; starts one where none runs. Raises Problem where it does not come up."""
    deadline = time.monotonic() + PATIENCE
    ready = data.with_name(data.name + ".server.json")
    url = _running(ready, data)
    if url is not None:
        return url
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise problem(Exit.ERROR, "CRM-C021", path=data.parent, why=error.strerror or type(error).__name__) from None
    log = data.with_name(data.name + ".server.log")
    with _log(log) as sink:
        child = subprocess.Popen(
            [sys.executable, "-m", "crmstate.sandbox", "serve", "--data", str(data), "--dialect", dialect],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    try:
        while time.monotonic() < deadline:
            url = _running(ready, data)
            if url is not None:
                return url
            if (
                child.poll() not in (None, 0)
                and _running(ready, data) is None
                and time.monotonic() > deadline - PATIENCE + 3
            ):
                break
            time.sleep(0.02)
    except BaseException:
        _end(child)  # nobody knows of it yet
        raise
    raise problem(Exit.ERROR, "CRM-C016", data=data, log=log)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ends a server that was just started, and waits: what it still writes would be left behind."""
    child.terminate()
    try:
        child.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def stop(data: Path) -> None:
    """Ends the server over `data` and waits until it has gone; none is no error."""
    ready = data.with_name(data.name + ".server.json")
    if _running(ready, data) is None:
        return
    pid = int(json.loads(ready.read_text(encoding="utf-8"))["pid"])
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while ready.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def keys(
    data: Path, fields: Sequence[str] = ("token",), access: str | None = "token", renewed_by: Sequence[str] = ()
) -> dict[str, dict[str, Secret]]:
    """The credentials that seeding wrote beside the data, for `read` and `write`: the access token where it is one of
    `fields` (a vendor's credential may be given in more than one way), without what another is got by (`renewed_by`); or
    else all of those that are there."""
    place = data.with_name(data.name + ".keys.json")
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
        return {use: _credential(found[use], fields, access, renewed_by) for use in ("read", "write")}
    except (OSError, ValueError, KeyError, TypeError):
        raise problem(Exit.CREDENTIALS, "CRM-C017", path=place) from None


def _credential(
    found: dict[str, str], fields: Sequence[str], access: str | None, renewed_by: Sequence[str]
) -> dict[str, Secret]:
    """Raises KeyError where nothing of a written credential is of use."""
    direct = access in found and access in fields
    names = [name for name in fields if name in found and not (direct and name in renewed_by)]
    return {name: Secret(found[name]) for name in names or fields[:1]}


def _log(path: Path) -> IO[bytes]:
    """The server's log, for appending. Whoever wrote the manifest may have put a link in its place: it is not
    followed."""
    try:
        return os.fdopen(
            os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "ab"
        )
    except OSError as error:
        raise problem(Exit.ERROR, "CRM-C021", path=path, why=error.strerror or type(error).__name__) from None


def _running(ready: Path, data: Path) -> str | None:
    """The address in the ready file, where a process listens there over `data`. The file may come with the manifest, or with a
    copied folder: it names this machine, a process, and the data beside it, or it leads nowhere."""
    try:
        found = json.loads(ready.read_text(encoding="utf-8"))
        pid, parts = int(found["pid"]), urlsplit(found["url"])
        if pid <= 0 or (parts.scheme, parts.hostname) != ("http", "127.0.0.1"):
            return None
        if Path(found["data"]).resolve() != data.resolve():
            return None  # of the folder that this one was copied from
        os.kill(pid, 0)
        with socket.create_connection(("127.0.0.1", parts.port or 0), timeout=1):
            return str(found["url"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RuntimeError):
        return None
