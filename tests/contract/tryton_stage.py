"""Tryton on its stage: a real server, one for each process that tests, behind a proxy that makes the trouble. Between
two tests its database is put back; things are put into the file itself and the truth is read there, past the server.
"""

from __future__ import annotations

import atexit
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from crmstate.core.provider import Batch, Cell, Item, Provider
from crmstate.core.secret import Secret
from crmstate.core.words import Kind, Phase
from crmstate.providers import load

from ..e2e.tryton.place import DATABASE, database
from ..e2e.tryton.server import Tryton
from ..real.proxy import Asked, Manners, Proxy, Told
from .stage import Trouble, Truth, Who

SEED = Path(__file__).with_name("tryton_seed.py")
ROWS = "party.party"
FIRST = 1000
"""The first id of what tests put there; ids below are free for what somebody else puts before it."""

KEYS = {"requested": Phase.PENDING, "validated": Phase.PRESENT, "cancelled": Phase.ABSENT}
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
        with self._server.open() as file:
            if kind is Kind.USER:
                found = file.execute("SELECT id, active FROM res_user").fetchall()
                return {str(id): Phase.PRESENT if active else Phase.INACTIVE for id, active in found}
            if kind is Kind.API_KEY:
                found = file.execute("SELECT id, state FROM res_user_application").fetchall()
                return {str(id): KEYS[state] for id, state in found}
            if kind is Kind.DATASET:
                tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
                models = [name for (name,) in file.execute("SELECT name FROM ir_model")]
                return {name: Phase.PRESENT for name in models if name.replace(".", "_") in tables}
        raise ValueError(f"there is no {kind}")

    def happened(self, kind: Kind, id: str, parent: str | None = None) -> int:
        with self._server.open() as file:
            query = "SELECT count(*) FROM seen_effects WHERE kind = ? AND thing = ?"
            return int(file.execute(query, (parent or kind.value, id)).fetchone()[0])


class TrytonStage:
    """Administrators, somebody who only reads, somebody who sees little, somebody who may nothing, and one whose access
    has ended (`tryton_seed.py`)."""

    late = 1.0

    def __init__(self, folder: Path) -> None:
        self.provider: Provider = load("tryton")
        self._server, self._proxy = _shared(folder.parent)
        self._server.reset()
        self._proxy.forget()
        self._in_path = any(f"/{DATABASE}/" in each for cell in self.provider.table.values() for each in cell.requests)
        self._proxy.manners = self._manners()
        self.url = self._proxy.url if self._in_path else f"{self._proxy.url}/{DATABASE}"
        self.tenant = DATABASE
        self.truth: Truth = TrytonTruth(self._server, self._proxy.received)

    def credential(self, who: Who) -> Mapping[str, Secret]:
        login = LOGINS[who]
        with self._server.open() as file:
            query = 'SELECT a.key FROM res_user_application a JOIN res_user u ON a."user" = u.id WHERE u.login = ?'
            (key,) = file.execute(query, (login,)).fetchone()
        found = {"login": login, "password": f"Pw-of-{login}-2026", "key": key}
        return {name: Secret(text) for name, text in found.items()}

    def put(self, kind: Kind, names: Sequence[str]) -> list[str]:
        if kind is Kind.USER:
            return self._users(names)
        if kind is Kind.API_KEY:
            return self._keys(names)
        return []

    def _users(self, names: Sequence[str], first: int | None = None) -> list[str]:
        columns = "id, name, login, email, active, create_date, create_uid"
        return self._insert(
            "res_user",
            columns,
            [(name, f"u{{}}@{self.tenant}", "u{}@example.com", True, _NOW, 1) for name in names],
            first,
        )

    def _keys(self, names: Sequence[str], first: int | None = None) -> list[str]:
        """One key a name, each of a user of this name: keys have none of their own."""
        people = list(dict.fromkeys(names))
        users = dict(zip(people, self._users(people, first), strict=True))
        columns = 'id, "user", application, state, key, create_date, create_uid'
        rows = [(int(users[name]), "rest", "validated", "key-of-{}-" + "0" * 40, _NOW, 1) for name in names]
        return self._insert("res_user_application", columns, rows, first)

    def rows(self, names: Sequence[str]) -> tuple[str, list[str]]:
        columns = "id, name, code, active, create_date, create_uid"
        return ROWS, self._insert("party_party", columns, [(name, "P{}", True, _NOW, 1) for name in names])

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

    def attachment(self, content: bytes) -> str:
        dataset, (row,) = self.rows(["with a file"])
        columns = "id, name, type, resource, data, create_date, create_uid"
        self._insert("ir_attachment", columns, [("Verträge/合同.pdf", "data", f"{dataset},{row}", content, _NOW, 1)])
        return dataset

    def soften(self) -> None:
        raise NotImplementedError("what Tryton deletes is gone")

    def hidden(self, kind: Kind) -> list[str]:
        return []

    def batch(self, cell: Cell, count: int) -> Batch:
        count = min(count, cell.batch)
        if cell.kind is Kind.DATASET:
            dataset, rows = self.rows(["gone"] * count)
            return Batch(cell.kind, cell.verb, tuple(Item(row) for row in rows), parent=dataset)
        return Batch(cell.kind, cell.verb, tuple(Item(id) for id in self.put(cell.kind, ["gone"] * count)))

    def trouble(self, trouble: Trouble, request: str, times: int | None = 1) -> None:
        self._proxy.trouble(trouble, request, times)

    def days_pass(self, days: int) -> None:
        """Nothing at a Tryton server happens by the day."""

    def close(self) -> None:
        self._proxy.forget()

    def _manners(self) -> Manners:
        return Manners(
            label=self._label,
            first={Trouble.TOKEN_EXPIRED: self._end_sessions},
            instead={Trouble.DONE_THAT_DID_NOTHING: _nothing},
            then={
                Trouble.ROW_INSERTED_BEHIND: partial(self._somebody_else, self._insert_before),
                Trouble.ROW_REMOVED_BEHIND: partial(self._somebody_else, self._remove_first),
            },
            edit={
                Trouble.SMALLER_PAGES: _two_rows,
                Trouble.SMALLER_PAGES_THAT_LOSE_ROWS: _two_rows,
                Trouble.ECHO_IN_PAGE: self._echo,
            },
        )

    def _label(self, asked: Asked) -> str:
        """A call by its method: they all go to one path."""
        path = asked.path if self._in_path else asked.path.removeprefix(f"/{DATABASE}")
        method = _call(asked).get("method")
        return f"{asked.method} {path}" + (f"#{method}" if method else "")

    def _end_sessions(self, asked: Asked) -> None:
        with self._server.open() as file:
            file.execute("DELETE FROM ir_session")

    def _somebody_else(self, act: Callable[[str], None], asked: Asked) -> None:
        """Acts once the first page of a listing is out."""
        called = _call(asked)
        params = called.get("params", [])
        if len(params) < 2 or (not params[1] and '">"' not in json.dumps(params[0])):
            act(str(called.get("method")).removeprefix("model.").rpartition(".")[0])

    def _insert_before(self, model: str) -> None:
        put = {"res.user": self._users, "res.user.application": self._keys}[model]
        with self._server.open() as file:
            query = f"SELECT max(id) FROM {model.replace('.', '_')} WHERE id < ?"
            (last,) = file.execute(query, (FIRST,)).fetchone()
        put(["somebody else's"], max(last + 1, FIRST // 2))

    def _remove_first(self, model: str) -> None:
        table = model.replace(".", "_")
        with self._server.open() as file:
            file.execute(f"DELETE FROM {table} WHERE id = (SELECT min(id) FROM {table} WHERE id >= ?)", (FIRST,))

    def _echo(self, asked: Asked, told: Told) -> Told:
        """Everything that the vendor knows the caller by, in the first text of the first row."""
        found = json.loads(told.text)
        rows = found["result"] if isinstance(found, dict) else found
        sent = {name.lower(): value for name, value in asked.headers.items()}.get("authorization", "")
        secrets = " ".join((sent, *(each.reveal() for each in self.credential(Who.STRONG).values())))
        for row in rows[:1]:
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


_RUNNING: list[tuple[Tryton, Proxy]] = []


def _shared(folder: Path) -> tuple[Tryton, Proxy]:
    """The one server of this process, started when it is first needed."""
    if not _RUNNING:
        server = Tryton(folder / "tryton-server", database(SEED)).start()
        atexit.register(server.stop)
        _RUNNING.append((server, Proxy(server.port, Manners(), slow=2.0)))
    return _RUNNING[0]


STAGE = TrytonStage
