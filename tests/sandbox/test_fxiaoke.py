"""纷享销客 as it is simulated: what its fact sheet says, seen by a client of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from crmstate.sandbox import Server, World, app, clock, seed
from crmstate.sandbox.acts import perform
from crmstate.sandbox.dialects.fxiaoke import credential, dialect, errors, ids
from crmstate.sandbox.dialects.fxiaoke.vendor import CALLS, Fxiaoke
from crmstate.sandbox.hexids import written
from crmstate.sandbox.names import HOSTILE

CRM, CUSTOM = "/cgi/crm/v2", "/cgi/crm/custom/v2"
QUIET = {"triggerApprovalFlow": False, "triggerWorkFlow": False}
FIELDS = [
    {"name": "name", "type": "text", "label": "姓名"},
    {"name": "born", "type": "date", "label": "生日"},
    {"name": "score", "type": "number", "label": "分数"},
    {"name": "vip", "type": "bool", "label": "VIP"},
]


class Client:
    """An app that works as somebody, signed in with headers or (`old`) in the body. Posts JSON and gives the answer."""

    def __init__(self, world: World, key: str = "k1", user: str = "", old: bool = False, spoken: Fxiaoke | None = None):
        transport = httpx.WSGITransport(app=app(world, dialect=spoken or dialect(), cut=httpx.ReadError))
        self.http, self.world, self.old = httpx.Client(base_url="http://fx", transport=transport), world, old
        self.key = credential(world.credentials()[key])
        self.user = user or world.credentials()[key].user_id
        self.token = "at_none"

    def sign_in(self) -> Client:
        self.token = self.granted()["corpAccessToken" if self.old else "accessToken"]
        return self

    def granted(self, **changes: Any) -> dict[str, Any]:
        """What the token endpoint answers."""
        path = "/cgi/corpAccessToken/get/V2" if self.old else "/oauth2.0/token"
        body = {
            "appId": self.key["app_id"],
            "appSecret": self.key["app_secret"],
            "permanentCode": self.key["permanent_code"],
            "grantType": "app_secret",
            **changes,
        }
        found: dict[str, Any] = self.http.post(path, json={name: each for name, each in body.items() if each}).json()
        return found

    @property
    def headers(self) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.token}",
            "x-fs-ea": self.world.tenant["id"],
            "x-fs-userid": ids.employee(self.user),
        }

    @property
    def members(self) -> dict[str, str]:
        corp, user = ids.corp(self.world), ids.open_user(self.user)
        return {"corpAccessToken": self.token, "corpId": corp, "currentOpenUserId": user}

    def send(self, path: str, body: dict[str, Any], **changes: str | None) -> httpx.Response:
        """`changes`: headers, or the members of the body, that are otherwise (None: not there)."""
        mine = {
            name: each for name, each in {**(self.members if self.old else self.headers), **changes}.items() if each
        }
        if self.old:
            return self.http.post(path, json={**body, **mine})
        return self.http.post(path, json=body, headers=mine, params={"thirdTraceId": str(uuid4())})

    def __call__(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.send(path, body)
        assert 200 == answer.status_code
        found: dict[str, Any] = answer.json()
        return found

    def code(self, path: str, **body: Any) -> int:
        return int(self(path, **body)["errorCode"])

    def query(self, name: str, base: str = "", total: bool = False, **info: Any) -> dict[str, Any]:
        """The `data` of an answer to `data/query`, which is expected to be good."""
        body: dict[str, Any] = {"dataObjectApiName": name, "search_query_info": info}
        if total:
            body["find_explicit_total_num"] = True
        found = self(f"{base or (CUSTOM if name.endswith('__c') else CRM)}/data/query", data=body)
        assert found["errorCode"] == 0, found
        return dict(found["data"])

    def refused(self, name: str, **info: Any) -> int:
        return self.code(f"{CRM}/data/query", data={"dataObjectApiName": name, "search_query_info": info})

    def end(self, what: str, name: str, id: str, **more: Any) -> int:
        """The errorCode of ending one record, or taking it back."""
        body = {"object_data_id": id} if what in ("invalid",) else {"idList": [id]}
        base = CUSTOM if name.endswith("__c") else CRM
        return self.code(f"{base}/data/{what}", data={"dataObjectApiName": name, **body}, **more)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Owner, administrator, four members (one of them stopped), a preset object of 25 records and a custom one of 5."""
    with World.create(tmp_path / "world.db", dialect="fxiaoke") as made:
        made.add_user("boss", role="owner", name="老板")
        made.add_user("admin", role="admin")
        for id in ("li", "wang", "zhao"):
            made.add_user(id)
        made.add_user("gone", status="inactive")
        made.add_key("k1", "admin")
        made.add_key("k2", "admin", scopes=["read"])
        made.add_key("k3", "admin", scopes=["read", "department:3"])
        made.add_key("k4", "li")
        made.add_key("k5", "admin", scopes=[])
        made.add_key("k6", "admin", status="revoked")
        made.add_dataset("AccountObj", "客户", FIELDS)
        made.add_dataset("parts", "配件", FIELDS)
        made.add_dataset("secret", "机密", FIELDS, exportable=False)
        rows = [
            {
                "id": f"c{n:03}",
                "owner_id": "li" if n < 3 else "wang",
                "fields": {"name": f"王 {n}", "score": n % 5, "vip": n % 2 == 0, "born": "1980-02-03" if n else None},
            }
            for n in range(25)
        ]
        made.add_rows("AccountObj", rows)
        made.add_rows("parts", [{"id": f"p{n}", "fields": {"name": f"P{n}"}} for n in range(5)])
        made.add_attachment("AccountObj", "f1", "c001", name="合同 1.pdf", content=b"%PDF", mime="application/pdf")
        made.add_attachment("AccountObj", "f2", "c001", name="logo.png", content=b"PNG", mime="image/png")
        yield made


@pytest.fixture
def post(world: World) -> Client:
    return Client(world).sign_in()


@pytest.fixture
def old(world: World) -> Client:
    return Client(world, old=True).sign_in()


PARTS = "object_parts__c"


def there(world: World, dataset: str = "AccountObj", binned: bool = False) -> set[str]:
    return {row["id"] for row in world.rows(dataset, binned=binned)}


def keyset(post: Client, name: str = "AccountObj", limit: int = 10, most: int = 50) -> list[str]:
    """Every id, page by page as the manual has it."""
    found: list[str] = []
    for _ in range(most):
        filters = [{"field_name": "_id", "field_values": [found[-1]], "operator": "GT"}] if found else []
        page = post.query(name, limit=limit, offset=0, filters=filters, orders=[{"fieldName": "_id", "isAsc": True}])
        found += [row["_id"] for row in page["dataList"]]
        if len(page["dataList"]) < limit:
            break
    return found


# Signing in


def test_a_token_is_the_same_for_6600_seconds_and_lives_7200(world: World, post: Client) -> None:
    first = post.token
    assert {"expiresIn": 7200, "ea": "t-1001", "openUserId": ids.corp(world)}.items() <= post.granted().items()
    clock.advance(world, "116s")
    assert (first, 7084) == (post.granted()["accessToken"], post.granted()["expiresIn"])
    clock.advance(world, "6484s")
    second = post.granted()
    assert (first != second["accessToken"], 7200) == (True, second["expiresIn"])
    assert post.code(f"{CRM}/object/list") == 0
    clock.advance(world, "600s")
    assert post.code(f"{CRM}/object/list") == 20016


def test_both_ways_to_sign_in_open_the_same_doors(post: Client, old: Client) -> None:
    assert post.token == old.token
    assert post(f"{CRM}/object/list")["data"] == old(f"{CRM}/object/list")["data"]
    page: dict[str, Any] = {"departmentId": 999999, "fetchChild": True}
    assert post("/cgi/user/list", **page)["userList"] == old("/cgi/user/list", **page)["userList"]
    assert set(old("/cgi/user/list", **page)) == {"errorCode", "errorMessage", "userList"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"appId": None}, 10001), ({"appSecret": None}, 10002), ({"permanentCode": None}, 10012), ({"grantType": "x"}, 15002),
        ({"appId": "FSAID_x"}, 20006), ({"appSecret": "wrong"}, 10006), ({"permanentCode": "wrong"}, 20015),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_app_is_said_by_number(post: Client, changes: dict[str, Any], code: int) -> None:
    assert code == post.granted(**changes)["errorCode"]


def test_an_app_that_was_switched_off_is_told_so_with_and_without_a_token(world: World, post: Client) -> None:
    assert Client(world, "k6").granted()["errorCode"] == 20021
    world.run("UPDATE api_keys SET status = 'revoked' WHERE id = 'k1'")
    assert post.code(f"{CRM}/object/list") == 20021


def test_a_company_that_is_gone_has_authorised_nobody(world: World, post: Client) -> None:
    world.put("account", {**world.get("account"), "status": "closed"})
    assert (post.granted()["errorCode"], post.code(f"{CRM}/object/list")) == (20022, 20022)


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("authorization", None, 20017), ("authorization", "Bearer at_wrong", 20016), ("authorization", "Basic x", 20017),
        ("x-fs-ea", None, 20017), ("x-fs-ea", "other", 20020), ("x-fs-userid", None, 10010), ("x-fs-userid", "7", 30027),
        ("x-fs-userid", ids.employee("gone"), 20014),
    ],
)  # fmt: skip
def test_headers_that_are_missing_or_wrong(post: Client, header: str, value: str | None, code: int) -> None:
    assert code == post.send(f"{CRM}/object/list", {}, **{header: value}).json()["errorCode"]


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("corpAccessToken", None, 20017), ("corpAccessToken", "at_wrong", 20016), ("corpId", None, 10014),
        ("corpId", "FSCID_x", 20017), ("currentOpenUserId", None, 10010), ("currentOpenUserId", "FSUID_x", 20012),
    ],
)  # fmt: skip
def test_members_that_are_missing_or_wrong(old: Client, member: str, value: str | None, code: int) -> None:
    assert code == old.send(f"{CRM}/object/list", {}, **{member: value}).json()["errorCode"]


def test_the_secret_of_an_app_is_no_token(world: World, post: Client) -> None:
    post.token = world.credentials()["k1"].token
    assert post.code(f"{CRM}/object/list") == 20016


def test_a_trace_id_of_uuid4_is_needed_with_headers(post: Client) -> None:
    for query in ({}, {"thirdTraceId": "x"}, {"thirdTraceId": "c232ab00-9414-11ec-b3c8-9f6bdeced846"}):
        answer = post.http.post(f"{CRM}/object/list", json={}, headers=post.headers, params=query)
        assert answer.json()["errorCode"] == 32000


def test_the_log_holds_no_secret(world: World, post: Client, old: Client) -> None:
    post(f"{CRM}/object/list")
    old(f"{CRM}/object/list")
    log = json.dumps(world.log())
    assert not [secret for secret in (*list(post.key.values())[1:3], post.token) if secret in log]


# What stands before every call


def test_every_answer_is_http_200_and_only_known_paths_are_posted_to(post: Client) -> None:
    for method, path in (("GET", f"{CRM}/object/list"), ("POST", "/cgi/nothing"), ("PUT", "/")):
        answer = post.http.request(method, path, headers=post.headers, content=b"{}")
        assert (200, 10006) == (answer.status_code, answer.json()["errorCode"])
        assert f"the request uri=[{path}], apiName=[null] is not exists" == answer.json()["errorMessage"]
        assert "x-request-id" not in answer.headers


@pytest.mark.parametrize(
    ("body", "code"), [(b"", 12004), (b"{", 32000), (b"[]", 32000), (b"null", 32000), (b"\xff", 32000)]
)
def test_a_body_that_is_no_object(post: Client, body: bytes, code: int) -> None:
    answer = post.http.post(f"{CRM}/object/list", content=body, headers=post.headers)
    assert (200, code) == (answer.status_code, answer.json()["errorCode"])


@pytest.mark.parametrize(
    "path",
    [
        "/cgi/user/delete", "/cgi/user/update", f"{CRM}/data/update", f"{CRM}/data/get", f"{CRM}/data/recycle/list",
        f"{CRM}/special/batchSetUserRoles", f"{CRM}/special/deleteByUserIds", "/cgi/department/setStatus",
        "/cgi/event/subscribe/list", "/cgi/app/disable", "/cgi/tenant/close", "/cgi/crm/data/invalid",
    ],
)  # fmt: skip
def test_what_the_sources_do_not_settle_answers_as_what_does_not_exist(post: Client, path: str) -> None:
    assert post.code(path) == 10006


def test_an_app_without_the_interface_is_told_so(world: World) -> None:
    reader, none = Client(world, "k2").sign_in(), Client(world, "k5").sign_in()
    assert (reader.code(f"{CRM}/object/list"), none.code(f"{CRM}/object/list")) == (0, 15003)
    assert reader.end("invalid", "AccountObj", written("c001"), **QUIET) == 15003
    assert world.effects() == []


def test_rates_are_kept_where_the_world_asks_for_it(world: World) -> None:
    seconds = [0.0]
    spoken = Fxiaoke(lambda: seconds[0])
    post = Client(world, spoken=spoken).sign_in()
    assert {post.code(f"{CRM}/object/list") for _ in range(110)} == {0}
    world.set_traits(rates=True)
    codes = [post.code(f"{CRM}/object/list") for _ in range(101)]
    assert (codes[:100], codes[100]) == ([0] * 100, 14001)
    assert post.code(f"{CRM}/object/describe", data={"apiName": "AccountObj"}) == 0
    seconds[0] = 20.0
    assert post.code(f"{CRM}/object/list") == 0
    assert [post.granted()["errorCode"] for _ in range(11)] == [0] * 10 + [14001]
    assert Client(world, "k2", spoken=spoken).granted()["errorCode"] == 0
    seconds[0] = 80.0
    assert post.granted()["errorCode"] == 0


def test_a_daily_quota_is_good_again_after_midnight_in_beijing(world: World, post: Client) -> None:
    world.set_traits(daily_quota=3)
    assert [post.code(f"{CRM}/object/list") for _ in range(3)] == [0, 0, 30002]
    clock.advance(world, "7h")
    assert post.granted()["errorCode"] == 30002
    clock.advance(world, "1h")
    assert post.sign_in().code(f"{CRM}/object/list") == 0
    world.set_traits(daily_quota=0)
    assert post.granted()["errorCode"] == 30003


# People


def listed(post: Client, **body: Any) -> list[str]:
    return [each["name"] for each in post("/cgi/user/list", **body)["userList"]]


def test_a_department_lists_who_is_not_stopped_at_once(world: World, post: Client) -> None:
    world.set_traits(
        departments={
            "3": {"name": "销售部", "users": ["li"]},
            "33": {"name": "华东", "parent": 3, "users": ["wang", "gone"]},
        }
    )
    assert listed(post, departmentId=999999) == ["admin", "老板", "zhao"]
    assert listed(post, departmentId=999999, fetchChild=True) == ["admin", "老板", "li", "wang", "zhao"]
    assert (listed(post, departmentId=3), listed(post, departmentId=3, fetchChild=True)) == (["li"], ["li", "wang"])
    assert [each["name"] for each in post("/cgi/user/simpleList", departmentId=33)["userList"]] == ["wang"]
    assert post.code("/cgi/user/list", departmentId=4) == 30007
    assert [post.code("/cgi/user/list", **body) for body in ({}, {"departmentId": "3"})] == [11009, 11009]
    (wang,) = post("/cgi/user/list", departmentId=33, showDepartmentIdsDetail=True)["userList"]
    assert (wang["departmentIds"], wang["mainDepartmentId"], wang["attachingDepartmentIds"]) == ([33], 33, [])
    assert wang["leaderId"] == ids.open_user("boss")
    found = post("/cgi/department/list")["departments"]
    assert [(each["id"], each["parentId"]) for each in found] == [(3, 999999), (33, 3)]


def test_an_app_sees_only_the_departments_that_it_was_given(world: World) -> None:
    world.set_traits(departments={"3": {"name": "销售部", "users": ["li"]}})
    post = Client(world, "k3").sign_in()
    assert listed(post, departmentId=3, fetchChild=True) == ["li"]
    assert post.code("/cgi/user/list", departmentId=999999, fetchChild=True) == 20023


def test_one_person_is_found_by_id_or_mobile_stopped_or_not(post: Client) -> None:
    gone = post("/cgi/user/get", openUserId=ids.open_user("gone"))
    assert (gone["name"], gone["isStop"], gone["email"]) == ("gone", True, "gone@example.com")
    assert [each["name"] for each in post("/cgi/user/getByMobile", mobile=gone["mobile"])["empList"]] == ["gone"]
    assert post("/cgi/user/getByMobile", mobile="1")["empList"] == []
    assert post.code("/cgi/user/get", openUserId="FSUID_x") == 20012
    assert post.code("/cgi/user/get") == 10010


def test_everybody_who_was_changed_comes_by_page_number_stopped_or_not(world: World, post: Client) -> None:
    def page(number: int, size: int = 4, **body: Any) -> list[tuple[str, bool]]:
        span = {"startTime": 0, "endTime": 4_000_000_000_000, "pageSize": size, "pageNumber": number, **body}
        return [(each["name"], each["isStop"]) for each in post("/cgi/user/get/batchByUpdTime", **span)["employees"]]

    assert [*page(1), *page(2)] == [
        ("admin", False), ("老板", False), ("gone", True), ("li", False), ("wang", False), ("zhao", False)
    ]  # fmt: skip
    assert (page(3), page(1, endTime=1)) == ([], [])
    assert post.code("/cgi/user/get/batchByUpdTime", startTime=0, endTime=1, pageSize=1001) == 32000


def test_people_are_stopped_and_let_in_again_in_the_older_way_only(world: World, post: Client, old: Client) -> None:
    li = ids.open_user("li")
    assert post.code("/cgi/user/setStatus", openUserId=li, status=1) == 20017
    assert old("/cgi/user/setStatus", openUserId=li, status=1) == {"errorCode": 0, "errorMessage": "success"}
    assert old("/cgi/user/get", openUserId=li)["isStop"] is True
    assert "li" not in listed(old, departmentId=999999)
    assert old.code("/cgi/user/setStatus", openUserId=li, status=1) == 0
    assert [(each["verb"], each["id"]) for each in world.effects(kind="user")] == [("deactivate", "li")]
    assert old.code("/cgi/user/setStatus", openUserId=li, status=0) == 0
    assert old("/cgi/user/get", openUserId=li)["isStop"] is False
    assert [old.code("/cgi/user/setStatus", openUserId=li, status=wrong) for wrong in (2, "1", None)] == [32000] * 3


def test_several_people_are_stopped_whole_or_not_at_all(world: World, old: Client) -> None:
    both = [ids.open_user("li"), ids.open_user("wang")]
    assert old.code("/cgi/user/batchSetStatus", openUserIds=[*both, "FSUID_x"], status=1) == 20012
    assert old.code("/cgi/user/batchSetStatus", openUserIds=[*both, ids.open_user("boss")], status=1) == 15002
    assert world.effects() == []
    assert old.code("/cgi/user/batchSetStatus", openUserIds=both, status=1) == 0
    assert [each["id"] for each in world.effects(verb="deactivate")] == ["li", "wang"]


def test_roles_are_there_to_be_read(post: Client) -> None:
    assert len(post(f"{CRM}/special/roleGetRoleList")["data"]["roles"]) == 3
    me = ids.employee("admin")
    assert post(f"{CRM}/special/getRolesByUsers", data={"userIds": [me]})["data"]["userRoles"] == {me: ["admin"]}
    assert post.code(f"{CRM}/special/getRolesByUsers", data={"userIds": ["7"]}) == 30027


def test_personnel_are_thinned_out_by_sharing_rules_even_for_an_administrator(world: World, post: Client) -> None:
    def people(who: Client) -> list[str]:
        return sorted(row["name"] for row in who.query("PersonnelObj", limit=100)["dataList"])

    assert len(people(post)) == 6
    world.set_traits(
        departments={"3": {"name": "管理", "users": ["admin", "gone"]}, "4": {"name": "销售", "users": ["li"]}}
    )
    assert (people(post), people(Client(world, "k4").sign_in())) == (["admin", "gone"], ["li"])
    world.set_traits(personnel_shared=["zhao"])
    assert people(post) == ["admin", "zhao"]
    row = post.query("PersonnelObj", filters=[{"field_name": "name", "field_values": ["admin"], "operator": "EQ"}])
    assert row["dataList"][0]["user_id"] == ids.employee("admin")
    assert post.end("invalid", "PersonnelObj", row["dataList"][0]["_id"]) == 15003


# Objects


def test_objects_are_preset_or_custom_and_personnel_is_always_one(post: Client) -> None:
    found = post(f"{CRM}/object/list", includeNull=False)["data"]["objects"]
    assert [(each["describeApiName"], each["defineType"], each["describeDisplayName"]) for each in found] == [
        ("AccountObj", "package", "客户"), (PARTS, "custom", "配件"), ("object_secret__c", "custom", "机密"),
        ("PersonnelObj", "package", "人员"),
    ]  # fmt: skip


def test_a_describe_says_what_the_fields_are(post: Client) -> None:
    found = post(f"{CRM}/object/describe", includeDetail=True, data={"apiName": "AccountObj"})["data"]["describe"]
    kinds = {name: field["type"] for name, field in found["fields"].items()}
    assert kinds == {
        "name": "text", "born": "date", "score": "number", "vip": "true_or_false", "attach": "file_attachment",
        "image": "image",
    }  # fmt: skip
    assert post(f"{CRM}/object/describe", data={"apiName": "AccountObj"})["data"]["describe"] == {
        "api_name": "AccountObj"
    }
    assert post.code(f"{CRM}/object/describe", includeDetail=True, data={"apiName": "NoObj"}) == 32000


def test_names_of_objects_lead_back_to_their_datasets(world: World) -> None:
    named = ["AccountObj", "a__c", "plain", "with space", "käse", "x" * 40, "a-b", HOSTILE[4]]
    for dataset in named[1:]:
        world.add_dataset(dataset)
    found = {dataset: ids.api_name(world, dataset) for dataset in named}
    assert len(set(found.values())) == len(named)
    assert {dataset: ids.dataset_of(world, name) for dataset, name in found.items()} == {each: each for each in named}
    assert [ids.dataset_of(world, name) for name in ("NoObj", "object_plain", "object_nothing__c", "plain")] == [
        None
    ] * 4


# Queries


@pytest.mark.parametrize("limit", [1, 5, 24, 25, 26, 100])
def test_keyset_pages_have_every_record_once(world: World, post: Client, limit: int) -> None:
    world.add_rows("AccountObj", [{"id": id} for id in ("a very long id of a row", "é", "王", "Zz")])
    assert keyset(post, limit=limit) == sorted(written(id) for id in there(world))


def test_offset_pages_go_by_multiples_of_the_limit_up_to_ten_thousand(post: Client) -> None:
    order = [{"fieldName": "_id", "isAsc": True}]
    rows = [
        row["_id"]
        for n in range(3)
        for row in post.query("AccountObj", limit=10, offset=n * 10, orders=order)["dataList"]
    ]
    assert rows == [written(f"c{n:03}") for n in range(25)]
    assert post.query("AccountObj", limit=100, offset=10_000)["dataList"] == []
    for offset in (5, 10_010, 20_000):
        assert post.refused("AccountObj", limit=10, offset=offset) == 10013


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 101}, {"limit": "1"}, {"offset": -1}, {"limit": True}])
def test_a_page_out_of_bounds_is_an_error_of_parameters(post: Client, wrong: dict[str, Any]) -> None:
    assert post.refused("AccountObj", **wrong) == 32000


def test_a_total_is_0_unless_it_is_asked_for(world: World, post: Client) -> None:
    assert post.query("AccountObj", limit=1)["total"] == 0
    assert post.query("AccountObj", limit=1, total=True)["total"] == 25
    after = [{"field_name": "_id", "field_values": [written("c019")], "operator": "GT"}]
    assert post.query("AccountObj", limit=1, total=True, filters=after)["total"] == 5
    vip = [{"field_name": "vip", "field_values": ["true"], "operator": "EQ"}]
    assert post.query("AccountObj", limit=1, total=True, filters=vip)["total"] == 13
    assert post.query("PersonnelObj", total=True)["total"] == 6
    world.set_traits(no_totals=True)
    assert post.query("AccountObj", limit=1, total=True)["total"] == 0


@pytest.mark.parametrize(
    ("field", "operator", "values", "count"),
    [
        ("score", "EQ", [3], 5), ("score", "EQ", ["3"], 5), ("score", "N", [3], 20), ("score", "GT", ["2"], 10),
        ("score", "GTE", [2], 15), ("score", "LT", [1], 5), ("score", "LTE", [1], 10), ("score", "IN", [0, "4"], 10),
        ("score", "NIN", [0, 4], 15), ("name", "EQ", ["王 7"], 1), ("born", "GT", [0], 24), ("born", "N", [0], 25),
        ("_id", "IN", [written("c001"), written("c002"), "never-was"], 2), ("_id", "EQ", [written("c001")], 1),
        ("_id", "GT", [""], 25), ("_id", "LT", [written("c003")], 3), ("_id", "GT", ["zz"], 0), ("score", "GT", ["x"], 0),
    ],
)  # fmt: skip
def test_filters(post: Client, field: str, operator: str, values: list[Any], count: int) -> None:
    wanted = [{"field_name": field, "field_values": values, "operator": operator}]
    found = post.query("AccountObj", limit=100, filters=wanted, total=True)
    assert (count, count) == (len(found["dataList"]), found["total"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"field_name": "name", "field_values": ["x"], "operator": "REGEX"}, {"field_name": "no", "field_values": [1], "operator": "EQ"},
        {"field_name": "name", "field_values": [], "operator": "EQ"}, {"field_name": "name", "field_values": "x", "operator": "EQ"},
        {"field_name": "name", "field_values": ["x", "y"], "operator": "EQ"}, {"field_name": "name", "operator": "EQ"}, 1,
    ],
)  # fmt: skip
def test_a_filter_that_is_none_is_refused(post: Client, wrong: Any) -> None:
    assert post.refused("AccountObj", filters=[wrong]) == 32000


def test_orders_are_kept_and_without_one_the_newest_come_first(post: Client) -> None:
    assert post.query("AccountObj", limit=1)["dataList"][0]["_id"] == written("c024")
    orders = [{"fieldName": "score", "isAsc": False}, {"fieldName": "_id", "isAsc": True}]
    found = post.query("AccountObj", limit=6, orders=orders)["dataList"]
    assert [row["name"] for row in found] == ["王 4", "王 9", "王 14", "王 19", "王 24", "王 3"]
    assert post.refused("AccountObj", orders=[{"fieldName": "no"}]) == 32000


def test_null_fields_are_left_out_and_a_projection_thins(post: Client) -> None:
    order = [{"fieldName": "_id", "isAsc": True}]
    first, second = post.query("AccountObj", limit=2, orders=order)["dataList"]
    assert ("born" in first, second["born"]) == (False, 318384000000)
    assert (first["is_deleted"], first["object_describe_api_name"], first["vip"]) == (False, "AccountObj", True)
    thin = post.query("AccountObj", limit=1, orders=order, fieldProjection=["name"])["dataList"]
    assert thin == [{"_id": written("c000"), "name": "王 0"}]


def test_preset_and_custom_objects_have_paths_of_their_own(post: Client) -> None:
    assert len(post.query(PARTS, limit=100)["dataList"]) == 5
    wrong = {"dataObjectApiName": PARTS, "search_query_info": {"limit": 1}}
    assert post.code(f"{CRM}/data/query", data=wrong) == 32000
    assert post.code(f"{CUSTOM}/data/query", data={**wrong, "dataObjectApiName": "AccountObj"}) == 32000
    assert post.code(f"{CUSTOM}/data/query", data={**wrong, "dataObjectApiName": "object_secret__c"}) == 15003


def test_who_is_no_administrator_silently_sees_its_own(world: World, post: Client) -> None:
    weak = Client(world, "k1", user="li").sign_in()
    assert keyset(weak) == [written(f"c00{n}") for n in range(3)]
    assert weak.query("AccountObj", limit=1, total=True)["total"] == 3
    after = [{"field_name": "_id", "field_values": [written("c000")], "operator": "GT"}]
    assert weak.query("AccountObj", limit=1, total=True, filters=after)["total"] == 2
    assert weak.end("invalid", "AccountObj", written("c020"), **QUIET) == 32000
    world.add_fault("weak_credential", key="k1")
    assert keyset(post) == []


# Files


def test_files_come_by_their_npath_in_the_older_way(world: World, post: Client, old: Client) -> None:
    row = post.query("AccountObj", filters=[{"field_name": "_id", "field_values": [written("c001")], "operator": "EQ"}])
    (file,), (image,) = row["dataList"][0]["attach"], row["dataList"][0]["image"]
    assert ({"name", "path"}, file["name"]) == (set(file), "合同 1.pdf")
    assert (image["ext"], image["filename"], image["size"]) == ("png", "logo.png", 3)
    asked = {"mediaTypeDesc": "DOCUMENT", "igonreMediaIdConvert": True, "mediaId": file["path"]}
    assert post.code("/media/download", **asked) == 20017
    assert old.send("/media/download", asked).content == b"%PDF"
    assert old.send("/media/download", {**asked, "mediaId": image["path"]}).content == b"PNG"
    for wrong in ({"mediaId": "N_x"}, {"mediaId": "x"}, {"igonreMediaIdConvert": False}, {"mediaTypeDesc": "IMAGE"}):
        assert old.code("/media/download", **{**asked, **wrong}) == 32000
    assert post.end("invalid", "AccountObj", written("c001"), **QUIET) == 0
    assert old.code("/media/download", **asked) == 32000
    assert post.end("recover", "AccountObj", written("c001")) == 0
    assert old.send("/media/download", asked).content == b"%PDF"


# Ending records


def test_a_record_is_invalidated_before_it_is_deleted(world: World, post: Client) -> None:
    id = written("c003")
    assert post.end("delete", "AccountObj", id) == 15002
    assert post.end("invalid", "AccountObj", id, **QUIET) == 0
    assert ("c003" in there(world), "c003" in there(world, binned=True)) == (False, True)
    assert post.end("invalid", "AccountObj", id, **QUIET) == 32000
    assert post.end("delete", "AccountObj", id) == 0
    assert "c003" not in there(world) | there(world, binned=True)
    assert [post.end(what, "AccountObj", id) for what in ("invalid", "delete", "recover")] == [32000] * 3
    assert world.twice() == []
    assert [each["verb"] for each in world.effects(kind="row")] == ["delete", "purge"]
    truth = {each["id"]: each for each in world.truth()["datasets"]}["AccountObj"]
    assert (truth["rows"], truth["bin_rows"]) == (24, 0)


def test_what_is_invalid_is_in_no_query_and_can_be_recovered(world: World, post: Client) -> None:
    id, wanted = written("c001"), [{"field_name": "_id", "field_values": [written("c001")], "operator": "IN"}]
    post.end("invalid", "AccountObj", id, **QUIET)
    assert (id in keyset(post), post.query("AccountObj", filters=wanted)["dataList"]) == (False, [])
    world.set_traits(soft_delete=True)
    (row,) = post.query("AccountObj", filters=wanted)["dataList"]
    assert (row["is_deleted"], id in keyset(post)) == (True, False)
    assert post.end("recover", "AccountObj", id) == 0
    assert (id in keyset(post), post.end("recover", "AccountObj", id)) == (True, 32000)
    assert world.truth()["datasets"][0]["attachments"] == 2
    post.end("invalid", "AccountObj", id, **QUIET)
    assert world.twice() == []


def test_only_custom_objects_are_invalidated_several_at_a_time(world: World, post: Client) -> None:
    some = [written("p1"), written("p2"), written("p1")]
    path, data = "/cgi/crm/custom/data/invalid", {"dataObjectApiName": PARTS, "idList": some}
    assert post.code(path, data={**data, "dataObjectApiName": "AccountObj"}, **QUIET) == 32000
    assert post.code(path, data={**data, "idList": [*some, "never-was"]}, **QUIET) == 32000
    assert post.code(path, data={**data, "idList": []}, **QUIET) == 32000
    assert world.effects() == []
    assert post.code(path, data={**data, **QUIET}) == 0
    assert there(world, "parts", binned=True) == {"p1", "p2"}
    assert post.end("invalid", PARTS, written("p3"), **QUIET) == 0
    assert post.code(f"{CUSTOM}/data/delete", data={**data, "idList": some[:2]}) == 0
    assert (there(world, "parts"), there(world, "parts", binned=True)) == ({"p0", "p4"}, {"p3"})
    assert post.code(f"{CRM}/data/invalid", data={"dataObjectApiName": "AccountObj", "idList": some}) == 32000


def test_an_approval_keeps_a_record_as_it_was_until_somebody_approves(world: World, post: Client) -> None:
    id = written("c002")
    assert post.end("invalid", "AccountObj", id) == 0
    assert "c002" in there(world) and id in keyset(post)
    assert post.end("invalid", "AccountObj", id, **QUIET) == 15002
    clock.advance(world, "2d")
    assert "c002" in there(world)
    clock.advance(world, "1d")
    assert "c002" in there(world, binned=True)


@pytest.mark.parametrize(
    ("traits", "more", "binned", "flows"),
    [
        ({}, {"triggerApprovalFlow": False}, 1, 1), ({}, {"triggerWorkFlow": False}, 0, 0), ({}, QUIET, 1, 0),
        ({"approvals": False}, {}, 1, 1), ({"approvals": ["object_parts__c"]}, {}, 1, 1), ({"approvals": ["AccountObj"]}, {}, 0, 1),
    ],
)  # fmt: skip
def test_which_flows_start(
    world: World, post: Client, traits: dict[str, Any], more: dict[str, Any], binned: int, flows: int
) -> None:
    world.set_traits(**traits)
    assert post.end("invalid", "AccountObj", written("c002"), **more) == 0
    assert (binned, flows) == (len(there(world, binned=True)), len(world.effects(kind="workflow")))


def test_a_locked_record_and_one_of_a_pool_have_to_be_freed_first(world: World, post: Client) -> None:
    world.set_traits(locked=["AccountObj/c004"], pool=["AccountObj/c005"])
    locked, pooled = written("c004"), written("c005")
    rows = {row["_id"]: row for row in post.query("AccountObj", limit=100)["dataList"]}
    assert (rows[locked].get("lock_status"), rows[pooled].get("lock_status")) == ("1", None)
    assert [post.end("invalid", "AccountObj", id, **QUIET) for id in (locked, pooled)] == [15002, 15002]
    assert post.code(f"{CRM}/object/unlock", data={"dataObjectApiName": "AccountObj", "object_data_id": locked}) == 0
    assert post.code(f"{CRM}/data/choose", data={"dataObjectApiName": "AccountObj", "idList": [pooled]}) == 0
    assert [post.end("invalid", "AccountObj", id, **QUIET) for id in (locked, pooled)] == [0, 0]


# Faults


@pytest.mark.parametrize(
    ("fault", "params", "code"),
    [
        ("throttled", {"retry_after": 7}, 30004), ("quota_exhausted", {}, 30002), ("token_expired", {}, 20016),
        ("refused_as", {"status": 200, "code": "rejected"}, 15002), ("refused_as", {"code": "forbidden"}, 15003),
        ("refused_as", {"code": "unauthenticated"}, 20016), ("refused_as", {"code": "50009"}, 50009), ("refused_as", {"code": -2}, -2),
    ],
)  # fmt: skip
def test_a_fault_is_an_error_in_http_200(
    world: World, post: Client, fault: str, params: dict[str, Any], code: int
) -> None:
    world.add_fault(fault, nth=[1], **params)
    answer = post.send(f"{CRM}/object/list", {})
    assert (200, code) == (answer.status_code, answer.json()["errorCode"])
    assert "retry-after" not in answer.headers


def test_a_token_that_ended_early_is_followed_by_another(world: World, post: Client) -> None:
    world.add_fault("token_expired", nth=[1], path="/cgi/*")
    first = post.token
    assert (post.code(f"{CRM}/object/list"), post.code(f"{CRM}/object/list")) == (20016, 20016)
    assert post.sign_in().token != first
    assert post.code(f"{CRM}/object/list") == 0


def test_an_unknown_code_is_none_of_this_vendor(world: World) -> None:
    with pytest.raises(ValueError, match="code is one of"):
        world.add_fault("refused_as", code="4711")


def test_an_outage_is_a_gateways_page_or_busy(world: World, post: Client) -> None:
    world.add_fault("unavailable", status=502, nth=[1])
    world.add_fault("unavailable", status=503, html=False, nth=[2])
    html, told = post.send(f"{CRM}/object/list", {}), post.send(f"{CRM}/object/list", {})
    assert (502, "text/html; charset=utf-8") == (html.status_code, html.headers["content-type"])
    assert (503, -1) == (told.status_code, told.json()["errorCode"])


def test_a_single_act_fails_and_a_batch_says_nothing_of_what_it_left(world: World, post: Client, old: Client) -> None:
    world.add_fault("partial", item=1, code="unavailable", path="*/v2/data/invalid")
    assert post.end("invalid", "AccountObj", written("c000"), **QUIET) == -1
    world.add_fault("partial", item=2, path="/cgi/crm/custom/data/invalid")
    world.add_fault("partial", item=2, path="/cgi/user/batchSetStatus")
    data = {"dataObjectApiName": PARTS, "idList": [written("p0"), written("p1")]}
    assert post.code("/cgi/crm/custom/data/invalid", data=data, **QUIET) == 0
    assert there(world, "parts", binned=True) == {"p0"}
    both = [ids.open_user("li"), ids.open_user("wang")]
    assert old.code("/cgi/user/batchSetStatus", openUserIds=both, status=1) == 0
    assert [each["id"] for each in world.effects(kind="user")] == ["li"]


def test_what_is_accepted_waits_for_an_approval_even_if_told_not_to(world: World, post: Client) -> None:
    world.add_fault("accepted", days=5)
    assert post.end("invalid", "AccountObj", written("c000"), **QUIET) == 0
    clock.advance(world, "4d")
    assert "c000" in there(world)
    clock.advance(world, "1d")
    assert "c000" in there(world, binned=True)


def test_done_nothing_says_success(world: World, post: Client) -> None:
    world.add_fault("done_nothing")
    assert post.end("invalid", "AccountObj", written("c000"), **QUIET) == 0
    assert ("c000" in there(world), world.effects()) == (True, [])


@pytest.mark.parametrize("how", ["insert", "remove", "change"])
@pytest.mark.parametrize("where", ["after", "before"])
def test_listings_shift_under_who_reads_them(world: World, post: Client, how: str, where: str) -> None:
    world.add_fault("shifting_listing", path="*/data/query", how=how, where=where)
    assert len(keyset(post, limit=5)) in {"insert": {25, 26}, "remove": {24, 25}, "change": {25}}[how]
    assert len(there(world)) == {"insert": 26, "remove": 24, "change": 25}[how]
    for path, body in (
        (f"{CRM}/object/list", {}),
        ("/cgi/user/list", {"departmentId": 999999}),
        ("/cgi/user/get/batchByUpdTime", {"startTime": 0, "endTime": 4_000_000_000_000, "pageSize": 2}),
    ):
        before = post.send(path, body).json()
        world.add_fault("shifting_listing", path=path, times=1, how=how, where=where)
        during = post.send(path, body).json()
        assert {**before, "traceId": ""} == {**during, "traceId": ""}
        assert post.code(path, **body) == 0


def test_pages_get_smaller_lose_rows_repeat_or_are_not_heard(world: World, post: Client) -> None:
    def fault(action: str, **params: Any) -> None:
        world.clear_faults()
        world.add_fault(action, path="*/data/query", **params)

    order = [{"fieldName": "_id", "isAsc": True}]
    fault("wrong_page_size", size=2)
    rows = post.query("AccountObj", limit=10, orders=order)["dataList"]
    assert [row["_id"] for row in rows] == [written("c000"), written("c001")]
    fault("wrong_page_size", size=2, lose=True)
    rows = post.query("AccountObj", limit=10, orders=order)["dataList"]
    assert [row["_id"] for row in rows] == [written("c000"), written("c009")]
    fault("repeated_page")
    assert len(keyset(post, limit=5)) == 250
    assert post.query("AccountObj", limit=5, offset=5, orders=order)["dataList"][0]["_id"] == written("c000")
    fault("no_paging")
    page = post.query("AccountObj", limit=5, offset=5, orders=order)
    assert (page["limit"], page["offset"], len(page["dataList"])) == (20, 0, 20)


def test_page_numbers_go_wrong_too(world: World, post: Client) -> None:
    def page(number: int) -> list[str]:
        span = {"startTime": 0, "endTime": 4_000_000_000_000, "pageSize": 4, "pageNumber": number}
        return [each["name"] for each in post("/cgi/user/get/batchByUpdTime", **span)["employees"]]

    world.add_fault("wrong_page_size", size=2)
    assert (page(1), page(2), page(3)) == (["admin", "老板"], ["gone", "li"], ["wang", "zhao"])
    world.clear_faults()
    world.add_fault("wrong_page_size", size=2, lose=True)
    assert (page(1), page(2)) == (["admin", "li"], ["wang", "zhao"])
    world.clear_faults()
    world.add_fault("repeated_page")
    assert page(1) == page(2)
    world.clear_faults()
    world.add_fault("no_paging")
    assert len(page(1)) == len(page(2)) == 6


def test_rows_are_hollow_without_ids_or_carry_a_secret(world: World, post: Client) -> None:
    world.add_fault("hollow", times=2)
    found = post.query("AccountObj", limit=10, total=True)
    assert (found["dataList"], found["total"]) == ([], 0)
    named = [{"field_name": "_id", "field_values": [written("c000")], "operator": "IN"}]
    assert len(post.query("AccountObj", filters=named)["dataList"]) == 1
    world.clear_faults()
    world.add_fault("no_ids", nth=[1])
    assert not any("_id" in row for row in post.query("AccountObj")["dataList"])
    world.add_fault("no_ids", nth=[1])
    assert not any("describeApiName" in each for each in post(f"{CRM}/object/list")["data"]["objects"])
    world.add_fault("shown_secret", text="sk_clear", times=2)
    assert {row["secret"] for row in post.query("AccountObj")["dataList"]} == {"sk_clear"}
    assert {each["secret"] for each in post("/cgi/user/list", departmentId=999999)["userList"]} == {"sk_clear"}


@pytest.mark.parametrize("where", ["error", "html", "page"])
def test_a_credential_can_be_echoed(world: World, post: Client, where: str) -> None:
    world.add_fault("echo_credential", where=where)
    assert (
        post.token
        in post.send(f"{CRM}/data/query", {"data": {"dataObjectApiName": "AccountObj", "search_query_info": {}}}).text
    )


def test_a_lost_answer_does_not_undo_what_was_done(world: World, post: Client) -> None:
    world.add_fault("cut_after", path="*/data/invalid", times=1)
    with pytest.raises(httpx.ReadError):
        post.end("invalid", "AccountObj", written("c000"), **QUIET)
    assert "c000" in there(world, binned=True)


# Seeds and servers


def test_a_seeded_world_has_preset_and_custom_objects_and_three_apps(tmp_path: Path) -> None:
    seed(tmp_path / "fx.db", dialect="fxiaoke")
    keys = json.loads((tmp_path / "fx.db.keys.json").read_text())
    fields = {"id", "app_id", "app_secret", "permanent_code", "user_id", "open_user_id"}
    assert {name: set(found) for name, found in keys.items()} == dict.fromkeys(("read", "write", "weak"), fields)
    with World.open(tmp_path / "fx.db") as world, Server(world) as server:
        key = keys["read"]
        asked = {"appId": key["app_id"], "appSecret": key["app_secret"], "permanentCode": key["permanent_code"]}
        token = httpx.post(f"{server.url}/cgi/corpAccessToken/get/V2", json=asked).json()
        mine = {
            "corpAccessToken": token["corpAccessToken"],
            "corpId": token["corpId"],
            "currentOpenUserId": key["open_user_id"],
        }
        found = httpx.post(f"{server.url}{CRM}/object/list", json=mine).json()["data"]["objects"]
        assert [each["describeApiName"] for each in found] == [
            "ActiveRecordObj", "ContactObj", "object_dashboards__c", "NewOpportunityObj", "object_surveys__c", "PersonnelObj"
        ]  # fmt: skip
        asked_for = {"data": {"dataObjectApiName": "PersonnelObj", "search_query_info": {"limit": 100}}, **mine}
        people = httpx.post(f"{server.url}{CRM}/data/query", json=asked_for).json()["data"]["dataList"]
        everybody = httpx.post(
            f"{server.url}/cgi/user/list", json={"departmentId": 999999, "fetchChild": True, **mine}
        ).json()
        assert 0 < len(people) < len(everybody["userList"]) == 11


def test_names_that_try_to_do_harm_come_as_they_are(tmp_path: Path) -> None:
    seed(tmp_path / "fx.db", dialect="fxiaoke", contacts=4, hostile=True)
    with World.open(tmp_path / "fx.db") as world:
        post, old = Client(world, "k1").sign_in(), Client(world, "k1", old=True).sign_in()
        users = post("/cgi/user/list", departmentId=999999, fetchChild=True)["userList"]
        labels = {each["describeDisplayName"] for each in post(f"{CRM}/object/list")["data"]["objects"]}
        rows = post.query("object_hostile__c", limit=100)["dataList"]
        files = [file for row in rows for file in row["attach"]]
        assert {each["name"] for each in users} >= set(HOSTILE) <= labels
        assert (len(HOSTILE) + 1, len(HOSTILE) + 1) == (len(rows), len(files))
        asked = {"mediaTypeDesc": "DOCUMENT", "igonreMediaIdConvert": True}
        sizes = [len(old.send("/media/download", {**asked, "mediaId": file["path"]}).content) for file in files]
        assert sorted(sizes) == [3] + [16] * len(HOSTILE)


def test_every_call_is_answered_whatever_is_asked(world: World, post: Client, old: Client) -> None:
    wanted: list[dict[str, Any]] = [{}, {"data": 1}, {"data": {}}, {"data": {"dataObjectApiName": 5}}, {"data": []}]
    wanted += [{"data": {"dataObjectApiName": "AccountObj", "idList": [1], "search_query_info": []}}]
    for path in (*CALLS, "/media/download"):
        for body in wanted:
            for who in (post, old):
                answer = who.send(path, body)
                assert answer.status_code == 200
                assert answer.json()["errorCode"] in errors.TEXTS
    assert [each for each in world.log() if (each["fault"] or "").startswith("bug")] == []


def test_rows_are_restored_and_purged_only_from_the_bin(world: World) -> None:
    for verb in ("restore", "purge"):
        with pytest.raises(Exception, match="No row in the bin"):
            perform(world, None, "row", verb, "c000", {"dataset": "AccountObj"})
