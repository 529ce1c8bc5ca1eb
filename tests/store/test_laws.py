"""Laws, over random histories and random damage."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_scenes import BORN, NAME, Plain, Ticking, chunks, copy, home, intended, open_store, settled, step

from crmstate.core.diagnostic import Problem
from crmstate.core.event import (
    Advanced,
    Approved,
    Claimed,
    Compared,
    Confirmed,
    Destruction,
    Evidence,
    Examined,
    Filled,
    Finished,
    Held,
    Observed,
    Released,
    Remark,
    Remarked,
    Reopened,
    Restored,
    Settled,
    Settlement,
    Started,
    Struck,
    Unlocked,
)
from crmstate.core.fold import advance
from crmstate.core.record import State
from crmstate.core.settling import KINDS
from crmstate.core.words import Outcome, Phase, Proof, Undo
from crmstate.store import load, read, repair, state_at
from crmstate.store import store as store_module

STEPS = range(6)
number = st.sampled_from(STEPS)
numbers = st.lists(number, min_size=1, max_size=3, unique=True)
text = st.text(max_size=12)
at = st.integers(1, 99).map(lambda second: f"2026-01-01T00:00:{second:02d}+00:00")

PAPER = Evidence("file", Proof.ATTESTED, "2026-01-01T00:00:00+00:00", "ann", "evidence/d", "d")
results = st.builds(
    lambda n, outcome, proof, phase, summary, rows: Settlement(
        step(n).id, outcome, proof, phase, summary=summary, rows=rows
    ),
    number,
    st.sampled_from(Outcome),
    st.sampled_from(Proof),
    st.none() | st.sampled_from(Phase),
    text,
    st.none() | st.integers(0, 10**6),
)
ordinary = st.one_of(
    st.builds(lambda ns, undo, when: intended(*ns, undo=undo, at=when), numbers, st.sampled_from(Undo), at),
    st.builds(lambda when, found: Settled(when, "r", "b", tuple(found)), at, st.lists(results, max_size=3)),
    st.builds(Started, at, text, text, text, text, st.integers(0, 9)),
    st.builds(
        lambda when, n, position: Advanced(when, "r", step(n).id, position, position), at, number, st.integers(0, 9)
    ),
    st.builds(lambda when, n, by, proof: Confirmed(when, step(n), by, proof), at, number, text, st.sampled_from(Proof)),
    st.builds(Approved, at, text, text, text, text),
    st.builds(Held, at, st.sampled_from(["Contacts", "Deals"]), text, text),
    st.builds(Released, at, st.sampled_from(["Contacts", "Deals"]), text, text),
    st.builds(Observed, at, text),
    st.builds(lambda when: Finished(when, "r", 0, {"done": 1}), at),
    st.builds(Unlocked, at, text, text),
    st.builds(lambda when, n: Reopened(when, "r", (step(n).id,)), at, number),
    st.builds(
        lambda when, n, kind: Claimed(when, n, kind, "1.50", "EUR", "ann", PAPER), at, number, st.sampled_from(KINDS)
    ),
    st.builds(Struck, at, number, text, text),
    st.builds(
        lambda when, who, rows: Examined(when, who, Destruction(who, {"C": rows}), PAPER), at, text, st.none() | number
    ),
    st.builds(
        lambda when, name, n: Compared(when, name, n, n, "d", "ann", PAPER, (Filled("f", n, n),)), at, text, number
    ),
    st.builds(lambda when, said: Remarked(when, "ann", (Remark("lesson", text=said),), PAPER), at, text),
)


@st.composite
def histories(draw, restores=True, most=10):
    """Chunks of events; a `Restored` refers to a chunk before it."""
    chunks = [[BORN]]
    for _ in range(draw(st.integers(1, most))):
        events = draw(st.lists(ordinary, min_size=0, max_size=3))
        if restores and draw(st.integers(0, 4)) == 0:
            events.insert(draw(st.integers(0, len(events))), Restored("t", draw(st.integers(1, len(chunks))), "anna"))
        chunks.append(events)
    return chunks


def every_state(history):
    """The state after each chunk, in the plainest way: a copy of each is kept, and `Restored` takes that copy."""
    states = [State(NAME)]
    for seq, events in enumerate(history, 1):
        state = copy(states[-1])
        for event in events:
            if isinstance(event, Restored):
                state = copy(states[event.serial])
            else:
                advance(state, event)
        state.serial = seq
        states.append(state)
    return states


def fresh():
    return Path(tempfile.mkdtemp(prefix="crmstate-law-"))


QUIET = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@QUIET
@given(history=histories(), small=st.sampled_from([-1, 300, 64 * 1024]))
def test_the_state_equals_the_fold_of_the_journal_always_and_however_it_is_loaded(history, small):
    folder, states, old = fresh(), every_state(history), store_module.SMALL
    store_module.SMALL = small
    try:
        with open_store(folder) as store:
            for seq, events in enumerate(history, 1):
                store.append(events)
                assert store.state == states[seq]
        assert read(folder, NAME).state == states[-1]
        (home(folder) / "state.json").unlink()
        assert read(folder, NAME).state == states[-1]
        assert [state_at(folder, NAME, seq) for seq in range(1, len(states))] == states[1:]
    finally:
        store_module.SMALL = old
        shutil.rmtree(folder)


HARMS = st.lists(
    st.tuples(
        st.sampled_from(
            ["missing", "flipped", "cut", "doubled", "swapped", "snapshot gone", "snapshot flipped", "mark gone"]
        ),
        st.integers(0, 30),
        st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=4,
)


def harm(folder, what, which, where):
    """One piece of damage."""
    paths = chunks(folder)
    place = home(folder)
    if what == "snapshot gone":
        (place / "state.json").unlink(missing_ok=True)
    elif what == "mark gone":
        (place / "head").unlink(missing_ok=True)
    elif what == "snapshot flipped":
        _flip(place / "state.json", where)
    elif paths:
        path = paths[which % len(paths)]
        other = paths[where % len(paths)]
        if what == "missing":
            path.unlink()
        elif what == "flipped":
            _flip(path, where)
        elif what == "cut":
            path.write_bytes(path.read_bytes()[: where % path.stat().st_size] or b"x")
        elif what == "doubled":
            (place / "journal" / f"{where % 15 + 1:08d}.jsonl").write_bytes(path.read_bytes())
        else:
            one, two = path.read_bytes(), other.read_bytes()
            path.write_bytes(two)
            other.write_bytes(one)


def _flip(path, where):
    if path.exists():
        data = bytearray(path.read_bytes())
        data[where % len(data)] ^= 1 << where % 8
        path.write_bytes(bytes(data))


@settings(QUIET, max_examples=300)
@given(history=histories(restores=False), early=st.integers(1, 11), harms=HARMS)
def test_damage_is_noticed_or_harmless_and_a_repair_claims_no_more_than_is_proved(history, early, harms):
    folder, states = fresh(), every_state(history)
    try:
        _write(folder, history, early)
        lost = {path.name: path.read_bytes() for path in chunks(folder)}
        for what, which, where in harms:
            harm(folder, what, which, where)
        found = _look(folder)
        if found is not None:
            assert found == states[found.serial]
            return
        _mended(folder, states, lost)
    finally:
        shutil.rmtree(folder)


def _write(folder, history, early):
    """A history whose snapshot is of chunk `early`, as after a kill."""
    with open_store(folder) as store:
        for seq, events in enumerate(history, 1):
            store.append(events)
            if seq == min(early, len(history)):
                store._cache()
        kept = (home(folder) / "state.json").read_bytes()
    (home(folder) / "state.json").write_bytes(kept)


def _look(folder):
    try:
        return read(folder, NAME).state
    except Problem:
        return None


def _mended(folder, states, lost):
    whole = _proved(lost, folder)
    try:
        mended = repair(folder, NAME, Plain(), Ticking(), "anna")
    except Problem as problem:
        assert problem.diagnostics[0].code == "CRM-S025"
        assert whole == 0
        return
    state = read(folder, NAME).state
    ground = states[mended.kept]
    assert mended.kept >= whole
    for key, entry in state.entries.items():
        assert entry.outcome is Outcome.UNKNOWN or entry == ground.entries[key]
    assert {entry.outcome for entry in state.entries.values()}.isdisjoint({Outcome.INTENDED})
    assert state.entries.keys() >= ground.entries.keys()
    assert state.holds.items() >= ground.holds.items()
    assert set(state.approvals) <= set(ground.approvals)
    assert load.read(folder, NAME).state == state
    with open_store(folder) as store:
        assert store.append([settled(1)]) == mended.serial + 1


def _proved(lost, folder):
    """How many chunks from the first on are as they were written."""
    count = 0
    for name, data in sorted(lost.items()):
        path = home(folder) / "journal" / name
        if not path.exists() or path.read_bytes() != data:
            break
        count += 1
    return count
