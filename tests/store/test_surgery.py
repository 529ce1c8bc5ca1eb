"""The history can be looked at, and the state set back, without an editor and without forgetting what cannot be
undone.
"""

from __future__ import annotations

import pytest
from store_scenes import (
    BORN,
    HISTORY,
    NAME,
    Plain,
    Ticking,
    chunks,
    home,
    intended,
    open_store,
    record,
    settled,
    step,
    truth,
)

from crmstate.core.diagnostic import Problem
from crmstate.core.words import Outcome, Undo
from crmstate.store import history, read, repair, restore, state_at


def test_the_history_lists_every_chunk_with_its_writer_and_events(tmp_path):
    record(tmp_path)
    found = history(tmp_path, NAME)
    assert [(passage.seq, passage.by, passage.events) for passage in found] == [
        (1, "anna", {"created": 1}),
        (2, "anna", {"intended": 1}),
        (3, "anna", {"settled": 1}),
        (4, "anna", {"intended": 1, "held": 1}),
    ]
    assert all(passage.at.startswith("2026-01-01T") and not passage.damage for passage in found)


def test_the_history_of_a_damaged_journal_shows_where_it_is_damaged(tmp_path):
    record(tmp_path)
    path = chunks(tmp_path)[1]
    path.write_bytes(path.read_bytes()[:-5])
    assert [passage.damage for passage in history(tmp_path, NAME)] == ["", "CRM-S010", "CRM-S013", ""]


def test_the_history_shows_an_anchor_after_a_repair(tmp_path):
    record(tmp_path)
    chunks(tmp_path)[1].unlink()
    repair(tmp_path, NAME, Plain(), Ticking(), "anna")
    last = history(tmp_path, NAME)[-1]
    assert (last.anchored, last.damage, last.events) == (True, "", {"repaired": 1})


@pytest.mark.parametrize("serial", [1, 2, 3, 4])
def test_the_state_at_any_serial_is_the_fold_up_to_there(tmp_path, serial):
    record(tmp_path)
    assert state_at(tmp_path, NAME, serial) == truth(HISTORY[:serial])


@pytest.mark.parametrize("serial", [-1, 0, 5, 10**12])
def test_a_serial_that_never_was_is_said_to_be_none(tmp_path, serial):
    record(tmp_path)
    with pytest.raises(Problem, match="CRM-S024"):
        state_at(tmp_path, NAME, serial)
    with open_store(tmp_path) as store, pytest.raises(Problem, match="CRM-S024"):
        restore(store, serial)
    assert read(tmp_path, NAME).seq == 4


def test_a_state_that_does_not_exist_has_no_history(tmp_path):
    with pytest.raises(Problem, match="CRM-S022"):
        history(tmp_path, NAME)


def test_restoring_sets_back_what_can_be_undone(tmp_path):
    free = [[BORN], [intended(1, undo=Undo.FREE)], [settled(1)], [intended(2, undo=Undo.FREE)]]
    record(tmp_path, free)
    with open_store(tmp_path) as store:
        assert restore(store, 2) == 5
        kept = store.state
    expected = truth(free[:2])
    expected.serial = 5
    assert kept == expected
    assert read(tmp_path, NAME).state == expected
    (home(tmp_path) / "state.json").unlink()
    assert read(tmp_path, NAME).state == expected


def test_restoring_never_forgets_an_act_that_cannot_be_undone(tmp_path):
    """Forgotten, it would be sent a second time."""
    record(tmp_path)
    with open_store(tmp_path) as store:
        restore(store, 2)
        entries = store.state.entries
        assert {key: entry.outcome for key, entry in entries.items()} == {
            step(number).id: Outcome.UNKNOWN for number in (1, 2, 3)
        }
        assert entries[step(3).id].label == "User 3"


def test_restoring_never_lifts_a_hold(tmp_path):
    record(tmp_path)
    held = read(tmp_path, NAME).state.holds
    with open_store(tmp_path) as store:
        restore(store, 2)
        assert store.state.holds == held


def test_a_restored_state_can_be_restored_forward_again(tmp_path):
    free = [[BORN], [intended(1, undo=Undo.FREE)], [settled(1)]]
    record(tmp_path, free)
    with open_store(tmp_path) as store:
        restore(store, 2)
        restore(store, 3)
        restore(store, 4)
        restore(store, 5)
        kept = store.state
        expected = truth(free)
        expected.serial = 7
        assert kept == expected
    (home(tmp_path) / "state.json").unlink()
    assert read(tmp_path, NAME).state == kept
    assert state_at(tmp_path, NAME, 4).entries == truth(free[:2]).entries


def test_many_restores_in_a_row_stay_quick(tmp_path):
    """Each refers to the one before it: folded naively, that doubles with each."""
    record(tmp_path, [[BORN], [intended(1, undo=Undo.FREE)]])
    with open_store(tmp_path) as store:
        for _ in range(40):
            restore(store, store.head)
        kept = store.state
    (home(tmp_path) / "state.json").unlink()
    assert read(tmp_path, NAME).state == kept


def test_a_journal_never_loses_a_byte_to_surgery(tmp_path):
    record(tmp_path)
    before = [path.read_bytes() for path in chunks(tmp_path)]
    with open_store(tmp_path) as store:
        restore(store, 1)
    assert [path.read_bytes() for path in chunks(tmp_path)][:4] == before
