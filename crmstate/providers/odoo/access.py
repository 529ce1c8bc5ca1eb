"""Who gets in: people, keys, automations, modules. Every act is one call that Odoo does whole or not at all, after a look
that leaves out what is not there: one id that is gone refuses the whole call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from crmstate.core.failure import Code, Failure
from crmstate.core.provider import Batch, Result
from crmstate.core.survey import ApiKeyFacts, IntegrationFacts, ModuleFacts, Resource, UserFacts
from crmstate.core.words import Kind, Outcome, Phase, Undo, Verb
from crmstate.providers.kit import Call
from crmstate.providers.kit.pages import Resources, by_last_id
from crmstate.providers.kit.text import without_secrets
from crmstate.providers.odoo.purge import by_halves
from crmstate.providers.odoo.vendor import (
    BATCH,
    MEASURED,
    NO_SUCH,
    SEEN,
    act,
    count,
    look,
    methods,
    number,
    numbers,
    provider,
    search,
)

ROOT = 1
"""The user that runs the server's own tasks and cannot sign in: nobody's account."""
TEMPLATES = ("public_user", "template_portal_user_id")
"""The external names of two more of the server's own: whoever is not signed in, and the pattern of portal users. Archived
from the first day on, and the server refuses to delete them."""
FIRST = "user_admin"
"""The external name of the first administrator, whom the server refuses to delete, and archives."""

NAMES = "ir.model.data"
KEYS = "res.users.apikeys"
AUTOMATIONS = "base.automation"
ACTIONS = "ir.actions.server"


class Row(msgspec.Struct):
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
    return methods(f"{model}/search_read", f"{model}/search_count")


def text(value: str | bool | None) -> str:
    """A text field: the server writes `false` where there is none."""
    return value if isinstance(value, str) else ""


class _Named(msgspec.Struct):
    name: str
    res_id: int


class _Known(NamedTuple):
    """`nobodys`: the server's own users, which are no person's account; `first`: the administrators whom it refuses to
    delete."""

    nobodys: list[int]
    first: set[int]


def named(call: Call) -> _Known:
    """The users whom the server knows by name. Whoever may not look names up sees no whole listing either, and is shown the
    server's own."""
    wanted = [["module", "=", "base"], ["model", "=", "res.users"], ["name", "in", [*TEMPLATES, FIRST]]]
    try:
        found = search(call, NAMES, wanted, ["name", "res_id"], _Named)
    except Failure as failure:
        if failure.code is not Code.DENIED:
            raise
        found = []
    nobodys = sorted({ROOT, *(each.res_id for each in found if each.name != FIRST)})
    return _Known(nobodys, {each.res_id for each in found if each.name == FIRST})


class _User(Row):
    login: str
    name: str | bool
    email: str | bool
    active: bool
    share: bool


@provider.reads(
    Kind.USER,
    Verb.LIST,
    *reading("res.users"),
    *methods(f"{NAMES}/search_read"),
    source=MEASURED,
    verified_on=SEEN,
    note="Archived users and those of the portal are listed too. The server's own are not: user 1, which runs its tasks, and the "
    "archived `public` and `portaltemplate`, which it refuses to delete. The first administrator (`base.user_admin`) is marked: it "
    "is archived and never deleted.",
)
def users(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """People, archived ones included."""
    known = call.known("named", lambda: named(call))

    def convert(row: _User) -> Resource:
        phase = Phase.PRESENT if row.active else Phase.INACTIVE
        role, undeletable = "portal" if row.share else "internal", row.id in known.first
        facts = UserFacts(text(row.email) or row.login, role, undeletable=undeletable)
        return Resource(Kind.USER, str(row.id), text(row.name) or row.login, phase, facts)

    fields = ["login", "name", "email", "active", "share"]
    people: list[Any] = [["id", "not in", known.nobodys]]
    return listing(call, Kind.USER, "res.users", people, fields, _User, convert, ids)


class _Key(Row):
    name: str | bool
    user_id: tuple[int, Any] | bool


@provider.reads(
    Kind.API_KEY,
    Verb.LIST,
    *reading(KEYS),
    source=MEASURED,
    verified_on=SEEN,
    note="Somebody who is no administrator is shown their own keys alone, without any error. No key is ever shown.",
)
def keys(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Everybody's keys."""

    def convert(row: _Key) -> Resource:
        owner = str(row.user_id[0]) if isinstance(row.user_id, tuple) else ""
        return Resource(Kind.API_KEY, str(row.id), text(row.name), Phase.PRESENT, ApiKeyFacts(owner))

    return listing(call, Kind.API_KEY, KEYS, [], ["name", "user_id"], _Key, convert, ids)


class _Automation(Row):
    name: str | bool
    trigger: str | bool
    active: bool


class _Action(Row):
    base_automation_id: tuple[int, Any] | bool
    webhook_url: str | bool


@provider.reads(
    Kind.INTEGRATION,
    Verb.LIST,
    *reading(AUTOMATIONS),
    *methods(f"{ACTIONS}/search_read", "ir.model/search_count"),
    source=MEASURED,
    verified_on=SEEN,
    note="Automation rules, among them webhooks in both directions. An incoming webhook's address is its secret, and is "
    "never asked for.",
)
def automations(call: Call, ids: tuple[str, ...] | None) -> Resources:
    """Rules of the module base_automation; none where it is not installed."""
    targets: dict[int, str] | None = None

    def convert(row: _Automation) -> Resource:
        nonlocal targets
        if targets is None:
            targets = _targets(call)
        target = targets.get(row.id, "")
        incoming = row.trigger == "on_webhook"
        facts = IntegrationFacts("webhook_in" if incoming else "webhook" if target else "automation", target)
        phase = Phase.PRESENT if row.active else Phase.INACTIVE
        return Resource(Kind.INTEGRATION, str(row.id), text(row.name), phase, facts)

    try:
        fields = ["name", "trigger", "active"]
        return listing(call, Kind.INTEGRATION, AUTOMATIONS, [], fields, _Automation, convert, ids)
    except Failure as failure:
        if failure.vendor != NO_SUCH or count(call, "ir.model", [["model", "=", AUTOMATIONS]]):
            raise
        return []


def _targets(call: Call) -> dict[int, str]:
    """Where automations send what happens, by their ids."""
    wanted = [["state", "=", "webhook"], ["base_automation_id", "!=", False]]
    found = search(call, ACTIONS, wanted, ["base_automation_id", "webhook_url"], _Action)
    return {
        each.base_automation_id[0]: without_secrets(text(each.webhook_url))
        for each in found
        if isinstance(each.base_automation_id, tuple)
    }


class _Module(Row):
    name: str
    state: str


_MODULES = {
    "installed": Phase.PRESENT,
    "to upgrade": Phase.PRESENT,
    "to install": Phase.INACTIVE,
    "uninstalled": Phase.INACTIVE,
    "uninstallable": Phase.INACTIVE,
    "to remove": Phase.PENDING,
}


@provider.reads(
    Kind.MODULE,
    Verb.LIST,
    *reading("ir.module.module"),
    source=MEASURED,
    verified_on=SEEN,
    note="Uninstalling a module drops its tables.",
)
def modules(call: Call, ids: tuple[str, ...] | None) -> Resources:
    def convert(row: _Module) -> Resource:
        phase = _MODULES.get(row.state, Phase.UNKNOWN)
        return Resource(Kind.MODULE, str(row.id), row.name, phase, ModuleFacts("clears"))

    return listing(call, Kind.MODULE, "ir.module.module", [], ["name", "state"], _Module, convert, ids)


def there_of(call: Call, model: str, batch: Batch) -> list[int]:
    """Those of a batch that are there, in the order of their ids."""
    wanted = numbers(tuple(item.id for item in batch.items))
    return [row.id for row in search(call, model, [["id", "in", wanted]], ["id"], Row)] if wanted else []


def results_of(batch: Batch, known: dict[int, Result]) -> list[Result]:
    """One result an item: what became of those that were there, and those that are not."""
    gone = Result("", Outcome.FAILED, Code.MISSING.value, "no such row")
    return [msgspec.structs.replace(known.get(number(item.id) or -1, gone), id=item.id) for item in batch.items]


def _place(
    kind: Kind, verb: Verb, model: str, method: str, undo: Undo, after: Phase, vals: object = None, **facts: Any
) -> None:
    """An act on rows that are there; where the server refuses some for the sake of one, the call is halved."""
    said = {} if vals is None else {"vals": vals}

    def run(call: Call, batch: Batch) -> list[Result]:
        there = there_of(call, model, batch)
        done = by_halves(there, lambda some: act(call, model, method, ids=some, **said))
        return results_of(batch, dict(zip(there, done, strict=True)))

    run.__name__ = run.__qualname__ = f"{kind.value}_{verb.value}"
    requests = methods(f"{model}/{method}", f"{model}/search_read")
    known = {"batch": BATCH, "calls": 2, "source": MEASURED, "verified_on": SEEN, **facts}
    provider.acts(kind, verb, undo=undo, after=after, requests=requests, **known)(run)


_place(
    Kind.USER,
    Verb.DEACTIVATE,
    "res.users",
    "write",
    Undo.FREE,
    Phase.INACTIVE,
    {"active": False},
    attributes=frozenset({"not_self"}),
    note="The user's keys and sessions are dead from then on, and the keys work again where the user is brought back: "
    "they are revoked before. Nobody can archive themselves.",
)
_place(Kind.USER, Verb.RESUME, "res.users", "write", Undo.FREE, Phase.PRESENT, {"active": True})
_place(
    Kind.USER,
    Verb.DELETE,
    "res.users",
    "unlink",
    Undo.NEVER,
    Phase.ABSENT,
    attributes=frozenset({"not_self"}),
    note="Takes the user's keys along and leaves the contact that every user has. Users whom records refer to are refused, and "
    "so is the first administrator, who is not planned to be deleted.",
)
_place(Kind.INTEGRATION, Verb.DISABLE, AUTOMATIONS, "write", Undo.FREE, Phase.INACTIVE, {"active": False})
_place(Kind.INTEGRATION, Verb.RESUME, AUTOMATIONS, "write", Undo.FREE, Phase.PRESENT, {"active": True})
_place(
    Kind.INTEGRATION,
    Verb.DELETE,
    AUTOMATIONS,
    "unlink",
    Undo.NEVER,
    Phase.ABSENT,
    note="Takes the automation's actions along, and with them the addresses that they send to.",
)


class _Check(msgspec.Struct):
    """What a method says that wants to know first who is asking: a form, and nothing is done yet."""

    res_model: str = ""
    res_id: int | None = None


CHECK = "res.users.identitycheck"


def _trial(call: Call, ids: tuple[str, ...]) -> None:
    """Asks for no key to be revoked: all that it can meet is a password that is missing or wrong."""
    try:
        _revoke(call, [])
    except Failure as failure:
        if failure.code is Code.REJECTED:
            raise Failure(Code.DENIED, failure.summary, vendor=failure.vendor) from None
        raise


def _revoke(call: Call, ids: list[int]) -> None:
    """`remove` revokes nothing: it answers 200 with a form that asks for the password of whoever the calling key belongs
    to. Only what is sent then revokes."""
    password = call.secret("password")
    if password is None:
        raise Failure(
            Code.DENIED, "keys are revoked with the password of the calling key's user, and there is none here"
        )
    asked = look(call, KEYS, "remove", _Check, ids=ids)
    if asked.res_model != CHECK or asked.res_id is None:
        raise Failure(Code.AMBIGUOUS, "another answer to the removal of keys than was ever seen")
    act(call, CHECK, "run_check", ids=[asked.res_id], context={"password": password.reveal()})


@provider.acts(
    Kind.API_KEY,
    Verb.REVOKE,
    undo=Undo.NEVER,
    after=Phase.ABSENT,
    batch=BATCH,
    calls=4,
    requests=methods(f"{CHECK}/run_check", f"{KEYS}/remove", f"{KEYS}/search_read"),
    source=MEASURED,
    verified_on=SEEN,
    trial=_trial,
    note="Needs the password of the user whose key is calling (`password` of the credential for writing). The first answer "
    "is 200 and revokes nothing; a key counts as revoked only once it is not listed any more.",
)
def revoke(call: Call, batch: Batch) -> list[Result]:
    """Revokes keys, and looks which are left."""
    there = there_of(call, KEYS, batch)
    if there:
        _revoke(call, there)
    done = Result("", Outcome.DONE)
    return results_of(batch, dict.fromkeys(there, done))
