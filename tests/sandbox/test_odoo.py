"""Odoo as it is simulated: every trap of its fact sheet, seen by a client of its own."""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmstate.sandbox import Server, World, adopt, app, seed
from crmstate.sandbox.dialects.odoo import dialect, numbers
from crmstate.sandbox.dialects.odoo.people import password_of
from crmstate.sandbox.names import HOSTILE

ALL = ["active", "in", [True, False]]
EVERY_FILE = [["id", "!=", 0]]
CONTACT = [
    {"name": "name", "type": "text", "label": "Name"},
    {"name": "email", "type": "email", "label": "Email"},
    {"name": "active", "type": "bool", "label": "Active"},
]
LEAD = [
    {"name": "name", "type": "text", "label": "Opportunity"},
    {"name": "expected_revenue", "type": "money", "label": "Expected Revenue"},
    {"name": "date_deadline", "type": "date", "label": "Expected Closing"},
    {"name": "partner_id", "type": "reference", "label": "Customer", "relation": "res.partner"},
]
SAID = [
    {"name": "model", "type": "text", "label": "Model"},
    {"name": "res_id", "type": "record", "label": "Record"},
    {"name": "message_type", "type": "text", "label": "Type"},
]


class Client:
    """Calls a method and gives (status, answer)."""

    def __init__(self, world: World, key: str, spoken: Any = None) -> None:
        transport = httpx.WSGITransport(app=app(world, dialect=spoken or dialect(), cut=httpx.ReadError))
        self.http = httpx.Client(
            base_url="http://odoo", transport=transport, headers={"Authorization": f"bearer {key}"}
        )

    def __call__(self, method: str, **said: Any) -> tuple[int, Any]:
        answer = self.http.post(f"/json/2/{method}", json=said)
        shaped = answer.headers["Content-Type"].startswith("application/json")
        return answer.status_code, answer.json() if shaped else answer.text

    def good(self, method: str, **said: Any) -> Any:
        status, answer = self(method, **said)
        assert status == 200, answer
        return answer

    def refused(self, method: str, **said: Any) -> tuple[int, str]:
        """The status, and the exception by name."""
        status, answer = self(method, **said)
        assert {"name", "message", "arguments", "context", "debug"} == set(answer), answer
        return status, str(answer["name"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Administrator 2, another who holds the key, two members, five contacts of which one is archived, and two leads with
    files, one of them a field's."""
    with World.create(tmp_path / "world.db", dialect="odoo") as made:
        made.add_user("boss", role="owner", name="老板")
        made.add_user("admin", role="admin")
        for id in ("li", "wang"):
            made.add_user(id)
        made.add_key("k1", "admin", token="key-admin")
        made.add_key("k2", "li", token="key-li")
        made.add_key("k3", "wang", token="key-wang")
        made.add_key("k4", "admin", token="key-reads", scopes=["read"])
        made.add_key("k5", "admin", token="key-none", scopes=[])
        made.add_key("k6", "wang", token="key-dead", status="revoked")
        made.add_dataset("res.partner", "Contact", CONTACT)
        made.add_dataset("crm.lead", "Lead", LEAD)
        made.add_dataset("mail.message", "Message", SAID)
        made.add_rows(
            "res.partner",
            [{"id": f"c{n}", "owner_id": "li", "fields": {"name": f"王 {n}", "active": n != 4}} for n in range(5)],
        )
        made.add_rows(
            "crm.lead",
            [
                {
                    "id": f"d{n}",
                    "owner_id": "li" if n else "wang",
                    "fields": {"name": f"Lead {n}", "expected_revenue": "12.50", "partner_id": f"c{n}"},
                }
                for n in range(2)
            ],
        )
        made.add_rows(
            "mail.message",
            [{"id": "m1", "fields": {"model": "crm.lead", "res_id": "d1", "message_type": "comment"}}],
        )
        made.add_attachment("crm.lead", "f1", "d1", name="报价 1.pdf", content=b"%PDF", mime="application/pdf")
        made.add_attachment("crm.lead", "p1", "d1", name="image_1920", content=b"\x89PNG")
        made.add_integration("i1", name="Out", target="http://127.0.0.1:9/hook1")
        made.add_integration("i2", name="In", type="webhook_in")
        made.add_integration("i3", name="Off", type="workflow", status="disabled")
        made.set_traits(field_files={"crm.lead/p1": "image_1920"})
        yield made


@pytest.fixture
def call(world: World) -> Client:
    return Client(world, "key-admin")


def number(world: World, model: str, key: str) -> int:
    found = numbers.of(world, model, key)
    assert found is not None
    return found


# The ten traps of the sheet


def test_trap_1_removing_keys_answers_200_and_revokes_nothing_until_the_check_has_run(
    world: World, call: Client
) -> None:
    keys = call.good("res.users.apikeys/search_read", domain=[], fields=["name", "user_id", "scope"], order="id")
    assert [("k1", "rpc"), ("k2", "rpc")] == [(each["name"], each["scope"]) for each in keys[:2]]
    (mine,) = [each["id"] for each in keys if each["user_id"][1] == "wang"]

    wizard = call.good("res.users.apikeys/remove", ids=[mine])
    assert ("ir.actions.act_window", "res.users.identitycheck") == (wizard["type"], wizard["res_model"])
    assert 5 == call.good("res.users.apikeys/search_count", domain=[])
    assert 200 == Client(world, "key-wang")("res.users/context_get")[0]

    check = "res.users.identitycheck/run_check"
    for context in ({}, {"password": "wrong"}):
        assert (422, "odoo.exceptions.UserError") == call.refused(check, ids=[wizard["res_id"]], context=context)
    assert 5 == call.good("res.users.apikeys/search_count", domain=[])
    call.good(check, ids=[wizard["res_id"]], context={"password": password_of("admin")})

    assert 4 == call.good("res.users.apikeys/search_count", domain=[])
    status, said = Client(world, "key-wang")("res.users/context_get")
    assert (401, "Invalid apikey") == (status, said["message"])
    assert [("revoke", "k3")] == [(each["verb"], each["id"]) for each in world.effects(kind="api_key")]
    assert (403, "odoo.exceptions.AccessError") == call.refused("res.users.apikeys/unlink", ids=[keys[0]["id"]])


def test_trap_1_nobody_answers_for_the_wizard_of_another_and_members_revoke_their_own(
    world: World, call: Client
) -> None:
    own = number(world_ready(world), numbers.KEYS, "k2")
    theirs = call.good("res.users.apikeys/remove", ids=[own])["res_id"]
    member = Client(world, "key-li")
    said = {"password": password_of("li")}

    check = "res.users.identitycheck/run_check"
    assert (403, "odoo.exceptions.AccessError") == member.refused(check, ids=[theirs], context=said)
    others = member.good("res.users.apikeys/remove", ids=[number(world, numbers.KEYS, "k3")])["res_id"]
    assert (403, "odoo.exceptions.AccessError") == member.refused(check, ids=[others], context=said)
    for nothing, status in (([], 200), ([99_999], 404)):
        wizard = member.good("res.users.apikeys/remove", ids=nothing)["res_id"]  # which looks at no key yet
        assert status == member(check, ids=[wizard], context=said)[0]
    mine = member.good("res.users.apikeys/remove", ids=[own])["res_id"]
    member.good("res.users.identitycheck/run_check", ids=[mine], context=said)
    assert 401 == member("res.users/context_get")[0]


def world_ready(world: World) -> World:
    """With numbers, before anybody has called."""
    with world.transaction():
        numbers.ready(world)
    return world


def test_trap_2_archived_rows_hide_unless_the_domain_mentions_active_or_the_context_says_so(call: Client) -> None:
    everybody = 5 + 8  # contacts, and those of four users, three users of the server's, and the company
    assert everybody == call.good("res.partner/search_count", domain=[ALL])
    assert everybody == call.good("res.partner/search_count", domain=[], context={"active_test": False})
    assert everybody - 1 - 3 == call.good("res.partner/search_count", domain=[])
    assert (2, 3) == tuple(call.good("base.automation/search_count", domain=domain) for domain in ([], [ALL]))
    (model,) = call.good("ir.model/search_read", domain=[["model", "=", "res.partner"]], fields=["count"])
    assert everybody == model["count"]


def test_trap_3_files_of_fields_hide_unless_the_domain_mentions_id_or_the_field(call: Client) -> None:
    mine = ["res_model", "=", "crm.lead"]
    assert 1 == call.good("ir.attachment/search_count", domain=[mine])
    assert 2 == call.good("ir.attachment/search_count", domain=[mine, *EVERY_FILE])
    assert 1 == call.good("ir.attachment/search_count", domain=[mine, ["res_field", "!=", False]])
    groups = call.good(
        "ir.attachment/formatted_read_group",
        domain=[mine, ["res_field", "!=", False]],
        groupby=["res_field"],
        aggregates=[],
    )
    assert ["image_1920"] == [each["res_field"] for each in groups]
    (lead,) = call.good("crm.lead/search_read", domain=[["name", "=", "Lead 1"]], fields=["image_1920"])
    assert b"\x89PNG" == b64decode(lead["image_1920"])


def test_trap_4_a_weak_key_sees_less_without_an_error_and_some_models_say_403(world: World, call: Client) -> None:
    weak = Client(world, "key-li")
    for model in ("res.users.apikeys", "crm.lead", "ir.attachment"):
        seen = [each.good(f"{model}/search_count", domain=EVERY_FILE) for each in (weak, call)]
        assert 0 < seen[0] < seen[1], model
    assert 13 == weak.good("res.partner/search_count", domain=[ALL]), "everybody sees contacts, and who works here"
    for model in ("ir.model", "base.automation", "ir.rule", "ir.config_parameter", "ir.model.data", "ir.model.fields"):
        assert (403, "odoo.exceptions.AccessError") == weak.refused(f"{model}/search_count", domain=[])
    uid = weak.good("res.users/context_get")["uid"]
    for who, expected in ((weak, False), (call, True)):
        me = who.good("res.users/context_get")["uid"]
        assert expected == who.good("res.users/has_group", ids=[me], group_ext_id="base.group_system")
    assert (403, "odoo.exceptions.AccessError") == weak.refused("res.users/write", ids=[uid], vals={"active": False})
    world.set_traits(members_read=["ir.model"])
    assert weak.good("ir.model/search_count", domain=[]) > 10


def test_trap_4_what_a_rule_hides_from_everybody_is_counted_all_the_same(world: World, call: Client) -> None:
    world.set_traits(ruled_out={"crm.lead": ["d1"]})
    assert ["Lead 0"] == [row["name"] for row in call.good("crm.lead/search_read", domain=[], fields=["name"])]
    (model,) = call.good("ir.model/search_read", domain=[["model", "=", "crm.lead"]], fields=["count"])
    assert (1, 2) == (call.good("crm.lead/search_count", domain=[]), model["count"])


def test_trap_5_a_lead_takes_its_files_along_and_a_user_leaves_the_contact(world: World, call: Client) -> None:
    call.good("crm.lead/unlink", ids=[number(world_ready(world), "crm.lead", "d1")])
    assert 0 == call.good("ir.attachment/search_count", domain=[["res_model", "=", "crm.lead"], *EVERY_FILE])
    assert 0 == call.good("mail.message/search_count", domain=[])
    assert (0,) == world.one("SELECT count(*) FROM attachments")
    assert (1, 0, 0) == tuple(world.one("SELECT live, binned, files FROM datasets WHERE id = 'crm.lead'")), (
        "there is no bin"
    )

    (wang,) = call.good("res.users/search_read", domain=[["login", "=", "wang@example.com"]], fields=["partner_id"])
    made = call.good("crm.lead/search", domain=[["create_uid", "=", wang["id"]]])
    assert (422, "odoo.exceptions.ValidationError") == call.refused("res.users/unlink", ids=[wang["id"]])
    call.good("crm.lead/unlink", ids=made)
    before = call.good("res.partner/search_count", domain=[ALL])
    keys = call.good("res.users.apikeys/search_count", domain=[])
    call.good("res.users/unlink", ids=[wang["id"]])
    assert keys - 1 == call.good("res.users.apikeys/search_count", domain=[])
    (left,) = call.good("res.partner/read", ids=[wang["partner_id"][0]], fields=["name", "user_ids"])
    assert ("wang", [], before) == (left["name"], left["user_ids"], call.good("res.partner/search_count", domain=[ALL]))
    assert 401 == Client(world, "key-wang")("res.users/context_get")[0]
    call.good("res.partner/unlink", ids=[wang["partner_id"][0]])
    assert before - 1 == call.good("res.partner/search_count", domain=[ALL])


def test_trap_6_an_unlink_is_all_or_nothing_and_a_read_leaves_out_what_is_gone(call: Client) -> None:
    ids = call.good("res.partner/search", domain=[["user_id", "!=", False], ALL], order="id")
    assert 5 == len(ids)
    status, said = call("res.partner/unlink", ids=[*ids, 999_999])
    assert (404, "odoo.exceptions.MissingError") == (status, said["name"])
    assert said["message"].startswith(
        "Record does not exist or has been deleted.\n(Record: res.partner(999999,), User: "
    )
    assert ids == call.good("res.partner/search", domain=[["id", "in", ids], ALL], order="id")
    assert [] == call.good("res.partner/read", ids=[999_999], fields=["name"])
    assert call.good("res.partner/unlink", ids=ids) is True
    assert [] == call.good("res.partner/read", ids=ids, fields=["name"])


@pytest.mark.parametrize(
    ("method", "said", "expected"),
    [
        ("res.nothing/search_count", {"domain": []}, (404, "werkzeug.exceptions.NotFound")),
        ("res.users/nothing", {}, (404, "werkzeug.exceptions.NotFound")),
        ("res.users/_nothing", {}, (403, "odoo.exceptions.AccessError")),
        ("res.users/search_count", {"domain": [], "strange": 1}, (422, "werkzeug.exceptions.UnprocessableEntity")),
        ("res.users/search_count", {}, (422, "werkzeug.exceptions.UnprocessableEntity")),
        ("res.users/search_count", {"domain": [], "ids": [1]}, (422, "werkzeug.exceptions.UnprocessableEntity")),
        ("res.users/write", {"ids": [2]}, (422, "werkzeug.exceptions.UnprocessableEntity")),
        ("res.users/search_count", {"domain": [["nothing", "=", 1]]}, (500, "builtins.ValueError")),
        ("crm.lead/search_count", {"domain": [["active", "=", True]]}, (500, "builtins.ValueError")),
        ("res.users/search_count", {"domain": [["login", "??", 1]]}, (500, "builtins.ValueError")),
        ("res.users/search_count", {"domain": ["&", ["login", "=", 1]]}, (500, "builtins.ValueError")),
        ("res.users/search_count", {"domain": "all"}, (500, "builtins.TypeError")),
        ("res.users/search_read", {"fields": ["nothing"]}, (500, "builtins.ValueError")),
        ("res.users/search_read", {"order": "nothing"}, (500, "builtins.ValueError")),
        ("res.users/search", {"domain": [], "limit": -1}, (500, "psycopg2.errors.InvalidRowCountInLimitClause")),
        ("res.users/search", {"domain": [["id", "=", "x"]]}, (500, "psycopg2.errors.InvalidTextRepresentation")),
        ("res.users/read", {"ids": ["two"]}, (500, "psycopg2.errors.InvalidTextRepresentation")),
        ("res.users/has_group", {"group_ext_id": "base.group_system"}, (500, "builtins.ValueError")),
        ("res.users/has_access", {"operation": "nothing"}, (500, "builtins.AssertionError")),
        ("res.users/check_access", {"operation": "read"}, (403, "odoo.exceptions.AccessError")),
        ("res.users/write", {"ids": [99_999], "vals": {"active": False}}, (404, "odoo.exceptions.MissingError")),
    ],
)
def test_trap_7_statuses_are_the_vendors_own(
    call: Client, method: str, said: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert expected == call.refused(method, **said)


def test_trap_7_a_key_that_is_none_and_a_body_that_is_no_object(world: World, call: Client) -> None:
    for key in ("key-dead", "never-was"):
        assert (401, "werkzeug.exceptions.Unauthorized") == Client(world, key).refused("res.users/context_get")
    without = call.http.post("/json/2/res.users/context_get", json={}, headers={"Authorization": ""})
    assert (401, True) == (without.status_code, "Authorization" in without.json()["message"])
    for body, status in ((b"[]", 200), (b"", 200), (b"[1]", 200), (b"{", 400), (b"\xff", 400)):
        shaped = {"Content-Type": "application/json"}
        assert status == call.http.post("/json/2/res.users/context_get", content=body, headers=shaped).status_code
    assert 415 == call.http.post("/json/2/res.users/context_get", content=b"{}").status_code
    wrong = call.http.get("/json/2/res.users/context_get")
    assert (404, "Did you mean POST /json/2/<model>/<method>?") == (wrong.status_code, wrong.json()["message"])
    assert "/opt/odoo" in call("res.nothing/read")[1]["debug"], "a trace shows paths of the server"


def test_trap_8_who_cannot_be_archived_or_deleted(world: World, call: Client) -> None:
    me = call.good("res.users/context_get")["uid"]
    off = {"vals": {"active": False}}
    assert (422, "odoo.exceptions.UserError") == call.refused("res.users/write", ids=[me], **off)
    for user in (1, 2, 3, 4):
        assert (422, "odoo.exceptions.UserError") == call.refused("res.users/unlink", ids=[user])
    (li,) = call.good("res.users/search_read", domain=[["login", "=", "li@example.com"]], fields=["partner_id"])
    contact = li["partner_id"][0]
    assert (500, "odoo.exceptions.RedirectWarning") == call.refused("res.partner/unlink", ids=[contact])
    assert (422, "odoo.exceptions.ValidationError") == call.refused("res.company/unlink", ids=[1])
    call.good("res.users/write", ids=[li["id"]], **off)
    assert (422, "odoo.exceptions.ValidationError") == call.refused("res.partner/unlink", ids=[contact])
    call.good("res.users/write", ids=[2], **off)
    assert {"deactivate"} == {each["verb"] for each in world.effects(kind="user")}
    world.run("UPDATE users SET role = 'member' WHERE id = 'admin'")  # somebody takes it away meanwhile
    assert (403, "odoo.exceptions.AccessError") == call.refused("res.users/write", ids=[li["id"]], **off)


def test_trap_9_databases_are_dropped_and_backed_up_under_misleading_statuses(world: World, call: Client) -> None:
    world.set_traits(master_password="master-1")
    asked = {"name": "crm", "backup_format": "zip"}

    for act, words in (("backup", "Database backup error"), ("drop", "Database deletion error")):
        refused = call.http.post(f"/web/database/{act}", data={"master_pwd": "wrong", **asked})
        assert (200, True) == (refused.status_code, f"{words}: Access Denied" in refused.text)
    assert 200 == call("res.users/context_get")[0]
    whole = call.http.post("/web/database/backup", data={"master_pwd": "master-1", **asked})
    with zipfile.ZipFile(io.BytesIO(whole.content)) as packed:
        assert {"dump.sql", "manifest.json"} < set(packed.namelist())
        assert b"%PDF" in {packed.read(name) for name in packed.namelist() if name.startswith("filestore/")}

    done = call.http.post("/web/database/drop", data={"master_pwd": "master-1", "name": "crm"})
    assert (303, "/web/database/manager") == (done.status_code, done.headers["Location"])
    assert ["crm"] == call.http.post("/web/database/list", json={}).json()["result"], "its configuration names it"
    status, page = call("res.users/context_get")
    assert (404, True) == (status, page.startswith("<!doctype html>"))
    assert "closed" == world.truth()["account"]["status"]
    assert "master-1" not in json.dumps(world.truth(log=True)["log"])


def test_trap_10_without_fields_what_is_computed_is_read_too_and_takes_its_time(world: World, call: Client) -> None:
    (all_of_it,) = call.good("crm.lead/search_read", domain=[], limit=1)
    described = call.good("crm.lead/fields_get", attributes=["store", "type"])
    assert described.keys() == all_of_it.keys() and not described["display_name"]["store"]
    stored = [name for name, each in described.items() if each["store"]]
    world.set_traits(computed_ms=60)

    took = []
    for fields in (stored, None):
        began = time.perf_counter()
        call.good("crm.lead/search_read", domain=[], fields=fields)
        took.append(time.perf_counter() - began)
    assert took[1] > 0.12 > took[0]


# Searching and reading


def test_pages_by_the_last_id_have_every_row_once(world: World, call: Client) -> None:
    world.add_rows("crm.lead", [{"id": f"e{n:04}"} for n in range(1203)])
    found: list[int] = []
    while True:
        page = call.good(
            "crm.lead/search_read", domain=[["id", ">", found[-1] if found else 0]], fields=["name"], limit=500, order="id"
        )  # fmt: skip
        if not page:
            break
        found += [row["id"] for row in page]
    assert (1205, sorted(set(found))) == (len(found), found)
    assert found[600:610] == call.good("crm.lead/search", domain=[], offset=600, limit=10, order="id")


def test_values_are_the_vendors_and_references_come_with_names_or_alone(world: World, call: Client) -> None:
    (lead,) = call.good("crm.lead/search_read", domain=[["name", "=", "Lead 1"]])
    assert (12.5, False) == (lead["expected_revenue"], lead["date_deadline"])
    customer = number(world, "res.partner", "c1")
    assert [customer, "王 1"] == lead["partner_id"]
    (alone,) = call.good("crm.lead/search_read", domain=[["name", "=", "Lead 1"]], load=None, fields=["partner_id"])
    assert {"id": lead["id"], "partner_id": customer} == alone
    assert "2026-11-01 08:00:00" == lead["create_date"]


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        ([["name", "in", ["王 1", "王 3"]]], ["王 1", "王 3"]),
        ([["name", "=like", "王%"], ["name", "not in", ["王 0", "王 1"]]], ["王 2", "王 3"]),
        (["|", ["name", "=", "王 0"], ["name", "=", "王 4"], ALL], ["王 0", "王 4"]),
        (["!", ["name", "not ilike", "王"]], ["王 0", "王 1", "王 2", "王 3"]),
        (["&", ["name", "ilike", "王"], ["id", "<=", 102], ["id", "!=", 101]], []),
        ([["user_id.login", "=", "li@example.com"], ["name", ">", "王 2"]], ["王 3"]),
        ([[1, "=", 1], ["name", "=", "王 2"]], ["王 2"]),
        ([[0, "=", 1]], []),
        ([["user_ids", "=", False], ["ref_company_ids", "=", False], ["active", "=", False]], ["王 4"]),
    ],
)
def test_domains(call: Client, domain: list[Any], names: list[str]) -> None:
    """Contacts of users come first, so that theirs are numbers 100 to 103."""
    found = call.good("res.partner/search_read", domain=domain, fields=["name"], order="name")
    assert names == [row["name"] for row in found]


def test_files_come_in_base64_with_the_digest_of_their_bytes(call: Client) -> None:
    (file,) = call.good("ir.attachment/search_read", domain=[["res_model", "=", "crm.lead"]])
    assert (b"%PDF", hashlib.sha1(b"%PDF").hexdigest(), 4) == (
        b64decode(file["datas"]), file["checksum"], file["file_size"]
    )  # fmt: skip
    assert 404 == call.http.get(f"/web/content/{file['id']}").status_code, "a key opens JSON-2 alone"


def test_what_modules_brought_along_is_known(call: Client) -> None:
    known = call.good(
        "ir.model.data/search_read", domain=[["model", "=", "res.users"]], fields=["complete_name", "res_id"]
    )
    assert {"base.user_root": 1, "base.user_admin": 2, "base.public_user": 3, "base.template_portal_user_id": 4} == {
        each["complete_name"]: each["res_id"] for each in known
    }


# Users, automations


def test_a_key_is_dead_while_its_user_is_archived_and_works_again_afterwards(world: World, call: Client) -> None:
    li = number(world_ready(world), numbers.USERS, "li")
    for on, status in ((False, 401), (True, 200)):
        call.good("res.users/write", ids=[li], vals={"active": on})
        assert status == Client(world, "key-li")("res.users/context_get")[0]
    call.good("res.users/write", ids=[li], vals={"active": True})
    assert ["deactivate", "activate"] == [each["verb"] for each in world.effects(kind="user", id="li")]


def test_webhooks_are_automations_in_both_directions_and_go_with_their_actions(world: World, call: Client) -> None:
    rules = call.good("base.automation/search_read", domain=[ALL], order="id")
    assert [("Out", "on_create_or_write", False), ("In", "on_webhook", True)] == [
        (each["name"], each["trigger"], bool(each["url"])) for each in rules[:2]
    ]
    assert rules[1]["url"].endswith(rules[1]["webhook_uuid"])
    posts = [["state", "=", "webhook"], ["base_automation_id", "!=", False]]
    (hook,) = call.good("ir.actions.server/search_read", domain=posts)
    assert ("http://127.0.0.1:9/hook1", rules[0]["id"]) == (hook["webhook_url"], hook["base_automation_id"][0])
    call.good("base.automation/write", ids=[rules[0]["id"]], vals={"active": False})
    call.good("base.automation/unlink", ids=[rules[0]["id"]])
    assert 0 == call.good("ir.actions.server/search_count", domain=posts)
    assert ["disable", "delete"] == [each["verb"] for each in world.effects(kind="integration", id="i1")]


def test_somebody_who_only_reads_is_told_so_and_somebody_without_groups_sees_nothing(world: World) -> None:
    reads, none = Client(world, "key-reads"), Client(world, "key-none")
    lead = reads.good("crm.lead/search", domain=[])[0]
    assert (403, "odoo.exceptions.AccessError") == reads.refused("crm.lead/unlink", ids=[lead])
    assert reads.good("crm.lead/has_access", ids=[], operation="read")
    assert not reads.good("crm.lead/has_access", ids=[], operation="unlink")
    for model in ("crm.lead", "res.users", "ir.attachment", "res.users.apikeys"):
        assert (403, "odoo.exceptions.AccessError") == none.refused(f"{model}/search_count", domain=[])


# The server


def test_two_pages_need_no_key_and_another_database_is_none(call: Client) -> None:
    call.http.headers.pop("Authorization")
    assert {"status": "pass"} == call.http.get("/web/health").json()
    assert 19 == call.http.get("/web/version").json()["version_info"][0]
    other = call.http.post("/json/2/res.users/context_get", json={}, headers={"X-Odoo-Database": "other"})
    assert (404, True) == (other.status_code, other.text.startswith("<!doctype html>"))
    for path in ("/", "/xmlrpc/2/common", "/jsonrpc", "/doc-bearer/index.json", "/json/2/res.users"):
        assert 404 == call.http.get(path).status_code, "not simulated"


def test_the_log_holds_no_password(world: World, call: Client) -> None:
    call.good("res.users/context_get", context={"password": password_of("admin")})
    assert password_of("admin") not in json.dumps(world.truth(log=True))


# Numbers


def test_numbers_are_given_once_in_the_order_of_coming_and_a_number_keeps_itself(world: World, call: Client) -> None:
    world_ready(world)
    assert (2, 2) == (number(world, numbers.USERS, "boss"), call.good("res.users/search", domain=[], order="id")[0])
    world.add_user("7")
    world.add_user("late")
    late = number(world, numbers.USERS, "late")
    assert (7, True) == (number(world, numbers.USERS, "7"), late > number(world, numbers.USERS, "wang"))
    world.run("DELETE FROM users WHERE id = 'late'")
    world.add_user("later")
    assert number(world, numbers.USERS, "later") == late + 1


# Faults


@pytest.mark.parametrize("how", ["insert", "remove"])
@pytest.mark.parametrize("where", ["after", "before"])
@pytest.mark.parametrize("model", ["res.users", "res.users.apikeys", "base.automation", "crm.lead"])
def test_listings_shift_under_who_reads_them(world: World, call: Client, model: str, how: str, where: str) -> None:
    world.add_rows("crm.lead", [{"id": f"e{n}"} for n in range(4)])
    world.add_fault("shifting_listing", how=how, where=where, times=1)
    everything = [["id", "!=", 0], *([ALL] if model in ("res.users", "base.automation") else [])]
    said = {"fields": ["create_uid"], "order": "id"}

    first = call.good(f"{model}/search_read", domain=everything, limit=2 if model != "res.users" else 5, **said)
    after = call.good(f"{model}/search_read", domain=[*everything, ["id", ">", first[-1]["id"]]], **said)
    again = call.good(f"{model}/search_read", domain=everything, **said)

    seen, there = [row["id"] for row in [*first, *after]], [row["id"] for row in again]
    if where == "before":
        assert seen != there and (set(seen) < set(there) if how == "insert" else set(there) < set(seen))
    else:
        assert seen == there


def test_pages_get_smaller_lose_rows_repeat_or_are_not_heard(world: World, call: Client) -> None:
    world.add_rows("crm.lead", [{"id": f"e{n}"} for n in range(6)])
    ids = call.good("crm.lead/search", domain=[], order="id")
    asked = {"domain": [["id", ">", ids[1]]], "fields": ["name"], "limit": 4, "order": "id"}
    for action, params, expected in (
        ("wrong_page_size", {"size": 2}, ids[2:4]),
        ("wrong_page_size", {"size": 2, "lose": True}, [ids[2], ids[5]]),
        ("repeated_page", {}, ids[:4]),
        ("no_paging", {}, ids[2:]),
    ):
        fault = world.add_fault(action, **params)
        assert expected == [row["id"] for row in call.good("crm.lead/search_read", **asked)], action
        world.clear_faults(fault)


def test_answers_are_hollow_without_ids_lack_ids_or_carry_a_secret(world: World, call: Client) -> None:
    ids = call.good("crm.lead/search", domain=[])
    world.add_fault("hollow", path="*/search*")
    assert ([], [], 0) == tuple(
        call.good(f"crm.lead/{each}", domain=[]) for each in ("search_read", "search", "search_count")
    )
    assert 2 == len(call.good("crm.lead/search_read", domain=[["id", "in", ids]]))
    world.clear_faults()
    world.add_fault("no_ids")
    world.add_fault("shown_secret", text="sk-shown")
    (row, _) = call.good("crm.lead/search_read", domain=[], fields=["name"], order="id")
    assert {"name": "Lead 0", "secret": "sk-shown"} == row
    world.clear_faults()
    world.add_fault("echo_credential", where="page")
    assert "bearer key-admin" in call.good("crm.lead/search_read", domain=[], fields=["name"])[0]["name"]
    world.clear_faults()
    world.add_fault("malformed_body")
    with pytest.raises(ValueError):
        call.http.post("/json/2/crm.lead/search_count", json={"domain": []}).json()


def test_a_part_of_a_batch_is_in_use_from_then_on_and_refuses_all_of_it(world: World, call: Client) -> None:
    world.add_rows("crm.lead", [{"id": f"e{n}"} for n in range(2)])
    ids = call.good("crm.lead/search", domain=[], order="id")
    world.add_fault("partial", item=2, code="conflict", times=1)

    assert (422, "odoo.exceptions.ValidationError") == call.refused("crm.lead/unlink", ids=ids)
    assert ids == call.good("crm.lead/search", domain=[], order="id")
    for each, refused in zip(ids, (False, True, False, True), strict=True):
        assert (422 if refused else 200) == call("crm.lead/unlink", ids=[each])[0]


@pytest.mark.parametrize("action", ["quota_exhausted", "accepted", "soft_delete", "dead_cursor"])
def test_a_fault_that_this_vendor_cannot_have_is_refused(world: World, action: str) -> None:
    with pytest.raises(ValueError, match="this vendor has no"):
        world.add_fault(action)


def test_refusals_go_under_other_statuses(world: World, call: Client) -> None:
    for status, code, words in (
        (200, "rejected", "Access Denied"),
        (500, "RedirectWarning", "RedirectWarning"),
        (403, "AccessDenied", "odoo.exceptions.AccessDenied"),
    ):
        fault = world.add_fault("refused_as", status=status, code=code)
        answer = call.http.post("/json/2/res.users/context_get", json={})
        assert (status, True) == (answer.status_code, words in answer.text)
        world.clear_faults(fault)
    world.add_fault("throttled", retry_after=7)
    assert (429, "7") == (
        (answer := call.http.post("/json/2/res.users/context_get", json={})).status_code,
        answer.headers["Retry-After"],
    )


def test_done_nothing_says_that_it_is_done(world: World, call: Client) -> None:
    li = number(world_ready(world), numbers.USERS, "li")
    world.add_fault("done_nothing", path="*/write")
    assert call.good("res.users/write", ids=[li], vals={"active": False}) is True
    assert [] == world.effects(kind="user")


# Seeded worlds


def test_a_seeded_world_has_everything_that_hides(tmp_path: Path) -> None:
    """And a user of its own, with one key, for each of the credentials."""
    seed(tmp_path / "o.db", dialect="odoo", contacts=120, users=4)
    keys = json.loads((tmp_path / "o.db.keys.json").read_text())
    assert {"id", "api_key", "password"} == set(keys["write"])
    with World.open(tmp_path / "o.db") as world, Server(world) as server:
        client = httpx.Client(base_url=server.url, headers={"Authorization": f"bearer {keys['write']['api_key']}"})

        def ask(method: str, **said: Any) -> Any:
            return client.post(f"/json/2/{method}", json=said).json()

        owners = [each["user_id"][0] for each in ask("res.users.apikeys/search_read", domain=[], order="name")]
        ours = ask("res.users.apikeys/search_read", domain=[["name", "=like", "crmstate%"]])
        assert [1, 1] == [owners.count(each["user_id"][0]) for each in ours] and len(owners) > 4
        for model in ("res.partner", "calendar.event"):
            assert ask(f"{model}/search_count", domain=[]) < ask(f"{model}/search_count", domain=[ALL])
        assert ask("ir.attachment/search_count", domain=[]) < ask("ir.attachment/search_count", domain=EVERY_FILE)
        assert {"on_webhook", "on_create_or_write"} == {
            each["trigger"] for each in ask("base.automation/search_read", domain=[ALL])
        }
        (deal,) = ask("crm.lead/search_read", domain=[["partner_id", "!=", False]], limit=1)
        assert isinstance(deal["partner_id"][1], str)
        client.close()


def test_an_adopted_database_keeps_its_numbers_and_the_servers_own_users(tmp_path: Path) -> None:
    """And one key does both, where nobody knows whose the writing one is."""
    user = {"role": "member", "status": "active"}
    dataset = {"binned": 0, "attachments": 0, "exportable": True}
    found: dict[str, Any] = {
        "tenant": {"id": "uuid-1", "name": "Rehearsal"},
        "own": {"read": {"user": "9", "key": "61"}, "write": {"user": None, "key": None}},
        "users": [
            {"id": id, "email": f"p{id}@example.com", "name": f"Person {id}", **user, "status": status}
            for id, status in (("12", "active"), ("2", "active"), ("3", "inactive"), ("4", "active"), ("9", "active"))
        ],
        "sessions": [],
        "keys": [
            {"id": "61", "user": "9", "name": "Key 1", "status": "active"},
            {"id": "7", "user": "12", "name": "Key 2", "status": "active"},
        ],
        "integrations": [{"id": "5", "type": "webhook_in", "name": "In", "target": "", "status": "active"}],
        "modules": [{"id": "44", "name": "crm", "status": "enabled", "data_effect": "clears"}],
        "datasets": [
            {"id": "res.partner", "name": "Contact", "rows": 6, **dataset, "attachments": 2},
            {"id": "mail.activity", "name": "Activity", "rows": 3, **dataset},
            {"id": "ir.attachment", "name": "Attachment", "rows": 2, **dataset},
            {"id": "crm.tag", "name": "Tag", "rows": 4, **dataset},
        ],
        "subscription": {},
        "account": {},
    }
    shown = adopt(tmp_path / "o.db", found, "odoo", "2026-11-29T08:00:00Z")

    keys = json.loads((tmp_path / "o.db.keys.json").read_text())
    assert (keys["read"], {}) == (keys["write"], shown)
    with World.open(tmp_path / "o.db") as world:
        call = Client(world, keys["write"]["api_key"])
        assert 9 == call.good("res.users/context_get")["uid"]
        assert [1, 2, 3, 4, 9, 12] == call.good("res.users/search", domain=[ALL], order="id")
        assert ("2",) == tuple(world.one("SELECT id FROM users WHERE role = 'owner'")), "the first one by number"
        assert (422, "odoo.exceptions.UserError") == call.refused("res.users/unlink", ids=[3])
        named = call.good("ir.model.data/search_read", domain=[["model", "=", "res.users"]], fields=["res_id"])
        assert {1, 2, 3} == {each["res_id"] for each in named}, "4 is somebody there, and no pattern of the server's"
        assert [7, 61] == call.good("res.users.apikeys/search", domain=[], order="id")
        (rule,) = call.good("base.automation/search_read", domain=[], fields=["trigger"])
        assert {"id": 5, "trigger": "on_webhook"} == rule
        assert "uuid-1" == call.good("ir.config_parameter/get_param", key="database.uuid")
        ours = [["create_uid", "!=", 1], ["id", "!=", 0]]
        counts = [
            call.good(f"{each['id']}/search_count", domain=ours, context={"active_test": False})
            for each in found["datasets"]
        ]
        assert [6, 3, 4, 4] == counts, "files that are nobody's, and those of contacts"
        assert call.good("res.partner/search_count", domain=ours[:1]) < 6, "some are archived"
        about = call.good("mail.activity/search_read", domain=[], fields=["res_model", "res_id"])
        assert {"res.partner"} == {each["res_model"] for each in about} and all(each["res_id"] for each in about)


def test_names_that_try_to_do_harm_come_as_they_are(tmp_path: Path) -> None:
    seed(tmp_path / "o.db", dialect="odoo", contacts=5, users=4, hostile=True)
    keys = json.loads((tmp_path / "o.db.keys.json").read_text())
    with World.open(tmp_path / "o.db") as world:
        call = Client(world, keys["write"]["api_key"])
        users = {each["name"] for each in call.good("res.users/search_read", domain=[], fields=["name"])}
        assert set(HOSTILE) <= users
        names = {each["name"] for each in call.good("hostile/search_read", domain=[], fields=["name"])}
        assert set(HOSTILE) <= names
        labels = {each["name"] for each in call.good("ir.model/search_read", domain=[], fields=["name", "count"])}
        assert set(HOSTILE) <= labels
