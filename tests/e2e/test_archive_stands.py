"""What an archive is relied on for is done only while it stands: it is read back at that moment, whatever was proved
days before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from crmstate.archive import manifest
from crmstate.archive.local import LocalReads
from crmstate.archive.proof import shows_all
from crmstate.core.diagnostic import Problem

from .site import Site, archived


def _flipped(archive: Path) -> None:
    path = next(archive.rglob("data/contacts-*/000000.jsonl.zst"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _gone(archive: Path) -> None:
    next(archive.rglob("data/contacts-*/000000.jsonl.zst")).unlink()


def _moved(archive: Path) -> None:
    archive.rename(archive.with_name("elsewhere"))


HARM: dict[str, Callable[[Path], None]] = {"flipped": _flipped, "gone": _gone, "moved": _moved}


@pytest.mark.parametrize("harm", HARM)
def test_no_row_is_purged_whose_archive_does_not_stand_any_more(harm: str, here: Site) -> None:
    first = here.apply("--exclude", "dataset/*", "--exclude", "bin/*", "--exclude", "account/*")
    assert first.code == 0, first.out + first.err
    rows = {each["id"]: each["rows"] for each in here.truth()["datasets"]}
    HARM[harm](here.folder / "archive")

    said = here.apply()

    now = {each["id"]: each["rows"] for each in here.truth()["datasets"]}
    assert said.code == 1 and "CRM-A0" in said.out + said.err, said.out + said.err
    assert (now["contacts"], here.truth()["account"]["status"]) == (rows["contacts"], "open")


@pytest.mark.parametrize("harm", HARM)
def test_no_account_is_closed_whose_archive_does_not_stand_any_more(harm: str, here: Site) -> None:
    first = here.apply("--exclude", "account/*")
    assert first.code == 0, first.out + first.err
    HARM[harm](here.folder / "archive")

    said = here.apply()

    assert said.code == 1 and "CRM-A0" in said.out + said.err, said.out + said.err
    assert here.truth()["account"]["status"] == "open"


def test_a_manifest_of_an_archive_cannot_lead_out_of_the_folder_that_it_is_restored_to(
    here: Site, tmp_path: Path
) -> None:

    here.apply("--target", "archive/*")
    root = next((here.folder / "archive").glob("*/manifest.json")).parent
    found = manifest.load(LocalReads(root))
    assert found is not None
    datasets = tuple(replace(each, slug=f"../../../{each.slug}") for each in found.manifest.datasets)
    made = replace(found.manifest, datasets=datasets, root="")
    (root / "manifest.json").write_bytes(
        manifest.written(replace(made, root=manifest._root(msgspec.to_builtins(made))))
    )

    said = here.run("archive", "restore", str(root), "--to", str(tmp_path / "out"))

    assert (said.code, "CRM-A008" in said.err) == (1, True), said.out + said.err
    assert not (tmp_path / "out").exists()


def test_a_restore_leaves_alone_what_lies_where_it_would_put_its_half(here: Site) -> None:
    here.apply("--target", "archive/*")
    part = here.folder / "out.part"
    part.mkdir()
    (part / "mine.txt").write_text("precious")

    said = here.run("archive", "restore", str(here.folder / "archive"), "--to", str(here.folder / "out"))

    assert (said.code, "CRM-A035" in said.err) == (64, True), said.out + said.err
    assert (part / "mine.txt").read_text() == "precious"


@pytest.mark.parametrize("to", ["archive/exit/data/x", "archive/exit", "s3://bucket/x"])
def test_nothing_is_restored_into_the_archive_itself_or_to_an_address(to: str, here: Site) -> None:
    here.apply("--target", "archive/*")
    before = archived(here.folder / "archive")

    place = to if "://" in to else str(here.folder / to)
    said = here.run("archive", "restore", str(here.folder / "archive"), "--to", place)

    assert (said.code, "CRM-C001" in said.err) == (64, True), said.out + said.err
    assert archived(here.folder / "archive") == before
    assert not Path("s3:").exists()


def test_what_a_failed_verification_printed_is_no_proof(tmp_path: Path) -> None:

    handed = tmp_path / "opened.json"
    for text in ({"diagnostics": [{"code": "CRM-A081"}]}, {}, [], {"datasets": [], "contents_read": False}):
        handed.write_text(json.dumps(text))
        with pytest.raises(Problem) as refused:
            shows_all(handed, {})
        assert [each.code for each in refused.value.diagnostics] == ["CRM-A087"]
    handed.write_text("I opened it with age on the offline machine.")
    shows_all(handed, {})


def test_kept_for_ever_is_a_date_like_any_other(here: Site) -> None:
    here.change("to: archive/", "to: archive/, keep_until: 9999-12-31")
    assert here.plan().code == 0
