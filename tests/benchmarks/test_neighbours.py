"""The comparison with crmstate's neighbours: its judge notices every kind of loss, and crmstate loses nothing. The whole of
it is `make compare`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.neighbours import truth
from tests.benchmarks.neighbours.judge import LOSSES, Found, Verdict, judge, loads
from tests.benchmarks.neighbours.measure import Cost, Line, run, site
from tests.benchmarks.neighbours.page import page
from tests.benchmarks.neighbours.results import Result, measure
from tests.benchmarks.neighbours.tooling import ALL, Tool

ROOT = Path(__file__).parents[2]
ROWS = [
    b'{"id":"1","Full Name":"\xe5\xb0\x8f\xe6\x98\x8e","amount":1.10,"none":null,"on":true,"big":9223372036854775809,'
    b'"place":{"city":"Bonn","zip":null},"tags":["a",2],"empty":{},"note":"=1+1","e":"x","E":"y"}',
    b'{"id":"2","Full Name":"","amount":1e5,"none":null,"on":false,"big":1,"place":{},"tags":[],"empty":{},"note":"","e":"","E":""}',
]


def left(*changed: dict[str, Any], elsewhere: Iterable[str] = ()) -> list[Found]:
    """Rows as a tool could have left them; without an argument as they were."""
    return [Found(each, None, frozenset(elsewhere)) for each in changed or map(loads, ROWS)]


def changed(*drop: str, **now: Any) -> list[Found]:
    """The first row without some fields and with others, and the second as it was."""
    first = {key: value for key, value in loads(ROWS[0]).items() if key not in drop}
    return left({key: now.get(key, value) for key, value in first.items()} | now, loads(ROWS[1]))


def losses(found: list[Found]) -> dict[str, list[str]]:
    verdict = judge(ROWS, found)
    return {loss: sorted(places) for loss, places in verdict.losses.items() if places}


def test_rows_that_came_as_they_were_are_clean() -> None:
    verdict = judge(ROWS, left())
    assert (verdict.clean, verdict.rows, verdict.identical) == (True, 2, 0)
    assert verdict.values == 14 + 12
    verdict = judge(ROWS, [Found(loads(row), row) for row in ROWS])
    assert (verdict.clean, verdict.identical, verdict.values) == (True, 2, 14 + 12)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (changed("note"), {"lost": ["note"]}),
        (changed(note=None), {"lost": ["note"]}),
        (changed("none"), {"null": ["none"]}),
        (changed(none=""), {"null": ["none"]}),
        (changed(place={"city": "Bonn"}), {"null": ["place.zip"]}),
        (changed(place={"zip": None}), {"lost": ["place.city"]}),
        (changed(tags=["a"]), {"lost": ["tags[]"]}),
        (changed(place="{'city': 'Bonn'}"), {"flattened": ["place.city", "place.zip"]}),
        (changed("place", place__city="Bonn"), {"flattened": ["place.city"], "null": ["place.zip"]}),
        (changed("place"), {"lost": ["place.city", "place.zip"]}),
        (changed(empty="{}"), {"flattened": ["empty"]}),
        (changed(on="True"), {"type": ["on"]}),
        (changed(on=loads("1")), {"type": ["on"]}),
        (changed(amount="1.10"), {"type": ["amount"]}),
        (changed(note=loads("2")), {"type": ["note"]}),
        (changed(big=loads("9223372036854775808")), {"number": ["big"]}),
        (changed(big=loads("9.223372036854775807e18")), {"number": ["big"]}),
        (changed(amount=loads("1.1")), {"spelling": ["amount"]}),
        (changed(note="'=1+1"), {"text": ["note"]}),
    ],
)
def test_each_kind_of_loss_is_noticed(found: list[Found], expected: dict[str, list[str]]) -> None:
    assert losses(found) == expected
    assert not judge(ROWS, found).clean


def test_a_list_that_has_a_table_of_its_own_is_flattened_and_one_that_has_none_is_lost() -> None:
    rows = [{key: value for key, value in loads(row).items() if key != "tags"} for row in ROWS]
    assert losses(left(*rows, elsewhere=["tags"])) == {"flattened": ["tags[]"], "lost": ["tags"]}
    assert losses(left(*rows)) == {"lost": ["tags", "tags[]"]}


def test_fields_under_another_name_are_found_and_their_values_compared() -> None:
    row = {("full_name" if key == "Full Name" else key): value for key, value in loads(ROWS[0]).items()}
    verdict = judge(ROWS[:1], left(row))
    assert (verdict.renamed, verdict.clean) == ({"Full Name": "full_name"}, False)
    assert not any(verdict.losses.values())
    row["full_name"] = "?"
    assert judge(ROWS[:1], left(row)).losses["text"].total() == 1


def test_of_two_names_that_became_one_the_other_value_is_lost() -> None:
    row = loads(ROWS[0])
    row["e"] = row.pop("E")
    verdict = judge(ROWS[:1], left(row))
    assert verdict.renamed == {"E": "e"}
    assert verdict.losses["lost"] == {"e": 1}


def test_rows_that_are_missing_doubled_unknown_or_reordered_are_counted() -> None:
    one, two = map(loads, ROWS)
    assert judge(ROWS, left(two)).missing == 1
    assert judge(ROWS, left(two, one)).clean
    assert judge(ROWS, left(one, two, one, one)).doubled == 2
    assert judge(ROWS, left(one, two, {**one, "id": "3"})).unknown == 1
    turned = dict(reversed(one.items()))
    assert judge(ROWS, left(turned, two)).reordered == 1
    inner = {**one, "place": dict(reversed(one["place"].items()))}
    assert judge(ROWS, left(inner, two)).reordered == 1
    assert judge(ROWS, left({**one, "_added": "x"}, two)).added == {"_added"}


def test_the_truth_is_json_the_same_every_time_and_holds_what_it_says() -> None:
    rows = list(truth.rows(truth.CONTACTS, 1_000))
    assert rows == list(truth.rows(truth.CONTACTS, 1_000))
    first, last = json.loads(rows[0]), json.loads(rows[-1])
    assert len(last) > 25
    assert set(last) - set(first) == {"churnReason"}
    assert len({json.loads(row)["id"] for row in rows}) == 1_000
    assert all(b"\n" not in row and b"\r" not in row for row in rows)
    pages = truth.pages(truth.CONTACTS, 401)
    assert [len(json.loads(each)["rows"]) for each in pages] == [200, 200, 1]
    assert [truth.page_of(json.loads(each)["next"] or "") for each in pages] == [1, 2, 0]


def tool(key: str) -> Tool:
    return next(each for each in ALL if each.key == key)


def one(found: Iterable[Result]) -> Result:
    (result,) = found
    return result


def test_crmstate_loses_nothing_of_2000_rows_and_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    with site(2_000) as server:
        found = one(measure([tool("crmstate")], server, 2_000, tmp_path, 1))
    assert (found.failed, found.large) == ("", "kept")
    assert found.verdict and found.cost and found.killed
    assert (found.verdict.clean, found.verdict.identical) == (True, 2_000)
    assert (found.cost.cpu > 0, found.cost.mib > 10) == (True, True)
    assert (found.killed.failed, found.killed.left, found.killed.verdict.identical) == ("", 0, 2_000)


def test_a_script_with_csv_loses_what_csv_cannot_hold(tmp_path: Path) -> None:
    with site(400) as server:
        found = one(measure([tool("script")], server, 400, tmp_path, 1))
    assert found.verdict and found.killed
    kinds = {loss for loss, places in found.verdict.losses.items() if places}
    assert kinds == {"lost", "null", "flattened", "type", "number"}
    assert (found.killed.left > 0, found.killed.again) == (True, found.killed.at)


def test_a_program_that_fails_is_not_measured_as_one_that_ran(tmp_path: Path) -> None:
    cost = run(Line([["sh", "-c", "echo first >&2; echo why >&2; exit 3"], ["cat"]], tmp_path))
    assert cost.failed == "why"


def test_the_page_says_what_could_not_be_run() -> None:
    clean = judge(ROWS, left())
    results = [
        Result(tool("crmstate"), (), cost=Cost(1.0, 0.5, 40.0), verdict=clean, large="kept"),
        Result(tool("dlt"), (), why="`dlt` could not be installed: no network"),
        Result(tool("script-careful"), ("httpx 1",), cost=Cost(15.0, 1.0, 40.0), verdict=_spoilt(), large="kept"),
    ]
    text = page(results, 2, "2026-01-01", 1)
    assert "- dlt: `dlt` could not be installed: no network" in text
    assert "| httpx and json | 15.0 | 2.0 | 1.0 |" in text
    assert "| numbers spelt in another way (1.10, 1e5) | 0 | 1: 1 |" in text


def _spoilt() -> Verdict:
    return judge(ROWS, changed(amount=loads("1.1")))


def test_the_committed_page_has_every_tool_and_every_kind_of_loss() -> None:
    text = (ROOT / "docs" / "reference" / "fidelity.md").read_text(encoding="utf-8")
    lost = [each.title for each in ALL if f"| {each.title} | {each.how} |" not in text]
    assert lost == [], "run `make compare`"
    assert text.count("\n| ") >= len(LOSSES) + 3 * len(ALL)
