"""A mail server in a process of its own, which writes down every message that it took before it says so: what is in its
file was delivered, whatever the other side knows of it.

    python smtp.py FILE [--slow SECONDS] [--tls starttls|tls --cert FILE]

One line a message. Over TLS it asks for the user `robot` and the password `swordfish`.
`refuse@...` is refused for good, `later@...` for now; `lost@...` is taken, and
the connection ends without an answer.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Taking:
    """Takes mail, as the local parts of addresses say."""

    def __init__(self, file: Path, slow: float) -> None:
        self._out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._slow = slow

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        local = address.partition("@")[0]
        if local.startswith("refuse"):
            return "550 no such person"
        if local.startswith("later"):
            return "451 not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self._slow:
            await asyncio.sleep(self._slow)
        content = envelope.content
        assert isinstance(content, bytes)
        found = email.message_from_bytes(content, policy=policy.default)
        part = found.get_body()
        line: dict[str, Any] = {
            "to": envelope.rcpt_tos,
            "from": envelope.mail_from,
            "headers": {name: str(value) for name, value in found.items()},
            "text": part.get_content() if part is not None else "",
            "encrypted": server.transport is not None and server.transport.get_extra_info("ssl_object") is not None,
        }
        os.write(self._out, json.dumps(line).encode() + b"\n")
        if envelope.rcpt_tos[0].startswith("lost"):
            assert server.transport is not None
            server.transport.abort()
        return "250 taken"


def signed_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
    right = (data.login, data.password) == (b"robot", b"swordfish")
    return AuthResult(success=right, handled=right)


async def serve(file: Path, slow: float, tls: str, cert: str) -> None:
    loop = asyncio.get_running_loop()
    taking, how, context = Taking(file, slow), dict[str, Any](), None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert)
        how = {"authenticator": signed_in, "auth_required": True, "auth_require_tls": tls == "starttls"}
        how |= {"tls_context": context, "require_starttls": True} if tls == "starttls" else {}
    server = await loop.create_server(
        lambda: SMTP(taking, hostname="mail.test", loop=loop, **how),
        "127.0.0.1",
        0,
        ssl=context if tls == "tls" else None,
    )
    ready = file.with_suffix(".port")
    port = server.sockets[0].getsockname()[1]
    ready.with_suffix(".new").write_text(str(port))
    ready.with_suffix(".new").rename(ready)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    server.close()


@dataclass
class MailServer:
    """A running one."""

    port: int
    file: Path

    def taken(self) -> list[dict[str, Any]]:
        """Everything that it took, in order."""
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]

    def count(self) -> int:
        """How many it took so far."""
        return self.file.read_bytes().count(b"\n") if self.file.exists() else 0

    def recipients(self) -> list[str]:
        return [to for each in self.taken() for to in each["to"]]


@contextmanager
def mail_server(folder: Path, slow: float = 0.0, tls: str = "", cert: str = "") -> Iterator[MailServer]:
    """A mail server on loopback, in a process of its own."""
    file = folder / "taken.jsonl"
    with (folder / "mail-server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, __file__, str(file), "--slow", str(slow), "--tls", tls, "--cert", cert],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        ready, ends = file.with_suffix(".port"), time.monotonic() + 30
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < ends, (folder / "mail-server.log").read_text()
            time.sleep(0.01)
        yield MailServer(int(ready.read_text()), file)
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--slow", type=float, default=0.0)
    parser.add_argument("--tls", default="")
    parser.add_argument("--cert", default="")
    wanted = parser.parse_args()
    asyncio.run(serve(wanted.file, wanted.slow, wanted.tls, wanted.cert))
