"""The journal takes events as they are, refuses a second writer, and lets no secret through."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from store_scenes import (
    BORN,
    HISTORY,
    NAME,
    Listing,
    Ticking,
    chunks,
    code_of,
    home,
    intended,
    open_store,
    record,
    settled,
    step,
    truth,
)

from crmstate.core.diagnostic import Problem
from crmstate.core.event import Held, Intended, Reopened, Restored
from crmstate.core.ports import Journal
from crmstate.core.secret import Scrubber
from crmstate.core.words import Exit, Undo
from crmstate.store import Home, Store, read, states
from crmstate.store import store as store_module
from crmstate.store.files import Disk
from crmstate.store.journal import ChunkJournal, Pen
from crmstate.store.load import load
from crmstate.store.snapshot import Head


def test_a_chunk_is_a_header_its_events_and_their_digest(tmp_path):
    record(tmp_path, HISTORY[:2])
    first, second = (path.read_bytes() for path in chunks(tmp_path))
    header, *events, foot = (json.loads(line) for line in second.splitlines())
    assert header | {"at": "", "tool": ""} == {
        "format": 1,
        "seq": 2,
        "prev": hashlib.sha256(first).hexdigest(),
        "lineage": "lineage-1",
        "by": "anna",
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "tool": "",
        "at": "",
        "events": 1,
    }
    assert [event["event"] for event in events] == ["intended"]
    assert foot == {"sha256": hashlib.sha256(second[: second.rindex(b'{"sha256"')]).hexdigest()}


def test_a_store_is_a_journal(tmp_path):
    def port(journal: Journal) -> int:
        return journal.append([BORN])

    with open_store(tmp_path) as store:
        assert (port(store), store.head, store.journal.head) == (1, 1, 1)


def test_the_second_of_two_writers_learns_that_it_is_not_alone(tmp_path):
    record(tmp_path)
    place = Home(tmp_path, NAME)
    found = load(place)
    one, other = (
        ChunkJournal(Pen(place, Disk(Listing()), Ticking(), by), Head(found.seq, found.sha256), found.lineage)
        for by in ("anna", "ben")
    )
    assert one.append([settled(3)]) == 5
    before = chunks(tmp_path)[-1].read_bytes()
    with pytest.raises(Problem) as problem:
        other.append([settled(3)])
    assert (problem.value.exit, code_of(problem.value)) == (Exit.STALE, "CRM-S007")
    assert chunks(tmp_path)[-1].read_bytes() == before
    assert not list(home(tmp_path).rglob("*.tmp"))


def test_appending_folds_and_reading_again_gives_the_same(tmp_path):
    with open_store(tmp_path) as store:
        for number, events in enumerate(HISTORY, 1):
            assert store.append(events) == number
            assert store.state == truth(HISTORY[:number])
            assert read(tmp_path, NAME).state == truth(HISTORY[:number])


def test_create_begins_a_record_once(tmp_path):
    with open_store(tmp_path) as store:
        assert store.state.serial == 0
        assert store.create("lineage-9", "sandbox", "acme") == 1
        assert (store.state.lineage, store.state.provider, store.state.tenant) == ("lineage-9", "sandbox", "acme")
        with pytest.raises(Problem, match="CRM-S023"):
            store.create("lineage-10", "sandbox", "acme")
        with pytest.raises(Problem, match="CRM-S023"):
            store.append([BORN])
    assert read(tmp_path, NAME).lineage == "lineage-9"


def test_a_record_that_does_not_begin_with_created_is_a_bug_and_writes_nothing(tmp_path):
    with open_store(tmp_path) as store, pytest.raises(ValueError, match="begins with Created"):
        store.append([intended(1)])
    assert chunks(tmp_path) == []


def test_nothing_recorded_reads_as_an_empty_state_and_makes_no_folder(tmp_path):
    found = read(tmp_path, NAME)
    assert (found.state.name, found.state.serial, found.seq) == (NAME, 0, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_secret_in_an_event_reaches_neither_the_journal_nor_the_state(tmp_path):
    scrubber = Scrubber()
    scrubber.learn('tok"en\\1234567')
    with open_store(tmp_path, scrub=scrubber.scrub) as store:
        store.append([BORN])
        store.append([Intended("t", "r", "b", (step(1, label='key tok"en\\1234567!'),))])
        assert store.state.entries[step(1).id].label == "key [secret]!"
        kept = store.state
    assert read(tmp_path, NAME).state == kept
    written = b"".join(path.read_bytes() for path in home(tmp_path).rglob("*") if path.is_file())
    assert b"1234567" not in written


def test_a_net_that_would_tear_the_json_is_applied_to_each_text_instead(tmp_path):
    """Such as a secret that looks like a piece of JSON."""
    with open_store(
        tmp_path, scrub=lambda text: text.replace('"by":"', "[secret]").replace("law", "[secret]")
    ) as store:
        store.append([BORN])
        store.append([Held("t", "Contacts", "the law", "")])
    assert read(tmp_path, NAME).state.holds["Contacts"].by == "the [secret]"


def test_a_label_that_json_cannot_hold_is_kept_as_well_as_may_be(tmp_path):
    with open_store(tmp_path) as store:
        store.append([BORN])
        store.append([Intended("t", "r", "b", (step(1, label="bad \ud800 name"),))])
        kept = store.state
    assert read(tmp_path, NAME).state == kept
    assert kept.entries[step(1).id].label == "bad ? name"


def test_an_event_about_a_step_that_nobody_knows_does_not_make_the_state_unreadable(tmp_path):
    with open_store(tmp_path) as store:
        store.append([BORN])
        store.append([Reopened("t", "r", ("0123456789abcdef",))])
    assert read(tmp_path, NAME).state == truth([[BORN], []])


def test_a_restored_event_that_is_appended_like_any_other_is_understood(tmp_path):
    with open_store(tmp_path) as store:
        for events in HISTORY:
            store.append(events)
        store.append([Restored("t", 2, "anna"), intended(9, undo=Undo.FREE)])
        expected = truth([*HISTORY[:2], [intended(9, undo=Undo.FREE)]])
        expected.serial = 5
        assert store.state == expected
    (home(tmp_path) / "state.json").unlink()
    assert read(tmp_path, NAME).state == expected


def test_a_reader_is_not_disturbed_by_a_chunk_that_appears_while_it_looks(tmp_path, monkeypatch):
    record(tmp_path)
    store = open_store(tmp_path)
    real, times = Home.numbers, []

    def numbers(self):
        times.append(1)
        found = real(self)
        if len(times) == 2:
            store.append([settled(3)])
        return found

    monkeypatch.setattr(Home, "numbers", numbers)
    assert read(tmp_path, NAME).seq in (4, 5)
    monkeypatch.undo()
    store.close()


def test_a_reader_looks_again_when_a_repair_moves_files_under_it(tmp_path, monkeypatch):
    """One look fails and the files have changed since: that look proves nothing."""
    record(tmp_path)
    path, real, times = chunks(tmp_path)[1], Home.numbers, []
    data = path.read_bytes()
    path.unlink()

    def numbers(self):
        times.append(1)
        if len(times) == 3:
            path.write_bytes(data)
        return real(self)

    monkeypatch.setattr(Home, "numbers", numbers)
    assert read(tmp_path, NAME).state == truth()


def test_a_loaded_state_is_parsed_only_where_the_snapshot_does_not_reach(tmp_path, monkeypatch):
    record(tmp_path)
    with open_store(tmp_path) as store:
        store.append([settled(3)])
        parsed = []
        real = store_module.load.chain.events
        monkeypatch.setattr(
            store_module.load.chain, "events", lambda home, one: parsed.append(one.header.seq) or real(home, one)
        )
        assert read(tmp_path, NAME).seq == 5
    assert parsed == [5]


def test_snapshots_cost_no_more_than_the_events_between_them(tmp_path, monkeypatch):
    """Their sizes grow geometrically, so that all of them together stay within a few times the journal."""
    monkeypatch.setattr(store_module, "SMALL", 2000)
    effects = Listing()
    with open_store(tmp_path, effects) as store:
        store.append([BORN])
        for number in range(300):
            store.append([intended(number)])
            store.append([settled(number)])
    written = [name for kind, name in effects.seen if kind == "rename" and name == "state.json"]
    assert 3 <= len(written) <= 12


def test_states_are_listed_by_name(tmp_path):
    for name in ("b-exit", "a-exit"):
        record(tmp_path, [[BORN]], name)
    (tmp_path / ".crmstate" / "Not a state").mkdir()
    assert states(tmp_path) == ["a-exit", "b-exit"]


def test_threads_may_append_together(tmp_path):
    with open_store(tmp_path) as store:
        store.append([BORN])
        with ThreadPoolExecutor(4) as pool:
            numbers = list(pool.map(lambda number: store.append([intended(number)]), range(40)))
    assert sorted(numbers) == list(range(2, 42))
    assert len(read(tmp_path, NAME).state.entries) == 40


def test_a_store_that_is_opened_twice_in_a_row_continues(tmp_path):
    record(tmp_path, HISTORY[:2])
    with Store.open(tmp_path, NAME, Listing(), Ticking(), "ben") as store:
        assert store.append(HISTORY[2]) == 3
    assert read(tmp_path, NAME).state == truth(HISTORY[:3])


def test_a_closed_store_takes_nothing_more_because_its_lock_is_gone(tmp_path):
    with open_store(tmp_path) as store:
        store.append([BORN])
    with pytest.raises(ValueError, match="closed"):
        store.append([intended(1)])
    store.close()
    assert read(tmp_path, NAME).seq == 1
