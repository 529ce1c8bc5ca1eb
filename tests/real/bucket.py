"""An S3-compatible server of its own process (moto), and a client to it that is none of ours: plain requests by the
standard library. Built by `make .venv-s3/.ready`, apart from our own environment."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-s3" / "bin" / "python"
KEY, SECRET = "AKIAARCHIVETEST0001", "a-secret-key-of-the-archive-tests-0001"
_SPACE = re.compile(r"\{[^}]*\}")
_KEYLESS = "AWS4-HMAC-SHA256 Credential=AKIAOTHER/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


class Server:
    """Listens on loopback until `stop`."""

    def __init__(self) -> None:
        with socket.socket() as line:
            line.bind(("127.0.0.1", 0))
            self.port: int = line.getsockname()[1]
        command = [str(PYTHON), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        env = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
        self._process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            with contextlib.suppress(OSError):
                self.ask("GET", "/")
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        self.stop()
        raise RuntimeError("the S3 server did not start")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """What the environment says of it."""
        return environ(self.url)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
        """One plain request: status and body."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as line:
            line.request(method, target, body, {"Authorization": _KEYLESS, "Content-Length": str(len(body))})
            found = line.getresponse()
            return found.status, found.read()

    def bucket(self, name: str) -> Bucket:
        """A new bucket."""
        assert self.ask("PUT", f"/{name}")[0] == 200
        return Bucket(self, name)


class Bucket:
    """One bucket, as anybody sees it."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name

    def keys(self, prefix: str = "") -> list[str]:
        return list(self._keys(prefix))

    def _keys(self, prefix: str) -> Iterator[str]:
        token = ""
        while True:
            query = {"list-type": "2", "prefix": prefix, **({"continuation-token": token} if token else {})}
            status, body = self.server.ask("GET", f"/{self.name}?{urllib.parse.urlencode(query)}")
            assert status == 200, body
            tree = {_SPACE.sub("", each.tag): each.text for each in ElementTree.fromstring(body)}
            for each in ElementTree.fromstring(body).iter():
                if _SPACE.sub("", each.tag) == "Key":
                    yield each.text or ""
            token = tree.get("NextContinuationToken") or ""
            if not token:
                return

    def get(self, key: str) -> bytes:
        status, body = self.server.ask("GET", self._target(key))
        assert status == 200, (key, status)
        return body

    def put(self, key: str, data: bytes) -> None:
        assert self.server.ask("PUT", self._target(key), data)[0] == 200

    def delete(self, key: str) -> None:
        assert self.server.ask("DELETE", self._target(key))[0] == 204

    def uploads(self) -> list[str]:
        """The keys of uploads in parts that were begun and not ended."""
        _, body = self.server.ask("GET", f"/{self.name}?uploads")
        return [each.text or "" for each in ElementTree.fromstring(body).iter() if _SPACE.sub("", each.tag) == "Key"]

    def download(self, prefix: str, to: Path) -> None:
        """Everything below a prefix, into a folder."""
        for key in self.keys(prefix):
            path = to / key.removeprefix(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.get(key))

    def _target(self, key: str) -> str:
        return f"/{self.name}/{urllib.parse.quote(key)}"


def environ(url: str) -> dict[str, str]:
    """An environment whose store is at this address of loopback."""
    return {
        "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
    }  # fmt: skip
