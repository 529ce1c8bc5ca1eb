"""Models, their fields, and who may do what with them: what every model of the vendor's has in common. Which models there are
is `registry`'s matter, what a method does `orm`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...acts import Caller
from ...exchange import Call
from ...world import World
from . import errors, numbers
from .domains import Row, Span, value

SYSTEM, INTERNAL, EVERYBODY, NOBODY = "system", "internal", "everybody", "nobody"
"""Who may: administrators; whoever has an account with any group; every key; nobody at all."""
COMPANY, ROOT = 1, 1
"""The one company's number, and that of the user who is the server itself."""


@dataclass(frozen=True)
class Field:
    """A field as `fields_get` describes it. `store` false: computed when it is read."""

    type: str
    string: str
    relation: str | None = None
    store: bool = True
    required: bool = False
    readonly: bool = False


Rows = Callable[["Env", Span], Iterator[Row]]
Act = Callable[["Env", list[Row], Mapping[str, Any]], Any]
MAGIC = {
    "id": Field("integer", "ID", readonly=True),
    "display_name": Field("char", "Display Name", store=False, readonly=True),
    "create_uid": Field("many2one", "Created by", "res.users", readonly=True),
    "create_date": Field("datetime", "Created on", readonly=True),
    "write_uid": Field("many2one", "Last Updated by", "res.users", readonly=True),
    "write_date": Field("datetime", "Last Updated on", readonly=True),
}
"""What every model has."""


@dataclass(frozen=True)
class Model:
    """A model. `rows`: what the caller sees of it, by id; `count`: all of it, past every rule. `may`: who reads, writes,
    unlinks. `order`: how rows come where nobody says. `methods`: what it has besides the usual ones. `hidden`: which rows a
    search leaves out that mentions none of those fields."""

    name: str
    label: str
    fields: Mapping[str, Field]
    rows: Rows
    count: Callable[[Env], int]
    modules: str = "base"
    may: Mapping[str, str] = field(default_factory=dict)
    write: Act | None = None
    unlink: Act | None = None
    methods: Mapping[str, tuple[Act, frozenset[str]]] = field(default_factory=dict)
    hidden: tuple[Callable[[Row], bool], frozenset[str]] | None = None
    order: str = "id"
    transient: bool = False
    abstract: bool = False
    of: Callable[[str], Model] = field(default=lambda name: _none(name), repr=False)

    @property
    def archives(self) -> bool:
        return "active" in self.fields


def _none(name: str) -> Model:
    raise errors.bad_value(f"KeyError: {name}")


def with_magic(fields: Mapping[str, Field]) -> dict[str, Field]:
    return {**MAGIC, **fields}


class Env:
    """One call's view of the database: who calls, and the models that there are."""

    def __init__(self, call: Call, find: Callable[[Env, str], Model | None]) -> None:
        assert call.caller is not None
        self.call, self.world, self.caller = call, call.world, call.caller
        self._find = find
        self._models: dict[str, Model | None] = {}
        self._names: dict[tuple[str, int], str] = {}
        self.memo: dict[object, Any] = {}
        """What one call finds out once."""

    @cached_property
    def uid(self) -> int:
        return numbers.of(self.world, numbers.USERS, self.caller.user_id) or 0

    @property
    def system(self) -> bool:
        """Whether an administrator calls."""
        return self.caller.role != "member" and bool(self.caller.scopes)

    @property
    def viewer(self) -> str | None:
        """The World's user whose things alone are shown, or None."""
        return self.caller.viewer

    def model(self, name: str) -> Model:
        """Raises `Refused` (404) where there is no such model."""
        if name not in self._models:
            self._models[name] = self._find(self, name)
        found = self._models[name]
        if found is None:
            raise errors.refusal("NotFound", f"the model {name!r} does not exist")
        return found

    def lets(self, operation: str, model: Model) -> bool:
        """Whether the caller's groups let it do this with a model. A key that may not write stands for a user whose groups
        only read; a key without any right for one who is in no group."""
        who = model.may.get(operation, INTERNAL if operation == "read" else SYSTEM)
        if who == EVERYBODY:
            return True
        if who == NOBODY or not self.caller.scopes:
            return False
        if operation != "read" and "write" not in self.caller.scopes:
            return False
        given: list[str] = self.world.traits.get("members_read", [])
        return self.system or who == INTERNAL or (operation == "read" and model.name in given)

    def check(self, operation: str, model: Model) -> None:
        if not self.lets(operation, model):
            raise errors.denied(operation, model.label, model.name)

    def related(self, model: str, number: int) -> Row | None:
        """A row by its number, as the server itself sees it."""
        everything = _as_server(self)
        found = everything.model(model)
        return next(found.rows(everything, Span(only=frozenset((number,)))), None)

    def name_of(self, model: str, number: int) -> str:
        """What a row is called where another refers to it."""
        if (model, number) not in self._names:
            row = self.related(model, number)
            self._names[model, number] = f"{model},{number}" if row is None else title(row)
        return self._names[model, number]


def _as_server(env: Env) -> Env:
    """The same database, seen by one who sees everything."""
    if env.system:
        return env
    if _as_server in env.memo:
        found: Env = env.memo[_as_server]
        return found
    caller = env.caller
    strong = Caller(caller.key_id, caller.key_name, ("read", "write"), caller.user_id, caller.email, "admin")
    call = Call(env.world, env.call.request, env.call.seq, env.call.fired, strong)
    env.memo[_as_server] = Env(call, env._find)
    return _as_server(env)


def title(row: Row) -> str:
    """How a row shows itself."""
    for name in ("display_name", "complete_name", "name", "login"):
        if found := value(row, name):
            return str(found)
    return str(row["id"])


def moment(time: str | None) -> str | bool:
    """A time of the World's as the vendor writes it: UTC, without its letters."""
    return time.replace("T", " ").removesuffix("Z")[:19] if time else False


def counted(world: World, sql: str, *values: object) -> int:
    return int(world.one(sql, *values)[0])
