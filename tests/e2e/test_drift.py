"""drift: people, keys, rows and contracts that came back are told; nothing is written, neither at the vendor nor on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from crmstate.sandbox import World
from tests.e2e.site import Site, site

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "drift.schema.json").read_text("utf-8"))
TOLD = {
    "user/p0": "came_back",
    "api_key/k0": "came_back",
    "api_key/k9": "unrecorded",
    "dataset/contacts": "rows_back",
    "subscription/sub-1": "renewed",
    "user/owner@example.com": "kept_gone",
    "user/p1": "gone",
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everything ended but the account, which waits for the end of the contract."""
    with site(tmp_path_factory.mktemp("drift")) as made:
        made.change("effective: immediately", "effective: {date: 2027-01-31}")
        assert made.drift().code == 0  # nothing on record yet
        assert made.apply().code == 0
        yield made


def _written(made: Site) -> tuple[dict[str, bytes], int]:
    """The record byte for byte, and how many acting requests the vendor has seen."""
    state = made.folder / ".crmstate"
    record = {str(path): path.read_bytes() for path in sorted(state.rglob("*")) if path.is_file()}
    with World.open(made.data) as world:
        return record, sum(each["method"] not in ("GET", "HEAD") for each in world.log())


def test_what_is_as_it_was_left_is_no_drift_and_what_came_back_is_told_without_writing(ended: Site) -> None:
    before = _written(ended)
    assert before[1] > 0 and before[0]
    quiet = ended.drift("--format", "json")
    assert (quiet.code, quiet.json["drifted"], quiet.json["changes"]) == (0, False, [])
    assert quiet.json["compared"] >= 20
    jsonschema.validate(quiet.json, SCHEMA)
    assert "Nothing changed" in ended.drift().out

    with World.open(ended.data) as world:
        world.run("UPDATE users SET status = 'active' WHERE id = 'p0'")
        world.run("UPDATE api_keys SET status = 'active' WHERE id = 'k0'")
        world.run("DELETE FROM users WHERE id = 'p1'")
        world.run("UPDATE users SET email = 'other@example.com' WHERE id = 'u1'")
        world.add_key("k9", "u2", name="new key")
        world.add_rows("contacts", [{"id": "c900", "owner_id": "u1", "fields": {"Name": "x"}}])
        world.set_subscription(renews=True, pending=None, term={"start": "2027-02-01", "end": "2028-01-31"})
    said = ended.drift("--format", "json")
    found: dict[str, Any] = {each["address"]: each for each in said.json["changes"]}
    assert said.code == 2
    assert {place: each["what"] for place, each in found.items()} == TOLD
    jsonschema.validate(said.json, SCHEMA)
    assert (found["user/p0"]["recorded"], found["user/p0"]["observed"]) == ("inactive", "present")
    assert found["api_key/k9"]["next"] == "revoke"
    assert found["dataset/contacts"]["observed"] == "1"
    text = ended.drift()
    assert text.code == 2 and "It came back: inactive" in text.out and "Planned: revoke." in text.out
    assert "又出现了" in ended.run("drift", str(ended.manifest), "--lang", "zh-CN").out
    assert _written(ended) == before


def test_a_credential_that_nobody_of_us_ended_is_no_answer(ended: Site) -> None:
    ended.fault("token_expired", times=20)
    said = ended.drift()
    assert (said.code, said.out) == (7, "") and "CRM-V004" in said.err
    assert "the credential for reading" in said.err and "No apply on record has ended it" in said.err
