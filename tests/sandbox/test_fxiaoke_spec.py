"""What the simulated 纷享销客 answers, beside the documented examples and the table of errors.

They lie outside this project (`shared/specs/fxiaoke`); without them these tests have nothing to compare with.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from crmstate.sandbox import World, app
from crmstate.sandbox.dialects.fxiaoke import CODES, credential, dialect, errors, ids, limits, signin
from crmstate.sandbox.hexids import written

ROOT = Path(__file__).parents[2]
PLACES = [ROOT.parent / "shared", Path(os.environ.get("CRMSTATE_SHARED", "/work/shared"))]
SPECS = next((place / "specs/fxiaoke" for place in PLACES if (place / "specs/fxiaoke").is_dir()), None)

pytestmark = pytest.mark.skipif(SPECS is None, reason="no shared/specs/fxiaoke beside the project to compare with")

BINARY, ERRORS = "media_download_legacy", "errors"
NAMES = [] if SPECS is None else sorted(path.stem for path in (SPECS / "examples").glob("*.json"))
# What an example has and an answer may leave out, or the other way round, with the reason.
MAY_LACK = {"userList[].leaderId": "the owner has nobody above him"}
OPEN = {"data.dataList[]": "its fields are the object's own", "data.describe.fields": "its fields are the object's own"}
OPTIONS = {"options": "only of a field that has choices"}
CUSTOM = "object_8vN1s__c"
FIELDS = [{"name": "name", "type": "text", "label": "客户名称"}, {"name": "level", "type": "list", "label": "级别"}]


def example(name: str) -> dict[str, Any]:
    assert SPECS is not None
    found: dict[str, Any] = json.loads((SPECS / "examples" / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World.create(tmp_path / "fx.db", dialect="fxiaoke") as made:
        made.add_user("boss", role="owner")
        made.add_user("admin", role="admin")
        made.add_user("x", name="张三")
        made.add_user("gone", status="inactive")
        made.add_key("k1", "admin")
        made.add_dataset("AccountObj", "客户", FIELDS)
        made.add_dataset(CUSTOM, "自定义对象", FIELDS)
        for dataset in ("AccountObj", CUSTOM):
            made.add_rows(dataset, [{"id": "1", "fields": {"name": "示例客户"}}, {"id": "2", "fields": {"name": "b"}}])
        made.add_attachment("AccountObj", "f1", "1", name="合同.pdf", content=b"%PDF")
        yield made


class Spec:
    """Sends the requests of the examples, with what exists here in the place of what they leave open."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.http = httpx.Client(transport=httpx.WSGITransport(app=app(world, dialect=dialect())))
        self.key = credential(world.credentials()["k1"])
        self.token = "?"
        self.token = self.send(example("token_new")).json()["accessToken"]

    def send(self, wanted: dict[str, Any]) -> httpx.Response:
        request = wanted["request"]
        url = f"http://fx{urlsplit(request['url']).path}"
        query = {"thirdTraceId": str(uuid4())} if "thirdTraceId" in request["url"] else {}
        headers = {name: self.fit(name, text) for name, text in request["headers"].items()}
        body = {name: self.fit(name, value) for name, value in request["body"].items()}
        return self.http.request(request["method"], url, params=query, headers=headers, json=body)

    def fit(self, name: str, value: Any) -> Any:
        """A value of an example as it has to be here."""
        if isinstance(value, dict):
            return {inner: self.fit(inner, each) for inner, each in value.items()}
        if isinstance(value, list):
            return [self.fit(name, each) for each in value]
        here = {
            "<appId>": self.key["app_id"],
            "<appSecret>": self.key["app_secret"],
            "<permanentCode>": self.key["permanent_code"],
            "<ea>": self.world.tenant["id"],
            "<corpId>": ids.corp(self.world),
            "<token>": self.token,
            "Bearer <accessToken>": f"Bearer {self.token}",
            "<npath>": ids.npath("AccountObj", "f1"),
            "<_id>": written("1"),
            "<_id1>": written("1"),
            "<_id2>": written("2"),
            "<last _id>": written("2"),
            "FSUID_x": ids.open_user("x"),
            "1000": ids.employee("admin"),
            1767225600000: 1893456000000,
        }
        return here.get(value, value) if isinstance(value, str | int) and not isinstance(value, bool) else value


@pytest.fixture
def spec(world: World) -> Spec:
    return Spec(world)


def compare(example: Any, answer: Any, place: str = "") -> list[str]:
    """Where an answer has not the shape of an example: names, types, and of lists every element."""
    if isinstance(example, dict):
        if not isinstance(answer, dict):
            return [f"{place} is {answer!r}"]
        if place == "data.describe.fields":  # one by one like the first
            return [each for name, one in answer.items() for each in compare(example["name"], one, f"{place}.*")]
        strange = set(answer) - set(example) - set(OPTIONS) if place not in OPEN else set()
        missing = {name for name in set(example) - set(answer) if f"{place}.{name}".strip(".") not in MAY_LACK}
        found = [f"{place}: {name} is too much" for name in strange]
        found += [f"{place}: {name} is missing" for name in missing]
        for name in set(example) & set(answer):
            found += compare(example[name], answer[name], f"{place}.{name}".strip("."))
        return found
    if isinstance(example, list):
        if not isinstance(answer, list):
            return [f"{place} is {answer!r}"]
        return [each for one in answer for each in compare(example[0], one, f"{place}[]")] if example else []
    return [] if type(example) is type(answer) else [f"{place} is {answer!r}, not like {example!r}"]


def ready(world: World, name: str) -> None:
    """What has to be so before an example's request can succeed."""
    if name in ("data_delete", "data_recover"):
        world.run("UPDATE rows SET binned = 1 WHERE dataset = 'AccountObj'")
        world.run("UPDATE datasets SET live = 0, binned = 2 WHERE id = 'AccountObj'")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (BINARY, ERRORS)])
def test_an_answer_has_the_shape_of_the_example(world: World, spec: Spec, name: str) -> None:
    ready(world, name)
    wanted = example(name)["response"]

    answer = spec.send(example(name))

    assert wanted["status"] == answer.status_code
    assert [] == compare(wanted["body"], answer.json())
    told = {
        each: wanted["body"][each]
        for each in ("errorCode", "errorMessage", "errorDescription")
        if each in wanted["body"]
    }
    assert told == {each: answer.json()[each] for each in told}


def test_the_examples_are_all_here() -> None:
    assert {BINARY, ERRORS} < set(NAMES)


def test_a_list_of_the_examples_is_not_compared_empty(spec: Spec) -> None:
    lists = {"user_list_legacy": "userList", "user_batch_by_update_time": "employees"}
    assert all(spec.send(example(name)).json()[member] for name, member in lists.items())
    assert len(spec.send(example("data_query_first_page")).json()["data"]["dataList"]) == 2
    assert spec.send(example("data_query_next_page")).json()["data"]["dataList"] == []


def test_a_file_comes_as_its_bytes_with_its_name(spec: Spec) -> None:
    answer = spec.send(example(BINARY))

    assert (200, b"%PDF") == (answer.status_code, answer.content)
    assert "%E5%90%88%E5%90%8C.pdf" in answer.headers["content-disposition"]


def failing(spec: Spec, case: str) -> httpx.Response:
    """The answer to a request that fails as a documented case does."""
    wanted = example("data_query_first_page")
    if case == "no credentials":
        wanted["request"]["headers"] = {}
    elif case == "expired or unknown token":
        spec.token = "never-was"
    elif case == "unknown path":
        wanted["request"]["url"] = "https://open.fxiaoke.com/cgi/nothing/here"
    elif case == "per-second limit":
        spec.world.add_fault("throttled", retry_after=7)
    elif case == "daily quota used":
        spec.world.set_traits(daily_quota=1)
    elif case == "no quota purchased":
        spec.world.set_traits(daily_quota=0)
    else:
        assert case == "offset over 10000"
        wanted["request"]["body"]["data"]["search_query_info"]["offset"] = 10_100
    return spec.send(wanted)


@pytest.mark.parametrize("case", [each["case"] for each in example(ERRORS)["examples"]] if SPECS else [])
def test_a_failure_is_the_documented_one_in_http_200(spec: Spec, case: str) -> None:
    wanted = next(each["body"] for each in example(ERRORS)["examples"] if each["case"] == case)

    answer = failing(spec, case)

    found = answer.json()
    assert 200 == answer.status_code
    assert "retry-after" not in answer.headers
    assert {"traceId", "errorCode", "errorMessage", "errorDescription"} == set(found)
    wanted["errorMessage"] = wanted["errorMessage"].replace("uri=[...]", "uri=[/cgi/nothing/here]")
    assert wanted == {name: found[name] for name in wanted}


def table() -> dict[int, str]:
    """The published table of errors: code and title. Read without a parser of YAML: its lines are that plain."""
    assert SPECS is not None
    text = (
        (SPECS / "api-evangelist/fxiaoke-problem-types.yml").read_text(encoding="utf-8").split("client_side_codes")[0]
    )
    return {int(code): title for code, title in re.findall(r"- code: (-?\d+)\n  title: (.+)\n", text)}


def test_every_error_of_the_table_is_here_with_its_text() -> None:
    assert len(table()) > 60
    assert table() == errors.TEXTS


SITUATIONS: dict[int, tuple[str, dict[str, Any]]] = {
    -1: ("fault", {"action": "unavailable", "status": 500, "html": False}),
    10001: ("sign in", {"appId": None}),
    10002: ("sign in", {"appSecret": None}),
    10006: ("path", {"path": "/cgi/nothing/here"}),
    10010: ("older", {"currentOpenUserId": None}),
    10012: ("sign in", {"permanentCode": ""}),
    10013: ("page", {"offset": 10_100}),
    10014: ("older", {"corpId": None}),
    11001: ("sign in", {"appId": 7}),
    11002: ("sign in", {"appSecret": 7}),
    11008: ("older", {"currentOpenUserId": 7}),
    11009: ("people", {"departmentId": "7"}),
    11013: ("sign in", {"permanentCode": ["x"]}),
    11014: ("older", {"corpAccessToken": 7}),
    11015: ("older", {"corpId": 7}),
    12004: ("nothing", {}),
    14001: ("rates", {}),
    15002: ("sign in", {"grantType": "password"}),
    15003: ("scopes", {"scopes": ["write"]}),
    20006: ("sign in", {"appId": "FSAID_x"}),
    20012: ("older", {"currentOpenUserId": "FSUID_x"}),
    20014: ("older", {"currentOpenUserId": "gone"}),
    20015: ("sign in", {"permanentCode": "x"}),
    20016: ("older", {"corpAccessToken": "never-was"}),
    20017: ("older", {"corpId": "FSCID_x"}),
    20020: ("headers", {"x-fs-ea": "another"}),
    20021: ("revoked", {}),
    20022: ("closed", {}),
    20023: ("scopes", {"scopes": ["read", "department:1"]}),
    30002: ("traits", {"daily_quota": 1}),
    30003: ("traits", {"daily_quota": 0}),
    30004: ("fault", {"action": "throttled"}),
    30007: ("people", {"departmentId": 4711}),
    30027: ("headers", {"x-fs-userid": "7"}),
    32000: ("page", {"limit": 101}),
}
"""Every code that a situation ends in: which one, and what is wrong there."""


def test_every_error_of_the_table_has_a_situation_or_a_reason_why_not() -> None:
    """61 codes, of which 0 is success."""
    assert set(table()) - {0} == SITUATIONS.keys() | errors.NEVER.keys()
    assert not SITUATIONS.keys() & errors.NEVER.keys()
    assert (60, 35, 25) == (len(CODES), len(SITUATIONS), len(errors.NEVER))


@pytest.mark.parametrize("code", sorted(SITUATIONS))
def test_a_situation_ends_in_its_error(world: World, spec: Spec, code: int) -> None:
    answer = situation(world, spec, *SITUATIONS[code])

    assert code == answer.json()["errorCode"], answer.text


def situation(world: World, spec: Spec, what: str, wrong: dict[str, Any]) -> httpx.Response:
    """The answer to a request that goes wrong like this."""
    page, people, listing = example("data_query_first_page"), example("user_list_legacy"), example("object_list")
    if what == "sign in":
        wanted = example("token_new")
        wanted["request"]["body"].update(wrong)
        return spec.send(wanted)
    if what == "page":
        page["request"]["body"]["data"]["search_query_info"].update(wrong)
        return spec.send(page)
    if what == "older":
        own = {"corpAccessToken": spec.token, "corpId": ids.corp(world), "currentOpenUserId": ids.open_user("admin")}
        named = {name: ids.open_user(value) if value == "gone" else value for name, value in wrong.items()}
        return spec.http.post("http://fx/cgi/crm/v2/object/list", json={**own, **named})
    if what == "headers":
        listing["request"]["headers"].update(wrong)
        return spec.send(listing)
    if what == "path":
        return spec.http.post(f"http://fx{wrong['path']}", json={})
    if what == "nothing":
        return spec.http.post("http://fx/oauth2.0/token")
    if what == "people" or (what == "scopes" and "department:1" in wrong["scopes"]):
        people["request"]["body"].update({name: value for name, value in wrong.items() if name == "departmentId"})
    if what == "fault":
        world.add_fault(wrong["action"], **{name: value for name, value in wrong.items() if name != "action"})
    if what == "rates":
        world.set_traits(rates=True)
        for _ in range(limits.EACH):
            assert 0 == spec.send(listing).json()["errorCode"]
    if what == "traits":
        world.set_traits(**wrong)
    if what == "scopes":
        world.run("UPDATE api_keys SET scopes = ? WHERE id = 'k1'", json.dumps(wrong["scopes"]))
    if what == "revoked":
        world.run("UPDATE api_keys SET status = 'revoked' WHERE id = 'k1'")
    if what == "closed":
        world.put("account", {**world.get("account"), "status": "closed"})
    return spec.send(people if what in ("people", "scopes") else listing)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_error_of_the_table_can_be_had(world: World, spec: Spec, code: str) -> None:
    world.add_fault("refused_as", path="/cgi/crm/v2/object/list", status=200, code=code)

    answer = spec.send(example("object_list"))

    assert (200, int(code)) == (answer.status_code, answer.json()["errorCode"])


def test_limits_are_the_published_ones() -> None:
    assert SPECS is not None
    text = (SPECS / "api-evangelist/fxiaoke-rate-limits.yml").read_text(encoding="utf-8")
    found = dict(re.findall(r"- id: ([\w-]+)\n  scope: .+\n  limit: (\d+)\n", text))
    spans = dict(re.findall(r"- id: ([\w-]+)\n  scope: .+\n  limit: .+\n  window: (\d+)s\n", text))

    assert (str(limits.EACH), str(int(limits.SECONDS))) == (found["per-operation-burst"], spans["per-operation-burst"])
    assert (str(limits.TOKENS), str(int(limits.MINUTE))) == (found["token-grant"], spans["token-grant"])
    assert (str(limits.PACK), "10000") == (found["daily-quota"], found["query-offset-cap"])
    assert "live 7200s" in text and "first 6600s" in text
    assert (7200, 6600) == (signin.LIFE.total_seconds(), signin.SAME.total_seconds())
