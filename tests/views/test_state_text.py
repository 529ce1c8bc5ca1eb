"""The record and the capability matrix."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from crmstate.core.record import State
from crmstate.core.words import Kind, Verb
from crmstate.views.catalogue import Catalogue
from crmstate.views.providers_text import providers_json, providers_markdown, providers_text
from crmstate.views.state_text import state_history, state_list, state_show
from tests.views.samples import record, vendor

EN = Catalogue("en", strict=True)


class Chunk(NamedTuple):
    seq: int
    at: str = ""
    by: str = ""
    events: dict[str, int] = {}
    damage: str = ""


CHUNKS = [Chunk(1, "2026-12-01T08:00:00Z", "me", {"created": 1, "intended": 12}), Chunk(2, damage="CRM-S011")]


def test_the_list_has_one_row_a_state() -> None:
    assert state_list([record()], EN).splitlines()[1].split() == [
        "acme-exit",
        "sandbox",
        "T-1000",
        "7",
        "6",
        "2",
        "3",
        "6",
        "-",
    ]
    assert json.loads(state_list([record()], EN, "json"))["states"][0]["open"] == 3


def test_no_state_says_so() -> None:
    assert state_list([], EN) == "There is no state here.\n"


def test_the_record_is_given_whole_as_json() -> None:
    found = json.loads(state_show(record(), EN, "json"))
    assert (found["name"], len(found["entries"]), found["holds"]["invoices"]["by"]) == (
        "acme-exit",
        6,
        "counsel@example.com",
    )


def test_an_empty_record_says_so() -> None:
    assert "Nothing is on record." in state_show(State("x"), EN)


def test_history_counts_events_and_names_damage() -> None:
    shown = state_history(CHUNKS, EN).splitlines()
    assert shown[1] == "1       2026-12-01T08:00:00Z  me  state created, 12 × call announced"
    assert shown[2] == "2       -                     -   damaged (CRM-S011)"
    assert json.loads(state_history(CHUNKS, EN, "json"))["history"][1]["damage"] == "CRM-S011"
    assert "| 1 | `2026-12-01T08:00:00Z` | `me` |" in state_history(CHUNKS, EN, "markdown")


def test_a_claim_that_nobody_checked_says_so() -> None:
    rows = providers_text([vendor()], EN).splitlines()
    assert ["unconfirmed" in row for row in rows if " list  " in row] == [False]
    assert ["unconfirmed" in row for row in rows if " deactivate " in row] == [True]


def test_json_gives_the_reason_as_code_and_as_words() -> None:
    rows = json.loads(providers_json([vendor()], EN))["providers"][0]["capabilities"]
    none = next(row for row in rows if row["how"] == "none")
    assert (none["reason"], none["explanation"]) == ("gap.unknown", "The vendor showed no list of them.")
    assert [row["verified_on"] for row in rows if not row["unconfirmed"]] == ["2026-11-20"]


def test_a_source_becomes_a_link_only_where_it_can_be_nothing_else() -> None:
    shown = providers_markdown([vendor()], EN)
    assert "[`sandbox-api.md#listings`](sandbox-api.md#listings)" in shown
    assert "[`api`](https://example.com/api)" in shown
    assert "`by telephone`" in shown


@pytest.mark.parametrize(
    "source",
    ["https://x.example/) <script>", "https://x.example/a|b", "javascript:x", "docs/../a b", "https://@octocat/"],
)
def test_a_source_that_could_be_anything_else_is_plain_code(source: str) -> None:
    table = vendor()
    table.none(Kind.USER, Verb.PAUSE, why="gap.unknown", source=source)
    shown = providers_markdown([table], EN)
    assert f"`{source.replace('|', '¦')}`" in shown
    assert f"]({source}" not in shown
