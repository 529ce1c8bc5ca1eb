"""What the vendors of the benchmarks have in common: a process that speaks as much HTTP as our client does, with nothing
between it and the socket, so that what is measured is ours."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

END = b"\r\n\r\n"
Answer = Callable[[socket.socket, bytes, str], None]
"""Sends the whole answer to a request: its method, and its path with what it asks."""


def head(size: int, status: bytes = b"200 OK", kind: bytes = b"application/json") -> bytes:
    """The head of an answer with a body of so many bytes."""
    return b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (status, kind, size)


def listen(answer: Answer) -> None:
    """Prints the port, and serves until it is killed."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_serve, args=(connection, answer), daemon=True).start()


def _serve(connection: socket.socket, answer: Answer) -> None:
    """Answers the requests of a connection. What is posted is read and not looked at."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    held = b""
    try:
        while True:
            while END not in held:
                held += _more(connection)
            said, _, held = held.partition(END)
            method, target, _ = said.split(b" ", 2)
            if method == b"POST":
                left = int(said.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                while len(held) < left:
                    held += _more(connection)
                held = held[left:]
            answer(connection, method, target.decode())
    except ConnectionError:
        return  # whoever asked is gone


def _more(connection: socket.socket) -> bytes:
    if data := connection.recv(65536):
        return data
    raise ConnectionError("the other side has ended it")


@contextmanager
def serving(module: str, *words: str) -> Iterator[str]:
    """The address of a module that listens, in a process that ends with the block."""
    command = [sys.executable, "-m", module, *words]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.kill()
        server.wait()
