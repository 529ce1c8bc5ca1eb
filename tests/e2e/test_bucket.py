"""An archive in a bucket, from plan to purge: refused at plan where it would be refused at apply, killed and gone on
with, and no secret of it anywhere."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.bucket import PYTHON, SECRET, Bucket, Server, environ

from .site import Said, Site, small_world

TOKEN = "a-session-token-of-the-archive-tests-0001"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if not PYTHON.exists():
        pytest.fail("build the S3 server's environment first: make .venv-s3/.ready")
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def bucket(server: Server) -> Bucket:
    return server.bucket(f"crm-{uuid.uuid4().hex[:20]}")


@pytest.fixture
def away(here: Site, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Site:
    """A site whose archive goes to a bucket that the operator allows; the keys are in the environment."""
    here.change("to: archive/", f"to: s3://{bucket.name}/crm/")
    operator = tmp_path / "operator.toml"
    operator.write_text(f'allow_hosts = ["s3://{bucket.name}", "s3://Bad", "gs://*"]\n', encoding="utf-8")
    monkeypatch.setenv("CRMSTATE_OPERATOR", str(operator))
    for name, text in (environ(bucket.server.url) | {"AWS_SESSION_TOKEN": TOKEN}).items():
        monkeypatch.setenv(name, text)
    return here


def clean(here: Site, *said: Said) -> None:
    """No secret in anything that was said or written."""
    texts = [text for each in said for text in (each.out, each.err)]
    texts += [path.read_bytes().decode("latin-1") for path in here.folder.rglob("*") if path.is_file()]
    for text in texts:
        assert SECRET not in text and TOKEN not in text


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_what_apply_would_refuse_is_refused_before_anything_is_sent(
    away: Site, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    run = away.plan if command == "plan" else away.apply
    with monkeypatch.context() as patched:
        patched.delenv("AWS_ACCESS_KEY_ID")
        said = run("--lang", "en")
        assert (said.code, "CRM-A068" in said.err) == (7, True), said.err
    with monkeypatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", "http://198.51.100.7")
        said = run("--lang", "en")
        assert (said.code, "CRM-A069" in said.err) == (7, True), said.err
    away.change(f"s3://{bucket.name}/crm/", "s3://Bad/x")
    said = run("--lang", "en")
    assert (said.code, "CRM-M062" in said.err) == (65, True), said.err
    assert away.truth()["effects"] == 0
    assert bucket.keys() == []


def test_a_place_that_is_not_carried_out_yet_blocks_by_name(away: Site, bucket: Bucket) -> None:
    away.change(f"s3://{bucket.name}/crm/", "gs://bucket/x")
    said = away.plan("--lang", "en")
    assert (said.code, "does not carry out: to" in said.out) == (0, True), said.out
    assert away.plan("--detailed-exitcode").code in (2, 9)
    assert away.truth()["effects"] == 0


def test_the_whole_way_with_an_archive_in_a_bucket(away: Site, bucket: Bucket, tmp_path: Path) -> None:
    away.change("attachments: true}", "attachments: true, formats: [csv]}")
    first, done = away.plan(), away.apply()
    assert (first.code, done.code) == (0, 0), done.out[-1500:] + done.err
    copies = [key for key in bucket.keys("crm/exit/views/csv/") if key.endswith(".csv")]
    assert [bucket.get(key).count(b"\r\n") for key in copies] == [8, 8]
    assert {each["rows"] for each in away.truth()["datasets"] if each["exportable"]} == {0}
    verified = away.run("archive", "verify", f"s3://{bucket.name}/crm/exit", "--restore-test")
    assert verified.code == 0, verified.err
    bucket.download("crm/exit/", tmp_path / "copy")
    assert away.run("archive", "verify", str(tmp_path / "copy")).code == 0
    bucket.delete(copies[0])
    assert "archive/contacts" in away.plan().out
    assert away.apply().code == 0 and copies[0] in bucket.keys("crm/exit/views/csv/")
    clean(away, first, done, verified)
    assert not (away.folder / "archive").exists()


def test_a_store_that_is_away_stops_before_the_purge_and_then_goes_on(
    away: Site, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        said = away.apply("--lang", "en")
    assert (said.code, "CRM-A064" in said.out) == (6, True), said.out[-1500:] + said.err
    assert 0 not in {each["rows"] for each in away.truth()["datasets"] if each["exportable"]}
    assert away.apply().code == 0
    clean(away, said)


@pytest.mark.deep
def test_killed_again_and_again_it_ends_as_it_should(away: Site, bucket: Bucket) -> None:
    away.stop()
    for path in away.folder.glob("acme.db*"):
        path.unlink()
    small_world(away.data, rows=900)
    away.serve()
    chance = random.Random(4)
    kills = 0
    for _ in range(12):
        process = away.start("apply", str(away.manifest), "--yes", "--quiet")
        time.sleep(chance.uniform(0.6, 2.2))
        kills += process.poll() is None
        process.kill()
        process.communicate()
    assert kills > 3
    said = away.apply()
    assert said.code == 0, said.out[-1500:] + said.err
    assert {each["rows"] for each in away.truth()["datasets"] if each["exportable"]} == {0}
    verified = away.run("archive", "verify", f"s3://{bucket.name}/crm/exit", "--restore-test")
    assert verified.code == 0, verified.err
    assert away.twice() == []
