"""After a repair the state loads, and claims nothing that is not proved."""

from __future__ import annotations

import msgspec
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
from crmstate.core.event import Approved, Created, Held, Restored
from crmstate.core.record import step_id
from crmstate.core.words import Exit, Outcome
from crmstate.store import Mended, read, repair, snapshot, state_at

LONG = [*HISTORY, [settled(3)], [intended(4)], [settled(4)], [intended(5)]]


def mend(folder):
    return repair(folder, NAME, Plain(), Ticking(), "ben")


def outcomes(folder):
    """Outcome by the number of the user."""
    return {int(entry.address.partition("/")[2]): entry.outcome for entry in read(folder, NAME).state.entries.values()}


def journal_alone(folder):
    (home(folder) / "state.json").unlink()


def test_a_whole_state_is_left_alone_but_for_leftovers(tmp_path):
    record(tmp_path, LONG)
    left = home(tmp_path) / "state.json.vm-1.tmp"
    left.write_text("half")
    before = [path.read_bytes() for path in chunks(tmp_path)]
    assert mend(tmp_path) == Mended(kept=8, serial=8)
    assert [path.read_bytes() for path in chunks(tmp_path)] == before
    assert not left.exists()


def test_a_damaged_snapshot_alone_is_made_again(tmp_path):
    record(tmp_path, LONG)
    path = home(tmp_path) / "state.json"
    path.write_bytes(path.read_bytes()[:40])
    assert mend(tmp_path) == Mended(kept=8, serial=8)
    found = read(tmp_path, NAME)
    assert (found.state, found.notes) == (truth(LONG), [])


@pytest.mark.parametrize("harm", ["missing", "flipped"])
def test_without_a_snapshot_the_proved_beginning_is_kept_and_the_rest_is_unknown(tmp_path, harm):
    record(tmp_path, LONG)
    journal_alone(tmp_path)
    path = chunks(tmp_path)[4]
    data = path.read_bytes()
    path.unlink()
    if harm == "flipped":
        path.write_bytes(data[:300] + bytes([data[300] ^ 1]) + data[301:])
    mended = mend(tmp_path)
    assert (mended.what, mended.kept, mended.serial, mended.lost) == ("CRM-S050", 4, 9, (5, 6, 7, 8))
    assert outcomes(tmp_path) == {1: "done", 2: "done", 3: "unknown", 4: "unknown", 5: "unknown"}
    assert set(mended.unknown) == {step(number).id for number in (3, 4, 5)}
    assert read(tmp_path, NAME).state.entries[step(5).id].label == "User 5"


def test_what_is_set_aside_is_kept_byte_for_byte(tmp_path):
    record(tmp_path, LONG)
    journal_alone(tmp_path)
    chunks(tmp_path)[4].unlink()
    before = {path.name: path.read_bytes() for path in chunks(tmp_path)[4:]}
    mend(tmp_path)
    quarantine = home(tmp_path) / "journal" / "quarantine"
    assert {path.name: path.read_bytes() for path in quarantine.iterdir()} == before


def test_an_intact_snapshot_that_reaches_further_is_taken_over(tmp_path):
    record(tmp_path, LONG)
    for path in chunks(tmp_path)[3:]:
        path.unlink()
    mended = mend(tmp_path)
    assert (mended.what, mended.kept) == ("CRM-S051", 8)
    expected = truth(LONG)
    expected.entries[step(5).id].outcome = Outcome.UNKNOWN
    expected.entries[step(5).id].at = read(tmp_path, NAME).state.entries[step(5).id].at
    expected.serial = 9
    expected.mended = True
    assert read(tmp_path, NAME).state == expected


def test_the_chain_goes_on_from_a_snapshot_behind_the_damage(tmp_path):
    record(tmp_path, LONG[:6])
    with open_store(tmp_path) as store:
        for events in LONG[6:]:
            store.append(events)
        (home(tmp_path) / "keep").write_bytes((home(tmp_path) / "state.json").read_bytes())
    (home(tmp_path) / "keep").replace(home(tmp_path) / "state.json")
    chunks(tmp_path)[2].unlink()
    mended = mend(tmp_path)
    assert (mended.what, mended.kept, mended.unknown) == ("CRM-S051", 8, (step(5).id,))
    assert outcomes(tmp_path) == {1: "done", 2: "done", 3: "done", 4: "done", 5: "unknown"}


def test_a_snapshot_of_another_lineage_is_no_ground(tmp_path, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    born = Created(BORN.at, NAME, "lineage-2", "sandbox", "acme")
    record(other, [[born], *LONG[1:], [settled(5)]])
    record(tmp_path, LONG)
    (home(tmp_path) / "state.json").write_bytes((home(other) / "state.json").read_bytes())
    chunks(tmp_path)[6].unlink()
    mended = mend(tmp_path)
    assert (mended.what, mended.kept, "state.json" in mended.quarantined) == ("CRM-S050", 6, True)
    assert outcomes(tmp_path) == {1: "done", 2: "done", 3: "done", 4: "unknown", 5: "unknown"}


def test_a_damaged_snapshot_still_names_steps_that_nothing_else_remembers(tmp_path):
    record(tmp_path, LONG)
    for path in chunks(tmp_path)[3:]:
        path.unlink()
    path = home(tmp_path) / "state.json"
    data = path.read_bytes()
    path.write_bytes(data[:60] + b"?" + data[61:])
    mended = mend(tmp_path)
    assert (mended.what, mended.kept) == ("CRM-S050", 3)
    assert outcomes(tmp_path) == {1: "done", 2: "done", 3: "unknown", 4: "unknown", 5: "unknown"}


def test_holds_survive_and_approvals_do_not(tmp_path):
    """What protects is kept on any evidence; what permits only on proof."""
    wrecked = [Held("t", "Deals", "law", "a suit"), Approved("t", "digest", "plan", "carl", "chat")]
    record(tmp_path, [*HISTORY[:3], [settled(3)], wrecked])
    journal_alone(tmp_path)
    chunks(tmp_path)[3].unlink()
    mend(tmp_path)
    state = read(tmp_path, NAME).state
    assert (sorted(state.holds), state.approvals) == (["Deals"], ())


def test_a_journal_that_lost_its_beginning_has_only_unknown_steps(tmp_path):
    record(tmp_path, LONG)
    journal_alone(tmp_path)
    chunks(tmp_path)[0].unlink()
    assert mend(tmp_path).kept == 0
    assert set(outcomes(tmp_path).values()) == {Outcome.UNKNOWN}
    assert sorted(outcomes(tmp_path)) == [1, 2, 3, 4, 5]
    assert read(tmp_path, NAME).state.lineage == "lineage-1"


def test_a_damaged_first_chunk_still_says_whose_state_it_was(tmp_path):
    record(tmp_path, LONG)
    journal_alone(tmp_path)
    path = chunks(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:-3])
    mend(tmp_path)
    state = read(tmp_path, NAME).state
    assert (state.lineage, state.provider, state.tenant) == ("lineage-1", "sandbox", "acme")


def test_where_nothing_says_whose_state_it_was_nothing_is_touched(tmp_path):
    record(tmp_path, LONG)
    for path in [*chunks(tmp_path), home(tmp_path) / "state.json"]:
        path.write_bytes(b"noise")
    before = {path: path.read_bytes() for path in home(tmp_path).rglob("*") if path.is_file()}
    with pytest.raises(Problem, match="CRM-S025"):
        mend(tmp_path)
    assert {path: path.read_bytes() for path in home(tmp_path).rglob("*") if path.is_file()} == before


def test_an_older_journal_that_was_continued_is_kept_with_every_difference_unknown(tmp_path, tmp_path_factory):
    """Both are whole, and they disagree: neither is believed where they differ."""
    other = tmp_path_factory.mktemp("other")
    record(other, [*LONG[:4], [intended(9)], [settled(9, at="2027")], [intended(10)], [settled(10, at="2027")], []])
    record(tmp_path, LONG)
    for path in chunks(other):
        (home(tmp_path) / "journal" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(Problem, match="CRM-S016"):
        read(tmp_path, NAME)
    assert mend(tmp_path).kept == 9
    assert outcomes(tmp_path) == {1: "done", 2: "done"} | dict.fromkeys([3, 4, 5], Outcome.UNKNOWN) | {
        9: "done",
        10: "done",
    }


def test_a_number_is_never_given_twice(tmp_path):
    """A plan that was made on serial 8 must not find another history under that number."""
    record(tmp_path, LONG)
    journal_alone(tmp_path)
    for path in chunks(tmp_path)[2:]:
        path.unlink()
    assert mend(tmp_path).serial == 9


def test_work_goes_on_after_a_repair(tmp_path):
    record(tmp_path, LONG)
    journal_alone(tmp_path)
    chunks(tmp_path)[4].unlink()
    mend(tmp_path)
    with open_store(tmp_path) as store:
        assert store.append([settled(3, 4, 5)]) == 10
    journal_alone(tmp_path)
    assert set(outcomes(tmp_path).values()) == {Outcome.DONE}
    assert state_at(tmp_path, NAME, 3) == truth(LONG[:3])
    with pytest.raises(Problem, match="CRM-S024"):
        state_at(tmp_path, NAME, 6)


@pytest.mark.parametrize("gone", ["00000009.base.json", "00000009.jsonl", "00000010.jsonl"])
@pytest.mark.parametrize("snapshot", [True, False])
def test_what_a_repair_left_can_be_damaged_and_repaired_again(tmp_path, gone, snapshot):
    record(tmp_path, LONG)
    journal_alone(tmp_path)
    chunks(tmp_path)[4].unlink()
    mend(tmp_path)
    with open_store(tmp_path) as store:
        store.append([settled(3)])
        store.append([intended(6)])
    if not snapshot:
        journal_alone(tmp_path)
    (home(tmp_path) / "journal" / gone).unlink()
    with pytest.raises(Problem, match=r"CRM-S011|CRM-S013|CRM-S017"):
        read(tmp_path, NAME)
    mend(tmp_path)
    found = outcomes(tmp_path)
    assert found[1] == found[2] == "done"
    assert [found[number] for number in (4, 5, 6)] == ["unknown"] * 3
    assert found[3] == ("done" if snapshot else "unknown")


def test_a_base_whose_bytes_changed_is_noticed(tmp_path):
    record(tmp_path, LONG)
    chunks(tmp_path)[4].unlink()
    mend(tmp_path)
    journal_alone(tmp_path)
    path = home(tmp_path) / "journal" / "00000009.base.json"
    original = path.read_bytes()
    expected = read(tmp_path, NAME).state
    for place in range(len(original)):
        path.write_bytes(original[:place] + bytes([original[place] ^ 1]) + original[place + 1 :])
        with pytest.raises(Problem, match="CRM-S017"):
            read(tmp_path, NAME)
    path.write_bytes(original)
    assert read(tmp_path, NAME).state == expected


def test_a_base_that_somebody_put_there_is_noticed(tmp_path):
    record(tmp_path, LONG)
    (home(tmp_path) / "journal" / "00000004.base.json").write_bytes((home(tmp_path) / "state.json").read_bytes())
    with pytest.raises(Problem, match="CRM-S017"):
        read(tmp_path, NAME)
    mend(tmp_path)
    assert outcomes(tmp_path)[1] == "done"


def test_a_restore_behind_the_damage_is_not_followed(tmp_path):
    record(tmp_path, [*LONG, [Restored("t", 2, "anna")]])
    journal_alone(tmp_path)
    chunks(tmp_path)[6].unlink()
    mended = mend(tmp_path)
    assert mended.kept == 6
    assert outcomes(tmp_path) == {1: "done", 2: "done", 3: "done", 4: "unknown", 5: "unknown"}


def test_a_repair_waits_for_nobody(tmp_path):
    record(tmp_path)
    store = open_store(tmp_path)
    chunks(tmp_path)[1].unlink()
    with pytest.raises(Problem) as found:
        mend(tmp_path)
    assert found.value.exit is Exit.LOCKED
    store.lock.release()


def test_a_repair_is_an_event_that_says_who_and_what(tmp_path):
    record(tmp_path)
    chunks(tmp_path)[1].unlink()
    mended = mend(tmp_path)
    line = chunks(tmp_path)[-1].read_bytes().splitlines()[-2]
    event = msgspec.json.decode(line)
    assert (event["event"], event["by"], event["what"]) == ("repaired", "ben", mended.what)


def test_another_base_in_the_place_of_a_base_is_noticed(tmp_path):
    """It is sound in itself, and about the same chunk; only the digest in the chunk on it tells."""
    record(tmp_path, LONG)
    chunks(tmp_path)[4].unlink()
    mend(tmp_path)
    path = home(tmp_path) / "journal" / "00000009.base.json"
    base = snapshot.decode(path.read_bytes(), "")
    base.state.entries.clear()
    path.write_bytes(snapshot.encode(base.state, base.head))
    with pytest.raises(Problem, match="CRM-S017"):
        read(tmp_path, NAME)


def test_a_base_is_missed_even_where_every_chunk_before_it_is_there(tmp_path, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    record(other, [[Created(BORN.at, NAME, "lineage-2", "sandbox", "acme")]])
    record(tmp_path, LONG)
    (home(tmp_path) / "state.json").write_bytes((home(other) / "state.json").read_bytes())
    assert mend(tmp_path).kept == 8
    (home(tmp_path) / "journal" / "00000009.base.json").unlink()
    with pytest.raises(Problem, match="CRM-S017"):
        read(tmp_path, NAME)


def test_a_step_that_a_lost_chunk_names_only_by_its_id_is_unknown(tmp_path):
    """It was asked for and answered in the proved part; what came after that is lost."""
    record(tmp_path, [[BORN], [intended(1)], [settled(1, outcome=Outcome.REQUESTED)], [], [settled(1)]])
    journal_alone(tmp_path)
    chunks(tmp_path)[3].unlink()
    assert mend(tmp_path).unknown == (step(1).id,)


def test_a_chunk_that_does_not_follow_from_the_snapshot_is_not_taken_along(tmp_path, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    record(other, [*LONG[:4], [intended(7)], [settled(7)]])
    record(tmp_path, LONG[:5])
    (home(tmp_path) / "journal" / "00000006.jsonl").write_bytes(chunks(other)[5].read_bytes())
    chunks(tmp_path)[2].unlink()
    mended = mend(tmp_path)
    assert (mended.what, mended.kept, mended.quarantined) == ("CRM-S051", 5, ("00000006.jsonl",))
    assert outcomes(tmp_path) == {1: "done", 2: "done", 3: "done"}


def test_what_only_a_shorter_journal_beside_the_snapshot_knows_is_unknown(tmp_path, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    record(other, [*LONG[:4], [intended(9)], [settled(9)]])
    record(tmp_path, LONG)
    for path in chunks(tmp_path):
        path.unlink()
    for path in chunks(other):
        (home(tmp_path) / "journal" / path.name).write_bytes(path.read_bytes())
    assert mend(tmp_path).what == "CRM-S051"
    assert outcomes(tmp_path) == dict.fromkeys([1, 2, 3, 4], Outcome.DONE) | dict.fromkeys([5, 9], Outcome.UNKNOWN)


def test_a_step_whose_name_was_altered_is_not_believed(tmp_path):
    record(tmp_path, LONG)
    journal_alone(tmp_path)
    chunks(tmp_path)[4].unlink()
    path = chunks(tmp_path)[4]
    path.write_bytes(path.read_bytes().replace(b"user/4", b"user/8"))
    mend(tmp_path)
    assert sorted(outcomes(tmp_path)) == [1, 2, 3, 5]
    for key, entry in read(tmp_path, NAME).state.entries.items():
        assert key == step_id(entry.address, entry.verb, entry.occurrence)
