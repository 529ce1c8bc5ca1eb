"""The disk is full, read-only or broken: a clear Problem, nothing lost, and it goes on once there is room."""

from __future__ import annotations

import errno
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from store_scenes import (
    BORN,
    HISTORY,
    NAME,
    Failing,
    code_of,
    home,
    intended,
    open_store,
    prefixes,
    record,
    settled,
    truth,
)

from crmstate.core.diagnostic import Problem
from crmstate.core.words import Exit
from crmstate.store import read
from crmstate.store import store as store_module

CODES = {
    errno.ENOSPC: "CRM-S003",
    errno.EDQUOT: "CRM-S003",
    errno.EIO: "CRM-S006",
    errno.EROFS: "CRM-S005",
    errno.EACCES: "CRM-S005",
}


@pytest.mark.parametrize("number", CODES, ids=errno.errorcode.get)
@pytest.mark.parametrize("kind", ["write", "fsync", "link", "rename", "mkdir", "lock"])
def test_an_error_at_any_effect_is_a_clear_problem_and_loses_nothing(tmp_path, kind, number):
    reached = False
    for at in range(80):
        folder = tmp_path / str(at)
        folder.mkdir()
        effects, returned, codes = Failing(at, number, [kind]), 0, set()
        try:
            with open_store(folder, effects) as store:
                for events in HISTORY:
                    store.append(events)
                    returned += 1
        except Problem as problem:
            codes.add(code_of(problem))
            assert problem.exit is Exit.ERROR
        assert codes <= {CODES[number], "CRM-S008"}
        reached = reached or bool(codes)
        with open_store(folder) as again:
            assert again.state in prefixes()[returned : returned + 2]
    assert reached


def test_an_append_that_found_no_room_can_be_tried_again(tmp_path):
    effects = Failing(10**9)
    with open_store(tmp_path, effects) as store:
        store.append([BORN])
        effects.at, effects.times = 0, 1
        with pytest.raises(Problem, match="CRM-S003"):
            store.append([intended(1)])
        assert store.state == truth([[BORN]])
        assert store.append([intended(1)]) == 2
    assert read(tmp_path, NAME).state == truth([[BORN], [intended(1)]])


def test_after_an_append_of_unknown_fate_the_journal_takes_nothing_more(tmp_path):
    """The chunk has its name, but the folder could not be flushed: whether it is there, only opening again tells."""
    effects = Failing(10**9, errno.EIO, ["fsync"])
    with open_store(tmp_path, effects) as store:
        store.append([BORN])
        effects.at, effects.times = 3, 1
        for _ in range(2):
            with pytest.raises(Problem, match="CRM-S008"):
                store.append([intended(1)])
    assert read(tmp_path, NAME).state == truth([[BORN], [intended(1)]])


def test_a_snapshot_without_room_is_a_warning_because_the_journal_has_everything(tmp_path):
    effects = Failing(10**9, errno.ENOSPC, ["rename"])
    store = open_store(tmp_path, effects)
    for events in HISTORY:
        store.append(events)
    effects.at = 0
    store.close()
    assert [(note.code, note.severity) for note in store.notes] == [("CRM-S019", "warning")]
    assert not (home(tmp_path) / "state.json").exists()
    assert not list(home(tmp_path).rglob("*.tmp"))
    assert read(tmp_path, NAME).state == truth()


def test_a_snapshot_that_found_no_room_is_tried_again_at_the_end_and_warned_of_once(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "SMALL", 10)
    effects = Failing(10**9, errno.ENOSPC, ["rename"])
    with open_store(tmp_path, effects) as store:
        effects.at, effects.times = 0, 2
        for number in range(20):
            store.append([BORN] if not number else [intended(number)])
    assert [note.code for note in store.notes] == ["CRM-S019"]
    found = read(tmp_path, NAME)
    assert (found.tail, found.seq) == (0, 20)


def test_a_file_system_without_hard_links_is_named(tmp_path):
    with (
        pytest.raises(Problem, match="CRM-S009"),
        open_store(tmp_path, Failing(0, errno.EOPNOTSUPP, ["link"])) as store,
    ):
        store.append([BORN])


LIMITED = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from store_scenes import *
from crmstate.core.event import Held
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
store = open_store(Path(sys.argv[2]))
said = []
for size in (10, 5000, 20):
    try:
        said.append(store.append([Held("t", f"set{size}", "law", "x" * size)]))
    except Problem as problem:
        said.append(code_of(problem))
store.close()
print(json.dumps(said))
"""


def test_a_file_that_the_kernel_cuts_short_is_as_if_it_had_not_been(tmp_path):
    """For real: the kernel takes a part of the write and refuses the rest."""
    record(tmp_path)
    assert resource.RLIMIT_FSIZE is not None
    here = str(Path(__file__).parent)
    answer = subprocess.run(
        [sys.executable, "-c", LIMITED, here, str(tmp_path), "2000"], capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout) == [5, "CRM-S003", 6]
    assert not list(home(tmp_path).rglob("*.tmp"))
    assert sorted(read(tmp_path, NAME).state.holds) == ["Contacts", "set10", "set20"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_device_in_the_place_of_a_file_is_refused(tmp_path):
    record(tmp_path)
    path = home(tmp_path) / "state.json"
    path.unlink()
    path.symlink_to("/dev/full")
    with pytest.raises(Problem, match="CRM-S002"):
        read(tmp_path, NAME)


def test_settling_after_the_room_came_back_gives_the_whole_record(tmp_path):
    effects = Failing(10**9)
    with open_store(tmp_path, effects) as store:
        store.append(HISTORY[0])
        store.append(HISTORY[1])
        effects.at = 0
        with pytest.raises(Problem):
            store.append([settled(1, 2)])
    with open_store(tmp_path) as store:
        for events in HISTORY[2:]:
            store.append(events)
    assert read(tmp_path, NAME).state == truth()
