"""Whatever happens to a byte, to a file or to an order of files: the true state comes out, or a Problem, and never
anything else.
"""

from __future__ import annotations

import shutil

import msgspec
import pytest
from store_scenes import (
    BORN,
    HISTORY,
    NAME,
    chunks,
    code_of,
    home,
    intended,
    open_store,
    record,
    settled,
    truth,
)

from crmstate.core.diagnostic import Problem
from crmstate.store import chunk, read


def look(folder):
    """The state, or the code of the Problem."""
    try:
        return read(folder, NAME).state
    except Problem as found:
        return code_of(found)


def wrong_after(folder, path, changed):
    """The states other than the true one that come out when `path` holds each of these contents in turn."""
    expected, original = truth(), path.read_bytes()
    seen = []
    for data in changed(original):
        path.write_bytes(data)
        found = look(folder)
        if not isinstance(found, str) and found != expected:
            seen.append((len(data), found))
    path.write_bytes(original)
    assert look(folder) == expected
    return seen


def flips(data):
    for place in range(len(data)):
        for bit in (0x01, 0x80):
            yield data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]


def cuts(data):
    for length in range(len(data)):
        yield data[:length]


def growths(data):
    yield data + b"\n"
    yield data + data
    yield b"\n" + data


@pytest.fixture
def folder(tmp_path):
    record(tmp_path)
    return tmp_path


@pytest.mark.parametrize("changed", [flips, cuts, growths])
@pytest.mark.parametrize("bare", [False, True], ids=["with snapshot", "journal alone"])
def test_no_change_of_a_chunk_ever_gives_a_wrong_state(folder, changed, bare):
    if bare:
        (home(folder) / "state.json").unlink()
        (home(folder) / "head").unlink()
    for path in chunks(folder):
        assert wrong_after(folder, path, changed) == []


@pytest.mark.parametrize("changed", [flips, cuts, growths])
@pytest.mark.parametrize("file", ["state.json", "head", "lease.json"])
def test_no_change_of_a_file_beside_the_journal_ever_gives_a_wrong_state(folder, changed, file):
    path = home(folder) / file
    if not path.exists():
        path.write_bytes(b'{"host":"elsewhere"}')
    assert wrong_after(folder, path, changed) == []


def test_every_flipped_byte_of_a_chunk_is_noticed_not_only_harmless(folder):
    for path in chunks(folder):
        original = path.read_bytes()
        for data in flips(original):
            path.write_bytes(data)
            assert look(folder) in {"CRM-S010"}
        path.write_bytes(original)


def test_a_flipped_byte_in_the_snapshot_leaves_a_note_and_the_true_state(folder):
    path = home(folder) / "state.json"
    original = path.read_bytes()
    for data in flips(original):
        path.write_bytes(data)
        found = read(folder, NAME)
        assert ([note.code for note in found.notes], found.state) == (["CRM-S018"], truth())


def test_a_stale_snapshot_is_brought_up_to_date_by_the_journal_without_a_word(tmp_path):
    record(tmp_path, HISTORY[:2])
    old = (home(tmp_path) / "state.json").read_bytes()
    with open_store(tmp_path) as store:
        for events in HISTORY[2:]:
            store.append(events)
    (home(tmp_path) / "state.json").write_bytes(old)
    found = read(tmp_path, NAME)
    assert (found.state, found.notes) == (truth(), [])


@pytest.mark.parametrize("kept", ["state.json", "head"])
@pytest.mark.parametrize("seq", [1, 2, 3, 4])
def test_a_missing_chunk_is_missed_even_at_the_end(folder, seq, kept):
    """Either of the two files beside the journal is enough to miss the last one."""
    (home(folder) / {"state.json": "head", "head": "state.json"}[kept]).unlink()
    chunks(folder)[seq - 1].unlink()
    assert look(folder) == ("CRM-S011" if seq < 4 else "CRM-S015")


def test_a_journal_that_is_gone_altogether_is_missed(folder):
    shutil.rmtree(home(folder) / "journal")
    assert look(folder) == "CRM-S015"


@pytest.mark.parametrize("source", [1, 2, 3, 4])
@pytest.mark.parametrize("target", [1, 2, 3, 4, 5, 6])
def test_a_doubled_chunk_is_noticed_under_any_other_number(folder, source, target):
    if source == target:
        return
    journal = home(folder) / "journal"
    shutil.copy(journal / f"{source:08d}.jsonl", journal / f"{target:08d}.jsonl")
    assert look(folder) in {"CRM-S012", "CRM-S011"}


@pytest.mark.parametrize(("one", "other"), [(a, b) for a in (1, 2, 3, 4) for b in (1, 2, 3, 4) if a < b])
def test_two_chunks_that_changed_places_are_noticed(folder, one, other):
    first, second = chunks(folder)[one - 1], chunks(folder)[other - 1]
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)
    assert look(folder) == "CRM-S012"


@pytest.mark.parametrize("seq", [1, 2, 3, 4])
@pytest.mark.parametrize("bare", [False, True], ids=["with snapshot", "journal alone"])
def test_a_chunk_of_another_state_is_noticed(folder, tmp_path_factory, seq, bare):
    other = tmp_path_factory.mktemp("other")
    born = BORN.__class__(BORN.at, NAME, "lineage-2", "sandbox", "acme")
    record(other, [[born], [intended(7)], [settled(7)], [intended(8)]])
    if bare:
        (home(folder) / "state.json").unlink()
        (home(folder) / "head").unlink()
    chunks(folder)[seq - 1].write_bytes(chunks(other)[seq - 1].read_bytes())
    assert look(folder) in {"CRM-S013", "CRM-S014", "CRM-S016"}


def test_an_older_copy_of_the_journal_that_was_continued_is_noticed(folder, tmp_path_factory):
    """The copy is whole in itself; only what lies beside the journal knows better."""
    other = tmp_path_factory.mktemp("other")
    record(other, [*HISTORY[:2], [settled(1, outcome="failed")], [intended(9)]])
    for mine, theirs in zip(chunks(folder), chunks(other), strict=True):
        mine.write_bytes(theirs.read_bytes())
    assert look(folder) == "CRM-S016"


def test_the_snapshot_of_another_state_is_noticed(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    born = BORN.__class__(BORN.at, NAME, "lineage-2", "sandbox", "acme")
    record(other, [[born], [intended(7)]])
    shutil.copy(home(other) / "state.json", home(folder) / "state.json")
    assert look(folder) == "CRM-S016"


def test_damage_names_the_one_command_that_mends_it(folder):
    """The catalogue's hint says it; the diagnostic carries the name that it needs."""
    chunks(folder)[1].unlink()
    with pytest.raises(Problem) as found:
        read(folder, NAME)
    params = found.value.diagnostics[0].params
    assert (params["name"], params["chunk"]) == (NAME, 2)


def alone(folder):
    """Only the journal is left to judge itself."""
    (home(folder) / "state.json").unlink()
    (home(folder) / "head").unlink()


@pytest.mark.parametrize("seq", [2, 3])
def test_a_chunk_of_another_history_of_the_same_state_is_noticed(folder, tmp_path_factory, seq):
    """Such as a file out of an older backup: the lineage is right, the number too."""
    other = tmp_path_factory.mktemp("other")
    record(other, [HISTORY[0], [intended(7)], [settled(7)], [intended(8)]])
    alone(folder)
    chunks(folder)[seq - 1].write_bytes(chunks(other)[seq - 1].read_bytes())
    assert look(folder) == "CRM-S013"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"lineage": "lineage-2"}, "CRM-S014"), ({"base": "0" * 64}, "CRM-S017"), ({"events": 3}, "CRM-S010")],
)
def test_a_chunk_that_somebody_made_to_fit_is_noticed_by_what_it_says(folder, change, code):
    """Its digests are right; its header is not."""
    alone(folder)
    path = chunks(folder)[3]
    one = chunk.decode(path.read_bytes(), 4, "")
    data, _ = chunk.encode(msgspec.structs.replace(one.header, **change), one.body.splitlines())
    path.write_bytes(data)
    assert look(folder) == code


def test_a_first_chunk_that_says_it_stands_on_a_base_is_noticed(folder):
    alone(folder)
    for path in chunks(folder)[1:]:
        path.unlink()
    path = chunks(folder)[0]
    one = chunk.decode(path.read_bytes(), 1, "")
    path.write_bytes(chunk.encode(msgspec.structs.replace(one.header, base="0" * 64), one.body.splitlines())[0])
    assert look(folder) == "CRM-S017"


def test_an_altered_mark_is_ignored_and_frightens_nobody(folder):
    path = home(folder) / "head"
    for data in flips(path.read_bytes()):
        path.write_bytes(data)
        assert look(folder) == truth()
