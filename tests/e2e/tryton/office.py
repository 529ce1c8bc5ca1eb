"""A site whose vendor is a real Tryton server in a process of its own, behind a proxy; everything else as `outside.py`
has it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...contract.stage import Trouble
from ...real.proxy import Asked, Manners, Proxy
from ..outside import Outside
from .place import DATABASE, HERE, database, inside
from .server import Tryton

SEED = HERE / "seed.py"
ASK = HERE / "ask.py"
LEAVER = {"login": "leaver", "password": "Pw-of-leaver-2026"}

EXAMPLE = Path(__file__).parents[3] / "examples" / "tryton-exit" / "crmstate.yaml"


def example(tenant: str, url: str) -> str:
    """The example's manifest about this server."""
    text = EXAMPLE.read_text("utf-8").replace("name: tryton-exit", "name: exit")
    text = re.sub(r"  tenant: .*", f'  tenant: "{tenant}"', text)
    return re.sub(r"  url: .*", f"  url: {url}", text)


def label(asked: Asked) -> str:
    """A call by its method: they all go to one path."""
    method = ""
    with contextlib.suppress(ValueError, AttributeError):
        method = json.loads(asked.body).get("method", "")
    return f"{asked.method} {asked.path}" + (f"#{method}" if method else "")


@dataclass
class Office(Outside):
    """One folder with a manifest, a server of its own and the way to it."""

    tryton: Tryton | None = None
    proxy: Proxy | None = None
    env: dict[str, str] = field(
        default_factory=lambda: {f"TRYTON_{name.upper()}": text for name, text in LEAVER.items()}
    )

    def serve(self) -> None:
        self.tryton = Tryton(self.folder / "vendor", database(SEED)).start()
        self.proxy = Proxy(self.tryton.port, Manners(label=label))
        self.write(example(self.tryton.tenant, f"{self.proxy.url}/{DATABASE}"))

    def stop(self) -> None:
        super().stop()
        if self.proxy is not None:
            self.proxy.stop()
        if self.tryton is not None:
            self.tryton.stop()

    def trouble(self, trouble: Trouble, method: str, times: int | None = 1) -> None:
        assert self.proxy is not None
        self.proxy.trouble(trouble, f"POST /*/rpc/#{method}", times)

    def truth(self, **options: Any) -> dict[str, Any]:
        """What is really there, by another client than ours, past the proxy."""
        assert self.tryton is not None
        held, given = os.pipe()
        try:
            command = [*inside(ASK), f"{self.tryton.url}/{DATABASE}/rpc/", self.tryton.admin]
            done = subprocess.run(command, stdin=held, capture_output=True, text=True, timeout=120)
        finally:
            os.close(given)
            os.close(held)
        assert done.returncode == 0, done.stderr[-2000:]
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def opens(self, key: str) -> bool:
        """Whether a key of a user application lets anybody in."""
        assert self.tryton is not None
        address = f"{self.tryton.url}/{DATABASE}/rest/model/party.party?s=1"
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            assert error.code == 401, error.code
            return False


@contextlib.contextmanager
def office(folder: Path) -> Iterator[Office]:
    """A company on Tryton, to be ended."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Office(folder)
    try:
        made.serve()
        yield made
    finally:
        made.stop()
