"""`crmstate archive` on an archive found anywhere, without a state, a manifest or a vendor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archive_vendor import Clock, Effects, resource, row, small, tree

from crmstate.archive.folder import FolderArchive
from crmstate.archive.layout import slug
from crmstate.cli.app import run


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    vendor, root = small(), tmp_path / "archives" / "exit"
    taking = FolderArchive(root, Effects(), Clock(), "me")
    for id in ("people", "deals", "nothing"):
        taking.archive(vendor, resource(id), True)
    vendor.datasets["people"].rows["p9"] = row("p9", name="late")
    taking.delta(vendor, resource("people"), True)
    return root


def said(capfd: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    capfd.readouterr()
    code = run([str(each) for each in args])
    found = capfd.readouterr()
    return code, found.out, found.err


def test_archives_are_found_in_their_folder(archive: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for place in (archive, archive.parent):
        code, out, _ = said(capfd, "archive", "list", place, "--format", "json")
        (found,) = json.loads(out)["archives"]
        assert (code, found["path"]) == (0, str(archive))
        assert {each["dataset"]: each["rows"] for each in found["datasets"]} == {"people": 9, "deals": 4, "nothing": 0}
    assert said(capfd, "archive", "list", archive.parent.parent / "nowhere")[0] == 1


def test_what_is_held_and_the_records_themselves_are_shown(archive: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capfd, "archive", "show", archive)
    assert code == 0 and "people" in out and "nothing" in out
    for name in ("people", slug("people")):
        code, out, _ = said(capfd, "archive", "show", archive, name, "--head", "2")
        assert (code, [json.loads(line)["id"] for line in out.splitlines()]) == (0, ["p0", "p1"])
    code, _, err = said(capfd, "archive", "show", archive, "others", "--lang", "en")
    assert code == 64 and "CRM-A037" in err


@pytest.mark.parametrize("ending", ["index.zst", "jsonl.zst"])
def test_records_are_shown_only_of_what_is_as_it_was_sealed(
    archive: Path, capfd: pytest.CaptureFixture[str], ending: str
) -> None:
    """Another segment in its place, whole in itself."""
    for name in ("people", "deals"):
        assert said(capfd, "archive", "show", archive, name)[0] == 0
    theirs = archive / "data" / slug("deals") / f"000000.{ending}"
    ours = archive / "data" / slug("people") / theirs.name
    ours.write_bytes(theirs.read_bytes())
    code, out, err = said(capfd, "archive", "show", archive, "people", "--head", "1", "--lang", "en")
    assert (code, out) == (1, "") and "CRM-A002" in err and ours.name in err
    assert said(capfd, "archive", "show", archive, "deals")[0] == 0


@pytest.mark.parametrize("place", ["s3://", "s3://bucket/../x", "s3:///x", "file://", "file:///srv/../x"])
def test_an_address_that_names_nothing_is_a_mistake_of_the_command_line(
    place: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code, _, err = said(capfd, "archive", "list", place, "--lang", "en")
    assert code == 64 and place in err.replace("\n", "")


def test_a_restore_that_cannot_be_written_says_to_run_itself_again(
    archive: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    code, _, err = said(capfd, "archive", "restore", archive, "--to", tmp_path / "file" / "out", "--lang", "en")
    assert code == 1 and "same command again" in err.replace("\n", " ") and "apply" not in err


@pytest.mark.parametrize("format", ["text", "markdown", "json"])
@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_a_verification_says_what_it_read(
    archive: Path, capfd: pytest.CaptureFixture[str], format: str, lang: str
) -> None:
    before = tree(archive)
    code, out, err = said(capfd, "archive", "verify", archive, "--restore-test", "--format", format, "--lang", lang)
    assert (code, err) == (0, "")
    if format == "json":
        found = {
            each["dataset"]: {one["method"]: one.get("rows") for one in each["checks"]}
            for each in json.loads(out)["datasets"]
        }
        assert found["people"] == {"checksums": 9, "restore_test": 9, "attachments": None}
    else:
        assert "people" in out and "?" not in out
    assert tree(archive) == before


def test_a_verification_of_an_archive_at_rest_misses_nothing(archive: Path, capfd: pytest.CaptureFixture[str]) -> None:
    strays = [
        "stray",
        "data/other-01234567/000000.jsonl.zst",
        "schema/other-01234567-0000.json",
        "data/attachments/ab/ab" + "0" * 62,
    ]
    for name in strays:
        path = archive / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        code, _, err = said(capfd, "archive", "verify", archive, "--dataset", "deals", "--lang", "en")
        assert code == 1 and "CRM-A003" in err, name
        path.unlink()
        if "other" in name and path.parent.name != "schema":
            path.parent.rmdir()
    for name, data in tree(archive).items():
        if name == "manifest.json":
            continue
        (archive / name).unlink()
        code, _, err = said(capfd, "archive", "verify", archive, "--lang", "en")
        assert code == 1 and "CRM-A001" in err and name in err, name
        (archive / name).write_bytes(data)
    assert said(capfd, "archive", "verify", archive)[0] == 0


def test_work_that_was_begun_and_not_sealed_is_said(archive: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (archive / "journal" / "other-01234567.jsonl").write_bytes(b"")
    code, _, err = said(capfd, "archive", "verify", archive, "--lang", "en")
    assert code == 1 and "CRM-A028" in err


def test_the_digest_on_record_is_compared(archive: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capfd, "archive", "show", archive, "--format", "json")
    content = next(each["content"] for each in json.loads(out)["datasets"] if each["dataset"] == "people")
    assert said(capfd, "archive", "verify", archive, "--dataset", "people", "--content", content)[0] == 0
    code, _, err = said(capfd, "archive", "verify", archive, "--dataset", "deals", "--content", content, "--lang", "en")
    assert code == 1 and "CRM-A007" in err
    code, _, err = said(capfd, "archive", "verify", archive, "--content", content, "--lang", "en")
    assert code == 64 and "CRM-A038" in err


@pytest.mark.parametrize("form", ["folder", "sqlite", "csv", "csv-spreadsheet"])
def test_one_dataset_or_all_are_restored(
    archive: Path, capfd: pytest.CaptureFixture[str], form: str, tmp_path: Path
) -> None:
    code, _, err = said(capfd, "archive", "restore", archive, "--to", tmp_path / "all", "--as", form, "--lang", "en")
    assert code == 0 and "13" in err
    code, _, err = said(
        capfd,
        "archive",
        "restore",
        archive,
        "--to",
        tmp_path / "one",
        "--as",
        form,
        "--dataset",
        "deals",
        "--lang",
        "en",
    )
    assert code == 0 and "4 " in err
    assert (tmp_path / "all").exists() and (tmp_path / "one").exists()


def test_a_damaged_archive_is_not_restored(archive: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = next((archive / "data" / slug("deals")).glob("*.jsonl.zst"))
    path.write_bytes(path.read_bytes()[:-1])
    code, _, err = said(capfd, "archive", "restore", archive, "--to", tmp_path / "out", "--lang", "en")
    assert code == 1 and "CRM-A002" in err
    assert not (tmp_path / "out").exists()


def test_an_archive_of_the_first_format_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "README.txt").write_text("crmstate archive, format 1\n")
    for args in (
        ("list", tmp_path),
        ("show", tmp_path),
        ("verify", tmp_path / "old"),
        ("restore", tmp_path / "old", "--to", tmp_path / "x"),
    ):
        code, _, err = said(capfd, "archive", *args, "--lang", "en")
        assert code == 1 and "CRM-A029" in err
