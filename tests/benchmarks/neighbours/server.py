"""The vendor of the comparison, a process of its own: `python server.py ROWS` prints its port and serves until its
input ends. Pages are made before it listens, so that serving costs next to nothing.

    GET /contacts?cursor=C   a page: {"rows": [...], "next": "..." or null}; needs the bearer token, as do the next two
    GET /datasets            their names and how many rows they have
    GET /me                  who the token is
    GET /control/reset?hold=N   forgets its counts; page N will be held: asked for, and never answered
    GET /control/counts      {"asked": {dataset: [times, per page]}, "held": whether the page that is held was asked for}
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.benchmarks.neighbours import truth


class Vendor:
    """The pages, and who asked for them."""

    def __init__(self, rows: int) -> None:
        self.rows = {truth.CONTACTS: rows, truth.LEDGER: min(rows, truth.LEDGER_ROWS)}
        self.pages = {name: truth.pages(name, count) for name, count in self.rows.items()}
        self.reset(-1)

    def reset(self, hold: int) -> None:
        self.hold = hold
        self.held = False
        self.asked = {name: [0] * len(pages) for name, pages in self.pages.items()}

    def answer(self, target: str, token: str) -> tuple[int, bytes] | None:
        """The status and body of an answer; None for no answer at all."""
        parts = urlsplit(target)
        given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        name = parts.path.strip("/")
        if name == "control/reset":
            self.reset(int(given.get("hold", -1)))
            return 200, b"{}"
        if name == "control/counts":
            return 200, json.dumps({"asked": self.asked, "held": self.held}).encode()
        if token != f"Bearer {truth.TOKEN}":
            return 401, b'{"why":"no token"}'
        if name == "me":
            return 200, b'{"tenant":"t-1","user":"u-1","key":"k-1"}'
        if name == "datasets":
            return 200, json.dumps({"datasets": [{"id": name, "rows": n} for name, n in self.rows.items()]}).encode()
        return self.page(name, given.get("cursor", ""))

    def page(self, dataset: str, cursor: str) -> tuple[int, bytes] | None:
        try:
            number = truth.page_of(cursor)
            body = self.pages[dataset][number]
        except (ValueError, LookupError):
            return 404, b'{"why":"no such page"}'
        self.asked[dataset][number] += 1
        if number == self.hold:
            self.held = True
            return None
        return 200, body


class Connection(asyncio.Protocol):
    """One connection: requests without bodies, answered one by one."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.out = transport

    def data_received(self, data: bytes) -> None:
        self.read += data
        while b"\r\n\r\n" in self.read:
            head, _, self.read = self.read.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            found = self.vendor.answer(first.split(" ")[1], headers.get("authorization", ""))
            if found is not None:
                status, body = found
                head = f"HTTP/1.1 {status} .\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                self.out.write(head.encode() + body)


async def serve(rows: int) -> None:
    loop = asyncio.get_running_loop()
    vendor = Vendor(rows)
    listening = await loop.create_server(lambda: Connection(vendor), "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
