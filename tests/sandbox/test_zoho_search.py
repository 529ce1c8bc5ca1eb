"""Looking for records of the simulated Zoho CRM, and counting what a search would find, as the vendor documents it. Every
answer is held against the published descriptions on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmstate.sandbox import World, clock
from crmstate.sandbox.dialects.zoho import ids

from .zoho_client import Client, at

KINDS = ("text", "email", "phone", "money", "date", "bool", "list", "reference")
FIELDS = [{"name": each, "type": each, "label": each} for each in KINDS]
ROWS: list[dict[str, Any]] = [
    {"text": "ABC", "email": "sales-team@zoho.example", "phone": "+49 30 1", "money": "5", "date": "2026-01-31"},
    {"text": "ABC Inc.", "email": "sales_team@zoho.example", "phone": "3012", "money": "12.5", "date": "2026-02-01"},
    {"text": "Burns,B (old)", "email": "p+boyle@abc.example", "money": "-3", "bool": True, "list": ["新", "b"]},
    {"text": "王 Groß", "bool": False, "list": ["b"], "reference": "c0"},
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World.create(tmp_path / "world.db", dialect="zoho") as made:
        made.add_user("boss", role="owner", name="Mia Boss")
        made.add_user("admin", role="admin", name="Ada Admin")
        made.add_user("li", name="Li Member")
        made.add_key("k1", "admin")
        made.add_key("k3", "li")
        made.add_key("k4", "admin", scopes=["ZohoCRM.modules.READ"])
        made.add_dataset("contacts", "Contacts", FIELDS)
        made.add_rows("contacts", [{"id": f"c{n}", "owner_id": "li", "fields": row} for n, row in enumerate(ROWS)])
        made.add_dataset("bare", "Bare", [{"name": "text", "type": "text", "label": "text"}])
        yield made


@pytest.fixture
def zoho(world: World) -> Client:
    return Client(world)


def found(zoho: Client, module: str = "Contacts", **query: Any) -> list[str]:
    """The ids that a search finds; and that a count says the same number."""
    status, answer = zoho("GET", f"{module}/search", **query)
    shown = [] if status == 204 else [ids.read(row["id"], ()) or "" for row in answer["data"]]
    assert {"count": len(shown)} == zoho.get(f"{module}/actions/count", **query)
    return shown


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ("(Text:equals:ABC)", "01"),
        ("(Text:not_equal:abc)", "123"),
        ("(Text:starts_with:ab)", "01"),
        ("(Text:in:ABC,王 Groß)", "03"),
        ("(Text:equals:Burns\\,B \\(old\\))", "2"),
        ("(Email:equals:sales-team@zoho.example)", "01"),
        ("(Money:greater_than:5)", "1"),
        ("(Money:between:-3,5)", "02"),
        ("(Date:less_equal:2026-01-31)", "0"),
        ("(Bool:equals:false)", "3"),
        ("(List:equals:b)", "23"),
        ("(Owner:equals:Li)", "0123"),
        ("((Text:equals:ABC) and (Money:less_than:6))", "0"),
        ("((Text:equals:Inc) or ((Bool:equals:true) and (Money:equals:-3)))", "12"),
        (f"(id:equals:{at('c2')})", "2"),
        ("(Text:equals:nothing at all)", ""),
    ],
)
def test_criteria_find_more_or_less_what_they_say(zoho: Client, criteria: str, expected: str) -> None:
    """`equals` finds what contains, and `-` and `_` are the same to it; numbers and moments are exact."""
    assert [f"c{n}" for n in expected] == found(zoho, criteria=criteria)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"email": "team@zoho"}, "01"),
        ({"phone": "3012"}, "1"),
        ({"word": "ABC"}, "012"),
        ({"word": "boy*"}, "2"),
        ({"criteria": "(Money:equals:5)", "word": "Inc"}, "0"),
        ({"phone": "3012", "word": "Burns"}, "1"),
    ],
)
def test_a_word_is_looked_for_everywhere_and_the_first_of_several_ways_counts(
    zoho: Client, query: dict[str, str], expected: str
) -> None:
    assert [f"c{n}" for n in expected] == found(zoho, **query)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"criteria": "Text:equals:ABC"}, "INVALID_QUERY"),
        ({"criteria": "(Text:equals:ABC"}, "INVALID_QUERY"),
        ({"criteria": "(Odd:equals:ABC)"}, "INVALID_QUERY"),
        ({"criteria": "(Text:greater_than:ABC)"}, "INVALID_QUERY"),
        ({"criteria": "(Money:starts_with:1)"}, "INVALID_QUERY"),
        ({"criteria": "(Money:equals:many)"}, "INVALID_QUERY"),
        ({"criteria": "(Money:between:1)"}, "INVALID_QUERY"),
        ({"criteria": f"(Text:in:{','.join('x' * 101)})"}, "INVALID_QUERY"),
        ({"criteria": f"({' or '.join(['(Text:equals:x)'] * 16)})"}, "CRITERIA_LIMIT_EXCEEDED"),
        ({"word": "x"}, "INVALID_DATA"),
        ({"word": "a*b*c"}, "INVALID_DATA"),
    ],
)
def test_what_no_search_understands_is_refused_by_search_and_count(
    zoho: Client, query: dict[str, str], code: str
) -> None:
    for path in ("Contacts/search", "Contacts/actions/count"):
        assert (400, code) == zoho.code("GET", path, **query)


def test_fifteen_criteria_are_not_too_many(zoho: Client) -> None:
    assert ["c0", "c1"] == found(zoho, criteria=f"({' or '.join(['(Text:equals:ABC)'] * 15)})")


def test_a_search_says_what_it_looks_for_and_in_what(zoho: Client) -> None:
    status, answer = zoho("GET", "Contacts/search")
    assert (400, "EXPECTED_PARAM_MISSING") == (status, answer["code"])
    assert ["criteria", "email", "phone", "word"] == answer["details"]["param_names"]
    assert (400, "FIELD_TYPE_UNAVAILABLE") == zoho.code("GET", "Bare/search", email="anybody")
    assert (400, "INVALID_MODULE") == zoho.code("GET", "Nothing/search", word="anybody")
    assert (400, "AMBIGUITY_DURING_PROCESSING") == zoho.code("GET", "Contacts/actions/count", cvid="1", word="any")


def test_a_search_needs_its_own_scope_and_shows_a_member_its_own(world: World) -> None:
    assert (401, "OAUTH_SCOPE_MISMATCH") == Client(world, "k4").code("GET", "Contacts/search", word="ABC")
    world.add_rows("contacts", [{"id": "c9", "owner_id": "admin", "fields": ROWS[0]}])
    assert ["c0", "c1"] == found(Client(world, "k3"), criteria="(Text:equals:ABC)")


def test_a_search_ends_at_the_two_thousandth_record_and_a_count_does_not(world: World, zoho: Client) -> None:
    world.add_rows("bare", [{"id": f"b{n:04}", "fields": {"text": "same"}} for n in range(2005)])
    page = zoho.get("Bare/search", word="same", page=10, per_page=200, fields="Text")

    assert (200, True, {"id", "Text"}) == (page["info"]["count"], page["info"]["more_records"], set(page["data"][0]))
    assert (400, "LIMIT_REACHED") == zoho.code("GET", "Bare/search", word="same", page=11, per_page=200)
    assert (400, "LIMIT_EXCEEDED") == zoho.code("GET", "Bare/search", word="same", per_page=201)
    assert {"count": 2005} == zoho.get("Bare/actions/count", word="same")


def test_search_and_count_learn_late_what_happened(world: World, zoho: Client) -> None:
    """The vendor says: up to ten minutes. Lists and COQL know at once."""
    world.set_traits(lag=10)
    clock.advance(world, "1h")
    zoho.sign_in()
    zoho("DELETE", "Contacts", ids=f"{at('c0')},{at('c1')}")
    world.add_rows("contacts", [{"id": "c9", "fields": ROWS[0], "created_at": world.now, "modified_at": world.now}])

    assert {"count": 4} == zoho.get("Contacts/actions/count"), "as it was before"
    assert (204, None) == zoho("GET", "Contacts/search", criteria="(Text:equals:ABC)")
    assert 3 == len(zoho.get("Contacts", fields="id")["data"])
    clock.advance(world, "11m")
    assert {"count": 3} == zoho.get("Contacts/actions/count")
    assert ["c9"] == found(zoho, criteria="(Text:equals:ABC)")


def test_what_waits_for_an_approval_hides_from_whoever_does_not_ask_for_it(world: World, zoho: Client) -> None:
    world.set_traits(unapproved=["contacts/c1", "bare/c2"])
    shown = {"true": ["c0", "c2", "c3"], "false": ["c1"], "both": ["c0", "c1", "c2", "c3"]}

    for approved, expected in shown.items():
        for more in ({}, {"ids": ",".join(map(at, shown["both"]))}, {"sort_by": "Modified_Time"}):
            rows = zoho.get("Contacts", fields="id", approved=approved, **more)["data"]
            assert [at(id) for id in expected] == [row["id"] for row in rows], (approved, more)
        assert {"count": len(expected)} == zoho.get("Contacts/actions/count", approved=approved)
    assert shown["true"] == [ids.read(row["id"], ()) for row in zoho.get("Contacts", fields="id")["data"]]
    assert ["c0"] == found(zoho, criteria="(Text:equals:ABC)")
    assert ["c0", "c1"] == found(zoho, criteria="(Text:equals:ABC)", approved="both")
    assert (400, "INVALID_DATA") == zoho.code("GET", "Contacts", fields="id", approved="perhaps")


def test_a_formatted_text_is_shown_short_and_has_a_call_for_the_whole(world: World, zoho: Client) -> None:
    world.set_traits(rich_text=["contacts/text"])
    whole = f"<p>{'long ' * 200}</p>"
    world.add_rows("contacts", [{"id": "c8", "fields": {"text": whole}}, {"id": "c9", "fields": {}}])
    full, some = "Contacts/actions/fetch_full_data", f"{at('c8')},{at('c9')},{at('c7')}"

    (field,) = (each for each in zoho.get("settings/fields", module="Contacts")["fields"] if "textarea" in each)
    assert ("Text", {"type": "rich_text"}) == (field["api_name"], field["textarea"])
    assert ("long " * 200)[:500] == zoho.get(f"Contacts/{at('c8')}")["data"][0]["Text"]
    assert [(at("c8"), whole), (at("c9"), None)] == [
        (row["id"], row["Text"]) for row in zoho.get(full, ids=some, fields="Text")["data"]
    ]
    assert [{"id": at("c8"), "Text": whole}] == zoho.get(f"Contacts/{at('c8')}/actions/fetch_full_data")["data"]
    assert (204, None) == zoho("GET", full, ids=at("c7"), fields="Text")
    assert (400, "REQUIRED_PARAM_MISSING") == zoho.code("GET", full, ids=some)
    assert (400, "INVALID_REQUEST") == zoho.code("GET", full, ids=some, fields="Email")
    assert (400, "INVALID_REQUEST") == zoho.code("GET", full, ids=",".join("1" * 201), fields="Text")
