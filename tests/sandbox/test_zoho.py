"""Zoho CRM as it is simulated: signing in, people, the org, modules, records, deleting and the bin, seen by a client of its
own. Every answer is held against the published descriptions on the way."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmstate.sandbox import World, adopt, clock
from crmstate.sandbox.dialects.zoho import client_id, credential, ids
from crmstate.sandbox.names import HOSTILE

from .zoho_client import Client, at

FIELDS = [
    {"name": "name", "type": "text", "label": "Name"},
    {"name": "amount", "type": "money", "label": "Amount"},
    {"name": "closes_on", "type": "date", "label": "Closes on"},
    {"name": "vip", "type": "bool", "label": "VIP"},
    {"name": "tags", "type": "list", "label": "Tags"},
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Owner, an administrator who holds the keys, three members; contacts, deals, and dashboards without an API."""
    with World.create(tmp_path / "world.db", dialect="zoho") as made:
        made.add_user("boss", role="owner", name="Mia Boss")
        made.add_user("admin", role="admin", name="Ada Admin")
        for id in ("li", "wang", "zhao"):
            made.add_user(id, name=f"{id} 王")
        made.add_key("k1", "admin")
        made.add_key("k2", "admin", scopes=["read"])
        made.add_key("k3", "li")
        made.add_key("k4", "admin", scopes=["ZohoCRM.users.READ", "ZohoCRM.modules.contacts.ALL"])
        made.add_key("k5", "admin", status="revoked")
        made.add_dataset("contacts", "Contacts", FIELDS)
        made.add_dataset("deals", "Deals", FIELDS)
        made.add_dataset("dashboards", "Dashboards", exportable=False)
        values = {"name": "王 Groß", "amount": "12.50", "closes_on": "2027-01-31", "vip": True, "tags": ["新", "b"]}
        made.add_rows(
            "contacts",
            [{"id": f"c{n:04}", "owner_id": "li" if n < 3 else "wang", "fields": values} for n in range(2450)],
        )
        made.add_rows("deals", [{"id": f"d{n:04}", "fields": {"name": f"deal {n}"}} for n in range(30)])
        yield made


@pytest.fixture
def zoho(world: World) -> Client:
    return Client(world)


def users(answer: Any) -> set[str]:
    return {ids.read(row["id"], ()) or "" for row in answer["users"]}


def pages(zoho: Client, module: str, **query: Any) -> list[list[dict[str, Any]]]:
    """Everything, by page up to the 2,000th and by token from there on."""
    found, page, token = [], 1, None
    while len(found) < 100:
        where = {"page_token": token} if token else {"page": page}
        answer = zoho.get(module, fields="Name", per_page=200, **where, **query)
        found.append(answer["data"])
        if not answer["info"]["more_records"]:
            return found
        page, token = page + 1, answer["info"]["next_page_token"] if page >= 10 else None
    return found


# Ids and names


@pytest.mark.parametrize("id", ["a", "contacts", "c000001-x", "0-x000001", "ABC_def-9", "x" * 10])
def test_a_plain_id_is_written_and_read_back_alone(id: str) -> None:
    assert id == ids.read(at(id), ())
    assert (19, True) == (len(at(id)), at(id).isdigit())


@pytest.mark.parametrize("id", ["x" * 11, "é", "a b", "", *(f"{text}#" for text in HOSTILE)])
def test_any_other_id_is_found_by_looking(id: str) -> None:
    assert id == ids.read(at(id), ["plain", "another long one", id])
    assert ids.read(at(id), ["plain"]) is None


def test_plain_ids_keep_their_order_and_come_first() -> None:
    some = sorted(["-", "0", "a", "a0", "a-1", "B", "_", "zz", "c0001", "c0001-x", "0-c0001"])
    assert some == sorted(some, key=at)
    assert at("z" * 10) < at("a long one of these") < "9" * 19


def test_names_of_modules_and_fields_are_the_vendors_kind() -> None:
    assert ("Contacts", "Closes_On") == (ids.module_name("contacts"), ids.field_name("closes_on"))
    for id in HOSTILE:
        assert ids.module_name(id).isidentifier() and ids.field_name(id).isidentifier()


# Signing in


def test_a_refresh_token_gives_an_access_token_for_an_hour_and_the_domain_to_use(world: World, zoho: Client) -> None:
    found = zoho.sign_in()

    assert ("https://zoho.test", 3600, "Bearer") == (found["api_domain"], found["expires_in"], found["token_type"])
    assert 200 == zoho("GET", "org")[0]
    clock.advance(world, "1h")
    assert (401, "INVALID_TOKEN") == zoho.code("GET", "org")


def test_a_client_may_sign_in_for_itself(zoho: Client) -> None:
    assert "access_token" in zoho.sign_in(grant_type="client_credentials", refresh_token="")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"refresh_token": "1000.never.was"}, "invalid_code"),
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"client_secret": "wrong"}, "invalid_client_secret"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_what_is_wrong_with_signing_in_is_told_in_http_200(zoho: Client, changes: dict[str, str], error: str) -> None:
    assert error == zoho.sign_in(**changes)["error"]


def test_a_revoked_key_signs_in_no_more(world: World) -> None:
    assert "invalid_code" == Client(world, "k5").sign_in()["error"]


@pytest.mark.parametrize("token", ["at_never", "", None])
def test_other_tokens_and_the_clients_secret_open_nothing(zoho: Client, token: str | None) -> None:
    zoho.http.headers["Authorization"] = f"Zoho-oauthtoken {token or zoho.key.token}"
    assert (401, "INVALID_TOKEN") == zoho.code("GET", "org")


def test_a_bearer_token_is_none(zoho: Client) -> None:
    zoho.http.headers["Authorization"] = f"Bearer {zoho.sign_in()['access_token']}"
    assert (401, "INVALID_TOKEN") == zoho.code("GET", "org")


def test_ten_access_tokens_in_ten_minutes_where_rates_are_kept(world: World, zoho: Client) -> None:
    world.set_traits(rates=True)

    assert ["access_token"] * 10 + ["error"] == [next(iter(zoho.sign_in())) for _ in range(11)]
    clock.advance(world, "10m")
    assert "access_token" in zoho.sign_in()


def test_revoking_the_refresh_token_ends_its_access_tokens(world: World, zoho: Client) -> None:
    zoho.sign_in()

    answer = zoho.http.post("/oauth/v2/token/revoke", params={"token": zoho.key.refresh_token})

    assert (200, {"status": "success"}) == (answer.status_code, answer.json())
    assert (401, "INVALID_TOKEN") == zoho.code("GET", "org")
    assert [("revoke", "k1")] == [(each["verb"], each["id"]) for each in world.effects(kind="api_key")]
    assert 400 == zoho.http.post("/oauth/v2/token/revoke", params={"token": zoho.key.refresh_token}).status_code


def test_revoking_an_access_token_leaves_the_refresh_token(zoho: Client) -> None:
    token = zoho.sign_in()["access_token"]

    assert 200 == zoho.http.post("/oauth/v2/token/revoke", params={"token": token}).status_code
    assert (401, "INVALID_TOKEN") == zoho.code("GET", "org")
    assert "access_token" in zoho.sign_in()


def test_the_newer_form_of_revoking_wants_the_client(zoho: Client) -> None:
    basic = base64.b64encode(f"{client_id('k1')}:{zoho.key.token}".encode()).decode()
    form = {"token": zoho.key.refresh_token, "token_type_hint": "refresh_token"}
    bare = zoho.http.post("/oauth/v2/revoke/token", data=form)
    signed = zoho.http.post("/oauth/v2/revoke/token", data=form, headers={"Authorization": f"Basic {basic}"})

    assert (401, 200) == (bare.status_code, signed.status_code)


def test_a_credential_is_a_client_and_a_refresh_token(world: World) -> None:
    assert {"client_id", "client_secret", "refresh_token"} == set(credential(world.credentials()["k1"]))


def test_a_read_only_key_may_not_change_anything(world: World) -> None:
    reader = Client(world, "k2")

    assert 200 == reader("GET", "users")[0]
    assert (401, "OAUTH_SCOPE_MISMATCH") == reader.code("DELETE", f"users/{at('li')}")
    assert (401, "OAUTH_SCOPE_MISMATCH") == reader.code("DELETE", "Contacts", ids=at("c0000"))


def test_the_vendors_own_scopes_are_looked_at_one_by_one(world: World) -> None:
    narrow = Client(world, "k4")

    assert 200 == narrow("GET", "users")[0]
    assert 200 == narrow("GET", "Contacts", fields="id")[0]
    assert (401, "OAUTH_SCOPE_MISMATCH") == narrow.code("GET", "Deals", fields="id")
    assert (401, "OAUTH_SCOPE_MISMATCH") == narrow.code("GET", "org")
    assert (401, "OAUTH_SCOPE_MISMATCH") == narrow.code("GET", "Contacts/actions/count"), "securesearch is missing"


def test_a_closed_org_lets_nobody_in(world: World, zoho: Client) -> None:
    zoho.sign_in()
    world.put("account", {**world.get("account"), "status": "closed"})

    assert (401, "INVALID_TOKEN") == zoho.code("GET", "org")
    assert "invalid_code" == zoho.sign_in()["error"]


# Users


@pytest.mark.parametrize(
    ("type", "expected"),
    [
        ("AllUsers", {"boss", "admin", "li", "wang"}),
        ("ActiveUsers", {"boss", "admin", "li"}),
        ("DeactiveUsers", {"wang"}),
        ("DeletedUsers", {"zhao"}),
        ("AdminUsers", {"boss", "admin"}),
        ("CurrentUser", {"admin"}),
    ],
)
def test_users_are_listed_by_types(zoho: Client, type: str, expected: set[str]) -> None:
    zoho("PUT", f"users/{at('wang')}", {"users": [{"status": "inactive"}]})
    zoho("DELETE", f"users/{at('zhao')}")

    assert expected == users(zoho.get("users", type=type))
    assert {"count": len(expected)} == zoho.get("users/actions/count", type=type)


def test_no_users_are_204(zoho: Client) -> None:
    assert (204, None) == zoho("GET", "users", type="DeveloperUsers")


def test_users_come_in_pages(zoho: Client) -> None:
    found = [zoho.get("users", page=page, per_page=2) for page in (1, 2, 3)]

    assert [2, 2, 1] == [each["info"]["count"] for each in found]
    assert [True, True, False] == [each["info"]["more_records"] for each in found]
    assert {"boss", "admin", "li", "wang", "zhao"} == set().union(*(users(each) for each in found))
    assert (400, "LIMIT_EXCEEDED") == zoho.code("GET", "users", per_page=201)


def test_inactive_is_written_and_disabled_is_read(zoho: Client) -> None:
    status, answer = zoho("PUT", f"users/{at('li')}", {"users": [{"status": "inactive"}]})

    assert (200, "SUCCESS", at("li")) == (status, answer["users"][0]["code"], answer["users"][0]["details"]["id"])
    (user,) = zoho.get(f"users/{at('li')}")["users"]
    assert ("disabled", "disabled manually") == (user["status"], user["status_reason__s"])


@pytest.mark.parametrize(
    ("id", "code"),
    [
        ("wang", "ID_ALREADY_DEACTIVATED"),
        ("boss", "INVALID_REQUEST"),
        ("admin", "INVALID_REQUEST"),
        ("x", "INVALID_DATA"),
    ],
)
def test_who_cannot_be_switched_off_is_told_why(world: World, zoho: Client, id: str, code: str) -> None:
    world.run("UPDATE users SET status = 'inactive' WHERE id = 'wang'")

    assert (400, code) == zoho.code("PUT", f"users/{at(id)}", {"users": [{"status": "inactive"}]})


def test_the_primary_contact_and_the_logged_in_user_stay(zoho: Client) -> None:
    for id, message in (("boss", "Primary contact cannot be deleted"), ("admin", "over logged in user")):
        status, answer = zoho("DELETE", f"users/{at(id)}")
        assert 400 == status and message in answer["users"][0]["message"]


def test_a_user_is_deleted_once(world: World, zoho: Client) -> None:
    assert (200, "SUCCESS") == zoho.code("DELETE", f"users/{at('li')}")
    assert (400, "ID_ALREADY_DELETED") == zoho.code("DELETE", f"users/{at('li')}")
    assert (400, "INVALID_DATA") == zoho.code("DELETE", f"users/{at('nobody')}")
    assert "deleted" == zoho.get(f"users/{at('li')}")["users"][0]["status"]
    assert [] == world.twice()


def test_several_users_are_changed_in_http_200_with_a_status_each(zoho: Client) -> None:
    rows = [{"id": at(id), "status": "inactive"} for id in ("boss", "li", "x")]

    status, answer = zoho("PUT", "users", {"users": rows})

    assert (200, ["error", "success", "error"]) == (status, [each["status"] for each in answer["users"]])


def test_special_users_and_orgs_refuse(world: World, zoho: Client) -> None:
    world.set_traits(user_types={"li": "Support User"})
    off = {"users": [{"status": "inactive"}]}

    assert (400, "NOT_ALLOWED") == zoho.code("PUT", f"users/{at('li')}", off)
    world.set_traits(console=True)
    assert (400, "NOT_ALLOWED") == zoho.code("PUT", f"users/{at('wang')}", off)


def test_nobody_is_changed_once_a_trial_is_over(world: World, zoho: Client) -> None:
    world.set_traits(trial="2026-11-05")
    (org,) = zoho.get("org")["org"]
    assert (False, "2026-11-05") == (org["license_details"]["paid"], org["license_details"]["trial_expiry"])
    assert (200, "SUCCESS") == zoho.code("PUT", f"users/{at('li')}", {"users": [{"status": "inactive"}]})
    clock.advance(world, "5d")
    zoho.sign_in()

    assert (400, "AUTHORIZATION_FAILED") == zoho.code("PUT", f"users/{at('wang')}", {"users": [{"status": "inactive"}]})
    assert (400, "AUTHORIZATION_FAILED") == zoho.code("DELETE", f"users/{at('wang')}")


def test_deleting_can_be_capped_per_org(world: World, zoho: Client) -> None:
    world.set_traits(restrict_deletion=True)
    for n in range(11):
        world.add_user(f"gone{n}")
    world.run("UPDATE users SET deleted_at = '2026-11-01T00:00:00Z' WHERE id LIKE 'gone%'")

    assert (403, "NO_PERMISSION") == zoho.code("DELETE", f"users/{at('li')}")


def test_switching_on_needs_a_licence(world: World, zoho: Client) -> None:
    zoho("PUT", f"users/{at('li')}", {"users": [{"status": "inactive"}]})
    world.set_subscription(seats=4)

    assert (400, "LICENSE_LIMIT_EXCEEDED") == zoho.code("PUT", f"users/{at('li')}", {"users": [{"status": "active"}]})


def test_transfer_and_delete_is_a_job(world: World, zoho: Client) -> None:
    body = {"transfer": {"id": at("wang"), "records": True}, "move_subordinate": {"id": at("admin")}}
    path = f"users/{at('li')}/actions/transfer_and_delete"
    status, answer = zoho("POST", path, {"transfer_and_delete": [body]})
    job = answer["transfer_and_delete"][0]["details"]["job_id"]

    states = [zoho.get("users/actions/transfer_and_delete", job_id=job) for _ in range(2)]

    assert 200 == status
    assert ["in_progress", "completed"] == [each["transfer_and_delete"][0]["status"] for each in states]
    assert "deleted" == zoho.get(f"users/{at('li')}")["users"][0]["status"]
    assert {"wang"} == {row["owner_id"] for row in world.rows("contacts")}
    assert (204, None) == zoho("GET", "users/actions/transfer_and_delete", job_id=1)
    assert (400, "REQUIRED_PARAM_MISSING") == zoho.code("GET", "users/actions/transfer_and_delete")


def test_transfer_and_delete_needs_both_people(zoho: Client) -> None:
    path = f"users/{at('li')}/actions/transfer_and_delete"
    for body in ({"transfer": {"id": at("wang")}}, {"move_subordinate": {"id": at("wang")}}):
        assert (400, "EXPECTED_FIELD_MISSING") == zoho.code("POST", path, {"transfer_and_delete": [body]})


def test_a_job_nobody_looks_at_ends_with_time(world: World, zoho: Client) -> None:
    body = {"transfer": {"id": at("wang")}, "move_subordinate": {"id": at("admin")}}
    zoho("POST", f"users/{at('li')}/actions/transfer_and_delete", {"transfer_and_delete": [body]})

    assert "active" == zoho.get(f"users/{at('li')}")["users"][0]["status"]
    clock.advance(world, "10m")
    assert "deleted" == zoho.get(f"users/{at('li')}")["users"][0]["status"]


def test_a_member_manages_nobody_and_sees_its_own(world: World) -> None:
    member = Client(world, "k3")

    assert {"li"} == users(member.get("users"))
    assert (403, "NO_PERMISSION") == member.code("PUT", f"users/{at('wang')}", {"users": [{"status": "inactive"}]})
    assert (403, "NO_PERMISSION") == member.code("DELETE", f"users/{at('wang')}")
    assert 3 == len(member.get("Contacts", fields="id")["data"])
    assert {"count": 3} == member.get("Contacts/actions/count")
    assert (400, "AUTHORIZATION_FAILED") == member.code("POST", "settings/recycle_bin/actions/empty")


# The org


def test_the_licence_is_told_and_a_downgrade_is_at_once(world: World, zoho: Client) -> None:
    (org,) = zoho.get("org")["org"]
    assert (True, "professional", 57) == tuple(
        org["license_details"][name] for name in ("paid", "paid_type", "users_license_purchased")
    )
    world.set_subscription(status="free")
    for id in ("admin", "li", "wang", "zhao"):
        world.run("UPDATE users SET status = 'inactive' WHERE id = ?", id)

    (org,) = zoho.get("org")["org"]

    assert (False, "free", True) == (
        org["license_details"]["paid"], org["license_details"]["paid_type"], org["deletable_org_account"]
    )  # fmt: skip


def test_licences_are_counted_apart_from_users(zoho: Client) -> None:
    (row,) = zoho.get("__features/user_licenses")["__features"]
    zoho("PUT", f"users/{at('li')}", {"users": [{"status": "inactive"}]})
    (later,) = zoho.get("__features/user_licenses")["__features"]

    assert (57, 5, 52) == tuple(row["details"][name]["total"] for name in ("limits", "used_count", "available_count"))
    assert (57, 4) == tuple(later["details"][name]["total"] for name in ("limits", "used_count"))


def test_roles_and_profiles_say_who_is_an_administrator(zoho: Client) -> None:
    profiles = {row["id"]: row["name"] for row in zoho.get("settings/profiles")["profiles"]}
    found = {ids.read(row["id"], ()): profiles[row["profile"]["id"]] for row in zoho.get("users")["users"]}

    assert ("Administrator", "Standard") == (found["admin"], found["li"])
    assert {"CEO", "Manager"} == {row["name"] for row in zoho.get("settings/roles")["roles"]}


# Modules and fields


def test_every_dataset_is_a_module(zoho: Client) -> None:
    found = {row["api_name"]: row["api_supported"] for row in zoho.get("settings/modules")["modules"]}

    assert {"Contacts": True, "Deals": True, "Dashboards": False} == found
    assert "Deals" == zoho.get("settings/modules/Deals")["modules"][0]["api_name"]
    assert (204, None) == zoho("GET", "settings/modules/Nothing")
    assert (204, None) == zoho("GET", "settings/modules", status="user_hidden")
    assert (400, "INVALID_DATA") == zoho.code("GET", "settings/modules", status="odd")


def test_fields_have_their_names_and_types(zoho: Client) -> None:
    found = {row["api_name"]: row["data_type"] for row in zoho.get("settings/fields", module="Contacts")["fields"]}

    wanted = {
        "Name": "text",
        "Amount": "currency",
        "Closes_On": "date",
        "Vip": "boolean",
        "Tags": "multiselectpicklist",
    }
    assert wanted.items() <= found.items() and {"Owner", "nearby_distance__s"} <= set(found)
    assert (400, "REQUIRED_PARAM_MISSING") == zoho.code("GET", "settings/fields")
    assert (400, "INVALID_MODULE") == zoho.code("GET", "settings/fields", module="Nothing")


# Records


def test_records_come_with_the_fields_asked_for(zoho: Client) -> None:
    (row,) = zoho.get("Contacts", fields="Name,Amount,Owner,Created_Time", per_page=1)["data"]

    assert {"id", "Name", "Amount", "Owner", "Created_Time"} == set(row)
    assert (at("c0000"), "王 Groß", 12.5, at("li")) == (row["id"], row["Name"], row["Amount"], row["Owner"]["id"])
    assert row["Created_Time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "REQUIRED_PARAM_MISSING"),
        ({"fields": ",".join(f"F{n}" for n in range(51))}, "LIMIT_EXCEEDED"),
        ({"fields": "id", "per_page": 201}, "LIMIT_EXCEEDED"),
        ({"fields": "id", "page": 11}, "DISCRETE_PAGINATION_LIMIT_EXCEEDED"),
        ({"fields": "id", "page_token": "odd"}, "INVALID_DATA"),
        ({"fields": "id", "page": 0}, "INVALID_DATA"),
    ],
)
def test_what_is_asked_for_badly_is_refused(zoho: Client, query: dict[str, Any], code: str) -> None:
    assert (400, code) == zoho.code("GET", "Contacts", **query)


def test_pages_go_to_the_2000th_record_and_tokens_from_there_on(zoho: Client) -> None:
    found = [row["id"] for page in pages(zoho, "Contacts") for row in page]

    assert [at(f"c{n:04}") for n in range(2450)] == found


@pytest.mark.parametrize("sort", ["id", "Created_Time"])
def test_records_come_backwards_too(zoho: Client, sort: str) -> None:
    found = [row["id"] for page in pages(zoho, "Contacts", sort_by=sort, sort_order="desc") for row in page]

    assert [at(f"c{n:04}") for n in reversed(range(2450))] == found


def test_a_token_is_for_one_reader_one_question_and_one_day(world: World, zoho: Client) -> None:
    token = zoho.get("Contacts", fields="Name")["info"]["next_page_token"]
    other = Client(world, "k3")

    assert 200 == zoho("GET", "Contacts", fields="Name", page_token=token)[0]
    assert (400, "TOKEN_BOUND_DATA_MISMATCH") == zoho.code("GET", "Contacts", fields="id", page_token=token)
    assert (400, "TOKEN_BOUND_DATA_MISMATCH") == other.code("GET", "Contacts", fields="Name", page_token=token)
    assert (400, "AMBIGUITY_DURING_PROCESSING") == zoho.code("GET", "Contacts", fields="Name", page_token=token, page=2)
    clock.advance(world, "24h")
    zoho.sign_in()
    assert (400, "EXPIRED_VALUE") == zoho.code("GET", "Contacts", fields="Name", page_token=token)
    assert len(token) <= 100


def test_ids_of_every_kind_are_listed_and_found(world: World, zoho: Client) -> None:
    odd = ["a long id, and an odd one", "../../evil", *(f"{text}#" for text in HOSTILE)]
    world.add_rows("deals", [{"id": id} for id in odd])

    found = [row["id"] for page in pages(zoho, "Deals") for row in page]

    assert {at(id) for id in odd} < set(found) and len(set(found)) == len(found) == 30 + len(odd)
    for id in odd:
        assert at(id) == zoho.get(f"Deals/{at(id)}")["data"][0]["id"]


def test_an_empty_module_is_204(world: World, zoho: Client) -> None:
    world.add_dataset("nothing")

    assert (204, None) == zoho("GET", "Nothing", fields="id")
    assert {"count": 0} == zoho.get("Nothing/actions/count")


def test_a_module_without_an_api_is_invalid(zoho: Client) -> None:
    for path in ("Dashboards", "Nothing"):
        assert (400, "INVALID_MODULE") == zoho.code("GET", path, fields="id")


def test_one_record_and_records_by_ids(zoho: Client) -> None:
    assert "deal 7" == zoho.get(f"Deals/{at('d0007')}")["data"][0]["Name"]
    assert (204, None) == zoho("GET", f"Deals/{at('d9999')}")
    named = zoho.get("Deals", fields="Name", ids=",".join((at("d0003"), at("d9999"), at("d0001"))))
    assert [at("d0001"), at("d0003")] == [row["id"] for row in named["data"]]


def test_records_are_counted(zoho: Client) -> None:
    assert {"count": 2450} == zoho.get("Contacts/actions/count")
    assert (400, "INVALID_REQUEST") == zoho.code("GET", "Contacts/actions/count", words="x")


def test_converted_leads_hide_from_whoever_does_not_ask_for_them(world: World, zoho: Client) -> None:
    world.add_dataset("leads", "Leads", FIELDS)
    world.add_rows("leads", [{"id": f"l{n}", "owner_id": "li" if n < 2 else "wang", "fields": {}} for n in range(4)])
    world.set_traits(converted=["leads/l0", "leads/l3", "deals/l1"])
    some = ",".join(at(f"l{n}") for n in range(4))
    shown = {"false": ["l1", "l2"], "true": ["l0", "l3"], "both": ["l0", "l1", "l2", "l3"]}

    for wanted, expected in shown.items():
        for more in ({}, {"ids": some}, {"sort_by": "Modified_Time"}, {"per_page": 200}):
            found = zoho.get("Leads", fields="id", converted=wanted, **more)["data"]
            assert [at(id) for id in expected] == [row["id"] for row in found], (wanted, more)
        assert {"count": len(expected)} == zoho.get("Leads/actions/count", converted=wanted)
    assert shown["false"] == [ids.read(row["id"], ()) for row in zoho.get("Leads", fields="id")["data"]]
    assert ({"count": 2}, {"count": 30}) == (zoho.get("Leads/actions/count"), zoho.get("Deals/actions/count"))
    assert {"count": 1} == Client(world, "k3").get("Leads/actions/count", converted="true"), "a member's own"
    assert (400, "INVALID_DATA") == zoho.code("GET", "Leads", fields="id", converted="maybe")


def test_coql_gives_two_hundred_rows_or_a_number(zoho: Client) -> None:
    where = "where id is not null and Vip = 'true'"
    found = zoho(
        "POST", "coql", {"select_query": f"select Name from Contacts {where} order by id limit 200 offset 2400"}
    )[1]
    number = zoho("POST", "coql", {"select_query": f"select COUNT(id) from Contacts {where}"})[1]

    assert (50, False, at("c2400")) == (len(found["data"]), found["info"]["more_records"], found["data"][0]["id"])
    assert 2450 == number["data"][0]["COUNT(id)"]
    assert (400, "LIMIT_EXCEEDED") == zoho.code(
        "POST", "coql", {"select_query": f"select id from Deals {where[:20]} null limit 201"}
    )
    assert (400, "SYNTAX_ERROR") == zoho.code("POST", "coql", {"select_query": "drop table"})
    assert (400, "INVALID_QUERY") == zoho.code(
        "POST", "coql", {"select_query": "select Odd from Deals where id is not null"}
    )


# Deleting and the bin


def test_deleted_records_lie_in_the_bin(world: World, zoho: Client) -> None:
    assert (200, "SUCCESS") == zoho.code("DELETE", "Deals", ids=at("d0000"))
    assert (200, "SUCCESS") == zoho.code("DELETE", f"Deals/{at('d0001')}")

    (first, second) = zoho.get("settings/recycle_bin")["recycle_bin"]
    assert ((at("d0000"), "Deals"), (at("d0001"), "Deals")) == (
        (first["id"], first["module"]["api_name"]),
        (second["id"], second["module"]["api_name"]),
    )
    assert {"count": 2} == zoho.get("settings/recycle_bin/actions/count")
    assert {"recycle"} == {row["type"] for row in zoho.get("Deals/deleted")["data"]}
    assert (204, None) == zoho("GET", f"Deals/{at('d0000')}")
    assert (204, None) == zoho("GET", "Deals/deleted", type="permanent")


def test_part_of_a_deletion_is_207_and_only_errors_are_200(zoho: Client) -> None:
    part = zoho("DELETE", "Deals", ids=f"{at('d0000')},{at('d9999')}")
    none = zoho("DELETE", "Deals", ids=f"{at('d0000')},{at('d9999')}")

    assert (207, ["success", "error"]) == (part[0], [each["status"] for each in part[1]["data"]])
    assert (200, ["INVALID_DATA"] * 2) == (none[0], [each["code"] for each in none[1]["data"]])
    assert (400, "INVALID_DATA") == zoho.code("DELETE", f"Deals/{at('d0000')}")


def test_a_deletion_names_a_hundred_ids_in_1024_characters(zoho: Client) -> None:
    numbers = [at(f"c{n:04}") for n in range(52)]

    assert (400, "REQUIRED_PARAM_MISSING") == zoho.code("DELETE", "Contacts")
    assert (400, "INVALID_DATA") == zoho.code("DELETE", "Contacts", ids=",".join(numbers))
    assert (400, "INVALID_DATA") == zoho.code("DELETE", "Contacts", ids=",".join("1" for _ in range(101)))
    assert 51 == len(zoho("DELETE", "Contacts", ids=",".join(numbers[:51]))[1]["data"])


def test_mass_delete_takes_five_hundred(world: World, zoho: Client) -> None:
    numbers = [at(f"c{n:04}") for n in range(501)]

    assert (400, "LIMIT_EXCEEDED") == zoho.code("POST", "Contacts/actions/mass_delete", {"ids": numbers})
    status, answer = zoho("POST", "Contacts/actions/mass_delete", {"ids": numbers[1:]})
    again = zoho("POST", "Contacts/actions/mass_delete", {"ids": numbers[:2]})

    assert (200, 500) == (status, len(answer["data"]))
    assert (207, ["success", "error"]) == (again[0], [each["status"] for each in again[1]["data"]])
    assert 1949 == len(list(world.rows("contacts")))


def test_deleting_a_view_is_a_job(world: World, zoho: Client) -> None:
    world.set_traits(edition="enterprise")
    (view,) = zoho.get("settings/custom_views", module="Deals")["custom_views"]
    _, answer = zoho("POST", "Deals/actions/mass_delete", {"cvid": view["id"]})
    job = answer["data"][0]["details"]["job_id"]

    states = [zoho.get("Deals/actions/mass_delete", job_id=job)["data"][0] for _ in range(2)]

    assert [("RUNNING", 30, 0), ("COMPLETED", 30, 30)] == [
        (each["Status"], each["Total_Count"], each["Deleted_Count"]) for each in states
    ]
    assert [] == list(world.rows("deals"))
    assert (400, "NO_RECORDS_FOUND") == zoho.code("POST", "Deals/actions/mass_delete", {"cvid": view["id"]})
    assert (400, "INVALID_DATA") == zoho.code("GET", "Deals/actions/mass_delete", job_id=7)


def test_emptying_is_done_at_once_for_a_thousand_and_later_for_more(world: World, zoho: Client) -> None:
    for start in (0, 500, 1000):
        wanted = [at(f"c{n:04}") for n in range(start, start + 500)]
        zoho("POST", "Contacts/actions/mass_delete", {"ids": wanted})

    assert (202, "SCHEDULED") == zoho.code("POST", "settings/recycle_bin/actions/empty")
    assert [1500, 0] == [zoho.get("settings/recycle_bin/actions/count")["count"] for _ in range(2)]
    zoho("DELETE", "Deals", ids=at("d0000"))
    assert (200, "SUCCESS") == zoho.code("POST", "settings/recycle_bin/actions/empty")
    assert {"count": 0} == zoho.get("settings/recycle_bin/actions/count")
    assert [1, 1] == [len(world.effects(verb="empty", id=id)) for id in ("contacts", "deals")]
    assert 200 == len(zoho.get("Contacts/deleted", type="permanent")["data"])
    assert (200, "SUCCESS") == zoho.code("POST", "settings/recycle_bin/actions/empty"), "an empty bin is emptied, too"


def test_single_records_are_taken_out_of_the_bin_for_good(world: World, zoho: Client) -> None:
    zoho("DELETE", "Deals", ids=",".join(at(f"d000{n}") for n in range(3)))

    assert (200, "SUCCESS") == zoho.code("DELETE", f"settings/recycle_bin/{at('d0000')}")
    assert (400, "INVALID_DATA") == zoho.code("DELETE", f"settings/recycle_bin/{at('d0000')}")
    assert 207 == zoho("DELETE", "settings/recycle_bin", ids=f"{at('d0000')},{at('d0001')}")[0]
    assert {"count": 1} == zoho.get("settings/recycle_bin/actions/count")


def test_records_come_back_out_of_the_bin_with_their_files(world: World, zoho: Client) -> None:
    world.add_attachment("deals", "f1", "d0001", name="a.pdf", content=b"x")
    zoho("DELETE", "Deals", ids=",".join(at(f"d000{n}") for n in range(5)))
    zoho("DELETE", "Contacts", ids=at("c0000"))
    restore = "settings/recycle_bin/actions/restore"

    assert (200, "SUCCESS") == zoho.code("POST", f"settings/recycle_bin/{at('d0001')}/actions/restore")
    assert (400, "INVALID_DATA") == zoho.code("POST", f"settings/recycle_bin/{at('d0001')}/actions/restore")
    assert 200 == zoho("GET", f"Deals/{at('d0001')}/Attachments", fields="id")[0]
    status, answer = zoho("POST", restore, {"ids": [at("d0002"), at("d0009")]})
    assert (207, [at("d0002"), at("d0009")]) == (status, [each["id"] for each in answer["recycle_bin"]])
    assert (400, "AMBIGUITY_DURING_PROCESSING") == zoho.code(
        "POST", restore, {"ids": ["1"], "restore_all_records": True}
    )
    assert (202, "SCHEDULED") == zoho.code("POST", restore, {"restore_all_records": True})
    clock.advance(world, "1h")
    zoho.sign_in()
    assert ({"count": 0}, {"count": 30}) == (
        zoho.get("settings/recycle_bin/actions/count"), zoho.get("Deals/actions/count")
    )  # fmt: skip
    assert (403, "NO_PERMISSION") == Client(world, "k3").code("POST", restore, {"restore_all_records": True})


def test_the_bin_forgets_after_sixty_days(world: World, zoho: Client) -> None:
    zoho("DELETE", "Deals", ids=at("d0000"))
    clock.advance(world, "59d")
    zoho.sign_in()
    assert {"count": 1} == zoho.get("settings/recycle_bin/actions/count")
    clock.advance(world, "2d")
    zoho.sign_in()

    assert {"count": 0} == zoho.get("settings/recycle_bin/actions/count")
    assert {"permanent"} == {row["type"] for row in zoho.get("Deals/deleted")["data"]}


# An org that was observed


def test_an_observed_org_is_played_under_its_modules_names_and_its_own_number(tmp_path: Path) -> None:
    person = {"email": "a@example.com", "name": "A", "status": "active"}
    seen = {
        "tenant": {"id": "652930567", "name": "Rehearsal"},
        "own": {"read": {"user": at("boss"), "key": None}, "write": {"user": at("admin"), "key": None}},
        "users": [{**person, "id": at("boss"), "role": "admin"}, {**person, "id": at("li"), "role": "member"}],
        "sessions": [],
        "keys": [],
        "integrations": [
            {"id": f"webhook/{at('w1')}", "type": "webhook", "name": "hook", "target": "x", "status": "active"},
            {"id": "portal/Acme", "type": "portal", "name": "portal 1", "target": "x", "status": "active"},
        ],
        "modules": [],
        "datasets": [
            {"id": id, "name": id, "rows": 5, "attachments": 2, "binned": 1, "exportable": True}
            for id in ("Contacts", "Sales_Orders", "CustomModule12")
        ],
        "subscription": {"plan": "enterprise"},
        "account": {"id": "652930567", "status": "open"},
    }

    shown = adopt(tmp_path / "played.db", seen, "zoho", "2026-11-01T08:00:00Z")

    with World.open(tmp_path / "played.db") as world:
        zoho = Client(world, "own-write")
        found = {row["id"] for row in zoho.get("users")["users"]}
        assert {shown["user"][at(id)] for id in ("boss", "li", "admin")} == found
        assert "Administrator" == zoho.get("users", type="CurrentUser")["users"][0]["profile"]["name"]
        assert "652930567" == zoho.get("org")["org"][0]["zgid"]
        assert "enterprise" == zoho.get("org")["org"][0]["license_details"]["paid_type"]
        for module in ("Contacts", "Sales_Orders", "CustomModule12"):
            assert {"count": 5} == zoho.get(f"{module}/actions/count")
            assert shown["world.dataset"][module] in {id for (id,) in world.all("SELECT id FROM datasets")}
        assert {"count": 3} == zoho.get("settings/recycle_bin/actions/count")
        (hook,) = zoho.get("settings/automation/webhooks")["webhooks"]
        assert f"webhook/{hook['id']}" == shown["integration"][f"webhook/{at('w1')}"]
        (portal,) = zoho.get("settings/portals")["portals"]
        assert f"portal/{portal['name']}" == shown["integration"]["portal/Acme"]


# Limits, and paths that do not exist


def test_credits_are_shown_from_half_of_them_on_and_used_up_without_a_word_about_when(
    world: World, zoho: Client
) -> None:
    zoho.sign_in()
    world.set_traits(credits=6)
    answers = [zoho.raw("GET", "/crm/v8/org") for _ in range(7)]

    assert [200] * 5 + [429] * 2 == [each.status_code for each in answers]
    assert [None, None, "2", "1", "0", "0", "0"] == [each.headers.get("X-API-CREDITS-REMAINING") for each in answers]
    assert "TOO_MANY_REQUESTS" == answers[-1].json()["code"] and "retry-after" not in answers[-1].headers
    clock.advance(world, "24h")
    zoho.sign_in()
    assert 200 == zoho("GET", "org")[0]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/crm/v8/Contacts/bulk/search", (404, "INVALID_URL_PATTERN")),
        ("GET", "/crm/v8/Contacts/1/2/3/4", (404, "INVALID_URL_PATTERN")),
        ("GET", "/crm/v8/settings/backup", (404, "INVALID_URL_PATTERN")),
        ("GET", "/crm/v2/org", (404, "INVALID_URL_PATTERN")),
        ("POST", "/crm/v8/org", (400, "INVALID_REQUEST_METHOD")),
    ],
)
def test_what_is_not_documented_is_not_there(zoho: Client, method: str, path: str, code: tuple[int, str]) -> None:
    assert code == zoho.code(method, path)
