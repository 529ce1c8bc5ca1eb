"""Who gets in: people, keys, sessions, triggers. Every act is one call that Tryton does whole or not at all, after a
look that leaves out what is done already: cancelling a cancelled key, and writing to a user who is not there, refuse
the whole call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from crmstate.core.failure import Code
from crmstate.core.provider import Batch, Result
from crmstate.core.survey import (
    ApiKeyFacts,
    IntegrationFacts,
    ModuleFacts,
    Resource,
    SessionFacts,
    UserFacts,
)
from crmstate.core.words import Kind, Outcome, Phase, Undo, Verb
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import Resources, by_last_id
from crmstate.providers.tryton.vendor import (
    BATCH,
    MEASURED,
    SEEN,
    act,
    count,
    methods,
    number,
    numbers,
    provider,
    search,
)

PEOPLE: list[Any] = [["id", ">", 0]]
"""Root, user 0, runs the server's own tasks and cannot log in: nobody's account, and nothing to bring back."""


class _Row(msgspec.Struct):
    id: int


def listing(
    call: Call,
    kind: Kind,
    model: str,
    domain: list[Any],
    fields: list[str],
    into: type[Any],
    convert: Callable[[Any], Resource],
    ids: tuple[str, ...] | None,
) -> Resources:
    """All rows page by page, each from the last id on, until a page has none; then counted."""
    if ids is not None:
        domain = [*domain, ["id", "in", numbers(ids)]]

    def ask(last: str | None) -> list[Any]:
        after = [["id", ">", int(last)]] if last else []
        return search(call, model, [*domain, *after], fields, into, limit=call.page)

    return by_last_id(kind, ask, lambda row: str(row.id), convert, lambda: count(call, model, domain))


def reading(model: str) -> tuple[str, ...]:
    """The requests of a listing."""
    return methods(f"model.{model}.search_read", f"model.{model}.search_count")


class _User(_Row):
    login: str
    name: str | None
    email: str | None
    active: bool | int | None


@provider.reads(
    Kind.USER,
    Verb.LIST,
    *reading("res.user"),
    source=MEASURED,
    verified_on=SEEN,
    note="Inactive users are listed too. Users that directories or modules bring appear when they first log in.",
)
def users(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """People, inactive ones included."""

    def convert(row: _User) -> Resource:
        phase = Phase.PRESENT if row.active else Phase.INACTIVE
        return Resource(Kind.USER, str(row.id), row.name or row.login, phase, UserFacts(row.email or ""))

    return listing(call, Kind.USER, "res.user", PEOPLE, ["login", "name", "email", "active"], _User, convert, ids)


class _Key(_Row):
    user: int | None
    application: str | None
    state: str


_KEYS = {"requested": Phase.PRESENT, "validated": Phase.PRESENT, "cancelled": Phase.ABSENT}


@provider.reads(
    Kind.API_KEY,
    Verb.LIST,
    *reading("res.user.application"),
    source=MEASURED,
    verified_on=SEEN,
    note="The listing would show every key in clear (the field `key`, and `rec_name`): neither is ever asked for.",
)
def keys(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Everybody's keys; a requested one can be let in at any time, a cancelled one never again."""

    def convert(row: _Key) -> Resource:
        owner = "" if row.user is None else str(row.user)
        label = f"{row.application or '?'} {row.id}"
        return Resource(Kind.API_KEY, str(row.id), label, _KEYS.get(row.state, Phase.UNKNOWN), ApiKeyFacts(owner))

    fields = ["user", "application", "state"]
    return listing(call, Kind.API_KEY, "res.user.application", [], fields, _Key, convert, ids)


class _Guest(_Row):
    login: str
    sessions: int


@provider.reads(
    Kind.SESSION,
    Verb.LIST,
    *reading("res.user"),
    source=MEASURED,
    verified_on=SEEN,
    note="Tryton shows how many sessions a user has, not which: one row a user who has any, with the user's id.",
)
def sessions(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Whoever is logged in."""

    def convert(row: _Guest) -> Resource:
        phase = Phase.PRESENT if row.sessions else Phase.ABSENT
        return Resource(Kind.SESSION, str(row.id), row.login, phase, SessionFacts(str(row.id)))

    return listing(call, Kind.SESSION, "res.user", PEOPLE, ["login", "sessions"], _Guest, convert, ids)


class _Trigger(_Row):
    name: str | None
    action: str | None
    active: bool | int | None


@provider.reads(
    Kind.INTEGRATION,
    Verb.LIST,
    *reading("ir.trigger"),
    source=MEASURED,
    verified_on=SEEN,
    note="Triggers. Tryton has no webhooks or OAuth apps of its own; scheduled actions belong to the server's modules.",
)
def triggers(call: Call, ids: tuple[str, ...] | None) -> Resources:
    def convert(row: _Trigger) -> Resource:
        facts = IntegrationFacts("trigger", row.action or "")
        phase = Phase.PRESENT if row.active else Phase.INACTIVE
        return Resource(Kind.INTEGRATION, str(row.id), row.name or "", phase, facts)

    fields = ["name", "action", "active"]
    return listing(call, Kind.INTEGRATION, "ir.trigger", [], fields, _Trigger, convert, ids)


class _Module(_Row):
    name: str
    state: str


_MODULES = {
    "activated": Phase.PRESENT,
    "to upgrade": Phase.PRESENT,
    "to activate": Phase.INACTIVE,
    "not activated": Phase.INACTIVE,
    "to remove": Phase.PENDING,
}


@provider.reads(Kind.MODULE, Verb.LIST, *reading("ir.module"), source=MEASURED, verified_on=SEEN)
def modules(call: Call, ids: tuple[str, ...] | None) -> Resources:
    def convert(row: _Module) -> Resource:
        phase = _MODULES.get(row.state, Phase.UNKNOWN)
        return Resource(Kind.MODULE, str(row.id), row.name, phase, ModuleFacts("unknown"))

    return listing(call, Kind.MODULE, "ir.module", [], ["name", "state"], _Module, convert, ids)


def outcomes(batch: Batch, there: set[int], done: Outcome = Outcome.DONE) -> list[Result]:
    """One result an item: those that were there, and those that are not."""
    return [
        Result(item.id, done)
        if number(item.id) in there
        else Result(item.id, Outcome.FAILED, Code.MISSING.value, "no such row")
        for item in batch.items
    ]


def _act(call: Call, batch: Batch, model: str, method: str, *params: object, among: list[Any]) -> list[Result]:
    """Calls a method with those of the batch that are `among` the rows it fits; the others that are there are so
    already."""
    wanted: list[Any] = [["id", "in", numbers(tuple(item.id for item in batch.items))]]
    there = {row.id for row in search(call, model, wanted, ["id"], _Row)}
    fit = [row.id for row in search(call, model, [*wanted, *among], ["id"], _Row)] if among else sorted(there)
    if fit:
        act(call, f"model.{model}.{method}", fit, *params)
    return outcomes(batch, there)


def _place(
    kind: Kind,
    verb: Verb,
    model: str,
    method: str,
    *params: object,
    among: list[Any],
    undo: Undo,
    after: Phase,
    **facts: Any,
) -> None:
    def run(call: Call, batch: Batch) -> list[Result]:
        return _act(call, batch, model, method, *params, among=among)

    run.__name__ = run.__qualname__ = f"{kind.value}_{verb.value}"
    requests = methods(f"model.{model}.{method}", f"model.{model}.search_read")
    known = {"batch": BATCH, "calls": 3, "source": MEASURED, "verified_on": SEEN, **facts}
    provider.acts(kind, verb, undo=undo, after=after, requests=requests, **known)(run)


_place(
    Kind.USER,
    Verb.DEACTIVATE,
    "res.user",
    "write",
    {"active": False},
    among=[],
    undo=Undo.FREE,
    after=Phase.INACTIVE,
    attributes=frozenset({"keys_outlive"}),
    note="Sessions end at once. The user's keys go on working, for reading and writing: they are cancelled before.",
)
_place(
    Kind.USER,
    Verb.RESUME,
    "res.user",
    "write",
    {"active": True},
    among=[],
    undo=Undo.FREE,
    after=Phase.PRESENT,
)
_place(
    Kind.SESSION,
    Verb.SIGN_OUT,
    "res.user",
    "write",
    {"active": True},
    among=[["active", "=", True]],
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    note="Writing to `active` ends a user's sessions, whatever is written; only users who are active are written to.",
)
_place(
    Kind.API_KEY,
    Verb.REVOKE,
    "res.user.application",
    "cancel",
    among=[["state", "!=", "cancelled"]],
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    note="From then on the key is answered with 401.",
)
_place(
    Kind.INTEGRATION,
    Verb.DISABLE,
    "ir.trigger",
    "write",
    {"active": False},
    among=[],
    undo=Undo.FREE,
    after=Phase.INACTIVE,
)
_place(
    Kind.INTEGRATION,
    Verb.RESUME,
    "ir.trigger",
    "write",
    {"active": True},
    among=[],
    undo=Undo.FREE,
    after=Phase.PRESENT,
)
_place(
    Kind.INTEGRATION,
    Verb.DELETE,
    "ir.trigger",
    "delete",
    among=[],
    undo=Undo.NEVER,
    after=Phase.ABSENT,
)
