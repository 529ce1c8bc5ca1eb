"""Where files lie, who may read them, and what is refused in their place."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_scenes import BORN, HISTORY, NAME, Plain, Real, Ticking, chunks, home, open_store, record

from crmstate.core.diagnostic import Problem
from crmstate.core.words import Exit
from crmstate.store import Home, read, repair
from crmstate.store import files as files_module
from crmstate.store.files import Disk


def test_nobody_else_may_read_the_state_whatever_the_umask(tmp_path):
    old = os.umask(0)
    try:
        record(tmp_path)
        chunks(tmp_path)[2].unlink()
        repair(tmp_path, NAME, Plain(), Ticking(), "anna")
    finally:
        os.umask(old)
    found = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / ".crmstate").rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_dir()}
    assert (found, folders) == ({0o600}, {0o700})


HOSTILE = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/etc",
    "a\0b",
    "A",
    "a_b",
    "-a",
    "a-",
    "é",
    "a" * 64,
    "a\n",
    "quarantine/..",
    "a b",
    "١",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused(tmp_path, name):
    with pytest.raises(Problem) as found:
        Home(tmp_path, name)
    assert (found.value.exit, found.value.diagnostics[0].code) == (Exit.INVALID, "CRM-S001")


@given(st.text(max_size=80))
def test_no_name_leads_out_of_the_folder(name):
    root = Path("/nonexistent/folder")
    try:
        place = Home(root, name)
    except Problem as found:
        said = str(found.diagnostics[0].params["name"])
        assert said.isascii() and said.isprintable()
        return
    assert place.path.resolve().parent == root / ".crmstate"


@pytest.mark.parametrize("place", [".crmstate", f".crmstate/{NAME}", f".crmstate/{NAME}/journal"])
def test_a_link_in_the_place_of_a_folder_is_refused(tmp_path, place):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere, target_is_directory=True)
    for act in (lambda: open_store(tmp_path), lambda: read(tmp_path, NAME)):
        with pytest.raises(Problem, match="CRM-S002"):
            act()
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("file", ["state.json", "head", "lock", "journal/00000002.jsonl"])
def test_a_link_in_the_place_of_a_file_is_refused(tmp_path, file):
    record(tmp_path)
    path, victim = home(tmp_path) / file, tmp_path / "victim"
    victim.write_text("mine")
    path.unlink()
    path.symlink_to(victim)
    with pytest.raises(Problem, match="CRM-S002"):
        open_store(tmp_path)
    assert victim.read_text() == "mine"


def test_a_link_under_the_name_of_the_next_chunk_is_not_followed(tmp_path):
    record(tmp_path)
    victim = tmp_path / "victim"
    with open_store(tmp_path) as store:
        (home(tmp_path) / "journal" / "00000005.jsonl").symlink_to(victim)
        with pytest.raises(Problem, match="CRM-S007"):
            store.append([HISTORY[3][0]])
    assert not victim.exists()


def test_a_pipe_in_the_place_of_a_file_does_not_make_us_wait(tmp_path):
    record(tmp_path)
    path = chunks(tmp_path)[0]
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Problem, match="CRM-S002"):
        read(tmp_path, NAME)


def test_leftovers_of_an_interrupted_write_are_cleaned_under_the_lock(tmp_path):
    record(tmp_path)
    leftovers = [home(tmp_path) / "state.json.vm-1.tmp", home(tmp_path) / "journal" / "00000005.jsonl.vm-1.tmp"]
    for path in leftovers:
        path.write_text("half")
    assert read(tmp_path, NAME).seq == 4
    assert all(path.exists() for path in leftovers)
    open_store(tmp_path).close()
    assert not any(path.exists() for path in leftovers)


def test_create_never_writes_over_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        Disk(Plain()).create(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_short_write_is_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(files_module.os, "write", lambda descriptor, data: real(descriptor, bytes(data[:3])))
    Disk(Plain()).replace(tmp_path / "a", b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_importing_the_package_loads_nothing_else():
    code = "import sys, crmstate.store; print(sorted(name for name in sys.modules if name.startswith('crmstate.')))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "['crmstate.store']"


def test_every_public_name_is_there():
    import crmstate.store as package

    assert sorted(package._PLACES) == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name).__name__ == name


def test_a_lock_file_survives_its_holders_because_another_file_would_be_another_lock(tmp_path):
    record(tmp_path, [[BORN]])
    first = (home(tmp_path) / "lock").stat().st_ino
    record(tmp_path, [])
    assert (home(tmp_path) / "lock").stat().st_ino == first


def test_the_manifests_own_folder_may_be_reached_through_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "way").symlink_to(tmp_path / "real")
    record(tmp_path / "way")
    assert read(tmp_path / "real", NAME).seq == 4


def test_the_real_effects_flush_files_and_folders(tmp_path, monkeypatch):
    """The other tests leave fsync out; this one sees that the kernel takes each of them."""
    flushed, real = [], os.fsync
    monkeypatch.setattr(
        files_module.os, "fsync", lambda descriptor: flushed.append(os.fstat(descriptor).st_mode) or real(descriptor)
    )
    record_with(tmp_path, Real())
    assert {stat.S_IFMT(mode) for mode in flushed} == {stat.S_IFREG, stat.S_IFDIR}
    assert read(tmp_path, NAME).seq == 1


def record_with(folder, effects):
    with open_store(folder, effects) as store:
        store.append([BORN])


def test_a_link_that_appears_in_the_place_of_the_mark_is_not_written_through(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    with open_store(tmp_path) as store:
        store.append([BORN])
        (home(tmp_path) / "head").unlink()
        (home(tmp_path) / "head").symlink_to(victim)
        store.append([HISTORY[1][0]])
    assert victim.read_text() == "mine"
