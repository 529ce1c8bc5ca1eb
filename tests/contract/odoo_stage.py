"""Odoo on its stage: a real server, one for each process that tests, behind a proxy that makes the trouble. Between two
tests its database is put back; things are put into its tables and the truth is read there, past the server.
"""

from __future__ import annotations

import atexit
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha1
from pathlib import Path
from typing import Any

from crmstate.core.provider import Batch, Cell, File, Provider
from crmstate.core.secret import Secret
from crmstate.core.words import Kind, Phase, Verb
from crmstate.providers import load

from ..e2e.odoo.cluster import quoted
from ..e2e.odoo.place import DATABASE, prepared
from ..e2e.odoo.server import Odoo
from ..real.proxy import Asked, Manners, Proxy, Told, page
from .stage import SHOWN, HeldKey, Trouble, Truth, Who, several

SEED = Path(__file__).with_name("odoo_seed.py")
ROWS = "res.partner"
FIRST = 1000
"""The first id of what tests put there; ids below are free for what somebody else puts before it."""

TABLES = (
    "res_users res_partner res_users_apikeys res_groups_users_rel res_company_users_rel base_automation ir_act_server"
)
TABLES += " ir_attachment ir_module_module res_users_settings mail_message mail_followers utm_campaign"

QUIETLY = "SET LOCAL session_replication_role = replica"
"""No trigger notes what is changed from now on, and nobody looks at references."""

_QUERIES = {
    Kind.USER: "SELECT id, active::text AS state FROM res_users WHERE id > 1 AND login NOT IN ('public', 'portaltemplate')",
    Kind.API_KEY: "SELECT id, 'true' AS state FROM res_users_apikeys",
    Kind.INTEGRATION: "SELECT id, active::text AS state FROM base_automation",
    Kind.MODULE: "SELECT id, (state = 'installed')::text AS state FROM ir_module_module",
}
_THERE = {"active": "true"}
_ACCOUNT = {"company_id": "1", **_THERE, "share": "false", "notification_type": "'email'"}
_TRANSLATED = "jsonb_build_object('en_US', name)"
_MODEL = "(SELECT id FROM ir_model WHERE model = 'res.partner')"
_GROUP = "(SELECT res_id FROM ir_model_data WHERE module = 'base' AND name = 'group_user')"
_TABLES: dict[Kind, tuple[tuple[str, dict[str, str]], ...]] = {
    Kind.USER: (
        (
            "res_partner",
            {"id": "id + 100000", "name": "name", "email": "'u' || id || '@example.com'", **_THERE, "type": "'contact'"},
        ),
        ("res_users", {"id": "id", "login": "'u' || id || '@crm'", "partner_id": "id + 100000", **_ACCOUNT}),
        ("res_company_users_rel", {"cid": "1", "user_id": "id"}),
        ("res_groups_users_rel", {"uid": "id", "gid": _GROUP}),
    ),
    Kind.API_KEY: (("res_users_apikeys", {"id": "id", "name": "name", "user_id": "2", "key": "'-'", "index": "'00000000'"}),),
    Kind.INTEGRATION: (
        (
            "base_automation",
            {"id": "id", "name": _TRANSLATED, **_THERE, "trigger": "'on_webhook'", "model_id": _MODEL},
        ),
    ),
    Kind.MODULE: (("ir_module_module", {"id": "id", "name": "name", "state": "'uninstalled'"}),),
}  # fmt: skip
"""Where things lie, and what a new one is: expressions over `id` and `name`."""

_PARTNER = {"id": "id", "name": "name", "active": "true", "type": "'contact'", "create_uid": "2"}
_THING = {Kind.USER: "res_users", Kind.API_KEY: "res_users_apikeys", Kind.INTEGRATION: "base_automation"}

LOGINS = {
    Who.STRONG: "a-admin",
    Who.REFRESHING: "a-admin",
    Who.READ_ONLY: "a-read",
    Who.WEAK: "a-weak",
    Who.NO_RIGHTS: "a-none",
    Who.DEAD: "a-dead",
}
OWNERS_OWN = ("res_partner", "res_partner_category", "res_partner_bank", "utm_campaign", "crm_lead", "mail_message")
"""The tables in which the owner's rows lie, of those that tests, or the acts in them, write to."""


class OdooTruth:
    """Read from the database's tables. Effects are what its triggers noted (`odoo_seed.py`)."""

    def __init__(self, server: Odoo, received: Callable[[], list[str]]) -> None:
        self._talk = server.cluster.talk(DATABASE)
        self.received = received

    def phases(self, kind: Kind) -> dict[str, Phase]:
        if kind is Kind.DATASET:
            return {table.replace("_", "."): Phase.PRESENT for table in OWNERS_OWN if self._written(table)}
        rows = self._talk.ask(_QUERIES[kind])
        return {str(row["id"]): Phase.PRESENT if row["state"] == "true" else Phase.INACTIVE for row in rows}

    def _written(self, table: str) -> bool:
        """Whether somebody wrote to a table who is no module: without an external id, and no user's or company's contact."""
        brought = f"SELECT res_id FROM ir_model_data WHERE model = {quoted(table.replace('_', '.'))}"
        query = f"SELECT count(*) AS n FROM {table} WHERE id NOT IN ({brought})"
        if table == "res_partner":
            query += " AND id NOT IN (SELECT partner_id FROM res_users UNION SELECT partner_id FROM res_company)"
        return bool(self._talk.one(query))

    def happened(self, kind: Kind, id: str, parent: str | None = None) -> int:
        query = (
            f"SELECT count(*) AS n FROM seen.effects WHERE kind = {quoted(parent or kind.value)} AND thing = {int(id)}"
        )
        return int(self._talk.one(query))


class OdooStage:
    """An administrator, somebody who only reads, somebody who sees little, somebody who may nothing, and one whose access
    has ended (`odoo_seed.py`)."""

    deep = True
    late = 1.0

    def __init__(self, folder: Path) -> None:
        self.provider: Provider = load("odoo")
        self._server, self._proxy = _shared()
        self._talk = self._server.cluster.talk(DATABASE)
        self._put_back()
        self._proxy.forget()
        self._proxy.manners = self._manners()
        self.url = self._proxy.url
        self.tenant = self._server.tenant
        self.truth: Truth = OdooTruth(self._server, self._proxy.received)

    def _put_back(self) -> None:
        """Every table that tests change, as it was in the beginning."""
        each = (f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM seen.{table}" for table in TABLES.split())
        self._talk.do(QUIETLY, *each, "TRUNCATE seen.effects")

    def credential(self, who: Who) -> Mapping[str, Secret]:
        login = LOGINS[who]
        return {"api_key": Secret(self._server.keys[login]), "password": Secret(f"Pw-of-{login}-2026")}

    def put(self, kind: Kind, names: Sequence[str]) -> list[str]:
        return self._put(_TABLES[kind], names) if kind in _TABLES else []

    def _put(
        self, tables: Sequence[tuple[str, dict[str, str]]], names: Sequence[str], first: int | None = None
    ) -> list[str]:
        """Rows with ids in their order. `first`: below it somebody else puts things before what is there."""
        table = next(name for name, columns in tables if columns.get("id") == "id")
        last = self._talk.one(f"SELECT max(id) AS n FROM {table} WHERE id < 100000") or 0
        begin = first or max(FIRST, last + 1)
        often = Counter(names)
        unique = table == "ir_module_module"
        named = [name if often[name] == 1 or not unique else f"{name} {begin + n}" for n, name in enumerate(names)]
        given = f"json_array_elements_text({quoted(json.dumps(named))}) WITH ORDINALITY AS given(name, n)"
        source = f"(SELECT name, ({begin - 1} + n)::integer AS id FROM {given}) AS each"
        self._talk.do(
            QUIETLY,
            *(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM {source}"
                for table, columns in tables
            ),
        )
        return [str(begin + n) for n in range(len(names))]

    def rows(self, names: Sequence[str]) -> tuple[str, list[str]]:
        return ROWS, self._put((("res_partner", _PARTNER),), names)

    def field_names(self, dataset: str) -> Sequence[str]:
        return ["name", "email", "active", "many2one"]

    def labels(self, kind: Kind, ids: Sequence[str], names: Sequence[str]) -> Sequence[str]:
        return names

    def close_account(self) -> None:
        raise NotImplementedError("a person drops the database and stops the server (see the knobs)")

    def fetching(self, file: File) -> str:
        return "POST /json/2/ir.attachment/search_read"

    def attachment(self, content: bytes) -> str:
        dataset, (row,) = self.rows(["with a file"])
        columns = "name, type, res_model, res_id, db_datas, file_size, checksum, mimetype, create_uid"
        digest = sha1(content).hexdigest()
        values = f"'Verträge/合同.pdf', 'binary', 'res.partner', {row}, '\\x{content.hex()}', {len(content)}, '{digest}', 'application/pdf', 2"
        self._talk.do(QUIETLY, f"INSERT INTO ir_attachment ({columns}) VALUES ({values})")
        return dataset

    def held_key(self) -> HeldKey:
        """With the digest of a key that the server once made."""
        _, user = self.put(Kind.USER, ["somebody", "held"])  # so that no key has its owner's number
        (id,) = self.put(Kind.API_KEY, ["held"])
        key, digest, index = (self._server.keys[name] for name in ("held", "hash", "index"))
        change = f"user_id = {user}, key = {quoted(digest)}, index = {quoted(index)}"
        self._talk.do(QUIETLY, f"UPDATE res_users_apikeys SET {change} WHERE id = {id}")
        revoke = partial(self._talk.do, QUIETLY, f"DELETE FROM res_users_apikeys WHERE id = {id}")
        return HeldKey(user, id, partial(self._server.opens, key), revoke, {"api_key": Secret(key)})

    def own_user(self) -> str:
        return str(self._talk.one(f"SELECT id FROM res_users WHERE login = '{LOGINS[Who.STRONG]}'"))

    def switched_off(self) -> str:
        (user,) = self.put(Kind.USER, ["off"])
        self._talk.do(QUIETLY, f"UPDATE res_users SET active = false WHERE id = {user}")
        return user

    def hidden_row(self, content: bytes) -> tuple[str, str]:
        dataset = self.attachment(content)
        row = self._talk.one(f"SELECT max(id) AS n FROM res_partner WHERE id >= {FIRST} AND id < 100000")
        self._talk.do(QUIETLY, f"UPDATE res_partner SET active = false WHERE id = {row}")
        return dataset, str(row)

    def soften(self) -> None:
        raise NotImplementedError("what Odoo deletes is gone")

    def hidden(self, kind: Kind) -> list[str]:
        return []

    def batch(self, cell: Cell, count: int) -> Batch:
        made = several(self, cell, count)
        if cell.verb is Verb.RESUME:
            self._talk.do(QUIETLY, f"UPDATE {_THING[cell.kind]} SET active = false WHERE id >= {FIRST}")
        return made

    def trouble(self, trouble: Trouble, request: str, times: int | None = 1) -> None:
        self._proxy.trouble(trouble, request, times)

    def days_pass(self, days: int) -> None:
        """Nothing at an Odoo server happens by the day."""

    def close(self) -> None:
        self._proxy.forget()

    def _manners(self) -> Manners:
        return Manners(
            first={
                Trouble.TOKEN_EXPIRED: self._end_key,
                Trouble.EVERY_SECOND_ITEM_FAILS: self._need_every_second,
            },
            instead={
                Trouble.DONE_THAT_DID_NOTHING: lambda asked: _said(200, True),
                Trouble.REFUSED_IN_200: lambda asked: page(200, "Database deletion error: Access Denied"),
                Trouble.REFUSED_AS_500: partial(_refused, 500, "RedirectWarning"),
                Trouble.REFUSED_AS_404: lambda asked: page(404, "Not Found"),
                Trouble.FORBIDDEN_TO_EVERYBODY: partial(_refused, 403, "AccessError"),
                Trouble.DEAD_TOKEN_AS_403: partial(_refused, 403, "AccessDenied"),
                Trouble.PAGING_IGNORED: lambda asked: self._proxy.ask(_unpaged(asked)),
            },
            then={
                Trouble.ROW_INSERTED_BEHIND: partial(self._somebody_else, self._insert_before),
                Trouble.ROW_REMOVED_BEHIND: partial(self._somebody_else, self._remove_first),
            },
            edit={
                Trouble.SMALLER_PAGES: _two_rows,
                Trouble.SMALLER_PAGES_THAT_LOSE_ROWS: _two_rows,
                Trouble.ECHO_IN_PAGE: self._echo,
                Trouble.SAYS_THERE_IS_NOTHING: _hollow,
                Trouble.ROWS_WITHOUT_IDS: partial(_each_row, lambda row: row.pop("id", None)),
                Trouble.SECRET_IN_ROWS: partial(
                    _each_row, lambda row: row.update(secret=SHOWN, key=SHOWN, webhook_uuid=SHOWN)
                ),
            },
        )

    def _end_key(self, asked: Asked) -> None:
        """The caller's own, which its header names."""
        index = asked.headers["Authorization"].partition(" ")[2][:8]
        self._talk.do(QUIETLY, f"DELETE FROM res_users_apikeys WHERE index = {quoted(index)}")

    def _need_every_second(self, asked: Asked) -> None:
        """Every second contact becomes a user's, every second user answers for a campaign: neither can be deleted."""
        ids = _body(asked)["ids"][1::2]
        if "res.partner" in asked.path:
            user = {"id": "id", "login": "'n' || id || '@crm'", "partner_id": "name::integer", **_ACCOUNT}
            self._put((("res_users", user),), [str(id) for id in ids])
            return
        campaign = {"id": "id", "name": "name", "title": _TRANSLATED, "user_id": "name::integer", "stage_id": "1"}
        self._put((("utm_campaign", campaign),), [str(id) for id in ids])

    def _somebody_else(self, act: Callable[[Kind], None], asked: Asked) -> None:
        """Acts once the first page of a listing is out: one that has a limit, and asks for no ids behind others."""
        called = _body(asked)
        if called.get("limit") is not None and not any(_after(part) for part in called["domain"]):
            table = asked.path.split("/")[3].replace(".", "_")
            act(next(kind for kind, tables in _TABLES.items() if table in {name for name, _ in tables[:2]}))

    def _insert_before(self, kind: Kind) -> None:
        table = _main(kind)
        last = self._talk.one(f"SELECT max(id) AS n FROM {table} WHERE id < {FIRST}") or 0
        self._put(_TABLES[kind], [f"somebody else's {last}"], max(last + 1, FIRST // 2))

    def _remove_first(self, kind: Kind) -> None:
        table = _main(kind)
        gone = f"(SELECT min(id) FROM {table} WHERE id >= {FIRST})"
        self._talk.do(QUIETLY, f"DELETE FROM {table} WHERE id = {gone}")

    def _echo(self, asked: Asked, told: Told) -> Told:
        """Everything that the vendor knows the caller by, in the first text of the first row."""
        found = json.loads(told.text)
        secrets = " ".join(each.reveal() for each in self.credential(Who.STRONG).values())
        for row in (each for each in found[:1] if isinstance(each, dict)) if isinstance(found, list) else ():
            for name, value in row.items():
                if isinstance(value, str):
                    row[name] = f"{value} {secrets}"
                    break
        return told.with_body(json.dumps(found).encode())


def _main(kind: Kind) -> str:
    return next(table for table, columns in _TABLES[kind] if columns.get("id") == "id")


def _body(asked: Asked) -> dict[str, Any]:
    found = json.loads(asked.body or b"{}")
    return found if isinstance(found, dict) else {}


def _said(status: int, body: object) -> Told:
    return Told(status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(body).encode())


def _refused(status: int, name: str, asked: Asked) -> Told:
    error = {
        "name": f"odoo.exceptions.{name}",
        "message": "This is refused.",
        "arguments": [],
        "context": {},
        "debug": "Traceback",
    }
    return _said(status, error)


def _after(part: Any) -> bool:
    """Whether a part of a search says where a page begins."""
    return isinstance(part, list) and part[:2] == ["id", ">"] and part[2] > 1


def _unpaged(asked: Asked) -> Asked:
    """The search as if nobody had asked for a page."""
    called = _body(asked)
    if asked.path.endswith("/search_read"):
        called["domain"] = [part for part in called["domain"] if not _after(part)]
        called["limit"] = None
    return replace(asked, body=json.dumps(called).encode())


def _two_rows(asked: Asked, told: Told) -> Told:
    """The page, cut short as if there were no more on it."""
    found = json.loads(told.text)
    return told.with_body(json.dumps(found[:2] if isinstance(found, list) else found).encode())


def _hollow(asked: Asked, told: Told) -> Told:
    """Nothing, unless somebody asks for rows by their ids, or for what the server knows of its own modules: where that is not
    shown, reading ends by itself."""
    if "/ir.model.data/" in asked.path:
        return told
    domain = _body(asked).get("domain") or []
    by_id = any(isinstance(part, list) and part[:2] == ["id", "in"] for part in domain)
    found = json.loads(told.text)
    if isinstance(found, list | int) and not isinstance(found, bool) and not by_id:
        found = [] if isinstance(found, list) else 0
    return told.with_body(json.dumps(found).encode())


def _each_row(edit: Callable[[dict[str, Any]], object], asked: Asked, told: Told) -> Told:
    found = json.loads(told.text)
    for row in found if isinstance(found, list) else [found]:
        if isinstance(row, dict):
            edit(row)
    return told.with_body(json.dumps(found).encode())


_RUNNING: list[tuple[Odoo, Proxy]] = []


def _shared() -> tuple[Odoo, Proxy]:
    """The one server of this process, started when it is first needed."""
    if not _RUNNING:
        server = Odoo(prepared(SEED)).start()
        atexit.register(server.stop)
        _RUNNING.append((server, Proxy(server.port, Manners(), slow=2.0)))
    return _RUNNING[0]


STAGE = OdooStage
