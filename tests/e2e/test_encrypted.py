"""An encrypted archive in a whole decommissioning: nothing plain on this machine, nothing purged before it is opened,
and no secret anywhere."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pyrage
import pytest

from crmstate.core.words import Verb
from crmstate.store.load import read

from .scenes import apply, finish
from .site import MANIFEST, Site

pytestmark = pytest.mark.usefixtures("quick")


class Key:
    def __init__(self) -> None:
        made = pyrage.x25519.Identity.generate()
        self.secret, self.public = str(made), str(made.to_public())


@pytest.fixture
def key() -> Key:
    return Key()


def locked(here: Site, key: Key, more: str = "") -> Path:
    here.write(MANIFEST.replace("attachments: true}", f"attachments: true, encrypt_to: [{key.public}]{more}}}"))
    return here.folder / "archive"


def rows_left(here: Site) -> int:
    return sum(each["rows"] for each in here.truth()["datasets"] if each["exportable"])


def holding(folder: Path, text: bytes, *but: str) -> list[str]:
    """The files below a folder that say this, but for the vendor's own."""
    found = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(("acme.db", *but))]
    return [str(path) for path in found if text in path.read_bytes()]


def test_nothing_is_purged_before_somebody_has_opened_the_archive(here: Site, key: Key, tmp_path: Path) -> None:
    archive, before = locked(here, key), rows_left(here)
    said = here.plan()
    assert said.code == 0 and key.public in said.out.replace("\n", "").replace(" ", ""), said.out
    assert apply(here)[0] == 0
    assert rows_left(here) == before and not {Verb.PURGE, Verb.EMPTY} & {
        each.verb for each in read(here.folder, "exit").state.entries.values()
    }
    assert holding(here.folder, "客户".encode()) == [] == holding(here.folder, b"offer.pdf")
    refused = here.run("confirm", "archive/opened", str(here.manifest))
    assert refused.code == 3 and "CRM-C170" in refused.err

    said = here.run("archive", "verify", str(archive), "--format", "json")
    assert (said.code, said.json["contents_read"]) == (0, False)
    assert "NOT read" in here.run("archive", "verify", str(archive), "--lang", "en").out
    file = tmp_path / "key.txt"
    file.write_text(key.secret + "\n")
    opened = here.run("archive", "verify", str(archive), "--identity", str(file), "--restore-test", "--format", "json")
    assert (opened.code, opened.json["contents_read"]) == (0, True), opened.err
    contents = {each["content"] for each in opened.json["datasets"]}
    kept = {each.sha256 for one in read(here.folder, "exit").state.entries.values() for each in one.evidence}
    assert contents <= kept
    proof = tmp_path / "opened.json"
    for wrong, code in ((said.out, "CRM-A087"), (opened.out.replace('"content":"', '"content":"0'), "CRM-A088")):
        proof.write_text(wrong)
        refused = here.run("confirm", "archive/opened", str(here.manifest), "--evidence", str(proof))
        assert refused.code == 3 and code in refused.err
    proof.write_text(opened.out)
    assert here.run("confirm", "archive/opened", str(here.manifest), "--evidence", str(proof)).code == 0
    assert (here.folder / ".crmstate" / "exit" / "archive.key").exists()
    assert apply(here)[0] == 0
    assert rows_left(here) == 0
    assert finish(here, "8d", "1d")[-1] == 0
    assert not (here.folder / ".crmstate" / "exit" / "archive.key").exists()


def test_with_an_identity_everything_is_read_back_and_nobody_is_asked(
    here: Site, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRMSTATE_AGE", f"# a comment\n{key.secret}")
    archive = locked(here, key, ", identity: {env: CRMSTATE_AGE}, verify: {sample: 50%, restore_test: true}")
    assert apply(here)[0] == 0
    assert rows_left(here) == 0
    assert holding(here.folder, key.secret.encode()) == [] == holding(here.folder, "客户".encode())
    monkeypatch.delenv("CRMSTATE_AGE")
    monkeypatch.setenv("CRMSTATE_IDENTITY", key.secret)
    shown = here.run("archive", "show", str(archive))
    assert key.public in shown.out
    to = here.folder.parent / "restored"
    assert here.run("archive", "restore", str(archive), "--to", str(to)).code == 0
    assert "客户 0" in next(to.glob("contacts-*/rows.jsonl")).read_text()


def test_what_lacks_a_key_or_has_the_wrong_one_says_so(here: Site, key: Key, tmp_path: Path) -> None:
    archive = locked(here, key)
    apply(here)
    other = tmp_path / "other.txt"
    other.write_text(Key().secret)
    broken = tmp_path / "broken.txt"
    broken.write_text("hunter2")
    for args, code in (
        ((), "CRM-A080"), (("--identity", str(other)), "CRM-A081"), (("--identity", str(broken)), "CRM-A082"),
        (("--identity", str(tmp_path / "none")), "CRM-A086"),
    ):  # fmt: skip
        for command in (("show", str(archive), "contacts"), ("restore", str(archive), "--to", str(tmp_path / "out"))):
            said = here.run("archive", *command, *args)
            assert said.code == 7 and code in said.err and "hunter2" not in said.err, (args, said)
    assert not (tmp_path / "out").exists()


def test_an_identity_that_is_missing_or_may_not_be_named_is_refused(
    here: Site, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked(here, key, ", identity: {env: CRMSTATE_AGE}")
    monkeypatch.delenv("CRMSTATE_AGE", raising=False)
    assert apply(here)[0] == 7
    monkeypatch.setenv("HOME_SECRET", key.secret)
    locked(here, key, ", identity: {env: HOME_SECRET}")
    said = here.plan()
    assert said.code == 3 and key.secret not in said.out + said.err
    assert here.truth()["effects"] == 0


def test_recipients_that_change_after_a_plan_make_it_stale_and_after_an_archive_are_refused(
    here: Site, key: Key
) -> None:
    locked(here, key)
    plan = here.folder / "plan.json"
    assert here.plan("--out", str(plan)).code == 0
    other = Key()
    here.change(key.public, other.public)
    assert here.run("apply", str(plan), "--yes").code == 5
    here.change(other.public, key.public)
    assert apply(here)[0] == 0
    before = rows_left(here)
    here.change(key.public, other.public)
    assert here.world is not None
    here.world.add_rows("contacts", [{"id": "c900", "owner_id": "u1", "fields": {"Name": "late"}}])
    said = here.apply()
    assert said.code == 3 and "CRM-A083" in said.out + said.err
    assert rows_left(here) == before + 1
    shown = here.plan("--format", "json")
    assert shown.code == 3 and "CRM-A083" in {each["code"] for each in shown.json["diagnostics"]}
    why = [each["why"] for each in shown.json["steps"]]
    assert key.public in str(why) and other.public not in str(why), "whom it is open to, whatever is written"
    here.change(f", encrypt_to: [{other.public}]", "")
    assert "CRM-A084" in {each["code"] for each in here.plan("--format", "json").json["diagnostics"]}


def test_a_wrong_identity_in_a_manifest_is_a_matter_of_credentials(
    here: Site, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRMSTATE_AGE", Key().secret)
    locked(here, key, ", identity: {env: CRMSTATE_AGE}")
    said = here.apply()
    assert said.code == 7 and "CRM-A081" in said.out + said.err


@pytest.mark.parametrize("form", ["utf-8-sig", "utf-16", "crlf"])
def test_a_key_file_is_read_however_an_editor_wrote_it(here: Site, key: Key, tmp_path: Path, form: str) -> None:
    archive = locked(here, key)
    apply(here)
    text = f"# created: today\n# public key: {key.public}\n{key.secret}\n"
    file = tmp_path / "key.txt"
    file.write_bytes(text.replace("\n", "\r\n").encode() if form == "crlf" else text.encode(form))
    assert here.run("archive", "verify", str(archive), "--identity", str(file)).code == 0


@pytest.mark.parametrize(
    "data",
    [b"\0" * 100, b"\x80\x81", b"\xff\xfe\x00\xd8", b"A" * 70_000],
    ids=["zeros", "no text", "half a pair", "too long"],
)
def test_what_is_no_key_file_is_said_to_be_none(here: Site, key: Key, tmp_path: Path, data: bytes) -> None:
    archive = locked(here, key)
    apply(here)
    file = tmp_path / "key.bin"
    file.write_bytes(data)
    said = here.run("archive", "verify", str(archive), "--identity", str(file))
    assert said.code == 7 and "CRM-A086" in said.err, said


def test_a_run_that_is_killed_leaves_nothing_plain_anywhere(here: Site, key: Key, tmp_path: Path) -> None:
    """In the folder, the state's folder and where temporary files go."""
    locked(here, key)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    here.env = {}
    for _ in range(6):
        with monkeyed(TMPDIR=str(temporary), SQLITE_TMPDIR=str(temporary)):
            process = here.start("apply", str(here.manifest), "--yes", "--target", "archive/*")
        try:
            process.wait(0.9 + 0.25 * _)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        for folder in (here.folder, temporary):
            assert holding(folder, "客户".encode()) == [] == holding(folder, b"offer.pdf")
        here.run("state", "unlock", "exit", str(here.folder))


class monkeyed:
    """The environment, changed for a while."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.before = {name: os.environ.get(name) for name in values}

    def __enter__(self) -> None:
        os.environ.update(self.values)

    def __exit__(self, *_: object) -> None:
        for name, value in self.before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def test_every_sink_is_free_of_the_identity(here: Site, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRMSTATE_AGE", key.secret)
    locked(here, key, ", identity: {env: CRMSTATE_AGE}")
    said = here.apply("--format", "json")
    assert key.secret not in said.out + said.err
    for line in said.out.splitlines():
        json.loads(line)
    assert holding(here.folder, key.secret.encode()) == []


def test_the_working_key_ends_with_the_archive(here: Site, key: Key) -> None:
    head = MANIFEST.partition("end_state:")[0]
    end = (datetime.fromisoformat(here.truth()["now"]) + timedelta(days=3)).date()
    here.write(
        f"{head}end_state:\n  data:\n    archive: {{to: archive/, encrypt_to: [{key.public}], keep_until: {end}}}\n"
    )
    assert here.apply().code == 0
    working = here.folder / ".crmstate" / "exit" / "archive.key"
    proof = here.folder / "opened.txt"
    proof.write_text("opened with age and zstd")
    assert here.run("confirm", "archive/opened", str(here.manifest), "--evidence", str(proof)).code == 0
    assert here.apply().code == 0
    here.advance("6d")
    plan = here.folder / "end.json"
    assert here.plan("--out", str(plan)).code == 0
    assert here.run("approve", str(plan), "--by", "head@example.com", "--source", "ticket 7").code == 0
    assert working.exists()
    assert here.apply().code == 0
    assert not (here.folder / "archive" / "exit").exists() and not working.exists()


def test_an_addition_beside_every_plan_is_encrypted_too_and_asks_for_another_look(here: Site, key: Key) -> None:
    archive = locked(here, key)
    apply(here)
    assert here.world is not None
    here.world.add_rows("contacts", [{"id": "c900", "owner_id": "u1", "fields": {"Name": "客户 900"}}])
    said = here.run("archive", "delta", str(here.manifest))
    assert said.code == 0, said.out + said.err
    assert holding(here.folder, "客户".encode()) == [] and any(archive.rglob("*.jsonl.zst.age"))
    steps = here.plan("--format", "json").json["steps"]
    assert "archive/opened" in [each["address"] for each in steps]
