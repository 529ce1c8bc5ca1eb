"""A vendor that exports by jobs and costs nothing: a process that has one file of CSV, made beforehand, and answers as the
sandbox does (docs/reference/sandbox-api.md, Jobs). The file goes from the disk's cache to the socket.

`python -m tests.benchmarks.table FILE ROWS` prints its port and serves.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import socket
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from tests.benchmarks.pages import PAGES, SIZE, record
from tests.benchmarks.server import head, listen, serving

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
    return head(len(body)) + body


def main(path: Path, rows: int) -> None:
    """Serves until it is killed."""

    def give(connection: socket.socket, method: bytes, target: str) -> None:
        if method == b"POST":
            connection.sendall(answer(path, rows, "/v1/exports/j1"))
        elif target == FILE:
            _send(connection, path)
        else:
            connection.sendall(answer(path, rows, target))

    listen(give)


def _send(connection: socket.socket, path: Path) -> None:
    size, place = path.stat().st_size, 0
    connection.sendall(head(size, kind=b"text/csv"))
    with path.open("rb") as file:
        while place < size:
            place += os.sendfile(connection.fileno(), file.fileno(), place, 1 << 20)


def served(path: Path, rows: int) -> AbstractContextManager[str]:
    """The address of such a process, which ends with the block."""
    return serving("tests.benchmarks.table", str(path), str(rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
