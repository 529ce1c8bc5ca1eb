"""Older formats are read through registered upgrades, newer ones are refused; the schema and the messages are
complete.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
import tomllib
from pathlib import Path

import jsonschema
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
from crmstate.core.event import SINCE, AnyEvent, Bounced, Created, TakenBack, Watched
from crmstate.core.record import FORMAT, State
from crmstate.store import read, repair, state_schema, upgrade

ROOT = Path(__file__).parents[2]


def chunk_of(format: int, seq: int, prev: str, events: list[dict]) -> bytes:
    header = {
        "format": format,
        "seq": seq,
        "prev": prev,
        "lineage": "lineage-1",
        "by": "anna",
        "host": "h",
        "pid": 1,
        "tool": "0",
        "at": "t",
        "events": len(events),
    }
    top = b"".join(json.dumps(line).encode() + b"\n" for line in [header, *events])
    return top + f'{{"sha256":"{hashlib.sha256(top).hexdigest()}"}}\n'.encode()


def snapshot_of(format: int, seq: int, sha256: str, state: State | dict) -> bytes:
    top = json.dumps({"format": format, "head": {"seq": seq, "sha256": sha256}, "state": msgspec.to_builtins(state)})
    top = top[:-1]
    return f'{top},"sha256":"{hashlib.sha256(top.encode()).hexdigest()}"}}\n'.encode()


@pytest.fixture
def old(tmp_path):
    """A state in the invented format 0, in which `by` of a hold was called `who`."""
    first = chunk_of(0, 1, "", [msgspec.to_builtins(BORN)])
    held = {"event": "held", "at": "t", "dataset": "Contacts", "who": "law"}
    second = chunk_of(0, 2, hashlib.sha256(first).hexdigest(), [held])
    journal = home(tmp_path) / "journal"
    journal.mkdir(parents=True)
    (journal / "00000001.jsonl").write_bytes(first)
    (journal / "00000002.jsonl").write_bytes(second)
    return tmp_path


def from_0(raw):
    for event in raw["events"]:
        if event["event"] == "held":
            event["by"] = event.pop("who")
    return raw


def test_an_older_format_is_read_through_its_upgrade_and_its_bytes_stay(old, monkeypatch):
    monkeypatch.setitem(upgrade.CHUNKS, 0, from_0)
    before = [path.read_bytes() for path in chunks(old)]
    with open_store(old) as store:
        assert store.state.holds["Contacts"].by == "law"
        store.append([intended(1)])
    assert [path.read_bytes() for path in chunks(old)][:2] == before
    found = read_state(old).state
    assert (found.serial, sorted(found.entries)) == (3, [step(1).id])


def read_state(folder):
    return read(folder, NAME)


def test_an_older_format_without_an_upgrade_is_refused_and_not_repaired_away(old):
    for act in (lambda: read_state(old), lambda: repair(old, NAME, Plain(), Ticking(), "anna")):
        with pytest.raises(Problem, match="CRM-S021"):
            act()


def test_a_snapshot_in_an_older_format_is_upgraded_too(old, monkeypatch):
    monkeypatch.setitem(upgrade.CHUNKS, 0, from_0)

    def bare(raw):
        raw["state"]["tenant"] = raw["state"].pop("account", "?")
        return raw

    monkeypatch.setitem(upgrade.SNAPSHOTS, 0, bare)
    digest = hashlib.sha256(chunks(old)[1].read_bytes()).hexdigest()
    state = truth([[BORN]])
    raw = msgspec.to_builtins(state)
    raw["account"] = raw.pop("tenant")
    top = json.dumps({"format": 0, "head": {"seq": 2, "sha256": digest}, "state": raw})[:-1]
    data = f'{top},"sha256":"{hashlib.sha256(top.encode()).hexdigest()}"}}\n'.encode()
    (home(old) / "state.json").write_bytes(data)
    found = read_state(old)
    assert (found.state.tenant, found.notes) == ("acme", [])


@pytest.mark.parametrize("what", ["chunk", "snapshot"])
def test_what_a_newer_version_wrote_is_left_alone(tmp_path, what):
    record(tmp_path)
    digest = hashlib.sha256(chunks(tmp_path)[-1].read_bytes()).hexdigest()
    if what == "chunk":
        (home(tmp_path) / "journal" / "00000005.jsonl").write_bytes(
            chunk_of(FORMAT + 1, 5, digest, [{"event": "teleported"}])
        )
    else:
        (home(tmp_path) / "state.json").write_bytes(snapshot_of(FORMAT + 1, 4, digest, truth()))
    before = {path: path.read_bytes() for path in home(tmp_path).rglob("*") if path.is_file()}
    for act in (
        lambda: read_state(tmp_path),
        lambda: open_store(tmp_path),
        lambda: repair(tmp_path, NAME, Plain(), Ticking(), "anna"),
    ):
        with pytest.raises(Problem, match="CRM-S020"):
            act()
    assert {path: path.read_bytes() for path in home(tmp_path).rglob("*") if path.is_file()} == before


def test_a_repair_stops_before_a_newer_chunk_even_behind_damage(tmp_path):
    record(tmp_path)
    (home(tmp_path) / "journal" / "00000005.jsonl").write_bytes(chunk_of(FORMAT + 1, 5, "", [{"event": "teleported"}]))
    chunks(tmp_path)[1].unlink()
    before = {path: path.read_bytes() for path in home(tmp_path).rglob("*") if path.is_file()}
    with pytest.raises(Problem, match="CRM-S020"):
        repair(tmp_path, NAME, Plain(), Ticking(), "anna")
    assert {path: path.read_bytes() for path in home(tmp_path).rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("what", ["chunk", "snapshot"])
def test_what_is_whole_and_says_something_unknown_is_a_newer_version_s_and_no_damage(tmp_path, what):
    """Under a format that this version knows: whoever wrote it forgot to raise it, which must cost nobody anything."""
    record(tmp_path)
    digest = hashlib.sha256(chunks(tmp_path)[-1].read_bytes()).hexdigest()
    if what == "chunk":
        teleported = [{"event": "teleported", "at": "t"}]
        (home(tmp_path) / "journal" / "00000005.jsonl").write_bytes(chunk_of(FORMAT, 5, digest, teleported))
    else:
        state = msgspec.to_builtins(truth())
        next(iter(state["entries"].values()))["outcome"] = "teleported"
        (home(tmp_path) / "state.json").write_bytes(snapshot_of(FORMAT, 4, digest, state))
    before = {path: path.read_bytes() for path in home(tmp_path).rglob("*") if path.is_file()}
    for act in (lambda: read_state(tmp_path), lambda: repair(tmp_path, NAME, Plain(), Ticking(), "anna")):
        with pytest.raises(Problem, match="CRM-S020"):
            act()
    assert {path: path.read_bytes() for path in home(tmp_path).rglob("*") if path.is_file()} == before


def test_only_what_holds_a_newer_event_is_written_in_the_newer_format(tmp_path):
    """So that the version before reads everything that it can read, and leaves alone what it cannot."""
    record(tmp_path)
    watched = Watched(at="2026-01-01T00:00:00+00:00", by="anna", outcome="clear", sights=())
    with open_store(tmp_path) as store:
        store.append([watched])
        store.append([intended(1)])
    formats = [json.loads(path.read_bytes().splitlines()[0])["format"] for path in chunks(tmp_path)]
    assert formats == [1] * (len(formats) - 2) + [2, 1]
    assert json.loads((home(tmp_path) / "state.json").read_bytes())["format"] == 2
    assert read_state(tmp_path).state.format == 2


FIRST_TAGS = {
    "created", "started", "intended", "settled", "advanced", "addressed", "sending", "answered", "reopened", "confirmed",
    "contacted", "reminded", "approved", "held", "released", "observed", "finished", "repaired", "restored", "unlocked",
    "claimed", "struck", "examined", "compared", "remarked",
}  # fmt: skip


def test_every_event_that_the_first_format_does_not_know_says_since_which_format_it_is():
    tags = {each: each.__struct_config__.tag for each in AnyEvent.__args__}
    assert {tags[each] for each in SINCE} == set(tags.values()) - FIRST_TAGS
    assert max(SINCE.values()) == FORMAT and Created not in SINCE
    assert (SINCE[Bounced], SINCE[Watched], SINCE[TakenBack]) == (2, 2, 3)


def test_the_published_schema_is_fresh():
    committed = (ROOT / "schemas" / "state.schema.json").read_text()
    assert committed == json.dumps(state_schema(), indent=2, sort_keys=True) + "\n"


def test_a_state_fits_the_published_schema():
    jsonschema.validate(msgspec.to_builtins(truth([*HISTORY, [settled(3)]])), state_schema())


def used() -> set[str]:
    sources = [path for wing in ("store", "cli") for path in (ROOT / "crmstate" / wing).rglob("*.py")]
    return {code for path in sources for code in re.findall(r"CRM-S\d{3}", path.read_text())}


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_code_has_its_words_and_no_words_are_left_over(language):
    catalogue = {}
    for path in (ROOT / "crmstate" / "views" / "locale" / language).glob("*.toml"):
        found = tomllib.loads(path.read_text())
        catalogue |= {code: entry for code, entry in found.items() if code.startswith("CRM-S")}
    assert set(catalogue) == used()
    for entry in catalogue.values():
        assert list(entry) == ["summary", "detail", "hint"]
        assert all(entry.values())


def test_both_languages_have_the_same_gaps_and_name_the_same_commands():
    def gaps(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    def commands(text):
        return re.findall(r"`[^`]*`", text)

    english, chinese = (
        tomllib.loads((ROOT / "crmstate" / "views" / "locale" / language / "store.toml").read_text())
        for language in ("en", "zh-CN")
    )
    for code, entry in english.items():
        for part, text in entry.items():
            other = chinese[code][part]
            assert (code, part, gaps(other)) == (code, part, gaps(text))
            assert (code, part, sorted(commands(other))) == (code, part, sorted(commands(text)))
        assert commands(entry["hint"]), f"{code}'s hint names no command"


def test_every_message_can_be_filled_with_what_its_problem_carries(tmp_path):
    """The codes that a damaged state gives, each with the words of its catalogue."""
    catalogue = tomllib.loads((ROOT / "crmstate" / "views" / "locale" / "en" / "store.toml").read_text())
    record(tmp_path)
    journal = home(tmp_path) / "journal"
    (journal / "00000005.jsonl").write_bytes((journal / "00000002.jsonl").read_bytes())
    with pytest.raises(Problem) as found:
        read_state(tmp_path)
    diagnostic = found.value.diagnostics[0]
    for text in catalogue[diagnostic.code].values():
        assert "{" not in text.format(**diagnostic.params)
