"""Disks that are full or read-only, and links where folders were: a clear message, a fitting exit code, nothing wrong
afterwards."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .outside import Outside, lock_is_free, sound
from .scenes import effects
from .scenes import template as made_once
from .site import Said, Site, site

KIB = 1024


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory.mktemp("template"), users=4, rows=400)


@pytest.fixture
def here(template: Path, tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path / "site", template) as made:
        yield made


def calmly(said: Said) -> Said:
    """Never a traceback, never a bug."""
    assert "Traceback" not in said.err and said.code != 70, said.err
    return said


def completes(here: Site) -> None:
    """With room again everything comes to its end, and nothing happened twice."""
    said = here.run("apply", str(here.manifest), "--yes")
    assert said.code == 0, said.out[-500:] + said.err
    state = sound(here)
    assert state is not None
    assert {(each["rows"], each["bin_rows"]) for each in here.truth()["datasets"]} == {(0, 0)}
    assert here.truth()["account"]["status"] == "closing"
    assert lock_is_free(here)


def starved(far: Outside, limit: int, *args: str) -> Said:
    """A command that may write no file larger than `limit` bytes: the kernel cuts it short, as a full disk does."""

    def starve() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "CRMSTATE_LANG": "en"}
    command = [sys.executable, "-m", "crmstate", *args]
    found = subprocess.run(
        command, cwd=far.folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, preexec_fn=starve, timeout=60, check=False
    )  # fmt: skip
    return calmly(Said(found.returncode, found.stdout, found.stderr))


def test_a_plan_that_does_not_fit_is_not_saved_and_the_old_one_stays(far: Outside) -> None:
    plan = far.folder / "plan.json"
    said = starved(far, 4 * KIB, "plan", "--out", "plan.json")
    assert (said.code, "CRM-S003" in said.err, "plan.json" in said.err) == (1, True, True)
    assert not plan.exists()
    assert far.command("plan", "--out", "plan.json").code == 0
    before = plan.read_bytes()
    assert starved(far, 4 * KIB, "plan", "--out", "plan.json").code == 1
    assert plan.read_bytes() == before
    assert [path.name for path in far.folder.glob("plan.json.*")] == []


def test_an_apply_whose_state_does_not_fit_stops_with_a_word_and_goes_on_later(far: Outside) -> None:
    heads, words = [], set()
    for limit in (0, 200, 1 * KIB, 2 * KIB, 3 * KIB):
        said = starved(far, limit, "apply", "--yes")
        words |= {code for code in ("CRM-S003", "CRM-A013") if code in said.err + said.out}
        assert (said.code, "CRM-S003" in said.err) == (1, True) or (said.code, "CRM-A013" in said.out) == (6, True), (
            limit,
            said.err,
        )
        state = sound(far)
        heads.append(state.serial if state is not None else 0)
    assert heads == sorted(heads) and heads[0] == 0 < heads[-1]
    assert words == {"CRM-S003", "CRM-A013"}
    completes(far)


def test_a_snapshot_that_does_not_fit_is_a_warning_and_everything_is_done(far: Outside) -> None:
    said = starved(far, 40 * KIB, "apply", "--yes", "--parallel", "1")
    assert said.code in (0, 1, 6), said.err
    assert sound(far) is not None
    completes(far)


def test_an_archive_that_does_not_fit_fails_and_nothing_of_its_dataset_is_destroyed(far: Outside) -> None:
    said = starved(far, 12 * KIB, "apply", "--yes")
    assert (said.code, "CRM-A013" in said.out) == (6, True), said.out[-1500:] + said.err
    rows = {each["id"]: each["rows"] for each in far.truth()["datasets"]}
    assert (rows["contacts"], rows["deals"]) == (400, 400)
    assert far.truth()["subscription"]["status"] == "active"
    assert {each["status"] for each in far.truth()["users"]} == {"active"}
    manifests = [path.read_text("utf-8") for path in (far.folder / "archive").rglob("manifest.json")]
    assert not [text for text in manifests if '"id":"contacts"' in text]
    completes(far)


@contextlib.contextmanager
def mounted(place: Path, *options: str) -> Iterator[Path]:
    """A file system of its own at `place`; skips the test where nobody may mount one."""
    place.mkdir(exist_ok=True)
    try:
        found = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no `mount` here")
    if found.returncode != 0:
        pytest.skip(f"mounting is not permitted here: {found.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def small_disk(place: Path, kib: int) -> contextlib.AbstractContextManager[Path]:
    return mounted(place, "-t", "tmpfs", "-o", f"size={kib}k,mode=0700", "tmpfs")


def ballast(place: Path, left: int) -> Path:
    """A file that leaves so many KiB on this disk."""
    file = place / "BALLAST"
    facts = os.statvfs(place)
    file.write_bytes(b"\0" * (facts.f_bavail * facts.f_frsize - left * KIB))
    return file


def test_a_state_on_a_full_disk_loses_nothing_and_goes_on_when_there_is_room(here: Site) -> None:
    with small_disk(here.folder / ".crmstate", 1024) as disk:
        heads = []
        for left in (0, 4, 16, 40, 80):
            file = ballast(disk, left)
            said = calmly(here.apply())
            assert (said.code, "CRM-S003" in said.err) == (1, True), (left, said.err)
            state = sound(here)
            heads.append(state.serial if state is not None else 0)
            file.unlink()
        assert heads == sorted(heads) and 0 < heads[-1]
        completes(here)


def test_a_full_disk_can_still_be_looked_at(here: Site) -> None:
    with small_disk(here.folder / ".crmstate", 256) as disk:
        here.apply("--target", "archive/contacts")
        ballast(disk, 0)
        place = ("--folder", str(here.folder))
        for args in (
            ("plan", str(here.manifest)),
            ("status", str(here.manifest)),
            ("state", "show", "exit", *place),
            ("state", "history", "exit", *place),
        ):
            assert calmly(here.run(*args)).code == 0
        for args in (
            ("state", "repair", "exit", *place),
            ("state", "unlock", "exit", *place),
            ("state", "restore", "exit", "--serial", "1", *place),
        ):
            assert (calmly(here.run(*args)).code) == 1
        assert sound(here) is not None


def test_an_archive_on_a_full_disk_fails_and_goes_on_when_there_is_room(here: Site) -> None:
    with small_disk(here.folder / "archive", 512) as disk:
        for left in (0, 24, 60):
            (disk / "exit").mkdir(exist_ok=True)
            file = ballast(disk, left)
            said = calmly(here.apply())
            assert (said.code, "CRM-A013" in said.out) == (6, True), said.out[-1500:] + said.err
            assert {each["rows"] for each in here.truth()["datasets"] if each["exportable"]} == {400}
            assert here.truth()["subscription"]["status"] == "active"
            file.unlink()
        completes(here)


def test_a_plan_on_a_full_disk_is_not_saved(here: Site) -> None:
    with small_disk(here.folder / "plans", 128) as disk:
        ballast(disk, 8)
        said = calmly(here.plan("--out", str(disk / "plan.json")))
        assert (said.code, "CRM-S003" in said.err) == (1, True)
        assert [path.name for path in disk.iterdir()] == ["BALLAST"]


@pytest.mark.parametrize(
    "args", [("plan",), ("plan", "--format", "json"), ("status", "--format", "json"), ("state", "show", "exit")]
)
def test_a_reader_on_a_full_disk_is_told_so(args: tuple[str, ...], far: Outside) -> None:
    """`crmstate plan > file` where the file's disk is full."""
    assert far.command("apply", "--yes", "--target", "archive/contacts").code == 0
    with Path("/dev/full").open("wb") as full:
        said = full_output(far, full, *args)
    assert (said.code, "CRM-C021" in said.err) == (1, True), said.err


@pytest.mark.parametrize("format", ["text", "json"])
def test_an_apply_whose_output_finds_no_room_stops_and_the_next_one_goes_on(format: str, far: Outside) -> None:
    with Path("/dev/full").open("wb") as full:
        said = full_output(far, full, "apply", "--yes", "--format", format)
    assert (said.code, "CRM-C021" in said.err) == (1, True), said.err
    sound(far)
    completes(far)


def full_output(far: Outside, full: Any, *args: str) -> Said:
    running = far.begin(*args, stdout=full)
    return running.end()


@pytest.mark.parametrize(
    "closed",
    [pytest.param("<&-", marks=pytest.mark.deep), ">&-", pytest.param("2>&-", marks=pytest.mark.deep), "<&- >&- 2>&-"],
)
def test_streams_that_somebody_closed_are_no_bug_and_no_place_for_the_state(closed: str, far: Outside) -> None:
    for command in ("status", "apply --yes"):
        running = far.begin(prefix=("sh", "-c", f'exec "$0" -m crmstate {command} {closed}'))
        assert running.end().code == 0
    state = sound(far)
    assert state is not None
    assert far.command("plan", "--detailed-exitcode").code == 9


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that nothing can be written to; for root, whom rights do not hold back, by a mount."""
    if os.geteuid() != 0:
        modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*")) if path.is_dir()}
        for path in modes:
            path.chmod(0o500)
        try:
            yield
        finally:
            for path, mode in modes.items():
                path.chmod(mode)
        return
    with mounted(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield


def test_a_read_only_state_can_be_looked_at_and_not_worked_on(here: Site) -> None:
    assert here.apply("--target", "archive/contacts").code == 0
    before = effects(here)
    place = ("--folder", str(here.folder))
    with read_only(here.folder / ".crmstate"):
        for args in (("plan", str(here.manifest)), ("status", str(here.manifest)), ("state", "show", "exit", *place)):
            assert calmly(here.run(*args)).code == 0
        for args in (
            ("apply", str(here.manifest), "--yes"),
            ("confirm", "freeze/cutover", str(here.manifest)),
            ("state", "repair", "exit", *place),
            ("state", "unlock", "exit", *place),
            ("state", "restore", "exit", "--serial", "1", *place),
        ):
            said = calmly(here.run(*args))
            assert (said.code, "CRM-S005" in said.err) == (1, True), (args, said.err)
    assert effects(here) == before
    completes(here)


def test_where_no_state_can_begin_nothing_is_sent(here: Site) -> None:
    (here.folder / ".crmstate").mkdir(mode=0o700)
    with read_only(here.folder / ".crmstate"):
        said = calmly(here.apply())
        assert (said.code, "CRM-S005" in said.err) == (1, True)
    assert effects(here) == []
    completes(here)


def test_a_read_only_archive_fails_its_steps_and_destroys_nothing(here: Site) -> None:
    (here.folder / "archive").mkdir()
    with read_only(here.folder / "archive"):
        said = calmly(here.apply())
        assert (said.code, "CRM-A014" in said.out) == (6, True), said.out[-1500:]
        assert {each["rows"] for each in here.truth()["datasets"] if each["exportable"]} == {400}
    completes(here)


def test_a_plan_for_a_read_only_folder_is_not_saved(here: Site) -> None:
    (here.folder / "plans").mkdir()
    with read_only(here.folder / "plans"):
        said = calmly(here.plan("--out", str(here.folder / "plans" / "plan.json")))
        assert (said.code, "CRM-S005" in said.err) == (1, True)


@pytest.mark.parametrize("linked", ["", "exit", "exit/journal", "exit/state.json", "exit/lock", "exit/head"])
def test_a_link_in_the_place_of_the_state_is_refused_and_what_it_leads_to_is_untouched(
    linked: str, here: Site, tmp_path: Path
) -> None:
    assert here.apply("--target", "archive/contacts").code == 0
    place = here.folder / ".crmstate" / linked if linked else here.folder / ".crmstate"
    elsewhere = tmp_path / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    before, kept = effects(here), files(elsewhere)
    for args in (("apply", str(here.manifest), "--yes"), ("state", "repair", "exit", "--folder", str(here.folder))):
        said = calmly(here.run(*args))
        assert (said.code, "CRM-S002" in said.err, "rm " in said.err) == (1, True, True), said.err
    if not linked.endswith("lock"):
        for args in (
            ("plan", str(here.manifest)),
            ("status", str(here.manifest)),
            ("state", "list", "--folder", str(here.folder)),
        ):
            assert calmly(here.run(*args)).code == 1
    assert (effects(here), files(elsewhere)) == (before, kept)
    place.unlink()
    elsewhere.rename(place)
    completes(here)


def files(place: Path) -> dict[str, bytes]:
    """What lies there, but for what says who holds the lock."""
    found = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in found if path.name != "lease.json"}


def test_a_link_in_the_place_of_the_archive_is_refused_and_nothing_is_destroyed(here: Site, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (here.folder / "archive").symlink_to(elsewhere)
    said = calmly(here.apply())
    assert said.code in (1, 3, 6), said.out[-800:] + said.err
    assert {each["rows"] for each in here.truth()["datasets"] if each["exportable"]} == {400}
    assert list(elsewhere.iterdir()) == []
    (here.folder / "archive").unlink()
    completes(here)


def test_a_link_in_the_place_of_a_plan_is_refused(here: Site, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (here.folder / "plan.json").symlink_to(precious)
    said = calmly(here.plan("--out", str(here.folder / "plan.json")))
    assert (said.code, "CRM-S002" in said.err) == (1, True)
    assert precious.read_text() == "precious"
