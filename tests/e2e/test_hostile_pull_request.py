"""A pull request against the manifest's repository, written by somebody who means harm, and planned by a CI that holds
secrets.

Nothing is read, sent or started that the operator did not allow; what is refused says how it can be allowed; and then
it works.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from crmstate.cli import embedded
from crmstate.sandbox import World

from .scenes import EMBEDDED, WITHOUT_ACCOUNT
from .site import MANIFEST, Said, Site, site

pytestmark = pytest.mark.usefixtures("quick")

CANARY = "AWS-canary-wJalrXUtnFEMI"
COMMANDS = ("plan", "apply", "status")


class Capture:
    """A server of the attacker's on every address of this machine. It counts who comes; nobody should."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("0.0.0.0", 0))
        self.port = int(self._listener.getsockname()[1])
        self.came: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(0.2)
                with connection, suppress(OSError):
                    self.came.append(b"")
                    self.came.append(connection.recv(65536))

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits for a connection: a close alone does not
        self._listener.close()


@pytest.fixture
def capture() -> Iterator[Capture]:
    server = Capture()
    yield server
    server.close()


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A repository with a manifest, inside a folder with other people's files; CI's secrets are in the environment."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.delenv("CRMSTATE_OPERATOR", raising=False)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text(CANARY, encoding="utf-8")
    with site(tmp_path / "repo") as here:
        (here.folder / ".git").mkdir()
        (here.folder / ".git" / "config").write_text("[core]\n", encoding="utf-8")
        yield here


def provider(here: Site, read: str, url: str | None = None) -> str:
    assert here.server is not None
    uses = f"read: {{token: {read}}}, write: {{token: {{env: SANDBOX_WRITE}}}}"
    return f"provider: {{name: sandbox, tenant: t-1001, url: {url or here.server.url!r}, credentials: {{{uses}}}}}"


def refused(here: Site, manifest: str, code: str, *, exits: tuple[int, ...] = (3,)) -> Said:
    """Every command refuses the manifest, tells no secret, and leaves the vendor and the folder as they were."""
    here.write(manifest)
    before = files(here.folder.parent)
    with World.open(here.data) as world:
        requests = world.truth()["requests"]
    for command in COMMANDS:
        said = here.run(command, str(here.manifest), *(["--yes"] if command == "apply" else []))
        assert said.code in exits, (command, said.out, said.err)
        assert code in said.err, said.err
        assert CANARY not in said.out + said.err
    assert files(here.folder.parent) == before
    with World.open(here.data) as world:
        assert world.truth()["requests"] == requests
    return said


def files(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("acme.db-"))
    return {str(path): path.read_bytes() for path in found}


def allow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *rows: str) -> None:
    """The operator allows, with exactly the lines that the refusal named."""
    place = tmp_path / "operator.toml"
    place.write_text("\n".join(rows) + "\n", encoding="utf-8")
    monkeypatch.setenv("CRMSTATE_OPERATOR", str(place))


def told(said: Said) -> str:
    """The line for the operator's file that a refusal names."""
    line = next(line for line in said.err.splitlines() if "→" in line and "allow_" in line)
    start = line.index("allow_")
    return line[start : line.index("]", start) + 1]


def token(here: Site, id: str) -> str:
    with World.open(here.data) as world:
        return world.credentials()[id].token


@pytest.fixture
def good(repo: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("SANDBOX_WRITE", token(repo, "k-write"))
    return repo


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "PATH", "GITHUB_TOKEN", "sandbox_read", "CRMSTATE_OPERATOR"])
def test_other_names_of_the_environment_are_refused(name: str, good: Site, capture: Capture) -> None:
    url = f"http://127.0.0.1:{capture.port}"
    refused(good, MANIFEST.replace(EMBEDDED, provider(good, f"{{env: {name}}}", url)), "CRM-M120")
    assert capture.came == []


def test_an_allowed_name_of_the_environment_works(good: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    manifest = MANIFEST.replace(EMBEDDED, provider(good, "{env: AWS_SECRET_ACCESS_KEY}"))
    said = refused(good, manifest, "CRM-M120")
    allow(monkeypatch, tmp_path, told(said))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", token(good, "k-read"))
    assert good.plan().code == 0


@pytest.mark.parametrize("how", ["absolute", "climbing", "link", "link to folder", "git", "home"])
def test_files_outside_the_folder_are_not_read(how: str, good: Site, tmp_path: Path) -> None:
    (good.folder / "inside").symlink_to(tmp_path / "outside" / "secret.txt")
    (good.folder / "folder").symlink_to(tmp_path / "outside")
    written = {
        "absolute": str(tmp_path / "outside" / "secret.txt"),
        "climbing": "../outside/secret.txt",
        "link": "inside",
        "link to folder": "folder/secret.txt",
        "git": ".git/config",
        "home": "x/../../outside/secret.txt",
    }[how]
    refused(good, MANIFEST.replace(EMBEDDED, provider(good, f"{{file: {written!r}}}")), "CRM-M121")


def test_an_allowed_file_works(good: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "outside" / "key"
    place.write_text(token(good, "k-read"), encoding="utf-8")
    said = refused(good, MANIFEST.replace(EMBEDDED, provider(good, f"{{file: {str(place)!r}}}")), "CRM-M121")
    allow(monkeypatch, tmp_path, told(said))
    assert good.plan().code == 0


def test_no_command_is_started_unless_it_is_allowed_word_for_word(
    good: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    marker, secret = tmp_path / "marker", tmp_path / "outside" / "key"
    secret.write_text(token(good, "k-read"), encoding="utf-8")
    hostile = f"{{command: [sh, -c, 'touch {marker}; cat {secret}']}}"
    said = refused(good, MANIFEST.replace(EMBEDDED, provider(good, hostile)), "CRM-M122")
    assert not marker.exists()
    allow(monkeypatch, tmp_path, f'allow_commands = ["cat {secret}"]')
    said = good.plan()
    assert (said.code, marker.exists()) == (3, False)
    good.write(MANIFEST.replace(EMBEDDED, provider(good, f"{{command: [cat, {str(secret)!r}]}}")))
    assert good.plan().code == 0


def test_no_keyring_is_opened_unless_it_is_allowed(good: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []
    keyring: Any = types.ModuleType("keyring")
    keyring.get_password = lambda service, account: asked.append((service, account)) or token(good, "k-read")
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    said = refused(good, MANIFEST.replace(EMBEDDED, provider(good, "{keyring: bank/master}")), "CRM-M123")
    assert asked == []
    allow(monkeypatch, tmp_path, told(said))
    assert (good.plan().code, asked[:1]) == (0, [("bank", "master")])


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "127.0.0.1.evil.example",
        "localhost@0.0.0.0",
        "0.0.0.0#@127.0.0.1",
        "crm.example.com",
        "127.0.0.2",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_foreign_host_receives_nothing(
    scheme: str, host: str, good: Site, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_READ", CANARY)
    url = f"{scheme}://{host}:{capture.port}" if "#" not in host else f"{scheme}://0.0.0.0:{capture.port}#@127.0.0.1"
    good.write(MANIFEST.replace(EMBEDDED, provider(good, "{env: SANDBOX_READ}", url)))
    for command in COMMANDS:
        said = good.run(command, str(good.manifest), *(["--yes"] if command == "apply" else []))
        assert said.code in (3, 7, 65), (said.code, said.err)
        assert CANARY not in said.out + said.err
    assert capture.came == []


def test_an_allowed_host_is_spoken_to_and_only_with_encryption(
    good: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capture: Capture
) -> None:
    monkeypatch.setenv("SANDBOX_READ", CANARY)
    manifest = MANIFEST.replace(EMBEDDED, provider(good, "{env: SANDBOX_READ}", f"https://0.0.0.0:{capture.port}"))
    said = refused(good, manifest, "CRM-M124")
    allow(monkeypatch, tmp_path, told(said))
    said = good.plan()
    assert (said.code, "CRM-V007" in said.err) == (1, True), said.err
    assert capture.came and CANARY.encode() not in b"".join(capture.came)


@pytest.mark.parametrize("how", ["absolute", "climbing", "link", "git"])
def test_an_embedded_vendor_outside_the_folder_is_neither_opened_nor_made(how: str, good: Site, tmp_path: Path) -> None:
    (good.folder / "link.db").symlink_to(tmp_path / "outside" / "made.db")
    places = {
        "absolute": str(tmp_path / "outside" / "made.db"),
        "climbing": "../outside/made.db",
        "link": "link.db",
        "git": ".git/made.db",
    }
    refused(good, MANIFEST.replace("acme.db", places[how]), "CRM-M125")
    assert sorted(path.name for path in (tmp_path / "outside").iterdir()) == ["secret.txt"]


def test_an_allowed_embedded_vendor_works(good: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "outside" / "acme.db"
    said = refused(good, MANIFEST.replace("acme.db", str(place)), "CRM-M125")
    allow(monkeypatch, tmp_path, told(said))
    for path in good.folder.glob("acme.db*"):
        (tmp_path / "outside" / path.name).write_bytes(path.read_bytes())
    assert good.plan().code == 0


@pytest.mark.parametrize("pid", [0, -1, 1])
def test_a_ready_file_that_came_with_the_pull_request_leads_nowhere(
    pid: int, good: Site, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda number, signal: killed.append(number) if signal else None)
    monkeypatch.setattr(embedded, "PATIENCE", 0.5)
    monkeypatch.setattr(embedded.subprocess, "Popen", lambda *args, **rest: subprocess.CompletedProcess(args, 1))
    ready = good.folder / "other.db.server.json"
    for url in (
        f"http://0.0.0.0:{capture.port}",
        f"https://127.0.0.1:{capture.port}",
        f"http://localhost@0.0.0.0:{capture.port}",
    ):
        ready.write_text(json.dumps({"url": url, "pid": pid, "data": "x"}), encoding="utf-8")
        good.write(MANIFEST.replace("acme.db", "other.db"))
        assert good.plan().code in (1, 70)
        good.run("sandbox", "stop", "--data", str(good.folder / "other.db"))
    assert (capture.came, killed) == ([], [])


def test_the_embedded_vendors_log_is_not_written_through_a_link(good: Site, tmp_path: Path) -> None:
    victim = tmp_path / "outside" / "bashrc"
    victim.write_text("# mine\n", encoding="utf-8")
    (good.folder / "other.db.server.log").symlink_to(victim)
    (good.folder / "other.db.lock").symlink_to(tmp_path / "outside" / "created")
    good.write(MANIFEST.replace("acme.db", "other.db"))
    assert good.plan().code == 1
    assert victim.read_text(encoding="utf-8") == "# mine\n"
    assert not (tmp_path / "outside" / "created").exists()


@pytest.mark.parametrize(
    "place",
    [
        ".git/hooks",
        "../outside",
        "/etc",
        "file:///etc/cron.d",
        "link/",
        "s3://evil/x",
        ".crmstate/exit",
        ".crmstate",
        "http://evil.example/",
    ],
)
def test_an_archive_is_written_beside_the_manifest_or_nowhere(place: str, good: Site, tmp_path: Path) -> None:
    (good.folder / "link").symlink_to(tmp_path / "outside")
    refused(good, MANIFEST.replace("to: archive/", f"to: '{place}'"), "CRM-", exits=(3, 65))


def test_an_allowed_archive_elsewhere_works(good: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "outside" / "archives"
    said = refused(good, WITHOUT_ACCOUNT.replace("to: archive/", f"to: 'file://{place}'"), "CRM-M126")
    allow(monkeypatch, tmp_path, told(said))
    assert good.apply("--target", "freeze/*").code == 0
    assert list(place.rglob("*.jsonl.zst"))


def test_an_archive_is_not_written_over_other_files(good: Site) -> None:
    source = good.folder / "src" / "exit"
    source.mkdir(parents=True)
    (source / "main.py").write_text("print('mine')\n", encoding="utf-8")
    good.write(MANIFEST.replace("to: archive/", "to: src/"))
    said = good.apply()
    assert (said.code, "CRM-A027" in said.out) == (6, True)
    assert [path.name for path in source.iterdir()] == ["main.py"]
    assert good.truth()["effects"] == 0


@pytest.mark.parametrize("where", [".crmstate", ".crmstate/exit", ".crmstate/exit/journal"])
def test_a_state_is_not_kept_behind_a_link(where: str, good: Site, tmp_path: Path) -> None:
    place = good.folder / where
    place.parent.mkdir(parents=True, exist_ok=True)
    target = tmp_path / "outside" / "state"
    target.mkdir()
    place.symlink_to(target)
    said = good.apply()
    assert said.code in (1, 3), said.err
    assert list(target.iterdir()) == []
    assert good.truth()["effects"] == 0


def _bomb() -> str:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(rows) + "\n"


BOMBS = {
    "aliases": _bomb(),
    "too large": "x: " + "y" * (6 * 1024 * 1024),
    "deep": "a: " + "[" * 5000 + "]" * 5000,
    "deep mapping": "".join(f"{' ' * n}a:\n" for n in range(800)),
    "merge": "base: &b {a: 1}\n<<: *b\n",
    "tag": "apiVersion: !!python/object/apply:os.system ['touch /tmp/crmstate-owned']\n",
    "many keys": "\n".join(f"k{n}: 1" for n in range(20_000)),
    "duplicate": MANIFEST + "name: other\n",
    "two documents": MANIFEST + "---\n" + MANIFEST,
    "not utf-8": "name: \udcff\n",
    "bidi": MANIFEST.replace("why: closes", "why: \u202e closes"),
    "name climbs": MANIFEST.replace("name: exit", "name: ../../outside"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_manifest_that_is_a_weapon_is_refused_quickly(kind: str, good: Site) -> None:
    good.manifest.write_bytes(BOMBS[kind].encode("utf-8", "surrogateescape"))
    began = time.process_time()
    for command in ("plan", "validate"):
        said = good.run(command, str(good.manifest))
        assert said.code == 65, (said.code, said.err)
    assert time.process_time() - began < 20
    assert len(said.out + said.err) < 200_000
    assert not Path("/tmp/crmstate-owned").exists()


def test_a_manifest_that_is_a_link_to_a_file_elsewhere_shows_nothing_of_it(good: Site, tmp_path: Path) -> None:
    good.manifest.unlink()
    good.manifest.symlink_to(tmp_path / "outside" / "secret.txt")
    for command in (*COMMANDS, "validate"):
        said = good.run(command, str(good.manifest))
        assert (said.code, "CRM-M121" in said.err) == (3, True), said.err
        assert CANARY not in said.out + said.err


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_a_manifest_that_is_no_file_is_refused_without_waiting_for_it(kind: str, good: Site) -> None:
    good.manifest.unlink()
    if kind == "folder":
        good.manifest.mkdir()
    elif kind == "pipe":
        os.mkfifo(good.manifest)
    else:
        good.manifest.symlink_to("/dev/zero")
    assert good.run("plan", str(good.manifest)).code in (3, 65)
    assert good.run("validate", str(good.manifest)).code in (3, 65)


def test_a_plan_file_that_came_with_the_pull_request_is_not_believed(good: Site) -> None:
    saved = good.folder / "plan.json"
    assert good.plan("--out", str(saved)).code == 0
    text = saved.read_text(encoding="utf-8")
    for old, new in (('"mode":"auto"', '"mode":"wait"'), ('"rows":7', '"rows":9'), ("user/p0", "user/u1")):
        assert old in text
        saved.write_text(text.replace(old, new), encoding="utf-8")
        said = good.run("apply", str(saved), "--yes")
        assert said.code in (3, 5, 65), (old, said.code, said.err)
    assert good.truth()["effects"] == 0


@pytest.mark.parametrize("part", ["blocked", "diagnostics"])
def test_a_plan_file_without_its_blockers_or_errors_is_not_the_plan_that_was_reviewed(part: str, good: Site) -> None:
    if part == "blocked":
        good.change("datasets: all", "datasets: [Contacts]")
    else:
        good.write(MANIFEST + "safeguards: {max_removals: 1}\n")
    saved = good.folder / "plan.json"
    good.plan("--out", str(saved))
    made = json.loads(saved.read_text(encoding="utf-8"))
    assert made[part]
    saved.write_text(json.dumps({**made, part: []}), encoding="utf-8")
    said = good.run("apply", str(saved), "--yes")
    assert (said.code, "CRM-C030" in said.err) == (65, True), said.err
    actual = said.err.partition("its steps are ")[2][:24]
    saved.write_text(json.dumps({**made, part: [], "plan_id": actual}), encoding="utf-8")
    said = good.run("apply", str(saved), "--yes", "--plan-id", made["plan_id"])
    assert (said.code, "CRM-E004" in said.err) == (5, True), said.err
    assert good.truth()["effects"] == 0


def test_a_copied_folder_never_works_on_the_originals_world(tmp_path: Path, capture: Capture) -> None:
    """The ready file is copied along, while its server goes on over the data that it was started with."""
    first, copied, linked = tmp_path / "first", tmp_path / "copied", tmp_path / "linked"
    url = f"http://127.0.0.1:{capture.port}"
    for folder in (first, copied):
        folder.mkdir()
        said = {"url": url, "pid": os.getpid(), "data": str(first / "acme.db")}
        (folder / "acme.db.server.json").write_text(json.dumps(said), encoding="utf-8")
    linked.symlink_to(first)

    def found(folder: Path) -> str | None:
        return embedded._running(folder / "acme.db.server.json", folder / "acme.db")

    assert [found(folder) for folder in (first, linked, copied)] == [url, url, None]
    embedded.stop(copied / "acme.db")  # would end this very process
