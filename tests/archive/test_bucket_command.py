"""Archives in a bucket from the command line, and a bucket's archive in the hands of tools that know neither."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import bagit
import pytest
from archive_vendor import Clock, Effects, resource, small
from grounds import Buckets

from crmstate.archive import places, s3
from crmstate.archive.folder import Archive
from crmstate.archive.layout import slug
from crmstate.cli.app import run
from crmstate.core.diagnostic import Problem
from crmstate.core.words import Exit
from tests.real.bucket import KEY, SECRET, Bucket, environ


@pytest.fixture
def taken(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An archive at crm/exit, and an environment to reach it by."""
    archive, vendor = Archive(Buckets(bucket).store("exit", Effects()), Clock(), "me"), small()
    for id in ("people", "deals", "nothing"):
        archive.archive(vendor, resource(id), True)
    for name, text in bucket.server.env.items():
        monkeypatch.setenv(name, text)
    return bucket


def said(capfd: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    capfd.readouterr()
    code = run([str(each) for each in args])
    found = capfd.readouterr()
    assert SECRET not in found.out + found.err
    return code, found.out, found.err


def test_list_show_verify_and_restore(taken: Bucket, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = f"s3://{taken.name}/crm/exit"
    before = taken.keys()
    code, out, _ = said(capfd, "archive", "list", f"s3://{taken.name}/crm/", "--format", "json")
    assert (code, [each["path"] for each in json.loads(out)["archives"]]) == (0, [place])
    code, out, _ = said(capfd, "archive", "show", place, "people", "--head", "2")
    assert (code, [json.loads(line)["id"] for line in out.splitlines()]) == (0, ["p0", "p1"])
    code, out, err = said(capfd, "archive", "verify", place + "/", "--restore-test", "--lang", "en")
    assert (code, err) == (0, "") and "people" in out and "nothing" in out
    code, _, _ = said(capfd, "archive", "restore", place, "--to", tmp_path / "out")
    assert code == 0
    assert len((tmp_path / "out" / slug("people") / "rows.jsonl").read_bytes().splitlines()) == 8
    assert taken.keys() == before
    taken.delete(f"crm/exit/data/{slug('people')}/000000.jsonl.zst")
    code, _, err = said(capfd, "archive", "verify", place, "--lang", "en")
    assert code == 1 and "CRM-A001" in err and "000000.jsonl.zst" in err


def test_what_was_downloaded_is_an_archive_and_a_bag(
    taken: Bucket, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    logging.disable(logging.CRITICAL)
    taken.download("crm/exit/", tmp_path / "copy")
    assert bagit.Bag(str(tmp_path / "copy")).validate()
    assert said(capfd, "archive", "verify", tmp_path / "copy", "--restore-test")[0] == 0
    if shutil.which("sha256sum"):
        command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
        subprocess.run(command, cwd=tmp_path / "copy", check=True)
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_what_cannot_be_reached_says_why(
    taken: Bucket, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    place = f"s3://{taken.name}/crm/exit"
    assert said(capfd, "archive", "show", "s3://no-such-bucket/x", "--lang", lang)[::2][0] == 1
    code, _, err = said(capfd, "archive", "show", f"s3://{taken.name}/elsewhere", "--lang", lang)
    assert code == 1 and "CRM-A034" in err
    code, _, err = said(capfd, "archive", "show", "gs://bucket/x", "--lang", lang)
    assert code == 64 and "CRM-A016" in err
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    code, _, err = said(capfd, "archive", "show", place, "--lang", lang)
    assert code == 7 and "CRM-A068" in err and "AWS_SECRET_ACCESS_KEY" in err
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://user:pw-of-somebody@example.com")
    code, _, err = said(capfd, "archive", "show", place, "--lang", lang)
    assert code == 7 and "CRM-A069" in err and "pw-of-somebody" not in err


@pytest.mark.parametrize(
    ("to", "prefix"),
    [
        ("s3://bucket", ""), ("s3://bucket/", ""), ("s3://my.bucket-1/crm/归档/", "crm/归档/"), ("s3://bucket/a b/c", "a b/c/"),
    ],
)  # fmt: skip
def test_addresses_in_buckets(to: str, prefix: str) -> None:
    assert s3.parse(to).prefix == prefix


@pytest.mark.parametrize(
    "to",
    [
        "s3://", "s3:///x", "s3://b/x", "s3://Bucket/x", "s3://key:secret@bucket/x", "s3://bucket:9000/x", "s3://bucket/../x",
        "s3://bucket/a/./b", "s3://bucket/a//b", "s3://bucket//a", "s3://bucket/a\0b", "s3://bucket/a\nb", "s3://bucket/a?endpoint=x",
        "s3://bucket/a#b", "s3://bucket/%2e%2e/x", "s3://bucket/a\\b", "s3://bucket/\u202ea", "s3://a..b/x", "s3://bucket/" + "a/" * 400,
        "S3://bucket/x", "s3://127.0.0.1:9/x", "s3://bucket/*",
    ],
)  # fmt: skip
def test_addresses_that_are_none(to: str) -> None:
    with pytest.raises(Problem) as found:
        s3.parse(to)
    assert (found.value.exit, found.value.diagnostics[0].code) == (Exit.INVALID, "CRM-A067")


@pytest.mark.parametrize(
    "change",
    [
        {"AWS_ENDPOINT_URL": "http://store.example.com"}, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ALLOW_HTTP": ""},
        {"AWS_ENDPOINT_URL": "ftp://127.0.0.1"}, {"AWS_ENDPOINT_URL": "https://u@store.example.com"}, {"AWS_ENDPOINT_URL": "https://"},
        {"AWS_ENDPOINT_URL": "https://x/?a=b"}, {"AWS_ENDPOINT_URL": "store.example.com"}, {"AWS_ENDPOINT_URL": "https://[x"},
        {"AWS_ENDPOINT_URL_S3": "http://10.0.0.1"}, {"AWS_ENDPOINT_URL": "http://127.0.0.1.example.com", "AWS_ALLOW_HTTP": "true"},
    ],
)  # fmt: skip
def test_endpoints_that_secrets_do_not_go_to(change: dict[str, str]) -> None:
    with pytest.raises(Problem) as found:
        s3.access(environ("https://store.example.com") | change)
    assert (found.value.exit, found.value.diagnostics[0].code) == (Exit.CREDENTIALS, "CRM-A069")


def test_the_environment_says_who_and_where() -> None:
    access = s3.access(environ("https://store.example.com/") | {"AWS_SESSION_TOKEN": "t", "AWS_ALLOW_HTTP": ""})
    assert (access.key, access.token, access.endpoint, access.plain) == (KEY, "t", "https://store.example.com", False)
    assert SECRET not in repr(access)
    amazon = {name: text for name, text in environ("").items() if name != "AWS_REGION"}
    with pytest.raises(Problem) as found:
        s3.access(amazon)
    assert found.value.diagnostics[0].params["names"] == "AWS_REGION"
    assert s3.access({**amazon, "AWS_DEFAULT_REGION": "eu-central-1"}).region == "eu-central-1"


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(Problem) as found:
        places.refuse("s3://bucket/x", tmp_path, environ("https://store.example.com"))
    assert (found.value.exit, found.value.diagnostics[0].code) == (Exit.REFUSED, "CRM-A070")
    places.refuse("./archive", tmp_path, {})


def test_nothing_of_it_is_loaded_for_a_folder() -> None:
    code = "import sys; from crmstate.archive import places, folder; assert 'obstore' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
