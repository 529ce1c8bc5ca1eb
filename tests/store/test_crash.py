"""The process ends before, after and in the middle of every effect: what returned is there, and the rest is as if it
had not been.
"""

from __future__ import annotations

import itertools

import pytest
from store_scenes import (
    BORN,
    HISTORY,
    NAME,
    Crash,
    Crashing,
    Listing,
    Plain,
    Ticking,
    chunks,
    crash_everywhere,
    home,
    intended,
    open_store,
    prefixes,
    record,
    settled,
    truth,
)

from crmstate.core.diagnostic import Problem
from crmstate.store import Store, read, repair
from crmstate.store import store as store_module

LONG = [*HISTORY, [settled(3)], [intended(4)]]


@pytest.fixture
def fresh(tmp_path):
    numbers = itertools.count()

    def make(_):
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        return folder

    return make


@pytest.mark.parametrize("eager", [False, True], ids=["snapshot at the end", "snapshot at every append"])
def test_a_crash_at_any_effect_keeps_every_append_that_returned(fresh, eager, monkeypatch):
    if eager:
        monkeypatch.setattr(store_module, "due", lambda tail, cached: True)
    returned: list[int] = []

    def act(folder, effects):
        returned.clear()
        store = Store.open(folder, NAME, effects, Ticking(), "anna")
        for events in LONG:
            returned.append(store.append(events))
        store.close()

    states = prefixes(LONG)

    def check(folder, where):
        done = len(returned)
        with open_store(folder) as again:
            assert again.state in states[done : done + 2], where
            assert again.head == again.state.serial, where
            for events in LONG[again.head :]:
                again.append(events)
        assert read(folder, NAME).state == truth(LONG), where
        assert not list(home(folder).rglob("*.tmp")), where

    assert crash_everywhere(fresh, act, check) > 40


def test_a_crash_while_opening_what_a_crash_left_loses_nothing(fresh):
    """The first process ended right after its chunk had got its name; the second ends anywhere while it opens and
    closes."""
    whole = Listing()
    probe = fresh(0)
    record(probe)
    with open_store(probe, whole) as store:
        store.append([settled(3)])
    linked = next(place for place, (kind, _) in enumerate(whole.seen) if kind == "link")

    def act(folder, effects):
        record(folder)
        with pytest.raises(Crash, match="after link"):
            open_store(folder, Crashing(linked, "after")).append([settled(3)])
        Store.open(folder, NAME, effects, Ticking(), "anna").close()

    def check(folder, where):
        with open_store(folder) as again:
            assert again.state == truth([*HISTORY, [settled(3)]]), where
        assert not list(home(folder).rglob("*.tmp")), where

    assert crash_everywhere(fresh, act, check) > 5


def test_a_crash_during_a_repair_leaves_something_that_a_repair_mends(fresh):
    def act(folder, effects):
        record(folder, LONG)
        chunks(folder)[3].unlink()
        (home(folder) / "state.json").unlink()
        repair(folder, NAME, effects, Ticking(), "anna")

    def check(folder, where):
        repair(folder, NAME, Plain(), Ticking(), "anna")
        state = read(folder, NAME).state
        proved = truth(LONG[:3])
        for key, entry in state.entries.items():
            if entry.outcome == "done":
                assert proved.entries[key].outcome == "done", where
        assert state.entries[intended(4).steps[0].id].outcome == "unknown", where

    assert crash_everywhere(fresh, act, check) > 10


def test_an_append_is_durable_in_the_right_order(tmp_path):
    """Bytes before the name, the name before the return; the mark last, and unflushed."""
    effects = Listing()
    store = open_store(tmp_path, effects)
    effects.seen.clear()
    store.append([BORN])
    kinds = [kind for kind, _ in effects.seen]
    assert kinds == ["write", "fsync", "link", "fsync", "unlink", "write"]
    assert [name for kind, name in effects.seen if kind == "link"] == ["00000001.jsonl"]
    assert effects.seen[3] == ("fsync", "journal")
    assert effects.seen[-1] == ("write", "head")
    store.close()


def test_a_snapshot_takes_its_place_only_when_it_is_durable(tmp_path):
    effects = Listing()
    store = open_store(tmp_path, effects)
    store.append([BORN])
    effects.seen.clear()
    store.close()
    assert [kind for kind, _ in effects.seen] == ["write", "fsync", "rename", "fsync", "unlink"]


def test_the_folders_are_durable_before_the_first_chunk(tmp_path):
    effects = Listing()
    open_store(tmp_path, effects).close()
    flushed = [name for kind, name in effects.seen if kind == "fsync"]
    assert {NAME, ".crmstate", tmp_path.name} <= set(flushed)


def test_after_the_end_nobody_touches_the_disk(tmp_path):
    """A `finally` that writes after a crash would show a state that a real crash never leaves."""
    store = open_store(tmp_path, Crashing(15, "before"))
    before = None
    with pytest.raises(Crash, match="before"):
        for events in LONG:
            before = sorted(path.read_bytes() for path in chunks(tmp_path))
            store.append(events)
    assert sorted(path.read_bytes() for path in chunks(tmp_path)) == before


def test_a_problem_while_opening_gives_the_lock_back(tmp_path):
    record(tmp_path)
    chunks(tmp_path)[0].unlink()
    for _ in range(2):
        with pytest.raises(Problem, match="CRM-S011"):
            open_store(tmp_path)
        assert not (home(tmp_path) / "lease.json").exists()
