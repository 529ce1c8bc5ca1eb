"""What the simulated 简道云 answers, beside the examples and the table of errors of the vendor's manual.

They lie outside this project (`shared/specs/jiandaoyun`); without them these tests have nothing to compare with.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from crmstate.sandbox import World, app, seed
from crmstate.sandbox.dialects.jiandaoyun import dialect, errors, ids, rates, vendor

ROOT = Path(__file__).parents[2]
PLACES = [Path(place) for place in (ROOT.parent / "shared", os.environ.get("CRMSTATE_SHARED")) if place]
SPECS = next((place / "specs/jiandaoyun" for place in PLACES if (place / "specs/jiandaoyun").is_dir()), None)

pytestmark = pytest.mark.skipif(SPECS is None, reason="no shared/specs/jiandaoyun beside the project to compare with")

ANSWERS = ("app_list", "entry_list", "widget_list", "data_list", "data_delete", "data_batch_delete")
ANSWERS += ("dept_user_list", "user_delete", "user_batch_delete", "corp_usage_overview", "audit_log_list")
# What an example has and an answer may leave out, or the other way round, with the reason.
MAY_LACK = {
    "users[].integrate_id": "only where the directory is integrated",
    "widgets[].items": "only of a subform, which the World does not have",
}
OPEN = {"data[]": "its fields are the form's own"}


def example(name: str) -> dict[str, Any]:
    assert SPECS is not None
    found: dict[str, Any] = json.loads((SPECS / "examples" / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    seed(tmp_path / "jdy.db", dialect="jiandaoyun")
    with World.open(tmp_path / "jdy.db") as made:
        made.set_traits(edition="flagship")
        yield made


def send(world: World, request: dict[str, Any], body: dict[str, Any], token: str | None = None) -> httpx.Response:
    """The example's request, with a body that fits this world."""
    transport = httpx.WSGITransport(app=app(world, dialect=dialect()))
    headers = {
        **request["headers"],
        "Authorization": f"Bearer {token or world.credentials()['k2'].token}",
    }
    with httpx.Client(base_url="http://jdy", transport=transport) as client:
        return client.request(request["method"], urlsplit(request["url"]).path, json=body, headers=headers)


def fitted(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """The example's body, its ids and dates replaced by ones that exist here."""
    here: dict[str, Any] = {
        "app_id": ids.written("crm"),
        "entry_id": ids.written("deals"),
        "data_id": ids.written("d0000000"),
        "data_ids": [ids.written(f"d000000{n}") for n in range(len(body.get("data_ids", ())))],
        "username": "u9",
        "usernames": ["u7", "u8"],
        "date": "2026-10-31",
        "filter": {"rel": "and", "cond": [{"field": "title", "type": "text", "method": "not_empty"}]},
    }
    return {key: here.get(key, value) for key, value in body.items()}


def compare(example: Any, answer: Any, place: str = "") -> list[str]:
    """Where an answer has not the shape of an example: names, types, and of lists every element."""
    if isinstance(example, dict):
        if not isinstance(answer, dict):
            return [f"{place} is {answer!r}"]
        strange = set(answer) - set(example) if place not in OPEN else set()
        missing = {name for name in set(example) - set(answer) if f"{place}.{name}".strip(".") not in MAY_LACK}
        found = [f"{place}: {name} is too much" for name in strange]
        found += [f"{place}: {name} is missing" for name in missing if not name.startswith("_widget_")]
        for name in set(example) & set(answer):
            found += compare(example[name], answer[name], f"{place}.{name}".strip("."))
        return found
    if isinstance(example, list):
        if not isinstance(answer, list):
            return [f"{place} is {answer!r}"]
        return [each for one in answer for each in compare(example[0], one, f"{place}[]")] if example else []
    return [] if type(example) is type(answer) else [f"{place} is {answer!r}, not like {example!r}"]


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_has_the_shape_of_the_manuals_example(world: World, name: str) -> None:
    wanted = example(name)

    answer = send(world, wanted["request"], fitted(name, wanted["request"]["body"]))

    assert wanted["response"]["status"] == answer.status_code, answer.text
    assert [] == compare(wanted["response"]["body"], answer.json())


def test_a_file_has_the_shape_of_the_manuals_example(world: World) -> None:
    wanted = example("data_list")
    (shape,) = wanted["response"]["body"]["data"][0]["_widget_1432728651500"]
    body = {**fitted("data_list", wanted["request"]["body"]), "limit": 12}
    del body["data_id"]

    rows = send(world, wanted["request"], body).json()["data"]

    files = [file for row in rows for value in row.values() if isinstance(value, list) for file in value]
    assert len(files) == 12
    assert [] == [each for file in files for each in compare(shape, file)]
    addresses = {tuple(part.partition("=")[0] for part in urlsplit(file["url"]).query.split("&")) for file in files}
    assert addresses == {("attname", "e", "token")}


def test_times_and_ids_look_like_the_manuals(world: World) -> None:
    wanted = example("data_list")
    body = {**fitted("data_list", wanted["request"]["body"])}
    row, shape = send(world, wanted["request"], body).json()["data"][0], wanted["response"]["body"]["data"][0]

    def kinds(text: str) -> str:
        return "".join("9" if letter.isdigit() else letter for letter in text)

    for name in ("createTime", "updateTime"):
        assert kinds(shape[name]) == kinds(row[name])
    for name in ("_id", "appId", "entryId"):
        assert len(shape[name]) == len(row[name]) == len(bytes.fromhex(row[name])) * 2


def test_an_integrated_member_has_the_id_of_its_directory(world: World) -> None:
    world.set_traits(integrated="dingtalk")
    wanted = example("dept_user_list")

    (user, *_) = send(world, wanted["request"], wanted["request"]["body"]).json()["users"]

    assert set(wanted["response"]["body"]["users"][0]) == set(user)


def test_throttling_is_the_manuals_own_example(world: World) -> None:
    wanted = example("error_rate_limit")
    world.add_fault("throttled")

    answer = send(world, wanted["request"], fitted("", wanted["request"]["body"]))

    assert (wanted["response"]["status"], wanted["response"]["body"]) == (answer.status_code, answer.json())


def test_every_error_code_is_in_the_table_with_its_text() -> None:
    assert SPECS is not None
    table = json.loads((SPECS / "error_codes.json").read_text(encoding="utf-8"))["codes"]
    texts = {each["code"]: each["msg_zh"] or each["meaning"] for each in table}

    assert errors.TEXTS == {code: texts.get(code) for code in errors.TEXTS}


def test_every_answer_that_the_world_can_refuse_has_a_code_of_the_table(world: World) -> None:
    wanted = example("app_list")["request"]
    for fault, params in (("throttled", {}), ("token_expired", {})):
        number = world.add_fault(fault, **params)
        assert send(world, wanted, {}).json()["code"] in errors.TEXTS
        world.clear_faults(number)
    for token in ("never-was", world.credentials()["k7"].token):
        assert send(world, wanted, {}, token).json()["code"] in errors.TEXTS


def test_rates_are_the_manuals() -> None:
    assert SPECS is not None
    known = json.loads((SPECS / "rate_limits.json").read_text(encoding="utf-8"))
    listed = {
        f"/{path}": limit for path, limit in known["per_endpoint_per_second"].items() if f"/{path}" in rates.LIMITS
    }

    assert {path: rates.LIMITS[path] for path in listed} == listed
    assert known["global_per_corp_per_second"] == rates.CORP
    usage = {rates.LIMITS[path] for path in vendor.CALLS if path.startswith("/v1/corp_usage/")}
    assert usage == {known["per_endpoint_per_second"]["v1/corp_usage/*"]}
