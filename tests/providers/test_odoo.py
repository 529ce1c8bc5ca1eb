"""Odoo's provider against answers as a real server was seen to give them: what an error means, what a revocation takes,
what a view proves, what an attachment has to be, and what is never asked for.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha1
from typing import Any

import pytest

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, File, Item, Result
from crmstate.core.secret import Scrubber, Secret
from crmstate.core.survey import DatasetFacts, UserFacts
from crmstate.core.words import Kind, Outcome, Phase, Verb
from crmstate.providers.kit import Answer
from crmstate.providers.kit.connect import connect
from crmstate.providers.odoo import provider
from crmstate.providers.odoo.models import is_dataset, model_of
from crmstate.providers.odoo.purge import by_halves
from crmstate.providers.odoo.vendor import EVERYTHING, NO_ROW, classify, number

from .vendor import Patience, Straight, Toy, ok

KEY, PASSWORD = "14d7e239d010f4f20cfbcacba3795bec639d2bdc", "Pw with spaces 2026"
FORM = {"type": "ir.actions.act_window", "res_model": "res.users.identitycheck", "res_id": 51}
Say = Callable[[str, dict[str, Any]], Any]


def error(name: str, message: str = "This is refused.") -> bytes:
    debug = 'Traceback (most recent call last):\n  File "/usr/lib/python3/dist-packages/odoo/http.py"'
    return json.dumps(
        {"name": name, "message": message, "arguments": [message], "context": {}, "debug": debug}
    ).encode()


@pytest.mark.parametrize(
    ("status", "name", "code"),
    [
        (401, "werkzeug.exceptions.Unauthorized", Code.EXPIRED),
        (403, "odoo.exceptions.AccessError", Code.DENIED),
        (404, "odoo.exceptions.MissingError", Code.CONFLICT),
        (404, "werkzeug.exceptions.NotFound", Code.DENIED),
        (422, "odoo.exceptions.UserError", Code.REJECTED),
        (422, "odoo.exceptions.ValidationError", Code.REJECTED),
        (422, "werkzeug.exceptions.UnprocessableEntity", Code.REJECTED),
        (500, "odoo.exceptions.RedirectWarning", Code.REJECTED),
        (500, "builtins.ValueError", Code.UNAVAILABLE),
        (500, "psycopg2.errors.SerializationFailure", Code.UNAVAILABLE),
    ],
)
def test_an_error_goes_by_its_name_and_its_trace_goes_nowhere(status: int, name: str, code: Code) -> None:
    failure = classify(Answer(status, {}, error(name)))

    assert failure is not None and (code, name) == (failure.code, failure.vendor)
    assert "/usr/lib" not in failure.summary and "Traceback" not in failure.summary


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (200, "Database deletion error: Access Denied", Code.REJECTED),
        (303, "", Code.UNAVAILABLE),
        (404, "Not Found", Code.DENIED),
        (429, "slow down", Code.THROTTLED),
        (502, "Bad Gateway", Code.UNAVAILABLE),
    ],
)
def test_a_page_is_never_an_answer(status: int, text: str, code: Code) -> None:
    failure = classify(Answer(status, {}, f"<!DOCTYPE html>\n<html><style>x</style><p>{text}</p></html>".encode()))

    assert failure is not None and code is failure.code
    assert "<" not in failure.summary


def test_an_answer_is_no_failure_whatever_its_rows_say() -> None:
    assert classify(Answer(200, {}, b'[{"name": "odoo.exceptions.UserError", "message": "<html>"}]')) is None


@contextmanager
def talking(say: Say, **credential: str) -> Iterator[tuple[Any, list[tuple[str, dict[str, Any]]]]]:
    """A session with a server that answers `model/method` and its arguments, with rows, or with bytes for whole answers."""
    heard: list[tuple[str, dict[str, Any]]] = []

    def answer(text: str) -> bytes:
        head, _, rest = text.partition("\r\n\r\n")
        asked = json.loads(rest or text.rpartition("\n")[2])
        method = head.split(" ")[1].removeprefix("/json/2/")
        heard.append((method, asked))
        assert asked["context"].items() >= EVERYTHING.items(), "archived rows would hide"
        found = say(method, asked)
        return found if isinstance(found, bytes) else ok(json.dumps(found).encode())

    toy, scrubber = Toy(answer), Scrubber()
    session: Any = connect(
        provider,
        toy.url,
        {"api_key": Secret(KEY), **{name: Secret(text) for name, text in credential.items()}},
        "write",
        effects=Straight(),
        clock=Patience(),
        learn=scrubber.learn,
        scrub=scrubber.scrub,
    )
    try:
        yield session, heard
    finally:
        session.close()
        toy.close()


def refused(status: int, name: str, message: str = "no") -> bytes:
    body = error(name, message)
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )


def revoking(check: object = FORM, run: object = True) -> Say:
    def say(method: str, asked: dict[str, Any]) -> Any:
        if method == "res.users.apikeys/search_read":
            return [{"id": 8}, {"id": 9}]
        return {**LEAVES, "res.users.apikeys/remove": check, "res.users.identitycheck/run_check": run}[method]

    return say


KEYS = Batch(Kind.API_KEY, Verb.REVOKE, (Item("8"), Item("9"), Item("10")))


def test_a_key_is_revoked_by_the_password_that_follows_and_not_by_the_removal() -> None:
    with talking(revoking(), password=PASSWORD) as (session, heard):
        results = session.perform(KEYS)

    assert [Outcome.DONE, Outcome.DONE] == [each.outcome for each in results[:2]]
    assert Code.MISSING.value == results[2].code
    methods = [method for method, _ in heard]
    assert methods.index("res.users.apikeys/remove") + 1 == methods.index("res.users.identitycheck/run_check")
    assert heard[1][1]["ids"] == [8, 9]
    assert (heard[2][1]["ids"], heard[2][1]["context"]["password"]) == ([51], PASSWORD)
    assert [PASSWORD in json.dumps(asked, ensure_ascii=False) for _, asked in heard[:3]] == [False, False, True]


def test_without_a_password_no_key_is_asked_to_be_revoked_and_that_is_told_before_the_first_act() -> None:
    with talking(revoking()) as (session, heard):
        with pytest.raises(Failure) as raised:
            session.rights({(Kind.API_KEY, Verb.REVOKE): ["8"]})
        assert (Code.DENIED, []) == (raised.value.code, heard)


def test_a_wrong_password_is_told_before_the_first_act_and_no_key_was_named() -> None:
    wrong = refused(422, "odoo.exceptions.UserError", "Incorrect Password")
    with talking(revoking(run=wrong), password=PASSWORD) as (session, heard), pytest.raises(Failure) as raised:
        session.rights({(Kind.API_KEY, Verb.REVOKE): ["8"]})

    assert Code.DENIED is raised.value.code
    assert [asked["ids"] for method, asked in heard if method.endswith("remove")] == [[]]


def test_another_answer_to_a_removal_leaves_it_unknown_whether_it_happened() -> None:
    with talking(revoking(check={"type": "ir.actions.act_window_close"}), password=PASSWORD) as (session, _):
        results = session.perform(KEYS)

    assert {Outcome.UNKNOWN} == {each.outcome for each in results}


LEAVES: dict[str, Any] = {
    "res.users/context_get": {"uid": 5, "lang": "en_US"},
    "res.users/search_read": [{"login": "a", "email": False, "company_id": [1, "Acme"]}],
    "ir.config_parameter/search_read": [{"value": "u-u-i-d"}],
    "res.users/has_group": True,
    "res.users.apikeys/search_read": [{"id": 7, "scope": False}],
    "ir.rule/search_read": [{"groups": [1], "domain_force": "[(1, '=', 1)]"}, {"groups": [2], "domain_force": "[]"}],
    "ir.model/search_read": [
        {"model": "res.users", "count": 9},
        {"model": "ir.module.module", "count": 3},
        {"model": "ir.attachment", "count": 859},
    ],
    "res.users/search_count": 9,
    "ir.module.module/search_count": 3,
    "ir.attachment/search_count": 859,
}


def seen(**changes: Any) -> Any:
    said = {**LEAVES, **{name.replace("__", "/").replace("_of_", "."): found for name, found in changes.items()}}
    with talking(lambda method, asked: said[method]) as (session, _):
        return session.whoami()


def test_a_view_is_whole_where_an_administrator_counts_what_the_server_counts() -> None:
    found = seen()

    assert ("u-u-i-d", "Acme", "5", "7") == (found.tenant, found.tenant_name, found.user, found.key)
    assert found.whole_view and found.may_write and not found.attestable


@pytest.mark.parametrize(
    "changes",
    [
        {"res_of_users__has_group": False},
        {"res_of_users__search_count": 8},
        {"ir_of_attachment__search_count": 113},
        {"ir_of_rule__search_read": [{"groups": [2], "domain_force": "[('user_id', '=', user.id)]"}]},
        {
            "ir_of_rule__search_read": [
                {"groups": [1], "domain_force": "[(1, '=', 1)]"},
                {"groups": [], "domain_force": "[]"},
            ]
        },
        {"ir_of_model__search_read": refused(403, "odoo.exceptions.AccessError")},
    ],
    ids=[
        "no administrator",
        "users hide",
        "files hide",
        "own keys alone",
        "a rule for all",
        "no models",
    ],
)
def test_a_view_from_which_anything_may_be_hidden_is_not_whole(changes: dict[str, Any]) -> None:
    assert not seen(**changes).whole_view


def test_of_several_keys_nobody_can_tell_which_is_calling() -> None:
    several = [{"id": 7, "scope": False}, {"id": 8, "scope": "rpc"}]
    assert seen(res_of_users_of_apikeys__search_read=several).key is None
    assert seen(res_of_users_of_apikeys__search_read=[{"id": 7, "scope": "mail"}, several[1]]).key == "8"


def test_a_database_that_cannot_be_told_is_nobodys_tenant() -> None:
    with pytest.raises(Failure) as raised:
        seen(ir_of_config_parameter__search_read=[])
    assert Code.DENIED is raised.value.code


def person(id: int, login: str, active: bool) -> dict[str, Any]:
    return {"id": id, "login": login, "name": login, "email": False, "active": active, "share": False}


def test_the_servers_own_users_are_nobodys_account_whatever_their_numbers() -> None:
    """It refuses to delete them: somebody who wants everybody deleted would never come to an end."""

    def say(method: str, asked: dict[str, Any]) -> Any:
        if method == "ir.model.data/search_read":
            assert [["module", "=", "base"], ["model", "=", "res.users"]] == asked["domain"][:2]
            assert ["name", "in", ["public_user", "template_portal_user_id", "user_admin"]] == asked["domain"][2]
            names = {"template_portal_user_id": 5, "public_user": 4, "user_admin": 3}
            return [{"id": 40 + n, "name": name, "res_id": n} for name, n in names.items()]
        left_out = next((part[2] for part in asked.get("domain", ()) if part[1] == "not in"), None)
        if left_out is None:
            return LEAVES[method]
        after = next((part[2] for part in asked["domain"] if part[1] == ">"), 0)
        there = [person(1, "__system__", False), person(2, "admin", True), person(3, "li", True)]
        there += [person(4, "public", False), person(5, "portaltemplate", False)]
        found = [each for each in there if each["id"] not in left_out and each["id"] > after]
        return len(found) if method == "res.users/search_count" else found

    with talking(say) as (session, _):
        found = session.list(Kind.USER)

    said = [(each.id, each.facts.undeletable) for each in found.resources if isinstance(each.facts, UserFacts)]
    assert (True, [("2", False), ("3", True)]) == (found.complete, said), "the first administrator goes by its name too"


@pytest.mark.parametrize("installed", [False, True])
def test_automations_that_are_not_installed_are_none_and_a_refusal_is_not_that(installed: bool) -> None:
    def say(method: str, asked: dict[str, Any]) -> Any:
        if method.startswith("base.automation"):
            return refused(404, "werkzeug.exceptions.NotFound", "the model 'base.automation' does not exist")
        return int(installed) if method == "ir.model/search_count" else LEAVES[method]

    with talking(say) as (session, _):
        found = session.list(Kind.INTEGRATION)

    assert (found.complete, found.resources) == (not installed, ())


def test_a_webhooks_target_is_shown_without_its_secret() -> None:
    def say(method: str, asked: dict[str, Any]) -> Any:
        if method == "ir.actions.server/search_read":
            return [
                {"id": 4, "base_automation_id": [3, "Out"], "webhook_url": "https://hooks.example.com/s3cret?token=1"}
            ]
        first = method == "base.automation/search_read" and not any(part[1] == ">" for part in asked["domain"])
        rows = [{"id": 3, "name": "Out", "trigger": "on_create", "active": True, "webhook_uuid": "s3cret"}]
        return {"base.automation/search_read": rows if first else [], "base.automation/search_count": 1}.get(
            method
        ) or ([] if method == "base.automation/search_read" else LEAVES[method])

    with talking(say) as (session, heard):
        (found,) = session.list(Kind.INTEGRATION).resources

    assert ("webhook", "https://hooks.example.com/…") == (found.facts.type, found.facts.target)
    assert not [asked for _, asked in heard if "webhook_uuid" in asked.get("fields", ())]


@pytest.mark.parametrize(
    "model", ["res.users", "res.users.apikeys", "ir.model", "mail.mail", "bus.bus", "base.automation", "../x"]
)
def test_the_servers_own_machinery_is_no_dataset(model: str) -> None:
    assert not is_dataset(model)
    with pytest.raises(Failure):
        model_of(model)


@pytest.mark.parametrize(
    "model", ["res.partner", "crm.lead", "sale.order", "ir.attachment", "mail.message", "x_studio_thing"]
)
def test_what_people_write_is_a_dataset(model: str) -> None:
    assert model_of(model) == model


BROUGHT = [
    {"model": "crm.stage", "res_id": 1, "module": "crm"},
    {"model": "crm.stage", "res_id": 1, "module": "sale_crm"},
    {"model": "crm.stage", "res_id": 7, "module": "crm"},  # its row is gone, and nobody told
    {"model": "crm.stage", "res_id": 2, "module": "sap"},
]
MODULES = [{"name": f"module_{name}"} for name in ("base", "crm", "sale_crm")]


def external_ids(asked: dict[str, Any]) -> list[dict[str, Any]]:
    return MODULES if ["model", "=", "ir.module.module"] in asked.get("domain", ()) else BROUGHT


def test_what_an_import_named_in_its_own_way_is_its_owners_and_no_modules() -> None:
    """Of two stages one came with a module, under two names, and one with a file whose ids begin with `sap.`."""

    def say(method: str, asked: dict[str, Any]) -> Any:
        if method == "ir.model/search_read" and "name" in asked["fields"]:
            return [{"id": 1, "model": "crm.stage", "name": "Stage", "count": 2}]
        if method == "crm.stage/search_count":
            return 2 if ["id", "!=", 0] in asked["domain"] else 1
        counts = {"ir.model/search_count": 1, "ir.attachment/search_count": 0, "ir.model.fields/search_read": []}
        return {**LEAVES, **counts, "ir.model.data/search_read": external_ids(asked)}[method]

    with talking(say) as (session, heard):
        found = session.list(Kind.DATASET)

    assert [("crm.stage", DatasetFacts(1, True, 0))] == [(row.id, row.facts) for row in found.resources]
    left_out = [part[2] for method, asked in heard if method == "crm.stage/search_count" for part in asked["domain"]]
    assert [1, 7] in left_out and not [each for each in left_out if each == [1, 2, 7]]


def test_where_the_modules_are_not_shown_nothing_is_said_to_be_its_owners() -> None:
    def say(method: str, asked: dict[str, Any]) -> Any:
        if method == "ir.model/search_read" and "name" in asked["fields"]:
            return [{"id": 1, "model": "crm.stage", "name": "Stage", "count": 2}]
        return {**LEAVES, "ir.model/search_count": 1, "ir.model.data/search_read": []}[method]

    with talking(say) as (session, _):
        found = session.list(Kind.DATASET)

    assert (False, ()) == (found.complete, found.resources)


def test_a_dataset_of_which_the_server_has_more_rows_than_it_shows_is_a_gap() -> None:
    def say(method: str, asked: dict[str, Any]) -> Any:
        if method == "ir.model/search_read" and "name" in asked["fields"]:
            return [{"id": 1, "model": "crm.lead", "name": "Lead", "count": 40}]
        counts = {"crm.lead/search_count": 12, "ir.model/search_count": 1, "ir.attachment/search_count": 0}
        brought = MODULES if ["model", "=", "ir.module.module"] in asked.get("domain", ()) else []
        empty = {"ir.model.data/search_read": brought, "ir.model.fields/search_read": []}
        return {**LEAVES, **counts, **empty}[method]

    with talking(say) as (session, _):
        found = session.list(Kind.DATASET)

    assert (False, "gap.partial_view", "crm.lead") == (found.complete, found.gap.why, found.gap.detail)
    assert [DatasetFacts(12, True, 0)] == [row.facts for row in found.resources]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"datas": base64.b64encode(b"contract").decode(), "checksum": sha1(b"contract").hexdigest(), "file_size": 8}, None),
        ({"datas": base64.b64encode(b"contrace").decode(), "checksum": sha1(b"contract").hexdigest(), "file_size": 8}, Code.UNAVAILABLE),
        ({"datas": False, "checksum": sha1(b"contract").hexdigest(), "file_size": 8}, Code.REJECTED),
        ({"datas": "Y29udHJhY3", "checksum": False, "file_size": 8}, Code.UNAVAILABLE),
        ({"datas": False, "checksum": sha1(b"").hexdigest(), "file_size": 0}, None),
    ],
    ids=["whole", "another digest", "lost", "cut", "empty"],
)  # fmt: skip
def test_an_attachment_is_what_its_digest_says_or_a_failure(row: dict[str, Any], code: Code | None) -> None:
    with talking(lambda method, asked: [{"id": 4, **row}]) as (session, heard):
        fetched = session.fetch(File("4", "1", "a.pdf", "ir.attachment,4", row["file_size"]))
        if code is None:
            assert b"".join(fetched) == (b"contract" if row["file_size"] else b"")
        else:
            with pytest.raises(Failure) as raised:
                b"".join(fetched)
            assert code is raised.value.code
    assert heard[0][1]["domain"] == [["id", "=", 4]]


def test_what_is_not_asked_for_because_it_is_secret_is_seen_in_the_row_and_files_are_not_rows() -> None:
    fields = {
        "id": "integer",
        "name": "char",
        "signup_token": "char",
        "image": "binary",
        "stamp": "binary",
        "lines": "one2many",
    }
    asked: list[Any] = []

    def say(method: str, said: dict[str, Any]) -> Any:
        if method.endswith("/fields_get"):
            found = {name: {"type": kind, "store": True} for name, kind in fields.items()}
            return {**found, "score": {"type": "float", "store": False}}
        if method.endswith("/formatted_read_group"):
            return [{"res_field": "image", "__extra_domain": []}]
        asked.append(said["fields"])
        return [{"id": 3, "name": "Ann", "stamp": "AAAA"}]

    with talking(say) as (session, _):
        (row,) = session.read("crm.lead", ids=["3"]).rows

    assert [["id", "name", "stamp"]] == asked
    assert {"id": 3, "name": "Ann", "stamp": "AAAA", "signup_token": "$redacted"} == json.loads(row.raw)


def test_a_stale_id_refuses_the_whole_call_and_costs_none_of_the_others() -> None:
    gone: list[int] = []

    def unlink(ids: list[int]) -> None:
        if 3 in ids:
            raise Failure(Code.CONFLICT, "Record does not exist or has been deleted.", vendor=NO_ROW)
        gone.extend(ids)

    results = by_halves([1, 2, 3, 4, 5], unlink)

    assert ([1, 2, 4, 5], ["1", "2", "3", "4", "5"]) == (sorted(gone), [each.id for each in results])
    assert Code.MISSING.value == results[2].code
    assert {Outcome.DONE} == {each.outcome for each in results if each.id != "3"}


def test_after_a_lost_answer_nothing_more_is_deleted() -> None:
    asked: list[list[int]] = []

    def unlink(ids: list[int]) -> None:
        asked.append(ids)
        if len(ids) > 2:
            raise Failure(Code.REJECTED, "no")
        raise Failure(Code.AMBIGUOUS, "lost")

    results = by_halves([1, 2, 3, 4], unlink)

    assert [[1, 2, 3, 4], [1, 2]] == asked
    assert [Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.FAILED, Outcome.FAILED] == [each.outcome for each in results]


def test_the_database_is_named_where_the_credential_names_it() -> None:
    with talking(lambda method, asked: {"uid": 5}, database="crm") as (session, _):
        assert session.alive()


def test_an_id_that_is_no_number_is_nobodys() -> None:
    assert [number(each) for each in ("7", "never-was", "-1", "7.0", "٣", "9" * 12)] == [
        7,
        None,
        None,
        None,
        None,
        None,
    ]
    empty = Result("never-was", Outcome.FAILED, Code.MISSING.value, "no such row")
    with talking(lambda method, asked: LEAVES[method]) as (session, _):
        (found,) = session.perform(Batch(Kind.INTEGRATION, Verb.DISABLE, (Item("never-was"),)))
    assert empty == found and provider.cell(Kind.INTEGRATION, Verb.DISABLE).after is Phase.INACTIVE  # type: ignore[union-attr]


def test_whoever_closes_a_database_is_told_to_leave_the_other_ones_alone() -> None:
    """Service and data folder are every database's of the server."""
    for language, word in (("en", "other databases"), ("zh-CN", "其他数据库")):
        words = provider.words[language][str(provider.table[Kind.ACCOUNT, Verb.CLOSE].runbook)]
        first, last = ("Stop the service", "data_dir") if language == "en" else ("停止服务并", "data_dir")
        assert words.index(word) < words.index(first) < words.index(last)
