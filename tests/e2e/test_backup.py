"""A decommissioning that keeps the vendor's own backup of the whole account beside the datasets: ordered once whatever
happens, kept as it came, read back, and never in the place of a dataset's archive."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import subprocess
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyrage
import pytest

from crmstate.sandbox import World

from .scenes import apply, effects, finish
from .site import MANIFEST, Site, rows_of, site, small_world
from .test_crash_points import Counting, Crash, apply_once, every_point

pytestmark = pytest.mark.usefixtures("quick")

BACKED_UP = MANIFEST.replace("datasets: all,", "datasets: all, backup: required,")
ALONE = f"{MANIFEST.partition('end_state:')[0]}end_state:\n  data:\n    archive: {{to: archive/, backup: required}}\n"


def ordered(here: Site) -> int:
    return sum(each["verb"] == "submit" and each["kind"] == "backup" for each in effects(here))


def made(here: Site) -> dict[str, bytes]:
    """The files of the last backup, as the vendor has them."""
    with World.open(here.data) as world:
        last = world.one("SELECT max(job) FROM job_files WHERE job LIKE 'backup-%'")[0]
        return {
            name: bytes(content)
            for name, content in world.all("SELECT name, content FROM job_files WHERE job = ?", last)
        }


def restored(here: Site, *args: str) -> dict[str, bytes]:
    """The files of the backup out of the archive, by the names that the vendor gave them."""
    said = here.run(
        "archive",
        "restore",
        str(here.folder / "archive"),
        "--to",
        str(here.folder / "out"),
        "--dataset",
        "+backup",
        *args,
    )
    assert said.code == 0, said.err
    (folder,) = (here.folder / "out").iterdir()
    lines = (folder / "attachments.jsonl").read_text(encoding="utf-8").splitlines()
    return {each["name"]: (folder / each["file"]).read_bytes() for each in map(json.loads, lines)}


def test_the_backup_lies_in_the_archive_as_it_came_and_is_read_back(here: Site) -> None:
    here.write(BACKED_UP)
    planned = [step for step in here.plan("--format", "json").json["steps"] if step["address"] == "archive/+backup"]
    assert [(step["verb"], step["stage"], step.get("jobs", 0)) for step in planned] == [
        ("archive", "archive", 1),
        ("verify", "verify", 0),
    ]
    assert ordered(here) == 0, "a plan orders nothing"

    code, results = apply(here)

    assert (code, results["verify archive/+backup"], ordered(here)) == (0, "done", 1)
    root = here.folder / "archive" / "exit"
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=root, check=True)
    kept = made(here)
    assert len(kept) == 3, "two datasets with rows, one of them with attachments"
    for content in kept.values():
        digest = hashlib.sha256(content).hexdigest()
        assert (root / "data" / "attachments" / digest[:2] / digest).read_bytes() == content
    assert kept == restored(here)
    covered = {
        each["dataset"]: each["status"] for each in json.loads((root / "coverage.json").read_bytes())["datasets"]
    }
    assert covered["+backup"] == covered["contacts"] == "exported"
    said = here.run("archive", "verify", str(here.folder / "archive"), "--dataset", "+backup", "--format", "json").json
    checks = {each["method"]: each for each in said["datasets"][0]["checks"]}
    assert (checks["zips"]["said"], checks["zip_records"]["rows"]) == ("read", 14)
    finish(here, "8d")
    assert ordered(here) == 1
    assert {each["rows"] for each in here.truth()["datasets"] if each["exportable"]} == {0}


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("result_ends", {}),
        ("job_fails", {}),
        ("job_vanishes", {}),
        ("cut_result", {}),
        ("cut_before", {"method": "POST"}),
    ],
)
def test_a_backup_that_cannot_be_had_stops_everything_that_destroys(
    here: Site, fault: str, rule: dict[str, Any]
) -> None:
    here.write(BACKED_UP)
    here.fault(fault, path="/v1/backups*" if rule else "/v1/backups/*", **rule)

    code, results = apply(here)

    assert (code, results["archive archive/+backup"]) == (6, "failed")
    assert {each["rows"] for each in here.truth()["datasets"] if each["exportable"]} == {7}
    assert ordered(here) <= 1, "one that failed is not ordered again by itself: there are few"


@pytest.mark.parametrize(
    ("fault", "rule"), [("cut_result", {"nth": [2, 4]}), ("torn_body", {"nth": [3]}), ("throttled", {"every": 3})]
)
def test_a_backup_that_goes_wrong_now_and_then_is_made_up_for(here: Site, fault: str, rule: dict[str, Any]) -> None:
    here.write(ALONE)
    here.fault(fault, path="/v1/backups/*/files/*" if fault == "torn_body" else "/v1/backups/*", **rule)
    assert here.apply().code == 0
    assert (made(here), 1) == (restored(here), ordered(here))


def test_addresses_that_end_are_asked_for_anew_and_finished_files_are_not_fetched_again(here: Site) -> None:
    here.write(ALONE)
    here.fault("unavailable", path="/v1/backups/*/files/2", times=30)
    assert here.apply().code == 6
    here.advance("6d")
    with World.open(here.data) as world:
        world.clear_faults()
    here.fault("unavailable", path="/v1/backups/*/files/1")
    assert here.apply().code == 0
    assert (made(here), 1) == (restored(here), ordered(here))


def test_a_backup_that_is_gone_is_ordered_again_by_the_next_run_and_only_its_files_count(here: Site) -> None:
    here.write(ALONE)
    here.fault("unavailable", path="/v1/backups/*/files/3", times=30)
    assert here.apply().code == 6
    here.advance("8d")
    with World.open(here.data) as world:
        world.clear_faults()
    assert here.apply().code == 6, "it is said that it is gone"
    assert (here.apply().code, ordered(here)) == (0, 2)
    assert made(here) == restored(here)


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "malformed_body"])
def test_an_order_without_an_answer_is_placed_once(here: Site, fault: str) -> None:
    here.write(ALONE)
    here.fault(fault, path="/v1/backups", method="POST", times=1)
    here.apply()
    assert here.apply().code == 0
    assert ordered(here) == 1


def test_a_file_of_the_backup_that_changes_later_is_named(here: Site) -> None:
    here.write(ALONE)
    assert here.apply().code == 0
    name, content = next(iter(made(here).items()))
    digest = hashlib.sha256(content).hexdigest()
    place = here.folder / "archive" / "exit" / "data" / "attachments" / digest[:2] / digest
    place.chmod(0o600)
    place.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    said = here.run("archive", "verify", str(here.folder / "archive"))
    assert (said.code, digest in said.out + said.err) == (1, True), name


def test_an_encrypted_backup_leaves_nothing_plain_on_this_machine(here: Site) -> None:
    key = pyrage.x25519.Identity.generate()
    here.write(ALONE.replace("backup: required", f"backup: required, encrypt_to: [{key.to_public()}]"))
    seen: set[str] = set()

    class Watching(Counting):
        """Looks at everything that is written, as soon as it is."""

        def do(self, kind: str, what: str, act: Any, torn: Any = None) -> Any:
            found = super().do(kind, what, act, torn)
            for path in here.folder.rglob("*"):
                if path.is_file() and not path.name.startswith("acme.db"):
                    data = path.read_bytes()
                    seen.update(str(path) for text in (b"contacts.csv", b"PK\x03\x04") if text in data)
            return found

    assert apply_once(here, Watching()) == 0
    assert seen == set()
    (here.folder / "key.txt").write_text(str(key), encoding="utf-8")
    kept = restored(here, "--identity", str(here.folder / "key.txt"))
    assert kept == made(here)
    with zipfile.ZipFile(io.BytesIO(kept["Data_001.zip"])) as inside:
        assert inside.namelist() == ["contacts.csv"]
    opened = here.run(
        "archive",
        "verify",
        str(here.folder / "archive"),
        "--identity",
        str(here.folder / "key.txt"),
        "--format",
        "json",
    ).json
    assert ("zips", "read") in [(each["method"], each["said"]) for one in opened["datasets"] for each in one["checks"]]


def points_of(folder: Path, template: Path) -> list[tuple[int, str]]:
    """Every effect of an undisturbed run, before, after and torn."""
    template.mkdir()
    small_world(template / "acme.db", users=0, rows=2)
    (template / "crmstate.yaml").write_text(ALONE, encoding="utf-8")
    with site(folder, template) as here:
        counted = Counting()
        assert apply_once(here, counted) == 0
        return every_point(counted.seen)


def survived(tmp_path: Path, part: int, share: int) -> None:
    template = tmp_path / "template"
    for at, mode in points_of(tmp_path / "whole", template)[part::share]:
        with site(tmp_path / f"{at}-{mode}", template) as here:
            with suppress(Crash):
                apply_once(here, Counting(at, mode))
            gc.collect()
            assert apply_once(here, Counting()) == 0, (at, mode)
            assert ordered(here) == 1, f"{mode} effect {at}"
            assert made(here) == restored(here), f"{mode} effect {at}"
            assert len(rows_of(here.folder / "archive").splitlines()) == 4


def test_some_crash_points_of_a_backup_are_survived_and_none_orders_two(
    tmp_path: Path, as_many_effects_every_time: None
) -> None:
    survived(tmp_path, 5, 170)


@pytest.mark.deep(seconds=30)
@pytest.mark.parametrize("part", range(8))
def test_every_crash_point_of_a_backup_is_survived(part: int, tmp_path: Path, as_many_effects_every_time: None) -> None:
    survived(tmp_path, part, 8)
