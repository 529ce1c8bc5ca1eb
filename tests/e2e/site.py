"""A site to end: a folder with a manifest, a World of every kind of thing, and its server on loopback in this process
or in one of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmstate.archive.pack import unpacked
from crmstate.cli.app import run
from crmstate.sandbox import Server, World
from crmstate.sandbox import advance as advance_world

HEAD = """\
apiVersion: crmstate/v1
kind: Decommission
name: exit
owner: revops@example.com
provider: {name: sandbox, embedded: acme.db}
cutover: {freeze: now}
"""
"""How a manifest begins that ends something of the served World, and at once."""

MANIFEST = (
    HEAD
    + """\
end_state:
  subscription: {status: cancelled, effective: immediately}
  users: {status: removed, keep: [{email: owner@example.com, why: closes the account}]}
  sessions: {status: ended}
  api_keys: {status: revoked}
  integrations: {status: removed}
  settings: {status: reset}
  modules: {crm: {status: disabled, data_effect: keeps}}
  data:
    archive: {to: archive/, datasets: all, attachments: true}
    discard: [{dataset: Dashboards, why: rebuilt, by: head@example.com}]
    purge: {status: purged, bin: emptied}
  account: {status: deleted}
"""
)


def archived(folder: Path) -> dict[str, bytes]:
    """Every file of the archives below a folder by its path, what is packed unpacked."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: b"".join(unpacked([data])) if name.endswith(".zst") else data for name, data in files.items()}


def rows_of(folder: Path, dataset: str = "") -> bytes:
    """The rows in the archives below a folder, of all datasets or of those whose names begin so."""
    here = re.compile(rf"(^|/)data/{dataset}[^/]*/\d+\.jsonl\.zst$")
    return b"".join(data for name, data in sorted(archived(folder).items()) if here.search(name))


def small_world(path: Path, *, users: int = 4, rows: int = 7) -> None:
    """At least one of every kind, and a plan of more than 30 steps."""
    with World.create(path) as world:
        world.add_user("u1", email="owner@example.com", name="Owner", role="owner")
        world.add_user("u2", email="admin@example.com", name="Admin", role="admin")
        for n in range(users):
            world.add_user(f"p{n}", email=f"p{n}@example.com", name=f"Person {n} 张伟", role="member")
            world.add_session(f"s{n}", f"p{n}")
        read = world.add_key("k-read", "u2", name="reads", scopes=["read"])
        write = world.add_key("k-write", "u2", name="writes", scopes=["read", "write"])
        for n in range(3):
            world.add_key(f"k{n}", f"p{n}", name=f"key {n}")
        world.add_integration("i1", type="webhook", name="hook", target="https://hooks.example.com/1")
        world.add_integration("i2", type="workflow", name="flow", target="mail")
        world.add_module("crm", name="crm", data_effect="keeps")
        world.add_setting("layout", name="Layout", customised=True)
        fields = ({"name": "Name", "type": "text", "label": "Name"},)
        for dataset in ("contacts", "deals"):
            world.add_dataset(dataset, dataset.title(), fields)
            world.add_rows(
                dataset,
                [{"id": f"{dataset[0]}{n:03}", "owner_id": "u1", "fields": {"Name": f"客户 {n}"}} for n in range(rows)],
            )
        world.add_attachment("contacts", "a1", "c000", name="offer.pdf", size=2000)
        world.add_dataset("dashboards", "Dashboards", fields, exportable=False)
        secrets = {"read": {"token": read.token}, "write": {"token": write.token}}
    keys = path.with_name(path.name + ".keys.json")
    keys.write_text(json.dumps(secrets), encoding="utf-8")
    keys.chmod(0o600)


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Site:
    """One folder with a manifest and a World."""

    folder: Path
    server: Server | None = None
    world: World | None = None
    env: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "acme.db"

    @property
    def manifest(self) -> Path:
        return self.folder / "crmstate.yaml"

    def write(self, text: str) -> None:
        self.manifest.write_text(text, encoding="utf-8")

    def change(self, old: str, new: str) -> None:
        text = self.manifest.read_text(encoding="utf-8")
        assert old in text, old
        self.write(text.replace(old, new))

    def serve(self) -> None:
        """Serves the World in this process; the embedded server is found running."""
        self.world = World.open(self.data)
        self.server = Server(self.world).start()
        ready = self.data.with_name(f"{self.data.name}.server.json")
        ready.write_text(
            json.dumps({"url": self.server.url, "pid": os.getpid(), "data": str(self.data)}), encoding="utf-8"
        )

    def stop(self) -> None:
        if self.server is not None and self.world is not None:
            self.server.stop()
            self.world.close()
            self.server = self.world = None

    def truth(self, **options: Any) -> dict[str, Any]:
        with World.open(self.data) as world:
            return world.truth(**options)

    def twice(self) -> list[tuple[str, str, str]]:
        with World.open(self.data) as world:
            return world.twice()

    def fault(self, action: str, **rule: Any) -> None:
        with World.open(self.data) as world:
            world.add_fault(action, **rule)

    def advance(self, by: str) -> None:
        advance_world(self.data, by)

    def run(self, *args: str) -> Said:
        """A command in this process, with the manifest's path where a command takes one."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(list(args))
        return Said(code, out.getvalue(), err.getvalue())

    def plan(self, *args: str) -> Said:
        return self.run("plan", str(self.manifest), *args)

    def drift(self, *args: str) -> Said:
        return self.run("drift", str(self.manifest), *args)

    def apply(self, *args: str) -> Said:
        return self.run("apply", str(self.manifest), "--yes", *args)

    def start(self, *args: str) -> subprocess.Popen[str]:
        """A command as a process of its own."""
        command = [sys.executable, "-m", "crmstate", *args]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )


@contextlib.contextmanager
def site(folder: Path, template: Path | None = None) -> Iterator[Site]:
    """A served site in `folder`; from a copy of `template`, or built anew."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Site(folder)
    if template is None:
        small_world(made.data)
        made.write(MANIFEST)
    else:
        for path in template.iterdir():
            shutil.copy2(path, folder / path.name)
    before = threading.active_count()
    made.serve()
    try:
        yield made
    finally:
        made.stop()
        left = [each.name for each in threading.enumerate()]
        assert len(left) < before + 20, left
