"""Lock: one writer at a time. An flock held for life is the lock; a lease file beside it only says who.

The kernel frees the flock of a killed process and keeps that of a stopped one, so no clock and no guess decides. The
descriptor is not inherited by programs that we start. The lock's file is never deleted: a new one would be another
lock.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import weakref
from pathlib import Path

import msgspec

from crmstate.core.diagnostic import Problem, problem
from crmstate.core.ports import Clock, Effects
from crmstate.core.words import Exit
from crmstate.store import files
from crmstate.store.files import Disk
from crmstate.store.home import Home
from crmstate.store.lines import sound

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CI_PAGES = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL")


class Lease(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who holds the lock. `run`: address of the CI run; `started`: ISO 8601 UTC."""

    host: str
    pid: int
    user: str
    command: str
    started: str
    run: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (f"{self.user}@{self.host}", f"pid {self.pid}", f"({self.command})", self.run)))


class FileLock:
    """`core.ports.Lock` on a local disk. `acquire` and `release` may follow each other more than once."""

    def __init__(self, home: Home, effects: Effects, clock: Clock) -> None:
        self._home = home
        self._effects = effects
        self._disk = Disk(effects)
        self._clock = clock
        self._held: _Held | None = None

    def acquire(self) -> None:
        """Takes the lock at once or raises Problem (exit 4) that says who holds it, since when, and what to do. A dead
        holder's lease is written over."""
        path, lease = self._home.lock, _lease(self._clock.now().isoformat())
        try:
            self._held = self._effects.do("lock", str(path), lambda: _take(path))
        except BlockingIOError as error:
            raise held_by(self._home, read_lease(self._home)) from error
        except OSError as error:
            raise files.trouble(error, path) from error
        try:
            self._disk.replace(self._home.lease, msgspec.json.encode(lease) + b"\n")
        except Problem:
            self._let_go()
            raise

    def release(self) -> None:
        """Gives the lock back; without holding it, nothing."""
        if self._held is None:
            return
        try:
            self._disk.remove(self._home.lease)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()


class _Held:
    """An open, locked descriptor, closed at the latest when nobody refers to it any more."""

    def __init__(self, descriptor: int) -> None:
        self.close = weakref.finalize(self, os.close, descriptor)


def read_lease(home: Home) -> Lease | None:
    """The lease, or None where there is none that can be read."""
    try:
        data = files.read(home.lease, 65536)
        return msgspec.json.decode(data, type=Lease) if data else None
    except (Problem, msgspec.MsgspecError, ValueError):
        return None


def held_by(home: Home, lease: Lease | None) -> Problem:
    """The Problem of a lock that somebody holds: CRM-S004; CRM-S034 where the lease does not say who."""
    if lease is None:
        return problem(Exit.LOCKED, "CRM-S034", name=home.name, file=str(home.lock))
    return problem(
        Exit.LOCKED,
        "CRM-S004",
        name=home.name,
        holder=str(lease),
        since=lease.started,
        host=lease.host,
        pid=lease.pid,
        user=lease.user,
        run=lease.run,
        command=lease.command,
    )


def alive(lease: Lease) -> bool | None:
    """Whether the holder's process runs on this host; None where it is another host's."""
    if lease.host != socket.gethostname():
        return None
    try:
        os.kill(lease.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _take(path: Path) -> _Held:
    """Opens and locks. Raises BlockingIOError where somebody holds it."""
    while True:
        held = _Held(os.open(path, _FLAGS, 0o600))
        descriptor = _descriptor(held)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                return held
        except FileNotFoundError:
            pass
        held.close()


def _descriptor(held: _Held) -> int:
    alive = held.close.peek()
    assert alive is not None
    descriptor: int = alive[2][0]
    return descriptor


def _lease(started: str) -> Lease:
    program = Path(sys.argv[0]).name if sys.argv else ""
    verb = next((word for word in sys.argv[1:2] if not word.startswith("-")), "")
    user = os.environ.get("USER") or os.environ.get("LOGNAME") or f"uid {os.getuid()}"
    command, run = sound(f"{program} {verb}".strip()), sound(_ci_run())
    return Lease(socket.gethostname(), os.getpid(), sound(user), command, started, run)


def _ci_run() -> str:
    """The address of the CI run that this is, or empty."""
    env = os.environ
    if env.get("GITHUB_SERVER_URL") and env.get("GITHUB_RUN_ID"):
        return f"{env['GITHUB_SERVER_URL']}/{env.get('GITHUB_REPOSITORY', '')}/actions/runs/{env['GITHUB_RUN_ID']}"
    return next((env[key] for key in _CI_PAGES if env.get(key)), "")
