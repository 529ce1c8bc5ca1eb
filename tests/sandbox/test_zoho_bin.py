"""The recycle bin of the simulated Zoho CRM beyond emptying it: filters, the order of its list, and the jobs that ending much of
it takes. Every answer is held against the published descriptions on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmstate.sandbox import World, clock
from crmstate.sandbox.dialects.zoho import ids

from .zoho_client import Client, at

BIN = "settings/recycle_bin"
NAME = [{"name": "name", "type": "text", "label": "Name"}]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Three deals and two contacts in the bin, deleted a day apart; a deal with four files."""
    with World.create(tmp_path / "world.db", dialect="zoho") as made:
        made.add_user("boss", role="owner", name="Mia Boss")
        made.add_user("li")
        made.add_key("k1", "boss")
        made.add_key("k3", "li")
        for dataset in ("deals", "contacts"):
            made.add_dataset(dataset, dataset.title(), NAME)
            made.add_rows(dataset, [{"id": f"{dataset[0]}{n}", "fields": {"name": f"{dataset} {n}"}} for n in range(9)])
        for n in range(4):
            made.add_attachment("deals", f"f{n}", "d0", name=f"{n}.pdf", content=b"x")
        yield made


@pytest.fixture
def zoho(world: World) -> Client:
    zoho = Client(world)
    for module, mark, count in (("Deals", "d", 3), ("Contacts", "c", 2)):
        zoho("DELETE", module, ids=",".join(at(f"{mark}{n}") for n in range(count)))
        clock.advance(world, "1d")
        zoho.sign_in()
    return zoho


def where(*terms: tuple[str, str, str]) -> str:
    group = [{"field": {"api_name": name}, "comparator": how, "value": value} for name, how, value in terms]
    return json.dumps({"group_operator": "AND", "group": group})


def listed(answer: Any) -> list[str]:
    return [ids.read(row["id"], ()) or "" for row in answer["recycle_bin"]]


def test_what_was_deleted_last_comes_first_unless_it_is_asked_for_otherwise(zoho: Client) -> None:
    newest = listed(zoho.get(BIN))

    assert ({"c0", "c1"}, {"d0", "d1", "d2"}) == (set(newest[:2]), set(newest[2:]))
    assert ["c0", "c1", "d0", "d1", "d2"] == listed(zoho.get(BIN, sort_by="display_name", sort_order="asc"))
    assert ["d1"] == listed(zoho.get(BIN, ids=at("d1")))
    assert (400, "INVALID_DATA") == zoho.code("GET", BIN, sort_by="owner")


def test_one_record_of_the_bin_names_its_module(zoho: Client) -> None:
    (found,) = zoho.get(f"{BIN}/{at('c1')}")["recycle_bin"]

    assert (at("c1"), "contacts 1", "Contacts") == (found["id"], found["display_name"], found["module"]["api_name"])
    assert (400, "INVALID_DATA") == zoho.code("GET", f"{BIN}/{at('c8')}")


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([("module", "equal", "Deals")], {"d0", "d1", "d2"}),
        ([("module", "not_equal", "Deals")], {"c0", "c1"}),
        ([("display_name", "ends_with", "1"), ("module", "equal", "Contacts")], {"c1"}),
        ([("display_name", "not_contains", "deals")], {"c0", "c1"}),
        ([("deleted_by", "equal", at("boss"))], {"d0", "d1", "d2", "c0", "c1"}),
    ],
)
def test_filters_pick_out_of_the_list_and_the_count(
    zoho: Client, terms: list[tuple[str, str, str]], expected: set[str]
) -> None:
    assert expected == set(listed(zoho.get(BIN, filters=where(*terms))))
    assert {"count": len(expected)} == zoho.get(f"{BIN}/actions/count", filters=where(*terms))


def test_a_filter_knows_when_something_was_deleted(world: World, zoho: Client) -> None:
    between = zoho.get(BIN, sort_by="deleted_time", sort_order="asc")["recycle_bin"][0]["deleted_time"]

    assert {"c0", "c1"} == set(listed(zoho.get(BIN, filters=where(("deleted_time", "greater_than", between)))))


@pytest.mark.parametrize(
    "filters",
    [
        "odd",
        "[]",
        where(("owner", "equal", "x")),
        where(("module", "contains", "x")),
        where(("deleted_time", "equal", "x")),
    ],
)
def test_a_filter_that_is_none_ends_nothing(zoho: Client, filters: str) -> None:
    for method, path in (("GET", BIN), ("GET", f"{BIN}/actions/count"), ("DELETE", BIN)):
        assert (400, "INVALID_DATA") == zoho.code(method, path, filters=filters)
    assert {"count": 5} == zoho.get(f"{BIN}/actions/count")


def test_what_a_filter_names_is_ended_in_a_job(world: World, zoho: Client) -> None:
    status, answer = zoho("DELETE", BIN, filters=where(("module", "equal", "Deals")))

    assert (202, {"SCHEDULED"}) == (status, {each["code"] for each in answer["recycle_bin"]})
    assert [5, 2] == [zoho.get(f"{BIN}/actions/count")["count"] for _ in range(2)]
    assert {"permanent"} == {row["type"] for row in zoho.get("Deals/deleted")["data"]}
    assert 3 == len(world.effects(verb="purge", kind="row")) and [] == world.twice()


def test_a_deletion_by_ids_names_a_hundred_and_not_a_filter_too(zoho: Client) -> None:
    assert (400, "EXPECTED_PARAM_MISSING") == zoho.code("DELETE", BIN)
    both = {"ids": at("d0"), "filters": where(("module", "equal", "Deals"))}
    assert (400, "AMBIGUITY_DURING_PROCESSING") == zoho.code("DELETE", BIN, **both)
    assert (400, "LIMIT_EXCEEDED") == zoho.code("DELETE", BIN, ids=",".join("1" * 101))
    assert {"count": 5} == zoho.get(f"{BIN}/actions/count")


def test_files_count_and_make_a_deletion_a_job(world: World, zoho: Client) -> None:
    """A thousand, the files of records counted in; here four."""
    world.set_traits(delete_at_once=4)
    status, answer = zoho("DELETE", BIN, ids=f"{at('d0')},{at('d8')}")

    assert (202, ["SCHEDULED", "INVALID_DATA"]) == (status, [each["code"] for each in answer["recycle_bin"]])
    assert (200, ["SUCCESS"] * 2) == (
        (done := zoho("DELETE", BIN, ids=f"{at('d1')},{at('d2')}"))[0], [each["code"] for each in done[1]["recycle_bin"]]
    )  # fmt: skip
    assert [at("d0")] == [row["id"] for row in zoho.get("Deals/deleted", type="recycle")["data"]]
    assert (204, None) == zoho("GET", "Deals/deleted", type="recycle"), "the second look finds it done"
    world.set_traits(empty_at_once=1)
    assert (202, "SCHEDULED") == zoho.code("POST", f"{BIN}/actions/empty")


def test_what_a_filter_names_comes_back_in_a_job(world: World, zoho: Client) -> None:
    body = {"filters": json.loads(where(("module", "equal", "Contacts")))}

    assert (202, "SCHEDULED") == zoho.code("POST", f"{BIN}/actions/restore", body)
    clock.advance(world, "1h")
    zoho.sign_in()
    assert ({"count": 9}, {"count": 3}) == (zoho.get("Contacts/actions/count"), zoho.get(f"{BIN}/actions/count"))
    world.set_traits(restore_at_once=4)
    assert (202, "SCHEDULED") == zoho.code("POST", f"{BIN}/actions/restore", {"ids": [at("d0")]}), "it has four files"


def test_a_view_is_deleted_in_the_larger_editions_alone(world: World, zoho: Client) -> None:
    (view,) = zoho.get("settings/custom_views", module="Deals")["custom_views"]
    world.set_traits(edition="professional")
    assert (400, "NOT_SUPPORTED") == zoho.code("POST", "Deals/actions/mass_delete", {"cvid": view["id"]})
    world.set_traits(edition="enterprise")
    assert (200, "SUCCESS") == zoho.code("POST", "Deals/actions/mass_delete", {"cvid": view["id"]})


def test_a_member_looks_into_no_bin(world: World) -> None:
    for path in (BIN, f"{BIN}/{at('d0')}", f"{BIN}/actions/count"):
        assert (403, "NO_PERMISSION") == Client(world, "k3").code("GET", path)
