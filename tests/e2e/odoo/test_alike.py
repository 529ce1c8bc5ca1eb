"""The simulator and the server, asked the same: what the one says of a call, the other says. Of a refusal the status and the
exception by name, of an answer its form; numbers that differ (ids) are left out.

What the simulator says otherwise on purpose is not asked here; `docs/reference/sandbox-dialects.md` says what that is.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from crmstate.sandbox import Server, World
from crmstate.sandbox.dialects.odoo import numbers, people

from .office import PASSWORD, SEED
from .place import prepared
from .seed_counts import CONTACTS, LEADS
from .server import Odoo

pytestmark = pytest.mark.deep

LOGINS = ("leaver", "rep0", "rep1", "rep2", "rep3")
ACTIVE = {"name": "active", "type": "bool", "label": "Active"}
NAME = {"name": "name", "type": "text", "label": "Name"}
ALL = ["active", "in", [True, False]]


class Side:
    """One of the two: where it listens, and everybody's key and password."""

    def __init__(self, port: int, keys: dict[str, str], passwords: dict[str, str]) -> None:
        self.port, self.keys, self.passwords = port, keys, passwords

    def __call__(self, who: str, called: str, **said: Any) -> tuple[int, Any]:
        """One call: status and answer."""
        return self.post(called, json.dumps(said).encode(), Authorization=f"bearer {self.keys.get(who, who)}")

    def post(self, called: str, body: bytes, **headers: str) -> tuple[int, Any]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as line:
            line.request("POST", f"/json/2/{called}", body, {"Content-Type": "application/json", **headers})
            found = line.getresponse()
            text = found.read()
        page = not (found.getheader("Content-Type") or "").startswith("application/json")
        return found.status, "a page" if page else json.loads(text)

    def number(self, model: str, **named: str) -> int:
        """The id of the one row whose field has this value."""
        ((field, value),) = named.items()
        domain = [[field, "=", value], *([ALL] if model in ("res.users", "res.partner") else [])]
        ((row,)) = self("leaver", f"{model}/search", domain=domain)[1]
        return int(row)


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    """The real server over its office, and a simulated one that is as much like it as these questions need."""
    real = Odoo(prepared(SEED)).start()
    try:
        with World.create(tmp_path_factory.mktemp("alike") / "world.db", dialect="odoo") as world:
            tokens = furnish(world)
            with Server(world) as server:
                port = int(server.url.rpartition(":")[2])
                yield (
                    Side(real.port, real.keys, {login: PASSWORD.format(login) for login in LOGINS}),
                    Side(port, tokens, {login: people.password_of(login) for login in LOGINS}),
                )
    finally:
        real.stop()


def furnish(world: World) -> dict[str, str]:
    """The office as `seed.py` has it, as far as it is asked for; everybody's key."""
    with world.transaction():
        numbers.ready(world)
        world.add_user("admin", role="owner", email="admin")
        tokens = {}
        for login in LOGINS:
            world.add_user(login, role="admin" if login == "leaver" else "member", email=login)
            tokens[login] = world.add_key(login, login, name="integration").token
        world.run("UPDATE users SET status = 'inactive' WHERE id = 'rep3'")
        world.add_dataset("res.partner", "Contact", [NAME, {**NAME, "name": "street"}, ACTIVE])
        world.add_dataset("crm.lead", "Lead", [NAME, ACTIVE])
        for dataset, count, word in (("res.partner", CONTACTS, "客户"), ("crm.lead", LEADS, "Deal")):
            last = count - 1
            rows = ({"name": f"{word} {number}", "active": number != last} for number in range(count))
            world.add_rows(dataset, [{"id": f"{n}", "owner_id": "leaver", "fields": row} for n, row in enumerate(rows)])
        world.add_integration("out", name="Out 0", target="http://127.0.0.1:9/x")
        world.add_integration("in", name="In", type="webhook_in")
    return tokens


def form(found: Any) -> Any:
    """What an answer looks like: the names in it, and what sort of value each has."""
    if isinstance(found, dict):
        return {name: form(value) for name, value in sorted(found.items())}
    if isinstance(found, list):
        return [form(found[0])] if found else []
    return type(found).__name__


def told(answer: tuple[int, Any]) -> Any:
    """Of a refusal its name; of an answer its form."""
    status, found = answer
    if isinstance(found, dict) and "debug" in found:
        assert {"name", "message", "arguments", "context", "debug"} == set(found)
        return status, found["name"]
    return status, form(found)


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("leaver", "res.nothing/search_count", {"domain": []}),
    ("leaver", "res.users/nothing", {}),
    ("leaver", "res.users/_write", {}),
    ("leaver", "res.users/check_access", {"operation": "read"}),
    ("leaver", "res.users/search_count", {"domain": [], "strange": 1}),
    ("leaver", "res.users/search_count", {}),
    ("leaver", "res.users/search_count", {"domain": [], "ids": [1]}),
    ("leaver", "res.users/search_count", {"domain": [["nothing", "=", 1]]}),
    ("leaver", "res.users/search_count", {"domain": [["login", "??", 1]]}),
    ("leaver", "res.users/search_count", {"domain": ["&", ["login", "=", 1]]}),
    ("leaver", "res.users/search_count", {"domain": "all"}),
    ("leaver", "res.users/search_read", {"fields": ["nothing"]}),
    ("leaver", "res.users/search_read", {"order": "nothing"}),
    ("leaver", "res.users/read", {"ids": ["two"]}),
    ("leaver", "res.users/read", {"ids": [99_999], "fields": ["name"]}),
    ("leaver", "res.users/write", {"ids": [2]}),
    ("leaver", "res.users/write", {"ids": [99_999], "vals": {"active": False}}),
    ("leaver", "res.users/write", {"ids": [2], "vals": {"nothing": False}}),
    ("leaver", "res.users/has_group", {"group_ext_id": "base.group_system"}),
    ("leaver", "res.users/has_access", {"operation": "nothing"}),
    ("leaver", "res.users/has_access", {"ids": [], "operation": "unlink"}),
    *(("leaver", "res.users/unlink", {"ids": [user]}) for user in (1, 2, 3, 4)),
    *(("leaver", "res.partner/unlink", {"ids": [contact]}) for contact in (1, 2, 3)),
    ("leaver", "res.company/unlink", {"ids": [1]}),
    ("leaver", "res.users.apikeys/unlink", {"ids": [1]}),
    ("leaver", "res.users.apikeys/remove", {"ids": []}),
    ("leaver", "res.users.apikeys/remove", {"ids": [99_999]}),
    ("leaver", "res.users.identitycheck/run_check", {"ids": [1]}),
    ("leaver", "crm.lead/unlink", {"ids": [99_999]}),
    ("leaver", "res.users/context_get", {"context": {"active_test": False}}),
    ("leaver", "ir.config_parameter/get_param", {"key": "database.uuid"}),
    ("leaver", "res.users/fields_get", {"attributes": ["type", "store"], "allfields": ["login", "name"]}),
    ("leaver", "res.users/search_read", {"domain": [["id", "=", 2]], "fields": ["login", "active", "partner_id", "share"]}),
    ("leaver", "res.users.apikeys/search_read", {"domain": [], "fields": ["name", "user_id"], "load": None}),
    ("leaver", "crm.lead/search_read", {"domain": [], "fields": ["name", "create_uid"], "limit": 1}),
    ("leaver", "base.automation/search_read", {"domain": [ALL], "fields": ["name", "trigger", "url", "webhook_uuid"]}),
    ("leaver", "ir.model/search_read", {"domain": [["model", "=", "res.users"]], "fields": ["model", "count", "transient"]}),
    ("leaver", "ir.rule/search_read", {"domain": [["model_id.model", "=", "res.users.apikeys"]], "fields": ["groups"]}),
    (
        "leaver",
        "ir.attachment/formatted_read_group",
        {"domain": [["res_field", "!=", False], ["id", "=", 0]], "groupby": ["res_field"], "aggregates": []},
    ),
    *(
        ("rep0", f"{model}/search_count", {"domain": []})
        for model in (
            "ir.model", "ir.rule", "ir.config_parameter", "base.automation", "ir.actions.server", "ir.model.data",
            "ir.model.fields", "ir.module.module", "res.groups", "res.company", "res.users", "res.partner", "crm.lead",
        )
    ),
    ("rep0", "res.users/write", {"ids": [2], "vals": {"active": False}}),
    ("rep0", "res.users.apikeys/search_count", {"domain": []}),
    ("nonsense", "res.users/context_get", {}),
    ("leaver", "res.partner/write", {"ids": [3], "vals": {"active": False}}),
    ("leaver", "res.users/search", {"domain": [], "limit": -1}),
    ("leaver", "res.users/search", {"domain": [], "limit": 0}),
    ("leaver", "res.users/search", {"domain": [["id", "in", 2]]}),
    ("leaver", "res.users/search", {"domain": [["login"]]}),
    ("leaver", "res.users/search", {"domain": [["login.nothing", "=", 2]]}),
    ("leaver", "res.users/search", {"domain": [["id", "=", "two"]]}),
    ("leaver", "res.users/search", {"domain": [["partner_id.name", "ilike", "a"], "!", ["login", "=like", "x%"]]}),
    ("leaver", "res.users/read", {"fields": ["name"]}),
    ("leaver", "crm.lead/unlink", {}),
    ("leaver", "crm.lead/unlink", {"ids": []}),
    ("leaver", "crm.lead/write", {"vals": {"active": True}}),
    ("leaver", "res.users/search_read", {"domain": [], "fields": "login"}),
    ("leaver", "res.users/search_read", {"domain": [], "fields": ["login"], "context": []}),
]  # fmt: skip


def test_every_call_is_told_the_same(sides: tuple[Side, Side]) -> None:
    said = [[told(side(who, called, **given)) for who, called, given in CALLS] for side in sides]

    others = [f"{call}: {real}, here {ours}" for call, real, ours in zip(CALLS, *said, strict=True) if real != ours]
    assert not others, "\n".join(others)


def test_counts_are_the_same_by_what_hides(sides: tuple[Side, Side]) -> None:
    mine = [["create_uid.login", "=", "leaver"]]
    asked = [
        (who, model, domain)
        for who in ("leaver", "rep0")
        for model, domain in (
            ("res.users", []),
            ("res.users", [ALL]),
            ("res.users.apikeys", []),
            ("res.partner", mine),
            ("res.partner", [*mine, ALL]),
        )
    ]
    counts = [[side(who, f"{model}/search_count", domain=domain) for who, model, domain in asked] for side in sides]

    assert counts[0] == counts[1]
    table = [["model", "=", "res.users.apikeys"]]
    tables = [side("leaver", "ir.model/search_read", domain=table, fields=["count"])[1][0]["count"] for side in sides]
    assert tables[0] == tables[1], "keys are no table that is counted"


def test_bodies_and_headers_are_taken_alike(sides: tuple[Side, Side]) -> None:
    found = []
    for side in sides:
        key = {"Authorization": f"bearer {side.keys['leaver']}"}
        called = "res.users/context_get"
        found.append([
            *(told(side.post(called, body, **key)) for body in (b"[]", b"", b"{", b"\xff", b"[1]", b"3")),
            told(side.post(called, b"{}")),
            told(side.post(called, b"{}", **key, **{"Content-Type": "text/plain"})),
            told(side.post(called, b"{}", **key, **{"X-Odoo-Database": "other"})),
        ])  # fmt: skip

    assert found[0] == found[1]


def test_people_and_keys_end_alike(sides: tuple[Side, Side]) -> None:
    """Each of the two from the same beginning to the same end. It changes them, and comes last."""
    told_by = [list(ended(side)) for side in sides]

    assert [] == [pair for pair in zip(*told_by, strict=True) if pair[0] != pair[1]]


def ended(side: Side) -> Iterator[Any]:
    off, check = {"vals": {"active": False}}, "res.users.identitycheck/run_check"
    me, rep = side.number("res.users", login="leaver"), side.number("res.users", login="rep1")
    yield told(side("leaver", "res.users/write", ids=[me], **off))
    yield told(side("leaver", "res.users/unlink", ids=[me]))
    (key,) = side("leaver", "res.users.apikeys/search", domain=[["user_id", "=", rep]])[1]
    wizard = side("leaver", "res.users.apikeys/remove", ids=[key])[1]["res_id"]
    yield told(side("leaver", check, ids=[wizard], context={"password": "wrong"}))
    yield told(side("rep0", check, ids=[wizard], context={"password": side.passwords["rep0"]}))
    others = side("rep0", "res.users.apikeys/remove", ids=[key])[1]["res_id"]
    yield told(side("rep0", check, ids=[others], context={"password": side.passwords["rep0"]}))
    yield told(side("rep1", "res.users/context_get"))
    for _ in range(2):
        yield told(side("leaver", check, ids=[wizard], context={"password": side.passwords["leaver"]}))
    yield told(side("rep1", "res.users/context_get"))
    (row,) = side("leaver", "res.users/read", ids=[rep], fields=["partner_id"])[1]
    contact = row["partner_id"][0]
    yield told(side("leaver", "res.partner/unlink", ids=[contact]))
    yield told(side("leaver", "res.users/write", ids=[rep], **off))
    yield told(side("leaver", "res.partner/unlink", ids=[contact]))
    yield told(side("leaver", "res.users/unlink", ids=[rep]))
    yield told(side("leaver", "res.partner/read", ids=[contact], fields=["name", "user_ids"]))
    yield told(side("leaver", "res.partner/unlink", ids=[contact]))
    away = side.number("res.users", login="rep2")
    for on in (False, True):
        yield told(side("leaver", "res.users/write", ids=[away], vals={"active": on}))
        yield told(side("rep2", "res.users/context_get"))
    lead = side.number("crm.lead", name="Deal 1")
    yield told(side("rep0", "crm.lead/unlink", ids=[lead]))
    yield told(side("leaver", "crm.lead/unlink", ids=[lead, 99_999]))
    yield told(side("leaver", "crm.lead/unlink", ids=[lead]))
    yield side("leaver", "crm.lead/read", ids=[lead], fields=["name"])
