"""No secret and no customer record in any output, state, log, event or traceback; canaries look for them, in every
form that a text can take."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from crmstate.cli.app import run
from crmstate.engine import batch, ours
from crmstate.sandbox import World

from .scenes import EMBEDDED, WITHOUT_ACCOUNT, calm, with_credentials, written
from .site import MANIFEST, Said, Site, archived, site

pytestmark = pytest.mark.usefixtures("quick")

TOKENS = {"k-read": 'sk_r3ad/CANARY+x=="&<i>\\%7E', "k-write": "sk_wr1te/CANARY+y=='&%20{a}|`b`"}
REFRESH = {"k-read": "rt_r3ad_CANARY.4f8a0b", "k-write": "rt_wr1te_CANARY.9c1d2e"}
RECORDS = ("RECORD-canary-7f3a", "张伟-canary-记录", "ATTACHMENT-canary-name", "BYTES-canary-of-a-file")
FORMATS = ("text", "json", "markdown")


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site whose keys and records are canaries, with references to the keys in the environment."""
    folder = tmp_path / "site"
    with site(folder) as here:
        with World.open(here.data) as world:
            for id, token in TOKENS.items():
                world.run("UPDATE api_keys SET secret = ?, refresh_token = ? WHERE id = ?", token, REFRESH[id], id)
            fields = {"Name": RECORDS[0]}
            world.add_rows("contacts", [{"id": "x1", "fields": fields}, {"id": "x2", "fields": {"Name": RECORDS[1]}}])
            world.add_attachment("contacts", "ax", "x1", name=f"{RECORDS[2]}.pdf", content=RECORDS[3].encode())
        use(here, monkeypatch, TOKENS)
        here.write(with_credentials(here, MANIFEST))
        yield here


def use(here: Site, monkeypatch: pytest.MonkeyPatch, secrets: dict[str, str]) -> None:
    monkeypatch.setenv("SANDBOX_READ", secrets["k-read"])
    monkeypatch.setenv("SANDBOX_WRITE", secrets["k-write"])


def secrets_of(here: Site) -> set[str]:
    """Every secret that ever opened this World, access tokens included."""
    with World.open(here.data) as world:
        issued = {token for (token,) in world.all("SELECT token FROM access_tokens")}
    return {*TOKENS.values(), *REFRESH.values(), *issued}


def forms(secret: str) -> set[str]:
    """A secret as libraries, vendors and shells write it."""
    found = {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
    }
    for before in ("", "a", "Bearer "):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(before.encode() + secret.encode())[-len(secret) : -4].decode())
    return found


def leaks(secrets: set[str], text: str) -> list[str]:
    return sorted(form for secret in secrets for form in forms(secret) if form in text)


def all_commands(here: Site, *formats: str) -> str:
    """Every command over the vendor in these formats: all that they said."""
    said: list[Said] = []
    path, state = str(here.manifest), ["exit", "--folder", str(here.folder)]
    for format in formats or FORMATS:
        said += [here.run(command, path, "--format", format) for command in ("plan", "status", "validate")]
        said.append(here.run("apply", path, "--yes", "--format", format))
        said += [here.run("state", command, *state, "--format", format) for command in ("show", "history")]
    said.append(here.run("plan", path, "--out", str(here.folder / "plan.json")))
    return "".join(each.out + each.err for each in said)


@pytest.mark.parametrize("where", ["error", "html", "page"])
@pytest.mark.parametrize("field", ["token", "refresh_token"])
def test_a_vendor_that_echoes_the_credential_gets_it_into_no_output_and_no_file(
    where: str, field: str, vault: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRMSTATE_DEBUG", "1")
    if field == "refresh_token":
        use(vault, monkeypatch, REFRESH)
        vault.write(with_credentials(vault, MANIFEST, field))
    texts = ""
    for path, format in (("/v1/[!c]*", "text"), ("/v1/datasets/*", "json"), ("/v1/integrations/delete", "markdown")):
        vault.fault("echo_credential", path=path, where=where, every=1 if where == "page" else 2)
        texts += all_commands(vault, format)
        calm(vault)
    texts += all_commands(vault, "text")
    secrets = secrets_of(vault)
    assert leaks(secrets, texts) == []
    for name, data in written(vault.folder).items():
        assert leaks(secrets, data.decode("utf-8", "replace")) == [], name


def test_no_record_leaves_the_archive(vault: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRMSTATE_DEBUG", "1")
    vault.fault("partial", path="/v1/datasets/contacts/rows/delete", times=1, item=1, code="rejected")
    vault.fault("malformed_body", path="/v1/datasets/contacts/*", nth=[2, 5])
    vault.fault("torn_body", path="/v1/datasets/contacts/*", nth=[7])
    texts = all_commands(vault, "text", "json") + all_commands(vault, "markdown")
    outside = written(vault.folder, "archive")
    for record in RECORDS:
        assert record not in texts
        assert [
            name
            for name, data in outside.items()
            if record.encode() in data or json.dumps(record)[1:-1].encode() in data
        ] == []
    archived_rows = b"".join(archived(vault.folder / "archive").values())
    assert all(record.encode() in archived_rows for record in RECORDS)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("debug", ["", "1"])
def test_a_bug_of_ours_shows_where_it_is_and_neither_secret_nor_record(
    format: str, debug: str, vault: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRMSTATE_DEBUG", debug)

    def broken(*args: object) -> object:
        try:
            raise KeyError(RECORDS[0])
        except KeyError as error:
            raise RuntimeError(f"{TOKENS['k-write']} {quote(TOKENS['k-read'])} {RECORDS[1]}") from error

    monkeypatch.setattr(batch, "judge", broken)
    said = vault.apply("--format", format)
    assert said.code == 70
    assert ("Traceback" in said.err or "test_secrets.py" in said.err) == bool(debug)
    text = said.out + said.err
    assert "RuntimeError at" in text
    assert leaks(secrets_of(vault), text) == []
    assert [record for record in RECORDS if record in text] == []


def test_a_bug_in_the_archive_shows_no_record(vault: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRMSTATE_DEBUG", "1")

    def broken(*args: object) -> object:
        raise ValueError(RECORDS[0])

    monkeypatch.setattr(ours, "look", broken)
    said = vault.apply()
    assert (said.code, RECORDS[0] in said.out + said.err) == (70, False)


@pytest.mark.parametrize("kind", ["file", "command"])
def test_a_secret_from_a_file_or_a_command_is_scrubbed_like_one_from_the_environment(
    kind: str, vault: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    operator = tmp_path / "operator.toml"
    operator.write_text(f'allow_files = ["{tmp_path}"]\nallow_commands = ["cat *"]\n', encoding="utf-8")
    monkeypatch.setenv("CRMSTATE_OPERATOR", str(operator))
    text = vault.manifest.read_text(encoding="utf-8")
    for name, id in (("SANDBOX_READ", "k-read"), ("SANDBOX_WRITE", "k-write")):
        place = tmp_path / name
        place.write_text(TOKENS[id] + "\n", encoding="utf-8")
        text = text.replace(f"env: {name}", f"file: {place}" if kind == "file" else f"command: [cat, {place}]")
    vault.write(text)
    vault.fault("echo_credential", every=2)
    assert leaks(secrets_of(vault), all_commands(vault, "json")) == []
    calm(vault)
    assert vault.apply().code == 0


def test_the_command_as_a_process_of_its_own_shows_no_secret_either(vault: Site) -> None:
    vault.fault("echo_credential", where="error", path="/v1/[!c]*", every=3)
    environ = {
        **os.environ,
        "CRMSTATE_DEBUG": "1",
        "SANDBOX_READ": TOKENS["k-read"],
        "SANDBOX_WRITE": TOKENS["k-write"],
    }
    command = [
        sys.executable,
        "-X",
        "dev",
        "-W",
        "ignore",
        "-m",
        "crmstate",
        "plan",
        str(vault.manifest),
        "--format",
        "json",
    ]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert leaks(secrets_of(vault), done.stdout + done.stderr) == []


def test_a_missing_or_empty_or_unfit_secret_is_named_by_its_reference_alone(
    vault: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value, code in (
        (None, "CRM-M"),
        ("", "CRM-M"),
        ("two words CANARY", "CRM-V003"),
        ("schlüssel-CANARY", "CRM-V003"),
    ):
        monkeypatch.delenv("SANDBOX_WRITE") if value is None else monkeypatch.setenv("SANDBOX_WRITE", value)
        said = vault.apply()
        assert said.code == 7, said.err
        assert code in said.err and "CANARY" not in said.out + said.err
        monkeypatch.setenv("SANDBOX_WRITE", TOKENS["k-write"])


def test_a_secret_written_into_the_manifest_is_refused_and_not_repeated(vault: Site) -> None:
    clear = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    for old in ("{env: SANDBOX_WRITE}", "owner: revops@example.com"):
        text = vault.manifest.read_text(encoding="utf-8")
        vault.write(text.replace(old, clear if old.startswith("{") else f"owner: {clear}"))
        for format in FORMATS:
            for command in ("plan", "validate", "apply", "status"):
                said = vault.run(command, str(vault.manifest), "--format", format)
                assert said.code == 65
                assert clear not in said.out + said.err
        vault.write(text)


def test_a_secret_of_one_command_is_scrubbed_from_the_next_one_of_the_same_process(vault: Site) -> None:
    vault.plan()
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(["state", "show", TOKENS["k-write"]])
    assert code != 0
    assert leaks({TOKENS["k-write"]}, out.getvalue() + err.getvalue()) == []


def test_saved_plans_and_states_are_for_their_owner_alone(vault: Site) -> None:
    plan = vault.folder / "plan.json"
    vault.plan("--out", str(plan))
    vault.apply()
    for path in (plan, *(vault.folder / ".crmstate").rglob("*.json*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_embedded_vendors_keys_are_secrets_too(tmp_path: Path) -> None:
    with site(tmp_path / "site") as here:
        assert EMBEDDED in WITHOUT_ACCOUNT
        here.write(WITHOUT_ACCOUNT)
        here.fault("echo_credential", every=3)
        texts = all_commands(here, "text", "json")
        with World.open(here.data) as world:
            secrets = {key.token for key in world.credentials().values()}
        assert leaks(secrets, texts) == []
        assert [
            name for name, data in written(here.folder).items() if leaks(secrets, data.decode("utf-8", "replace"))
        ] == []
