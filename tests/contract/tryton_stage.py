"""Tryton on its stage: a real server, one for each process that tests, behind a proxy that makes the trouble. Between
two tests its database is put back; things are put into the file itself and the truth is read there, past the server.
"""

from __future__ import annotations

import atexit
import json
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from crmstate.core.provider import Batch, Cell, File, Provider
from crmstate.core.secret import Secret
from crmstate.core.words import Kind, Phase, Verb
from crmstate.providers import load

from ..e2e.tryton.place import DATABASE, database
from ..e2e.tryton.server import Tryton
from ..real.proxy import Asked, Manners, Proxy, Told, page
from .stage import SHOWN, HeldKey, Trouble, Truth, Who, several

SEED = Path(__file__).with_name("tryton_seed.py")
MODULES = ("company", "user_role")
"""As few as there are parties in: every listing of the datasets asks every model of every module."""

ROWS = "party.party"
FIRST = 1000
"""The first id of what tests put there; ids below are free for what somebody else puts before it."""

OWN = {"ir.attachment", "ir.note"}
"""What people attach to their records lies among the server's own."""

_QUERIES = {
    Kind.USER: "SELECT id, active FROM res_user WHERE id > 0",
    Kind.API_KEY: "SELECT id, state FROM res_user_application",
    Kind.SESSION: "SELECT id, EXISTS (SELECT 1 FROM ir_session s WHERE s.create_uid = u.id) FROM res_user u WHERE id > 0",
    Kind.INTEGRATION: "SELECT id, active FROM ir_trigger",
    Kind.MODULE: "SELECT id, state FROM ir_module",
}
_PHASES: dict[Kind, Callable[[Any], Phase]] = {
    Kind.USER: lambda active: Phase.PRESENT if active else Phase.INACTIVE,
    Kind.API_KEY: lambda state: Phase.ABSENT if state == "cancelled" else Phase.PRESENT,
    Kind.SESSION: lambda some: Phase.PRESENT if some else Phase.ABSENT,
    Kind.INTEGRATION: lambda active: Phase.PRESENT if active else Phase.INACTIVE,
    Kind.MODULE: lambda state: Phase.INACTIVE if state == "not activated" else Phase.PRESENT,
}
NAME = "<name>"
_KEY = "key-{}" + "0" * 99
_TABLES: dict[Kind, tuple[str, str, tuple[object, ...]]] = {
    Kind.USER: ("res_user", "name, login, email, active", (NAME, "u{}@crm", "u{}@example.com", True)),
    Kind.API_KEY: (
        "res_user_application",
        '"user", application, state, key',
        (4, "rest", "validated", _KEY),
    ),
    Kind.INTEGRATION: ("ir_trigger", "name, model, action, condition, active", (NAME, 1, "res.user|x", "false", True)),
    Kind.MODULE: ("ir_module", "name, state", (NAME, "not activated")),
}
"""Where things lie, and what a new one is; `{}` becomes its id."""

LOGINS = {
    Who.STRONG: "a-admin",
    Who.REFRESHING: "a-admin",
    Who.READ_ONLY: "a-read",
    Who.WEAK: "a-weak",
    Who.NO_RIGHTS: "a-none",
    Who.DEAD: "a-dead",
}
_NOW = "2026-01-01 00:00:00"


class TrytonTruth:
    """Read from the database's file. Effects are what its triggers noted (`tryton_seed.py`)."""

    def __init__(self, server: Tryton, received: Callable[[], list[str]]) -> None:
        self._server = server
        self.received = received

    def phases(self, kind: Kind) -> dict[str, Phase]:
        """Root, user 0, cannot log in and is nobody's account. Of datasets those whose rows somebody wrote."""
        with self._server.open() as file:
            if kind is Kind.DATASET:
                return {name: Phase.PRESENT for name, table in _tables(file).items() if _written(file, table)}
            return {str(id): _PHASES[kind](state) for id, state in file.execute(_QUERIES[kind]).fetchall()}

    def happened(self, kind: Kind, id: str, parent: str | None = None) -> int:
        with self._server.open() as file:
            query = "SELECT count(*) FROM seen_effects WHERE kind = ? AND thing = ?"
            return int(file.execute(query, (parent or kind.value, id)).fetchone()[0])


def _tables(file: Connection) -> dict[str, str]:
    """The models that lie in a table of their own, but for the server's own."""
    tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    models = [name for (name,) in file.execute("SELECT name FROM ir_model")]
    found = {name: name.replace(".", "_") for name in models if name.replace(".", "_") in tables}
    return {name: table for name, table in found.items() if name.partition(".")[0] not in {"ir", "res"} or name in OWN}


def _written(file: Connection, table: str) -> bool:
    return file.execute(f'SELECT 1 FROM "{table}" WHERE create_uid > 0 LIMIT 1').fetchone() is not None


class TrytonStage:
    """Administrators, somebody who only reads, somebody who sees little, somebody who may nothing, and one whose access
    has ended (`tryton_seed.py`)."""

    deep = True
    late = 1.0
    midnight = "T00:00:00Z"

    def __init__(self, folder: Path) -> None:
        self.provider: Provider = load("tryton")
        self._server, self._proxy = _shared(folder.parent)
        self._server.reset()
        self._proxy.forget()
        self._proxy.manners = self._manners()
        self.url = f"{self._proxy.url}/{DATABASE}"
        self.tenant = self._server.tenant
        self.truth: Truth = TrytonTruth(self._server, self._proxy.received)

    def credential(self, who: Who) -> Mapping[str, Secret]:
        login = LOGINS[who]
        return {"login": Secret(login), "password": Secret(f"Pw-of-{login}-2026")}

    def put(self, kind: Kind, names: Sequence[str]) -> list[str]:
        return self._put(kind, names)

    def _put(self, kind: Kind, names: Sequence[str], first: int | None = None) -> list[str]:
        """`first`: below it somebody else puts things before what is there."""
        if kind is Kind.SESSION:
            return self._sessions(names, first)
        if kind not in _TABLES:
            return []
        table, columns, values = _TABLES[kind]
        often = Counter(names)
        named = [name if often[name] == 1 or table != "ir_module" else name + " {}" for name in names]
        rows = [(*(name if each is NAME else each for each in values), _NOW, 1) for name in named]
        return self._insert(table, f"id, {columns}, create_date, create_uid", rows, first)

    def _sessions(self, names: Sequence[str], first: int | None) -> list[str]:
        """One of a user each, whose login is the name, where nobody has it yet."""
        often = Counter(names)
        logins = [name if often[name] == 1 else name + " {}" for name in names]
        people = [(login, login, True, _NOW, 1) for login in logins]
        ids = self._insert("res_user", "id, name, login, active, create_date, create_uid", people, first)
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
        held = [("session-of-{}", "127.0.0.1", now, int(id)) for id in ids]
        self._insert("ir_session", "id, key, ip_address, create_date, create_uid", held, first)
        return ids

    def rows(self, names: Sequence[str]) -> tuple[str, list[str]]:
        columns = "id, name, code, active, create_date, create_uid"
        return ROWS, self._insert("party_party", columns, [(name, "P{}", True, _NOW, 1) for name in names])

    def field_names(self, dataset: str) -> Sequence[str]:
        return ["name", "code", "active", "identifiers", "one2many", "party.identifier"]

    def _insert(self, table: str, columns: str, rows: Sequence[tuple[Any, ...]], first: int | None = None) -> list[str]:
        """Rows with ids in their order; `{}` in a text becomes the row's id."""
        with self._server.open() as file:
            (last,) = file.execute(f"SELECT max(id) FROM {table}").fetchone()
            begin = first or max(FIRST, (last or 0) + 1)
            ids = range(begin, begin + len(rows))
            filled = [
                (id, *(each.format(id) if isinstance(each, str) and "{}" in each else each for each in row))
                for id, row in zip(ids, rows, strict=True)
            ]
            marks = ", ".join("?" * (columns.count(",") + 1))
            file.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", filled)
        return [str(id) for id in ids]

    def labels(self, kind: Kind, ids: Sequence[str], names: Sequence[str]) -> Sequence[str]:
        return names

    def close_account(self) -> None:
        raise NotImplementedError("a person stops the server and removes the database (see the knobs)")

    def fetching(self, file: File) -> str:
        return "POST /*/rpc/#model.ir.attachment.search_read"

    def attachment(self, content: bytes) -> str:
        dataset, (row,) = self.rows(["with a file"])
        columns = "id, name, type, resource, data, create_date, create_uid"
        self._insert("ir_attachment", columns, [("Verträge/合同.pdf", "data", f"{dataset},{row}", content, _NOW, 1)])
        return dataset

    def held_key(self) -> HeldKey:
        _, user = self.put(Kind.USER, ["somebody", "held"])  # so that no key has its owner's number
        (key,) = self.put(Kind.API_KEY, [""])
        secret = _KEY.format(key)
        self._change("res_user_application", key, '"user" = ?', int(user))
        revoke = partial(self._change, "res_user_application", key, "state = ?", "cancelled")
        return HeldKey(user, key, partial(self._lets_in, secret), revoke)

    def _lets_in(self, key: str) -> bool:
        """Whether the server's other door opens to a key; 401 is its word for one that is dead."""
        with closing(HTTPConnection("127.0.0.1", self._server.port, timeout=30)) as line:
            line.request("GET", f"/{DATABASE}/rest/model/ir.lang", headers={"Authorization": f"Bearer {key}"})
            found = line.getresponse()
            found.read()
        assert found.status in {200, 206, 401}, found.status
        return found.status != 401

    def _change(self, table: str, id: str, change: str, value: object) -> None:
        with self._server.open() as file:
            file.execute(f"UPDATE {table} SET {change} WHERE id = ?", (value, int(id)))
            file.execute("DELETE FROM seen_effects")

    def own_user(self) -> str:
        with self._server.open() as file:
            (id,) = file.execute("SELECT id FROM res_user WHERE login = ?", (LOGINS[Who.STRONG],)).fetchone()
        return str(id)

    def switched_off(self) -> str:
        (user,) = self.put(Kind.USER, ["off"])
        self._change("res_user", user, "active = ?", False)
        return user

    def hidden_row(self, content: bytes) -> tuple[str, str]:
        dataset = self.attachment(content)
        with self._server.open() as file:
            (row,) = file.execute("SELECT max(id) FROM party_party").fetchone()
        self._change("party_party", str(row), "active = ?", False)
        return dataset, str(row)

    def soften(self) -> None:
        raise NotImplementedError("what Tryton deletes is gone")

    def hidden(self, kind: Kind) -> list[str]:
        return []

    def batch(self, cell: Cell, count: int) -> Batch:
        made = several(self, cell, count)
        if cell.verb is Verb.RESUME:
            with self._server.open() as file:
                table = _TABLES[cell.kind][0]
                file.execute(f"UPDATE {table} SET active = 0 WHERE id >= ?", (FIRST,))
                file.execute("DELETE FROM seen_effects")
        return made

    def trouble(self, trouble: Trouble, request: str, times: int | None = 1) -> None:
        self._proxy.trouble(trouble, request, times)

    def days_pass(self, days: int) -> None:
        """Nothing at a Tryton server happens by the day."""

    def close(self) -> None:
        self._proxy.forget()

    def _manners(self) -> Manners:
        return Manners(
            label=self._label,
            first={
                Trouble.TOKEN_EXPIRED: self._end_session,
                Trouble.EVERY_SECOND_ITEM_FAILS: self._need_every_second,
            },
            instead={
                Trouble.DONE_THAT_DID_NOTHING: _nothing,
                Trouble.REFUSED_IN_200: partial(_refused, 200),
                Trouble.REFUSED_AS_500: partial(_refused, 500),
                Trouble.REFUSED_AS_404: lambda asked: page(404, "Not Found"),
                Trouble.FORBIDDEN_TO_EVERYBODY: lambda asked: page(403, "You are not allowed to access this."),
                Trouble.DEAD_TOKEN_AS_403: lambda asked: page(403, "The session has ended."),
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
                    _each_row, lambda row: row.update(secret=SHOWN, key=SHOWN, rec_name=SHOWN)
                ),
            },
        )

    def _label(self, asked: Asked) -> str:
        """A call by its method: they all go to one path."""
        method = _call(asked).get("method")
        return f"{asked.method} {asked.path}" + (f"#{method}" if method else "")

    def _end_session(self, asked: Asked) -> None:
        """The caller's own, which its header names."""
        held = b64decode(asked.headers["Authorization"].partition(" ")[2]).decode().rpartition(":")[2]
        with self._server.open() as file:
            file.execute("DELETE FROM ir_session WHERE key = ?", (held,))

    def _need_every_second(self, asked: Asked) -> None:
        """Every second row that is to be deleted becomes an employee, whose own party nobody can delete."""
        rows = [(id, 1, _NOW, 1) for id in _call(asked)["params"][0][1::2]]
        self._insert("company_employee", "id, party, company, create_date, create_uid", rows)

    def _somebody_else(self, act: Callable[[Kind], None], asked: Asked) -> None:
        """Acts once the first page of a listing is out: one that has a limit, and asks for no ids behind others."""
        called = _call(asked)
        params = called.get("params", [])
        if len(params) > 2 and params[2] and '">"' not in json.dumps(params[0]).replace('["id", ">", 0]', ""):
            model = str(called.get("method")).removeprefix("model.").rpartition(".")[0]
            act(next(kind for kind, (table, *_) in _TABLES.items() if table == model.replace(".", "_")))

    def _insert_before(self, kind: Kind) -> None:
        table = _TABLES[kind][0]
        with self._server.open() as file:
            (last,) = file.execute(f"SELECT max(id) FROM {table} WHERE id < ?", (FIRST,)).fetchone()
        self._put(kind, [f"somebody else's {last}"], max((last or 0) + 1, FIRST // 2))

    def _remove_first(self, kind: Kind) -> None:
        table = _TABLES[kind][0]
        with self._server.open() as file:
            file.execute(f"DELETE FROM {table} WHERE id = (SELECT min(id) FROM {table} WHERE id >= ?)", (FIRST,))

    def _echo(self, asked: Asked, told: Told) -> Told:
        """Everything that the vendor knows the caller by, in the first text of the first row, or of the first field that
        is described."""
        found = json.loads(told.text)
        rows = found["result"] if isinstance(found, dict) else found
        sent = {name.lower(): value for name, value in asked.headers.items()}.get("authorization", "")
        secrets = " ".join((sent, *(each.reveal() for each in self.credential(Who.STRONG).values())))
        rows = list(rows.values()) if isinstance(rows, dict) else rows
        for row in (each for each in rows[:1] if isinstance(each, dict)):
            for name, value in row.items():
                if isinstance(value, str):
                    row[name] = f"{value} {secrets}"
                    break
        return told.with_body(json.dumps(found).encode())


def _call(asked: Asked) -> dict[str, Any]:
    if asked.method != "POST" or not asked.path.endswith("/rpc/"):
        return {}
    try:
        found = json.loads(asked.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _nothing(asked: Asked) -> Told:
    body = json.dumps({"id": _call(asked).get("id"), "result": None}).encode()
    return Told(200, {"Content-Type": "application/json"}, body)


def _two_rows(asked: Asked, told: Told) -> Told:
    """The page, cut short as if there were no more on it."""
    found = json.loads(told.text)
    if isinstance(found, dict) and isinstance(found.get("result"), list):
        found["result"] = found["result"][:2]
    elif isinstance(found, list):
        found = found[:2]
    return told.with_body(json.dumps(found).encode())


def _refused(status: int, asked: Asked) -> Told:
    """The server's own words for a refusal, which it sends with 200."""
    body = json.dumps({"id": _call(asked).get("id"), "error": ["UserError", ["This is refused.", "", None]]})
    return Told(status, {"Content-Type": "application/json"}, body.encode())


def _after(part: Any) -> bool:
    """Whether a part of a search says where a page begins."""
    return isinstance(part, list) and part[:2] == ["id", ">"] and part[2] > 0


def _unpaged(asked: Asked) -> Asked:
    """The search as if nobody had asked for a page."""
    called = _call(asked)
    if str(called.get("method")).endswith(".search_read"):
        called["params"][0] = [part for part in called["params"][0] if not _after(part)]
        called["params"][2] = None
    return replace(asked, body=json.dumps(called).encode())


def _hollow(asked: Asked, told: Told) -> Told:
    """Nothing, unless somebody asks for rows by their ids."""
    called, found = _call(asked), json.loads(told.text)
    domain = next(iter(called.get("params", [])), None)
    by_id = isinstance(domain, list) and any(isinstance(part, list) and part[:2] == ["id", "in"] for part in domain)
    if isinstance(found, dict) and "result" in found and not by_id:
        found["result"] = 0 if isinstance(found["result"], int) else []
    return told.with_body(json.dumps(found).encode())


def _each_row(edit: Callable[[dict[str, Any]], object], asked: Asked, told: Told) -> Told:
    found = json.loads(told.text)
    rows = found.get("result") if isinstance(found, dict) else None
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict):
            edit(row)
    return told.with_body(json.dumps(found).encode())


_RUNNING: list[tuple[Tryton, Proxy]] = []


def _shared(folder: Path) -> tuple[Tryton, Proxy]:
    """The one server of this process, started when it is first needed."""
    if not _RUNNING:
        server = Tryton(folder / "tryton-server", database(SEED, MODULES)).start()
        atexit.register(server.stop)
        _RUNNING.append((server, Proxy(server.port, Manners(), slow=2.0)))
    return _RUNNING[0]


STAGE = TrytonStage
