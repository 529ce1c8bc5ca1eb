"""Five chats on loopback that answer as theirs do: what each takes for right, and its errors with HTTP 200."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Chats:
    """What was posted, and what is answered; `answer` None closes the connection without a word."""

    answer: Callable[[str, dict[str, Any]], Answer | None]
    port: int = 0
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def query(self, number: int = -1) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.posts[number][0]).query).items()}


@contextmanager
def chats(answer: Callable[[str, dict[str, Any]], Answer | None]) -> Iterator[Chats]:
    made = Chats(answer)

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"].startswith("application/json")
            made.posts.append((self.path, body))
            found = made.answer(self.path, body)
            if found is None:
                self.close_connection = True
                return
            status, headers, text = found
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def plain(body: object, status: int = 200, **headers: str) -> Answer:
    """An answer as JSON, or as the text that it is."""
    text = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return status, headers, text
