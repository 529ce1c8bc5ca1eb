"""简道云 as it is simulated: what its manual says, seen by a client of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from crmstate.sandbox import Server, World, app, clock, seed
from crmstate.sandbox.dialects.jiandaoyun import dialect, ids
from crmstate.sandbox.dialects.jiandaoyun.vendor import CALLS, Jiandaoyun
from crmstate.sandbox.names import HOSTILE

DATA = "/api/v5/app/entry/data"
FIELDS = [
    {"name": "name", "type": "text", "label": "姓名"},
    {"name": "born", "type": "date", "label": "生日"},
    {"name": "amount", "type": "money", "label": "金额"},
    {"name": "vip", "type": "bool", "label": "VIP"},
]


class Client:
    """Posts JSON and gives (status, answer)."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def __call__(self, path: str, **body: Any) -> tuple[int, Any]:
        answer = self.http.post(path if path.startswith("/api") else f"/api{path}", json=body)
        return answer.status_code, answer.json()

    def code(self, path: str, **body: Any) -> int:
        """The business error."""
        status, answer = self(path, **body)
        assert (400, {"code", "msg"}) == (status, set(answer))
        return int(answer["code"])


def client_of(world: World, token: str, spoken: Jiandaoyun | None = None) -> Client:
    transport = httpx.WSGITransport(app=app(world, dialect=spoken or dialect(), cut=httpx.ReadError))
    headers = {"Authorization": f"Bearer {token}"}
    return Client(httpx.Client(base_url="http://jdy", transport=transport, headers=headers))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Owner, three members, two apps of two and one forms, and a preset form of the CRM suite."""
    with World.create(tmp_path / "world.db", dialect="jiandaoyun") as made:
        made.add_user("boss", role="owner", name="老板")
        made.add_user("admin", role="admin")
        for id in ("li", "wang", "zhao"):
            made.add_user(id)
        made.add_key("k1", "admin", token="key-all")
        made.add_key("k2", "admin", token="key-read", scopes=["read"])
        made.add_key("k3", "admin", token="key-office", scopes=["read", "write", "app:office"])
        made.add_key("k4", "li", token="key-weak")
        made.add_key("k5", "admin", token="key-none", scopes=[])
        made.add_key("k6", "admin", token="key-stopped", status="revoked")
        made.add_dataset("contacts", "客户", FIELDS)
        made.add_dataset("deals", "商机", FIELDS)
        made.add_dataset("preset", "预设", FIELDS, exportable=False)
        made.add_dataset("stock", "库存", FIELDS)
        made.set_traits(
            apps={
                "crm": {"name": "客户管理", "forms": ["contacts", "deals", "preset"]},
                "office": {"name": "办公", "forms": ["stock"]},
            }
        )
        made.add_rows(
            "contacts",
            [
                {
                    "id": f"c{n:03}",
                    "owner_id": "li",
                    "fields": {"name": f"王 {n}", "born": "1980-02-03", "amount": "12.50", "vip": True},
                }
                for n in range(25)
            ],
        )
        made.add_rows("preset", [{"id": "p1"}])
        made.add_attachment("contacts", "f1", "c001", name="合同 1.pdf", content=b"%PDF", mime="application/pdf")
        yield made


@pytest.fixture
def post(world: World) -> Client:
    return client_of(world, "key-all")


def form(app_id: str = "crm", entry: str = "contacts") -> dict[str, str]:
    return {"app_id": ids.written(app_id), "entry_id": ids.written(entry)}


def pages(post: Client, limit: int, **more: Any) -> list[list[dict[str, Any]]]:
    """The rows of the contacts, page by page as the manual has it."""
    found: list[list[dict[str, Any]]] = []
    last: dict[str, Any] = {}
    while len(found) < 200:
        _, answer = post(f"{DATA}/list", **form(), limit=limit, **last, **more)
        found.append(answer["data"])
        if len(answer["data"]) < limit:
            return found
        last = {"data_id": answer["data"][-1]["_id"]}
    return found


def names(world: World, dataset: str = "contacts") -> set[str]:
    return {row["id"] for row in world.rows(dataset)}


# Ids


@pytest.mark.parametrize("id", ["a", "contacts", "c0000001-x", "0-x000001", "ABC_def.9/-", "x" * 15])
def test_a_plain_id_is_written_and_read_back_alone(id: str) -> None:
    assert id == ids.read(ids.written(id), ())
    assert (24, set()) == (len(ids.written(id)), set(ids.written(id)) - set("0123456789abcdef"))


@pytest.mark.parametrize("id", ["x" * 16, "é", "a b", "", "../../../evil\x1b[2J"])
def test_any_other_id_is_found_by_looking(id: str) -> None:
    assert id == ids.read(ids.written(id), ["plain", "other one", id])
    assert ids.read(ids.written(id), ["plain"]) is None


def test_the_order_of_plain_ids_stays_and_others_come_after_them() -> None:
    plain = ["-", "0", "0-x000001", "A", "_", "a", "a-", "a0", "aa", "b", "c0000001", "c0000001-x", "c0000002"]
    assert [ids.written(id) for id in plain] == sorted(ids.written(id) for id in plain)
    assert max(map(ids.written, plain)) < ids.written("not plain")


@pytest.mark.parametrize("text", ["", "5", "z" * 24, "4" + "0" * 23, "5" + "f" * 23, "5" + "0" * 23, "never-was"])
def test_what_was_never_written_means_nothing(text: str) -> None:
    assert ids.read(text, ["some id"]) is None


def test_rows_with_ids_of_every_kind_come_once_and_in_order(world: World, post: Client) -> None:
    world.add_rows("contacts", [{"id": id} for id in ("a very long id of a row", "é", "王", "Zz", "~~", "/")])
    for limit in (1, 3, 7, 100):
        found = [row["_id"] for page in pages(post, limit) for row in page]
        assert sorted({ids.written(id) for id in names(world)}) == found


# Keys, scopes and what stands before every call


def test_it_is_post_only_with_a_bearer_key(world: World, post: Client) -> None:
    assert post.http.get("/api/v5/app/list").json()["code"] == 1
    assert post.http.post("/v5/app/list", json={}).json()["code"] == 1
    bare = post.http.post("/api/v5/app/list", json={}, headers={"Authorization": "key-all"})
    assert (400, 8301) == (bare.status_code, bare.json()["code"])
    assert "x-request-id" not in bare.headers


@pytest.mark.parametrize(
    ("token", "code"), [("key-wrong", 8301), ("key-stopped", 17017), ("key-none", 17054), ("key-all", None)]
)
def test_a_key_is_wrong_stopped_or_without_the_interface(world: World, token: str, code: int | None) -> None:
    assert client_of(world, token)("/v5/app/list")[1].get("code") == code


def test_a_reading_key_may_not_act(world: World) -> None:
    post = client_of(world, "key-read")
    assert post("/v5/app/list")[0] == 200
    assert post.code(f"{DATA}/delete", **form(), data_id=ids.written("c001")) == 17054
    assert post.code("/v5/corp/user/delete", username="li") == 17054
    assert world.effects() == []


def test_a_key_sees_only_its_apps_and_is_not_told_of_the_others(world: World) -> None:
    post = client_of(world, "key-office")
    assert post("/v5/app/list")[1] == {"apps": [{"name": "办公", "app_id": ids.written("office")}]}
    assert post.code(f"{DATA}/list", **form()) == 17053
    assert post.code("/v5/app/entry/list", app_id=ids.written("crm")) == 17053


def test_a_members_key_sees_the_first_of_several_apps_and_none_of_one(world: World) -> None:
    post = client_of(world, "key-weak")
    assert [each["name"] for each in post("/v5/app/list")[1]["apps"]] == ["客户管理"]
    world.set_traits(apps=None)
    assert post("/v5/app/list")[1] == {"apps": []}


def test_a_weak_credential_is_a_members_key(world: World, post: Client) -> None:
    world.add_fault("weak_credential", key="k1")
    assert len(post("/v5/app/list")[1]["apps"]) == 1


@pytest.mark.parametrize(
    ("traits", "code"),
    [
        ({"ip_whitelist": ["10.0.0.1"]}, 17052),
        ({"suspended": True}, 7103),
        ({"edition": "standard"}, 8302),
        ({"ip_whitelist": ["127.0.0.1"]}, None),
    ],
)
def test_what_stands_in_the_way_of_every_call(
    world: World, post: Client, traits: dict[str, Any], code: int | None
) -> None:
    world.set_traits(**traits)
    assert post("/v5/app/list")[1].get("code") == code


def test_a_closed_corp_does_not_exist(world: World, post: Client) -> None:
    world.put("account", {**world.get("account"), "status": "closed"})
    assert post.code("/v5/app/list") == 8017


@pytest.mark.parametrize(
    "path",
    [
        "/v5/corp/guest/user/list", "/v5/corp/role/list", "/v1/corp_usage/member_metrics", "/v1/audit_log/domains",
        "/v5/app/delete", "/v5/app/entry/data/recycle/list", "/v5/webhook/list", "/v5/corp/user/update", "/v2/app/list",
    ],
)  # fmt: skip
def test_what_the_manual_does_not_settle_answers_as_what_does_not_exist(post: Client, path: str) -> None:
    assert post.code(path) == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff"])
def test_a_body_that_is_no_object_is_not_legal(post: Client, body: bytes) -> None:
    assert post.http.post("/api/v5/app/list", content=body).json() == {"code": 3005, "msg": "参数不合法"}


# Apps, forms, fields


def test_apps_and_forms_page_by_skip_and_limit(post: Client) -> None:
    both = post("/v5/app/list")[1]["apps"]
    assert [each["name"] for each in both] == ["客户管理", "办公"]
    assert post("/v5/app/list", skip=1, limit=1)[1]["apps"] == both[1:]
    forms = post("/v5/app/entry/list", app_id=ids.written("crm"))[1]["forms"]
    assert [each["name"] for each in forms] == ["客户", "商机", "预设"]
    assert post("/v5/app/entry/list", app_id=ids.written("crm"), skip=2, limit=100)[1]["forms"] == forms[2:]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 101}, {"limit": "1"}, {"skip": -1}, {"limit": True}])
def test_a_page_out_of_bounds_is_not_legal(post: Client, wrong: dict[str, Any]) -> None:
    assert post.code("/v5/app/list", **wrong) == 3005
    if "limit" in wrong:
        assert post.code(f"{DATA}/list", **form(), **wrong) == 3005


def test_a_missing_app_a_missing_form_and_a_form_of_another_app(post: Client) -> None:
    assert post.code("/v5/app/entry/list", app_id="5" * 24) == 2004
    assert post.code(f"{DATA}/list", app_id=ids.written("crm"), entry_id="never-was") == 3000
    assert post.code(f"{DATA}/list", **form("office", "contacts")) == 3000
    assert post.code("/v5/app/entry/list") == 3005


@pytest.mark.parametrize("path", ["widget/list", "data/list", "data/get", "data/delete", "data/batch_delete"])
def test_a_preset_form_of_the_crm_suite_refuses_every_call(world: World, post: Client, path: str) -> None:
    row = ids.written("p1")
    answer = post(f"/v5/app/entry/{path}", **form(entry="preset"), data_id=row, data_ids=[row])
    assert answer == (400, {"code": 30002, "msg": "CRM预设表单不支持 API 调用"})
    assert names(world, "preset") == {"p1"}


def test_a_dataset_in_no_app_is_in_the_first(world: World, post: Client) -> None:
    world.add_dataset("aaa", "新")
    assert "新" in [each["name"] for each in post("/v5/app/entry/list", app_id=ids.written("crm"))[1]["forms"]]


def test_fields_have_an_alias_or_their_widgets_name(post: Client) -> None:
    answer = post("/v5/app/entry/widget/list", **form())[1]
    assert [each["type"] for each in answer["widgets"]] == ["text", "datetime", "number", "radiogroup", "upload"]
    first, second, *_ = answer["widgets"]
    assert (first["name"], first["widgetName"][:8]) == ("name", "_widget_")
    assert second["name"] == second["widgetName"]
    row = post(f"{DATA}/list", **form())[1]["data"][1]
    assert {each["name"] for each in answer["widgets"]} == set(row) - {
        "_id", "appId", "entryId", "creator", "updater", "createTime", "updateTime"
    }  # fmt: skip


# Data


@pytest.mark.parametrize("limit", [1, 5, 24, 25, 26, 100])
def test_rows_page_by_the_last_id_until_a_page_is_short(world: World, post: Client, limit: int) -> None:
    found = [row["_id"] for page in pages(post, limit) for row in page]
    assert found == sorted(ids.written(id) for id in names(world))


def test_ten_rows_come_when_nobody_says_how_many_and_nothing_counts(post: Client) -> None:
    answer = post(f"{DATA}/list", **form())[1]
    assert (10, {"data"}) == (len(answer["data"]), set(answer))


def test_a_cursor_may_point_at_a_row_that_is_gone(world: World, post: Client) -> None:
    last = post(f"{DATA}/list", **form(), limit=5)[1]["data"][-1]["_id"]
    post(f"{DATA}/delete", **form(), data_id=last)
    assert post(f"{DATA}/list", **form(), limit=1, data_id=last)[1]["data"][0]["_id"] == ids.written("c005")
    assert post.code(f"{DATA}/list", **form(), data_id="nonsense") == 4001


def test_a_row_has_the_systems_fields_and_values_in_the_vendors_types(post: Client) -> None:
    row = post(f"{DATA}/get", **form(), data_id=ids.written("c001"))[1]["data"]
    values = [value for name, value in row.items() if name.startswith("_widget_") and not isinstance(value, list)]
    assert (row["name"], row["amount"], values) == ("王 1", 12.5, ["1980-02-03T00:00:00.000Z", "是"])
    assert row["creator"] == {"name": "li", "username": "li", "status": 1, "type": 0, "departments": [1]}
    assert row["createTime"] == "2026-11-01T08:00:00.000Z"


def test_fields_thin_a_row_and_an_empty_list_does_not(post: Client) -> None:
    thin = post(f"{DATA}/list", **form(), fields=["name"], limit=1)[1]["data"][0]
    assert "name" in thin and "amount" not in thin
    assert "amount" in post(f"{DATA}/list", **form(), fields=[], limit=1)[1]["data"][0]


def test_a_filter_knows_not_empty_and_nothing_else(world: World, post: Client) -> None:
    upload = [each["name"] for each in post("/v5/app/entry/widget/list", **form())[1]["widgets"]][-1]
    wanted = {"rel": "and", "cond": [{"field": upload, "type": "upload", "method": "not_empty"}]}
    assert [row["_id"] for page in pages(post, 10, filter=wanted) for row in page] == [ids.written("c001")]
    wanted["cond"][0]["method"] = "eq"  # type: ignore[index]
    assert post.code(f"{DATA}/list", **form(), filter=wanted) == 4815


def test_a_deleted_row_is_gone_and_a_second_time_it_does_not_exist(world: World, post: Client) -> None:
    one = {**form(), "data_id": ids.written("c003"), "is_start_trigger": False}
    assert post(f"{DATA}/delete", **one) == (200, {"status": "success"})
    assert (post.code(f"{DATA}/delete", **one), post.code(f"{DATA}/get", **one)) == (4001, 4001)
    assert "c003" not in names(world)
    assert world.asked("*/data/delete") == {"c003": 2}
    assert world.twice() == []


def test_a_batch_says_how_many_it_deleted(world: World, post: Client) -> None:
    wanted = [ids.written(id) for id in ("c000", "c001", "c001")] + ["never-was"]
    assert post(f"{DATA}/batch_delete", **form(), data_ids=wanted) == (200, {"status": "success", "success_count": 2})
    assert len(names(world)) == 23
    assert post.code(f"{DATA}/batch_delete", **form(), data_ids=["x"] * 101) == 17033
    assert post.code(f"{DATA}/batch_delete", **form(), data_ids=[]) == 3005


def test_a_file_comes_without_the_key_and_until_its_address_ends(world: World, post: Client) -> None:
    def address() -> str:
        row = post(f"{DATA}/get", **form(), data_id=ids.written("c001"))[1]["data"]
        (found,) = next(value for value in row.values() if isinstance(value, list))
        assert (found["name"], found["size"], found["mime"]) == ("合同 1.pdf", 4, "application/pdf")
        return str(found["url"])

    url = address()
    bare = httpx.Client(transport=httpx.WSGITransport(app=app(world, dialect=dialect())))
    assert bare.get(url).content == b"%PDF"
    assert bare.get(url.replace("token=", "token=0")).status_code == 403
    assert bare.get(url.replace("&e=", "&e=9")).status_code == 403
    clock.advance(world, "15d")
    assert bare.get(url).status_code == 403
    assert bare.get(address()).status_code == 200
    fresh = address()
    post(f"{DATA}/delete", **form(), data_id=ids.written("c001"))
    assert bare.get(fresh).status_code == 404


# Members


def test_everybody_is_in_the_root_or_in_a_department_below_it(world: World, post: Client) -> None:
    world.set_traits(
        departments={"3": {"name": "销售部", "users": ["li"]}, "33": {"name": "华东", "parent": 3, "users": ["wang"]}}
    )

    def there(**body: Any) -> list[str]:
        return [each["username"] for each in post("/v5/corp/department/user/list", **body)[1]["users"]]

    assert there(dept_no=1) == ["admin", "boss", "zhao"]
    assert there(dept_no=1, has_child=True) == ["admin", "boss", "li", "wang", "zhao"]
    assert (there(dept_no=3), there(dept_no=3, has_child=True)) == (["li"], ["li", "wang"])
    assert post.code("/v5/corp/department/user/list", dept_no=4) == 6002
    departments = post("/v5/corp/department/list", dept_no=1, has_child=True)[1]["departments"]
    assert [(each["dept_no"], each["parent_no"]) for each in departments] == [(3, 1), (33, 3)]


def test_a_deleted_member_has_left_and_shows_only_where_rows_name_it(world: World, post: Client) -> None:
    assert post("/v5/corp/user/get", username="li")[1]["user"]["status"] == 1
    assert post("/v5/corp/user/delete", username="li") == (200, {"status": "success"})
    assert post.code("/v5/corp/user/get", username="li") == 1010
    assert post.code("/v5/corp/user/delete", username="li") == 1010
    everybody = post("/v5/corp/department/user/list", dept_no=1, has_child=True)[1]["users"]
    assert "li" not in [each["username"] for each in everybody]
    assert post(f"{DATA}/list", **form(), limit=1)[1]["data"][0]["creator"]["status"] == -1


def test_a_batch_of_members_goes_whole_or_not_at_all(world: World, post: Client) -> None:
    assert post.code("/v5/corp/user/batch_delete", usernames=["li", "never-was"]) == 1010
    assert world.effects(kind="user") == []
    assert post("/v5/corp/user/batch_delete", usernames=["li", "wang"]) == (200, {"status": "success"})
    assert {each["id"] for each in world.effects(verb="delete")} == {"li", "wang"}


def test_the_owner_stays(post: Client) -> None:
    assert post.code("/v5/corp/user/delete", username="boss") == 1058


def test_members_of_an_integrated_directory_are_removed_there(world: World, post: Client) -> None:
    world.set_traits(integrated="wecom")
    assert post("/v5/corp/user/get", username="li")[1]["user"]["integrate_id"] == "wecom-li"
    assert post.code("/v5/corp/user/delete", username="li") == 1058
    assert post.code("/v5/corp/user/batch_delete", usernames=["li"]) == 1058
    assert world.effects() == []


# Usage


def test_usage_is_for_the_flagship_edition_of_yesterday_and_180_days_back(world: World, post: Client) -> None:
    assert post("/v1/corp_usage/overview", date="2026-10-31")[0] == 403
    world.set_traits(edition="flagship")
    _, found = post("/v1/corp_usage/overview", date="2026-10-31")
    assert (found["date"], found["metrics"]["app"], found["metrics"]["data"]) == ("2026-10-31", 2, 26)
    for wrong in ("2026-11-01", "2026-05-04", "yesterday"):
        assert post.code("/v1/corp_usage/overview", date=wrong) == 3005
    _, some = post("/v1/corp_usage/app_metrics", app_ids=[ids.written("crm")])
    assert (some["has_next"], [each["app_name"] for each in some["items"]]) == (False, ["客户管理"])
    assert post("/v1/corp_usage/app_metrics", limit=1)[1]["has_next"]
    world.set_traits(usage_closed=True)
    assert set(post("/v1/corp_usage/overview", date="2026-10-31")[1]["metrics"].values()) == {0}


def test_usage_shows_apps_that_the_key_does_not(world: World) -> None:
    world.set_traits(edition="flagship")
    office = client_of(world, "key-office")
    assert len(office("/v5/app/list")[1]["apps"]) == 1
    assert office("/v1/corp_usage/overview", date="2026-10-31")[1]["metrics"]["app"] == 2


def test_the_audit_log_is_there_and_has_nothing_to_show(post: Client) -> None:
    span = {"start": "2026-06-01T00:00:00Z", "end": "2026-06-02T00:00:00Z"}
    assert post("/v1/audit_log/list", domain="data", time_range=span)[1]["items"] == []
    assert post.code("/v1/audit_log/list", domain="data") == 3005


def test_rates_are_kept_where_the_world_asks_for_it(world: World) -> None:
    seconds = [0.0]
    post = client_of(world, "key-all", Jiandaoyun(lambda: seconds[0]))
    assert {post("/v5/app/list")[0] for _ in range(60)} == {200}
    world.set_traits(rates=True)
    codes = [post("/v5/app/list")[1].get("code") for _ in range(31)]
    assert (codes[:30], codes[30]) == ([None] * 30, 8304)
    assert [post("/v5/corp/user/get", username="li")[1].get("code") for _ in range(21)] == [None] * 20 + [8303]
    seconds[0] = 1.0
    assert post("/v5/app/list")[0] == 200


# Faults


def test_throttling_is_a_business_error_without_a_time_to_wait(world: World, post: Client) -> None:
    world.add_fault("throttled", retry_after=7, nth=[1])
    answer = post.http.post("/api/v5/app/list", json={})
    assert (400, {"code": 8303, "msg": "超出请求频率限制"}) == (answer.status_code, answer.json())
    assert "retry-after" not in answer.headers
    assert post("/v5/app/list")[0] == 200


@pytest.mark.parametrize("action", ["quota_exhausted", "accepted", "soft_delete"])
def test_a_fault_that_this_vendor_cannot_have_is_refused(world: World, action: str) -> None:
    with pytest.raises(ValueError, match=f"this vendor has no {action}"):
        world.add_fault(action)


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("html", [True, False])
def test_an_outage_is_a_gateways_page(world: World, post: Client, status: int, html: bool) -> None:
    world.add_fault("unavailable", status=status, html=html)
    answer = post.http.post("/api/v5/app/list", json={})
    assert (status, True) == (answer.status_code, answer.text.startswith("<html>"))


def test_a_key_that_is_ended_midway_is_told_so(world: World, post: Client) -> None:
    world.add_fault("token_expired", nth=[1])
    assert post.code("/v5/app/list") == 17018
    assert post("/v5/app/list")[0] == 200


@pytest.mark.parametrize(("action", "left"), [("cut_before", 25), ("refused", 25), ("cut_after", 23)])
def test_a_lost_answer_leaves_the_truth_open(world: World, post: Client, action: str, left: int) -> None:
    world.add_fault(action, path=f"{DATA}/batch_delete")
    with pytest.raises(httpx.ReadError):
        post(f"{DATA}/batch_delete", **form(), data_ids=[ids.written("c000"), ids.written("c001")])
    assert left == len(names(world))


def test_a_batch_that_fails_in_part_counts_less_and_names_nobody(world: World, post: Client) -> None:
    world.add_fault("partial", item=2)
    wanted = [ids.written(f"c{n:03}") for n in range(4)]
    assert post(f"{DATA}/batch_delete", **form(), data_ids=wanted)[1] == {"status": "success", "success_count": 2}
    assert names(world) & {"c000", "c001", "c002", "c003"} == {"c001", "c003"}
    assert post("/v5/corp/user/batch_delete", usernames=["li", "wang"])[1] == {"status": "success"}
    assert [each["id"] for each in world.effects(kind="user")] == ["li"]


def test_a_single_deletion_can_fail(world: World, post: Client) -> None:
    world.add_fault("partial", item=1)
    assert post.code(f"{DATA}/delete", **form(), data_id=ids.written("c000")) == 4042
    assert post.code("/v5/corp/user/delete", username="li") == 4042


def test_done_may_have_done_nothing(world: World, post: Client) -> None:
    world.add_fault("done_nothing")
    wanted = [ids.written("c000"), ids.written("c001")]
    assert post(f"{DATA}/batch_delete", **form(), data_ids=wanted)[1]["success_count"] == 2
    assert (25, []) == (len(names(world)), world.effects())


@pytest.mark.parametrize(
    ("how", "where", "rows"), [("insert", "after", 26), ("insert", "before", 25), ("remove", "after", 24)]
)
def test_a_listing_shifts_under_who_reads_it(world: World, post: Client, how: str, where: str, rows: int) -> None:
    world.add_fault("shifting_listing", path=f"{DATA}/list", how=how, where=where)
    assert rows == sum(map(len, pages(post, 5)))
    assert len(names(world)) == (24 if how == "remove" else 26)


@pytest.mark.parametrize("how", ["insert", "remove", "change"])
@pytest.mark.parametrize("where", ["after", "before"])
@pytest.mark.parametrize("path", ["/api/v5/app/list", "/api/v5/app/entry/list", "/api/v5/corp/department/user/list"])
def test_other_listings_shift_too(world: World, post: Client, path: str, how: str, where: str) -> None:
    asked = {"app_id": ids.written("crm"), "dept_no": 1, "limit": 2}
    (before,) = post(path, **asked)[1].values()
    world.add_fault("shifting_listing", path=path, times=1, how=how, where=where)
    (during,) = post(path, **asked)[1].values()
    assert during == before
    assert [200, 200] == [post(path, **{**asked, "skip": skip})[0] for skip in (0, 2)]


def test_smaller_pages_lose_rows_for_who_goes_on_from_the_last(world: World, post: Client) -> None:
    world.add_fault("wrong_page_size", size=2)
    first = post(f"{DATA}/list", **form(), limit=10)[1]["data"]
    assert [row["_id"] for row in first] == [ids.written("c000"), ids.written("c001")]
    world.clear_faults()
    world.add_fault("wrong_page_size", size=2, lose=True)
    lossy = post(f"{DATA}/list", **form(), limit=10)[1]["data"]
    assert [row["_id"] for row in lossy] == [ids.written("c000"), ids.written("c009")]


def test_a_repeated_page_comes_for_ever(world: World, post: Client) -> None:
    world.add_fault("repeated_page")
    assert len(pages(post, 5)) == 200


@pytest.mark.parametrize("where", ["error", "html", "page"])
def test_a_credential_can_be_echoed(world: World, post: Client, where: str) -> None:
    world.add_fault("echo_credential", where=where)
    assert "key-all" in post.http.post("/api/v5/app/list", json={}).text
    if where == "page":
        assert "key-all" in post(f"{DATA}/list", **form())[1]["data"][0]["name"]


# Seeds and servers


def test_a_seeded_world_has_two_apps_a_preset_form_and_keys_of_one_text(tmp_path: Path) -> None:
    seed(tmp_path / "jdy.db", dialect="jiandaoyun")
    keys = json.loads((tmp_path / "jdy.db.keys.json").read_text())
    assert {name: set(found) for name, found in keys.items()} == {
        name: {"id", "api_key"} for name in ("read", "write", "weak")
    }
    with World.open(tmp_path / "jdy.db") as world, Server(world) as server:
        http = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {keys['read']['api_key']}"})
        post = Client(http)
        apps = post("/v5/app/list")[1]["apps"]
        forms = [form for each in apps for form in post("/v5/app/entry/list", app_id=each["app_id"])[1]["forms"]]
        assert (2, 5) == (len(apps), len(forms))
        asked = [post("/v5/app/entry/widget/list", app_id=each["app_id"], entry_id=each["entry_id"]) for each in forms]
        assert [answer["code"] for status, answer in asked if status == 400] == [30002]
        row = post(f"{DATA}/list", **form(entry="deals"), limit=1)[1]["data"][0]
        url = next(value for value in row.values() if isinstance(value, list))[0]["url"]
        assert f"http://{urlsplit(url).netloc}" == server.url
        assert httpx.get(url).status_code == 200


def test_names_that_try_to_do_harm_come_as_they_are(tmp_path: Path) -> None:
    keys = seed(tmp_path / "jdy.db", dialect="jiandaoyun", contacts=4, hostile=True)
    with World.open(tmp_path / "jdy.db") as world:
        post = client_of(world, keys["read"].token)
        users = post("/v5/corp/department/user/list", dept_no=1, has_child=True)[1]["users"]
        forms = post("/v5/app/entry/list", app_id=ids.written("crm"))[1]["forms"]
        rows = post(f"{DATA}/list", **form(entry="hostile"), limit=100)[1]["data"]
        files = [file for row in rows for value in row.values() if isinstance(value, list) for file in value]
        assert {each["name"] for each in users} >= set(HOSTILE) <= {each["name"] for each in forms}
        assert (len(HOSTILE) + 1, len(HOSTILE) + 1) == (len(rows), len(files))
        bare = httpx.Client(transport=httpx.WSGITransport(app=app(world, dialect=dialect())))
        assert [file["size"] for file in files] == [len(bare.get(file["url"]).content) for file in files]


def test_every_call_is_logged_with_the_worlds_ids(world: World, post: Client) -> None:
    for path in CALLS:
        post(
            path, **form(), data_id=ids.written("c001"), data_ids=[ids.written("c002")], username="li", usernames=["li"]
        )
    assert [each["ids"] for each in world.log() if each["ids"]] == [["c001"], ["c002"], ["li"], ["li"]]
