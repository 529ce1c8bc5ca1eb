"""The sandbox as a process: a threaded server on loopback over one World, with a ready file that says where it
listens.

It listens on 127.0.0.1 only, and only one server runs over a data file. What a request means is `exchange`'s and
the dialect's matter.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import dialects, http1
from .exchange import Dialect, exchange
from .seeding import seed
from .wire import Refused
from .world import World


class AlreadyServed(Exception):
    """Another server runs over this data file."""


class Server:
    """A listening server in this process. `with Server(world) as server: ... server.url`.

    With `tls` (a server's context, whose certificate names `127.0.0.1` or `localhost`) it speaks HTTPS alone.
    """

    def __init__(
        self, world: World, *, port: int = 0, dialect: Dialect | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.world = world
        self._tls = tls
        self._dialect = dialect or dialects.load(world.traits.get("dialect", dialects.NATIVE))
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self._open: dict[socket.socket, threading.Thread] = {}
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._acceptor = threading.Thread(target=self._accept, name="sandbox-accept", daemon=True)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self) -> Server:
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Closes the listener and every connection, once the requests that are being answered have ended."""
        with self._guard:
            self._stopping.set()
            open_now = dict(self._open)
        for each in [self._listener, *open_now]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in (self._acceptor, *open_now.values()):
            thread.join(timeout=10)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), name="sandbox-connection", daemon=True)
            with self._guard:
                if self._stopping.is_set():
                    connection.close()
                    return
                self._open[connection] = thread
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                connection = self._secured(connection, self._tls)
            with connection.makefile("rb", 65536) as stream:
                while self._turn(stream, connection):
                    pass
        except OSError:
            pass  # the client went away
        finally:
            with self._guard:
                self._open.pop(connection, None)
            connection.close()

    def _secured(self, connection: socket.socket, tls: ssl.SSLContext) -> socket.socket:
        """The connection under TLS, in the place of the bare one, so that `stop` closes it too. It greets when it is
        read."""
        with self._guard:
            secured = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            self._open[secured] = self._open.pop(connection, threading.current_thread())
        return secured

    def _wait(self, seconds: float) -> None:
        """A fault's latency; a stopping server leaves instead of waiting it out."""
        if self._stopping.wait(seconds):
            raise ConnectionAbortedError("the server stops")

    def _turn(self, stream: object, connection: socket.socket) -> bool:
        """One request and its reply; False when the connection is to be closed."""
        try:
            found = http1.read(stream, connection)  # type: ignore[arg-type]
        except http1.BadRequest as bad:
            reply = self._dialect.failure(Refused("invalid", str(bad)), "r-000000")
            if getattr(self._dialect, "numbered", True):
                reply.headers["X-Request-Id"] = "r-000000"
            http1.write(connection, None, reply, stays=False)
            http1.drain(stream, connection)  # type: ignore[arg-type]
            return False
        if found is None:
            return False
        request, stays = found
        reply = exchange(self.world, self._dialect, request, sleep=self._wait)
        return http1.write(connection, request, reply, stays=stays)


def ready_path(data: str | os.PathLike[str]) -> Path:
    """Where the ready file of a data file lies."""
    return Path(f"{os.fspath(data)}.server.json")


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Holds the data file for this server's life."""
    with open(f"{data}.lock", "a", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o600)) as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyServed(f"another server runs over {data}; see {ready_path(data)}") from error
        yield


def _announce(place: Path, url: str, data: Path) -> None:
    fresh = place.with_name(f"{place.name}.{os.getpid()}.tmp")
    with open(fresh, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump({"url": url, "pid": os.getpid(), "data": str(data)}, file)
    fresh.replace(place)


def serve(
    data: str | os.PathLike[str],
    port: int = 0,
    ready_file: str | os.PathLike[str] | None = None,
    dialect: str = dialects.NATIVE,
) -> None:
    """Serves until SIGTERM or SIGINT. Seeds a small world if the file is absent, which then speaks `dialect`.

    Raises `AlreadyServed`, OSError for a taken port, ValueError for a file that is no world.

    Call it from the main thread of a process of its own.
    """
    place = Path(data).resolve()
    ready = Path(ready_file) if ready_file else ready_path(place)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with _alone(place):
        with suppress(FileNotFoundError):
            ready.unlink()  # of a server that was killed
        if not place.exists():
            seed(place, dialect=dialect)
        sys.setswitchinterval(0.001)
        try:
            with World.open(place) as world, Server(world, port=port) as server:
                _announce(ready, server.url, place)
                print(f"sandbox: {server.url} over {place}", file=sys.stderr, flush=True)
                while not ended.wait(0.2):  # a signal that another thread took wakes nobody
                    pass
        finally:
            with suppress(FileNotFoundError):
                ready.unlink()  # last of all: who waits for it may clear the folder away then
