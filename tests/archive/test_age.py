"""The independent judges of an encrypted archive: the `age` command reads everything, bagit-python accepts the bag; and
whatever is written anywhere meanwhile is looked at."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import bagit
import pyrage
import pytest
from archive_vendor import Clock, Dataset, Effects, Vendor, attachment, resource, row, tree
from locks import Key, locked

from crmstate.archive import age, opening
from crmstate.archive.checks import Wanted as Checked
from crmstate.archive.folder import Archive
from crmstate.archive.layout import slug
from crmstate.archive.local import Local, LocalReads
from crmstate.archive.locked import Wanted
from crmstate.core.recipient import plain
from crmstate.core.secret import Secret

COMMANDS = [name for name in ("age", "zstd", "ssh-keygen") if shutil.which(name) is None]
needs_age = pytest.mark.skipif(bool(COMMANDS), reason=f"not installed: {', '.join(COMMANDS)}")
CANARY = b"canary"


def people() -> Vendor:
    made = Dataset({f"p{n}": row(f"p{n}", name=f"canary {n}") for n in range(8)})
    made.files = [attachment("f1", "p1", b"canary content"), attachment("f2", "p2", b"")]
    found = Vendor(people=made)
    found.described["people"] = b'{"fields":["canary"]}'
    return found


def shell(folder: Path, command: str) -> bytes:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=folder, check=True, capture_output=True
    ).stdout


def ssh_key(folder: Path, kind: str) -> tuple[str, Path]:
    file = folder / f"id_{kind}"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "me@here", "-f", str(file)], check=True)
    return file.with_name(file.name + ".pub").read_text().strip(), file


@needs_age
def test_a_person_with_the_age_command_alone_reads_everything(tmp_path: Path) -> None:
    """By the words of its README."""
    root, key, source = tmp_path / "exit", Key(), people()
    locked(root, key).archive(source, resource("people"), True)
    source.datasets["people"].rows["p9"] = row("p9", name="canary, late")
    locked(root, key).delta(source, resource("people"), True)
    key.file(root.parent)
    readme = (root / "README.txt").read_text()
    for words in (
        "age -d -i key.txt data/NAME/000000.jsonl.zst.age | zstd -dc",
        "sha256sum --check --quiet SHA256SUMS",
    ):
        assert words in readme
    shell(root, "sha256sum --check --quiet SHA256SUMS && sha256sum --check --quiet tagmanifest-sha256.txt")
    root_line = shell(root, """sed 's/"root":"[0-9a-f]*"/"root":""/' manifest.json | sha256sum""").split()[0].decode()
    assert root_line == json.loads((root / "manifest.json").read_bytes())["root"]
    name = slug("people")
    rows = shell(root, f"for f in data/{name}/[0-9]*[0-9].jsonl.zst.age; do age -d -i ../key.txt $f | zstd -dc; done")
    assert rows.splitlines() == list(source.datasets["people"].rows.values())
    ids = shell(root, f"age -d -i ../key.txt $(ls data/{name}/ids-*.zst.age | tail -1) | zstd -dc")
    assert [json.loads(line) for line in ids.splitlines()] == list(source.datasets["people"].rows)
    lines = shell(
        root, f"for f in data/{name}/*.attachments.jsonl.zst.age; do age -d -i ../key.txt $f | zstd -dc; done"
    )
    assert shell(root, f"age -d -i ../key.txt schema/{name}-0000.json.age") == b'{"fields":["canary"]}'
    secret = base64.b64decode(json.loads((root / "encryption.json").read_bytes())["names"])
    (tmp_path / "names.age").write_bytes(secret)
    names = shell(root, "age -d -i ../key.txt ../names.age")
    for line in map(json.loads, lines.splitlines()):
        if line["op"] == "+":
            kept = hmac.new(names, f"people\0{line['sha256']}".encode(), hashlib.sha256).hexdigest() + ".age"
            content = shell(root, f"age -d -i ../key.txt data/attachments/{kept[:2]}/{kept}")
            assert (len(content), hashlib.sha256(content).hexdigest()) == (line["size"], line["sha256"])


@needs_age
@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_an_ssh_key_is_a_recipient_and_opens_it(tmp_path: Path, kind: str) -> None:
    public, file = ssh_key(tmp_path, kind)
    root, other = tmp_path / "exit", Key()
    told = Wanted(tuple(sorted((plain(public), other.public))), None, tmp_path / "archive.key", Effects())
    found = Archive(Local(root, Effects()), Clock(), "me", Checked(), told).archive(people(), resource("people"), True)
    name = f"data/{slug('people')}/000000.jsonl.zst.age"
    assert shell(root, f"age -d -i {file} {name} | zstd -dc").count(b"canary") == 3
    store, manifest = opening.opened(LocalReads(root))
    wrap = opening.unwrapped(store, manifest, Secret(file.read_text()))
    (said,) = opening.checked(store, manifest, opening.chosen(manifest, []), True, wrap)
    assert said.content == found.sha256 and said.checks[0].method == "checksums"


@needs_age
def test_an_ssh_key_behind_a_passphrase_is_refused_as_such(tmp_path: Path) -> None:
    _, file = ssh_key(tmp_path, "ed25519")
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "hunter2!", "-f", str(file)], check=True)
    with pytest.raises(ValueError):
        for _ in age.decrypting(iter([b"age-encryption.org/v1\n"]), age.identities(Secret(file.read_text()))):
            pass


def test_it_is_a_bag_that_an_independent_judge_accepts(tmp_path: Path) -> None:
    root = tmp_path / "exit"
    locked(root, Key()).archive(people(), resource("people"), True)
    bagit.Bag(str(root)).validate()


def test_nothing_plain_is_ever_handed_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write of the process and every file that it opens to write, exporting, verifying whole and reading."""
    written: list[bytes] = []
    opened: list[str] = []
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        written.append(bytes(data))
        return real(descriptor, data)

    watching = [True]

    def hook(event: str, args: tuple[object, ...]) -> None:
        if watching and event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR):
            opened.append(str(args[0]))
        if watching and event == "sqlite3.connect":
            caller = sys._getframe(1)
            known = caller.f_globals["__name__"] == "crmstate.archive.known"  # masked: see test_holding
            keyed = caller.f_code.co_name == "_in_parts" and not args[0]  # digests by a key that is in memory alone
            opened.append("sqlite known" if known else "sqlite keyed" if keyed else f"sqlite {args[0]}")

    monkeypatch.setattr(os, "write", write)
    sys.addaudithook(hook)
    root, key, source = tmp_path / "exit", Key(), people()
    made = locked(root, key, identity=key, wanted=Checked(1.0, True))
    made.archive(source, resource("people"), True)
    made.verify(source, resource("people"))
    source.datasets["people"].rows["p9"] = row("p9", name="canary, late")
    made.delta(source, resource("people"), True)
    watching.clear()
    assert written and not any(CANARY in each for each in written)
    assert {name for name in opened if name.startswith("sqlite")} == {
        "sqlite known",
        "sqlite keyed",
        "sqlite :memory:",
    }
    strange = [
        name for name in opened if not name.startswith((str(tmp_path), "sqlite", "/dev/null")) and not name.isdigit()
    ]
    assert strange == []


SCRIPT = """
import sys
sys.path[:0] = [{here!r}, {root!r}]
from pathlib import Path
from archive_vendor import Clock, Dataset, Effects, Vendor, attachment, resource, row
from crmstate.archive import attachments, press
from crmstate.archive.checks import Wanted as Checked
from crmstate.archive.folder import Archive
from crmstate.archive.local import Local
from crmstate.archive.locked import Wanted
press.SEGMENT_ROWS, attachments.CUT_FILES = 20, 5
data = Dataset({{f"p{{n:05}}": row(f"p{{n:05}}", name="canary " * 40) for n in range(1500)}})
data.files = [attachment(f"f{{n}}", f"p{{n:05}}", b"canary content" * 20000 + str(n).encode()) for n in range(20)]
told = Wanted(({public!r},), None, Path({state!r}) / "archive.key", Effects())
made = Archive(Local(Path({archive!r}), Effects()), Clock(), "me", Checked(), told)
print("ready", flush=True)
print(made.archive(Vendor(page=10, people=data), resource("people"), True).sha256)
"""


@pytest.mark.parametrize(
    "kills", [pytest.param(4, id="some"), pytest.param(40, id="many", marks=pytest.mark.deep(seconds=12))]
)
def test_a_process_that_is_killed_leaves_nothing_plain_and_is_gone_on_from(tmp_path: Path, kills: int) -> None:
    key, chance = Key(), random.Random(7)
    for name in ("state", "tmp"):
        (tmp_path / name).mkdir()
    here = Path(__file__).parent
    script = SCRIPT.format(
        here=str(here), root=str(here.parents[1]), public=key.public, state=str(tmp_path / "state"),
        archive=str(tmp_path / "exit"),
    )  # fmt: skip
    env = os.environ | {"TMPDIR": str(tmp_path / "tmp"), "SQLITE_TMPDIR": str(tmp_path / "tmp")}
    sums = set()
    killed = 0
    whole = False
    while killed < kills or not whole:
        process = subprocess.Popen([sys.executable, "-c", script], env=env, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        if killed < kills:
            time.sleep(chance.uniform(0.0, 0.5))
            process.send_signal(signal.SIGKILL)
            killed += 1
        said = process.communicate()[0].strip()
        sums |= {said} - {""}
        files = tree(tmp_path)
        assert [name for name, data in files.items() if CANARY in data] == []
        assert all(name.startswith(("exit/", "state/")) for name in files)
        whole = bool(said)
        if whole and killed < kills:
            shutil.rmtree(tmp_path / "exit")
    assert len(sums) == 1
    store, manifest = opening.opened(LocalReads(tmp_path / "exit"))
    wrap = opening.unwrapped(store, manifest, Secret(key.secret))
    (said_,) = opening.checked(store, manifest, opening.chosen(manifest, []), True, wrap)
    assert {said_.content} == sums


LARGE = """
import resource, sys
sys.path[:0] = [{here!r}, {root!r}]
from pathlib import Path
from archive_vendor import Clock, Dataset, Effects, Vendor, resource as named, row
from locks import Key, locked
from crmstate.core.provider import File

class Big(Vendor):
    def fetch(self, file):
        yield from (bytes([n % 251]) * 1_000_000 for n in range(300))

big = File("f", "p", "big.bin", "memory:f", 300_000_000, "application/octet-stream", None)
vendor = Big(people=Dataset({{"p": row("p")}}, [(big, b"")]))
key = Key()
made = locked(Path({archive!r}), key, identity=key)
locked(Path({archive!r} + "-small"), key, identity=key).archive(Vendor(people=Dataset({{"p": row("p")}})), named("people"), True)
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
made.archive(vendor, named("people"), True)
found = made.verify(vendor, named("people"))
assert found.bytes > 300_000_000 and found.checks[0].method == "checksums", found
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start)
"""


@pytest.mark.deep
def test_an_attachment_of_300_megabytes_is_archived_and_verified_in_flat_memory(tmp_path: Path) -> None:
    here = Path(__file__).parent
    script = LARGE.format(here=str(here), root=str(here.parents[1]), archive=str(tmp_path / "exit"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 32 * 1024


def test_what_is_written_while_it_is_taken_away_is_not_lost() -> None:
    """The other thread looks just while a part is about to be added, which a thread's turn can end at."""
    taken = age._Taken()

    class Part(bytes):
        def __bytes__(self) -> bytes:
            looked.append(taken.all())
            return b"second"

    looked: list[bytes] = []
    taken.write(b"first")
    taken.write(Part(b"second"))
    assert [*looked, taken.all()] == [b"first", b"second"]


class Source:
    """Pieces, and what becomes of whoever gives them."""

    def __init__(self, count: int, fail: bool = False) -> None:
        self.count = count
        self.fail = fail
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            for _ in range(self.count):
                yield b"x" * 1_000_000
            if self.fail:
                raise OSError("the connection broke")
        finally:
            self.closed = True


def test_large_contents_go_through_a_thread_that_always_ends(tmp_path: Path) -> None:
    key = pyrage.x25519.Identity.generate()
    before = threading.active_count()
    closed = b"".join(age.encrypting(Source(12), [key.to_public()]))
    pieces = [closed[place : place + 700_000] for place in range(0, len(closed), 700_000)]
    assert b"".join(age.decrypting(pieces, [key])) == b"x" * 12_000_000
    with pytest.raises(OSError, match="connection"):
        list(age.encrypting(Source(3, fail=True), [key.to_public()]))
    for wrong in (pieces[:-1], [*pieces[:-1], pieces[-1][:-1]], [*pieces, b"more"], [b"\0" * 9_000_000]):
        with pytest.raises(ValueError):
            list(age.decrypting(wrong, [key]))
    flipped = bytearray(closed)
    flipped[-20_000] ^= 1
    with pytest.raises(ValueError):
        list(age.decrypting([bytes(flipped)], [key]))
    with pytest.raises(age.NoKey):
        list(age.decrypting(pieces, [pyrage.x25519.Identity.generate()]))
    half = age.decrypting(pieces, [key])
    next(half)
    half.close()
    giving = age.encrypting(Source(50), [key.to_public()])
    next(giving)
    giving.close()
    assert threading.active_count() == before
