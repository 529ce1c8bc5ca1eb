"""A vendor that exports by jobs and costs nothing: a process that has one file of CSV, made beforehand, and answers as the
sandbox does (docs/reference/sandbox-api.md, Jobs). The file goes from the disk's cache to the socket.

`python table.py FILE ROWS` prints its port and serves.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.pages import PAGES, SIZE, record

FILE = "/files/table.csv"
_SPOT = "########"


def written(path: Path, size: int) -> int:
    """A CSV of about so many bytes: contacts of 25 columns, ids ascend. How many rows it has."""
    rnd = random.Random(7)
    pages = []
    for _ in range(PAGES):
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        for _ in range(SIZE):
            writer.writerow(["" if value is None else str(value) for value in record(rnd).values()])
        pages.append(text.getvalue().encode().split(_SPOT.encode()))
    rows = total = 0
    with path.open("wb") as out:
        out.write(",".join(record(rnd)).encode() + b"\r\n")
        while total < size:
            parts = pages[rows // SIZE % PAGES]
            woven = [b""] * (2 * len(parts) - 1)
            woven[::2] = parts
            woven[1::2] = [b"%08d" % each for each in range(rows, rows + SIZE)]
            total, rows = total + out.write(b"".join(woven)), rows + SIZE
    return rows


def answer(path: Path, rows: int, target: str) -> bytes:
    """A whole answer but for the file's."""
    size = path.stat().st_size
    if target.startswith("/v1/exports"):
        job = {
            "id": "j1", "dataset": "table", "cursor": None, "status": "done", "error": None, "rows": rows, "next": None,
            "expires_at": None, "files": [{"name": "table.csv", "url": FILE, "rows": rows, "size": size}],
        }  # fmt: skip
        found: object = {"data": [job], "next": None} if target == "/v1/exports" else job
    else:
        found = {"data": [], "next": None, "total": 0}
    body = json.dumps(found).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


def serve(connection: socket.socket, path: Path, rows: int) -> None:
    """Answers the requests of a connection."""
    held = b""
    while True:
        while b"\r\n\r\n" not in held:
            data = connection.recv(65536)
            if not data:
                return
            held += data
        head, _, held = held.partition(b"\r\n\r\n")
        method, target, *_ = head.decode().split(" ")
        if method == "POST":
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            while len(held) < length:
                held += connection.recv(65536)
            held = held[length:]
            connection.sendall(answer(path, rows, "/v1/exports/j1"))
        elif target == FILE:
            size = path.stat().st_size
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n" % size)
            with path.open("rb") as file:
                place = 0
                while place < size:
                    place += os.sendfile(connection.fileno(), file.fileno(), place, 1 << 20)
        else:
            connection.sendall(answer(path, rows, target))


def main(path: Path, rows: int) -> None:
    """Serves until it is killed."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, args=(connection, path, rows), daemon=True).start()


@contextmanager
def served(path: Path, rows: int) -> Iterator[str]:
    """The address of such a process, which ends with the block."""
    command = [sys.executable, "-m", "tests.benchmarks.table", str(path), str(rows)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
